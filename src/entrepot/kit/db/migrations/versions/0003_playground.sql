-- The playground: a warehouse of facts by time of event, and its metrics.

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

CREATE SCHEMA data_playground;

GRANT USAGE ON SCHEMA data_playground TO entrepot_app, entrepot_system;

CREATE TABLE data_playground.global_entities (
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	entity_id UUID NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text)) VIRTUAL NOT NULL, 
	entity_type VARCHAR(30) NOT NULL, 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	deactivated_time TIMESTAMP WITH TIME ZONE, 
	reactivated_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_global_entities PRIMARY KEY (event_time, entity_id), 
	CONSTRAINT ck_global_entities_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_global_entities_entity_type CHECK (entity_type IN ('user', 'user_shop', 'shop_product', 'user_invoice', 'user_payment', 'shop_order', 'shop_review', 'shop_promotion', 'user_payment_method', 'unknown')), 
	CONSTRAINT ck_global_entities_created_time CHECK (created_time = event_time), 
	CONSTRAINT ck_global_entities_deactivated_time CHECK (deactivated_time >= created_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_global_entities_entity ON data_playground.global_entities (entity_id);

CREATE INDEX idx_global_entities_type ON data_playground.global_entities (entity_type, event_time);

COMMENT ON TABLE data_playground.global_entities IS 'Registry of every entity: of what type an id is, when it came to be, when it was closed';

COMMENT ON COLUMN data_playground.global_entities.event_time IS 'When the entity came to be';

COMMENT ON COLUMN data_playground.global_entities.entity_id IS 'Id of the entity in its own table';

COMMENT ON COLUMN data_playground.global_entities.partition_key IS 'Label of the day that it happened in, in UTC (YYYY-MM-DD); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.global_entities.entity_type IS 'user/user_shop/shop_product/user_invoice/user_payment/shop_order/shop_review/shop_promotion/user_payment_method/unknown';

COMMENT ON COLUMN data_playground.global_entities.created_time IS 'When the entity came to be, as event_time';

COMMENT ON COLUMN data_playground.global_entities.deactivated_time IS 'When it was closed';

COMMENT ON COLUMN data_playground.global_entities.reactivated_time IS 'When it was opened again';

COMMENT ON COLUMN data_playground.global_entities.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.global_entities.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.metrics_clocks (
	origin VARCHAR(20) NOT NULL, 
	reached TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_metrics_clocks PRIMARY KEY (origin), 
	CONSTRAINT ck_metrics_clocks_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse'))
);

COMMENT ON TABLE data_playground.metrics_clocks IS 'Until when the metrics know: out-of-stock time of products that have none now is counted up to here';

COMMENT ON COLUMN data_playground.metrics_clocks.origin IS 'Origin of the products: the clock of the simulated world, or of ours';

COMMENT ON COLUMN data_playground.metrics_clocks.reached IS 'Moment that the metrics reach to';

CREATE TABLE data_playground.metrics_dirty (
	mark_id BIGINT GENERATED ALWAYS AS IDENTITY, 
	kind VARCHAR(10) NOT NULL, 
	entity_id UUID, 
	hour TIMESTAMP WITH TIME ZONE NOT NULL, 
	until TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_metrics_dirty PRIMARY KEY (mark_id), 
	CONSTRAINT ck_metrics_dirty_kind CHECK (kind IN ('user', 'shop', 'product', 'stock', 'shop_stock', 'promotion', 'span')), 
	CONSTRAINT ck_metrics_dirty_entity_id CHECK ((kind = 'span') = (entity_id IS NULL))
);

COMMENT ON TABLE data_playground.metrics_dirty IS 'What the next roll has to compute again; rows are appended by whoever writes facts and taken by the roll';

COMMENT ON COLUMN data_playground.metrics_dirty.mark_id IS 'Number of the mark';

COMMENT ON COLUMN data_playground.metrics_dirty.kind IS 'user/shop/product: the entity''s hour; stock/shop_stock: a product''s stock from the hour on, for its own and its shop''s rows; promotion: a shop''s rows in the window; span: everything in it';

COMMENT ON COLUMN data_playground.metrics_dirty.entity_id IS 'User, shop or product';

COMMENT ON COLUMN data_playground.metrics_dirty.hour IS 'Start of the hour, or of the span';

COMMENT ON COLUMN data_playground.metrics_dirty.until IS 'First moment after the span, where it is one';

CREATE TABLE data_playground.metrics_runs (
	run_id UUID DEFAULT uuidv7() NOT NULL, 
	started_time TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	finished_time TIMESTAMP WITH TIME ZONE, 
	from_time TIMESTAMP WITH TIME ZONE, 
	to_time TIMESTAMP WITH TIME ZONE, 
	buckets BIGINT DEFAULT 0 NOT NULL, 
	rows_inserted BIGINT DEFAULT 0 NOT NULL, 
	rows_updated BIGINT DEFAULT 0 NOT NULL, 
	rows_deleted BIGINT DEFAULT 0 NOT NULL, 
	rows_unchanged BIGINT DEFAULT 0 NOT NULL, 
	seconds NUMERIC(12, 3), 
	outcome VARCHAR(20) DEFAULT 'running'::character varying NOT NULL, 
	error TEXT, 
	CONSTRAINT pk_metrics_runs PRIMARY KEY (run_id), 
	CONSTRAINT ck_metrics_runs_outcome CHECK (outcome IN ('running', 'completed', 'failed'))
);

COMMENT ON TABLE data_playground.metrics_runs IS 'Ledger of the rolls of the metrics: what each rolled, what it wrote, how it ended';

COMMENT ON COLUMN data_playground.metrics_runs.run_id IS 'Roll';

COMMENT ON COLUMN data_playground.metrics_runs.started_time IS 'When it began';

COMMENT ON COLUMN data_playground.metrics_runs.finished_time IS 'When it ended';

COMMENT ON COLUMN data_playground.metrics_runs.from_time IS 'Earliest bucket that it was asked for; null: whatever is dirty';

COMMENT ON COLUMN data_playground.metrics_runs.to_time IS 'First moment after the last bucket that it was asked for';

COMMENT ON COLUMN data_playground.metrics_runs.buckets IS 'Cells (an entity''s hour or day) that were computed';

COMMENT ON COLUMN data_playground.metrics_runs.rows_inserted IS 'Rows written that were not there';

COMMENT ON COLUMN data_playground.metrics_runs.rows_updated IS 'Rows written over, because something in them changed';

COMMENT ON COLUMN data_playground.metrics_runs.rows_deleted IS 'Rows deleted, because there are no such facts any more';

COMMENT ON COLUMN data_playground.metrics_runs.rows_unchanged IS 'Rows that were right already';

COMMENT ON COLUMN data_playground.metrics_runs.seconds IS 'How long it took';

COMMENT ON COLUMN data_playground.metrics_runs.outcome IS 'running/completed/failed';

COMMENT ON COLUMN data_playground.metrics_runs.error IS 'What went wrong';

CREATE TABLE data_playground.parked_facts (
	event_id UUID NOT NULL, 
	event_type VARCHAR(100) NOT NULL, 
	reason VARCHAR(20) NOT NULL, 
	waits_for UUID[] DEFAULT '{}'::uuid[] NOT NULL, 
	detail TEXT NOT NULL, 
	told JSONB NOT NULL, 
	parked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_parked_facts PRIMARY KEY (event_id), 
	CONSTRAINT ck_parked_facts_reason CHECK (reason IN ('waiting', 'currency'))
);

CREATE INDEX idx_parked_facts_waits_for ON data_playground.parked_facts USING gin (waits_for);

COMMENT ON TABLE data_playground.parked_facts IS 'Events that came before what they speak of, and amounts in other currencies: kept until they can be facts';

COMMENT ON COLUMN data_playground.parked_facts.event_id IS 'Event that is kept';

COMMENT ON COLUMN data_playground.parked_facts.event_type IS 'Its type';

COMMENT ON COLUMN data_playground.parked_facts.reason IS 'waiting/currency';

COMMENT ON COLUMN data_playground.parked_facts.waits_for IS 'Ids of the facts that it waits for';

COMMENT ON COLUMN data_playground.parked_facts.detail IS 'What it waits for, in words';

COMMENT ON COLUMN data_playground.parked_facts.told IS 'The event as it was understood';

COMMENT ON COLUMN data_playground.parked_facts.parked_at IS 'Since when it is kept';

CREATE TABLE data_playground.recorded_facts (
	fact_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	refers_to JSONB, 
	recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_recorded_facts PRIMARY KEY (fact_id), 
	CONSTRAINT ck_recorded_facts_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse'))
);

COMMENT ON TABLE data_playground.recorded_facts IS 'Facts that events of the program became: decides that each is one row, whatever time a repetition tells, and finds the event_time with which another fact refers to it';

COMMENT ON COLUMN data_playground.recorded_facts.fact_id IS 'Id of the fact, made from who tells of it and its key there';

COMMENT ON COLUMN data_playground.recorded_facts.event_time IS 'When it happened: the second half of its key';

COMMENT ON COLUMN data_playground.recorded_facts.kind IS 'Kind of fact, such as order or event';

COMMENT ON COLUMN data_playground.recorded_facts.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.recorded_facts.refers_to IS 'Its user, shop and product, with their event_time: what happens to it happens to them too';

COMMENT ON COLUMN data_playground.recorded_facts.recorded_at IS 'When it was written';

CREATE TABLE data_playground.request_response_logs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	method VARCHAR(10) NOT NULL, 
	url VARCHAR(2000) NOT NULL, 
	route VARCHAR(100) NOT NULL, 
	request_body TEXT, 
	response_body TEXT, 
	status_code SMALLINT NOT NULL, 
	duration_ms NUMERIC(12, 3) NOT NULL, 
	response_bytes INTEGER, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_request_response_logs PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_request_response_logs_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_request_response_logs_status_code CHECK (status_code BETWEEN 100 AND 599), 
	CONSTRAINT ck_request_response_logs_duration_ms CHECK (duration_ms >= 0)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_request_response_logs_status ON data_playground.request_response_logs (status_code, event_time);

COMMENT ON TABLE data_playground.request_response_logs IS 'Requests of the world''s clients and how they were answered';

COMMENT ON COLUMN data_playground.request_response_logs.id IS 'Request';

COMMENT ON COLUMN data_playground.request_response_logs.event_time IS 'When the request came';

COMMENT ON COLUMN data_playground.request_response_logs.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.request_response_logs.method IS 'HTTP method';

COMMENT ON COLUMN data_playground.request_response_logs.url IS 'Path and query asked for';

COMMENT ON COLUMN data_playground.request_response_logs.route IS 'Path with names in the place of ids, to count by';

COMMENT ON COLUMN data_playground.request_response_logs.request_body IS 'Body of the request, shortened';

COMMENT ON COLUMN data_playground.request_response_logs.response_body IS 'Body of the answer, shortened';

COMMENT ON COLUMN data_playground.request_response_logs.status_code IS 'HTTP status of the answer';

COMMENT ON COLUMN data_playground.request_response_logs.duration_ms IS 'Milliseconds until the answer was complete';

COMMENT ON COLUMN data_playground.request_response_logs.response_bytes IS 'Size of the answer';

COMMENT ON COLUMN data_playground.request_response_logs.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.request_response_logs.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.scenario_runs (
	run_id UUID DEFAULT uuidv7() NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	asked JSONB NOT NULL, 
	status VARCHAR(20) DEFAULT 'waiting'::character varying NOT NULL, 
	stop_requested BOOLEAN DEFAULT false NOT NULL, 
	clock_start TIMESTAMP WITH TIME ZONE, 
	clock TIMESTAMP WITH TIME ZONE, 
	clock_end TIMESTAMP WITH TIME ZONE, 
	share NUMERIC(5, 4) DEFAULT 0 NOT NULL, 
	facts BIGINT DEFAULT 0 NOT NULL, 
	message TEXT, 
	begun_by UUID, 
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE, 
	seen_at TIMESTAMP WITH TIME ZONE, 
	finished_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_scenario_runs PRIMARY KEY (run_id), 
	CONSTRAINT ck_scenario_runs_kind CHECK (kind IN ('world', 'scenario')), 
	CONSTRAINT ck_scenario_runs_status CHECK (status IN ('waiting', 'running', 'completed', 'stopped', 'failed')), 
	CONSTRAINT ck_scenario_runs_share CHECK (share BETWEEN 0 AND 1)
);

COMMENT ON TABLE data_playground.scenario_runs IS 'Worlds and scenarios that were begun from the console: what was asked for, how far it is, how it ended';

COMMENT ON COLUMN data_playground.scenario_runs.run_id IS 'Run';

COMMENT ON COLUMN data_playground.scenario_runs.kind IS 'world/scenario';

COMMENT ON COLUMN data_playground.scenario_runs.title IS 'What it is, in words';

COMMENT ON COLUMN data_playground.scenario_runs.asked IS 'What was asked for: scenario, strength, hours, speed; or seed, scale, days';

COMMENT ON COLUMN data_playground.scenario_runs.status IS 'waiting/running/completed/stopped/failed';

COMMENT ON COLUMN data_playground.scenario_runs.stop_requested IS 'Whether somebody wants it to stop';

COMMENT ON COLUMN data_playground.scenario_runs.clock_start IS 'World''s clock when it began';

COMMENT ON COLUMN data_playground.scenario_runs.clock IS 'World''s clock when it was last looked at';

COMMENT ON COLUMN data_playground.scenario_runs.clock_end IS 'World''s clock when it is to end';

COMMENT ON COLUMN data_playground.scenario_runs.share IS 'How much of it is done, from 0 to 1';

COMMENT ON COLUMN data_playground.scenario_runs.facts IS 'Facts written since it began';

COMMENT ON COLUMN data_playground.scenario_runs.message IS 'What it is doing, or why it failed';

COMMENT ON COLUMN data_playground.scenario_runs.begun_by IS 'Person who began it';

COMMENT ON COLUMN data_playground.scenario_runs.created_at IS 'When it was asked for';

COMMENT ON COLUMN data_playground.scenario_runs.started_at IS 'When a worker took it';

COMMENT ON COLUMN data_playground.scenario_runs.seen_at IS 'When the worker last said that it lives';

COMMENT ON COLUMN data_playground.scenario_runs.finished_at IS 'When it ended';

CREATE TABLE data_playground.users (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	email VARCHAR(255) NOT NULL, 
	phone_number VARCHAR(20), 
	country VARCHAR(2), 
	time_zone VARCHAR(64), 
	status BOOLEAN DEFAULT true NOT NULL, 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	deactivated_time TIMESTAMP WITH TIME ZONE, 
	last_login_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_users PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_users_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_users_created_time CHECK (created_time = event_time), 
	CONSTRAINT uq_users_username UNIQUE (username, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_playground_users_id ON data_playground.users (id);

COMMENT ON TABLE data_playground.users IS 'People: customers and owners of shops; event_time is the time of signing up';

COMMENT ON COLUMN data_playground.users.id IS 'User';

COMMENT ON COLUMN data_playground.users.event_time IS 'When the person signed up';

COMMENT ON COLUMN data_playground.users.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.users.username IS 'Name to sign in with';

COMMENT ON COLUMN data_playground.users.email IS 'Address, under example.com, .net or .org in a simulated world';

COMMENT ON COLUMN data_playground.users.phone_number IS 'Telephone number';

COMMENT ON COLUMN data_playground.users.country IS 'Country, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.users.time_zone IS 'Time zone that the person lives by (IANA name)';

COMMENT ON COLUMN data_playground.users.status IS 'Whether the account is active';

COMMENT ON COLUMN data_playground.users.created_time IS 'When the person signed up, as event_time';

COMMENT ON COLUMN data_playground.users.deactivated_time IS 'When the account was closed';

COMMENT ON COLUMN data_playground.users.last_login_time IS 'When the person last signed in';

COMMENT ON COLUMN data_playground.users.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.users.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.world_runs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	settings JSONB NOT NULL, 
	seed BIGINT NOT NULL, 
	scale NUMERIC(12, 4) NOT NULL, 
	parts INTEGER NOT NULL, 
	state VARCHAR(20) DEFAULT 'loading'::character varying NOT NULL, 
	clock TIMESTAMP WITH TIME ZONE NOT NULL, 
	staged JSONB DEFAULT '[]'::jsonb NOT NULL, 
	rows JSONB DEFAULT '{}'::jsonb NOT NULL, 
	started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	completed_at TIMESTAMP WITH TIME ZONE, 
	seconds NUMERIC(12, 3) DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_world_runs PRIMARY KEY (id), 
	CONSTRAINT ck_world_runs_state CHECK (state IN ('loading', 'placing', 'complete', 'cleared')), 
	CONSTRAINT ck_world_runs_parts CHECK (parts > 0)
);

CREATE UNIQUE INDEX idx_world_runs_present ON data_playground.world_runs ((state <> 'cleared')) WHERE state <> 'cleared';

COMMENT ON TABLE data_playground.world_runs IS 'Simulated worlds: settings, state, clock and rows; at most one is in the warehouse at a time';

COMMENT ON COLUMN data_playground.world_runs.id IS 'Identifier, ordered by time of creation (UUIDv7)';

COMMENT ON COLUMN data_playground.world_runs.settings IS 'Seed, scale, days and scenarios, as WorldSettings.as_dict gives them';

COMMENT ON COLUMN data_playground.world_runs.seed IS 'Seed';

COMMENT ON COLUMN data_playground.world_runs.scale IS 'Size; 1 is about 2,000 users';

COMMENT ON COLUMN data_playground.world_runs.parts IS 'Parts that the world is simulated in';

COMMENT ON COLUMN data_playground.world_runs.state IS 'loading/placing/complete/cleared';

COMMENT ON COLUMN data_playground.world_runs.clock IS 'Moment up to which things have happened; what is simulated live moves it on';

COMMENT ON COLUMN data_playground.world_runs.staged IS 'Tables that parts are written to, each with the table and range that it is for';

COMMENT ON COLUMN data_playground.world_runs.rows IS 'Rows by table';

COMMENT ON COLUMN data_playground.world_runs.started_at IS 'When generation began';

COMMENT ON COLUMN data_playground.world_runs.completed_at IS 'When all of it was there';

COMMENT ON COLUMN data_playground.world_runs.seconds IS 'Seconds spent generating and loading, all attempts together';

CREATE TABLE data_playground.acted_worlds (
	run_id UUID NOT NULL, 
	began TIMESTAMP WITH TIME ZONE NOT NULL, 
	clock TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_acted_worlds PRIMARY KEY (run_id), 
	CONSTRAINT fk_acted_worlds_run_id FOREIGN KEY(run_id) REFERENCES data_playground.world_runs (id) ON DELETE CASCADE
);

COMMENT ON TABLE data_playground.acted_worlds IS 'How far simulated worlds have acted on the program: a clock of their own, beside that of the warehouse';

COMMENT ON COLUMN data_playground.acted_worlds.run_id IS 'World';

COMMENT ON COLUMN data_playground.acted_worlds.began IS 'Moment of the world from which on it acts';

COMMENT ON COLUMN data_playground.acted_worlds.clock IS 'Moment of the world up to which it has acted';

CREATE TABLE data_playground.held_back_facts (
	id UUID NOT NULL, 
	table_name VARCHAR(63) NOT NULL, 
	again BOOLEAN NOT NULL, 
	run_id UUID NOT NULL, 
	due_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	row_data JSONB NOT NULL, 
	CONSTRAINT pk_held_back_facts PRIMARY KEY (id, table_name, again), 
	CONSTRAINT fk_held_back_facts_run_id FOREIGN KEY(run_id) REFERENCES data_playground.world_runs (id) ON DELETE CASCADE
);

CREATE INDEX idx_held_back_facts_due ON data_playground.held_back_facts (due_time);

COMMENT ON TABLE data_playground.held_back_facts IS 'Facts of the simulated world on their way: late ones, and second deliveries of what is there';

COMMENT ON COLUMN data_playground.held_back_facts.id IS 'Id of the fact';

COMMENT ON COLUMN data_playground.held_back_facts.table_name IS 'Table that it belongs to';

COMMENT ON COLUMN data_playground.held_back_facts.again IS 'Whether it is a second delivery; else it is late';

COMMENT ON COLUMN data_playground.held_back_facts.run_id IS 'World that it belongs to';

COMMENT ON COLUMN data_playground.held_back_facts.due_time IS 'When, by the world''s clock, it is written';

COMMENT ON COLUMN data_playground.held_back_facts.row_data IS 'The row as it stands';

CREATE TABLE data_playground.shops (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	owner_id UUID NOT NULL, 
	owner_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description VARCHAR(1000), 
	category VARCHAR(20) NOT NULL, 
	status BOOLEAN DEFAULT true NOT NULL, 
	address_line1 VARCHAR(255), 
	address_line2 VARCHAR(255), 
	city VARCHAR(100), 
	state VARCHAR(100), 
	postal_code VARCHAR(20), 
	country VARCHAR(2), 
	time_zone VARCHAR(64), 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	deactivated_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shops PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shops_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shops_category CHECK (category IN ('retail', 'restaurant', 'services', 'technology', 'fashion', 'health', 'entertainment', 'other')), 
	CONSTRAINT ck_shops_created_time CHECK (created_time = event_time), 
	CONSTRAINT fk_shops_owner_id_owner_event_time FOREIGN KEY(owner_id, owner_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_playground_shops_id ON data_playground.shops (id);

CREATE INDEX idx_playground_shops_owner ON data_playground.shops (owner_id);

COMMENT ON TABLE data_playground.shops IS 'Shops; event_time is the time of opening';

COMMENT ON COLUMN data_playground.shops.id IS 'Shop';

COMMENT ON COLUMN data_playground.shops.event_time IS 'When the shop opened';

COMMENT ON COLUMN data_playground.shops.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shops.owner_id IS 'User who owns it';

COMMENT ON COLUMN data_playground.shops.owner_event_time IS 'event_time of the owner, with which it is found';

COMMENT ON COLUMN data_playground.shops.name IS 'Name over the door';

COMMENT ON COLUMN data_playground.shops.description IS 'What it says of itself';

COMMENT ON COLUMN data_playground.shops.category IS 'retail/restaurant/services/technology/fashion/health/entertainment/other';

COMMENT ON COLUMN data_playground.shops.status IS 'Whether it is open';

COMMENT ON COLUMN data_playground.shops.address_line1 IS 'Street';

COMMENT ON COLUMN data_playground.shops.address_line2 IS 'Second line of the address';

COMMENT ON COLUMN data_playground.shops.city IS 'City';

COMMENT ON COLUMN data_playground.shops.state IS 'State or province';

COMMENT ON COLUMN data_playground.shops.postal_code IS 'Postal code';

COMMENT ON COLUMN data_playground.shops.country IS 'Country, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.shops.time_zone IS 'Time zone of the shop (IANA name)';

COMMENT ON COLUMN data_playground.shops.created_time IS 'When the shop opened, as event_time';

COMMENT ON COLUMN data_playground.shops.deactivated_time IS 'When the shop closed';

COMMENT ON COLUMN data_playground.shops.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shops.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.user_metrics_daily (
	user_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	id UUID GENERATED ALWAYS AS ((md5(((user_id)::text || '/day/'::text) || ((EXTRACT(epoch FROM (event_time AT TIME ZONE 'UTC'::text)))::bigint)::text))::uuid) VIRTUAL NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text)) VIRTUAL NOT NULL, 
	extra_metrics JSONB, 
	orders_placed_count BIGINT DEFAULT 0 NOT NULL, 
	orders_cancelled_count BIGINT DEFAULT 0 NOT NULL, 
	total_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	avg_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	unique_shops_ordered_from BIGINT DEFAULT 0 NOT NULL, 
	total_amount_paid NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	total_amount_refunded NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	successful_payments_count BIGINT DEFAULT 0 NOT NULL, 
	failed_payments_count BIGINT DEFAULT 0 NOT NULL, 
	reviews_written_count BIGINT DEFAULT 0 NOT NULL, 
	avg_rating_given NUMERIC(6, 4), 
	helpful_votes_received BIGINT DEFAULT 0 NOT NULL, 
	promotions_used_count BIGINT DEFAULT 0 NOT NULL, 
	total_discount_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	cart_abandonment_count BIGINT DEFAULT 0 NOT NULL, 
	total_items_purchased BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_user_metrics_daily PRIMARY KEY (user_id, event_time), 
	CONSTRAINT fk_user_metrics_daily_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

COMMENT ON TABLE data_playground.user_metrics_daily IS 'What users did, by the day; a row where there was something';

COMMENT ON COLUMN data_playground.user_metrics_daily.user_id IS 'User that is measured';

COMMENT ON COLUMN data_playground.user_metrics_daily.event_time IS 'Start of the day, in UTC; the bucket ends before the next one starts';

COMMENT ON COLUMN data_playground.user_metrics_daily.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.user_metrics_daily.id IS 'Identifier of the row, made from what is measured and the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.partition_key IS 'Label of the day that it happened in, in UTC (YYYY-MM-DD); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.user_metrics_daily.extra_metrics IS 'Metrics of one''s own; a roll leaves them as they are';

COMMENT ON COLUMN data_playground.user_metrics_daily.orders_placed_count IS 'Orders placed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.orders_cancelled_count IS 'Orders cancelled in the bucket, whenever they were placed';

COMMENT ON COLUMN data_playground.user_metrics_daily.total_order_amount IS 'Sum of total_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.avg_order_amount IS 'total_order_amount / orders_placed_count; 0 without orders';

COMMENT ON COLUMN data_playground.user_metrics_daily.unique_shops_ordered_from IS 'Different shops ordered from in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.total_amount_paid IS 'Sum of the payments completed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.total_amount_refunded IS 'Sum of the money paid back in the bucket, tax included';

COMMENT ON COLUMN data_playground.user_metrics_daily.successful_payments_count IS 'Payments completed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.failed_payments_count IS 'Payments that failed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.reviews_written_count IS 'Reviews written in the bucket and approved since';

COMMENT ON COLUMN data_playground.user_metrics_daily.avg_rating_given IS 'Mean rating of those reviews; null without any';

COMMENT ON COLUMN data_playground.user_metrics_daily.helpful_votes_received IS 'Votes cast in the bucket that found a review of the user helpful';

COMMENT ON COLUMN data_playground.user_metrics_daily.promotions_used_count IS 'Uses of promotions in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.total_discount_amount IS 'Sum of discount_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_daily.cart_abandonment_count IS 'Carts given up in the bucket: 30 minutes after the last activity in them without an order';

COMMENT ON COLUMN data_playground.user_metrics_daily.total_items_purchased IS 'Units in the orders placed in the bucket';

CREATE TABLE data_playground.user_metrics_hourly (
	user_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	id UUID GENERATED ALWAYS AS ((md5(((user_id)::text || '/hour/'::text) || ((EXTRACT(epoch FROM (event_time AT TIME ZONE 'UTC'::text)))::bigint)::text))::uuid) VIRTUAL NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	extra_metrics JSONB, 
	orders_placed_count BIGINT DEFAULT 0 NOT NULL, 
	orders_cancelled_count BIGINT DEFAULT 0 NOT NULL, 
	total_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	avg_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	unique_shops_ordered_from BIGINT DEFAULT 0 NOT NULL, 
	total_amount_paid NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	total_amount_refunded NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	successful_payments_count BIGINT DEFAULT 0 NOT NULL, 
	failed_payments_count BIGINT DEFAULT 0 NOT NULL, 
	reviews_written_count BIGINT DEFAULT 0 NOT NULL, 
	avg_rating_given NUMERIC(6, 4), 
	helpful_votes_received BIGINT DEFAULT 0 NOT NULL, 
	promotions_used_count BIGINT DEFAULT 0 NOT NULL, 
	total_discount_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	cart_abandonment_count BIGINT DEFAULT 0 NOT NULL, 
	total_items_purchased BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_user_metrics_hourly PRIMARY KEY (user_id, event_time), 
	CONSTRAINT fk_user_metrics_hourly_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

COMMENT ON TABLE data_playground.user_metrics_hourly IS 'What users did, by the hour; a row where there was something';

COMMENT ON COLUMN data_playground.user_metrics_hourly.user_id IS 'User that is measured';

COMMENT ON COLUMN data_playground.user_metrics_hourly.event_time IS 'Start of the hour, in UTC; the bucket ends before the next one starts';

COMMENT ON COLUMN data_playground.user_metrics_hourly.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.user_metrics_hourly.id IS 'Identifier of the row, made from what is measured and the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.user_metrics_hourly.extra_metrics IS 'Metrics of one''s own; a roll leaves them as they are';

COMMENT ON COLUMN data_playground.user_metrics_hourly.orders_placed_count IS 'Orders placed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.orders_cancelled_count IS 'Orders cancelled in the bucket, whenever they were placed';

COMMENT ON COLUMN data_playground.user_metrics_hourly.total_order_amount IS 'Sum of total_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.avg_order_amount IS 'total_order_amount / orders_placed_count; 0 without orders';

COMMENT ON COLUMN data_playground.user_metrics_hourly.unique_shops_ordered_from IS 'Different shops ordered from in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.total_amount_paid IS 'Sum of the payments completed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.total_amount_refunded IS 'Sum of the money paid back in the bucket, tax included';

COMMENT ON COLUMN data_playground.user_metrics_hourly.successful_payments_count IS 'Payments completed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.failed_payments_count IS 'Payments that failed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.reviews_written_count IS 'Reviews written in the bucket and approved since';

COMMENT ON COLUMN data_playground.user_metrics_hourly.avg_rating_given IS 'Mean rating of those reviews; null without any';

COMMENT ON COLUMN data_playground.user_metrics_hourly.helpful_votes_received IS 'Votes cast in the bucket that found a review of the user helpful';

COMMENT ON COLUMN data_playground.user_metrics_hourly.promotions_used_count IS 'Uses of promotions in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.total_discount_amount IS 'Sum of discount_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.user_metrics_hourly.cart_abandonment_count IS 'Carts given up in the bucket: 30 minutes after the last activity in them without an order';

COMMENT ON COLUMN data_playground.user_metrics_hourly.total_items_purchased IS 'Units in the orders placed in the bucket';

CREATE TABLE data_playground.user_payment_methods (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	method_type VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	token VARCHAR(255) NOT NULL, 
	last_four VARCHAR(4), 
	expiry_month SMALLINT, 
	expiry_year SMALLINT, 
	card_brand VARCHAR(20), 
	bank_name VARCHAR(100), 
	nickname VARCHAR(50), 
	is_default BOOLEAN DEFAULT false NOT NULL, 
	billing_address_line1 VARCHAR(255), 
	billing_address_line2 VARCHAR(255), 
	billing_city VARCHAR(100), 
	billing_state VARCHAR(100), 
	billing_postal_code VARCHAR(20), 
	billing_country VARCHAR(2), 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	updated_time TIMESTAMP WITH TIME ZONE, 
	last_used_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_user_payment_methods PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_user_payment_methods_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_user_payment_methods_method_type CHECK (method_type IN ('credit_card', 'debit_card', 'bank_account', 'digital_wallet', 'crypto_wallet')), 
	CONSTRAINT ck_user_payment_methods_status CHECK (status IN ('active', 'expired', 'suspended', 'deleted')), 
	CONSTRAINT ck_user_payment_methods_expiry_month CHECK (expiry_month BETWEEN 1 AND 12), 
	CONSTRAINT ck_user_payment_methods_last_four CHECK (last_four ~ '^[0-9]{4}$'), 
	CONSTRAINT uq_user_payment_methods_token UNIQUE (token, event_time), 
	CONSTRAINT fk_user_payment_methods_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_user_payment_methods_user ON data_playground.user_payment_methods (user_id, event_time);

COMMENT ON TABLE data_playground.user_payment_methods IS 'Ways to pay that users stored; tokens only, never a number';

COMMENT ON COLUMN data_playground.user_payment_methods.id IS 'Payment method';

COMMENT ON COLUMN data_playground.user_payment_methods.event_time IS 'When it was stored';

COMMENT ON COLUMN data_playground.user_payment_methods.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.user_payment_methods.user_id IS 'User whose it is';

COMMENT ON COLUMN data_playground.user_payment_methods.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.user_payment_methods.method_type IS 'credit_card/debit_card/bank_account/digital_wallet/crypto_wallet';

COMMENT ON COLUMN data_playground.user_payment_methods.status IS 'active/expired/suspended/deleted';

COMMENT ON COLUMN data_playground.user_payment_methods.token IS 'Token of the payment service';

COMMENT ON COLUMN data_playground.user_payment_methods.last_four IS 'Last four digits of a card or account';

COMMENT ON COLUMN data_playground.user_payment_methods.expiry_month IS 'Month in which a card expires';

COMMENT ON COLUMN data_playground.user_payment_methods.expiry_year IS 'Year in which a card expires';

COMMENT ON COLUMN data_playground.user_payment_methods.card_brand IS 'Brand of a card';

COMMENT ON COLUMN data_playground.user_payment_methods.bank_name IS 'Bank of an account';

COMMENT ON COLUMN data_playground.user_payment_methods.nickname IS 'Name that the user gave it';

COMMENT ON COLUMN data_playground.user_payment_methods.is_default IS 'Whether it is offered first';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_address_line1 IS 'Street of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_address_line2 IS 'Second line of the bill''s address';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_city IS 'City of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_state IS 'State or province of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_postal_code IS 'Postal code of the bill';

COMMENT ON COLUMN data_playground.user_payment_methods.billing_country IS 'Country of the bill, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.user_payment_methods.created_time IS 'When it was stored, as event_time';

COMMENT ON COLUMN data_playground.user_payment_methods.updated_time IS 'When it last changed';

COMMENT ON COLUMN data_playground.user_payment_methods.last_used_time IS 'When it was last paid with';

COMMENT ON COLUMN data_playground.user_payment_methods.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.user_payment_methods.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.world_parts (
	run_id UUID NOT NULL, 
	number INTEGER NOT NULL, 
	rows JSONB NOT NULL, 
	carried BYTEA, 
	truth JSONB, 
	loaded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_world_parts PRIMARY KEY (run_id, number), 
	CONSTRAINT ck_world_parts_number CHECK (number >= 0), 
	CONSTRAINT fk_world_parts_run_id FOREIGN KEY(run_id) REFERENCES data_playground.world_runs (id) ON DELETE CASCADE
);

COMMENT ON TABLE data_playground.world_parts IS 'Parts of worlds that are loaded: written in the transaction of their rows, so that an interrupted run knows where it was';

COMMENT ON COLUMN data_playground.world_parts.run_id IS 'World';

COMMENT ON COLUMN data_playground.world_parts.number IS 'Number of the part; the one after the last is the people';

COMMENT ON COLUMN data_playground.world_parts.rows IS 'Rows by table';

COMMENT ON COLUMN data_playground.world_parts.carried IS 'What the people need to know of the part, packed; emptied when all is there';

COMMENT ON COLUMN data_playground.world_parts.truth IS 'What the scenarios did in the part';

COMMENT ON COLUMN data_playground.world_parts.loaded_at IS 'When it was loaded';

CREATE TABLE data_playground.shop_metrics_daily (
	shop_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	id UUID GENERATED ALWAYS AS ((md5(((shop_id)::text || '/day/'::text) || ((EXTRACT(epoch FROM (event_time AT TIME ZONE 'UTC'::text)))::bigint)::text))::uuid) VIRTUAL NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text)) VIRTUAL NOT NULL, 
	extra_metrics JSONB, 
	orders_received_count BIGINT DEFAULT 0 NOT NULL, 
	orders_cancelled_count BIGINT DEFAULT 0 NOT NULL, 
	total_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	avg_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	unique_customers_count BIGINT DEFAULT 0 NOT NULL, 
	total_products_sold BIGINT DEFAULT 0 NOT NULL, 
	unique_products_sold BIGINT DEFAULT 0 NOT NULL, 
	low_stock_products_count BIGINT DEFAULT 0 NOT NULL, 
	out_of_stock_products_count BIGINT DEFAULT 0 NOT NULL, 
	gross_revenue NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	net_revenue NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	total_discounts_given NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	total_refunds_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	reviews_received_count BIGINT DEFAULT 0 NOT NULL, 
	avg_rating_received NUMERIC(6, 4), 
	one_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	five_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	active_promotions_count BIGINT DEFAULT 0 NOT NULL, 
	promotions_used_count BIGINT DEFAULT 0 NOT NULL, 
	inventory_value NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_shop_metrics_daily PRIMARY KEY (shop_id, event_time), 
	CONSTRAINT fk_shop_metrics_daily_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

COMMENT ON TABLE data_playground.shop_metrics_daily IS 'How shops did, by the day; a row where there was something';

COMMENT ON COLUMN data_playground.shop_metrics_daily.shop_id IS 'Shop that is measured';

COMMENT ON COLUMN data_playground.shop_metrics_daily.event_time IS 'Start of the day, in UTC; the bucket ends before the next one starts';

COMMENT ON COLUMN data_playground.shop_metrics_daily.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_metrics_daily.id IS 'Identifier of the row, made from what is measured and the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.partition_key IS 'Label of the day that it happened in, in UTC (YYYY-MM-DD); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_metrics_daily.extra_metrics IS 'Metrics of one''s own; a roll leaves them as they are';

COMMENT ON COLUMN data_playground.shop_metrics_daily.orders_received_count IS 'Orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.orders_cancelled_count IS 'Orders cancelled in the bucket, whenever they were placed';

COMMENT ON COLUMN data_playground.shop_metrics_daily.total_order_amount IS 'Sum of total_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.avg_order_amount IS 'total_order_amount / orders_received_count; 0 without orders';

COMMENT ON COLUMN data_playground.shop_metrics_daily.unique_customers_count IS 'Different users who ordered in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.total_products_sold IS 'Units in the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.unique_products_sold IS 'Different products in the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.low_stock_products_count IS 'Products with 0 < stock <= low_stock_threshold at the end of the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.out_of_stock_products_count IS 'Products with stock <= 0 at the end of the bucket, by their last inventory log';

COMMENT ON COLUMN data_playground.shop_metrics_daily.gross_revenue IS 'Sum of the items'' subtotals of the orders placed in the bucket: goods before discount, tax and shipping';

COMMENT ON COLUMN data_playground.shop_metrics_daily.net_revenue IS 'gross_revenue - total_discounts_given - the goods part of what was paid back in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.total_discounts_given IS 'Sum of discount_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.total_refunds_amount IS 'Sum of the money paid back in the bucket, tax included';

COMMENT ON COLUMN data_playground.shop_metrics_daily.reviews_received_count IS 'Reviews of the shop and of its products written in the bucket and approved since';

COMMENT ON COLUMN data_playground.shop_metrics_daily.avg_rating_received IS 'Mean rating of those reviews; null without any';

COMMENT ON COLUMN data_playground.shop_metrics_daily.one_star_reviews_count IS 'Those reviews that gave one star';

COMMENT ON COLUMN data_playground.shop_metrics_daily.five_star_reviews_count IS 'Those reviews that gave five stars';

COMMENT ON COLUMN data_playground.shop_metrics_daily.active_promotions_count IS 'Promotions, neither draft nor cancelled, whose window overlaps the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.promotions_used_count IS 'Uses of its promotions in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_daily.inventory_value IS 'Sum over its products of stock at the end of the bucket x cost_price';

CREATE TABLE data_playground.shop_metrics_hourly (
	shop_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	id UUID GENERATED ALWAYS AS ((md5(((shop_id)::text || '/hour/'::text) || ((EXTRACT(epoch FROM (event_time AT TIME ZONE 'UTC'::text)))::bigint)::text))::uuid) VIRTUAL NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	extra_metrics JSONB, 
	orders_received_count BIGINT DEFAULT 0 NOT NULL, 
	orders_cancelled_count BIGINT DEFAULT 0 NOT NULL, 
	total_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	avg_order_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	unique_customers_count BIGINT DEFAULT 0 NOT NULL, 
	total_products_sold BIGINT DEFAULT 0 NOT NULL, 
	unique_products_sold BIGINT DEFAULT 0 NOT NULL, 
	low_stock_products_count BIGINT DEFAULT 0 NOT NULL, 
	out_of_stock_products_count BIGINT DEFAULT 0 NOT NULL, 
	gross_revenue NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	net_revenue NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	total_discounts_given NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	total_refunds_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	reviews_received_count BIGINT DEFAULT 0 NOT NULL, 
	avg_rating_received NUMERIC(6, 4), 
	one_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	five_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	active_promotions_count BIGINT DEFAULT 0 NOT NULL, 
	promotions_used_count BIGINT DEFAULT 0 NOT NULL, 
	inventory_value NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_shop_metrics_hourly PRIMARY KEY (shop_id, event_time), 
	CONSTRAINT fk_shop_metrics_hourly_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

COMMENT ON TABLE data_playground.shop_metrics_hourly IS 'How shops did, by the hour; a row where there was something';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.shop_id IS 'Shop that is measured';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.event_time IS 'Start of the hour, in UTC; the bucket ends before the next one starts';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.id IS 'Identifier of the row, made from what is measured and the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.extra_metrics IS 'Metrics of one''s own; a roll leaves them as they are';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.orders_received_count IS 'Orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.orders_cancelled_count IS 'Orders cancelled in the bucket, whenever they were placed';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.total_order_amount IS 'Sum of total_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.avg_order_amount IS 'total_order_amount / orders_received_count; 0 without orders';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.unique_customers_count IS 'Different users who ordered in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.total_products_sold IS 'Units in the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.unique_products_sold IS 'Different products in the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.low_stock_products_count IS 'Products with 0 < stock <= low_stock_threshold at the end of the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.out_of_stock_products_count IS 'Products with stock <= 0 at the end of the bucket, by their last inventory log';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.gross_revenue IS 'Sum of the items'' subtotals of the orders placed in the bucket: goods before discount, tax and shipping';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.net_revenue IS 'gross_revenue - total_discounts_given - the goods part of what was paid back in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.total_discounts_given IS 'Sum of discount_amount of the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.total_refunds_amount IS 'Sum of the money paid back in the bucket, tax included';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.reviews_received_count IS 'Reviews of the shop and of its products written in the bucket and approved since';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.avg_rating_received IS 'Mean rating of those reviews; null without any';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.one_star_reviews_count IS 'Those reviews that gave one star';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.five_star_reviews_count IS 'Those reviews that gave five stars';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.active_promotions_count IS 'Promotions, neither draft nor cancelled, whose window overlaps the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.promotions_used_count IS 'Uses of its promotions in the bucket';

COMMENT ON COLUMN data_playground.shop_metrics_hourly.inventory_value IS 'Sum over its products of stock at the end of the bucket x cost_price';

CREATE TABLE data_playground.shop_orders (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	order_number VARCHAR(50) NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	subtotal NUMERIC(19, 4) NOT NULL, 
	tax_amount NUMERIC(19, 4) NOT NULL, 
	shipping_amount NUMERIC(19, 4) NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	total_amount NUMERIC(19, 4) NOT NULL, 
	shipping_method VARCHAR(20), 
	shipping_address_line1 VARCHAR(255), 
	shipping_address_line2 VARCHAR(255), 
	shipping_city VARCHAR(100), 
	shipping_state VARCHAR(100), 
	shipping_postal_code VARCHAR(20), 
	shipping_country VARCHAR(2), 
	tracking_number VARCHAR(50), 
	tracking_url VARCHAR(255), 
	ordered_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	processed_time TIMESTAMP WITH TIME ZONE, 
	shipped_time TIMESTAMP WITH TIME ZONE, 
	delivered_time TIMESTAMP WITH TIME ZONE, 
	cancelled_time TIMESTAMP WITH TIME ZONE, 
	returned_time TIMESTAMP WITH TIME ZONE, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_orders PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_orders_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_orders_status CHECK (status IN ('pending', 'processing', 'shipped', 'delivered', 'cancelled', 'refunded', 'on_hold', 'returned')), 
	CONSTRAINT ck_shop_orders_shipping_method CHECK (shipping_method IN ('standard', 'express', 'overnight', 'local_pickup', 'international')), 
	CONSTRAINT ck_shop_orders_ordered_time CHECK (ordered_time = event_time), 
	CONSTRAINT ck_shop_orders_amounts CHECK (subtotal >= 0 AND tax_amount >= 0 AND shipping_amount >= 0 AND discount_amount >= 0), 
	CONSTRAINT uq_shop_orders_order_number UNIQUE (order_number, event_time), 
	CONSTRAINT fk_shop_orders_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_orders_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_orders_id ON data_playground.shop_orders (id);

CREATE INDEX idx_shop_orders_shop ON data_playground.shop_orders (shop_id, event_time);

CREATE INDEX idx_shop_orders_user ON data_playground.shop_orders (user_id, event_time);

COMMENT ON TABLE data_playground.shop_orders IS 'Orders as they stand; event_time is the time of ordering. What happens to one later is a row of global_events at its own time';

COMMENT ON COLUMN data_playground.shop_orders.id IS 'Order';

COMMENT ON COLUMN data_playground.shop_orders.event_time IS 'When it was ordered';

COMMENT ON COLUMN data_playground.shop_orders.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_orders.order_number IS 'Number that the customer sees';

COMMENT ON COLUMN data_playground.shop_orders.user_id IS 'User who ordered';

COMMENT ON COLUMN data_playground.shop_orders.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_orders.shop_id IS 'Shop that sells';

COMMENT ON COLUMN data_playground.shop_orders.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_orders.status IS 'pending/processing/shipped/delivered/cancelled/refunded/on_hold/returned';

COMMENT ON COLUMN data_playground.shop_orders.subtotal IS 'Sum of the items'' subtotals: goods before discount, tax and shipping';

COMMENT ON COLUMN data_playground.shop_orders.tax_amount IS 'Tax';

COMMENT ON COLUMN data_playground.shop_orders.shipping_amount IS 'Shipping';

COMMENT ON COLUMN data_playground.shop_orders.discount_amount IS 'Sum of the items'' discounts';

COMMENT ON COLUMN data_playground.shop_orders.total_amount IS 'What is to be paid: subtotal − discount + tax + shipping';

COMMENT ON COLUMN data_playground.shop_orders.shipping_method IS 'standard/express/overnight/local_pickup/international';

COMMENT ON COLUMN data_playground.shop_orders.shipping_address_line1 IS 'Street of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_address_line2 IS 'Second line of the address';

COMMENT ON COLUMN data_playground.shop_orders.shipping_city IS 'City of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_state IS 'State or province of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_postal_code IS 'Postal code of delivery';

COMMENT ON COLUMN data_playground.shop_orders.shipping_country IS 'Country of delivery, ISO 3166-1 alpha-2';

COMMENT ON COLUMN data_playground.shop_orders.tracking_number IS 'Number of the parcel';

COMMENT ON COLUMN data_playground.shop_orders.tracking_url IS 'Where the parcel can be followed';

COMMENT ON COLUMN data_playground.shop_orders.ordered_time IS 'When it was ordered, as event_time';

COMMENT ON COLUMN data_playground.shop_orders.processed_time IS 'When it was paid and went to packing';

COMMENT ON COLUMN data_playground.shop_orders.shipped_time IS 'When it was shipped';

COMMENT ON COLUMN data_playground.shop_orders.delivered_time IS 'When it was delivered';

COMMENT ON COLUMN data_playground.shop_orders.cancelled_time IS 'When it was cancelled';

COMMENT ON COLUMN data_playground.shop_orders.returned_time IS 'When what was sent back arrived';

COMMENT ON COLUMN data_playground.shop_orders.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.shop_orders.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_orders.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_products (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	sku VARCHAR(50) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description TEXT, 
	category VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	price NUMERIC(19, 4) NOT NULL, 
	sale_price NUMERIC(19, 4), 
	cost_price NUMERIC(19, 4), 
	stock_quantity INTEGER DEFAULT 0 NOT NULL, 
	low_stock_threshold INTEGER, 
	weight NUMERIC(10, 3), 
	dimensions VARCHAR(50), 
	manufacturer VARCHAR(100), 
	brand VARCHAR(100), 
	tags JSONB, 
	created_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	updated_time TIMESTAMP WITH TIME ZONE, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_products PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_products_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_products_category CHECK (category IN ('electronics', 'clothing', 'food', 'books', 'home', 'beauty', 'sports', 'toys', 'automotive', 'health', 'other')), 
	CONSTRAINT ck_shop_products_status CHECK (status IN ('active', 'inactive', 'out_of_stock', 'discontinued')), 
	CONSTRAINT ck_shop_products_prices CHECK (price >= 0 AND sale_price >= 0 AND cost_price >= 0), 
	CONSTRAINT ck_shop_products_out_of_stock CHECK ((status = 'out_of_stock') <= (stock_quantity <= 0)), 
	CONSTRAINT uq_shop_products_sku UNIQUE (sku, event_time), 
	CONSTRAINT fk_shop_products_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_products_id ON data_playground.shop_products (id);

CREATE INDEX idx_shop_products_shop ON data_playground.shop_products (shop_id, event_time);

COMMENT ON TABLE data_playground.shop_products IS 'Products of shops; event_time is the time of listing, stock_quantity what the last inventory log left';

COMMENT ON COLUMN data_playground.shop_products.id IS 'Product';

COMMENT ON COLUMN data_playground.shop_products.event_time IS 'When the product was listed';

COMMENT ON COLUMN data_playground.shop_products.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_products.shop_id IS 'Shop that sells it';

COMMENT ON COLUMN data_playground.shop_products.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_products.sku IS 'Stock keeping unit';

COMMENT ON COLUMN data_playground.shop_products.name IS 'Name';

COMMENT ON COLUMN data_playground.shop_products.description IS 'Description';

COMMENT ON COLUMN data_playground.shop_products.category IS 'electronics/clothing/food/books/home/beauty/sports/toys/automotive/health/other';

COMMENT ON COLUMN data_playground.shop_products.status IS 'active/inactive/out_of_stock/discontinued';

COMMENT ON COLUMN data_playground.shop_products.price IS 'Price a unit';

COMMENT ON COLUMN data_playground.shop_products.sale_price IS 'Reduced price a unit, while there is one';

COMMENT ON COLUMN data_playground.shop_products.cost_price IS 'What a unit costs the shop';

COMMENT ON COLUMN data_playground.shop_products.stock_quantity IS 'Units in stock, as the last inventory log says';

COMMENT ON COLUMN data_playground.shop_products.low_stock_threshold IS 'Units at or below which stock is low';

COMMENT ON COLUMN data_playground.shop_products.weight IS 'Weight in kilograms';

COMMENT ON COLUMN data_playground.shop_products.dimensions IS 'Length × width × height in centimeters';

COMMENT ON COLUMN data_playground.shop_products.manufacturer IS 'Manufacturer';

COMMENT ON COLUMN data_playground.shop_products.brand IS 'Brand';

COMMENT ON COLUMN data_playground.shop_products.tags IS 'List of words';

COMMENT ON COLUMN data_playground.shop_products.created_time IS 'When it was listed, as event_time';

COMMENT ON COLUMN data_playground.shop_products.updated_time IS 'When it last changed';

COMMENT ON COLUMN data_playground.shop_products.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_products.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_promotions (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description TEXT, 
	promotion_type VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	discount_value NUMERIC(19, 4) NOT NULL, 
	minimum_purchase_amount NUMERIC(19, 4), 
	maximum_discount_amount NUMERIC(19, 4), 
	usage_limit_per_user INTEGER, 
	usage_limit_total INTEGER, 
	current_usage_count INTEGER DEFAULT 0 NOT NULL, 
	valid_from TIMESTAMP WITH TIME ZONE NOT NULL, 
	valid_until TIMESTAMP WITH TIME ZONE NOT NULL, 
	applicability VARCHAR(20) NOT NULL, 
	applicable_product_ids UUID[], 
	applicable_categories VARCHAR[], 
	promo_code VARCHAR(50), 
	requires_code BOOLEAN DEFAULT false NOT NULL, 
	terms_conditions TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_promotions PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_promotions_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_promotions_promotion_type CHECK (promotion_type IN ('percentage', 'fixed_amount', 'buy_x_get_y', 'bundle', 'free_shipping', 'minimum_purchase')), 
	CONSTRAINT ck_shop_promotions_status CHECK (status IN ('draft', 'scheduled', 'active', 'paused', 'ended', 'cancelled')), 
	CONSTRAINT ck_shop_promotions_applicability CHECK (applicability IN ('all_products', 'specific_products', 'specific_categories', 'minimum_order')), 
	CONSTRAINT ck_shop_promotions_window CHECK (valid_from < valid_until), 
	CONSTRAINT ck_shop_promotions_discount_value CHECK (discount_value >= 0), 
	CONSTRAINT ck_shop_promotions_current_usage_count CHECK (current_usage_count >= 0), 
	CONSTRAINT uq_shop_promotions_promo_code UNIQUE (promo_code, event_time), 
	CONSTRAINT fk_shop_promotions_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_promotions_id ON data_playground.shop_promotions (id);

CREATE INDEX idx_shop_promotions_shop ON data_playground.shop_promotions (shop_id, valid_from);

COMMENT ON TABLE data_playground.shop_promotions IS 'Promotions of shops; event_time is the time of creation, it holds from valid_from to before valid_until';

COMMENT ON COLUMN data_playground.shop_promotions.id IS 'Promotion';

COMMENT ON COLUMN data_playground.shop_promotions.event_time IS 'When it was created';

COMMENT ON COLUMN data_playground.shop_promotions.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_promotions.shop_id IS 'Shop whose it is';

COMMENT ON COLUMN data_playground.shop_promotions.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotions.name IS 'Name';

COMMENT ON COLUMN data_playground.shop_promotions.description IS 'What is promised';

COMMENT ON COLUMN data_playground.shop_promotions.promotion_type IS 'percentage/fixed_amount/buy_x_get_y/bundle/free_shipping/minimum_purchase';

COMMENT ON COLUMN data_playground.shop_promotions.status IS 'draft/scheduled/active/paused/ended/cancelled';

COMMENT ON COLUMN data_playground.shop_promotions.discount_value IS 'Percent (20 is a fifth) or amount, by promotion_type';

COMMENT ON COLUMN data_playground.shop_promotions.minimum_purchase_amount IS 'Subtotal from which it holds';

COMMENT ON COLUMN data_playground.shop_promotions.maximum_discount_amount IS 'Most that an order gets';

COMMENT ON COLUMN data_playground.shop_promotions.usage_limit_per_user IS 'Times a user may use it';

COMMENT ON COLUMN data_playground.shop_promotions.usage_limit_total IS 'Times that it may be used in all';

COMMENT ON COLUMN data_playground.shop_promotions.current_usage_count IS 'Times that it was used';

COMMENT ON COLUMN data_playground.shop_promotions.valid_from IS 'First moment that it holds';

COMMENT ON COLUMN data_playground.shop_promotions.valid_until IS 'First moment that it no longer holds';

COMMENT ON COLUMN data_playground.shop_promotions.applicability IS 'all_products/specific_products/specific_categories/minimum_order';

COMMENT ON COLUMN data_playground.shop_promotions.applicable_product_ids IS 'Products that it holds for';

COMMENT ON COLUMN data_playground.shop_promotions.applicable_categories IS 'Categories that it holds for';

COMMENT ON COLUMN data_playground.shop_promotions.promo_code IS 'Code to enter';

COMMENT ON COLUMN data_playground.shop_promotions.requires_code IS 'Whether the code has to be entered';

COMMENT ON COLUMN data_playground.shop_promotions.terms_conditions IS 'Small print';

COMMENT ON COLUMN data_playground.shop_promotions.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_promotions.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.global_events (
	event_id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	event_type VARCHAR(40) NOT NULL, 
	user_id UUID, 
	user_event_time TIMESTAMP WITH TIME ZONE, 
	shop_id UUID, 
	shop_event_time TIMESTAMP WITH TIME ZONE, 
	product_id UUID, 
	product_event_time TIMESTAMP WITH TIME ZONE, 
	caller_entity_id UUID, 
	caller_event_time TIMESTAMP WITH TIME ZONE, 
	session_id UUID, 
	quantity INTEGER, 
	amount NUMERIC(19, 4), 
	net_amount NUMERIC(19, 4), 
	event_metadata JSONB, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_global_events PRIMARY KEY (event_id, event_time), 
	CONSTRAINT ck_global_events_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_global_events_event_type CHECK (event_type IN ('user_registered', 'user_logged_in', 'user_deactivated', 'user_reactivated', 'payment_method_added', 'payment_method_expired', 'payment_method_deleted', 'shop_opened', 'shop_closed', 'shop_reopened', 'product_listed', 'product_price_changed', 'product_out_of_stock', 'product_back_in_stock', 'product_discontinued', 'promotion_created', 'promotion_started', 'promotion_paused', 'promotion_ended', 'product_viewed', 'cart_item_added', 'cart_item_removed', 'cart_abandoned', 'checkout_started', 'order_placed', 'order_on_hold', 'order_processing', 'order_shipped', 'order_delivered', 'order_cancelled', 'order_returned', 'order_refunded', 'payment_initiated', 'payment_completed', 'payment_failed', 'payment_refunded', 'invoice_issued', 'invoice_paid', 'invoice_overdue', 'invoice_cancelled', 'review_submitted', 'review_approved', 'review_rejected', 'review_reported', 'review_removed', 'import_completed', 'metrics_rollup_completed', 'metrics_rollup_failed', 'data_integrity_violated', 'fraud_suspected', 'api_error', 'system_notice')), 
	CONSTRAINT fk_global_events_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_global_events_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_global_events_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_global_events_caller ON data_playground.global_events (caller_entity_id, event_time);

CREATE INDEX idx_global_events_product ON data_playground.global_events (product_id, event_time);

CREATE INDEX idx_global_events_shop ON data_playground.global_events (shop_id, event_time);

CREATE INDEX idx_global_events_type ON data_playground.global_events (event_type, event_time);

CREATE INDEX idx_global_events_user ON data_playground.global_events (user_id, event_time);

COMMENT ON TABLE data_playground.global_events IS 'Everything that happens, each thing once and at its own time; what metrics of carts, payments, cancellations and refunds are counted from';

COMMENT ON COLUMN data_playground.global_events.event_id IS 'Event';

COMMENT ON COLUMN data_playground.global_events.event_time IS 'When it happened';

COMMENT ON COLUMN data_playground.global_events.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.global_events.event_type IS 'What happened';

COMMENT ON COLUMN data_playground.global_events.user_id IS 'User who did it or whom it concerns';

COMMENT ON COLUMN data_playground.global_events.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.global_events.shop_id IS 'Shop that it concerns';

COMMENT ON COLUMN data_playground.global_events.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.global_events.product_id IS 'Product that it concerns';

COMMENT ON COLUMN data_playground.global_events.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.global_events.caller_entity_id IS 'Entity that it happened to: the order, payment, review, promotion, invoice …';

COMMENT ON COLUMN data_playground.global_events.caller_event_time IS 'event_time of the entity that it happened to, with which it is found';

COMMENT ON COLUMN data_playground.global_events.session_id IS 'Visit that it belongs to';

COMMENT ON COLUMN data_playground.global_events.quantity IS 'Units, where it is about units';

COMMENT ON COLUMN data_playground.global_events.amount IS 'Money moved or at stake, tax and shipping included';

COMMENT ON COLUMN data_playground.global_events.net_amount IS 'The part of it that is goods: without tax and shipping';

COMMENT ON COLUMN data_playground.global_events.event_metadata IS 'What else is known of it';

COMMENT ON COLUMN data_playground.global_events.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.global_events.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.invoices (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	invoice_number VARCHAR(50) NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	order_id UUID, 
	order_event_time TIMESTAMP WITH TIME ZONE, 
	invoice_amount NUMERIC(19, 4) NOT NULL, 
	tax_amount NUMERIC(19, 4) NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	total_amount NUMERIC(19, 4) NOT NULL, 
	status VARCHAR(20) DEFAULT 'draft'::character varying NOT NULL, 
	payment_terms VARCHAR(20) NOT NULL, 
	payment_term_days SMALLINT, 
	issue_date DATE NOT NULL, 
	due_date DATE NOT NULL, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_invoices PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_invoices_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_invoices_status CHECK (status IN ('draft', 'pending', 'processing', 'completed', 'paid', 'partially_paid', 'failed', 'overdue', 'cancelled', 'refunded', 'partially_refunded')), 
	CONSTRAINT ck_invoices_payment_terms CHECK (payment_terms IN ('immediate', 'net_15', 'net_30', 'net_45', 'net_60', 'custom')), 
	CONSTRAINT ck_invoices_total_amount CHECK (total_amount = invoice_amount + tax_amount - discount_amount), 
	CONSTRAINT ck_invoices_due_date CHECK (due_date >= issue_date), 
	CONSTRAINT uq_invoices_invoice_number UNIQUE (invoice_number, event_time), 
	CONSTRAINT fk_invoices_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_invoices_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_invoices_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_invoices_id ON data_playground.invoices (id);

CREATE INDEX idx_invoices_shop ON data_playground.invoices (shop_id, event_time);

CREATE INDEX idx_invoices_user ON data_playground.invoices (user_id, event_time);

COMMENT ON TABLE data_playground.invoices IS 'Bills of shops to users, for orders that are paid later; event_time is the time of issue';

COMMENT ON COLUMN data_playground.invoices.id IS 'Invoice';

COMMENT ON COLUMN data_playground.invoices.event_time IS 'When it was issued';

COMMENT ON COLUMN data_playground.invoices.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.invoices.invoice_number IS 'Number on the bill';

COMMENT ON COLUMN data_playground.invoices.user_id IS 'User who is to pay';

COMMENT ON COLUMN data_playground.invoices.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.invoices.shop_id IS 'Shop that issued it';

COMMENT ON COLUMN data_playground.invoices.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.invoices.order_id IS 'Order that it is for';

COMMENT ON COLUMN data_playground.invoices.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.invoices.invoice_amount IS 'Goods and shipping';

COMMENT ON COLUMN data_playground.invoices.tax_amount IS 'Tax';

COMMENT ON COLUMN data_playground.invoices.discount_amount IS 'Discount';

COMMENT ON COLUMN data_playground.invoices.total_amount IS 'What is to be paid';

COMMENT ON COLUMN data_playground.invoices.status IS 'draft/pending/processing/completed/paid/partially_paid/failed/overdue/cancelled/refunded/partially_refunded';

COMMENT ON COLUMN data_playground.invoices.payment_terms IS 'immediate/net_15/net_30/net_45/net_60/custom';

COMMENT ON COLUMN data_playground.invoices.payment_term_days IS 'Days until it is due';

COMMENT ON COLUMN data_playground.invoices.issue_date IS 'Day of issue, in UTC';

COMMENT ON COLUMN data_playground.invoices.due_date IS 'Day it is due: issue_date + payment_term_days';

COMMENT ON COLUMN data_playground.invoices.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.invoices.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.invoices.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_inventory_logs (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_id UUID NOT NULL, 
	product_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	order_id UUID, 
	order_event_time TIMESTAMP WITH TIME ZONE, 
	change_type VARCHAR(20) NOT NULL, 
	quantity_before INTEGER NOT NULL, 
	quantity_change INTEGER NOT NULL, 
	quantity_after INTEGER NOT NULL, 
	unit_cost NUMERIC(19, 4), 
	total_cost NUMERIC(19, 4), 
	reference_number VARCHAR(50), 
	reason VARCHAR(255), 
	created_by_user_id UUID NOT NULL, 
	created_by_user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_inventory_logs PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_inventory_logs_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_inventory_logs_change_type CHECK (change_type IN ('purchase', 'sale', 'return', 'adjustment', 'loss', 'recount', 'transfer_in', 'transfer_out', 'reservation', 'reservation_release')), 
	CONSTRAINT ck_shop_inventory_logs_adds_up CHECK (quantity_after = quantity_before + quantity_change), 
	CONSTRAINT fk_shop_inventory_logs_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_inventory_logs_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time), 
	CONSTRAINT fk_shop_inventory_logs_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_inventory_logs_created_by_user_id_created_by_us_40ae FOREIGN KEY(created_by_user_id, created_by_user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_inventory_logs_product ON data_playground.shop_inventory_logs (product_id, event_time);

CREATE INDEX idx_shop_inventory_logs_shop ON data_playground.shop_inventory_logs (shop_id, event_time);

COMMENT ON TABLE data_playground.shop_inventory_logs IS 'Movements of stock: one row a change of a product''s stock, with what was there before and after';

COMMENT ON COLUMN data_playground.shop_inventory_logs.id IS 'Movement';

COMMENT ON COLUMN data_playground.shop_inventory_logs.event_time IS 'When the stock changed';

COMMENT ON COLUMN data_playground.shop_inventory_logs.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_inventory_logs.shop_id IS 'Shop whose stock it is';

COMMENT ON COLUMN data_playground.shop_inventory_logs.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.product_id IS 'Product that moved';

COMMENT ON COLUMN data_playground.shop_inventory_logs.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.order_id IS 'Order that moved it';

COMMENT ON COLUMN data_playground.shop_inventory_logs.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.change_type IS 'purchase/sale/return/adjustment/loss/recount/transfer_in/transfer_out/reservation/reservation_release';

COMMENT ON COLUMN data_playground.shop_inventory_logs.quantity_before IS 'Units before';

COMMENT ON COLUMN data_playground.shop_inventory_logs.quantity_change IS 'Units that came (positive) or went (negative)';

COMMENT ON COLUMN data_playground.shop_inventory_logs.quantity_after IS 'Units after';

COMMENT ON COLUMN data_playground.shop_inventory_logs.unit_cost IS 'What a unit cost';

COMMENT ON COLUMN data_playground.shop_inventory_logs.total_cost IS 'What the movement cost';

COMMENT ON COLUMN data_playground.shop_inventory_logs.reference_number IS 'Delivery note, order number or the like';

COMMENT ON COLUMN data_playground.shop_inventory_logs.reason IS 'Why';

COMMENT ON COLUMN data_playground.shop_inventory_logs.created_by_user_id IS 'User who moved it: the buyer for a sale, else the shop''s owner';

COMMENT ON COLUMN data_playground.shop_inventory_logs.created_by_user_event_time IS 'event_time of the user who moved it, with which it is found';

COMMENT ON COLUMN data_playground.shop_inventory_logs.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.shop_inventory_logs.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_inventory_logs.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_order_items (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	order_id UUID NOT NULL, 
	order_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_id UUID NOT NULL, 
	product_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	quantity INTEGER NOT NULL, 
	unit_price NUMERIC(19, 4) NOT NULL, 
	subtotal NUMERIC(19, 4) NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	total_amount NUMERIC(19, 4) NOT NULL, 
	is_cancelled BOOLEAN DEFAULT false NOT NULL, 
	is_refunded BOOLEAN DEFAULT false NOT NULL, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_order_items PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_order_items_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_order_items_quantity CHECK (quantity > 0), 
	CONSTRAINT ck_shop_order_items_order_event_time CHECK (event_time = order_event_time), 
	CONSTRAINT fk_shop_order_items_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_order_items_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time), 
	CONSTRAINT fk_shop_order_items_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_order_items_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_order_items_order ON data_playground.shop_order_items (order_id);

CREATE INDEX idx_shop_order_items_product ON data_playground.shop_order_items (product_id, event_time);

CREATE INDEX idx_shop_order_items_shop ON data_playground.shop_order_items (shop_id, event_time);

CREATE INDEX idx_shop_order_items_user ON data_playground.shop_order_items (user_id, event_time);

COMMENT ON TABLE data_playground.shop_order_items IS 'Lines of orders, at the time of the order';

COMMENT ON COLUMN data_playground.shop_order_items.id IS 'Line of an order';

COMMENT ON COLUMN data_playground.shop_order_items.event_time IS 'When it was ordered';

COMMENT ON COLUMN data_playground.shop_order_items.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_order_items.order_id IS 'Order that it is a line of';

COMMENT ON COLUMN data_playground.shop_order_items.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.product_id IS 'Product ordered';

COMMENT ON COLUMN data_playground.shop_order_items.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.shop_id IS 'Shop of the order';

COMMENT ON COLUMN data_playground.shop_order_items.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.user_id IS 'User of the order';

COMMENT ON COLUMN data_playground.shop_order_items.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_items.quantity IS 'Units';

COMMENT ON COLUMN data_playground.shop_order_items.unit_price IS 'Price a unit, before discount';

COMMENT ON COLUMN data_playground.shop_order_items.subtotal IS 'quantity × unit_price';

COMMENT ON COLUMN data_playground.shop_order_items.discount_amount IS 'What was taken off';

COMMENT ON COLUMN data_playground.shop_order_items.total_amount IS 'subtotal − discount_amount; tax and shipping are the order''s';

COMMENT ON COLUMN data_playground.shop_order_items.is_cancelled IS 'Whether the order was cancelled before shipping';

COMMENT ON COLUMN data_playground.shop_order_items.is_refunded IS 'Whether it was paid back';

COMMENT ON COLUMN data_playground.shop_order_items.notes IS 'Remarks';

COMMENT ON COLUMN data_playground.shop_order_items.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_order_items.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_order_payments (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	order_id UUID NOT NULL, 
	order_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	payment_method_id UUID, 
	payment_method_event_time TIMESTAMP WITH TIME ZONE, 
	amount NUMERIC(19, 4) NOT NULL, 
	refunded_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	method VARCHAR(20) NOT NULL, 
	is_partial_payment BOOLEAN DEFAULT false NOT NULL, 
	authorization_code VARCHAR(50), 
	transaction_reference VARCHAR(100), 
	transaction_fee NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	initiated_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	completed_time TIMESTAMP WITH TIME ZONE, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_order_payments PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_order_payments_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_order_payments_status CHECK (status IN ('draft', 'pending', 'processing', 'completed', 'paid', 'partially_paid', 'failed', 'overdue', 'cancelled', 'refunded', 'partially_refunded')), 
	CONSTRAINT ck_shop_order_payments_method CHECK (method IN ('credit_card', 'debit_card', 'bank_account', 'digital_wallet', 'crypto_wallet')), 
	CONSTRAINT ck_shop_order_payments_amount CHECK (amount >= 0), 
	CONSTRAINT ck_shop_order_payments_refunded_amount CHECK (refunded_amount BETWEEN 0 AND amount), 
	CONSTRAINT ck_shop_order_payments_initiated_time CHECK (initiated_time = event_time), 
	CONSTRAINT ck_shop_order_payments_completed_time CHECK (completed_time >= initiated_time), 
	CONSTRAINT uq_shop_order_payments_reference UNIQUE (transaction_reference, event_time), 
	CONSTRAINT fk_shop_order_payments_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_order_payments_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_order_payments_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_order_payments_payment_method_id_payment_method_fcbc FOREIGN KEY(payment_method_id, payment_method_event_time) REFERENCES data_playground.user_payment_methods (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_order_payments_order ON data_playground.shop_order_payments (order_id);

CREATE INDEX idx_shop_order_payments_user ON data_playground.shop_order_payments (user_id, event_time);

COMMENT ON TABLE data_playground.shop_order_payments IS 'Attempts to pay for orders, with their outcome; event_time is the time of initiation';

COMMENT ON COLUMN data_playground.shop_order_payments.id IS 'Payment';

COMMENT ON COLUMN data_playground.shop_order_payments.event_time IS 'When the attempt began';

COMMENT ON COLUMN data_playground.shop_order_payments.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_order_payments.order_id IS 'Order that is paid';

COMMENT ON COLUMN data_playground.shop_order_payments.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.user_id IS 'User who pays';

COMMENT ON COLUMN data_playground.shop_order_payments.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.shop_id IS 'Shop that is paid';

COMMENT ON COLUMN data_playground.shop_order_payments.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.payment_method_id IS 'Stored way to pay';

COMMENT ON COLUMN data_playground.shop_order_payments.payment_method_event_time IS 'event_time of the payment method, with which it is found';

COMMENT ON COLUMN data_playground.shop_order_payments.amount IS 'Amount of the attempt';

COMMENT ON COLUMN data_playground.shop_order_payments.refunded_amount IS 'What was paid back of it';

COMMENT ON COLUMN data_playground.shop_order_payments.status IS 'draft/pending/processing/completed/paid/partially_paid/failed/overdue/cancelled/refunded/partially_refunded';

COMMENT ON COLUMN data_playground.shop_order_payments.method IS 'credit_card/debit_card/bank_account/digital_wallet/crypto_wallet';

COMMENT ON COLUMN data_playground.shop_order_payments.is_partial_payment IS 'Whether it is less than the order''s total';

COMMENT ON COLUMN data_playground.shop_order_payments.authorization_code IS 'Code of the payment service';

COMMENT ON COLUMN data_playground.shop_order_payments.transaction_reference IS 'Reference of the payment service';

COMMENT ON COLUMN data_playground.shop_order_payments.transaction_fee IS 'What the payment service keeps';

COMMENT ON COLUMN data_playground.shop_order_payments.initiated_time IS 'When the attempt began, as event_time';

COMMENT ON COLUMN data_playground.shop_order_payments.completed_time IS 'When its outcome was known, be it success or failure';

COMMENT ON COLUMN data_playground.shop_order_payments.notes IS 'Remarks; why it failed';

COMMENT ON COLUMN data_playground.shop_order_payments.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_order_payments.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_product_metrics_daily (
	product_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	id UUID GENERATED ALWAYS AS ((md5(((product_id)::text || '/day/'::text) || ((EXTRACT(epoch FROM (event_time AT TIME ZONE 'UTC'::text)))::bigint)::text))::uuid) VIRTUAL NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text)) VIRTUAL NOT NULL, 
	extra_metrics JSONB, 
	units_sold BIGINT DEFAULT 0 NOT NULL, 
	units_refunded BIGINT DEFAULT 0 NOT NULL, 
	gross_sales NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	net_sales NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	current_stock_level BIGINT DEFAULT 0 NOT NULL, 
	stock_replenishment_count BIGINT DEFAULT 0 NOT NULL, 
	time_out_of_stock_minutes NUMERIC(10, 4) DEFAULT 0 NOT NULL, 
	avg_selling_price NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	min_selling_price NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	max_selling_price NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	reviews_count BIGINT DEFAULT 0 NOT NULL, 
	avg_rating NUMERIC(6, 4), 
	one_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	five_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	times_discounted BIGINT DEFAULT 0 NOT NULL, 
	total_discount_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	cart_additions_count BIGINT DEFAULT 0 NOT NULL, 
	cart_removals_count BIGINT DEFAULT 0 NOT NULL, 
	page_views BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_shop_product_metrics_daily PRIMARY KEY (product_id, event_time), 
	CONSTRAINT fk_shop_product_metrics_daily_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time)
)
 PARTITION BY RANGE (event_time);

COMMENT ON TABLE data_playground.shop_product_metrics_daily IS 'How products did, by the day; a row where there was something, or nothing to sell';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.product_id IS 'Product that is measured';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.event_time IS 'Start of the day, in UTC; the bucket ends before the next one starts';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.id IS 'Identifier of the row, made from what is measured and the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.partition_key IS 'Label of the day that it happened in, in UTC (YYYY-MM-DD); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.extra_metrics IS 'Metrics of one''s own; a roll leaves them as they are';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.units_sold IS 'Units in the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.units_refunded IS 'Units paid back in the bucket, whenever they were ordered';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.gross_sales IS 'Sum of the items'' subtotals of the orders placed in the bucket: before discount, tax and shipping';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.net_sales IS 'gross_sales - total_discount_amount - the goods part of what was paid back in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.current_stock_level IS 'Stock at the end of the bucket, by the last inventory log; 0 before the first';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.stock_replenishment_count IS 'Purchases and transfers in during the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.time_out_of_stock_minutes IS 'Minutes of the bucket with stock <= 0, from the first inventory log to the clock of the roll';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.avg_selling_price IS 'Mean price paid a unit, after discount, weighted by quantity; 0 without sales';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.min_selling_price IS 'Least price paid a unit, after discount; 0 without sales';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.max_selling_price IS 'Highest price paid a unit, after discount; 0 without sales';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.reviews_count IS 'Reviews of the product written in the bucket and approved since';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.avg_rating IS 'Mean rating of those reviews; null without any';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.one_star_reviews_count IS 'Those reviews that gave one star';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.five_star_reviews_count IS 'Those reviews that gave five stars';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.times_discounted IS 'Lines of orders placed in the bucket that have a discount';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.total_discount_amount IS 'Sum of the discounts of those lines';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.cart_additions_count IS 'Times it was put into a cart in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.cart_removals_count IS 'Times it was taken out of a cart in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_daily.page_views IS 'Times its page was viewed in the bucket';

CREATE TABLE data_playground.shop_product_metrics_hourly (
	product_id UUID NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	id UUID GENERATED ALWAYS AS ((md5(((product_id)::text || '/hour/'::text) || ((EXTRACT(epoch FROM (event_time AT TIME ZONE 'UTC'::text)))::bigint)::text))::uuid) VIRTUAL NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	extra_metrics JSONB, 
	units_sold BIGINT DEFAULT 0 NOT NULL, 
	units_refunded BIGINT DEFAULT 0 NOT NULL, 
	gross_sales NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	net_sales NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	current_stock_level BIGINT DEFAULT 0 NOT NULL, 
	stock_replenishment_count BIGINT DEFAULT 0 NOT NULL, 
	time_out_of_stock_minutes NUMERIC(10, 4) DEFAULT 0 NOT NULL, 
	avg_selling_price NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	min_selling_price NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	max_selling_price NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	reviews_count BIGINT DEFAULT 0 NOT NULL, 
	avg_rating NUMERIC(6, 4), 
	one_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	five_star_reviews_count BIGINT DEFAULT 0 NOT NULL, 
	times_discounted BIGINT DEFAULT 0 NOT NULL, 
	total_discount_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	cart_additions_count BIGINT DEFAULT 0 NOT NULL, 
	cart_removals_count BIGINT DEFAULT 0 NOT NULL, 
	page_views BIGINT DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_shop_product_metrics_hourly PRIMARY KEY (product_id, event_time), 
	CONSTRAINT fk_shop_product_metrics_hourly_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time)
)
 PARTITION BY RANGE (event_time);

COMMENT ON TABLE data_playground.shop_product_metrics_hourly IS 'How products did, by the hour; a row where there was something, or nothing to sell';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.product_id IS 'Product that is measured';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.event_time IS 'Start of the hour, in UTC; the bucket ends before the next one starts';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.id IS 'Identifier of the row, made from what is measured and the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.extra_metrics IS 'Metrics of one''s own; a roll leaves them as they are';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.units_sold IS 'Units in the orders placed in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.units_refunded IS 'Units paid back in the bucket, whenever they were ordered';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.gross_sales IS 'Sum of the items'' subtotals of the orders placed in the bucket: before discount, tax and shipping';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.net_sales IS 'gross_sales - total_discount_amount - the goods part of what was paid back in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.current_stock_level IS 'Stock at the end of the bucket, by the last inventory log; 0 before the first';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.stock_replenishment_count IS 'Purchases and transfers in during the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.time_out_of_stock_minutes IS 'Minutes of the bucket with stock <= 0, from the first inventory log to the clock of the roll';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.avg_selling_price IS 'Mean price paid a unit, after discount, weighted by quantity; 0 without sales';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.min_selling_price IS 'Least price paid a unit, after discount; 0 without sales';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.max_selling_price IS 'Highest price paid a unit, after discount; 0 without sales';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.reviews_count IS 'Reviews of the product written in the bucket and approved since';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.avg_rating IS 'Mean rating of those reviews; null without any';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.one_star_reviews_count IS 'Those reviews that gave one star';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.five_star_reviews_count IS 'Those reviews that gave five stars';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.times_discounted IS 'Lines of orders placed in the bucket that have a discount';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.total_discount_amount IS 'Sum of the discounts of those lines';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.cart_additions_count IS 'Times it was put into a cart in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.cart_removals_count IS 'Times it was taken out of a cart in the bucket';

COMMENT ON COLUMN data_playground.shop_product_metrics_hourly.page_views IS 'Times its page was viewed in the bucket';

CREATE TABLE data_playground.shop_promotion_usages (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	promotion_id UUID NOT NULL, 
	promotion_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	order_id UUID NOT NULL, 
	order_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	discount_amount NUMERIC(19, 4) NOT NULL, 
	promo_code_used VARCHAR(50), 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_promotion_usages PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_promotion_usages_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_promotion_usages_discount_amount CHECK (discount_amount >= 0), 
	CONSTRAINT fk_shop_promotion_usages_promotion_id_promotion_event_time FOREIGN KEY(promotion_id, promotion_event_time) REFERENCES data_playground.shop_promotions (id, event_time), 
	CONSTRAINT fk_shop_promotion_usages_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_promotion_usages_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time), 
	CONSTRAINT fk_shop_promotion_usages_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_promotion_usages_promotion ON data_playground.shop_promotion_usages (promotion_id, event_time);

CREATE INDEX idx_shop_promotion_usages_shop ON data_playground.shop_promotion_usages (shop_id, event_time);

CREATE INDEX idx_shop_promotion_usages_user ON data_playground.shop_promotion_usages (user_id, event_time);

COMMENT ON TABLE data_playground.shop_promotion_usages IS 'Uses of promotions in orders';

COMMENT ON COLUMN data_playground.shop_promotion_usages.id IS 'Use of a promotion';

COMMENT ON COLUMN data_playground.shop_promotion_usages.event_time IS 'When it was used: the time of the order';

COMMENT ON COLUMN data_playground.shop_promotion_usages.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_promotion_usages.promotion_id IS 'Promotion used';

COMMENT ON COLUMN data_playground.shop_promotion_usages.promotion_event_time IS 'event_time of the promotion, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.user_id IS 'User who used it';

COMMENT ON COLUMN data_playground.shop_promotion_usages.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.order_id IS 'Order that it was used in';

COMMENT ON COLUMN data_playground.shop_promotion_usages.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.shop_id IS 'Shop whose promotion it is';

COMMENT ON COLUMN data_playground.shop_promotion_usages.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_promotion_usages.discount_amount IS 'What it took off the order';

COMMENT ON COLUMN data_playground.shop_promotion_usages.promo_code_used IS 'Code that was entered';

COMMENT ON COLUMN data_playground.shop_promotion_usages.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_promotion_usages.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_reviews (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	product_id UUID, 
	product_event_time TIMESTAMP WITH TIME ZONE, 
	order_id UUID, 
	order_event_time TIMESTAMP WITH TIME ZONE, 
	review_type VARCHAR(20) NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	rating SMALLINT NOT NULL, 
	title VARCHAR(255), 
	content VARCHAR(2000) NOT NULL, 
	helpful_votes INTEGER DEFAULT 0 NOT NULL, 
	not_helpful_votes INTEGER DEFAULT 0 NOT NULL, 
	is_verified_purchase BOOLEAN DEFAULT false NOT NULL, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_reviews PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_reviews_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_shop_reviews_review_type CHECK (review_type IN ('shop', 'product')), 
	CONSTRAINT ck_shop_reviews_status CHECK (status IN ('pending', 'approved', 'rejected', 'reported', 'removed')), 
	CONSTRAINT ck_shop_reviews_rating CHECK (rating BETWEEN 1 AND 5), 
	CONSTRAINT ck_shop_reviews_product CHECK ((review_type = 'product') = (product_id IS NOT NULL)), 
	CONSTRAINT ck_shop_reviews_votes CHECK (helpful_votes >= 0 AND not_helpful_votes >= 0), 
	CONSTRAINT fk_shop_reviews_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_reviews_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_shop_reviews_product_id_product_event_time FOREIGN KEY(product_id, product_event_time) REFERENCES data_playground.shop_products (id, event_time), 
	CONSTRAINT fk_shop_reviews_order_id_order_event_time FOREIGN KEY(order_id, order_event_time) REFERENCES data_playground.shop_orders (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_reviews_id ON data_playground.shop_reviews (id);

CREATE INDEX idx_shop_reviews_product ON data_playground.shop_reviews (product_id, event_time);

CREATE INDEX idx_shop_reviews_shop ON data_playground.shop_reviews (shop_id, event_time);

CREATE INDEX idx_shop_reviews_user ON data_playground.shop_reviews (user_id, event_time);

COMMENT ON TABLE data_playground.shop_reviews IS 'Reviews of shops and products; event_time is the time of writing';

COMMENT ON COLUMN data_playground.shop_reviews.id IS 'Review';

COMMENT ON COLUMN data_playground.shop_reviews.event_time IS 'When it was written';

COMMENT ON COLUMN data_playground.shop_reviews.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_reviews.user_id IS 'User who wrote it';

COMMENT ON COLUMN data_playground.shop_reviews.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.shop_id IS 'Shop reviewed, or whose product is';

COMMENT ON COLUMN data_playground.shop_reviews.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.product_id IS 'Product reviewed';

COMMENT ON COLUMN data_playground.shop_reviews.product_event_time IS 'event_time of the product, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.order_id IS 'Order that the opinion comes from';

COMMENT ON COLUMN data_playground.shop_reviews.order_event_time IS 'event_time of the order, with which it is found';

COMMENT ON COLUMN data_playground.shop_reviews.review_type IS 'shop/product';

COMMENT ON COLUMN data_playground.shop_reviews.status IS 'pending/approved/rejected/reported/removed';

COMMENT ON COLUMN data_playground.shop_reviews.rating IS 'Stars, 1 to 5';

COMMENT ON COLUMN data_playground.shop_reviews.title IS 'Headline';

COMMENT ON COLUMN data_playground.shop_reviews.content IS 'Text';

COMMENT ON COLUMN data_playground.shop_reviews.helpful_votes IS 'Votes that found it helpful';

COMMENT ON COLUMN data_playground.shop_reviews.not_helpful_votes IS 'Votes that did not';

COMMENT ON COLUMN data_playground.shop_reviews.is_verified_purchase IS 'Whether the user bought it';

COMMENT ON COLUMN data_playground.shop_reviews.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_reviews.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.invoice_payments (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	invoice_id UUID NOT NULL, 
	invoice_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	shop_id UUID NOT NULL, 
	shop_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	payment_method_id UUID, 
	payment_method_event_time TIMESTAMP WITH TIME ZONE, 
	amount NUMERIC(19, 4) NOT NULL, 
	refunded_amount NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	method VARCHAR(20) NOT NULL, 
	is_partial_payment BOOLEAN DEFAULT false NOT NULL, 
	authorization_code VARCHAR(50), 
	transaction_reference VARCHAR(100), 
	transaction_fee NUMERIC(19, 4) DEFAULT 0 NOT NULL, 
	initiated_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	completed_time TIMESTAMP WITH TIME ZONE, 
	notes TEXT, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_invoice_payments PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_invoice_payments_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT ck_invoice_payments_status CHECK (status IN ('draft', 'pending', 'processing', 'completed', 'paid', 'partially_paid', 'failed', 'overdue', 'cancelled', 'refunded', 'partially_refunded')), 
	CONSTRAINT ck_invoice_payments_method CHECK (method IN ('credit_card', 'debit_card', 'bank_account', 'digital_wallet', 'crypto_wallet')), 
	CONSTRAINT ck_invoice_payments_amount CHECK (amount >= 0), 
	CONSTRAINT ck_invoice_payments_refunded_amount CHECK (refunded_amount BETWEEN 0 AND amount), 
	CONSTRAINT ck_invoice_payments_initiated_time CHECK (initiated_time = event_time), 
	CONSTRAINT ck_invoice_payments_completed_time CHECK (completed_time >= initiated_time), 
	CONSTRAINT uq_invoice_payments_reference UNIQUE (transaction_reference, event_time), 
	CONSTRAINT fk_invoice_payments_invoice_id_invoice_event_time FOREIGN KEY(invoice_id, invoice_event_time) REFERENCES data_playground.invoices (id, event_time), 
	CONSTRAINT fk_invoice_payments_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_invoice_payments_shop_id_shop_event_time FOREIGN KEY(shop_id, shop_event_time) REFERENCES data_playground.shops (id, event_time), 
	CONSTRAINT fk_invoice_payments_payment_method_id_payment_method_event_time FOREIGN KEY(payment_method_id, payment_method_event_time) REFERENCES data_playground.user_payment_methods (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_invoice_payments_invoice ON data_playground.invoice_payments (invoice_id);

CREATE INDEX idx_invoice_payments_user ON data_playground.invoice_payments (user_id, event_time);

COMMENT ON TABLE data_playground.invoice_payments IS 'Attempts to pay invoices, with their outcome; event_time is the time of initiation';

COMMENT ON COLUMN data_playground.invoice_payments.id IS 'Payment';

COMMENT ON COLUMN data_playground.invoice_payments.event_time IS 'When the attempt began';

COMMENT ON COLUMN data_playground.invoice_payments.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.invoice_payments.invoice_id IS 'Invoice that is paid';

COMMENT ON COLUMN data_playground.invoice_payments.invoice_event_time IS 'event_time of the invoice, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.user_id IS 'User who pays';

COMMENT ON COLUMN data_playground.invoice_payments.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.shop_id IS 'Shop that is paid';

COMMENT ON COLUMN data_playground.invoice_payments.shop_event_time IS 'event_time of the shop, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.payment_method_id IS 'Stored way to pay';

COMMENT ON COLUMN data_playground.invoice_payments.payment_method_event_time IS 'event_time of the payment method, with which it is found';

COMMENT ON COLUMN data_playground.invoice_payments.amount IS 'Amount of the attempt';

COMMENT ON COLUMN data_playground.invoice_payments.refunded_amount IS 'What was paid back of it';

COMMENT ON COLUMN data_playground.invoice_payments.status IS 'draft/pending/processing/completed/paid/partially_paid/failed/overdue/cancelled/refunded/partially_refunded';

COMMENT ON COLUMN data_playground.invoice_payments.method IS 'credit_card/debit_card/bank_account/digital_wallet/crypto_wallet';

COMMENT ON COLUMN data_playground.invoice_payments.is_partial_payment IS 'Whether it is less than the invoice''s total';

COMMENT ON COLUMN data_playground.invoice_payments.authorization_code IS 'Code of the payment service';

COMMENT ON COLUMN data_playground.invoice_payments.transaction_reference IS 'Reference of the payment service';

COMMENT ON COLUMN data_playground.invoice_payments.transaction_fee IS 'What the payment service keeps';

COMMENT ON COLUMN data_playground.invoice_payments.initiated_time IS 'When the attempt began, as event_time';

COMMENT ON COLUMN data_playground.invoice_payments.completed_time IS 'When its outcome was known, be it success or failure';

COMMENT ON COLUMN data_playground.invoice_payments.notes IS 'Remarks; why it failed';

COMMENT ON COLUMN data_playground.invoice_payments.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.invoice_payments.extra_data IS 'What is known beside the columns';

CREATE TABLE data_playground.shop_review_votes (
	id UUID DEFAULT uuidv7() NOT NULL, 
	event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	partition_key VARCHAR GENERATED ALWAYS AS (lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || 'T' || lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00') VIRTUAL NOT NULL, 
	review_id UUID NOT NULL, 
	review_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	user_id UUID NOT NULL, 
	user_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	author_id UUID NOT NULL, 
	author_event_time TIMESTAMP WITH TIME ZONE NOT NULL, 
	is_helpful BOOLEAN NOT NULL, 
	origin VARCHAR(20) DEFAULT 'simulated'::character varying NOT NULL, 
	extra_data JSONB, 
	CONSTRAINT pk_shop_review_votes PRIMARY KEY (id, event_time), 
	CONSTRAINT ck_shop_review_votes_origin CHECK (origin IN ('simulated', 'pim', 'marketplace', 'mirakl', 'api', 'warehouse')), 
	CONSTRAINT uq_shop_review_votes_user UNIQUE (review_id, user_id, event_time), 
	CONSTRAINT fk_shop_review_votes_review_id_review_event_time FOREIGN KEY(review_id, review_event_time) REFERENCES data_playground.shop_reviews (id, event_time), 
	CONSTRAINT fk_shop_review_votes_user_id_user_event_time FOREIGN KEY(user_id, user_event_time) REFERENCES data_playground.users (id, event_time), 
	CONSTRAINT fk_shop_review_votes_author_id_author_event_time FOREIGN KEY(author_id, author_event_time) REFERENCES data_playground.users (id, event_time)
)
 PARTITION BY RANGE (event_time);

CREATE INDEX idx_shop_review_votes_author ON data_playground.shop_review_votes (author_id, event_time);

COMMENT ON TABLE data_playground.shop_review_votes IS 'Votes on reviews';

COMMENT ON COLUMN data_playground.shop_review_votes.id IS 'Vote';

COMMENT ON COLUMN data_playground.shop_review_votes.event_time IS 'When it was cast';

COMMENT ON COLUMN data_playground.shop_review_votes.partition_key IS 'Label of the hour that it happened in, in UTC (YYYY-MM-DDThh:00:00); for reading, nothing is partitioned by it';

COMMENT ON COLUMN data_playground.shop_review_votes.review_id IS 'Review voted on';

COMMENT ON COLUMN data_playground.shop_review_votes.review_event_time IS 'event_time of the review, with which it is found';

COMMENT ON COLUMN data_playground.shop_review_votes.user_id IS 'User who voted';

COMMENT ON COLUMN data_playground.shop_review_votes.user_event_time IS 'event_time of the user, with which it is found';

COMMENT ON COLUMN data_playground.shop_review_votes.author_id IS 'User who wrote the review';

COMMENT ON COLUMN data_playground.shop_review_votes.author_event_time IS 'event_time of the author, with which it is found';

COMMENT ON COLUMN data_playground.shop_review_votes.is_helpful IS 'Whether the review was found helpful';

COMMENT ON COLUMN data_playground.shop_review_votes.origin IS 'Who made the row: simulated, or the part of the program whose event it was';

COMMENT ON COLUMN data_playground.shop_review_votes.extra_data IS 'What is known beside the columns';

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.global_entities TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.global_entities', 'event_time', ARRAY['day', 'month'], ARRAY[interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.metrics_clocks TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.metrics_dirty TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.metrics_runs TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.parked_facts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.recorded_facts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.request_response_logs TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.request_response_logs', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.scenario_runs TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.users TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.users', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.world_runs TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.acted_worlds TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.held_back_facts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shops TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shops', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.user_metrics_daily TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.user_metrics_daily', 'event_time', ARRAY['day', 'month'], ARRAY[interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.user_metrics_hourly TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.user_metrics_hourly', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.user_payment_methods TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.user_payment_methods', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.world_parts TO entrepot_system;

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_metrics_daily TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_metrics_daily', 'event_time', ARRAY['day', 'month'], ARRAY[interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_metrics_hourly TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_metrics_hourly', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_orders TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_orders', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_products TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_products', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_promotions TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_promotions', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.global_events TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.global_events', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.invoices TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.invoices', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_inventory_logs TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_inventory_logs', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_order_items TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_order_items', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_order_payments TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_order_payments', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_product_metrics_daily TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_product_metrics_daily', 'event_time', ARRAY['day', 'month'], ARRAY[interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_product_metrics_hourly TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_product_metrics_hourly', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_promotion_usages TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_promotion_usages', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_reviews TO entrepot_system;

SELECT entrepot.maintain_partitions('data_playground.shop_reviews', 'event_time', 'month', 1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.invoice_payments TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.invoice_payments', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON data_playground.shop_review_votes TO entrepot_system;

SELECT entrepot.maintain_spans('data_playground.shop_review_votes', 'event_time', ARRAY['hour', 'day', 'month'], ARRAY[interval '86400 seconds', interval '604800 seconds']::interval[], -1, NULL);

-- What loading a world needs of the owner's rights in schema data_playground: tables to write parts to, placing them in
-- the warehouse, and taking a world out again. Table names come in as regclass, and only those of the schema pass.

CREATE OR REPLACE FUNCTION data_playground.stage_world(parent regclass, lower_bound timestamptz, upper_bound timestamptz)
RETURNS TABLE (name text, whole boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parent_name text;
BEGIN
    SELECT c.relname INTO parent_name FROM pg_class AS c
    WHERE c.oid = parent AND c.relkind = 'p' AND c.relnamespace = 'data_playground'::regnamespace;
    IF parent_name IS NULL THEN
        RAISE EXCEPTION '% is not a table of facts', parent USING ERRCODE = 'wrong_object_type';
    END IF;
    whole := false;
    IF to_regprocedure('entrepot.build_partition(regclass,timestamptz,timestamptz)') IS NOT NULL THEN
        name := entrepot.build_partition(parent, lower_bound, upper_bound);
        whole := name IS NOT NULL;
    END IF;
    IF NOT whole THEN
        name := format('data_playground.%I', parent_name || '_beside_' || to_char(lower_bound, 'YYYY_MM'));
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE)', name, parent);
    END IF;
    EXECUTE format('GRANT SELECT, INSERT, MAINTAIN ON %s TO entrepot_system', name);
    RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION data_playground.stage_world(regclass, timestamptz, timestamptz) IS
    'Makes a table to write the facts of a range to: a partition to be (whole), or one beside a range that has rows.';
GRANT EXECUTE ON FUNCTION data_playground.stage_world(regclass, timestamptz, timestamptz) TO entrepot_system;

CREATE OR REPLACE FUNCTION data_playground.place_world(
    parent regclass, staged text, whole boolean, lower_bound timestamptz, upper_bound timestamptz
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    source regclass := to_regclass(staged);
    occupied boolean;
    column_list text;
BEGIN
    -- What is a partition already, or is gone, was placed by an attempt that ended after it.
    IF source IS NULL OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = source) THEN
        RETURN 'there';
    END IF;
    IF (SELECT relnamespace FROM pg_class WHERE oid = source) <> 'data_playground'::regnamespace THEN
        RAISE EXCEPTION '% is not a table of the warehouse', staged USING ERRCODE = 'wrong_object_type';
    END IF;
    IF whole THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE event_time >= %L AND event_time < %L)', parent, lower_bound, upper_bound)
            INTO occupied;
        IF NOT occupied THEN
            BEGIN
                PERFORM entrepot.attach_partition(parent, staged);
                RETURN 'attached';
            EXCEPTION WHEN check_violation OR object_in_use OR object_not_in_prerequisite_state THEN
                NULL;  -- a fact came into the range meanwhile: the rows go the ordinary way
            END;
        END IF;
    END IF;
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO column_list
    FROM pg_attribute WHERE attrelid = parent AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM %3$s ORDER BY event_time', parent, column_list, source);
    EXECUTE format('DROP TABLE %s', source);
    -- What refers to these rows is next, and its checks look for each one: by index, which only statistics tell.
    EXECUTE format('ANALYZE %s', parent);
    RETURN 'inserted';
END;
$$;
COMMENT ON FUNCTION data_playground.place_world(regclass, text, boolean, timestamptz, timestamptz) IS
    'Makes the rows of a staged table rows of the warehouse: attached as a partition, or inserted where the range has rows.';
GRANT EXECUTE ON FUNCTION data_playground.place_world(regclass, text, boolean, timestamptz, timestamptz) TO entrepot_system;

CREATE OR REPLACE FUNCTION data_playground.clear_world(staged text[]) RETURNS TABLE (table_name text, removed bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    facts jsonb := '[]';
    derived text;
    mixed boolean := false;
    fact record;
    reference record;
    reference_list jsonb;
    leaf record;
    real boolean;
    one text;
BEGIN
    FOREACH one IN ARRAY staged LOOP
        IF to_regclass(one) IS NOT NULL
            AND EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(one) AND relkind = 'r' AND relnamespace = 'data_playground'::regnamespace)
            AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(one)) THEN
            EXECUTE format('DROP TABLE %s', one);
        END IF;
    END LOOP;
    -- Facts say where they come from; what has no origin (the metrics) is made from facts and will be made again.
    FOR fact IN
        SELECT c.oid, format('data_playground.%I', c.relname) AS full_name, c.relname,
               EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'origin') AS has_origin
        FROM pg_class AS c WHERE c.relkind = 'p' AND c.relnamespace = 'data_playground'::regnamespace ORDER BY c.relname
    LOOP
        IF fact.has_origin THEN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', fact.full_name);
            EXECUTE format('SELECT count(*) FROM %s WHERE origin = ''simulated''', fact.full_name) INTO removed;
            EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE origin NOT IN (''simulated'', ''warehouse''))', fact.full_name) INTO real;
            mixed := mixed OR real;
            facts := facts || jsonb_build_object('oid', fact.oid, 'full_name', fact.full_name);
            table_name := fact.relname;
            RETURN NEXT;
        ELSE
            derived := concat_ws(', ', derived, fact.full_name);
        END IF;
    END LOOP;
    -- What the warehouse told of its own rolls goes with the world where there is nothing else.
    IF NOT mixed THEN
        EXECUTE format('TRUNCATE %s', concat_ws(', ', derived,
            (SELECT string_agg(f ->> 'full_name', ', ') FROM jsonb_array_elements(facts) AS f)));
        RETURN;
    END IF;
    -- Real facts stay. Without the foreign keys, whose checks would look for every deleted row in every table; they are
    -- put back, and hold, in the same transaction.
    IF derived IS NOT NULL THEN
        EXECUTE format('TRUNCATE %s', derived);
    END IF;
    SELECT coalesce(jsonb_agg(jsonb_build_object('table', conrelid::regclass::text, 'name', conname, 'definition', pg_get_constraintdef(oid))), '[]')
    INTO reference_list
    FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND confrelid IN (SELECT (f ->> 'oid')::oid FROM jsonb_array_elements(facts) AS f);
    FOR reference IN SELECT * FROM jsonb_to_recordset(reference_list) AS r("table" text, name text, definition text) LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference."table", reference.name);
    END LOOP;
    FOR leaf IN
        SELECT format('data_playground.%I', c.relname) AS full_name
        FROM jsonb_array_elements(facts) AS f
        JOIN pg_inherits AS i ON i.inhparent = (f ->> 'oid')::oid
        JOIN pg_class AS c ON c.oid = i.inhrelid
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE origin <> ''simulated'')', leaf.full_name) INTO real;
        IF real THEN
            EXECUTE format('DELETE FROM %s WHERE origin = ''simulated''', leaf.full_name);
        ELSE
            EXECUTE format('TRUNCATE %s', leaf.full_name);
        END IF;
    END LOOP;
    FOR reference IN SELECT * FROM jsonb_to_recordset(reference_list) AS r("table" text, name text, definition text) LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', reference."table", reference.name, reference.definition);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION data_playground.clear_world(text[]) IS
    'Takes the simulated facts out of the warehouse, with the metrics made from them and what was staged; real facts stay.';
GRANT EXECUTE ON FUNCTION data_playground.clear_world(text[]) TO entrepot_system;

-- What marks the metrics dirty. A statement that writes facts appends the cells that it touched (an entity's hour) to
-- metrics_dirty; the next roll takes the marks and computes those cells again. Nothing is unique there, so writers never
-- wait for each other or for a roll.

-- Arguments: the columns that the metrics hang on, and the cells of a row r as a list of VALUES (kind, entity_id, time,
-- until). An update marks the cells that the row belonged to and those that it belongs to now, where one of the columns changed.
CREATE FUNCTION data_playground.mark_cells() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed text := CASE TG_OP
        WHEN 'INSERT' THEN format('SELECT %s FROM new_rows', TG_ARGV[0])
        WHEN 'DELETE' THEN format('SELECT %s FROM old_rows', TG_ARGV[0])
        ELSE format('(SELECT %1$s FROM old_rows EXCEPT ALL SELECT %1$s FROM new_rows) UNION ALL '
                    '(SELECT %1$s FROM new_rows EXCEPT ALL SELECT %1$s FROM old_rows)', TG_ARGV[0])
    END;
BEGIN
    EXECUTE format(
        'INSERT INTO data_playground.metrics_dirty (kind, entity_id, hour, until) '
        'SELECT DISTINCT m.kind, m.entity_id, date_bin(interval ''1 hour'', m.at_time, timestamptz ''2000-01-01 00:00:00+00''), m.until '
        'FROM (%s) AS r CROSS JOIN LATERAL (VALUES %s) AS m(kind, entity_id, at_time, until) WHERE m.entity_id IS NOT NULL',
        changed, TG_ARGV[1]);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION data_playground.mark_cells() IS 'Marks the cells of the metrics that changed facts belong to.';

CREATE FUNCTION data_playground.mark_range(from_time timestamptz, to_time timestamptz) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO data_playground.metrics_dirty (kind, hour, until)
    SELECT 'span', date_bin(interval '1 hour', from_time, timestamptz '2000-01-01 00:00:00+00'), to_time
    WHERE from_time < to_time
$$;
COMMENT ON FUNCTION data_playground.mark_range(timestamptz, timestamptz) IS
    'Marks all metrics from one moment to before another: for loaders that fill partitions directly, past the triggers.';
GRANT EXECUTE ON FUNCTION data_playground.mark_range(timestamptz, timestamptz) TO entrepot_system;

CREATE TRIGGER shop_orders_metrics_insert AFTER INSERT ON data_playground.shop_orders REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, total_amount, discount_amount', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_orders_metrics_update AFTER UPDATE ON data_playground.shop_orders REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, total_amount, discount_amount', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_orders_metrics_delete AFTER DELETE ON data_playground.shop_orders REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, total_amount, discount_amount', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_order_items_metrics_insert AFTER INSERT ON data_playground.shop_order_items REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, product_id, quantity, subtotal, discount_amount, total_amount', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz), (''product'', r.product_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_order_items_metrics_update AFTER UPDATE ON data_playground.shop_order_items REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, product_id, quantity, subtotal, discount_amount, total_amount', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz), (''product'', r.product_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_order_items_metrics_delete AFTER DELETE ON data_playground.shop_order_items REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, product_id, quantity, subtotal, discount_amount, total_amount', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz), (''product'', r.product_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER global_events_metrics_insert AFTER INSERT ON data_playground.global_events REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('event_id, event_time, event_type, user_id, shop_id, product_id, quantity, amount, net_amount', '(''user'', CASE WHEN r.event_type IN (''order_cancelled'', ''payment_completed'', ''payment_failed'', ''payment_refunded'', ''cart_abandoned'') THEN r.user_id END, r.event_time, NULL::timestamptz), (''shop'', CASE WHEN r.event_type IN (''order_cancelled'', ''payment_refunded'') THEN r.shop_id END, r.event_time, NULL::timestamptz), (''product'', CASE WHEN r.event_type IN (''payment_refunded'', ''cart_item_added'', ''cart_item_removed'', ''product_viewed'') THEN r.product_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER global_events_metrics_update AFTER UPDATE ON data_playground.global_events REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('event_id, event_time, event_type, user_id, shop_id, product_id, quantity, amount, net_amount', '(''user'', CASE WHEN r.event_type IN (''order_cancelled'', ''payment_completed'', ''payment_failed'', ''payment_refunded'', ''cart_abandoned'') THEN r.user_id END, r.event_time, NULL::timestamptz), (''shop'', CASE WHEN r.event_type IN (''order_cancelled'', ''payment_refunded'') THEN r.shop_id END, r.event_time, NULL::timestamptz), (''product'', CASE WHEN r.event_type IN (''payment_refunded'', ''cart_item_added'', ''cart_item_removed'', ''product_viewed'') THEN r.product_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER global_events_metrics_delete AFTER DELETE ON data_playground.global_events REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('event_id, event_time, event_type, user_id, shop_id, product_id, quantity, amount, net_amount', '(''user'', CASE WHEN r.event_type IN (''order_cancelled'', ''payment_completed'', ''payment_failed'', ''payment_refunded'', ''cart_abandoned'') THEN r.user_id END, r.event_time, NULL::timestamptz), (''shop'', CASE WHEN r.event_type IN (''order_cancelled'', ''payment_refunded'') THEN r.shop_id END, r.event_time, NULL::timestamptz), (''product'', CASE WHEN r.event_type IN (''payment_refunded'', ''cart_item_added'', ''cart_item_removed'', ''product_viewed'') THEN r.product_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_promotion_usages_metrics_insert AFTER INSERT ON data_playground.shop_promotion_usages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_promotion_usages_metrics_update AFTER UPDATE ON data_playground.shop_promotion_usages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_promotion_usages_metrics_delete AFTER DELETE ON data_playground.shop_promotion_usages REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id', '(''user'', r.user_id, r.event_time, NULL::timestamptz), (''shop'', r.shop_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_reviews_metrics_insert AFTER INSERT ON data_playground.shop_reviews REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, product_id, status, rating', '(''user'', CASE WHEN r.status = ''approved'' THEN r.user_id END, r.event_time, NULL::timestamptz), (''shop'', CASE WHEN r.status = ''approved'' THEN r.shop_id END, r.event_time, NULL::timestamptz), (''product'', CASE WHEN r.status = ''approved'' THEN r.product_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_reviews_metrics_update AFTER UPDATE ON data_playground.shop_reviews REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, product_id, status, rating', '(''user'', CASE WHEN r.status = ''approved'' THEN r.user_id END, r.event_time, NULL::timestamptz), (''shop'', CASE WHEN r.status = ''approved'' THEN r.shop_id END, r.event_time, NULL::timestamptz), (''product'', CASE WHEN r.status = ''approved'' THEN r.product_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_reviews_metrics_delete AFTER DELETE ON data_playground.shop_reviews REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, user_id, shop_id, product_id, status, rating', '(''user'', CASE WHEN r.status = ''approved'' THEN r.user_id END, r.event_time, NULL::timestamptz), (''shop'', CASE WHEN r.status = ''approved'' THEN r.shop_id END, r.event_time, NULL::timestamptz), (''product'', CASE WHEN r.status = ''approved'' THEN r.product_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_review_votes_metrics_insert AFTER INSERT ON data_playground.shop_review_votes REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, author_id, is_helpful', '(''user'', CASE WHEN r.is_helpful THEN r.author_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_review_votes_metrics_update AFTER UPDATE ON data_playground.shop_review_votes REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, author_id, is_helpful', '(''user'', CASE WHEN r.is_helpful THEN r.author_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_review_votes_metrics_delete AFTER DELETE ON data_playground.shop_review_votes REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, author_id, is_helpful', '(''user'', CASE WHEN r.is_helpful THEN r.author_id END, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_inventory_logs_metrics_insert AFTER INSERT ON data_playground.shop_inventory_logs REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, shop_id, product_id, change_type, quantity_after', '(''shop'', r.shop_id, r.event_time, NULL::timestamptz), (''product'', r.product_id, r.event_time, NULL::timestamptz), (''stock'', r.product_id, r.event_time, NULL::timestamptz), (''shop_stock'', r.product_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_inventory_logs_metrics_update AFTER UPDATE ON data_playground.shop_inventory_logs REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, shop_id, product_id, change_type, quantity_after', '(''shop'', r.shop_id, r.event_time, NULL::timestamptz), (''product'', r.product_id, r.event_time, NULL::timestamptz), (''stock'', r.product_id, r.event_time, NULL::timestamptz), (''shop_stock'', r.product_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_inventory_logs_metrics_delete AFTER DELETE ON data_playground.shop_inventory_logs REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, shop_id, product_id, change_type, quantity_after', '(''shop'', r.shop_id, r.event_time, NULL::timestamptz), (''product'', r.product_id, r.event_time, NULL::timestamptz), (''stock'', r.product_id, r.event_time, NULL::timestamptz), (''shop_stock'', r.product_id, r.event_time, NULL::timestamptz)');

CREATE TRIGGER shop_promotions_metrics_insert AFTER INSERT ON data_playground.shop_promotions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, shop_id, valid_from, valid_until, status', '(''promotion'', CASE WHEN r.status NOT IN (''draft'', ''cancelled'') THEN r.shop_id END, r.valid_from, r.valid_until::timestamptz)');

CREATE TRIGGER shop_promotions_metrics_update AFTER UPDATE ON data_playground.shop_promotions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, shop_id, valid_from, valid_until, status', '(''promotion'', CASE WHEN r.status NOT IN (''draft'', ''cancelled'') THEN r.shop_id END, r.valid_from, r.valid_until::timestamptz)');

CREATE TRIGGER shop_promotions_metrics_delete AFTER DELETE ON data_playground.shop_promotions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, shop_id, valid_from, valid_until, status', '(''promotion'', CASE WHEN r.status NOT IN (''draft'', ''cancelled'') THEN r.shop_id END, r.valid_from, r.valid_until::timestamptz)');

CREATE TRIGGER shop_products_metrics_update AFTER UPDATE ON data_playground.shop_products REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION data_playground.mark_cells('id, event_time, shop_id, cost_price, low_stock_threshold, origin', '(''stock'', r.id, r.event_time, ''infinity''::timestamptz), (''shop_stock'', r.id, r.event_time, ''infinity''::timestamptz)');
