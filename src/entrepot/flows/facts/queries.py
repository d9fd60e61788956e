"""Every statement of facts from events: what is known, what is written, what waits; and the mirror, read set-wise."""

from sqlalchemy import TextClause, text

# One writer at a time: what is known stays so until it is written, whatever else delivers.
ONLY_WRITER = text("SELECT pg_advisory_xact_lock(hashtextextended('entrepot.facts', 0))")

KNOWN = text(
    """
    SELECT fact_id, event_time, refers_to FROM data_playground.recorded_facts
    WHERE fact_id = ANY (CAST(:ids AS uuid[]))
    """
)
RECORD = text(
    """
    INSERT INTO data_playground.recorded_facts (fact_id, event_time, kind, origin, refers_to)
    SELECT fact_id, event_time, kind, origin, refers_to
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS fact (fact_id uuid, event_time timestamptz, kind text, origin text, refers_to jsonb)
    """
)
PARK = text(
    """
    INSERT INTO data_playground.parked_facts (event_id, event_type, reason, waits_for, detail, told)
    SELECT event_id, event_type, reason, ARRAY(SELECT CAST(id AS uuid) FROM jsonb_array_elements_text(waits_for) AS id),
           detail, told
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS parked (event_id uuid, event_type text, reason text, waits_for jsonb, detail text, told jsonb)
    """
)
FORGET_PARKED = text("DELETE FROM data_playground.parked_facts WHERE event_id = ANY (CAST(:ids AS uuid[]))")
UNPARK = text(
    """
    DELETE FROM data_playground.parked_facts WHERE waits_for && CAST(:ids AS uuid[]) RETURNING told
    """
)
PARKED = text(
    """
    SELECT event_id, event_type, reason, detail, parked_at FROM data_playground.parked_facts
    WHERE told ->> 'tenant' = :tenant
    ORDER BY parked_at, event_id LIMIT :limit
    """
)

#: Columns of each table that facts of the program fill; the others keep their defaults.
COLUMNS = {
    "users": "id event_time username email country time_zone status created_time origin",
    "shops": (
        "id event_time owner_id owner_event_time name category "
        "status city country time_zone created_time origin "
    ),
    "shop_products": (
        "id event_time shop_id shop_event_time sku name "
        "category status price sale_price cost_price stock_quantity "
        "brand created_time updated_time origin extra_data "
    ),
    "shop_orders": (
        "id event_time order_number user_id user_event_time shop_id "
        "shop_event_time status subtotal tax_amount shipping_amount discount_amount "
        "total_amount shipping_method shipping_country ordered_time origin extra_data "
    ),
    "shop_order_items": (
        "id event_time order_id order_event_time product_id product_event_time "
        "shop_id shop_event_time user_id user_event_time quantity unit_price "
        "subtotal discount_amount total_amount is_cancelled is_refunded origin "
    ),
    "shop_order_payments": (
        "id event_time order_id order_event_time user_id user_event_time "
        "shop_id shop_event_time amount refunded_amount status method "
        "is_partial_payment transaction_reference transaction_fee initiated_time completed_time notes "
        "origin extra_data "
    ),
    "shop_reviews": (
        "id event_time user_id user_event_time shop_id shop_event_time "
        "product_id product_event_time order_id order_event_time review_type status "
        "rating title content helpful_votes not_helpful_votes is_verified_purchase "
        "origin extra_data "
    ),
    "global_events": (
        "event_id event_time event_type user_id user_event_time shop_id "
        "shop_event_time product_id product_event_time caller_entity_id caller_event_time session_id "
        "quantity amount net_amount event_metadata origin "
    ),
    "global_entities": "entity_id event_time entity_type created_time origin",
}


def insert(table: str) -> TextClause:
    """The statement that writes rows of a table; a row that is there stays as it is."""
    columns = ", ".join(COLUMNS[table].split())
    first = columns.partition(",")[0]
    return text(
        f"""
        INSERT INTO data_playground.{table} ({columns})
        SELECT {columns} FROM jsonb_populate_recordset(NULL::data_playground.{table}, CAST(:rows AS jsonb))
        ON CONFLICT ({first}, event_time) DO NOTHING
        """
    )


