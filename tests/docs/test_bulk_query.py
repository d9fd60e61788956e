"""The bulk query of the how-to asks for what the Admin API has, and what an import reads."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.docs.markdown import ROOT, blocks

from entrepot.pim.bulk.shapes import SHAPES

TOKEN = re.compile(r"\.\.\.|\w+|[{}]")
#: Asked for because it tells where a record belongs, not for a column.
STRUCTURE = {"id", "edges", "node", "mediaContentType"}


def query() -> list[str]:
    """The words of the query within the mutation."""
    page = ROOT / "docs" / "how-to" / "import.md"
    text = next(block.text for block in blocks(page) if block.language == "graphql")
    return TOKEN.findall(text.split('"""')[1])


def selections(words: list[str], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of everything that is selected; consumes the words."""
    found = []
    assert words.pop(0) == "{"
    while words[0] != "}":
        name = words.pop(0)
        if name == "...":
            name = f"on {words.pop(1)}"
            words.pop(0)
        else:
            found.append((*path, name))
        if words[0] == "{":
            found += selections(words, (*path, name))
    words.pop(0)
    return found


@pytest.mark.shared_data
def test_the_admin_api_has_what_is_asked_for(shared: Path) -> None:
    with gzip.open(shared / "data" / "shopify-admin-schema" / "admin_2026-10.json.gz") as file:
        document = json.load(file)
    types: dict[str, dict[str, Any]] = {
        kind["name"]: kind for kind in document.get("data", document)["__schema"]["types"]
    }
    for path in selections(query()):
        kind = "QueryRoot"
        for name in path:
            if name.startswith("on "):
                kind = name.removeprefix("on ")
                continue
            fields = {field["name"]: field for field in types[kind]["fields"]}
            assert name in fields, f"{kind} has no {name}"
            assert not fields[name]["isDeprecated"], f"{kind}.{name} is deprecated"
            reference = fields[name]["type"]
            while reference.get("ofType"):
                reference = reference["ofType"]
            kind = reference["name"]


def test_an_import_reads_what_is_asked_for() -> None:
    records = {
        "products": "Product",
        "variants": "ProductVariant",
        "media": "MediaImage",
        "metafields": "Metafield",
    }
    for path in selections(query()):
        connection = max(index for index, name in enumerate(path) if name in records)
        rest = [
            name
            for name in path[connection + 1 :]
            if name not in ("edges", "node") and not name.startswith("on ")
        ]
        if not rest or rest[0] in STRUCTURE:
            continue
        shape = SHAPES[records[path[connection]]]
        assert any(rest[0] in field.names for field in shape.fields), f"{shape.type} reads no {rest[0]}"
