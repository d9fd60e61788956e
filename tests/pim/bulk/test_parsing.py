"""Lines of a bulk operation, as the Admin API names their fields, become the columns of the mirror."""

import json
import random
from typing import Any

import pytest

from entrepot.pim.bulk.parsing import Parser
from entrepot.pim.bulk.records import menu_items
from entrepot.pim.bulk.rows import COLUMNS, DELIMITER, NULL, RecordRow, Row
from entrepot.pim.bulk.shapes import ORDER, PRODUCT, VARIANT

GID = "gid://shopify/"


def parse(*records: dict[str, Any]) -> tuple[list[dict[str, Any]], Parser]:
    """The rows of records, each as its columns."""
    parser = Parser()
    rows = [
        shown(row)
        for number, record in enumerate(records, start=1)
        for row in parser.parse(number, json.dumps(record).encode())
    ]
    return rows, parser


def shown(row: Row) -> dict[str, Any]:
    """A row by column, without nulls."""
    if isinstance(row, RecordRow):
        return {"type": row.type, "gid": row.gid, "parent": row.parent} | row.data
    cells = zip(COLUMNS[row.target], row.text.split(DELIMITER), strict=True)
    return {name: cell for name, cell in cells if cell != NULL and name not in ("file_number", "line_number")}


def only(record: dict[str, Any]) -> dict[str, Any]:
    """The one row of a record that is not refused."""
    rows, parser = parse(record)
    assert parser.rejections == []
    assert len(rows) == 1
    return rows[0]


def test_product() -> None:
    row = only({
        "id": f"{GID}Product/632910392", "legacyResourceId": "632910392", "title": "IPod Nano", "handle": "ipod-nano",
        "description": "It's small.", "descriptionHtml": "<p>It's small.</p>", "vendor": "Apple", "productType": "Cult Products",
        "status": "ACTIVE", "tags": ["Emotive", "Flash"], "isGiftCard": False, "hasOnlyDefaultVariant": False,
        "hasOutOfStockVariants": True, "requiresSellingPlan": False,
        "options": [{"name": "Color", "position": 1, "optionValues": [{"name": "Pink"}, {"name": "Red"}]}],
        "seo": {"title": "S", "description": None, "extra": 1},
        "priceRangeV2": {"minVariantPrice": {"amount": "1.0", "currencyCode": "EUR"}, "maxVariantPrice": {"amount": "2.0", "currencyCode": "EUR"}},
        "compareAtPriceRange": {"minVariantCompareAtPrice": None, "maxVariantCompareAtPrice": None},
        "featuredMedia": {"preview": {"image": {"url": "https://cdn/1.jpg"}}}, "templateSuffix": None,
        "category": {"id": f"{GID}TaxonomyCategory/sg-4"}, "publishedAt": "2025-01-01T00:00:00Z",
        "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2025-02-01T00:00:00Z", "unknownField": 5,
    })  # fmt: skip
    assert row == {
        "shopify_gid": f"{GID}Product/632910392", "legacy_resource_id": "632910392", "title": "IPod Nano", "handle": "ipod-nano",
        "description": "It's small.", "description_html": "<p>It's small.</p>", "vendor": "Apple", "product_type": "Cult Products",
        "status": "ACTIVE", "tags": '{"Emotive","Flash"}', "is_gift_card": "f", "has_only_default_variant": "f",
        "has_out_of_stock_variants": "t", "requires_selling_plan": "f",
        "options": '[{"name":"Color","position":1,"values":["Pink","Red"]}]', "seo": '{"title":"S","description":null}',
        "price_range": '{"min":"1.0","max":"2.0","currency":"EUR"}', "compare_at_price_range": '{"min":null,"max":null,"currency":null}',
        "featured_image_url": "https://cdn/1.jpg", "category_id": f"{GID}TaxonomyCategory/sg-4",
        "published_at": "2025-01-01T00:00:00Z", "created_at_shopify": "2024-01-01T00:00:00Z", "updated_at_shopify": "2025-02-01T00:00:00Z",
    }  # fmt: skip


