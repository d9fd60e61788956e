"""Three months of facts: two in months, of the third some days and the hours of a day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from benchmarks._warehouse_year import LEAVES, Year
from tests.conftest import clone

from entrepot.kit.db.urls import libpq_url, role_url

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
def warehouse(server_home: Path) -> Iterator[psycopg.Connection[Any]]:
    """A connection as entrepot_system to a database with those facts."""
    with (
        clone(server_home) as settings,
        psycopg.connect(libpq_url(role_url(settings, "system")), autocommit=True) as system,
    ):
        system.execute("SET timezone = 'UTC'")
        YEAR.fill(system, LEAVES)
        for table in YEAR.tables():
            system.execute(f"ANALYZE data_playground.{table}".encode())
        yield system
