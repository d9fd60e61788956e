"""Imports in the background: once, whatever happens to the worker, and nothing left lying about."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.pim.bulk.conftest import Mirror, as_lines, product, variant

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError
from entrepot.kit.jobs import Job, discover, enqueue, run_worker
from entrepot.kit.jobs.working import rescue_stalled
from entrepot.kit.settings import Settings
from entrepot.pim.bulk import summary_queries, tasks, upkeep
from entrepot.pim.bulk.summaries import RunSummary, get_run

LINES = as_lines([product(1), variant(11, 1), product(2, title=None)])


@pytest.fixture(autouse=True)
def known_tasks() -> None:
    """What a worker knows."""
    discover()


@pytest.fixture
def mirror(db: Database, tmp_path: Path) -> Mirror:
    """A mirror in a database of the test's own: a worker takes whatever jobs there are."""
    return Mirror(db, tmp_path)


async def ask(
    db: Database,
    shop: UUID,
    path: Path,
    *,
    kept: bool = True,
    user_id: UUID | None = None,
    trace_id: str | None = None,
) -> UUID:
    """Write a run down and enqueue its job, as a request does."""
    async with db.tenant(shop_id=shop, user_id=user_id, trace_id=trace_id) as session:
        run = await summary_queries.insert_waiting_run(
            session, key=uuid4().hex, state="{}", query_type="jsonl"
        )
        assert run is not None
        await enqueue(
            session,
            "bulk.import",
            lock=f"import {shop}",
            run_id=str(run),
            path=str(path),
            name="told.jsonl",
            snapshot=False,
            kept=kept,
        )
    return run


async def found(db: Database, shop: UUID, run: UUID) -> RunSummary:
    async with db.tenant(shop_id=shop) as session:
        return await get_run(session, run)


async def jobs(db: Database) -> list[tuple[str, str]]:
    """Task and status of each import, the oldest first, as job_runs has it."""
    async with db.system() as session:
        query = text("SELECT job_name, status FROM pim.job_runs WHERE job_name = 'bulk.import' ORDER BY id")
        return [(row.job_name, row.status) for row in (await session.execute(query)).all()]


def job(db: Database, shop: UUID, **values: Any) -> Job:
    return Job(db=db, id=1, task="bulk.import", queue="imports", shop_id=shop, arguments={}, **values)


async def test_a_run_is_carried_out_for_who_asked_and_the_copy_deleted(
    db: Database, shop: UUID, mirror: Mirror
) -> None:
    await mirror.take(shop, product(1, title="Before"))
    user, path = uuid4(), mirror.write(LINES)
    run = await ask(db, shop, path, user_id=user, trace_id="f" * 32)
    await run_worker(db, wait=False)
    summary = await found(db, shop, run)
    assert (summary.status, summary.read, summary.applied, summary.rejected) == ("completed", 3, 2, 1)
    assert not path.exists()
    query = "SELECT DISTINCT user_id, request_id FROM pim.audit_logs WHERE entity_type = 'shopify_products'"
    async with db.tenant(shop_id=shop) as session:
        assert [(row.user_id, row.request_id) for row in (await session.execute(text(query))).all()] == [
            (user, "f" * 32)
        ]


async def test_a_file_of_the_server_stays(db: Database, shop: UUID, mirror: Mirror) -> None:
    path = mirror.write(LINES)
    run = await ask(db, shop, path, kept=False)
    await run_worker(db, wait=False)
    assert (await found(db, shop, run)).status == "completed"
    assert path.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (gzip.compress(os.urandom(40_000) + LINES)[:-9_000], "ends in the middle"),
    ],
)
async def test_a_file_that_cannot_be_read_fails_the_run_at_once_with_the_reason(
    db: Database, shop: UUID, mirror: Mirror, content: bytes | None, reason: str
) -> None:
    path = mirror.write(content if content is not None else b"")
    if content is None:
        path.unlink()
    run = await ask(db, shop, path)
    await run_worker(db, wait=False)
    summary = await found(db, shop, run)
    assert summary.status == "failed"
    assert reason in (summary.error_message or "")
    assert await jobs(db) == [("bulk.import", "failed")]
    assert not path.exists()
    assert await mirror.count(shop, "shopify_products") == 0


KILLED_IN_THE_MERGE = textwrap.dedent(
    """
    import asyncio, os, signal
    from pathlib import Path
    from entrepot.kit.db import Database
    from entrepot.kit.jobs import discover, run_worker
    from entrepot.kit.settings import Settings
    from entrepot.pim.bulk import importing

    merge = importing.merge

    async def die(*arguments):
        await merge(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        importing.merge = die
        discover()
        settings = Settings(home=os.environ["HOME_OF_TEST"], database_name=os.environ["DATABASE_OF_TEST"])
        async with Database.opened(settings) as db:
            await run_worker(db, wait=False)

    asyncio.run(main())
    """
)


async def killed_worker(settings: Settings) -> None:
    """A worker that is killed when it has merged, and not yet committed."""
    environment = os.environ | {
        "HOME_OF_TEST": str(settings.home),
        "DATABASE_OF_TEST": settings.database_name,
    }
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED_IN_THE_MERGE], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL


