"""Three months of facts: two in months, of the third some days and the hours of a day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from benchmarks._warehouse_year import LEAVES, Year
from tests.conftest import clone

from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

YEAR = Year(
    months=3,
    users=60,
    products=40,
    orders_a_day=48,
    requests_a_day=96,
    days=2,
    days_in_hours=1,
    events_an_order=8,
)


@pytest.fixture(scope="module")
def year(server_home: Path) -> Iterator[Settings]:
    """A database for those facts."""
    with clone(server_home) as settings:
        yield settings


@pytest.fixture(scope="module")
def catalog(year: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the administrator, who may ask for the bounds of partitions."""
    with psycopg.connect(libpq_url(role_url(year, "admin")), autocommit=True) as admin:
        admin.execute("SET timezone = 'UTC'")
        yield admin


@pytest.fixture(scope="module")
def warehouse(year: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection as entrepot_system to the facts."""
    with psycopg.connect(libpq_url(role_url(year, "system")), autocommit=True) as system:
        system.execute("SET timezone = 'UTC'")
        YEAR.fill(system, LEAVES)
        for table in YEAR.tables():
            system.execute(f"ANALYZE data_playground.{table}".encode())
        yield system
