"""Importing again: what is the same stays untouched, what differs is one change, what is gone is null."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.pim.bulk.conftest import NOW, Mirror, as_lines, product, variant

from entrepot.sandbox.shopify.exporting import write_export

TABLES = (
    "shopify_products", "shopify_variants", "shopify_collections", "shopify_collection_products", "shopify_customers", "shopify_orders",
    "shopify_media", "shopify_product_media", "shopify_variant_media", "shopify_metaobjects", "shopify_menus", "shopify_menu_items",
    "shopify_publications", "shopify_resource_publications", "inventory_locations", "inventory_ledger",
)  # fmt: skip


async def versions(mirror: Mirror, merchant: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Where every row of the mirror lies and who wrote it: the same only if nothing was written."""
    found = {}
    async with mirror.db.tenant(shop_id=merchant) as session:
        for table in (*TABLES, "audit_logs"):
            rows = await session.execute(
                text(f"SELECT tableoid, ctid::text, xmin::text FROM pim.{table} ORDER BY 1, 2")
            )
            found[table] = [tuple(row) for row in rows]
    return found


@pytest.mark.parametrize("way", ["grouped", "parents first", "shuffled"])
async def test_a_whole_export_again_writes_nothing(mirror: Mirror, merchant: UUID, way: str) -> None:
    path = mirror.write(b"")
    summary = write_export(
        path, seed=4, products=25, now=NOW, grouped=way == "grouped", shuffle=way == "shuffled"
    )
    first = await mirror.take_files(merchant, path)
    assert first.outcome.total.inserted == first.outcome.total.read == summary.lines
    for table in TABLES:
        assert await mirror.count(merchant, table) > 0, table
    before = await versions(mirror, merchant)
    again = await mirror.take_files(merchant, path, force=True)
    assert again.outcome.total.unchanged == again.outcome.total.read == summary.lines
    assert await versions(mirror, merchant) == before


async def test_children_may_come_before_their_parents(mirror: Mirror, merchant: UUID, neighbor: UUID) -> None:
    path, shuffled = mirror.write(b""), mirror.write(b"")
    write_export(path, seed=9, products=12, now=NOW)
    lines = path.read_bytes().splitlines(keepends=True)
    # Only the order of children of one parent means anything; reversed groups keep it.
    children = [line for line in lines if b'"__parentId"' in line]
    shuffled.write_bytes(b"".join(children + [line for line in lines if line not in set(children)][::-1]))
    await mirror.take_files(merchant, path)
    await mirror.take_files(neighbor, shuffled)
    assert await mirror.contents(merchant) == await mirror.contents(neighbor)


async def test_a_changed_title_is_one_update_and_one_audit_row(mirror: Mirror, merchant: UUID) -> None:
    records = [product(number) for number in range(1, 6)] + [
        variant(number, number) for number in range(1, 6)
    ]
    await mirror.take(merchant, *records)
    before = await versions(mirror, merchant)
    old = await mirror.product(merchant, 3)
    records[2] = product(3, title="New name")
    imported = await mirror.take(merchant, *records)
    counts = imported.outcome.by_type["Product"]
    assert (counts.read, counts.inserted, counts.updated, counts.unchanged) == (5, 0, 1, 4)
    assert imported.outcome.by_type["ProductVariant"].unchanged == 5
    after = await versions(mirror, merchant)
    assert len(set(before["shopify_products"]) - set(after["shopify_products"])) == 1
    assert before["shopify_variants"] == after["shopify_variants"]
    new = await mirror.product(merchant, 3)
    assert new["id"] == old["id"]
    assert new["updated_at"] > old["updated_at"]
    audit = await mirror.rows(
        merchant,
        "SELECT action, old_values ->> 'title' AS old, new_values ->> 'title' AS new FROM pim.audit_logs WHERE action = 'UPDATE'",
    )
    assert audit == [{"action": "UPDATE", "old": "Product 3", "new": "New name"}]
    assert len(after["audit_logs"]) == len(before["audit_logs"]) + 1


