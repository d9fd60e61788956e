"""What a file does not speak of, it does not clear: file by file, also where several are one import."""

from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from tests.pim.bulk.conftest import Mirror, as_lines, product, variant

from entrepot.pim.bulk.telling import Telling, telling_files, tellings


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def metafield(owner: str, key: str, value: str) -> dict[str, Any]:
    return {
        "id": gid("Metafield", crc32(f"{owner} {key}".encode())),
        "namespace": "n",
        "key": key,
        "value": value,
        "type": "t",
        "__parentId": owner,
    }


async def take(mirror: Mirror, shop: UUID, *files: list[Any], **options: bool) -> Any:
    return await mirror.take_files(shop, *(mirror.write(as_lines(file)) for file in files), **options)


@pytest.mark.parametrize("backward", [False, True])
async def test_two_files_with_different_fields_leave_each_other_s_alone(
    mirror: Mirror, merchant: UUID, backward: bool
) -> None:
    await mirror.take(
        merchant,
        product(1, vendor="V", productType="T", description="a"),
        product(2, vendor="V", productType="T", description="b"),
        variant(11, 1, sku="A", barcode="1"),
        variant(12, 2, sku="B", barcode="2"),
    )
    files = [
        [product(1, vendor="W"), variant(11, 1, sku="C")],
        [product(2, productType=None), variant(12, 2, barcode="3")],
    ]
    imported = await take(mirror, merchant, *(files[::-1] if backward else files))
    assert imported.outcome.total.updated == 4
    one, two = await mirror.product(merchant, 1), await mirror.product(merchant, 2)
    assert (one["vendor"], one["product_type"], one["description"]) == ("W", "T", "a")
    assert (two["vendor"], two["product_type"], two["description"]) == ("V", None, "b")
    eleven, twelve = await mirror.variant(merchant, 11), await mirror.variant(merchant, 12)
    assert (eleven["sku"], eleven["barcode"], twelve["sku"], twelve["barcode"]) == ("C", "1", "B", "3")
    again = await take(mirror, merchant, *files, force=True)
    assert again.outcome.total.unchanged == 4


async def test_files_that_say_the_same_still_clear(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, product(1, vendor="V"), product(2, vendor="V"), product(3, vendor="V"))
    await take(mirror, merchant, [product(1, vendor="W"), product(2)], [product(3, vendor=None)])
    assert [(await mirror.product(merchant, number))["vendor"] for number in (1, 2, 3)] == ["W", None, None]


async def test_what_a_file_must_tell_is_asked_of_that_file(mirror: Mirror, merchant: UUID) -> None:
    await mirror.take(merchant, product(1), variant(11, 1), variant(12, 1))
    unnamed = {"id": gid("Product", 2), "title": "Without a handle"}
    imported = await take(
        mirror,
        merchant,
        [unnamed, variant(11, 1, price=None)],
        [
            product(1, handle=None),
            {"id": gid("ProductVariant", 12), "sku": "S", "__parentId": gid("Product", 1)},
        ],
    )
    assert await mirror.reasons(merchant, imported) == [(2, "price", "MISSING"), (1, "handle", "MISSING")]
    assert (await mirror.product(merchant, 2))["handle"] == "without-a-handle"
    row = await mirror.variant(merchant, 12)
    assert (row["sku"], row["price"]) == ("S", 10)


async def test_words_are_counted_with_the_description_that_will_stand(mirror: Mirror, merchant: UUID) -> None:
    words = " ".join(f"word{number}" for number in range(60_000))
    await mirror.take(merchant, product(1, description=words), product(2, description=words))
    titles = " ".join(f"title{number}" for number in range(60_000))
    imported = await take(
        mirror, merchant, [product(1, title=titles)], [product(2, title=titles, description="short")]
    )
    assert await mirror.reasons(merchant, imported) == [(1, "description", "TOO_LONG")]
    assert (await mirror.product(merchant, 2))["description"] == "short"


async def test_metafields_are_whole_for_the_file_that_has_them(mirror: Mirror, merchant: UUID) -> None:
    one, two, three = (gid("Product", number) for number in (1, 2, 3))
    await mirror.take(
        merchant,
        *(product(number) for number in (1, 2, 3)),
        *(metafield(owner, key, "old") for owner in (one, two, three) for key in "ab"),
    )
    await take(
        mirror,
        merchant,
        [product(1), metafield(one, "a", "new"), metafield(three, "a", "new")],
        [product(2), product(3)],
    )
    found = {
        number: {
            name: held["value"]
            for name, held in (await mirror.product(merchant, number))["metafields"].items()
        }
        for number in (1, 2, 3)
    }
    assert found == {1: {"n.a": "new"}, 2: {"n.a": "old", "n.b": "old"}, 3: {"n.a": "new", "n.b": "old"}}


