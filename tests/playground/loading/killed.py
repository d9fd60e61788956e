"""Runs that kill themselves, as `kill -9` does, at the nth call of a step: `python -m tests.playground.loading.killed`.

Each line that is read is a run, as JSON: the name of the database, the step (a function of load_queries, or of spilling), how many
calls of it are let through, the world's settings, and, where the run writes files, their directory. A run is a process of its own,
forked from this one, which has imported everything; how it ended is written as its exit code, a line a run.
"""

import asyncio
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import pandas as pd
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


async def run(step: str, calls: int, settings: dict[str, Any], out: str | None) -> None:
    arm(step, calls)
    world = WorldSettings.from_dict(settings)
    if out is not None:
        await filing.generate_files(world, Path(out), "parquet", processes=0, world=NAME)
        return
    async with Database.opened(pool_size=2) as db:
        await generating.generate(db, world, processes=0, world=NAME)


def run_apart(database: str, *arguments: Any) -> int:
    """A run in a process of its own; its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            os.environ["ENTREPOT_DATABASE_NAME"] = database
            asyncio.run(run(*arguments))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    # pyarrow imports pandas with its first array: once here, not in each run.
    assert working.WORLD
    assert pd.__version__
    for line in sys.stdin:
        print(run_apart(*json.loads(line)), flush=True)
