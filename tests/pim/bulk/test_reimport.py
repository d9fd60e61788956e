"""Importing again: what is the same stays untouched, what differs is one change, what is gone is null."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from entrepot.sandbox.shopify.exporting import write_export
from tests.pim.bulk.conftest import NOW, Mirror, product, variant

TABLES = (
    "shopify_products", "shopify_variants", "shopify_collections", "shopify_collection_products", "shopify_customers", "shopify_orders",
    "shopify_media", "shopify_product_media", "shopify_variant_media", "shopify_metaobjects", "shopify_menus", "shopify_menu_items",
    "shopify_publications", "shopify_resource_publications", "inventory_locations", "inventory_ledger",
)  # fmt: skip


async def versions(mirror: Mirror, shop: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Where every row of the mirror lies and who wrote it: the same only if nothing was written."""
    found = {}
    async with mirror.db.tenant(shop_id=shop) as session:
        for table in (*TABLES, "audit_logs"):
            rows = await session.execute(text(f"SELECT tableoid, ctid::text, xmin::text FROM pim.{table} ORDER BY 1, 2"))
            found[table] = [tuple(row) for row in rows]
    return found


@pytest.mark.parametrize("way", ["grouped", "parents first", "shuffled"])
async def test_a_whole_export_again_writes_nothing(mirror: Mirror, shop: UUID, way: str) -> None:
    path = mirror.write(b"")
    summary = write_export(path, seed=4, products=25, now=NOW, grouped=way == "grouped", shuffle=way == "shuffled")
    first = await mirror.take_files(shop, path)
    assert first.outcome.total.inserted == first.outcome.total.read == summary.lines
    for table in TABLES:
        assert await mirror.count(shop, table) > 0, table
    before = await versions(mirror, shop)
    again = await mirror.take_files(shop, path, force=True)
    assert again.outcome.total.unchanged == again.outcome.total.read == summary.lines
    assert await versions(mirror, shop) == before


async def test_children_may_come_before_their_parents(mirror: Mirror, shop: UUID, other_shop: UUID) -> None:
    path, shuffled = mirror.write(b""), mirror.write(b"")
    write_export(path, seed=9, products=12, now=NOW)
    lines = path.read_bytes().splitlines(keepends=True)
    # Only the order of children of one parent means anything; reversed groups keep it.
    children = [line for line in lines if b'"__parentId"' in line]
    shuffled.write_bytes(b"".join(children + [line for line in lines if line not in set(children)][::-1]))
    await mirror.take_files(shop, path)
    await mirror.take_files(other_shop, shuffled)
    assert await contents(mirror, shop) == await contents(mirror, other_shop)


async def contents(mirror: Mirror, shop: UUID) -> dict[str, list[Any]]:
    """Everything in the mirror but identifiers and times."""
    found = {}
    async with mirror.db.tenant(shop_id=shop) as session:
        for table in TABLES:
            columns = "to_jsonb(t) - '{id,shop_id,media_id,product_id,variant_id,collection_id,customer_id,menu_id,parent_item_id,publication_id,resource_id,reference_id,line_items,created_at,updated_at,synced_at,recorded_at}'::text[]"
            rows = await session.execute(text(f"SELECT ({columns})::text AS row FROM pim.{table} AS t ORDER BY 1"))
            found[table] = list(rows.scalars())
    return found


async def test_a_changed_title_is_one_update_and_one_audit_row(mirror: Mirror, shop: UUID) -> None:
    records = [product(number) for number in range(1, 6)] + [variant(number, number) for number in range(1, 6)]
    await mirror.take(shop, *records)
    before = await versions(mirror, shop)
    old = await mirror.product(shop, 3)
    records[2] = product(3, title="New name")
    imported = await mirror.take(shop, *records)
    counts = imported.outcome.by_type["Product"]
    assert (counts.read, counts.inserted, counts.updated, counts.unchanged) == (5, 0, 1, 4)
    assert imported.outcome.by_type["ProductVariant"].unchanged == 5
    after = await versions(mirror, shop)
    assert len(set(before["shopify_products"]) - set(after["shopify_products"])) == 1
    assert before["shopify_variants"] == after["shopify_variants"]
    new = await mirror.product(shop, 3)
    assert new["id"] == old["id"]
    assert new["updated_at"] > old["updated_at"]
    audit = await mirror.rows(
        shop, "SELECT action, old_values ->> 'title' AS old, new_values ->> 'title' AS new FROM pim.audit_logs WHERE action = 'UPDATE'"
    )
    assert audit == [{"action": "UPDATE", "old": "Product 3", "new": "New name"}]
    assert len(after["audit_logs"]) == len(before["audit_logs"]) + 1


async def test_a_null_clears_and_an_absent_field_says_nothing(mirror: Mirror, shop: UUID) -> None:
    await mirror.take(shop, product(1, vendor="V", productType="T", tags=["a"], templateSuffix="x"), product(2, vendor="W", productType="U"))
    await mirror.take(shop, product(1, vendor=None), product(2))
    first, second = await mirror.product(shop, 1), await mirror.product(shop, 2)
    # No record tells of productType: it stays. One tells of vendor: both lose it.
    assert (first["vendor"], first["product_type"], first["tags"], first["template_suffix"]) == (None, "T", ["a"], "x")
    assert (second["vendor"], second["product_type"]) == (None, "U")


