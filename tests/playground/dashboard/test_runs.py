"""Runs: asked for, looked after, stopped."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.api.conftest import connect
from tests.console.conftest import SignedIn
from tests.playground.dashboard.conftest import Place

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.playground.dashboard import (
    run_queries,
    running,
    tasks,  # noqa: F401 - registers the task that is enqueued
)
from entrepot.playground.dashboard.running import Stopped, supervised
from entrepot.playground.dashboard.scenarios import (
    SHOWS,
    ScenarioAsked,
    WorldAsked,
    scenario_from,
    world_from,
)
from entrepot.playground.dashboard.watching import watch_run

CLOCK = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def world(db: Database) -> None:
    """A database that says that its world is complete."""
    await complete(db)


async def complete(db: Database) -> None:
    async with db.system() as session:
        await session.execute(
            text(
                """
                INSERT INTO data_playground.world_runs (settings, seed, scale, state, parts, clock)
                VALUES ('{}', 1, 1, 'complete', 1, :clock)
                """
            ),
            {"clock": CLOCK},
        )


@pytest.mark.parametrize("scenario", sorted(SHOWS))
@pytest.mark.parametrize("hours", [6, 168])
def test_a_scenario_holds_within_its_run_and_leaves_time_to_compare(scenario: str, hours: int) -> None:
    asked = ScenarioAsked(scenario, hours=hours)
    begins, ends = asked.window(CLOCK)
    assert CLOCK <= begins < ends <= asked.end(CLOCK)
    if scenario in ("black-friday", "flash-promotion"):
        assert begins - CLOCK > timedelta(hours=60), "its promotions are announced up to 60 hours ahead"
    assert SHOWS[scenario].expected


@pytest.mark.parametrize(
    "fields",
    [
        {"scenario": "flood"},
        {"scenario": "steady", "strength": "0"},
        {"scenario": "steady", "hours": "100000"},
        {"scenario": "steady", "speed": "fast"},
        {},
    ],
)
def test_what_cannot_be_run_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        scenario_from(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"scale": "50"},
        {"start": "2025-10-02", "end": "2025-10-01"},
        {"start": "soon"},
        {"seed": "-1"},
        {"scenario": "flood"},
        {"end": "2200-01-01"},
    ],
)
def test_a_world_that_is_none_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError):
        world_from(fields)


def test_what_is_stored_is_what_was_asked_for() -> None:
    asked = ScenarioAsked("churn", 2.0, 72, 600)
    assert scenario_from(asked.as_dict()) == asked
    made = WorldAsked(seed=7, scale=0.2)
    assert world_from(made.as_dict()) == made


async def test_work_that_can_stop_by_itself_is_told_to_and_waited_for() -> None:
    stop, done = asyncio.Event(), []

    async def work() -> None:
        await stop.wait()
        done.append("tidied up")

    async def look() -> bool:
        return True

    with pytest.raises(Stopped):
        await supervised(work(), look, period=0.001, stop=stop)
    assert done == ["tidied up"]


async def test_work_that_cannot_is_cancelled_and_its_errors_come_through() -> None:
    ended = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def broken() -> None:
        raise ConflictError("No.")

    async def stop() -> bool:
        return True

    async def go_on() -> bool:
        return False

    with pytest.raises(Stopped):
        await supervised(endless(), stop, period=0.001)
    assert ended == ["cancelled"]
    with pytest.raises(ConflictError):
        await supervised(broken(), go_on, period=0.001)


async def test_one_run_at_a_time(db: Database, world: None) -> None:
    async with db.system() as session:
        first = await running.ask_for(session, ScenarioAsked("steady"), None)
    assert first.status == "waiting"
    with pytest.raises(ConflictError):
        async with db.system() as session:
            await running.ask_for(session, ScenarioAsked("churn"), None)
    async with db.system() as session:
        assert [run.run_id for run in await running.list_runs(session)] == [first.run_id]
        await running.stop(session, first.run_id)
    async with db.system() as session:
        assert (await running.get_run(session, first.run_id)).status == "stopped", "nobody had taken it"
        await running.ask_for(session, ScenarioAsked("churn"), None)


async def test_a_world_is_made_once_and_a_scenario_needs_one(db: Database) -> None:
    with pytest.raises(InvalidInputError):
        async with db.system() as session:
            await running.ask_for(session, ScenarioAsked("steady"), None)


async def test_a_world_that_is_there_is_not_made_again(db: Database, world: None) -> None:
    with pytest.raises(ConflictError):
        async with db.system() as session:
            await running.ask_for(session, WorldAsked(), None)


async def test_a_run_tells_its_worker_to_stop_and_keeps_what_it_reached(db: Database, world: None) -> None:
    asked = ScenarioAsked("steady")
    async with db.system() as session:
        run = (await running.ask_for(session, asked, None)).run_id
        row = await run_queries.begin_run(session, run, clock=CLOCK, clock_end=asked.end(CLOCK), message="x")
        assert row is not None
    later = CLOCK + timedelta(hours=3)
    async with db.system() as session:
        assert not await run_queries.beat(session, run, share=0.3, clock=later, facts=12)
        await running.stop(session, run)
    async with db.system() as session:
        assert (await running.get_run(session, run)).status == "running", "its worker lives, and ends it"
        assert await run_queries.beat(session, run, share=0.1)
        # An attempt that takes it up again finds the clocks that the first one noted.
        again = await run_queries.begin_run(session, run, clock=later, clock_end=later, message="again")
        assert again is not None
        assert (again["clock_start"], again["clock_end"]) == (CLOCK, asked.end(CLOCK))
        for status in ("stopped", "completed"):
            await run_queries.end_run(session, run, status, "Over.", later)
    async with db.system() as session:
        found = await running.get_run(session, run)
    assert (found.status, found.share, found.facts, found.clock) == ("stopped", 0.3, 12, later)


async def test_a_watcher_hears_of_changes_and_of_the_end(db: Database, world: None) -> None:
    async with db.system() as session:
        run = (await running.ask_for(session, ScenarioAsked("steady"), None)).run_id
    heard = []
    async for event in watch_run(db, run, period=0.001):
        if event is None:
            continue
        heard.append((event.name, event.data["status"]))
        if event.data["status"] == "waiting":
            async with db.system() as session:
                await run_queries.end_run(session, run, "failed", "The world went away.")
    assert heard == [("progress", "waiting"), ("progress", "failed"), ("end", "failed")]


async def test_runs_over_http_and_from_the_form(empty: Place) -> None:
    await complete(empty.db)
    async with connect(empty.app) as bearer, empty.signed_in(empty.admin) as ada:
        bearer.headers.update(empty.admin.bearer)
        await run_and_stop(bearer, ada)


async def run_and_stop(bearer: httpx.AsyncClient, ada: SignedIn) -> None:
    address = "/api/v1/warehouse/runs"
    refused = await bearer.post(address, json={"scenario": "flood"})
    assert (refused.status_code, refused.json()["where"]) == (422, {"field": "scenario"})
    begun = await bearer.post(address, json={"scenario": "payment-outage", "strength": 2})
    assert begun.status_code == 202
    run = UUID(begun.json()["run_id"])
    assert begun.headers["location"] == f"{address}/{run}"
    assert (await bearer.post(address, json={"scenario": "steady"})).status_code == 409
    # The page of a run that has not begun; a form that cannot be carried out says why and keeps the choice.
    page = (await ada.get(f"/warehouse/scenarios/{run}")).text
    assert "Payment outage, strength 2" in page
    assert f'data-world="{address}/{run}/events"' in page
    full = await ada.send("/warehouse/scenarios", scenario="churn")
    assert full.status_code == 409
    assert "Another run is under way" in full.text
    assert (
        await ada.http.post(f"/warehouse/scenarios/{run}/stop", data={"csrf_token": "guess"})
    ).status_code == 403
    stopped = await ada.send(f"/warehouse/scenarios/{run}/stop")
    assert stopped.headers["location"] == f"/warehouse/scenarios/{run}"
    assert (await bearer.get(f"{address}/{run}")).json()["status"] == "stopped"
    again = await ada.send("/warehouse/scenarios", scenario="churn", strength="1.0", hours="24", speed="3600")
    assert again.status_code == 303
