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
    UPDATE mirakl.orders
    SET next_attempt_at = :next_attempt_at, leased_by = NULL, lease_until = NULL
    WHERE account_id = :account_id AND order_id = :order_id
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


async def insert_step(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Append a step, and note when the next may be taken."""
    await session.execute(_APPEND, dict(values))


async def select_history(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """Every step of an order, oldest first."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_HISTORY, values)).mappings().all()
