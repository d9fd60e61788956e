"""The jobs that keep the house, and the two things that every worker needs: the record and the clock."""

import asyncio
from functools import partial
from typing import Any

from entrepot.kit.db import merging, partitions, refresh
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.database import Database
from entrepot.kit.db.views import MATERIALIZED_VIEWS
from entrepot.kit.jobs import TASKS, Job, Task, companion, record_with, task
from entrepot.kit.jobs.queries import USE_LIBRARY_SCHEMA
from entrepot.pim.queue import queries, scheduling
from entrepot.pim.queue.recording import JobRecorder

PURGE_BATCH = 5000

load_declarations()  # every table and view must be known before they can be kept
record_with(JobRecorder())


@companion("schedules")
async def run_schedules(db: Database, stop: asyncio.Event) -> None:
    """Enqueue what scheduled_tasks says is due."""
    await scheduling.run(db, stop)


@task("partitions.maintain", queue="maintenance", cron="10 0 * * *")
async def maintain_partitions(job: Job) -> dict[str, int]:
    """Make partitions ahead of time, drain the default ones, drop what retention lets go, and merge what is old."""
    changes = await partitions.maintain(job.db) + await merging.merge(job.db)
    actions = [change.action for change in changes]
    return {action: actions.count(action) for action in sorted(set(actions))}


@task("jobs.purge", queue="maintenance", cron="25 3 * * *")
async def purge_jobs(job: Job, *, days: int = 30) -> dict[str, int]:
    """Delete the records of jobs that ended more than `days` ago."""
    runs = 0
    while True:
        async with job.db.system() as session:
            result = await session.execute(queries.PURGE_RUNS, {"days": days, "batch": PURGE_BATCH})
        deleted: int = result.rowcount  # type: ignore[attr-defined]
        runs += deleted
        if deleted < PURGE_BATCH:
            break
    async with job.db.system() as session:
        await session.execute(USE_LIBRARY_SCHEMA)
        result = await session.execute(queries.PURGE_JOBS, {"days": days})
    return {"runs": runs, "jobs": result.rowcount}  # type: ignore[attr-defined]


async def refresh_view(name: str, job: Job) -> dict[str, Any]:
    """Refresh one materialized view; its readers go on reading."""
    return {"refreshed": await refresh.refresh(job.db, name)}


for view in MATERIALIZED_VIEWS:
    TASKS.add(
        Task(
            f"refresh.{view.name}", partial(refresh_view, view.name), queue="maintenance", cron=view.schedule
        )
    )
