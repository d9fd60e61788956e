"""A valid row for any table, made from what the catalog says of the table.

So a table that is added later needs no fixture of its own to be covered by the tests that walk the catalog. Only a
CHECK over several columns that may be null is beyond it: `NEEDED` says what such a table's row holds.
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

from entrepot.marketplace.governance.words import KINDS

Connection = psycopg.Connection[Any]
Row = dict[str, Any]

#: The columns that name a tenant, and the setting that holds the current one.
TENANT_SETTINGS = {
    "shop_id": "app.current_shop_id",
    "platform_id": "app.current_platform_id",
    "account_id": "app.current_account_id",
}

#: What a row must hold beside its required columns.
NEEDED: dict[str, dict[str, Any]] = {
    "marketplace.hm_product_eligibility_policy_gate": {"required_approval": "any"},
    "marketplace.hm_tax_policy_code": {"tax_rate": 20},
    "mirakl.component_movements": {"on_hand_change": 1},
    "mirakl.label_files": {"pdf": b"label", "bytes": 5},
    "mirakl.order_status_history": {"step": 1},
    "data_playground.shop_promotions": {"valid_from": "2026-01-01", "valid_until": "2026-02-01"},
    "data_playground.shop_inventory_logs": {
        "quantity_before": 3,
        "quantity_change": -1,
        "quantity_after": 2,
    },
}

#: The warehouse's shops are what it tells of, no tenants: none of its rows is open to one (`test_tenancy.py`).
WITHOUT_TENANTS = "data_playground."

#: Patterns of CHECKs that an invented text does not meet → one that does.
PATTERNS = {"^[A-Z]{3}$": "EUR", "^[A-Z]{2}$": "DE", "^https?://": "https://example.com/api"}

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
    WHERE k.conrelid <> 0 AND k.conparentid = 0 AND k.contype IN ('p', 'f', 'c', 'u')
"""
POLICY_CHECKS = """
    SELECT polrelid::regclass::text AS table, pg_get_expr(polwithcheck, polrelid) AS definition
    FROM pg_policy WHERE polwithcheck IS NOT NULL
"""
#: Triggers that hold a column to a published version of the kind that `policy_kind` names.
POLICY_REFERENCES = """
    SELECT tgrelid::regclass::text AS table, convert_from(rtrim(tgargs, '\\000'), 'UTF8') AS column
    FROM pg_trigger WHERE tgfoid = 'marketplace.check_policy_reference'::regproc
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
    """Columns that name a row of another table: by a foreign key, the check of a policy, or a trigger."""

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    published: bool = False  # whether only a version that is no draft will do


@dataclass
class Table:
    """A table as the catalog describes it."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    references: list[Reference] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)  # column → a value that its CHECK allows
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)  # column → what its CHECK lets it be
    uniques: list[tuple[str, ...]] = field(default_factory=list)
    same: list[tuple[str, str]] = field(default_factory=list)  # columns that a CHECK holds equal
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
            elif row["kind"] == "u":
                table.uniques.append(tuple(row["columns"]))
            elif allowed := re.search(
                r"\(*(\w+)\)*(?:::text)? = ANY \(+ARRAY\['((?:[^']|'')*)'", row["definition"]
            ):
                table.words[allowed[1]] = allowed[2]
            else:
                _read_check(table, row["definition"])
        for row in cursor.execute(POLICY_CHECKS):
            for column, target in re.findall(
                r"(\w+) IN \( SELECT target\.id\s+FROM (\S+) target\)", row["definition"]
            ):
                policy = Reference(f"the policy on {column}", (column,), target, ("id",))
                if policy not in tables[row["table"]].references:
                    tables[row["table"]].references.append(policy)
        for row in cursor.execute(POLICY_REFERENCES):
            table = tables[row["table"]]
            column = row["column"]
            kind = _kind(tables, table)
            reference = Reference(
                f"the trigger on {column}", (column,), f"marketplace.{KINDS[kind]}", ("id",), published=True
            )
            table.references.append(reference)
    connection.rollback()
    _name_tenants(tables)
    return tables


