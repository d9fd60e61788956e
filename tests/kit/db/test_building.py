"""Whole partitions: built aside without indexes and keys, attached with all of them, and nothing is lost or hidden."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.conftest import clone
from tests.kit.db.rows import Connection, RowFactory, qualified, read_tables

from entrepot.kit.db import Database, partitions
from entrepot.kit.db.catalog import Snapshot
from entrepot.kit.db.check import declared_snapshot, live_differences
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.errors import ConflictError
from entrepot.kit.settings import Settings

USERS, EVENTS, ORDERS = (f"data_playground.{name}" for name in ("users", "global_events", "shop_orders"))
OCTOBER = ("2025-10-01 00:00+00", "2025-11-01 00:00+00")
NOVEMBER = ("2025-11-01 00:00+00", "2025-12-01 00:00+00")
LIKE_A_PARTITION = """
    SELECT ARRAY(SELECT ROW(pi.inhparent IS NOT NULL, x.indisvalid, x.indisprimary, x.indisunique)::text
                 FROM pg_index AS x LEFT JOIN pg_inherits AS pi ON pi.inhrelid = x.indexrelid
                 WHERE x.indrelid = c.oid ORDER BY 1),
           ARRAY(SELECT ROW(k.conname, k.contype, k.convalidated, k.conparentid <> 0, k.confrelid)::text
                 FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f') ORDER BY 1),
           ARRAY(SELECT ROW(a.attname, a.attnotnull, a.attgenerated, pg_get_expr(d.adbin, d.adrelid))::text
                 FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY 1),
           (SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = c.oid),
           c.relrowsecurity, pg_get_userbyid(c.relowner), has_table_privilege('entrepot_system', c.oid, 'SELECT'),
           obj_description(c.oid, 'pg_class')
    FROM pg_class AS c WHERE c.oid = %s::regclass
"""


@pytest.fixture(scope="module")
def module_settings(server_home: Path) -> Iterator[Settings]:
    with clone(server_home) as found:
        yield found


@pytest.fixture
def undone(module_settings: Settings) -> Iterator[Connection]:
    """A transaction as entrepot_system in a database of the module's, rolled back."""
    with (
        psycopg.connect(libpq_url(role_url(module_settings, "system"))) as connection,
        connection.transaction(force_rollback=True),
    ):
        yield connection


@pytest.fixture(scope="module")
def declared(server_home: Path) -> Snapshot:
    """What `entrepot db check` compares with."""
    return declared_snapshot(Settings(home=server_home, database_name="postgres"))


@pytest.fixture
def system(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(role_url(settings, "system")), autocommit=True) as connection:
        yield connection


@pytest.fixture
def admin(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as connection:
        yield connection


def build(connection: Connection, table: str, bounds: tuple[str, str]) -> Any:
    row = connection.execute("SELECT entrepot.build_partition(%s, %s, %s)", [table, *bounds]).fetchone()
    assert row is not None
    return row[0]


def built(connection: Connection, table: str, bounds: tuple[str, str]) -> str:
    made = build(connection, table, bounds)
    assert isinstance(made, str)
    return made


def attach(connection: Connection, table: str, made: str) -> Any:
    row = connection.execute("SELECT entrepot.attach_partition(%s, %s)", [table, made]).fetchone()
    assert row is not None
    return row[0]


def step_by_step(connection: Connection, table: str, made: str) -> None:
    for step in ("indexes", "references", "validation"):
        connection.execute("SELECT entrepot.prepare_partition(%s, %s, %s)", [table, made, step])


def fill_users(connection: Connection, table: str, first: str, many: int = 50) -> None:
    connection.execute(
        sql.SQL(
            """
            INSERT INTO {} (event_time, username, email, created_time)
            SELECT t, 'user' || t, 'user@example.com', t
            FROM generate_series(0, %s) AS n, LATERAL (SELECT %s::timestamptz + n * interval '10 minutes' AS t) AS moment
            """
        ).format(qualified(table)),
        [many - 1, first],
    )


def fill_events(connection: Connection, table: str, first: str, *, large: bool = False) -> None:
    """An event of each user, a minute apart; enough of it to be checked before it is attached, if `large`."""
    connection.execute(
        sql.SQL(
            """
            INSERT INTO {} (event_time, event_type, user_id, user_event_time, event_metadata)
            SELECT %s::timestamptz + row_number() OVER (ORDER BY event_time) * interval '1 minute', 'user_logged_in', id, event_time,
                   to_jsonb(repeat('remark ', %s))
            FROM data_playground.users, generate_series(1, %s)
            """
        ).format(qualified(table)),
        [first, 250 if large else 1, 25 if large else 1],
    )


def count(connection: Connection, table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(qualified(table))).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("large", [True, False])
def test_what_is_built_and_attached_is_like_a_partition_that_was_made_ahead(
    system: Connection, admin: Connection, declared: Snapshot, large: bool
) -> None:
    many = 25 * 50 if large else 50
    users = built(system, USERS, OCTOBER)
    fill_users(system, users, OCTOBER[0])
    assert live_differences(admin, declared) == []
    assert attach(system, USERS, users) == "users_2025_10"
    for table, column in ((EVENTS, "event_id"), (ORDERS, "id")):
        made = built(system, table, OCTOBER)
        if table == EVENTS:
            fill_events(system, made, OCTOBER[0], large=large)
            step_by_step(system, table, made)
            row = admin.execute(
                "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND conparentid = 0 AND conrelid = %s::regclass",
                [made],
            ).fetchone()
            assert row == (3 if large else 0,)
        assert attach(system, table, made) == f"{table.split('.')[1]}_2025_10"
        # The other way to the same: a row in the default partition, drained.
        RowFactory(system, read_tables(system)).make(table, None, {"event_time": NOVEMBER[0]})
        system.execute(
            "SELECT * FROM entrepot.maintain_spans(%s, 'event_time', '{month}', '{}', -1, NULL)", [table]
        ).fetchall()
        loaded, drained = (
            admin.execute(LIKE_A_PARTITION, [f"{table}_2025_{month}"]).fetchone() for month in (10, 11)
        )
        assert loaded is not None
        assert loaded == drained
        assert any("fk_" in one for one in loaded[1])
        row = admin.execute(
            sql.SQL("SELECT count({}), count(DISTINCT tableoid) FROM {}").format(
                sql.Identifier(column), qualified(table)
            )
        ).fetchone()
        assert row == (many + 1 if table == EVENTS else 1, 2 if table == EVENTS else 1)
    assert live_differences(admin, declared) == []
    names = admin.execute("SELECT relname FROM pg_class WHERE relname ~ '_built|_merged'").fetchall()
    assert names == []


@pytest.mark.parametrize("large", [True, False])
def test_foreign_keys_hold_in_both_directions_after_attaching(undone: Connection, large: bool) -> None:
    users = built(undone, USERS, OCTOBER)
    fill_users(undone, users, OCTOBER[0])
    attach(undone, USERS, users)
    events = built(undone, EVENTS, OCTOBER)
    fill_events(undone, events, OCTOBER[0], large=large)
    attach(undone, EVENTS, events)
    for statement in (
        "DELETE FROM data_playground.users",
        "UPDATE data_playground.users SET event_time = event_time + interval '1 s', created_time = event_time + interval '1 s'",
        "UPDATE data_playground.global_events SET user_id = uuidv7()",
        "INSERT INTO data_playground.global_events (event_time, event_type, user_id, user_event_time) VALUES ('2025-10-03', 'user_logged_in', uuidv7(), '2025-10-01')",
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation), undone.transaction():
            undone.execute(statement.encode())
    assert count(undone, EVENTS) == (25 * 50 if large else 50)


@pytest.mark.parametrize("large", [True, False])
def test_a_row_that_refers_to_nothing_is_found_when_it_is_attached(undone: Connection, large: bool) -> None:
    users = built(undone, USERS, OCTOBER)
    fill_users(undone, users, OCTOBER[0])
    attach(undone, USERS, users)
    events = built(undone, EVENTS, OCTOBER)
    fill_events(undone, events, OCTOBER[0], large=large)
    undone.execute(
        sql.SQL(
            "INSERT INTO {} (event_time, event_type, user_id, user_event_time) VALUES ('2025-10-03', 'user_logged_in', uuidv7(), '2025-10-01')"
        ).format(qualified(events))
    )
    with pytest.raises(psycopg.errors.ForeignKeyViolation), undone.transaction():
        attach(undone, EVENTS, events)
    assert count(undone, EVENTS) == 0


def test_what_does_not_fit_a_partition_is_refused_where_it_is_written(undone: Connection) -> None:
    events = built(undone, EVENTS, OCTOBER)
    insertion = sql.SQL("INSERT INTO {} (event_time, event_type) VALUES (%s, %s)").format(qualified(events))
    for values in (("2025-11-01 00:00+00", "user_logged_in"), ("2025-10-01 00:00+00", "no such event")):
        with pytest.raises(psycopg.errors.CheckViolation), undone.transaction():
            undone.execute(insertion, values)
    undone.execute(insertion, ("2025-10-01 00:00+00", "user_logged_in"))


def test_a_range_that_is_taken_is_not_built(undone: Connection) -> None:
    users = built(undone, USERS, OCTOBER)
    fill_users(undone, users, OCTOBER[0], many=1)
    attach(undone, USERS, users)
    assert build(undone, USERS, OCTOBER) is None
    assert build(undone, USERS, ("2025-10-20 00:00+00", "2025-10-21 00:00+00")) is None
    undone.execute("DELETE FROM data_playground.users")
    # Empty, the month is replaced; a day in it is not made.
    assert build(undone, USERS, ("2025-10-20 00:00+00", "2025-10-21 00:00+00")) is None
    again = built(undone, USERS, OCTOBER)
    fill_users(undone, again, OCTOBER[0], many=3)
    assert attach(undone, USERS, again) == "users_2025_10"
    assert count(undone, USERS) == 3
    fill_users(undone, USERS, NOVEMBER[0], many=1)  # in the default partition
    assert build(undone, USERS, NOVEMBER) is None


def test_rows_that_came_meanwhile_stop_the_attaching_and_are_kept(undone: Connection) -> None:
    november = built(undone, USERS, NOVEMBER)
    fill_users(undone, november, NOVEMBER[0])
    fill_users(undone, USERS, NOVEMBER[0], many=1)
    with pytest.raises(psycopg.errors.CheckViolation, match="has rows from 2025-11-01"), undone.transaction():
        attach(undone, USERS, november)
    assert count(undone, USERS) == 1


def test_what_is_left_over_is_known_and_dropped(undone: Connection) -> None:
    made = built(undone, EVENTS, OCTOBER)
    found = undone.execute("SELECT partition FROM entrepot.built_partitions(%s)", [EVENTS]).fetchall()
    assert found == [(made,)]
    assert undone.execute("SELECT entrepot.built_partitions(%s)", [USERS]).fetchall() == []
    with pytest.raises(psycopg.errors.DuplicateTable), undone.transaction():
        build(undone, EVENTS, OCTOBER)
    undone.execute("SELECT entrepot.drop_built_partition(%s, %s)", [EVENTS, made])
    assert undone.execute("SELECT entrepot.built_partitions(%s)", [EVENTS]).fetchall() == []


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("build_partition", ["pim.shops", *OCTOBER]),
        ("build_partition", ["pg_catalog.pg_class", *OCTOBER]),
        ("build_partition", ["data_playground.users_default", *OCTOBER]),
        ("drop_built_partition", [USERS, "data_playground.users_default"]),
        ("drop_built_partition", [USERS, "pim.shops"]),
        ("drop_built_partition", [USERS, "no.such_table"]),
        ("attach_partition", [USERS, "data_playground.users_default"]),
        ("attach_partition", [USERS, "pim.shops"]),
        ("prepare_partition", [USERS, "pim.shops", "indexes"]),
    ],
)
def test_what_is_no_partitioned_table_of_ours_is_refused(
    undone: Connection, function: str, arguments: list[str]
) -> None:
    call = sql.SQL("SELECT entrepot.{}({})").format(
        sql.Identifier(function), sql.SQL(", ").join(sql.Literal(one) for one in arguments)
    )
    with pytest.raises(psycopg.errors.WrongObjectType):
        undone.execute(call)


