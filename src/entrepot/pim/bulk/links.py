"""The parts of a merge that tie records together: metafields, media, collections, line items, menus, stock."""

from collections.abc import Iterator

from entrepot.pim.bulk.staging import MEDIA

MEDIA_TYPES = frozenset({"MediaImage", "ProductImage", "Video", "Model3d", "ExternalVideo"})
VALID = "fault IS NULL"
NOTED = "INSERT INTO changed (kind, action, id, gid)"
#: For rows that are part of a product: a change of the part is one of the product.
NOTED_PART = "INSERT INTO changed (kind, action, id, gid, product_id)"

#: Metafields by owner, as the mirror keeps them; the last line of a key wins.
OWNED_METAFIELDS = f"""
    SELECT parent_gid AS owner,
           jsonb_object_agg((data ->> 'namespace') || '.' || (data ->> 'key'),
                            jsonb_build_object('id', coalesce(data ->> 'held_id', shopify_gid), 'value', data ->> 'value', 'type', data ->> 'type')
                            ORDER BY id) AS metafields
    FROM staged_records WHERE {VALID} AND resource_type = 'Metafield' GROUP BY parent_gid
"""

#: Owners whose table has a column for metafields.
_WITH_COLUMN = ("shopify_products", "shopify_variants", "shopify_customers")

#: Notes of every metafield whether it is new, different or the same, before the owners are merged.
NOTE_METAFIELDS = f"""
    {NOTED}
    SELECT 'Metafield', CASE WHEN held.metafield IS NULL THEN 'INSERT' ELSE 'UPDATE' END, NULL, m.shopify_gid
    FROM (SELECT *, (data ->> 'namespace') || '.' || (data ->> 'key') AS name FROM staged_records WHERE {VALID} AND resource_type = 'Metafield') AS m
    LEFT JOIN LATERAL (
        SELECT t.metafields -> m.name AS metafield FROM pim.shopify_products AS t WHERE t.shop_id = :shop AND t.shopify_gid = m.parent_gid
        UNION ALL SELECT t.metafields -> m.name FROM pim.shopify_variants AS t WHERE t.shop_id = :shop AND t.shopify_gid = m.parent_gid
        UNION ALL SELECT t.metafields -> m.name FROM pim.shopify_customers AS t WHERE t.shop_id = :shop AND t.shopify_gid = m.parent_gid
    ) AS held ON true
    WHERE held.metafield IS DISTINCT FROM jsonb_build_object('id', coalesce(m.data ->> 'held_id', m.shopify_gid), 'value', m.data ->> 'value', 'type', m.data ->> 'type')
"""


def metafields_of_others() -> Iterator[str]:
    """Metafields whose owner is in the mirror but not in the file: the keys that came are written, the others stay."""
    for table in _WITH_COLUMN:
        kind = {
            "shopify_products": "Product",
            "shopify_variants": "ProductVariant",
            "shopify_customers": "Customer",
        }[table]
        yield f"""
            WITH written AS (
                UPDATE pim.{table} AS t SET metafields = coalesce(t.metafields, '{{}}'::jsonb) || m.metafields, synced_at = now()
                FROM owned_metafields AS m
                WHERE t.shop_id = :shop AND t.shopify_gid = m.owner
                  AND coalesce(t.metafields, '{{}}'::jsonb) || m.metafields IS DISTINCT FROM t.metafields
                RETURNING t.id, t.shopify_gid, {"t.product_id" if kind == "ProductVariant" else "NULL::uuid"} AS product_id)
            {NOTED_PART} SELECT '{kind}', 'LINES', id, shopify_gid, product_id FROM written
        """


