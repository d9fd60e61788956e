"""The record of decisions while the database is slow, refuses, or is gone: what is answered is recorded, or little is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.marketplace.policies.conftest import RETURNS, Publish

from entrepot.kit import batching
from entrepot.kit.batching import BatchWriter
from entrepot.kit.db import Database
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.errors import UnavailableError
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.policies import recording

WRITERS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'entrepot_app'"


@contextmanager
def administrator(settings: Settings) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Whoever may do anything to the database, the program's connections included."""
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as found:
        yield found


@asynccontextmanager
async def locked(settings: Settings) -> AsyncIterator[None]:
    """The table of decisions taken by somebody else: every write waits."""
    with administrator(settings) as admin, admin.transaction():
        admin.execute("LOCK TABLE marketplace.hm_policy_decision IN ACCESS EXCLUSIVE MODE")
        yield


async def recorded(db: Database, platform: UUID) -> set[UUID]:
    """The decisions that are in the database with their log."""
    query = text(
        """
        SELECT d.id FROM marketplace.hm_policy_decision AS d
        JOIN marketplace.hm_policy_evaluation_log AS e ON e.decision_id = d.id AND e.decision_time = d.decision_time
        GROUP BY d.id HAVING count(*) = 4
        """
    )
    async with db.tenant(platform_id=platform) as session:
        return set((await session.execute(query)).scalars())


async def no_room(writer: BatchWriter[Any]) -> None:
    """Wait until what waits has waited too long."""
    async with asyncio.timeout(20):
        while writer.has_room:  # noqa: ASYNC110 - time itself has no event
            await asyncio.sleep(0.005)


async def ask(engines: Engines, platform: UUID, count: int) -> set[UUID | None]:
    """So many decisions; their ids."""
    return {(await engines.policies.evaluate(platform, "RETURN", {"days": day})).id for day in range(count)}


async def test_a_stop_with_a_full_queue_loses_nothing(
    db: Database, platform: UUID, publish_policy: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "CAPACITY", 1_500)
    monkeypatch.setattr(recording, "EVERY", 3_600)
    await publish_policy(RETURNS)
    async with Engines.opened(db) as engines:
        made = await ask(engines, platform, 1_500)
        assert len(engines.policies.recorder.writer) == 1_500
        assert not engines.policies.recorder.writer.has_room
    assert await recorded(db, platform) == made


async def test_whoever_asks_faster_than_is_written_waits_and_is_answered(
    db: Database, platform: UUID, publish_policy: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "CAPACITY", 500)
    await publish_policy(RETURNS)
    async with Engines.opened(db) as engines:
        made = await ask(engines, platform, 1_200)
        together = await engines.policies.evaluate_many(platform, [("RETURN", {"days": 1})] * 1_300)
        made |= {decision.id for decision in together}
    assert len(made) == 2_500
    assert await recorded(db, platform) == made


async def test_nothing_is_decided_while_a_decision_waits_longer_than_the_second(
    db: Database,
    settings: Settings,
    platform: UUID,
    publish_policy: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert recording.EVERY < batching.LONGEST_WAIT <= 1
    monkeypatch.setattr(batching, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(batching, "PATIENCE", 0.1)
    await publish_policy(RETURNS)
    async with Engines.opened(db) as engines:
        recorder = engines.policies.recorder
        async with locked(settings):
            made = await ask(engines, platform, 2)
            await no_room(recorder.writer)
            for _ in range(2):
                with pytest.raises(UnavailableError, match="2 policy decisions wait to be recorded"):
                    await engines.policies.evaluate(platform, "RETURN", {"days": 1})
            with pytest.raises(UnavailableError, match="does not keep up"):
                await engines.policies.evaluate_many(platform, [("RETURN", {"days": 1})] * 5)
            assert len(recorder.writer) == 2
            asked = await engines.policies.evaluate(platform, "RETURN", {"days": 1}, record=False)
            assert asked.allowed
        await recorder.writer.flush()
        made |= await ask(engines, platform, 1)
    assert await recorded(db, platform) == made


async def test_whoever_waits_is_answered_when_the_database_has_caught_up(
    db: Database,
    settings: Settings,
    platform: UUID,
    publish_policy: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "LONGEST_WAIT", 0.05)
    await publish_policy(RETURNS)
    async with Engines.opened(db) as engines:
        writer = engines.policies.recorder.writer
        async with locked(settings):
            made = await ask(engines, platform, 1)
            await no_room(writer)
            waiting = asyncio.create_task(ask(engines, platform, 1))
            await asyncio.wait({waiting}, timeout=0.05)
            assert not waiting.done()
        made |= await asyncio.wait_for(waiting, 20)
    assert await recorded(db, platform) == made


async def test_a_stop_during_an_outage_waits_for_its_end(
    db: Database, settings: Settings, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    with administrator(settings) as admin:
        async with Engines.opened(db) as engines:
            made = await ask(engines, platform, 300)
            admin.execute("REVOKE INSERT ON marketplace.hm_policy_decision FROM entrepot_app")
            over = asyncio.get_running_loop().call_later(
                0.3,
                admin.execute,
                "GRANT INSERT ON marketplace.hm_policy_decision TO entrepot_app",
            )
        assert over.when() < asyncio.get_running_loop().time()
    assert await recorded(db, platform) == made


async def test_a_stop_during_an_outage_that_does_not_end_says_what_is_lost(
    db: Database,
    settings: Settings,
    platform: UUID,
    publish_policy: Publish,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("entrepot.kit.batching.STOP_PAUSES", (0.01,))
    await publish_policy(RETURNS)
    with administrator(settings) as admin:
        process = AsyncExitStack()
        engines = await process.enter_async_context(Engines.opened(db))
        await ask(engines, platform, 7)
        admin.execute("REVOKE INSERT ON marketplace.hm_policy_decision FROM entrepot_app")
        with pytest.raises(DBAPIError, match="permission denied"):
            await process.aclose()
        admin.execute("GRANT INSERT ON marketplace.hm_policy_decision TO entrepot_app")
        assert await recorded(db, platform) == set()
        assert len(engines.policies.recorder.writer) == 7
        said = capsys.readouterr()
        assert "lost=7" in f"{said.out}{said.err}".replace('"lost": ', "lost=")
        await engines.policies.recorder.writer.flush()
    assert len(await recorded(db, platform)) == 7


async def test_connections_that_break_lose_nothing_and_record_nothing_twice(
    db: Database, settings: Settings, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    made: set[UUID | None] = set()
    with administrator(settings) as admin:
        async with Engines.opened(db) as engines:
            await engines.policies.policies(platform)
            for _ in range(3):
                decided = (await engines.policies.policies(platform)).evaluate("RETURN", {"days": 1})
                recorder = engines.policies.recorder
                recorder.writer.put(recorder.note(platform, decided))
                made.add(decided.id)
                admin.execute(WRITERS)
                await asyncio.sleep(0.02)
    assert await recorded(db, platform) == made
