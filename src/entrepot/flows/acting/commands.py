"""`entrepot world run`: the world goes on, in the warehouse or on the program."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import (
    JsonOption,
    count_of,
    format_duration,
    format_number,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from entrepot.flows.acting.acting import Acted, Performance
    from entrepot.playground.live.running import Ran, Tick
    from entrepot.playground.world.settings import Scenario

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


def run(
    speed: Annotated[
        str, typer.Option(metavar="X", help="Simulated seconds a second: 1, 3600, or max.")
    ] = "3600",
    until: Annotated[
        datetime | None, typer.Option(formats=FORMATS, metavar="MOMENT", help="Where to stop, in UTC.")
    ] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How much simulated time: 90m, 2h, 3d.")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="What happens from now on; `entrepot world scenarios` lists them."),
    ] = None,
    late: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of facts that are written later than they happened.")
    ] = 0.0,
    duplicates: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of facts that are delivered twice.")
    ] = 0.0,
    settle: Annotated[bool, typer.Option(help="At the end, write what is still held back.")] = False,
    roll: Annotated[bool, typer.Option(help="Roll the metrics beside it.")] = True,
    onto: Annotated[
        Literal["warehouse", "program"],
        typer.Option(help="What the world acts on: the warehouse, or a sandbox shop and a market."),
    ] = "warehouse",
    as_json: JsonOption = False,
) -> None:
    """Go on with the world from its clock, and write what happens as it happens, until Ctrl-C or SIGTERM.

    A run that was killed goes on where it was, without loss and without doubling.

    [bold]entrepot world run --speed 3600 --for 2d --late 0.05 --duplicates 0.01[/bold]
    """
    from entrepot.playground.live.pacing import parse_duration, parse_speed

    pace = parse_speed(speed)
    length = parse_duration(lasting) if lasting else None
    if until is not None and length is not None:
        raise InvalidInputError("--until and --for both say where to stop.", hint="Give one of them.")
    moment = until.replace(tzinfo=UTC) if until else None
    if onto == "program" and (scenario or late or duplicates):
        raise InvalidInputError(
            "--scenario, --late and --duplicates are for the warehouse.", hint="Leave them out, or --onto."
        )
    if onto == "program":
        performance = asyncio.run(_act(pace, moment, length, quiet=as_json))
        print_json(performance.as_dict()) if as_json else _show_performance(performance)
        return
    ran = asyncio.run(
        _run(
            pace,
            moment,
            length,
            scenario or [],
            quiet=as_json,
            late=late,
            duplicates=duplicates,
            settle=settle,
            roll=roll,
        )
    )
    print_json(ran.as_dict()) if as_json else _show(ran)


async def _run(
    speed: float,
    until: datetime | None,
    lasting: timedelta | None,
    names: list[str],
    *,
    quiet: bool,
    **options: Any,
) -> "Ran":
    from entrepot.playground.live import running

    async def tell(tick: "Tick") -> None:
        held = f", {format_number(tick.waiting)} late" if tick.waiting else ""
        print_note(
            f"{tick.clock:%Y-%m-%d %H:%M}  {format_number(tick.inserted + tick.late)} new, "
            f"{format_number(tick.updated)} changed{held}"
        )

    async with Database.opened(pool_size=4) as db:
        end, scenarios = await _wanted(db, until, lasting, names)
        with stopping() as stop:
            if not quiet:
                print_note("The world runs. Ctrl-C stops it.")
            return await running.run(
                db,
                speed=speed,
                until=end,
                scenarios=scenarios,
                on_tick=None if quiet else tell,
                stop=stop,
                **options,
            )


async def _wanted(
    db: Database, until: datetime | None, lasting: timedelta | None, names: list[str]
) -> tuple[datetime | None, list["Scenario"]]:
    """Where to stop, and the scenarios, for the world that is there."""
    from entrepot.playground.loading.queries import current_world
    from entrepot.playground.world.scenarios import parse_scenario
    from entrepot.playground.world.settings import WorldSettings

    async with db.system() as session:
        world = await current_world(session)
    if world is None:
        return until, []  # running says what is missing
    settings = WorldSettings.from_dict(dict(world.settings))
    scenarios = [parse_scenario(name, settings) for name in names]
    return until or (world.clock + lasting if lasting else None), scenarios


async def _act(
    speed: float, until: datetime | None, lasting: timedelta | None, *, quiet: bool
) -> "Performance":
    from entrepot.flows.acting.acting import act

    async def tell(acted: "Acted") -> None:
        done = ", ".join(
            f"{format_number(count)} {name.replace('_', ' ')}"
            for name, count in acted.counts.items()
            if count
        )
        print_note(f"{acted.clock:%Y-%m-%d %H:%M}  {done or 'nothing happened'}")

    async with Database.opened(pool_size=6) as db:
        with stopping() as stop:
            return await act(
                db, speed=speed, until=until, lasting=lasting, on_tick=None if quiet else tell, stop=stop
            )


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set, instead of what they do otherwise."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
        sys.stdout.flush()


def _show(ran: "Ran") -> None:
    print_fields(
        {
            "from": ran.start,
            "clock": ran.clock,
            "ticks": ran.ticks,
            "new rows": format_number(ran.inserted),
            "changed rows": format_number(ran.updated),
            "late, and written": format_number(ran.late),
            "late, not written yet": format_number(ran.waiting),
            "second deliveries": format_number(ran.duplicates),
        },
        title="The world went on" if not ran.stopped else "The world was stopped",
    )
    print_line(f"{count_of(ran.ticks, 'tick')} in {format_duration(ran.seconds)}.")


def _show_performance(done: "Performance") -> None:
    print_table(
        ["what it did", "count"], [(name.replace("_", " "), count) for name, count in done.counts.items()]
    )
    print_table(
        ["fact in the warehouse", "count"], list(done.facts.items()), empty="Nothing has come back yet."
    )
    print_line(
        f"{count_of(done.ticks, 'tick')} until {done.clock:%Y-%m-%d %H:%M} in {format_duration(done.seconds)}; "
        f"{count_of(done.waiting, 'event')} waiting."
    )
