"""The village with its metrics, an application over it, and people who may look and who may not."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.api.conftest import Person, add_person, admin, app, client, person
from tests.console.conftest import SignedIn, sign_in
from tests.playground.village import END, TABLES, Village, settle

from entrepot.kit.db import Database
from entrepot.kit.db.tables import Base
from entrepot.playground.metrics import naive, tables

__all__ = ["add_person", "admin", "app", "client", "person"]

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


@pytest.fixture
async def village(db: Database) -> Village:
    """The village, in the test's database, rolled up."""
    found = Village()
    async with db.system() as session:
        await settle(session, found)
        await measure(session)
    return found


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


@pytest.fixture
async def ada(app: FastAPI, admin: Person) -> AsyncIterator[SignedIn]:
    """An administrator, signed in."""
    found = await sign_in(app, admin, "harbor.myshopify.com")
    yield found
    await found.http.aclose()


@pytest.fixture
async def mara(app: FastAPI, person: Person) -> AsyncIterator[SignedIn]:
    """Somebody who is no administrator, signed in."""
    found = await sign_in(app, person, "harbor.myshopify.com")
    yield found
    await found.http.aclose()


@pytest.fixture
def bearer(admin: Person, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A program that has an administrator's token."""
    client.headers.update(admin.bearer)
    return client
