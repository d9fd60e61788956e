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
