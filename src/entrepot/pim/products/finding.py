"""Finding products by words through the full-text index.

`@@` is not leakproof, so PostgreSQL may not evaluate it before row security has let a row through, and a tenant's query
never uses the index: it makes the text vector of every product of the shop anew. This function looks the words up with
the rights of the schema's owner, for the shop of the transaction only, and tells nothing but ids; the query around it
reads the products under row security like any other.
"""

from entrepot.kit.db.ddl import EXTRA_SQL

FUNCTION = """
CREATE OR REPLACE FUNCTION entrepot.find_products(words tsquery) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
    SELECT id
    FROM pim.shopify_products
    WHERE shop_id = nullif(current_setting('app.current_shop_id', true), '')::uuid
      AND to_tsvector('simple', title || ' ' || COALESCE(description, '')) @@ words
$$;
COMMENT ON FUNCTION entrepot.find_products(tsquery) IS
    'The current shop''s products whose title and description hold the words, by the full-text index.';

REVOKE ALL ON FUNCTION entrepot.find_products(tsquery) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION entrepot.find_products(tsquery) TO entrepot_app, entrepot_system;
"""

EXTRA_SQL.append(FUNCTION)
