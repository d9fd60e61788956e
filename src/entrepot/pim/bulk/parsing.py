"""From the lines of an export to rows for staging, or to a rejection with its reason.

A record's type is told from its gid, its place from `__parentId`. Connections that a file holds nested
(`{"variants": {"edges": [{"node": …}]}}` or `{"nodes": […]}`) are taken apart into the same records.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from entrepot.pim.bulk import gids
from entrepot.pim.bulk.fields import FieldError, contains_nul
from entrepot.pim.bulk.reading import LongLine
from entrepot.pim.bulk.records import WHOLE, menu_items
from entrepot.pim.bulk.rejections import LONGEST_KEPT_RECORD, Rejection, kept, sentence, shown
from entrepot.pim.bulk.rows import RecordRow, Row, typed_row
from entrepot.pim.bulk.shapes import METAFIELD, MISSING, PRODUCT, SHAPES, VARIANT, Shape, reaches

MEDIA_TYPES = frozenset({"MediaImage", "ProductImage", "Video", "Model3d", "ExternalVideo"})
METAFIELD_OWNERS = frozenset({"Product", "ProductVariant", "Customer"})
CONNECTIONS = frozenset(
    {"variants", "media", "images", "metafields", "products", "collections", "lineItems", "shippingLines", "inventoryLevels", "addressesV2", "resourcePublications", "resourcePublicationsV2"}
)  # fmt: skip
#: A product below a collection, or a collection below a product, says that they belong together.
LINKED = {"Product": "Collection", "Collection": "Product"}
#: Types that stand only below a parent, and the types of parent that they may have.
PARENTS = {
    "ProductVariant": frozenset({"Product"}),
    "Metafield": METAFIELD_OWNERS,
    "LineItem": frozenset({"Order"}),
    "ShippingLine": frozenset({"Order"}),
    "MailingAddress": frozenset({"Customer"}),
    "InventoryLevel": frozenset({"ProductVariant", "InventoryItem"}),
    "ResourcePublication": frozenset({"Product", "Collection"}),
}


#: Parts take far more memory than the bytes that they are written in; no export comes near this many in a line.
MOST_PARTS = 400_000
#: A line that cannot have too many, and is not counted through.
SURELY_SMALL = MOST_PARTS


@dataclass
class Parser:
    """Takes lines, gives rows; remembers how many of each type it read, and which fields each type came with."""

    file_number: int = 0
    read: dict[str, int] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    _seen: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    _unnoticed: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    _connections: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def parse(self, number: int, line: bytes | LongLine) -> list[Row]:
        """The staging rows of one line; what cannot be used is added to `rejections`."""
        rows: list[Row] = []
        if isinstance(line, LongLine):
            self._count("line")
            self._reject(
                number,
                "line",
                FieldError("LINE_TOO_LONG", f"The line has {line.length} bytes; at most 16 MiB are read"),
                line.beginning,
                "PARSE",
            )
            return rows
        if len(line) > SURELY_SMALL and sum(map(line.count, (b",", b"[", b"{"))) > MOST_PARTS:
            self._count("line")
            wrong = FieldError("TOO_MANY_PARTS", f"The line has more than {MOST_PARTS} parts")
            self._reject(number, "line", wrong, line, "PARSE")
            return rows
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            self._count("line")
            self._reject(number, "line", _unreadable(line, error), line, "PARSE")
            return rows
        if type(record) is not dict:
            self._count("line")
            self._reject(
                number, "line", FieldError("NOT_AN_OBJECT", "The line is not a JSON object"), line, "PARSE"
            )
            return rows
        self._take(number, record, b"\\u00" in line, line, rows)
        return rows

    def take(self, number: int, record: dict[str, Any]) -> list[Row]:
        """The staging rows of a record that did not come from a JSON line (a CSV row, a webhook)."""
        rows: list[Row] = []
        self._take(number, record, True, None, rows)
        return rows

    def _take(
        self, number: int, record: dict[str, Any], escaped: bool, line: bytes | None, rows: list[Row]
    ) -> None:
        """One record, after the connections nested in it were taken out; those follow, each with its parent."""
        names = tuple(record)
        connections = self._connections.get(names)
        if connections is None:
            connections = self._connections[names] = tuple(name for name in names if name in CONNECTIONS)
        nested = [name for name in connections if type(record[name]) is dict]
        if not nested:
            self._record(number, record, names, escaped, line, rows)
            return
        parent = {name: value for name, value in record.items() if name not in nested}
        self._record(number, parent, tuple(parent), escaped, line, rows)
        for name in nested:
            for node in _nodes(record[name]):
                if type(node) is dict:
                    self._take(number, {"__parentId": record.get("id"), **node}, escaped, None, rows)
                else:
                    self._count("unknown")
                    wrong = FieldError("NOT_AN_OBJECT", "holds something that is not an object", node, name)
                    self._reject(number, "unknown", wrong, b"", "VALIDATION")

    def _record(
        self,
        number: int,
        record: dict[str, Any],
        names: tuple[str, ...],
        escaped: bool,
        line: bytes | None,
        rows: list[Row],
    ) -> None:
        gid = record.get("id")
        kind = _kind(gid, record)
        self._count(kind or "unknown")
        try:
            if escaped and contains_nul(record):
                raise _nul(record)
            self._convert(number, kind, gid, record, names, escaped, rows)
        except FieldError as error:
            self._reject(
                number,
                kind or "unknown",
                error,
                line if line is not None else (shown(record, LONGEST_KEPT_RECORD) or "").encode(),
                "VALIDATION",
            )

    def _convert(
        self,
        number: int,
        kind: str | None,
        gid: Any,
        record: dict[str, Any],
        names: tuple[str, ...],
        escaped: bool,
        rows: list[Row],
    ) -> None:
        if kind is None:
            raise _unknown_identity(gid)
        where = (self.file_number, number)
        parent, parent_type = _parent(kind, record)
        if kind == "CollectionProduct":
            product, collection = (gid, parent) if parent_type == "Collection" else (parent, gid)
            rows.append(RecordRow(*where, "CollectionProduct", product, collection, {}))
            return
        if kind in WHOLE:
            rows.append(RecordRow(*where, kind, gid, parent, WHOLE[kind](record)))
            return
        shape = SHAPES.get(kind)
        if shape is None:
            raise FieldError(
                "UNSUPPORTED_TYPE", f"names a {kind}, of which the mirror keeps no records", gid, "id"
            )
        identity = gids.parse(gid)
        if identity is None:
            raise FieldError("NOT_A_GID", "is not a gid such as gid://shopify/Product/1", gid, "id")
        if shape is PRODUCT or shape is VARIANT:
            rows.append(typed_row(shape, where, gid, identity.number, parent, record, escaped))
            self._notice(shape, names, record)
            return
        data = convert(shape, record)
        if (
            shape.columns[0] == "legacy_resource_id"
            and data.get("legacy_resource_id") is None
            and identity.number is not None
        ):
            data["legacy_resource_id"] = str(identity.number)
        if kind in MEDIA_TYPES:
            rows.append(_media(where, kind, gid, parent, parent_type, data, record))
            self._notice(shape, names, record)
            return
        if shape is METAFIELD:
            for name in ("namespace", "key"):
                if data.get(name) is None:
                    raise FieldError("MISSING", "is missing", None, name)
        if kind == "Menu":
            data["items"] = menu_items(record.get("items"), gid)
        rows.append(RecordRow(*where, kind, gid, parent if kind in PARENTS else None, data))
        self._notice(shape, names, record)
        if kind == "Menu" and "items" in record:
            self.names[kind].add("items")

    def _notice(self, shape: Shape, names: tuple[str, ...], record: dict[str, Any]) -> None:
        """Remember which fields a record has that can be used; most records have those of the one before."""
        noticed = self.names.setdefault(shape.type, set())
        seen = self._seen.setdefault(shape.type, set())
        if names not in seen:
            seen.add(names)
            noticed.update(shape.names.intersection(names))
        waiting = self._unnoticed.get(shape.type, shape.paths)
        if waiting:
            found = [path for path in waiting if path[0] in record and reaches(record, path)]
            if found or shape.type not in self._unnoticed:
                noticed.update(".".join(path) for path in found)
                self._unnoticed[shape.type] = tuple(path for path in waiting if path not in found)

    def reset(self) -> None:
        """Forget what was noted so far; it has been taken over."""
        self.read, self.names, self.rejections, self._seen, self._unnoticed = {}, {}, [], {}, {}

    def refuse(self, number: int, kind: str, error: FieldError, raw: bytes) -> None:
        """Count and reject what never became a record (a CSV row that cannot be read)."""
        self._count(kind)
        self._reject(number, kind, error, raw, "PARSE")

    def _count(self, kind: str) -> None:
        self.read[kind] = self.read.get(kind, 0) + 1

    def _reject(self, number: int, kind: str, error: FieldError, line: bytes, stage: str) -> None:
        self.rejections.append(
            Rejection(
                self.file_number,
                number,
                kind,
                error.code,
                sentence(error),
                stage,
                shown(error.field),
                shown(error.value),
                kept(line),
            )
        )


def convert(shape: Shape, record: dict[str, Any]) -> dict[str, Any]:
    """The columns of a record as JSON values; a column that the record says nothing about is left out."""
    found: dict[str, Any] = {}
    for column, _, read in shape.readers:
        value = read(record)
        if value is not MISSING:
            found[column] = value
    return found


def _nodes(connection: dict[str, Any]) -> list[Any]:
    """What a connection holds; anything in it that is no object is for the caller to refuse."""
    nodes = connection.get("nodes")
    if nodes is None:
        edges = connection.get("edges")
        if type(edges) is not list:
            return [] if edges is None else [edges]
        nodes = [edge.get("node") if type(edge) is dict else edge for edge in edges]
    if type(nodes) is not list:
        return [nodes]
    return [node for node in nodes if node is not None]


def _parent(kind: str, record: dict[str, Any]) -> tuple[Any, str | None]:
    """The gid of a record's parent and its type. Raises FieldError where a parent is needed or of the wrong type."""
    parent = record.get("__parentId")
    if parent is None and kind == "ProductVariant" and type(record.get("product")) is dict:
        parent = record["product"].get("id")
    parent_type = gids.type_of(parent)
    if parent is not None and parent_type is None:
        raise FieldError("NOT_A_GID", "is not a gid such as gid://shopify/Product/1", parent, "__parentId")
    allowed = PARENTS.get(kind)
    if allowed is not None and parent_type not in allowed:
        wanted = " or ".join(sorted(allowed))
        if parent is None:
            raise FieldError("NO_PARENT", f"is missing; a {kind} stands below a {wanted}", None, "__parentId")
        raise FieldError(
            "WRONG_PARENT", f"names a {parent_type}; a {kind} stands below a {wanted}", parent, "__parentId"
        )
    return parent, parent_type


