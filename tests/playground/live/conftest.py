"""A small world that is there, and what the warehouse holds of it."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from tests.conftest import TEMPLATE

from entrepot.kit.db import Database
from entrepot.kit.db.bootstrap import grant_database
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.settings import Settings
from entrepot.playground.loading.declared import fact_shapes
from entrepot.playground.loading.generating import generate
from entrepot.playground.world.settings import WorldSettings

SMALL = WorldSettings(seed=7, scale=0.12, start=date(2025, 11, 5), end=date(2025, 11, 9))
LONGER = replace(SMALL, end=date(2025, 11, 10))


async def everything(db: Database) -> dict[str, list[str]]:
    """Every simulated fact as text, by table and in order."""
    found = {}
    async with db.system() as session:
        for shape in fact_shapes():
            query = f"SELECT to_jsonb(t)::text FROM {shape.full_name} AS t ORDER BY 1"
            found[shape.name] = list((await session.execute(text(query))).scalars())
    return found


@contextmanager
def database(server_home: Path, template: str) -> Iterator[Settings]:
    """Settings of a database made from another, dropped after the block."""
    name = f"live_{secrets.token_hex(6)}"
    url = EmbeddedServer(server_home).url("postgres", "postgres")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        grant_database(owner, name)
    yield Settings(home=server_home, database_name=name)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def template(server_home: Path) -> AsyncIterator[str]:
    """The name of a database with the small world, to be copied."""
    with database(server_home, TEMPLATE) as settings:
        async with Database.opened(settings) as db:
            await generate(db, SMALL, processes=1)
        yield settings.database_name


@pytest.fixture
async def world(server_home: Path, template: str) -> AsyncIterator[Database]:
    """A database with the small world, of the test's own."""
    with database(server_home, template) as settings:
        async with Database.opened(settings) as db:
            yield db


@pytest.fixture(scope="session")
async def longer(server_home: Path) -> AsyncIterator[dict[str, list[str]]]:
    """What a backfill of a day more holds."""
    with database(server_home, TEMPLATE) as settings:
        async with Database.opened(settings) as db:
            await generate(db, LONGER, processes=1)
            yield await everything(db)


async def clock_of(db: Database) -> object:
    """What the world's clock says."""
    async with db.system() as session:
        return (await session.execute(text("SELECT clock FROM data_playground.world_runs"))).scalar_one()