#: A product or variant that came by CSV has no gid of Shopify's yet. When one arrives with the same handle (the same
#: options, for a variant), it takes the row over, so that a CSV and a later export of one shop are one catalog.
ADOPT_PRODUCTS = f"""
    UPDATE pim.shopify_products AS t SET shopify_gid = s.shopify_gid, legacy_resource_id = s.legacy_resource_id
    FROM staged_products AS s
    WHERE s.{VALID} AND s.legacy_resource_id > 0
      AND t.shop_id = :shop AND t.legacy_resource_id < 0 AND t.handle = s.handle AND t.shopify_gid <> s.shopify_gid
      AND NOT EXISTS (SELECT FROM pim.shopify_products AS other WHERE other.shop_id = :shop AND other.shopify_gid = s.shopify_gid)
"""
#: Noted, so that the line items that wait for the variant find it.
ADOPT_VARIANTS = f"""
    WITH adopted AS (
        UPDATE pim.shopify_variants AS t SET shopify_gid = s.shopify_gid, legacy_resource_id = s.legacy_resource_id
        FROM staged_variants AS s JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.shopify_gid = s.product_gid
        WHERE s.{VALID} AND s.legacy_resource_id > 0
          AND t.shop_id = :shop AND t.legacy_resource_id < 0 AND t.product_id = p.id AND t.shopify_gid <> s.shopify_gid
          AND t.selected_options = s.selected_options
          AND NOT EXISTS (SELECT FROM pim.shopify_variants AS other WHERE other.shop_id = :shop AND other.shopify_gid = s.shopify_gid)
        RETURNING t.id, t.shopify_gid, t.product_id)
    {NOTED_PART} SELECT 'AdoptedVariant', 'INSERT', id, shopify_gid, product_id FROM adopted
"""
#: An image that a CSV named by its address only; Shopify adds the version to the address.
ADOPT_MEDIA = f"""
    UPDATE pim.shopify_media AS t SET shopify_gid = s.shopify_gid, legacy_resource_id = s.legacy_resource_id
    FROM (SELECT DISTINCT ON (r.shopify_gid) m.media_id, r.shopify_gid, (r.data ->> 'legacy_resource_id')::bigint AS legacy_resource_id
          FROM pim.shopify_media AS m
          JOIN pim.shopify_product_media AS pm ON pm.shop_id = :shop AND pm.media_id = m.media_id
          JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.id = pm.product_id
          JOIN staged_records AS r ON r.{VALID} AND r.resource_type IN {MEDIA} AND r.parent_gid = p.shopify_gid
               AND (r.data ->> 'legacy_resource_id')::bigint > 0 AND split_part(r.data ->> 'url', '?', 1) = split_part(m.url, '?', 1)
          WHERE m.shop_id = :shop AND m.legacy_resource_id < 0
            AND NOT EXISTS (SELECT FROM pim.shopify_media AS other WHERE other.shop_id = :shop AND other.shopify_gid = r.shopify_gid)
          ORDER BY r.shopify_gid, m.media_id) AS s
    WHERE t.shop_id = :shop AND t.media_id = s.media_id
"""

COLLECTION_TYPE = {
    "collection_type": "CASE WHEN jsonb_typeof(r.data -> 'rules') = 'array' THEN 'SMART' ELSE 'MANUAL' END"
}

COLLECTION_PRODUCTS = f"""
    WITH wanted AS (
        SELECT DISTINCT ON (c.id, p.id) c.id AS collection_id, p.id AS product_id, r.shopify_gid || ' ' || r.parent_gid AS gid,
               row_number() OVER (PARTITION BY c.id ORDER BY r.file_number, r.line_number, r.id) - 1 AS position
        FROM staged_records AS r
        JOIN pim.shopify_collections AS c ON c.shop_id = :shop AND c.shopify_gid = r.parent_gid
        JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.shopify_gid = r.shopify_gid
        WHERE r.{VALID} AND r.resource_type = 'CollectionProduct'
        ORDER BY c.id, p.id, r.id
    ), merged AS (
        MERGE INTO pim.shopify_collection_products AS t USING wanted AS s
            ON t.shop_id = :shop AND t.collection_id = s.collection_id AND t.product_id = s.product_id
        WHEN MATCHED AND t.position IS DISTINCT FROM s.position THEN UPDATE SET position = s.position
        WHEN NOT MATCHED THEN INSERT (shop_id, collection_id, product_id, position) VALUES (:shop, s.collection_id, s.product_id, s.position)
        RETURNING merge_action() AS action, t.product_id AS id, s.gid)
    {NOTED} SELECT 'CollectionProduct', action, id, gid FROM merged
"""

