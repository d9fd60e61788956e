"""The job library's tables, in a schema of their own, and the two functions that reach into them.

entrepot_app has no right on the schema at all: it enqueues through `entrepot.enqueue`, which stamps the job with the
tenant of the transaction, and it can read nobody's jobs.
"""

from importlib import resources

from entrepot.kit.db.ddl import EXTRA_SQL

SCHEMA = "procrastinate"

GRANTS = """
GRANT USAGE ON SCHEMA procrastinate TO entrepot_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA procrastinate TO entrepot_system;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA procrastinate TO entrepot_system;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA procrastinate FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA procrastinate TO entrepot_system;
"""

# The search path holds the library's schema because its functions name their tables without one.
FUNCTIONS = """
CREATE FUNCTION entrepot.job_context(given jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current jsonb := jsonb_strip_nulls(jsonb_build_object(
        'shop_id', nullif(current_setting('app.current_shop_id', true), ''),
        'platform_id', nullif(current_setting('app.current_platform_id', true), ''),
        'account_id', nullif(current_setting('app.current_account_id', true), ''),
        'user_id', nullif(current_setting('app.current_user_id', true), ''),
        'trace_id', nullif(current_setting('app.trace_id', true), '')));
BEGIN
    IF pg_has_role(session_user, 'entrepot_system', 'MEMBER') THEN
        RETURN current || given;
    END IF;
    IF NOT current ?| ARRAY['shop_id', 'platform_id', 'account_id'] THEN
        RAISE EXCEPTION 'a job is enqueued within a tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT current @> given THEN
        RAISE EXCEPTION 'a tenant enqueues jobs for itself only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN current;
END $$;
COMMENT ON FUNCTION entrepot.job_context(jsonb) IS
    'The tenant, user and trace that a job runs for: the transaction''s, and only entrepot_system may give others.';

CREATE FUNCTION entrepot.enqueue(job jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, procrastinate, pg_temp AS $$
DECLARE
    context jsonb := entrepot.job_context(coalesce(job -> 'context', '{}'));
    tenant text := coalesce(context ->> 'shop_id', context ->> 'platform_id', context ->> 'account_id');
    job_id bigint;
    violated text;
BEGIN
    -- Locks of different tenants never meet, whatever they are called.
    job_id := (procrastinate_defer_jobs_v1(ARRAY[ROW(
        job ->> 'queue', job ->> 'task', (job ->> 'priority')::integer,
        CASE WHEN job ->> 'lock' IS NOT NULL THEN concat_ws(':', tenant, job ->> 'lock') END,
        CASE WHEN job ->> 'queueing_lock' IS NOT NULL THEN concat_ws(':', tenant, job ->> 'queueing_lock') END,
        job -> 'arguments' || jsonb_build_object('_context', context),
        (job ->> 'schedule_at')::timestamptz
    )]::procrastinate_job_to_defer_v1[]))[1];
    RETURN context || jsonb_build_object('job_id', job_id);
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    IF violated = 'procrastinate_jobs_queueing_lock_idx_v1' THEN
        RETURN context || jsonb_build_object('job_id', NULL);
    END IF;
    RAISE;
END $$;
COMMENT ON FUNCTION entrepot.enqueue(jsonb) IS
    'Enqueues a job for the transaction''s tenant; its job_id is null when one with its queueing lock waits already.';

CREATE FUNCTION entrepot.first_effect(the_job bigint, effect text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, procrastinate, pg_temp AS $$
BEGIN
    UPDATE procrastinate_jobs
    SET args = args || jsonb_build_object('_effects', coalesce(args -> '_effects', '[]') || to_jsonb(effect))
    WHERE id = the_job AND status = 'doing' AND NOT coalesce(args -> '_effects', '[]') ? effect
      AND (pg_has_role(session_user, 'entrepot_system', 'MEMBER')
           OR (args -> '_context') @> (entrepot.job_context('{}') - 'user_id' - 'trace_id'));
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION entrepot.first_effect(bigint, text) IS
    'True for the first transaction of a running job that commits this effect, false when it is done already.';

REVOKE ALL ON FUNCTION entrepot.job_context(jsonb), entrepot.enqueue(jsonb), entrepot.first_effect(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION entrepot.enqueue(jsonb), entrepot.first_effect(bigint, text) TO entrepot_app, entrepot_system;
"""


def schema_sql() -> str:
    """The library's own schema as its installed version ships it, in our PostgreSQL schema, with grants and functions."""
    library = resources.files("procrastinate.sql").joinpath("schema.sql").read_text(encoding="utf-8")
    return (
        f"CREATE SCHEMA {SCHEMA};\nSET LOCAL search_path = {SCHEMA};\n{library}\nSET LOCAL search_path TO DEFAULT;\n"
        f"{GRANTS}\n{FUNCTIONS}"
    )


EXTRA_SQL.append(schema_sql())
