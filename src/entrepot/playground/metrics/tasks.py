"""Rolling what is dirty, all the time."""

from entrepot.kit.jobs import Job, task
from entrepot.playground.metrics.rolling import roll_if_dirty


@task("metrics.roll", cron="* * * * *")
async def roll_dirty(job: Job) -> dict[str, float]:
    """Roll what was marked since the last time; while products have nothing to sell, their time goes on as well."""
    done = await roll_if_dirty(job.db)
    if done is None:
        return {"buckets": 0, "rows": 0, "seconds": 0}
    return {"buckets": done.buckets, "rows": done.rows, "seconds": done.seconds}
