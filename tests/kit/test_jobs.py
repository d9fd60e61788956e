"""Jobs: enqueued with their transaction, kept apart by tenant, run until they are done, once."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, LimitedError
from entrepot.kit.jobs import EnqueuedJob, Job, Tasks, enqueue, record_with, recording, run_worker
from entrepot.kit.jobs.working import rescue_stalled, retry_delay
from entrepot.kit.settings import Settings


class Memory:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    async def waiting(self, session: Any, job: EnqueuedJob) -> None:
        self.told.append(("waiting", job.task))

    async def active(self, job: Job) -> None:
        self.told.append(("active", job.attempt))

    async def completed(self, job: Job, result: Any) -> None:
        self.told.append(("completed", result))

    async def failed(self, job: Job, error: BaseException, *, again: bool) -> None:
        self.told.append(("failed again" if again else "failed", type(error).__name__))


@pytest.fixture
def memory() -> Any:
    """The recorder in force for the test."""
    before = recording.recorder()
    memory = Memory()
    record_with(memory)
    yield memory
    record_with(before)


async def stored_jobs(db: Database) -> list[Any]:
    async with db.system() as session:
        return list(
            (await session.execute(text("SELECT * FROM procrastinate.procrastinate_jobs ORDER BY id"))).all()
        )


async def make_due(db: Database) -> None:
    """Let the time pass that jobs wait for."""
    async with db.system() as session:
        await session.execute(text("SELECT set_config('search_path', 'procrastinate,pg_catalog', true)"))
        await session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))


async def test_a_job_runs_with_its_arguments_and_its_context(
    db: Database, shop: UUID, memory: Memory
) -> None:
    tasks, user, seen = Tasks(), uuid4(), []

    @tasks.task("test.run", queue="imports")
    async def run(job: Job, *, name: str, when: str) -> dict[str, str]:
        async with job.session() as session:
            role = (await session.execute(text("SELECT current_user"))).scalar_one()
        seen.append((job.shop_id, job.user_id, job.trace_id, job.queue, role, when))
        return {"name": name}

    moment = datetime(2026, 1, 1, tzinfo=UTC)
    async with db.tenant(shop_id=shop, user_id=user, trace_id="abc") as session:
        job_id = await enqueue(session, "test.run", tasks=tasks, name="x", when=moment)
    assert isinstance(job_id, int)
    await run_worker(db, wait=False, tasks=tasks)
    assert seen == [(shop, user, "abc", "imports", "entrepot_app", "2026-01-01T00:00:00Z")]
    assert memory.told == [("waiting", "test.run"), ("active", 1), ("completed", {"name": "x"})]
    assert await stored_jobs(db) == []


async def test_a_job_is_one_with_the_transaction_that_enqueues_it(
    db: Database, shop: UUID, memory: Memory
) -> None:
    tasks = Tasks()

    @tasks.task("test.run")
    async def run(job: Job) -> None:
        raise AssertionError("it was never enqueued")

    async def enqueue_and_fail() -> None:
        async with db.tenant(shop_id=shop) as session:
            await enqueue(session, "test.run", tasks=tasks)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await enqueue_and_fail()
    assert await stored_jobs(db) == []


async def test_an_unknown_task_is_refused(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop) as session:
        with pytest.raises(InvalidInputError, match=r"no task 'test\.missing'"):
            await enqueue(session, "test.missing", tasks=Tasks())


async def test_a_tenant_enqueues_for_itself_only_and_reads_nobodys_jobs(
    db: Database, shop: UUID, other_shop: UUID, memory: Memory
) -> None:
    tasks = Tasks()

    @tasks.task("test.run")
    async def run(job: Job) -> None: ...

    with pytest.raises(ProgrammingError, match="for itself only"):
        async with db.tenant(shop_id=shop) as session:
            await enqueue(session, "test.run", tasks=tasks, shop_id=other_shop)
    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks, _context={"shop_id": str(other_shop)})
    async with db.system() as session:
        await enqueue(session, "test.run", tasks=tasks, shop_id=other_shop)
        await enqueue(session, "test.run", tasks=tasks)
    assert [job.args["_context"] for job in await stored_jobs(db)] == [
        {"shop_id": str(shop)},
        {"shop_id": str(other_shop)},
        {},
    ]
    for statement in (
        "SELECT * FROM procrastinate.procrastinate_jobs",
        "SELECT procrastinate.procrastinate_finish_job_v1(1, 'failed', false)",
        "SELECT entrepot.job_context('{}')",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with db.tenant(shop_id=shop) as session:
                await session.execute(text(statement))


async def test_without_a_tenant_the_app_enqueues_nothing(db: Database, shop: UUID) -> None:
    with pytest.raises(ProgrammingError, match="within a tenant"):
        async with db.tenant(shop_id=shop) as session:
            await session.execute(
                text(
                    """
                    SELECT set_config('app.current_shop_id', '', true),
                           entrepot.enqueue('{"task": "x", "queue": "x", "arguments": {}}')
                    """
                )
            )


async def test_a_queueing_lock_is_one_a_tenant(
    db: Database, shop: UUID, other_shop: UUID, memory: Memory
) -> None:
    tasks = Tasks()

    @tasks.task("test.run")
    async def run(job: Job) -> None: ...

    ids = []
    for tenant in (shop, shop, other_shop):
        async with db.tenant(shop_id=tenant) as session:
            ids.append(await enqueue(session, "test.run", tasks=tasks, queueing_lock="import"))
            # The transaction goes on, whether the job was added or not.
            assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
    assert [found is None for found in ids] == [False, True, False]
    assert len(await stored_jobs(db)) == 2


async def test_jobs_of_one_lock_run_one_after_the_other(db: Database, shop: UUID, memory: Memory) -> None:
    tasks, running, most, order = Tasks(), 0, 0, []

    @tasks.task("test.run")
    async def run(job: Job, *, n: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        order.append(n)
        running -= 1

    async with db.tenant(shop_id=shop) as session:
        for n in range(4):
            await enqueue(session, "test.run", tasks=tasks, lock="import", n=n)
    while len(order) < 4:
        await run_worker(db, wait=False, concurrency=4, tasks=tasks)
    assert (most, order) == (1, [0, 1, 2, 3])


async def test_a_job_that_fails_runs_again_until_its_attempts_are_spent(
    db: Database, shop: UUID, memory: Memory
) -> None:
    tasks = Tasks()

    @tasks.task("test.run", max_attempts=2)
    async def run(job: Job) -> None:
        raise RuntimeError("broken")

    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks)
    await run_worker(db, wait=False, tasks=tasks)
    (job,) = await stored_jobs(db)
    assert (job.status, job.scheduled_at > datetime.now(UTC)) == ("todo", True)
    await run_worker(db, wait=False, tasks=tasks)  # it is not due yet
    await make_due(db)
    await run_worker(db, wait=False, tasks=tasks)
    assert memory.told == [
        ("waiting", "test.run"),
        ("active", 1),
        ("failed again", "RuntimeError"),
        ("active", 2),
        ("failed", "RuntimeError"),
    ]
    assert [job.status for job in await stored_jobs(db)] == ["failed"]


async def test_a_job_at_a_later_time_waits_for_it(db: Database, shop: UUID, memory: Memory) -> None:
    tasks = Tasks()

    @tasks.task("test.run")
    async def run(job: Job) -> None: ...

    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks, schedule_at=datetime.now(UTC) + timedelta(hours=1))
    await run_worker(db, wait=False, tasks=tasks)
    assert memory.told == [("waiting", "test.run")]
    await make_due(db)
    await run_worker(db, wait=False, tasks=tasks)
    assert memory.told[-1] == ("completed", None)


async def test_a_job_that_runs_twice_has_the_effect_of_once(db: Database, shop: UUID, memory: Memory) -> None:
    tasks, answers = Tasks(), []

    @tasks.task("test.run")
    async def run(job: Job) -> None:
        async with job.session() as session:
            answers.append((await job.first(session), await job.first(session, "mail")))
            if len(answers) == 1:
                raise RuntimeError("before the commit: this effect does not count")
        if len(answers) == 2:
            raise RuntimeError("after the commit: the worker cannot say that it is done")

    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks)
    for _ in range(3):
        await run_worker(db, wait=False, tasks=tasks)
        await make_due(db)
    assert answers == [(True, True), (True, True), (False, False)]
    assert memory.told[-1] == ("completed", None)


async def test_a_tenant_cannot_mark_another_shops_job(
    db: Database, shop: UUID, other_shop: UUID, memory: Memory
) -> None:
    tasks, answers = Tasks(), []

    @tasks.task("test.run")
    async def run(job: Job) -> None:
        async with job.db.tenant(shop_id=other_shop) as session:
            answers.append(await job.first(session))

    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks)
    await run_worker(db, wait=False, tasks=tasks)
    assert answers == [False]


KILLED = textwrap.dedent(
    """
    import asyncio, os, signal
    from pathlib import Path
    from entrepot.kit.db import Database
    from entrepot.kit.jobs import Tasks, run_worker
    from entrepot.kit.settings import Settings

    tasks = Tasks()

    @tasks.task("test.run", max_attempts=2)
    async def run(job):
        os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        settings = Settings(home=Path(os.environ["HOME_OF_TEST"]), database_name=os.environ["DATABASE_OF_TEST"])
        await run_worker(Database(settings), wait=False, tasks=tasks)

    asyncio.run(main())
    """
)


async def test_the_job_of_a_worker_that_died_is_put_back_and_in_the_end_failed(
    db: Database, shop: UUID, settings: Settings, memory: Memory
) -> None:
    tasks = Tasks()

    @tasks.task("test.run", max_attempts=2)
    async def run(job: Job) -> None: ...

    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks)
    environment = os.environ | {
        "HOME_OF_TEST": str(settings.home),
        "DATABASE_OF_TEST": settings.database_name,
    }
    for status in ("todo", "failed"):
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", KILLED], env=environment, check=False
        )
        assert done.returncode == -signal.SIGKILL
        assert [job.status for job in await stored_jobs(db)] == ["doing"]
        assert await rescue_stalled(db, tasks) == 0  # its last sign of life is too fresh
        assert sum(await asyncio.gather(*(rescue_stalled(db, tasks, seconds=0) for _ in range(3)))) == 1
        assert [job.status for job in await stored_jobs(db)] == [status]
    assert memory.told == [("waiting", "test.run"), ("failed", "UnavailableError")]


async def test_a_stopped_worker_puts_back_what_does_not_finish_in_time(
    db: Database, shop: UUID, memory: Memory
) -> None:
    tasks, stop = Tasks(), asyncio.Event()

    @tasks.task("test.run", max_attempts=1)
    async def run(job: Job) -> None:
        stop.set()
        await asyncio.sleep(3600)

    async with db.tenant(shop_id=shop) as session:
        await enqueue(session, "test.run", tasks=tasks)
    await run_worker(db, tasks=tasks, stop=stop, grace=0.2)
    assert [job.status for job in await stored_jobs(db)] == ["todo"]
    assert memory.told[-1] == ("failed again", "CancelledError")


async def test_a_stopped_worker_finishes_what_it_began(db: Database, shop: UUID, memory: Memory) -> None:
    tasks, stop, done = Tasks(), asyncio.Event(), []

    @tasks.task("test.run")
    async def run(job: Job) -> None:
        stop.set()
        await asyncio.sleep(0.3)
        done.append(job.id)

    async with db.tenant(shop_id=shop) as session:
        for _ in range(2):
            await enqueue(session, "test.run", tasks=tasks)
    await run_worker(db, tasks=tasks, stop=stop, concurrency=1)
    assert len(done) == 1
    assert [job.status for job in await stored_jobs(db)] == ["todo"]


async def test_a_companion_that_breaks_is_started_again_and_stops_with_the_worker(db: Database) -> None:
    tasks, stop = Tasks(), asyncio.Event()
    starts: list[int] = []

    @tasks.companion("fragile")
    async def fragile(_: Database, stop: asyncio.Event) -> None:
        starts.append(len(starts))
        if len(starts) == 1:
            raise RuntimeError("broken")
        stop.set()

    await run_worker(db, tasks=tasks, stop=stop)
    assert starts == [0, 1]


@pytest.mark.parametrize(
    ("error", "attempt", "expected"),
    [
        (RuntimeError(), 1, 5.0),
        (RuntimeError(), 2, 10.0),
        (RuntimeError(), 3, None),
        (InvalidInputError("no"), 1, None),
        (LimitedError("slowly", retry_after=77), 1, 77),
        (asyncio.CancelledError(), 3, 0.0),
    ],
)
def test_what_failed_runs_again_by_the_kind_of_error(
    error: BaseException, attempt: int, expected: float | None
) -> None:
    assert retry_delay(error, attempt, 3, draw=lambda: 1.0) == expected
