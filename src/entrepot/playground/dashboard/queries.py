"""The SQL of the overview. Figures of all origins are read from the metrics; those of some of them from the facts.

Every statement is bounded by `event_time`, so that it opens the partitions of its range and no others.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.dashboard.ranges import Grain, Range

Origin = Literal["all", "simulated", "real"]

#: Suffix of the metrics tables.
SUFFIX: dict[Grain, str] = {"hour": "hourly", "day": "daily"}
#: Whose facts count, as a condition on the table `f`.
OF_ORIGIN: dict[Origin, str] = {
    "all": "",
    "simulated": "AND f.origin = 'simulated'",
    "real": "AND f.origin <> 'simulated'",
}
#: Beginning of a fact's bucket in UTC, whatever the session's time zone.
BUCKET = "date_bin(CAST(:step AS interval), f.event_time, TIMESTAMPTZ '2000-01-01 00:00:00+00')"
#: What happens so often that its first and its last tell when the world began and what time it is there.
SIGNS = (
    "user_registered",
    "shop_opened",
    "user_logged_in",
    "product_viewed",
    "order_placed",
    "payment_completed",
    "order_delivered",
)


def bounds(over: Range, *, with_before: bool = True) -> dict[str, Any]:
    """The parameters of a range: `low` is where reading begins, with the period before or without it."""
    return {
        "low": over.previous.start if with_before else over.start,
        "start": over.start,
        "end": over.end,
        "step": "1 hour" if over.grain == "hour" else "1 day",
    }


async def select_span(session: AsyncSession, origin: Origin) -> tuple[datetime, datetime] | None:
    """When the first and the last fact happened; None for a warehouse without facts."""
    query = f"""
        SELECT min(ends.first) AS first, max(ends.last) AS last
        FROM unnest(CAST(:signs AS text[])) AS sign (event_type)
        CROSS JOIN LATERAL (
            SELECT (SELECT f.event_time FROM data_playground.global_events AS f
                    WHERE f.event_type = sign.event_type {OF_ORIGIN[origin]} ORDER BY f.event_time LIMIT 1) AS first,
                   (SELECT f.event_time FROM data_playground.global_events AS f
                    WHERE f.event_type = sign.event_type {OF_ORIGIN[origin]} ORDER BY f.event_time DESC LIMIT 1) AS last
        ) AS ends
    """
    row = (await session.execute(text(query), {"signs": list(SIGNS)})).mappings().one()
    return None if row["first"] is None else (row["first"], row["last"])


async def select_sales(
    session: AsyncSession, over: Range, origin: Origin, *, with_before: bool = True
) -> Sequence[RowMapping]:
    """Orders, revenue, refunds and reviews a bucket; `stars` is the sum of the reviews' ratings."""
    if origin == "all":
        query = f"""
            SELECT f.event_time AS bucket, sum(f.orders_received_count) AS orders, sum(f.gross_revenue) AS gross,
                   sum(f.net_revenue) AS net, sum(f.total_refunds_amount) AS refunds,
                   sum(f.reviews_received_count) AS reviews,
                   sum(f.avg_rating_received * f.reviews_received_count) AS stars
            FROM data_playground.shop_metrics_{SUFFIX[over.grain]} AS f
            WHERE f.event_time >= :low AND f.event_time < :end
            GROUP BY 1
        """
    else:
        query = f"""
            SELECT bucket, sum(orders) AS orders, sum(gross) AS gross, sum(net) AS net, sum(refunds) AS refunds,
                   sum(reviews) AS reviews, sum(stars) AS stars
            FROM (
                SELECT {BUCKET} AS bucket, count(*) AS orders, sum(f.subtotal) AS gross,
                       sum(f.subtotal - f.discount_amount) AS net, 0 AS refunds, 0 AS reviews, 0 AS stars
                FROM data_playground.shop_orders AS f
                WHERE f.event_time >= :low AND f.event_time < :end {OF_ORIGIN[origin]}
                GROUP BY 1
                UNION ALL
                SELECT {BUCKET}, 0, 0, -sum(f.net_amount), sum(f.amount), 0, 0
                FROM data_playground.global_events AS f
                WHERE f.event_type = 'payment_refunded' AND f.event_time >= :low AND f.event_time < :end
                      {OF_ORIGIN[origin]}
                GROUP BY 1
                UNION ALL
                SELECT {BUCKET}, 0, 0, 0, 0, count(*), sum(f.rating)
                FROM data_playground.shop_reviews AS f
                WHERE f.status = 'approved' AND f.event_time >= :low AND f.event_time < :end {OF_ORIGIN[origin]}
                GROUP BY 1
            ) AS parts
            GROUP BY 1
        """
    return await _rows(session, query, bounds(over, with_before=with_before))


