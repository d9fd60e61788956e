"""The SQL of a shop's figures, as its home page shows them. Row security names the shop."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession


async def select_figures(session: AsyncSession, *, days: int) -> RowMapping:
    """What the shop holds now, and what it sold in the last days and in as many before."""
    query = """
        WITH products AS (
            SELECT count(*) AS products, count(*) FILTER (WHERE status = 'ACTIVE') AS active_products
            FROM pim.shopify_products
        ),
        variants AS (
            SELECT count(*) AS variants, coalesce(sum(inventory_quantity) FILTER (WHERE inventory_quantity > 0), 0) AS units
            FROM pim.shopify_variants
        ),
        customers AS (
            SELECT count(*) AS customers,
                   count(*) FILTER (WHERE created_at_shopify >= now() - make_interval(days => :days)) AS new_customers
            FROM pim.shopify_customers
        ),
        orders AS (
            SELECT count(*) FILTER (WHERE recent) AS orders, count(*) FILTER (WHERE NOT recent) AS orders_before,
                   coalesce(sum(total_price) FILTER (WHERE recent), 0) AS revenue,
                   coalesce(sum(total_price) FILTER (WHERE NOT recent), 0) AS revenue_before
            FROM (
                SELECT total_price, created_at_shopify >= now() - make_interval(days => :days) AS recent
                FROM pim.shopify_orders
                WHERE cancelled_at IS NULL AND created_at_shopify >= now() - make_interval(days => 2 * :days)
                  AND created_at_shopify <= now()
            ) AS sold
        )
        SELECT * FROM products, variants, customers, orders
    """
    return (await session.execute(text(query), {"days": days})).mappings().one()


async def select_days(session: AsyncSession, *, days: int, timezone: str) -> Sequence[RowMapping]:
    """Orders and revenue of each of the last days, today last, by the shop's clocks; days without orders too."""
    query = """
        WITH calendar AS (
            SELECT day::date AS day
            FROM generate_series(
                (now() AT TIME ZONE :timezone)::date - (:days - 1), (now() AT TIME ZONE :timezone)::date, interval '1 day'
            ) AS day
        ),
        sold AS (
            SELECT (created_at_shopify AT TIME ZONE :timezone)::date AS day, count(*) AS orders, sum(total_price) AS revenue
            FROM pim.shopify_orders
            WHERE cancelled_at IS NULL AND created_at_shopify >= now() - make_interval(days => :days + 1)
            GROUP BY 1
        )
        SELECT calendar.day, coalesce(sold.orders, 0) AS orders, coalesce(sold.revenue, 0) AS revenue
        FROM calendar LEFT JOIN sold USING (day)
        ORDER BY calendar.day
    """
    return (await session.execute(text(query), {"days": days, "timezone": timezone})).mappings().all()


async def select_gaps(session: AsyncSession) -> RowMapping:
    """What active products lack, in the words of the product list's filter."""
    query = """
        SELECT
            (SELECT count(*) FROM pim.shopify_products AS p
             WHERE p.status = 'ACTIVE' AND p.featured_image_url IS NULL
               AND NOT EXISTS (SELECT FROM pim.shopify_product_media AS pm WHERE pm.product_id = p.id)) AS image,
            variants.sku, variants.stock,
            (SELECT count(DISTINCT product_id) FROM pim.mv_low_stock_alerts WHERE inventory_quantity > 0) AS low
        FROM (
            SELECT count(DISTINCT p.id) FILTER (WHERE coalesce(v.sku, '') = '') AS sku,
                   count(DISTINCT p.id) FILTER (WHERE v.inventory_quantity <= 0 AND v.inventory_policy = 'DENY') AS stock
            FROM pim.shopify_products AS p
            JOIN pim.shopify_variants AS v ON v.product_id = p.id AND v.shop_id = p.shop_id
            WHERE p.status = 'ACTIVE'
        ) AS variants
    """
    return (await session.execute(text(query))).mappings().one()


async def select_top_sellers(session: AsyncSession, *, limit: int) -> Sequence[RowMapping]:
    """The products that brought most in the last 30 days, as of the last refresh."""
    query = """
        SELECT product_id, product_title, units_sold, revenue
        FROM pim.mv_top_sellers
        ORDER BY revenue_rank, product_id
        LIMIT :limit
    """
    return (await session.execute(text(query), {"limit": limit})).mappings().all()
