"""Running jobs by the clock: scheduled_tasks says when, and every worker may look; each time is run once.

All times are UTC. A time that was missed because no worker ran is run once when one does, not once for each.
"""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from croniter import croniter  # type: ignore[import-untyped]
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db.database import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.jobs import TASKS, Tasks, enqueue
from entrepot.kit.jobs.waking import first_of
from entrepot.kit.telemetry import get_logger
from entrepot.pim.queue import queries

log = get_logger(__name__)
LONGEST_WAIT_SECONDS = 10.0


def next_run(cron: str, after: datetime) -> datetime:
    """The first moment after `after` at which a cron expression of five fields is due.

    Raises InvalidInputError for an expression that cannot be read, or is never due.
    """
    hint = "It has five fields, in UTC: minute, hour, day of the month, month, day of the week. 5 * * * * is hourly at :05."
    if len(cron.split()) != 5:
        raise InvalidInputError(f"{cron!r} is not a cron expression.", hint=hint)
    try:
        found: datetime = croniter(cron, after).get_next(datetime)
    except ValueError as error:  # every error of the library is one
        raise InvalidInputError(f"{cron!r} is not a cron expression: {error}.", hint=hint) from error
    return found


async def run(db: Database, stop: asyncio.Event, *, tasks: Tasks = TASKS) -> None:
    """Enqueue what is due until `stop` is set; any number of workers may do so at once."""
    await store_schedules(db, tasks)
    while not stop.is_set():
        await enqueue_due(db, tasks)
        await first_of(stop, timeout=await _seconds_to_next(db, tasks))


async def store_schedules(db: Database, tasks: Tasks = TASKS) -> None:
    """Write the schedules that tasks declare; one that is there stays as an operator left it."""
    async with db.system() as session:
        await session.execute(queries.LOCK_SCHEDULES)
        for task in tasks:
            if task.cron is not None:
                await session.execute(
                    queries.ADD_SCHEDULE, {"task": task.name, "cron": task.cron, "queue": task.queue}
                )


async def enqueue_due(db: Database, tasks: Tasks = TASKS) -> int:
    """Enqueue each schedule that is due, and set its next time, in one transaction; returns how many were enqueued.

    A row that another worker is at is left to it. One whose job of the last time still waits is not enqueued again.
    """
    enqueued = 0
    async with db.system() as session:
        for row in (await session.execute(queries.UNPLANNED)).mappings().all():
            await _plan(session, row)
        names = {"tasks": [t.name for t in tasks], "shop_tasks": [t.name for t in tasks if t.for_shops]}
        for row in (await session.execute(queries.DUE, names)).mappings().all():
            try:
                following = next_run(row["cron_expression"], row["moment"])
            except InvalidInputError as error:
                await _refuse(session, row, error)
                continue
            job_id = await _enqueue(session, row, tasks)
            enqueued += job_id is not None
            await session.execute(
                queries.RAN,
                {
                    "id": row["id"],
                    "moment": row["moment"],
                    "next_run_at": following,
                    "runs": int(job_id is not None),
                },
            )
    return enqueued


async def run_now(session: AsyncSession, name: str, *, tasks: Tasks = TASKS) -> list[int]:
    """Enqueue the schedules of a task at once, or the task itself when it has none; returns the jobs' ids.

    A paused schedule is run too. Raises NotFoundError for a task that does not exist.
    """
    if tasks.find(name) is None:
        raise NotFoundError(f"There is no task {name!r}.", hint="`entrepot jobs schedules` shows them.")
    rows = (await session.execute(queries.FIND_SCHEDULES, {"task": name})).mappings().all()
    if rows:
        found = [await _enqueue(session, row, tasks) for row in rows]
    else:
        found = [await enqueue(session, name, tasks=tasks)]
    return [job_id for job_id in found if job_id is not None]


async def set_active(session: AsyncSession, name: str, *, active: bool) -> int:
    """Resume or pause the schedules of a task; returns how many. Raises NotFoundError when there are none."""
    count = len((await session.execute(queries.SET_ACTIVE, {"task": name, "active": active})).all())
    if not count:
        raise NotFoundError(
            f"Nothing called {name!r} is scheduled.", hint="`entrepot jobs schedules` shows what is."
        )
    return count


async def change_cron(session: AsyncSession, schedule_id: UUID, cron: str, *, now: datetime) -> None:
    """Give a schedule other times. Raises InvalidInputError for times that cannot be read, NotFoundError."""
    next_run(cron, now)
    changed = await session.execute(queries.CHANGE_CRON, {"id": schedule_id, "cron": cron})
    if changed.first() is None:
        raise NotFoundError(f"There is no schedule {schedule_id}.")


async def _plan(session: AsyncSession, row: RowMapping) -> None:
    try:
        moment = next_run(row["cron_expression"], row["moment"])
    except InvalidInputError as error:
        await _refuse(session, row, error)
    else:
        await session.execute(queries.PLAN, {"id": row["id"], "next_run_at": moment})


async def _refuse(session: AsyncSession, row: RowMapping, error: InvalidInputError) -> None:
    log.warning(
        "a schedule is paused", task=row["task_name"], schedule_id=str(row["id"]), reason=error.detail
    )
    await session.execute(queries.REFUSE, {"id": row["id"]})


async def _enqueue(session: AsyncSession, row: RowMapping, tasks: Tasks) -> int | None:
    data: Any = row["job_data"] or {}
    return await enqueue(
        session,
        row["task_name"],
        queue=row["queue_name"],
        queueing_lock=f"schedule:{row['id']}",
        shop_id=row["shop_id"],
        schedule_id=row["id"],
        tasks=tasks,
        **{name: value for name, value in data.items() if name.isidentifier() and not name.startswith("_")},
    )


async def _seconds_to_next(db: Database, tasks: Tasks) -> float:
    async with db.system() as session:
        found = await session.execute(queries.SECONDS_TO_NEXT, {"tasks": [task.name for task in tasks]})
        seconds: float | None = found.scalar_one()
    return LONGEST_WAIT_SECONDS if seconds is None else min(max(seconds, 0.1), LONGEST_WAIT_SECONDS)
