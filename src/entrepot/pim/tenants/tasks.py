"""Scheduled work of this folder: forgetting what is over."""

from entrepot.kit.jobs import Job, task
from entrepot.pim.tenants.sessions import forget_expired_sessions
from entrepot.pim.tenants.throttling import forget_old_attempts


@task("tenants.clean_up", cron="17 * * * *")
async def clean_up(job: Job) -> dict[str, int]:
    """Delete expired sessions and old attempts to sign in."""
    async with job.db.system(trace_id=job.trace_id) as session:
        return {
            "sessions": await forget_expired_sessions(session),
            "attempts": await forget_old_attempts(session),
        }
