"""Every SQL statement of the driver: what is due, leases, and putting off."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

#: Where resting workers hear that something became due, so that no worker rests while another has too much in hand.
CHANNEL = "entrepot_mirakl"

_RING = text("SELECT pg_notify(:channel, '')")
# Read along the index of what is due, oldest first; what others hold is passed over, and is never more than they have
# in hand. The account's state is asked of the few that are taken.
LEASE_DUE = text(
    """
    WITH due AS (
        SELECT o.account_id, o.order_id
        FROM mirakl.orders AS o
        WHERE o.next_attempt_at <= :due_at
          AND (o.lease_until IS NULL OR o.lease_until <= :at)
          AND (CAST(:account_id AS uuid) IS NULL OR o.account_id = :account_id)
          AND (CAST(:order_id AS text) IS NULL OR o.order_id = :order_id)
          AND EXISTS (SELECT FROM mirakl.accounts AS a WHERE a.id = o.account_id AND a.is_active)
        ORDER BY o.next_attempt_at
        LIMIT :limit
        FOR UPDATE OF o SKIP LOCKED
    ), taken AS (
        UPDATE mirakl.orders AS o SET leased_by = :worker, lease_until = :lease_until
        FROM due WHERE o.account_id = due.account_id AND o.order_id = due.order_id
        RETURNING o.account_id, o.order_id, o.attempts, o.next_attempt_at
    )
    SELECT taken.account_id, taken.order_id, taken.attempts, latest.step, latest.status
    FROM taken LEFT JOIN LATERAL (
        SELECT h.step, h.status FROM mirakl.order_status_history AS h
        WHERE h.account_id = taken.account_id AND h.order_id = taken.order_id
        ORDER BY h.step DESC LIMIT 1
    ) AS latest ON true
    ORDER BY taken.next_attempt_at
    """
)
# Only by whom it was taken, and only at the step at which it was taken: who comes too late changes nothing.
_REST = text(
    """
    UPDATE mirakl.orders AS o
    SET next_attempt_at = :next_attempt_at, attempts = CASE WHEN :counts THEN o.attempts + 1 ELSE o.attempts END,
        leased_by = NULL, lease_until = NULL
    WHERE o.account_id = :account_id AND o.order_id = :order_id
      AND o.leased_by = :worker
      AND :step = (SELECT coalesce(max(h.step), 0) FROM mirakl.order_status_history AS h
                   WHERE h.account_id = o.account_id AND h.order_id = o.order_id)
    RETURNING o.order_id
    """
)
_WAKE = text(
    """
    UPDATE mirakl.orders SET next_attempt_at = :at, attempts = 0
    WHERE account_id = :account_id AND order_id = :order_id
    RETURNING order_id, pg_notify(:channel, '')
    """
)
_GIVE_BACK = text(
    """
    UPDATE mirakl.orders SET leased_by = NULL, lease_until = NULL
    WHERE account_id = :account_id AND order_id = :order_id AND leased_by = :worker
    """
)
# What a worker has in hand is its own; an account that is switched off has nothing due.
_NEXT_DUE = text(
    """
    SELECT o.next_attempt_at
    FROM mirakl.orders AS o
    WHERE o.next_attempt_at IS NOT NULL AND (o.lease_until IS NULL OR o.lease_until <= o.next_attempt_at)
      AND EXISTS (SELECT FROM mirakl.accounts AS a WHERE a.id = o.account_id AND a.is_active)
    ORDER BY o.next_attempt_at
    LIMIT 1
    """
)


async def ring(session: AsyncSession) -> None:
    """Wake the workers that rest, once the transaction is committed; many rings of one transaction are one."""
    await session.execute(_RING, {"channel": CHANNEL})


async def lease_due(
    session: AsyncSession,
    *,
    due_at: datetime,
    at: datetime,
    lease_until: datetime,
    worker: str,
    account_id: UUID | None,
    order_id: str | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Take up to `limit` orders whose step is due, oldest first; spans accounts unless one is named."""
    values = {
        "due_at": due_at,
        "at": at,
        "lease_until": lease_until,
        "worker": worker,
        "account_id": account_id,
        "order_id": order_id,
        "limit": limit,
    }
    return (await session.execute(LEASE_DUE, values)).mappings().all()


async def put_off(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    *,
    step: int,
    worker: str,
    next_attempt_at: datetime | None,
    counts: bool,
) -> bool:
    """Say when the step of an order is to be tried (again), and end its lease; False when it has moved on."""
    values = {
        "account_id": account_id,
        "order_id": order_id,
        "step": step,
        "worker": worker,
        "next_attempt_at": next_attempt_at,
        "counts": counts,
    }
    return (await session.execute(_REST, values)).first() is not None


async def wake(session: AsyncSession, account_id: UUID, order_id: str, at: datetime) -> bool:
    """Make the step of an order due; False where there is no such order."""
    values = {"account_id": account_id, "order_id": order_id, "at": at, "channel": CHANNEL}
    return (await session.execute(_WAKE, values)).first() is not None


async def give_back(session: AsyncSession, account_id: UUID, order_id: str, worker: str) -> None:
    """End the lease of an order, if the worker still has it."""
    await session.execute(_GIVE_BACK, {"account_id": account_id, "order_id": order_id, "worker": worker})


async def select_next_due(session: AsyncSession) -> datetime | None:
    """When the next step is due that nobody has in hand; None when nothing is. Spans accounts."""
    found: datetime | None = (await session.execute(_NEXT_DUE)).scalar_one_or_none()
    return found
