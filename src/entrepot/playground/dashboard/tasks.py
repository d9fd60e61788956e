"""Runs in the background: a world made, or the world going on through a scenario."""

import asyncio
import os
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kit.errors import EntrepotError
from entrepot.kit.jobs import Job, task
from entrepot.playground.dashboard import run_queries
from entrepot.playground.dashboard.running import TASK, Run, Stopped, get_run, run_of, supervised
from entrepot.playground.dashboard.scenarios import ScenarioAsked, scenario_from, world_from
from entrepot.playground.loading.queries import current_world

#: Seconds between two looks at how far it is and whether to stop.
PERIOD = 0.5


@task(TASK, queue="playground", max_attempts=3)
async def carry_out(job: Job, *, run_id: str) -> dict[str, Any]:
    """Carry a run out to its end, or until somebody stops it.

    A run whose worker died is taken up again: a world is loaded on from the part it had reached, a scenario goes on from
    the world's clock to the same end.
    """
    run = UUID(run_id)
    async with job.db.system(trace_id=job.trace_id) as session:
        asked = await get_run(session, run)
        world = await current_world(session)
        clock, end = _clocks(asked, world.clock if world else None)
        row = await run_queries.begin_run(session, run, clock=clock, clock_end=end, message="Begins.")
    if row is None:
        return {"run_id": run_id, "status": asked.status}
    try:
        made = await (_make_world(job, run_of(row)) if asked.kind == "world" else _play(job, run_of(row)))
    except Stopped:
        await _end(job, run, "stopped", "Stopped. What happened until then stays.")
        return {"run_id": run_id, "status": "stopped"}
    except EntrepotError as error:
        await _end(job, run, "failed", str(error))
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        if job.attempt >= job.max_attempts:
            await _end(job, run, "failed", reason)
        else:
            async with job.db.system(trace_id=job.trace_id) as session:
                await run_queries.beat(
                    session, run, share=0, message=f"Broke off and is tried again. {reason}"
                )
        raise
    await _end(job, run, "completed", made)
    return {"run_id": run_id, "status": "completed"}


def _clocks(asked: Run, clock: datetime | None) -> tuple[datetime | None, datetime | None]:
    if asked.kind == "world":
        return None, world_from(asked.asked).last
    return (clock, scenario_from(asked.asked).end(clock)) if clock else (None, None)


async def _end(job: Job, run: UUID, status: str, message: str) -> None:
    async with job.db.system(trace_id=job.trace_id) as session:
        world = await current_world(session)
        clock = world.clock if world and world.state == "complete" else None
        await run_queries.end_run(session, run, status, message, clock)


async def _make_world(job: Job, run: Run) -> str:
    from entrepot.playground.loading.generating import generate
    from entrepot.playground.metrics.rolling import roll
    from entrepot.playground.world.scenarios import parse_scenario
    from entrepot.playground.world.settings import WorldSettings

    asked = world_from(run.asked)
    plain = WorldSettings(seed=asked.seed, scale=asked.scale, start=asked.start, end=asked.end)
    settings = WorldSettings(
        seed=asked.seed,
        scale=asked.scale,
        start=asked.start,
        end=asked.end,
        scenarios=(parse_scenario(asked.scenario, plain),),
    )
    share, message = 0.0, "Simulates."

    def report(
        step: str, *, done: int = 0, total: int | None = None, unit: str = "rows", note: str | None = None
    ) -> None:
        nonlocal share, message
        message = f"{step.capitalize()}: {done:,}{f' of {total:,}' if total else ''} {unit}."
        if total:
            share = 0.95 * min(done / total, 1.0)

    async def look() -> bool:
        async with job.db.system(trace_id=job.trace_id) as session:
            return await run_queries.beat(session, run.run_id, share=share, message=message)

    work = generate(job.db, settings, processes=min(2, os.cpu_count() or 1), report=report)
    made = await supervised(work, look, period=PERIOD)
    async with job.db.system(trace_id=job.trace_id) as session:
        await run_queries.beat(session, run.run_id, share=0.97, message="Rolls up the metrics.")
    await roll(job.db)
    return f"A world of {sum(made.rows.values()):,} rows, made in {made.seconds:.0f} s."


async def _play(job: Job, run: Run) -> str:
    from entrepot.playground.live.running import Tick
    from entrepot.playground.live.running import run as run_live
    from entrepot.playground.world.settings import Scenario

    asked = scenario_from(run.asked)
    start, end = run.clock_start, run.clock_end
    if start is None or end is None:
        raise EntrepotError("The world went away before the scenario began.", hint="Make a world first.")
    clock, written = run.clock or start, run.facts
    stop = asyncio.Event()

    async def ticked(tick: Tick) -> None:
        nonlocal clock, written
        clock, written = tick.clock, written + tick.inserted

    async def look() -> bool:
        async with job.db.system(trace_id=job.trace_id) as session:
            return await run_queries.beat(
                session,
                run.run_id,
                share=_share(start, clock, end),
                clock=clock,
                facts=written,
                message=_phase(asked, start, clock),
            )

    # An attempt that goes on where another was killed: the scenario is part of the world already.
    begun = clock > start
    scenarios = () if begun else (Scenario(asked.scenario, *asked.window(start), asked.strength),)
    work = run_live(job.db, speed=asked.speed, until=end, scenarios=scenarios, on_tick=ticked, stop=stop)
    await supervised(work, look, period=PERIOD, stop=stop)
    await look()
    return f"{asked.title}: {asked.hours} hours of the world's time have passed."


def _share(start: datetime, clock: datetime, end: datetime) -> float:
    return 0.97 * min(max((clock - start) / (end - start), 0.0), 1.0)


def _phase(asked: ScenarioAsked, start: datetime, clock: datetime) -> str:
    begins, ends = asked.window(start)
    if clock == start:
        return "The simulation is brought to where the world stands; then the clock moves."
    if clock < begins:
        return f"Steady until {begins:%Y-%m-%d %H:%M}, so that there is something to compare with."
    if clock < ends:
        return f"The scenario holds until {ends:%Y-%m-%d %H:%M}."
    return "The scenario is over; what follows from it goes on."
