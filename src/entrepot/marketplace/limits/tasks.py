"""Scheduled work of this folder: giving back what has expired, and forgetting what is over."""

from datetime import timedelta

from entrepot.kit.jobs import Job, task
from entrepot.marketplace.limits import queries

#: Windows of a day and longer are kept for looking back a year; the rest only until nobody can ask for it again.
KEPT_LONG = timedelta(days=400)
KEPT_SHORT = timedelta(days=2)
BATCH = 1_000


@task("limits.give_back", cron="* * * * *")
async def give_back(job: Job) -> dict[str, int]:
    """Give back what reservations and leases held that have expired.

    Whoever consumes gives it back first, so that no limit waits for this; it is for those of whom nobody consumes.
    """
    given = 0
    while True:
        async with job.db.system(trace_id=job.trace_id) as session:
            holds, counters = await queries.reclaim_expired(session, most=BATCH)
        given += holds
        if counters < BATCH:
            return {"expired": given}


@task("limits.clean_up", cron="23 * * * *")
async def clean_up(job: Job) -> dict[str, int]:
    """Delete the counters of windows that are long over, and reservations, leases and requests that are."""
    found = {"counters": 0, "reservations": 0}
    while True:
        async with job.db.system(trace_id=job.trace_id) as session:
            counters = await queries.delete_old_counters(
                session, long=KEPT_LONG, short=KEPT_SHORT, most=BATCH
            )
            reservations = await queries.delete_old_reservations(session, short=KEPT_SHORT, most=BATCH)
        found["counters"] += counters
        found["reservations"] += reservations
        if max(counters, reservations) < BATCH:
            return found
