"""`--snapshot`: what the files do not hold is deleted, within the types that they hold, in this merchant, if nothing was rejected."""

from uuid import UUID

from tests.pim.bulk.conftest import NOW, Mirror, product, variant

from entrepot.sandbox.shopify.exporting import write_export

COLLECTION = {"id": "gid://shopify/Collection/1", "title": "C", "handle": "c"}
CUSTOMER = {"id": "gid://shopify/Customer/1", "email": "a@b.c"}


def member(number: int) -> dict[str, str]:
    return {"id": f"gid://shopify/Product/{number}", "__parentId": COLLECTION["id"]}


async def test_what_is_missing_is_deleted_with_what_hangs_on_it(
    mirror: Mirror, merchant: UUID, neighbor: UUID
) -> None:
    whole = [
        product(1),
        variant(11, 1),
        variant(12, 1),
        product(2),
        variant(21, 2),
        COLLECTION,
        member(1),
        member(2),
        CUSTOMER,
    ]
    await mirror.take(merchant, *whole)
    await mirror.take(neighbor, *whole)
    imported = await mirror.take(merchant, product(1), variant(11, 1), snapshot=True)
    deleted = {kind: counts.deleted for kind, counts in imported.outcome.by_type.items() if counts.deleted}
    assert deleted == {"Product": 1, "ProductVariant": 2, "CollectionProduct": 1}
    assert await mirror.rows(merchant, "SELECT shopify_gid FROM pim.shopify_variants") == [
        {"shopify_gid": "gid://shopify/ProductVariant/11"}
    ]
    assert await mirror.count(merchant, "shopify_products") == 1
    # Types that the file does not hold are left alone, and so is the other shop.
    assert await mirror.count(merchant, "shopify_collections") == 1
    assert await mirror.count(merchant, "shopify_customers") == 1
    assert await mirror.count(merchant, "shopify_collection_products") == 1
    assert await mirror.count(neighbor, "shopify_products") == 2
    assert await mirror.count(neighbor, "shopify_variants") == 3
    events = await mirror.rows(
        merchant, "SELECT event_type FROM marketplace.hm_event_queue WHERE event_type LIKE '%.deleted'"
    )
    assert events == [{"event_type": "pim.product.deleted"}]


async def test_variants_that_go_with_their_product_are_counted(mirror: Mirror, merchant: UUID) -> None:
    publication = {"id": "gid://shopify/Publication/1", "name": "P"}
    published = {
        "publication": {"id": publication["id"]},
        "isPublished": True,
        "__parentId": "gid://shopify/Product/2",
    }
    await mirror.take(
        merchant, product(1), product(2), variant(21, 2), variant(22, 2), publication, published
    )
    imported = await mirror.take(merchant, product(1), snapshot=True)
    assert imported.outcome.by_type["ProductVariant"].deleted == 2
    assert imported.outcome.total.deleted == 4
    assert await mirror.count(merchant, "shopify_variants") == 0
    assert await mirror.count(merchant, "shopify_resource_publications") == 0
    assert await mirror.count(merchant, "shopify_publications") == 1


async def test_nothing_is_deleted_when_anything_was_rejected(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, product(1), product(2))
    imported = await mirror.take(merchant, product(1, title="New"), b"{broken", snapshot=True)
    assert imported.snapshot_withheld
    assert imported.outcome.total.deleted == 0
    assert await mirror.count(merchant, "shopify_products") == 2
    assert (await mirror.product(merchant, 1))["title"] == "New"


async def test_without_snapshot_nothing_is_deleted(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, product(1), product(2))
    imported = await mirror.take(merchant, product(1))
    assert imported.outcome.total.deleted == 0
    assert await mirror.count(merchant, "shopify_products") == 2


async def test_a_snapshot_of_a_smaller_shop_leaves_exactly_that(
    mirror: Mirror, merchant: UUID, neighbor: UUID
) -> None:
    large, small = mirror.write(b""), mirror.write(b"")
    write_export(large, seed=5, products=20, now=NOW)
    write_export(small, seed=6, products=8, now=NOW)
    await mirror.take_files(merchant, large)
    await mirror.take_files(merchant, small, snapshot=True)
    await mirror.take_files(neighbor, small)
    for table in (
        "shopify_products", "shopify_variants", "shopify_collections", "shopify_collection_products", "shopify_media", "shopify_product_media",
        "shopify_variant_media", "shopify_orders", "shopify_customers", "shopify_menus", "shopify_menu_items", "shopify_metaobjects",
        "shopify_publications", "shopify_resource_publications", "inventory_locations",
    ):  # fmt: skip
        assert await mirror.count(merchant, table) == await mirror.count(neighbor, table), table
    # The same snapshot again finds nothing to do and nothing to delete.
    again = await mirror.take_files(merchant, small, snapshot=True, force=True)
    assert (again.outcome.total.deleted, again.outcome.total.inserted, again.outcome.total.updated) == (
        0,
        0,
        0,
    )
