"""The worker's part of the outbox: delivering all the time, deleting by the clock."""

import asyncio

from entrepot.events import delivering, redriving
from entrepot.kit.db.database import Database
from entrepot.kit.jobs import Job, companion, task


@companion("event deliveries")
async def deliver_events(db: Database, stop: asyncio.Event) -> None:
    """Deliver events to the subscribers of this program."""
    await delivering.run(db, stop)


@task("events.purge", queue="maintenance", cron="40 3 * * *")
async def purge_events(job: Job, *, days: int = redriving.RETENTION_DAYS) -> dict[str, int]:
    """Delete delivered events older than `days`."""
    return {"deleted": await redriving.purge(job.db, days=days)}
