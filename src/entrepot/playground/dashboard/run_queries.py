"""The SQL of runs: begun, followed, stopped."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.output import to_json

#: One at a time: they all move the one clock of the world. The lock makes asking and adding one step.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('entrepot.scenario_runs'))")
_ADD = text(
    """
    INSERT INTO data_playground.scenario_runs (kind, title, asked, begun_by)
    SELECT :kind, :title, CAST(:asked AS jsonb), CAST(:begun_by AS uuid)
    WHERE NOT EXISTS (SELECT FROM data_playground.scenario_runs WHERE status IN ('waiting', 'running'))
    RETURNING run_id
    """
)
_ONE = text("SELECT * FROM data_playground.scenario_runs WHERE run_id = :run_id")
_LAST = text("SELECT * FROM data_playground.scenario_runs ORDER BY run_id DESC LIMIT :limit")
_ACTIVE = text(
    "SELECT run_id FROM data_playground.scenario_runs WHERE status IN ('waiting', 'running') ORDER BY run_id LIMIT 1"
)
_BEGIN = text(
    """
    UPDATE data_playground.scenario_runs
    SET status = 'running', started_at = coalesce(started_at, now()), seen_at = now(),
        clock_start = coalesce(clock_start, :clock), clock = coalesce(clock, :clock),
        clock_end = coalesce(clock_end, :clock_end), message = :message
    WHERE run_id = :run_id AND status IN ('waiting', 'running')
    RETURNING *
    """
)
_BEAT = text(
    """
    UPDATE data_playground.scenario_runs
    SET seen_at = now(), clock = coalesce(:clock, clock), share = greatest(share, :share),
        facts = coalesce(:facts, facts), message = coalesce(:message, message)
    WHERE run_id = :run_id AND status = 'running'
    RETURNING stop_requested
    """
)
_END = text(
    """
    UPDATE data_playground.scenario_runs
    SET status = CAST(:status AS text), finished_at = now(), message = :message, clock = coalesce(:clock, clock),
        share = CASE WHEN CAST(:status AS text) = 'completed' THEN 1 ELSE share END
    WHERE run_id = :run_id AND status IN ('waiting', 'running')
    """
)
#: A run that nobody has taken, or whose worker has not been heard of for a while, ends at once.
_STOP = text(
    """
    UPDATE data_playground.scenario_runs
    SET stop_requested = true,
        status = CASE WHEN lost THEN 'stopped' ELSE status END,
        finished_at = CASE WHEN lost THEN now() ELSE finished_at END,
        message = CASE WHEN lost THEN 'Stopped before a worker had it.' ELSE 'Stopping.' END
    FROM (SELECT run_id AS one, status = 'waiting' OR coalesce(seen_at < now() - interval '30 seconds', true) AS lost
          FROM data_playground.scenario_runs WHERE run_id = :run_id) AS found
    WHERE run_id = found.one AND status IN ('waiting', 'running')
    RETURNING run_id
    """
)


async def insert_run(
    session: AsyncSession, *, kind: str, title: str, asked: dict[str, Any], begun_by: UUID | None
) -> UUID | None:
    """Add a run; None where another one is under way."""
    await session.execute(_LOCK)
    values = {"kind": kind, "title": title, "asked": to_json(asked).decode(), "begun_by": begun_by}
    found: UUID | None = (await session.execute(_ADD, values)).scalar_one_or_none()
    return found


async def select_run(session: AsyncSession, run_id: UUID) -> RowMapping | None:
    """A run."""
    return (await session.execute(_ONE, {"run_id": run_id})).mappings().first()


async def select_runs(session: AsyncSession, limit: int = 20) -> Sequence[RowMapping]:
    """The last runs, newest first."""
    return (await session.execute(_LAST, {"limit": limit})).mappings().all()


async def select_active_run(session: AsyncSession) -> UUID | None:
    """The run that is under way."""
    found: UUID | None = (await session.execute(_ACTIVE)).scalar_one_or_none()
    return found


async def begin_run(
    session: AsyncSession, run_id: UUID, *, clock: datetime | None, clock_end: datetime | None, message: str
) -> RowMapping | None:
    """Mark a run as running, keeping what an earlier attempt noted; None where it is over already."""
    values = {"run_id": run_id, "clock": clock, "clock_end": clock_end, "message": message}
    return (await session.execute(_BEGIN, values)).mappings().first()


async def beat(
    session: AsyncSession,
    run_id: UUID,
    *,
    share: float,
    clock: datetime | None = None,
    facts: int | None = None,
    message: str | None = None,
) -> bool:
    """Note how far a run is; whether it is to stop (or was ended by somebody)."""
    values = {"run_id": run_id, "share": share, "clock": clock, "facts": facts, "message": message}
    stop = (await session.execute(_BEAT, values)).scalar_one_or_none()
    return stop is None or bool(stop)


async def end_run(
    session: AsyncSession, run_id: UUID, status: str, message: str, clock: datetime | None = None
) -> None:
    """Note how a run ended."""
    await session.execute(_END, {"run_id": run_id, "status": status, "message": message, "clock": clock})


async def request_stop(session: AsyncSession, run_id: UUID) -> bool:
    """Ask a run to stop; whether it was under way."""
    return (await session.execute(_STOP, {"run_id": run_id})).scalar_one_or_none() is not None
