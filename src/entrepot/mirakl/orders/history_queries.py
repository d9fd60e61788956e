"""Every SQL statement about the history of orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_LOCK = text("SELECT 1 FROM mirakl.orders WHERE account_id = :account_id AND order_id = :order_id FOR UPDATE")
_CURRENT = text(
    """
    SELECT step, status, timestamp FROM mirakl.order_status
    WHERE account_id = :account_id AND order_id = :order_id
    """
)
# What the event of a step tells: no personal data.
_TOLD = """
    jsonb_build_object(
        'order_id', o.order_id,
        'status', CAST(s.status AS text),
        'previous_status', CAST(s.previous_status AS text),
        'step', s.step,
        'actor_type', CAST(s.actor_type AS text),
        'actor', CAST(s.actor AS text),
        'notes', CAST(s.notes AS text),
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
            FROM mirakl.order_lines AS l WHERE l.account_id = o.account_id AND l.order_id = o.order_id)) AS told
"""
_KEPT = """
    o.leased_by = CAST(:worker AS text) AND given.next_attempt_at IS NOT NULL
    AND EXISTS (SELECT FROM mirakl.accounts AS a WHERE a.id = :account_id AND a.is_active)
"""
# One statement for any number of orders, a step each, but those that have taken that step already. An order stays in the
# hand of the worker that moves it where that has it still, there is a step to do, and the account is not switched off;
# else its lease ends.
_APPEND = text(
    f"""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:steps AS jsonb)) AS one
            (order_id text, step integer, status text, previous_status text, actor_type text, actor text, notes text,
             next_attempt_at timestamptz)
        WHERE NOT EXISTS (
            SELECT FROM mirakl.order_status_history AS h
            WHERE h.account_id = :account_id AND h.order_id = one.order_id AND h.step >= one.step)
    ), s AS (
        INSERT INTO mirakl.order_status_history
            (account_id, order_id, step, status, previous_status, actor_type, actor, notes, timestamp)
        SELECT :account_id, given.order_id, given.step, given.status, given.previous_status, given.actor_type,
               given.actor, given.notes, :at
        FROM given ORDER BY given.order_id
        RETURNING order_id, step, status, previous_status, actor_type, actor, notes
    ), settled AS (
        UPDATE mirakl.process_failures AS f
        SET state = 'resolved', resolved_at = :at, resolution = over.resolution, next_attempt_at = NULL
        FROM jsonb_to_recordset(CAST(:settled AS jsonb)) AS over (order_id text, process_name text, resolution text)
        WHERE f.account_id = :account_id AND f.related_id = over.order_id AND f.process_name = over.process_name
          AND f.state <> 'resolved'
    )
    UPDATE mirakl.orders AS o
    SET next_attempt_at = given.next_attempt_at, attempts = 0,
        leased_by = CASE WHEN {_KEPT} THEN o.leased_by END,
        lease_until = CASE WHEN {_KEPT} THEN CAST(:lease_until AS timestamptz) END
    FROM given JOIN s USING (order_id)
    WHERE o.account_id = :account_id AND o.order_id = given.order_id
    RETURNING o.order_id, o.leased_by IS NOT NULL AS is_kept, {_TOLD}
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


async def insert_steps(
    session: AsyncSession,
    account_id: UUID,
    steps: str,
    *,
    settled: str,
    at: datetime,
    worker: str | None,
    lease_until: datetime | None,
) -> dict[str, Row[Any]]:
    """Append a step (of a JSON array) to each of some orders, note when the next may be taken, resolve failures.

    By order, without those that have taken the step before: `told`, what its event tells (no personal data), and
    `is_kept`, whether `worker` has it until `lease_until`.
    """
    values = {
        "account_id": account_id,
        "steps": steps,
        "settled": settled,
        "at": at,
        "worker": worker,
        "lease_until": lease_until,
    }
    return {row.order_id: row for row in await session.execute(_APPEND, values)}


async def select_history(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """Every step of an order, oldest first."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_HISTORY, values)).mappings().all()
