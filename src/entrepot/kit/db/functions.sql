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

-- Arguments: key column, tenant column ('' for none; 'platform_id:COLUMN' or 'account_id:COLUMN' where a platform or an
-- account is the tenant), then the secret columns. One trigger an operation, a statement: a merge of fifty thousand rows writes its audit rows in one INSERT.
CREATE OR REPLACE FUNCTION entrepot.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key_column text := TG_ARGV[0];
    of_platform boolean := starts_with(TG_ARGV[1], 'platform_id:');
    of_account boolean := starts_with(TG_ARGV[1], 'account_id:');
    of_shop boolean := NOT (of_platform OR of_account);
    tenant_column text := CASE WHEN of_shop THEN TG_ARGV[1] ELSE split_part(TG_ARGV[1], ':', 2) END;
    secrets text[] := TG_ARGV[2:TG_NARGS - 1];
    context_shop uuid := CASE WHEN of_shop THEN nullif(current_setting('app.current_shop_id', true), '')::uuid END;
    context_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    trace text := left(nullif(current_setting('app.trace_id', true), ''), 100);
    -- What a proxy calls an address need not be one; that must not stop the change.
    address inet := CASE WHEN pg_input_is_valid(current_setting('app.ip', true), 'inet') THEN current_setting('app.ip', true)::inet END;
    agent text := nullif(current_setting('app.user_agent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, account_id, user_id, action, entity_type, entity_id, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN of_shop THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END,
               CASE WHEN of_account THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(n) AS row_data FROM new_rows AS n) AS changed;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pim.audit_logs (shop_id, platform_id, account_id, user_id, action, entity_type, entity_id, old_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN of_shop THEN coalesce((row_data ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (row_data ->> tenant_column)::uuid END,
               CASE WHEN of_account THEN (row_data ->> tenant_column)::uuid END, context_user, TG_OP, TG_TABLE_NAME,
               (row_data ->> key_column)::uuid, entrepot.redact(row_data, secrets), address, agent, trace
        FROM (SELECT to_jsonb(o) AS row_data FROM old_rows AS o) AS changed;
    ELSE
        INSERT INTO pim.audit_logs (shop_id, platform_id, account_id, user_id, action, entity_type, entity_id, old_values, new_values, ip_address, user_agent, request_id)
        SELECT CASE WHEN of_shop THEN coalesce((coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid, context_shop) END,
               CASE WHEN of_platform THEN (coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid END,
               CASE WHEN of_account THEN (coalesce(after.row_data, before.row_data) ->> tenant_column)::uuid END,
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

CREATE OR REPLACE FUNCTION entrepot.partition_ranges(parent regclass) RETURNS TABLE (id regclass, starts timestamptz, ends timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
    SELECT i.inhrelid::regclass, bounds[1]::timestamptz, bounds[2]::timestamptz
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    LEFT JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') AS bounds ON true
    WHERE i.inhparent = parent
$$;
COMMENT ON FUNCTION entrepot.partition_ranges(regclass) IS 'The partitions of a table with their bounds, which a default one has none of.';

CREATE OR REPLACE FUNCTION entrepot.partition_column(parent regclass) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text;
BEGIN
    SELECT a.attname INTO found
    FROM pg_class AS c
    JOIN pg_partitioned_table AS p ON p.partrelid = c.oid AND p.partstrat = 'r' AND p.partnatts = 1
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] AND a.atttypid = 'timestamptz'::regtype
    WHERE c.oid = parent AND pg_get_userbyid(c.relowner) = 'entrepot_owner';
    IF found IS NULL THEN
        RAISE EXCEPTION '% is not a table of entrepot that is partitioned by time', parent USING ERRCODE = 'wrong_object_type';
    END IF;
    RETURN found;
END;
$$;
COMMENT ON FUNCTION entrepot.partition_column(regclass) IS 'The column that partitions a table; refuses what is not a table of ours partitioned by time.';

-- A merged table's partition for a moment: the coarsest span that is old enough by now and meets no partition that is there.
-- So a late row gets a month of its own, and no hour is made inside a day or a month.
CREATE OR REPLACE FUNCTION entrepot.span_for(taken tstzmultirange, spans text[], ages interval[], moment timestamptz, at_time timestamptz) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    lower_bound timestamptz;
    upper_bound timestamptz;
BEGIN
    FOR place IN REVERSE cardinality(spans)..1 LOOP
        lower_bound := date_trunc(spans[place], moment);
        upper_bound := lower_bound + ('1 ' || spans[place])::interval;
        CONTINUE WHEN place > 1 AND upper_bound + ages[place - 1] > at_time;
        CONTINUE WHEN taken && tstzrange(lower_bound, upper_bound);
        RETURN spans[place];
    END LOOP;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION entrepot.span_for(tstzmultirange, text[], interval[], timestamptz, timestamptz) IS
    'The span of the partition to make for a moment; null where a partition holds it.';

-- Makes the default partition, the partitions from now to `ahead` spans on, a partition for every span that has rows
-- in the default partition (and moves them), and drops those that ended before now - retain. `spans` are those that a
-- partition has in the course of time, finest first; `ages` say how old each but the last gets before it is merged.
CREATE OR REPLACE FUNCTION entrepot.maintain_spans(
    parent regclass, key_column text, spans text[], ages interval[], ahead integer, retain interval, at_time timestamptz DEFAULT now()
) RETURNS TABLE (action text, partition text, moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parent_schema text;
    parent_name text;
    step interval;
    span text;
    moment timestamptz;
    lower_bound timestamptz;
    upper_bound timestamptz;
    child text;
    row_count bigint;
    old_child record;
    reference record;
    reference_list jsonb;
    has_rows boolean;
    exclusive boolean := false;
    ordered boolean := false;
    taken tstzmultirange;
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
    IF spans NOT IN ('{hour}', '{day}', '{month}', '{hour,day}', '{day,month}', '{hour,day,month}') THEN
        RAISE EXCEPTION 'a span is hour, day or month, not %', spans USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF cardinality(ages) <> cardinality(spans) - 1 THEN
        RAISE EXCEPTION 'each span but the last has an age to be merged at' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    step := ('1 ' || spans[1])::interval;
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

    SELECT coalesce(range_agg(tstzrange(p.starts, p.ends)), '{}') INTO taken FROM entrepot.partition_ranges(parent) AS p WHERE p.starts IS NOT NULL;
    FOR moment IN EXECUTE format(
        'SELECT date_trunc(%L, %L::timestamptz) + n * %L::interval FROM generate_series(0, %s) AS n
         UNION SELECT DISTINCT date_trunc(%L, %I) FROM ONLY %I.%I WHERE isfinite(%I)
         ORDER BY 1', spans[1], at_time, step, ahead, spans[1], key_column, parent_schema, parent_name || '_default', key_column)
    LOOP
        span := entrepot.span_for(taken, spans, ages, moment, at_time);
        CONTINUE WHEN span IS NULL;
        lower_bound := date_trunc(span, moment);
        upper_bound := lower_bound + ('1 ' || span)::interval;
        taken := taken + tstzmultirange(tstzrange(lower_bound, upper_bound));
        child := entrepot.partition_name(parent, span, lower_bound);
        IF NOT ordered THEN  -- what attaching locks later, before the default partition: writers take them in this order
            PERFORM entrepot.lock_referenced(parent, 'SHARE ROW EXCLUSIVE');
            EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
            ordered := true;
        END IF;
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
COMMENT ON FUNCTION entrepot.maintain_spans(regclass, text, text[], interval[], integer, interval, timestamptz) IS
    'Makes partitions ahead of time, drains the default partition, and drops what retention has let go.';
GRANT EXECUTE ON FUNCTION entrepot.maintain_spans(regclass, text, text[], interval[], integer, interval, timestamptz) TO entrepot_system;

CREATE OR REPLACE FUNCTION entrepot.maintain_partitions(
    parent regclass, key_column text, span text, ahead integer, retain interval, at_time timestamptz DEFAULT now()
) RETURNS TABLE (action text, partition text, moved bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM entrepot.maintain_spans(parent, key_column, ARRAY[span], '{}', ahead, retain, at_time)
$$;
COMMENT ON FUNCTION entrepot.maintain_partitions(regclass, text, text, integer, interval, timestamptz) IS
    'maintain_spans of a table whose partitions keep the span that they are made with.';
GRANT EXECUTE ON FUNCTION entrepot.maintain_partitions(regclass, text, text, integer, interval, timestamptz) TO entrepot_system;

-- A free-standing table is recognized by its name (the partition's, and what it is made for) and by its comment, which holds its bounds.
CREATE OR REPLACE FUNCTION entrepot.built_partition(parent regclass, partition text) RETURNS TABLE (id regclass, child text, made_for text, lower_bound timestamptz, upper_bound timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
    SELECT c.oid, (regexp_match(c.relname, '^(.*)_(built|merged)$'))[1], (regexp_match(c.relname, '_(built|merged)$'))[1], bounds[2]::timestamptz, bounds[3]::timestamptz
    INTO id, child, made_for, lower_bound, upper_bound
    FROM pg_class AS c
    JOIN pg_class AS p ON p.oid = parent AND p.relnamespace = c.relnamespace AND p.relowner = c.relowner,
    regexp_match(obj_description(c.oid, 'pg_class'), '^To be a partition of (\S+) from ''([^'']+)'' to ''([^'']+)''$') AS bounds
    WHERE c.oid = to_regclass(partition) AND c.relkind = 'r' AND NOT c.relispartition AND bounds[1] = parent::text;
    IF child IS NULL THEN
        RAISE EXCEPTION '% is not a table that entrepot.build_partition made for %', partition, parent USING ERRCODE = 'wrong_object_type';
    END IF;
    RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION entrepot.built_partition(regclass, text) IS 'What a free-standing table is to become; refuses every other table.';

-- The partitions and rows that stand in the way of a partition of a range: none (false), or something that holds rows or reaches beyond it.
CREATE OR REPLACE FUNCTION entrepot.range_is_taken(parent regclass, lower_bound timestamptz, upper_bound timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    key_column text := entrepot.partition_column(parent);
    other record;
    taken boolean;
BEGIN
    FOR other IN SELECT * FROM entrepot.partition_ranges(parent) LOOP
        CONTINUE WHEN other.ends <= lower_bound OR other.starts >= upper_bound;
        IF other.starts IS NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I >= %L AND %I < %L)', other.id, key_column, lower_bound, key_column, upper_bound) INTO taken;
        ELSIF other.starts < lower_bound OR other.ends > upper_bound THEN
            taken := true;
        ELSE
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', other.id) INTO taken;
        END IF;
        IF taken THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END;
$$;
COMMENT ON FUNCTION entrepot.range_is_taken(regclass, timestamptz, timestamptz) IS
    'Whether a range holds rows already, or lies in or across a partition that is there.';

CREATE OR REPLACE FUNCTION entrepot.span_of(lower_bound timestamptz, upper_bound timestamptz) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    span text;
BEGIN
    FOREACH span IN ARRAY ARRAY['hour', 'day', 'month'] LOOP
        IF lower_bound = date_trunc(span, lower_bound) AND upper_bound = lower_bound + ('1 ' || span)::interval THEN
            RETURN span;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'a partition is an hour, a day or a month in UTC, not % to %', lower_bound, upper_bound USING ERRCODE = 'invalid_parameter_value';
END;
$$;
COMMENT ON FUNCTION entrepot.span_of(timestamptz, timestamptz) IS 'Whether two points in time bound an hour, a day or a month, in UTC.';

CREATE OR REPLACE FUNCTION entrepot.make_free_standing(parent regclass, made_for text, lower_bound timestamptz, upper_bound timestamptz) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    key_column text := entrepot.partition_column(parent);
    made text;
BEGIN
    SELECT format('%I.%I', n.nspname, entrepot.partition_name(parent, entrepot.span_of(lower_bound, upper_bound), lower_bound) || '_' || made_for) INTO made
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = parent;
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE, '
        'CONSTRAINT partition_bounds CHECK (%I >= %L AND %I < %L))', made, parent, key_column, lower_bound, key_column, upper_bound);
    EXECUTE format('COMMENT ON TABLE %s IS %L', made, format('To be a partition of %s from %L to %L', parent, lower_bound, upper_bound));
    RETURN made;
END;
$$;
COMMENT ON FUNCTION entrepot.make_free_standing(regclass, text, timestamptz, timestamptz) IS 'Makes an empty table like a partition of a range, to be filled and attached.';

-- For whoever has a whole range of rows: fill this table, which no index, foreign key or trigger slows, and attach it.
CREATE OR REPLACE FUNCTION entrepot.build_partition(parent regclass, lower_bound timestamptz, upper_bound timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    made text;
BEGIN
    PERFORM entrepot.partition_column(parent), entrepot.span_of(lower_bound, upper_bound);
    IF entrepot.range_is_taken(parent, lower_bound, upper_bound) THEN
        RETURN NULL;
    END IF;
    made := entrepot.make_free_standing(parent, 'built', lower_bound, upper_bound);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON %s TO entrepot_system', made);
    RETURN made;
END;
$$;
COMMENT ON FUNCTION entrepot.build_partition(regclass, timestamptz, timestamptz) IS
    'Makes a free-standing table for the rows of a whole hour, day or month and gives its name; null where that range is taken.';
GRANT EXECUTE ON FUNCTION entrepot.build_partition(regclass, timestamptz, timestamptz) TO entrepot_system;

CREATE OR REPLACE FUNCTION entrepot.drop_built_partition(parent regclass, partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    built record;
BEGIN
    SELECT * INTO built FROM entrepot.built_partition(parent, partition);
    EXECUTE format('DROP TABLE %s', built.id);
END;
$$;
COMMENT ON FUNCTION entrepot.drop_built_partition(regclass, text) IS 'Drops a free-standing table that will not be attached.';
GRANT EXECUTE ON FUNCTION entrepot.drop_built_partition(regclass, text) TO entrepot_system;

CREATE OR REPLACE FUNCTION entrepot.built_partitions(parent regclass) RETURNS TABLE (partition text, lower_bound timestamptz, upper_bound timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.oid::regclass::text, b.lower_bound, b.upper_bound
    FROM pg_class AS c
    JOIN pg_class AS p ON p.oid = parent AND p.relnamespace = c.relnamespace AND p.relowner = c.relowner,
    entrepot.built_partition(parent, c.oid::regclass::text) AS b
    WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '_built$'
      AND starts_with(obj_description(c.oid, 'pg_class'), format('To be a partition of %s from ', parent))
$$;
COMMENT ON FUNCTION entrepot.built_partitions(regclass) IS 'The free-standing tables that were built for a table and are not attached: being filled, or left over.';
GRANT EXECUTE ON FUNCTION entrepot.built_partitions(regclass) TO entrepot_system;

CREATE OR REPLACE FUNCTION entrepot.lock_referenced(parent regclass, mode text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    referenced regclass;
BEGIN
    FOR referenced IN SELECT DISTINCT confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid = parent AND conparentid = 0 ORDER BY 1 LOOP
        EXECUTE format('LOCK TABLE %s IN %s MODE', referenced, mode);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION entrepot.lock_referenced(regclass, text) IS
    'Locks the tables that a table refers to, in one order, so that two who do it do not wait for each other in a circle.';

CREATE OR REPLACE FUNCTION entrepot.lock_to_attach(built regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = built) THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END
$$;
COMMENT ON FUNCTION entrepot.lock_to_attach(regclass) IS
    'The lock on tables that are referred to: attaching drops the triggers that keys of a free-standing table have there, or makes none.';

-- One step a transaction keeps locks on other tables short: 'indexes' locks nothing else; 'references' adds the foreign keys
-- unchecked, for which writers of the tables referred to wait a moment; 'validation' checks them, set-wise, while others write.
-- Whoever attaches without these steps has them done in one transaction.
CREATE OR REPLACE FUNCTION entrepot.prepare_partition(parent regclass, partition text, step text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    built record;
    item record;
BEGIN
    SELECT * INTO built FROM entrepot.built_partition(parent, partition);
    IF step = 'indexes' THEN
        FOR item IN
            SELECT format('%s_%s', (SELECT relname FROM pg_class WHERE oid = built.id), row_number() OVER (ORDER BY c.relname)) AS name,
                   pg_get_indexdef(i.indexrelid) AS definition, pg_get_constraintdef(k.oid) AS key
            FROM pg_index AS i
            JOIN pg_class AS c ON c.oid = i.indexrelid
            LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = parent AND k.contype IN ('p', 'u')
            WHERE i.indrelid = parent AND NOT EXISTS (SELECT FROM pg_index AS o WHERE o.indrelid = built.id)
        LOOP
            IF item.key IS NOT NULL THEN
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', built.id, item.name, item.key);
            ELSE
                EXECUTE regexp_replace(item.definition, 'INDEX .*? ON ONLY \S+ ', format('INDEX %I ON %s ', item.name, built.id));
            END IF;
        END LOOP;
        IF FOUND THEN  -- some index was missing, so the table was filled since it was last looked at
            EXECUTE format('ANALYZE %s', built.id);
        END IF;
    ELSIF step = 'references' THEN
        -- Of a few rows, attaching checks the keys in no time, and with lighter locks than keys that are there already need.
        IF pg_relation_size(built.id) < 2097152 OR EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = built.id) THEN
            RETURN;
        END IF;
        PERFORM entrepot.lock_referenced(parent, 'SHARE ROW EXCLUSIVE');
        FOR item IN
            SELECT k.conname AS name, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint AS k
            WHERE k.contype = 'f' AND k.conrelid = parent AND k.conparentid = 0
        LOOP
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', built.id, item.name, item.definition);
        END LOOP;
    ELSIF step = 'validation' THEN
        FOR item IN
            SELECT conname AS name FROM pg_constraint
            WHERE contype = 'f' AND conrelid = built.id AND conparentid = 0 AND NOT convalidated ORDER BY 1
        LOOP
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', built.id, item.name);
        END LOOP;
    ELSE
        RAISE EXCEPTION 'a step is indexes, references or validation, not %', step USING ERRCODE = 'invalid_parameter_value';
    END IF;
END;
$$;
COMMENT ON FUNCTION entrepot.prepare_partition(regclass, text, text) IS
    'One step before a free-standing table is attached: its indexes, its references, or their validation.';
GRANT EXECUTE ON FUNCTION entrepot.prepare_partition(regclass, text, text) TO entrepot_system;

-- What is left to do once a table is like a partition in everything: the partitions that it replaces go, it comes.
CREATE OR REPLACE FUNCTION entrepot.swap_partition(parent regclass, partition text, replaced regclass[]) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    built record;
    item record;
    other regclass;
BEGIN
    SELECT * INTO built FROM entrepot.built_partition(parent, partition);
    FOREACH other IN ARRAY replaced LOOP
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, other);
        EXECUTE format('DROP TABLE %s', other);
    END LOOP;
    FOR item IN
        SELECT c.oid::regclass AS id, built.child || '_' || (regexp_match(c.relname, '_([0-9]+)$'))[1]
               || CASE WHEN i.indisprimary THEN '_pkey' WHEN i.indisunique THEN '_key' ELSE '_idx' END AS name
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE i.indrelid = built.id
    LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', item.id, item.name);
    END LOOP;
    EXECUTE format('ALTER TABLE %s RENAME TO %I', built.id, built.child);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', built.id);
    EXECUTE format('REVOKE ALL ON %s FROM entrepot_system', built.id);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', parent, built.id, built.lower_bound, built.upper_bound);
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT partition_bounds', built.id);
    EXECUTE format('COMMENT ON TABLE %s IS NULL', built.id);
    RETURN built.child;
END;
$$;
COMMENT ON FUNCTION entrepot.swap_partition(regclass, text, regclass[]) IS 'Takes partitions away and puts a prepared table in their place.';

CREATE OR REPLACE FUNCTION entrepot.attach_partition(parent regclass, partition text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    built record;
    item record;
    empty_ones regclass[];
BEGIN
    SELECT * INTO built FROM entrepot.built_partition(parent, partition);
    PERFORM pg_advisory_xact_lock(hashtext('entrepot.partitions'), parent::oid::integer);
    PERFORM entrepot.prepare_partition(parent, partition, 'indexes');
    SELECT coalesce(array_agg(p.id), '{}') INTO empty_ones
    FROM entrepot.partition_ranges(parent) AS p WHERE p.starts >= built.lower_bound AND p.ends <= built.upper_bound;
    PERFORM entrepot.prepare_partition(parent, partition, 'references');
    PERFORM entrepot.prepare_partition(parent, partition, 'validation');
    -- Tables come before their partitions, as readers take them; detaching locks the whole table.
    PERFORM entrepot.lock_referenced(parent, entrepot.lock_to_attach(built.id));
    EXECUTE format('LOCK TABLE ONLY %s IN %s MODE', parent, CASE WHEN empty_ones = '{}' THEN 'SHARE UPDATE EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END);
    -- Whoever is writing into the range is waited for, then looked at: rows of the range are never hidden or lost.
    FOR item IN SELECT p.id FROM entrepot.partition_ranges(parent) AS p WHERE p.id = ANY (empty_ones) OR p.starts IS NULL LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', item.id);
    END LOOP;
    IF entrepot.range_is_taken(parent, built.lower_bound, built.upper_bound) THEN
        RAISE EXCEPTION '% has rows from % to % already, so % cannot be attached', parent, built.lower_bound, built.upper_bound, partition
            USING ERRCODE = 'check_violation', HINT = 'Rows of the default partition are moved by `entrepot db partitions maintain`; drop the table with entrepot.drop_built_partition and load the rows the ordinary way.';
    END IF;
    RETURN entrepot.swap_partition(parent, partition, empty_ones);
END;
$$;
COMMENT ON FUNCTION entrepot.attach_partition(regclass, text) IS
    'Makes a filled free-standing table a partition: indexes, foreign keys checked set-wise, attached; gives the name of the partition.';
GRANT EXECUTE ON FUNCTION entrepot.attach_partition(regclass, text) TO entrepot_system;

-- Merging: the rows of finer partitions are copied aside while everybody reads and writes; what changed meanwhile is copied
-- again; and when nothing changed any more, one short transaction drops the finer ones and attaches the copy.
CREATE OR REPLACE FUNCTION entrepot.merge_ranges(parent regclass, spans text[], ages interval[], at_time timestamptz DEFAULT now())
RETURNS TABLE (lower_bound timestamptz, upper_bound timestamptz, parts bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    done tstzrange[] := '{}';
BEGIN
    PERFORM entrepot.partition_column(parent);
    IF EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = parent AND conparentid = 0) THEN
        RAISE EXCEPTION 'partitions of % cannot be merged: other tables refer to it', parent USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    FOR place IN REVERSE cardinality(spans)..2 LOOP
        FOR lower_bound, upper_bound, parts IN
            SELECT date_trunc(spans[place], p.starts), date_trunc(spans[place], p.starts) + ('1 ' || spans[place])::interval, count(*)
            FROM entrepot.partition_ranges(parent) AS p
            WHERE p.ends - p.starts < CASE spans[place] WHEN 'day' THEN interval '1 day' ELSE interval '28 days' END
            GROUP BY 1 ORDER BY 1
        LOOP
            CONTINUE WHEN upper_bound + ages[place - 1] > at_time OR lower_bound <@ ANY (done);
            done := done || tstzrange(lower_bound, upper_bound);
            RETURN NEXT;
        END LOOP;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION entrepot.merge_ranges(regclass, text[], interval[], timestamptz) IS 'The days and months whose finer partitions are old enough to become one.';
GRANT EXECUTE ON FUNCTION entrepot.merge_ranges(regclass, text[], interval[], timestamptz) TO entrepot_system;

-- The sources of a merge with a fingerprint each, of the places and writers of all their visible rows: an insert, update or
-- delete changes it. What `copied` does not hold in the same words is copied again. Null where a source is gone.
CREATE OR REPLACE FUNCTION entrepot.copy_changed(parent regclass, partition text, copied jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    fingerprint text := 'count(*) || ''/'' || coalesce(sum(hash_record_extended(ROW(ctid, xmin), 0)), 0)';
    key_column text := entrepot.partition_column(parent);
    column_list text;
    built record;
    source record;
    print text;
    found jsonb := '{}';
BEGIN
    SELECT * INTO built FROM entrepot.built_partition(parent, partition);
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO column_list
    FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    FOR source IN
        SELECT p.id, p.starts, p.ends FROM entrepot.partition_ranges(parent) AS p
        WHERE p.starts >= built.lower_bound AND p.ends <= built.upper_bound ORDER BY p.starts
    LOOP
        IF copied ? source.id::text THEN
            EXECUTE format('SELECT %s FROM %s', fingerprint, source.id) INTO print;
        END IF;
        IF NOT copied ? source.id::text OR print <> copied ->> source.id::text THEN
            IF copied <> '{}' THEN
                EXECUTE format('DELETE FROM %s WHERE %I >= %L AND %I < %L', built.id, key_column, source.starts, key_column, source.ends);
            END IF;
            -- One statement has one snapshot: the fingerprint is of the very rows that are copied.
            EXECUTE format('WITH copied AS (INSERT INTO %s (%s) SELECT %s FROM %s) SELECT %s FROM %s',
                built.id, column_list, column_list, source.id, fingerprint, source.id) INTO print;
        END IF;
        found := found || jsonb_build_object(source.id::text, print);
    END LOOP;
    RETURN CASE WHEN found ?& ARRAY(SELECT jsonb_object_keys(copied)) THEN found END;
END;
$$;
COMMENT ON FUNCTION entrepot.copy_changed(regclass, text, jsonb) IS 'Brings the copy of a merge up to date; gives the fingerprints of what it was copied from.';

CREATE OR REPLACE FUNCTION entrepot.start_merge(parent regclass, lower_bound timestamptz, upper_bound timestamptz) RETURNS TABLE (partition text, copied jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    partition := entrepot.make_free_standing(parent, 'merged', lower_bound, upper_bound);
    copied := entrepot.copy_changed(parent, partition, '{}');
    RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION entrepot.start_merge(regclass, timestamptz, timestamptz) IS 'Copies the rows of the partitions of a range aside.';
GRANT EXECUTE ON FUNCTION entrepot.start_merge(regclass, timestamptz, timestamptz) TO entrepot_system;

CREATE OR REPLACE FUNCTION entrepot.catch_up_merge(parent regclass, partition text, copied jsonb) RETURNS jsonb
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT entrepot.copy_changed(parent, partition, copied)
$$;
COMMENT ON FUNCTION entrepot.catch_up_merge(regclass, text, jsonb) IS 'Copies again what changed since; the fingerprints differ from those given where something did.';
GRANT EXECUTE ON FUNCTION entrepot.catch_up_merge(regclass, text, jsonb) TO entrepot_system;

-- Waits for no lock longer than a deadlock is looked for after, so that nobody else is ended on its account; the caller tries again.
CREATE OR REPLACE FUNCTION entrepot.finish_merge(parent regclass, partition text, copied jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '400ms' SET timezone = 'UTC' AS $$
DECLARE
    key_column text := entrepot.partition_column(parent);
    built record;
    source regclass;
    taken boolean;
BEGIN
    SELECT * INTO built FROM entrepot.built_partition(parent, partition);
    PERFORM pg_advisory_xact_lock(hashtext('entrepot.partitions'), parent::oid::integer);
    PERFORM entrepot.lock_referenced(parent, entrepot.lock_to_attach(built.id));
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', parent);
    IF entrepot.copy_changed(parent, partition, copied) IS DISTINCT FROM copied THEN
        RAISE EXCEPTION 'rows from % to % of % changed since they were copied', built.lower_bound, built.upper_bound, parent USING ERRCODE = 'serialization_failure';
    END IF;
    FOR source IN SELECT p.id FROM entrepot.partition_ranges(parent) AS p WHERE p.starts IS NULL LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %I >= %L AND %I < %L)',
            source, key_column, built.lower_bound, key_column, built.upper_bound) INTO taken;
    END LOOP;
    IF taken THEN
        RETURN NULL;
    END IF;
    FOR source IN SELECT key::regclass FROM jsonb_object_keys(copied) AS key LOOP
        EXECUTE format('DROP TABLE %s', source);  -- a partition that nothing refers to; detaching it first would lock what it refers to
    END LOOP;
    RETURN entrepot.swap_partition(parent, partition, '{}');
END;
$$;
COMMENT ON FUNCTION entrepot.finish_merge(regclass, text, jsonb) IS
    'Drops the partitions that were copied and attaches the copy; fails where they changed since, gives null where rows of the range are in the default partition.';
GRANT EXECUTE ON FUNCTION entrepot.finish_merge(regclass, text, jsonb) TO entrepot_system;

CREATE OR REPLACE FUNCTION entrepot.drop_unfinished_merges(parent regclass) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over record;
BEGIN
    FOR left_over IN
        SELECT c.oid::regclass AS id, c.relname AS name
        FROM pg_class AS c JOIN pg_class AS p ON p.oid = parent AND p.relnamespace = c.relnamespace AND p.relowner = c.relowner
        WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '_merged$'
          AND starts_with(obj_description(c.oid, 'pg_class'), format('To be a partition of %s from ', parent))
    LOOP
        EXECUTE format('DROP TABLE %s', left_over.id);
        RETURN NEXT left_over.name;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION entrepot.drop_unfinished_merges(regclass) IS 'Drops the copies of merges that were killed; for whoever holds the lock of merging.';
GRANT EXECUTE ON FUNCTION entrepot.drop_unfinished_merges(regclass) TO entrepot_system;
