"""Every statement about jobs that ran and jobs that run by the clock."""

from sqlalchemy import text

INSERT_WAITING = text(
    """
    INSERT INTO pim.job_runs (shop_id, queue_name, job_id, job_name, status, priority, max_attempts, payload)
    VALUES (:shop_id, :queue, :job_id, :task, 'waiting', :priority, :max_attempts, CAST(:payload AS jsonb))
    """
)

# A job is one row, however often it is attempted. Only the worker that holds the job comes here, so there is no race.
MARK_ACTIVE = text(
    """
    WITH known AS (
        UPDATE pim.job_runs
        SET status = 'active', attempts = :attempt, started_at = now()
        WHERE queue_name = :queue AND job_id = :job_id
        RETURNING id
    )
    INSERT INTO pim.job_runs (shop_id, queue_name, job_id, job_name, status, priority, attempts, max_attempts, payload,
                              started_at)
    SELECT CAST(:shop_id AS uuid), CAST(:queue AS text), CAST(:job_id AS text), CAST(:task AS text), 'active',
           CAST(:priority AS integer), CAST(:attempt AS integer), CAST(:max_attempts AS integer),
           CAST(:payload AS jsonb), now()
    WHERE NOT EXISTS (SELECT FROM known)
    """
)

MARK_COMPLETED = text(
    """
    UPDATE pim.job_runs
    SET status = 'completed', result = CAST(:result AS jsonb), completed_at = now(), error_message = NULL,
        error_stack = NULL
    WHERE queue_name = :queue AND job_id = :job_id
    """
)

MARK_FAILED = text(
    """
    UPDATE pim.job_runs
    SET status = CASE WHEN :again THEN 'waiting' ELSE 'failed' END, error_message = :message, error_stack = :stack,
        attempts = :attempt, failed_at = CASE WHEN :again THEN NULL ELSE now() END
    WHERE queue_name = :queue AND job_id = :job_id
    """
)

COUNT_SCHEDULE_ERROR = text(
    "UPDATE pim.scheduled_tasks SET error_count = error_count + 1 WHERE id = :schedule_id"
)

LOCK_SCHEDULES = text("SELECT pg_advisory_xact_lock(hashtext('entrepot.schedules'))")

# A schedule that is there is an operator's, whatever it says by now.
ADD_SCHEDULE = text(
    """
    INSERT INTO pim.scheduled_tasks (task_name, cron_expression, queue_name)
    SELECT CAST(:task AS text), CAST(:cron AS text), CAST(:queue AS text)
    WHERE NOT EXISTS (SELECT FROM pim.scheduled_tasks WHERE task_name = :task AND shop_id IS NULL)
    """
)

UNPLANNED = text(
    """
    SELECT id, cron_expression, task_name, now() AS moment
    FROM pim.scheduled_tasks
    WHERE is_active AND next_run_at IS NULL
    FOR UPDATE SKIP LOCKED
    """
)

PLAN = text("UPDATE pim.scheduled_tasks SET next_run_at = :next_run_at WHERE id = :id")

REFUSE = text(
    """
    UPDATE pim.scheduled_tasks
    SET is_active = false, next_run_at = NULL, error_count = error_count + 1
    WHERE id = :id
    """
)

DUE = text(
    """
    SELECT id, shop_id, task_name, cron_expression, queue_name, job_data, now() AS moment
    FROM pim.scheduled_tasks
    WHERE is_active AND next_run_at <= now()
      AND task_name = ANY (CAST(:tasks AS text[]))
      AND (shop_id IS NULL OR task_name = ANY (CAST(:shop_tasks AS text[])))
    ORDER BY next_run_at, id
    LIMIT 100
    FOR UPDATE SKIP LOCKED
    """
)

RAN = text(
    """
    UPDATE pim.scheduled_tasks
    SET last_run_at = :moment, next_run_at = :next_run_at, run_count = run_count + :runs
    WHERE id = :id
    """
)

SECONDS_TO_NEXT = text(
    """
    SELECT extract(epoch FROM min(next_run_at) - now())::float8
    FROM pim.scheduled_tasks
    WHERE is_active AND task_name = ANY (CAST(:tasks AS text[]))
    """
)

FIND_SCHEDULES = text(
    """
    SELECT id, shop_id, task_name, cron_expression, queue_name, job_data, is_active
    FROM pim.scheduled_tasks
    WHERE task_name = :task
    ORDER BY shop_id NULLS FIRST, id
    """
)

SET_ACTIVE = text(
    """
    UPDATE pim.scheduled_tasks
    SET is_active = :active, next_run_at = NULL
    WHERE task_name = :task
    RETURNING id
    """
)

CHANGE_CRON = text(
    "UPDATE pim.scheduled_tasks SET cron_expression = :cron, next_run_at = NULL WHERE id = :id RETURNING id"
)

SCHEDULES = text(
    """
    SELECT id, shop_id, task_name, cron_expression, queue_name, is_active, last_run_at, next_run_at, run_count,
           error_count
    FROM pim.scheduled_tasks
    ORDER BY task_name, shop_id NULLS FIRST
    """
)

RUNS = text(
    """
    SELECT job_id, job_name, queue_name, status, attempts, max_attempts, shop_id, created_at, started_at,
           coalesce(completed_at, failed_at) AS ended_at, error_message
    FROM pim.job_runs
    WHERE (CAST(:status AS text) IS NULL OR status = :status)
      AND (CAST(:task AS text) IS NULL OR job_name = :task)
    ORDER BY created_at DESC, id DESC
    LIMIT :limit
    """
)

PURGE_RUNS = text(
    """
    DELETE FROM pim.job_runs
    WHERE id IN (
        SELECT id FROM pim.job_runs
        WHERE status IN ('completed', 'failed')
          AND coalesce(completed_at, failed_at) < now() - make_interval(days => :days)
        LIMIT :batch)
    """
)

PURGE_JOBS = text(
    """
    DELETE FROM procrastinate_jobs AS job
    WHERE job.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
      AND NOT EXISTS (
          SELECT FROM procrastinate_events AS event
          WHERE event.job_id = job.id AND event.at > now() - make_interval(days => :days))
    """
)
