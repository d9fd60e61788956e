"""The SQL of one order, shop, product or user. An id is found by its index; all that belongs to it by (id, event_time)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.dashboard.queries import SUFFIX, bounds
from entrepot.playground.dashboard.ranges import Range

_ORDER = """
    SELECT f.*, u.username, s.name AS shop_name
    FROM data_playground.shop_orders AS f
    JOIN data_playground.users AS u ON u.id = f.user_id AND u.event_time = f.user_event_time
    JOIN data_playground.shops AS s ON s.id = f.shop_id AND s.event_time = f.shop_event_time
    WHERE f.id = :id
    ORDER BY f.event_time
    LIMIT 1
"""
_ITEMS = """
    SELECT f.*, p.name AS product_name, p.sku
    FROM data_playground.shop_order_items AS f
    JOIN data_playground.shop_products AS p ON p.id = f.product_id AND p.event_time = f.product_event_time
    WHERE f.order_id = :id AND f.event_time = :at
    ORDER BY f.id
"""
_PAYMENTS = """
    SELECT f.id, f.event_time, f.status, f.method, f.amount, f.refunded_amount, f.completed_time, f.notes
    FROM data_playground.shop_order_payments AS f
    WHERE f.order_id = :id AND f.event_time >= :at
    ORDER BY f.event_time, f.id
"""
_INVOICES = """
    SELECT f.id, f.event_time, f.invoice_number, f.status, f.total_amount, f.due_date
    FROM data_playground.invoices AS f
    WHERE f.user_id = :user AND f.order_id = :id AND f.event_time >= :at
    ORDER BY f.event_time, f.id
"""
_INVOICE_PAYMENTS = """
    SELECT f.id, f.event_time, f.status, f.method, f.amount, f.refunded_amount, f.completed_time, f.notes
    FROM data_playground.invoice_payments AS f
    WHERE f.invoice_id = ANY (CAST(:invoices AS uuid[])) AND f.event_time >= :at
    ORDER BY f.event_time, f.id
"""
_USAGES = """
    SELECT f.discount_amount, f.promo_code_used, p.name, p.promotion_type
    FROM data_playground.shop_promotion_usages AS f
    JOIN data_playground.shop_promotions AS p ON p.id = f.promotion_id AND p.event_time = f.promotion_event_time
    WHERE f.user_id = :user AND f.event_time = :at AND f.order_id = :id
"""
#: What happened to the order, its payments and its invoices; nothing of it can be older than the order.
_HISTORY = """
    SELECT f.event_id AS id, f.event_time, f.event_type, f.amount, f.quantity, p.name AS product_name
    FROM data_playground.global_events AS f
    LEFT JOIN data_playground.shop_products AS p ON p.id = f.product_id AND p.event_time = f.product_event_time
    WHERE f.caller_entity_id = ANY (CAST(:callers AS uuid[])) AND f.event_time >= :at
    ORDER BY f.event_time, f.event_id
    LIMIT 500
"""
#: The stock that it moved: by the products of its lines, since that is what the log is indexed by.
_MOVEMENTS = """
    SELECT f.id, f.event_time, f.change_type, f.quantity_change, f.quantity_after, f.reason, p.name AS product_name
    FROM data_playground.shop_inventory_logs AS f
    JOIN data_playground.shop_products AS p ON p.id = f.product_id AND p.event_time = f.product_event_time
    WHERE f.product_id = ANY (CAST(:products AS uuid[])) AND f.order_id = :id AND f.event_time >= :at
    ORDER BY f.event_time, f.id
    LIMIT 500
"""
_SHOP = """
    SELECT f.*, u.username AS owner_name
    FROM data_playground.shops AS f
    JOIN data_playground.users AS u ON u.id = f.owner_id AND u.event_time = f.owner_event_time
    WHERE f.id = :id
    ORDER BY f.event_time
    LIMIT 1
"""
_PRODUCT = """
    SELECT f.*, s.name AS shop_name
    FROM data_playground.shop_products AS f
    JOIN data_playground.shops AS s ON s.id = f.shop_id AND s.event_time = f.shop_event_time
    WHERE f.id = :id
    ORDER BY f.event_time
    LIMIT 1
