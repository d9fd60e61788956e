"""A shop whose events are delivered by the program's own subscriber, and the warehouse as plain values."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.api.conftest import add_person, app, client, person  # noqa: F401 - fixtures
from tests.cli.conftest import entrepot  # noqa: F401 - a fixture
from tests.playground.live.conftest import template, world  # noqa: F401 - fixtures

from entrepot.events import NewEvent, publish_many
from entrepot.events.delivering import Delivered, deliver_due
from entrepot.events.redriving import redrive
from entrepot.events.subscribing import SUBSCRIBERS
from entrepot.flows.facts import subscribing
from entrepot.kit.db import Database
from entrepot.kit.progress import SILENT
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.playground.checks.verifying import CHECKS, verify

NAME = "warehouse.facts"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
assert subscribing.HEARD


def at(minutes: float) -> datetime:
    """A moment so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def order(key: str = "o1", customer: str = "c1", total: str = "24.00", **data: Any) -> dict[str, Any]:
    """An order of two mugs at ten dollars, one of discount, three of tax and two of shipping."""
    line = {"product": "mug", "name": "Mug", "quantity": 2, "unit_price": "10.00", "discount": "1.00"}
    known = {"order": key, "customer": {"customer": customer}, "items": [line], "currency": "USD"}
    return known | {"tax": "3.00", "shipping": "2.00", "total": total} | data


def payment(key: str = "p1", of: str = "o1", amount: str = "24.00", **data: Any) -> dict[str, Any]:
    """A payment of it."""
    return {"payment": key, "order": of, "currency": "USD", "amount": amount} | data


class Program:
    """Publishes events, has them delivered, and reads what came of them."""

    def __init__(self, db: Database, shop: UUID, directory: Path) -> None:
        self.db = db
        self.shop = shop
        self.directory = directory

    async def start(self) -> None:
        """Register the subscriber, as a worker does."""
        async with self.db.system() as session:
            await SUBSCRIBERS.store(session)

    async def publish(self, *events: tuple[str, datetime, dict[str, Any]], shop: UUID | None = None) -> None:
        """Publish events of the shop."""
        new = [
            NewEvent(type=type_, time=time, data=data, source="/entrepot/marketplace/orders")
            for type_, time, data in events
        ]
        async with self.db.tenant(shop_id=shop or self.shop) as session:
            await publish_many(session, new)

    async def deliver(self) -> Delivered:
        """Deliver what is due to the subscriber."""
        return await deliver_due(self.db, SUBSCRIBERS[f"task://{NAME}"])

    async def again(self) -> Delivered:
        """Deliver everything that was delivered once more."""
        async with self.db.system() as session:
            assert await redrive(session, subscriber=NAME, delivered=True)
        return await self.deliver()

    async def take(self, lines: list[dict[str, Any]]) -> None:
        """Import an export file of the shop."""
        path = self.directory / f"export-{len(list(self.directory.iterdir()))}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        await import_files(Context(self.db, self.shop), [examine(path, path.name)], Options(), SILENT)

    async def rows(self, table: str, columns: str = "*", where: str = "true") -> list[dict[str, Any]]:
        """Rows of the warehouse in the order of their time."""
        query = f"SELECT {columns} FROM data_playground.{table} WHERE {where} ORDER BY event_time, 1"
        async with self.db.system() as session:
            return [dict(row) for row in (await session.execute(text(query))).mappings()]

    async def events(self) -> dict[str, int]:
        """How many events of each type there are."""
        found: dict[str, int] = {}
        for row in await self.rows("global_events", "event_type"):
            found[row["event_type"]] = found.get(row["event_type"], 0) + 1
        return found

    async def parked(self) -> list[tuple[str, str]]:
        """Type and reason of the events that are kept."""
        query = "SELECT event_type, reason FROM data_playground.parked_facts ORDER BY event_type"
        async with self.db.system() as session:
            return [(row.event_type, row.reason) for row in await session.execute(text(query))]

    async def everything(self) -> dict[str, list[str]]:
        """Every fact, to compare with another time."""
        tables = (
            "users shops shop_products shop_orders shop_order_items shop_order_payments shop_reviews "
            "shop_inventory_logs global_events global_entities"
        )
        found = {}
        async with self.db.system() as session:
            for table in tables.split():
                rows = await session.execute(
                    text(f"SELECT to_jsonb(t)::text FROM data_playground.{table} AS t ORDER BY 1")
                )
                found[table] = list(rows.scalars())
        return found


@pytest.fixture
async def program(db: Database, shop: UUID, tmp_path: Path) -> Program:
    """The program with the subscriber."""
    found = Program(db, shop, tmp_path)
    await found.start()
    return found


#: Checks of facts; those of metrics need a roll, and the ground truth is the simulator's.
OF_FACTS = tuple(
    name
    for name in CHECKS
    if not name.endswith("-metrics") and name not in ("metrics-rolled", "hours-days", "ground-truth")
)


async def wrong(db: Database) -> dict[str, str | None]:
    """What `entrepot world verify` finds wrong with the facts."""
    async with db.system() as session:
        return {check.name: check.first for check in await verify(session, OF_FACTS) if check.failed}
