"""Consuming limits, beside the least that PostgreSQL can do for it: one plain `UPDATE … RETURNING` by key.

Sixteen callers at once, each waiting for its answer before it asks again; on one hot key, and spread over ten thousand.
The plain side has sixteen connections of psycopg from its pool, in autocommit, its statement prepared: it knows no limit, no
tenant and no window. "Lanes" ask the same statement through the interface without cursors that the engine asks by, so that
what the engine saves in the client is told apart. Ours is `LimitEngine.consume` as the API calls it: the limit is
looked up, the counter taken from under row security, the answer made. Both commit durably.

Ours is asked in two ways. "16 engines" have a connection and a caller each, as sixteen processes have: every request is a
statement of its own, like the plain side's. "One engine" may open sixteen connections and serves sixteen callers of one
process, who come to share statements. Turns are taken; the median of the ratios of each round counts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from benchmarks import Result
from entrepot.kit.db import Database
from entrepot.kit.db.lane import Lane, encoded
from entrepot.kit.db.live import Changes
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings
from entrepot.marketplace.limits.documents import LimitDocument
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.kind import KIND
from entrepot.marketplace.platforms.platforms import add_platform
from entrepot.marketplace.rulebook.authoring import publish, save_draft

CALLERS = 16
KEYS = 10_000
CALLS = {"hot key": 2_000, "10,000 keys": 4_000}
ROUNDS = 7
SCARCE = 1_000
#: A bucket refills while it is emptied, so what it lets in depends on the seconds that takes.
SCARCE_ALGORITHMS = ("TOTAL", "FIXED_WINDOW", "SLIDING_WINDOW")

PLAIN = b"UPDATE marketplace.bench_counter SET used = used + 1 WHERE id = %s RETURNING used"
#: One limit of each algorithm that consuming counts, never met.
ALGORITHMS: dict[str, dict[str, Any]] = {
    "TOTAL": {},
    "FIXED_WINDOW": {"reset_period": "DAILY", "time_zone": "America/Toronto"},
    "SLIDING_WINDOW": {"window_seconds": 3600},
    "TOKEN_BUCKET": {"window_seconds": 3600, "limit": 36_000_000},
}
Pool = AsyncConnectionPool[psycopg.AsyncConnection[tuple[Any, ...]]]
#: By the number of the caller and the key.
Call = Callable[[int, int], Awaitable[object]]


async def run(settings: Settings) -> Result:
    """Fill both sides, then call them in turns."""
    _make_plain(settings)
    async with Database.opened(settings, pool_size=5) as db, Changes(db) as changes:
        platform = await _publish(db)
        engine = LimitEngine(db, changes, connections=CALLERS)
        alone = [LimitEngine(db, changes, connections=1) for _ in range(CALLERS)]
        for one in (engine, *alone):
            await one.start()
        url = libpq_url(role_url(settings, "app"))
        options = {"autocommit": True, "options": "-c timezone=UTC -c jit=off"}
        async with AsyncConnectionPool(
            url, min_size=CALLERS, max_size=CALLERS, kwargs=options, open=False
        ) as pool:
            plain = _plain(pool)
            lanes = [
                await Lane.opened(url, lambda _: None, options=options["options"]) for _ in range(CALLERS)
            ]
            sides: dict[str, Call] = {"plain": plain, "lanes": _by_lanes(lanes)}
            for algorithm in ALGORITHMS:
                sides[f"{algorithm}, 16 engines"] = _consume(alone, platform, algorithm)
                sides[f"{algorithm}, one engine"] = _consume([engine], platform, algorithm)
            for warmed in sides.values():  # every counter is there, every statement prepared
                await _rate(warmed, KEYS, lambda n: n)
            rates = {
                name: await _turns(sides, many, (lambda _: 0) if name == "hot key" else _spread)
                for name, many in CALLS.items()
            }
            for lane in lanes:
                await lane.close()
        scarce = await _scarce([engine, *alone], platform)
        for one in (engine, *alone):
            await one.stop()
    ratios = {}
    for place, found in rates.items():
        for side, seen in found.items():
            if side != "plain":
                pairs = zip(seen, found["plain"], strict=True)
                ratios[f"{side} / plain update, {place}"] = round(median(a / b for a, b in pairs), 2)
            if side.endswith("16 engines"):
                pairs = zip(seen, found["lanes"], strict=True)
                ratios[f"{side} / plain update by lanes, {place}"] = round(median(a / b for a, b in pairs), 2)
    return {
        "name": "limits",
        "ratios": {**ratios, "consumed / allowed, of scarce limits (exactly 1)": scarce},
        "details": {
            "a second": {
                place: {side: round(median(seen)) for side, seen in found.items()}
                for place, found in rates.items()
            },
            "callers": CALLERS,
            "calls a turn": CALLS,
            "rounds": ROUNDS,
        },
    }


def _make_plain(settings: Settings) -> None:
    with psycopg.connect(libpq_url(role_url(settings, "owner")), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE marketplace.bench_counter (id bigint PRIMARY KEY, used bigint NOT NULL) WITH (fillfactor = 50)"
        )
        connection.execute(
            "INSERT INTO marketplace.bench_counter SELECT n, 0 FROM generate_series(0, %s) AS n", [KEYS]
        )
        connection.execute("GRANT SELECT, UPDATE ON marketplace.bench_counter TO entrepot_app")


async def _publish(db: Database) -> UUID:
    async with db.system() as session:
        platform = (await add_platform(session, "bench", "Bench")).platform_id
    documents = [
        {"key": algorithm, "algorithm": algorithm, "limit": 10**12} | rest
        for algorithm, rest in ALGORITHMS.items()
    ]
    documents += [{**one, "key": f"scarce.{one['key']}", "limit": SCARCE} for one in documents]
    async with db.tenant(platform_id=platform) as session:
        for document in documents:
            written = LimitDocument.model_validate(document | {"resource_type": "BENCH"})
            KIND.check(written)
            await save_draft(session, KIND, platform, written, user_id=None)
            await publish(session, KIND, platform, written.key)
    return platform


def _plain(pool: Pool) -> Call:
    async def call(_caller: int, key: int) -> None:
        async with pool.connection() as connection:
            await (await connection.execute(PLAIN, (key,), prepare=True)).fetchone()

    return call


def _by_lanes(lanes: Sequence[Lane]) -> Call:
    statement = PLAIN.replace(b"%s", b"$1")

    async def call(caller: int, key: int) -> None:
        answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        lanes[caller].ask(statement, encoded((key,)), answered.set_result)
        found = await answered
        assert not isinstance(found, psycopg.Error), found

    return call


def _consume(engines: Sequence[LimitEngine], platform: UUID, limit: str) -> Call:
    async def call(caller: int, key: int) -> None:
        answer = await engines[caller % len(engines)].consume(platform, limit, f"seller-{key}")
        assert answer.allowed

    return call


def _spread(number: int) -> int:
    return number * 7919 % KEYS


async def _turns(sides: dict[str, Call], many: int, key: Callable[[int], int]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(ROUNDS):
        order = list(sides) if turn % 2 else list(reversed(sides))
        for name in order:
            found[name].append(await _rate(sides[name], many, key))
    return found


async def _rate(call: Call, many: int, key: Callable[[int], int]) -> float:
    """Calls a second of all callers together."""
    numbers = iter(range(many))

    async def caller(place: int) -> None:
        for number in numbers:
            await call(place, key(number))

    started = time.perf_counter()
    await asyncio.gather(*(caller(place) for place in range(CALLERS)))
    return many / (time.perf_counter() - started)


async def _scarce(engines: Sequence[LimitEngine], platform: UUID) -> float:
    """Twice as many calls as there is to take, by all engines at once: what was let in, by what may be."""
    let_in = 0
    for algorithm in SCARCE_ALGORITHMS:
        numbers = iter(range(2 * SCARCE))

        async def caller(place: int, key: str = f"scarce.{algorithm}", left: Iterator[int] = numbers) -> int:
            engine = engines[place % len(engines)]
            return sum([(await engine.consume(platform, key, "one")).allowed for _ in left])

        let_in += sum(await asyncio.gather(*(caller(place) for place in range(2 * CALLERS))))
    allowed = SCARCE * len(SCARCE_ALGORITHMS)
    assert let_in == allowed, f"{let_in} of {allowed} were let in"
    return let_in / allowed
