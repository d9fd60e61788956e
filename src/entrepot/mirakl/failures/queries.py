"""Every SQL statement about calls to outside services and about failures."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_INSERT_CALL = text(
    """
    INSERT INTO mirakl.api_calls (account_id, timestamp, service, operation, method, endpoint, related_id,
                                  request_payload, response_body, response_bytes, status_code, is_success, outcome,
                                  duration_ms, trace_id)
    VALUES (:account_id, :timestamp, :service, :operation, :method, :endpoint, :related_id,
            CAST(:request_payload AS jsonb), :response_body, :response_bytes, :status_code, :is_success, :outcome,
            :duration_ms, :trace_id)
    """
)
_CALL_COLUMNS = (
    "call_id, timestamp, service, operation, method, endpoint, related_id, request_payload, response_body, "
    "response_bytes, status_code, is_success, outcome, duration_ms, trace_id"
)
_CALLS = text(
    f"""
    SELECT {_CALL_COLUMNS}
    FROM mirakl.api_calls
    WHERE account_id = :account_id
      AND (CAST(:related_ids AS text[]) IS NULL OR related_id = ANY (CAST(:related_ids AS text[])))
      AND (CAST(:service AS text) IS NULL OR service = :service)
      AND (NOT :failed_only OR NOT is_success)
      AND (CAST(:before AS timestamptz) IS NULL OR timestamp < :before)
    ORDER BY timestamp DESC, call_id DESC
    LIMIT :limit
    """
)
_FAILURE_COLUMNS = (
    "failure_id, account_id, related_id, order_id, process_name, kind, details, next_step, payload, state, times, "
    "next_attempt_at, resolved_at, resolved_by, resolution, timestamp, updated_at"
)
# What fails again while it is still open is one failure that happened more often, with the newest words.
_FAIL = text(
    """
    INSERT INTO mirakl.process_failures AS known
        (account_id, related_id, order_id, process_name, kind, details, next_step, payload, next_attempt_at, timestamp)
    VALUES (:account_id, :related_id, :order_id, :process_name, :kind, :details, :next_step,
            CAST(:payload AS jsonb), coalesce(:next_attempt_at, CAST(:first_attempt_at AS timestamptz)), :at)
    ON CONFLICT (account_id, process_name, related_id) WHERE state <> 'resolved' DO UPDATE
    SET times = known.times + 1, kind = excluded.kind, details = excluded.details, next_step = excluded.next_step,
        payload = excluded.payload, state = 'open', order_id = coalesce(excluded.order_id, known.order_id),
        next_attempt_at = CASE
            WHEN NOT :automatic THEN CAST(:next_attempt_at AS timestamptz)
            WHEN known.times < :most_times THEN greatest(
                CAST(:next_attempt_at AS timestamptz),
                :at + least(:first_pause * power(2, known.times), :longest_pause) * interval '1 second')
        END
    RETURNING failure_id
    """
)
_RESOLVE = text(
    """
    UPDATE mirakl.process_failures
    SET state = 'resolved', resolved_at = :at, resolved_by = :by, resolution = :resolution, next_attempt_at = NULL
    WHERE account_id = :account_id AND failure_id = :failure_id AND state <> 'resolved'
    RETURNING failure_id
    """
)
_RESOLVE_OF = text(
    """
    UPDATE mirakl.process_failures
    SET state = 'resolved', resolved_at = :at, resolution = :resolution, next_attempt_at = NULL
    WHERE account_id = :account_id AND related_id = :related_id AND state <> 'resolved'
      AND process_name = ANY (CAST(:process_names AS text[]))
    RETURNING failure_id
    """
)
# While it is being tried again, `next_attempt_at` is when it is given up waiting to hear of it.
_BEGIN_RETRY = text(
    f"""
    UPDATE mirakl.process_failures SET state = 'retrying', next_attempt_at = :give_up_at
    WHERE account_id = :account_id AND failure_id = :failure_id AND state = 'open'
    RETURNING {_FAILURE_COLUMNS}
    """
)
_REOPEN = text(
    """
    UPDATE mirakl.process_failures SET state = 'open', next_attempt_at = NULL
    WHERE account_id = :account_id AND failure_id = :failure_id AND state = 'retrying' AND next_attempt_at <= :at
    RETURNING failure_id
    """
)
_POSTPONE = text(
    """
    UPDATE mirakl.process_failures SET next_attempt_at = :until
    WHERE account_id = :account_id AND failure_id = :failure_id AND state = 'open'
    """
)
_LEAVE = text(
    """
    UPDATE mirakl.process_failures SET next_attempt_at = NULL
    WHERE account_id = :account_id AND failure_id = :failure_id AND state = 'open'
    """
)
_FAILURE = text(
    f"SELECT {_FAILURE_COLUMNS} FROM mirakl.process_failures "
    "WHERE account_id = :account_id AND failure_id = :failure_id"
)
_FAILURES = text(
    f"""
    SELECT {_FAILURE_COLUMNS}
    FROM mirakl.process_failures
    WHERE account_id = :account_id
      AND (CAST(:states AS text[]) IS NULL OR state = ANY (CAST(:states AS text[])))
      AND (CAST(:order_id AS text) IS NULL OR order_id = :order_id OR related_id = :order_id)
      AND (CAST(:before AS timestamptz) IS NULL OR timestamp < :before)
    ORDER BY timestamp DESC, failure_id DESC
    LIMIT :limit
    """
)
_DUE = text(
    """
    SELECT account_id, failure_id, state
    FROM mirakl.process_failures
    WHERE state <> 'resolved' AND next_attempt_at <= :at
    ORDER BY next_attempt_at
    LIMIT :limit
    """
)


async def insert_calls(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the records of calls."""
    await session.execute(_INSERT_CALL, [dict(row) for row in rows])


