"""Events against the rows that they tell of: each thing that happened is told once, at its time."""

from entrepot.playground.checks.rules import Rule


def told(event: str, *, rows: str, what: str, amount: bool = False, by: str = "caller_entity_id") -> Rule:
    """Each row has exactly one event of this type, at its time, of its user and shop and about its amount.

    `rows` gives id, at, user_id, shop_id, amount and origin; `by` is the column of the event that names the row.
    """
    differs = "event_amount IS DISTINCT FROM amount" if amount else "false"
    return Rule(
        f"""
        SELECT coalesce(r.at, e.at) AS at, coalesce(r.id, e.id) AS id, r.id AS row_id, r.at AS row_at, e.at AS event_at, e.events,
               e.amount AS event_amount, r.amount, r.origin,
               r.user_id IS NOT NULL AND r.user_id IS DISTINCT FROM e.user_id
               OR r.shop_id IS NOT NULL AND r.shop_id IS DISTINCT FROM e.shop_id AS strangers
        FROM ({rows}) AS r
        FULL JOIN (SELECT {by} AS id, min(event_time) AS at, count(*) AS events, min(amount) AS amount,
                          any_value(user_id) AS user_id, any_value(shop_id) AS shop_id
                   FROM data_playground.global_events WHERE event_type = '{event}' GROUP BY {by}) AS e ON e.id = r.id
        """,
        "row_id IS NULL OR events IS NULL AND origin = 'simulated' OR events > 1"
        f" OR events IS NOT NULL AND (event_at <> row_at OR strangers OR {differs})",
        f"""
        CASE
            WHEN row_id IS NULL THEN format('{event} of %s (%s): there is no such {what}', id, at)
            ELSE format('{what} %s (%s): ', id, at) || CASE
                WHEN events IS NULL THEN 'no {event} tells of it'
                WHEN events > 1 THEN format('{event} tells of it %s times', events)
                WHEN event_at <> row_at THEN format('{event} is at %s, its own time is %s', event_at, row_at)
                WHEN strangers THEN '{event} names another user or shop'
                ELSE format('{event} says %s, its own amount is %s', event_amount, amount)
            END
        END
        """,
    )


def _of_orders(time: str) -> str:
    return f"""
        SELECT id, {time} AS at, user_id, shop_id, total_amount AS amount, origin
        FROM data_playground.shop_orders WHERE {time} IS NOT NULL
    """


def _of_rows(table: str, *, time: str = "event_time", user: str = "user_id", seller: str = "shop_id") -> str:
    return f"""
        SELECT id, {time} AS at, {user} AS user_id, {seller} AS shop_id, NULL::numeric AS amount, origin
        FROM data_playground.{table} WHERE {time} IS NOT NULL
    """


def _of_payments(condition: str) -> str:
    return " UNION ALL ".join(
        f"""
        SELECT id, completed_time AS at, user_id, shop_id, amount, origin FROM data_playground.{table}
        WHERE completed_time IS NOT NULL AND status {condition}
        """
        for table in ("shop_order_payments", "invoice_payments")
    )


ORDERS = tuple(
    told(event, rows=_of_orders(time), what="order", amount=True)
    for event, time in (
        ("order_placed", "event_time"),
        ("order_processing", "processed_time"),
        ("order_shipped", "shipped_time"),
        ("order_delivered", "delivered_time"),
        ("order_cancelled", "cancelled_time"),
        ("order_returned", "returned_time"),
    )
)

PAYMENTS = (
    told(
        "payment_initiated",
        rows=" UNION ALL ".join(
            f"SELECT id, event_time AS at, user_id, shop_id, amount, origin FROM data_playground.{table}"
            for table in ("shop_order_payments", "invoice_payments")
        ),
        what="payment",
        amount=True,
    ),
    told(
        "payment_completed",
        rows=_of_payments("IN ('completed', 'paid', 'refunded', 'partially_refunded')"),
        what="payment",
        amount=True,
    ),
    told("payment_failed", rows=_of_payments("= 'failed'"), what="payment", amount=True),
)

_NOBODY = "NULL::uuid"
#: Types of events that tell of a row by their caller: of its beginning, each once.
CALLED = (
    told("review_submitted", rows=_of_rows("shop_reviews"), what="review"),
    told("promotion_created", rows=_of_rows("shop_promotions", user=_NOBODY), what="promotion"),
    told(
        "payment_method_added", rows=_of_rows("user_payment_methods", seller=_NOBODY), what="payment method"
    ),
    told(
        "invoice_issued",
        rows="SELECT id, event_time AS at, user_id, shop_id, total_amount AS amount, origin FROM data_playground.invoices",
        what="invoice",
        amount=True,
    ),
)