"""
_USER = "SELECT f.* FROM data_playground.users AS f WHERE f.id = :id ORDER BY f.event_time LIMIT 1"
_LEVEL_BEFORE = """
    SELECT f.event_time, f.quantity_after
    FROM data_playground.shop_inventory_logs AS f
    WHERE f.product_id = :id AND f.event_time < :start
    ORDER BY f.event_time DESC, f.id DESC
    LIMIT 1
"""
_LEVELS = """
    SELECT f.event_time, f.quantity_after
    FROM data_playground.shop_inventory_logs AS f
    WHERE f.product_id = :id AND f.event_time >= :start AND f.event_time < :end
    ORDER BY f.event_time, f.id
"""
_PRICES = """
    SELECT f.event_time, f.event_type, f.amount
    FROM data_playground.global_events AS f
    WHERE f.product_id = :id AND f.event_type = 'product_price_changed' AND f.event_time < :end
    ORDER BY f.event_time DESC
    LIMIT 20
"""
_METHODS = """
    SELECT f.method_type, f.status, f.card_brand, f.last_four, f.is_default, f.event_time
    FROM data_playground.user_payment_methods AS f
    WHERE f.user_id = :id AND f.event_time >= :at
    ORDER BY f.event_time
    LIMIT 50
"""
_SHOPS_OF = """
    SELECT f.id, f.name, f.status AS open FROM data_playground.shops AS f
    WHERE f.owner_id = :id AND f.event_time >= :at ORDER BY f.event_time LIMIT 50
"""

#: Of what an entity's metrics are read: the columns that its page shows.
METRICS = {
    "shop": """
        sum(f.orders_received_count) AS orders, sum(f.gross_revenue) AS gross, sum(f.net_revenue) AS net,
        sum(f.total_refunds_amount) AS refunds, sum(f.total_products_sold) AS units,
        sum(f.orders_cancelled_count) AS cancelled, sum(f.reviews_received_count) AS reviews,
        sum(f.avg_rating_received * f.reviews_received_count) AS stars
        FROM data_playground.shop_metrics_{suffix} AS f WHERE f.shop_id = :id
    """,
    "product": """
        sum(f.units_sold) AS units, sum(f.gross_sales) AS gross, sum(f.net_sales) AS net,
        sum(f.time_out_of_stock_minutes) AS minutes, sum(f.page_views) AS views,
        sum(f.cart_additions_count) AS additions, sum(f.reviews_count) AS reviews,
        sum(f.avg_rating * f.reviews_count) AS stars, sum(f.avg_selling_price * f.units_sold) AS paid,
        min(f.min_selling_price) FILTER (WHERE f.units_sold > 0) AS low,
        max(f.max_selling_price) FILTER (WHERE f.units_sold > 0) AS high
        FROM data_playground.shop_product_metrics_{suffix} AS f WHERE f.product_id = :id
    """,
    "user": """
        sum(f.orders_placed_count) AS orders, sum(f.total_order_amount) AS amount, sum(f.total_amount_paid) AS paid,
        sum(f.total_amount_refunded) AS refunded, sum(f.successful_payments_count) AS succeeded,
        sum(f.failed_payments_count) AS failed, sum(f.cart_abandonment_count) AS abandoned,
        sum(f.total_items_purchased) AS units, sum(f.reviews_written_count) AS reviews
        FROM data_playground.user_metrics_{suffix} AS f WHERE f.user_id = :id
    """,
}


async def select_shop(session: AsyncSession, shop: UUID) -> RowMapping | None:
    """A shop with its owner's name."""
    return await _one(session, _SHOP, {"id": shop})


async def select_product(session: AsyncSession, product: UUID) -> RowMapping | None:
    """A product with its shop's name."""
    return await _one(session, _PRODUCT, {"id": product})


async def select_user(session: AsyncSession, user: UUID) -> RowMapping | None:
    """A user."""
    return await _one(session, _USER, {"id": user})


