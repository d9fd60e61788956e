"""What refers to what: in one file, in several, in any order, and between a CSV and a bulk operation."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from tests.pim.bulk.conftest import Mirror, Record, product, variant

from entrepot.kit.db.refresh import refresh

GID = "gid://shopify/"
LOCATION = {"id": f"{GID}Location/1", "name": "Shop"}
ORDER: Record = {
    "id": f"{GID}Order/1", "name": "#1001", "currencyCode": "EUR", "totalPriceSet": {"shopMoney": {"amount": "20.0"}},
    "customer": {"id": f"{GID}Customer/1"},
}  # fmt: skip
LINE: Record = {
    "id": f"{GID}LineItem/1",
    "title": "T",
    "quantity": 2,
    "variant": {"id": f"{GID}ProductVariant/11"},
    "__parentId": ORDER["id"],
}
CUSTOMER: Record = {"id": f"{GID}Customer/1", "email": "a@b.c"}


def level(quantity: int, parent: str = "ProductVariant/11", place: int = 1) -> Record:
    return {
        "id": f"{GID}InventoryLevel/{place}?inventory_item_id=1", "location": {"id": f"{GID}Location/{place}"},
        "quantities": [{"name": "available", "quantity": quantity}], "__parentId": GID + parent,
    }  # fmt: skip


def image(number: int, parent: str | None, **fields: Any) -> Record:
    record = {
        "id": f"{GID}MediaImage/{number}",
        "mediaContentType": "IMAGE",
        "image": {"url": f"https://cdn/{number}.jpg"},
    } | fields
    return record | ({"__parentId": GID + parent} if parent else {})


def metafield(number: int, parent: str, value: str | None, key: str | None = None) -> Record:
    return {
        "id": f"{GID}Metafield/{number}", "namespace": "custom", "key": key or f"k{number}", "value": value, "type": "single_line_text_field",
        "__parentId": GID + parent,
    }  # fmt: skip


async def order(mirror: Mirror, shop: UUID) -> dict[str, Any]:
    found = await mirror.rows(
        shop,
        """SELECT o.customer_id = c.id AS customer, o.line_items -> 0 ->> 'variant_id' = v.id::text AS variant, o.line_items, o.shipping_lines
           FROM pim.shopify_orders AS o LEFT JOIN pim.shopify_customers AS c ON true LEFT JOIN pim.shopify_variants AS v ON true""",
    )
    assert len(found) == 1
    return found[0]


async def test_an_order_before_its_variants_and_customer(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, ORDER, LINE)
    found = await order(mirror, merchant)
    assert (found["customer"], found["variant"]) == (None, None)
    assert found["line_items"][0]["variant_gid"] == f"{GID}ProductVariant/11"
    assert found["line_items"][0]["quantity"] == 2
    await mirror.take(merchant, product(1), variant(11, 1))
    assert (await order(mirror, merchant))["variant"] is True
    await mirror.take(merchant, CUSTOMER)
    assert (await order(mirror, merchant))["customer"] is True
    # Nothing of it is undone when the order comes once more.
    again = await mirror.take(merchant, ORDER, LINE, force=True)
    assert again.outcome.total.unchanged == 2


async def test_an_order_after_them_and_in_one_file(mirror: Mirror, merchant: UUID, neighbor: UUID) -> None:
    await mirror.take(merchant, LINE, ORDER, variant(11, 1), product(1), CUSTOMER)
    await mirror.take(neighbor, CUSTOMER, product(1), variant(11, 1))
    await mirror.take(neighbor, ORDER, LINE)
    for shop in (merchant, neighbor):
        found = await order(mirror, shop)
        assert (found["customer"], found["variant"]) == (True, True)


async def test_lines_of_an_order_that_is_not_in_the_file(mirror: Mirror, merchant: UUID) -> None:
    other = ORDER | {"id": f"{GID}Order/2", "name": "#1002"}
    await mirror.take(merchant, ORDER)
    imported = await mirror.take(
        merchant, LINE, other, {"id": f"{GID}ShippingLine/1", "title": "DHL", "__parentId": ORDER["id"]}
    )
    assert imported.outcome.by_type["LineItem"].updated == 1
    assert imported.outcome.by_type["ShippingLine"].updated == 1
    rows = await mirror.rows(
        merchant,
        "SELECT line_items -> 0 ->> 'title' AS line, shipping_lines -> 0 ->> 'title' AS shipping FROM pim.shopify_orders ORDER BY name",
    )
    assert rows == [{"line": "T", "shipping": "DHL"}, {"line": None, "shipping": None}]
    events = await mirror.rows(
        merchant,
        "SELECT event_type, count(*) AS n FROM marketplace.hm_event_queue WHERE event_type LIKE 'pim.order.%' GROUP BY 1 ORDER BY 1",
    )
    assert events == [
        {"event_type": "pim.order.created", "n": 2},
        {"event_type": "pim.order.updated", "n": 1},
    ]
    again = await mirror.take(merchant, LINE, force=True)
    assert again.outcome.by_type["LineItem"].unchanged == 1


async def test_addresses_of_a_customer_in_the_file_and_of_one_that_is_not(
    mirror: Mirror, merchant: UUID
) -> None:
    address = {
        "id": f"{GID}MailingAddress/1?model_name=CustomerAddress",
        "city": "Lyon",
        "__parentId": CUSTOMER["id"],
    }
    await mirror.take(merchant, CUSTOMER, address)
    assert await mirror.one(merchant, "SELECT addresses -> 0 ->> 'city' FROM pim.shopify_customers") == "Lyon"
    imported = await mirror.take(merchant, address | {"city": "Paris"})
    assert imported.outcome.by_type["MailingAddress"].updated == 1
    assert (
        await mirror.one(merchant, "SELECT addresses -> 0 ->> 'city' FROM pim.shopify_customers") == "Paris"
    )


async def test_an_image_of_a_product_and_of_its_variant(mirror: Mirror, merchant: UUID) -> None:
    records = [
        product(1),
        variant(11, 1),
        image(5, "Product/1"),
        image(6, "Product/1"),
        {"id": f"{GID}MediaImage/6", "__parentId": f"{GID}ProductVariant/11"},
    ]
    imported = await mirror.take(merchant, *records)
    assert imported.outcome.by_type["MediaImage"].inserted == 3
    assert await mirror.count(merchant, "shopify_media") == 2
    links = await mirror.rows(
        merchant,
        "SELECT m.url, pm.position, pm.is_featured FROM pim.shopify_product_media AS pm JOIN pim.shopify_media AS m USING (media_id) ORDER BY position",
    )
    assert links == [
        {"url": "https://cdn/5.jpg", "position": 0, "is_featured": True},
        {"url": "https://cdn/6.jpg", "position": 1, "is_featured": False},
    ]
    assert (
        await mirror.one(
            merchant,
            "SELECT m.url FROM pim.shopify_variant_media AS vm JOIN pim.shopify_media AS m USING (media_id)",
        )
        == "https://cdn/6.jpg"
    )
    records[2:4] = [image(6, "Product/1"), image(5, "Product/1", alt="New")]
    imported = await mirror.take(merchant, *records)
    assert imported.outcome.by_type["MediaImage"].updated == 2
    assert (
        await mirror.one(
            merchant,
            "SELECT m.url FROM pim.shopify_product_media JOIN pim.shopify_media AS m USING (media_id) WHERE is_featured",
        )
        == "https://cdn/6.jpg"
    )


async def test_the_places_in_a_nested_file_are_those_of_the_lists(mirror: Mirror, merchant: UUID) -> None:
    numbers = list(range(1, 41))
    nested = product(1) | {"media": {"nodes": [image(number, None) for number in numbers]}}
    await mirror.take(merchant, nested)
    query = "SELECT m.shopify_gid FROM pim.shopify_product_media JOIN pim.shopify_media AS m USING (media_id) ORDER BY position"
    assert [row["shopify_gid"] for row in await mirror.rows(merchant, query)] == [
        f"{GID}MediaImage/{number}" for number in numbers
    ]
    assert (await mirror.take(merchant, nested, force=True)).outcome.total.updated == 0


async def test_products_of_a_collection_keep_their_places(mirror: Mirror, merchant: UUID) -> None:
    collection = {"id": f"{GID}Collection/1", "title": "C", "handle": "c"}

    def members(*numbers: int) -> list[Record]:
        return [{"id": f"{GID}Product/{number}", "__parentId": collection["id"]} for number in numbers]

    query = """SELECT p.shopify_gid FROM pim.shopify_collection_products AS cp JOIN pim.shopify_products AS p ON p.id = cp.product_id ORDER BY position"""
    await mirror.take(merchant, *members(3, 1), collection, *members(2), product(1), product(2), product(3))
    assert [row["shopify_gid"][-1] for row in await mirror.rows(merchant, query)] == ["3", "1", "2"]
    imported = await mirror.take(merchant, collection, *members(1, 3, 2))
    assert imported.outcome.by_type["CollectionProduct"].updated == 2
    assert [row["shopify_gid"][-1] for row in await mirror.rows(merchant, query)] == ["1", "3", "2"]


async def test_a_menu_changes_with_its_items(mirror: Mirror, merchant: UUID) -> None:
    def menu(*items: Record) -> Record:
        return {"id": f"{GID}Menu/1", "title": "Main", "handle": "main", "items": list(items)}

    def item(number: int, title: str, *below: Record) -> Record:
        return {"id": f"{GID}MenuItem/{number}", "title": title, "items": list(below)}

    query = """SELECT i.title, p.title AS above, i.level, i.position FROM pim.shopify_menu_items AS i
               LEFT JOIN pim.shopify_menu_items AS p ON p.id = i.parent_item_id ORDER BY i.level, i.position"""
    await mirror.take(merchant, menu(item(1, "A", item(2, "B"), item(3, "C")), item(4, "D")))
    found = await mirror.rows(merchant, query)
    assert [tuple(row.values()) for row in found] == [
        ("A", None, 0, 0),
        ("D", None, 0, 1),
        ("B", "A", 1, 0),
        ("C", "A", 1, 1),
    ]
    imported = await mirror.take(merchant, menu(item(1, "A"), item(4, "D", item(3, "C"))))
    assert imported.outcome.by_type["Menu"].updated == 1
    found = await mirror.rows(merchant, query)
    assert [tuple(row.values()) for row in found] == [("A", None, 0, 0), ("D", None, 0, 1), ("C", "D", 1, 0)]
    again = await mirror.take(merchant, menu(item(1, "A"), item(4, "D", item(3, "C"))), force=True)
    assert again.outcome.by_type["Menu"].unchanged == 1


async def test_metafields_change_and_go(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(
        merchant, product(1), variant(11, 1), product(2), metafield(1, "Product/1", "a"), metafield(2, "Product/1", "b"),
        metafield(3, "ProductVariant/11", "c"), metafield(4, "Product/2", "d"),
    )  # fmt: skip

    async def held(table: str, number: int) -> dict[str, str]:
        rows = await mirror.rows(
            merchant, f"SELECT metafields FROM pim.shopify_{table} WHERE legacy_resource_id = :n", n=number
        )
        return {name: field["value"] for name, field in rows[0]["metafields"].items()}

    assert await held("products", 1) == {"custom.k1": "a", "custom.k2": "b"}
    imported = await mirror.take(
        merchant,
        product(1),
        product(2),
        variant(11, 1),
        metafield(1, "Product/1", "A"),
        metafield(4, "Product/2", "d"),
    )
    assert (
        imported.outcome.by_type["Metafield"].updated,
        imported.outcome.by_type["Metafield"].unchanged,
    ) == (1, 1)
    assert await held("products", 1) == {"custom.k1": "A"}
    # The export asked for metafields of products only: it says nothing of those of variants.
    assert await held("variants", 11) == {"custom.k3": "c"}
    await mirror.take(merchant, product(1), product(2), metafield(4, "Product/2", "d"))
    assert await held("products", 1) == {}
    # Of an owner that is not in the file the others stay.
    await mirror.take(merchant, metafield(9, "ProductVariant/11", "z"))
    assert await held("variants", 11) == {"custom.k3": "c", "custom.k9": "z"}


async def test_levels_become_differences_in_the_ledger(mirror: Mirror, merchant: UUID) -> None:
    other = LOCATION | {"id": f"{GID}Location/2"}
    item = {"id": f"{GID}InventoryItem/7", "unitCost": {"amount": "3.5"}}
    await mirror.take(
        merchant,
        LOCATION,
        other,
        product(1),
        variant(11, 1, inventoryItem=item),
        level(10),
        level(-2, place=2),
    )
    await mirror.take(merchant, level(4), level(-2, place=2))
    # By its inventory item, and without the variant in the file.
    await mirror.take(merchant, level(9, parent="InventoryItem/7"))
    entries = await mirror.rows(
        merchant,
        "SELECT location_id, delta, previous_quantity, new_quantity, cost_per_unit FROM pim.inventory_ledger ORDER BY recorded_at, location_id",
    )
    assert [(row["location_id"][-1], row["delta"], row["previous_quantity"], row["new_quantity"]) for row in entries] == [
        ("1", 10, 0, 10), ("2", -2, 0, -2), ("1", -6, 10, 4), ("1", 5, 4, 9),
    ]  # fmt: skip
    assert {row["cost_per_unit"] for row in entries} == {entries[0]["cost_per_unit"]}
    again = await mirror.take(merchant, level(9), force=True)
    assert again.outcome.by_type["InventoryLevel"].unchanged == 1
    rows = await mirror.rows(merchant, "SELECT * FROM pim.inventory_current ORDER BY location_id")
    assert [row["quantity"] for row in rows] == [9, -2], rows


async def test_the_views_of_a_shop_are_fresh_after_an_import(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, product(1), product(2), variant(11, 1), ORDER)
    row = (await mirror.rows(merchant, "SELECT * FROM pim.mv_shop_summary"))[0]
    before = dict(row)
    await refresh(mirror.db, "mv_shop_summary")
    after = dict((await mirror.rows(merchant, "SELECT * FROM pim.mv_shop_summary"))[0])
    assert {name: value for name, value in before.items() if "refresh" not in name and "_at" not in name} == {
        name: value for name, value in after.items() if "refresh" not in name and "_at" not in name
    }


async def test_metaobjects_and_publications(mirror: Mirror, merchant: UUID) -> None:
    metaobject = {
        "id": f"{GID}Metaobject/1",
        "type": "author",
        "handle": "jane",
        "fields": [{"key": "name", "type": "t", "value": "Jane"}],
    }
    publication = {"id": f"{GID}Publication/1", "name": "Online store"}
    published = {
        "publication": {"id": publication["id"]},
        "isPublished": True,
        "publishDate": "2025-01-01T00:00:00Z",
        "__parentId": f"{GID}Product/1",
    }
    await mirror.take(merchant, published, metaobject, publication, product(1))
    assert await mirror.one(merchant, "SELECT fields FROM pim.shopify_metaobjects") == {
        "name": {"type": "t", "value": "Jane"}
    }
    row = (
        await mirror.rows(
            merchant,
            "SELECT is_published, published_at IS NOT NULL AS dated FROM pim.shopify_resource_publications",
        )
    )[0]
    assert row == {"is_published": True, "dated": True}
    imported = await mirror.take(merchant, published | {"isPublished": False})
    assert imported.outcome.by_type["ResourcePublication"].updated == 1
    assert await mirror.one(merchant, "SELECT is_published FROM pim.shopify_resource_publications") is False


CSV = b"""Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Body (HTML),Google Shopping / MPN
lamp,Lamp,Acme,Color,Red,L-R,12.50,https://cdn/lamp.jpg?v=1,<p>Bright</p>,123
lamp,,,,Blue,L-B,13.50,,,
stool,Stool,Acme,Title,Default Title,S,20.00,,,
"""


def lamp() -> list[Record]:
    """The same lamp as a bulk operation gives it."""
    return [
        product(1, title="Lamp", handle="lamp", vendor="Acme"),
        variant(11, 1, price="12.50", sku="L-R", selectedOptions=[{"name": "Color", "value": "Red"}]),
        variant(12, 1, price="13.50", sku="L-B", selectedOptions=[{"name": "Color", "value": "Blue"}]),
        image(5, "Product/1", image={"url": "https://cdn/lamp.jpg?v=2"}),
        metafield(8, "Product/1", "123", key="care"),
    ]


async def identities(mirror: Mirror, shop: UUID) -> dict[str, Any]:
    """Our identifier of each product and variant, by what names it, and what the shop counts."""
    products = {
        row["handle"]: row["id"]
        for row in await mirror.rows(shop, "SELECT handle, id FROM pim.shopify_products")
    }
    variants = {
        row["sku"]: row["id"] for row in await mirror.rows(shop, "SELECT sku, id FROM pim.shopify_variants")
    }
    return {
        "products": products,
        "variants": variants,
        "media": await mirror.count(shop, "shopify_media"),
        "links": await mirror.count(shop, "shopify_product_media"),
    }


async def test_a_bulk_operation_after_a_csv_takes_its_rows_over(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take_files(merchant, mirror.write(CSV, "shop.csv"))
    # An order of a variant that is known, but not under its identifier.
    await mirror.take(merchant, ORDER, LINE)
    before = await identities(mirror, merchant)
    assert sorted(before["variants"]) == ["L-B", "L-R", "S"]
    await mirror.take(merchant, *lamp())
    assert await identities(mirror, merchant) == before
    assert (await mirror.product(merchant, 1))["id"] == before["products"]["lamp"]
    assert (await mirror.variant(merchant, 12))["id"] == before["variants"]["L-B"]
    async with mirror.db.tenant(shop_id=merchant) as session:
        resolved = (
            await session.execute(text("SELECT line_items -> 0 ->> 'variant_id' FROM pim.shopify_orders"))
        ).scalar_one()
    assert resolved == str(before["variants"]["L-R"])


async def test_a_csv_after_a_bulk_operation_finds_its_rows(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, *lamp())
    before = await identities(mirror, merchant)
    imported = await mirror.take_files(merchant, mirror.write(CSV.replace(b"13.50", b"14.00"), "shop.csv"))
    after = await identities(mirror, merchant)
    assert after["products"]["lamp"] == before["products"]["lamp"]
    assert {sku: after["variants"][sku] for sku in before["variants"]} == before["variants"]
    assert (after["media"], after["links"]) == (1, 1)
    row = await mirror.variant(merchant, 12)
    assert row["price"] == 14
    assert imported.outcome.by_type["Product"].inserted == 1  # the stool
    # A CSV knows some metafields; the others stay as they were.
    fields = (await mirror.product(merchant, 1))["metafields"]
    assert {name: field["value"] for name, field in fields.items()} == {
        "custom.care": "123",
        "mm-google-shopping.mpn": "123",
    }
    assert fields["custom.care"]["id"] == f"{GID}Metafield/8"
    again = await mirror.take_files(
        merchant, mirror.write(CSV.replace(b"13.50", b"14.00"), "shop.csv"), force=True
    )
    assert (again.outcome.total.inserted, again.outcome.total.updated) == (0, 0)
