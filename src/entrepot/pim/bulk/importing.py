"""Importing files into the mirror: the run, its steps, and how it is taken up again after any interruption.

A run is written down before anything else happens, and its steps as they begin and end. The work itself is one
transaction: staging, the checks, the merge and everything that announces it. Until it commits, nothing of the shop has
changed. Whatever stops the process (a kill, a lost database, power), the same command finds the run unfinished and does
its steps again from the file; a run that reached the end of its merge is complete.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish, publish_from
from entrepot.kit.db.refresh import analyze, refresh
from entrepot.kit.errors import ConflictError, EntrepotError, UnavailableError
from entrepot.kit.progress import Report
from entrepot.pim import schema as _declared_views  # noqa: F401 - refresh finds a view among the declared ones
from entrepot.pim.bulk import csv_products, outcomes, queries, staging
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.feeding import parsed
from entrepot.pim.bulk.merging import merge
from entrepot.pim.bulk.outcomes import Outcome
from entrepot.pim.bulk.parsed import Parsed
from entrepot.pim.bulk.reading import Source
from entrepot.pim.bulk.rejections import Rejection
from entrepot.pim.bulk.rows import Target
from entrepot.pim.bulk.runs import Run, begin, fail, step
from entrepot.pim.bulk.snapshot import delete_missing
from entrepot.pim.bulk.telling import Counts, Names
from entrepot.pim.bulk.telling import total as total_of

#: From how many changed rows on a table is analyzed at once.
MANY = 1000
#: Rejections that go into bulk_errors at once, which bounds the memory.
MOST_ERRORS = 2000
#: How long the lock of another import is waited for, in seconds; a killed one's server process may need a moment to notice.
PATIENCE = 10
#: Views that show a shop's figures, refreshed after each import.
VIEWS = ("inventory_current", "mv_shop_summary", "mv_low_stock_alerts", "mv_top_sellers")
RESOURCES = {
    "Product": "products", "ProductVariant": "variants", "Collection": "collections", "Customer": "customers", "Order": "orders",
    "Metaobject": "metaobjects", "Publication": "publications", "Location": "locations", "InventoryLevel": "inventory", "Menu": "menus",
    "MediaImage": "media",
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How to import."""

    snapshot: bool = False
    force: bool = False