async def test_a_file_of_metafields_alone_speaks_for_the_owners_beside_it(
    mirror: Mirror, merchant: UUID
) -> None:
    one, two = gid("Product", 1), gid("Product", 2)
    await mirror.take(
        merchant, product(1), product(2), metafield(one, "a", "old"), metafield(two, "a", "old")
    )
    await take(mirror, merchant, [product(1), product(2)], [metafield(one, "a", "new")])
    assert (await mirror.product(merchant, 1))["metafields"]["n.a"]["value"] == "new"
    assert (await mirror.product(merchant, 2))["metafields"] == {}


async def test_lines_of_orders_and_addresses_of_customers_by_file(mirror: Mirror, merchant: UUID) -> None:
    def order(number: int) -> dict[str, Any]:
        return {
            "id": gid("Order", number),
            "name": f"#{number}",
            "totalPriceSet": {"shopMoney": {"amount": "5.00"}},
            "currencyCode": "EUR",
        }

    def line(number: int, owner: int) -> dict[str, Any]:
        return {"id": gid("LineItem", number), "title": "L", "quantity": 1, "__parentId": gid("Order", owner)}

    def customer(number: int) -> dict[str, Any]:
        return {"id": gid("Customer", number), "firstName": "A"}

    def address(city: str, owner: int) -> dict[str, Any]:
        return {"id": gid("MailingAddress", owner), "city": city, "__parentId": gid("Customer", owner)}

    await mirror.take(
        merchant,
        *(order(number) for number in (1, 2, 3)),
        *(line(number, number) for number in (1, 2, 3)),
        *(customer(number) for number in (1, 2, 3)),
        *(address("old", number) for number in (1, 2, 3)),
    )
    await take(
        mirror,
        merchant,
        [order(1), line(11, 3), line(12, 4), customer(1), address("new", 3), address("new", 4)],
        [order(2), order(3), order(4), customer(2), customer(3), customer(4)],
    )
    lines = await mirror.rows(
        merchant, "SELECT name, line_items #>> '{0,id}' AS line FROM pim.shopify_orders ORDER BY name"
    )
    # Order 1 stands in the file that has lines, and has none there.
    assert [row["line"] for row in lines] == [None, *(gid("LineItem", number) for number in (2, 11, 12))]
    cities = await mirror.rows(
        merchant, "SELECT addresses #>> '{0,city}' AS city FROM pim.shopify_customers ORDER BY shopify_gid"
    )
    assert [row["city"] for row in cities] == [None, "old", "new", "new"]


async def test_menus_and_media_by_file(mirror: Mirror, merchant: UUID) -> None:
    def menu(number: int, **fields: Any) -> dict[str, Any]:
        return {"id": gid("Menu", number), "title": f"M{number}", "handle": f"m{number}"} | fields

    def image(number: int, **fields: Any) -> dict[str, Any]:
        return {
            "id": gid("MediaImage", number),
            "mediaContentType": "IMAGE",
            "__parentId": gid("Product", 1),
        } | fields

    await mirror.take(
        merchant,
        product(1),
        *(menu(number, items=[{"title": "A"}]) for number in (1, 2)),
        *(image(number, alt="old", mimeType="image/png") for number in (1, 2)),
    )
    files = (
        [menu(1, items=[{"title": "B"}, {"title": "C"}]), image(1, alt="new"), image(2, alt="new")],
        [menu(2, title="N"), image(2, mimeType="image/gif")],
    )
    await take(mirror, merchant, *files)
    assert await mirror.rows(
        merchant, "SELECT title, items_count FROM pim.shopify_menus ORDER BY shopify_gid"
    ) == [
        {"title": "M1", "items_count": 2},
        {"title": "N", "items_count": 1},
    ]
    assert await mirror.count(merchant, "shopify_menu_items") == 3
    held = await mirror.rows(merchant, "SELECT alt, mime_type FROM pim.shopify_media ORDER BY shopify_gid")
    # One medium is one row of one file, the first that names it: two would take turns at every import.
    assert held == [{"alt": "new", "mime_type": "image/png"}] * 2
    assert (await take(mirror, merchant, *files, force=True)).outcome.total.updated == 0


def test_files_that_say_the_same_are_one() -> None:
    names = {
        0: {"Product": {"title", "vendor"}},
        1: {"Product": {"vendor", "title"}},
        2: {"Product": {"title"}},
    }
    counts = {file: {"Product": 1} for file in names}
    assert tellings({"Product"}, names, counts) == [
        Telling(("title", "vendor"), files=(0, 1)),
        Telling(("title",), files=(2,)),
    ]
    assert tellings({"Product"}, {0: names[0], 1: names[1]}, {0: counts[0], 1: counts[1]}) == [
        Telling(("title", "vendor"))
    ]
    assert telling_files("Product", "vendor", names) == ([0, 1], [2])
    assert tellings({"Order"}, names, counts) == []
