"""Metrics rolled up beside DuckDB, which computes the same six tables from the same facts; and rolled again for late facts.

A world of scale 1 is loaded as `entrepot world generate` loads it. The full roll is the program's own, from marks to
attached partitions with their keys and foreign keys. DuckDB has the facts in tables of its own, in memory, and as many
threads as the roll has workers; it keeps no keys. The results are compared row for row before any time counts. The two
take turns, and the best of each counts.

For late facts a hundredth of every table of facts is taken out and the metrics are rolled without it; then it is inserted
through the tables' triggers, and the roll is timed. They come late as facts do (an age of a day on average), and spread
evenly over the world; the metrics must be those of the full roll again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from sqlalchemy import text

from benchmarks import Result
from benchmarks._metrics_duckdb import statements
from entrepot.kit.db import Database
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings
from entrepot.playground.loading.generating import generate
from entrepot.playground.metrics.kind_queries import KINDS, SPANS
from entrepot.playground.metrics.rolling import WORKERS, roll
from entrepot.playground.world.settings import WorldSettings

SCALE = 1.0
ROUNDS = 3
LATE = 0.01
START, END = date(2025, 10, 1), date(2026, 1, 1)
#: Table of facts → the columns that metrics are made of.
FACTS = {
    "shop_orders": "id, event_time, user_id, shop_id, total_amount, discount_amount",
    "shop_order_items": "id, event_time, user_id, shop_id, product_id, quantity, subtotal, discount_amount, total_amount",
    "global_events": "event_id, event_time, event_type, user_id, shop_id, product_id, quantity, amount, net_amount",
    "shop_reviews": "id, event_time, user_id, shop_id, product_id, status, rating",
    "shop_review_votes": "id, event_time, author_id, is_helpful",
    "shop_promotions": "id, event_time, shop_id, status, valid_from, valid_until",
    "shop_promotion_usages": "id, event_time, user_id, shop_id",
    "shop_inventory_logs": "id, event_time, product_id, change_type, quantity_after",
    "shop_products": "id, event_time, shop_id, cost_price, low_stock_threshold",
}
TYPES = {
    "event_time": "TIMESTAMP",
    "valid_from": "TIMESTAMP",
    "valid_until": "TIMESTAMP",
    "event_type": "VARCHAR",
    "status": "VARCHAR",
    "change_type": "VARCHAR",
    "is_helpful": "BOOLEAN",
    **dict.fromkeys(("quantity", "quantity_after", "low_stock_threshold", "rating"), "INTEGER"),
    **dict.fromkeys(
        ("amount", "net_amount", "total_amount", "discount_amount", "subtotal", "cost_price"), "DECIMAL(19,4)"
    ),
}
#: What comes late; promotions and products are made known before they matter.
LATE_TABLES = (
    "shop_orders",
    "shop_order_items",
    "global_events",
    "shop_reviews",
    "shop_review_votes",
    "shop_promotion_usages",
    "shop_inventory_logs",
)
SPREADS = {
    "as late facts are": "exp(extract(epoch FROM CAST(%(end)s AS timestamptz) - event_time) / 86400) * -ln(1 - random())",
    "evenly": "random()",
}
TARGETS = [(kind, kind.target(span)) for kind in KINDS for span in SPANS]


async def run(settings: Settings) -> Result:
    """Load a world, roll it beside DuckDB, then roll late facts."""
    world = WorldSettings(seed=7, scale=SCALE, start=START, end=END)
    end = datetime(END.year, END.month, END.day, tzinfo=UTC)
    async with Database.opened(settings, pool_size=WORKERS + 2) as db:
        made = await generate(db, world, processes=2)
        with admin(settings) as connection, duckdb.connect(config={"threads": WORKERS}) as duck:
            connection.execute("VACUUM (ANALYZE)")
            load(connection, duck, settings.home)
            seconds: dict[str, list[float]] = {"postgresql": [], "duckdb": []}
            for _ in range(ROUNDS):
                clear(connection)
                rolled = await roll(db, until=end)
                seconds["postgresql"].append(rolled.seconds)
                seconds["duckdb"].append(compute(duck, end))
            differing = compare(connection, duck, settings.home)
            assert differing == 0, f"{differing} rows differ"
            full = min(seconds["postgresql"])
            late = {name: await _late(db, connection, weight, end) for name, weight in SPREADS.items()}
            clock = await _clock(db)
    return {
        "name": "metrics",
        "ratios": {
            "full roll / duckdb (at most 3)": round(full / min(seconds["duckdb"]), 3),
            **{
                f"1 % late facts, {name} / full roll (at most 0.05)": round(
                    min(one[0] for one in found) / full, 4
                )
                for name, found in late.items()
            },
        },
        "details": {
            "facts": sum(made.rows.values()),
            "metrics_rows": rolled.rows,
            "rows_compared": rolled.rows,
            "clock": clock,
            "seconds": {name: [round(one, 3) for one in found] for name, found in seconds.items()},
            "late": {
                name: [{"seconds": round(one[0], 3), "facts": one[1], "buckets": one[2]} for one in found]
                for name, found in late.items()
            },
        },
    }


@contextmanager
def admin(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection: benchmarks take rows out past all triggers."""
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


def load(connection: psycopg.Connection[Any], duck: duckdb.DuckDBPyConnection, home: Path) -> None:
    """The facts as tables of DuckDB."""
    for table, columns in FACTS.items():
        given = ", ".join(
            f"{name} AT TIME ZONE 'UTC' AS {name}" if TYPES.get(name) == "TIMESTAMP" else name
            for name in columns.split(", ")
        )
        path = export(connection, f"SELECT {given} FROM data_playground.{table}", home / f"{table}.csv")
        types = {name: TYPES.get(name, "UUID") for name in columns.split(", ")}
        duck.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{path}', columns = {types})")