@dataclass(frozen=True)
class Imported:
    """What an import did. `repeated` says that the same files were the shop's last import, and nothing was done."""

    run_id: UUID
    outcome: Outcome
    seconds: float
    repeated: bool = False
    snapshot_withheld: bool = False
    resumed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The JSON output of `entrepot shopify import`."""
        total = self.outcome.total
        return {
            "run_id": str(self.run_id),
            "read": total.read,
            "inserted": total.inserted,
            "updated": total.updated,
            "unchanged": total.unchanged,
            "rejected": total.rejected,
            "deleted": total.deleted,
            "seconds": round(self.seconds, 3),
            "by_type": self.outcome.as_dict(),
            "repeated": self.repeated,
            "resumed": self.resumed,
            "snapshot_withheld": self.snapshot_withheld,
        }


async def import_files(
    context: Context, sources: list[Source], options: Options, report: Report, *, run_id: UUID | None = None
) -> Imported:
    """Import files as one run; `run_id` names one that was registered before (an upload).

    Raises ConflictError while another import of the shop runs, InvalidInputError for a file that cannot be read to
    its end; the run is then marked as failed and the mirror is as it was.
    """
    started = time.monotonic()
    async with _only_import(context):
        run, previous = await begin(
            context, sources, snapshot=options.snapshot, force=options.force, run_id=run_id
        )
        if previous is not None:
            if not run.settled:  # killed between the merge and its end
                await _settle(context, run, previous, changed=True)
            return Imported(run.id, previous, time.monotonic() - started, repeated=True)
        try:
            outcome, withheld = await _carry_out(context, run, sources, options, report)
        except Exception as error:
            # The reason goes into the run; where the database itself is gone, the unfinished run says enough.
            await fail(context, run.id, error)
            raise _readable(error) from error
        total = outcome.total
        await _settle(
            context,
            run,
            outcome,
            changed=total.inserted + total.updated + total.deleted > 0 or not run.settled,
        )
    return Imported(
        run.id, outcome, time.monotonic() - started, snapshot_withheld=withheld, resumed=run.resumed
    )


async def _carry_out(
    context: Context, run: Run, sources: list[Source], options: Options, report: Report
) -> tuple[Outcome, bool]:
    parameters: dict[str, Any] = {"run": run.id, "shop": context.shop_id}
    outcome = Outcome()
    feed = Feed(context, run, sources, report)
    # The merge's step ends after its transaction.
    async with AsyncExitStack() as merge_step, context.transaction() as session:
        async with step(context, run.id, "parse") as parsing:
            await staging.prepare(session)
            await staging.load(session, feed.batches(session))
            parsing.records = sum(feed.read.values())
            parsing.metadata = {"read": feed.read, "rejected": feed.rejected}
        async with step(context, run.id, "validate") as validated:
            report("validate")
            counts = await _validate(session, parameters, feed, outcome)
            validated.records = outcome.total.read - outcome.total.rejected
            validated.metadata = {"rejected": outcome.total.rejected}
        withheld = options.snapshot and outcome.total.rejected > 0
        merging = await merge_step.enter_async_context(step(context, run.id, "merge"))
        parameters["currency"] = (
            await session.execute(queries.SHOP_CURRENCY, {"shop": context.shop_id})
        ).scalar_one()
        await merge(session, parameters, counts, feed.names, report)
        if options.snapshot and not withheld:
            await delete_missing(session, parameters, set(total_of(counts)))
        await outcomes.merged(session, parameters, outcome)
        await _announce(session, parameters, outcome)
        total = outcome.total
        merging.records = total.inserted + total.updated + total.unchanged
        state = {"by_type": outcome.as_dict(), "snapshot_withheld": withheld}
        await session.execute(
            queries.END_RUN,
            {
                "run": run.id,
                "shop": context.shop_id,
                "status": "completed",
                "records": total.read,
                "bytes": sum(source.size for source in sources),
                "error": None,
                "state": orjson.dumps(state).decode(),
            },
        )
    return outcome, withheld


async def _validate(
    session: AsyncSession, parameters: dict[str, Any], feed: "Feed", outcome: Outcome
) -> Counts:
    """Check what was staged, write down what is wrong with it, and prove that every record is accounted for."""
    if any(source.format == "csv" for source in feed.sources):
        await csv_products.recognize(session, parameters)
    await staging.check(session, parameters["shop"], feed.names)
    for kind, rows in feed.read.items():
        outcome.of(kind).read = rows
    for kind, rows in feed.rejected.items():
        outcome.of(kind).rejected = rows
    staged, counts = await outcomes.staged(session, outcome)
    _refuse_difference(staged, feed.read, feed.rejected)
    files = {str(number): source.name for number, source in enumerate(feed.sources)}
    await session.execute(queries.STAGED_ERRORS, {**parameters, "files": orjson.dumps(files).decode()})
    return counts


async def _settle(context: Context, run: Run, outcome: Outcome, *, changed: bool) -> None:
    """What follows a merge: the planner and the views hear what is new; done again after a kill."""
    await asyncio.gather(*(analyze(context.db, table) for table in _grown(outcome)))
    if changed:
        await asyncio.gather(*(refresh(context.db, view) for view in VIEWS))
    async with context.transaction() as session:
        await session.execute(queries.SETTLE_RUN, {"shop": context.shop_id, "run": run.id})


def _grown(outcome: Outcome) -> list[str]:
    """The tables that an import changed enough for the planner to hear of it."""
    tables = {
        "Product": "products",
        "ProductVariant": "variants",
        "MediaImage": "media",
        "Order": "orders",
        "Customer": "customers",
    }
    changed = {
        kind: counts.inserted + counts.updated + counts.deleted for kind, counts in outcome.by_type.items()
    }
    return [f"pim.shopify_{table}" for kind, table in tables.items() if changed.get(kind, 0) >= MANY]


@dataclass
class Feed:
    """Gives parsed rows to the loader, and keeps the run's own record in between."""

    context: Context
    run: Run
    sources: list[Source]
    report: Report
    read: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    names: Names = field(default_factory=dict)
    _records: int = 0
    _shown: float = 0.0

    async def batches(self, session: AsyncSession) -> AsyncIterator[tuple[Target, bytes]]:
        """Rows for COPY; rejections go to bulk_errors between two batches."""
        size = sum(source.size for source in self.sources)
        async for part in parsed(self.sources):
            self._note(part)
            await self._reject(session, part.rejections)
            self.report("parse", done=part.position, total=size, unit="bytes")
            await self._show(part.position)
            for batch in part.batches.items():
                yield batch
        self.report("parse", done=size, total=size, unit="bytes")

    def _note(self, part: Parsed) -> None:
        self._records += part.records
        for kind, count in part.read.items():
            self.read[kind] = self.read.get(kind, 0) + count
        told = self.names.setdefault(part.file_number, {})
        for kind, names in part.names.items():
            told.setdefault(kind, set()).update(names)
        for rejection in part.rejections:
            self.rejected[rejection.type] = self.rejected.get(rejection.type, 0) + 1

    async def _reject(self, session: AsyncSession, rejections: list[Rejection]) -> None:
        for start in range(0, len(rejections), MOST_ERRORS):
            part = rejections[start : start + MOST_ERRORS]
            rows = [_error(rejection, self.sources[rejection.file_number].name) for rejection in part]
            await session.execute(
                queries.INSERT_ERRORS,
                {"run": self.run.id, "shop": self.context.shop_id, "errors": orjson.dumps(rows).decode()},
            )

    async def _show(self, position: int) -> None:
        if time.monotonic() - self._shown < 0.5:
            return
        self._shown = time.monotonic()
        async with self.context.transaction() as session:
            await session.execute(
                queries.PROGRESS,
                {
                    "run": self.run.id,
                    "shop": self.context.shop_id,
                    "records": self._records,
                    "bytes": position,
                },
            )


