"""Watching a run: its figures as events, read from the database, so that any process may do the work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from entrepot.kit.db import Database
from entrepot.kit.web.streaming import ServerEvent
from entrepot.pim.bulk.schemas import Import
from entrepot.pim.bulk.summaries import RunSummary, get_run

#: Seconds between two looks; a run of seconds still shows its steps.
PERIOD = 0.4
#: Looks without news after which a sign of life is sent.
QUIET = 30


async def watch_run(
    db: Database, shop_id: UUID, run_id: UUID, *, period: float = PERIOD
) -> AsyncIterator[ServerEvent | None]:
    """`progress` whenever the figures change, and `end` with the last of them when the run is over.

    Each look is a transaction of its own: a stream that stays open for an hour holds no connection.
    """
    before: dict[str, Any] | None = None
    quiet = 0
    while True:
        async with db.tenant(shop_id=shop_id) as session:
            run = await get_run(session, run_id)
        figures = figures_of(run)
        if _told(figures) != before:
            before, quiet = _told(figures), 0
            yield ServerEvent("progress", figures)
        if not run.active:
            yield ServerEvent("end", figures)
            return
        quiet += 1
        if quiet % QUIET == 0:
            yield None
        await asyncio.sleep(period)


def figures_of(run: RunSummary) -> dict[str, Any]:
    """A run as the API gives it."""
    return Import.model_validate(run).model_dump(mode="json")


def _told(figures: dict[str, Any]) -> dict[str, Any]:
    # The clock alone is no news.
    return {name: value for name, value in figures.items() if name != "seconds"}
