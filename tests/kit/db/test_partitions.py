"""Partitions: ahead of time, nothing lost in the default one, drained, retained, whoever runs at the same time."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from tests.conftest import clone
from tests.kit.db.rows import Connection, RowFactory, qualified, read_tables

from entrepot.kit.clock import now
from entrepot.kit.db import Database, ddl, partitions
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import Role, libpq_url, role_url
from entrepot.kit.settings import Settings

load_declarations()

PARTITIONED = {
    table.fullname: declared
    for table in Base.metadata.sorted_tables
    if (declared := ddl.feature(table, Partitions)) is not None
}
PAST, FUTURE = datetime(2001, 2, 3, tzinfo=UTC), datetime(2099, 7, 31, 23, 59, tzinfo=UTC)

CHILDREN = """
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = %s::regclass ORDER BY entrepot.partition_end(c.oid), 1
"""


@pytest.fixture
def connect(settings: Settings) -> Iterator[Callable[[Role], Connection]]:
    """Connections to the test's database, closed at its end."""
    opened: list[Connection] = []

    def connect(role: Role) -> Connection:
        connection = psycopg.connect(libpq_url(role_url(settings, role)), autocommit=True)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def system(connect: Callable[[Role], Connection]) -> Connection:
    return connect("system")


@pytest.fixture
def admin(connect: Callable[[Role], Connection]) -> Connection:
    return connect("admin")


@pytest.fixture(scope="module")
def module_settings(server_home: Path) -> Iterator[Settings]:
    with clone(server_home) as found:
        yield found


@pytest.fixture
def undone(module_settings: Settings) -> Iterator[Connection]:
    """A transaction in a database of the module's, rolled back."""
    url = libpq_url(role_url(module_settings, "admin"))
    with psycopg.connect(url) as connection, connection.transaction(force_rollback=True):
        yield connection


def maintain(
    connection: Connection, table: str, at: datetime | str | None = None, **changed: Any
) -> list[tuple[str, str, int]]:
    declared = PARTITIONED[table]
    values = {
        "parent": table,
        "column": declared.column,
        "spans": list(declared.spans),
        "ages": [one.after for one in declared.merge],
        "ahead": declared.ahead,
        "retain": declared.retain,
        "at": at or now(),
    } | changed
    return connection.execute(
        """
        SELECT * FROM entrepot.maintain_spans(
            %(parent)s, %(column)s, %(spans)s, %(ages)s::interval[], %(ahead)s, %(retain)s, %(at)s)
        """,
        values,
    ).fetchall()


def children(admin: Connection, table: str) -> dict[str, str]:
    admin.execute("SET timezone = 'UTC'")
    return {str(name): str(bounds) for name, bounds in admin.execute(CHILDREN, [table])}


def rows(connection: Connection, table: str) -> list[Any]:
    query = sql.SQL("SELECT to_jsonb(t) FROM {} AS t ORDER BY t::text").format(qualified(table))
    return [row[0] for row in connection.execute(query)]


def waits_for_a_lock(admin: Connection, connection: Connection) -> None:
    """Return when the connection's statement waits for a lock."""
    for _ in range(1000):
        row = admin.execute(
            "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [connection.info.backend_pid]
        ).fetchone()
        if row == ("Lock",):
            return
        time.sleep(0.01)
    raise AssertionError("it never waited")