PRODUCT_MEDIA = f"""
    WITH wanted AS (
        SELECT DISTINCT ON (p.id, m.media_id) p.id AS product_id, m.media_id, r.shopify_gid || ' ' || r.parent_gid AS gid,
               row_number() OVER (PARTITION BY p.id ORDER BY r.file_number, r.line_number, r.id) - 1 AS position
        FROM staged_records AS r
        JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.shopify_gid = r.parent_gid
        JOIN pim.shopify_media AS m ON m.shop_id = :shop AND m.shopify_gid = r.shopify_gid
        WHERE r.{VALID} AND r.resource_type IN {MEDIA} AND r.data ->> 'link' = 'product'
        ORDER BY p.id, m.media_id, r.id
    ), merged AS (
        MERGE INTO pim.shopify_product_media AS t USING wanted AS s
            ON t.shop_id = :shop AND t.product_id = s.product_id AND t.media_id = s.media_id
        WHEN MATCHED AND (t.position, t.is_featured) IS DISTINCT FROM (s.position, s.position = 0)
             THEN UPDATE SET position = s.position, is_featured = s.position = 0
        WHEN NOT MATCHED THEN INSERT (shop_id, product_id, media_id, position, is_featured)
             VALUES (:shop, s.product_id, s.media_id, s.position, s.position = 0)
        RETURNING merge_action() AS action, t.media_id AS id, s.gid, s.product_id)
    {NOTED_PART} SELECT 'ProductMedia', action, id, gid, product_id FROM merged
"""
VARIANT_MEDIA = f"""
    WITH wanted AS (
        SELECT DISTINCT ON (v.id, m.media_id) v.id AS variant_id, v.product_id, m.media_id, r.shopify_gid || ' ' || r.parent_gid AS gid,
               row_number() OVER (PARTITION BY v.id ORDER BY r.file_number, r.line_number, r.id) - 1 AS position
        FROM staged_records AS r
        JOIN pim.shopify_variants AS v ON v.shop_id = :shop AND v.shopify_gid = r.parent_gid
        JOIN pim.shopify_media AS m ON m.shop_id = :shop AND m.shopify_gid = r.shopify_gid
        WHERE r.{VALID} AND r.resource_type IN {MEDIA} AND r.data ->> 'link' = 'variant'
        ORDER BY v.id, m.media_id, r.id
    ), merged AS (
        MERGE INTO pim.shopify_variant_media AS t USING wanted AS s
            ON t.shop_id = :shop AND t.variant_id = s.variant_id AND t.media_id = s.media_id
        WHEN MATCHED AND t.position IS DISTINCT FROM s.position THEN UPDATE SET position = s.position
        WHEN NOT MATCHED THEN INSERT (shop_id, variant_id, media_id, position) VALUES (:shop, s.variant_id, s.media_id, s.position)
        RETURNING merge_action() AS action, t.media_id AS id, s.gid, s.product_id)
    {NOTED_PART} SELECT 'VariantMedia', action, id, gid, product_id FROM merged
"""

ADDRESSES = f"""
    SELECT jsonb_agg(a.data -> 'address' ORDER BY a.file_number, a.line_number, a.id) FROM staged_records AS a
    WHERE a.{VALID} AND a.resource_type = 'MailingAddress' AND a.parent_gid = r.shopify_gid
"""


def addresses_of_others(merged: str) -> str:
    """Addresses whose customers are in the mirror but not merged with them; `merged` narrows the staged customers `o`."""
    return f"""
        WITH written AS (
            UPDATE pim.shopify_customers AS t SET addresses = s.addresses, synced_at = now()
            FROM (SELECT a.parent_gid AS owner, jsonb_agg(a.data -> 'address' ORDER BY a.id) AS addresses FROM staged_records AS a
                  WHERE a.{VALID} AND a.resource_type = 'MailingAddress'
                    AND NOT EXISTS (SELECT FROM staged_records AS o WHERE o.{VALID} AND o.resource_type = 'Customer'
                                      AND o.shopify_gid = a.parent_gid{merged})
                  GROUP BY a.parent_gid) AS s
            WHERE t.shop_id = :shop AND t.shopify_gid = s.owner AND t.addresses IS DISTINCT FROM s.addresses
            RETURNING t.id, t.shopify_gid)
        {NOTED} SELECT 'Customer', 'LINES', id, shopify_gid FROM written
    """


