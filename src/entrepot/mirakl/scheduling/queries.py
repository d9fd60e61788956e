"""Every SQL statement of the scheduler."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.orders.driving_queries import CHANNEL

_ADD = text(
    """
    INSERT INTO mirakl.account_work (account_id, work, next_at)
    SELECT a.id, named.work, :at
    FROM mirakl.accounts AS a CROSS JOIN unnest(CAST(:works AS text[])) AS named (work)
    WHERE a.is_active AND NOT EXISTS (
        SELECT FROM mirakl.account_work AS w WHERE w.account_id = a.id AND w.work = named.work)
    ON CONFLICT (account_id, work) DO NOTHING
    """
)
_LEASE = text(
    """
    WITH due AS (
        SELECT w.account_id, w.work
        FROM mirakl.account_work AS w JOIN mirakl.accounts AS a ON a.id = w.account_id
        WHERE w.next_at <= :at AND (w.lease_until IS NULL OR w.lease_until <= :at)
          AND w.work = ANY (CAST(:works AS text[])) AND a.is_active
          AND (CAST(:account_id AS uuid) IS NULL OR w.account_id = :account_id)
        ORDER BY w.next_at
        LIMIT :limit
        FOR UPDATE OF w SKIP LOCKED
    )
    UPDATE mirakl.account_work AS w SET leased_by = :worker, lease_until = :lease_until
    FROM due WHERE w.account_id = due.account_id AND w.work = due.work
    RETURNING w.account_id, w.work, w.failures
    """
)
_DONE = text(
    """
    UPDATE mirakl.account_work
    SET next_at = :next_at, leased_by = NULL, lease_until = NULL, last_at = :at, failures = 0, last_error = NULL
    WHERE account_id = :account_id AND work = :work AND leased_by = :worker
    RETURNING work
    """
)
_FAILED = text(
    """
    UPDATE mirakl.account_work
    SET next_at = :next_at, leased_by = NULL, lease_until = NULL, failures = failures + 1, last_error = :error
    WHERE account_id = :account_id AND work = :work AND leased_by = :worker
    RETURNING failures
    """
)
_HASTEN = text(
    """
    UPDATE mirakl.account_work SET next_at = :at
    WHERE account_id = :account_id AND work = :work
    RETURNING work, pg_notify(:channel, '')
    """
)
_ALL = text(
    """
    SELECT work, next_at, leased_by, lease_until, last_at, failures, last_error
    FROM mirakl.account_work WHERE account_id = :account_id ORDER BY work
    """
)
_NEXT = text(
    """
    SELECT min(greatest(w.next_at, coalesce(w.lease_until, w.next_at)))
    FROM mirakl.account_work AS w JOIN mirakl.accounts AS a ON a.id = w.account_id
    WHERE a.is_active AND w.work = ANY (CAST(:works AS text[]))
    """
)


async def add_work(session: AsyncSession, works: Sequence[str], at: datetime) -> None:
    """Make sure that every active account has its work; spans accounts."""
    await session.execute(_ADD, {"works": list(works), "at": at})


async def lease_work(
    session: AsyncSession,
    works: Sequence[str],
    *,
    at: datetime,
    lease_until: datetime,
    worker: str,
    account_id: UUID | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Take work that is due, the longest overdue first; what another worker is at is left to it."""
    values: dict[str, Any] = {
        "works": list(works),
        "at": at,
        "lease_until": lease_until,
        "worker": worker,
        "account_id": account_id,
        "limit": limit,
    }
    return (await session.execute(_LEASE, values)).mappings().all()


async def work_done(
    session: AsyncSession, account_id: UUID, work: str, *, worker: str, at: datetime, next_at: datetime
) -> bool:
    """Say that work went well, and when it is next; False when the lease had run out and somebody else has it."""
    values = {"account_id": account_id, "work": work, "worker": worker, "at": at, "next_at": next_at}
    return (await session.execute(_DONE, values)).first() is not None


async def work_failed(
    session: AsyncSession, account_id: UUID, work: str, *, worker: str, error: str, next_at: datetime
) -> int | None:
    """Say that work failed; how often in a row, None when somebody else has it by now."""
    values = {"account_id": account_id, "work": work, "worker": worker, "error": error, "next_at": next_at}
    found: int | None = (await session.execute(_FAILED, values)).scalar_one_or_none()
    return found


async def hasten(session: AsyncSession, account_id: UUID, work: str, at: datetime) -> bool:
    """Make work due; False where the account has no such work."""
    values = {"account_id": account_id, "work": work, "at": at, "channel": CHANNEL}
    return (await session.execute(_HASTEN, values)).first() is not None


async def select_work(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The work of an account: when it was last done, what is next, what goes wrong."""
    return (await session.execute(_ALL, {"account_id": account_id})).mappings().all()


async def select_next(session: AsyncSession, works: Sequence[str]) -> datetime | None:
    """When the next work is due; None where there is none."""
    found: datetime | None = (await session.execute(_NEXT, {"works": list(works)})).scalar_one()
    return found