def started(work: Callable[[], Any]) -> Future[Any]:
    """Work in a thread of its own."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


async def test_a_migrated_database_has_its_partitions_and_stays_small(db: Database) -> None:
    found = await partitions.listing(db)
    for table, declared in PARTITIONED.items():
        names = [one.name for one in found if one.table == table]
        assert len(names) == (1 if declared.merge else declared.ahead + 2), table
        assert f"{table.split('.')[1]}_default" in names
    # The database was migrated before the test began, perhaps before a midnight: its first day says when.
    first = min(
        one.bounds for one in found if one.table == "pim.api_cost_tracking" and one.bounds != "DEFAULT"
    )
    began = re.search(r"FROM \('([^']+)'\)", first)
    assert began
    at = datetime.fromisoformat(began[1])
    made = await partitions.maintain(db, at=at)
    assert {change.table for change in made} == {table for table, one in PARTITIONED.items() if one.merge}
    assert {change.action for change in made} == {"created"}
    assert await partitions.maintain(db, at=at) == []
    tomorrow = await partitions.maintain(db, at=at + timedelta(days=1))
    assert "pim.api_cost_tracking" in {change.table for change in tomorrow}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Bucharest", "Pacific/Auckland"])
@pytest.mark.parametrize(
    ("at", "table", "ahead", "wanted"),
    [
        ("2031-12-31 23:59:59.999999+00", "pim.audit_logs", 1, ["2031_12", "2032_01"]),
        ("2032-01-01 00:00:00+00", "pim.audit_logs", 1, ["2032_01", "2032_02"]),
        ("2032-01-01 00:30:00+02", "pim.audit_logs", 1, ["2031_12", "2032_01"]),
        ("2032-01-31 12:00:00+00", "pim.audit_logs", 2, ["2032_01", "2032_02", "2032_03"]),
        ("2032-02-28 23:00:00+00", "pim.api_cost_tracking", 2, ["2032_02_28", "2032_02_29", "2032_03_01"]),
        # The clocks of Bucharest go forward on 28 March and back on 31 October; Auckland's on 26 September and 4 April.
        ("2032-03-27 22:30:00+00", "pim.api_cost_tracking", 2, ["2032_03_27", "2032_03_28", "2032_03_29"]),
        ("2032-10-30 21:30:00+00", "pim.api_cost_tracking", 2, ["2032_10_30", "2032_10_31", "2032_11_01"]),
        ("2032-09-25 11:59:00+00", "pim.api_cost_tracking", 2, ["2032_09_25", "2032_09_26", "2032_09_27"]),
        ("2032-12-31 23:59:00+00", "pim.api_cost_tracking", 1, ["2032_12_31", "2033_01_01"]),
    ],
)
def test_partitions_are_of_utc_wherever_one_is(
    undone: Connection, zone: str, at: str, table: str, ahead: int, wanted: list[str]
) -> None:
    undone.execute(sql.SQL("SET timezone = {}").format(zone))
    made = maintain(undone, table, at, ahead=ahead, retain=None)
    name = table.split(".")[1]
    assert made == [("created", f"{name}_{suffix}", 0) for suffix in wanted]
    assert maintain(undone, table, at, ahead=ahead, retain=None) == []
    found = children(undone, table)
    bounds = [
        found[child].removeprefix("FOR VALUES FROM ('").removesuffix("')").split("') TO ('")
        for _, child, _ in made
    ]
    assert all(" 00:00:00+00" in edge for pair in bounds for edge in pair)
    assert [end for _, end in bounds[:-1]] == [begin for begin, _ in bounds[1:]]


@pytest.mark.parametrize("table", PARTITIONED)
def test_what_lands_in_the_default_partition_is_drained(
    system: Connection, admin: Connection, connect: Callable[[Role], Connection], table: str
) -> None:
    factory, column = RowFactory(system, read_tables(system)), PARTITIONED[table].column
    tenant = factory.admit(uuid4())
    for when in (PAST, PAST, FUTURE):
        factory.make(table, tenant, {column: when})
    schema, name = table.split(".")
    before = rows(system, table)
    stray = rows(admin, f"{table}_default")
    assert len(stray) == 3
    assert all(row in before for row in stray)
    done = maintain(system, table, ahead=-1, retain=None)
    labels = {"hour": "%Y_%m_%d_%H", "day": "%Y_%m_%d", "month": "%Y_%m"}
    spans = PARTITIONED[table].spans
    past, future = f"{name}_{PAST:{labels[spans[-1]]}}", f"{name}_{FUTURE:{labels[spans[0]]}}"
    assert done == [("drained", past, 2), ("drained", future, 1)]
    assert rows(system, table) == before
    assert rows(admin, f"{table}_default") == []
    assert len(rows(admin, f"{schema}.{past}")) == 2
    factory.make(table, tenant, {column: PAST})
    assert len(rows(admin, f"{schema}.{past}")) == 3
    for made in (past, future):
        secured = admin.execute(
            "SELECT relrowsecurity, relacl IS NULL, pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass",
            [f"{schema}.{made}"],
        ).fetchone()
        assert secured == (True, True, "entrepot_owner")
    assert maintain(system, table, ahead=-1, retain=None) == []


def test_what_refers_to_a_drained_row_stays(system: Connection) -> None:
    factory = RowFactory(system, read_tables(system))
    harvest = factory.make("pim.prod_raw_harvest", None, {"fetched_at": PAST})
    reference = {"harvest_id": harvest["id"], "harvest_fetched_at": harvest["fetched_at"]}
    factory.make("pim.prod_extraction_sessions", None, reference)
    before = rows(system, "pim.prod_extraction_sessions")
    assert [action for action, *_ in maintain(system, "pim.prod_raw_harvest", retain=None)] == ["drained"]
    assert rows(system, "pim.prod_extraction_sessions") == before
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        factory.make("pim.prod_extraction_sessions", None, reference | {"harvest_fetched_at": FUTURE})
    system.execute("DELETE FROM pim.prod_raw_harvest")
    assert rows(system, "pim.prod_extraction_sessions") == []


def test_retention_drops_what_ended_before_it_and_what_refers_to_it(
    system: Connection, admin: Connection
) -> None:
    factory, table = RowFactory(system, read_tables(system)), "pim.prod_raw_harvest"
    for when in ("2031-01-31 23:59:59+00", "2031-02-01 00:00:00+00", "2031-05-05 00:00:00+00"):
        harvest = factory.make(table, None, {"fetched_at": when})
        factory.make(
            "pim.prod_extraction_sessions",
            None,
            {"harvest_id": harvest["id"], "harvest_fetched_at": harvest["fetched_at"]},
        )
    maintain(system, table, "2031-05-01", retain=None)
    retain = timedelta(days=28)
    maintain(system, table, "2031-02-01", ahead=0, retain=retain)  # of the years before
    kept = children(admin, table)
    # January ended 28 days before the first of March, less a microsecond: not yet.
    assert maintain(system, table, "2031-02-28 23:59:59.999999+00", ahead=0, retain=retain) == []
    done = maintain(system, table, "2031-03-01 00:00:00+00", ahead=-1, retain=retain)
    assert done == [("dropped", "prod_raw_harvest_2031_01", 1)]
    assert set(kept) - set(children(admin, table)) == {"prod_raw_harvest_2031_01"}
    assert len(rows(system, table)) == len(rows(system, "pim.prod_extraction_sessions")) == 2
    assert admin.execute("SELECT to_regclass('pim.prod_raw_harvest_2031_01')").fetchone() == (None,)


def test_what_is_past_its_retention_when_it_is_drained_is_dropped(system: Connection) -> None:
    factory = RowFactory(system, read_tables(system))
    factory.make("pim.webhook_events", None, {"created_at": PAST})
    done = maintain(system, "pim.webhook_events")
    assert done == [("drained", "webhook_events_2001_02", 1), ("dropped", "webhook_events_2001_02", 1)]
    assert rows(system, "pim.webhook_events") == []


def test_nothing_is_dropped_where_nothing_is_let_go(system: Connection) -> None:
    factory = RowFactory(system, read_tables(system))
    shop = factory.make("pim.shops", None)["id"]
    factory.make("pim.inventory_ledger", shop, {"recorded_at": PAST})
    assert PARTITIONED["pim.inventory_ledger"].retain is None
    maintain(system, "pim.inventory_ledger")
    assert maintain(system, "pim.inventory_ledger", datetime(2100, 1, 1, tzinfo=UTC), ahead=0) == [
        ("created", "inventory_ledger_2100_01", 0)
    ]
    assert len(rows(system, "pim.inventory_ledger")) == 1


@pytest.mark.parametrize("when", ["infinity", "-infinity"])
def test_a_row_of_no_time_stays_where_it_is(system: Connection, admin: Connection, when: str) -> None:
    factory = RowFactory(system, read_tables(system))
    shop = factory.make("pim.shops", None)["id"]
    values = factory.values("pim.inventory_ledger", shop, {"recorded_at": when})
    system.execute(factory.insertion("pim.inventory_ledger", values), values)
    assert maintain(system, "pim.inventory_ledger") == []
    assert admin.execute("SELECT count(*) FROM pim.inventory_ledger_default").fetchone() == (1,)


def test_a_bad_span_or_another_table_is_refused(system: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        maintain(system, "pim.audit_logs", spans=["fortnight"])
    with pytest.raises(psycopg.errors.WrongObjectType):
        maintain(system, "pim.audit_logs", parent="pim.shops")
    with pytest.raises(psycopg.errors.WrongObjectType):
        maintain(system, "pim.audit_logs", parent="pg_catalog.pg_class")


def test_only_one_of_many_at_once_makes_a_partition(connect: Callable[[Role], Connection]) -> None:
    connections = [connect("system") for _ in range(4)]
    RowFactory(connections[0], read_tables(connections[0])).make(
        "pim.webhook_events", None, {"created_at": FUTURE}
    )
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda one: maintain(one, "pim.webhook_events", "2040-06-01", retain=None), connections)
        )
    months = [f"webhook_events_2040_{month:02}" for month in (6, 7, 8, 9)]
    assert sorted(change for changes in done for change in changes) == [
        *(("created", month, 0) for month in months),
        ("drained", "webhook_events_2099_07", 1),
    ]


def test_a_writer_to_the_default_partition_is_waited_for(
    system: Connection, admin: Connection, connect: Callable[[Role], Connection]
) -> None:
    writer, worker = connect("system"), connect("system")
    factory = RowFactory(writer, read_tables(system))
    with writer.transaction():
        factory.make("pim.webhook_events", None, {"created_at": "2040-06-15"})
        future = started(lambda: maintain(worker, "pim.webhook_events", "2040-06-01", ahead=0, retain=None))
        waits_for_a_lock(admin, worker)
    assert future.result(timeout=60) == [("drained", "webhook_events_2040_06", 1)]
    assert rows(admin, "pim.webhook_events_default") == []


def test_a_writer_of_what_is_referred_to_is_waited_for_before_the_default_partition_is_locked(
    admin: Connection, connect: Callable[[Role], Connection]
) -> None:
    writer, worker = connect("system"), connect("system")
    with writer.transaction():
        writer.execute(
            "INSERT INTO data_playground.users (event_time, username, email, created_time) VALUES ('2040-06-01', 'ann', '', '2040-06-01')"
        )
        future = started(
            lambda: maintain(
                worker, "data_playground.global_events", "2040-06-01 00:00+00", ahead=0, retain=None
            )
        )
        waits_for_a_lock(admin, worker)
        writer.execute(
            "INSERT INTO data_playground.global_events (event_time, event_type) VALUES ('2040-06-01 00:30+00', 'user_registered')"
        )
    assert future.result(timeout=60) == [("drained", "global_events_2040_06_01_00", 1)]


def test_a_reader_and_a_drop_do_not_wait_for_each_other_in_a_circle(
    system: Connection, admin: Connection, connect: Callable[[Role], Connection]
) -> None:
    maintain(system, "pim.webhook_events", "2030-01-01", ahead=0, retain=None)
    reader, worker = connect("system"), connect("system")
    with reader.transaction():
        reader.execute("SELECT count(*) FROM pim.webhook_events WHERE created_at = '2030-01-02 00:00:00+00'")
        future = started(
            lambda: maintain(worker, "pim.webhook_events", "2031-01-01", retain=timedelta(days=90))
        )
        waits_for_a_lock(admin, worker)
        assert reader.execute("SELECT count(*) FROM pim.webhook_events").fetchone() == (0,)
    assert ("dropped", "webhook_events_2030_01", 0) in future.result(timeout=60)


async def test_two_processes_maintain_at_once(db: Database, settings: Settings, system: Connection) -> None:
    factory = RowFactory(system, read_tables(system))
    tenant = factory.admit(uuid4())
    for table, declared in PARTITIONED.items():
        factory.make(table, tenant, {declared.column: FUTURE})
    environment = {
        **os.environ,
        "ENTREPOT_HOME": str(settings.home),
        "ENTREPOT_DATABASE_NAME": settings.database_name,
    }
    command = [sys.executable, "-m", "entrepot", "db", "partitions", "maintain", "--json"]
    processes = [
        await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sum(output.count(b'"drained"') for output, _ in outputs) == len(PARTITIONED)
    assert await partitions.maintain(db) == []
    for one in await partitions.listing(db):
        assert one.bytes >= 0