async def select_order(session: AsyncSession, order: UUID) -> RowMapping | None:
    """An order with the names of its user and shop."""
    return await _one(session, _ORDER, {"id": order})


async def select_parts(session: AsyncSession, order: Mapping[Any, Any]) -> dict[str, Sequence[RowMapping]]:
    """What belongs to an order: items, payments, invoices, usages, and what happened to any of them."""
    given = {"id": order["id"], "at": order["event_time"], "user": order["user_id"]}
    items = await _all(session, _ITEMS, given)
    payments = list(await _all(session, _PAYMENTS, given))
    invoices = await _all(session, _INVOICES, given)
    if invoices:
        bills = {"invoices": [row["id"] for row in invoices], "at": order["event_time"]}
        payments += await _all(session, _INVOICE_PAYMENTS, bills)
    callers = [order["id"], *(row["id"] for row in payments), *(row["id"] for row in invoices)]
    products = list({row["product_id"] for row in items})
    return {
        "items": items,
        "payments": payments,
        "invoices": invoices,
        "usages": await _all(session, _USAGES, given),
        "history": await _all(session, _HISTORY, {"callers": callers, "at": order["event_time"]}),
        "movements": await _all(session, _MOVEMENTS, given | {"products": products}),
    }


async def select_entity_metrics(
    session: AsyncSession, of: str, entity: UUID, over: Range
) -> Sequence[RowMapping]:
    """The metrics of one shop, product or user a bucket, with the period before."""
    source = METRICS[of].format(suffix=SUFFIX[over.grain])
    query = (
        f"SELECT f.event_time AS bucket, {source} AND f.event_time >= :low AND f.event_time < :end GROUP BY 1"
    )
    return await _all(session, query, bounds(over) | {"id": entity})


async def select_best_sellers(
    session: AsyncSession, shop: UUID, over: Range, *, limit: int = 8
) -> Sequence[RowMapping]:
    """The products of a shop that sold most in a range."""
    query = f"""
        SELECT p.id, p.name, p.sku, p.status, p.stock_quantity, sum(f.gross_sales) AS revenue, sum(f.units_sold) AS units
        FROM data_playground.shop_product_metrics_{SUFFIX[over.grain]} AS f
        JOIN data_playground.shop_products AS p ON p.id = f.product_id AND p.event_time = f.product_event_time
        WHERE p.shop_id = :id AND f.event_time >= :start AND f.event_time < :end AND f.units_sold > 0
        GROUP BY 1, 2, 3, 4, 5
        ORDER BY revenue DESC, p.id
        LIMIT :limit
    """
    return await _all(session, query, {"id": shop, "start": over.start, "end": over.end, "limit": limit})


async def select_levels(
    session: AsyncSession, product: UUID, over: Range
) -> tuple[RowMapping | None, Sequence[RowMapping]]:
    """The last stock level before a range, and every one in it."""
    given = {"id": product, "start": over.start, "end": over.end}
    return await _one(session, _LEVEL_BEFORE, given), await _all(session, _LEVELS, given)


async def select_prices(session: AsyncSession, product: UUID, end: datetime) -> Sequence[RowMapping]:
    """The last changes of a product's price."""
    return await _all(session, _PRICES, {"id": product, "end": end})


async def select_possessions(
    session: AsyncSession, user: Mapping[Any, Any]
) -> tuple[Sequence[RowMapping], Sequence[RowMapping]]:
    """A user's ways to pay, and the shops that they own."""
    given = {"id": user["id"], "at": user["event_time"]}
    return await _all(session, _METHODS, given), await _all(session, _SHOPS_OF, given)


async def _one(session: AsyncSession, query: str, parameters: Mapping[str, Any]) -> RowMapping | None:
    return (await session.execute(text(query), dict(parameters))).mappings().first()


async def _all(session: AsyncSession, query: str, parameters: Mapping[str, Any]) -> Sequence[RowMapping]:
    return (await session.execute(text(query), dict(parameters))).mappings().all()