def export(connection: psycopg.Connection[Any], query: str, path: Path) -> Path:
    """What a query gives, as a file without a header."""
    with path.open("wb") as file, connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
        for block in copy:
            file.write(block)
    return path


def clear(connection: psycopg.Connection[Any]) -> None:
    """As if nothing had been rolled: no metrics, everything marked."""
    names = ", ".join(target for _, target in TARGETS)
    connection.execute(f"TRUNCATE {names}, data_playground.metrics_dirty, data_playground.metrics_clocks")
    connection.execute("SELECT data_playground.mark_range(%s, %s)", [START, END])


def compute(duck: duckdb.DuckDBPyConnection, end: datetime) -> float:
    """Seconds in which DuckDB makes the six tables."""
    began = time.perf_counter()
    for statement in statements(f"{end:%Y-%m-%d %H:%M:%S}"):
        duck.execute(statement)
    return time.perf_counter() - began


def compare(connection: psycopg.Connection[Any], duck: duckdb.DuckDBPyConnection, home: Path) -> int:
    """Rows that one side has and the other has not, or has otherwise; the last digit of a mean may differ."""
    differing = 0
    for kind, target in TARGETS:
        name = target.rpartition(".")[2]
        columns = ", ".join(kind.columns)
        query = f"SELECT {kind.entity}, event_time AT TIME ZONE 'UTC', {columns} FROM {target}"
        path = export(connection, query, home / f"{name}.csv")
        types = {
            "entity_id": "UUID",
            "event_time": "TIMESTAMP",
            **dict.fromkeys(kind.columns, "DECIMAL(19,4)"),
        }
        unlike = " OR ".join(
            f"abs(coalesce(ours.{column}, -1) - coalesce(theirs.{column}, -1)) > 0.00015"
            for column in kind.columns
        )
        row = duck.execute(
            f"SELECT count(*) FROM read_csv('{path}', columns = {types}) AS ours FULL JOIN {name} AS theirs "
            f"USING (entity_id, event_time) WHERE ours.{columns.split(', ')[0]} IS NULL OR theirs.{columns.split(', ')[0]} IS NULL OR {unlike}"
        ).fetchone()
        assert row is not None
        differing += row[0]
    return differing


async def _late(
    db: Database, connection: psycopg.Connection[Any], weight: str, end: datetime
) -> list[tuple[float, int, int]]:
    """Seconds of the roll, facts that came late and buckets rolled, a tuple a round."""
    before = checksum(connection)
    found = []
    for number in range(ROUNDS):
        connection.execute("SELECT setseed(%s)", [number / 10])
        facts = take_out(connection, weight, end)
        connection.execute("SELECT data_playground.mark_range(%s, %s)", [START, END])
        await roll(db)
        async with db.system() as session:
            for table in LATE_TABLES:
                await session.execute(
                    text(
                        f"INSERT INTO data_playground.{table} ({_columns(connection, table)}) SELECT {_columns(connection, table)} FROM late.{table}"
                    )
                )
        # What taking the facts out left behind is not a part of their coming late.
        tables = [f"data_playground.{table}" for table in LATE_TABLES] + [target for _, target in TARGETS]
        connection.execute(f"VACUUM (ANALYZE) {', '.join(tables)}, data_playground.metrics_dirty")
        rolled = await roll(db)
        assert checksum(connection) == before, "late facts made other metrics"
        found.append((rolled.seconds, facts, rolled.buckets))
    return found


def take_out(connection: psycopg.Connection[Any], weight: str, end: datetime) -> int:
    """Move a hundredth of each table of facts to schema `late`; how many rows that is."""
    connection.execute("DROP SCHEMA IF EXISTS late CASCADE")
    connection.execute("CREATE SCHEMA late")
    connection.execute("GRANT USAGE ON SCHEMA late TO entrepot_system")
    rows = 0
    connection.execute("SET session_replication_role = replica")
    for table in LATE_TABLES:
        key = "event_id" if table == "global_events" else "id"
        found = connection.execute(
            f"SELECT ceil(count(*) * {LATE})::bigint FROM data_playground.{table}"
        ).fetchone()
        assert found is not None
        connection.execute(
            f"CREATE TABLE late.{table} AS SELECT * FROM data_playground.{table} ORDER BY {weight} LIMIT {found[0]}",
            {"end": end},
        )
        connection.execute(f"GRANT SELECT ON late.{table} TO entrepot_system")
        connection.execute(
            f"DELETE FROM data_playground.{table} AS t USING late.{table} AS l WHERE t.{key} = l.{key} AND t.event_time = l.event_time"
        )
        rows += found[0]
    connection.execute("SET session_replication_role = origin")
    return rows


def _columns(connection: psycopg.Connection[Any], table: str) -> str:
    row = connection.execute(
        """
        SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = CAST(%s AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        """,
        [f"data_playground.{table}"],
    ).fetchone()
    assert row is not None
    return str(row[0])


def checksum(connection: psycopg.Connection[Any]) -> list[Any]:
    """A sum of each metrics table that does not hang on the order of its rows."""
    found = []
    for kind, target in TARGETS:
        columns = ", ".join((kind.entity, "event_time", *kind.columns))
        row = connection.execute(
            f"SELECT count(*), sum(hashtextextended(CAST(ROW({columns}) AS text), 0)::numeric) FROM {target}"
        ).fetchone()
        found.append(row)
    return found


async def _clock(db: Database) -> str:
    async with db.system() as session:
        row = await session.execute(text("SELECT max(reached) FROM data_playground.metrics_clocks"))
        return f"{row.scalar_one():%Y-%m-%d %H:%M:%S}"
