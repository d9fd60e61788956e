"""Many at once: several engines, as in several processes, never let in more than a limit."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.marketplace.limits.conftest import Publish

from entrepot.kit.db import Database
from entrepot.kit.db.lane import Lane
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import UnavailableError
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.limits.engine import LimitEngine, Wanted

CALLERS = 24


@pytest.fixture(scope="module")
async def processes(db: Database, engines: Engines) -> AsyncIterator[list[LimitEngine]]:
    """Engines of six processes, with connections of their own."""
    async with AsyncExitStack() as stack:
        found = [LimitEngine(db, engines.changes, connections=3) for _ in range(6)]
        for engine in found:
            await engine.start()
            stack.push_async_callback(engine.stop)
        yield found


@pytest.mark.parametrize(
    ("algorithm", "fields"),
    [
        ("TOTAL", {}),
        ("FIXED_WINDOW", {"reset_period": "YEARLY"}),
        ("SLIDING_WINDOW", {"window_seconds": 31_536_000}),
        # A token flows in every 27 hours: none does while this runs.
        ("TOKEN_BUCKET", {"limit": 325, "burst": 200, "window_seconds": 31_536_000}),
    ],
)
async def test_one_hot_key_is_never_overdrawn(
    processes: list[LimitEngine],
    platform: UUID,
    publish_limit: Publish,
    algorithm: str,
    fields: dict[str, Any],
) -> None:
    """Plain, reserved and taken with others, in amounts of all sizes, until nothing fits any more."""
    await publish_limit("hot", algorithm, **{"limit": 200} | fields)

    async def caller(number: int) -> int:
        engine, chance, taken = processes[number % len(processes)], random.Random(number), 0
        for _ in range(14):
            amount, way = chance.randint(1, 3), chance.randrange(4)
            if way == 0:
                held = await engine.reserve(platform, "hot", "one", amount)
                if held.allowed and held.id is not None:
                    settler = processes[chance.randrange(len(processes))]
                    kept = chance.randint(0, amount)
                    taken += (await settler.commit(platform, held.id, kept)).settled_amount or 0
            elif way == 1:
                both = [Wanted("hot", "one", amount), Wanted("hot", "one", 1)]
                found = await engine.consume_many(platform, both)
                taken += amount + 1 if found.taken else 0
            else:
                taken += amount if (await engine.consume(platform, "hot", "one", amount)).allowed else 0
        return taken

    taken = sum(await asyncio.gather(*(caller(number) for number in range(CALLERS))))
    left = 0
    while (await processes[0].consume(platform, "hot", "one")).allowed:
        left += 1
    # Nothing too much, and nothing lost; but that a bucket gives back no time which has passed since.
    assert taken + left in ((199, 200) if algorithm == "TOKEN_BUCKET" else (200,))


async def test_no_more_leases_run_at_once_than_there_are_places(
    processes: list[LimitEngine], platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("hot", "CONCURRENT", limit=5)
    at_once = await asyncio.gather(
        *(processes[number % 6].acquire(platform, "hot", "one") for number in range(CALLERS))
    )
    held = [lease.id for lease in at_once if lease.allowed and lease.id is not None]
    assert len(held) == 5
    await asyncio.gather(*(processes[0].release_lease(platform, lease) for lease in held))
    running, most, done = 0, 0, 0

    async def caller(number: int) -> None:
        nonlocal running, most, done
        engine = processes[number % len(processes)]
        for _ in range(10):
            lease = await engine.acquire(platform, "hot", "one")
            if lease.allowed and lease.id is not None:
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1
                done += 1
                await engine.release_lease(platform, lease.id)

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    assert 1 < most <= 5
    assert done > 5
    assert (await processes[0].check(platform, "hot", "one", 5)).used == 0


async def test_places_of_leases_that_expire_are_given_once(
    db: Database, processes: list[LimitEngine], platform: UUID, publish_limit: Publish
) -> None:
    """Whoever comes first gives back what has expired; all who come at that moment get no more than that."""
    await publish_limit("hot", "CONCURRENT", limit=8)
    short = [await processes[0].acquire(platform, "hot", "one", seconds=0.05) for _ in range(5)]
    long = [await processes[0].acquire(platform, "hot", "one", seconds=600) for _ in range(3)]
    assert all(lease.allowed for lease in (*short, *long))
    over = max(lease.expires_at for lease in short if lease.expires_at)
    async with db.tenant(platform_id=platform) as session:
        await session.execute(text("SELECT pg_sleep_until(:over)"), {"over": over})
    found = await asyncio.gather(
        *(processes[number % 6].acquire(platform, "hot", "one") for number in range(CALLERS)),
        *(
            processes[number % 6].release_lease(platform, lease.id)
            for number, lease in enumerate(short)
            if lease.id
        ),
    )
    assert Counter(getattr(one, "allowed", None) for one in found) == {True: 5, False: CALLERS - 5, None: 5}


async def test_many_keys_in_opposite_orders_wait_for_nobody_in_a_circle(
    processes: list[LimitEngine], platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("first", "SLIDING_WINDOW", limit=1000, window_seconds=31_536_000)
    await publish_limit("second", "FIXED_WINDOW", limit=300, reset_period="YEARLY")
    await publish_limit("third", "TOTAL", limit=1000)
    entities = [f"seller-{number}" for number in range(4)]

    async def caller(number: int) -> int:
        chance, taken = random.Random(number), 0
        for _ in range(5):
            wanted = [
                Wanted(key, entity, chance.randint(1, 5))
                for key in ("first", "second", "third")
                for entity in entities
            ]
            chance.shuffle(wanted)
            found = await processes[number % 6].consume_many(platform, wanted)
            if found.taken:
                taken += sum(want.amount for want in wanted)
        return taken

    async with asyncio.timeout(60):
        taken = sum(await asyncio.gather(*(caller(number) for number in range(CALLERS))))
    used = [
        (await processes[0].check(platform, key, entity)).used
        for key in ("first", "second", "third")
        for entity in entities
    ]
    assert sum(used) == taken  # all of each call or nothing of it
    assert max(used[4:8]) <= 300
    assert taken > 1000


async def test_one_request_id_sent_to_all_processes_counts_once(
    processes: list[LimitEngine], platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=100)
    for number in range(6):
        mine = UUID(int=number + 1)
        found = await asyncio.gather(
            *(engine.consume(platform, "orders", "one", 3, request_id=mine) for engine in processes * 3)
        )
        assert [answer.repeated for answer in found].count(False) == 1
        assert {answer.used for answer in found} == {3 * number + 3}


OURS = """
    SELECT pid FROM pg_stat_activity WHERE application_name = 'entrepot limits' AND datname = %s
