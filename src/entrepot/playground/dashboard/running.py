"""Runs: asked for, carried out beside the pages, watched and stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.kit.jobs import enqueue
from entrepot.playground.dashboard import run_queries
from entrepot.playground.dashboard.scenarios import ScenarioAsked, WorldAsked
from entrepot.playground.loading.queries import current_world

TASK = "playground.scenario"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is shown."""

    run_id: UUID
    kind: str
    title: str
    asked: Mapping[str, Any]
    status: str
    stop_requested: bool
    clock_start: datetime | None
    clock: datetime | None
    clock_end: datetime | None
    share: float
    facts: int
    message: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def active(self) -> bool:
        """Whether it is under way, or about to be."""
        return self.status in ("waiting", "running")


def run_of(row: Mapping[Any, Any]) -> Run:
    """A run from its row."""
    names = Run.__dataclass_fields__
    values = {name: row[name] for name in names}
    return Run(**values | {"share": float(row["share"]), "message": row["message"] or "Waits for a worker."})


async def get_run(session: AsyncSession, run_id: UUID) -> Run:
    """A run; raises NotFoundError where there is none."""
    row = await run_queries.select_run(session, run_id)
    if row is None:
        raise NotFoundError(f"There is no run {run_id}.")
    return run_of(row)


async def list_runs(session: AsyncSession) -> list[Run]:
    """The last runs, newest first."""
    return [run_of(row) for row in await run_queries.select_runs(session)]


async def ask_for(session: AsyncSession, asked: ScenarioAsked | WorldAsked, begun_by: UUID | None) -> Run:
    """Write a run down and have a worker take it, in the caller's transaction.

    Raises ConflictError while another is under way, or where there is a world already; InvalidInputError for a
    scenario without a world to run it in.
    """
    world = await current_world(session)
    if isinstance(asked, WorldAsked) and world is not None and world.state == "complete":
        raise ConflictError(
            "The warehouse has a simulated world already.",
            hint="`entrepot world generate --replace` makes another in its place.",
        )
    if isinstance(asked, ScenarioAsked) and (world is None or world.state != "complete"):
        raise InvalidInputError(
            "There is no world to run a scenario in.", hint="Make one first: a small one takes seconds."
        )
    kind = "world" if isinstance(asked, WorldAsked) else "scenario"
    run_id = await run_queries.insert_run(
        session, kind=kind, title=asked.title, asked=asked.as_dict(), begun_by=begun_by
    )
    if run_id is None:
        raise ConflictError(
            "Another run is under way.",
            hint="Wait for its end or stop it: all of them move the world's one clock.",
        )
    await enqueue(session, TASK, lock=TASK, run_id=str(run_id))
    return await get_run(session, run_id)


async def stop(session: AsyncSession, run_id: UUID) -> Run:
    """Ask a run to stop; one that is over stays as it is."""
    await get_run(session, run_id)
    await run_queries.request_stop(session, run_id)
    return await get_run(session, run_id)


class Stopped(Exception):  # noqa: N818 (no error: somebody wanted it)
    """Somebody asked for the end of the work."""


async def supervised(
    work: Awaitable[Result],
    look: Callable[[], Awaitable[bool]],
    *,
    period: float,
    stop: asyncio.Event | None = None,
) -> Result:
    """The result of work, which is looked after every `period` seconds.

    When a look says that it is to stop, `stop` is set, for work that ends by itself in its own time; work without one
    is cancelled. Either way Stopped is raised then. When we are cancelled, so is the work.
    """
    running = asyncio.ensure_future(work)
    try:
        while not running.done():
            await asyncio.wait([running], timeout=period)
            if not running.done() and await look():
                if stop is not None:
                    stop.set()
                    await running
                raise Stopped
        return running.result()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