#: The line items of each order, in their order, each with our variant where the mirror has it (P7).
LINE_ITEMS = f"""
    SELECT l.parent_gid AS order_gid,
           jsonb_agg(l.data - 'quantity' - 'current_quantity' || jsonb_build_object(
               'id', l.shopify_gid, 'variant_id', v.id,
               'quantity', (l.data ->> 'quantity')::integer, 'current_quantity', (l.data ->> 'current_quantity')::integer)
               ORDER BY l.file_number, l.line_number, l.id) AS items
    FROM staged_records AS l
    LEFT JOIN pim.shopify_variants AS v ON v.shop_id = :shop AND v.shopify_gid = l.data ->> 'variant_gid'
    WHERE l.{VALID} AND l.resource_type = 'LineItem' GROUP BY l.parent_gid
"""
SHIPPING_LINES = f"""
    SELECT l.parent_gid AS order_gid, jsonb_agg(l.data || jsonb_build_object('id', l.shopify_gid) ORDER BY l.file_number, l.line_number, l.id) AS items
    FROM staged_records AS l
    WHERE l.{VALID} AND l.resource_type = 'ShippingLine' GROUP BY l.parent_gid
"""


def lines_of_known_orders(kind: str, merged: str) -> str:
    """Line items or shipping lines whose orders are in the mirror but not merged with them; `merged` narrows the staged orders `o`."""
    column, source = {
        "LineItem": ("line_items", LINE_ITEMS),
        "ShippingLine": ("shipping_lines", SHIPPING_LINES),
    }[kind]
    return f"""
        WITH written AS (
            UPDATE pim.shopify_orders AS t SET {column} = s.items, synced_at = now() FROM ({source}) AS s
            WHERE t.shop_id = :shop AND t.shopify_gid = s.order_gid AND t.{column} IS DISTINCT FROM s.items
              AND NOT EXISTS (SELECT FROM staged_records AS o WHERE o.{VALID} AND o.resource_type = 'Order'
                                AND o.shopify_gid = t.shopify_gid{merged})
            RETURNING t.id, t.shopify_gid)
        {NOTED} SELECT 'Order', 'LINES', id, shopify_gid FROM written
    """


#: Orders that came before their variants: the lines that had none get it now.
RESOLVE_LINE_ITEMS = """
    UPDATE pim.shopify_orders AS o SET line_items = resolved.items
    FROM (SELECT w.id, jsonb_agg(CASE WHEN v.id IS NULL THEN line.item ELSE line.item || jsonb_build_object('variant_id', v.id) END ORDER BY line.place) AS items,
                 count(v.id) AS found
          FROM pim.shopify_orders AS w
          CROSS JOIN LATERAL jsonb_array_elements(w.line_items) WITH ORDINALITY AS line (item, place)
          LEFT JOIN changed AS v ON v.kind IN ('ProductVariant', 'AdoptedVariant') AND v.action = 'INSERT'
                                AND line.item -> 'variant_id' = 'null'::jsonb AND v.gid = line.item ->> 'variant_gid'
          WHERE w.shop_id = :shop AND w.line_items @? '$[*] ? (@.variant_id == null)'
          GROUP BY w.id) AS resolved
    WHERE o.shop_id = :shop AND o.id = resolved.id AND resolved.found > 0
"""
RESOLVE_CUSTOMERS = """
    UPDATE pim.shopify_orders AS o SET customer_id = c.id
    FROM changed AS c
    WHERE c.kind = 'Customer' AND c.action = 'INSERT' AND o.shop_id = :shop AND o.customer_id IS NULL AND o.customer_gid = c.gid
"""

_MENU_ITEMS = f"""
    SELECT m.id AS menu_id, m.shopify_gid AS menu_gid, item.* FROM staged_records AS r
    JOIN pim.shopify_menus AS m ON m.shop_id = :shop AND m.shopify_gid = r.shopify_gid
    CROSS JOIN LATERAL jsonb_to_recordset(r.data -> 'items') AS item
        (shopify_gid text, parent_gid text, title text, url text, item_type text, resource_id text, position integer, level integer, path text[])
    WHERE r.{VALID} AND r.resource_type = 'Menu'
"""


