"""Failures and calls a page at a time, for the console and the API."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place

_FAILURES = """
    SELECT failure_id, related_id, order_id, process_name, kind, details, next_step, state, times, next_attempt_at,
           resolved_at, resolved_by, resolution, timestamp, updated_at
    FROM mirakl.process_failures
    WHERE account_id = :account_id
      AND (CAST(:states AS text[]) IS NULL OR state = ANY (CAST(:states AS text[])))
      AND (CAST(:process AS text) IS NULL OR process_name = :process)
      AND (CAST(:related AS text) IS NULL OR related_id = :related OR order_id = :related)
      AND (CAST(:timestamp AS timestamptz) IS NULL
           OR (timestamp, failure_id) {sign} (:timestamp, CAST(:failure_id AS uuid)))
    ORDER BY timestamp {direction}, failure_id {direction}
    LIMIT :limit
"""
_PROCESSES = text(
    "SELECT process_name, count(*) FILTER (WHERE state <> 'resolved') AS open FROM mirakl.process_failures "
    "WHERE account_id = :account_id GROUP BY process_name ORDER BY process_name"
)
_CALLS = """
    SELECT call_id, timestamp, service, operation, method, endpoint, related_id, request_payload, response_body,
           response_bytes, status_code, is_success, outcome, duration_ms, trace_id
    FROM mirakl.api_calls
    WHERE account_id = :account_id
      AND (CAST(:service AS text) IS NULL OR service = :service)
      AND (CAST(:related AS text[]) IS NULL OR related_id = ANY (CAST(:related AS text[])))
      AND (NOT :failed_only OR NOT is_success)
      AND (CAST(:timestamp AS timestamptz) IS NULL OR (timestamp, call_id) {sign} (:timestamp, CAST(:call_id AS uuid)))
    ORDER BY timestamp {direction}, call_id {direction}
    LIMIT :limit
"""


def _both_ways(statement: str) -> dict[bool, Any]:
    """The statement of a page that begins after a row, and of one that ends before one."""
    return {
        False: text(statement.format(sign="<", direction="DESC")),
        True: text(statement.format(sign=">", direction="ASC")),
    }


_FAILURES_PAGE = _both_ways(_FAILURES)
_CALLS_PAGE = _both_ways(_CALLS)


async def select_failure_page(
    session: AsyncSession, account_id: UUID, filters: Mapping[str, Any], at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Failures, newest first."""
    timestamp, failure_id = at.values if at is not None else (None, None)
    values = {"account_id": account_id, "timestamp": timestamp, "failure_id": failure_id, "limit": limit}
    statement = _FAILURES_PAGE[at is not None and at.backward]
    return (await session.execute(statement, {**filters, **values})).mappings().all()


async def select_processes(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The steps that have ever failed."""
    return (await session.execute(_PROCESSES, {"account_id": account_id})).mappings().all()


async def select_call_page(
    session: AsyncSession, account_id: UUID, filters: Mapping[str, Any], at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Calls, newest first."""
    timestamp, call_id = at.values if at is not None else (None, None)
    values = {"account_id": account_id, "timestamp": timestamp, "call_id": call_id, "limit": limit}
    statement = _CALLS_PAGE[at is not None and at.backward]
    return (await session.execute(statement, {**filters, **values})).mappings().all()
