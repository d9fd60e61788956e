"""Every statement of the jobs."""

from sqlalchemy import text

from entrepot.kit.jobs.schema import SCHEMA

ENQUEUE = text("SELECT entrepot.enqueue(CAST(:job AS jsonb))")

FIRST_EFFECT = text("SELECT entrepot.first_effect(:job_id, :effect)")

# The library's functions and triggers name its tables without their schema.
USE_LIBRARY_SCHEMA = text(f"SELECT set_config('search_path', '{SCHEMA},pg_catalog', true)")

# The lock on the row, taken while its worker is dead, makes two rescuers decide once.
STALLED = text(
    """
    SELECT job.id, job.task_name, job.queue_name, job.priority, job.attempts, job.args
    FROM procrastinate_jobs AS job
    WHERE job.status = 'doing' AND NOT EXISTS (
        SELECT FROM procrastinate_workers AS worker
        WHERE worker.id = job.worker_id AND worker.last_heartbeat > now() - make_interval(secs => :seconds))
    FOR UPDATE OF job SKIP LOCKED
    """
)

RUN_AGAIN = text("SELECT procrastinate_retry_job_v2(:job_id, now(), NULL, NULL, NULL)")

GIVE_UP = text("SELECT procrastinate_finish_job_v1(:job_id, 'failed', false)")
