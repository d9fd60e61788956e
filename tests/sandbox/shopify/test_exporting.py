"""The generated export: the same for the same seed, true to the Admin API, and consistent with itself."""

import gzip
import io
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.shopify.introspection import AdminSchema

from entrepot.kit.errors import InvalidInputError
from entrepot.sandbox.shopify import spoiling
from entrepot.sandbox.shopify.exporting import ExportSummary, export_lines, write_export

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SCHEMA = Path(__file__).parents[4] / "shared/data/shopify-admin-schema/admin_2026-10.json.gz"

Node = dict[str, Any]


def written(**options: Any) -> tuple[bytes, ExportSummary]:
    file = io.BytesIO()
    arguments: dict[str, Any] = {"seed": 11, "products": 300, "now": NOW, **options}
    summary = write_export(file, **arguments)
    return file.getvalue(), summary


def type_of(node: Node) -> str:
    """The kind of line, as the summary names it."""
    if "id" not in node:
        return "ResourcePublicationV2"
    kind = str(node["id"]).split("/")[3]
    if kind == "Product" and "__parentId" in node:
        return "CollectionProduct"
    if kind == "MediaImage" and set(node) == {"id", "__parentId"}:
        return "VariantMedia"
    return kind


def by_type(content: bytes) -> dict[str, list[Node]]:
    nodes = defaultdict(list)
    for row in content.splitlines():
        node = json.loads(row)
        nodes[type_of(node)].append(node)
    return nodes


@pytest.fixture(scope="module")
def shop() -> dict[str, list[Node]]:
    return by_type(written(products=600)[0])


def cents(money: Node) -> int:
    amount = Decimal(money["shopMoney"]["amount"]) * 100
    assert amount == amount.to_integral_value()
    return int(amount)


@pytest.mark.parametrize("arrangement", [{}, {"grouped": False}, {"shuffle": True}])
def test_the_same_seed_gives_the_same_bytes(arrangement: dict[str, bool]) -> None:
    first = written(bad_lines=12, **arrangement)
    assert written(bad_lines=12, **arrangement) == first
    assert written(bad_lines=12, seed=12, **arrangement)[0] != first[0]


def test_a_packed_file_holds_the_same_lines_and_is_itself_the_same(tmp_path: Path) -> None:
    content, summary = written()
    names = ("one.jsonl.gz", "other.jsonl.gz")
    summaries = [write_export(tmp_path / name, seed=11, products=300, now=NOW) for name in names]
    packed = [(tmp_path / name).read_bytes() for name in names]
    assert packed[0] == packed[1]
    assert gzip.decompress(packed[0]) == content
    assert summaries == [summary, summary]


def test_the_iterator_gives_the_lines_that_are_written() -> None:
    assert b"".join(export_lines(seed=11, products=300, now=NOW)) == written()[0]


def test_more_orders_do_not_change_the_products() -> None:
    few, many = (by_type(written(orders=orders)[0]) for orders in (5, 50))
    assert few["Product"] == many["Product"]
    assert few["ProductVariant"] == many["ProductVariant"]
    assert len(many["Order"]) == 50


@pytest.mark.parametrize("arrangement", [{}, {"grouped": False}, {"shuffle": True}])
def test_the_summary_counts_what_is_there(arrangement: dict[str, bool]) -> None:
    content, summary = written(orders=40, customers=17, **arrangement)
    nodes = by_type(content)
    assert {kind: len(found) for kind, found in nodes.items()} == summary.counts
    assert summary.lines == sum(summary.counts.values()) == content.count(b"\n")
    assert summary.bytes == len(content)
    assert summary.counts["Product"] == 300
    assert summary.counts["Order"] == 40
    assert summary.counts["Customer"] == 17


def test_every_arrangement_holds_the_same_lines() -> None:
    arrangements: list[dict[str, bool]] = [{}, {"grouped": False}, {"shuffle": True}]
    grouped, parents_first, shuffled = (written(bad_lines=20, **one)[0].split(b"\n") for one in arrangements)
    assert Counter(grouped) == Counter(parents_first) == Counter(shuffled)
    assert grouped != parents_first != shuffled


def test_grouped_children_stand_under_their_own_parent() -> None:
    opened: list[str] = []
    for row in written()[0].splitlines():
        node = json.loads(row)
        parent = node.get("__parentId")
        if parent is None:
            opened = []
        else:
            assert parent in opened
            del opened[opened.index(parent) + 1 :]
        if type_of(node) not in ("CollectionProduct", "VariantMedia"):
            opened.append(node.get("id", ""))