def _read_check(table: Table, definition: str) -> None:
    if pattern := re.search(r"\(*(\w+)\)*(?:::text)? ~ '([^']+)'", definition):
        if pattern[2] in PATTERNS:
            table.words[pattern[1]] = PATTERNS[pattern[2]]
    elif members := re.search(r"(\w+) <@ \(*ARRAY\[\(*'(\w+)'", definition):
        table.words[members[1]] = f"{{{members[2]}}}"
    elif bounds := re.fullmatch(r"CHECK \(\(\((\w+) >= (\d+)\) AND \(\1 <= (\d+)\)\)\)", definition):
        table.bounds[bounds[1]] = (int(bounds[2]), int(bounds[3]))
    elif same := re.fullmatch(r"CHECK \(\((\w+) = (\w+)\)\)", definition):
        table.same.append((same[1], same[2]))


def _kind(tables: dict[str, Table], table: Table) -> str:
    """The kind of policy that a row made here names: by its own CHECK, or that of the table it takes it from."""
    holders = [table, *(tables[one.target] for one in table.references if "policy_kind" in one.columns)]
    return next(one.words["policy_kind"] for one in holders if "policy_kind" in one.words)


def _name_tenants(tables: dict[str, Table]) -> None:
    for table in tables.values():
        table.references.sort(key=lambda reference: -len(reference.columns))
        if table.name.startswith(WITHOUT_TENANTS):
            continue
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
        row |= NEEDED.get(name, {}) | (given or {})
        for one, other in table.same:
            row |= {one: row[other]} if other in row else {other: row[one]} if one in row else {}
        for reference in table.references:
            missing = [column for column in reference.columns if column not in row]
            needed = [
                column
                for column in missing
                if table.columns[column].required and not table.columns[column].filled
            ]
            if needed:
                row = self.referring(reference, tenant, row) | row
        for column in table.columns.values():
            if column.required and not column.filled and not column.generated and column.name not in row:
                row[column.name] = table.words.get(column.name) or self._invent(
                    column, table.bounds.get(column.name)
                )
        for unique in table.uniques:
            if number := self._told_apart_by(table, unique, row):
                row[number.name] = self._invent(number)
        return row

    def _told_apart_by(self, table: Table, unique: tuple[str, ...], row: Row) -> Column | None:
        """The number that has to differ where everything else in a unique key is the same in all rows of a tenant."""
        others = [table.columns[name] for name in unique if name != table.tenant_column]
        same = ((one.filled and one.name not in row) or one.name in table.words for one in others)
        if any(one.type == "uuid" for one in others) or not all(same):
            return None
        return next((one for one in others if one.type == "integer" and one.name not in row), None)

    def referring(self, reference: Reference, tenant: UUID | None, known: Row | None = None) -> Row:
        """The columns of a reference to a new row of the tenant's; in the warehouse one of the time that is known."""
        given = {
            other: known[column]
            for column, other in zip(reference.columns, reference.target_columns, strict=True)
            if known and column in known and reference.target.startswith(WITHOUT_TENANTS)
        }
        if reference.published:
            given["is_trial"] = True
        target = self.make(reference.target, tenant, given)
        if reference.published:
            # Of versions on trial several are in force at a time, so no two samples get into each other's way.
            self.connection.execute(
                sql.SQL("UPDATE {} SET state = 'ACTIVE', effective_from = now() WHERE id = %s").format(
                    qualified(reference.target)
                ),
                [target["id"]],
            )
        return {
            column: target[other]
            for column, other in zip(reference.columns, reference.target_columns, strict=True)
        }

    def admit(self, tenant: UUID) -> UUID:
        """Make a tenant of every kind under one identifier."""
        for table in self.tables.values():
            if is_root(table):
                self.make(table.name, tenant)
        return tenant

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

    def _invent(self, column: Column, bounds: tuple[int, int] | None = None) -> Any:
        """A value that no other row has, where the type and the bounds have room for that."""
        number = next(self._numbers)
        if bounds:
            low, high = bounds
            number = low + number % (high - low + 1)
        if column.type.endswith("[]"):
            return "{}"
        kind, _, size = column.type.removesuffix(")").partition("(")
        simple: dict[str, Any] = {
            "uuid": uuid4(),
            "smallint": number % 30000,
            "integer": number,
            "bigint": number,
            "numeric": 1,
            "boolean": True,
            "date": "2026-01-01",
            "timestamp with time zone": "now",
            "json": "{}",
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