async def select_behavior(
    session: AsyncSession, over: Range, origin: Origin, *, with_before: bool = True
) -> Sequence[RowMapping]:
    """Payments that went well and that failed, and abandoned carts, a bucket; of one origin, products run out too."""
    if origin == "all":
        query = f"""
            SELECT f.event_time AS bucket, sum(f.successful_payments_count) AS paid,
                   sum(f.failed_payments_count) AS failed, sum(f.cart_abandonment_count) AS abandoned
            FROM data_playground.user_metrics_{SUFFIX[over.grain]} AS f
            WHERE f.event_time >= :low AND f.event_time < :end
            GROUP BY 1
        """
    else:
        query = f"""
            SELECT {BUCKET} AS bucket, count(*) FILTER (WHERE f.event_type = 'payment_completed') AS paid,
                   count(*) FILTER (WHERE f.event_type = 'payment_failed') AS failed,
                   count(*) FILTER (WHERE f.event_type = 'cart_abandoned') AS abandoned,
                   count(*) FILTER (WHERE f.event_type = 'product_out_of_stock') AS ran_out
            FROM data_playground.global_events AS f
            WHERE f.event_type IN ('payment_completed', 'payment_failed', 'cart_abandoned', 'product_out_of_stock')
              AND f.event_time >= :low AND f.event_time < :end {OF_ORIGIN[origin]}
            GROUP BY 1
        """
    return await _rows(session, query, bounds(over, with_before=with_before))


async def select_stock_outs(
    session: AsyncSession, over: Range, *, with_before: bool = True
) -> Sequence[RowMapping]:
    """Products that were out of stock and for how many minutes, a bucket; of all origins, as the metrics are.

    Two more rows have no bucket: how many different products it was in the range (`present`) and in the period before,
    which buckets do not tell.
    """
    query = f"""
        SELECT bucket, present, count(DISTINCT product_id) AS products, sum(minutes) AS minutes
        FROM (
            SELECT f.event_time AS bucket, f.event_time >= :start AS present, f.product_id,
                   f.time_out_of_stock_minutes AS minutes
            FROM data_playground.shop_product_metrics_{SUFFIX[over.grain]} AS f
            WHERE f.event_time >= :low AND f.event_time < :end AND f.time_out_of_stock_minutes > 0
        ) AS lacks
        GROUP BY GROUPING SETS ((bucket), (present))
    """
    return await _rows(session, query, bounds(over, with_before=with_before))


async def select_answers(
    session: AsyncSession, over: Range, origin: Origin, *, with_before: bool = True
) -> Sequence[RowMapping]:
    """Requests a bucket: how many, how many failed (5xx), median and 95th percentile of their milliseconds.

    Two more rows have no bucket: those of the range (`present`) and of the period before, since percentiles of buckets
    do not add up to theirs.
    """
    query = f"""
        SELECT bucket, present, count(*) AS requests, count(*) FILTER (WHERE failed) AS errors,
               percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY milliseconds) AS times
        FROM (
            SELECT {BUCKET} AS bucket, f.event_time >= :start AS present, f.status_code >= 500 AS failed,
                   CAST(f.duration_ms AS float8) AS milliseconds
            FROM data_playground.request_response_logs AS f
            WHERE f.event_time >= :low AND f.event_time < :end {OF_ORIGIN[origin]}
        ) AS answers
        GROUP BY GROUPING SETS ((bucket), (present))
    """
    return await _rows(session, query, bounds(over, with_before=with_before))