#: Types of events that tell of whom they name: of the beginning or the end of a user, shop or product.
NAMED = tuple(
    told(event, rows=_of_rows(table, time=time, user=_NOBODY, seller=_NOBODY), what=what, by=by)
    for event, table, time, what, by in (
        ("user_registered", "users", "event_time", "user", "user_id"),
        ("user_deactivated", "users", "deactivated_time", "user", "user_id"),
        ("shop_opened", "shops", "event_time", "shop", "shop_id"),
        ("shop_closed", "shops", "deactivated_time", "shop", "shop_id"),
        ("product_listed", "shop_products", "event_time", "product", "product_id"),
    )
)

# What became of a review is its status, and was told since it was written; it may have been told of something else before.
DECIDED = Rule(
    """
    SELECT r.event_time AS at, r.id, r.status, r.origin, e.times
    FROM data_playground.shop_reviews AS r
    LEFT JOIN (SELECT caller_entity_id AS id, event_type, count(*) AS times, min(event_time) AS first_time
               FROM data_playground.global_events
               WHERE event_type IN ('review_approved', 'review_rejected', 'review_reported', 'review_removed')
               GROUP BY caller_entity_id, event_type) AS e
           ON e.id = r.id AND e.event_type = 'review_' || r.status AND e.first_time >= r.event_time
    WHERE r.status <> 'pending'
    """,
    "times IS NULL AND origin = 'simulated' OR times > 1",
    "format('review %s (%s): it is %s, which was told %s times', id, at, status, coalesce(times, 0))",
)

# A product is out of stock from the movement that takes the last unit to the one that brings the next.
SHELVES = Rule(
    """
    SELECT coalesce(m.at, e.at) AS at, coalesce(m.product_id, e.product_id) AS id, m.kind, e.kind AS told, e.times, m.origin
    FROM (SELECT at, product_id, origin,
                 CASE WHEN quantity_after <= 0 THEN 'product_out_of_stock' ELSE 'product_back_in_stock' END AS kind
          FROM (SELECT event_time AS at, product_id, origin, quantity_before, quantity_after,
                       lag(true) OVER (PARTITION BY product_id ORDER BY event_time, id) AS again
                FROM data_playground.shop_inventory_logs) AS movements
          -- The first delivery comes with the listing, and is no return.
          WHERE again AND (quantity_after <= 0) <> (quantity_before <= 0)) AS m
    FULL JOIN (SELECT event_time AS at, product_id, event_type AS kind, count(*) AS times FROM data_playground.global_events
               WHERE event_type IN ('product_out_of_stock', 'product_back_in_stock')
               GROUP BY event_time, product_id, event_type) AS e
           ON e.product_id = m.product_id AND e.at = m.at AND e.kind = m.kind
    """,
    "kind IS NULL OR told IS NULL AND origin = 'simulated' OR times > 1",
    """
    format('product %s (%s): ', id, at) || CASE
        WHEN kind IS NULL THEN format('%s is told, and no movement of stock did it', told)
        WHEN told IS NULL THEN format('no %s is told of the movement of stock', kind)
        ELSE format('%s is told %s times', told, times)
    END
    """,
    "at, id, kind, told",
)

# 30 minutes without a sign of life and without an order: the cart is abandoned then. An order that came to nothing, since
# nothing was left in stock, is a sign of life without an event; so it may be later than that, by what a decision takes.
ABANDONED = Rule(
    """
    SELECT a.event_time AS at, a.event_id AS id, a.session_id, a.amount, a.times, s.last_activity, s.left_in_cart, o.placed_at
    FROM (SELECT event_time, event_id, session_id, amount, count(*) OVER (PARTITION BY session_id, shop_id) AS times
          FROM data_playground.global_events WHERE event_type = 'cart_abandoned') AS a
    LEFT JOIN (SELECT session_id, max(event_time) AS last_activity,
                      sum(CASE event_type WHEN 'cart_item_added' THEN amount WHEN 'cart_item_removed' THEN -amount END) AS left_in_cart
               FROM data_playground.global_events
               WHERE event_type IN ('product_viewed', 'cart_item_added', 'cart_item_removed', 'checkout_started')
                 AND session_id IS NOT NULL
               GROUP BY session_id) AS s ON s.session_id = a.session_id
    LEFT JOIN (SELECT session_id, min(event_time) AS placed_at FROM data_playground.global_events
               WHERE event_type = 'order_placed' AND session_id IS NOT NULL GROUP BY session_id) AS o
           ON o.session_id = a.session_id
    """,
    "last_activity IS NULL OR at NOT BETWEEN last_activity + interval '30 minutes' AND last_activity + interval '60 minutes'"
    " OR placed_at <= at OR times > 1"
    " OR left_in_cart IS DISTINCT FROM amount",
    """
    format('cart_abandoned %s of visit %s (%s): ', id, session_id, at) || CASE
        WHEN last_activity IS NULL THEN 'nothing was done in that visit'
        WHEN placed_at <= at THEN format('the visit placed an order at %s', placed_at)
        WHEN times > 1 THEN 'it is told more than once'
        WHEN left_in_cart IS NOT DISTINCT FROM amount THEN format('the last activity was at %s', last_activity)
        ELSE format('it says %s, %s were left in the cart', amount, left_in_cart)
    END
    """,
)
