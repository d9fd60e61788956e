"""The statements that tidy up after runs, of every shop at once."""

from sqlalchemy import text

#: Runs that nobody is at any longer: their process was killed, and neither a job nor a person took them up again.
ABANDON = text(
    """
    UPDATE pim.bulk_runs AS r
    SET status = 'failed', completed_at = now(), error_message = 'The import was interrupted, and not taken up again.'
    WHERE r.operation_type = 'FILE_IMPORT' AND r.status IN ('pending', 'running')
      AND r.updated_at < now() - make_interval(hours => :hours)
      AND NOT EXISTS (SELECT FROM pim.job_runs AS j
                      WHERE j.job_name = 'bulk.import' AND j.status IN ('waiting', 'active') AND j.payload ->> 'run_id' = r.id::text)
    RETURNING r.id
    """
)
STAGING = ("staging_records", "staging_variants", "staging_products")
ENDED_WITH_ROWS = text(
    f"""
    SELECT r.id FROM pim.bulk_runs AS r
    WHERE r.status IN ('completed', 'failed', 'cancelled')
      AND ({" OR ".join(f"EXISTS (SELECT FROM pim.{table} AS s WHERE s.bulk_run_id = r.id)" for table in STAGING)})
    """
)
#: A run may be taken up again between the look and this; its status is asked once more.
PURGE_STAGING = tuple(
    text(
        f"""
        DELETE FROM pim.{table} WHERE bulk_run_id = :run
          AND EXISTS (SELECT FROM pim.bulk_runs WHERE id = :run AND status IN ('completed', 'failed', 'cancelled'))
        """
    )
    for table in STAGING
)
#: Files that a job still has to read.
AWAITED_FILES = text(
    """
    SELECT payload ->> 'path' FROM pim.job_runs
    WHERE job_name = 'bulk.import' AND status IN ('waiting', 'active') AND payload ->> 'path' IS NOT NULL
    """
)