async def test_a_run_whose_worker_was_killed_is_taken_up_by_the_next(
    db: Database, shop: UUID, mirror: Mirror, settings: Settings
) -> None:
    path = mirror.write(LINES)
    run = await ask(db, shop, path)
    await killed_worker(settings)
    assert (await found(db, shop, run)).status == "running"
    assert path.exists()
    assert await mirror.count(shop, "shopify_products") == 0
    assert await rescue_stalled(db, seconds=0) == 1
    await run_worker(db, wait=False)
    summary = await found(db, shop, run)
    assert (summary.status, summary.inserted, summary.rejected) == ("completed", 2, 1)
    assert await mirror.count(shop, "bulk_errors") == 1
    assert await mirror.count(shop, "bulk_runs") == 1
    assert not path.exists()


async def test_a_job_that_runs_twice_imports_once(db: Database, shop: UUID, mirror: Mirror) -> None:
    path = mirror.write(LINES)
    run = await ask(db, shop, path)
    await run_worker(db, wait=False)
    before = await found(db, shop, run)
    again = await tasks.import_requested(
        job(db, shop), run_id=str(run), path=str(path), name="told.jsonl", snapshot=False, kept=True
    )
    assert again == {"run_id": str(run), "status": "completed"}
    assert await found(db, shop, run) == before


async def test_an_import_waits_while_another_of_the_shop_runs(
    db: Database, shop: UUID, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: Any, **__: Any) -> None:
        raise ConflictError("Another import of this shop is running.")

    path = mirror.write(LINES)
    run = await ask(db, shop, path)
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "import_files", busy)
        await run_worker(db, wait=False)
    assert await jobs(db) == [("bulk.import", "completed"), ("bulk.import", "waiting")]
    assert (await found(db, shop, run)).status == "pending"
    async with db.system() as session:
        await session.execute(text("SELECT set_config('search_path', 'procrastinate,pg_catalog', true)"))
        await session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))
    await run_worker(db, wait=False)
    assert (await found(db, shop, run)).status == "completed"


async def test_what_was_staged_goes_when_its_run_is_over_and_not_before(
    db: Database, shop: UUID, mirror: Mirror, settings: Settings
) -> None:
    run = await ask(db, shop, mirror.write(LINES))
    await killed_worker(settings)
    # An import stages in tables of its session; what stands in the shop's came from an earlier version.
    assert await mirror.count(shop, "staging_products") == 0
    async with db.tenant(shop_id=shop) as session:
        await session.execute(
            text(
                "INSERT INTO pim.staging_products (shop_id, bulk_run_id) SELECT shop_id, id FROM pim.bulk_runs, generate_series(1, 2)"
            )
        )
        await session.execute(
            text(
                "INSERT INTO pim.staging_variants (shop_id, bulk_run_id) SELECT shop_id, id FROM pim.bulk_runs"
            )
        )
    assert await tasks.purge_staging(job(db, shop)) == {"abandoned": 0, "rows": 0}
    async with db.system() as session:
        # Neither a job nor a sign of life for a day.
        await session.execute(text("UPDATE pim.job_runs SET status = 'failed'"))
    async with db.system() as session:
        assert await upkeep.abandon_interrupted(session) == 0
        assert await upkeep.abandon_interrupted(session, hours=-1) == 1
    assert (await found(db, shop, run)).status == "failed"
    assert (await tasks.purge_staging(job(db, shop)))["rows"] == 3
    assert await mirror.count(shop, "staging_products") == 0


async def test_a_run_that_a_job_waits_for_is_not_given_up(db: Database, shop: UUID, mirror: Mirror) -> None:
    run = await ask(db, shop, mirror.write(LINES))
    async with db.system() as session:
        assert await upkeep.abandon_interrupted(session, hours=-1) == 0
    assert (await found(db, shop, run)).status == "pending"


async def test_old_files_go_unless_an_import_waits_for_them(db: Database, shop: UUID, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.jsonl"
    outside.write_bytes(LINES)
    uploads, artifacts = tmp_path / "uploads" / str(shop), tmp_path / "artifacts"
    for directory in (uploads, artifacts):
        directory.mkdir(parents=True)
    old, awaited, fresh, spooled = (
        uploads / "old.jsonl",
        uploads / "awaited.jsonl",
        uploads / "fresh.jsonl",
        artifacts / "ab12",
    )
    for path in (old, awaited, fresh, spooled):
        path.write_bytes(LINES)
    (uploads / "link.jsonl").symlink_to(outside)
    for path in (old, awaited, spooled, outside):
        os.utime(path, (0, 0))
    await ask(db, shop, awaited)
    async with db.system() as session:
        waited_for = await upkeep.awaited_files(session)
    assert upkeep.purge_files(tmp_path, days=7, awaited=waited_for) == 2
    assert [path.exists() for path in (old, awaited, fresh, spooled, outside)] == [
        False,
        True,
        True,
        False,
        True,
    ]
    assert (uploads / "link.jsonl").is_symlink()
