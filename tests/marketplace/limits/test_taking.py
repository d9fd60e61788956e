"""How takings are asked: the short way where nothing is special, in two steps where others want the same counter."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from tests.marketplace.limits.conftest import Publish

from entrepot.kit.db import Database
from entrepot.kit.db.lane import Lane
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import UnavailableError
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.limits import queries, taking
from entrepot.marketplace.limits.engine import LimitEngine

SHORT = {
    "TOTAL": queries.SHORT_COUNT,
    "FIXED_WINDOW": queries.SHORT_COUNT,
    "SLIDING_WINDOW": queries.SHORT_SLIDE,
    "TOKEN_BUCKET": queries.SHORT_METER,
}
WHOLE = {
    "TOTAL": queries.COUNT,
    "FIXED_WINDOW": queries.COUNT,
    "SLIDING_WINDOW": queries.SLIDE,
    "TOKEN_BUCKET": queries.METER,
}
FIELDS: dict[str, dict[str, Any]] = {
    "TOTAL": {},
    "FIXED_WINDOW": {"reset_period": "YEARLY", "time_zone": "America/Toronto"},
    "SLIDING_WINDOW": {"window_seconds": 31_536_000},
    "TOKEN_BUCKET": {"window_seconds": 31_536_000},
}
both = pytest.mark.parametrize("algorithm", list(SHORT))


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No taking is believed to have waited, however slow the machine is; tests of crowds say otherwise."""
    monkeypatch.setattr(taking, "WAITED", 2**62)


@pytest.fixture
async def engine(db: Database, engines: Engines) -> AsyncIterator[LimitEngine]:
    """An engine of one connection that has asked nothing."""
    found = LimitEngine(db, engines.changes, connections=1)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The statements that lanes are asked from here on."""
    statements: list[bytes] = []
    ask = Lane.ask

    def noted(lane: Lane, statement: bytes, *more: Any) -> None:
        statements.append(statement)
        ask(lane, statement, *more)

    monkeypatch.setattr(Lane, "ask", noted)
    return statements


def each_once(asked: list[bytes]) -> list[bytes]:
    """Statements in order, without repetitions: one that is prepared is asked a second time, with its values."""
    return [one for place, one in enumerate(asked) if place == 0 or one != asked[place - 1]]


@both
async def test_a_counter_that_is_there_is_taken_from_by_one_short_statement(
    engine: LimitEngine, platform: UUID, publish_limit: Publish, asked: list[bytes], algorithm: str
) -> None:
    await publish_limit("orders", algorithm, limit=3, **FIELDS[algorithm])
    taken = [await engine.consume(platform, "orders", "one")]
    assert each_once(asked) == [SHORT[algorithm], WHOLE[algorithm]]
    asked.clear()
    taken += [await engine.consume(platform, "orders", "one") for _ in range(2)]
    assert set(asked) == {SHORT[algorithm]}
    assert [one.used for one in taken] == [1, 2, 3]
    assert len({one.reset_at for one in taken}) == (3 if algorithm == "TOKEN_BUCKET" else 1)
    asked.clear()
    refused = await engine.consume(platform, "orders", "one")
    assert (refused.allowed, refused.used) == (False, 3)
    assert each_once(asked) == [SHORT[algorithm], WHOLE[algorithm]]
    asked.clear()
    assert not (await engine.consume(platform, "orders", "one")).allowed
    assert each_once(asked) == [WHOLE[algorithm]]  # whoever asks on and on costs one statement each
    asked.clear()
    assert (await engine.consume(platform, "orders", "two")).allowed
    assert each_once(asked) == [SHORT[algorithm], WHOLE[algorithm]]


async def test_what_had_no_room_is_taken_from_the_short_way_again(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish_limit("orders", limit=3)
    await engine.consume(platform, "orders", "one", 2)
    monkeypatch.setattr(taking, "EXHAUSTED_SECONDS", -1.0)  # it is long ago at once
    assert not (await engine.consume(platform, "orders", "one", 2)).allowed
    asked.clear()
    assert (await engine.consume(platform, "orders", "one", 1)).used == 3
    assert each_once(asked) == [queries.SHORT_COUNT]


@both
async def test_each_platform_has_its_own_on_one_connection(
    engine: LimitEngine,
    platform: UUID,
    other_platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    algorithm: str,
) -> None:
    for one in (platform, other_platform):
        await publish_limit("orders", algorithm, on=one, limit=100, **FIELDS[algorithm])
    for number in range(1, 4):
        for one in (platform, other_platform):
            assert (await engine.consume(one, "orders", "one")).used == number
    # No row was there for the first of each, and no taking found the other platform's.
    assert each_once(asked) == [
        SHORT[algorithm],
        WHOLE[algorithm],
        SHORT[algorithm],
        WHOLE[algorithm],
        SHORT[algorithm],
    ]


async def test_no_platform_outlives_its_statement(
    engine: LimitEngine, platform: UUID, publish_limit: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler in between may give the connection to anybody after each transaction."""
    await publish_limit("orders", limit=100)
    monkeypatch.setattr(taking, "WAITED", -1)  # the quick statements as well
    await engine.consume(platform, "orders", "one")
    (lane,) = engine.taker._lanes
    async with lane.lent() as connection:
        await connection.execute("SET synchronous_commit = on")  # the tests' server may have it off
    for _ in range(4):
        await engine.consume(platform, "orders", "one")
        async with lane.lent() as connection:
            cursor = await connection.execute(
                "SELECT nullif(current_setting('app.current_platform_id', true), ''), current_setting('synchronous_commit'), "
                "(SELECT count(*) FROM marketplace.hm_limit_counter)"
            )
            assert await cursor.fetchone() == (None, "on", 0)


