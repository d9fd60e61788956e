"""Copies of the rules in memory: fresh within a second of a change, and never trusted by a process that cannot hear."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.db.live import CHANNEL, Changes, LiveCopy

ANNOUNCE = text("SELECT marketplace.announce_rules('berth', :platform)")
REVISION = text("SELECT revision FROM marketplace.hm_rule_revision WHERE platform_id = :platform")
LISTENERS = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'entrepot listener'"
)
END = text("SELECT pg_terminate_backend(:pid)")


class Book:
    """Loads the number of changes, and remembers how often it was asked to."""

    def __init__(self) -> None:
        self.loads: list[UUID] = []
        self.during: Callable[[], Awaitable[None]] | None = None

    async def load(self, session: AsyncSession, platform_id: UUID) -> int:
        """What the database says now, in that platform's own transaction."""
        self.loads.append(platform_id)
        found = (await session.execute(REVISION, {"platform": platform_id})).scalar_one_or_none() or 0
        if self.during is not None:
            work, self.during = self.during, None
            await work()
        return int(found)


@pytest.fixture
async def changes(db: Database) -> AsyncIterator[Changes]:
    """A process that hears."""
    async with Changes(db) as found:
        assert found.hearing
        yield found


async def change(db: Database, platform: UUID) -> None:
    """A change of the rules, committed."""
    async with db.tenant(platform_id=platform) as session:
        await session.execute(ANNOUNCE, {"platform": platform})


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that has to come."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_a_copy_is_read_once_and_then_answered_from_memory(
    db: Database, changes: Changes, platform: UUID
) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "berth", book.load)
    assert copy.peek(platform) is None
    assert [await copy.get(platform) for _ in range(5)] == [0] * 5
    assert copy.peek(platform) == 0
    assert book.loads == [platform]


async def test_a_change_takes_the_copy_away_and_the_next_question_reads_it(
    db: Database, changes: Changes, platform: UUID, other_platform: UUID
) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "berth", book.load)
    await copy.get(platform)
    await copy.get(other_platform)
    await change(db, platform)
    await eventually(lambda: copy.peek(platform) is None)
    assert copy.peek(other_platform) == 0  # another platform's copy stays
    assert await copy.get(platform) == 1
    assert book.loads == [platform, other_platform, platform]


async def test_a_change_that_is_rolled_back_is_none(db: Database, changes: Changes, platform: UUID) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "berth", book.load)
    await copy.get(platform)
    async with db.tenant(platform_id=platform) as session:
        await session.execute(ANNOUNCE, {"platform": platform})
        await session.rollback()
    heard: list[UUID] = []
    changes.subscribe("berth", lambda found, _revision: heard.append(found))
    async with db.system() as session:  # what is told after it arrives, so it was not told
        await session.execute(text("SELECT pg_notify(:channel, :payload)"), {
            "channel": CHANNEL, "payload": f"berth:{UUID(int=7)}:1"
        })  # fmt: skip
    await eventually(lambda: heard == [UUID(int=7)])
    assert copy.peek(platform) == 0


async def test_another_engines_change_leaves_the_copy(db: Database, changes: Changes, platform: UUID) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "rope", book.load)
    await copy.get(platform)
    heard: list[int] = []
    changes.subscribe("berth", lambda _platform, revision: heard.append(revision))
    await change(db, platform)
    await eventually(lambda: heard == [1])
    assert copy.peek(platform) is not None


async def test_a_change_while_the_copy_is_read_is_not_missed(
    db: Database, changes: Changes, platform: UUID
) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "berth", book.load)
    heard: list[int] = []
    changes.subscribe("berth", lambda _platform, revision: heard.append(revision))

    async def another_process() -> None:
        await change(db, platform)
        await eventually(lambda: heard == [1])

    book.during = another_process
    assert await copy.get(platform) == 1
    assert len(book.loads) == 2
    assert copy.peek(platform) == 1


async def test_who_asks_at_once_reads_once(db: Database, changes: Changes, platform: UUID) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "berth", book.load)
    assert set(await asyncio.gather(*(copy.get(platform) for _ in range(20)))) == {0}
    assert len(book.loads) == 1


async def test_a_platform_that_is_gone_has_no_rules(db: Database, changes: Changes, platform: UUID) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "berth", book.load)
    for _ in range(3):
        await change(db, platform)
    assert await copy.get(platform) == 3
    heard: list[int] = []
    changes.subscribe("berth", lambda _platform, revision: heard.append(revision))
    await change(db, platform)
    await eventually(lambda: heard == [4])
    async with db.system() as session:
        await session.execute(text("DELETE FROM marketplace.hm_platform WHERE id = :id"), {"id": platform})
    assert await asyncio.wait_for(copy.get(platform), 20) == 0


