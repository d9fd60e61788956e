"""Listings are tied to golden records by the clock."""

from entrepot.flows.channels.tying import tie_listings
from entrepot.kit.jobs import Job, task


@task("channels.tie_listings", cron="20 * * * *")
async def tie(job: Job) -> dict[str, int]:
    """Tie what was listed or recorded since."""
    async with job.session() as session:
        found = await tie_listings(session)
    return {"tied": found.tied, "untied": found.untied}
