"""A world that goes on is what a backfill to that moment would have made, whatever happened on the way."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.playground.live.conftest import LONGER, SMALL, clock_of, database, everything

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.playground.live.running import Tick, run
from entrepot.playground.loading.generating import generate
from entrepot.playground.world.settings import Scenario

END = SMALL.end_time
DAY_LATER = LONGER.end_time
STEP = timedelta(hours=4)


def differing(found: dict[str, list[str]], expected: dict[str, list[str]]) -> dict[str, tuple[int, int]]:
    """The tables that differ, with the rows that only one side has."""
    return {
        name: (len(set(rows) - set(expected[name])), len(set(expected[name]) - set(rows)))
        for name, rows in found.items()
        if rows != expected[name]
    }


async def test_a_day_of_ticks_is_a_day_more_of_backfill(
    world: Database, longer: dict[str, list[str]]
) -> None:
    before = await everything(world)
    ticks: list[Tick] = []

    async def keep(tick: Tick) -> None:
        assert await clock_of(world) == tick.clock  # committed with what happened until then
        ticks.append(tick)

    ran = await run(world, speed=0, roll=False, step=STEP, until=DAY_LATER, on_tick=keep)
    found = await everything(world)
    assert differing(found, longer) == {}
    assert [tick.clock for tick in ticks] == [END + timedelta(hours=hour) for hour in range(4, 25, 4)]
    assert ran.inserted == sum(map(len, found.values())) - sum(map(len, before.values()))
    assert ran.updated > 0
    assert ran.rows["shop_orders"] == len(longer["shop_orders"])


LATEST_STEP = """
    SELECT count(*) FROM data_playground.shop_orders
    WHERE greatest(event_time, processed_time, shipped_time, delivered_time, cancelled_time) >= :clock
"""


async def test_nothing_is_there_before_it_happens(world: Database) -> None:
    clock = END + timedelta(hours=5, minutes=17)

    async def look(tick: Tick) -> None:
        async with world.system() as session:
            for query in (
                "SELECT count(*) FROM data_playground.global_events WHERE event_time >= :clock",
                LATEST_STEP,
            ):
                assert (await session.execute(text(query), {"clock": tick.clock})).scalar_one() == 0

    await run(world, speed=0, roll=False, step=STEP, until=clock, on_tick=look)
    assert await clock_of(world) == clock


async def test_late_facts_come_later_with_their_old_time_and_then_all_is_there(
    world: Database, longer: dict[str, list[str]]
) -> None:
    ran = await run(world, speed=0, roll=False, step=STEP, until=DAY_LATER, late=0.3)
    assert ran.late > 20
    assert ran.waiting > 0
    found = await everything(world)
    missing = differing(found, longer)
    assert {extra for extra, _ in missing.values()} == {0}
    assert sum(lacking for _, lacking in missing.values()) == ran.waiting
    settled = await run(world, speed=0, roll=False, step=STEP, until=DAY_LATER, settle=True)
    assert (settled.late, settled.waiting, settled.ticks) == (ran.waiting, 0, 0)
    assert differing(await everything(world), longer) == {}


async def test_which_facts_are_late_does_not_depend_on_the_ticks(
    world: Database, server_home: Path, template: str
) -> None:
    noon = END + timedelta(hours=12)

    async def held(db: Database, step: timedelta) -> list[tuple[object, ...]]:
        await run(db, speed=0, roll=False, until=noon, late=0.3, step=step)
        query = "SELECT id, table_name, due_time FROM data_playground.held_back_facts ORDER BY id, table_name"
        async with db.system() as session:
            return [tuple(row) for row in await session.execute(text(query))]

    often = await held(world, timedelta(hours=3))
    with database(server_home, template) as settings:
        async with Database.opened(settings) as other:
            assert await held(other, timedelta(hours=12)) == often
    assert often


async def test_facts_that_are_delivered_twice_are_stored_once(
    world: Database, longer: dict[str, list[str]]
) -> None:
    ran = await run(
        world, speed=0, roll=False, step=STEP, until=DAY_LATER, late=0.2, duplicates=0.5, settle=True
    )
    assert ran.duplicates > 100
    assert ran.waiting == 0
    assert differing(await everything(world), longer) == {}


async def test_a_run_that_is_stopped_goes_on_where_it_was(
    world: Database, longer: dict[str, list[str]]
) -> None:
    stop = asyncio.Event()

    async def third(tick: Tick) -> None:
        if tick.clock == END + timedelta(hours=8):
            stop.set()

    ran = await run(world, speed=0, roll=False, step=STEP, until=DAY_LATER, on_tick=third, stop=stop)
    assert (ran.stopped, ran.clock) == (True, END + timedelta(hours=8))
    again = await run(world, speed=0, roll=False, step=STEP, until=DAY_LATER)
    assert again.start == ran.clock
    assert differing(await everything(world), longer) == {}


SOURCE = str(Path(__file__).resolve().parents[3] / "src")
PROGRAM = """
import asyncio, sys
from datetime import datetime, timedelta
from entrepot.kit.db import Database
from entrepot.playground.live.running import run

