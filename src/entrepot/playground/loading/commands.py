"""`entrepot world`: a simulated world of commerce, made, looked at, taken out and given away as files."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.kit.output import (
    JsonOption,
    count_of,
    format_bytes,
    format_duration,
    format_number,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.kit.progress import reporting

if TYPE_CHECKING:
    from entrepot.playground.loading.generating import Generated
    from entrepot.playground.loading.queries import WorldState
    from entrepot.playground.world.settings import WorldSettings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Simulate a world of commerce in the warehouse, and take it out as files.",
)
#: The days of a world, if none are given: a quarter with a black Friday in it.
START, END = date(2025, 10, 1), date(2026, 1, 1)
#: Scale times days up to which a world is made in this process.
SMALL = 2.0
Into = Literal["postgres", "parquet", "csv"]
FileFormat = Literal["parquet", "csv"]

FromOption = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DAY", help="First day, in UTC.")
]
ToOption = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], metavar="DAY", help="Day after the last one."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Directory for the files; made where it is not.")
]


@app.command("generate")
def generate(
    seed: Annotated[int, typer.Option(help="Which world: the same seed gives the same rows.")] = 1,
    scale: Annotated[
        float, typer.Option(help="Size; 1 is about 2,000 users and a million rows in a quarter.")
    ] = 1.0,
    start: FromOption = None,
    end: ToOption = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="What happens to the world; `entrepot world scenarios` lists them."
        ),
    ] = None,
    into: Annotated[Into, typer.Option(help="Where the rows go.")] = "postgres",
    out: OutOption = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that simulate; as many as there are cores if not given."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take another world out first, or make this one anew.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate a world, and load it.

    The same command after an interruption goes on where it was. A database has one simulated world; real facts
    beside it stay as they are.

    [bold]entrepot world generate --seed 7 --scale 1 --scenario black-friday[/bold]
    """
    settings = _settings(seed, scale, start, end, scenario or [])
    # A small world is made before another process would have started.
    small = settings.scale * settings.days <= SMALL
    processes = workers if workers is not None else 0 if small else os.cpu_count() or 1
    if (into == "postgres") != (out is None):
        raise InvalidInputError(
            "Files need a directory." if out is None else "--out is for files.",
            hint="Give --out DIR with --into parquet or --into csv, and only with them.",
        )
    made = asyncio.run(_generate(settings, into, out, processes, replace=replace, quiet=as_json))
    if as_json:
        print_json(made.as_dict())
    else:
        _show_generated(made, out)


def _settings(
    seed: int, scale: float, start: datetime | None, end: datetime | None, scenarios: Sequence[str]
) -> "WorldSettings":
    from entrepot.playground.world.scenarios import parse_scenario
    from entrepot.playground.world.settings import WorldSettings

    plain = WorldSettings(
        seed=seed, scale=scale, start=start.date() if start else START, end=end.date() if end else END
    )
    chosen = tuple(parse_scenario(name, plain) for name in scenarios)
    return WorldSettings(seed=seed, scale=scale, start=plain.start, end=plain.end, scenarios=chosen)


async def _generate(
    settings: "WorldSettings", into: Into, out: Path | None, processes: int, *, replace: bool, quiet: bool
) -> "Generated":
    with reporting(_style(quiet)) as report:
        if into == "postgres":
            from entrepot.playground.loading.generating import generate as into_database

            async with Database.opened(pool_size=2) as db:
                return await into_database(db, settings, processes=processes, replace=replace, report=report)
        from entrepot.playground.loading.filing import generate_files

        assert out is not None
        return await generate_files(settings, out, into, processes=processes, replace=replace, report=report)


def _show_generated(made: "Generated", out: Path | None) -> None:
    if made.there:
        print_line("This world is there already; nothing was done. --replace makes it anew.")
    if made.resumed:
        print_line("An earlier attempt had been interrupted; it was taken up again.")
    print_table(
        ["table", "rows"],
        [*sorted(made.rows.items()), ("total", sum(made.rows.values()))],
        title=f"World of seed {made.settings['seed']}, scale {made.settings['scale']:g}",
    )
    where = f"in {out}" if out else "in the warehouse"
    print_line(
        f"{count_of(sum(made.rows.values()), 'row')} {where}, made in {format_duration(made.seconds)}."
    )
    if out is None and not made.there:
        print_line("`entrepot metrics roll` makes the metrics; `entrepot world verify` checks all of it.")


