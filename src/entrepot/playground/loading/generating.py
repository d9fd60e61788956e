"""A simulated world into PostgreSQL: parts are written beside the warehouse, then placed in it.

    loading ──all parts──▶ placing ──all tables──▶ complete

Parts go to tables without indexes and foreign keys, a transaction a part, so that a killed run has whole parts or none.
Placing takes the tables in the order of their references, a transaction a table and month: a table is attached as it is,
or its rows are inserted where the range has facts already. What a killed run has placed is recognized by the tables.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError
from entrepot.kit.progress import SILENT, Report
from entrepot.playground.loading import load_queries as queries
from entrepot.playground.loading.declared import fact_shapes, shape_of
from entrepot.playground.loading.load_queries import Connection, Run, Staged
from entrepot.playground.loading.simulating import Workers, workers
from entrepot.playground.loading.working import (
    WORLD,
    Job,
    Question,
    Worked,
    make_world,
    midnight,
    month_after,
)

if TYPE_CHECKING:
    from entrepot.playground.world.settings import WorldSettings

#: Seconds in which the server notices that a killed run is gone.
PATIENCE = 6.0


@dataclass(frozen=True)
class Generated:
    """A world that is there: its rows by table, and how long its making took, all attempts together."""

    settings: Mapping[str, Any]
    rows: Mapping[str, int]
    seconds: float
    resumed: bool = False
    there: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The one JSON object of `world generate`."""
        return {
            "seed": self.settings["seed"],
            "scale": self.settings["scale"],
            "rows": dict(sorted(self.rows.items())),
            "seconds": round(self.seconds, 3),
        }


@asynccontextmanager
async def holding(db: Database, *, patience: float = PATIENCE) -> AsyncIterator[Connection]:
    """A connection that holds the lock of the database's world.

    Raises ConflictError where another command has it, after a wait for one that was just killed.
    """
    async with queries.connected(db) as connection:
        until = time.monotonic() + patience
        while not await queries.try_lock(connection):
            if time.monotonic() > until:
                raise ConflictError(
                    "Another command is working on the world of this database.",
                    hint="Wait for it to end; `entrepot world status` shows how far it is.",
                )
            await asyncio.sleep(0.1)
        yield connection


async def generate(
    db: Database,
    settings: "WorldSettings",
    *,
    processes: int,
    replace: bool = False,
    report: Report = SILENT,
    world: str = WORLD,
) -> Generated:
    """Make a world and load it; goes on where an interrupted run with the same settings was.

    Raises ConflictError where the database has another world and `replace` is not given, or another run is at work.
    """
    began = time.monotonic()
    async with holding(db) as connection:
        run = await queries.present_run(connection)
        same = run is not None and dict(run.settings) == settings.as_dict()
        if run is not None and replace and not (same and run.state != "complete"):
            await _clear(connection, run)
            run = None
        if run is not None and not same:
            raise _other(run)
        if run is not None and run.state == "complete":
            return Generated(run.settings, run.rows, run.seconds, there=True)
        resumed = run is not None
        job = Job(settings.as_dict(), world=world)
        if run is None:
            parts = make_world(job).parts
            clock = midnight(settings.end)
            await queries.begin_run(
                connection, settings.as_dict(), settings.seed, settings.scale, parts, clock
            )
            run = await _present(connection)
        rows = run.rows
        try:
            if run.state == "loading":
                rows = await _load(connection, run, job, processes, report)
                run = await _present(connection)
            await place_staged(db, connection, run.staged, report)
            async with connection.transaction():
                await queries.mark_range(connection, midnight(settings.start), midnight(settings.end))
                await queries.complete(connection, run)
        finally:
            seconds = await queries.add_seconds(connection, run.id, time.monotonic() - began)
        return Generated(run.settings, rows, seconds, resumed)


async def _present(connection: Connection) -> Run:
    run = await queries.present_run(connection)
    assert run is not None, "the run was noted before"
    return run


async def clear(db: Database) -> dict[str, int]:
    """Take the simulated rows out of the warehouse; rows removed by table."""
    async with holding(db) as connection:
        return await _clear(connection, await queries.present_run(connection))