async def tell(tick):
    print(tick.clock.isoformat(), flush=True)

async def main():
    async with Database.opened() as db:
        await run(db, speed=0, roll=False, step=timedelta(hours=3), until=datetime.fromisoformat(sys.argv[1]), late=0.2, duplicates=0.2, on_tick=tell)

asyncio.run(main())
"""


async def test_a_run_that_is_killed_loses_and_doubles_nothing(
    world: Database, longer: dict[str, list[str]]
) -> None:
    settings = world.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    environment |= {"ENTREPOT_HOME": str(settings.home), "ENTREPOT_DATABASE_NAME": settings.database_name}
    environment["PYTHONPATH"] = SOURCE

    def killed(after: int) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, DAY_LATER.isoformat()], env=environment, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        told = 0
        for _ in process.stdout:
            told += 1
            if told == after:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        return told

    assert await asyncio.to_thread(killed, 5) == 5
    ran = await run(world, speed=0, roll=False, step=STEP, until=DAY_LATER, settle=True)
    assert ran.start >= END + timedelta(hours=15)
    assert differing(await everything(world), longer) == {}


async def test_a_scenario_of_now_changes_what_comes_and_nothing_that_was(world: Database) -> None:
    before = await everything(world)
    outage = Scenario(
        "payment-outage", datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 10, 2, tzinfo=UTC), 1.0
    )
    await run(world, speed=0, roll=False, step=STEP, until=END + timedelta(hours=12), scenarios=[outage])
    found = await everything(world)
    assert set(before["global_events"]) <= set(found["global_events"])
    new = "".join(set(found["global_events"]) - set(before["global_events"]))
    assert new.count("payment_failed") > new.count("payment_completed")
    async with world.system() as session:
        stored = await session.execute(text("SELECT settings FROM data_playground.world_runs"))
        [scenario] = stored.scalar_one()["scenarios"]
    assert datetime.fromisoformat(scenario["start"]) == END


async def test_what_was_held_back_of_another_world_is_forgotten(world: Database) -> None:
    await run(world, speed=0, roll=False, step=STEP, until=END + STEP, late=0.5)
    async with world.system() as session:
        assert (await session.execute(text(HELD))).scalar_one() > 0
    other = replace(SMALL, seed=8, scale=0.02, end=SMALL.start + timedelta(days=1))
    await generate(world, other, processes=0, replace=True)
    ran = await run(world, speed=0, roll=False, step=STEP, until=other.end_time + STEP)
    assert (ran.late, ran.waiting) == (0, 0)


HELD = "SELECT count(*) FROM data_playground.held_back_facts"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"late": 1.5}, InvalidInputError),
        ({"duplicates": -0.1}, InvalidInputError),
        ({"until": datetime(2025, 11, 1, tzinfo=UTC)}, ConflictError),
    ],
)
async def test_what_cannot_be_is_refused(
    world: Database, options: dict[str, Any], error: type[Exception]
) -> None:
    asked: dict[str, Any] = {"speed": 0, "until": DAY_LATER, "roll": False} | options
    with pytest.raises(error):
        await run(world, **asked)


async def test_without_a_world_there_is_nothing_to_go_on_with(db: Database) -> None:
    with pytest.raises(NotFoundError):
        await run(db, speed=0, roll=False, until=None)
