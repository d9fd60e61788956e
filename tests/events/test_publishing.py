"""Publishing: in the caller's transaction, once, with a delivery for each subscription that matches."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from entrepot.events import NewEvent, publish, publish_from, publish_many
from entrepot.events.envelope import Event
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError


async def subscribe(
    db: Database, pattern: str, *, endpoint: str = "task://listener", shop_id: UUID | None = None
) -> None:
    async with db.system() as session:
        await session.execute(
            text(
                "INSERT INTO marketplace.hm_event_subscription (event_type, subscriber_endpoint, shop_id) "
                "VALUES (:pattern, :endpoint, :shop_id)"
            ),
            {"pattern": pattern, "endpoint": endpoint, "shop_id": shop_id},
        )


async def count(db: Database, table: str) -> int:
    async with db.system() as session:
        found: int = (await session.execute(text(f"SELECT count(*) FROM marketplace.{table}"))).scalar_one()
        return found


async def test_an_event_and_its_deliveries_are_one_with_the_transaction(db: Database, shop: UUID) -> None:
    await subscribe(db, "pim.*")

    async def publish_and_fail() -> None:
        async with db.tenant(shop_id=shop) as session:
            await publish(session, type="pim.import.completed")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await publish_and_fail()
    assert await count(db, "hm_event_queue") == 0
    assert await count(db, "hm_event_delivery") == 0

    async with db.tenant(shop_id=shop) as session:
        await publish(session, type="pim.import.completed")
    assert await count(db, "hm_event_queue") == 1
    assert await count(db, "hm_event_delivery") == 1


@pytest.mark.parametrize(
    ("pattern", "heard"),
    [
        ("pim.import.completed", True),
        ("pim.*", True),
        ("pim.import.*", True),
        ("*", True),
        ("pim.import", False),
        ("pim.import.complete", False),
        ("pim.imports.*", False),
        ("pi.*", False),
    ],
)
async def test_a_subscription_hears_of_what_its_pattern_matches(
    db: Database, shop: UUID, pattern: str, heard: bool
) -> None:
    await subscribe(db, pattern)
    async with db.tenant(shop_id=shop) as session:
        await publish(session, type="pim.import.completed")
    assert await count(db, "hm_event_delivery") == int(heard)


async def test_a_shops_subscription_hears_of_its_own_events_only(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    await subscribe(db, "*", shop_id=shop)
    async with db.tenant(shop_id=other_shop) as session:
        await publish(session, type="pim.import.completed")
    assert await count(db, "hm_event_delivery") == 0
    async with db.tenant(shop_id=shop) as session:
        await publish(session, type="pim.import.completed")
    assert await count(db, "hm_event_delivery") == 1


async def test_an_inactive_subscription_gets_no_delivery(db: Database, shop: UUID) -> None:
    await subscribe(db, "*")
    async with db.system() as session:
        await session.execute(text("UPDATE marketplace.hm_event_subscription SET is_active = false"))
    async with db.tenant(shop_id=shop) as session:
        await publish(session, type="pim.import.completed")
    assert await count(db, "hm_event_delivery") == 0


async def test_many_events_are_published_in_order_and_for_the_transactions_shop(
    db: Database, shop: UUID
) -> None:
    await subscribe(db, "*")
    async with db.tenant(shop_id=shop, trace_id="trace-1") as session:
        ids = await publish_many(
            session, (NewEvent(type="pim.tested", subject=str(n), data={"n": n}) for n in range(50))
        )
    assert ids == sorted(ids)
    async with db.system() as session:
        rows = (
            (await session.execute(text("SELECT * FROM marketplace.hm_event_queue ORDER BY id")))
            .mappings()
            .all()
        )
    assert [row["id"] for row in rows] == ids
    assert [row["payload"]["n"] for row in rows] == list(range(50))
    assert {row["shop_id"] for row in rows} == {shop}
    assert {row["trace_id"] for row in rows} == {"trace-1"}
    assert await count(db, "hm_event_delivery") == 50


async def test_no_events_are_no_statement(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop) as session:
        assert await publish_many(session, []) == []


async def test_a_select_is_published_without_passing_through_python(db: Database, shop: UUID) -> None:
    await subscribe(db, "pim.*")
    async with db.tenant(shop_id=shop) as session:
        published = await publish_from(
            session,
            "SELECT 'pim.product.changed' AS type, 'product ' || n AS subject, jsonb_build_object('n', n) AS data "
            "FROM generate_series(1, :many) AS n",
            {"many": 1000},
            source="/pim/bulk",
        )
    assert published == 1000
    assert await count(db, "hm_event_delivery") == 1000
    async with db.system() as session:
        rows = await session.execute(text("SELECT DISTINCT shop_id, source FROM marketplace.hm_event_queue"))
        assert rows.all() == [(shop, "/pim/bulk")]


async def test_a_dedupe_key_publishes_once_a_tenant(db: Database, shop: UUID, other_shop: UUID) -> None:
    await subscribe(db, "*")
    for tenant, expected in ((shop, 1), (shop, 1), (other_shop, 2)):
        async with db.tenant(shop_id=tenant) as session:
            await publish(session, type="pim.import.completed", dedupe_key="run 1")
        assert await count(db, "hm_event_queue") == expected
        assert await count(db, "hm_event_delivery") == expected
    async with db.tenant(shop_id=shop) as session:
        assert await publish(session, type="pim.import.completed", dedupe_key="run 1") is None


async def test_a_tenant_cannot_publish_for_another_shop_or_for_none(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    for statement in (
        "INSERT INTO marketplace.hm_event_queue (shop_id, event_type) VALUES (:other, 'pim.forged')",
        "INSERT INTO marketplace.hm_event_queue (shop_id, event_type) VALUES (NULL, 'pim.forged')",
    ):
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with db.tenant(shop_id=shop) as session:
                await session.execute(text(statement), {"other": other_shop} if ":other" in statement else {})
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with db.tenant(shop_id=shop) as session:
            await publish(session, type="pim.forged", shop_id=other_shop)
    assert await count(db, "hm_event_queue") == 0


async def test_a_tenant_reads_its_own_events_and_changes_none(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    await subscribe(db, "*")
    async with db.system() as session:
        await publish_many(
            session,
            [
                NewEvent(type="pim.mine", shop_id=shop),
                NewEvent(type="pim.theirs", shop_id=other_shop),
                NewEvent(type="pim.global"),
            ],
        )
    async with db.tenant(shop_id=shop) as session:
        seen = (
            (await session.execute(text("SELECT event_type FROM marketplace.hm_event_queue"))).scalars().all()
        )
        assert seen == ["pim.mine"]
        assert (
            await session.execute(text("SELECT count(*) FROM marketplace.hm_event_delivery"))
        ).scalar_one() == 1
        assert (
            await session.execute(text("SELECT count(*) FROM marketplace.hm_event_subscription"))
        ).scalar_one() == 0
    for statement in (
        "UPDATE marketplace.hm_event_queue SET event_type = 'pim.changed'",
        "DELETE FROM marketplace.hm_event_queue",
        "UPDATE marketplace.hm_event_delivery SET state = 'dead'",
        "INSERT INTO marketplace.hm_event_subscription (event_type, subscriber_endpoint) VALUES ('*', 'task://spy')",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with db.tenant(shop_id=shop) as session:
                await session.execute(text(statement))


async def test_an_event_belongs_to_one_tenant(db: Database, shop: UUID, other_shop: UUID) -> None:
    with pytest.raises(Exception, match="one_tenant"):
        async with db.system() as session:
            await publish(session, type="pim.both", shop_id=shop, platform_id=other_shop)


@pytest.mark.parametrize("payload", [{"text": "a\x00b"}, {"text": "\\\x00"}])
async def test_a_nul_is_refused_before_the_transaction_is_spoilt(
    db: Database, shop: UUID, payload: dict[str, str]
) -> None:
    async with db.tenant(shop_id=shop) as session:
        with pytest.raises(InvalidInputError, match="NUL"):
            await publish(session, type="pim.tested", data=payload)
        await publish(session, type="pim.tested", data={"text": "the letters \\u0000 are no NUL"})
    async with db.system() as session:
        stored = await session.execute(text("SELECT payload ->> 'text' FROM marketplace.hm_event_queue"))
        assert stored.scalars().all() == ["the letters \\u0000 are no NUL"]


async def test_the_envelope_is_a_cloudevent(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop, trace_id="abc") as session:
        event_id = await publish(
            session, type="pim.import.completed", source="/pim/bulk", subject="bulk-run 7", data={"read": 60}
        )
    async with db.system() as session:
        row = await session.execute(
            text(
                "SELECT *, event_type AS type, occurred_at AS time, payload AS data FROM marketplace.hm_event_queue"
            )
        )
        event = Event.from_row(row.mappings().one())
    envelope = event.cloudevent()
    assert envelope.pop("time").endswith("Z")
    assert envelope == {
        "specversion": "1.0",
        "id": str(event_id),
        "source": "/pim/bulk",
        "type": "pim.import.completed",
        "subject": "bulk-run 7",
        "datacontenttype": "application/json",
        "shopid": str(shop),
        "traceid": "abc",
        "data": {"read": 60},
    }
