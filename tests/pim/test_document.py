"""The declared tables against the document that they are built from, difference by difference.

Every difference must be listed here with its reason, and every reason listed must still be a difference: neither the
declarations nor this list can drift.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

import entrepot.pim.schema  # noqa: F401 - registers every table and view
from entrepot.kit.db.tables import Base
from entrepot.kit.db.views import MATERIALIZED_VIEWS, VIEWS

DOCUMENTS = Path(__file__).parents[3] / "shared" / "documents"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(
        not (DOCUMENTS / "pim-schema.json").exists(),
        reason=f"the document is not here: {DOCUMENTS / 'pim-schema.json'}",
    ),
]

DEVIATIONS: dict[str, str] = {}

ADDITIONS: dict[str, str] = {}

EXAMPLES: dict[str, str] = {}


def documented() -> dict[str, Any]:
    """The document, parsed: table → columns, keys, indexes."""
    return json.loads((DOCUMENTS / "pim-schema.json").read_text())  # type: ignore[no-any-return]


def documented_tables() -> dict[str, Any]:
    """The tables of the document."""
    return {name: entry for name, entry in documented().items() if entry["kind"] == "table"}


def declared_tables() -> dict[str, Table]:
    """The declared tables of the schema, by name."""
    return {table.name: table for table in Base.metadata.tables.values() if table.schema == "pim"}


def type_name(column: Column[Any]) -> str:
    """A column's type as the document writes it."""
    name = column.type.compile(dialect=postgresql.dialect())
    name = name.replace("NUMERIC", "DECIMAL").replace(", ", ",")
    return name.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


def default_of(column: Column[Any]) -> str | None:
    """A column's default as the document writes it."""
    if column.server_default is None:
        return None
    return str(column.server_default.arg.text).replace('": ', '":')  # type: ignore[attr-defined]


def references(column: Column[Any]) -> list[str]:
    """What a column refers to, the tenant's half of a composite reference left out."""
    found = set()
    for constraint in column.table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            for element in constraint.elements:
                tenant_half = column.name == "shop_id" and element.column.table.name != "shops"
                if element.parent is column and not tenant_half:
                    found.add(f"{element.column.table.name}({element.column.name})")
    return sorted(found)


def unique_columns(table: Table) -> set[tuple[str, ...]]:
    """Each set of columns that is unique without condition."""
    found = {tuple(c.name for c in k.columns) for k in table.constraints if isinstance(k, UniqueConstraint)}
    return found | {tuple(c.name for c in index.columns) for index in table.indexes if index.unique}


def declared_index(index: Index) -> str:
    """An index as the document writes it: [UNIQUE] [GIN] ON (…) [WITH …] [WHERE …]."""
    sql = " ".join(str(CreateIndex(index).compile(dialect=postgresql.dialect())).split())
    match = re.fullmatch(r"CREATE (UNIQUE )?INDEX \S+ ON \S+ (?:USING (\w+) )?(.*)", sql)
    assert match, sql
    return canonical(f"{match[1] or ''}USING {match[2] or 'btree'} ON {match[3]}")


def documented_index(definition: str) -> str:
    """A documented index in the same form."""
    text = definition.split(" -- ")[0]
    unique = "UNIQUE " if text.startswith("UNIQUE ") else ""
    text = text.removeprefix("UNIQUE ")
    method = re.match(r"(?:USING )?(GIN|gin|hnsw) ", text)
    text = text[method.end() :] if method else text
    return canonical(f"{unique}USING {method[1] if method else 'btree'} ON {text.removeprefix('ON ')}")


def canonical(definition: str) -> str:
    """A definition without what does not matter: case and spaces."""
    return re.sub(r"\s+", "", definition).lower()


def differences() -> Iterator[str]:
    """Every point in which a documented table is not built as documented."""
    tables = declared_tables()
    for name, entry in documented_tables().items():
        table = tables.get(name)
        if table is None:
            yield f"{name}: missing"
            continue
        for column_name, wanted in entry["columns"].items():
            yield from column_differences(table, column_name, wanted)
        key = entry["primary_key"] or [c for c, wanted in entry["columns"].items() if wanted["pk"]]
        built_key = [column.name for column in table.primary_key.columns]
        if sorted(key) != sorted(built_key):
            yield f"{name}: key ({', '.join(key)}) → ({', '.join(built_key)})"
        indexes = {str(index.name): index for index in table.indexes}
        for index_name, definition in entry["indexes"].items():
            if index_name not in indexes:
                yield f"{name}: index {index_name} missing"
            elif documented_index(definition) != declared_index(indexes[index_name]):
                yield f"{name}: index {index_name} differs"


