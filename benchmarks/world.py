"""A world simulated and loaded, beside COPY of the same rows from files that were written beforehand.

The files are loaded by the same path (tables beside the warehouse, indexes, foreign keys, attached), on two connections
for two cores; and the way a person would, by COPY into the partitioned tables with their indexes and foreign keys in
place. Each table and month is a file; binary files are what the server takes fastest, CSV what people have.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from psycopg import sql

from benchmarks import Result
from entrepot.kit.db import Database
from entrepot.kit.progress import SILENT
from entrepot.kit.settings import Settings
from entrepot.playground.loading import generating
from entrepot.playground.loading import load_queries as queries
from entrepot.playground.loading.declared import fact_shapes, shape_of
from entrepot.playground.loading.load_queries import Connection, Staged
from entrepot.playground.loading.shapes import Shape
from entrepot.playground.loading.working import midnight, month_after
from entrepot.playground.world.settings import WorldSettings

WORLD = WorldSettings(seed=7, scale=1.0)
CORES = 2
ROUNDS = 2
BLOCK = 1 << 20


@dataclass(frozen=True)
class PreparedFile:
    """The rows of a table and month."""

    shape: Shape
    month: date
    path: Path
    format: str


async def prepare_files(connection: Connection, directory: Path, format_: str) -> list[PreparedFile]:
    """Write the rows of every table and month, in their order."""
    files = []
    for shape in fact_shapes():
        for month in await queries.months_with_rows(connection, shape):
            path = directory / f"{shape.name}-{month}.{format_.lower()}"
            statement = sql.SQL(
                "COPY (SELECT {} FROM {} WHERE event_time >= {} AND event_time < {} ORDER BY {}) TO STDOUT (FORMAT {})"
            ).format(
                sql.SQL(", ").join(map(sql.Identifier, shape.names)),
                sql.Identifier(*shape.full_name.split(".")),
                sql.Literal(midnight(month)),
                sql.Literal(midnight(month_after(month))),
                sql.SQL(", ").join(map(sql.Identifier, shape.order)),
                sql.SQL(format_),
            )
            async with connection.cursor() as cursor, cursor.copy(statement) as stream:
                path.write_bytes(b"".join([bytes(block) async for block in stream]))
            files.append(PreparedFile(shape, month, path, format_))
    return files


async def copy_file(connection: Connection, table: str, file: PreparedFile) -> None:
    """COPY a file into a table."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
        sql.Identifier(*table.replace('"', "").split(".")),
        sql.SQL(", ").join(map(sql.Identifier, file.shape.names)),
        sql.SQL(file.format),
    )
    async with connection.cursor() as cursor, cursor.copy(statement) as stream:
        with file.path.open("rb") as source:
            while block := source.read(BLOCK):
                await stream.write(block)


async def shared(
    connections: Sequence[Connection], work: Sequence[Any], do: Callable[[Connection, Any], Awaitable[None]]
) -> None:
    """Do the work on all connections at once; each takes the next piece when it has finished one."""
    left = list(reversed(work))

    async def one(connection: Connection) -> None:
        while left:
            await do(connection, left.pop())

    await asyncio.gather(*(one(connection) for connection in connections))


async def build_from_files(
    db: Database, connections: Sequence[Connection], files: Sequence[PreparedFile]
) -> None:
    """The path of a world, without the simulation."""
    staged: list[Staged] = []

    async def build(connection: Connection, file: PreparedFile) -> None:
        lower, upper = midnight(file.month), midnight(month_after(file.month))
        async with connection.transaction():
            one = await queries.stage(connection, file.shape, file.month, lower, upper)
            await copy_file(connection, one.name, file)
        assert one.whole, one
        staged.append(one)

    largest_first = sorted(files, key=lambda file: -file.path.stat().st_size)
    await shared(connections, largest_first, build)
    await generating.place_staged(db, connections[0], staged, SILENT)


async def copy_in_place(connections: Sequence[Connection], files: Sequence[PreparedFile]) -> None:
    """COPY into the warehouse's tables, table after table as their references ask for."""
    for shape in fact_shapes():
        of_shape = [file for file in files if file.shape is shape]
        await shared(connections, of_shape, lambda c, file: copy_file(c, file.shape.full_name, file))
        # Without statistics the checks of the next tables' references read whole tables, row after row.
        await connections[0].execute(
            sql.SQL("ANALYZE {}").format(sql.Identifier(*shape.full_name.split(".")))
        )


async def timed(work: Awaitable[Any]) -> float:
    """Seconds that the work takes."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def run(settings: Settings) -> Result:
    """Generate the world and load its files, in turn."""
    directory = Path(tempfile.mkdtemp(prefix="entrepot-world-", dir=settings.home))
    seconds: dict[str, list[float]] = {}
    try:
        async with Database.opened(settings, pool_size=2) as db, AsyncExitStack() as stack:
            connections = [await stack.enter_async_context(queries.connected(db)) for _ in range(CORES)]

            async def measure(name: str, work: Awaitable[Any]) -> None:
                seconds.setdefault(name, []).append(await timed(work))

            rows: dict[str, int] = {}
            for turn in range(ROUNDS):
                await measure("generate", generating.generate(db, WORLD, processes=CORES))
                if turn == 0:
                    rows = dict(
                        (await generating.generate(db, WORLD, processes=CORES)).rows
                    )  # there already: counts only
                    binary = await prepare_files(connections[0], directory, "BINARY")
                    plain = await prepare_files(connections[0], directory, "CSV")
                await generating.clear(db)
                for name, files in (("binary", binary), ("csv", plain)):
                    await measure(f"{name} built", build_from_files(db, connections, files))
                    await generating.clear(db)
                if turn == 0:  # by far the slowest, so once
                    await measure("csv in place", copy_in_place(connections, plain))
                    await generating.clear(db)
            written = {"binary": binary, "csv": plain}
            sizes = {name: sum(file.path.stat().st_size for file in files) for name, files in written.items()}
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    best = {name: min(found) for name, found in seconds.items()}
    total = sum(rows.values())
    return {
        "name": "world",
        "ratios": {
            "COPY of CSV files, built and attached": best["csv built"] / best["generate"],
            "COPY of binary files, built and attached": best["binary built"] / best["generate"],
            "COPY of CSV files into the tables": best["csv in place"] / best["generate"],
        },
        "details": {
            "scale": WORLD.scale,
            "rows": total,
            "events": rows[shape_of("global_events").name],
            "rows_per_second": round(total / best["generate"]),
            "seconds": {name: [round(one, 2) for one in found] for name, found in seconds.items()},
            "bytes": sizes,
        },
    }
