"""Small worlds of facts for the tests of metrics: two users, two shops, three products, and whatever happens to them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db.tables import Base
from entrepot.playground import schema as schema

#: When everybody is there; what happens comes later.
DAWN = datetime(2025, 11, 1, tzinfo=UTC)
START = datetime(2025, 11, 30, 22, tzinfo=UTC)
USERS = [UUID(int=number) for number in (1, 2)]
SHOPS = [UUID(int=number) for number in (11, 12)]
#: Two products of the first shop, one of the second.
PRODUCTS = [UUID(int=number) for number in (21, 22, 23)]
SHOP_OF = {PRODUCTS[0]: SHOPS[0], PRODUCTS[1]: SHOPS[0], PRODUCTS[2]: SHOPS[1]}
COST = {PRODUCTS[0]: Decimal("3.3333"), PRODUCTS[1]: Decimal("10.0000"), PRODUCTS[2]: None}
FACTS = (
    "users",
    "shops",
    "shop_products",
    "shop_orders",
    "shop_order_items",
    "shop_reviews",
    "shop_review_votes",
    "shop_promotions",
    "shop_promotion_usages",
    "shop_inventory_logs",
    "global_events",
)
METRICS = (
    "user_metrics_hourly",
    "user_metrics_daily",
    "shop_metrics_hourly",
    "shop_metrics_daily",
    "shop_product_metrics_hourly",
    "shop_product_metrics_daily",
)
Row = dict[str, Any]


def table(name: str) -> Table:
    """A table of the warehouse."""
    return Base.metadata.tables[f"data_playground.{name}"]


def at(hours: float) -> datetime:
    """A moment so many hours after START."""
    return START + timedelta(microseconds=round(hours * 3_600_000_000))


def of_user(number: int, name: str = "user") -> Row:
    """The reference to a user."""
    return {f"{name}_id": USERS[number], f"{name}_event_time": DAWN}


def of_shop(product: UUID) -> Row:
    """The reference to the shop of a product."""
    return {"shop_id": SHOP_OF[product], "shop_event_time": DAWN}


def of_product(product: UUID) -> Row:
    """The references to a product and its shop."""
    return {"product_id": product, "product_event_time": DAWN, **of_shop(product)}


def people() -> dict[str, list[Row]]:
    """Who and what there is, before anything happens."""
    return {
        "users": [
            {
                "id": one,
                "event_time": DAWN,
                "created_time": DAWN,
                "username": f"ava-{one.int}",
                "email": f"ava-{one.int}@example.com",
            }
            for one in USERS
        ],
        "shops": [
            {
                "id": one,
                "event_time": DAWN,
                "created_time": DAWN,
                "name": f"Quay {one.int}",
                "category": "retail",
                **of_user(0, "owner"),
            }
            for one in SHOPS
        ],
        "shop_products": [
            {
                "id": one,
                "event_time": DAWN,
                "created_time": DAWN,
                "sku": f"K-{one.int}",
                "name": f"Kettle {one.int}",
                "category": "home",
                "status": "active",
                "price": Decimal("20"),
                "cost_price": COST[one],
                "low_stock_threshold": None if one == PRODUCTS[2] else 4,
                "shop_id": SHOP_OF[one],
                "shop_event_time": DAWN,
            }
            for one in PRODUCTS
        ],
    }


def order(
    number: int, moment: datetime, user: int, lines: Sequence[tuple[UUID, int, str]]
) -> dict[str, list[Row]]:
    """An order of (product, quantity, discount) lines at 20 a unit; the first product's shop is the order's."""
    identifier = UUID(int=1000 + number)
    items = []
    for place, (product, quantity, discount) in enumerate(lines):
        subtotal = Decimal(20) * quantity
        items.append(
            {
                "id": UUID(int=100_000 + number * 10 + place),
                "event_time": moment,
                "order_id": identifier,
                "order_event_time": moment,
                **of_user(user),
                **of_product(product),
                "quantity": quantity,
                "unit_price": Decimal(20),
                "subtotal": subtotal,
                "discount_amount": Decimal(discount),
                "total_amount": subtotal - Decimal(discount),
            }
        )
    subtotal = sum((item["subtotal"] for item in items), Decimal(0))
    discount_amount = sum((item["discount_amount"] for item in items), Decimal(0))
    head = {
        "id": identifier,
        "event_time": moment,
        "ordered_time": moment,
        "order_number": f"N-{number}",
        **of_user(user),
        **of_shop(lines[0][0]),
        "status": "processing",
        "subtotal": subtotal,
        "tax_amount": Decimal("1.23"),
        "shipping_amount": Decimal("4.56"),
        "discount_amount": discount_amount,
        "total_amount": subtotal - discount_amount + Decimal("5.79"),
    }
    return {"shop_orders": [head], "shop_order_items": items}


def event(
    number: int, moment: datetime, event_type: str, user: int, product: UUID | None, **more: Any
) -> Row:
    """Something that happened to a user, and to a product and its shop."""
    about = of_product(product) if product else {}
    return {
        "event_id": UUID(int=2_000_000 + number),
        "event_time": moment,
        "event_type": event_type,
        **of_user(user),
        **about,
        **more,
    }


def review(number: int, moment: datetime, user: int, product: UUID, status: str, rating: int, of: str) -> Row:
    """A review of a product, or of its shop."""
    about = of_product(product) if of == "product" else of_shop(product)
    return {
        "id": UUID(int=3_000_000 + number),
        "event_time": moment,
        **of_user(user),
        **about,
        "review_type": of,
        "status": status,
        "rating": rating,
        "content": "Boils.",
    }


def vote(number: int, moment: datetime, of: Mapping[str, Any], is_helpful: bool) -> Row:
    """A vote on a review."""
    return {
        "id": UUID(int=4_000_000 + number),
        "event_time": moment,
        "review_id": of["id"],
        "review_event_time": of["event_time"],
        **of_user(1),
        "author_id": of["user_id"],
        "author_event_time": of["user_event_time"],
        "is_helpful": is_helpful,
    }


def promotion(number: int, product: UUID, start: datetime, end: datetime, status: str = "active") -> Row:
    """A promotion of the shop of a product."""
    return {
        "id": UUID(int=5_000_000 + number),
        "event_time": DAWN,
        **of_shop(product),
        "name": "Harvest",
        "promotion_type": "percentage",
        "status": status,
        "discount_value": Decimal(10),
        "valid_from": start,
        "valid_until": end,
        "applicability": "all_products",
    }


def usage(number: int, of: Mapping[str, Any], head: Mapping[str, Any]) -> Row:
    """A use of a promotion in an order."""
    return {
        "id": UUID(int=6_000_000 + number),
        "event_time": head["event_time"],
        "promotion_id": of["id"],
        "promotion_event_time": of["event_time"],
        "user_id": head["user_id"],
        "user_event_time": head["user_event_time"],
        "order_id": head["id"],
        "order_event_time": head["event_time"],
        "shop_id": head["shop_id"],
        "shop_event_time": head["shop_event_time"],
        "discount_amount": Decimal(1),
    }


def log(number: int, moment: datetime, product: UUID, change: int, after: int) -> Row:
    """A movement of stock."""
    return {
        "id": UUID(int=7_000_000 + number),
        "event_time": moment,
        **of_product(product),
        "change_type": "purchase" if change > 0 else "sale",
        "quantity_before": after - change,
        "quantity_change": change,
        "quantity_after": after,
        **of_user(0, "created_by_user"),
    }


async def write(session: AsyncSession, facts: Mapping[str, Iterable[Row]]) -> None:
    """Insert facts, a statement a table; rows of a table have different columns where some are null."""
    for name in FACTS:
        for row in facts.get(name, ()):
            await session.execute(insert(table(name)).values(**row))


async def clear(session: AsyncSession) -> None:
    """Delete everything of a world, its metrics and its marks."""
    rest = ("metrics_dirty", "metrics_clocks", "metrics_runs")
    for name in (*METRICS, *reversed(FACTS), *rest):
        await session.execute(delete(table(name)))


async def read(session: AsyncSession, name: str) -> list[Row]:
    """All rows of a table of facts, as the naive recomputation takes them."""
    return [dict(row) for row in (await session.execute(select(table(name)))).mappings()]


async def read_facts(session: AsyncSession) -> dict[str, list[Row]]:
    """All facts."""
    return {name: await read(session, name) for name in FACTS}


async def read_metrics(session: AsyncSession, name: str) -> dict[tuple[UUID, datetime], Row]:
    """A table of metrics by entity and bucket, its metrics only."""
    found = {}
    target = table(name)
    entity = next(iter(target.primary_key.columns)).name
    beside = {
        entity,
        "event_time",
        f"{entity.removesuffix('_id')}_event_time",
        "id",
        "partition_key",
        "extra_metrics",
    }
    for row in await read(session, name):
        found[row[entity], row["event_time"]] = {key: row[key] for key in row if key not in beside}
    return found