async def test_an_absent_field_below_another_says_nothing(mirror: Mirror, shop: UUID) -> None:
    item = {"id": "gid://shopify/InventoryItem/5", "unitCost": {"amount": "4.00"}, "measurement": {"weight": {"value": 2, "unit": "GRAMS"}}}
    await mirror.take(shop, product(1), variant(11, 1, inventoryItem=item), variant(12, 1, inventoryItem=item))
    await mirror.take(shop, variant(11, 1, inventoryItem={"id": item["id"]}), variant(12, 1, inventoryItem={"id": item["id"]}))
    row = await mirror.variant(shop, 11)
    assert (row["cost"], row["weight"], row["weight_unit"]) == (4, 2, "GRAMS")
    await mirror.take(shop, variant(11, 1, inventoryItem={"unitCost": None}), variant(12, 1, inventoryItem={"unitCost": {"amount": "5"}}))
    assert (await mirror.variant(shop, 11))["cost"] is None
    row = await mirror.variant(shop, 12)
    assert (row["cost"], row["weight"], row["inventory_item_id"]) == (5, 2, item["id"])


async def test_a_bad_record_does_not_make_a_field_told(mirror: Mirror, shop: UUID) -> None:
    await mirror.take(shop, product(1, vendor="V"))
    await mirror.take(shop, product(1), product(2, vendor="W", status="WRONG"))
    assert (await mirror.product(shop, 1))["vendor"] == "V"


async def test_what_an_export_has_no_field_for_stays(mirror: Mirror, shop: UUID) -> None:
    collection = {"id": "gid://shopify/Collection/1", "title": "C", "handle": "c"}
    menu = {"id": "gid://shopify/Menu/1", "title": "M", "handle": "m"}
    await mirror.take(
        shop, collection | {"ruleSet": {"appliedDisjunctively": False, "rules": [{"column": "TAG"}]}}, menu | {"items": [{"title": "A"}, {"title": "B"}]}
    )
    await mirror.take(shop, collection | {"title": "D"}, menu | {"title": "N"})
    row = (await mirror.rows(shop, "SELECT title, collection_type, rules FROM pim.shopify_collections"))[0]
    assert row == {"title": "D", "collection_type": "SMART", "rules": [{"column": "TAG"}]}
    assert await mirror.one(shop, "SELECT items_count FROM pim.shopify_menus WHERE title = 'N'") == 2
    assert await mirror.count(shop, "shopify_menu_items") == 2
    await mirror.take(shop, collection | {"title": "D", "ruleSet": None}, menu | {"items": None})
    row = (await mirror.rows(shop, "SELECT collection_type, rules FROM pim.shopify_collections"))[0]
    assert row == {"collection_type": "MANUAL", "rules": None}
    assert await mirror.count(shop, "shopify_menu_items") == 0


async def test_the_same_files_again_do_nothing_unless_forced(mirror: Mirror, shop: UUID) -> None:
    first, second = mirror.write(b""), mirror.write(b"")
    write_export(first, seed=1, products=3, now=NOW, bad_lines=2)
    write_export(second, seed=2, products=3, now=NOW)
    one = await mirror.take_files(shop, first, second)
    again = await mirror.take_files(shop, second, first)
    assert again.repeated
    assert again.run_id == one.run_id
    assert again.outcome.total.unchanged == one.outcome.total.read - 2
    assert again.outcome.total.rejected == 2
    assert await mirror.count(shop, "bulk_runs") == 1
    forced = await mirror.take_files(shop, first, second, force=True)
    assert not forced.repeated
    assert await mirror.count(shop, "bulk_runs") == 2


async def test_a_then_b_then_a_again_imports_a_again(mirror: Mirror, shop: UUID) -> None:
    a, b = (mirror.write(__import__("json").dumps(product(1, title=title)).encode()) for title in "AB")
    for path, title in ((a, "A"), (b, "B"), (a, "A")):
        imported = await mirror.take_files(shop, path)
        assert not imported.repeated
        assert (await mirror.product(shop, 1))["title"] == title


async def test_a_product_twice_in_a_file_is_the_later_one(mirror: Mirror, shop: UUID) -> None:
    imported = await mirror.take(shop, product(1, title="A"), variant(11, 1), product(1, title="B"), variant(11, 1, price="2"))
    assert await mirror.reasons(shop, imported) == [(1, "id", "DUPLICATE"), (2, "id", "DUPLICATE")]
    assert (await mirror.product(shop, 1))["title"] == "B"
    assert (await mirror.variant(shop, 11))["price"] == 2


async def test_a_product_without_handle_gets_one_of_its_title(mirror: Mirror, shop: UUID) -> None:
    await mirror.take(shop, {"id": "gid://shopify/Product/1", "title": "Große  Lampe! " + "x" * 400})
    assert (await mirror.product(shop, 1))["handle"] == "große-lampe-" + "x" * 243