#: How rows that are there follow what is told later: states only go forward, the first time of a step stays.
CHANGES = {
    "user": text(
        """
        UPDATE data_playground.users AS row
        SET country = coalesce(told.country, row.country), time_zone = coalesce(told.time_zone, row.time_zone)
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS told (id uuid, event_time timestamptz, country text, time_zone text)
        WHERE row.id = told.id AND row.event_time = told.event_time
          AND (row.country, row.time_zone)
              IS DISTINCT FROM (coalesce(told.country, row.country), coalesce(told.time_zone, row.time_zone))
        """
    ),
    "shop": text(
        """
        UPDATE data_playground.shops AS row
        SET name = coalesce(told.name, row.name), category = coalesce(told.category, row.category),
            city = coalesce(told.city, row.city), country = coalesce(told.country, row.country),
            time_zone = coalesce(told.time_zone, row.time_zone), status = coalesce(told.status, row.status),
            deactivated_time = coalesce(row.deactivated_time, told.deactivated_time)
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS told (id uuid, event_time timestamptz, name text, category text, city text, country text,
                      time_zone text, status boolean, deactivated_time timestamptz)
        WHERE row.id = told.id AND row.event_time = told.event_time
        """
    ),
    "product": text(
        """
        UPDATE data_playground.shop_products AS row
        SET sku = coalesce(told.sku, row.sku), name = coalesce(told.name, row.name),
            category = coalesce(told.category, row.category), brand = coalesce(told.brand, row.brand),
            status = CASE WHEN told.status = 'active' AND row.status = 'out_of_stock' THEN row.status
                          ELSE coalesce(told.status, row.status) END,
            price = coalesce(told.price, row.price), sale_price = told.sale_price,
            cost_price = coalesce(told.cost_price, row.cost_price), updated_time = told.updated_time,
            extra_data = coalesce(told.extra_data, row.extra_data)
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS told (id uuid, event_time timestamptz, sku text, name text, category text, brand text, status text,
                      price numeric, sale_price numeric, cost_price numeric, updated_time timestamptz, extra_data jsonb)
        WHERE row.id = told.id AND row.event_time = told.event_time
          AND (row.updated_time IS NULL OR row.updated_time < told.updated_time)
        """
    ),
    "order": text(
        """
        UPDATE data_playground.shop_orders AS row
        SET status = CASE WHEN array_position(CAST(:ranks AS text[]), told.status)
                               > array_position(CAST(:ranks AS text[]), CAST(row.status AS text))
                          THEN told.status ELSE row.status END,
            processed_time = coalesce(row.processed_time, told.processed_time),
            shipped_time = coalesce(row.shipped_time, told.shipped_time),
            delivered_time = coalesce(row.delivered_time, told.delivered_time),
            cancelled_time = coalesce(row.cancelled_time, told.cancelled_time),
            returned_time = coalesce(row.returned_time, told.returned_time)
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS told (id uuid, event_time timestamptz, status text, processed_time timestamptz, shipped_time timestamptz,
                      delivered_time timestamptz, cancelled_time timestamptz, returned_time timestamptz)
        WHERE row.id = told.id AND row.event_time = told.event_time
        """
    ),
    "payment": text(
        """
        UPDATE data_playground.shop_order_payments AS row
        SET status = CASE WHEN told.later THEN told.status ELSE row.status END,
            completed_time = CASE WHEN told.later OR row.completed_time IS NULL
                                  THEN greatest(told.completed_time, row.initiated_time)
                                  ELSE row.completed_time END
        FROM (SELECT told.*, array_position(CAST(:ranks AS text[]), told.status)
                             > array_position(CAST(:ranks AS text[]), CAST(payment.status AS text)) AS later
              FROM jsonb_to_recordset(CAST(:rows AS jsonb))
                   AS told (id uuid, event_time timestamptz, status text, completed_time timestamptz)
              JOIN data_playground.shop_order_payments AS payment USING (id, event_time)) AS told
        WHERE row.id = told.id AND row.event_time = told.event_time
          AND (told.later OR row.completed_time IS NULL)
        """
    ),
    "review": text(
        """
        UPDATE data_playground.shop_reviews AS row
        SET status = told.status,
            extra_data = coalesce(row.extra_data, '{}') || jsonb_build_object('decided_time', told.decided_time)
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS told (id uuid, event_time timestamptz, status text, decided_time timestamptz)
        WHERE row.id = told.id AND row.event_time = told.event_time
          AND coalesce(CAST(row.extra_data ->> 'decided_time' AS timestamptz), '-infinity') < told.decided_time
        """
    ),
}

