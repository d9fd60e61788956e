"""CSV files of components, variants, bills of material, listings and counts: each line read, or refused with its reason."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from entrepot.kit.errors import InvalidInputError

#: The longest file that is read: a few hundred thousand lines.
LARGEST = 64 << 20
#: The largest number of a column that counts; PostgreSQL's integer.
MOST = 2_000_000_000


class CellError(ValueError):
    """Why a line is not taken."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how its text becomes a value; without one, a missing or empty cell is None."""

    name: str
    read: Callable[[str], Any]
    required: bool = False
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file may hold: its columns, and those that name what a line is about."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file: its values, or why it cannot be taken."""

    line: int
    values: Mapping[str, Any]
    reason: str | None = None


def short(longest: int) -> Callable[[str], str]:
    """A text of up to so many characters."""

    def read(given: str) -> str:
        if len(given) > longest:
            raise CellError(f"has {len(given)} characters; at most {longest} can be kept")
        return given

    return read


def whole(least: int) -> Callable[[str], int]:
    """A whole number, `least` or more."""

    def read(given: str) -> int:
        if not (given.isascii() and given.lstrip("-").isdigit()) or not least <= int(given[:12]) <= MOST:
            raise CellError(f"is {given!r}; it has to be a whole number from {least} to {MOST}")
        return int(given)

    return read


def decimal(*, above_zero: bool, digits: int, places: int) -> Callable[[str], Decimal]:
    """A number with so many digits before the point and places after it."""

    def read(given: str) -> Decimal:
        try:
            found = Decimal(given)
        except InvalidOperation:
            raise CellError(f"is {given!r}; it has to be a number such as 12.50") from None
        if (
            not found.is_finite()
            or found < 0
            or (above_zero and found == 0)
            or found >= Decimal(10) ** digits
        ):
            least = "above" if above_zero else "from"
            raise CellError(f"is {given!r}; it has to be a number {least} 0 and below {10**digits}")
        if found != found.quantize(Decimal(1).scaleb(-places)):
            raise CellError(f"is {given!r}; it can have {places} decimal places")
        return found

    return read


def yes_or_no(given: str) -> bool:
    """Yes or no, in the words that spreadsheets write."""
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if given.lower() not in known:
        raise CellError(f"is {given!r}; it has to be yes or no")
    return known[given.lower()]


_COUNT = whole(0)
_NAME = short(255)
_SKU = short(100)
_MONEY = decimal(above_zero=False, digits=15, places=4)
_SIDE = decimal(above_zero=True, digits=5, places=1)

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "components",
            (
                Column("name", _NAME, required=True, explanation="Name, by which the other files call it"),
                Column("type", short(50), required=True, explanation="RAM, SSD, BASE …"),
                Column("barcode", _SKU, explanation="What the scanner reads"),
                Column("reorder_point", _COUNT, explanation="Free units at which it is to be ordered"),
                Column("reorder_quantity", _COUNT, explanation="Units to order then"),
                Column("unit_cost", _MONEY, explanation="What a unit costs"),
            ),
            ("name",),
        ),
        Kind(
            "parts",
            (
                Column("component", _NAME, required=True, explanation="Component that is built"),
                Column("part", _NAME, required=True, explanation="Component that it takes"),
                Column("quantity", _COUNT, required=True, explanation="Units of it; 0 takes it out"),
            ),
            ("component", "part"),
        ),
        Kind(
            "variants",
            (
                Column("sku", _SKU, required=True, explanation="Our SKU"),
                Column("model", _NAME, required=True, explanation="Base product"),
                Column("brand", _SKU, explanation="Brand of the base product"),
                Column("description", short(10_000), explanation="What it is"),
                Column("weight_kg", decimal(above_zero=True, digits=5, places=3), explanation="Packed"),
                Column("length_cm", _SIDE, explanation="Packed"),
                Column("width_cm", _SIDE, explanation="Packed"),
                Column("height_cm", _SIDE, explanation="Packed"),
                Column("floor_price", _MONEY, explanation="Below it no order is accepted by rule"),
            ),
            ("sku",),
        ),
        Kind(
            "bill",
            (
                Column("sku", _SKU, required=True, explanation="Variant that is built"),
                Column("component", _NAME, required=True, explanation="Component that it takes"),
                Column("quantity", _COUNT, required=True, explanation="Units of it; 0 takes it out"),
            ),
            ("sku", "component"),
        ),
        Kind(
            "listings",
            (
                Column("shop_sku", _NAME, required=True, explanation="SKU on the marketplace"),
                Column("sku", _SKU, required=True, explanation="Variant that is sold under it"),
                Column("title", short(10_000), explanation="Title of the listing"),
                Column("active", yes_or_no, explanation="Whether stock is pushed to it"),
                Column("safety_stock", _COUNT, explanation="Units kept back from it"),
            ),
            ("shop_sku",),
        ),
        Kind(
            "stock",
            (
                Column("component", _NAME, required=True, explanation="Component (or its barcode)"),
                Column("on_hand", _COUNT, required=True, explanation="Units that were counted"),
                Column("reason", short(500), explanation="Why; the name of the file without one"),
            ),
            ("component",),
        ),
    )
}


