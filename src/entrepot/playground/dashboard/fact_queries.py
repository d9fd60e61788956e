"""The SQL of the facts themselves, as lists: newest first, a page at a time, within a range."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place
from entrepot.playground.dashboard.queries import OF_ORIGIN, Origin
from entrepot.playground.values import (
    EVENT_TYPES,
    ORDER_STATUSES,
    PAYMENT_STATUSES,
    PRODUCT_STATUSES,
    REVIEW_STATUSES,
)

_USER = "JOIN data_playground.users AS u ON u.id = f.user_id AND u.event_time = f.user_event_time"
_SHOP = "JOIN data_playground.shops AS s ON s.id = f.shop_id AND s.event_time = f.shop_event_time"
_PRODUCT = "LEFT JOIN data_playground.shop_products AS p ON p.id = f.product_id AND p.event_time = f.product_event_time"


@dataclass(frozen=True)
class Kind:
    """A kind of fact: its table, what is shown of it, and by what it may be filtered (name → condition on `f`)."""

    name: str
    title: str
    table: str
    columns: str
    joins: tuple[str, ...] = ()
    key: str = "id"
    filters: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[str, ...] = ()
    #: Whether the list is of what there is, not of what happened: it is not cut to a range unless one is asked for.
    lasting: bool = False


_BY_USER = {"user": "f.user_id = :user"}
_BY_SHOP = {"shop": "f.shop_id = :shop"}
_BY_PRODUCT = {"product": "f.product_id = :product"}
_BY_STATUS = {"status": "f.status = :status"}

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "orders",
            "Orders",
            "shop_orders",
            """f.order_number, f.status, f.subtotal, f.discount_amount, f.tax_amount, f.shipping_amount,
               f.total_amount, f.user_id, u.username, f.shop_id, s.name AS shop_name, f.shipping_country, f.origin""",
            (_USER, _SHOP),
            filters=_BY_STATUS
            | _BY_USER
            | _BY_SHOP
            | {
                "product": """EXISTS (
                    SELECT FROM data_playground.shop_order_items AS i
                    WHERE i.order_id = f.id AND i.event_time = f.event_time AND i.product_id = :product
                )"""
            },
            statuses=ORDER_STATUSES,
        ),
        Kind(
            "events",
            "Events",
            "global_events",
            """f.event_type, f.user_id, u.username, f.shop_id, s.name AS shop_name, f.product_id,
               p.name AS product_name, f.caller_entity_id, f.quantity, f.amount, f.net_amount, f.session_id, f.origin""",
            (f"LEFT {_USER}", f"LEFT {_SHOP}", _PRODUCT),
            key="event_id",
            filters={"status": "f.event_type = :status"} | _BY_USER | _BY_SHOP | _BY_PRODUCT,
            statuses=EVENT_TYPES,
        ),
        Kind(
            "payments",
            "Payments",
            "shop_order_payments",
            """f.order_id, f.status, f.method, f.amount, f.refunded_amount, f.completed_time, f.notes, f.user_id,
               u.username, f.shop_id, s.name AS shop_name, f.origin""",
            (_USER, _SHOP),
            filters=_BY_STATUS | _BY_USER | _BY_SHOP,
            statuses=PAYMENT_STATUSES,
        ),
        Kind(
            "requests",
            "Requests",
            "request_response_logs",
            "f.method, f.url, f.route, f.status_code, f.duration_ms, f.response_bytes, f.origin",
            filters={
                "status": """CASE WHEN :status = 'failed' THEN f.status_code >= 500
                             WHEN :status = 'refused' THEN f.status_code BETWEEN 400 AND 499
                             ELSE f.status_code < 400 END"""
            },
            statuses=("failed", "refused", "answered"),
        ),
        Kind(
            "reviews",
            "Reviews",
            "shop_reviews",
            """f.review_type, f.status, f.rating, f.title, f.content, f.helpful_votes, f.user_id, u.username,
               f.shop_id, s.name AS shop_name, f.product_id, p.name AS product_name, f.origin""",
            (_USER, _SHOP, _PRODUCT),
            filters=_BY_STATUS | _BY_USER | _BY_SHOP | _BY_PRODUCT,
            statuses=REVIEW_STATUSES,
        ),
        Kind(
            "stock",
            "Stock movements",
            "shop_inventory_logs",
            """f.change_type, f.quantity_before, f.quantity_change, f.quantity_after, f.reason, f.order_id,
               f.shop_id, s.name AS shop_name, f.product_id, p.name AS product_name, f.origin""",
            (_SHOP, _PRODUCT),
            filters={"status": "f.change_type = :status"} | _BY_SHOP | _BY_PRODUCT,
        ),
        Kind(
            "shops",
            "Shops",
            "shops",
            "f.name, f.category, f.status AS open, f.city, f.country, f.time_zone, f.deactivated_time, f.origin",
            filters={"q": "f.name ILIKE :q", "status": "f.status = (:status = 'open')"},
            statuses=("open", "closed"),
            lasting=True,
        ),
        Kind(
            "products",
            "Products",
            "shop_products",
            """f.name, f.sku, f.category, f.status, f.price, f.sale_price, f.stock_quantity, f.low_stock_threshold,
               f.shop_id, s.name AS shop_name, f.origin""",
            (_SHOP,),
            filters=_BY_STATUS | _BY_SHOP | {"q": "(f.name ILIKE :q OR f.sku ILIKE :q)"},
            statuses=PRODUCT_STATUSES,
            lasting=True,
        ),
        Kind(
            "users",
            "Users",
            "users",
            """f.username, f.email, f.country, f.time_zone, f.status AS active, f.last_login_time,
               f.deactivated_time, f.origin""",
            filters={
                "q": "(f.username ILIKE :q OR f.email ILIKE :q)",
                "status": "f.status = (:status = 'active')",
            },
            statuses=("active", "closed"),
            lasting=True,
        ),
    )
}

#: The keys of a page's cursor: when it happened, and which it is.
ORDER = "time"
KEY: tuple[Callable[[str], Any], ...] = (datetime.fromisoformat, UUID)


async def select_facts(
    session: AsyncSession,
    kind: Kind,
    *,
    start: datetime | None,
    end: datetime | None,
    origin: Origin,
    filters: Mapping[str, Any],
    at: Place | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Up to `limit` facts of a kind, newest first, from a place on in either direction."""
    upward = at is not None and at.backward
    direction, beyond = ("ASC", ">") if upward else ("DESC", "<")
    conditions = [kind.filters[name] for name in kind.filters if name in filters]
    values: dict[str, Any] = dict(filters) | {"limit": limit}
    if start is not None:
        conditions.append("f.event_time >= :start")
        values["start"] = start
    if end is not None:
        conditions.append("f.event_time < :end")
        values["end"] = end
    if at is not None:
        # The bound on event_time alone is what prunes; the pair of keys is what finds the place.
        conditions.append(f"f.event_time {beyond}= :at_time")
        conditions.append(f"(f.event_time, f.{kind.key}) {beyond} (:at_time, CAST(:at_id AS uuid))")
        values |= {"at_time": at.values[0], "at_id": at.values[1]}
    query = f"""
        WITH page AS (
            SELECT f.*
            FROM data_playground.{kind.table} AS f
            WHERE {" AND ".join(conditions) or "true"} {OF_ORIGIN[origin]}
            ORDER BY f.event_time {direction}, f.{kind.key} {direction}
            LIMIT :limit
        )
        SELECT f.{kind.key} AS id, f.event_time, {kind.columns}
        FROM page AS f
        {" ".join(kind.joins)}
        ORDER BY f.event_time {direction}, f.{kind.key} {direction}
    """
    return (await session.execute(text(query), values)).mappings().all()
