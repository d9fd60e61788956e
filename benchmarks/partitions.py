"""The documented queries of a year in partitions, beside the same rows, indexes and foreign keys in plain tables.

The year is as a running installation has it: months, the last month in days, its last two days in hours. The plain
tables are copies in a schema of their own. Each query is planned and run in alternation on both, once in a month that
is one partition and once in the hours, and run prepared with a generic plan; what is compared are medians. Making a year of empty months for every table of
the warehouse is timed beside loading a year of rows.
"""

import itertools
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import geometric_mean, median
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import Result
from benchmarks._warehouse_year import END, LEAVES, SCHEMA, Year, documented_queries, prepared
from entrepot.kit.db import ddl
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

Connection = psycopg.Connection[Any]
ROUNDS = 15
PLAIN = "plain"
DAY = timedelta(days=1)
#: Query → the length of its range.
LENGTHS = {
    "orders-of-a-day": DAY,
    "history-of-a-user": 28 * DAY,
    "hours-of-a-shop": 7 * DAY,
    "payments-of-an-outage": timedelta(hours=3),
    "type-of-an-id": timedelta(hours=1),
    "stock-of-a-product": 28 * DAY,
    "top-products": 28 * DAY,
    "late-deliveries": 28 * DAY,
    "response-times": timedelta(hours=1),
    "funnel-of-a-day": DAY,
}


async def run(settings: Settings) -> Result:
    """Fill both, then plan and run each query on both in alternation."""
    year = Year()
    with (
        psycopg.connect(libpq_url(role_url(settings, "system")), autocommit=True) as system,
        psycopg.connect(libpq_url(role_url(settings, "owner")), autocommit=True) as owner,
    ):
        for connection in (system, owner):
            connection.execute("SET timezone = 'UTC'")
            connection.execute("SET jit = off")
        months = make_empty_year(system)
        seconds = year.fill(system, LEAVES)
        rows = copy_plain(owner, year)
        partitions = count(owner, "SELECT count(*) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
                                  " WHERE c.relkind = 'r' AND c.relnamespace = 'data_playground'::regnamespace")  # fmt: skip
        measured = {
            f"{name} {place}": measure(system, query, year, place, LENGTHS[name])
            for name, query in documented_queries().items()
            for place in ("in a month", "in hours")
        }
    ratios = {
        f"{kind}_{place.replace(' ', '_')}_to_plain": round(
            geometric_mean(one[kind] for name, one in measured.items() if name.endswith(place)), 3
        )
        for kind in ("planning", "execution", "both", "prepared")
        for place in ("in a month", "in hours")
    }
    ratios["both_slowest_query_to_plain"] = round(max(one["both"] for one in measured.values()), 3)
    ratios["empty_year_of_months_to_loading_a_year"] = round(
        months["seconds"] / (seconds["rows"] + seconds["partitions"]), 3
    )
    return {
        "name": "partitions",
        "ratios": ratios,
        "details": {
            "queries": measured,
            "year_of_months": months,
            "year_of_rows": {
                "rows": rows,
                "seconds": {name: round(value, 1) for name, value in seconds.items()},
            },
            "partitions": partitions,
            "rounds": ROUNDS,
        },
    }


def make_empty_year(system: Connection) -> dict[str, Any]:
    """Twelve months, built and attached, for every table of the warehouse; of a year before the one with rows."""
    load_declarations()
    tables = [
        table.fullname
        for table in Base.metadata.sorted_tables
        if table.schema == SCHEMA and ddl.feature(table, Partitions) is not None
    ]
    edges = [datetime(2023, month, 1, tzinfo=UTC) for month in range(1, 13)] + [
        datetime(2024, 1, 1, tzinfo=UTC)
    ]
    started = time.perf_counter()
    for table in tables:
        for lower, upper in itertools.pairwise(edges):
            row = system.execute(
                "SELECT entrepot.build_partition(%s, %s, %s)", [table, lower, upper]
            ).fetchone()
            assert row is not None
            system.execute("SELECT entrepot.attach_partition(%s, %s)", [table, row[0]])
    seconds = time.perf_counter() - started
    made = len(tables) * 12
    return {
        "tables": len(tables),
        "partitions": made,
        "seconds": round(seconds, 2),
        "milliseconds_a_partition": round(1000 * seconds / made, 1),
    }