def test_ungrouped_children_come_after_all_parents() -> None:
    is_child = ["__parentId" in json.loads(row) for row in written(grouped=False)[0].splitlines()]
    assert is_child == sorted(is_child)
    assert True in is_child


def test_shuffled_children_come_before_their_parents_too() -> None:
    seen: set[str] = set()
    early = 0
    for row in written(shuffle=True)[0].splitlines():
        node = json.loads(row)
        early += "__parentId" in node and node["__parentId"] not in seen
        seen.add(node.get("id", ""))
    assert early > 100


@pytest.mark.shared_data
def test_every_field_is_one_of_the_admin_api(shop: dict[str, list[Node]]) -> None:
    if not SCHEMA.exists():
        pytest.skip(f"the Admin API's introspection is not at {SCHEMA}")
    schema = AdminSchema(SCHEMA)
    assert {"Product", "ProductVariant", "MediaImage", "Video", "Metafield", "InventoryLevel", "Collection", "Order",
            "LineItem", "Customer", "Metaobject", "Publication", "ResourcePublicationV2", "Location", "Menu"} <= set(shop)  # fmt: skip
    types = {"CollectionProduct": "Product", "VariantMedia": "MediaImage"}
    faults = Counter(
        fault
        for kind, nodes in shop.items()
        for node in nodes
        for fault in schema.faults(types.get(kind, kind), node)
    )
    assert not faults, faults.most_common(20)


@pytest.mark.shared_data
def test_the_check_against_the_admin_api_sees_faults() -> None:
    if not SCHEMA.exists():
        pytest.skip(f"the Admin API's introspection is not at {SCHEMA}")
    schema = AdminSchema(SCHEMA)
    assert schema.faults("ProductVariant", {"price": "12,5"}) == ["ProductVariant.price: '12,5' is no Money"]
    assert schema.faults("Product", {"titel": "x"}) == ["Product.titel: Product has no such field"]
    assert schema.faults("Product", {"status": "SOLD"}) == ["Product.status: 'SOLD' is no ProductStatus"]
    assert schema.faults("Product", {"seo": {"title": 3}}) == ["Product.seo.title: 3 is no String"]
    assert schema.faults("Product", {"tags": None}) == ["Product.tags: null"]


def test_ids_are_unique_and_every_reference_leads_somewhere(shop: dict[str, list[Node]]) -> None:
    links = ("CollectionProduct", "VariantMedia")
    own = [node["id"] for kind, nodes in shop.items() if kind not in links for node in nodes if "id" in node]
    assert len(own) == len(set(own))
    known = set(own)
    references = [node["__parentId"] for nodes in shop.values() for node in nodes if "__parentId" in node]
    references += [node["id"] for link in links for node in shop[link]]
    references += [node["location"]["id"] for node in shop["InventoryLevel"]]
    references += [node["publication"]["id"] for node in shop["ResourcePublicationV2"]]
    references += [node["customer"]["id"] for node in shop["Order"] if node["customer"]]
    references += [node["variant"]["id"] for node in shop["LineItem"] if node["variant"]]
    references += [node["product"]["id"] for node in shop["LineItem"] if node["product"]]
    references += [node["featuredMedia"]["id"] for node in shop["Product"] if node["featuredMedia"]]
    references += [node["value"] for node in shop["Metafield"] if node["type"] == "metaobject_reference"]
    assert set(references) <= known
    handles = [node["handle"] for node in shop["Product"]]
    assert len(handles) == len(set(handles))


def test_orders_add_up_to_the_cent(shop: dict[str, list[Node]]) -> None:
    items: defaultdict[str, list[Node]] = defaultdict(list)
    for item in shop["LineItem"]:
        items[item["__parentId"]].append(item)
        assert cents(item["originalTotalSet"]) == item["quantity"] * cents(item["originalUnitPriceSet"])
        discounted = cents(item["originalTotalSet"]) - cents(item["totalDiscountSet"])
        assert discounted == cents(item["discountedTotalSet"])
    assert shop["Order"]
    for order in shop["Order"]:
        lines = items[order["id"]]
        assert lines
        subtotal = cents(order["subtotalPriceSet"])
        assert subtotal == sum(cents(item["discountedTotalSet"]) for item in lines)
        assert cents(order["totalDiscountsSet"]) == sum(cents(item["totalDiscountSet"]) for item in lines)
        assert cents(order["totalTaxSet"]) == sum(cents(tax["priceSet"]) for tax in order["taxLines"])
        shipping = order["shippingLine"]
        assert cents(order["totalShippingPriceSet"]) == (
            cents(shipping["originalPriceSet"]) if shipping else 0
        )
        total = subtotal + cents(order["totalShippingPriceSet"]) + cents(order["totalTaxSet"])
        assert cents(order["totalPriceSet"]) == total
        paid = cents(order["totalReceivedSet"]) - cents(order["totalRefundedSet"])
        assert cents(order["netPaymentSet"]) == paid
        assert 0 <= paid <= total
    assert any(order["discountCodes"] for order in shop["Order"])


