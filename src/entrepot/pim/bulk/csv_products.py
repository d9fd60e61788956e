"""Shopify's product CSV as the same records that a bulk export holds.

A CSV has no identifiers. Products, variants and images get one made of what names them (handle; handle and options;
handle and address), with a negative number, so that it can never be one of Shopify's. Where the shop has the product
already under its real identifier, that one is taken (`recognize`); where the real one comes later, it takes the row
over (`links.ADOPT_PRODUCTS`).
"""

import csv
import hashlib
import html
import io
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.pim.bulk.fields import FieldError
from entrepot.pim.bulk.parsing import Parser
from entrepot.pim.bulk.reading import LONGEST_LINE, Bytes, OnBytes, Source

#: Column → field of the product; a column may have another name in newer exports.
PRODUCT_TEXT = {
    "Title": "title",
    "Body (HTML)": "descriptionHtml",
    "Description": "descriptionHtml",
    "Vendor": "vendor",
    "Type": "productType",
    "Product Type": "productType",
    "Template Suffix": "templateSuffix",
}
VARIANT_TEXT = {
    "Variant SKU": "sku",
    "SKU": "sku",
    "Variant Barcode": "barcode",
    "Barcode": "barcode",
    "Variant Tax Code": "taxCode",
}
VARIANT_CELLS = (
    ("price", "Variant Price", "Price"),
    ("compareAtPrice", "Variant Compare At Price", "Compare-at price"),
    ("inventoryQuantity", "Variant Inventory Qty", "Inventory quantity"),
)
OPTION_COLUMNS = frozenset({"Option1 Name", "Option1 name", "Option1 Value", "Option1 value"})
#: A row with none of these is neither of a product, nor of a variant, nor of an image.
SUBSTANCE = frozenset(
    {"Title", "Option1 Value", "Option1 value", "Variant Price", "Price", "Image Src", "Product image URL"}
)
WEIGHT_UNITS = {
    "kg": ("KILOGRAMS", 1000.0),
    "g": ("GRAMS", 1.0),
    "lb": ("POUNDS", 453.59237),
    "oz": ("OUNCES", 28.349523125),
}
_METAFIELD = re.compile(r"\(product\.metafields\.([^.]+)\.([^)]+)\)\s*\Z")
_GOOGLE = "Google Shopping / "
_TAG = re.compile(r"<[^>]+>")
_FOREIGN = re.compile("[\udc80-\udcff]")
_LONGEST_FIELD = 8 << 20