def test_variant() -> None:
    row = only({
        "id": f"{GID}ProductVariant/808950810", "title": "Pink", "sku": "IPOD2008PINK", "barcode": "1234_pink", "price": "199.00",
        "compareAtPrice": None, "inventoryQuantity": 10, "inventoryPolicy": "CONTINUE", "taxable": True, "taxCode": "DA040000",
        "availableForSale": True, "requiresComponents": False, "position": 1, "selectedOptions": [{"name": "Color", "value": "Pink"}],
        "image": {"url": "https://cdn/2.jpg"},
        "inventoryItem": {
            "id": f"{GID}InventoryItem/1", "requiresShipping": True, "unitCost": {"amount": "50.0", "currencyCode": "EUR"},
            "measurement": {"weight": {"value": 0.2, "unit": "KILOGRAMS"}},
        },
        "createdAt": "2024-01-01T00:00:00Z", "__parentId": f"{GID}Product/632910392",
    })  # fmt: skip
    assert row == {
        "shopify_gid": f"{GID}ProductVariant/808950810", "product_gid": f"{GID}Product/632910392", "legacy_resource_id": "808950810",
        "title": "Pink", "sku": "IPOD2008PINK", "barcode": "1234_pink", "price": "199.00", "cost": "50.0", "weight": "0.2",
        "weight_unit": "KILOGRAMS", "requires_shipping": "t", "inventory_quantity": "10", "inventory_policy": "CONTINUE",
        "inventory_item_id": f"{GID}InventoryItem/1", "taxable": "t", "tax_code": "DA040000", "available_for_sale": "t",
        "requires_components": "f", "position": "1", "selected_options": '[{"name":"Color","value":"Pink"}]',
        "image_url": "https://cdn/2.jpg", "created_at_shopify": "2024-01-01T00:00:00Z",
    }  # fmt: skip


def test_a_variant_that_names_its_product_itself() -> None:
    row = only({"id": f"{GID}ProductVariant/1", "price": 5, "product": {"id": f"{GID}Product/9"}})
    assert row["product_gid"] == f"{GID}Product/9"
    assert row["price"] == "5"


OTHERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"id": f"{GID}Collection/1", "title": "Home", "handle": "home", "sortOrder": "MANUAL", "productsCount": {"count": 3},
         "ruleSet": {"appliedDisjunctively": True, "rules": [{"column": "TAG"}]}, "seo": None},
        {"legacy_resource_id": "1", "title": "Home", "handle": "home", "sort_order": "MANUAL", "products_count": "3",
         "disjunctive": "t", "rules": [{"column": "TAG"}], "seo": None},
    ),
    (
        {"id": f"{GID}Customer/2", "email": None, "defaultEmailAddress": {"emailAddress": "a@b.c", "marketingState": "SUBSCRIBED"},
         "defaultPhoneNumber": {"phoneNumber": "+1"}, "firstName": "A", "state": "ENABLED", "numberOfOrders": "4",
         "amountSpent": {"amount": "9.5", "currencyCode": "EUR"}, "tags": ["vip"], "taxExemptions": []},
        {"legacy_resource_id": "2", "email": "a@b.c", "accepts_marketing": "t", "accepts_marketing_updated_at": None,
         "marketing_opt_in_level": None, "phone": "+1", "first_name": "A", "state": "ENABLED", "orders_count": "4",
         "total_spent": "9.5", "currency_code": "EUR", "tags": ["vip"], "tax_exemptions": []},
    ),
    (
        {"id": f"{GID}Order/3", "name": "#EN-1001", "email": "a@b.c", "displayFinancialStatus": "PAID",
         "displayFulfillmentStatus": "UNFULFILLED", "totalPriceSet": {"shopMoney": {"amount": "10.0"}}, "currencyCode": "EUR",
         "customer": {"id": f"{GID}Customer/2"}, "paymentGatewayNames": ["stripe"], "customAttributes": [{"key": "k", "value": "v"}]},
        {"legacy_resource_id": "3", "name": "#EN-1001", "order_number": "1001", "email": "a@b.c", "financial_status": "PAID",
         "fulfillment_status": "UNFULFILLED", "total_price": "10.0", "currency_code": "EUR", "customer_gid": f"{GID}Customer/2",
         "gateway": "stripe", "note_attributes": [{"key": "k", "value": "v"}]},
    ),
    (
        {"id": f"{GID}LineItem/4", "title": "T", "quantity": 2, "variant": {"id": f"{GID}ProductVariant/1"}, "product": None,
         "originalUnitPriceSet": {"shopMoney": {"amount": "5.0"}}, "__parentId": f"{GID}Order/3"},
        {"parent": f"{GID}Order/3", "title": "T", "quantity": "2", "variant_gid": f"{GID}ProductVariant/1", "product_gid": None, "price": "5.0"},
    ),
    (
        {"id": f"{GID}ShippingLine/5", "title": "DHL", "originalPriceSet": {"shopMoney": {"amount": "4.9"}}, "__parentId": f"{GID}Order/3"},
        {"parent": f"{GID}Order/3", "title": "DHL", "price": "4.9"},
    ),
    (
        {"id": f"{GID}MediaImage/6", "alt": "A", "mediaContentType": "IMAGE", "status": "READY", "mimeType": "image/jpeg",
         "image": {"url": "https://cdn/3.jpg", "width": 10, "height": 20}, "originalSource": {"fileSize": 99}, "__parentId": f"{GID}Product/1"},
        {"parent": f"{GID}Product/1", "legacy_resource_id": "6", "alt": "A", "media_type": "IMAGE", "status": "READY", "mime_type": "image/jpeg",
         "file_size": "99", "url": "https://cdn/3.jpg", "width": "10", "height": "20", "link": "product", "bare": False},
    ),
    (
        {"id": f"{GID}MediaImage/6", "__parentId": f"{GID}ProductVariant/1"},
        {"parent": f"{GID}ProductVariant/1", "legacy_resource_id": "6", "link": "variant", "bare": True},
    ),
    (
        {"id": f"{GID}Video/7", "mediaContentType": "VIDEO", "duration": 12000, "originalSource": {"url": "https://cdn/v.mp4", "fileSize": 5},
         "preview": {"image": {"url": "https://cdn/p.jpg"}}, "sources": [], "__parentId": f"{GID}Product/1"},
        {"parent": f"{GID}Product/1", "legacy_resource_id": "7", "media_type": "VIDEO", "duration": "12000", "url": "https://cdn/v.mp4",
         "file_size": "5", "preview_url": "https://cdn/p.jpg", "sources": [], "link": "product", "bare": False},
    ),
    (
        {"id": f"{GID}Metaobject/8", "type": "author", "handle": "jane", "displayName": "Jane", "fields": [{"key": "name", "type": "t", "value": "Jane"}]},
        {"type": "author", "handle": "jane", "display_name": "Jane", "fields": {"name": {"type": "t", "value": "Jane"}}},
    ),
    (
        {"id": f"{GID}Publication/9", "name": "Online Store", "catalog": {"__typename": "AppCatalog"}, "autoPublish": False},
        {"name": "Online Store", "catalog_type": "AppCatalog", "auto_publish": "f"},
    ),
    (
        {"id": f"{GID}Location/10", "name": "Shop", "address": {"city": "Lyon"}, "isActive": True, "fulfillsOnlineOrders": True},
        {"legacy_resource_id": "10", "name": "Shop", "address": {"city": "Lyon"}, "is_active": "t", "fulfills_online_orders": "t"},
    ),
    (
        {"id": f"{GID}InventoryLevel/11?inventory_item_id=1", "location": {"id": f"{GID}Location/10"},
         "quantities": [{"name": "on_hand", "quantity": 9}, {"name": "available", "quantity": 7}], "__parentId": f"{GID}ProductVariant/1"},
        {"parent": f"{GID}ProductVariant/1", "location_gid": f"{GID}Location/10", "quantity": 7},
    ),
    (
        {"publication": {"id": f"{GID}Publication/9"}, "isPublished": True, "publishDate": "2025-01-01T00:00:00Z", "__parentId": f"{GID}Product/1"},
        {"gid": None, "type": "ResourcePublication", "parent": f"{GID}Product/1", "publication_gid": f"{GID}Publication/9", "is_published": True,
         "publish_date": "2025-01-01T00:00:00Z"},
    ),
    (
        {"id": f"{GID}Metafield/12", "namespace": "custom", "key": "care", "value": "wash", "type": "single_line_text_field", "__parentId": f"{GID}Product/1"},
        {"parent": f"{GID}Product/1", "namespace": "custom", "key": "care", "value": "wash", "type": "single_line_text_field"},
    ),
    (
        {"id": f"{GID}MailingAddress/13?model_name=CustomerAddress", "city": "Lyon", "__parentId": f"{GID}Customer/2"},
        {"parent": f"{GID}Customer/2", "address": {"id": f"{GID}MailingAddress/13?model_name=CustomerAddress", "city": "Lyon"}},
    ),
    (
        {"id": f"{GID}Product/1", "__parentId": f"{GID}Collection/1"},
        {"type": "CollectionProduct", "gid": f"{GID}Product/1", "parent": f"{GID}Collection/1"},
    ),
    (
        {"id": f"{GID}Collection/1", "title": "Home", "__parentId": f"{GID}Product/1"},
        {"type": "CollectionProduct", "gid": f"{GID}Product/1", "parent": f"{GID}Collection/1"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "expected"),
    OTHERS,
    ids=[f"{number}-{case[0].get('id', 'publication')}" for number, case in enumerate(OTHERS)],
)
def test_other_records(record: dict[str, Any], expected: dict[str, Any]) -> None:
    gid = record.get("id")
    kind = gid.removeprefix(GID).split("/")[0] if gid else None
    assert only(record) == {"type": kind, "gid": gid, "parent": None} | expected


