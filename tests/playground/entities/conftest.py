"""The village in a database of its own, in partitions of a month, which nobody changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from tests.conftest import clone
from tests.playground.village import Village, settle

from entrepot.kit.db import Database
from entrepot.kit.db.server import EmbeddedServer

#: Tables whose pruning is looked at.
PARTED = ("users", "shop_orders", "shop_order_items", "global_entities", "global_events")
MONTHS = (("2025_10", "2025-10-01", "2025-11-01"), ("2025_11", "2025-11-01", "2025-12-01"))


@pytest.fixture(scope="module")
async def settled(server_home: Path, village: Village) -> AsyncIterator[Database]:
    """The database."""
    with clone(server_home) as settings:
        url = EmbeddedServer(server_home).url("postgres", settings.database_name)
        with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as admin:
            for table in PARTED:
                for month, start, end in MONTHS:
                    admin.execute(
                        f"CREATE TABLE data_playground.{table}_{month} PARTITION OF data_playground.{table} "
                        f"FOR VALUES FROM ('{start}') TO ('{end}')"
                    )
                    admin.execute(f"GRANT ALL ON data_playground.{table}_{month} TO entrepot_system")
        async with Database.opened(settings) as db:
            async with db.system() as session:
                await settle(session, village)
            yield db


@pytest.fixture
async def session(settled: Database) -> AsyncIterator[AsyncSession]:
    """A transaction in it."""
    async with settled.system() as session:
        yield session
