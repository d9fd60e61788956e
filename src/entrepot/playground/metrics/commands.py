"""`entrepot metrics`: roll the metrics up, and show what is dirty, what was rolled, and what each of them means."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import JsonOption, print_json, print_line, print_table
from entrepot.kit.progress import reporting
from entrepot.playground.metrics import rolling_queries as queries
from entrepot.playground.metrics.rolling import WORKERS, RollResult
from entrepot.playground.metrics.rolling import roll as roll_up

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Roll the warehouse's metrics up, and show what they mean.",
)
T = TypeVar("T")
#: Beside the workers, a roll holds the connection that keeps others out.
CONNECTIONS = WORKERS + 2

FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Only from this day on (UTC), such as 2025-11-28."),
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Only before this day (UTC).")]


@app.command()
def roll(start: FromOption = None, end: ToOption = None, json: JsonOption = False) -> None:
    """Compute again what changed since the last roll; running it again changes nothing.

    Example: entrepot metrics roll --from 2025-11-01 --to 2025-12-01
    """
    first, last = _bounds(start, end)

    async def work(db: Database) -> RollResult:
        with reporting("none" if json else "auto") as report:
            return await roll_up(db, start=first, end=last, report=report)

    done = _run(work)
    if json:
        print_json({"buckets": done.buckets, "rows": done.rows, "seconds": done.seconds})
        return
    print_line(
        f"Rolled {done.buckets:,} buckets in {done.seconds:,.1f} s: {done.inserted:,} rows new, {done.updated:,} changed, "
        f"{done.deleted:,} gone, {done.unchanged:,} as they were."
    )


@app.command()
def mark(start: FromOption = None, end: ToOption = None, json: JsonOption = False) -> None:
    """Mark a stretch of time, so that the next roll computes all of it again.

    For facts that were changed past the warehouse's triggers. Example: entrepot metrics mark --from 2025-11-01 --to 2025-12-01
    """
    first, last = _bounds(start, end)
    if first is None or last is None:
        raise InvalidInputError("A stretch of time has two ends.", hint="Give --from and --to.")

    async def work(db: Database) -> None:
        async with db.system() as session:
            await session.execute(queries.MARK, {"start": first, "end": last})

    _run(work)
    if json:
        print_json({"from": first, "to": last})
    else:
        print_line(
            f"Marked {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}; `entrepot metrics roll` computes it."
        )


@app.command()
def status(json: JsonOption = False) -> None:
    """Show what is dirty, how far the metrics reach, and the last roll."""

    async def work(db: Database) -> dict[str, Any]:
        async with db.system() as session:
            marks = [dict(row) for row in (await session.execute(queries.MARKED)).mappings()]
            runs = [dict(row) for row in (await session.execute(queries.RUNS, {"limit": 1})).mappings()]
            return {
                "dirty": marks,
                "clocks": await queries.clocks(session),
                "last_run": runs[0] if runs else None,
            }

    found = _run(work)
    if json:
        print_json(found)
        return
    print_table(
        ["marks of", "how many", "earliest", "latest"],
        [[row["kind"], row["marks"], row["earliest"], row["latest"]] for row in found["dirty"]],
        empty="Nothing is dirty: the metrics know every fact.",
    )
    for origin, reached in found["clocks"].items():
        print_line(
            f"Time without stock of {origin} products is counted up to {reached:%Y-%m-%d %H:%M:%S} UTC."
        )
    run = found["last_run"]
    if run:
        print_line(f"The last roll began {run['started_time']:%Y-%m-%d %H:%M:%S} UTC and {_ended(run)}.")


@app.command()
def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20, json: JsonOption = False
) -> None:
    """Show the last rolls: what each was asked for, wrote, and how it ended."""

    async def work(db: Database) -> list[dict[str, Any]]:
        async with db.system() as session:
            return [dict(row) for row in (await session.execute(queries.RUNS, {"limit": limit})).mappings()]

    found = _run(work)
    if json:
        print_json({"items": found})
        return
    print_table(
        ["began", "from", "to", "buckets", "new", "changed", "gone", "as they were", "seconds", "outcome"],
        [
            [
                row["started_time"],
                row["from_time"],
                row["to_time"],
                row["buckets"],
                row["rows_inserted"],
                row["rows_updated"],
                row["rows_deleted"],
                row["rows_unchanged"],
                row["seconds"],
                row["error"] or row["outcome"],
            ]
            for row in found
        ],
        empty="Nothing was rolled yet.",
    )


@app.command("definitions")
def show_definitions(json: JsonOption = False) -> None:
    """Show what each metric means."""
    from entrepot.kit.output import as_record
    from entrepot.playground.metrics.definitions import definitions

    found = definitions()
    if json:
        print_json({"items": [as_record(one) for one in found]})
        return
    print_table(["of", "metric", "definition"], [[one.kind, one.column, one.definition] for one in found])


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened(pool_size=CONNECTIONS) as db:
            return await work(db)

    return asyncio.run(run())


def _bounds(start: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    first, last = _moment(start, "--from"), _moment(end, "--to")
    if first and last and first >= last:
        raise InvalidInputError(f"--from {start} is not before --to {end}.")
    return first, last


def _moment(given: str | None, option: str) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError as error:
        raise InvalidInputError(
            f"{option} {given!r} is no time.",
            hint="Write a day (2025-11-28), or a moment (2025-11-28T06:00Z).",
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _ended(run: dict[str, Any]) -> str:
    if run["outcome"] == "completed":
        return f"wrote {run['rows_inserted'] + run['rows_updated'] + run['rows_deleted']:,} rows in {run['seconds']} s"
    return "is going on" if run["outcome"] == "running" else f"failed: {run['error']}"
