"""What a shop's home page shows: its figures, what is low in stock, what sells best.

A refresh spans all shops, so one shop's odd value must not stop it: whatever comes out of JSON is cast only where the
cast is known to succeed.
"""

from entrepot.kit.db.views import MaterializedView, declare

shop_summary = MaterializedView(
    schema="pim",
    name="mv_shop_summary",
    comment="The figures of every shop's home page.",
    tenant="shop_id",
    schedule="0 * * * *",
    unique=("idx_mv_shop_summary_pk", ("shop_id",)),
    columns={
        "shop_id": "Tenant",
        "shopify_domain": "Permanent domain of the shop",
        "total_products": "Products that are active",
        "total_variants": "Variants",
        "total_collections": "Collections",
        "total_orders": "Orders",
        "total_revenue": "Sum of the orders, each counted once",
        "total_customers": "Customers",
        "last_product_sync": "When an active product was last read from Shopify",
        "last_order_sync": "When an order was last read from Shopify",
    },
    query="""
        WITH products AS (
            SELECT shop_id, count(*) AS total, max(synced_at) AS last_sync
            FROM pim.shopify_products
            WHERE status = 'ACTIVE'
            GROUP BY shop_id
        ),
        variants AS (
            SELECT shop_id, count(*) AS total FROM pim.shopify_variants GROUP BY shop_id
        ),
        collections AS (
            SELECT shop_id, count(*) AS total FROM pim.shopify_collections GROUP BY shop_id
        ),
        orders AS (
            SELECT shop_id, count(*) AS total, sum(total_price) AS revenue, max(synced_at) AS last_sync
            FROM pim.shopify_orders
            GROUP BY shop_id
        ),
        customers AS (
            SELECT shop_id, count(*) AS total FROM pim.shopify_customers GROUP BY shop_id
        )
        SELECT
            shops.id AS shop_id,
            shops.shopify_domain,
            coalesce(products.total, 0) AS total_products,
            coalesce(variants.total, 0) AS total_variants,
            coalesce(collections.total, 0) AS total_collections,
            coalesce(orders.total, 0) AS total_orders,
            coalesce(orders.revenue, 0) AS total_revenue,
            coalesce(customers.total, 0) AS total_customers,
            products.last_sync AS last_product_sync,
            orders.last_sync AS last_order_sync
        FROM pim.shops
        LEFT JOIN products ON products.shop_id = shops.id
        LEFT JOIN variants ON variants.shop_id = shops.id
        LEFT JOIN collections ON collections.shop_id = shops.id
        LEFT JOIN orders ON orders.shop_id = shops.id
        LEFT JOIN customers ON customers.shop_id = shops.id
    """,
)

low_stock_alerts = MaterializedView(
    schema="pim",
    name="mv_low_stock_alerts",
    comment="Variants of active products whose stock has fallen to the product's threshold (5 where it sets none).",
    tenant="shop_id",
    schedule="*/15 * * * *",
    unique=("idx_mv_low_stock_alerts_pk", ("shop_id", "variant_id")),
    indexes=(
        ("idx_mv_low_stock_shop", "shop_id"),
        ("idx_mv_low_stock_qty", "inventory_quantity"),
    ),
    columns={
        "shop_id": "Tenant",
        "variant_id": "Variant",
        "product_id": "Product",
        "sku": "SKU of the variant",
        "variant_title": "Name of the variant",
        "product_title": "Name of the product",
        "inventory_quantity": "Units in stock",
        "threshold": "Units at which it counts as low: the product's metafield low_stock_threshold, or 5",
    },
    query="""
        SELECT
            v.shop_id,
            v.id AS variant_id,
            v.product_id,
            v.sku,
            v.title AS variant_title,
            p.title AS product_title,
            v.inventory_quantity,
            t.threshold
        FROM pim.shopify_variants AS v
        JOIN pim.shopify_products AS p ON p.id = v.product_id AND p.shop_id = v.shop_id
        CROSS JOIN LATERAL (
            SELECT coalesce(
                p.metafields #>> '{custom.low_stock_threshold,value}',
                p.metafields ->> 'low_stock_threshold'
            ) AS value
        ) AS m
        CROSS JOIN LATERAL (
            SELECT CASE WHEN pg_input_is_valid(m.value, 'integer') THEN m.value::integer ELSE 5 END AS threshold
        ) AS t
        WHERE v.inventory_quantity <= t.threshold
          AND v.inventory_quantity >= 0
          AND p.status = 'ACTIVE'
    """,
)

top_sellers = MaterializedView(
    schema="pim",
    name="mv_top_sellers",
    comment="Products by revenue in paid orders of the last 30 days, per shop.",
    tenant="shop_id",
    schedule="0 3 * * *",
    unique=("idx_mv_top_sellers_pk", ("shop_id", "product_id")),
    indexes=(
        ("idx_mv_top_sellers_shop", "shop_id"),
        ("idx_mv_top_sellers_rank", "shop_id, revenue_rank"),
    ),
    columns={
        "shop_id": "Tenant",
        "product_id": "Product",
        "product_title": "Name of the product",
        "units_sold": "Units sold",
        "revenue": "Units sold times their prices",
        "variants_sold": "Variants of the product that were sold",
        "revenue_rank": "Rank by revenue in the shop; 1 is the best",
    },
    query="""
        WITH order_items AS (
            SELECT
                o.shop_id,
                CASE WHEN pg_input_is_valid(item ->> 'variant_id', 'uuid')
                    THEN (item ->> 'variant_id')::uuid END AS variant_id,
                CASE WHEN pg_input_is_valid(item ->> 'quantity', 'integer')
                    THEN (item ->> 'quantity')::integer END AS quantity,
                CASE WHEN pg_input_is_valid(item ->> 'price', 'numeric')
                    THEN (item ->> 'price')::numeric END AS price
            FROM pim.shopify_orders AS o
            CROSS JOIN LATERAL jsonb_array_elements(
                CASE WHEN jsonb_typeof(o.line_items) = 'array' THEN o.line_items ELSE '[]' END
            ) AS item
            WHERE o.created_at_shopify >= now() - interval '30 days'
              AND o.financial_status IN ('PAID', 'PARTIALLY_REFUNDED')
        )
        SELECT
            i.shop_id,
            v.product_id,
            p.title AS product_title,
            sum(i.quantity) AS units_sold,
            sum(i.quantity * i.price) AS revenue,
            count(DISTINCT i.variant_id) AS variants_sold,
            rank() OVER (PARTITION BY i.shop_id ORDER BY sum(i.quantity * i.price) DESC) AS revenue_rank
        FROM order_items AS i
        JOIN pim.shopify_variants AS v ON v.id = i.variant_id AND v.shop_id = i.shop_id
        JOIN pim.shopify_products AS p ON p.id = v.product_id AND p.shop_id = v.shop_id
        GROUP BY i.shop_id, v.product_id, p.title
    """,
)

declare(shop_summary, low_stock_alerts, top_sellers)
