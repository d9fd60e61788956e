"""How things stand: statuses against times, copies against what they were copied from, counts against what they count."""

from entrepot.playground.checks.rules import Rule

ORDER_STATUSES = Rule(
    """
    SELECT event_time AS at, id, order_number, status, processed_time, shipped_time, delivered_time, cancelled_time, returned_time,
           origin
    FROM data_playground.shop_orders
    """,
    """
    (status = 'cancelled') > (cancelled_time IS NOT NULL) OR (status = 'returned') > (returned_time IS NOT NULL)
    OR cancelled_time IS NOT NULL AND status NOT IN ('cancelled', 'refunded')
    OR returned_time IS NOT NULL AND status NOT IN ('returned', 'refunded')
    OR (status = 'processing') > (processed_time IS NOT NULL) OR (status = 'shipped') > (shipped_time IS NOT NULL)
    OR (status = 'delivered') > (delivered_time IS NOT NULL)
    OR status IN ('pending', 'processing') AND coalesce(shipped_time, delivered_time) IS NOT NULL
    OR status = 'shipped' AND delivered_time IS NOT NULL
    OR processed_time < at OR shipped_time < coalesce(processed_time, at) OR delivered_time < coalesce(shipped_time, at)
    OR returned_time < coalesce(delivered_time, at) OR cancelled_time < at
    OR origin = 'simulated' AND ((shipped_time IS NOT NULL) > (processed_time IS NOT NULL)
        OR (delivered_time IS NOT NULL) > (shipped_time IS NOT NULL)
        OR (returned_time IS NOT NULL) > (delivered_time IS NOT NULL))
    OR cancelled_time IS NOT NULL AND shipped_time IS NOT NULL
    """,
    """
    format('order %s (%s): it is %s; ordered %s, packed %s, shipped %s, delivered %s, cancelled %s, returned %s', order_number,
           id, status, at, coalesce(CAST(processed_time AS text), 'never'), coalesce(CAST(shipped_time AS text), 'never'),
           coalesce(CAST(delivered_time AS text), 'never'), coalesce(CAST(cancelled_time AS text), 'never'),
           coalesce(CAST(returned_time AS text), 'never'))
    """,
)

LINES_CANCELLED = Rule(
    """
    SELECT i.event_time AS at, i.id, i.order_id, i.is_cancelled, o.cancelled_time
    FROM data_playground.shop_order_items AS i
    JOIN data_playground.shop_orders AS o ON o.id = i.order_id AND o.event_time = i.order_event_time
    """,
    "is_cancelled <> (cancelled_time IS NOT NULL)",
    "format('line %s of order %s (%s): it is %smarked as cancelled, its order was cancelled %s', id, order_id, at,"
    " CASE WHEN is_cancelled THEN '' ELSE 'not ' END, coalesce(CAST(cancelled_time AS text), 'never'))",
)

PAYMENT_STATUSES = Rule(
    """
    SELECT event_time AS at, id, status, completed_time, 'order' AS what FROM data_playground.shop_order_payments
    UNION ALL
    SELECT event_time, id, status, completed_time, 'invoice' FROM data_playground.invoice_payments
    """,
    "(completed_time IS NULL) <> (status IN ('draft', 'pending', 'processing', 'overdue', 'cancelled'))"
    " AND status <> 'cancelled' OR completed_time < at",
    "format('payment %s of an %s (%s): it is %s, its outcome was known %s', id, what, at, status,"
    " coalesce(CAST(completed_time AS text), 'never'))",
)

ACCOUNT_STATUSES = Rule(
    """
    SELECT event_time AS at, id, 'user' AS what, status, deactivated_time FROM data_playground.users
    UNION ALL
    SELECT event_time, id, 'shop', status, deactivated_time FROM data_playground.shops
    """,
    "status <> (deactivated_time IS NULL) OR deactivated_time < at",
    "format('%s %s (%s): it is %s, and was closed %s', what, id, at, CASE WHEN status THEN 'active' ELSE 'closed' END,"
    " coalesce(CAST(deactivated_time AS text), 'never'))",
)

