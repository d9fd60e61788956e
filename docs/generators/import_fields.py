"""What an import reads, from the shapes that the parser works by."""

from entrepot.pim.bulk.shapes import SHAPES, Field, Shape
from generators.markdown import code, table

INTRODUCTION = """# Records and fields of an import

A record's type is told from its gid (`gid://shopify/Product/1` is a Product). Field names are those of Shopify's Admin
API. Where several are named, the first that the record has is taken. A field that no record of the file has leaves its
column as it is; a field that is null clears it. Fields that are not listed are ignored.

Beside these, an import reads inventory levels (`location`, `quantities` or `available`, below a variant or an
inventory item), publications of products and collections (`publication`, `isPublished`, `publishDate`), addresses
below a customer, and products below a collection or collections below a product. Connections that a file holds nested
are taken apart. [How to import a shop](../how-to/import.md) says how a file is made.
"""


def render() -> str:
    """A section a type of record."""
    return "\n".join([INTRODUCTION, *(line for shape in SHAPES.values() for line in _section(shape))])


def _section(shape: Shape) -> list[str]:
    lines = [f"## {shape.type}", "", f"Goes to `{shape.table}`.", ""]
    if shape.type == "Menu":
        lines[2] += " Its `items`, with their own `items` below them, go to `shopify_menu_items`."
    if shape.type in ("LineItem", "ShippingLine"):
        lines[2] = f"Goes to `{shape.table}` of its order."
    if shape.type == "Metafield":
        lines[2] = "Goes to `metafields` of the record that it stands below."
    rows = [(_names(field), code(field.column)) for field in shape.fields]
    return [*lines, *table(("field", "column"), rows)]


def _names(field: Field) -> str:
    return ", ".join(code(".".join((name, *field.path))) for name in field.names)
