"""Jobs by the clock: each time once, whoever looks, and as the operator left it."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

import entrepot.pim.queue.tasks  # noqa: F401 - registers the house's own
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.jobs import TASKS, Job, Tasks, record_with, recording, run_worker
from entrepot.kit.jobs.queries import USE_LIBRARY_SCHEMA
from entrepot.pim.queue.recording import JobRecorder
from entrepot.pim.queue.scheduling import (
    change_cron,
    enqueue_due,
    next_run,
    run,
    run_now,
    set_active,
    store_schedules,
)


@pytest.fixture(autouse=True)
def recorder() -> Any:
    """The recorder of this noun, in force."""
    before = recording.recorder()
    record_with(JobRecorder())
    yield
    record_with(before)


@pytest.fixture
def tasks() -> Tasks:
    """A task that is scheduled hourly, one that shops may schedule, and one that is not scheduled."""
    found = Tasks()

    async def nothing(job: Job, **arguments: Any) -> dict[str, Any]:
        return arguments

    found.task("test.hourly", queue="maintenance", cron="0 * * * *")(nothing)
    found.task("test.for_shops", for_shops=True)(nothing)
    found.task("test.unscheduled")(nothing)
    return found


async def schedules(db: Database) -> list[Any]:
    async with db.system() as session:
        return list(
            (await session.execute(text("SELECT * FROM pim.scheduled_tasks ORDER BY created_at, id"))).all()
        )


async def add(
    db: Database, task: str, *, shop_id: UUID | None = None, cron: str = "0 * * * *", data: str = "{}"
) -> None:
    async with db.system() as session:
        await session.execute(
            text(
                "INSERT INTO pim.scheduled_tasks (shop_id, task_name, cron_expression, queue_name, job_data) "
                "VALUES (:shop, :task, :cron, 'default', CAST(:data AS jsonb))"
            ),
            {"shop": shop_id, "task": task, "cron": cron, "data": data},
        )


async def make_due(db: Database) -> None:
    async with db.system() as session:
        await session.execute(text("UPDATE pim.scheduled_tasks SET next_run_at = now() - interval '1 day'"))


async def until_planned(db: Database) -> None:
    while True:
        if any(row.next_run_at for row in await schedules(db)):
            return
        await asyncio.sleep(0.02)


async def jobs(db: Database) -> list[Any]:
    async with db.system() as session:
        return list((await session.execute(text("SELECT * FROM pim.job_runs ORDER BY id"))).all())


async def test_a_schedule_is_planned_then_due_then_planned_again(db: Database, tasks: Tasks) -> None:
    await store_schedules(db, tasks)
    assert await enqueue_due(db, tasks) == 0
    (row,) = await schedules(db)
    assert row.next_run_at > datetime.now(UTC)
    assert (row.next_run_at.minute, row.last_run_at, row.run_count) == (0, None, 0)

    await make_due(db)
    assert await enqueue_due(db, tasks) == 1
    (row,) = await schedules(db)
    assert row.next_run_at > datetime.now(UTC)
    assert (row.last_run_at is not None, row.run_count, row.error_count) == (True, 1, 0)
    assert [(job.job_name, job.queue_name, job.status) for job in await jobs(db)] == [
        ("test.hourly", "maintenance", "waiting")
    ]
    await run_worker(db, wait=False, tasks=tasks)
    assert [job.status for job in await jobs(db)] == ["completed"]


async def test_many_schedulers_run_a_time_once(db: Database, tasks: Tasks) -> None:
    for n in range(5):
        await add(db, "test.hourly", data=f'{{"n": {n}}}')
    await enqueue_due(db, tasks)
    for _ in range(3):
        await make_due(db)
        assert sum(await asyncio.gather(*(enqueue_due(db, tasks) for _ in range(4)))) == 5
        await run_worker(db, wait=False, tasks=tasks)
    assert len(await jobs(db)) == 15
    assert {row.run_count for row in await schedules(db)} == {3}


async def test_a_job_that_still_waits_is_not_enqueued_again(db: Database, tasks: Tasks) -> None:
    await store_schedules(db, tasks)
    await enqueue_due(db, tasks)
    await make_due(db)
    assert await enqueue_due(db, tasks) == 1
    await make_due(db)
    assert await enqueue_due(db, tasks) == 0
    assert [row.run_count for row in await schedules(db)] == [1]
    assert len(await jobs(db)) == 1


async def test_what_an_operator_changed_stays(db: Database, tasks: Tasks) -> None:
    await store_schedules(db, tasks)
    (row,) = await schedules(db)
    async with db.system() as session:
        await change_cron(session, row.id, "15 4 * * 1", now=datetime.now(UTC))
        assert await set_active(session, "test.hourly", active=False) == 1
    await asyncio.gather(*(store_schedules(db, tasks) for _ in range(3)))
    assert [(row.cron_expression, row.is_active) for row in await schedules(db)] == [("15 4 * * 1", False)]
    await make_due(db)
    assert await enqueue_due(db, tasks) == 0
    async with db.system() as session:
        await set_active(session, "test.hourly", active=True)
    assert await enqueue_due(db, tasks) == 0  # a paused time is not made up for
    assert (await schedules(db))[0].next_run_at.hour == 4


async def test_a_shop_schedules_only_what_is_meant_for_shops(db: Database, shop: UUID, tasks: Tasks) -> None:
    await add(db, "test.for_shops", shop_id=shop, data='{"depth": 2}')
    await add(db, "test.hourly", shop_id=shop)
    await enqueue_due(db, tasks)
    await make_due(db)
    assert await enqueue_due(db, tasks) == 1
    (job,) = await jobs(db)
    assert (job.job_name, job.shop_id, job.payload) == ("test.for_shops", shop, {"depth": 2})


async def test_a_schedule_that_cannot_be_read_is_paused_and_stops_no_other(
    db: Database, tasks: Tasks
) -> None:
    await add(db, "test.hourly", cron="every hour")
    await add(db, "test.for_shops")
    await enqueue_due(db, tasks)
    await make_due(db)
    assert await enqueue_due(db, tasks) == 1
    broken, good = await schedules(db)
    assert (broken.is_active, broken.error_count) == (False, 1)
    assert (good.is_active, good.run_count) == (True, 1)


async def test_a_scheduled_job_that_fails_counts_as_an_error(db: Database) -> None:
    tasks = Tasks()

    @tasks.task("test.broken", cron="0 * * * *")
    async def broken(job: Job) -> None:
        raise InvalidInputError("no")

    await store_schedules(db, tasks)
    await enqueue_due(db, tasks)
    await make_due(db)
    await enqueue_due(db, tasks)
    await run_worker(db, wait=False, tasks=tasks)
    assert [(row.run_count, row.error_count) for row in await schedules(db)] == [(1, 1)]


async def test_a_task_runs_now_whether_it_is_scheduled_or_not(db: Database, tasks: Tasks) -> None:
    await store_schedules(db, tasks)
    async with db.system() as session:
        assert len(await run_now(session, "test.hourly", tasks=tasks)) == 1
        assert len(await run_now(session, "test.unscheduled", tasks=tasks)) == 1
        assert await run_now(session, "test.hourly", tasks=tasks) == []  # it waits already
        with pytest.raises(NotFoundError):
            await run_now(session, "test.missing", tasks=tasks)
        with pytest.raises(NotFoundError):
            await set_active(session, "test.unscheduled", active=True)


async def test_the_loop_stops_when_told(db: Database, tasks: Tasks) -> None:
    stop = asyncio.Event()
    loop = asyncio.create_task(run(db, stop, tasks=tasks))
    async with asyncio.timeout(60):
        await until_planned(db)
    await make_due(db)
    stop.set()
    await loop


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 * * * *", datetime(2026, 2, 28, 14, tzinfo=UTC)),
        ("*/10 * * * *", datetime(2026, 2, 28, 13, 40, tzinfo=UTC)),
        ("5 3 * * *", datetime(2026, 3, 1, 3, 5, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0 8 * * mon", datetime(2026, 3, 2, 8, tzinfo=UTC)),
    ],
)
def test_the_next_time_is_the_first_after_the_moment(cron: str, expected: datetime) -> None:
    assert next_run(cron, datetime(2026, 2, 28, 13, 30, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    "cron", ["", "hourly", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "@daily"]
)
def test_what_is_no_cron_expression_is_refused(cron: str) -> None:
    with pytest.raises(InvalidInputError, match="not a cron expression"):
        next_run(cron, datetime(2026, 2, 28, 13, 30, tzinfo=UTC))


async def test_the_houses_own_tasks_run(db: Database, shop: UUID) -> None:
    names = ["partitions.maintain", "jobs.purge", "refresh.mv_top_sellers"]
    async with db.system() as session:
        await session.execute(
            text(
                "INSERT INTO pim.job_runs (queue_name, job_id, job_name, status, payload, completed_at) "
                "SELECT 'q', n, 'old', 'completed', '{}', now() - n * interval '20 days' FROM generate_series(1, 3) AS n"
            )
        )
        # A job of the library itself that failed long ago, with the event that tells when.
        await session.execute(USE_LIBRARY_SCHEMA)
        await session.execute(
            text(
                """
                WITH job AS (INSERT INTO procrastinate_jobs (queue_name, task_name, status)
                             VALUES ('q', 'old', 'failed') RETURNING id)
                INSERT INTO procrastinate_events (job_id, type, at) SELECT id, 'failed', now() - interval '40 days' FROM job
                """
            )
        )
        for name in names:
            assert TASKS.find(name) is not None
            await run_now(session, name)
    await run_worker(db, wait=False)
    ended = {job.job_name: job for job in await jobs(db)}
    assert {name: (ended[name].status, ended[name].error_message) for name in names} == dict.fromkeys(
        names, ("completed", None)
    )
    assert ended["jobs.purge"].result == {"runs": 2, "jobs": 1}
    assert len([job for job in await jobs(db) if job.job_name == "old"]) == 1
