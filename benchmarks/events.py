"""The outbox beside bare INSERTs of the same rows into a table of the same shape, on the same server.

Publishing writes the event and its delivery and wakes the worker; delivering claims, calls a subscriber that writes a
row for each event, and marks it delivered. The bare table has the outbox's columns, checks and indexes, but no row
security, no trigger and no deliveries.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import Any
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks import Result
from entrepot.events import Event, NewEvent, publish, publish_from, publish_many
from entrepot.events.delivering import deliver_due
from entrepot.events.delivering import run as deliver
from entrepot.events.subscribing import Subscribers
from entrepot.kit.db import Database
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

BATCH = 1000
BULK_EVENTS = 20_000
SINGLE_EVENTS = 1_000
LATENCY_EVENTS = 200
ROUNDS = 3

subscribers = Subscribers()


@subscribers.batch_subscriber("bench.batches", types=["bench.bulk", "bench.select"], batch=BATCH)
async def write_batch(session: AsyncSession, events: Sequence[Event]) -> None:
    """A subscriber that works set-wise, as the warehouse does."""
    await session.execute(
        text("INSERT INTO marketplace.bench_effects SELECT unnest(CAST(:ids AS uuid[]))"),
        {"ids": [event.id for event in events]},
    )


@subscribers.subscriber("bench.singles", types=["bench.single"])
async def write_one(session: AsyncSession, event: Event) -> None:
    """A subscriber that handles one event after the other."""
    await session.execute(text("INSERT INTO marketplace.bench_effects VALUES (:id)"), {"id": event.id})


def payload(n: int) -> dict[str, Any]:
    """What an event of a changed product carries."""
    return {
        "product_id": f"gid://shopify/Product/{n:013d}",
        "handle": f"linen-shirt-{n}",
        "changed": ["title", "variants", "metafields"],
        "price": {"amount": "49.90", "currency": "EUR"},
        "title": "Linen shirt, washed, mother-of-pearl buttons",
    }


async def run(settings: Settings) -> Result:
    """Publish and deliver beside bare inserts, in alternation; the medians of the rounds are compared."""
    async with Database.opened(settings) as db:
        shop = await _prepare(db, settings)
        app_url = db.url("app")
        steps: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {
            "insert_bulk": (BULK_EVENTS, lambda: asyncio.to_thread(_insert_bulk, app_url, shop)),
            "publish_bulk": (BULK_EVENTS, lambda: _publish_bulk(db, shop)),
            "insert_select": (BULK_EVENTS, lambda: asyncio.to_thread(_insert_select, app_url, shop)),
            "publish_select": (BULK_EVENTS, lambda: _publish_select(db, shop)),
            "deliver_bulk": (2 * BULK_EVENTS, lambda: _deliver(db, "task://bench.batches")),
            "insert_single": (SINGLE_EVENTS, lambda: asyncio.to_thread(_insert_single, app_url, shop)),
            "insert_single_as_tenant": (SINGLE_EVENTS, lambda: _insert_as_tenant(db, shop)),
            "publish_single": (SINGLE_EVENTS, lambda: _publish_single(db, shop)),
            "deliver_single": (SINGLE_EVENTS, lambda: _deliver(db, "task://bench.singles")),
        }
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(ROUNDS):
            for name, (_count, step) in steps.items():
                started = time.perf_counter()
                await step()
                seconds[name].append(time.perf_counter() - started)
            await _check_and_clear(db)
        latency = await _latency(db, shop)
    rate = {name: steps[name][0] / median(seconds[name]) for name in steps}
    return {
        "name": "events",
        "ratios": {
            "publish_bulk_to_insert": round(rate["publish_bulk"] / rate["insert_bulk"], 3),
            "publish_select_to_insert": round(rate["publish_select"] / rate["insert_select"], 3),
            "publish_single_to_insert": round(rate["publish_single"] / rate["insert_single"], 3),
            "publish_single_to_insert_as_tenant": round(
                rate["publish_single"] / rate["insert_single_as_tenant"], 3
            ),
            "deliver_bulk_to_insert": round(rate["deliver_bulk"] / rate["insert_bulk"], 3),
            "deliver_single_to_insert": round(rate["deliver_single"] / rate["insert_single"], 3),
        },
        "details": {
            "per_second": {name: round(value) for name, value in rate.items()},
            "latency_milliseconds": latency,
            "events_a_transaction": {"bulk": BATCH, "select": BULK_EVENTS, "single": 1},
            "payload_bytes": len(orjson.dumps(payload(1))),
            "rounds": ROUNDS,
        },
    }


async def _prepare(db: Database, settings: Settings) -> UUID:
    with psycopg.connect(libpq_url(role_url(settings, "owner"))) as connection:
        connection.execute(
            "CREATE TABLE marketplace.bench_bare (LIKE marketplace.hm_event_queue INCLUDING ALL)"
        )
        connection.execute("CREATE TABLE marketplace.bench_effects (event_id uuid PRIMARY KEY)")
        connection.execute(
            "GRANT SELECT, INSERT, DELETE, TRUNCATE ON marketplace.bench_bare, marketplace.bench_effects "
            "TO entrepot_app, entrepot_system"
        )
    async with db.system() as session:
        await subscribers.store(session)
        shop = await session.execute(
            text(
                "INSERT INTO pim.shops (shopify_domain, access_token_ciphertext, access_token_iv, access_token_tag, scopes) "
                "VALUES ('bench.myshopify.com', '', '', '', '{}') RETURNING id"
            )
        )
        found: UUID = shop.scalar_one()
        return found


def _insert_bulk(url: str, shop: UUID) -> None:
    with psycopg.connect(url) as connection:
        for start in range(0, BULK_EVENTS, BATCH):
            rows = [{"subject": str(n), "data": payload(n)} for n in range(start, start + BATCH)]
            connection.execute(
                "INSERT INTO marketplace.bench_bare (shop_id, event_type, subject, payload) "
                "SELECT %s, 'bench.bulk', r.subject, r.data FROM jsonb_to_recordset(%s) AS r(subject text, data jsonb)",
                [shop, orjson.dumps(rows).decode()],
            )
            connection.commit()


async def _publish_bulk(db: Database, shop: UUID) -> None:
    for start in range(0, BULK_EVENTS, BATCH):
        async with db.tenant(shop_id=shop) as session:
            await publish_many(
                session,
                [
                    NewEvent(type="bench.bulk", subject=str(n), data=payload(n))
                    for n in range(start, start + BATCH)
                ],
            )


SELECT = """
    SELECT 'bench.select' AS type, n::text AS subject,
           jsonb_build_object('product_id', 'gid://shopify/Product/' || n, 'handle', 'linen-shirt-' || n,
                              'title', 'Linen shirt, washed, mother-of-pearl buttons') AS data
    FROM generate_series(1, {many}) AS n