def menu_items(among: str) -> Iterator[str]:
    """A menu comes whole: items that it no longer has are deleted, the rest is merged, then tied to their parents.

    `among` narrows the staged menus `r` to those whose files speak of items.
    """
    items = _MENU_ITEMS + among
    yield f"""
    WITH gone AS (DELETE FROM pim.shopify_menu_items AS t USING (SELECT DISTINCT m.id, m.shopify_gid FROM staged_records AS r
        JOIN pim.shopify_menus AS m ON m.shop_id = :shop AND m.shopify_gid = r.shopify_gid
        WHERE r.{VALID} AND r.resource_type = 'Menu'{among}) AS menu
    WHERE t.shop_id = :shop AND t.menu_id = menu.id AND t.shopify_gid NOT IN (SELECT shopify_gid FROM ({items}) AS w)
        RETURNING menu.shopify_gid)
    {NOTED} SELECT 'MenuItem', 'DELETE', NULL, shopify_gid FROM gone
    """
    yield f"""
    WITH merged AS (MERGE INTO pim.shopify_menu_items AS t USING ({items}) AS s ON t.shop_id = :shop AND t.shopify_gid = s.shopify_gid
    WHEN MATCHED AND (t.menu_id, t.title, t.url, t.item_type, t.resource_id, t.position, t.level, t.path)
         IS DISTINCT FROM (s.menu_id, s.title, s.url, s.item_type, s.resource_id, s.position, s.level, s.path)
         THEN UPDATE SET menu_id = s.menu_id, title = s.title, url = s.url, item_type = s.item_type, resource_id = s.resource_id,
                         position = s.position, level = s.level, path = s.path
    WHEN NOT MATCHED THEN INSERT (shop_id, menu_id, shopify_gid, title, url, item_type, resource_id, position, level, path)
         VALUES (:shop, s.menu_id, s.shopify_gid, s.title, s.url, s.item_type, s.resource_id, s.position, s.level, s.path)
    RETURNING merge_action() AS action, t.id, s.menu_gid)
    {NOTED} SELECT 'MenuItem', action, id, menu_gid FROM merged
    """
    yield f"""
    UPDATE pim.shopify_menu_items AS t SET parent_item_id = p.id
    FROM ({items}) AS s LEFT JOIN pim.shopify_menu_items AS p ON p.shop_id = :shop AND p.shopify_gid = s.parent_gid
    WHERE t.shop_id = :shop AND t.shopify_gid = s.shopify_gid AND t.parent_item_id IS DISTINCT FROM p.id
    """


RESOURCE_PUBLICATIONS = f"""
    WITH wanted AS (
        SELECT DISTINCT ON (p.id, owner.id) p.id AS publication_id, r.parent_gid || ' ' || p.shopify_gid AS gid, owner.kind AS resource_type, owner.id AS resource_id,
               (r.data ->> 'is_published')::boolean AS is_published, (r.data ->> 'publish_date')::timestamptz AS publish_date
        FROM staged_records AS r
        JOIN pim.shopify_publications AS p ON p.shop_id = :shop AND p.shopify_gid = r.data ->> 'publication_gid'
        JOIN (SELECT 'Product' AS kind, id, shopify_gid FROM pim.shopify_products WHERE shop_id = :shop
              UNION ALL SELECT 'Collection', id, shopify_gid FROM pim.shopify_collections WHERE shop_id = :shop) AS owner
          ON owner.shopify_gid = r.parent_gid
        WHERE r.{VALID} AND r.resource_type = 'ResourcePublication'
        ORDER BY p.id, owner.id, r.id DESC
    ), merged AS (
        MERGE INTO pim.shopify_resource_publications AS t USING wanted AS s
            ON t.shop_id = :shop AND t.publication_id = s.publication_id AND t.resource_type = s.resource_type AND t.resource_id = s.resource_id
        WHEN MATCHED AND (t.is_published, t.publish_date) IS DISTINCT FROM (s.is_published, s.publish_date)
             THEN UPDATE SET is_published = s.is_published, publish_date = s.publish_date,
                             published_at = CASE WHEN s.is_published THEN s.publish_date END
        WHEN NOT MATCHED THEN INSERT (shop_id, publication_id, resource_type, resource_id, is_published, publish_date, published_at)
             VALUES (:shop, s.publication_id, s.resource_type, s.resource_id, s.is_published, s.publish_date, CASE WHEN s.is_published THEN s.publish_date END)
        RETURNING merge_action() AS action, t.id, s.gid)
    {NOTED} SELECT 'ResourcePublication', action, id, gid FROM merged
"""

