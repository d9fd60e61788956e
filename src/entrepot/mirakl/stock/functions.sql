-- Stock of components. What a component has and what is reserved of it changes by its movements and by nothing else:
-- the insert of a movement moves the level in the same statement, and the checks on the level refuse one below zero.
--
-- How nothing deadlocks: the order is locked before components, and components in the order of their ids, here and in
-- the trigger. A transaction reserves, releases or consumes for one order.
-- How nothing happens twice: under these locks a function compares what the ledger holds for an order with what it
-- should hold and writes the difference, so that asking again writes nothing; the unique key is the second fence.

CREATE FUNCTION mirakl.apply_movements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kit text;
    expected bigint;
    found_rows bigint;
BEGIN
    PERFORM 1 FROM mirakl.components AS c
    WHERE (c.account_id, c.component_id) IN (SELECT m.account_id, m.component_id FROM moved AS m)
    ORDER BY c.account_id, c.component_id FOR NO KEY UPDATE;
    SELECT c.name INTO kit
    FROM moved AS m
    JOIN mirakl.component_parts AS p ON p.account_id = m.account_id AND p.component_id = m.component_id
    JOIN mirakl.components AS c ON c.account_id = m.account_id AND c.component_id = m.component_id
    LIMIT 1;
    IF kit IS NOT NULL THEN
        RAISE EXCEPTION '% is built from parts, so it has no stock of its own; move its parts', kit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_component_movements_kit';
    END IF;
    SELECT count(*) INTO expected FROM (SELECT DISTINCT m.account_id, m.component_id FROM moved AS m) AS d;
    UPDATE mirakl.components AS c
    SET on_hand = c.on_hand + m.on_hand, reserved = c.reserved + m.reserved
    FROM (SELECT account_id, component_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
          FROM moved GROUP BY account_id, component_id) AS m
    WHERE c.account_id = m.account_id AND c.component_id = m.component_id;
    GET DIAGNOSTICS found_rows = ROW_COUNT;
    IF found_rows <> expected THEN
        RAISE EXCEPTION 'a movement of a component that is not to be seen' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION mirakl.apply_movements() IS 'The level of a component follows its movements, in the statement that makes them.';
CREATE TRIGGER component_movements_apply AFTER INSERT ON mirakl.component_movements
REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION mirakl.apply_movements();

CREATE FUNCTION mirakl.guard_levels() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Within the trigger above the depth is 2.
    IF TG_OP = 'UPDATE' AND pg_trigger_depth() >= 2 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the stock of a component changes by its movements only'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_components_levels';
END $$;
COMMENT ON FUNCTION mirakl.guard_levels() IS 'Nobody writes the level of a component but the trigger of its movements.';
CREATE TRIGGER components_levels BEFORE UPDATE OF on_hand, reserved ON mirakl.components FOR EACH ROW
WHEN (OLD.on_hand IS DISTINCT FROM NEW.on_hand OR OLD.reserved IS DISTINCT FROM NEW.reserved)
EXECUTE FUNCTION mirakl.guard_levels();
CREATE TRIGGER components_first_levels BEFORE INSERT ON mirakl.components FOR EACH ROW
WHEN (NEW.on_hand <> 0 OR NEW.reserved <> 0) EXECUTE FUNCTION mirakl.guard_levels();

CREATE FUNCTION mirakl.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a movement is never changed; make another that undoes it' USING ERRCODE = 'check_violation';
END $$;
COMMENT ON FUNCTION mirakl.refuse_change() IS 'What was moved stays written.';
CREATE TRIGGER component_movements_kept BEFORE UPDATE ON mirakl.component_movements
FOR EACH STATEMENT EXECUTE FUNCTION mirakl.refuse_change();

CREATE FUNCTION mirakl.check_component_part() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    way text;
BEGIN
    -- One at a time in an account: two parts that close a circle between them must not be written past each other.
    PERFORM pg_advisory_xact_lock(hashtextextended('mirakl.component_parts:' || NEW.account_id, 0));
    WITH RECURSIVE below (component_id, names) AS (
        SELECT NEW.part_id, ARRAY[c.name::text] FROM mirakl.components AS c
        WHERE c.account_id = NEW.account_id AND c.component_id = NEW.part_id
        UNION ALL
        SELECT p.part_id, b.names || c.name::text
        FROM below AS b
        JOIN mirakl.component_parts AS p ON p.account_id = NEW.account_id AND p.component_id = b.component_id
             AND p.id <> NEW.id
        JOIN mirakl.components AS c ON c.account_id = p.account_id AND c.component_id = p.part_id
    ) CYCLE component_id SET is_circular USING path
    SELECT array_to_string(names, ' → ') INTO way FROM below WHERE component_id = NEW.component_id LIMIT 1;
    IF way IS NOT NULL THEN
        RAISE EXCEPTION 'the bill of materials would be circular: % → %',
            (SELECT c.name FROM mirakl.components AS c
             WHERE c.account_id = NEW.account_id AND c.component_id = NEW.component_id), way
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_component_parts_circular';
    END IF;
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = NEW.account_id AND c.component_id = NEW.component_id FOR NO KEY UPDATE;
    SELECT c.name INTO way FROM mirakl.components AS c
    WHERE c.account_id = NEW.account_id AND c.component_id = NEW.component_id AND (c.on_hand <> 0 OR c.reserved <> 0);
    IF way IS NOT NULL THEN
        RAISE EXCEPTION '% has stock of its own, so it cannot be built from parts; count it to zero first', way
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_component_parts_stock';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION mirakl.check_component_part() IS 'A bill of materials is not circular, and what is built from parts has no stock of its own.';
CREATE TRIGGER component_parts_check BEFORE INSERT OR UPDATE ON mirakl.component_parts
FOR EACH ROW EXECUTE FUNCTION mirakl.check_component_part();

