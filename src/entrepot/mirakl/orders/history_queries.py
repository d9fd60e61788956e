"""Every SQL statement about the history of orders."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_LOCK = text("SELECT 1 FROM mirakl.orders WHERE account_id = :account_id AND order_id = :order_id FOR UPDATE")
_CURRENT = text(
    """
    SELECT step, status, timestamp FROM mirakl.order_status
    WHERE account_id = :account_id AND order_id = :order_id
    """
)
_APPEND = text(
    """
    WITH step AS (
        INSERT INTO mirakl.order_status_history
            (account_id, order_id, step, status, previous_status, actor_type, actor, notes, timestamp)
        VALUES (:account_id, :order_id, :step, :status, :previous_status, :actor_type, :actor, :notes, :at)
    )
    UPDATE mirakl.orders AS o
    SET next_attempt_at = :next_attempt_at, attempts = 0, leased_by = NULL, lease_until = NULL
    WHERE o.account_id = :account_id AND o.order_id = :order_id
    RETURNING jsonb_build_object(
        'order_id', o.order_id,
        'status', CAST(:status AS text),
        'previous_status', CAST(:previous_status AS text),
        'step', CAST(:step AS integer),
        'actor_type', CAST(:actor_type AS text),
        'actor', CAST(:actor AS text),
        'notes', CAST(:notes AS text),
        'mirakl_state', o.mirakl_state,
        'commercial_id', o.commercial_id,
        'customer_id', o.customer_id,
        'currency', o.currency_code,
        'total_price', o.total_price,
        'shipping_price', o.shipping_price,
        'total_commission', o.total_commission,
        'ordered_at', o.order_created_at,
        'lines', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'order_line_id', l.order_line_id, 'sku', l.sku, 'variant_id', l.variant_id,
                       'quantity', l.quantity, 'price', l.price, 'commission', l.commission, 'taxes', l.taxes,
                       'decision', l.decision) ORDER BY l.order_line_id), '[]')
            FROM mirakl.order_lines AS l WHERE l.account_id = o.account_id AND l.order_id = o.order_id))
    """
)
_HISTORY = text(
    """
    SELECT history_id, step, status, previous_status, actor_type, actor, notes, timestamp
    FROM mirakl.order_status_history
    WHERE account_id = :account_id AND order_id = :order_id
    ORDER BY step
    """
)


async def lock_order(session: AsyncSession, account_id: UUID, order_id: str) -> bool:
    """Hold an order until the end of the transaction; False where there is none."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_LOCK, values)).first() is not None


async def select_current(session: AsyncSession, account_id: UUID, order_id: str) -> RowMapping | None:
    """The latest step of an order."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_CURRENT, values)).mappings().first()


async def insert_step(session: AsyncSession, values: Mapping[str, Any]) -> dict[str, Any]:
    """Append a step, and note when the next may be taken; what its event tells: no personal data."""
    told: dict[str, Any] = (await session.execute(_APPEND, dict(values))).scalar_one()
    return told


async def select_history(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """Every step of an order, oldest first."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_HISTORY, values)).mappings().all()