"""


def _insert_select(url: str, shop: UUID) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO marketplace.bench_bare (shop_id, event_type, subject, payload) "
            f"SELECT %s, event.type, event.subject, event.data FROM ({SELECT.format(many=BULK_EVENTS)}) AS event",
            [shop],
        )


async def _publish_select(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop) as session:
        await publish_from(
            session, SELECT.format(many=":many").replace("::text", "\\:\\:text"), {"many": BULK_EVENTS}
        )


def _insert_single(url: str, shop: UUID) -> None:
    with psycopg.connect(url) as connection:
        for n in range(SINGLE_EVENTS):
            connection.execute(
                "INSERT INTO marketplace.bench_bare (shop_id, event_type, subject, payload) "
                "VALUES (%s, 'bench.single', %s, %s)",
                [shop, str(n), orjson.dumps(payload(n)).decode()],
            )
            connection.commit()


async def _insert_as_tenant(db: Database, shop: UUID) -> None:
    statement = text(
        "INSERT INTO marketplace.bench_bare (shop_id, event_type, subject, payload) "
        "VALUES (:shop, 'bench.single', :subject, CAST(:data AS jsonb))"
    )
    for n in range(SINGLE_EVENTS):
        async with db.tenant(shop_id=shop) as session:
            data = orjson.dumps(payload(n)).decode()
            await session.execute(statement, {"shop": shop, "subject": str(n), "data": data})


async def _publish_single(db: Database, shop: UUID) -> None:
    for n in range(SINGLE_EVENTS):
        async with db.tenant(shop_id=shop) as session:
            await publish(session, type="bench.single", subject=str(n), data=payload(n))


async def _deliver(db: Database, endpoint: str) -> None:
    await deliver_due(db, subscribers[endpoint])


async def _check_and_clear(db: Database) -> None:
    """Every event was delivered, exactly once; then the tables start over."""
    async with db.system() as session:
        effects = (await session.execute(text("SELECT count(*) FROM marketplace.bench_effects"))).scalar_one()
        assert effects == 2 * BULK_EVENTS + SINGLE_EVENTS, f"{effects} effects"
        states = await session.execute(text("SELECT DISTINCT state FROM marketplace.hm_event_delivery"))
        assert states.scalars().all() == ["delivered"]
        await session.execute(text("TRUNCATE marketplace.bench_bare, marketplace.bench_effects"))
        await session.execute(text("DELETE FROM marketplace.hm_event_queue"))


async def _latency(db: Database, shop: UUID) -> dict[str, float]:
    """From before publishing until the subscriber is called, with a worker that waits for the notification."""
    called: asyncio.Queue[float] = asyncio.Queue()
    listening = Subscribers()

    @listening.subscriber("bench.latency", types=["bench.latency"])
    async def note(_session: AsyncSession, _event: Event) -> None:
        called.put_nowait(time.perf_counter())

    stop = asyncio.Event()
    worker = asyncio.create_task(deliver(db, stop, subscribers=listening))
    waits = []
    async with asyncio.timeout(60):
        await _until_stored(db)
        for n in range(LATENCY_EVENTS):
            started = time.perf_counter()
            async with db.tenant(shop_id=shop) as session:
                await publish(session, type="bench.latency", data=payload(n))
            waits.append((await called.get() - started) * 1000)
    stop.set()
    await worker
    waits.sort()
    return {"median": round(median(waits), 1), "p95": round(waits[int(len(waits) * 0.95)], 1)}


async def _until_stored(db: Database) -> None:
    query = text("SELECT count(*) FROM marketplace.hm_event_subscription WHERE event_type = 'bench.latency'")
    while True:
        async with db.system() as session:
            if (await session.execute(query)).scalar_one():
                return
        await asyncio.sleep(0.01)
