"""Bad lines, as files have them after a broken download, an app with its own ideas, or an editor in between."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from entrepot.sandbox.shopify.values import Node, gid, line

KINDS = (
    "broken_json",
    "price_with_comma",
    "unknown_type",
    "orphan_variant",
    "nul_in_title",
    "sku_too_long",
    "handle_too_long",
    "missing_title",
    "quantity_not_a_number",
    "invalid_utf8",
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line that an importer has to reject: where it stands, what is wrong with it and in which field."""

    line_number: int
    kind: str
    field: str | None
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """The rejection as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A bad line before it has its place in the file."""

    content: bytes
    kind: str
    field: str | None
    reason: str


class Spoiler:
    """Makes bad lines. Each is an object of its own that nothing else refers to, so that it spoils itself only."""

    def __init__(self, random: Random) -> None:
        self._random = random
        # A range that no other object takes its numbers from.
        self._next = 1_000_000_000_000 + random.randrange(1_000_000_000)

    def bad_line(self, kind: str, parent: str) -> BadLine:
        """A bad line of that kind; one that is a variant claims to belong to `parent`."""
        self._next += 1
        match kind:
            case "broken_json":
                whole = line(self._product())
                cut = self._random.randrange(60, len(whole) - 20)
                return BadLine(whole[:cut] + b"\n", kind, None, "the line ends in the middle of an object")
            case "price_with_comma":
                content = line(self._variant(parent) | {"price": "12,5"})
                return BadLine(content, kind, "price", 'a price is written "12.50", not "12,5"')
            case "unknown_type":
                content = line({"id": gid("StorefrontGizmo", self._next), "title": "Gizmo"})
                return BadLine(content, kind, "id", "the Admin API has no type StorefrontGizmo")
            case "orphan_variant":
                content = line(self._variant(gid("Product", self._next + 500_000_000)))
                return BadLine(content, kind, "__parentId", "its product is not in the file")
            case "nul_in_title":
                content = line(self._product() | {"title": "Stool\x00 with three legs"})
                return BadLine(content, kind, "title", "PostgreSQL stores no NUL in a text")
            case "sku_too_long":
                content = line(self._variant(parent) | {"sku": "SKU-" + "0123456789" * 30})
                return BadLine(content, kind, "sku", "304 characters, at most 255 fit")
            case "handle_too_long":
                content = line(self._product() | {"handle": "very-" * 60 + "long"})
                return BadLine(content, kind, "handle", "304 characters, at most 255 fit")
            case "missing_title":
                product = self._product()
                del product["title"]
                return BadLine(line(product), kind, "title", "a product has a title")
            case "quantity_not_a_number":
                content = line(self._variant(parent) | {"inventoryQuantity": "twelve"})
                return BadLine(content, kind, "inventoryQuantity", "a quantity is a whole number")
            case "invalid_utf8":
                content = line(self._product() | {"title": "Caf@ chair"}).replace(b"Caf@", b"Caf\xe9")
                return BadLine(content, kind, None, "a byte that is Latin-1, not UTF-8")
        raise ValueError(kind)

    def _product(self) -> Node:
        return {
            "id": gid("Product", self._next),
            "legacyResourceId": str(self._next),
            "title": "Three-legged Stool",
            "handle": f"three-legged-stool-{self._next}",
            "descriptionHtml": "<p>It never wobbles.</p>",
            "vendor": "Cobbleskerry",
            "productType": "Furniture",
            "status": "ACTIVE",
            "tags": ["home"],
            "createdAt": "2025-03-01T08:00:00Z",
            "updatedAt": "2025-03-02T08:00:00Z",
        }

    def _variant(self, parent: str) -> Node:
        return {
            "id": gid("ProductVariant", self._next),
            "legacyResourceId": str(self._next),
            "title": "Spare",
            "sku": f"SPARE-{self._next}",
            "barcode": None,
            "price": "12.50",
            "compareAtPrice": None,
            "inventoryQuantity": 12,
            "inventoryPolicy": "DENY",
            "position": 99,
            "selectedOptions": [{"name": "Title", "value": "Spare"}],
            "createdAt": "2025-03-01T08:00:00Z",
            "updatedAt": "2025-03-02T08:00:00Z",
            "__parentId": parent,
        }
