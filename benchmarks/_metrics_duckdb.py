"""The six metrics tables as DuckDB computes them, written as one would write them for it: full joins of grouped facts,
ASOF joins for stock. Facts are in tables of the same names and columns; times are TIMESTAMP in UTC."""

USER = """
CREATE OR REPLACE TABLE {table} AS
WITH o AS (SELECT user_id, date_trunc('{span}', event_time) AS b, count(*) AS orders, sum(total_amount) AS amount,
                  sum(discount_amount) AS discount, count(DISTINCT shop_id) AS shops FROM shop_orders GROUP BY ALL),
i AS (SELECT user_id, date_trunc('{span}', event_time) AS b, sum(quantity) AS units FROM shop_order_items GROUP BY ALL),
e AS (SELECT user_id, date_trunc('{span}', event_time) AS b,
             count(*) FILTER (WHERE event_type = 'order_cancelled') AS cancelled,
             sum(amount) FILTER (WHERE event_type = 'payment_completed') AS paid,
             count(*) FILTER (WHERE event_type = 'payment_completed') AS payments,
             count(*) FILTER (WHERE event_type = 'payment_failed') AS failures,
             sum(amount) FILTER (WHERE event_type = 'payment_refunded') AS refunded,
             count(*) FILTER (WHERE event_type = 'cart_abandoned') AS abandoned
      FROM global_events WHERE user_id IS NOT NULL AND event_type IN
           ('order_cancelled', 'payment_completed', 'payment_failed', 'payment_refunded', 'cart_abandoned') GROUP BY ALL),
r AS (SELECT user_id, date_trunc('{span}', event_time) AS b, count(*) AS reviews, sum(rating) AS stars
      FROM shop_reviews WHERE status = 'approved' GROUP BY ALL),
v AS (SELECT author_id AS user_id, date_trunc('{span}', event_time) AS b, count(*) AS votes
      FROM shop_review_votes WHERE is_helpful GROUP BY ALL),
p AS (SELECT user_id, date_trunc('{span}', event_time) AS b, count(*) AS uses FROM shop_promotion_usages GROUP BY ALL)
SELECT user_id AS entity_id, b AS event_time, coalesce(orders, 0) AS orders_placed_count,
       coalesce(cancelled, 0) AS orders_cancelled_count, coalesce(amount, 0) AS total_order_amount,
       coalesce(round(amount / nullif(orders, 0), 4), 0) AS avg_order_amount, coalesce(shops, 0) AS unique_shops_ordered_from,
       coalesce(paid, 0) AS total_amount_paid, coalesce(refunded, 0) AS total_amount_refunded,
       coalesce(payments, 0) AS successful_payments_count, coalesce(failures, 0) AS failed_payments_count,
       coalesce(reviews, 0) AS reviews_written_count, round(stars / nullif(reviews, 0), 4) AS avg_rating_given,
       coalesce(votes, 0) AS helpful_votes_received, coalesce(uses, 0) AS promotions_used_count,
       coalesce(discount, 0) AS total_discount_amount, coalesce(abandoned, 0) AS cart_abandonment_count,
       coalesce(units, 0) AS total_items_purchased
FROM o FULL JOIN i USING (user_id, b) FULL JOIN e USING (user_id, b) FULL JOIN r USING (user_id, b)
FULL JOIN v USING (user_id, b) FULL JOIN p USING (user_id, b)
"""

