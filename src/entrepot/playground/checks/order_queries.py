"""Orders, their lines, their invoices and their payments: what has to add up."""

from entrepot.playground.checks.rules import Rule

#: Statuses of a payment whose money came in, whatever became of it later.
PAID = "('completed', 'paid', 'refunded', 'partially_refunded')"

LINES = Rule(
    """
    SELECT i.event_time AS at, i.id, i.order_id, i.quantity, i.unit_price, i.subtotal, i.discount_amount, i.total_amount
    FROM data_playground.shop_order_items AS i
    """,
    "subtotal <> quantity * unit_price OR total_amount <> subtotal - discount_amount"
    " OR discount_amount NOT BETWEEN 0 AND subtotal",
    "format('line %s of order %s (%s): %s × %s − %s is not %s − %s = %s', id, order_id, at, quantity, unit_price,"
    " discount_amount, subtotal, discount_amount, total_amount)",
)

ORDERS = Rule(
    """
    SELECT o.event_time AS at, o.id, o.order_number, o.subtotal, o.tax_amount, o.shipping_amount, o.discount_amount,
           o.total_amount, i.lines, i.subtotal AS of_lines, i.discount AS discount_of_lines
    FROM data_playground.shop_orders AS o
    LEFT JOIN (SELECT order_id, order_event_time, count(*) AS lines, sum(subtotal) AS subtotal, sum(discount_amount) AS discount
               FROM data_playground.shop_order_items GROUP BY order_id, order_event_time) AS i
           ON i.order_id = o.id AND i.order_event_time = o.event_time
    """,
    "lines IS NULL OR subtotal <> of_lines OR discount_amount <> discount_of_lines"
    " OR total_amount <> subtotal - discount_amount + tax_amount + shipping_amount",
    """
    format('order %s (%s, %s): ', order_number, id, at) || CASE
        WHEN lines IS NULL THEN 'it has no lines'
        WHEN subtotal <> of_lines THEN format('its lines sum to %s, its subtotal is %s', of_lines, subtotal)
        WHEN discount_amount <> discount_of_lines
            THEN format('the discounts of its lines sum to %s, its discount is %s', discount_of_lines, discount_amount)
        ELSE format('%s − %s + %s + %s is not its total %s', subtotal, discount_amount, tax_amount, shipping_amount,
                    total_amount)
    END
    """,
)

INVOICES = Rule(
    """
    SELECT i.event_time AS at, i.id, i.invoice_number, i.total_amount, i.invoice_amount, i.tax_amount, i.discount_amount,
           o.total_amount AS of_order, o.user_id IS DISTINCT FROM i.user_id OR o.shop_id IS DISTINCT FROM i.shop_id AS strangers,
           i.order_id, i.issue_date, i.due_date, i.payment_term_days
    FROM data_playground.invoices AS i
    LEFT JOIN data_playground.shop_orders AS o ON o.id = i.order_id AND o.event_time = i.order_event_time
    """,
    "total_amount <> invoice_amount + tax_amount - discount_amount"
    " OR order_id IS NOT NULL AND (total_amount IS DISTINCT FROM of_order OR strangers)"
    " OR issue_date <> CAST(at AT TIME ZONE 'UTC' AS date) OR due_date <> issue_date + payment_term_days",
    """
    format('invoice %s (%s, %s): ', invoice_number, id, at) || CASE
        WHEN total_amount <> invoice_amount + tax_amount - discount_amount
            THEN format('%s + %s − %s is not its total %s', invoice_amount, tax_amount, discount_amount, total_amount)
        WHEN order_id IS NOT NULL AND total_amount IS DISTINCT FROM of_order
            THEN format('its total is %s, that of order %s is %s', total_amount, order_id, of_order)
        WHEN order_id IS NOT NULL AND strangers THEN format('order %s is of another user or shop', order_id)
        WHEN issue_date <> CAST(at AT TIME ZONE 'UTC' AS date) THEN format('its day of issue is %s', issue_date)
        ELSE format('%s + %s days is not %s', issue_date, payment_term_days, due_date)
    END
    """,
)

# An order on invoice terms is packed before it is paid; any other one once its payments reach its total.
ORDER_PAYMENTS = Rule(
    f"""
    SELECT o.event_time AS at, o.id, o.order_number, o.total_amount, o.status, o.processed_time,
           i.id IS NOT NULL AS invoiced, coalesce(p.paid, 0) AS paid, p.last_time, p.attempts, o.origin
    FROM data_playground.shop_orders AS o
    LEFT JOIN (SELECT order_id, order_event_time, count(*) AS attempts, sum(amount) FILTER (WHERE status IN {PAID}) AS paid,
                      max(completed_time) FILTER (WHERE status IN {PAID}) AS last_time
               FROM data_playground.shop_order_payments GROUP BY order_id, order_event_time) AS p
           ON p.order_id = o.id AND p.order_event_time = o.event_time
    LEFT JOIN (SELECT DISTINCT order_id AS id FROM data_playground.invoices) AS i ON i.id = o.id
    """,
    "paid > total_amount OR invoiced AND attempts > 0"
    " OR NOT invoiced AND (origin = 'simulated' OR attempts > 0)"
    " AND (processed_time IS NOT NULL AND (paid < total_amount OR processed_time < last_time)"
    " OR processed_time IS NULL AND status IN ('processing', 'shipped', 'delivered', 'returned')"
    " OR status = 'pending' AND paid >= total_amount)",
    """
    format('order %s (%s, %s): ', order_number, id, at) || CASE
        WHEN paid > total_amount THEN format('%s were paid, more than its total %s', paid, total_amount)
        WHEN invoiced AND attempts > 0 THEN 'it is on invoice and was paid for directly too'
        WHEN processed_time < last_time THEN format('it was packed at %s, before it was paid at %s', processed_time, last_time)
        WHEN processed_time IS NULL AND status <> 'pending' THEN format('it is %s and has no time of packing', status)
        ELSE format('it is %s, and %s of %s were paid', status, paid, total_amount)
    END
    """,
)

