"""A year of data stays under 2,000 partitions in all, in whatever way the rows came."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import MetaData, Table

from entrepot.kit.db import Database, ddl
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.merging import Merging
from entrepot.kit.db.partitions import maintain_table
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

load_declarations()

DECLARED = {
    table: partitions
    for table in Base.metadata.sorted_tables
    if table.schema == "data_playground" and (partitions := ddl.feature(table, Partitions)) is not None
}
BEGIN = datetime(2031, 1, 1, 0, 10, tzinfo=UTC)


@pytest.fixture
def owner(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(libpq_url(role_url(settings, "owner")), autocommit=True) as connection:
        yield connection


def test_every_table_of_facts_and_metrics_is_partitioned() -> None:
    names = {table.name for table in DECLARED}
    assert len(names) == 23
    hourly = {table.name for table, declared in DECLARED.items() if declared.span == "hour"}
    assert hourly == {
        "global_events",
        "shop_order_items",
        "shop_order_payments",
        "invoice_payments",
        "shop_promotion_usages",
        "shop_review_votes",
        "shop_inventory_logs",
        "request_response_logs",
        "user_metrics_hourly",
        "shop_metrics_hourly",
        "shop_product_metrics_hourly",
    }
    daily = {table.name for table, declared in DECLARED.items() if declared.span == "day"}
    assert daily == {
        "global_entities",
        "user_metrics_daily",
        "shop_metrics_daily",
        "shop_product_metrics_daily",
    }


async def test_a_year_of_nightly_maintenance_makes_fewer_than_2000(
    db: Database, owner: psycopg.Connection[Any]
) -> None:
    """One bare table stands for all that are declared alike."""
    most: Counter[Partitions] = Counter()
    connection = await db.listen()
    try:
        for number, declared in enumerate(set(DECLARED.values())):
            name = f"data_playground.bare_{number}"
            owner.execute(
                f"CREATE TABLE {name} (event_time timestamptz NOT NULL) PARTITION BY RANGE (event_time)".encode()
            )
            table = bare(name)
            for night in nights():
                await maintain_table(db, table, declared, at=night)
                row = owner.execute(
                    "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass", [name]
                ).fetchone()
                assert row is not None
                most[declared] = max(most[declared], row[0])
                if declared.merge:
                    await Merging(db, connection, table, declared, night, patience=30).run()
    finally:
        await connection.close()
    total = sum(most[declared] for declared in DECLARED.values())
    assert (
        max(most.values()) > 80
    )  # the hours of two days, the days of a month and a week, the months of a year
    assert 1000 < total < 2000, {str(declared): count for declared, count in most.items()}


def bare(name: str) -> Table:
    """What maintenance wants to know of a table: its name."""
    schema, _, own = name.partition(".")
    return Table(own, MetaData(), schema=schema)


def nights() -> list[datetime]:
    """The nights on which most is there, a week into the month after, and enough before them to bring that about.

    What is made ahead covers a day and a quarter, so every second night leaves no day without a partition.
    """
    year = [BEGIN + timedelta(days=day) for day in range(373)]
    return [night for night in year[:334] if night.day in (1, 15)] + year[334:370:2] + year[370:]
