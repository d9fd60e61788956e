"""The village in a database of its own, its metrics computed from plain rows, and a way to spoil it for one test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from tests.conftest import clone
from tests.playground.village import END, TABLES, Village, settle

from entrepot.kit.db import Database
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.db.tables import Base
from entrepot.playground.checks.rules import Check
from entrepot.playground.checks.verifying import verify
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
Verdict = dict[str, Check]
#: Runs a statement on the village, verifies, and takes it back; gives the checks that failed.
Spoil = Callable[..., Awaitable[Verdict]]
Opened = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@pytest.fixture(scope="module")
async def engine(server_home: Path, village: Village) -> AsyncIterator[AsyncEngine]:
    """The village's database as its superuser sees it, who can write past triggers and foreign keys."""
    with clone(server_home) as settings:
        async with Database.opened(settings) as db, db.system() as session:
            await settle(session, village)
            await measure(session)
        url = EmbeddedServer(server_home).url("postgres", settings.database_name)
        made = create_async_engine(
            url.replace("postgresql://", "postgresql+psycopg://"), connect_args={"options": "-c timezone=UTC"}
        )
        yield made
        await made.dispose()


async def measure(session: AsyncSession) -> None:
    """Fill the metrics as they are defined, one cell after the other."""
    facts: dict[str, list[Any]] = {}
    for table in TABLES:
        found = await session.execute(text(f"SELECT * FROM data_playground.{table.__tablename__}"))
        facts[table.__tablename__] = [dict(row) for row in found.mappings()]
    clocks = {"simulated": END}
    await session.execute(
        text("INSERT INTO data_playground.metrics_clocks (origin, reached) VALUES ('simulated', :reached)"),
        {"reached": END},
    )
    since = {
        row["id"]: row["event_time"] for table in ("users", "shops", "shop_products") for row in facts[table]
    }
    for name, cells in naive.all_metrics(facts, clocks).items():
        kind = name.removeprefix("shop_").split("_")[0] if "product" in name else name.split("_")[0]
        rows = [
            {
                f"{kind}_id": entity,
                f"{kind}_event_time": since[entity],
                "event_time": bucket,
                **columns,
            }
            for (entity, bucket), columns in cells.items()
        ]
        await session.execute(insert(METRICS[name]), rows)
    await session.execute(text("DELETE FROM data_playground.metrics_dirty"))
    await session.execute(text("INSERT INTO data_playground.metrics_runs (outcome) VALUES ('completed')"))


@pytest.fixture
def opened(engine: AsyncEngine) -> Opened:
    """A transaction that is taken back at its end, and that neither triggers nor foreign keys see."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            yield session
            await session.rollback()

    return begin


@pytest.fixture
def spoil(opened: Opened) -> Spoil:
    """Change something, verify, take it back."""

    async def change(*statements: str, **values: Any) -> Verdict:
        async with opened() as session:
            for statement in statements:
                changed = await session.execute(text(statement), values)
                assert changed.rowcount != 0, f"nothing was spoiled: {statement}"  # type: ignore[attr-defined]
            return {check.name: check for check in await verify(session) if check.failed}

    return change