SHOP = """
CREATE OR REPLACE TABLE {table} AS
WITH o AS (SELECT shop_id, date_trunc('{span}', event_time) AS b, count(*) AS orders, sum(total_amount) AS amount,
                  sum(discount_amount) AS discount, count(DISTINCT user_id) AS customers FROM shop_orders GROUP BY ALL),
i AS (SELECT shop_id, date_trunc('{span}', event_time) AS b, sum(quantity) AS units, sum(subtotal) AS gross,
             count(DISTINCT product_id) AS products FROM shop_order_items GROUP BY ALL),
e AS (SELECT shop_id, date_trunc('{span}', event_time) AS b,
             count(*) FILTER (WHERE event_type = 'order_cancelled') AS cancelled,
             sum(amount) FILTER (WHERE event_type = 'payment_refunded') AS refunded,
             sum(net_amount) FILTER (WHERE event_type = 'payment_refunded') AS refunded_net
      FROM global_events WHERE shop_id IS NOT NULL AND event_type IN ('order_cancelled', 'payment_refunded') GROUP BY ALL),
r AS (SELECT shop_id, date_trunc('{span}', event_time) AS b, count(*) AS reviews, sum(rating) AS stars,
             count(*) FILTER (WHERE rating = 1) AS one, count(*) FILTER (WHERE rating = 5) AS five
      FROM shop_reviews WHERE status = 'approved' GROUP BY ALL),
p AS (SELECT shop_id, date_trunc('{span}', event_time) AS b, count(*) AS uses FROM shop_promotion_usages GROUP BY ALL),
l AS (SELECT g.shop_id, date_trunc('{span}', l.event_time) AS b, low_stock_threshold AS low, coalesce(cost_price, 0) AS cost,
             quantity_after AS after, lag(quantity_after) OVER (PARTITION BY product_id ORDER BY l.event_time, l.id) AS before
      FROM shop_inventory_logs AS l JOIN shop_products AS g ON g.id = l.product_id),
m AS (SELECT shop_id, b, sum((after > 0 AND after <= coalesce(low, 0))::int - coalesce((before > 0 AND before <= coalesce(low, 0))::int, 0)) AS low,
             sum((after <= 0)::int - coalesce((before <= 0)::int, 0)) AS empty, sum((after - coalesce(before, 0)) * cost) AS value
      FROM l GROUP BY ALL),
s AS (SELECT shop_id, b, sum(low) OVER w AS low, sum(empty) OVER w AS empty, sum(value) OVER w AS value
      FROM m WINDOW w AS (PARTITION BY shop_id ORDER BY b)),
f AS (SELECT * FROM o FULL JOIN i USING (shop_id, b) FULL JOIN e USING (shop_id, b) FULL JOIN r USING (shop_id, b)
      FULL JOIN p USING (shop_id, b) FULL JOIN (SELECT shop_id, b FROM m) AS k USING (shop_id, b)),
a AS (SELECT f.shop_id, f.b, count(*) AS active FROM f JOIN shop_promotions AS t ON t.shop_id = f.shop_id
      AND t.valid_from < f.b + INTERVAL 1 {span} AND t.valid_until > f.b AND t.status NOT IN ('draft', 'cancelled') GROUP BY ALL)
SELECT f.shop_id AS entity_id, f.b AS event_time, coalesce(orders, 0) AS orders_received_count,
       coalesce(cancelled, 0) AS orders_cancelled_count, coalesce(amount, 0) AS total_order_amount,
       coalesce(round(amount / nullif(orders, 0), 4), 0) AS avg_order_amount, coalesce(customers, 0) AS unique_customers_count,
       coalesce(units, 0) AS total_products_sold, coalesce(products, 0) AS unique_products_sold,
       coalesce(s.low, 0) AS low_stock_products_count, coalesce(s.empty, 0) AS out_of_stock_products_count,
       coalesce(gross, 0) AS gross_revenue, coalesce(gross, 0) - coalesce(discount, 0) - coalesce(refunded_net, 0) AS net_revenue,
       coalesce(discount, 0) AS total_discounts_given, coalesce(refunded, 0) AS total_refunds_amount,
       coalesce(reviews, 0) AS reviews_received_count, round(stars / nullif(reviews, 0), 4) AS avg_rating_received,
       coalesce(one, 0) AS one_star_reviews_count, coalesce(five, 0) AS five_star_reviews_count,
       coalesce(active, 0) AS active_promotions_count, coalesce(uses, 0) AS promotions_used_count,
       coalesce(s.value, 0) AS inventory_value
FROM f ASOF LEFT JOIN s ON s.shop_id = f.shop_id AND s.b <= f.b LEFT JOIN a ON a.shop_id = f.shop_id AND a.b = f.b
"""