def test_customers_have_spent_what_their_orders_say(shop: dict[str, list[Node]]) -> None:
    spent: Counter[str] = Counter()
    placed: Counter[str] = Counter()
    for order in shop["Order"]:
        if order["customer"]:
            spent[order["customer"]["id"]] += cents(order["netPaymentSet"])
            placed[order["customer"]["id"]] += 1
    assert placed.total() > 0
    for customer in shop["Customer"]:
        assert int(customer["numberOfOrders"]) == placed[customer["id"]]
        assert cents({"shopMoney": customer["amountSpent"]}) == spent[customer["id"]]
        assert customer["defaultEmailAddress"]["emailAddress"].endswith("@example.com")
        assert customer["defaultEmailAddress"]["emailAddress"].isascii()


def test_orders_are_of_the_last_ninety_days(shop: dict[str, list[Node]]) -> None:
    moments = [datetime.fromisoformat(order["createdAt"]) for order in shop["Order"]]
    assert moments == sorted(moments)
    assert NOW - timedelta(days=90) <= moments[0]
    assert moments[-1] < NOW
    assert max(datetime.fromisoformat(order["updatedAt"]) for order in shop["Order"]) <= NOW
    assert [order["number"] for order in shop["Order"]] == list(range(1001, 1001 + len(moments)))


def test_products_agree_with_their_variants(shop: dict[str, list[Node]]) -> None:
    variants: defaultdict[str, list[Node]] = defaultdict(list)
    for variant in shop["ProductVariant"]:
        variants[variant["__parentId"]].append(variant)
    for product in shop["Product"]:
        own = variants[product["id"]]
        prices = sorted(Decimal(variant["price"]) for variant in own)
        span = product["priceRangeV2"]
        assert Decimal(span["minVariantPrice"]["amount"]) == prices[0]
        assert Decimal(span["maxVariantPrice"]["amount"]) == prices[-1]
        assert product["totalInventory"] == sum(variant["inventoryQuantity"] for variant in own)
        assert [variant["position"] for variant in own] == list(range(1, len(own) + 1))
        assert product["hasOnlyDefaultVariant"] == (own[0]["title"] == "Default Title")
        used = {(option["name"], option["value"]) for variant in own for option in variant["selectedOptions"]}
        assert used == {
            (option["name"], value) for option in product["options"] for value in option["values"]
        }
        assert 300 <= len(product["descriptionHtml"]) <= 2_000
    before = [
        (Decimal(v["compareAtPrice"]), Decimal(v["price"]))
        for v in shop["ProductVariant"]
        if v["compareAtPrice"]
    ]
    assert before
    assert all(old >= new for old, new in before)
    assert len(before) < len(shop["ProductVariant"]) / 4


def test_stock_of_the_locations_is_the_stock_of_the_variant(shop: dict[str, list[Node]]) -> None:
    available: Counter[str] = Counter()
    for level in shop["InventoryLevel"]:
        quantities = {entry["name"]: entry["quantity"] for entry in level["quantities"]}
        assert quantities["on_hand"] == quantities["available"] + quantities["committed"]
        available[level["__parentId"]] += quantities["available"]
    for variant in shop["ProductVariant"]:
        assert available[variant["id"]] == variant["inventoryQuantity"]
        assert (variant["id"] in available) == variant["inventoryItem"]["tracked"]


def test_a_variant_shows_an_image_of_its_own_product(shop: dict[str, list[Node]]) -> None:
    media = {image["id"]: image for image in shop["MediaImage"]}
    variants = {variant["id"]: variant for variant in shop["ProductVariant"]}
    assert shop["VariantMedia"]
    for link in shop["VariantMedia"]:
        image, variant = media[link["id"]], variants[link["__parentId"]]
        assert image["__parentId"] == variant["__parentId"]
        assert image["image"]["url"] == variant["image"]["url"]
    assert sum(variant["image"] is not None for variant in variants.values()) == len(shop["VariantMedia"])


def test_barcodes_have_valid_check_digits(shop: dict[str, list[Node]]) -> None:
    barcodes = [variant["barcode"] for variant in shop["ProductVariant"] if variant["barcode"]]
    assert len(barcodes) > 1_000
    assert len(set(barcodes)) == len(barcodes)
    for barcode in barcodes:
        assert len(barcode) == 13
        assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(barcode)) % 10 == 0