async def select_calls(
    session: AsyncSession,
    account_id: UUID,
    *,
    related_ids: Sequence[str] | None = None,
    service: str | None = None,
    failed_only: bool = False,
    before: datetime | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """Calls, newest first."""
    values = {
        "account_id": account_id,
        "related_ids": list(related_ids) if related_ids is not None else None,
        "service": service,
        "failed_only": failed_only,
        "before": before,
        "limit": limit,
    }
    return (await session.execute(_CALLS, values)).mappings().all()


async def insert_failure(session: AsyncSession, values: Mapping[str, Any]) -> UUID:
    """Put a failure into the inbox, or count one more of what is open there already."""
    found: UUID = (await session.execute(_FAIL, dict(values))).scalar_one()
    return found


async def update_resolved(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Mark a failure as resolved; False when it was resolved before, or is not there."""
    return (await session.execute(_RESOLVE, dict(values))).first() is not None


async def update_resolved_of(session: AsyncSession, values: Mapping[str, Any]) -> int:
    """Mark the open failures of some steps of a thing as resolved; how many."""
    return len((await session.execute(_RESOLVE_OF, dict(values))).all())


async def update_retrying(
    session: AsyncSession, account_id: UUID, failure_id: UUID, give_up_at: datetime
) -> RowMapping | None:
    """Take an open failure for a retry; None when it is not open (any more)."""
    values = {"account_id": account_id, "failure_id": failure_id, "give_up_at": give_up_at}
    return (await session.execute(_BEGIN_RETRY, values)).mappings().first()


async def update_reopened(session: AsyncSession, account_id: UUID, failure_id: UUID, at: datetime) -> bool:
    """Open a failure again whose retry was never heard of; False when it was."""
    values = {"account_id": account_id, "failure_id": failure_id, "at": at}
    return (await session.execute(_REOPEN, values)).first() is not None


async def update_postponed(
    session: AsyncSession, account_id: UUID, failure_id: UUID, until: datetime
) -> None:
    """Have an open failure be due later."""
    values = {"account_id": account_id, "failure_id": failure_id, "until": until}
    await session.execute(_POSTPONE, values)


async def update_left(session: AsyncSession, account_id: UUID, failure_id: UUID) -> None:
    """Have an open failure wait for a person."""
    await session.execute(_LEAVE, {"account_id": account_id, "failure_id": failure_id})


async def select_failure(session: AsyncSession, account_id: UUID, failure_id: UUID) -> RowMapping | None:
    """One failure."""
    values = {"account_id": account_id, "failure_id": failure_id}
    return (await session.execute(_FAILURE, values)).mappings().first()


async def select_failures(
    session: AsyncSession,
    account_id: UUID,
    *,
    states: Sequence[str] | None = ("open", "retrying"),
    order_id: str | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """Failures, newest first."""
    values = {
        "account_id": account_id,
        "states": list(states) if states is not None else None,
        "order_id": order_id,
        "before": before,
        "limit": limit,
    }
    return (await session.execute(_FAILURES, values)).mappings().all()


async def select_due(session: AsyncSession, at: datetime, limit: int) -> Sequence[RowMapping]:
    """Failures that are to be tried again by themselves; spans accounts."""
    return (await session.execute(_DUE, {"at": at, "limit": limit})).mappings().all()
