"""Merging: hours become days and days months, and whoever reads or writes meanwhile sees every row exactly once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from entrepot.kit.db import Database, ddl, merging, partitions
from entrepot.kit.db.catalog import Snapshot
from entrepot.kit.db.check import declared_snapshot, live_differences, load_declarations
from entrepot.kit.db.features import Merge, Partitions
from entrepot.kit.db.partitions import PartitionChange, maintain_table
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

load_declarations()

Connection = psycopg.Connection[Any]
EVENTS = "data_playground.global_events"
TABLE = Base.metadata.tables[EVENTS]
DAY = datetime(2031, 5, 4, tzinfo=UTC)
LATER = DAY + timedelta(days=2)
USER = "00000000-0000-7000-8000-000000000001"
#: Hours of one day are enough here; how many are made ahead is declared.
HOURS = Partitions(
    "event_time",
    span="hour",
    ahead=23,
    merge=(Merge("day", after=timedelta(days=1)), Merge("month", after=timedelta(days=7))),
)
LARGE = pytest.mark.parametrize("hours", ["large"], indirect=True)
EITHER = pytest.mark.parametrize("hours", ["small", "large"], indirect=True)
CHILDREN = """
    SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'data_playground.global_events'::regclass ORDER BY 1
"""


@pytest.fixture(scope="module")
def declared(server_home: Path) -> Snapshot:
    """What `entrepot db check` compares with."""
    return declared_snapshot(Settings(home=server_home, database_name="postgres"))


@pytest.fixture
def system(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(role_url(settings, "system")), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


@pytest.fixture
def other(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(role_url(settings, "system")), autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as connection:
        yield connection


@pytest.fixture
async def hours(db: Database, system: Connection, request: pytest.FixtureRequest) -> list[Any]:
    """The hours of a day with a row every minute; gives the rows. Where they are large, keys are checked before the swap."""
    await maintain_table(db, TABLE, HOURS, at=DAY)
    system.execute(
        "INSERT INTO data_playground.users (id, event_time, username, email, created_time)"
        " VALUES (%s, %s, 'ann', 'ann@example.com', %s)",
        [USER, DAY, DAY],
    )
    write(system, "%s::timestamptz + n * interval '1 minute' FROM generate_series(0, 1439) AS n", DAY)
    if getattr(request, "param", "small") == "large":
        system.execute(
            "UPDATE data_playground.global_events SET event_metadata = to_jsonb(repeat('remark ', 250))"
        )
    return rows(system)


def write(connection: Connection, moments: str, *values: Any) -> None:
    """Events of the user at moments."""
    connection.execute(
        f"INSERT INTO data_playground.global_events (event_type, user_id, user_event_time, event_time)"
        f" SELECT 'user_logged_in', '{USER}', '{DAY.isoformat()}', {moments}".encode(),
        values,
    )


def rows(connection: Connection) -> list[Any]:
    return [
        row[0]
        for row in connection.execute("SELECT to_jsonb(e) FROM data_playground.global_events AS e ORDER BY 1")
    ]


def one(connection: Connection, query: str, *values: Any) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def children(admin: Connection) -> list[str]:
    return [str(name).removeprefix("global_events_") for (name,) in admin.execute(CHILDREN)]


@asynccontextmanager
async def merger(db: Database, at: datetime = LATER, patience: float = 30) -> AsyncIterator[merging.Merging]:
    connection = await db.listen()
    try:
        yield merging.Merging(db, connection, TABLE, HOURS, at, patience)
    finally:
        await connection.close()


async def merge(db: Database, at: datetime = LATER, patience: float = 30) -> list[PartitionChange]:
    async with merger(db, at, patience) as work:
        return await work.run()


def start(connection: Connection) -> tuple[str, dict[str, str]]:
    """A merge of the day, prepared up to its last step."""
    row = connection.execute(
        "SELECT * FROM entrepot.start_merge(%s, %s, %s)", [EVENTS, DAY, DAY + timedelta(days=1)]
    ).fetchone()
    assert row is not None
    partition, copied = row
    for step in ("indexes", "references", "validation"):
        connection.execute("SELECT entrepot.prepare_partition(%s, %s, %s)", [EVENTS, partition, step])
    return partition, copied


def finish(connection: Connection, partition: str, copied: dict[str, str]) -> Any:
    return one(connection, "SELECT entrepot.finish_merge(%s, %s, %s)", EVENTS, partition, Jsonb(copied))


def catch_up(connection: Connection, partition: str, copied: dict[str, str]) -> Any:
    return one(connection, "SELECT entrepot.catch_up_merge(%s, %s, %s)", EVENTS, partition, Jsonb(copied))


async def waits(admin: Connection, what: str, pattern: str) -> int:
    """The process whose statement of that text waits for a lock, as soon as there is one."""
    for _ in range(1000):
        row = admin.execute(
            f"SELECT pid FROM pg_stat_activity WHERE {what} AND query LIKE %s AND datname = current_database()".encode(),
            [pattern],
        ).fetchone()
        if row:
            return int(row[0])
        await asyncio.sleep(0.01)
    raise AssertionError("it never waited")


@EITHER
async def test_hours_become_a_day_and_days_a_month(
    db: Database, system: Connection, admin: Connection, declared: Snapshot, hours: list[Any]
) -> None:
    assert len(children(admin)) == 25
    assert await merge(db, DAY + timedelta(days=2, microseconds=-1)) == []
    assert await merge(db) == [PartitionChange(EVENTS, "merged", "global_events_2031_05_04", 1440)]
    assert children(admin) == ["2031_05_04", "default"]
    assert rows(system) == hours
    assert await merge(db) == []
    write(system, "%s::timestamptz", DAY + timedelta(hours=3, seconds=1))  # late, and goes where it belongs
    assert one(admin, "SELECT count(*) FROM data_playground.global_events_2031_05_04") == 1441
    june = datetime(2031, 6, 8, tzinfo=UTC)
    assert await merge(db, june - timedelta(microseconds=1)) == []
    assert await merge(db, june) == [PartitionChange(EVENTS, "merged", "global_events_2031_05", 1441)]
    assert children(admin) == ["2031_05", "default"]
    assert len(rows(system)) == 1441
    assert live_differences(admin, declared) == []
    # Neither an hour nor a day is made inside a month.
    assert await maintain_table(db, TABLE, HOURS, at=DAY) == []


async def test_hours_that_nobody_merged_in_time_become_a_month_at_once(
    db: Database, system: Connection, admin: Connection, hours: list[Any]
) -> None:
    [change] = await merge(db, datetime(2031, 9, 1, tzinfo=UTC))
    assert (change.partition, change.rows) == ("global_events_2031_05", 1440)
    assert rows(system) == hours


@EITHER
async def test_foreign_keys_and_indexes_hold_after_a_merge(
    db: Database, system: Connection, admin: Connection, hours: list[Any]
) -> None:
    await merge(db)
    for statement in (
        "DELETE FROM data_playground.users",
        "UPDATE data_playground.global_events SET user_id = uuidv7()",
        "UPDATE data_playground.global_events SET user_event_time = user_event_time + interval '1 hour'",
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            system.execute(statement.encode())
    with pytest.raises(psycopg.errors.UniqueViolation):
        system.execute(
            "INSERT INTO data_playground.global_events (event_id, event_time, event_type)"
            " SELECT event_id, event_time, event_type FROM data_playground.global_events"
        )
    loose = one(
        admin,
        """
        SELECT count(*) FROM pg_index AS x
        WHERE x.indrelid = 'data_playground.global_events_2031_05_04'::regclass
          AND (NOT x.indisvalid OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = x.indexrelid))
        """,
    )
    assert loose == 0
    assert one(admin, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated") == 0


@EITHER
async def test_what_changes_while_it_is_copied_is_copied_again(
    system: Connection, other: Connection, admin: Connection, hours: list[Any]
) -> None:
    partition, copied = start(system)
    assert len(copied) == 24
    for change in (
        "INSERT INTO data_playground.global_events (event_time, event_type) VALUES ('2031-05-04 07:00+00', 'user_logged_in')",
        "UPDATE data_playground.global_events SET quantity = 7 WHERE event_time = '2031-05-04 09:30+00'",
        "DELETE FROM data_playground.global_events WHERE event_time = '2031-05-04 23:59+00'",
        "UPDATE data_playground.global_events SET event_time = '2031-05-04 11:30:01+00' WHERE event_time = '2031-05-04 10:30+00'",
    ):
        other.execute(change.encode())
        with pytest.raises(psycopg.errors.SerializationFailure, match="changed since"):
            finish(system, partition, copied)
        caught_up = catch_up(system, partition, copied)
        assert caught_up != copied
        copied = caught_up
    expected = rows(other)
    assert catch_up(system, partition, copied) == copied
    assert finish(system, partition, copied) == "global_events_2031_05_04"
    assert rows(other) == expected != hours
    assert children(admin) == ["2031_05_04", "default"]


async def test_a_change_that_is_not_committed_yet_is_waited_for(
    system: Connection, other: Connection, hours: list[Any]
) -> None:
    partition, copied = start(system)
    with other.transaction():
        other.execute(
            "UPDATE data_playground.global_events SET quantity = 7 WHERE event_time = '2031-05-04 09:30+00'"
        )
        assert catch_up(system, partition, copied) == copied
        with pytest.raises(psycopg.errors.LockNotAvailable):
            finish(system, partition, copied)
    with pytest.raises(psycopg.errors.SerializationFailure):
        finish(system, partition, copied)


async def test_rows_of_the_range_in_the_default_partition_are_not_lost(
    db: Database, system: Connection, admin: Connection, hours: list[Any]
) -> None:
    system.execute("DELETE FROM data_playground.global_events WHERE event_time >= '2031-05-04 23:00+00'")
    admin.execute("DROP TABLE data_playground.global_events_2031_05_04_23")
    write(system, "%s::timestamptz", DAY + timedelta(hours=23, minutes=5))
    assert one(admin, "SELECT count(*) FROM data_playground.global_events_default") == 1
    partition, copied = start(system)
    assert finish(system, partition, copied) is None
    system.execute("SELECT entrepot.drop_built_partition(%s, %s)", [EVENTS, partition])
    [change] = await merge(db)
    assert change.rows == 23 * 60 + 1
    assert one(admin, "SELECT count(*) FROM data_playground.global_events_default") == 0
    assert len(rows(system)) == 23 * 60 + 1


async def test_who_looks_at_the_database_as_it_was_sees_every_row(
    db: Database, other: Connection, admin: Connection, hours: list[Any]
) -> None:
    """To a snapshot that is older than the copy, the copy would be empty: the swap waits for it."""
    with other.transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert (
            one(other, "SELECT count(*) FROM pim.shops") == 0
        )  # its snapshot is of now; the table is not locked
        assert await merge(db, patience=0.2) == []
        assert one(admin, "SELECT count(*) FROM pg_class WHERE relname ~ '_merged'") == 0
        work = asyncio.create_task(merge(db))
        await waits(admin, "true", "%pg_stat_activity AS a JOIN pg_locks%")
        assert rows(other) == hours
    assert [change.rows for change in await work] == [1440]
    with other.transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert rows(other) == hours


@EITHER
async def test_readers_and_writers_go_on_and_see_every_row_once(
    db: Database, settings: Settings, system: Connection, hours: list[Any]
) -> None:
    stop = threading.Event()
    url = libpq_url(role_url(settings, "system"))
    seen: list[tuple[int, int]] = []
    written: list[int] = []

    def read() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.is_set():
                row = connection.execute(
                    "SELECT count(*), count(DISTINCT event_id) FROM data_playground.global_events WHERE session_id IS NULL"
                ).fetchone()
                assert row is not None
                seen.append(row)

    def write_late(writer: int) -> None:
        """Rows of its own: inserted, changed, and every third deleted again."""
        kept = 0
        with psycopg.connect(url, autocommit=True) as connection:
            number = 0
            while not stop.is_set():
                number += 1
                moment = DAY + timedelta(seconds=(number * 977 + writer) % 86400, microseconds=writer)
                made = one(
                    connection,
                    "INSERT INTO data_playground.global_events (event_time, event_type, session_id, quantity)"
                    " VALUES (%s, 'cart_item_added', uuidv7(), 1) RETURNING event_id",
                    moment,
                )
                changed = connection.execute(
                    "UPDATE data_playground.global_events SET quantity = 2 WHERE event_id = %s AND event_time = %s",
                    [made, moment],
                ).rowcount
                assert changed == 1
                kept += 1
                if number % 3 == 0:
                    gone = connection.execute(
                        "DELETE FROM data_playground.global_events WHERE event_id = %s AND event_time = %s",
                        [made, moment],
                    ).rowcount
                    assert gone == 1
                    kept -= 1
                if number % 20 == 0:
                    stop.wait(0.3)
        written.append(kept)

    with ThreadPoolExecutor(4) as pool:
        futures = [
            pool.submit(read),
            pool.submit(read),
            pool.submit(write_late, 1),
            pool.submit(write_late, 2),
        ]
        try:
            changes = await merge(db)
        finally:
            stop.set()
    for future in futures:
        future.result()
    assert [change.partition for change in changes] == ["global_events_2031_05_04"]
    assert set(seen) == {(1440, 1440)}
    found = system.execute(
        "SELECT count(*), count(DISTINCT event_id), min(quantity), count(DISTINCT tableoid)"
        " FROM data_playground.global_events WHERE session_id IS NOT NULL"
    ).fetchone()
    assert found == (sum(written), sum(written), 2, 1)


@LARGE
async def test_a_merge_that_is_killed_leaves_nothing_that_the_next_one_does_not_clear(
    db: Database,
    system: Connection,
    other: Connection,
    admin: Connection,
    declared: Snapshot,
    hours: list[Any],
) -> None:
    with other.transaction():
        # A writer of users holds up the references, so that the copy is there when the merge is ended.
        other.execute("UPDATE data_playground.users SET last_login_time = now()")
        work = asyncio.create_task(merge(db))
        pid = await waits(admin, "wait_event_type = 'Lock'", "%prepare_partition%")
        admin.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(psycopg.OperationalError):
            await work
    assert one(admin, "SELECT count(*) FROM pg_class WHERE relname = 'global_events_2031_05_04_merged'") == 1
    assert rows(system) == hours
    [change] = await merge(db)
    assert change.rows == 1440
    assert rows(system) == hours
    assert one(admin, "SELECT count(*) FROM pg_class WHERE relname ~ '_merged'") == 0
    assert live_differences(admin, declared) == []


async def test_a_table_is_merged_by_one_at_a_time(db: Database, system: Connection, hours: list[Any]) -> None:
    system.execute(
        "SELECT pg_advisory_lock(hashtext('entrepot.merging'), %s::regclass::oid::integer)", [EVENTS]
    )
    assert await merge(db) == []
    system.execute("SELECT pg_advisory_unlock_all()")
    assert len(await merge(db)) == 1


def test_what_is_referred_to_is_not_merged(system: Connection) -> None:
    for table in Base.metadata.sorted_tables:
        declared = ddl.feature(table, Partitions)
        if declared and declared.merge:
            query = "SELECT * FROM entrepot.merge_ranges(%s, %s, %s, now())"
            system.execute(
                query.encode(), [table.fullname, list(declared.spans), [m.after for m in declared.merge]]
            )
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="refer to it"):
        system.execute(
            "SELECT * FROM entrepot.merge_ranges('data_playground.users', '{day,month}', '{1 day}', now())"
        )


async def test_every_table_that_is_merged_is_found(db: Database) -> None:
    await maintain_table(db, TABLE, HOURS, at=DAY)
    entities = Base.metadata.tables["data_playground.global_entities"]
    days = ddl.feature(entities, Partitions)
    assert days is not None
    await maintain_table(db, entities, days, at=DAY)
    changes = await merging.merge(db, at=datetime(2031, 7, 1, tzinfo=UTC))
    assert {change.partition for change in changes} == {"global_events_2031_05", "global_entities_2031_05"}
    assert {one.name for one in await partitions.listing(db) if one.table == EVENTS} == {
        "global_events_2031_05",
        "global_events_default",
    }


@pytest.mark.parametrize(
    "table", [table for table in Base.metadata.sorted_tables if table.schema == "data_playground"], ids=str
)
def test_what_is_referred_to_is_declared_in_months(table: Any) -> None:
    declared = ddl.feature(table, Partitions)
    if declared is None:
        return
    referred = any(
        key.referred_table is table
        for other in Base.metadata.sorted_tables
        for key in other.foreign_key_constraints
    )
    assert referred <= (declared.span == "month" and not declared.merge)


def test_names_of_partitions_and_their_indexes_are_short_enough() -> None:
    for table in Base.metadata.sorted_tables:
        if ddl.feature(table, Partitions):
            assert len(f"{table.name}_2031_05_04_23_merged_12_pkey") <= 63, table.name
