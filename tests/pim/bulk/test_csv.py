"""Shopify's product CSV, as it is exported and as spreadsheets leave it."""

import csv
import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.pim.bulk.conftest import Mirror, as_lines, product, variant

from entrepot.kit.errors import InvalidInputError
from entrepot.pim.bulk.reading import examine

HEADER = "Handle,Title,Body (HTML),Vendor,Tags,Status,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Grams,Image Src"


async def take(mirror: Mirror, shop: UUID, *rows: str | bytes, header: str = HEADER, **options: bool) -> Any:
    """Import a CSV of these rows."""
    content = b"\n".join(row.encode() if isinstance(row, str) else row for row in (header, *rows)) + b"\n"
    return await mirror.take_files(shop, mirror.write(content, f"shop-{len(content)}.csv"), **options)


async def titles(mirror: Mirror, shop: UUID) -> list[str]:
    return [
        row["title"]
        for row in await mirror.rows(shop, "SELECT title FROM pim.shopify_products ORDER BY title")
    ]


@pytest.mark.shared_data
async def test_three_real_exports(mirror: Mirror, merchant: UUID, shared: Path) -> None:
    files = sorted((shared / "data" / "shopify-csv").glob("*.csv"))
    imported = await mirror.take_files(merchant, *files)
    assert imported.outcome.total.rejected == 0
    expected = set()
    variants = images = 0
    for file in files:
        for row in csv.DictReader(io.StringIO(file.read_text("utf-8"))):
            expected.add(row["Handle"])
            variants += bool(row["Variant Price"])
            images += bool(row["Image Src"])
    assert len(expected) == 60
    assert await mirror.count(merchant, "shopify_products") == 60
    assert await mirror.count(merchant, "shopify_variants") == variants
    assert imported.outcome.by_type["MediaImage"].inserted == images
    again = await mirror.take_files(merchant, *files, force=True)
    assert again.outcome.total.unchanged == again.outcome.total.read == imported.outcome.total.read


async def test_quotes_and_line_ends_in_a_cell(mirror: Mirror, merchant: UUID) -> None:
    imported = await take(
        mirror,
        merchant,
        'a,"A ""quoted"", B","line 1\nline 2\r\nline 3",V,"x, y",active,Title,Default Title,S,1.00,500,',
        "b,,,,,,,,,,,",
        "c,C,,,,,,,,1.00,,",
    )
    row = (await mirror.rows(merchant, "SELECT * FROM pim.shopify_products WHERE handle = 'a'"))[0]
    assert (row["title"], row["description_html"], row["tags"], row["status"]) == (
        'A "quoted", B',
        "line 1\nline 2\r\nline 3",
        ["x", "y"],
        "ACTIVE",
    )
    assert row["legacy_resource_id"] < 0
    weight = (
        await mirror.rows(
            merchant, "SELECT price, weight, weight_unit, sku FROM pim.shopify_variants WHERE sku = 'S'"
        )
    )[0]
    assert (weight["price"], weight["weight"], weight["weight_unit"]) == (1, 500, "GRAMS")
    # Counted from the line on which the row begins.
    assert await mirror.reasons(merchant, imported) == [(5, None, "EMPTY_ROW")]


BAD = [
    ("x,X,,,,,,,,\"1,50\",,", 2, "price", "NOT_AN_AMOUNT"),
    ("x,X,,,,live,,,,1.00,,", 2, "status", "UNKNOWN_VALUE"),
    ("x,X,,,,,,,,1.00,heavy,", 2, "inventoryItem.measurement.weight.value", "NOT_A_NUMBER"),
    (",X,,,,,,,,1.00,,", 2, "Handle", "NO_HANDLE"),
    ("x,X,,,,,,,,1.00,,,,,extra", 2, None, "TOO_MANY_CELLS"),
    (b"x,Caf\xe9,,,,,,,,1.00,,", 2, None, "INVALID_UTF8"),
    ("x,X\0,,,,,,,,,,", 2, "title", "NUL"),
    ('x,"X"y,,,,,,,,1.00,,', 2, None, "BROKEN_CSV"),
    ("h" * 256 + ",X,,,,,,,,,,", 2, "handle", "TOO_LONG"),
    (f"x,X,,,{'t' * 256},,,,,,,", 2, "tags", "TOO_LONG"),
    ("x,X,,,,,Title,Default Title,S,,,", 2, "price", "MISSING"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "line", "field", "code"), BAD, ids=[case[3] + str(number) for number, case in enumerate(BAD)]
)
async def test_a_bad_row_beside_a_good_one(
    mirror: Mirror, merchant: UUID, row: str | bytes, line: int, field: str | None, code: str
) -> None:
    imported = await take(mirror, merchant, row, "good,Good,,,,,,,,2.00,,")
    errors = [error for error in await mirror.reasons(merchant, imported) if error[2] != "ORPHAN"]
    assert errors == [(line, field, code)]
    assert "Good" in await titles(mirror, merchant)


async def test_an_open_quote_is_one_bad_row(mirror: Mirror, merchant: UUID) -> None:
    imported = await take(mirror, merchant, "a,A,,,,,,,,1.00,,", 'b,"B,,,,,,,,1.00,,', "c,C,,,,,,,,1.00,,")
    assert [(line, code) for line, _, code in await mirror.reasons(merchant, imported)] == [(3, "BROKEN_CSV")]
    assert await titles(mirror, merchant) == ["A"]


