"""Bad input: each bad row is set aside with its reason, the good ones are imported, and nothing is lost or half done."""

from typing import Any
from uuid import UUID

from tests.pim.bulk.conftest import Mirror, product, variant

GOOD = [product(1), variant(11, 1)]
DEEP = b"[" * 900 + b"]" * 900
MENU = {"id": "gid://shopify/Menu/1", "title": "Main", "handle": "main"}
LEVEL = {
    "id": "gid://shopify/InventoryLevel/1?inventory_item_id=1",
    "__parentId": "gid://shopify/ProductVariant/11",
}
LOCATION = {"id": "gid://shopify/Location/1", "name": "Shop"}
PUBLICATION = {"id": "gid://shopify/Publication/1", "name": "Online store"}
ORDER = {
    "id": "gid://shopify/Order/1",
    "name": "#1001",
    "totalPriceSet": {"shopMoney": {"amount": "5.0"}},
    "currencyCode": "EUR",
}


def bad_product(**fields: Any) -> dict[str, Any]:
    return product(2, **fields)


def bad_variant(**fields: Any) -> dict[str, Any]:
    return variant(12, 1, **fields)


CASES: list[tuple[str, dict[str, Any] | bytes, str | None, str]] = [
    ("broken line", b'{"id":"gid://shopify/Product/2","title":', None, "BROKEN_JSON"),
    ("a word", b"hello", None, "BROKEN_JSON"),
    ("an array", b"[1,2]", None, "NOT_AN_OBJECT"),
    ("a number", b"17", None, "NOT_AN_OBJECT"),
    ("null", b"null", None, "NOT_AN_OBJECT"),
    ("two objects", b"{} {}", None, "BROKEN_JSON"),
    ("an empty object", b"{}", "id", "NO_GID"),
    ("invalid UTF-8", b'{"id":"gid://shopify/Product/2","title":"Caf\xe9"}', None, "INVALID_UTF8"),
    ("lone surrogate", b'{"id":"gid://shopify/Product/2","title":"\\ud800"}', None, "BROKEN_JSON"),
    ("nested too deeply for JSON", b'{"id":' + b"[" * 3000 + b"]" * 3000 + b"}", None, "BROKEN_JSON"),
    ("deep identifier", b'{"id":' + DEEP + b"}", "id", "NOT_A_GID"),
    ("deep options", b'{"id":"gid://shopify/Product/2","title":"T","handle":"t","options":[{"name":"a","values":' + DEEP + b"}]}", None, "TOO_DEEP"),
    ("deep address", b'{"id":"gid://shopify/Customer/2","defaultAddress":{"a":' + DEEP + b"}}", None, "TOO_DEEP"),
    ("deep and NUL", b'{"id":"gid://shopify/Customer/2","note":"\\u0000","defaultAddress":{"a":' + DEEP + b"}}", "note", "NUL"),
    ("a NUL", bad_product(title="a\x00b"), "title", "NUL"),
    ("a NUL in the name of a field", {"id": "gid://shopify/Product/2", "ti\x00tle": "x\x00"}, None, "NUL"),
    ("a NUL in the type", {"id": "gid://shopify/Pro\x00duct/2", "title": "T"}, "id", "NUL"),
    ("a NUL in the parent", bad_variant(__parentId="gid://shopify/Product/1\x00"), "__parentId", "NUL"),
    ("unknown type", {"id": "gid://shopify/Gizmo/2"}, "id", "UNSUPPORTED_TYPE"),
    ("a type that is none", {"id": "gid://shopify/Gi zmo/2"}, "id", "NOT_A_GID"),
    ("no gid", {"id": 5, "title": "T"}, "id", "NOT_A_GID"),
    ("a gid without key", {"id": "gid://shopify/Product/", "title": "T"}, "id", "NOT_A_GID"),
    ("a long gid", {"id": "gid://shopify/Product/" + "1" * 90, "title": "T", "handle": "t"}, "id", "NOT_A_GID"),
    ("a gid without number", {"id": "gid://shopify/Product/x", "title": "T", "handle": "t"}, "legacyResourceId", "MISSING"),
    ("a gid of other digits", {"id": "gid://shopify/Product/٢", "title": "T", "handle": "t"}, "legacyResourceId", "MISSING"),
    ("a legacy id out of range", bad_product(legacyResourceId=str(2**63)), "legacyResourceId", "OUT_OF_RANGE"),
    ("orphan", variant(13, 999), "__parentId", "ORPHAN"),
    ("no parent", {"id": "gid://shopify/ProductVariant/12", "price": "1"}, "__parentId", "NO_PARENT"),
    ("a parent of the wrong type", bad_variant(__parentId="gid://shopify/Order/1"), "__parentId", "WRONG_PARENT"),
    ("a parent that is no gid", bad_variant(__parentId=5), "__parentId", "NOT_A_GID"),
    ("no title", {"id": "gid://shopify/Product/2", "handle": "x"}, "title", "MISSING"),
    ("empty title", bad_product(title=" "), "title", "EMPTY"),
    ("title of the wrong type", bad_product(title=["T"]), "title", "WRONG_TYPE"),
    ("long handle", bad_product(handle="h" * 256), "handle", "TOO_LONG"),
    ("unknown status", bad_product(status="LIVE"), "status", "UNKNOWN_VALUE"),
    ("status of the wrong type", bad_product(status={}), "status", "WRONG_TYPE"),
    ("a long tag", bad_product(tags=["t" * 256]), "tags", "TOO_LONG"),
    ("tags of the wrong type", bad_product(tags=[1]), "tags", "WRONG_TYPE"),
    ("options of the wrong type", bad_product(options="x"), "options", "WRONG_TYPE"),
    ("an option of the wrong type", bad_product(options=[1]), "options", "WRONG_TYPE"),
    ("option values of the wrong type", bad_product(options=[{"name": "x", "optionValues": 5}]), "options", "WRONG_TYPE"),
    ("price range of the wrong type", bad_product(priceRangeV2=5), "priceRangeV2", "WRONG_TYPE"),
    ("a flag of the wrong type", bad_product(isGiftCard="yes"), "isGiftCard", "WRONG_TYPE"),
    ("an image of the wrong type", bad_product(featuredImage="x"), "featuredImage", "WRONG_TYPE"),
    *(
        (f"time {value}", bad_product(publishedAt=value), "publishedAt", "NOT_A_TIME")
        for value in (
            "yesterday", "2026-01-31", "2026-01-31T12:00:00", "0000-01-31T12:00:00Z", "10000-01-31T12:00:00Z", "-0044-03-15T12:00:00Z",
            "2026-01-31T23:59:60Z", "2026-02-30T12:00:00Z", "2026-01-31T12:00:00+23:59", "2026-W05-6T12:00:00Z",
            "2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00+00:00:01", "2026-01-31T120000.0000Z", "٢٠٢٦-01-31T12:00:00Z", "",
        )
    ),
    ("time of the wrong type", bad_product(publishedAt=1700000000), "publishedAt", "WRONG_TYPE"),
    *(
        (f"price {value!r}", bad_variant(price=value), "price", "NOT_AN_AMOUNT")
        for value in ("12,5", "", "free", "1e3", " 1", "1.", "€5", "12.50\n", "12345678901", "١٢.٥", "NaN", "Infinity", 1e300, 0.1 + 0.2)
    ),
    ("a price that rounds up too far", bad_variant(price="9999999999.995"), "price", "OUT_OF_RANGE"),
    ("a price of the wrong type", bad_variant(price=True), "price", "WRONG_TYPE"),
    ("a price that is null", variant(14, 1, price=None), "price", "MISSING"),
    ("a huge price", b'{"id":"gid://shopify/ProductVariant/12","price":123456789012345678901234567890,"__parentId":"gid://shopify/Product/1"}', "price", "NOT_AN_AMOUNT"),
    ("a price past every number", b'{"id":"gid://shopify/ProductVariant/12","price":1e999,"__parentId":"gid://shopify/Product/1"}', None, "BROKEN_JSON"),
    ("a long sku", bad_variant(sku="s" * 256), "sku", "TOO_LONG"),
    ("a quantity in words", bad_variant(inventoryQuantity="twelve"), "inventoryQuantity", "NOT_A_NUMBER"),
    ("a quantity and a half", bad_variant(inventoryQuantity=1.5), "inventoryQuantity", "WRONG_TYPE"),
    ("a quantity past integer", bad_variant(inventoryQuantity=2**31), "inventoryQuantity", "OUT_OF_RANGE"),
    ("a huge quantity", b'{"id":"gid://shopify/ProductVariant/12","price":"1","inventoryQuantity":99999999999999999999999,"__parentId":"gid://shopify/Product/1"}', "inventoryQuantity", "OUT_OF_RANGE"),
    ("a weight that rounds up too far", bad_variant(inventoryItem={"measurement": {"weight": {"value": "999999.99999"}}}), "inventoryItem.measurement.weight.value", "OUT_OF_RANGE"),
    ("a weight of many digits", bad_variant(weight="0." + "1" * 40000), "weight", "NOT_A_NUMBER"),
    ("an unknown unit", bad_variant(weightUnit="STONES"), "weightUnit", "UNKNOWN_VALUE"),
    ("currency in lower case", ORDER | {"currencyCode": "eur"}, "currencyCode", "NOT_A_CURRENCY"),
    ("an order without number", ORDER | {"name": "Draft"}, "name", "NOT_A_NUMBER"),
    ("an order number past integer", ORDER | {"name": "#99999999999"}, "name", "OUT_OF_RANGE"),
    ("an order without total", {"id": "gid://shopify/Order/3", "name": "#1001", "currencyCode": "EUR"}, "totalPriceSet", "MISSING"),
    ("a line of no order", {"id": "gid://shopify/LineItem/1", "quantity": 1, "__parentId": "gid://shopify/Order/77"}, "__parentId", "ORPHAN"),
    ("a menu's item without title", MENU | {"items": [{"url": "/"}]}, "items", "WRONG_TYPE"),
    ("a menu's item of the wrong type", MENU | {"items": [5]}, "items", "WRONG_TYPE"),
    ("a menu's items of the wrong type", MENU | {"items": "x"}, "items", "WRONG_TYPE"),
    ("a menu's item with a wrong id", MENU | {"items": [{"id": 5, "title": "A"}]}, "items", "NOT_A_GID"),
    ("a menu's item with a long id", MENU | {"items": [{"id": "gid://shopify/MenuItem/" + "1" * 100, "title": "A"}]}, "items", "NOT_A_GID"),
    ("a menu's item with a long type", MENU | {"items": [{"title": "A", "type": "T" * 51}]}, "items.type", "TOO_LONG"),
    ("a menu's item with a long target", MENU | {"items": [{"title": "A", "resourceId": "T" * 101}]}, "items.resourceId", "TOO_LONG"),
    ("a menu's item with a long title", MENU | {"items": [{"title": "A" * 4000}]}, "items.title", "TOO_LONG"),
    ("a menu's item twice", MENU | {"items": [{"title": "A"}, {"title": "A"}]}, "items", "DUPLICATE"),
    ("a level without place", LEVEL | {"available": 5}, "location.id", "NO_LOCATION"),
    ("a level in a long place", LEVEL | {"available": 5, "location": {"id": "gid://shopify/Location/" + "1" * 100}}, "location.id", "NO_LOCATION"),
    ("a level without quantity", LEVEL | {"location": {"id": LOCATION["id"]}}, "quantities", "NO_QUANTITY"),
    ("a level of the wrong type", LEVEL | {"location": {"id": LOCATION["id"]}, "quantities": [{"name": [], "quantity": 1}]}, "quantities", "NO_QUANTITY"),
    ("a level past every stock", LEVEL | {"location": {"id": LOCATION["id"]}, "available": 2**31}, "quantities", "OUT_OF_RANGE"),
    ("a level of no variant", LEVEL | {"location": {"id": LOCATION["id"]}, "available": 1, "__parentId": "gid://shopify/ProductVariant/99"}, "__parentId", "ORPHAN"),
    ("published on no publication", {"publication": {"id": "gid://shopify/Publication/9"}, "isPublished": True, "__parentId": "gid://shopify/Product/1"}, "publication.id", "ORPHAN"),
    ("published at no time", {"publication": {"id": PUBLICATION["id"]}, "isPublished": True, "publishDate": "soon", "__parentId": "gid://shopify/Product/1"}, "publishDate", "NOT_A_TIME"),
    ("published of the wrong type", {"publication": {"id": PUBLICATION["id"]}, "isPublished": 1, "__parentId": "gid://shopify/Product/1"}, "isPublished", "WRONG_TYPE"),
    ("media without kind", {"id": "gid://shopify/MediaImage/1", "__parentId": "gid://shopify/Product/1"}, "mediaContentType", "MISSING"),
    ("media of no product", {"id": "gid://shopify/MediaImage/1", "mediaContentType": "IMAGE", "__parentId": "gid://shopify/Product/9"}, "__parentId", "ORPHAN"),
    ("media below an order", {"id": "gid://shopify/MediaImage/1", "mediaContentType": "IMAGE", "__parentId": "gid://shopify/Order/9"}, "__parentId", "WRONG_PARENT"),
    ("a metafield without key", {"id": "gid://shopify/Metafield/1", "namespace": "n", "value": "v", "key": "", "__parentId": "gid://shopify/Product/1"}, "key", "EMPTY"),
    ("a metafield without namespace", {"id": "gid://shopify/Metafield/1", "value": "v", "key": "k", "__parentId": "gid://shopify/Product/1"}, "namespace", "MISSING"),
    ("a metaobject field without key", {"id": "gid://shopify/Metaobject/1", "type": "t", "handle": "h", "fields": [{"value": "x"}]}, "fields", "WRONG_TYPE"),
    ("a collection of no products", {"id": "gid://shopify/Product/77", "__parentId": "gid://shopify/Collection/1"}, "__parentId", "ORPHAN"),
]  # fmt: skip


