"""Rows on their way to staging, as COPY reads them.

Cells are separated by U+001F and null is U+001E: two characters that text almost never holds, so that a row is escaped
as a whole and not cell by cell. JSON has to write both as escapes, which is how the parser knows to look closer.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from entrepot.pim.bulk.cells import cells_of, json_text
from entrepot.pim.bulk.shapes import PRODUCT, VARIANT, Shape

DELIMITER, NULL = "\x1f", "\x1e"
COPY_OPTIONS = "(FORMAT text, DELIMITER E'\\x1f', NULL E'\\x1e')"
Target = Literal["products", "variants", "records"]


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A product or a variant, column by column."""

    target: Target
    text: str


@dataclass(frozen=True, slots=True)
class RecordRow:
    """Any other record: its columns are one JSON object."""

    file_number: int
    line_number: int
    type: str
    gid: str | None
    parent: str | None
    data: dict[str, Any]
    encoded: str = field(init=False)

    def __post_init__(self) -> None:
        """Encode the data at once, while the record can still be refused."""
        object.__setattr__(self, "encoded", json_text(self.data))

    @property
    def target(self) -> Target:
        """The staging table."""
        return "records"

    @property
    def text(self) -> str:
        """The row as COPY reads it."""
        cells = [
            str(self.file_number),
            str(self.line_number),
            self.type,
            NULL if self.gid is None else escape_closely(self.gid),
            NULL if self.parent is None else escape_closely(self.parent),
            escape(self.encoded),
        ]
        return DELIMITER.join(cells)


Row = TypedRow | RecordRow

COLUMNS: dict[Target, tuple[str, ...]] = {
    "products": ("file_number", "line_number", "shopify_gid", *PRODUCT.columns),
    "variants": ("file_number", "line_number", "shopify_gid", "product_gid", *VARIANT.columns),
    "records": ("file_number", "line_number", "resource_type", "shopify_gid", "parent_gid", "data"),
}


def escape(text: str) -> str:
    """A cell, or a whole row without its line end, with what COPY gives a meaning escaped."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def escape_closely(text: str) -> str:
    """A cell that may hold the delimiter or the null marker itself."""
    return escape(text).replace(DELIMITER, "\\x1f").replace(NULL, "\\x1e")


CELLS = {shape.type: cells_of(shape) for shape in (PRODUCT, VARIANT)}


def typed_row(
    shape: Shape,
    where: tuple[int, int],
    gid: str,
    number: int | None,
    parent: str | None,
    record: dict[str, Any],
    closely: bool,
) -> TypedRow:
    """The row of a product or variant. Raises FieldError for the first field that cannot be stored."""
    cells = CELLS[shape.type](record, NULL)
    if cells[0] is NULL and number is not None:  # the first column is legacy_resource_id
        cells[0] = str(number)
    head = [str(where[0]), str(where[1]), gid]
    if shape is VARIANT:
        head.append(parent or NULL)
    target: Target = "variants" if shape is VARIANT else "products"
    if closely:
        parts = [cell if cell is NULL else escape_closely(cell) for cell in (*head, *cells)]
        return TypedRow(target, DELIMITER.join(parts))
    return TypedRow(target, escape(DELIMITER.join([*head, *cells])))
