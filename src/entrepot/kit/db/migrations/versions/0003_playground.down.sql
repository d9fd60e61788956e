-- Back to 0002: the warehouse goes, with its data.

DROP TABLE data_playground.shop_review_votes;
DROP TABLE data_playground.invoice_payments;
DROP TABLE data_playground.shop_reviews;
DROP TABLE data_playground.shop_promotion_usages;
DROP TABLE data_playground.shop_product_metrics_hourly;
DROP TABLE data_playground.shop_product_metrics_daily;
DROP TABLE data_playground.shop_order_payments;
DROP TABLE data_playground.shop_order_items;
DROP TABLE data_playground.shop_inventory_logs;
DROP TABLE data_playground.invoices;
DROP TABLE data_playground.global_events;
DROP TABLE data_playground.shop_promotions;
DROP TABLE data_playground.shop_products;
DROP TABLE data_playground.shop_orders;
DROP TABLE data_playground.shop_metrics_hourly;
DROP TABLE data_playground.shop_metrics_daily;
DROP TABLE data_playground.world_parts;
DROP TABLE data_playground.user_payment_methods;
DROP TABLE data_playground.user_metrics_hourly;
DROP TABLE data_playground.user_metrics_daily;
DROP TABLE data_playground.shops;
DROP TABLE data_playground.held_back_facts;
DROP TABLE data_playground.acted_worlds;
DROP TABLE data_playground.world_runs;
DROP TABLE data_playground.users;
DROP TABLE data_playground.scenario_runs;
DROP TABLE data_playground.request_response_logs;
DROP TABLE data_playground.recorded_facts;
DROP TABLE data_playground.parked_facts;
DROP TABLE data_playground.metrics_runs;
DROP TABLE data_playground.metrics_dirty;
DROP TABLE data_playground.metrics_clocks;
DROP TABLE data_playground.global_entities;
DROP FUNCTION data_playground.clear_world;
DROP FUNCTION data_playground.mark_cells;
DROP FUNCTION data_playground.mark_range;
DROP FUNCTION data_playground.place_world;
DROP FUNCTION data_playground.stage_world;
DROP SCHEMA data_playground;

DROP FUNCTION entrepot.partition_ranges;

DROP FUNCTION entrepot.partition_column;

DROP FUNCTION entrepot.span_for;

DROP FUNCTION entrepot.maintain_spans;