async def test_every_bad_line_beside_good_ones(mirror: Mirror, merchant: UUID) -> None:
    before = [GOOD[0], LOCATION, PUBLICATION]
    imported = await mirror.take(merchant, *before, *(case[1] for case in CASES), GOOD[1])
    found = {error["line_number"]: error for error in await mirror.errors(merchant, imported)}
    for line, (name, _, field, code) in enumerate(CASES, start=len(before) + 1):
        error = found.pop(line, None)
        assert error is not None, f"{name} was not rejected"
        assert error["error_code"] == code, (name, error)
        assert field is None or error["field"] == field, (name, error)
        assert error["file"] == "export-1.jsonl"
        assert error["message"].endswith("."), (name, error)
    assert found == {}
    assert (await mirror.product(merchant, 1))["title"] == "Product 1"
    assert (await mirror.variant(merchant, 11))["price"] == 10
    for table in ("products", "variants"):
        assert await mirror.count(merchant, f"shopify_{table}") == 1
    for table in ("orders", "menus", "media", "metaobjects", "resource_publications"):
        assert await mirror.count(merchant, f"shopify_{table}") == 0
    assert await mirror.count(merchant, "inventory_ledger") == 0


def letters(number: int) -> str:
    """A word of its own for each number."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(6))


async def test_a_text_of_more_words_than_the_index_holds_is_rejected_alone(
    mirror: Mirror, merchant: UUID
) -> None:
    # A word of six letters takes ten bytes, and the title "Product 1" eighteen, of 2^20 - 1.
    over = " ".join(letters(number) for number in range(104_856))
    under = " ".join(letters(number) for number in range(104_855))
    long = " ".join(letters(number % 40) for number in range(300_000))
    compound = " ".join(f"{letters(number)}-{letters(number + 1)}" for number in range(60_000))
    imported = await mirror.take(
        merchant, product(1, description=under), product(2, description=over), product(3, description=long), product(4, description=compound),
        product(5, title=f"{over} x y z"), variant(21, 2), variant(31, 3),
    )  # fmt: skip
    assert await mirror.reasons(merchant, imported) == [
        (2, "description", "TOO_LONG"), (4, "description", "TOO_LONG"), (5, "description", "TOO_LONG"), (6, "__parentId", "ORPHAN"),
    ]  # fmt: skip
    kept = await mirror.rows(
        merchant,
        "SELECT shopify_gid, length(description) AS length FROM pim.shopify_products ORDER BY shopify_gid",
    )
    assert [row["length"] for row in kept] == [len(under), len(long)]