def test_a_menu_is_flat_and_in_order() -> None:
    items = [
        {"id": f"{GID}MenuItem/1", "title": "Shop", "url": "/shop", "type": "CATALOG", "resourceId": None,
         "items": [{"title": "New", "url": "/new", "items": [{"title": "Today"}]}]},
        {"id": f"{GID}MenuItem/2", "title": "About"},
    ]  # fmt: skip
    found = menu_items(items, f"{GID}Menu/1")
    assert [(item["title"], item["level"], item["position"], item["path"]) for item in found] == [
        ("Shop", 0, 0, ["Shop"]), ("New", 1, 0, ["Shop", "New"]), ("Today", 2, 0, ["Shop", "New", "Today"]), ("About", 0, 1, ["About"]),
    ]  # fmt: skip
    assert found[1]["parent_gid"] == f"{GID}MenuItem/1"
    assert found[2]["parent_gid"] == found[1]["shopify_gid"]
    assert all(len(item["shopify_gid"]) <= 100 for item in found)
    assert found[1]["shopify_gid"] != menu_items(items, f"{GID}Menu/2")[1]["shopify_gid"]


def nested(connection: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A product with everything below it, in the nested form and flat."""
    product = {"id": f"{GID}Product/1", "title": "T", "handle": "t"}
    variants = [{"id": f"{GID}ProductVariant/{number}", "price": "1"} for number in (1, 2)]
    field = {"id": f"{GID}Metafield/1", "namespace": "n", "key": "k", "value": "v"}
    image = {"id": f"{GID}MediaImage/1", "mediaContentType": "IMAGE"}

    def joined(nodes: list[dict[str, Any]]) -> dict[str, Any]:
        return (
            {"nodes": nodes}
            if connection == "nodes"
            else {"edges": [{"node": node, "cursor": "x"} for node in nodes], "pageInfo": {}}
        )

    whole = product | {
        "variants": joined([variants[0] | {"metafields": joined([field])}, variants[1]]),
        "media": joined([image]), "collections": joined([]), "metafields": joined([]),
    }  # fmt: skip
    flat = [
        product, variants[0] | {"__parentId": product["id"]}, field | {"__parentId": variants[0]["id"]},
        variants[1] | {"__parentId": product["id"]}, image | {"__parentId": product["id"]},
    ]  # fmt: skip
    return whole, flat


@pytest.mark.parametrize("connection", ["edges", "nodes"])
def test_a_nested_connection_is_the_same_as_lines(connection: str) -> None:
    whole, flat = nested(connection)
    one, one_parser = parse(whole)
    many, many_parser = parse(*flat)
    assert one == many
    assert one_parser.read == many_parser.read
    assert one_parser.names == many_parser.names
    assert one_parser.rejections == many_parser.rejections == []


@pytest.mark.parametrize(
    "connection", [{"nodes": [5]}, {"edges": [5]}, {"edges": 5}, {"nodes": "x"}, {"edges": [{"node": "x"}]}]
)
def test_what_stands_in_a_connection_and_is_no_object_is_refused(connection: dict[str, Any]) -> None:
    rows, parser = parse({"id": f"{GID}Product/1", "title": "T", "variants": connection})
    assert [row["shopify_gid"] for row in rows] == [f"{GID}Product/1"]
    assert [(rejection.code, rejection.field) for rejection in parser.rejections] == [
        ("NOT_AN_OBJECT", "variants")
    ]
    assert parser.read == {"Product": 1, "unknown": 1}


@pytest.mark.parametrize(
    "connection",
    [{}, {"nodes": []}, {"edges": []}, {"edges": None}, {"nodes": [None]}, {"edges": [{"node": None}]}],
)
def test_an_empty_connection_holds_nothing(connection: dict[str, Any]) -> None:
    rows, parser = parse({"id": f"{GID}Product/1", "title": "T", "variants": connection})
    assert len(rows) == 1
    assert parser.rejections == []


def test_the_same_key_twice_is_the_last_one() -> None:
    rows = Parser().parse(1, b'{"id":"gid://shopify/Product/1","title":"A","title":"B"}')
    assert shown(rows[0])["title"] == "B"


def test_a_field_counts_as_told_only_where_a_good_record_has_it() -> None:
    _, parser = parse(
        {"id": f"{GID}Product/1", "title": "T", "handle": "t"},
        {"id": f"{GID}Product/2", "title": "T", "vendor": "V", "status": "WRONG"},
        {
            "id": f"{GID}ProductVariant/3",
            "price": "1",
            "inventoryItem": {"id": f"{GID}InventoryItem/1"},
            "__parentId": f"{GID}Product/1",
        },
    )
    assert set(PRODUCT.covered(parser.names["Product"])) == {"title", "handle"}
    assert set(VARIANT.covered(parser.names["ProductVariant"])) == {"price", "inventory_item_id"}


def test_a_null_above_a_field_says_that_there_is_none() -> None:
    _, parser = parse(
        {
            "id": f"{GID}ProductVariant/3",
            "price": "1",
            "inventoryItem": {"unitCost": None},
            "image": None,
            "__parentId": f"{GID}Product/1",
        },
        {"id": f"{GID}Order/3", "name": "#1", "customer": {"id": f"{GID}Customer/1"}},
        {"id": f"{GID}Order/4", "name": "#2", "customer": None},
    )
    assert set(VARIANT.covered(parser.names["ProductVariant"])) == {"price", "cost", "image_url"}
    assert set(ORDER.covered(parser.names["Order"])) == {"name", "order_number", "customer_gid"}


def test_the_fields_told_do_not_hang_on_the_order_of_lines() -> None:
    records = [
        {"id": f"{GID}Product/{number}", "title": "T"} | random.Random(number).choice([{}, {"vendor": "V"}, {"featuredImage": {"url": "u"}}])
        for number in range(40)
    ]  # fmt: skip
    random.Random(1).shuffle(records)
    names = parse(*records)[1].names
    assert parse(*reversed(records))[1].names == names
    assert "featured_image_url" in PRODUCT.covered(names["Product"])


def test_many_kinds_of_bad_type_do_not_grow_what_is_remembered() -> None:
    _, parser = parse(*({"id": f"{GID}{'x' * number}/1"} for number in range(60, 400)))
    assert parser.read == {"unknown": 340}