@pytest.mark.parametrize(("period", "length"), [("SECOND", 1), ("MINUTE", 60), ("DAILY", 86_400)])
async def test_the_next_window_begins_anew(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    period: str,
    length: int,
) -> None:
    await publish_limit("orders", "FIXED_WINDOW", limit=2, reset_period=period)
    engine.taker.at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    used = [(await engine.consume(platform, "orders", "one")).used for _ in range(2)]
    engine.taker.at += timedelta(seconds=length)
    asked.clear()
    used += [(await engine.consume(platform, "orders", "one")).used for _ in range(2)]
    assert used == [1, 2, 1, 2]
    assert each_once(asked) == [queries.SHORT_COUNT, queries.COUNT, queries.SHORT_COUNT]


@pytest.mark.parametrize(
    ("before", "after"), [(before, after) for before in SHORT for after in SHORT if before != after]
)
async def test_a_key_that_counted_in_another_way_begins_anew(
    engine: LimitEngine, platform: UUID, publish_limit: Publish, asked: list[bytes], before: str, after: str
) -> None:
    await publish_limit("orders", before, limit=100, **FIELDS[before])
    for _ in range(2):
        await engine.consume(platform, "orders", "one", 10)
    await publish_limit("orders", after, limit=100, **FIELDS[after])
    asked.clear()
    assert [(await engine.consume(platform, "orders", "one")).used for _ in range(2)] == [1, 2]
    assert each_once(asked) == [SHORT[after], WHOLE[after], SHORT[after]]


async def test_a_window_that_the_database_does_not_know_is_not_taken_from(
    engine: LimitEngine, db: Database, platform: UUID, publish_limit: Publish, asked: list[bytes]
) -> None:
    """The two calendars may differ in a rule of a time zone; the database's holds."""
    await publish_limit(
        "orders", "FIXED_WINDOW", limit=100, reset_period="DAILY", time_zone="America/Toronto"
    )
    await engine.consume(platform, "orders", "one")
    async with db.tenant(platform_id=platform) as session:
        await session.execute(
            text("UPDATE marketplace.hm_limit_counter SET reset_time = reset_time + interval '1 hour'")
        )
    asked.clear()
    assert (await engine.consume(platform, "orders", "one")).used == 2
    assert each_once(asked) == [queries.SHORT_COUNT, queries.COUNT]


@pytest.mark.parametrize("days", [-1, 1])
async def test_another_window_is_not_taken_from_because_the_clock_is_wrong(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    days: int,
) -> None:
    await publish_limit(
        "orders", "FIXED_WINDOW", limit=100, reset_period="DAILY", time_zone="America/Toronto"
    )
    engine.taker.at = datetime.now(UTC) + timedelta(days=days)
    await engine.consume(platform, "orders", "one")
    engine.taker.at = None
    clock = taking._clock
    monkeypatch.setattr(taking, "_clock", lambda: clock() + days * 86_400 * 1_000_000)
    asked.clear()
    assert (await engine.consume(platform, "orders", "one")).used == 1
    assert each_once(asked) == [queries.SHORT_COUNT, queries.COUNT]


@both
async def test_a_clock_that_is_wrong_costs_a_round_trip_and_no_more(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    algorithm: str,
) -> None:
    await publish_limit("orders", algorithm, limit=100, **FIELDS[algorithm])
    clock = taking._clock
    monkeypatch.setattr(taking, "_clock", lambda: clock() - 10 * 365 * 86_400 * 1_000_000)
    await engine.consume(platform, "orders", "one")
    asked.clear()
    used = [(await engine.consume(platform, "orders", "one")).used for _ in range(2)]
    assert used == [2, 3]
    # By the first answer it knows how far the database's clock is ahead.
    assert each_once(asked) == [SHORT[algorithm]]


