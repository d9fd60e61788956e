"""Every statement that reads what Mirakl accounts sold and were asked, as entrepot_system, for facts."""

from sqlalchemy import text

ACCOUNTS = text(
    """
    SELECT account.id, account.marketplace, account.time_zone, account.created_at,
           (SELECT min(sold.order_created_at) FROM mirakl.orders AS sold WHERE sold.account_id = account.id) AS oldest
    FROM mirakl.accounts AS account
    WHERE account.id = ANY (CAST(:ids AS uuid[])) ORDER BY account.id
    """
)
ORDERS = text(
    """
    SELECT sold.account_id, sold.order_id, sold.currency_code, sold.shipping_price, sold.shipping_address,
           sold.order_created_at, customer.mirakl_customer_id,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'line', line.order_line_id, 'sku', line.sku, 'title', line.product_title,
                       'product', variant.internal_sku, 'quantity', line.quantity,
                       'price', CAST(line.price AS text), 'taxes', CAST(line.taxes AS text))
                   ORDER BY line.order_line_id), '[]')
            FROM mirakl.order_lines AS line
            LEFT JOIN mirakl.product_variants AS variant
                   ON variant.account_id = line.account_id AND variant.variant_id = line.variant_id
            WHERE line.account_id = sold.account_id AND line.order_id = sold.order_id) AS lines,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('status', step.status, 'time', step.timestamp)
                                      ORDER BY step.step), '[]')
            FROM mirakl.order_status_history AS step
            WHERE step.account_id = sold.account_id AND step.order_id = sold.order_id) AS steps
    FROM mirakl.orders AS sold
    JOIN unnest(CAST(:accounts AS uuid[]), CAST(:orders AS text[])) AS wanted (account_id, order_id)
      ON wanted.account_id = sold.account_id AND wanted.order_id = sold.order_id
    LEFT JOIN mirakl.customers AS customer
           ON customer.account_id = sold.account_id AND customer.id = sold.customer_id
    ORDER BY sold.order_created_at, sold.order_id
    """
)
MESSAGES = text(
    """
    SELECT message.account_id, message.id, message.sender_type, message.message_type, message.sent_at,
           message.created_at, conversation.order_id, customer.mirakl_customer_id
    FROM mirakl.messages AS message
    JOIN mirakl.conversations AS conversation
      ON conversation.account_id = message.account_id AND conversation.id = message.conversation_id
    LEFT JOIN mirakl.customers AS customer
           ON customer.account_id = conversation.account_id AND customer.id = conversation.customer_id
    WHERE message.id = ANY (CAST(:ids AS uuid[])) ORDER BY message.id
    """
)
