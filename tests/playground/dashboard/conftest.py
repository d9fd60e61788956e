"""The village with its metrics, an application over it, and people who may look and who may not.

A module looks at one village; a test that changes something, or wants a warehouse that is empty, has its own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.api.conftest import Person, application, connect, join
from tests.conftest import add_shop, clone
from tests.console.conftest import SignedIn, sign_in
from tests.playground.village import END, TABLES, Village, settle

from entrepot.kit.db import Database
from entrepot.kit.db.tables import Base
from entrepot.playground.metrics import naive, tables

METRICS: dict[str, type[Base]] = {
    table.__tablename__: table
    for table in (
        tables.UserMetricsHourly,
        tables.UserMetricsDaily,
        tables.ShopMetricsHourly,
        tables.ShopMetricsDaily,
        tables.ShopProductMetricsHourly,
        tables.ShopProductMetricsDaily,
    )
}


SHOP = "harbor.myshopify.com"


@dataclass(frozen=True)
class Place:
    """An application over a database of its own, an administrator and somebody who is none."""

    db: Database
    app: FastAPI
    shop: UUID
    village: Village
    admin: Person
    person: Person

    @asynccontextmanager
    async def signed_in(self, person: Person) -> AsyncIterator[SignedIn]:
        """One of them, signed in to the console."""
        found = await sign_in(self.app, person, SHOP)
        yield found
        await found.http.aclose()


@asynccontextmanager
async def standing(server_home: Path, directory: Path, *, empty: bool = False) -> AsyncIterator[Place]:
    """Such a place; where it is not empty, with the village, rolled up."""
    with clone(server_home) as settings:
        async with Database.opened(settings) as db, application(db, settings, directory) as app:
            village = Village()
            if not empty:
                async with db.system() as session:
                    await settle(session, village)
                    await measure(session)
            shop = await add_shop(db, SHOP)
            admin = await join(db, shop, "ada@harbor.example", admin=True)
            person = await join(db, shop, "mara@harbor.example")
            yield Place(db, app, shop, village, admin, person)


@pytest.fixture(scope="module")
async def place(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """The village that a module looks at."""
    async with standing(server_home, tmp_path_factory.mktemp("place")) as found:
        yield found


@pytest.fixture
async def own(server_home: Path, tmp_path: Path) -> AsyncIterator[Place]:
    """A village to be changed."""
    async with standing(server_home, tmp_path) as found:
        yield found


@pytest.fixture
async def empty(server_home: Path, tmp_path: Path) -> AsyncIterator[Place]:
    """A warehouse without a fact."""
    async with standing(server_home, tmp_path, empty=True) as found:
        yield found


@pytest.fixture(scope="module")
def village(place: Place) -> Village:
    """Who is who in the module's village."""
    return place.village


async def measure(session: AsyncSession) -> None:
    """Fill the metrics as they are defined, one cell after the other."""
    facts: dict[str, list[Any]] = {}
    for table in TABLES:
        rows = await session.execute(text(f"SELECT * FROM data_playground.{table.__tablename__}"))
        facts[table.__tablename__] = [dict(row) for row in rows.mappings()]
    since = {
        row["id"]: row["event_time"] for table in ("users", "shops", "shop_products") for row in facts[table]
    }
    for name, cells in naive.all_metrics(facts, {"simulated": END}).items():
        kind = "product" if "product" in name else name.split("_")[0]
        await session.execute(
            insert(METRICS[name]),
            [
                {f"{kind}_id": entity, f"{kind}_event_time": since[entity], "event_time": bucket, **columns}
                for (entity, bucket), columns in cells.items()
            ],
        )
    await session.execute(text("DELETE FROM data_playground.metrics_dirty"))


@pytest.fixture(scope="module")
async def ada(place: Place) -> AsyncIterator[SignedIn]:
    """An administrator, signed in."""
    async with place.signed_in(place.admin) as found:
        yield found


@pytest.fixture(scope="module")
async def mara(place: Place) -> AsyncIterator[SignedIn]:
    """Somebody who is no administrator, signed in."""
    async with place.signed_in(place.person) as found:
        yield found


@pytest.fixture
async def client(place: Place) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has not said who they are."""
    async with connect(place.app) as found:
        yield found


@pytest.fixture
def bearer(place: Place, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A program that has an administrator's token."""
    client.headers.update(place.admin.bearer)
    return client
