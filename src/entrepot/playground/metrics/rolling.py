"""Rolling the metrics up: what is marked dirty is computed again from the facts, and nothing else.

Two ways lead to the same rows. Marked cells (an entity's hour, and its day) are computed by probes of the facts' indexes
and written where something changed. Marked spans, which loaders leave, are computed by one scan of the facts a month and
kind; a month that has no metrics yet is built aside as a whole partition and attached. A unit of work is one transaction
that takes its marks with it, so a roll that dies leaves what it did not do marked.
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.progress import SILENT, Report
from entrepot.playground.metrics import rolling_queries as queries
from entrepot.playground.metrics.kind_queries import KINDS, PRODUCT, SPANS, Kind, Span
from entrepot.playground.metrics.stretches import Stretch, stretches
from entrepot.playground.values import EVENT_TYPES

#: So many marks cost more as cells than the stretch of time that they are in.
MOST_MARKS = 100_000
#: So many marks are worth more than one transaction.
MANY_MARKS = 1_000
#: Transactions that work at a time; each is one process of the server.
WORKERS = 2
#: Events of the program, which do not say how far the simulated world has come.
_OF_THE_PROGRAM = {
    "import_completed",
    "metrics_rollup_completed",
    "metrics_rollup_failed",
    "data_integrity_violated",
    "api_error",
    "system_notice",
}


@dataclass
class Counts:
    """What became of the rows of cells that were computed."""

    computed: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def add(self, other: "Counts") -> None:
        """Count another's rows as well."""
        self.computed += other.computed
        self.inserted += other.inserted
        self.updated += other.updated
        self.deleted += other.deleted

    @property
    def written(self) -> int:
        """Rows that were inserted, updated or deleted."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class RollResult:
    """A finished roll: cells computed, rows written (inserted + updated + deleted), seconds."""

    run_id: UUID
    buckets: int
    rows: int
    seconds: float
    inserted: int
    updated: int
    deleted: int
    unchanged: int


async def roll(
    db: Database,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    until: datetime | None = None,
    report: Report = SILENT,
) -> RollResult:
    """Roll what is dirty, in [start, end) where they are given, in whole days.

    `until`: the moment that the simulated world has reached, where that is later than its last fact; time without
    stock is counted up to it. Waits for a roll that is going on. Whatever goes wrong is written to the ledger and
    raised; what was rolled until then stays.
    """
    async with db.system() as guard:
        await guard.execute(queries.WAIT)
        return await _roll(db, start, end, until, report)


async def roll_if_dirty(db: Database) -> RollResult | None:
    """Roll what is dirty; None, and nothing in the ledger, where nothing is, or another roll is going on."""
    async with db.system() as guard:
        if not (await guard.execute(queries.TRY)).scalar_one():
            return None
        async with db.system() as session:
            await _advance(session, None)
        if not (await guard.execute(queries.ANY_DIRTY)).scalar_one():
            return None
        return await _roll(db, None, None, None, SILENT)


async def _roll(
    db: Database, start: datetime | None, end: datetime | None, until: datetime | None, report: Report
) -> RollResult:
    began = time.perf_counter()
    counts = Counts()
    async with db.system() as session:
        run_id = await queries.begin_run(session, start, end)
    try:
        marked = await _look(db, start, end, until)
        if marked:
            await _roll_spans(db, marked, start, end, counts, report)
        await _roll_cells(db, start, end, counts, report)
    except BaseException as error:
        await _finish(db, run_id, counts, time.perf_counter() - began, error)
        raise
    seconds = time.perf_counter() - began
    await _finish(db, run_id, counts, seconds, None)
    unchanged = counts.computed - counts.inserted - counts.updated
    return RollResult(
        run_id=run_id,
        buckets=counts.computed + counts.deleted,
        rows=counts.written,
        seconds=round(seconds, 3),
        inserted=counts.inserted,
        updated=counts.updated,
        deleted=counts.deleted,
        unchanged=unchanged,
    )


async def _advance(session: AsyncSession, until: datetime | None) -> None:
    types = [name for name in EVENT_TYPES if name not in _OF_THE_PROGRAM]
    await session.execute(queries.ADVANCE, {"event_types": types, "until": until})


async def _look(
    db: Database, start: datetime | None, end: datetime | None, until: datetime | None
) -> Sequence[Row[Any]]:
    """Set the clocks, and say which spans are marked."""
    async with db.system() as session:
        await _advance(session, until)
        if start is None and end is None:
            await session.execute(queries.GATHER, {"most": MOST_MARKS})
        return (await session.execute(queries.MARKED_SPANS, {"start": start, "end": end})).all()


async def _roll_spans(
    db: Database,
    marked: Sequence[Row[Any]],
    start: datetime | None,
    end: datetime | None,
    counts: Counts,
    report: Report,
) -> None:
    found = stretches([(row.hour, row.until) for row in marked], start, end)
    # The longest first: products are most of the work.
    units = [(kind, stretch) for kind in reversed(KINDS) for stretch in found]
    await _drop_leftovers(db)
    await _work(db, units, counts, report)
    async with db.system() as session:
        low, high = (found[0].low, found[-1].high) if found else (None, None)
        bounds = {"start": low if start else None, "end": high if end else None}
        await session.execute(queries.FINISH_SPANS, {"marks": [row.mark_id for row in marked], **bounds})


async def _work(db: Database, units: Sequence[tuple[Kind, Stretch]], counts: Counts, report: Report) -> None:
    waiting = list(reversed(units))
    built: dict[str, list[dict[str, str]]] = {kind.name: [] for kind in KINDS}
    done = attached = 0

    async def worker() -> None:
        nonlocal done
        while waiting:
            kind, stretch = waiting.pop()
            partitions = await _build(db, kind, stretch)
            async with db.system() as session:
                await session.execute(queries.PREPARE)
                await session.execute(queries.PREPARE_STRETCH)
                values = {"low": stretch.low, "high": stretch.high}
                written = await session.execute(queries.write_stretch(kind, partitions), values)
                counts.add(Counts(*written.one()))
            made = [
                {"parent": kind.target(span), "partition": name} for span, name in partitions.items() if name
            ]
            await _prepare(db, made)
            built[kind.name] += made
            done += 1
            report("rolling months", done=done, total=len(units), unit="parts")

    async def attach(made: Sequence[dict[str, str]]) -> None:
        nonlocal attached
        for one in made:
            async with db.system() as session:
                await session.execute(queries.PREPARE)
                await session.execute(queries.ATTACH, one)
            attached += 1
            report(
                "attaching partitions", done=attached, total=sum(map(len, built.values())), unit="partitions"
            )

    await _together(*(worker() for _ in range(min(WORKERS, len(units)))))
    # After all of the work: attaching locks what is referred to, and would wait for whoever reads it for long. What the
    # kinds refer to differs, so they do not wait for each other.
    await _together(*(attach(made) for made in built.values()))


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    """Run several at a time; the first that fails ends the others, and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _drop_leftovers(db: Database) -> None:
    """Partitions that a roll built and did not live to attach."""
    async with db.system() as session:
        for kind in KINDS:
            for span in SPANS:
                await session.execute(queries.DROP_LEFTOVERS, {"parent": kind.target(span)})


