"""A world as small as one can be, with the interface of the real one: what loading does must not depend on what is in it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from entrepot.playground.loading.declared import shape_of
from entrepot.playground.loading.shapes import arrow_type
from entrepot.playground.world.accounts import Carried
from entrepot.playground.world.settings import WorldSettings

Rows = dict[str, list[dict[str, Any]]]


@dataclass
class StandInPart:
    tables: dict[str, pa.Table]
    carried: Carried
    truth: dict[str, Any] = field(default_factory=dict)


class StandIn:
    """Four parts; in each a shop with its owner, some products, and an order every eight hours."""

    def __init__(self, settings: WorldSettings) -> None:
        self.settings = settings
        self.parts = 4
        self.start = int(datetime.combine(settings.start, datetime.min.time(), UTC).timestamp()) * 1_000_000
        self.end = int(datetime.combine(settings.end, datetime.min.time(), UTC).timestamp()) * 1_000_000

    def part(self, number: int, until: datetime | None = None) -> StandInPart:
        rows: Rows = {}
        owner = self.start + number * 1_000
        user = self.id("user", number)
        opened = owner + 3_600_000_123
        shop = self.id("shop", number)
        of_user = {"user_id": user, "user_event_time": owner}
        of_shop = {"shop_id": shop, "shop_event_time": opened}
        add(
            rows, "shops", id=shop, event_time=opened, owner_id=user, owner_event_time=owner, category="retail",
            name=f'The "{number}", and more', created_time=opened, status=True, description="",
        )  # fmt: skip
        entity(rows, shop, opened, "user_shop")
        listed = opened + 1_000_000
        product = self.id("product", number)
        add(
            rows, "shop_products", id=product, event_time=listed, **of_shop, sku=f"S-{number}", name="Lamp", status="active",
            category="home", price=Decimal("12.5000"), stock_quantity=7, weight=Decimal("0.250"), created_time=listed,
            tags='["new","b\\u00e9ta"]',
        )  # fmt: skip
        for turn, moment in enumerate(range(listed + 1, self.end, 28_800_000_000)):
            order = self.id("order", number, turn)
            goods = Decimal(turn % 50 + 1)
            add(
                rows, "shop_orders", id=order, event_time=moment, order_number=f"O-{number}-{turn}", **of_user, **of_shop,
                status="processing", subtotal=goods, tax_amount=Decimal(0), shipping_amount=Decimal(0), ordered_time=moment,
                discount_amount=Decimal(0), total_amount=goods, notes="a\ttab\\" if turn % 7 == 0 else None,
            )  # fmt: skip
            add(
                rows, "shop_order_items", id=self.id("item", number, turn), event_time=moment, order_id=order,
                order_event_time=moment, product_id=product, product_event_time=listed, **of_shop, **of_user, quantity=1,
                unit_price=goods, subtotal=goods, discount_amount=Decimal(0), total_amount=goods, is_cancelled=False, is_refunded=turn % 2 == 0,
            )  # fmt: skip
            add(
                rows, "global_events", event_id=self.id("event", number, turn), event_time=moment, event_type="order_placed",
                **of_user, **of_shop, caller_entity_id=order, caller_event_time=moment, amount=goods,
                event_metadata='{"item_ids":[1, 2.50],"o":"x"}' if turn % 3 == 0 else None,
            )  # fmt: skip
        none = np.zeros(0, np.int64)
        return StandInPart(
            tables(rows), Carried(np.array([number]), np.array([owner]), none, none), {"orders": turn + 1}
        )

    def people(self, carried: Sequence[Carried], until: datetime | None = None) -> dict[str, pa.Table]:
        rows: Rows = {}
        for part in carried:
            number, moment = int(part.users[0]), int(part.signed_in[0])
            user = self.id("user", number)
            add(
                rows, "users", id=user, event_time=moment, username=f"user{number}", email=f"user{number}@example.com",
                status=True, created_time=moment,
            )  # fmt: skip
            entity(rows, user, moment, "user")
        return tables(rows)

    def id(self, kind: str, *numbers: int) -> bytes:
        return hashlib.sha256(f"{self.settings.seed}/{kind}/{numbers}".encode()).digest()[:16]


class Broken(StandIn):
    """A world whose third part cannot be simulated."""

    def part(self, number: int, until: datetime | None = None) -> StandInPart:
        if number == 2:
            raise ArithmeticError("no third part")
        return super().part(number, until)


def add(rows: Rows, table: str, **values: Any) -> None:
    rows.setdefault(table, []).append({"origin": "simulated", **values})


def entity(rows: Rows, id_: bytes, moment: int, kind: str) -> None:
    add(rows, "global_entities", event_time=moment, entity_id=id_, entity_type=kind, created_time=moment)


def tables(rows: Rows) -> dict[str, pa.Table]:
    made: dict[str, pa.Table] = {}
    for name, found in rows.items():
        shape = shape_of(name)
        found.sort(key=lambda row: tuple(row[key] for key in shape.order))
        columns = {
            column.name: pa.array([row.get(column.name) for row in found], arrow_type(column))
            for column in shape.columns
            if any(column.name in row for row in found)
        }
        made[name] = pa.table(columns)
    return made


NAME = "tests.playground.loading.stand_in:StandIn"
BROKEN = "tests.playground.loading.stand_in:Broken"