-- What a unit of each variant takes, down to the components that are kept in stock. One that is circular in spite of
-- the trigger stands for itself: it has no stock, so what needs it cannot be built, and is told by name.
CREATE FUNCTION mirakl.needed_components(the_account uuid, the_variants uuid[])
RETURNS TABLE (variant_id uuid, component_id uuid, quantity bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE needed (variant_id, component_id, quantity) AS (
        SELECT v.variant_id, v.component_id, v.quantity::bigint FROM mirakl.variant_components AS v
        WHERE v.account_id = the_account AND v.variant_id = ANY (the_variants)
        UNION ALL
        SELECT n.variant_id, p.part_id, n.quantity * p.quantity
        FROM needed AS n
        JOIN mirakl.component_parts AS p ON p.account_id = the_account AND p.component_id = n.component_id
    ) CYCLE component_id SET is_circular USING path
    SELECT n.variant_id, n.component_id, sum(n.quantity)::bigint
    FROM needed AS n
    WHERE n.is_circular OR NOT EXISTS (
        SELECT FROM mirakl.component_parts AS p
        WHERE p.account_id = the_account AND p.component_id = n.component_id)
    GROUP BY n.variant_id, n.component_id
$$;
COMMENT ON FUNCTION mirakl.needed_components(uuid, uuid[]) IS 'The components that a unit of each variant takes, parts of parts included.';

-- The lines of an order that are to be built, with the variant that their listing stands for.
CREATE FUNCTION mirakl.lines_to_build(the_account uuid, the_order text)
RETURNS TABLE (order_line_id text, sku text, variant_id uuid, quantity bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT l.order_line_id, l.sku, coalesce(l.variant_id, s.variant_id), l.quantity::bigint
    FROM mirakl.order_lines AS l
    LEFT JOIN mirakl.shop_sku_map AS s ON s.account_id = l.account_id AND s.shop_sku = l.sku
    WHERE l.account_id = the_account AND l.order_id = the_order
      AND l.decision IS DISTINCT FROM 'refuse' AND coalesce(l.line_state, '') NOT IN ('REFUSED', 'CANCELED')
$$;
COMMENT ON FUNCTION mirakl.lines_to_build(uuid, text) IS 'The lines of an order that are to be built; without a variant where the listing maps to nothing.';

-- What the ledger holds for the lines of an order: what is reserved, what was consumed, and how often it was released.
CREATE FUNCTION mirakl.held_components(the_account uuid, the_order text)
RETURNS TABLE (order_line_id text, component_id uuid, reserved bigint, consumed bigint, releases bigint, consumptions bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- From the lines to their movements, whatever the planner knows of either table: the other way round it would read
    -- the whole ledger.
    SELECT l.order_line_id, h.component_id, h.reserved, h.consumed, h.releases, h.consumptions
    FROM mirakl.order_lines AS l
    CROSS JOIN LATERAL (
        SELECT m.component_id, sum(m.reserved_change) AS reserved,
               coalesce(-sum(m.on_hand_change) FILTER (WHERE m.movement = 'consumption'), 0) AS consumed,
               count(*) FILTER (WHERE m.movement = 'release') AS releases,
               count(*) FILTER (WHERE m.movement = 'consumption') AS consumptions
        FROM mirakl.component_movements AS m
        WHERE m.account_id = the_account AND m.order_line_id = l.order_line_id
        GROUP BY m.component_id
    ) AS h
    WHERE l.account_id = the_account AND l.order_id = the_order
$$;
COMMENT ON FUNCTION mirakl.held_components(uuid, text) IS 'What the ledger holds for the lines of an order.';

-- All of an order or nothing. A row says what a line still needs of a component, what there is of it for all lines
-- of the order, and what was reserved now. Without a component: the listing maps to nothing, or nothing is said of
-- what its variant is built from. Where the order is over, nothing is reserved and `is_over` says so.
CREATE FUNCTION mirakl.reserve_components(
    the_account uuid, the_order text, the_time timestamptz, the_reason text, over_in text[]
)
RETURNS TABLE (order_line_id text, sku text, variant_id uuid, component_id uuid, needed bigint, free bigint,
               moved bigint, is_over boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lines text[];
    parts uuid[];
    wanted bigint[];
    frees bigint[];
    rounds bigint[];
    over boolean;
    short boolean;
BEGIN
    PERFORM 1 FROM mirakl.orders AS o WHERE o.account_id = the_account AND o.order_id = the_order FOR NO KEY UPDATE;
    SELECT coalesce(bool_or(s.status = ANY (over_in)), false) INTO over FROM mirakl.order_status AS s
    WHERE s.account_id = the_account AND s.order_id = the_order;
    SELECT array_agg(b.order_line_id), array_agg(n.component_id), array_agg(b.quantity * n.quantity),
           coalesce(bool_or(n.component_id IS NULL), true)
    INTO lines, parts, wanted, short
    FROM mirakl.lines_to_build(the_account, the_order) AS b
    LEFT JOIN mirakl.needed_components(
        the_account, ARRAY(SELECT l.variant_id FROM mirakl.lines_to_build(the_account, the_order) AS l)
    ) AS n ON n.variant_id = b.variant_id;
    -- What the ledger holds for an order changes under the order's lock only, so an order that has everything locks no
    -- component: a charger that goes with every laptop would otherwise hold up all of them.
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = the_account AND c.component_id IN (
        SELECT u.part FROM unnest(lines, parts, wanted) AS u (line, part, quantity)
        LEFT JOIN mirakl.held_components(the_account, the_order) AS h
             ON h.order_line_id = u.line AND h.component_id = u.part
        WHERE u.quantity > coalesce(h.reserved + h.consumed, 0))
    ORDER BY c.component_id FOR NO KEY UPDATE;
    -- From here on the order and the components that it still needs stand still.
    SELECT array_agg(w.line), array_agg(w.part), array_agg(w.still), array_agg(w.free), array_agg(w.releases),
           short OR bool_or(w.total > w.free)
    INTO lines, parts, wanted, frees, rounds, short
    FROM (
        SELECT u.line, u.part, greatest(u.quantity - coalesce(h.reserved + h.consumed, 0), 0) AS still,
               (c.on_hand - c.reserved)::bigint AS free, coalesce(h.releases, 0) AS releases,
               sum(greatest(u.quantity - coalesce(h.reserved + h.consumed, 0), 0)) OVER (PARTITION BY u.part) AS total
        FROM unnest(lines, parts, wanted) AS u (line, part, quantity)
        JOIN mirakl.components AS c ON c.account_id = the_account AND c.component_id = u.part
        LEFT JOIN mirakl.held_components(the_account, the_order) AS h
             ON h.order_line_id = u.line AND h.component_id = u.part
    ) AS w;
    IF NOT over AND NOT short THEN
        INSERT INTO mirakl.component_movements
            (account_id, component_id, movement, reserved_change, order_line_id, dedupe_key, reason, moved_at)
        SELECT the_account, u.part, 'reservation', u.still, u.line, u.line || '#' || u.round, the_reason, the_time
        FROM unnest(lines, parts, wanted, rounds) AS u (line, part, still, round)
        WHERE u.still > 0
        ORDER BY u.part, u.line;
    END IF;
    RETURN QUERY
    SELECT b.order_line_id, b.sku, b.variant_id, u.part, u.still, u.free,
           CASE WHEN over OR short THEN 0 ELSE u.still END, over
    FROM mirakl.lines_to_build(the_account, the_order) AS b
    LEFT JOIN unnest(lines, parts, wanted, frees) AS u (line, part, still, free) ON u.line = b.order_line_id
    ORDER BY b.order_line_id, u.part;
END $$;
COMMENT ON FUNCTION mirakl.reserve_components(uuid, text, timestamptz, text, text[]) IS
    'Reserve what the lines of an order are built from: all of it or nothing, and once.';

-- What is reserved for the order (or for some of its lines) is free again.
CREATE FUNCTION mirakl.release_components(
    the_account uuid, the_order text, the_time timestamptz, the_reason text, the_lines text[]
)
RETURNS TABLE (order_line_id text, component_id uuid, moved bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM mirakl.orders AS o WHERE o.account_id = the_account AND o.order_id = the_order FOR NO KEY UPDATE;
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = the_account
      AND c.component_id IN (SELECT h.component_id FROM mirakl.held_components(the_account, the_order) AS h)
    ORDER BY c.component_id FOR NO KEY UPDATE;
    RETURN QUERY
    INSERT INTO mirakl.component_movements AS m
        (account_id, component_id, movement, reserved_change, order_line_id, dedupe_key, reason, moved_at)
    SELECT the_account, h.component_id, 'release', -h.reserved, h.order_line_id, h.order_line_id || '#' || h.releases,
           the_reason, the_time
    FROM mirakl.held_components(the_account, the_order) AS h
    WHERE h.reserved > 0 AND (the_lines IS NULL OR h.order_line_id = ANY (the_lines))
    ORDER BY h.component_id, h.order_line_id
    RETURNING m.order_line_id::text, m.component_id, -m.reserved_change::bigint;
END $$;
COMMENT ON FUNCTION mirakl.release_components(uuid, text, timestamptz, text, text[]) IS
    'Free what is reserved for the lines of an order, once.';

-- What is reserved for the order leaves the house.
CREATE FUNCTION mirakl.consume_components(the_account uuid, the_order text, the_time timestamptz, the_reason text)
RETURNS TABLE (order_line_id text, component_id uuid, moved bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM mirakl.orders AS o WHERE o.account_id = the_account AND o.order_id = the_order FOR NO KEY UPDATE;
    PERFORM 1 FROM mirakl.components AS c
    WHERE c.account_id = the_account
      AND c.component_id IN (SELECT h.component_id FROM mirakl.held_components(the_account, the_order) AS h)
    ORDER BY c.component_id FOR NO KEY UPDATE;
    RETURN QUERY
    INSERT INTO mirakl.component_movements AS m
        (account_id, component_id, movement, on_hand_change, reserved_change, order_line_id, dedupe_key, reason, moved_at)
    SELECT the_account, h.component_id, 'consumption', -h.reserved, -h.reserved, h.order_line_id,
           h.order_line_id || '#' || h.consumptions, the_reason, the_time
    FROM mirakl.held_components(the_account, the_order) AS h
    WHERE h.reserved > 0
    ORDER BY h.component_id, h.order_line_id
    RETURNING m.order_line_id::text, m.component_id, -m.on_hand_change::bigint;
END $$;
COMMENT ON FUNCTION mirakl.consume_components(uuid, text, timestamptz, text) IS
    'Take out of the house what is reserved for the lines of an order, once.';

GRANT EXECUTE ON FUNCTION
    mirakl.needed_components(uuid, uuid[]),
    mirakl.lines_to_build(uuid, text),
    mirakl.held_components(uuid, text),
    mirakl.reserve_components(uuid, text, timestamptz, text, text[]),
    mirakl.release_components(uuid, text, timestamptz, text, text[]),
    mirakl.consume_components(uuid, text, timestamptz, text)
TO entrepot_app, entrepot_system;

-- Goods that came back: units of what a line consumed, and no more than that. Without a component, all that it consumed.
CREATE FUNCTION mirakl.return_components(
    the_account uuid, the_line text, the_component uuid, the_quantity integer, the_time timestamptz, the_reason text
)
RETURNS TABLE (component_id uuid, moved bigint, outside bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM 1 FROM mirakl.orders AS o
    JOIN mirakl.order_lines AS l ON l.account_id = o.account_id AND l.order_id = o.order_id
    WHERE o.account_id = the_account AND l.order_line_id = the_line FOR NO KEY UPDATE OF o;
    RETURN QUERY
    WITH away AS (
        SELECT m.component_id, -sum(m.on_hand_change) AS units, count(*) FILTER (WHERE m.movement = 'return') AS returns
        FROM mirakl.component_movements AS m
        WHERE m.account_id = the_account AND m.order_line_id = the_line
          AND (the_component IS NULL OR m.component_id = the_component)
        GROUP BY m.component_id
    ), back AS (
        INSERT INTO mirakl.component_movements AS m
            (account_id, component_id, movement, on_hand_change, order_line_id, dedupe_key, reason, moved_at)
        SELECT the_account, a.component_id, 'return', least(a.units, coalesce(the_quantity, a.units)), the_line,
               the_line || '#' || a.returns, the_reason, the_time
        FROM away AS a
        WHERE a.units > 0 AND a.units >= coalesce(the_quantity, 1)
        ORDER BY a.component_id
        RETURNING m.component_id, m.on_hand_change::bigint AS units
    )
    SELECT a.component_id, coalesce(b.units, 0), a.units - coalesce(b.units, 0)
    FROM away AS a LEFT JOIN back AS b ON b.component_id = a.component_id;
END $$;
COMMENT ON FUNCTION mirakl.return_components(uuid, text, uuid, integer, timestamptz, text) IS
    'Take back what a line consumed, and no more than that.';

GRANT EXECUTE ON FUNCTION mirakl.return_components(uuid, text, uuid, integer, timestamptz, text)
TO entrepot_app, entrepot_system;