async def select_top_shops(
    session: AsyncSession, over: Range, origin: Origin, *, limit: int = 8
) -> Sequence[RowMapping]:
    """The shops that sold most in the range, with what they sold in the period before."""
    if origin == "all":
        source = f"data_playground.shop_metrics_{SUFFIX[over.grain]} AS f"
        revenue, orders = "f.gross_revenue", "sum(f.orders_received_count)"
    else:
        source, revenue, orders = "data_playground.shop_orders AS f", "f.subtotal", "count(*)"
    query = f"""
        WITH top AS (
            SELECT f.shop_id, f.shop_event_time, sum({revenue}) FILTER (WHERE f.event_time >= :start) AS revenue,
                   sum({revenue}) FILTER (WHERE f.event_time < :start) AS before,
                   {orders} FILTER (WHERE f.event_time >= :start) AS orders
            FROM {source}
            WHERE f.event_time >= :low AND f.event_time < :end {OF_ORIGIN[origin] if origin != "all" else ""}
            GROUP BY 1, 2
            HAVING sum({revenue}) FILTER (WHERE f.event_time >= :start) > 0
            ORDER BY revenue DESC, f.shop_id
            LIMIT :limit
        )
        SELECT s.id, s.name, s.category, top.revenue, top.before, top.orders
        FROM top
        JOIN data_playground.shops AS s ON s.id = top.shop_id AND s.event_time = top.shop_event_time
        ORDER BY top.revenue DESC, s.id
    """
    return await _rows(session, query, bounds(over) | {"limit": limit})


async def select_top_products(
    session: AsyncSession, over: Range, origin: Origin, *, limit: int = 8
) -> Sequence[RowMapping]:
    """The products that sold most in the range, with what they sold in the period before."""
    if origin == "all":
        source = f"data_playground.shop_product_metrics_{SUFFIX[over.grain]} AS f"
        sales, units = "f.gross_sales", "f.units_sold"
    else:
        source, sales, units = "data_playground.shop_order_items AS f", "f.subtotal", "f.quantity"
    query = f"""
        WITH top AS (
            SELECT f.product_id, f.product_event_time, sum({sales}) FILTER (WHERE f.event_time >= :start) AS revenue,
                   sum({sales}) FILTER (WHERE f.event_time < :start) AS before,
                   sum({units}) FILTER (WHERE f.event_time >= :start) AS units
            FROM {source}
            WHERE f.event_time >= :low AND f.event_time < :end AND {units} > 0
                  {OF_ORIGIN[origin] if origin != "all" else ""}
            GROUP BY 1, 2
            HAVING sum({sales}) FILTER (WHERE f.event_time >= :start) > 0
            ORDER BY revenue DESC, f.product_id
            LIMIT :limit
        )
        SELECT p.id, p.name, p.sku, p.status, top.revenue, top.before, top.units
        FROM top
        JOIN data_playground.shop_products AS p ON p.id = top.product_id AND p.event_time = top.product_event_time
        ORDER BY top.revenue DESC, p.id
    """
    return await _rows(session, query, bounds(over) | {"limit": limit})


async def select_top_users(session: AsyncSession, over: Range, *, limit: int = 8) -> Sequence[RowMapping]:
    """The users who ordered most in the range, of all origins."""
    query = f"""
        WITH top AS (
            SELECT f.user_id, f.user_event_time, sum(f.total_order_amount) AS amount,
                   sum(f.orders_placed_count) AS orders
            FROM data_playground.user_metrics_{SUFFIX[over.grain]} AS f
            WHERE f.event_time >= :start AND f.event_time < :end AND f.orders_placed_count > 0
            GROUP BY 1, 2
            ORDER BY amount DESC, f.user_id
            LIMIT :limit
        )
        SELECT u.id, u.username, u.country, top.amount, top.orders
        FROM top
        JOIN data_playground.users AS u ON u.id = top.user_id AND u.event_time = top.user_event_time
        ORDER BY top.amount DESC, u.id
    """
    return await _rows(session, query, bounds(over, with_before=False) | {"limit": limit})


async def select_event_counts(session: AsyncSession, over: Range, origin: Origin) -> Sequence[RowMapping]:
    """How often what happened in the range."""
    query = f"""
        SELECT f.event_type, count(*) AS count
        FROM data_playground.global_events AS f
        WHERE f.event_time >= :start AND f.event_time < :end {OF_ORIGIN[origin]}
        GROUP BY 1
        ORDER BY 2 DESC, 1
    """
    return await _rows(session, query, bounds(over, with_before=False))


async def _rows(session: AsyncSession, query: str, parameters: Mapping[str, Any]) -> Sequence[RowMapping]:
    return (await session.execute(text(query), dict(parameters))).mappings().all()