async def test_a_process_that_cannot_hear_asks_the_database_each_time(
    db: Database, changes: Changes, platform: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book()
    copy = LiveCopy(db, changes, "berth", book.load)
    await copy.get(platform)
    listen = db.listen
    away = asyncio.Event()

    async def refused(*channels: str) -> psycopg.AsyncConnection[tuple[object, ...]]:
        if not away.is_set():
            raise psycopg.OperationalError("the server takes no connection")
        return await listen(*channels)

    monkeypatch.setattr("entrepot.kit.db.live.RETRY_SECONDS", 0.02)
    monkeypatch.setattr(db, "listen", refused)
    await end_listeners(db)
    await eventually(lambda: not changes.hearing)

    assert copy.peek(platform) is None
    assert await copy.get(platform) == 0
    assert len(book.loads) == 1  # the count in the database has not changed, so the copy holds
    await change(db, platform)  # nobody tells
    assert await copy.get(platform) == 1
    assert await copy.get(platform) == 1
    assert len(book.loads) == 2

    epoch = changes.epoch
    away.set()
    await eventually(lambda: changes.hearing)
    assert changes.epoch == epoch + 1
    assert copy.peek(platform) is None  # what was said in between was not heard
    assert await copy.get(platform) == 1
    assert copy.peek(platform) == 1
    await change(db, platform)
    await eventually(lambda: copy.peek(platform) is None)
    assert await copy.get(platform) == 2


async def test_a_connection_that_falls_silent_is_not_trusted(
    db: Database, changes: Changes, platform: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrepot.kit.db.live.SILENCE_SECONDS", 0.05)
    monkeypatch.setattr("entrepot.kit.db.live.ANSWER_SECONDS", 0.2)
    copy = LiveCopy(db, changes, "berth", Book().load)
    await copy.get(platform)
    (backend,) = await listeners(db)
    os.kill(backend, signal.SIGSTOP)  # it lives, keeps its connection, and says nothing
    try:
        await eventually(lambda: not changes.hearing)
        assert copy.peek(platform) is None
        assert await copy.get(platform) == 0
    finally:
        os.kill(backend, signal.SIGCONT)
    await eventually(lambda: changes.hearing)
    await copy.get(platform)
    await change(db, platform)
    await eventually(lambda: copy.peek(platform) is None)


async def test_what_is_told_while_the_connection_is_asked_whether_it_lives_is_heard(db: Database) -> None:
    # psycopg keeps what arrives outside of `notifies()`; were it to stop doing so, changes would be missed for ever.
    listener = await db.listen(CHANNEL)
    try:
        async with db.system() as session:
            await session.execute(text("SELECT pg_notify(:channel, 'a')"), {"channel": CHANNEL})
        await listener.execute("SELECT pg_sleep(0.05)")
        heard = [notification.payload async for notification in listener.notifies(timeout=5, stop_after=1)]
        assert heard == ["a"]
    finally:
        await listener.close()


async def test_what_is_no_change_is_passed_over(db: Database, changes: Changes, platform: UUID) -> None:
    heard: list[UUID] = []
    changes.subscribe("berth", lambda found, _revision: heard.append(found))
    async with db.system() as session:
        for payload in ("", "berth", "berth:nobody:1", f"berth:{platform}:one", "a:b:c:d"):
            await session.execute(
                text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": payload}
            )
    await change(db, platform)
    await eventually(lambda: heard == [platform])
    assert changes.hearing
    assert changes.epoch == 1


async def test_without_a_server_to_listen_to_the_process_starts_and_says_so(
    db: Database, platform: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_channels: str) -> None:
        raise psycopg.OperationalError("too many connections")

    monkeypatch.setattr(db, "listen", refused)
    monkeypatch.setattr("entrepot.kit.db.live.ANSWER_SECONDS", 0.05)
    async with Changes(db) as changes:
        assert not changes.hearing
        copy = LiveCopy(db, changes, "berth", Book().load)
        assert await copy.get(platform) == 0
        assert copy.peek(platform) is None


async def listeners(db: Database) -> list[int]:
    """The server's processes that tell listeners of changes."""
    async with db.system() as session:
        return list((await session.execute(LISTENERS)).scalars())


async def end_listeners(db: Database) -> None:
    """End the connections that listen, as a server that goes away would."""
    for backend in await listeners(db):
        async with db.system() as session:
            await session.execute(END, {"pid": backend})