@pytest.mark.parametrize(
    "bounds",
    [
        ("2025-10-01 00:00+00", "2025-12-01 00:00+00"),
        ("2025-10-01 00:00+02", "2025-11-01 00:00+02"),
        ("2025-10-01 00:30+00", "2025-10-01 01:30+00"),
        ("2025-10-02 00:00+00", "2025-10-02 00:00+00"),
    ],
)
def test_a_partition_is_an_hour_a_day_or_a_month_of_utc(undone: Connection, bounds: tuple[str, str]) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        build(undone, USERS, bounds)


def test_only_the_system_builds(module_settings: Settings) -> None:
    with (
        psycopg.connect(libpq_url(role_url(module_settings, "app"))) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        build(connection, USERS, OCTOBER)


async def test_attaching_step_by_step_from_the_program(db: Database, system: Connection) -> None:
    users, events = built(system, USERS, OCTOBER), built(system, EVENTS, OCTOBER)
    fill_users(system, users, OCTOBER[0])
    listed = {one.name: one.bounds for one in await partitions.listing(db)}
    assert "not attached yet: from 2025-10-01 00:00:00+00" in listed["users_2025_10_built"]
    assert await partitions.attach(db, USERS, users) == "users_2025_10"
    fill_events(system, events, OCTOBER[0], large=True)
    writer = psycopg.connect(system.info.dsn, autocommit=True)
    with writer, writer.transaction():
        fill_users(writer, USERS, "2025-10-20 00:00+00", many=1)
        system.execute("SET lock_timeout = '10ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            system.execute("SELECT entrepot.prepare_partition(%s, %s, 'references')", [EVENTS, events])
    assert await partitions.attach(db, EVENTS, events) == "global_events_2025_10"
    assert count(system, EVENTS) == 25 * 50
    november = built(system, EVENTS, NOVEMBER)
    system.execute(
        sql.SQL(
            "INSERT INTO {} (event_time, event_type, user_id, user_event_time) VALUES ('2025-11-03', 'user_logged_in', uuidv7(), '2025-10-01')"
        ).format(qualified(november))
    )
    with pytest.raises(ConflictError, match="foreign key"):
        await partitions.attach(db, EVENTS, november)
