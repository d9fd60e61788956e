-- The counters of the limits engine. Each function takes, holds, settles or gives back in one statement of the caller:
-- one round trip, one transaction. They run with the caller's rights, so row security holds; each sets the platform for
-- its transaction, which the caller could do as well.
--
-- How no interleaving exceeds a limit: whatever is taken is taken by one UPDATE whose condition holds the limit.
-- PostgreSQL evaluates that condition again on the newest version of the row when it had to wait for it.
-- How nothing deadlocks: a counter is locked before the holds on it, and several counters in the order of key and entity.

-- The calendar's window around a moment. A unit of a day or more begins with the first moment of its first local day:
-- where midnight comes twice, the first; where the clock jumps over it, the moment after the jump.
CREATE FUNCTION marketplace.limit_window(
    the_time timestamptz, the_unit text, the_span bigint, the_zone text, OUT starts timestamptz, OUT ends timestamptz
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    local timestamp;
    step interval;
BEGIN
    IF the_unit IS NULL THEN
        step := the_span * interval '1 microsecond';
        starts := date_bin(step, the_time, 'epoch');
        ends := starts + step;
    ELSIF the_unit = 'hour' THEN
        starts := date_trunc('hour', the_time, the_zone);
        ends := starts + interval '1 hour';
    ELSE
        step := CASE the_unit WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days'
                              WHEN 'month' THEN interval '1 month' WHEN 'year' THEN interval '1 year' END;
        local := date_trunc(the_unit, the_time AT TIME ZONE the_zone);
        starts := local AT TIME ZONE the_zone;
        IF (starts - interval '1 hour') AT TIME ZONE the_zone = local THEN
            starts := starts - interval '1 hour';
        END IF;
        local := local + step;
        ends := local AT TIME ZONE the_zone;
        IF (ends - interval '1 hour') AT TIME ZONE the_zone = local THEN
            ends := ends - interval '1 hour';
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_window(timestamptz, text, bigint, text) IS
    'The fixed window around a moment: a unit of the calendar in a time zone, or a span in microseconds counted from 1970.';

-- Slices of a sliding window as they stand `moved` slices later: the oldest leave, empty ones come.
CREATE FUNCTION marketplace.limit_slid(the_slices bigint[], moved bigint) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size integer := cardinality(the_slices);
BEGIN
    IF moved <= 0 THEN
        RETURN the_slices;
    ELSIF moved >= size THEN
        RETURN array_fill(0::bigint, ARRAY[size]);
    END IF;
    RETURN the_slices[moved + 1 : size] || array_fill(0::bigint, ARRAY[moved::integer]);
END $$;
COMMENT ON FUNCTION marketplace.limit_slid(bigint[], bigint) IS 'The slices of a sliding window, moved on.';

-- Gives back to a counter that the caller has locked: units, the time that tokens are worth, and of which slices they were.
CREATE FUNCTION marketplace.limit_return(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_units bigint, the_worth interval,
    of_slices bigint[], of_units bigint[], the_next_expiry timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counter marketplace.hm_limit_counter;
    size integer;
    place bigint;
    units bigint;
BEGIN
    SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity
    FOR UPDATE;
    IF counter.algorithm = 'SLIDING_WINDOW' THEN
        size := cardinality(counter.slices);
        FOR number IN 1 .. coalesce(cardinality(of_slices), 0) LOOP
            place := size - (counter.slice - of_slices[number]);
            IF place BETWEEN 1 AND size THEN
                units := least(of_units[number], counter.slices[place]);
                counter.slices[place] := counter.slices[place] - units;
                counter.current_usage := counter.current_usage - units;
            END IF;
        END LOOP;
    ELSE
        counter.current_usage := greatest(counter.current_usage - the_units, 0);
        IF counter.algorithm = 'TOKEN_BUCKET' THEN
            counter.reset_time := counter.reset_time - the_worth;
        END IF;
    END IF;
    UPDATE marketplace.hm_limit_counter AS c
    SET current_usage = counter.current_usage, slices = counter.slices, reset_time = counter.reset_time,
        next_expiry = the_next_expiry
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity;
END $$;
COMMENT ON FUNCTION marketplace.limit_return(uuid, text, timestamptz, text, bigint, interval, bigint[], bigint[], timestamptz) IS
    'Gives back to a counter that the caller has locked.';

-- Gives back what has expired of the holds on one counter; returns how many holds that were.
CREATE FUNCTION marketplace.limit_reclaim(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_time timestamptz
) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    locked boolean;
    expired record;
BEGIN
    PERFORM FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity
    FOR UPDATE;
    locked := FOUND;
    WITH gone AS (
        UPDATE marketplace.hm_limit_reservation AS r
        SET state = 'EXPIRED', settled_at = the_time, settled_amount = 0
        WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = the_window
          AND r.entity_id = the_entity AND r.state = 'HELD' AND r.expires_at <= the_time
        RETURNING r.amount, r.slice, r.worth_until
    )
    SELECT count(*) AS many, coalesce(sum(g.amount), 0)::bigint AS units,
           coalesce(sum(greatest(g.worth_until - the_time, interval '0')), interval '0') AS worth,
           array_agg(g.slice) AS slices, array_agg(g.amount) AS amounts
    INTO expired FROM gone AS g;
    IF locked THEN
        PERFORM marketplace.limit_return(the_platform, the_key, the_window, the_entity, expired.units, expired.worth,
            expired.slices, expired.amounts,
            (SELECT min(r.expires_at) FROM marketplace.hm_limit_reservation AS r
             WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = the_window
               AND r.entity_id = the_entity AND r.state = 'HELD'));
    END IF;
    RETURN expired.many;
END $$;
COMMENT ON FUNCTION marketplace.limit_reclaim(uuid, text, timestamptz, text, timestamptz) IS
    'Gives back what has expired of the holds on one counter.';

-- What an id was used for before: null where it is new.
CREATE FUNCTION marketplace.limit_repeated(
    the_platform uuid, the_id uuid, the_kind text, the_key text, the_entity text, the_amount bigint,
    OUT outcome text, OUT expires_at timestamptz
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT CASE WHEN (r.kind, r.limit_key, r.entity_id, r.amount) IS DISTINCT FROM (the_kind, the_key, the_entity, the_amount)
                THEN 'OTHER' WHEN r.state IN ('RELEASED', 'EXPIRED') THEN r.state ELSE 'REPEATED' END, r.expires_at
    INTO outcome, expires_at
    FROM marketplace.hm_limit_reservation AS r WHERE r.platform_id = the_platform AND r.id = the_id;
END $$;
COMMENT ON FUNCTION marketplace.limit_repeated(uuid, uuid, text, text, text, bigint) IS
    'Whether an id has been used: REPEATED for the same request (RELEASED, EXPIRED where that is over), OTHER for another, null for none.';

-- Writes what is held under an id. Two requests with one id at the same moment: the later one begins anew and finds it.
CREATE FUNCTION marketplace.limit_hold(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_id uuid, the_kind text,
    the_amount bigint, the_time timestamptz, expiring timestamptz, of_slice bigint, worth timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO marketplace.hm_limit_reservation (platform_id, id, limit_key, window_start, entity_id, kind, state, amount,
        taken_at, expires_at, slice, worth_until, settled_at, settled_amount)
    VALUES (the_platform, the_id, the_key, the_window, the_entity, the_kind,
        CASE the_kind WHEN 'REQUEST' THEN 'COMMITTED' ELSE 'HELD' END, the_amount, the_time, expiring, of_slice, worth,
        CASE the_kind WHEN 'REQUEST' THEN the_time END, CASE the_kind WHEN 'REQUEST' THEN the_amount END)
    ON CONFLICT (platform_id, id) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the id % is being used by another request', the_id USING ERRCODE = 'serialization_failure';
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_hold(uuid, text, timestamptz, text, uuid, text, bigint, timestamptz, timestamptz, bigint, timestamptz) IS
    'Writes what is held under an id.';

-- A key that counted in another way before: its counter begins anew with what is held at this moment. A sliding window of
-- another length keeps all that it counted, as if it were of this slice.
CREATE FUNCTION marketplace.limit_adopt(
    the_platform uuid, the_key text, the_window timestamptz, the_entity text, the_algorithm text, the_slice bigint,
    the_width interval, the_time timestamptz
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counter marketplace.hm_limit_counter;
    kept bigint;
BEGIN
    SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window AND c.entity_id = the_entity
    FOR UPDATE;
    IF counter.algorithm <> the_algorithm THEN
        SELECT coalesce(sum(r.amount), 0) INTO kept FROM marketplace.hm_limit_reservation AS r
        WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = the_window
          AND r.entity_id = the_entity AND r.state = 'HELD';
    ELSIF counter.reset_time <> the_window + (counter.slice + 21) * the_width THEN
        kept := counter.current_usage;
    ELSE
        RETURN;  -- somebody else has done it
    END IF;
    UPDATE marketplace.hm_limit_counter AS c
    SET algorithm = the_algorithm, current_usage = kept, slice = the_slice,
        slices = CASE WHEN the_slice IS NOT NULL THEN array_fill(0::bigint, ARRAY[20]) || kept END,
        reset_time = coalesce(the_window + (the_slice + 21) * the_width, the_time)
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = the_window
      AND c.entity_id = the_entity;
END $$;
COMMENT ON FUNCTION marketplace.limit_adopt(uuid, text, timestamptz, text, text, bigint, interval, timestamptz) IS
    'Begins a counter anew whose key counted in another way before.';

-- FIXED_WINDOW, TOTAL and CONCURRENT: one number that may not pass the limit.
CREATE FUNCTION marketplace.limit_count(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, the_limit bigint, the_algorithm text,
    the_unit text, the_span bigint, the_zone text, the_kind text, the_id uuid, the_lifetime bigint, the_time timestamptz,
    OUT outcome text, OUT used bigint, OUT taken_at timestamptz, OUT resets_at timestamptz, OUT retry_at timestamptz,
    OUT expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts timestamptz := 'epoch';
    counter marketplace.hm_limit_counter;
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    taken_at := coalesce(the_time, clock_timestamp());
    IF the_algorithm = 'FIXED_WINDOW' THEN
        SELECT w.starts, w.ends INTO starts, resets_at
        FROM marketplace.limit_window(taken_at, the_unit, the_span, the_zone) AS w;
    END IF;
    IF the_id IS NOT NULL THEN
        expires_at := taken_at + the_lifetime * interval '1 microsecond';
    END IF;
    LOOP
        IF the_id IS NOT NULL THEN
            SELECT r.outcome, coalesce(r.expires_at, limit_count.expires_at) INTO outcome, expires_at
            FROM marketplace.limit_repeated(the_platform, the_id, the_kind, the_key, the_entity, the_amount) AS r;
            IF outcome IS NOT NULL THEN
                SELECT c.current_usage INTO used FROM marketplace.hm_limit_counter AS c
                WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
                used := coalesce(used, 0);
                RETURN;
            END IF;
        END IF;
        UPDATE marketplace.hm_limit_counter AS c
        SET current_usage = c.current_usage + the_amount, limit_value = the_limit,
            next_expiry = least(c.next_expiry, limit_count.expires_at)
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
          AND c.current_usage + the_amount <= the_limit AND (c.next_expiry > limit_count.taken_at) IS NOT FALSE
          AND c.algorithm = the_algorithm
        RETURNING c.current_usage INTO used;
        EXIT WHEN FOUND;
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
        IF NOT FOUND THEN
            IF the_amount > the_limit THEN
                outcome := 'DENIED';
                used := 0;
                expires_at := NULL;
                RETURN;
            END IF;
            INSERT INTO marketplace.hm_limit_counter AS c (platform_id, limit_key, window_start, entity_id, algorithm,
                current_usage, limit_value, reset_time, next_expiry)
            VALUES (the_platform, the_key, starts, the_entity, the_algorithm, the_amount, the_limit, resets_at,
                limit_count.expires_at)
            ON CONFLICT (platform_id, limit_key, window_start, entity_id) DO NOTHING
            RETURNING c.current_usage INTO used;
            EXIT WHEN FOUND;
        ELSIF counter.algorithm <> the_algorithm THEN
            PERFORM marketplace.limit_adopt(the_platform, the_key, starts, the_entity, the_algorithm, NULL, NULL, NULL);
        ELSIF counter.next_expiry <= taken_at THEN
            PERFORM marketplace.limit_reclaim(the_platform, the_key, starts, the_entity, taken_at);
        ELSIF counter.current_usage + the_amount > the_limit THEN
            outcome := 'DENIED';
            used := counter.current_usage;
            expires_at := NULL;
            IF the_amount <= the_limit THEN
                retry_at := resets_at;
                IF the_algorithm = 'CONCURRENT' THEN
                    SELECT min(r.expires_at) INTO retry_at FROM marketplace.hm_limit_reservation AS r
                    WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = starts
                      AND r.entity_id = the_entity AND r.state = 'HELD';
                END IF;
            END IF;
            RETURN;
        END IF;
        -- Something changed between the statements, or has been put right: once more.
    END LOOP;
    IF the_id IS NOT NULL THEN
        PERFORM marketplace.limit_hold(the_platform, the_key, starts, the_entity, the_id, the_kind, the_amount, taken_at,
            expires_at, NULL, NULL);
    END IF;
    outcome := 'ALLOWED';
END $$;
COMMENT ON FUNCTION marketplace.limit_count(uuid, text, text, bigint, bigint, text, text, bigint, text, text, uuid, bigint, timestamptz) IS
    'Takes from a FIXED_WINDOW, TOTAL or CONCURRENT limit.';

-- SLIDING_WINDOW: 20 slices of the window and the one that is running. All 21 together may not pass the limit, and any
-- stretch of time as long as the window lies within 21 slices; so no such stretch ever holds more than the limit.
-- A slice has passed by number: the first to come in a new one moves the others, if nobody did so before it.
CREATE FUNCTION marketplace.limit_slide(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, the_limit bigint, the_span bigint,
    the_kind text, the_id uuid, the_lifetime bigint, the_time timestamptz,
    OUT outcome text, OUT used bigint, OUT taken_at timestamptz, OUT resets_at timestamptz, OUT retry_at timestamptz,
    OUT expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts CONSTANT timestamptz := 'epoch';
    width CONSTANT interval := (the_span / 20) * interval '1 microsecond';
    number bigint := 0;
    counter marketplace.hm_limit_counter;
    shifted bigint[];
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    LOOP
        taken_at := coalesce(the_time, clock_timestamp());
        number := greatest(div(extract(epoch FROM taken_at) * 1000000, the_span / 20), number);
        resets_at := starts + (number + 21) * width;
        IF the_id IS NOT NULL THEN
            SELECT r.outcome, coalesce(r.expires_at, limit_slide.taken_at + the_lifetime * interval '1 microsecond')
            INTO outcome, expires_at
            FROM marketplace.limit_repeated(the_platform, the_id, the_kind, the_key, the_entity, the_amount) AS r;
        END IF;
        IF outcome IS NULL THEN
            UPDATE marketplace.hm_limit_counter AS c
            SET current_usage = c.current_usage + the_amount, slices[21] = c.slices[21] + the_amount, limit_value = the_limit,
                next_expiry = least(c.next_expiry, limit_slide.expires_at)
            WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
              AND c.slice = number AND c.reset_time = resets_at AND c.current_usage + the_amount <= the_limit
              AND (c.next_expiry > limit_slide.taken_at) IS NOT FALSE AND c.algorithm = 'SLIDING_WINDOW'
            RETURNING c.current_usage INTO used;
            EXIT WHEN FOUND;
        END IF;
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
        IF NOT FOUND THEN
            used := 0;
            IF outcome IS NOT NULL THEN
                RETURN;
            ELSIF the_amount > the_limit THEN
                outcome := 'DENIED';
                expires_at := NULL;
                RETURN;
            END IF;
            INSERT INTO marketplace.hm_limit_counter AS c (platform_id, limit_key, window_start, entity_id, algorithm,
                current_usage, limit_value, slice, slices, reset_time, next_expiry)
            VALUES (the_platform, the_key, starts, the_entity, 'SLIDING_WINDOW', the_amount, the_limit, number,
                array_fill(0::bigint, ARRAY[20]) || the_amount, resets_at, limit_slide.expires_at)
            ON CONFLICT (platform_id, limit_key, window_start, entity_id) DO NOTHING
            RETURNING c.current_usage INTO used;
            EXIT WHEN FOUND;
        ELSIF counter.algorithm <> 'SLIDING_WINDOW' OR counter.reset_time <> starts + (counter.slice + 21) * width THEN
            PERFORM marketplace.limit_adopt(the_platform, the_key, starts, the_entity, 'SLIDING_WINDOW', number, width, NULL);
        ELSIF outcome IS NULL AND counter.next_expiry <= taken_at THEN
            PERFORM marketplace.limit_reclaim(the_platform, the_key, starts, the_entity, taken_at);
        ELSE
            number := greatest(number, counter.slice);
            resets_at := starts + (number + 21) * width;
            shifted := marketplace.limit_slid(counter.slices, number - counter.slice);
            SELECT sum(s) INTO used FROM unnest(shifted) AS s;
            IF outcome IS NOT NULL THEN
                RETURN;
            ELSIF used + the_amount > the_limit THEN
                outcome := 'DENIED';
                expires_at := NULL;
                IF the_amount <= the_limit THEN
                    SELECT starts + (number + min(s.place)) * width INTO retry_at
                    FROM (SELECT w.place, sum(w.units) OVER (ORDER BY w.place) AS units
                          FROM unnest(shifted) WITH ORDINALITY AS w (units, place)) AS s
                    WHERE used - s.units + the_amount <= the_limit;
                END IF;
                RETURN;
            ELSIF number > counter.slice THEN
                used := used + the_amount;
                shifted[21] := the_amount;
                UPDATE marketplace.hm_limit_counter AS c
                SET current_usage = used, slices = shifted, slice = number, limit_value = the_limit, reset_time = resets_at,
                    next_expiry = least(c.next_expiry, limit_slide.expires_at)
                WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
                  AND c.slice = counter.slice AND c.slices = counter.slices AND c.algorithm = 'SLIDING_WINDOW'
                  AND c.next_expiry IS NOT DISTINCT FROM counter.next_expiry;
                EXIT WHEN FOUND;
            END IF;
        END IF;
        -- Something changed between the statements, or has been put right: once more.
    END LOOP;
    outcome := 'ALLOWED';
    IF the_id IS NOT NULL THEN
        PERFORM marketplace.limit_hold(the_platform, the_key, starts, the_entity, the_id, the_kind, the_amount, taken_at,
            expires_at, number, taken_at + 21 * width);
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_slide(uuid, text, text, bigint, bigint, bigint, text, uuid, bigint, timestamptz) IS
    'Takes from a SLIDING_WINDOW limit.';

-- TOKEN_BUCKET, as the generic cell rate algorithm: `reset_time` is when the bucket would be full again. A unit moves it on
-- by the time in which one token flows in, and it may not be further off than a whole bucket. Where the limit is not
-- enforced, which is what 2^62 stands for, it is moved as far as that and no further: nobody pays for it afterwards.
CREATE FUNCTION marketplace.limit_meter(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, the_limit bigint, the_emission bigint,
    the_capacity bigint, the_kind text, the_id uuid, the_lifetime bigint, the_time timestamptz,
    OUT outcome text, OUT used bigint, OUT taken_at timestamptz, OUT resets_at timestamptz, OUT retry_at timestamptz,
    OUT expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts CONSTANT timestamptz := 'epoch';
    -- More than a whole bucket is never there, however much more it is.
    cost CONSTANT interval := (least(the_amount, the_capacity + 1) * the_emission) * interval '1 microsecond';
    tolerance CONSTANT interval := (the_capacity * the_emission) * interval '1 microsecond';
    enforced CONSTANT boolean := the_limit < 4611686018427387904;
    moved interval;
    counter marketplace.hm_limit_counter;
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    LOOP
        taken_at := coalesce(the_time, clock_timestamp());
        IF the_id IS NOT NULL THEN
            SELECT r.outcome, coalesce(r.expires_at, limit_meter.taken_at + the_lifetime * interval '1 microsecond')
            INTO outcome, expires_at
            FROM marketplace.limit_repeated(the_platform, the_id, the_kind, the_key, the_entity, the_amount) AS r;
        END IF;
        IF outcome IS NULL THEN
            UPDATE marketplace.hm_limit_counter AS c
            SET reset_time = least(greatest(c.reset_time, limit_meter.taken_at) + cost,
                                   greatest(c.reset_time, limit_meter.taken_at + tolerance)),
                current_usage = c.current_usage + the_amount,
                limit_value = the_limit, next_expiry = least(c.next_expiry, limit_meter.expires_at)
            WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity
              AND (greatest(c.reset_time, limit_meter.taken_at) + cost <= limit_meter.taken_at + tolerance OR NOT enforced)
              AND (c.next_expiry > limit_meter.taken_at) IS NOT FALSE AND c.algorithm = 'TOKEN_BUCKET'
            RETURNING new.reset_time, new.reset_time - greatest(old.reset_time, limit_meter.taken_at) INTO resets_at, moved;
            EXIT WHEN FOUND;
        END IF;
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
        IF outcome IS NOT NULL THEN
            resets_at := counter.reset_time;
            RETURN;
        ELSIF counter.limit_key IS NULL THEN
            IF enforced AND cost > tolerance THEN
                outcome := 'DENIED';
                expires_at := NULL;
                RETURN;
            END IF;
            INSERT INTO marketplace.hm_limit_counter AS c (platform_id, limit_key, window_start, entity_id, algorithm,
                current_usage, limit_value, reset_time, next_expiry)
            VALUES (the_platform, the_key, starts, the_entity, 'TOKEN_BUCKET', the_amount, the_limit,
                taken_at + least(cost, tolerance), limit_meter.expires_at)
            ON CONFLICT (platform_id, limit_key, window_start, entity_id) DO NOTHING
            RETURNING c.reset_time, c.reset_time - limit_meter.taken_at INTO resets_at, moved;
            EXIT WHEN FOUND;
        ELSIF counter.algorithm <> 'TOKEN_BUCKET' THEN
            PERFORM marketplace.limit_adopt(the_platform, the_key, starts, the_entity, 'TOKEN_BUCKET', NULL, NULL, taken_at);
        ELSIF counter.next_expiry <= taken_at THEN
            PERFORM marketplace.limit_reclaim(the_platform, the_key, starts, the_entity, taken_at);
        ELSIF enforced AND greatest(counter.reset_time, taken_at) + cost > taken_at + tolerance THEN
            outcome := 'DENIED';
            expires_at := NULL;
            resets_at := counter.reset_time;
            IF cost <= tolerance THEN
                retry_at := greatest(counter.reset_time, taken_at) + cost - tolerance;
            END IF;
            RETURN;
        END IF;
        -- Something changed between the statements, or has been put right: once more.
    END LOOP;
    outcome := 'ALLOWED';
    IF the_id IS NOT NULL THEN
        PERFORM marketplace.limit_hold(the_platform, the_key, starts, the_entity, the_id, the_kind, the_amount, taken_at,
            expires_at, NULL, taken_at + moved);
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_meter(uuid, text, text, bigint, bigint, bigint, bigint, text, uuid, bigint, timestamptz) IS
    'Takes from a TOKEN_BUCKET limit.';

-- Commits, releases or renews what is held under an id. Each can be said again: the second time changes nothing.
-- A commit of less than was held gives back the rest. What has expired has been given back, and cannot be committed.
CREATE FUNCTION marketplace.limit_settle(
    the_platform uuid, the_id uuid, the_kind text, the_action text, the_amount bigint, the_lifetime bigint,
    the_time timestamptz,
    OUT outcome text, OUT limit_key text, OUT entity_id text, OUT state text, OUT amount bigint, OUT settled_amount bigint,
    OUT expires_at timestamptz, OUT settled_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hold marketplace.hm_limit_reservation;
    counter marketplace.hm_limit_counter;
    moment timestamptz;
    kept bigint;
    target text := CASE the_action WHEN 'COMMIT' THEN 'COMMITTED' WHEN 'RELEASE' THEN 'RELEASED' END;
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    SELECT * INTO hold FROM marketplace.hm_limit_reservation AS r
    WHERE r.platform_id = the_platform AND r.id = the_id AND r.kind = the_kind;
    IF NOT FOUND THEN
        outcome := 'UNKNOWN';
        RETURN;
    END IF;
    SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = hold.limit_key AND c.window_start = hold.window_start
      AND c.entity_id = hold.entity_id
    FOR UPDATE;
    moment := coalesce(the_time, clock_timestamp());
    IF counter.next_expiry <= moment THEN
        PERFORM marketplace.limit_reclaim(the_platform, hold.limit_key, hold.window_start, hold.entity_id, moment);
        SELECT * INTO counter FROM marketplace.hm_limit_counter AS c
        WHERE c.platform_id = the_platform AND c.limit_key = hold.limit_key AND c.window_start = hold.window_start
          AND c.entity_id = hold.entity_id;
    END IF;
    -- With the counter locked nobody else settles this hold; whoever did so before is seen now.
    SELECT * INTO hold FROM marketplace.hm_limit_reservation AS r WHERE r.platform_id = the_platform AND r.id = the_id;
    kept := CASE the_action WHEN 'COMMIT' THEN coalesce(the_amount, hold.amount) ELSE 0 END;
    IF kept > hold.amount THEN
        outcome := 'EXCESSIVE';
    ELSIF hold.state = 'HELD' AND the_action = 'RENEW' THEN
        UPDATE marketplace.hm_limit_reservation AS r SET expires_at = moment + the_lifetime * interval '1 microsecond'
        WHERE r.platform_id = the_platform AND r.id = the_id RETURNING r.* INTO hold;
        UPDATE marketplace.hm_limit_counter AS c SET next_expiry = least(c.next_expiry, hold.expires_at)
        WHERE c.platform_id = the_platform AND c.limit_key = hold.limit_key AND c.window_start = hold.window_start
          AND c.entity_id = hold.entity_id AND c.next_expiry > hold.expires_at;
        outcome := 'DONE';
    ELSIF hold.state = 'HELD' THEN
        UPDATE marketplace.hm_limit_reservation AS r SET state = target, settled_at = moment, settled_amount = kept
        WHERE r.platform_id = the_platform AND r.id = the_id;
        IF kept < hold.amount AND counter.limit_key IS NOT NULL THEN
            PERFORM marketplace.limit_return(the_platform, hold.limit_key, hold.window_start, hold.entity_id, hold.amount - kept,
                greatest((hold.worth_until - hold.taken_at) * ((hold.amount - kept)::float8 / hold.amount) - (moment - hold.taken_at),
                         interval '0'),
                ARRAY[hold.slice], ARRAY[hold.amount - kept], counter.next_expiry);
        END IF;
        hold.state := target;
        hold.settled_at := moment;
        hold.settled_amount := kept;
        outcome := 'DONE';
    ELSIF hold.state = target AND hold.settled_amount = kept OR hold.state = 'EXPIRED' AND the_action = 'RELEASE' THEN
        outcome := 'DONE';
    ELSE
        outcome := hold.state;
    END IF;
    limit_key := hold.limit_key;
    entity_id := hold.entity_id;
    state := hold.state;
    amount := hold.amount;
    settled_amount := hold.settled_amount;
    expires_at := hold.expires_at;
    settled_at := hold.settled_at;
END $$;
COMMENT ON FUNCTION marketplace.limit_settle(uuid, uuid, text, text, bigint, bigint, timestamptz) IS
    'Commits, releases or renews what is held under an id.';

-- Gives back to a TOTAL limit: a thing that counted is gone. Never more than is counted; returns what was given back.
CREATE FUNCTION marketplace.limit_give_back(
    the_platform uuid, the_key text, the_entity text, the_amount bigint, OUT given bigint, OUT used bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    UPDATE marketplace.hm_limit_counter AS c SET current_usage = greatest(c.current_usage - the_amount, 0)
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = 'epoch' AND c.entity_id = the_entity
      AND c.algorithm = 'TOTAL'
    RETURNING least(old.current_usage, the_amount), new.current_usage INTO given, used;
    given := coalesce(given, 0);
    used := coalesce(used, 0);
END $$;
COMMENT ON FUNCTION marketplace.limit_give_back(uuid, text, text, bigint) IS 'Gives back to a TOTAL limit.';

-- Several takings in one transaction, in the order of platform, key and entity whatever the order in which they were asked
-- for, so that two calls never wait for each other. Each is answered for itself.
CREATE FUNCTION marketplace.limit_take_each(the_requests json, the_time timestamptz) RETURNS TABLE (
    "position" integer, outcome text, used bigint, taken_at timestamptz, resets_at timestamptz, retry_at timestamptz,
    expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    request record;
BEGIN
    FOR request IN
        SELECT r.* FROM json_to_recordset(the_requests) AS r (
            "position" integer, platform uuid, key text, entity text, amount bigint, "limit" bigint, algorithm text, unit text,
            span bigint, zone text, emission bigint, capacity bigint, kind text, id uuid, lifetime bigint)
        ORDER BY r.platform, r.key COLLATE "C", r.entity COLLATE "C", r."position"
    LOOP
        "position" := request."position";
        IF request.algorithm = 'SLIDING_WINDOW' THEN
            SELECT * INTO outcome, used, taken_at, resets_at, retry_at, expires_at
            FROM marketplace.limit_slide(request.platform, request.key, request.entity, request.amount, request."limit",
                request.span, request.kind, request.id, request.lifetime, the_time);
        ELSIF request.algorithm = 'TOKEN_BUCKET' THEN
            SELECT * INTO outcome, used, taken_at, resets_at, retry_at, expires_at
            FROM marketplace.limit_meter(request.platform, request.key, request.entity, request.amount, request."limit",
                request.emission, request.capacity, request.kind, request.id, request.lifetime, the_time);
        ELSE
            SELECT * INTO outcome, used, taken_at, resets_at, retry_at, expires_at
            FROM marketplace.limit_count(request.platform, request.key, request.entity, request.amount, request."limit",
                request.algorithm, request.unit, request.span, request.zone, request.kind, request.id, request.lifetime,
                the_time);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION marketplace.limit_take_each(json, timestamptz) IS 'Takes from several limits, each for itself.';

-- The same, all or nothing: where one is denied, nothing is taken. The answers tell what each would have been.
CREATE FUNCTION marketplace.limit_take_together(the_requests json, the_time timestamptz) RETURNS TABLE (
    "position" integer, outcome text, used bigint, taken_at timestamptz, resets_at timestamptz, retry_at timestamptz,
    expires_at timestamptz
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer record;
    refused boolean := false;
BEGIN
    FOR answer IN SELECT * FROM marketplace.limit_take_each(the_requests, the_time) LOOP
        refused := refused OR answer.outcome NOT IN ('ALLOWED', 'REPEATED');
        "position" := answer."position";
        outcome := answer.outcome;
        used := answer.used;
        taken_at := answer.taken_at;
        resets_at := answer.resets_at;
        retry_at := answer.retry_at;
        expires_at := answer.expires_at;
        RETURN NEXT;
    END LOOP;
    IF refused THEN
        RAISE EXCEPTION 'together' USING ERRCODE = 'EL001';
    END IF;
EXCEPTION WHEN SQLSTATE 'EL001' THEN
    RETURN;  -- what was answered stays, what was taken does not
END $$;
COMMENT ON FUNCTION marketplace.limit_take_together(json, timestamptz) IS 'Takes from several limits, or from none.';

-- What a counter stands at, without taking: what the model needs to answer. Holds that have expired are counted apart.
CREATE FUNCTION marketplace.limit_state(
    the_platform uuid, the_key text, the_entity text, the_algorithm text, the_unit text, the_span bigint, the_zone text,
    the_time timestamptz,
    OUT "at" timestamptz, OUT window_end timestamptz, OUT algorithm text, OUT used bigint, OUT slice bigint,
    OUT slices bigint[], OUT reset_time timestamptz, OUT next_expiry timestamptz, OUT expired jsonb
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    starts timestamptz := 'epoch';
BEGIN
    PERFORM set_config('app.current_platform_id', the_platform::text, true);
    "at" := coalesce(the_time, clock_timestamp());
    IF the_algorithm = 'FIXED_WINDOW' THEN
        SELECT w.starts, w.ends INTO starts, window_end FROM marketplace.limit_window("at", the_unit, the_span, the_zone) AS w;
    END IF;
    SELECT c.algorithm, c.current_usage, c.slice, c.slices, c.reset_time, c.next_expiry
    INTO algorithm, used, slice, slices, reset_time, next_expiry
    FROM marketplace.hm_limit_counter AS c
    WHERE c.platform_id = the_platform AND c.limit_key = the_key AND c.window_start = starts AND c.entity_id = the_entity;
    IF next_expiry <= "at" THEN
        SELECT jsonb_agg(jsonb_build_object('amount', r.amount, 'slice', r.slice, 'worth',
                   extract(epoch FROM greatest(r.worth_until - limit_state."at", interval '0')) * 1000000))
        INTO expired
        FROM marketplace.hm_limit_reservation AS r
        WHERE r.platform_id = the_platform AND r.limit_key = the_key AND r.window_start = starts AND r.entity_id = the_entity
          AND r.state = 'HELD' AND r.expires_at <= limit_state."at";
    END IF;
END $$;
COMMENT ON FUNCTION marketplace.limit_state(uuid, text, text, text, text, bigint, text, timestamptz) IS
    'What a counter stands at, without taking.';

GRANT EXECUTE ON FUNCTION
    marketplace.limit_window(timestamptz, text, bigint, text),
    marketplace.limit_slid(bigint[], bigint),
    marketplace.limit_return(uuid, text, timestamptz, text, bigint, interval, bigint[], bigint[], timestamptz),
    marketplace.limit_reclaim(uuid, text, timestamptz, text, timestamptz),
    marketplace.limit_adopt(uuid, text, timestamptz, text, text, bigint, interval, timestamptz),
    marketplace.limit_repeated(uuid, uuid, text, text, text, bigint),
    marketplace.limit_hold(uuid, text, timestamptz, text, uuid, text, bigint, timestamptz, timestamptz, bigint, timestamptz),
    marketplace.limit_count(uuid, text, text, bigint, bigint, text, text, bigint, text, text, uuid, bigint, timestamptz),
    marketplace.limit_slide(uuid, text, text, bigint, bigint, bigint, text, uuid, bigint, timestamptz),
    marketplace.limit_meter(uuid, text, text, bigint, bigint, bigint, bigint, text, uuid, bigint, timestamptz),
    marketplace.limit_settle(uuid, uuid, text, text, bigint, bigint, timestamptz),
    marketplace.limit_give_back(uuid, text, text, bigint),
    marketplace.limit_take_each(json, timestamptz),
    marketplace.limit_take_together(json, timestamptz),
    marketplace.limit_state(uuid, text, text, text, text, bigint, text, timestamptz)
TO entrepot_app, entrepot_system;

-- Fixed windows of limits that name no zone begin by the platform's.
CREATE FUNCTION marketplace.limit_zone_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM marketplace.announce_rules('limit', NEW.id);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.limit_zone_changed() IS 'Tells the limits engines that a platform''s days begin elsewhere.';

CREATE TRIGGER hm_platform_limit_zone AFTER UPDATE OF time_zone ON marketplace.hm_platform FOR EACH ROW
WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone) EXECUTE FUNCTION marketplace.limit_zone_changed();
