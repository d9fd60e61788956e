"""Enqueueing: a job is added in the transaction that causes it, or not at all."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.jobs import queries
from entrepot.kit.jobs.recording import EnqueuedJob, recorder
from entrepot.kit.jobs.registering import TASKS, Task, Tasks
from entrepot.kit.output import to_json


async def enqueue(
    session: AsyncSession,
    task: Task | str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    schedule_at: datetime | None = None,
    priority: int = 0,
    queue: str | None = None,
    shop_id: UUID | None = None,
    schedule_id: UUID | None = None,
    tasks: Tasks = TASKS,
    **arguments: Any,
) -> int | None:
    """Add a job in the caller's transaction; returns its id, or None when one with `queueing_lock` waits already.

    The job runs for the transaction's tenant; a transaction that spans tenants may name a `shop_id`. Jobs of one
    tenant with the same `lock` run one after the other, in their order. A higher `priority` runs first; `queue`
    stands in for the task's own. Raises InvalidInputError for a task that does not exist.
    """
    found = tasks.find(task) if isinstance(task, str) else task
    if found is None:
        raise InvalidInputError(
            f"There is no task {task!r}.", hint="`entrepot jobs schedules` shows the tasks."
        )
    job = {
        "task": found.name,
        "queue": queue or found.queue,
        "priority": priority,
        "lock": lock,
        "queueing_lock": queueing_lock,
        "schedule_at": schedule_at,
        "arguments": arguments,
        "context": {
            name: str(value) for name, value in (("shop_id", shop_id), ("schedule_id", schedule_id)) if value
        },
    }
    stored: dict[str, Any] = (
        await session.execute(queries.ENQUEUE, {"job": to_json(job).decode()})
    ).scalar_one()
    if stored["job_id"] is None:
        return None
    await recorder().waiting(
        session,
        EnqueuedJob(
            id=stored["job_id"],
            task=found.name,
            queue=queue or found.queue,
            arguments=arguments,
            priority=priority,
            max_attempts=found.max_attempts,
            schedule_at=schedule_at,
            shop_id=UUID(stored["shop_id"]) if stored.get("shop_id") else None,
        ),
    )
    return int(stored["job_id"])