async def _clear(connection: Connection, run: Run | None) -> dict[str, int]:
    async with connection.transaction():
        removed = await queries.clear(connection, run)
        # What real facts are left is rolled again; the metrics went with the simulated ones.
        if (span := await queries.facts_between(connection)) is not None:
            await queries.mark_range(connection, span[0], span[1] + timedelta(hours=1))
    return removed


async def _load(connection: Connection, run: Run, job: Job, processes: int, report: Report) -> dict[str, int]:
    """Simulate and write the parts that are not there yet, then the people; rows by table."""
    loaded = await queries.loaded_parts(connection, run)
    rows: Counter[str] = Counter()
    for held in loaded.values():
        rows.update(held["rows"])
    staged = {(one.table, one.month): one for one in run.staged}
    carried = {number: bytes(held["carried"]) for number, held in loaded.items() if number < run.parts}
    missing = [number for number in range(run.parts) if number not in loaded]
    written = 0

    async def write(part: Worked) -> None:
        nonlocal written
        await _write(connection, run, part, staged)
        rows.update(part.rows)
        written += 1
        report(
            "simulate and load", done=run.parts + 1 - len(missing) - 1 + written, total=run.parts + 1,
            unit="parts", note=f"{rows.total():,} rows",
        )  # fmt: skip

    if run.parts not in loaded:
        async with workers(job, min(processes, max(len(missing), 1))) as pool:
            async for part in pool.parts(missing):
                await write(part)
                carried[part.number] = part.carried
            await write(await _people(pool, run.parts, carried))
    await queries.begin_placing(connection, run, rows)
    return dict(rows)


async def _people(pool: Workers, number: int, carried: Mapping[int, bytes]) -> Worked:
    return await pool.ask(Question(number, [carried[part] for part in range(number)]))


async def _write(
    connection: Connection, run: Run, part: Worked, staged: dict[tuple[str, Any], Staged]
) -> None:
    made: dict[tuple[str, Any], Staged] = {}
    async with connection.transaction():
        for chunk in part.chunks:
            shape = shape_of(chunk.table)
            key = (chunk.table, chunk.month)
            if key not in staged and key not in made:
                lower, upper = midnight(chunk.month), midnight(month_after(chunk.month))
                made[key] = await queries.stage(connection, shape, chunk.month, lower, upper)
            table = staged.get(key) or made[key]
            await queries.copy_rows(connection, table.name, shape, chunk.body)
        if made:
            await queries.note_staged(connection, run, [*staged.values(), *made.values()])
        await queries.note_part(connection, run, part.number, part.rows, part.carried, part.truth)
    staged.update(made)


async def place_staged(
    db: Database, connection: Connection, staged: Sequence[Staged], report: Report
) -> None:
    """Make every staged table part of the warehouse, those that others refer to first."""
    place = {shape.name: number for number, shape in enumerate(fact_shapes())}
    ordered = sorted(staged, key=lambda one: (place[one.table], one.month))
    if await queries.can_prepare(connection):
        await _prepare(db, [one for one in ordered if one.whole], report)
    for number, one in enumerate(ordered):
        report("place in the warehouse", done=number, total=len(ordered), unit="tables", note=one.name)
        lower, upper = midnight(one.month), midnight(month_after(one.month))
        await queries.place(connection, one, shape_of(one.table), lower, upper)
    report("place in the warehouse", done=len(ordered), total=len(ordered), unit="tables")


async def _prepare(db: Database, staged: list[Staged], report: Report) -> None:
    """Make the indexes on two connections at once: nothing refers to the tables yet."""
    left = list(staged)
    done = 0

    async def work(connection: Connection) -> None:
        nonlocal done
        while left:
            one = left.pop()  # from the end: the large tables refer to others
            await queries.prepare(connection, one, shape_of(one.table))
            done += 1
            report("make indexes", done=done, total=len(staged), unit="tables")

    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(queries.connected(db)) for _ in range(2)]
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(work(connection))


def _other(run: Run) -> ConflictError:
    held = run.settings
    return ConflictError(
        f"This database has a simulated world with other settings: seed {held['seed']}, scale {held['scale']}, "
        f"from {held['start']} to {held['end']}"
        + ("" if run.state == "complete" else ", and it is not loaded to its end")
        + ".",
        hint="Give --replace to take it out first, or the same settings to go on with it.",
    )
