"""An import is one shop's: what it writes, what it tells others, and who it runs as."""

from uuid import UUID, uuid4

from sqlalchemy import text
from tests.pim.bulk.conftest import NOW, Mirror, as_lines, product, variant

from entrepot.kit.progress import SILENT
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.sandbox.shopify.exporting import write_export

EVENTS = "SELECT event_type, subject, payload FROM marketplace.hm_event_queue ORDER BY id"


async def test_the_same_file_in_two_shops(mirror: Mirror, merchant: UUID, neighbor: UUID) -> None:
    path = mirror.write(b"")
    write_export(path, seed=3, products=6, now=NOW)
    first = await mirror.take_files(merchant, path)
    second = await mirror.take_files(neighbor, path)
    assert first.outcome.as_dict() == second.outcome.as_dict()
    assert first.run_id != second.run_id
    query = "SELECT shop_id, id, shopify_gid FROM pim.shopify_products ORDER BY shopify_gid"
    mine, theirs = await mirror.rows(merchant, query), await mirror.rows(neighbor, query)
    assert {row["shop_id"] for row in mine} == {merchant}
    assert {row["shop_id"] for row in theirs} == {neighbor}
    assert [row["shopify_gid"] for row in mine] == [row["shopify_gid"] for row in theirs]
    assert not {row["id"] for row in mine} & {row["id"] for row in theirs}


async def test_a_change_in_one_shop_leaves_the_other_alone(
    mirror: Mirror, merchant: UUID, neighbor: UUID
) -> None:
    for shop in (merchant, neighbor):
        await mirror.take(
            shop,
            product(1),
            variant(11, 1),
            {"id": "gid://shopify/Order/1", "name": "#1", "totalPrice": "1", "currencyCode": "EUR"},
        )
    query = "SELECT ctid::text, xmin::text FROM pim.shopify_products UNION ALL SELECT ctid::text, xmin::text FROM pim.shopify_orders"
    before = await mirror.rows(neighbor, query)
    await mirror.take(merchant, product(1, title="New"), snapshot=True)
    assert await mirror.rows(neighbor, query) == before
    assert (await mirror.product(neighbor, 1))["title"] == "Product 1"


async def test_an_import_writes_as_the_application(mirror: Mirror, merchant: UUID) -> None:
    async with mirror.db.system() as session:
        (found,) = (
            await session.execute(
                text("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = 'entrepot_app'")
            )
        ).one()
    assert found is False
    user = uuid4()
    await mirror.take(merchant, product(1))
    path = mirror.write(as_lines([product(1, title="New")]))
    await import_files(
        Context(mirror.db, merchant, user_id=user, trace_id="trace-7"), [examine(path)], Options(), SILENT
    )
    rows = await mirror.rows(
        merchant, "SELECT user_id, request_id FROM pim.audit_logs WHERE entity_type = 'shopify_products'"
    )
    assert rows == [{"user_id": user, "request_id": "trace-7"}]


async def test_an_event_for_each_changed_record_and_one_for_the_import(
    mirror: Mirror, merchant: UUID
) -> None:
    collection = {"id": "gid://shopify/Collection/1", "title": "C", "handle": "c"}
    records = [
        product(1),
        product(2),
        variant(11, 1),
        collection,
        {"id": "gid://shopify/Customer/1"},
        {"id": "gid://shopify/Order/1", "name": "#1", "totalPrice": "1", "currencyCode": "EUR"},
    ]
    first = await mirror.take(merchant, *records)
    events = await mirror.rows(merchant, EVENTS)
    assert sorted(event["event_type"] for event in events) == sorted([
        "pim.product.created", "pim.product.created", "pim.collection.created", "pim.customer.created", "pim.order.created", "pim.import.completed",
    ])  # fmt: skip
    ids = {
        row["shopify_gid"]: str(row["id"])
        for row in await mirror.rows(merchant, "SELECT shopify_gid, id FROM pim.shopify_products")
    }
    told = {
        event["payload"]["gid"]: event["subject"]
        for event in events
        if event["event_type"] == "pim.product.created"
    }
    assert told == ids
    assert all(event["payload"]["run_id"] == str(first.run_id) for event in events)
    records[1] = product(2, title="New")
    await mirror.take(merchant, *records)
    later = (await mirror.rows(merchant, EVENTS))[len(events) :]
    assert sorted(
        (event["event_type"], event["payload"].get("gid")) for event in later if "gid" in event["payload"]
    ) == [("pim.product.updated", "gid://shopify/Product/2")]
    assert len(later) == 2


async def test_events_and_checkpoints_come_with_the_rows_or_not_at_all(
    mirror: Mirror, merchant: UUID
) -> None:
    await mirror.take(merchant, product(1), variant(11, 1))
    checkpoints = await mirror.rows(
        merchant, "SELECT resource_type, records_synced, last_cursor FROM pim.sync_checkpoints ORDER BY 1"
    )
    assert [(row["resource_type"], row["records_synced"]) for row in checkpoints] == [
        ("products", 1),
        ("variants", 1),
    ]
    rows = await mirror.rows(
        merchant,
        """SELECT DISTINCT xmin::text AS writer FROM marketplace.hm_event_queue
           UNION SELECT xmin::text FROM pim.sync_checkpoints UNION SELECT xmin::text FROM pim.shopify_products
           UNION SELECT xmin::text FROM pim.shopify_variants""",
    )
    assert len(rows) == 1
    imported = await mirror.take(merchant, product(2), b"{")
    after = {
        row["resource_type"]: row["last_cursor"]
        for row in await mirror.rows(merchant, "SELECT resource_type, last_cursor FROM pim.sync_checkpoints")
    }
    assert after == {"products": str(imported.run_id), "variants": checkpoints[1]["last_cursor"]}


async def test_nothing_is_left_in_staging(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, product(1), variant(11, 1), {"id": "gid://shopify/Location/1", "name": "L"})
    for table in ("staging_products", "staging_variants", "staging_records"):
        assert await mirror.count(merchant, table) == 0