"""


async def test_connections_that_are_lost_are_made_anew(
    db: Database, engines: Engines, platform: UUID, publish_limit: Publish, settings: Settings
) -> None:
    """Whoever is asking at that moment is told that it is not known whether it was counted; nobody waits for ever."""
    await publish_limit("orders", limit=1000)
    url = EmbeddedServer(settings.home).url("postgres", "postgres")
    engine = LimitEngine(db, engines.changes)
    await engine.start()
    try:
        with psycopg.connect(url, autocommit=True) as superuser:
            others = superuser.execute(OURS, [settings.database_name]).fetchall()
            await asyncio.gather(*(engine.consume(platform, "orders", f"{number}") for number in range(40)))
            for (pid,) in {*superuser.execute(OURS, [settings.database_name])} - {*others}:
                superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        found = await asyncio.gather(
            *(engine.consume(platform, "orders", "one") for _ in range(40)), return_exceptions=True
        )
        failed = [one for one in found if isinstance(one, BaseException)]
        assert failed
        assert all(isinstance(one, UnavailableError) for one in failed)
        used = [await _patient(engine, platform) for _ in range(2)]
        assert used[1] == used[0] + 1 == 40 - len(failed) + 2
    finally:
        await engine.stop()


WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def until_waiting(session: AsyncSession, number: int) -> None:
    """Until so many connections to this database wait for a lock."""
    async with asyncio.timeout(20):
        while (await session.execute(WAITING)).scalar_one() < number:
            await asyncio.sleep(0.005)
            # What the view shows stays the same within a transaction.
            await session.execute(text("SELECT pg_stat_clear_snapshot()"))


async def test_whoever_gives_up_waiting_is_not_counted(
    db: Database, engines: Engines, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=1000)
    engine = LimitEngine(db, engines.changes, connections=1)
    await engine.start()
    try:
        await engine.consume(platform, "orders", "one")
        async with db.tenant(platform_id=platform) as session:
            await session.execute(text("SELECT 1 FROM marketplace.hm_limit_counter FOR UPDATE"))
            first = asyncio.create_task(engine.consume(platform, "orders", "one"))
            await until_waiting(session, 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await engine.consume(platform, "orders", "one", 100)
        assert (await first).used == 2
        assert (await engine.consume(platform, "orders", "one")).used == 3
    finally:
        await engine.stop()


async def test_what_waits_shares_statements_however_many_connections_there_are(
    db: Database,
    engines: Engines,
    platform: UUID,
    publish_limit: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish_limit("orders", limit=1000)
    statements: list[bytes] = []
    ask = Lane.ask

    def counted(lane: Lane, statement: bytes, *more: Any) -> None:
        statements.append(statement)
        ask(lane, statement, *more)

    engine = LimitEngine(db, engines.changes, connections=32)
    await engine.start()
    try:
        await engine.consume(platform, "orders", "one")
        # All of them connected: none is left out for being slower than the others.
        await asyncio.gather(*(engine.taker._open() for _ in range(31)))
        monkeypatch.setattr(Lane, "ask", counted)
        answers = await asyncio.gather(*(engine.consume(platform, "orders", "one") for _ in range(32)))
        assert sorted(one.used for one in answers) == list(range(2, 34))
        assert len(statements) <= 12
    finally:
        await engine.stop()


async def test_nobody_waits_for_another_counter_while_connections_are_free(
    db: Database, engines: Engines, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=1000)
    engine = LimitEngine(db, engines.changes, connections=8)
    await engine.start()
    try:
        await engine.consume(platform, "orders", "one")
        async with db.tenant(platform_id=platform) as session:
            await session.execute(text("SELECT 1 FROM marketplace.hm_limit_counter FOR UPDATE"))
            stuck = []
            for number in range(1, 4):
                stuck.append(asyncio.create_task(engine.consume(platform, "orders", "one")))
                await until_waiting(session, number)
            assert (await engine.consume(platform, "orders", "two")).used == 1
            assert not any(one.done() for one in stuck)
        assert sorted(one.used for one in await asyncio.gather(*stuck)) == [2, 3, 4]
    finally:
        await engine.stop()


async def _patient(engine: LimitEngine, platform: UUID) -> int:
    """What is used after one more, asked again while connections are lost."""
    while True:
        try:
            return (await engine.consume(platform, "orders", "one")).used
        except UnavailableError:
            await asyncio.sleep(0.01)