@both
async def test_a_crowded_counter_is_let_go_first_and_answered_when_it_is_on_disk(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    algorithm: str,
) -> None:
    await publish_limit("orders", algorithm, limit=5, **FIELDS[algorithm])
    monkeypatch.setattr(taking, "WAITED", -1)  # as if every taking had waited
    used = [(await engine.consume(platform, "orders", "one")).used for _ in range(2)]
    assert set(asked) == {WHOLE[algorithm], SHORT[algorithm]}
    asked.clear()
    used += [(await engine.consume(platform, "orders", "one")).used for _ in range(3)]
    quick = queries.QUICK[SHORT[algorithm]]
    assert each_once(asked) == [quick, queries.DURABLE] * 3
    assert used == [1, 2, 3, 4, 5]
    asked.clear()
    assert not (await engine.consume(platform, "orders", "one")).allowed
    assert each_once(asked) == [
        quick,
        queries.QUICK[WHOLE[algorithm]],
    ]  # nothing was written: nothing to wait for


async def test_what_is_answered_has_been_written_out(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    await publish_limit("orders", limit=100)
    monkeypatch.setattr(taking, "WAITED", -1)
    for _ in range(2):
        await engine.consume(platform, "orders", "one")
    (lane,) = engine.taker._lanes
    async with lane.lent() as connection:
        await connection.execute("SET synchronous_commit = on")  # the tests' server may have it off
    ask = Lane.ask
    taken_until: list[Any] = []

    def noted(lane: Lane, statement: bytes, *more: Any) -> None:
        if statement == queries.DURABLE:
            row = superuser.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
            taken_until.append(row and row[0])
        ask(lane, statement, *more)

    monkeypatch.setattr(Lane, "ask", noted)
    with psycopg.connect(
        EmbeddedServer(settings.home).url("postgres", "postgres"), autocommit=True
    ) as superuser:
        await engine.consume(platform, "orders", "one")
        row = superuser.execute(
            "SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", taken_until[-1:]
        ).fetchone()
    assert row == (True,)


async def test_what_has_an_id_is_durable_before_anybody_finds_it(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish_limit("orders", limit=100)
    monkeypatch.setattr(taking, "WAITED", -1)
    for _ in range(3):
        await engine.consume(platform, "orders", "one")
    asked.clear()
    await engine.consume(platform, "orders", "one", request_id=uuid4())
    await engine.reserve(platform, "orders", "one")
    assert each_once(asked) == [queries.COUNT_HELD]


async def test_one_that_took_long_is_no_crowd_and_a_crowd_is_forgotten(
    engine: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish_limit("orders", limit=100)
    monkeypatch.setattr(taking, "WAITED", -1)
    monkeypatch.setattr(taking, "CROWDED_SECONDS", -1.0)  # each wait is long ago at once
    for _ in range(5):
        await engine.consume(platform, "orders", "one")
    assert set(asked) == {queries.COUNT, queries.SHORT_COUNT}


async def test_whether_it_is_on_disk_is_not_known_when_the_connection_ends_in_between(
    engine: LimitEngine, platform: UUID, publish_limit: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_limit("orders", limit=100)
    monkeypatch.setattr(taking, "WAITED", -1)
    for _ in range(2):
        await engine.consume(platform, "orders", "one")
    ask = Lane.ask

    def cut(lane: Lane, statement: bytes, values: Any, done: Callable[[Any], None]) -> None:
        if statement == queries.DURABLE:
            lane._done = done
            lane._lose(psycopg.OperationalError("the connection was cut"))
        else:
            ask(lane, statement, values, done)

    with monkeypatch.context() as patch:
        patch.setattr(Lane, "ask", cut)
        with pytest.raises(UnavailableError, match="was cut"):
            await engine.consume(platform, "orders", "one")
    assert (await engine.consume(platform, "orders", "one")).used == 4


async def test_an_engine_that_was_stopped_says_so(
    db: Database, engines: Engines, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=100)
    engine = LimitEngine(db, engines.changes)
    await engine.start()
    await engine.consume(platform, "orders", "one")
    await engine.stop()
    with pytest.raises(UnavailableError, match="not running"):
        await engine.consume(platform, "orders", "one")
    with pytest.raises(UnavailableError, match="not running"):
        await engine.check(platform, "orders", "one")
