"""A valid row for any table, made from nothing but what the catalog says of the table.

So a table that is added later needs no fixture of its own to be covered by the tests that walk the catalog.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

#: The columns that name a tenant, and the setting that holds the current one.
TENANT_SETTINGS = {
    "shop_id": "app.current_shop_id",
    "platform_id": "app.current_platform_id",
    "account_id": "app.current_account_id",
}

COLUMNS = """
    SELECT c.oid::regclass::text AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AS required, a.atthasdef OR a.attidentity <> '' AS filled, a.attgenerated <> '' AS generated
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY c.oid, a.attnum
"""
CONSTRAINTS = """
    SELECT k.conrelid::regclass::text AS table, k.conname AS name, k.contype::text AS kind,
           pg_get_constraintdef(k.oid) AS definition, k.confrelid::regclass::text AS target,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, position)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY position) AS columns,
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, position)
                 JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY position)
               AS target_columns
    FROM pg_constraint AS k
    WHERE k.conrelid <> 0 AND k.conparentid = 0 AND k.contype IN ('p', 'f', 'c')
"""
POLICY_CHECKS = """
    SELECT polrelid::regclass::text AS table, pg_get_expr(polwithcheck, polrelid) AS definition
    FROM pg_policy WHERE polwithcheck IS NOT NULL
"""


@dataclass(frozen=True)
class Column:
    """A column as far as it matters for filling it."""

    name: str
    type: str
    required: bool
    filled: bool
    generated: bool


@dataclass(frozen=True)
class Reference:
    """Columns that name a row of another table: by a foreign key, or by the check of a policy."""

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass
class Table:
    """A table as the catalog describes it."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    references: list[Reference] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)  # column → a value that its CHECK allows
    tenant_column: str | None = None
    tenant_kind: str = "shop_id"


def read_tables(connection: Connection) -> dict[str, Table]:
    """Every table of the database but its partitions, by its qualified name."""
    connection.execute("SET search_path = pg_catalog")
    tables: dict[str, Table] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(COLUMNS):
            table = tables.setdefault(row["table"], Table(row["table"]))
            table.columns[row["name"]] = Column(
                row["name"], row["type"], row["required"], row["filled"], row["generated"]
            )
        for row in cursor.execute(CONSTRAINTS):
            table = tables.get(row["table"], Table(""))
            if row["kind"] == "p":
                table.key = tuple(row["columns"])
            elif row["kind"] == "f":
                target = tuple(row["target_columns"])
                table.references.append(Reference(row["name"], tuple(row["columns"]), row["target"], target))
            elif allowed := re.search(
                r"\(*(\w+)\)*(?:::text)? = ANY \(+ARRAY\['((?:[^']|'')*)'", row["definition"]
            ):
                table.words[allowed[1]] = allowed[2]
        for row in cursor.execute(POLICY_CHECKS):
            for column, target in re.findall(
                r"(\w+) IN \( SELECT target\.id\s+FROM (\S+) target\)", row["definition"]
            ):
                policy = Reference(f"the policy on {column}", (column,), target, ("id",))
                if policy not in tables[row["table"]].references:
                    tables[row["table"]].references.append(policy)
    connection.rollback()
    _name_tenants(tables)
    return tables


def _name_tenants(tables: dict[str, Table]) -> None:
    for table in tables.values():
        table.references.sort(key=lambda reference: -len(reference.columns))
        for kind in TENANT_SETTINGS:
            if kind in table.columns and table.tenant_column is None:
                table.tenant_column, table.tenant_kind = kind, kind
    for table in list(tables.values()):
        for reference in table.references:
            # What a tenant column refers to by itself is the tenant's own table.
            if len(reference.columns) == 1 and reference.columns[0] in TENANT_SETTINGS:
                root = tables[reference.target]
                root.tenant_column, root.tenant_kind = reference.target_columns[0], reference.columns[0]


def is_root(table: Table) -> bool:
    """Whether this is the table of the tenants themselves."""
    return table.tenant_column is not None and table.tenant_column not in TENANT_SETTINGS


class RowFactory:
    """Makes rows as the role of its connection, and commits nothing by itself."""

    def __init__(self, connection: Connection, tables: dict[str, Table]) -> None:
        self.connection = connection
        self.tables = tables
        self._numbers: Iterator[int] = count(1)

    def values(self, name: str, tenant: UUID | None, given: Row | None = None) -> Row:
        """The values of a row that could be inserted; the rows that it has to refer to are made."""
        table = self.tables[name]
        if tenant is None and is_root(table):
            tenant = uuid4()
        row: Row = {table.tenant_column: tenant} if table.tenant_column else {}
        row |= given or {}
        for reference in table.references:
            missing = [column for column in reference.columns if column not in row]
            needed = [
                column
                for column in missing
                if table.columns[column].required and not table.columns[column].filled
            ]
            if needed:
                row = self.referring(reference, tenant) | row
        for column in table.columns.values():
            if column.required and not column.filled and not column.generated and column.name not in row:
                row[column.name] = table.words.get(column.name) or self._invent(column)
        return row

    def referring(self, reference: Reference, tenant: UUID | None) -> Row:
        """The columns of a reference to a new row of the tenant's."""
        target = self.make(reference.target, tenant)
        return {
            column: target[other]
            for column, other in zip(reference.columns, reference.target_columns, strict=True)
        }

    def make(self, name: str, tenant: UUID | None, given: Row | None = None) -> Row:
        """Insert a row and return it whole."""
        row = self.values(name, tenant if self.tables[name].tenant_column else None, given)
        with self.connection.cursor(row_factory=dict_row) as cursor:
            made = cursor.execute(self.insertion(name, row) + sql.SQL(" RETURNING *"), row).fetchone()
        assert made is not None
        return made

    def insertion(self, name: str, row: Row) -> sql.Composed:
        """The INSERT of a row whose values are bound by name."""
        table = self.tables[name]
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            qualified(name),
            sql.SQL(", ").join(sql.Identifier(column) for column in row),
            sql.SQL(", ").join(
                sql.SQL("CAST({} AS {})").format(sql.Placeholder(column), sql.SQL(table.columns[column].type))
                for column in row
            ),
        )

    def _invent(self, column: Column) -> Any:
        """A value that no other row has, where the type has room for that."""
        number = next(self._numbers)
        kind, _, size = column.type.removesuffix(")").partition("(")
        if kind.endswith("[]"):
            return "{}"
        simple: dict[str, Any] = {
            "uuid": uuid4(),
            "smallint": number % 30000,
            "integer": number,
            "bigint": number,
            "numeric": 1,
            "boolean": True,
            "date": "2026-01-01",
            "timestamp with time zone": "now",
            "jsonb": "{}",
            "bytea": f"bytes {number}".encode(),
            "inet": "192.0.2.1",
        }
        if kind in simple:
            return simple[kind]
        if kind in ("text", "public.citext", "character varying", "character"):
            return f"r{number:x}"[-int(size or 20) :]
        if kind == "public.vector":
            return f"[{','.join(['1'] * int(size))}]"
        raise AssertionError(f"rows.py does not know how to fill {column.name}, a {column.type}")


def qualified(name: str) -> sql.Identifier:
    """The identifier of a table given as schema.table."""
    return sql.Identifier(*name.split("."))
