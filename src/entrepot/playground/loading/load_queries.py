"""Every statement of a load, on a connection of its own: it holds the lock of the world, and COPY needs the driver."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from entrepot.kit.db import Database
from entrepot.playground.loading.shapes import Shape

Connection = psycopg.AsyncConnection[dict[str, Any]]
#: The advisory lock of the one world of a database.
LOCK = "entrepot.world"
_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO -c jit=off -c maintenance_work_mem=256MB -c work_mem=128MB "
    # A process that was killed leaves no statement behind that goes on holding the lock.
    "-c client_connection_check_interval=1s"
)
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


@dataclass(frozen=True)
class Staged:
    """A table that parts are written to: for which table and month, and whether it can become a partition as it is."""

    table: str
    month: date
    name: str
    whole: bool

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {"table": self.table, "month": self.month.isoformat(), "name": self.name, "whole": self.whole}


@dataclass(frozen=True)
class Run:
    """The world of the database."""

    id: UUID
    settings: Mapping[str, Any]
    parts: int
    state: str
    clock: datetime
    staged: tuple[Staged, ...]
    rows: Mapping[str, int]
    started_at: datetime
    completed_at: datetime | None
    seconds: float


@asynccontextmanager
async def connected(db: Database) -> AsyncIterator[Connection]:
    """A connection as entrepot_system that loads; each statement outside a `transaction()` is one of its own."""
    connection = await psycopg.AsyncConnection.connect(
        db.url("system"), autocommit=True, connect_timeout=10, application_name="entrepot world",
        options=_OPTIONS, row_factory=dict_row,
    )  # fmt: skip
    try:
        yield connection
    finally:
        await connection.close()


async def try_lock(connection: Connection) -> bool:
    """Take the world's lock for as long as the connection lives; whether it was free."""
    cursor = await connection.execute("SELECT pg_try_advisory_lock(hashtext(%s)) AS taken", [LOCK])
    row = await cursor.fetchone()
    return bool(row and row["taken"])


