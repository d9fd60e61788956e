"""`entrepot worker`."""

import asyncio
from typing import Annotated

import typer

from entrepot.kit.db import Database
from entrepot.kit.jobs.registering import discover
from entrepot.kit.jobs.working import run_worker
from entrepot.kit.output import print_note


def worker(
    queue: Annotated[
        list[str] | None, typer.Option(help="Only jobs of this queue; may be given again.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Jobs that run at once.")] = 4,
    once: Annotated[bool, typer.Option(help="Run the jobs that are due, and end.")] = False,
) -> None:
    """Run background jobs, deliver events and keep the schedules, until Ctrl-C or SIGTERM.

    Then it takes no more work, finishes what runs, and puts back what has not finished after 30 seconds.
    """
    discover()

    async def work() -> None:
        async with Database.opened() as db:
            if not once:
                print_note("The worker runs. Ctrl-C stops it.")
            await run_worker(db, queues=queue, concurrency=concurrency, wait=not once, handle_signals=True)

    asyncio.run(work())
