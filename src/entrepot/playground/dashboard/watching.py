"""Watching a run: its state as events, read from the database, so that any process may do the work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from entrepot.kit.db import Database
from entrepot.kit.web.streaming import ServerEvent
from entrepot.playground.dashboard.running import Run, get_run
from entrepot.playground.dashboard.schemas import ScenarioRun

#: Seconds between two looks.
PERIOD = 0.5
#: Looks without news after which a sign of life is sent.
QUIET = 30


async def watch_run(
    db: Database, run_id: UUID, *, period: float = PERIOD
) -> AsyncIterator[ServerEvent | None]:
    """`progress` whenever something changes, and `end` when the run is over. Each look is a transaction of its own."""
    before: dict[str, Any] | None = None
    quiet = 0
    while True:
        async with db.system() as session:
            run = await get_run(session, run_id)
        told = told_of(run)
        if told != before:
            before, quiet = told, 0
            yield ServerEvent("progress", told)
        if not run.active:
            yield ServerEvent("end", told)
            return
        quiet += 1
        if quiet % QUIET == 0:
            yield None
        await asyncio.sleep(period)


def told_of(run: Run) -> dict[str, Any]:
    """A run as the API gives it."""
    return ScenarioRun.model_validate(run).model_dump(mode="json")