CANCEL_ITEMS = text(
    """
    UPDATE data_playground.shop_order_items AS item SET is_cancelled = true
    FROM data_playground.shop_orders AS placed
    WHERE placed.id = ANY (CAST(:orders AS uuid[])) AND placed.cancelled_time IS NOT NULL AND placed.shipped_time IS NULL
      AND item.order_id = placed.id AND item.event_time = placed.event_time AND NOT item.is_cancelled
    """
)

# What was paid back is the sum of its events, however often and in whatever order they were told.
REFUND_PAYMENTS = text(
    """
    WITH refunded AS (
        SELECT caller_entity_id AS id, caller_event_time AS event_time, sum(amount) AS amount
        FROM data_playground.global_events
        WHERE event_type = 'payment_refunded' AND caller_entity_id = ANY (CAST(:payments AS uuid[]))
        GROUP BY caller_entity_id, caller_event_time
    ), paid_back AS (
        UPDATE data_playground.shop_order_payments AS payment
        SET refunded_amount = least(payment.amount, refunded.amount),
            status = CASE WHEN refunded.amount >= payment.amount THEN 'refunded' ELSE 'partially_refunded' END
        FROM refunded
        WHERE payment.id = refunded.id AND payment.event_time = refunded.event_time
        RETURNING payment.id, payment.order_id, payment.order_event_time
    )
    UPDATE data_playground.shop_order_items AS item SET is_refunded = true
    FROM paid_back JOIN data_playground.global_events AS event
      ON event.caller_entity_id = paid_back.id AND event.event_type = 'payment_refunded'
    WHERE item.order_id = paid_back.order_id AND item.event_time = paid_back.order_event_time
      AND item.product_id = event.product_id AND NOT item.is_refunded
    """
)

# An order goes on when its completed payments reach its total, and is refunded when all of them were paid back.
PAID_ORDERS = text(
    """
    SELECT placed.id, placed.origin,
           CASE WHEN sum(payment.refunded_amount) >= sum(payment.amount) AND sum(payment.refunded_amount) > 0
                THEN 'refunded' ELSE 'processing' END AS status,
           max(payment.completed_time) AS paid_time,
           (SELECT max(event.event_time) FROM data_playground.global_events AS event
            WHERE event.event_type = 'payment_refunded'
              AND event.caller_entity_id = ANY (array_agg(payment.id))) AS refunded_time
    FROM data_playground.shop_orders AS placed
    JOIN data_playground.shop_order_payments AS payment
      ON payment.order_id = placed.id AND payment.order_event_time = placed.event_time
    WHERE placed.id = ANY (CAST(:orders AS uuid[]))
      AND payment.status IN ('completed', 'partially_refunded', 'refunded')
    GROUP BY placed.id, placed.event_time
    HAVING sum(payment.amount) >= placed.total_amount
    ORDER BY placed.id
    """
)
ORDERS_OF_PAYMENTS = text(
    """
    SELECT DISTINCT order_id FROM data_playground.shop_order_payments WHERE id = ANY (CAST(:payments AS uuid[]))
    """
)

