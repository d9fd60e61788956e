"""What job_runs says of a job."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from entrepot.kit.db import Database
from entrepot.kit.jobs import Job, Tasks, enqueue, record_with, recording, run_worker
from entrepot.pim.queue.recording import JobRecorder, payload


@pytest.fixture(autouse=True)
def recorder() -> Any:
    """The recorder of this noun, in force."""
    before = recording.recorder()
    record_with(JobRecorder())
    yield
    record_with(before)


async def runs(db: Database) -> list[Any]:
    async with db.system() as session:
        return list((await session.execute(text("SELECT * FROM pim.job_runs ORDER BY id"))).all())


async def test_a_job_is_one_row_from_waiting_to_completed(db: Database, shop: UUID) -> None:
    tasks, seen = Tasks(), []

    @tasks.task("test.run", queue="imports", max_attempts=5)
    async def run(job: Job, *, file: str, access_token: str) -> dict[str, Any]:
        seen.append((await runs(db))[0])
        assert access_token == "shpat_0123456789abcdef"
        return {"read": 60, "password": "hunter2"}

    async with db.tenant(shop_id=shop) as session:
        await enqueue(
            session,
            "test.run",
            tasks=tasks,
            priority=7,
            file="a.jsonl",
            access_token="shpat_0123456789abcdef",
        )
    (waiting,) = await runs(db)
    assert (waiting.status, waiting.attempts, waiting.shop_id) == ("waiting", 0, shop)
    assert (waiting.queue_name, waiting.job_name, waiting.priority, waiting.max_attempts) == (
        "imports",
        "test.run",
        7,
        5,
    )
    assert waiting.payload == {"file": "a.jsonl", "access_token": "[redacted]"}

    await run_worker(db, wait=False, tasks=tasks)
    (completed,) = await runs(db)
    assert (seen[0].status, seen[0].attempts) == ("active", 1)
    assert seen[0].started_at is not None
    assert (completed.status, completed.result) == ("completed", {"read": 60, "password": "[redacted]"})
    assert completed.completed_at is not None
    assert completed.id == waiting.id


async def test_a_job_of_a_rolled_back_transaction_leaves_no_row(db: Database, shop: UUID) -> None:
    tasks = Tasks()

    @tasks.task("test.run")
    async def run(job: Job) -> None: ...

    async def enqueue_and_fail() -> None:
        async with db.tenant(shop_id=shop) as session:
            await enqueue(session, "test.run", tasks=tasks)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await enqueue_and_fail()
    assert await runs(db) == []


async def test_a_job_that_was_enqueued_without_a_row_gets_one_when_it_begins(
    db: Database, shop: UUID
) -> None:
    tasks = Tasks()

    @tasks.task("test.run")
    async def run(job: Job, *, n: int) -> None: ...

    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks, n=1)
    async with db.system() as session:
        await session.execute(text("DELETE FROM pim.job_runs"))
    await run_worker(db, wait=False, tasks=tasks)
    assert [(row.status, row.shop_id, row.payload, row.attempts) for row in await runs(db)] == [
        ("completed", shop, {"n": 1}, 1)
    ]


async def test_a_failure_says_what_and_where_without_secrets(db: Database, shop: UUID) -> None:
    tasks = Tasks()

    @tasks.task("test.run", max_attempts=2)
    async def run(job: Job) -> None:
        raise RuntimeError("cannot reach https://user:hunter2@example.com/feed")

    async with db.system() as session:
        await enqueue(session, "test.run", tasks=tasks, shop_id=shop)
    for attempt, status in ((1, "waiting"), (2, "failed")):
        async with db.system() as session:
            await session.execute(text("SELECT set_config('search_path', 'procrastinate,pg_catalog', true)"))
            await session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL"))
        await run_worker(db, wait=False, tasks=tasks)
        (row,) = await runs(db)
        assert (row.status, row.attempts, row.shop_id) == (status, attempt, shop)
        assert row.error_message == "RuntimeError: cannot reach https://user:***@example.com/feed"
        assert "test_recording.py" in row.error_stack
        assert "hunter2@" not in row.error_stack
        assert (row.failed_at is not None) == (status == "failed")


async def test_a_tenant_sees_its_own_runs_and_the_installations(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    tasks = Tasks()

    @tasks.task("test.run")
    async def run(job: Job) -> None: ...

    async with db.system() as session:
        for tenant in (shop, other_shop, None):
            await enqueue(session, "test.run", tasks=tasks, shop_id=tenant)
    async with db.tenant(shop_id=shop) as session:
        seen = (await session.execute(text("SELECT shop_id FROM pim.job_runs ORDER BY id"))).scalars().all()
    assert seen == [shop, None]


def test_a_payload_is_json_whatever_it_held() -> None:
    assert payload({"n": 1, "nested": {"api_key": "abc", "list": [1, {"secret": "x"}]}}) == (
        '{"n":1,"nested":{"api_key":"[redacted]","list":[1,{"secret":"[redacted]"}]}}\n'
    )