STATUSES = (ORDER_STATUSES, LINES_CANCELLED, PAYMENT_STATUSES, ACCOUNT_STATUSES)


def _copied(table: str, parent: str, reference: str, pairs: tuple[tuple[str, str], ...]) -> Rule:
    """What a row says of its parent's user, shop and so on is what the parent says."""
    columns = ", ".join(f"c.{mine}, p.{theirs} AS of_{mine}" for mine, theirs in pairs)
    wrong = " OR ".join(f"{mine} IS DISTINCT FROM of_{mine}" for mine, _ in pairs)
    cases = " ".join(
        f"WHEN {mine} IS DISTINCT FROM of_{mine} THEN format('its {mine} is %s, that of the other is %s', {mine}, of_{mine})"
        for mine, _ in pairs
    )
    return Rule(
        f"""
        SELECT c.event_time AS at, c.id, c.{reference}_id AS parent, {columns}
        FROM data_playground.{table} AS c
        JOIN data_playground.{parent} AS p ON p.id = c.{reference}_id AND p.event_time = c.{reference}_event_time
        """,
        wrong,
        f"format('%s of {table}, of %s of {parent} (%s): ', id, parent, at) || CASE {cases} END",
    )


_BOTH = (("user_id", "user_id"), ("shop_id", "shop_id"))
_SHOP = (("shop_id", "shop_id"),)

COPIES = (
    _copied("shop_order_items", "shop_orders", "order", _BOTH),
    _copied("shop_order_items", "shop_products", "product", _SHOP),
    _copied("shop_order_payments", "shop_orders", "order", _BOTH),
    _copied("invoice_payments", "invoices", "invoice", _BOTH),
    _copied("shop_inventory_logs", "shop_products", "product", _SHOP),
    _copied("shop_promotion_usages", "shop_orders", "order", _BOTH),
    _copied("shop_promotion_usages", "shop_promotions", "promotion", _SHOP),
    _copied("shop_reviews", "shop_products", "product", _SHOP),
    _copied("shop_reviews", "shop_orders", "order", _BOTH),
    _copied("shop_review_votes", "shop_reviews", "review", (("author_id", "user_id"),)),
    _copied("shop_order_payments", "user_payment_methods", "payment_method", (("user_id", "user_id"),)),
    _copied("invoice_payments", "user_payment_methods", "payment_method", (("user_id", "user_id"),)),
)

VOTES = Rule(
    """
    SELECT r.event_time AS at, r.id, r.helpful_votes, r.not_helpful_votes, coalesce(v.helpful, 0) AS helpful,
           coalesce(v.not_helpful, 0) AS not_helpful, r.is_verified_purchase, r.order_id
    FROM data_playground.shop_reviews AS r
    LEFT JOIN (SELECT review_id, count(*) FILTER (WHERE is_helpful) AS helpful,
                      count(*) FILTER (WHERE NOT is_helpful) AS not_helpful
               FROM data_playground.shop_review_votes GROUP BY review_id) AS v ON v.review_id = r.id
    """,
    "helpful_votes <> helpful OR not_helpful_votes <> not_helpful",
    "format('review %s (%s): it counts %s helpful votes and %s others, its votes are %s and %s', id, at, helpful_votes,"
    " not_helpful_votes, helpful, not_helpful)",
)