# A log never begins before the last one of its product: what is counted is what is there when it is counted.
COUNT_STOCK = text(
    """
    WITH counted AS (
        SELECT DISTINCT ON (product_id) id, event_time, product_id, product_event_time, shop_id, shop_event_time,
               quantity_after, change_type, reason, origin
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS told (id uuid, event_time timestamptz, product_id uuid, product_event_time timestamptz, shop_id uuid,
                      shop_event_time timestamptz, quantity_after integer, change_type text, reason text, origin text)
        ORDER BY product_id, event_time DESC
    ), moved AS (
        SELECT counted.*, product.stock_quantity AS quantity_before, product.status,
               shop.owner_id, shop.owner_event_time
        FROM counted
        JOIN data_playground.shop_products AS product
          ON product.id = counted.product_id AND product.event_time = counted.product_event_time
        JOIN data_playground.shops AS shop ON shop.id = counted.shop_id AND shop.event_time = counted.shop_event_time
        WHERE (product.stock_quantity <> counted.quantity_after
               OR (product.status = 'active' AND counted.quantity_after <= 0))
          AND NOT EXISTS (SELECT FROM data_playground.shop_inventory_logs AS log
                          WHERE log.product_id = counted.product_id AND log.event_time >= counted.event_time)
    ), logged AS (
        INSERT INTO data_playground.shop_inventory_logs
            (id, event_time, shop_id, shop_event_time, product_id, product_event_time, change_type, quantity_before,
             quantity_change, quantity_after, reason, created_by_user_id, created_by_user_event_time, origin)
        SELECT id, event_time, shop_id, shop_event_time, product_id, product_event_time, change_type, quantity_before,
               quantity_after - quantity_before, quantity_after, reason, owner_id, owner_event_time, origin
        FROM moved
    )
    UPDATE data_playground.shop_products AS product
    SET stock_quantity = moved.quantity_after,
        status = CASE WHEN product.status = 'active' AND moved.quantity_after <= 0 THEN 'out_of_stock'
                      WHEN product.status = 'out_of_stock' AND moved.quantity_after > 0 THEN 'active'
                      ELSE product.status END
    FROM moved
    WHERE product.id = moved.product_id AND product.event_time = moved.product_event_time
    RETURNING product.id, product.status, moved.status AS status_before, moved.event_time, moved.origin
    """
)

# The mirror, as entrepot_system reads it.

SHOPS = text(
    """
    SELECT shop.id, shop.shopify_domain, shop.timezone, shop.installed_at,
           least((SELECT min(least(made.processed_at, made.created_at_shopify)) FROM pim.shopify_orders AS made
                  WHERE made.shop_id = shop.id),
                 (SELECT min(made.created_at_shopify) FROM pim.shopify_products AS made WHERE made.shop_id = shop.id),
                 (SELECT min(made.created_at_shopify) FROM pim.shopify_variants AS made WHERE made.shop_id = shop.id),
                 (SELECT min(made.created_at_shopify) FROM pim.shopify_customers AS made
                  WHERE made.shop_id = shop.id)) AS oldest
    FROM pim.shops AS shop WHERE shop.id = ANY (CAST(:ids AS uuid[])) ORDER BY shop.id
    """
)
_VARIANTS = """
    SELECT variant.shop_id, variant.shopify_gid, variant.title, variant.sku, variant.price, variant.compare_at_price,
           variant.cost, variant.currency_code, variant.inventory_quantity, variant.created_at_shopify,
           variant.created_at, product.title AS product_title, product.vendor, product.product_type, product.status,
           product.created_at_shopify AS product_created_at, shop.currency_code AS shop_currency
    FROM pim.shopify_variants AS variant
    JOIN pim.shopify_products AS product ON product.shop_id = variant.shop_id AND product.id = variant.product_id
    JOIN pim.shops AS shop ON shop.id = variant.shop_id
"""
VARIANTS_OF_PRODUCTS = text(
    f"{_VARIANTS} WHERE variant.product_id = ANY (CAST(:ids AS uuid[])) ORDER BY variant.shop_id, variant.shopify_gid"
)
VARIANTS_BY_GID = text(
    f"""
    {_VARIANTS}
    JOIN unnest(CAST(:shops AS uuid[]), CAST(:gids AS text[])) AS wanted (shop_id, gid)
      ON wanted.shop_id = variant.shop_id AND wanted.gid = variant.shopify_gid
    ORDER BY variant.shop_id, variant.shopify_gid
    """
)
_CUSTOMER = "shop_id, shopify_gid, default_address, created_at_shopify, created_at"
CUSTOMERS = text(
    f"SELECT {_CUSTOMER} FROM pim.shopify_customers WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id"
)
CUSTOMERS_BY_GID = text(
    f"""
    SELECT {_CUSTOMER} FROM pim.shopify_customers AS customer
    WHERE (shop_id, shopify_gid)
          IN (SELECT * FROM unnest(CAST(:shops AS uuid[]), CAST(:gids AS text[])))
    ORDER BY id
    """
)
ORDERS = text(
    """
    SELECT shop_id, shopify_gid, name, email, customer_gid, financial_status, fulfillment_status, total_price,
           total_discounts, total_shipping, currency_code, line_items, shipping_address, gateway, processed_at,
           created_at_shopify, updated_at_shopify, closed_at, cancelled_at, created_at
    FROM pim.shopify_orders WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id
    """
)