async def _build(db: Database, kind: Kind, stretch: Stretch) -> dict[Span, str | None]:
    """Free-standing partitions for the month of a stretch; None where the month has rows, or is not over."""
    month = stretch.month
    if month.high > datetime.now(UTC):
        return dict.fromkeys(SPANS)  # the days that are to come have partitions of their own already
    found: dict[Span, str | None] = {}
    async with db.system() as session:
        for span in SPANS:
            values = {"parent": kind.target(span), "low": month.low, "high": month.high}
            found[span] = (await session.execute(queries.BUILD, values)).scalar_one()
    return found


async def _prepare(db: Database, built: Sequence[dict[str, str]]) -> None:
    """Make partitions that were filled ready to be attached."""
    # A transaction a step: the locks of one must not be held through the next.
    for step in ("indexes", "references", "validation"):
        async with db.system() as session:
            await session.execute(queries.PREPARE)
            for one in built:
                await session.execute(queries.PREPARE_PARTITION, {**one, "step": step})


async def _roll_cells(
    db: Database, start: datetime | None, end: datetime | None, counts: Counts, report: Report
) -> None:
    bounds = {"start": start, "end": end}
    async with db.system() as session:
        marks = {row.kind: row.marks for row in await session.execute(queries.MARKS, bounds)}
    waiting: list[tuple[Kind, dict[str, int]]] = []
    for kind in KINDS:  # taken from the end: products are most of the work
        many = sum(marks.get(name, 0) for name in queries.MARKS_OF[kind.name])
        parts = WORKERS if kind is PRODUCT and many >= MANY_MARKS else 1
        waiting += [(kind, {"part": part, "parts": parts}) for part in range(parts if many else 0)]

    async def worker() -> None:
        while waiting:
            kind, part = waiting.pop()
            async with db.system() as session:
                counts.add(await _roll_marked(session, kind, bounds | part))
            report(f"rolling marked cells of {kind.name}s", done=counts.computed, unit="cells")

    await _together(*(worker() for _ in range(min(WORKERS, len(waiting)))))


async def _roll_marked(session: AsyncSession, kind: Kind, scope: Mapping[str, Any]) -> Counts:
    await session.execute(queries.PREPARE)
    await session.execute(queries.PREPARE_CELLS)
    await session.execute(queries.MAKE_CELLS)
    values = {**scope, "kind": kind.name, "kinds": list(queries.MARKS_OF[kind.name])}
    taken = (await session.execute(queries.TAKE[kind.name], values)).one()
    if not taken.cells:
        return Counts()
    await session.execute(queries.ANALYZE)
    merged = await session.execute(queries.merge_cells(kind), {"low": taken.low, "high": taken.high})
    return Counts(*merged.one())


async def _finish(
    db: Database, run_id: UUID, counts: Counts, seconds: float, error: BaseException | None
) -> None:
    values = {
        "run_id": run_id,
        "buckets": counts.computed + counts.deleted,
        "inserted": counts.inserted,
        "updated": counts.updated,
        "deleted": counts.deleted,
        "unchanged": counts.computed - counts.inserted - counts.updated,
        "seconds": round(seconds, 3),
        "outcome": "failed" if error else "completed",
        "error": str(error) or type(error).__name__ if error else None,
    }
    async with db.system() as session:
        await session.execute(queries.END_RUN, values)
        if error or counts.computed or counts.deleted:
            metadata = {key: str(value) if key == "run_id" else value for key, value in values.items()}
            await session.execute(
                queries.ANNOUNCE,
                {
                    "event_type": "metrics_rollup_failed" if error else "metrics_rollup_completed",
                    "metadata": metadata,
                },
            )
