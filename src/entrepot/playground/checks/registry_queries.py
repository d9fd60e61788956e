"""The registry against the tables: every entity is there once, as what it is, since when it is."""

from entrepot.playground.checks.rules import Rule

#: Table → what the registry calls its rows, and when they were closed.
REGISTERED = {
    "users": ("user", "deactivated_time"),
    "shops": ("user_shop", "deactivated_time"),
    "shop_products": ("shop_product", "NULL"),
    "shop_orders": ("shop_order", "NULL"),
    "shop_order_payments": ("user_payment", "NULL"),
    "invoices": ("user_invoice", "NULL"),
    "invoice_payments": ("user_payment", "NULL"),
    "shop_promotions": ("shop_promotion", "NULL"),
    "shop_reviews": ("shop_review", "NULL"),
    "user_payment_methods": ("user_payment_method", "NULL"),
}

_ROWS = " UNION ALL ".join(
    f"SELECT id, event_time, '{kind}' AS entity_type, '{table}' AS name, CAST({closed} AS timestamptz) AS closed"
    f" FROM data_playground.{table}"
    for table, (kind, closed) in REGISTERED.items()
)

REGISTRY = Rule(
    f"""
    SELECT coalesce(r.event_time, e.event_time) AS at, coalesce(r.id, e.entity_id) AS id, r.id AS row_id, r.event_time AS row_time,
           r.entity_type AS row_type, r.name, r.closed, e.entries, e.event_time, e.entity_type, e.deactivated_time
    FROM ({_ROWS}) AS r
    FULL JOIN (SELECT entity_id, min(event_time) AS event_time, min(entity_type) AS entity_type, count(*) AS entries,
                      max(deactivated_time) AS deactivated_time
               FROM data_playground.global_entities GROUP BY entity_id) AS e ON e.entity_id = r.id
    """,
    "row_id IS NULL AND entity_type <> 'unknown' OR entries IS NULL OR entries > 1 OR entity_type <> row_type"
    " OR event_time <> row_time OR closed IS NOT NULL AND deactivated_time IS DISTINCT FROM closed"
    " OR row_type IN ('user', 'user_shop') AND closed IS NULL AND deactivated_time IS NOT NULL",
    """
    CASE
        WHEN row_id IS NULL THEN format('%s %s (%s): it is registered, and no table has it', entity_type, id, at)
        ELSE format('%s of %s (%s): ', id, name, at) || CASE
            WHEN entries IS NULL THEN 'it is not registered'
            WHEN entries > 1 THEN format('it is registered %s times', entries)
            WHEN entity_type <> row_type THEN format('it is registered as %s', entity_type)
            WHEN event_time <> row_time THEN format('it is registered as of %s', event_time)
            ELSE format('it was closed at %s, the registry says %s', coalesce(CAST(closed AS text), 'no time'),
                        coalesce(CAST(deactivated_time AS text), 'no time'))
        END
    END
    """,
)