def find_kind(name: str) -> Kind:
    """The kind of a name; raises InvalidInputError."""
    if name not in KINDS:
        raise InvalidInputError(
            f"There is no kind of file {name!r}.",
            hint=f"There are {', '.join(KINDS)}.",
            where={"path": "kind"},
        )
    return KINDS[name]


def read_rows(kind: Kind, content: bytes, name: str) -> Iterator[Row]:
    """Every line of a file after its header, in order: its values by column, or the reason why it cannot be taken.

    Commas or semicolons part the cells. Raises InvalidInputError for a file that cannot be read as a whole: no header,
    a column that is missing or unknown, too large.
    """
    if len(content) > LARGEST:
        raise InvalidInputError(
            f"{name} has {len(content):,} bytes; at most {LARGEST:,} are read at once.", hint="Split it."
        )
    # What is no UTF-8 is kept apart and refused in its line alone.
    text = content.decode("utf-8-sig", errors="surrogateescape")
    if not text.strip():
        raise InvalidInputError(f"{name} is empty.", hint=_header_hint(kind))
    header = text.lstrip("\r\n").splitlines()[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = _columns(kind, reader, name)
    seen: dict[tuple[Any, ...], int] = {}
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The next line begins anew; a quote that is never closed took every line to the end with it.
            lines = f"line {line}" if reader.line_num <= line else f"lines {line} to {reader.line_num}"
            yield Row(line, {}, f"CSV cannot be read in {lines}: {error}.")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(line, columns, cells)
        if row.reason is None:
            key = tuple(row.values[column] for column in kind.key)
            if key in seen:
                row = Row(
                    line, row.values, f"It says again what line {seen[key]} says; only that one is taken."
                )
            else:
                seen[key] = line
        yield row


def _columns(kind: Kind, reader: Any, name: str) -> list[Column]:
    known = {column.name: column for column in kind.columns}
    try:
        header = next(cells for cells in reader if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise InvalidInputError(
            f"The header of {name} is no CSV: {error}.", hint=_header_hint(kind)
        ) from error
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    unknown = [one for one in names if one not in known]
    missing = [column.name for column in kind.columns if column.required and column.name not in names]
    if unknown or missing or len(set(names)) < len(names):
        told = [f"lacks the column {one}" for one in missing]
        told += [f"has a column {one!r} that is not known" for one in unknown]
        told += [f"has the column {one} twice" for one in sorted({n for n in names if names.count(n) > 1})]
        raise InvalidInputError(
            f"The header of {name} {', '.join(told)}.",
            hint=_header_hint(kind),
            where={"file": name, "line": 1},
        )
    return [known[one] for one in names]


def _header_hint(kind: Kind) -> str:
    required = [column.name for column in kind.columns if column.required]
    others = [column.name for column in kind.columns if not column.required]
    return f"A file of {kind.name} has {', '.join(required)}" + (
        f", and may have {', '.join(others)}." if others else "."
    )


def _row(line: int, columns: list[Column], cells: list[str]) -> Row:
    if len(cells) != len(columns):
        return Row(line, {}, f"It has {len(cells)} cells where the header has {len(columns)}.")
    values: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        given = cell.strip()
        if any("\ud800" <= char <= "\udfff" for char in given):
            return Row(line, values, f"{column.name} is no UTF-8.")
        if "\0" in given:
            return Row(line, values, f"{column.name} has a NUL character.")
        if not given:
            if column.required:
                return Row(line, values, f"{column.name} is empty.")
            values[column.name] = None
            continue
        try:
            values[column.name] = column.read(given)
        except CellError as why:
            return Row(line, values, f"{column.name} {why}.")
    return Row(line, values)
