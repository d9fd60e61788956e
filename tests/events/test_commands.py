"""`entrepot events` and `entrepot jobs` on the test's database."""

import asyncio
from uuid import UUID

from tests.cli.conftest import CommandLine, entrepot
from tests.events.conftest import add_dead_letters

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings

__all__ = ["entrepot"]


def prepare(settings: Settings) -> list[UUID]:
    """Two dead letters of one subscriber; the commands open their own loop, so this test has none."""

    async def run() -> list[UUID]:
        async with Database.opened(settings) as db:
            return await add_dead_letters(db, 2)

    return asyncio.run(run())


def test_dead_letters_are_shown_and_redriven(entrepot: CommandLine, settings: Settings) -> None:
    first, second = prepare(settings)
    listed = entrepot("events", "list", "--json").json["events"]
    assert [(event["id"], event["dead"]) for event in listed] == [(str(second), 1), (str(first), 1)]
    assert entrepot("events", "list", "--type", "order.*", "--json").json == {"events": []}
    dead = entrepot("events", "dead", "--json").json["dead"]
    assert {letter["error_message"] for letter in dead} == {"broken"}
    assert "task://writer" in entrepot("events", "dead").stdout

    assert entrepot("events", "redrive").code == 2
    assert entrepot("events", "redrive", str(first), "--json").json == {"redriven": 1}
    assert "Redriven: 1 delivery." in entrepot("events", "redrive", "--all").stdout
    assert entrepot("events", "dead", "--json").json == {"dead": []}
    (subscription,) = entrepot("events", "subscriptions", "--json").json["subscriptions"]
    assert (subscription["pending"], subscription["dead"]) == (2, 0)


def test_jobs_are_run_shown_and_paused(entrepot: CommandLine) -> None:
    names = {row["task_name"] for row in entrepot("jobs", "schedules", "--json").json["schedules"]}
    assert {"events.purge", "jobs.purge", "partitions.maintain"} <= names
    (job_id,) = entrepot("jobs", "run", "events.purge", "--json").json["job_ids"]
    assert "waits in the queue already" in entrepot("jobs", "run", "events.purge").stdout
    assert entrepot("worker", "--once").code == 0
    (job,) = entrepot("jobs", "list", "--json").json["jobs"]
    assert (job["job_id"], job["status"], job["error_message"]) == (str(job_id), "completed", None)
    assert entrepot("jobs", "list", "--status", "failed", "--json").json == {"jobs": []}

    assert entrepot("jobs", "pause", "events.purge", "--json").json["is_active"] is False
    shown = {row["task_name"]: row for row in entrepot("jobs", "schedules", "--json").json["schedules"]}
    assert shown["events.purge"]["is_active"] is False
    assert entrepot("jobs", "resume", "events.purge").code == 0
    assert entrepot("jobs", "run", "nothing.such").code == 3
    assert entrepot("jobs", "list", "--status", "lost").code == 2