PRODUCT = """
CREATE OR REPLACE TABLE {table} AS
WITH i AS (SELECT product_id, date_trunc('{span}', event_time) AS b, sum(quantity) AS units, sum(subtotal) AS gross,
                  sum(total_amount) AS total, sum(discount_amount) AS discount, count(*) FILTER (WHERE discount_amount > 0) AS discounted,
                  min(round(total_amount / quantity, 4)) AS least, max(round(total_amount / quantity, 4)) AS most
           FROM shop_order_items GROUP BY ALL),
e AS (SELECT product_id, date_trunc('{span}', event_time) AS b,
             count(*) FILTER (WHERE event_type = 'cart_item_added') AS added,
             count(*) FILTER (WHERE event_type = 'cart_item_removed') AS removed,
             count(*) FILTER (WHERE event_type = 'product_viewed') AS viewed,
             sum(quantity) FILTER (WHERE event_type = 'payment_refunded') AS refunded_units,
             sum(net_amount) FILTER (WHERE event_type = 'payment_refunded') AS refunded_net
      FROM global_events WHERE product_id IS NOT NULL AND event_type IN
           ('cart_item_added', 'cart_item_removed', 'product_viewed', 'payment_refunded') GROUP BY ALL),
r AS (SELECT product_id, date_trunc('{span}', event_time) AS b, count(*) AS reviews, sum(rating) AS stars,
             count(*) FILTER (WHERE rating = 1) AS one, count(*) FILTER (WHERE rating = 5) AS five
      FROM shop_reviews WHERE status = 'approved' AND product_id IS NOT NULL GROUP BY ALL),
l AS (SELECT product_id, event_time, quantity_after, change_type,
             lead(event_time) OVER (PARTITION BY product_id ORDER BY event_time, id) AS next FROM shop_inventory_logs),
m AS (SELECT product_id, date_trunc('{span}', event_time) AS b, count(*) FILTER (WHERE change_type IN ('purchase', 'transfer_in')) AS restocked
      FROM l GROUP BY ALL),
n AS (SELECT product_id, event_time AS start, coalesce(next, TIMESTAMP '{clock}') AS until FROM l WHERE quantity_after <= 0),
t AS (SELECT product_id, start, until, unnest(generate_series(date_trunc('{span}', start), until - INTERVAL 1 microsecond, INTERVAL 1 {span})) AS b FROM n),
z AS (SELECT product_id, b, sum(epoch_us(least(until, b + INTERVAL 1 {span})) - epoch_us(greatest(start, b))) AS microseconds
      FROM t GROUP BY ALL),
f AS (SELECT * FROM i FULL JOIN e USING (product_id, b) FULL JOIN r USING (product_id, b) FULL JOIN m USING (product_id, b)
      FULL JOIN z USING (product_id, b))
SELECT f.product_id AS entity_id, f.b AS event_time, coalesce(units, 0) AS units_sold, coalesce(refunded_units, 0) AS units_refunded,
       coalesce(gross, 0) AS gross_sales, coalesce(gross, 0) - coalesce(discount, 0) - coalesce(refunded_net, 0) AS net_sales,
       coalesce(l.quantity_after, 0) AS current_stock_level, coalesce(restocked, 0) AS stock_replenishment_count,
       coalesce(round(microseconds / 60000000, 4), 0) AS time_out_of_stock_minutes,
       coalesce(round(total / nullif(units, 0), 4), 0) AS avg_selling_price, coalesce(least, 0) AS min_selling_price,
       coalesce(most, 0) AS max_selling_price, coalesce(reviews, 0) AS reviews_count,
       round(stars / nullif(reviews, 0), 4) AS avg_rating, coalesce(one, 0) AS one_star_reviews_count,
       coalesce(five, 0) AS five_star_reviews_count, coalesce(discounted, 0) AS times_discounted,
       coalesce(discount, 0) AS total_discount_amount, coalesce(added, 0) AS cart_additions_count,
       coalesce(removed, 0) AS cart_removals_count, coalesce(viewed, 0) AS page_views
FROM f ASOF LEFT JOIN l ON l.product_id = f.product_id AND l.event_time < f.b + INTERVAL 1 {span}
"""

KINDS = {"user_metrics": USER, "shop_metrics": SHOP, "shop_product_metrics": PRODUCT}


def statements(clock: str) -> list[str]:
    """The six CREATE TABLEs; `clock` is the moment up to which a product without stock is without."""
    return [
        query.format(table=f"{name}_{'hourly' if span == 'hour' else 'daily'}", span=span, clock=clock)
        for name, query in KINDS.items()
        for span in ("hour", "day")
    ]
