"""What the warehouse shows of the simulated world up to its end, to be held against what the simulator knows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_WORLD = text(
    """
    SELECT r.settings, (SELECT coalesce(jsonb_agg(p.truth ORDER BY p.number), '[]') FROM data_playground.world_parts AS p
                        WHERE p.run_id = r.id AND p.truth IS NOT NULL) AS truths
    FROM data_playground.world_runs AS r WHERE r.state = 'complete' ORDER BY r.started_at DESC LIMIT 1
    """
)
_WAITS = text("SELECT EXISTS (SELECT FROM data_playground.metrics_dirty WHERE hour < :end)")

# Payments of invoices are no attempts to pay an order, which is what the simulator counts.
METRICS = text(
    """
    SELECT s.*, u.*, p.units_sold_of_products
    FROM (SELECT sum(m.orders_received_count) AS orders, sum(m.total_order_amount) AS order_amount,
                 sum(m.gross_revenue) AS gross, sum(m.total_discounts_given) AS discount,
                 sum(m.total_products_sold) AS units_sold, sum(m.orders_cancelled_count) AS orders_cancelled
          FROM data_playground.shop_metrics_daily AS m
          JOIN data_playground.shops AS e ON e.id = m.shop_id AND e.event_time = m.shop_event_time
          WHERE e.origin = 'simulated' AND m.event_time < :end) AS s,
         (SELECT sum(m.orders_placed_count) AS orders_of_users, sum(m.total_items_purchased) AS units_sold_to_users,
                 sum(m.cart_abandonment_count) AS carts_abandoned,
                 sum(m.successful_payments_count) - (SELECT count(*) FROM data_playground.invoice_payments AS i
                     WHERE i.origin = 'simulated' AND i.completed_time < :end
                       AND i.status IN ('completed', 'paid', 'refunded', 'partially_refunded')) AS payments_completed,
                 sum(m.failed_payments_count) - (SELECT count(*) FROM data_playground.invoice_payments AS i
                     WHERE i.origin = 'simulated' AND i.completed_time < :end AND i.status = 'failed') AS payments_failed
          FROM data_playground.user_metrics_daily AS m
          JOIN data_playground.users AS e ON e.id = m.user_id AND e.event_time = m.user_event_time
          WHERE e.origin = 'simulated' AND m.event_time < :end) AS u,
         (SELECT sum(m.units_sold) AS units_sold_of_products
          FROM data_playground.shop_product_metrics_daily AS m
          JOIN data_playground.shop_products AS e ON e.id = m.product_id AND e.event_time = m.product_event_time
          WHERE e.origin = 'simulated' AND m.event_time < :end) AS p
    """
)
PRODUCTS = text(
    """
    SELECT m.product_id, sum(m.units_sold) AS units
    FROM data_playground.shop_product_metrics_daily AS m
    JOIN data_playground.shop_products AS e ON e.id = m.product_id AND e.event_time = m.product_event_time
    WHERE e.origin = 'simulated' AND m.event_time < :end GROUP BY m.product_id HAVING sum(m.units_sold) > 0
    """
)
FACTS = text(
    """
    SELECT (SELECT count(*) FROM data_playground.shops WHERE origin = 'simulated' AND event_time < :end) AS shops,
           (SELECT count(*) FROM data_playground.users WHERE origin = 'simulated' AND event_time < :end) AS users,
           (SELECT count(*) FROM data_playground.users WHERE origin = 'simulated' AND deactivated_time < :end) AS users_left,
           (SELECT count(*) FROM data_playground.shop_orders WHERE origin = 'simulated' AND event_time < :end) AS orders,
           (SELECT count(*) FROM data_playground.shop_orders WHERE origin = 'simulated' AND cancelled_time < :end)
               AS orders_cancelled,
           (SELECT count(*) FROM data_playground.shop_order_payments WHERE origin = 'simulated' AND completed_time < :end
               AND status = 'failed') AS payments_failed,
           (SELECT count(*) FROM data_playground.global_events WHERE origin = 'simulated' AND event_time < :end
               AND event_type = 'payment_refunded') AS lines_refunded,
           (SELECT count(*) FROM data_playground.global_events WHERE origin = 'simulated' AND event_time < :end
               AND event_type = 'cart_abandoned') AS carts_abandoned,
           (SELECT count(*) FROM data_playground.request_response_logs WHERE origin = 'simulated' AND event_time < :end
               AND status_code >= 500) AS requests_failed
    """
)

_INSIDE = """
    EXISTS (SELECT FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS w (starts, ends)
            WHERE {time} >= w.starts AND {time} < w.ends)