#: Stock is a ledger: a level that differs from the sum so far becomes an entry with the difference.
INVENTORY_LEVELS = f"""
    WITH wanted AS (
        SELECT DISTINCT ON (v.id, r.data ->> 'location_gid') v.id AS variant_id, v.sku, v.cost, r.data ->> 'location_gid' AS location_id,
               (r.data ->> 'quantity')::integer AS quantity
        FROM staged_records AS r
        JOIN (SELECT id, sku, cost, shopify_gid AS owner FROM pim.shopify_variants WHERE shop_id = :shop
              UNION ALL
              SELECT id, sku, cost, inventory_item_id FROM pim.shopify_variants
              WHERE shop_id = :shop AND EXISTS (SELECT FROM staged_records AS i WHERE i.resource_type = 'InventoryLevel'
                                                AND i.parent_gid LIKE 'gid://shopify/InventoryItem/%')) AS v ON v.owner = r.parent_gid
        WHERE r.{VALID} AND r.resource_type = 'InventoryLevel'
        ORDER BY v.id, r.data ->> 'location_gid', r.id DESC
    ), held AS (
        SELECT l.variant_id, l.location_id, sum(l.delta)::integer AS quantity FROM pim.inventory_ledger AS l
        WHERE l.shop_id = :shop GROUP BY l.variant_id, l.location_id
    ), written AS (
        INSERT INTO pim.inventory_ledger (shop_id, variant_id, sku, location_id, delta, reason, reference_type, reference_id,
                                          previous_quantity, new_quantity, cost_per_unit)
        SELECT :shop, w.variant_id, w.sku, w.location_id, w.quantity - coalesce(h.quantity, 0), 'SYNC', 'bulk_run', CAST(:run AS text),
               coalesce(h.quantity, 0), w.quantity, w.cost
        FROM wanted AS w LEFT JOIN held AS h ON h.variant_id = w.variant_id AND h.location_id = w.location_id
        WHERE h.quantity IS DISTINCT FROM w.quantity
        RETURNING variant_id, previous_quantity)
    {NOTED} SELECT 'InventoryLevel', CASE WHEN previous_quantity = 0 THEN 'INSERT' ELSE 'UPDATE' END, variant_id, NULL FROM written
"""

#: What became of the lines whose record is folded into another, or is several rows: line by line, from the notes.
OUTCOME_OF_LINES = f"""
    SELECT resource_type AS kind, action, count(*) AS rows
    FROM (SELECT r.resource_type,
                 CASE WHEN r.resource_type IN {MEDIA} THEN
                          CASE WHEN 'INSERT' IN (own.action, tie.action) THEN 'INSERT' WHEN coalesce(own.action, tie.action) IS NOT NULL THEN 'UPDATE' END
                      WHEN r.resource_type IN ('LineItem', 'ShippingLine', 'MailingAddress') THEN owner.action
                      ELSE tie.action END AS action
          FROM staged_records AS r
          LEFT JOIN (SELECT DISTINCT ON (gid) gid, action FROM changed WHERE kind IN ('Media', 'Metafield') ORDER BY gid, action) AS own ON own.gid = r.shopify_gid
          LEFT JOIN (SELECT DISTINCT ON (gid) gid, action FROM changed WHERE kind IN ('Order', 'Customer') ORDER BY gid, action) AS owner ON owner.gid = r.parent_gid
          LEFT JOIN (SELECT DISTINCT ON (gid) gid, action FROM changed WHERE kind IN ('ProductMedia', 'VariantMedia', 'CollectionProduct', 'ResourcePublication')
                     ORDER BY gid, action) AS tie
            ON tie.gid = CASE r.resource_type WHEN 'ResourcePublication' THEN r.parent_gid || ' ' || (r.data ->> 'publication_gid')
                                              ELSE r.shopify_gid || ' ' || r.parent_gid END
          WHERE r.{VALID}
            AND (r.resource_type IN {MEDIA} OR r.resource_type IN ('LineItem', 'ShippingLine', 'MailingAddress', 'CollectionProduct', 'ResourcePublication'))
         ) AS lines
    WHERE action IS NOT NULL GROUP BY 1, 2
"""