USAGES = Rule(
    """
    SELECT p.event_time AS at, p.id, p.current_usage_count, p.usage_limit_total, p.valid_from, p.valid_until,
           coalesce(u.usages, 0) AS usages, u.first_time, u.last_time
    FROM data_playground.shop_promotions AS p
    LEFT JOIN (SELECT promotion_id, count(*) AS usages, min(event_time) AS first_time, max(event_time) AS last_time
               FROM data_playground.shop_promotion_usages GROUP BY promotion_id) AS u ON u.promotion_id = p.id
    """,
    "current_usage_count <> usages OR usages > usage_limit_total OR first_time < valid_from OR last_time >= valid_until",
    """
    format('promotion %s (%s): ', id, at) || CASE
        WHEN current_usage_count <> usages THEN format('it counts %s uses, there are %s', current_usage_count, usages)
        WHEN usages > usage_limit_total THEN format('it was used %s times, its limit is %s', usages, usage_limit_total)
        ELSE format('it was used from %s to %s, and holds from %s to %s', first_time, last_time, valid_from, valid_until)
    END
    """,
)

DISCOUNTS = Rule(
    """
    SELECT u.event_time AS at, u.id, u.order_id, u.discount_amount, o.discount_amount AS of_order, o.event_time AS ordered,
           sum(u.discount_amount) OVER (PARTITION BY u.order_id) AS taken
    FROM data_playground.shop_promotion_usages AS u
    JOIN data_playground.shop_orders AS o ON o.id = u.order_id AND o.event_time = u.order_event_time
    """,
    "taken > of_order OR at <> ordered",
    """
    format('use %s of a promotion (%s): ', id, at) || CASE
        WHEN at <> ordered THEN format('order %s is of %s', order_id, ordered)
        ELSE format('promotions took %s off order %s, whose discount is %s', taken, order_id, of_order)
    END
    """,
)


def _unique(table: str, what: str, columns: str, *, where: str = "true", time: str = "event_time") -> Rule:
    """No two rows, in whatever partition, have the same values."""
    names = columns.split(", ")
    shown = ", ".join(names)
    return Rule(
        f"""
        SELECT min({time}) AS at, {columns}, count(*) AS times, max({time}) AS last
        FROM {table} WHERE {where} GROUP BY {columns}
        """,
        "times > 1",
        f"format('{what} {' of '.join(['%s'] * len(names))}: it is there %s times, first at %s, last at %s', {shown},"
        " times, at, last)",
        f"at, {columns}",
    )


_PAYMENTS = """
    (SELECT id, event_time, transaction_reference FROM data_playground.shop_order_payments
     UNION ALL SELECT id, event_time, transaction_reference FROM data_playground.invoice_payments) AS payments
"""

UNIQUE = (
    *(
        _unique(f"data_playground.{table}", f"id of {table}", "id")
        for table in (
            "users",
            "shops",
            "shop_products",
            "shop_orders",
            "shop_order_items",
            "invoices",
            "shop_promotions",
            "shop_promotion_usages",
            "shop_reviews",
            "shop_review_votes",
            "shop_inventory_logs",
            "user_payment_methods",
            "request_response_logs",
        )
    ),
    _unique("data_playground.global_events", "id of global_events", "event_id"),
    _unique(_PAYMENTS, "id of a payment", "id"),
    _unique("data_playground.users", "username", "username"),
    _unique("data_playground.shop_products", "SKU", "sku", where="origin = 'simulated'"),
    _unique("data_playground.shop_products", "SKU", "sku, shop_id", where="origin <> 'simulated'"),
    _unique("data_playground.shop_orders", "order number", "order_number", where="origin = 'simulated'"),
    _unique(
        "data_playground.shop_orders", "order number", "order_number, shop_id", where="origin <> 'simulated'"
    ),
    _unique("data_playground.invoices", "invoice number", "invoice_number", where="origin = 'simulated'"),
    _unique(
        "data_playground.invoices", "invoice number", "invoice_number, shop_id", where="origin <> 'simulated'"
    ),
    _unique(
        _PAYMENTS, "transaction reference", "transaction_reference", where="transaction_reference IS NOT NULL"
    ),
    _unique("data_playground.user_payment_methods", "token", "token"),
    _unique(
        "data_playground.shop_promotions",
        "promotion code",
        "promo_code, shop_id",
        where="promo_code IS NOT NULL",
    ),
    _unique("data_playground.shop_review_votes", "vote on review", "review_id, user_id"),
)