def _media(
    where: tuple[int, int],
    kind: str,
    gid: str,
    parent: Any,
    parent_type: str | None,
    data: dict[str, Any],
    record: dict[str, Any],
) -> RecordRow:
    if kind == "ProductImage":
        data.setdefault("media_type", "IMAGE")
        data.setdefault("status", "READY")
    if parent_type not in (None, "Product", "ProductVariant"):
        raise FieldError(
            "WRONG_PARENT",
            f"names a {parent_type}; media stand below a Product or a ProductVariant",
            parent,
            "__parentId",
        )
    link = {None: None, "Product": "product", "ProductVariant": "variant"}[parent_type]
    return RecordRow(
        *where, kind, gid, parent, data | {"link": link, "bare": record.keys() <= {"id", "__parentId"}}
    )


def _kind(gid: Any, record: dict[str, Any]) -> str | None:
    if gid is None and "publication" in record:
        return "ResourcePublication"
    kind = gids.type_of(gid)
    if kind in LINKED and gids.type_of(record.get("__parentId")) == LINKED[kind]:
        return "CollectionProduct"
    return kind


def _unknown_identity(gid: Any) -> FieldError:
    if gid is None:
        return FieldError("NO_GID", "is missing, and nothing else tells what the record is", None, "id")
    return FieldError("NOT_A_GID", "is not a gid such as gid://shopify/Product/1", gid, "id")


def _nul(record: dict[str, Any]) -> FieldError:
    name = next((name for name, value in record.items() if contains_nul(value)), None)
    return FieldError(
        "NUL", "holds the character U+0000, which no database text can hold", record.get(name or ""), name
    )


def _unreadable(line: bytes, error: orjson.JSONDecodeError) -> FieldError:
    try:
        line.decode()
    except UnicodeDecodeError as wrong:
        return FieldError(
            "INVALID_UTF8",
            f"The line is not UTF-8: byte {line[wrong.start]:#04x} at position {wrong.start + 1}",
        )
    return FieldError("BROKEN_JSON", f"The line is not JSON: {error.msg} at position {error.pos + 1}")
