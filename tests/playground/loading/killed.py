"""A run that kills itself, as `kill -9` does, at the nth call of a step: `python -m tests.playground.loading.killed`.

Arguments: the step (a function of load_queries, or of spilling), how many calls of it are let through, and the world's settings as JSON.
With a directory as the last one, the run writes files.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.playground.loading.stand_in import NAME

from entrepot.kit.db import Database
from entrepot.playground.loading import filing, generating, load_queries, spilling, working
from entrepot.playground.world.settings import WorldSettings


def arm(step: str, calls: int) -> None:
    """Replace the step by one that lets `calls` of it through and ends this process at the next."""
    place: Any = load_queries if hasattr(load_queries, step) else spilling
    whole = getattr(place, step)
    seen = 0

    def kill_at_last() -> None:
        nonlocal seen
        seen += 1
        if seen > calls:
            os.kill(os.getpid(), signal.SIGKILL)

    async def later(*arguments: Any, **options: Any) -> Any:
        kill_at_last()
        return await whole(*arguments, **options)

    def now(*arguments: Any, **options: Any) -> Any:
        kill_at_last()
        return whole(*arguments, **options)

    setattr(place, step, later if asyncio.iscoroutinefunction(whole) else now)


async def main(step: str, calls: str, settings: str, out: str | None = None) -> None:
    arm(step, int(calls))
    world = WorldSettings.from_dict(json.loads(settings))
    if out is not None:
        await filing.generate_files(world, Path(out), "parquet", processes=0, world=NAME)
        return
    async with Database.opened(pool_size=2) as db:
        await generating.generate(db, world, processes=0, world=NAME)


if __name__ == "__main__":
    assert working.WORLD
    asyncio.run(main(*sys.argv[1:]))
