"""Events against the rows that they tell of: each thing that happened is told once, at its time."""

from entrepot.playground.checks.rules import Rule


def told(
    *types: str,
    rows: str,
    what: str,
    amount: bool = False,
    by: str = "caller_entity_id",
    complete: bool = True,
) -> Rule:
    """Each row has exactly one event of these types, at its time, of its user and shop and about its amount.

    `rows` gives id, at, user_id, shop_id, amount and origin; `by` is the column of the event that names the row. Where
    it is not `complete`, an event may tell of what the rows no longer show.
    """
    listed = ", ".join(f"'{one}'" for one in types)
    words = " or ".join(types)
    differs = "event_amount IS DISTINCT FROM amount" if amount else "false"
    lost = "row_id IS NULL OR " if complete else "row_id IS NOT NULL AND ("
    return Rule(
        f"""
        SELECT coalesce(r.at, e.at) AS at, coalesce(r.id, e.id) AS id, r.id AS row_id, r.at AS row_at, e.at AS event_at, e.events,
               e.amount AS event_amount, r.amount, r.origin,
               r.user_id IS NOT NULL AND r.user_id IS DISTINCT FROM e.user_id
               OR r.shop_id IS NOT NULL AND r.shop_id IS DISTINCT FROM e.shop_id AS strangers
        FROM ({rows}) AS r
        FULL JOIN (SELECT {by} AS id, min(event_time) AS at, count(*) AS events, min(amount) AS amount,
                          any_value(user_id) AS user_id, any_value(shop_id) AS shop_id
                   FROM data_playground.global_events WHERE event_type IN ({listed}) GROUP BY {by}) AS e ON e.id = r.id
        """,
        f"{lost}events IS NULL AND origin = 'simulated' OR events > 1"
        f" OR events IS NOT NULL AND (event_at <> row_at OR strangers OR {differs})"
        + ("" if complete else ")"),
        f"""
        CASE
            WHEN row_id IS NULL THEN format('{words} of %s (%s): there is no such {what}', id, at)
            ELSE format('{what} %s (%s): ', id, at) || CASE
                WHEN events IS NULL THEN 'no {words} tells of it'
                WHEN events > 1 THEN format('{words} tells of it %s times', events)
                WHEN event_at <> row_at THEN format('{words} is at %s, its own time is %s', event_at, row_at)
                WHEN strangers THEN '{words} names another user or shop'
                ELSE format('{words} says %s, its own amount is %s', event_amount, amount)
            END
        END
        """,
    )


def _of_orders(time: str) -> str:
    return f"""
        SELECT id, {time} AS at, user_id, shop_id, total_amount AS amount, origin
        FROM data_playground.shop_orders WHERE {time} IS NOT NULL
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
        "payment_completed",
        rows=_of_payments("IN ('completed', 'paid', 'refunded', 'partially_refunded')"),
        what="payment",
        amount=True,
    ),
    told("payment_failed", rows=_of_payments("= 'failed'"), what="payment", amount=True),
)

REVIEWS = (
    told(
        "review_submitted",
        rows="SELECT id, event_time AS at, user_id, shop_id, NULL::numeric AS amount, origin FROM data_playground.shop_reviews",
        what="review",
    ),
)

#: Type of event → table whose rows it tells of the beginning of, and the column of the event that names the row.
BEGINNINGS = {
    "user_registered": ("users", "user", "user_id"),
    "shop_opened": ("shops", "shop", "shop_id"),
    "product_listed": ("shop_products", "product", "product_id"),
}

ENTITIES = tuple(
    told(
        event,
        rows=f"""
            SELECT id, event_time AS at, NULL::uuid AS user_id, NULL::uuid AS shop_id, NULL::numeric AS amount, origin
            FROM data_playground.{table}
        """,
        what=what,
        by=by,
    )
    for event, (table, what, by) in BEGINNINGS.items()
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
