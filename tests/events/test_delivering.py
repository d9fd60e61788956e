"""Delivering: exactly once to the database, whatever dies, fails or comes twice."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.events.conftest import deliveries, make_due, publish_some, until_written, write_effect, written

from entrepot.events import Event, delivering, publish, queries
from entrepot.events.delivering import Delivered, claim_due, deliver_due, handle, retry_delay
from entrepot.events.redriving import purge, redrive
from entrepot.events.subscribing import Subscribers
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, LimitedError
from entrepot.kit.settings import Settings

pytestmark = pytest.mark.usefixtures("effects")


@pytest.fixture
async def subscribers(db: Database) -> Subscribers:
    """One subscriber, to all pim events, that writes an effect."""
    found = Subscribers()
    found.subscriber("writer", types=["pim.*"], max_attempts=3)(write_effect)
    async with db.system() as session:
        await found.store(session)
    return found


async def store(db: Database, subscribers: Subscribers) -> None:
    async with db.system() as session:
        await subscribers.store(session)


async def subscription(db: Database) -> object:
    async with db.system() as session:
        return (await session.execute(text("SELECT * FROM marketplace.hm_event_subscription"))).one()


async def test_what_is_due_is_delivered_once(db: Database, shop: UUID, subscribers: Subscribers) -> None:
    ids = await publish_some(db, shop, 250)
    assert await deliver_due(db, subscribers["task://writer"]) == Delivered(delivered=250)
    assert await deliver_due(db, subscribers["task://writer"]) == Delivered()
    assert await written(db) == ids
    assert set(await deliveries(db)) == {("delivered", 1)}


async def test_a_subscriber_works_as_the_events_shop(db: Database, shop: UUID, other_shop: UUID) -> None:
    seen: dict[str, list[tuple[str, str]]] = {"tenant": [], "system": []}
    subscribers = Subscribers()

    @subscribers.subscriber("tenant", types=["*"])
    async def tenant(session: AsyncSession, event: Event) -> None:
        row = (
            await session.execute(text("SELECT current_user, current_setting('app.current_shop_id')"))
        ).one()
        seen["tenant"].append((row[0], row[1]))

    @subscribers.batch_subscriber("system", types=["*"], spans_tenants=True)
    async def system(session: AsyncSession, events: Sequence[Event]) -> None:
        row = (await session.execute(text("SELECT current_user"))).one()
        seen["system"].append((row[0], str(len(events))))

    await store(db, subscribers)
    for tenant_id in (shop, other_shop, None):
        await publish_some(db, tenant_id, 1)
    for endpoint in subscribers.endpoints:
        assert (await deliver_due(db, subscribers[endpoint])).delivered == 3
    assert sorted(seen["tenant"]) == sorted(
        [("entrepot_app", str(shop)), ("entrepot_app", str(other_shop)), ("entrepot_system", "")]
    )
    assert seen["system"] == [("entrepot_system", "3")]


async def test_many_publishers_and_many_workers_deliver_each_event_once(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    subscribers = Subscribers()
    subscribers.subscriber("writer", types=["pim.*"])(write_effect)
    await store(db, subscribers)
    published: list[UUID] = []

    async def publisher(tenant: UUID) -> None:
        for _ in range(10):
            async with db.tenant(shop_id=tenant) as session:
                event_id = await publish(session, type="pim.tested")
            assert event_id is not None
            published.append(event_id)

    stop = asyncio.Event()
    workers = [asyncio.create_task(delivering.run(db, stop, subscribers=subscribers)) for _ in range(3)]
    await asyncio.gather(*(publisher(tenant) for tenant in (shop, other_shop) * 4))
    assert await until_written(db, len(published)) == sorted(published)
    stop.set()
    await asyncio.gather(*workers)
    assert await written(db) == sorted(published)
    assert set(await deliveries(db)) == {("delivered", 1)}


async def test_a_failing_event_holds_up_no_other_and_leaves_no_effect(db: Database, shop: UUID) -> None:
    subscribers = Subscribers()

    @subscribers.subscriber("picky", types=["pim.*"], max_attempts=3)
    async def picky(session: AsyncSession, event: Event) -> None:
        await write_effect(session, event)
        if event.data["n"] == 3:
            raise RuntimeError("not this one, with password=hunter2")

    await store(db, subscribers)
    ids = await publish_some(db, shop, 6)
    outcome = await deliver_due(db, subscribers["task://picky"])
    assert outcome == Delivered(delivered=5, failed=1)
    assert await written(db) == [event_id for n, event_id in enumerate(ids) if n != 3]
    assert (await deliveries(db))[3] == ("pending", 1)
    async with db.system() as session:
        row = (
            await session.execute(
                text(
                    "SELECT error_message, next_retry_time > now() AS later FROM marketplace.hm_event_delivery "
                    "WHERE state = 'pending'"
                )
            )
        ).one()
    assert row.later
    assert row.error_message == "RuntimeError: not this one, with password=[redacted]"


async def test_after_its_attempts_a_delivery_is_dead_until_it_is_redriven(
    db: Database, shop: UUID, subscribers: Subscribers
) -> None:
    broken = True
    failing = Subscribers()

    @failing.subscriber("writer", types=["pim.*"], max_attempts=3)
    async def writer(session: AsyncSession, event: Event) -> None:
        if broken:
            raise RuntimeError("broken")
        await write_effect(session, event)

    first, second = await publish_some(db, shop, 2)
    for attempt in (1, 2, 3):
        assert await deliver_due(db, failing["task://writer"]) == Delivered(failed=2)
        assert await deliveries(db) == [("dead" if attempt == 3 else "pending", attempt)] * 2
        await make_due(db)
    assert await deliver_due(db, failing["task://writer"]) == Delivered()

    broken = False
    async with db.system() as session:
        assert await redrive(session, event_id=first) == 1
    assert await deliver_due(db, failing["task://writer"]) == Delivered(delivered=1)
    assert await written(db) == [first]
    async with db.system() as session:
        assert await redrive(session, subscriber="nobody") == 0
        assert await redrive(session, subscriber="writer", event_type="pim.tested") == 1
    assert await deliver_due(db, failing["task://writer"]) == Delivered(delivered=1)
    assert await written(db) == sorted([first, second])
    async with db.system() as session:
        assert await redrive(session) == 0
        assert await redrive(session, event_id=second, delivered=True) == 1
    assert await deliver_due(db, failing["task://writer"]) == Delivered(delivered=1)


async def test_invalid_input_is_not_tried_again(db: Database, shop: UUID) -> None:
    subscribers = Subscribers()

    @subscribers.subscriber("strict", types=["*"])
    async def strict(session: AsyncSession, event: Event) -> None:
        raise InvalidInputError("no")

    await store(db, subscribers)
    await publish_some(db, shop, 1)
    await deliver_due(db, subscribers["task://strict"])
    assert await deliveries(db) == [("dead", 1)]


async def test_a_limit_says_itself_when_to_come_back(db: Database, shop: UUID) -> None:
    subscribers = Subscribers()

    @subscribers.subscriber("limited", types=["*"])
    async def limited(session: AsyncSession, event: Event) -> None:
        raise LimitedError("slowly", retry_after=5000)

    await store(db, subscribers)
    await publish_some(db, shop, 1)
    await deliver_due(db, subscribers["task://limited"])
    async with db.system() as session:
        wait = await session.execute(
            text("SELECT extract(epoch FROM next_retry_time - now()) FROM marketplace.hm_event_delivery")
        )
        assert 4900 < wait.scalar_one() <= 5000


async def test_a_lease_keeps_others_out_until_it_ends(
    db: Database, shop: UUID, subscribers: Subscribers
) -> None:
    ids = await publish_some(db, shop, 4)
    held = await claim_due(db, await subscription(db), 3, timedelta(hours=1))  # type: ignore[arg-type]
    assert held.event_ids == ids[:3]
    assert await deliver_due(db, subscribers["task://writer"]) == Delivered(delivered=1)
    assert await written(db) == ids[3:]

    async with db.system() as session:
        await session.execute(
            text(
                "UPDATE marketplace.hm_event_delivery SET lease_until = now() - interval '1 second' WHERE state = 'leased'"
            )
        )
    assert await deliver_due(db, subscribers["task://writer"]) == Delivered(delivered=3)
    assert await written(db) == ids

    # The first worker comes back to life. Its lease is gone, and so is what it does now.
    assert await handle(db, subscribers["task://writer"], held) == Delivered(lost=3)
    assert await written(db) == ids
    assert await deliveries(db) == [("delivered", 2)] * 3 + [("delivered", 1)]


async def test_an_event_that_kills_its_worker_ends_as_a_dead_letter(
    db: Database, shop: UUID, subscribers: Subscribers
) -> None:
    await publish_some(db, shop, 1)
    for _ in range(3):
        claim = await claim_due(db, await subscription(db), 10, timedelta(seconds=-1))  # type: ignore[arg-type]
        assert len(claim.events) == 1
        async with db.system() as session:
            await session.execute(queries.EXPIRE_LEASES)
    assert await deliveries(db) == [("dead", 3)]
    assert await deliver_due(db, subscribers["task://writer"]) == Delivered()


async def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(
    db: Database, shop: UUID, settings: Settings, subscribers: Subscribers
) -> None:
    ids = await publish_some(db, shop, 20)
    script = textwrap.dedent(
        """
        import asyncio, os, signal
        from datetime import timedelta
        from pathlib import Path
        from entrepot.events.delivering import deliver_due
        from entrepot.events.subscribing import Subscribers
        from entrepot.kit.db import Database
        from entrepot.kit.settings import Settings
        from sqlalchemy import text

        subscribers = Subscribers()

        @subscribers.subscriber("writer", types=["pim.*"])
        async def writer(session, event):
            await session.execute(text("INSERT INTO marketplace.effects (event_id) VALUES (:id)"), {"id": event.id})
            if event.data["n"] == 10:
                os.kill(os.getpid(), signal.SIGKILL)

        async def main():
            settings = Settings(home=Path(os.environ["HOME_OF_TEST"]), database_name=os.environ["DATABASE_OF_TEST"])
            await deliver_due(Database(settings), subscribers["task://writer"], lease=timedelta(seconds=1))

        asyncio.run(main())
        """
    )
    environment = os.environ | {
        "HOME_OF_TEST": str(settings.home),
        "DATABASE_OF_TEST": settings.database_name,
    }
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert await written(db) == []
    assert {state for state, _ in await deliveries(db)} == {"leased"}
    while len(await written(db)) < len(ids):
        await deliver_due(db, subscribers["task://writer"])
        await asyncio.sleep(0.1)
    assert await written(db) == ids
    assert set(await deliveries(db)) == {("delivered", 2)}


async def test_a_long_handler_keeps_its_lease(db: Database, shop: UUID) -> None:
    subscribers = Subscribers()
    others: list[Delivered] = []

    @subscribers.subscriber("slow", types=["*"])
    async def slow(session: AsyncSession, event: Event) -> None:
        await write_effect(session, event)
        await asyncio.sleep(1.5)  # three leases long
        if not others:
            others.append(await deliver_due(db, subscribers["task://slow"]))

    await store(db, subscribers)
    ids = await publish_some(db, shop, 1)
    assert await deliver_due(db, subscribers["task://slow"], lease=timedelta(seconds=0.5)) == Delivered(
        delivered=1
    )
    assert others == [Delivered()]
    assert await written(db) == ids


async def test_a_stopped_worker_finishes_what_it_began_and_releases_the_rest(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    stop = asyncio.Event()
    subscribers = Subscribers()

    @subscribers.subscriber("stopped", types=["*"])
    async def stopped(session: AsyncSession, event: Event) -> None:
        stop.set()
        await write_effect(session, event)

    await store(db, subscribers)
    await publish_some(db, shop, 2)
    await publish_some(db, other_shop, 2)
    assert await deliver_due(db, subscribers["task://stopped"], stop=stop) == Delivered(delivered=2)
    assert len(await written(db)) == 2
    assert sorted(await deliveries(db)) == [("delivered", 1)] * 2 + [("pending", 0)] * 2


async def test_publishing_wakes_the_worker(
    db: Database, shop: UUID, subscribers: Subscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "POLL_SECONDS", 3600.0)
    stop = asyncio.Event()
    worker = asyncio.create_task(delivering.run(db, stop, subscribers=subscribers))
    for n in range(3):
        await publish_some(db, shop, 1)
        await until_written(db, n + 1)
    stop.set()
    await worker


async def test_an_operators_settings_outlive_a_restart_and_withdrawn_types_do_not(db: Database) -> None:
    before = Subscribers()
    before.subscriber("writer", types=["pim.import.*", "pim.product.*"])(write_effect)
    await store(db, before)
    async with db.system() as session:
        await session.execute(
            text(
                "UPDATE marketplace.hm_event_subscription SET is_active = false, max_attempts = 42 "
                "WHERE event_type = 'pim.import.*'"
            )
        )
    after = Subscribers()
    after.subscriber("writer", types=["pim.import.*", "pim.order.*"])(write_effect)
    await store(db, after)
    async with db.system() as session:
        rows = await session.execute(
            text(
                "SELECT event_type, is_active, max_attempts FROM marketplace.hm_event_subscription ORDER BY 1"
            )
        )
        assert rows.all() == [
            ("pim.import.*", False, 42),
            ("pim.order.*", True, 10),
            ("pim.product.*", False, 10),
        ]


async def test_old_events_are_purged_when_all_their_deliveries_were_delivered(
    db: Database, shop: UUID, subscribers: Subscribers
) -> None:
    async with db.system() as session:
        for days, kind in ((40, "pim.old"), (40, "pim.stuck"), (40, "quiet.old"), (1, "pim.new")):
            await session.execute(
                text(
                    "INSERT INTO marketplace.hm_event_queue (id, event_type, shop_id) "
                    "VALUES (uuidv7(make_interval(days => -:days)), :kind, :shop)"
                ),
                {"days": days, "kind": kind, "shop": shop},
            )
        await session.execute(
            text(
                "UPDATE marketplace.hm_event_delivery SET state = 'dead' WHERE event_id = "
                "(SELECT id FROM marketplace.hm_event_queue WHERE event_type = 'pim.stuck')"
            )
        )
    await deliver_due(db, subscribers["task://writer"])
    assert await purge(db, days=30, batch=1) == 2
    async with db.system() as session:
        kept = await session.execute(text("SELECT event_type FROM marketplace.hm_event_queue ORDER BY 1"))
        assert kept.scalars().all() == ["pim.new", "pim.stuck"]


def test_retries_double_up_to_an_hour_with_half_of_it_at_random() -> None:
    assert [retry_delay(n, lambda: 1.0) for n in (1, 2, 3, 4)] == [2, 4, 8, 16]
    assert retry_delay(3, lambda: 0.0) == 4
    assert retry_delay(60, lambda: 1.0) == 3600


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        (["pim.*", "pim.import.completed"], "twice"),
        (["*", "pim.*"], "twice"),
        (["pim.*", "pim.import.*"], "twice"),
        (["pim.a", "pim.a"], "twice"),
        (["pim.%"], "neither"),
        (["*.completed"], "neither"),
        ([""], "neither"),
    ],
)
def test_a_subscriber_that_would_hear_twice_or_never_is_refused(types: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Subscribers().subscriber("writer", types=types)(write_effect)


def test_two_subscribers_of_one_name_are_refused() -> None:
    found = Subscribers()
    found.subscriber("writer", types=["pim.*"])(write_effect)
    with pytest.raises(ValueError, match="two subscribers"):
        found.subscriber("writer", types=["order.*"])(write_effect)