def records(
    source: Source, parser: Parser, on_bytes: OnBytes | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a CSV, each with the line on which its row begins; rows that cannot be read go to the parser's rejections."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(_Lines(source, on_bytes), strict=True)
    try:
        header = [name.strip() for name in next(reader)]
    except (csv.Error, StopIteration) as error:
        raise InvalidInputError(
            f"{source.name} has no header that can be read.", where={"file": source.name}
        ) from error
    if not {"Handle", "URL handle"} & set(header):
        raise InvalidInputError(
            f"{source.name} has no column Handle.",
            hint="Use the product export of the Shopify admin.",
            where={"file": source.name},
        )
    columns = frozenset(header)
    group: list[tuple[int, dict[str, str]]] = []
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            parser.refuse(line, "row", FieldError("BROKEN_CSV", f"The row cannot be read: {error}"), b"")
            line = reader.line_num + 1
            continue
        began, line = line, reader.line_num + 1
        if not any(cells):
            continue
        text_of_row = ",".join(cells)
        raw = text_of_row.encode("utf-8", "surrogateescape")
        if len(cells) > len(header):
            parser.refuse(
                began,
                "row",
                FieldError(
                    "TOO_MANY_CELLS", f"The row has {len(cells)} cells; the header names {len(header)}"
                ),
                raw,
            )
            continue
        if not text_of_row.isascii() and _FOREIGN.search(text_of_row):
            parser.refuse(
                began,
                "row",
                FieldError("INVALID_UTF8", "The row is not UTF-8; export it again as UTF-8"),
                raw,
            )
            continue
        row = {name: cell for name, cell in zip(header, cells, strict=False) if cell != ""}
        row["Handle"] = row.get("Handle") or row.get("URL handle") or ""
        if not row["Handle"].strip():
            parser.refuse(
                began, "row", FieldError("NO_HANDLE", "is empty; it names the product", None, "Handle"), raw
            )
            continue
        if not row.keys() & SUBSTANCE:
            parser.refuse(
                began,
                "row",
                FieldError(
                    "EMPTY_ROW", "The row has neither a title, nor options, nor a price, nor an image"
                ),
                raw,
            )
            continue
        if group and group[0][1]["Handle"] != row["Handle"]:
            yield from product_records(group, columns)
            group = []
        group.append((began, row))
    if group:
        yield from product_records(group, columns)


class _Lines:
    """The text lines of a source; bytes that are not UTF-8 come as lone surrogates, so that only their row is refused."""

    def __init__(self, source: Source, on_bytes: OnBytes | None) -> None:
        raw = io.BufferedReader(_Chunks(iter(Bytes(source, on_bytes))))
        self._text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            while (rest := self._text.readline(LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            raise csv.Error("a line has more than 16 MiB")
        return line


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._chunks, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def product_records(
    rows: list[tuple[int, dict[str, str]]], columns: frozenset[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The product of a group of rows with one handle, then a variant and an image a row, where the row has one.

    A column that the file does not have says nothing, and leaves what it would fill alone.
    """
    line, first = next(((at, row) for at, row in rows if row.get("Title")), rows[0])
    handle = first["Handle"]
    gid, number = identity("Product", handle)
    names = [first.get(f"Option{place} Name") or first.get(f"Option{place} name") for place in (1, 2, 3)]
    variants = [
        (at, row)
        for at, row in rows
        if row.get("Option1 Value")
        or row.get("Option1 value")
        or row.get("Variant Price")
        or row.get("Price")
    ]
    chosen = [
        [row.get(f"Option{place} Value") or row.get(f"Option{place} value") for place in (1, 2, 3)]
        for _, row in variants
    ]
    if any(row.get("Title") for _, row in rows):
        yield line, _product(gid, number, handle, first, columns, names, chosen)
        yield from ((line, record) for record in _metafields(gid, handle, first))
    images = 0
    for position, ((at, row), values) in enumerate(zip(variants, chosen, strict=True), start=1):
        yield at, _variant(gid, handle, row, columns, names, values, position)
    for at, row in rows:
        address = row.get("Image Src") or row.get("Product image URL")
        if address:
            images += 1
            image, image_number = identity("MediaImage", handle, address)
            yield at, {
                "id": image, "legacyResourceId": image_number, "mediaContentType": "IMAGE", "status": "READY",
                "alt": row.get("Image Alt Text") or row.get("Image alt text"), "image": {"url": address}, "__parentId": gid,
            }  # fmt: skip


def identity(kind: str, *parts: str) -> tuple[str, int]:
    """A gid and a negative number made of what names a record; the same parts give the same ones."""
    digest = hashlib.sha256("\x1f".join((kind, *parts)).encode()).digest()
    number = int.from_bytes(digest[:8], "big") >> 2
    return f"gid://shopify/{kind}/csv-{number}", -number - 1


def _product(
    gid: str,
    number: int,
    handle: str,
    row: dict[str, str],
    columns: frozenset[str],
    names: list[str | None],
    chosen: list[list[str | None]],
) -> dict[str, Any]:
    record: dict[str, Any] = {"id": gid, "legacyResourceId": number, "handle": handle}
    for column, name in PRODUCT_TEXT.items():
        if column in columns and record.get(name) is None:
            record[name] = row.get(column)
    if "descriptionHtml" in record:
        record["description"] = plain_text(record["descriptionHtml"])
    if columns & {"Status", "Published", "Published on online store"}:
        published = (row.get("Published") or row.get("Published on online store") or "true").strip().lower()
        record["status"] = (
            (row.get("Status") or ("active" if published in ("true", "active") else "draft")).strip().upper()
        )
    if "Tags" in columns:
        record["tags"] = row.get("Tags", "")
    if "Gift Card" in columns:
        record["isGiftCard"] = flag(row, "Gift Card", default=False)
    if columns & {"SEO Title", "SEO title", "SEO Description", "SEO description"}:
        record["seo"] = {
            "title": row.get("SEO Title") or row.get("SEO title"),
            "description": row.get("SEO Description") or row.get("SEO description"),
        }
    if columns & {"Image Src", "Product image URL"}:
        record["featuredImage"] = {"url": row.get("Image Src") or row.get("Product image URL")}
    if columns & OPTION_COLUMNS:
        options = [
            {
                "name": name,
                "position": place + 1,
                "values": list(dict.fromkeys(values[place] for values in chosen if values[place])),
            }
            for place, name in enumerate(names)
            if name
        ]
        record["options"] = options
        record["hasOnlyDefaultVariant"] = [option["name"] for option in options] == ["Title"] and options[0][
            "values"
        ] == ["Default Title"]
    return record


def _variant(
    product: str,
    handle: str,
    row: dict[str, str],
    columns: frozenset[str],
    names: list[str | None],
    values: list[str | None],
    position: int,
) -> dict[str, Any]:
    if not columns & OPTION_COLUMNS:  # a product without options has one variant, which Shopify names so
        names, values = ["Title", None, None], ["Default Title", None, None]
    gid, number = identity("ProductVariant", handle, *(value or "" for value in values))
    record: dict[str, Any] = {
        "id": gid,
        "legacyResourceId": number,
        "__parentId": product,
        "position": position,
    }
    for column, name in VARIANT_TEXT.items():
        if column in columns and record.get(name) is None:
            value = row.get(column)
            # Spreadsheets keep a long number as text by an apostrophe before it, and Shopify exports that.
            record[name] = value.removeprefix("'") if value else None
    record["title"] = " / ".join(value for value in values if value) or "Default Title"
    for name, old, new in VARIANT_CELLS:
        if old in columns or new in columns:
            record[name] = row.get(old) or row.get(new)
    if columns & {"Variant Inventory Policy", "Continue selling when out of stock"}:
        record["inventoryPolicy"] = (
            row.get("Variant Inventory Policy") or row.get("Continue selling when out of stock") or "deny"
        ).upper()
    if columns & {"Variant Taxable", "Charge tax"}:
        record["taxable"] = flag(row, "Variant Taxable", "Charge tax", default=True)
    record["selectedOptions"] = [
        {"name": name or f"Option{place}", "value": value}
        for place, (name, value) in enumerate(zip(names, values, strict=True), start=1)
        if value
    ]
    if columns & {"Variant Image", "Variant image URL"}:
        record["image"] = {"url": row.get("Variant Image") or row.get("Variant image URL")}
    item: dict[str, Any] = {}
    if columns & {"Variant Requires Shipping", "Requires shipping"}:
        item["requiresShipping"] = flag(row, "Variant Requires Shipping", "Requires shipping", default=True)
    if "Cost per item" in columns:
        item["unitCost"] = {"amount": row.get("Cost per item")}
    if columns & {"Variant Grams", "Weight value (grams)"}:
        item["measurement"] = {"weight": _weight(row)}
    return record | {"inventoryItem": item}


def _weight(row: dict[str, str]) -> dict[str, Any]:
    unit, grams_each = WEIGHT_UNITS.get(
        (row.get("Variant Weight Unit") or "g").strip().lower(), (row.get("Variant Weight Unit"), 1.0)
    )
    grams = row.get("Variant Grams") or row.get("Weight value (grams)")
    if grams is None:
        return {"value": None, "unit": unit}
    try:
        return {"value": round(float(grams) / grams_each, 4), "unit": unit}
    except ValueError:
        return {"value": grams, "unit": unit}  # the parser says what is wrong with it


def _metafields(product: str, handle: str, row: dict[str, str]) -> Iterator[dict[str, Any]]:
    for column, value in row.items():
        found = _METAFIELD.search(column)
        if found:
            namespace, key = found[1], found[2]
        elif column.startswith(_GOOGLE):
            namespace, key = (
                "mm-google-shopping",
                re.sub(r"[^a-z0-9]+", "_", column.removeprefix(_GOOGLE).lower()).strip("_"),
            )
        else:
            continue
        gid, _ = identity("Metafield", handle, namespace, key)
        yield {
            "id": gid,
            "namespace": namespace,
            "key": key,
            "value": value,
            "type": "single_line_text_field",
            "__parentId": product,
        }


def flag(row: dict[str, str], *columns: str, default: bool) -> bool | str:
    """A cell that says true or false; anything else is given on, for the parser to refuse."""
    value = next((row[column] for column in columns if column in row), None)
    if value is None:
        return default
    return {"true": True, "false": False}.get(value.strip().lower(), value)


def plain_text(markup: str | None) -> str | None:
    """HTML without its tags, as Shopify's own `description` is."""
    return None if markup is None else re.sub(r"\s+", " ", html.unescape(_TAG.sub(" ", markup))).strip()


#: Products of a CSV that the shop has under another identifier, by handle; then their variants, by options, and media.
_RECOGNIZE = (
    """
    CREATE TEMPORARY TABLE recognized ON COMMIT DROP AS
    SELECT i.shopify_gid AS made, p.shopify_gid AS gid, p.legacy_resource_id AS number, p.id
    FROM staged_products AS i JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.handle = i.handle
    WHERE i.legacy_resource_id < 0 AND p.shopify_gid <> i.shopify_gid
    """,
    """
    UPDATE staged_variants AS i SET shopify_gid = v.shopify_gid, legacy_resource_id = v.legacy_resource_id
    FROM recognized AS r JOIN pim.shopify_variants AS v ON v.shop_id = :shop AND v.product_id = r.id
    WHERE i.product_gid = r.made AND v.selected_options = i.selected_options
    """,
    "UPDATE staged_variants AS i SET product_gid = r.gid FROM recognized AS r WHERE i.product_gid = r.made",
    """
    UPDATE staged_records AS i SET shopify_gid = m.shopify_gid, data = i.data || jsonb_build_object('legacy_resource_id', m.legacy_resource_id)
    FROM recognized AS r
    JOIN pim.shopify_product_media AS pm ON pm.shop_id = :shop AND pm.product_id = r.id
    JOIN pim.shopify_media AS m ON m.shop_id = :shop AND m.media_id = pm.media_id
    WHERE i.parent_gid = r.made AND i.resource_type = 'MediaImage' AND split_part(m.url, '?', 1) = split_part(i.data ->> 'url', '?', 1)
    """,
    "UPDATE staged_records AS i SET parent_gid = r.gid FROM recognized AS r WHERE i.parent_gid = r.made",
    # A CSV knows neither the identifier nor the type of a metafield: those that the shop has stay.
    """
    UPDATE staged_records AS i SET data = i.data || jsonb_build_object('type', held.metafield ->> 'type', 'held_id', held.metafield ->> 'id')
    FROM (SELECT r.gid, m.key AS name, m.value AS metafield FROM recognized AS r JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.id = r.id
          CROSS JOIN LATERAL jsonb_each(p.metafields) AS m) AS held
    WHERE i.parent_gid = held.gid AND i.resource_type = 'Metafield' AND held.metafield ->> 'id' IS NOT NULL
      AND (i.data ->> 'namespace') || '.' || (i.data ->> 'key') = held.name
    """,
    """
    UPDATE staged_products AS i SET shopify_gid = r.gid, legacy_resource_id = r.number
    FROM recognized AS r WHERE i.shopify_gid = r.made
    """,
)


async def recognize(session: AsyncSession, parameters: dict[str, Any]) -> None:
    """Give the records of a CSV the identifiers that the shop knows them by."""
    for statement in _RECOGNIZE:
        await session.execute(
            text(statement), {name: value for name, value in parameters.items() if f":{name}" in statement}
        )
