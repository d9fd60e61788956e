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
