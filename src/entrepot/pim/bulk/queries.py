"""The statements that keep a run's own record: runs, steps, files, errors, checkpoints.

The statements that move rows are made from the record shapes, in `staging`, `merging`, `links` and `snapshot`.
"""

from sqlalchemy import text

LAST_RUN = text(
    """
    SELECT id, status, cursor_state, idempotency_key, retry_count FROM pim.bulk_runs
    WHERE shop_id = :shop AND operation_type = 'FILE_IMPORT' AND status IN ('running', 'completed', 'failed')
    ORDER BY id DESC LIMIT 1
    """
)
WAITING_RUN = text(
    "SELECT id, status, cursor_state FROM pim.bulk_runs WHERE shop_id = :shop AND id = :run FOR UPDATE"
)
INSERT_RUN = text(
    """
    INSERT INTO pim.bulk_runs (shop_id, operation_type, query_type, status, idempotency_key, cursor_state, started_at)
    VALUES (:shop, 'FILE_IMPORT', :query_type, CAST(:status AS varchar), :idempotency_key, CAST(:state AS jsonb), CASE WHEN CAST(:status AS varchar) = 'running' THEN now() END)
    RETURNING id
    """
)
RESTART_RUN = text(
    """
    UPDATE pim.bulk_runs
    SET status = 'running', started_at = coalesce(started_at, now()), completed_at = NULL, error_message = NULL, records_processed = 0, bytes_processed = 0,
        retry_count = retry_count + CASE WHEN status = 'pending' THEN 0 ELSE 1 END, cursor_state = CAST(:state AS jsonb), query_type = :query_type
    WHERE shop_id = :shop AND id = :run
    """
)
CLEAR_RUN = (
    text("DELETE FROM pim.bulk_steps WHERE shop_id = :shop AND bulk_run_id = :run"),
    text("DELETE FROM pim.bulk_artifacts WHERE shop_id = :shop AND bulk_run_id = :run"),
    text("DELETE FROM pim.bulk_errors WHERE shop_id = :shop AND bulk_run_id = :run"),
)
PROGRESS = text(
    "UPDATE pim.bulk_runs SET records_processed = :records, bytes_processed = :bytes WHERE shop_id = :shop AND id = :run"
)
END_RUN = text(
    """
    UPDATE pim.bulk_runs
    SET status = :status, completed_at = now(), records_processed = :records, bytes_processed = :bytes, error_message = :error,
        cursor_state = cursor_state || CAST(:state AS jsonb)
    WHERE shop_id = :shop AND id = :run
    """
)
FAIL_RUN = text(
    "UPDATE pim.bulk_runs SET status = 'failed', completed_at = now(), error_message = :error WHERE shop_id = :shop AND id = :run AND status = 'running'"
)
FAIL_STEPS = text(
    """
    UPDATE pim.bulk_steps SET status = 'failed', completed_at = now(), error_message = :error
    WHERE shop_id = :shop AND status = 'running'
    """
)
INSERT_ARTIFACT = text(
    """
    INSERT INTO pim.bulk_artifacts (bulk_run_id, shop_id, artifact_type, file_path, bytes_size, checksum)
    VALUES (:run, :shop, :type, :path, :size, :checksum)
    """
)
START_STEP = text(
    """
    INSERT INTO pim.bulk_steps (bulk_run_id, shop_id, step_name, status, started_at)
    VALUES (:run, :shop, :step, 'running', clock_timestamp()) RETURNING id
    """
)
END_STEP = text(
    """
    UPDATE pim.bulk_steps SET status = :status, completed_at = clock_timestamp(), records_processed = :records, metadata = CAST(:metadata AS jsonb)
    WHERE shop_id = :shop AND id = :step
    """
)
INSERT_ERRORS = text(
    """
    INSERT INTO pim.bulk_errors (bulk_run_id, shop_id, error_type, error_code, error_message, line_number, payload)
    SELECT :run, :shop, e.stage, e.code, e.message, e.line, e.payload
    FROM jsonb_to_recordset(CAST(:errors AS jsonb)) AS e (stage text, code text, message text, line integer, payload jsonb)
    """
)
#: Rows that were staged and then found wanting become errors like those of the parser. `:files` maps file numbers to names.
STAGED_ERRORS = text(
    """
    INSERT INTO pim.bulk_errors (bulk_run_id, shop_id, error_type, error_code, error_message, line_number, payload)
    SELECT :run, :shop, 'VALIDATION', CASE WHEN rejected.message LIKE '%later line%' THEN 'DUPLICATE' WHEN rejected.message LIKE '%is missing%' THEN 'MISSING'
                                       WHEN rejected.message LIKE '%full-text index%' THEN 'TOO_LONG' ELSE 'ORPHAN' END,
           rejected.message, rejected.line_number,
           jsonb_strip_nulls(jsonb_build_object('file', CAST(:files AS jsonb) ->> rejected.file_number::text, 'line', rejected.line_number, 'type', rejected.type,
                                                'field', rejected.field, 'value', rejected.value, 'record', rejected.record))
    FROM (SELECT 'Product' AS type, file_number, line_number, fault_field AS field, fault AS message, shopify_gid AS value,
                 to_jsonb(jsonb_build_object('id', shopify_gid, 'title', title, 'handle', handle)::text) AS record
          FROM staged_products WHERE fault IS NOT NULL
          UNION ALL
          SELECT 'ProductVariant', file_number, line_number, fault_field, fault,
                 CASE WHEN fault_field = '__parentId' THEN product_gid ELSE shopify_gid END,
                 to_jsonb(jsonb_build_object('id', shopify_gid, '__parentId', product_gid, 'title', title, 'sku', sku, 'price', price)::text)
          FROM staged_variants WHERE fault IS NOT NULL
          UNION ALL
          SELECT resource_type, file_number, line_number, fault_field, fault,
                 CASE WHEN fault_field = '__parentId' THEN parent_gid ELSE shopify_gid END,
                 to_jsonb((jsonb_build_object('id', shopify_gid, '__parentId', parent_gid) || data)::text)
          FROM staged_records WHERE fault IS NOT NULL) AS rejected
    """
)
#: Usable and rejected rows by type and file; a run's files are few.
STAGED_COUNTS = text(
    """
    SELECT 'Product' AS type, file_number, fault IS NULL AS usable, count(*) AS rows FROM staged_products GROUP BY 2, 3
    UNION ALL
    SELECT 'ProductVariant', file_number, fault IS NULL, count(*) FROM staged_variants GROUP BY 2, 3
    UNION ALL
    SELECT resource_type, file_number, fault IS NULL, count(*) FROM staged_records GROUP BY 1, 2, 3
    """
)
#: Metafields that come whole for their type of owner: a CSV names single ones.
STAGED_METAFIELDS = text(
    """
    SELECT split_part(parent_gid, '/', 4) || '.Metafield' AS type, file_number, count(*) AS rows FROM staged_records
    WHERE fault IS NULL AND resource_type = 'Metafield' AND shopify_gid NOT LIKE 'gid://shopify/Metafield/csv-%' GROUP BY 1, 2
    """
)
#: What a killed import left, once another one comes after it.
ABANDON = (
    text(
        """
        UPDATE pim.bulk_steps SET status = 'failed', completed_at = now(), error_message = 'It was interrupted.'
        WHERE shop_id = :shop AND status = 'running' AND bulk_run_id <> :run
          AND bulk_run_id IN (SELECT id FROM pim.bulk_runs WHERE shop_id = :shop AND operation_type = 'FILE_IMPORT' AND status = 'running')
        """
    ),
    text(
        """
        UPDATE pim.bulk_runs SET status = 'failed', completed_at = now(), error_message = 'It was interrupted, and another import came after it.'
        WHERE shop_id = :shop AND operation_type = 'FILE_IMPORT' AND status = 'running' AND id <> :run
        """
    ),
)
#: Nothing is left to do: the views are fresh.
SETTLE_RUN = text(
    "UPDATE pim.bulk_runs SET cursor_state = cursor_state || '{\"settled\": true}' WHERE shop_id = :shop AND id = :run"
)
CHECKPOINT = text(
    """
    INSERT INTO pim.sync_checkpoints (shop_id, resource_type, last_sync_at, last_cursor, records_synced, status, metadata)
    VALUES (:shop, :resource, now(), :run, :records, 'idle', CAST(:metadata AS jsonb))
    ON CONFLICT (shop_id, resource_type) DO UPDATE
    SET last_sync_at = excluded.last_sync_at, last_cursor = excluded.last_cursor, records_synced = excluded.records_synced,
        status = 'idle', error_message = NULL, metadata = excluded.metadata
    """
)
#: One event a changed record of the types that others follow, from the notes of the merge. A product of which nothing
#: but variants, images or their ties changed has changed too.
CHANGED_EVENTS = """
    WITH own AS (
        SELECT kind, action, id, gid FROM changed WHERE kind IN ('Product', 'Collection', 'Customer', 'Order') AND action <> 'LINES'
        UNION ALL
        SELECT DISTINCT kind, action, id, gid FROM changed AS l
        WHERE kind IN ('Product', 'Collection', 'Customer', 'Order') AND action = 'LINES'
          AND NOT EXISTS (SELECT FROM changed AS o WHERE o.id = l.id AND o.kind = l.kind AND o.action <> 'LINES')
    ), parts AS (
        SELECT product_id FROM changed WHERE product_id IS NOT NULL
        UNION
        SELECT m.product_id FROM changed AS c JOIN pim.shopify_product_media AS m ON m.shop_id = :shop AND m.media_id = c.id
        WHERE c.kind = 'Media' AND c.action = 'UPDATE'
        UNION
        SELECT v.product_id FROM changed AS c JOIN pim.shopify_variant_media AS m ON m.shop_id = :shop AND m.media_id = c.id
        JOIN pim.shopify_variants AS v ON v.shop_id = :shop AND v.id = m.variant_id
        WHERE c.kind = 'Media' AND c.action = 'UPDATE'
    )
    SELECT 'pim.' || lower(c.kind) || CASE c.action WHEN 'INSERT' THEN '.created' WHEN 'DELETE' THEN '.deleted' ELSE '.updated' END AS type,
           CAST(c.id AS text) AS subject, jsonb_build_object('id', c.id, 'gid', c.gid, 'run_id', CAST(:run AS text)) AS data
    FROM (SELECT kind, action, id, gid FROM own
          UNION ALL
          SELECT 'Product', 'UPDATE', p.id, p.shopify_gid
          FROM (SELECT product_id AS id FROM parts EXCEPT SELECT id FROM own WHERE kind = 'Product') AS touched
          JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.id = touched.id) AS c
"""
SHOP_CURRENCY = text("SELECT currency_code FROM pim.shops WHERE id = :shop")