def _error(rejection: Rejection, file: str) -> dict[str, Any]:
    payload = {
        "file": file,
        "line": rejection.line_number,
        "type": rejection.type,
        "field": rejection.field,
        "value": rejection.value,
        "record": rejection.record,
    }
    return {
        "stage": rejection.stage,
        "code": rejection.code,
        "message": rejection.reason,
        "line": rejection.line_number,
        "payload": {name: value for name, value in payload.items() if value is not None},
    }


def _refuse_difference(staged: dict[str, int], read: dict[str, int], rejected: dict[str, int]) -> None:
    """Every record that was read is staged or rejected; anything else is a defect, and nothing may be merged."""
    for kind in read.keys() | staged.keys():
        if read.get(kind, 0) != staged.get(kind, 0) + rejected.get(kind, 0):
            raise EntrepotError(
                f"{read.get(kind, 0)} {kind} records were read, but {staged.get(kind, 0)} staged and {rejected.get(kind, 0)} rejected.",
                hint="Nothing was changed; please report this.",
            )


async def _announce(session: AsyncSession, parameters: dict[str, Any], outcome: Outcome) -> None:
    """Move the checkpoints and publish what changed, in the transaction of the merge."""
    for kind, resource in RESOURCES.items():
        counts = outcome.by_type.get(kind)
        if counts is not None and counts.read:
            values = {
                "resource": resource,
                "records": counts.read - counts.rejected,
                "metadata": orjson.dumps({"by_type": kind}).decode(),
            }
            await session.execute(
                queries.CHECKPOINT, {**values, "shop": parameters["shop"], "run": str(parameters["run"])}
            )
    values = {"run": str(parameters["run"]), "shop": parameters["shop"]}
    await publish_from(session, queries.CHANGED_EVENTS, values, source="/entrepot/pim/bulk")
    data = {"run_id": str(parameters["run"]), "by_type": outcome.as_dict()}
    await publish(
        session,
        type="pim.import.completed",
        subject=str(parameters["run"]),
        data=data,
        source="/entrepot/pim/bulk",
    )


@asynccontextmanager
async def _only_import(context: Context) -> AsyncIterator[None]:
    """Hold the shop's import lock; it goes with the process, however that ends."""
    connection = await context.db.listen()
    try:
        deadline = time.monotonic() + PATIENCE
        while not await _try_lock(connection, context.shop_id):
            if time.monotonic() > deadline:
                raise ConflictError(
                    "Another import of this shop is running.",
                    hint="Wait for its end; `entrepot shopify runs` shows it.",
                )
            await asyncio.sleep(0.25)
        yield
    finally:
        await connection.close()


async def _try_lock(connection: psycopg.AsyncConnection[Any], shop_id: UUID) -> bool:
    cursor = await connection.execute(
        "SELECT pg_try_advisory_lock(hashtextextended('entrepot.import ' || %s, 0))", [str(shop_id)]
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


def _readable(error: Exception) -> Exception:
    """A lost database as the error that says so; everything else as it is."""
    if isinstance(error, psycopg.OperationalError) or isinstance(
        getattr(error, "orig", None), psycopg.OperationalError
    ):
        return UnavailableError(
            "The database went away during the import; nothing was changed.",
            hint="Run the same command again: it takes the run up where it can.",
        )
    return error
