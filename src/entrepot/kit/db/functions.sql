-- The functions behind `Audit`, `Touch` and `Partitions`. They live in schema entrepot, belong to entrepot_owner and
-- pin their search_path, so that nothing a caller sets can change what they do.

CREATE OR REPLACE FUNCTION entrepot.touch() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION entrepot.touch() IS 'Sets updated_at; BEFORE UPDATE trigger of every table that declares Touch.';

CREATE OR REPLACE FUNCTION entrepot.redact(row_data jsonb, secrets text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT row_data || coalesce(
        (SELECT jsonb_object_agg(name, 'sha256:' || left(encode(sha256(convert_to(row_data ->> name, 'UTF8')), 'hex'), 12))
         FROM unnest(secrets) AS name
         WHERE row_data ->> name IS NOT NULL),
        '{}'::jsonb)
$$;
COMMENT ON FUNCTION entrepot.redact(jsonb, text[]) IS 'A row as JSON with each secret replaced by the first 12 digits of its SHA-256.';

-- Arguments: key column, tenant column ('' for none; 'platform_id:COLUMN' where a platform is the tenant), then the secret
-- columns. One trigger an operation, a statement: a merge of fifty thousand rows writes its audit rows in one INSERT.
CREATE OR REPLACE FUNCTION entrepot.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key_column text := TG_ARGV[0];
    of_platform boolean := starts_with(TG_ARGV[1], 'platform_id:');
    tenant_column text := CASE WHEN starts_with(TG_ARGV[1], 'platform_id:') THEN split_part(TG_ARGV[1], ':', 2) ELSE TG_ARGV[1] END;
    secrets text[] := TG_ARGV[2:TG_NARGS - 1];
    context_shop uuid := CASE WHEN NOT of_platform THEN nullif(current_setting('app.current_shop_id', true), '')::uuid END;
    context_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    trace text := left(nullif(current_setting('app.trace_id', true), ''), 100);
    -- What a proxy calls an address need not be one; that must not stop the change.
    address inet := CASE WHEN pg_input_is_valid(current_setting('app.ip', true), 'inet') THEN current_setting('app.ip', true)::inet END;
    agent text := nullif(current_setting('app.user_agent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, user_id, action, entity_type, entity_id, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN NOT of_platform THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(n) AS row_data FROM new_rows AS n) AS changed;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, user_id, action, entity_type, entity_id, old_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN NOT of_platform THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(o) AS row_data FROM old_rows AS o) AS changed;
    ELSE
        INSERT INTO pim.audit_logs (shop_id, platform_id, user_id, action, entity_type, entity_id, old_values, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN NOT of_platform THEN coalesce((coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid END,
               context_user, TG_OP, TG_TABLE_NAME, (coalesce(after.row_data, before.row_data) ->> key_column)::uuid,
               entrepot.redact(before.row_data, secrets), entrepot.redact(after.row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(o) AS row_data FROM old_rows AS o) AS before
        -- Full, since a changed key leaves the row before and the row after without each other: each is told alone.
        FULL JOIN (SELECT to_jsonb(n) AS row_data FROM new_rows AS n) AS after
          ON after.row_data ->> key_column = before.row_data ->> key_column
        WHERE after.row_data - 'updated_at' IS DISTINCT FROM before.row_data - 'updated_at';
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION entrepot.audit() IS 'Copies changed rows to pim.audit_logs; AFTER trigger of every table that declares Audit.';

CREATE OR REPLACE FUNCTION entrepot.partition_name(parent regclass, span text, lower_bound timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT relname || '_' || to_char(lower_bound AT TIME ZONE 'UTC',
        CASE span WHEN 'hour' THEN 'YYYY_MM_DD_HH24' WHEN 'day' THEN 'YYYY_MM_DD' ELSE 'YYYY_MM' END)
    FROM pg_class WHERE oid = parent
$$;
COMMENT ON FUNCTION entrepot.partition_name(regclass, text, timestamptz) IS 'The name of the partition that begins at a point in time.';

CREATE OR REPLACE FUNCTION entrepot.partition_end(partition regclass) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
    SELECT (regexp_match(pg_get_expr(relpartbound, oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz
    FROM pg_class WHERE oid = partition
$$;
COMMENT ON FUNCTION entrepot.partition_end(regclass) IS 'The point in time before which a partition''s rows are; null for a default one.';

-- Makes the default partition, the partitions from now to `ahead` spans on, a partition for every span that has rows
-- in the default partition (and moves them), and drops those that ended before now - retain.
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
    column_list text;  -- without the generated ones, which take no values
BEGIN
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO column_list
    FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
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
            'WITH moved AS (DELETE FROM ONLY %1$I.%2$I WHERE %3$I >= %4$L AND %3$I < %5$L RETURNING %7$s) INSERT INTO %1$I.%6$I (%7$s) SELECT %7$s FROM moved',
            parent_schema, parent_name || '_default', key_column, lower_bound, upper_bound, child, column_list);
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
COMMENT ON FUNCTION entrepot.maintain_partitions(regclass, text, text, integer, interval, timestamptz) IS
    'Makes partitions ahead of time, drains the default partition, and drops what retention has let go.';
GRANT EXECUTE ON FUNCTION entrepot.maintain_partitions(regclass, text, text, integer, interval, timestamptz) TO entrepot_system;