def test_the_shop_has_the_shares_of_a_real_one() -> None:
    shop = by_type(written(products=2_000, orders=0)[0])
    variants = shop["ProductVariant"]
    assert len(variants) >= 3 * len(shop["Product"])
    statuses = Counter(product["status"] for product in shop["Product"])
    assert 0.03 < statuses["DRAFT"] / 2_000 < 0.07
    assert 0.015 < statuses["ARCHIVED"] / 2_000 < 0.045
    out = sum(
        variant["inventoryItem"]["tracked"] and variant["inventoryQuantity"] <= 0 for variant in variants
    )
    assert 0.06 < out / len(variants) < 0.1
    assert len({product["title"] for product in shop["Product"]}) > 1_800


def test_a_few_products_sell_most(shop: dict[str, list[Node]]) -> None:
    sold = Counter(item["title"] for item in shop["LineItem"])
    top = sum(count for _, count in sold.most_common(len(shop["Product"]) // 20))
    assert top > sold.total() / 4


def test_automatic_collections_hold_what_their_rule_says(shop: dict[str, list[Node]]) -> None:
    tags = {product["id"]: product["tags"] for product in shop["Product"]}
    members: defaultdict[str, set[str]] = defaultdict(set)
    for member in shop["CollectionProduct"]:
        members[member["__parentId"]].add(member["id"])
    automatic = [collection for collection in shop["Collection"] if collection["ruleSet"]]
    assert automatic
    for collection in automatic:
        tag = collection["ruleSet"]["rules"][0]["condition"]
        assert members[collection["id"]] == {product for product, own in tags.items() if tag in own}
    for collection in shop["Collection"]:
        assert collection["productsCount"]["count"] == len(members[collection["id"]])


@pytest.mark.parametrize("arrangement", [{}, {"grouped": False}, {"shuffle": True}])
def test_bad_lines_stand_where_the_summary_says(arrangement: dict[str, bool]) -> None:
    content, summary = written(bad_lines=25, **arrangement)
    rows = content.split(b"\n")
    good, _ = written(**arrangement)
    assert len(summary.rejections) == 25
    assert summary.lines == content.count(b"\n") == good.count(b"\n") + 25
    assert sum(summary.counts.values()) == good.count(b"\n")
    assert Counter(rows) - Counter(good.split(b"\n")) == Counter(
        rows[rejection.line_number - 1] for rejection in summary.rejections
    )
    assert {rejection.kind for rejection in summary.rejections} == set(spoiling.KINDS)


def test_each_kind_of_bad_line_is_bad_in_its_own_way() -> None:
    content, summary = written(bad_lines=len(spoiling.KINDS))
    rows = content.split(b"\n")
    bad = {rejection.kind: rows[rejection.line_number - 1] for rejection in summary.rejections}
    products = {node["id"] for node in by_type(written()[0])["Product"]}
    with pytest.raises(json.JSONDecodeError):
        json.loads(bad.pop("broken_json"))
    with pytest.raises(UnicodeDecodeError):
        bad.pop("invalid_utf8").decode()
    nodes = {kind: json.loads(row) for kind, row in bad.items()}
    assert nodes["price_with_comma"]["price"] == "12,5"
    assert nodes["unknown_type"]["id"].startswith("gid://shopify/StorefrontGizmo/")
    assert nodes["orphan_variant"]["__parentId"] not in products
    assert b"\\u0000" in bad["nul_in_title"]
    assert len(nodes["sku_too_long"]["sku"]) > 255
    assert len(nodes["handle_too_long"]["handle"]) > 255
    assert "title" not in nodes["missing_title"]
    assert nodes["quantity_not_a_number"]["inventoryQuantity"] == "twelve"
    for kind in ("price_with_comma", "sku_too_long", "quantity_not_a_number"):
        assert nodes[kind]["__parentId"] in products
    fields = {rejection.kind: rejection.field for rejection in summary.rejections}
    assert all(
        fields[kind] == "__parentId" or fields[kind] in node or kind == "missing_title"
        for kind, node in nodes.items()
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"now": NOW.replace(tzinfo=None)}, "time zone"),
        ({"products": -1}, "fewer than none"),
        ({"products": 0, "bad_lines": 1}, "at least one product"),
        ({"currency": "euro"}, "currency code"),
    ],
)
def test_impossible_exports_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        written(**options)


def test_an_empty_shop_still_has_its_surroundings() -> None:
    _, summary = written(products=0)
    assert summary.counts["Location"] == 3
    assert summary.counts.get("Order", 0) == 0


def test_a_path_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"cannot be written to .*missing"):
        write_export(tmp_path / "missing" / "export.jsonl", seed=1, products=1, now=NOW)