async def test_a_null_clears_and_an_absent_field_says_nothing(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(
        merchant,
        product(1, vendor="V", productType="T", tags=["a"], templateSuffix="x"),
        product(2, vendor="W", productType="U"),
    )
    await mirror.take(merchant, product(1, vendor=None), product(2))
    first, second = await mirror.product(merchant, 1), await mirror.product(merchant, 2)
    # No record tells of productType: it stays. One tells of vendor: both lose it.
    assert (first["vendor"], first["product_type"], first["tags"], first["template_suffix"]) == (
        None,
        "T",
        ["a"],
        "x",
    )
    assert (second["vendor"], second["product_type"]) == (None, "U")


async def test_an_absent_field_below_another_says_nothing(mirror: Mirror, merchant: UUID) -> None:
    item = {
        "id": "gid://shopify/InventoryItem/5",
        "unitCost": {"amount": "4.00"},
        "measurement": {"weight": {"value": 2, "unit": "GRAMS"}},
    }
    await mirror.take(
        merchant, product(1), variant(11, 1, inventoryItem=item), variant(12, 1, inventoryItem=item)
    )
    await mirror.take(
        merchant,
        variant(11, 1, inventoryItem={"id": item["id"]}),
        variant(12, 1, inventoryItem={"id": item["id"]}),
    )
    row = await mirror.variant(merchant, 11)
    assert (row["cost"], row["weight"], row["weight_unit"]) == (4, 2, "GRAMS")
    await mirror.take(
        merchant,
        variant(11, 1, inventoryItem={"unitCost": None}),
        variant(12, 1, inventoryItem={"unitCost": {"amount": "5"}}),
    )
    assert (await mirror.variant(merchant, 11))["cost"] is None
    row = await mirror.variant(merchant, 12)
    assert (row["cost"], row["weight"], row["inventory_item_id"]) == (5, 2, item["id"])


async def test_a_bad_record_does_not_make_a_field_told(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, product(1, vendor="V"))
    await mirror.take(merchant, product(1), product(2, vendor="W", status="WRONG"))
    assert (await mirror.product(merchant, 1))["vendor"] == "V"


async def test_what_an_export_has_no_field_for_stays(mirror: Mirror, merchant: UUID) -> None:
    collection = {"id": "gid://shopify/Collection/1", "title": "C", "handle": "c"}
    menu = {"id": "gid://shopify/Menu/1", "title": "M", "handle": "m"}
    await mirror.take(
        merchant,
        collection | {"ruleSet": {"appliedDisjunctively": False, "rules": [{"column": "TAG"}]}},
        menu | {"items": [{"title": "A"}, {"title": "B"}]},
    )
    await mirror.take(merchant, collection | {"title": "D"}, menu | {"title": "N"})
    row = (await mirror.rows(merchant, "SELECT title, collection_type, rules FROM pim.shopify_collections"))[
        0
    ]
    assert row == {"title": "D", "collection_type": "SMART", "rules": [{"column": "TAG"}]}
    assert await mirror.one(merchant, "SELECT items_count FROM pim.shopify_menus WHERE title = 'N'") == 2
    assert await mirror.count(merchant, "shopify_menu_items") == 2
    await mirror.take(merchant, collection | {"title": "D", "ruleSet": None}, menu | {"items": None})
    row = (await mirror.rows(merchant, "SELECT collection_type, rules FROM pim.shopify_collections"))[0]
    assert row == {"collection_type": "MANUAL", "rules": None}
    assert await mirror.count(merchant, "shopify_menu_items") == 0


async def test_the_same_files_again_do_nothing_unless_forced(mirror: Mirror, merchant: UUID) -> None:
    first, second = mirror.write(b""), mirror.write(b"")
    write_export(first, seed=1, products=3, now=NOW, bad_lines=2)
    write_export(second, seed=2, products=3, now=NOW)
    one = await mirror.take_files(merchant, first, second)
    again = await mirror.take_files(merchant, second, first)
    assert again.repeated
    assert again.run_id == one.run_id
    assert again.outcome.total.unchanged == one.outcome.total.read - 2
    assert again.outcome.total.rejected == 2
    assert await mirror.count(merchant, "bulk_runs") == 1
    forced = await mirror.take_files(merchant, first, second, force=True)
    assert not forced.repeated
    assert await mirror.count(merchant, "bulk_runs") == 2


async def test_a_then_b_then_a_again_imports_a_again(mirror: Mirror, merchant: UUID) -> None:
    a, b = (mirror.write(as_lines([product(1, title=title)])) for title in "AB")
    for path, title in ((a, "A"), (b, "B"), (a, "A")):
        imported = await mirror.take_files(merchant, path)
        assert not imported.repeated
        assert (await mirror.product(merchant, 1))["title"] == title


async def test_a_product_twice_in_a_file_is_the_later_one(mirror: Mirror, merchant: UUID) -> None:
    imported = await mirror.take(
        merchant, product(1, title="A"), variant(11, 1), product(1, title="B"), variant(11, 1, price="2")
    )
    assert await mirror.reasons(merchant, imported) == [(1, "id", "DUPLICATE"), (2, "id", "DUPLICATE")]
    assert (await mirror.product(merchant, 1))["title"] == "B"
    assert (await mirror.variant(merchant, 11))["price"] == 2


async def test_a_product_without_handle_gets_one_of_its_title(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, {"id": "gid://shopify/Product/1", "title": "Große  Lampe! " + "x" * 400})
    assert (await mirror.product(merchant, 1))["handle"] == "große-lampe-" + "x" * 243
