"""Stock: every movement follows from the one before it, and what orders took is what was sold."""

from entrepot.playground.checks.rules import Rule

# What is simulated begins with an empty shelf; the first count of any other product says what was there.
CHAIN = Rule(
    """
    SELECT event_time AS at, id, product_id, quantity_before, quantity_change, quantity_after, origin,
           lag(quantity_after) OVER movements AS left_before, lag(event_time) OVER movements AS time_before
    FROM data_playground.shop_inventory_logs
    WINDOW movements AS (PARTITION BY product_id ORDER BY event_time, id)
    """,
    "quantity_after <> quantity_before + quantity_change OR time_before = at"
    " OR quantity_before <> coalesce(left_before, CASE WHEN origin = 'simulated' THEN 0 ELSE quantity_before END)",
    """
    format('movement %s of product %s (%s): ', id, product_id, at) || CASE
        WHEN quantity_after <> quantity_before + quantity_change
            THEN format('%s + %s is not %s', quantity_before, quantity_change, quantity_after)
        WHEN time_before = at THEN 'another movement of the product has the same time'
        ELSE format('it begins with %s units, the one before left %s', quantity_before, coalesce(left_before, 0))
    END
    """,
    "at, product_id, id",
)

LAST = Rule(
    """
    SELECT p.event_time AS at, p.id, p.sku, p.status, p.stock_quantity, p.origin, l.quantity_after
    FROM data_playground.shop_products AS p
    LEFT JOIN (SELECT DISTINCT ON (product_id) product_id, quantity_after
               FROM data_playground.shop_inventory_logs ORDER BY product_id, event_time DESC, id DESC) AS l
           ON l.product_id = p.id
    """,
    "stock_quantity <> coalesce(quantity_after, CASE WHEN origin = 'simulated' THEN 0 ELSE stock_quantity END)"
    " OR status IN ('active', 'out_of_stock') AND (status = 'out_of_stock') <> (stock_quantity <= 0)"
    " AND (origin = 'simulated' OR quantity_after IS NOT NULL)",
    """
    format('product %s (%s, %s): ', sku, id, at) || CASE
        WHEN stock_quantity <> coalesce(quantity_after, 0)
            THEN format('its stock is %s, its last movement left %s', stock_quantity, coalesce(quantity_after, 0))
        ELSE format('it is %s with %s units in stock', status, stock_quantity)
    END
    """,
)

# Orders of other parts of the program may have no movements here: their stock is kept there.
SALES = Rule(
    """
    SELECT coalesce(i.at, l.at) AS at, coalesce(i.order_id, l.order_id) AS id, coalesce(i.product_id, l.product_id) AS product_id,
           i.quantity, l.sold, l.returned, l.at AS moved_at, i.cancelled, i.origin
    FROM (SELECT i.order_id, i.product_id, min(i.event_time) AS at, sum(i.quantity) AS quantity,
                 bool_and(i.is_cancelled) AS cancelled, min(i.origin) AS origin
          FROM data_playground.shop_order_items AS i GROUP BY i.order_id, i.product_id) AS i
    FULL JOIN (SELECT order_id, product_id, min(event_time) FILTER (WHERE change_type = 'sale') AS at,
                      -coalesce(sum(quantity_change) FILTER (WHERE change_type = 'sale'), 0) AS sold,
                      coalesce(sum(quantity_change) FILTER (WHERE change_type = 'return'), 0) AS returned
               FROM data_playground.shop_inventory_logs
               WHERE order_id IS NOT NULL AND change_type IN ('sale', 'return') GROUP BY order_id, product_id) AS l
           ON l.order_id = i.order_id AND l.product_id = i.product_id
    """,
    "quantity IS NULL OR sold IS NULL AND origin = 'simulated' OR sold <> quantity OR returned > sold"
    " OR cancelled AND returned <> sold",
    """
    format('order %s, product %s (%s): ', id, product_id, at) || CASE
        WHEN quantity IS NULL THEN format('%s units were taken from stock, and the order has no such line', sold)
        WHEN sold IS NULL THEN format('%s units were ordered, and none were taken from stock', quantity)
        WHEN sold <> quantity THEN format('%s units were ordered, %s were taken from stock', quantity, sold)
        WHEN returned > sold THEN format('%s units came back, %s were sold', returned, sold)
        ELSE format('it was cancelled, and %s of %s units went back', returned, sold)
    END
    """,
    "at, id, product_id",
)
