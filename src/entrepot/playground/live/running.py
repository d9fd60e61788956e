"""Running a world: its clock moves on, and what happens is written as it happens, a transaction a tick."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.kit.jobs.waking import first_of
from entrepot.playground.live import live_queries as queries
from entrepot.playground.live.live_queries import Trouble
from entrepot.playground.live.pacing import STEP, Pace
from entrepot.playground.loading.generating import holding
from entrepot.playground.loading.load_queries import Connection, Run, present_run
from entrepot.playground.loading.working import WORLD

if TYPE_CHECKING:
    from entrepot.playground.live.following import Difference, Follower
    from entrepot.playground.world.settings import Scenario


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick wrote, and where the clock stands after it; `waiting` is how many facts are late still."""

    clock: datetime
    inserted: int = 0
    updated: int = 0
    held_back: int = 0
    late: int = 0
    duplicates: int = 0
    waiting: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to."""

    start: datetime
    clock: datetime
    ticks: int
    inserted: int
    updated: int
    late: int
    duplicates: int
    waiting: int
    rows: Mapping[str, int]
    seconds: float
    stopped: bool

    def as_dict(self) -> dict[str, Any]:
        """The one JSON object of `world run`."""
        names = ("start", "clock", "ticks", "inserted", "updated", "late", "duplicates", "waiting", "stopped")
        return {name: getattr(self, name) for name in names} | {
            "rows": dict(sorted(self.rows.items())),
            "seconds": round(self.seconds, 3),
        }


#: Called after each tick is committed.
OnTick = Callable[[Tick], Awaitable[None]]


async def run(
    db: Database,
    *,
    speed: float,
    until: datetime | None,
    scenarios: Sequence["Scenario"] = (),
    late: float = 0.0,
    duplicates: float = 0.0,
    on_tick: OnTick | None = None,
    stop: asyncio.Event | None = None,
    settle: bool = False,
    roll: bool = True,
    step: timedelta = STEP,
    world: str = WORLD,
) -> Ran:
    """Go on with the world of the database from its clock, until `until` or until `stop` is set.

    `speed` is simulated seconds a second, 0 as fast as it goes in ticks of `step`. `scenarios` begin at the clock at the earliest and stay
    with the world. Of facts that nothing refers to, a share of `late` is written later than it happened and a share of
    `duplicates` is delivered twice. With `settle`, what is still held back at the end is written then; with `roll`, metrics are
    rolled beside it, as often as there is time, and at its end. A tick and its
    clock are one transaction: a run that was killed goes on where it was. Raises NotFoundError without a world,
    ConflictError while another command works on it or where `until` has gone by.
    """
    for name, share in (("late", late), ("duplicates", duplicates)):
        if not 0 <= share <= 1:
            raise InvalidInputError(f"{name} is {share:g}, but it is a share between 0 and 1.")
    stop = stop or asyncio.Event()
    async with holding(db) as connection:
        present = await _world(connection, until)
        trouble = Trouble(present.id, int(present.settings["seed"]), late, duplicates)
        await queries.forget_held_back(connection, present.id)
        follower = await asyncio.to_thread(_follower, present, world)
        if scenarios:
            await _add(connection, present, follower, scenarios)
        pace = Pace(present.clock, speed, until, step)
        began = time.monotonic()
        ticks: list[Tick] = []
        clock = present.clock
        async with _rolling(db) if roll else nullcontext() as rolling:
            while not stop.is_set() and not pace.ends(clock):
                elapsed = time.monotonic() - began
                target = pace.next(clock, elapsed, ticks[-1].seconds if ticks else 0.0)
                # What will happen is known ahead, and written when the clock is there.
                differences = await asyncio.to_thread(follower.follow, target)
                spent = time.monotonic() - began
                if (seconds := pace.wait(target, spent)) > 0:
                    await first_of(stop, timeout=seconds)
                    if stop.is_set():
                        break
                tick = await _write(connection, present, differences, target, trouble)
                clock = tick.clock
                ticks.append(replace(tick, rows={}, seconds=spent - elapsed + tick.seconds))
                present = replace(present, clock=clock, rows=dict(Counter(present.rows) + Counter(tick.rows)))
                if on_tick is not None:
                    await on_tick(tick)
                if rolling is not None:
                    rolling.ring(clock)
            count = len(ticks)
            if settle:
                ticks.append(await _settle(connection, clock))
                if rolling is not None:
                    rolling.ring(clock)
        waiting = await queries.held_back(connection)
    return _ran(
        pace.start, clock, count, ticks, waiting, present.rows, time.monotonic() - began, stop.is_set()
    )


async def _world(connection: Connection, until: datetime | None) -> Run:
    present = await present_run(connection)
    if present is None or present.state != "complete":
        raise NotFoundError(
            "There is no world to go on with." if present is None else "The world is not loaded to its end.",
            hint="Run `entrepot world generate` first.",
        )
    if until is not None and until < present.clock:
        raise ConflictError(
            f"The world's clock says {present.clock.isoformat()}; {until.isoformat()} has gone by.",
            hint="Give a later --until, or --for.",
        )
    return present


def _follower(present: Run, world: str) -> "Follower":
    from entrepot.playground.live.following import Follower
    from entrepot.playground.world.settings import WorldSettings

    return Follower(WorldSettings.from_dict(dict(present.settings)), present.clock, world)


async def _add(
    connection: Connection, present: Run, follower: "Follower", scenarios: Sequence["Scenario"]
) -> None:
    """Have scenarios begin at the clock at the earliest, and be part of the world from now on."""
    from entrepot.playground.world.settings import WorldSettings

    settings = WorldSettings.from_dict(dict(present.settings))
    added = tuple(from_now(scenario, present.clock) for scenario in scenarios)
    changed = replace(settings, scenarios=(*settings.scenarios, *added))
    await asyncio.to_thread(follower.change, changed)
    await queries.keep_settings(connection, present.id, changed.as_dict())


def from_now(scenario: "Scenario", clock: datetime) -> "Scenario":
    """The scenario, moved so that it does not begin before the clock; it lasts as long as it would have."""
    if scenario.start >= clock:
        return scenario
    return replace(scenario, start=clock, end=clock + (scenario.end - scenario.start))


async def _write(
    connection: Connection,
    present: Run,
    differences: Sequence["Difference"],
    target: datetime,
    trouble: Trouble,
) -> Tick:
    began = time.monotonic()
    inserted = updated = held = 0
    rows: dict[str, int] = {}
    async with connection.transaction():
        for one in differences:
            if one.new.num_rows:
                await _stage(connection, one, one.new)
                held += await queries.hold_back(connection, one.shape, target, trouble)
                inserted += await queries.insert_staged(connection, one.shape)
                rows[one.shape.name] = one.new.num_rows
            if one.changed.num_rows:
                await _stage(connection, one, one.changed)
                updated += await queries.update_staged(connection, one.shape)
        late, duplicates = await queries.release(connection, target)
        waiting = await queries.held_back(connection)
        await queries.advance(connection, present.id, target, rows)
    seconds = time.monotonic() - began
    return Tick(target, inserted, updated, held, late, duplicates, waiting, rows, seconds)


async def _stage(connection: Connection, one: "Difference", rows: Any) -> None:
    from entrepot.playground.loading.copying import body

    encoded = await asyncio.to_thread(lambda: b"".join(body(rows, one.shape)))
    await queries.stage(connection, one.shape, encoded)


async def _settle(connection: Connection, clock: datetime) -> Tick:
    async with connection.transaction():
        late, duplicates = await queries.release(connection, None)
    return Tick(clock, late=late, duplicates=duplicates)


class _Roller:
    """Rolls the metrics of what was written, while the world goes on."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()
        self._clock: datetime | None = None
        self._closed = False

    def ring(self, clock: datetime) -> None:
        """Something was written up to this moment."""
        self._clock = clock
        self._bell.set()

    def close(self) -> None:
        """Nothing more will be written: what was is rolled, and that is all."""
        self._closed = True
        self._bell.set()

    async def run(self, db: Database) -> None:
        """Roll whenever something was written since; ticks that come meanwhile are rolled together."""
        from entrepot.playground.metrics.rolling import roll

        # Closed is not the end while something waits: it may have been told during the last roll.
        while not self._closed or self._clock is not None:
            await self._bell.wait()
            self._bell.clear()
            if self._clock is not None:
                clock, self._clock = self._clock, None
                await roll(db, until=clock)


@asynccontextmanager
async def _rolling(db: Database) -> AsyncIterator[_Roller]:
    """Metrics beside the block; at its end the last of it is rolled, and an error of theirs ends the block."""
    roller = _Roller()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(roller.run(db), name="roll metrics")
            yield roller
            roller.close()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


def _ran(
    start: datetime,
    clock: datetime,
    count: int,
    ticks: Sequence[Tick],
    waiting: int,
    rows: Mapping[str, int],
    seconds: float,
    stopped: bool,
) -> Ran:
    inserted, updated, late, duplicates = (
        sum(getattr(tick, name) for tick in ticks) for name in ("inserted", "updated", "late", "duplicates")
    )
    return Ran(start, clock, count, inserted, updated, late, duplicates, waiting, rows, seconds, stopped)