CREATE OR REPLACE FUNCTION entrepot.maintain_partitions(
    parent regclass, key_column text, span text, ahead integer, retain interval, at_time timestamptz DEFAULT now()
) RETURNS TABLE (action text, partition text, moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parent_schema text;
    parent_name text;
    step interval := CASE span WHEN 'hour' THEN interval '1 hour' WHEN 'day' THEN interval '1 day' WHEN 'month' THEN interval '1 month' END;
    lower_bound timestamptz;
    upper_bound timestamptz;
    child text;
    row_count bigint;
    old_child record;
    reference record;
    reference_list jsonb;
    has_rows boolean;
    exclusive boolean := false;
BEGIN
    SELECT n.nspname, c.relname INTO parent_schema, parent_name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = parent AND c.relkind = 'p' AND pg_get_userbyid(c.relowner) = current_user;
    -- Foreign keys to this table: moving rows would run their ON DELETE, and a detached partition would break them.
    SELECT coalesce(jsonb_agg(jsonb_build_object('table', conrelid::regclass::text, 'name', conname, 'definition', pg_get_constraintdef(oid))), '[]')
    INTO reference_list
    FROM pg_constraint WHERE contype = 'f' AND confrelid = parent AND conparentid = 0;
    IF parent_name IS NULL THEN
        RAISE EXCEPTION '% is not a partitioned table of entrepot', parent USING ERRCODE = 'wrong_object_type';
    END IF;
    IF step IS NULL THEN
        RAISE EXCEPTION 'a span is hour, day or month, not %', span USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('entrepot.partitions'), parent::oid::integer);

    child := parent_name || '_default';
    IF to_regclass(format('%I.%I', parent_schema, child)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', parent_schema, child, parent);
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', parent_schema, child);
        action := 'created'; partition := child; moved := 0; RETURN NEXT;
    END IF;

    -- Detaching, and moving rows that are referred to, lock the whole table. That lock has to come before the one on the
    -- default partition: readers take them in this order, and a lock taken late would wait for them for ever.
    IF retain IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %I.%I WHERE %I < %L)', parent_schema, child, key_column, at_time - retain)
            INTO exclusive;
        exclusive := exclusive OR EXISTS (
            SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent AND entrepot.partition_end(c.oid) <= at_time - retain);
    END IF;
    IF reference_list <> '[]' AND NOT exclusive THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %I.%I)', parent_schema, child) INTO exclusive;
    END IF;
    IF exclusive THEN
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', parent);
    END IF;

    FOR lower_bound IN EXECUTE format(
        'SELECT date_trunc(%L, %L::timestamptz) + n * %L::interval FROM generate_series(0, %s) AS n
         UNION SELECT DISTINCT date_trunc(%L, %I) FROM ONLY %I.%I WHERE isfinite(%I)
         ORDER BY 1', span, at_time, step, ahead, span, key_column, parent_schema, parent_name || '_default', key_column)
    LOOP
        upper_bound := lower_bound + step;
        child := entrepot.partition_name(parent, span, lower_bound);
        CONTINUE WHEN to_regclass(format('%I.%I', parent_schema, child)) IS NOT NULL;
        -- Whoever is writing to the default partition is waited for: its rows are to be moved, not to stop the ATTACH.
        EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', parent_schema, parent_name || '_default');
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE)', parent_schema, child, parent);
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', parent_schema, child);
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %I.%I WHERE %I >= %L AND %I < %L)',
            parent_schema, parent_name || '_default', key_column, lower_bound, key_column, upper_bound) INTO has_rows;
        IF has_rows THEN
            FOR reference IN SELECT * FROM jsonb_to_recordset(reference_list) AS r("table" text, name text, definition text) LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference."table", reference.name);
            END LOOP;
        END IF;
        EXECUTE format(
            'WITH moved AS (DELETE FROM ONLY %1$I.%2$I WHERE %3$I >= %4$L AND %3$I < %5$L RETURNING *) INSERT INTO %1$I.%6$I SELECT * FROM moved',
            parent_schema, parent_name || '_default', key_column, lower_bound, upper_bound, child);
        GET DIAGNOSTICS row_count = ROW_COUNT;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', parent, parent_schema, child, lower_bound, upper_bound);
        IF has_rows THEN
            FOR reference IN SELECT * FROM jsonb_to_recordset(reference_list) AS r("table" text, name text, definition text) LOOP
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', reference."table", reference.name, reference.definition);
            END LOOP;
        END IF;
        action := CASE WHEN row_count > 0 THEN 'drained' ELSE 'created' END; partition := child; moved := row_count; RETURN NEXT;
    END LOOP;

    IF retain IS NOT NULL THEN
        FOR old_child IN
            SELECT c.relname AS name
            FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent AND entrepot.partition_end(c.oid) <= at_time - retain
            ORDER BY entrepot.partition_end(c.oid)
        LOOP
            EXECUTE format('SELECT count(*) FROM %I.%I', parent_schema, old_child.name) INTO row_count;
            IF reference_list <> '[]' THEN
                EXECUTE format('DELETE FROM %I.%I', parent_schema, old_child.name);  -- runs ON DELETE of what refers to it
            END IF;
            EXECUTE format('ALTER TABLE %s DETACH PARTITION %I.%I', parent, parent_schema, old_child.name);
            EXECUTE format('DROP TABLE %I.%I', parent_schema, old_child.name);
            action := 'dropped'; partition := old_child.name; moved := row_count; RETURN NEXT;
        END LOOP;
    END IF;
END;
$$;

DROP FUNCTION entrepot.built_partition;

DROP FUNCTION entrepot.range_is_taken;

DROP FUNCTION entrepot.span_of;

DROP FUNCTION entrepot.make_free_standing;

DROP FUNCTION entrepot.build_partition;

DROP FUNCTION entrepot.drop_built_partition;

DROP FUNCTION entrepot.built_partitions;

DROP FUNCTION entrepot.lock_referenced;

DROP FUNCTION entrepot.lock_to_attach;

DROP FUNCTION entrepot.prepare_partition;

DROP FUNCTION entrepot.swap_partition;

DROP FUNCTION entrepot.attach_partition;

DROP FUNCTION entrepot.merge_ranges;

DROP FUNCTION entrepot.copy_changed;

DROP FUNCTION entrepot.start_merge;

DROP FUNCTION entrepot.catch_up_merge;

DROP FUNCTION entrepot.finish_merge;

DROP FUNCTION entrepot.drop_unfinished_merges;
