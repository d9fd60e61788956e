"""The SQL of runs as they are listed and watched. Row security names the shop."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place

_RUN = """
    SELECT r.id, r.operation_type, r.query_type, r.status, r.started_at, r.completed_at, r.created_at, r.updated_at,
           r.records_processed, r.bytes_processed, r.error_message, r.idempotency_key, r.cursor_state,
           coalesce((
               SELECT jsonb_agg(jsonb_build_object(
                   'step_name', s.step_name, 'status', s.status, 'records_processed', s.records_processed,
                   'started_at', s.started_at, 'completed_at', s.completed_at, 'error_message', s.error_message,
                   'metadata', s.metadata) ORDER BY s.id)
               FROM pim.bulk_steps AS s WHERE s.bulk_run_id = r.id
           ), '[]') AS steps,
           coalesce((
               SELECT jsonb_agg(jsonb_build_object(
                   'file_path', a.file_path, 'bytes_size', a.bytes_size, 'rows_count', a.rows_count, 'checksum', a.checksum,
                   'artifact_type', a.artifact_type) ORDER BY a.id)
               FROM pim.bulk_artifacts AS a WHERE a.bulk_run_id = r.id
           ), '[]') AS artifacts
    FROM pim.bulk_runs AS r
"""

_ERROR = """
    SELECT e.id, e.error_type, e.error_code, e.error_message, e.line_number, e.payload, e.created_at,
           coalesce(e.payload ->> 'file', '') AS file
    FROM pim.bulk_errors AS e
    WHERE e.bulk_run_id = :run_id
"""


async def select_runs(
    session: AsyncSession, *, status: str | None, at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit` runs, the newest first; from a place on, either way."""
    values: dict[str, Any] = {"limit": limit}
    conditions = ["true"]
    if status is not None:
        conditions.append("r.status = :status")
        values["status"] = status
    direction, beyond = ("ASC", ">") if at is not None and at.backward else ("DESC", "<")
    if at is not None:
        conditions.append(f"r.id {beyond} :at_id")
        values["at_id"] = at.values[0]
    query = f"{_RUN} WHERE {' AND '.join(conditions)} ORDER BY r.id {direction} LIMIT :limit"
    return (await session.execute(text(query), values)).mappings().all()


async def select_run(session: AsyncSession, run_id: UUID) -> RowMapping | None:
    """One run with its steps and files."""
    return (await session.execute(text(f"{_RUN} WHERE r.id = :id"), {"id": run_id})).mappings().one_or_none()


async def select_run_of_key(session: AsyncSession, key: str) -> RowMapping | None:
    """The run that an idempotency key began."""
    query = text(f"{_RUN} WHERE r.idempotency_key = :key")
    return (await session.execute(query, {"key": key})).mappings().one_or_none()


async def count_errors(session: AsyncSession, run_id: UUID) -> int:
    """How many lines a run rejected."""
    query = text("SELECT count(*) FROM pim.bulk_errors WHERE bulk_run_id = :run_id")
    return int((await session.execute(query, {"run_id": run_id})).scalar_one())


async def select_errors(
    session: AsyncSession, run_id: UUID, *, at: Place | None, limit: int | None
) -> Sequence[RowMapping]:
    """Up to `limit` rejected lines of a run by file and line, from a place on, either way; all of them without a limit."""
    values: dict[str, Any] = {"run_id": run_id, "limit": limit}
    direction, beyond = ("DESC", "<") if at is not None and at.backward else ("ASC", ">")
    condition = ""
    if at is not None:
        condition = f"AND (coalesce(e.payload ->> 'file', ''), coalesce(e.line_number, 0), e.id) {beyond} (:at_file, :at_line, :at_id)"
        values |= {"at_file": at.values[0], "at_line": at.values[1], "at_id": at.values[2]}
    query = f"{_ERROR} {condition} ORDER BY file {direction}, coalesce(e.line_number, 0) {direction}, e.id {direction} LIMIT :limit"
    return (await session.execute(text(query), values)).mappings().all()


async def insert_waiting_run(session: AsyncSession, *, key: str, state: str, query_type: str) -> UUID | None:
    """A run that waits for a worker; None when there is one of this key already."""
    query = text("""
        INSERT INTO pim.bulk_runs (shop_id, operation_type, query_type, status, idempotency_key, cursor_state)
        VALUES (nullif(current_setting('app.current_shop_id', true), '')::uuid, 'FILE_IMPORT', :query_type, 'pending', :key,
                CAST(:state AS jsonb))
        ON CONFLICT (idempotency_key) DO NOTHING
        RETURNING id
    """)
    values = {"key": key, "state": state, "query_type": query_type}
    found: UUID | None = (await session.execute(query, values)).scalar_one_or_none()
    return found


async def select_last_run(session: AsyncSession) -> RowMapping | None:
    """The run of a file that ended last or is under way."""
    query = text(f"""
        {_RUN} WHERE r.operation_type = 'FILE_IMPORT' AND r.status IN ('running', 'completed', 'failed')
        ORDER BY r.id DESC LIMIT 1
    """)
    return (await session.execute(query)).mappings().one_or_none()


async def fail_waiting_run(session: AsyncSession, run_id: UUID, error: str) -> None:
    """Mark a run as failed that could not begin, or not begin again after an interruption."""
    query = text("""
        UPDATE pim.bulk_runs SET status = 'failed', completed_at = now(), error_message = :error
        WHERE id = :id AND status IN ('pending', 'running')
    """)
    await session.execute(query, {"id": run_id, "error": error[:2000]})