async def present_run(connection: Connection) -> Run | None:
    """The world that is in the database, whole or in part."""
    cursor = await connection.execute(
        """
        SELECT id, settings, parts, state, clock, staged, rows, started_at, completed_at, seconds
        FROM data_playground.world_runs WHERE state <> 'cleared'
        """
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    staged = tuple(
        Staged(one["table"], date.fromisoformat(one["month"]), one["name"], one["whole"])
        for one in row.pop("staged")
    )
    return Run(**{**row, "staged": staged, "seconds": float(row["seconds"])})


async def begin_run(
    connection: Connection, settings: Mapping[str, Any], seed: int, scale: float, parts: int, clock: datetime
) -> None:
    """Note the world that is about to be made."""
    await connection.execute(
        """
        INSERT INTO data_playground.world_runs (settings, seed, scale, parts, clock) VALUES (%s, %s, %s, %s, %s)
        """,
        [Jsonb(dict(settings)), seed, scale, parts, clock],
    )


async def loaded_parts(connection: Connection, run: Run) -> dict[int, dict[str, Any]]:
    """The parts that are loaded, by number: their rows and what the people need to know."""
    cursor = await connection.execute(
        "SELECT number, rows, carried FROM data_playground.world_parts WHERE run_id = %s ORDER BY number",
        [run.id],
    )
    return {row["number"]: row async for row in cursor}


async def stage(
    connection: Connection, shape: Shape, month: date, lower: datetime, upper: datetime
) -> Staged:
    """Make the table that rows of a month are written to."""
    cursor = await connection.execute(
        "SELECT name, whole FROM data_playground.stage_world(%s::regclass, %s, %s)",
        [shape.full_name, lower, upper],
    )
    row = await cursor.fetchone()
    assert row is not None
    return Staged(shape.name, month, row["name"], row["whole"])


async def note_staged(connection: Connection, run: Run, staged: Iterable[Staged]) -> None:
    """Note every table that parts are written to."""
    await connection.execute(
        "UPDATE data_playground.world_runs SET staged = %s WHERE id = %s",
        [Jsonb([one.as_dict() for one in staged]), run.id],
    )


async def copy_rows(connection: Connection, table: str, shape: Shape, body: bytes) -> None:
    """Write rows that are encoded for a binary COPY."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(*table.replace('"', "").split(".")),
        sql.SQL(", ").join(map(sql.Identifier, shape.names)),
    )
    async with connection.cursor() as cursor, cursor.copy(statement) as stream:
        await stream.write(_HEADER)
        await stream.write(body)
        await stream.write(_TRAILER)


async def note_part(
    connection: Connection, run: Run, number: int, rows: Mapping[str, int], carried: bytes, truth: Any
) -> None:
    """Note that a part is loaded, in the transaction of its rows."""
    await connection.execute(
        """
        INSERT INTO data_playground.world_parts (run_id, number, rows, carried, truth) VALUES (%s, %s, %s, %s, %s)
        """,
        [run.id, number, Jsonb(dict(rows)), carried, Jsonb(truth, dumps=_dumps) if truth else None],
    )


def _dumps(value: Any) -> str:
    return json.dumps(value, default=str)


async def begin_placing(connection: Connection, run: Run, rows: Mapping[str, int]) -> None:
    """All parts are loaded: from here on their tables become part of the warehouse."""
    await connection.execute(
        "UPDATE data_playground.world_runs SET state = 'placing', rows = %s WHERE id = %s",
        [Jsonb(dict(rows)), run.id],
    )


async def prepare(connection: Connection, staged: Staged, shape: Shape) -> None:
    """Make the indexes of a table that will be a partition, ahead of its turn; nothing where it is one already."""
    await connection.execute(
        """
        SELECT entrepot.prepare_partition(%(parent)s::regclass, %(name)s, 'indexes')
        WHERE to_regclass(%(name)s) IS NOT NULL
        """,
        {"parent": shape.full_name, "name": staged.name},
    )


async def can_prepare(connection: Connection) -> bool:
    """Whether indexes can be made ahead."""
    cursor = await connection.execute(
        "SELECT to_regprocedure('entrepot.prepare_partition(regclass,text,text)') IS NOT NULL AS can"
    )
    row = await cursor.fetchone()
    return bool(row and row["can"])


async def place(
    connection: Connection, staged: Staged, shape: Shape, lower: datetime, upper: datetime
) -> str:
    """Make staged rows rows of the warehouse; what was done: attached, inserted, or there already."""
    cursor = await connection.execute(
        "SELECT data_playground.place_world(%s::regclass, %s, %s, %s, %s) AS done",
        [shape.full_name, staged.name, staged.whole, lower, upper],
    )
    row = await cursor.fetchone()
    assert row is not None
    return str(row["done"])


async def mark_range(connection: Connection, lower: datetime, upper: datetime) -> None:
    """Tell the metrics that everything of a range is to be rolled again."""
    await connection.execute("SELECT data_playground.mark_range(%s, %s)", [lower, upper])


async def complete(connection: Connection, run: Run) -> None:
    """All of the world is there; what only its making needed is forgotten."""
    await connection.execute(
        "UPDATE data_playground.world_runs SET state = 'complete', completed_at = now(), staged = '[]' WHERE id = %s",
        [run.id],
    )
    await connection.execute(
        "UPDATE data_playground.world_parts SET carried = NULL WHERE run_id = %s", [run.id]
    )


async def add_seconds(connection: Connection, run_id: UUID, seconds: float) -> float:
    """Count the time of an attempt; the time of all of them."""
    cursor = await connection.execute(
        "UPDATE data_playground.world_runs SET seconds = seconds + %s WHERE id = %s RETURNING seconds",
        [round(seconds, 3), run_id],
    )
    row = await cursor.fetchone()
    return float(row["seconds"]) if row else seconds


async def clear(connection: Connection, run: Run | None) -> dict[str, int]:
    """Take the simulated rows out of the warehouse, and forget the world; rows removed by table."""
    names = [one.name for one in run.staged] if run else []
    cursor = await connection.execute("SELECT * FROM data_playground.clear_world(%s::text[])", [names])
    removed = {row["table_name"]: row["removed"] async for row in cursor}
    # The next world begins with a clock of its own, which may be earlier.
    await connection.execute("DELETE FROM data_playground.metrics_clocks WHERE origin = 'simulated'")
    if run:
        await connection.execute("DELETE FROM data_playground.world_parts WHERE run_id = %s", [run.id])
        await connection.execute(
            "UPDATE data_playground.world_runs SET state = 'cleared', staged = '[]' WHERE id = %s", [run.id]
        )
    return removed


async def facts_between(connection: Connection) -> tuple[datetime, datetime] | None:
    """From when to when there are events; None where there are none."""
    cursor = await connection.execute(
        "SELECT min(event_time) AS first, max(event_time) AS last FROM data_playground.global_events"
    )
    row = await cursor.fetchone()
    return (row["first"], row["last"]) if row and row["first"] else None


@asynccontextmanager
async def reading(
    connection: Connection,
    shape: Shape,
    *,
    lower: datetime | None = None,
    upper: datetime | None = None,
    simulated: bool = False,
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The rows of a table (of a range; only simulated ones) in their order, as canonical text without a line of names."""
    conditions: list[sql.Composable] = []
    if lower is not None:
        conditions.append(sql.SQL("event_time >= {}").format(sql.Literal(lower)))
    if upper is not None:
        conditions.append(sql.SQL("event_time < {}").format(sql.Literal(upper)))
    if simulated:
        conditions.append(sql.SQL("origin = 'simulated'"))
    query = sql.SQL("COPY (SELECT {} FROM {} WHERE {} ORDER BY {}) TO STDOUT (FORMAT CSV)").format(
        sql.SQL(", ").join(map(sql.Identifier, shape.names)),
        sql.Identifier(*shape.full_name.split(".")),
        sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true"),
        sql.SQL(", ").join(map(sql.Identifier, shape.order)),
    )
    async with connection.cursor() as cursor, cursor.copy(query) as stream:
        yield _blocks(stream)


async def _blocks(stream: psycopg.AsyncCopy) -> AsyncIterator[bytes]:
    async for block in stream:
        yield bytes(block)


async def one_moment(connection: Connection) -> None:
    """Everything that the transaction reads is as it was at one moment."""
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


async def months_with_rows(connection: Connection, shape: Shape) -> list[date]:
    """The months in which a table has rows, in order."""
    query = sql.SQL(
        "SELECT DISTINCT date_trunc('month', event_time AT TIME ZONE 'UTC')::date AS month FROM {} ORDER BY 1"
    ).format(sql.Identifier(*shape.full_name.split(".")))
    cursor = await connection.execute(query)
    return [row["month"] async for row in cursor]