@pytest.mark.parametrize("way", ["mark", "crlf", "both", "cr"])
async def test_marks_and_line_ends(mirror: Mirror, merchant: UUID, way: str) -> None:
    content = f"{HEADER}\na,Ä,,,,,,,,1.00,,\nb,B,,,,,,,,1.00,,\n"
    content = content.replace("\n", {"crlf": "\r\n", "both": "\r\n", "cr": "\r"}.get(way, "\n"))
    await mirror.take_files(
        merchant,
        mirror.write(("\ufeff" if way in ("mark", "both") else "").encode() + content.encode(), "shop.csv"),
    )
    assert await titles(mirror, merchant) == ["B", "Ä"]


def test_what_is_no_product_csv(mirror: Mirror) -> None:
    for content, said in (
        (HEADER.replace(",", ";").encode() + b"\na;A\n", "semicolons"),
        (b"name,price\na,1\n", "neither"),
        (("\ufeff" + HEADER + "\na,A\n").encode("utf-16"), "neither"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            examine(mirror.write(content, "shop.csv"))


async def test_a_handle_twice_is_the_later_product(mirror: Mirror, merchant: UUID) -> None:
    imported = await take(
        mirror, merchant, "a,A1,,,,,Size,S,1,1.00,,", "b,B,,,,,,,,1.00,,", "a,A2,,,,,Size,M,2,1.00,,"
    )
    assert [(line, code) for line, _, code in await mirror.reasons(merchant, imported)] == [(2, "DUPLICATE")]
    assert await titles(mirror, merchant) == ["A2", "B"]
    assert await mirror.count(merchant, "shopify_variants") == 3


async def test_handles_in_any_script(mirror: Mirror, merchant: UUID) -> None:
    await take(mirror, merchant, "лампа-💡,Лампа,,,,,,,,1.00,,")
    assert await mirror.one(merchant, "SELECT handle FROM pim.shopify_products") == "лампа-💡"


async def test_three_hundred_values_of_an_option(mirror: Mirror, merchant: UUID) -> None:
    rows = [
        f"a,{'A' if number == 0 else ''},,,,,{'Size' if number == 0 else ''},{number},s{number},1.00,,"
        for number in range(300)
    ]
    await take(mirror, merchant, *rows)
    options = await mirror.one(merchant, "SELECT options FROM pim.shopify_products")
    assert options[0]["values"] == [str(number) for number in range(300)]
    positions = await mirror.rows(merchant, "SELECT position FROM pim.shopify_variants ORDER BY position")
    assert [row["position"] for row in positions] == list(range(1, 301))


async def test_a_column_that_the_file_does_not_have_says_nothing(mirror: Mirror, merchant: UUID) -> None:
    await take(
        mirror, merchant, 'a,A,<p>Text</p>,V,"x, y",draft,Title,Default Title,S,1.00,500,https://cdn/a.jpg'
    )
    await take(mirror, merchant, "a,New,2.00", header="Handle,Title,Variant Price")
    row = (await mirror.rows(merchant, "SELECT * FROM pim.shopify_products"))[0]
    assert row["title"] == "New"
    assert (row["description"], row["description_html"], row["vendor"], row["tags"], row["status"]) == (
        "Text",
        "<p>Text</p>",
        "V",
        ["x", "y"],
        "DRAFT",
    )
    assert row["options"] == [{"name": "Title", "position": 1, "values": ["Default Title"]}]
    assert row["featured_image_url"] == "https://cdn/a.jpg"
    row = (await mirror.rows(merchant, "SELECT * FROM pim.shopify_variants"))[0]
    assert (row["price"], row["sku"], row["weight"]) == (2, "S", 500)


async def test_an_empty_cell_clears(mirror: Mirror, merchant: UUID) -> None:
    await take(
        mirror, merchant, 'a,A,<p>Text</p>,V,"x, y",draft,Title,Default Title,S,1.00,500,https://cdn/a.jpg'
    )
    await take(mirror, merchant, "a,A,,,,,Title,Default Title,,1.00,,")
    row = (await mirror.rows(merchant, "SELECT * FROM pim.shopify_products"))[0]
    assert (row["description"], row["vendor"], row["tags"], row["featured_image_url"]) == (
        None,
        None,
        [],
        None,
    )
    assert (await mirror.rows(merchant, "SELECT sku, weight FROM pim.shopify_variants"))[0] == {
        "sku": None,
        "weight": None,
    }


async def test_the_title_may_stand_in_a_later_row(mirror: Mirror, merchant: UUID) -> None:
    await take(mirror, merchant, "a,,,,,,Size,S,1,1.00,,", "a,A,,V,,,Size,M,2,1.00,,")
    assert await mirror.rows(merchant, "SELECT title, vendor FROM pim.shopify_products") == [
        {"title": "A", "vendor": "V"}
    ]
    assert await mirror.count(merchant, "shopify_variants") == 2


async def test_a_line_without_end_is_one_bad_row_and_takes_no_memory(mirror: Mirror, merchant: UUID) -> None:
    path = mirror.write(f"{HEADER}\na,A,,,,,,,,1.00,,\n".encode(), "long.csv")
    with path.open("ab") as file:
        file.write(b"b," + b"B" * (40 << 20) + b",,,,,,,,1.00,,\nc,C,,,,,,,,1.00,,\n")
    imported = await mirror.take_files(merchant, path)
    assert [(line, code) for line, _, code in await mirror.reasons(merchant, imported)] == [(3, "BROKEN_CSV")]
    assert await titles(mirror, merchant) == ["A", "C"]


async def test_a_csv_and_a_bulk_operation_in_one_run(mirror: Mirror, merchant: UUID) -> None:
    jsonl = mirror.write(as_lines([product(1), variant(11, 1)]))
    imported = await mirror.take_files(
        merchant, jsonl, mirror.write(f"{HEADER}\na,A,,,,,,,,1.00,,\n".encode(), "shop.csv")
    )
    assert await mirror.errors(merchant, imported) == []
    assert await titles(mirror, merchant) == ["A", "Product 1"]