def column_differences(table: Table, name: str, wanted: dict[str, Any]) -> Iterator[str]:
    """Every point in which one column is not built as documented."""
    place = f"{table.name}.{name}"
    column = table.columns.get(name)
    if column is None:
        yield f"{place}: missing"
        return
    if type_name(column) != wanted["type"]:
        yield f"{place}: {wanted['type']} → {type_name(column)}"
    not_null = wanted["not_null"] or wanted["pk"] or name in (documented()[table.name]["primary_key"] or [])
    if column.nullable == not_null:
        yield f"{place}: {'NOT NULL → NULL' if not_null else 'NULL → NOT NULL'}"
    if default_of(column) != wanted["default"]:
        yield f"{place}: default {wanted['default']} → {default_of(column)}"
    target = "{}({})".format(*wanted["fk"]) if wanted["fk"] else None
    if ([target] if target else []) != references(column):
        yield f"{place}: reference {target} → {', '.join(references(column)) or None}"
    if wanted["unique"] and (name,) not in unique_columns(table):
        yield f"{place}: not unique"
    if wanted["check"] and not any(
        name in str(constraint.sqltext)
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    ):
        yield f"{place}: not checked"


def additions() -> Iterator[str]:
    """Every table, column, index and unique key that the document does not have."""
    document = documented_tables()
    for name, table in declared_tables().items():
        if name not in document:
            yield name
            continue
        yield from (f"{name}.{column.name}" for column in table.columns if column.name not in document[name]["columns"])
        yield from (f"{name}: {index.name}" for index in table.indexes if index.name not in document[name]["indexes"])
        for constraint in table.constraints:
            columns = [column.name for column in constraint.columns]
            if isinstance(constraint, UniqueConstraint) and not (
                len(columns) == 1 and document[name]["columns"][columns[0]]["unique"]
            ):
                yield f"{name}: {constraint.name}"


def value_lists() -> dict[str, list[str]]:
    """Columns whose description lists their values, as `a/b/c`: the values of each."""
    found: dict[str, list[str]] = {}
    table = ""
    for line in (DOCUMENTS / "pim-schema.md").read_text().splitlines():
        heading = re.match(r"### Table: `(\w+)`", line)
        table = heading[1] if heading else "" if line.startswith("#") else table
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if table and len(cells) == 4 and re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)+", cells[3]):
            found[f"{table}.{cells[0]}"] = cells[3].split("/")
    return found


def checked_values(place: str) -> list[str]:
    """The values that a column's CHECK allows."""
    name, column = place.split(".")
    for constraint in declared_tables()[name].constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext)
            if text.startswith(f"{column} IN ("):
                return re.findall(r"'([^']*)'", text)
    return []


def test_every_difference_has_a_reason() -> None:
    assert sorted(differences()) == sorted(DEVIATIONS)


def test_every_addition_has_a_reason() -> None:
    assert sorted(additions()) == sorted(ADDITIONS)


def test_listed_values_are_checked() -> None:
    unchecked = {place for place, values in value_lists().items() if not set(values) <= set(checked_values(place))}
    assert unchecked == set(EXAMPLES)


def test_views_of_the_document_are_declared() -> None:
    wanted = {name: entry["kind"] for name, entry in documented().items() if entry["kind"] != "table"}
    declared = {view.name: "view" for view in VIEWS if view.schema == "pim"}
    declared |= {view.name: "materialized view" for view in MATERIALIZED_VIEWS if view.schema == "pim"}
    assert declared == wanted


def test_every_table_and_column_says_what_it_is() -> None:
    tables = declared_tables().values()
    silent = [table.name for table in tables if not table.comment]
    silent += [f"{table.name}.{column.name}" for table in tables for column in table.columns if not column.comment]
    assert silent == []