INVOICE_PAYMENTS = Rule(
    f"""
    SELECT i.event_time AS at, i.id, i.invoice_number, i.total_amount, i.status, coalesce(p.paid, 0) AS paid,
           coalesce(p.refunded, 0) AS refunded
    FROM data_playground.invoices AS i
    LEFT JOIN (SELECT invoice_id, invoice_event_time, sum(amount) FILTER (WHERE status IN {PAID}) AS paid,
                      sum(refunded_amount) AS refunded
               FROM data_playground.invoice_payments GROUP BY invoice_id, invoice_event_time) AS p
           ON p.invoice_id = i.id AND p.invoice_event_time = i.event_time
    """,
    "paid > total_amount"
    " OR (paid >= total_amount AND total_amount > 0) <> (status IN ('paid', 'completed', 'refunded', 'partially_refunded'))"
    " AND status <> 'cancelled'"
    " OR (status = 'partially_paid') > (paid > 0 AND paid < total_amount)",
    "format('invoice %s (%s, %s): it is %s, and %s of %s were paid', invoice_number, id, at, status, paid, total_amount)",
)

REFUNDED = Rule(
    """
    SELECT p.event_time AS at, p.id, p.amount, p.refunded_amount, p.status, coalesce(e.refunded, 0) AS said
    FROM (SELECT event_time, id, amount, refunded_amount, status FROM data_playground.shop_order_payments
          UNION ALL
          SELECT event_time, id, amount, refunded_amount, status FROM data_playground.invoice_payments) AS p
    LEFT JOIN (SELECT caller_entity_id, sum(amount) AS refunded FROM data_playground.global_events
               WHERE event_type = 'payment_refunded' GROUP BY caller_entity_id) AS e ON e.caller_entity_id = p.id
    """,
    "refunded_amount > amount OR refunded_amount <> said"
    " OR (refunded_amount > 0) <> (status IN ('refunded', 'partially_refunded'))"
    " OR (status = 'refunded') > (refunded_amount = amount)"
    " OR (status = 'partially_refunded') > (refunded_amount < amount)",
    """
    format('payment %s (%s): ', id, at) || CASE
        WHEN refunded_amount <> said THEN format('%s were paid back, its events say %s', refunded_amount, said)
        ELSE format('it is %s, and %s of %s were paid back', status, refunded_amount, amount)
    END
    """,
)

REFUND_PARTS = Rule(
    """
    SELECT e.event_time AS at, e.event_id AS id, e.amount, e.net_amount, e.quantity, i.id AS item_id, i.quantity AS ordered,
           i.total_amount, e.product_id, i.product_id AS of_item, i.is_refunded,
           sum(e.quantity) OVER (PARTITION BY i.id) AS units, sum(e.net_amount) OVER (PARTITION BY i.id) AS net
    FROM data_playground.global_events AS e
    LEFT JOIN data_playground.shop_order_items AS i ON i.id = CAST(e.event_metadata ->> 'order_item_id' AS uuid)
    WHERE e.event_type = 'payment_refunded'
    """,
    "item_id IS NULL OR product_id IS DISTINCT FROM of_item OR units > ordered OR net > total_amount OR NOT is_refunded"
    " OR net_amount > amount",
    """
    format('refund %s (%s): ', id, at) || CASE
        WHEN item_id IS NULL THEN 'it names no line of an order'
        WHEN product_id IS DISTINCT FROM of_item THEN format('line %s is of another product', item_id)
        WHEN units > ordered THEN format('%s units of line %s were paid back, %s were ordered', units, item_id, ordered)
        WHEN net > total_amount THEN format('%s of line %s were paid back, it cost %s', net, item_id, total_amount)
        WHEN net_amount > amount THEN format('%s of goods are more than %s in all', net_amount, amount)
        ELSE format('line %s is not marked as refunded', item_id)
    END
    """,
)

REFUNDED_LINES = Rule(
    """
    SELECT i.event_time AS at, i.id, i.order_id
    , i.is_refunded, e.item_id
    FROM data_playground.shop_order_items AS i
    LEFT JOIN (SELECT DISTINCT CAST(event_metadata ->> 'order_item_id' AS uuid) AS item_id
               FROM data_playground.global_events WHERE event_type = 'payment_refunded') AS e ON e.item_id = i.id
    WHERE i.is_refunded
    """,
    "item_id IS NULL",
    "format('line %s of order %s (%s): it is marked as refunded, and no payment was paid back', id, order_id, at)",
)