"""
_ORDERS_INSIDE = text(
    f"""
    SELECT count(*) AS orders, coalesce(sum(total_amount), 0) AS order_amount FROM data_playground.shop_orders
    WHERE origin = 'simulated' AND event_time < :end AND {_INSIDE.format(time="event_time")}
    """
)
#: Scenario → what the facts show of it, in its windows.
SCENARIOS = {
    **dict.fromkeys(("black-friday", "flash-promotion", "stock-out", "growth"), _ORDERS_INSIDE),
    "payment-outage": text(
        f"""
        SELECT count(*) AS payments, count(*) FILTER (WHERE status = 'failed') AS payments_failed
        FROM data_playground.shop_order_payments
        WHERE origin = 'simulated' AND completed_time < :end AND {_INSIDE.format(time="event_time")}
        """
    ),
    "fraud-wave": text(
        """
        SELECT count(*) AS orders, coalesce(sum(o.total_amount), 0) AS order_amount,
               (SELECT count(DISTINCT e.caller_entity_id) FROM data_playground.global_events AS e
                WHERE e.event_type = 'fraud_suspected' AND e.origin = 'simulated' AND e.event_time < :end) AS orders_found_out
        FROM data_playground.shop_orders AS o
        WHERE o.origin = 'simulated' AND o.event_time < :end AND o.extra_data ->> 'scenario' = 'fraud-wave'
        """
    ),
    "refund-wave": text(
        f"""
        WITH wave AS (
            SELECT id, returned_time FROM data_playground.shop_orders
            WHERE origin = 'simulated' AND delivered_time < :end AND {_INSIDE.format(time="delivered_time")}
        ),
        refunds AS (
            SELECT e.quantity FROM data_playground.global_events AS e
            JOIN wave AS o ON o.id = CAST(e.event_metadata ->> 'order_id' AS uuid)
            WHERE e.event_type = 'payment_refunded' AND e.event_time < :end
        )
        SELECT (SELECT count(*) FROM wave) AS orders_delivered,
               (SELECT count(*) FROM wave WHERE returned_time < :end) AS orders_returned,
               (SELECT count(*) FROM refunds) AS lines_refunded,
               (SELECT coalesce(sum(quantity), 0) FROM refunds) AS units_refunded
        """
    ),
    "churn": text(
        f"""
        SELECT count(*) AS users_left FROM data_playground.users
        WHERE origin = 'simulated' AND deactivated_time < :end AND {_INSIDE.format(time="deactivated_time")}
        """
    ),
}


async def select_world(session: AsyncSession) -> RowMapping | None:
    """The settings of the world that is loaded whole, and the truth of each of its parts."""
    return (await session.execute(_WORLD)).mappings().one_or_none()


async def metrics_wait(session: AsyncSession, end: datetime) -> bool:
    """Whether changed facts before `end` wait for a roll."""
    return bool((await session.execute(_WAITS, {"end": end})).scalar_one())


async def select_metrics(session: AsyncSession, end: datetime) -> Mapping[str, Decimal]:
    """What the daily metrics sum to."""
    row = (await session.execute(METRICS, {"end": end})).mappings().one()
    return {name: Decimal(value or 0) for name, value in row.items()}


async def select_units(session: AsyncSession, end: datetime) -> Mapping[str, Decimal]:
    """Units sold by product, as the daily metrics have it."""
    rows = (await session.execute(PRODUCTS, {"end": end})).mappings()
    return {str(row["product_id"]): Decimal(row["units"]) for row in rows}


async def select_facts(session: AsyncSession, end: datetime) -> Mapping[str, Decimal]:
    """What the facts count to."""
    row = (await session.execute(FACTS, {"end": end})).mappings().one()
    return {name: Decimal(value) for name, value in row.items()}


async def select_scenario(
    session: AsyncSession, name: str, windows: Sequence[tuple[datetime, datetime]], end: datetime
) -> Mapping[str, Decimal]:
    """What the facts show of one of `SCENARIOS` in its windows."""
    values: dict[str, Any] = {"end": end}
    if name != "fraud-wave":
        values |= {"starts": [start for start, _ in windows], "ends": [stop for _, stop in windows]}
    row = (await session.execute(SCENARIOS[name], values)).mappings().one()
    return {column: Decimal(value) for column, value in row.items()}
