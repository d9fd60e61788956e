"""Scheduled work of failures: trying again what is due."""

from collections import Counter
from datetime import timedelta

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.jobs import Job, task
from entrepot.kit.telemetry import get_logger
from entrepot.mirakl.failures import queries
from entrepot.mirakl.failures.inbox import retry_due

log = get_logger(__name__)
BATCH = 200
#: When one that could not even be set going is looked at again.
POSTPONED = timedelta(minutes=15)


@task("mirakl.retry_failures", cron="* * * * *")
async def retry_failures(job: Job) -> dict[str, int]:
    """Try again what is due, account by account; run twice at once, each failure is tried once."""
    return await retry_all_due(job.db, trace_id=job.trace_id)


async def retry_all_due(db: Database, *, trace_id: str | None = None) -> dict[str, int]:
    """Try again every failure that is due, each in a transaction of its own; how many of what became of them."""
    became: Counter[str] = Counter()
    async with db.system(trace_id=trace_id) as session:
        due = await queries.select_due(session, now(), BATCH)
    for row in due:
        try:
            async with db.tenant(account_id=row["account_id"], trace_id=trace_id) as session:
                became[await retry_due(session, row["account_id"], row["failure_id"])] += 1
        except Exception as error:
            # One that cannot even be set going keeps no other from it, now or the next time.
            log.warning("a retry failed", failure_id=str(row["failure_id"]), exc_info=error)
            async with db.tenant(account_id=row["account_id"], trace_id=trace_id) as session:
                await queries.update_postponed(
                    session, row["account_id"], row["failure_id"], now() + POSTPONED
                )
            became["failed"] += 1
    return dict(became)