@app.command("status")
def status(as_json: JsonOption = False) -> None:
    """Show the world of the database: its settings, how far it is loaded, the moment on its clock."""
    from entrepot.playground.loading.queries import current_world, part_rows

    async def read() -> "tuple[WorldState | None, dict[str, int]]":
        async with Database.opened(pool_size=2) as db, db.system() as session:
            world = await current_world(session)
            if world is None:
                return None, {}
            rows = dict(world.rows)
            if not rows:
                for part in await part_rows(session, world.id):
                    rows = {name: rows.get(name, 0) + part.get(name, 0) for name in {*rows, *part}}
            return world, rows

    world, rows = asyncio.run(read())
    if as_json:
        print_json(_state(world, rows))
        return
    if world is None:
        print_line("There is no simulated world. `entrepot world generate` makes one.")
        return
    held = world.settings
    print_fields(
        {
            "seed": str(held["seed"]),
            "scale": f"{held['scale']:g}",
            "days": f"{held['start']} to before {held['end']}",
            "scenarios": [one["name"] for one in held["scenarios"]] or "steady",
            "state": world.state,
            "parts": f"{world.parts_loaded} of {world.parts}",
            "clock": world.clock,
            "begun": world.started_at,
            "complete": world.completed_at,
            "time spent": format_duration(world.seconds),
        },
        title="World",
    )
    print_table(["table", "rows"], sorted(rows.items()))
    if world.state != "complete":
        print_line("It is not complete. The same `entrepot world generate` goes on where it was.")


def _state(world: "WorldState | None", rows: Mapping[str, int]) -> dict[str, Any]:
    if world is None:
        return {"world": None}
    return {
        "world": {
            **world.settings,
            "state": world.state,
            "parts": world.parts,
            "parts_loaded": world.parts_loaded,
            "clock": world.clock,
            "rows": dict(sorted(rows.items())),
            "started_at": world.started_at,
            "completed_at": world.completed_at,
            "seconds": world.seconds,
        }
    }


@app.command("scenarios")
def scenarios(as_json: JsonOption = False) -> None:
    """List what can happen to a world."""
    from entrepot.playground.world.scenarios import SCENARIOS

    if as_json:
        print_json({"scenarios": [{"name": name, "meaning": text} for name, text in SCENARIOS.items()]})
    else:
        print_table(["scenario", "what happens"], list(SCENARIOS.items()))
        print_line(
            "Several can be combined; NAME@DAY..DAY says when: --scenario stock-out@2025-11-10..2025-11-13"
        )


@app.command("checksum")
def checksum(
    of: Annotated[
        Path | None,
        typer.Option("--of", metavar="DIR", help="Files to read instead of the database."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a checksum of each table: SHA-256 of its simulated rows.

    Equal for the same seed and settings, in the database, in Parquet and in CSV.
    """
    from entrepot.playground.loading.checksums import checksums, checksums_of

    async def read() -> dict[str, str]:
        with reporting(_style(as_json)) as report:
            if of is not None:
                return checksums_of(of, report=report)
            async with Database.opened(pool_size=2) as db:
                return await checksums(db, report=report)

    found = asyncio.run(read())
    if as_json:
        print_json({"tables": found})
    else:
        print_table(["table", "sha256"], list(found.items()))


@app.command("export")
def export(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory for the files.")],
    format_: Annotated[FileFormat, typer.Option("--format", help="Kind of the files.")] = "parquet",
    start: FromOption = None,
    end: ToOption = None,
    table: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A table; all of them if none is named.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take away another export that is in the directory.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write facts and metrics, real and simulated, to Parquet or CSV files with a manifest."""
    from entrepot.playground.loading import exporting

    first, last = (start.date() if start else None), (end.date() if end else None)
    if first and last and first >= last:
        raise InvalidInputError(
            f"The range would end on {last}, which is not after {first}.", hint="Give a later --to."
        )

    async def write() -> exporting.Exported:
        with reporting(_style(as_json)) as report:
            async with Database.opened(pool_size=2) as db:
                return await exporting.export(
                    db, out, format_, start=first, end=last, tables=table or [], replace=replace, report=report,
                )  # fmt: skip

    done = asyncio.run(write())
    if as_json:
        print_json(done.as_dict())
        return
    print_table(["table", "rows"], list(done.rows.items()))
    print_line(
        f"{format_number(sum(done.rows.values()))} rows in {count_of(done.files, 'file')} "
        f"({format_bytes(done.bytes)}) under {out}, in {format_duration(done.seconds)}."
    )


@app.command("clear")
def clear(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take every simulated row out of the warehouse, with the metrics made from them; real facts stay."""
    from entrepot.playground.loading import generating

    if not yes:
        if as_json or not sys.stdin.isatty():
            raise ConflictError(
                "This takes the simulated world out of the database.", hint="Give --yes to do it."
            )
        typer.confirm("Take the simulated world out of the database?", abort=True)

    async def run() -> dict[str, int]:
        async with Database.opened(pool_size=2) as db:
            return await generating.clear(db)

    removed = {name: count for name, count in sorted(asyncio.run(run()).items()) if count}
    if as_json:
        print_json({"removed": removed})
    else:
        print_table(["table", "rows removed"], list(removed.items()), empty="There was no simulated row.")
        if removed:
            print_note("`entrepot metrics roll` makes the metrics of what is left.")


def _style(quiet: bool) -> Literal["auto", "none"]:
    return "none" if quiet and not sys.stderr.isatty() else "auto"
