"""Records what becomes of every job in job_runs, without the secrets that it was given."""

import asyncio
import traceback
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db.database import Database
from entrepot.kit.jobs import EnqueuedJob, Job
from entrepot.kit.output import to_json
from entrepot.kit.telemetry import redact, redact_text
from entrepot.pim.queue import queries

LONGEST_MESSAGE = 2_000
LONGEST_STACK = 20_000


class JobRecorder:
    """Writes job_runs; what waits is written with the transaction that enqueued it, the rest at once."""

    async def waiting(self, session: AsyncSession, job: EnqueuedJob) -> None:
        """Add the row of a job."""
        await session.execute(
            queries.INSERT_WAITING,
            {
                "shop_id": job.shop_id,
                "queue": job.queue,
                "job_id": str(job.id),
                "task": job.task,
                "priority": job.priority,
                "max_attempts": job.max_attempts,
                "payload": payload(job.arguments),
            },
        )

    async def active(self, job: Job) -> None:
        """Mark the row as begun; a job whose row nobody wrote gets one."""
        await _execute(
            job.db,
            queries.MARK_ACTIVE,
            {
                "shop_id": job.shop_id,
                "queue": job.queue,
                "job_id": str(job.id),
                "task": job.task,
                "priority": job.priority,
                "attempt": job.attempt,
                "max_attempts": job.max_attempts,
                "payload": payload(job.arguments),
            },
        )

    async def completed(self, job: Job, result: Any) -> None:
        """Mark the row as done, with what the task returned."""
        stored = (
            None if result is None else payload(result if isinstance(result, Mapping) else {"value": result})
        )
        await _execute(
            job.db, queries.MARK_COMPLETED, {"queue": job.queue, "job_id": str(job.id), "result": stored}
        )

    async def failed(self, job: Job, error: BaseException, *, again: bool) -> None:
        """Mark the row as failed, or as waiting for another attempt, with the error and where it arose."""
        message = "the worker was stopped" if isinstance(error, asyncio.CancelledError) else str(error)
        await _execute(
            job.db,
            queries.MARK_FAILED,
            {
                "queue": job.queue,
                "job_id": str(job.id),
                "again": again,
                "attempt": job.attempt,
                "message": redact_text(f"{type(error).__name__}: {message}")[:LONGEST_MESSAGE],
                "stack": redact_text("".join(traceback.format_exception(error)))[-LONGEST_STACK:],
            },
        )
        if job.schedule_id is not None and not again:
            await _execute(job.db, queries.COUNT_SCHEDULE_ERROR, {"schedule_id": job.schedule_id})


def payload(arguments: Mapping[str, Any]) -> str:
    """The arguments as JSON, with what is secret by its name or its look hidden."""
    return to_json(redact(None, "", dict(arguments))).decode()


async def _execute(db: Database, statement: Any, parameters: dict[str, Any]) -> None:
    async with db.system() as session:
        await session.execute(statement, parameters)