def copy_plain(owner: Connection, year: Year) -> int:
    """The same rows with the same checks, indexes and foreign keys in tables that are not partitioned; how many there are."""
    owner.execute(f"CREATE SCHEMA {PLAIN}".encode())
    owner.execute(f"GRANT USAGE ON SCHEMA {PLAIN} TO entrepot_system".encode())
    total = 0
    for table in year.tables():
        owner.execute(
            f"CREATE TABLE {PLAIN}.{table} (LIKE {SCHEMA}.{table} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS)".encode()
        )
        columns = ", ".join(
            row[0]
            for row in owner.execute(
                "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = ''"
                " ORDER BY attnum",
                [f"{SCHEMA}.{table}"],
            )
        )
        total += owner.execute(
            f"INSERT INTO {PLAIN}.{table} ({columns}) SELECT {columns} FROM {SCHEMA}.{table} ORDER BY event_time".encode()
        ).rowcount
        for (definition,) in owner.execute(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass",
            [f"{SCHEMA}.{table}"],
        ).fetchall():
            owner.execute(
                re.sub(r"INDEX (\S+) ON ONLY \S+ ", rf"INDEX \1 ON {PLAIN}.{table} ", definition).encode()
            )
        for (definition,) in owner.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND conrelid = %s::regclass",
            [f"{SCHEMA}.{table}"],
        ).fetchall():
            target = re.search(rf"REFERENCES {SCHEMA}\.(\w+)", definition)
            if target and target[1] in year.tables():
                owner.execute(f"ALTER TABLE {PLAIN}.{table} ADD {definition.replace(SCHEMA, PLAIN)}".encode())
        owner.execute(f"GRANT SELECT ON {PLAIN}.{table} TO entrepot_system".encode())
        owner.execute(f"ANALYZE {PLAIN}.{table}".encode())
        owner.execute(f"ANALYZE {SCHEMA}.{table}".encode())
    return total


def count(connection: Connection, query: str) -> int:
    """The one number that a query gives."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def measure(system: Connection, query: str, year: Year, place: str, length: timedelta) -> dict[str, float]:
    """Partitioned to plain: planning, execution and both, of one query at one place; and the milliseconds that they took."""
    lower = datetime(2025, 8, 2, 10, tzinfo=UTC) if place == "in a month" else END - DAY - timedelta(hours=2)
    asked = year.values(system, lower, lower + timedelta(hours=3)) | {
        "from": lower,
        "to": min(lower + length, END),
    }
    if place == "in hours" and length > DAY:  # a range that ends now
        asked |= {"from": END - length, "to": END}
    statement = re.sub(r":'(\w+)'", lambda found: _literal(system, asked[found[1]]), query)
    both: list[Callable[[], tuple[float, float]]] = [
        lambda: explain(system, statement),
        lambda: explain(system, statement.replace(f"{SCHEMA}.", f"{PLAIN}.")),
    ]
    ready = [prepare(system, query, asked, plain=plain) for plain in (False, True)]
    same = [
        system.execute(one.encode()).fetchall()
        for one in (statement, statement.replace(f"{SCHEMA}.", f"{PLAIN}."))
    ]
    assert same[0] == same[1], f"the two answers differ:\n{statement}"
    times: list[list[tuple[float, float]]] = [[], []]
    for _ in range(ROUNDS):
        for place_of, one in zip(times, both, strict=True):
            place_of.append(one())
    planning, execution = ([median(part[i] for part in one) for one in times] for i in (0, 1))
    seconds: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for taken, execute in zip(seconds, ready, strict=True):
            started = time.perf_counter()
            system.execute(execute)
            taken.append(time.perf_counter() - started)
    system.execute("DEALLOCATE ALL")
    total = [median(sum(part) for part in one) for one in times]
    return {
        "planning": round(planning[0] / planning[1], 2),
        "execution": round(execution[0] / execution[1], 2),
        "both": round(total[0] / total[1], 2),
        "prepared": round(median(seconds[0]) / median(seconds[1]), 2),
        "milliseconds": round(total[0], 2),
        "plain_milliseconds": round(total[1], 2),
        "prepared_milliseconds": round(1000 * median(seconds[0]), 2),
    }


def prepare(system: Connection, query: str, asked: dict[str, Any], *, plain: bool) -> bytes:
    """Prepare a query with a generic plan, and run it once; gives the EXECUTE."""
    names, types, statement = prepared(query)
    name = "on_plain" if plain else "on_partitions"
    if plain:
        statement = statement.replace(f"{SCHEMA}.", f"{PLAIN}.")
    system.execute("SET plan_cache_mode = force_generic_plan")
    system.execute(f"PREPARE {name} ({', '.join(types)}) AS {statement}".encode())
    execute = f"EXECUTE {name} ({', '.join(_literal(system, asked[one]) for one in names)})".encode()
    system.execute(execute)
    return execute


def explain(system: Connection, statement: str) -> tuple[float, float]:
    """Milliseconds of planning and of execution, as the server measures them."""
    row = system.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}".encode()).fetchone()
    assert row is not None
    return row[0][0]["Planning Time"], row[0][0]["Execution Time"]


def _literal(system: Connection, value: Any) -> str:
    return sql.Literal(value).as_string(system).removesuffix("::timestamptz").removesuffix("::uuid")
