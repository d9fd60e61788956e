"""What one tenant can do to another's rows in a table, tried as entrepot_app on the live database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from tests.kit.db.rows import TENANT_SETTINGS, Connection, Row, RowFactory, Table, is_root, qualified

REFUSED = "42501"  # insufficient_privilege: a missing grant, or a policy
UNREFERENCED = "23503"  # foreign_key_violation

SECURITY = """
    SELECT c.relrowsecurity AND c.relforcerowsecurity, pg_get_userbyid(c.relowner),
           ARRAY(SELECT p.polname::text FROM pg_policy AS p WHERE p.polrelid = c.oid
                 AND NOT p.polroles <@ ARRAY['entrepot_app'::regrole, 'entrepot_system'::regrole]::oid[])
    FROM pg_class AS c WHERE c.oid = %s::regclass
"""
PRIVILEGES = """
    SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
        AS privilege
    WHERE has_table_privilege('entrepot_app', %s, privilege)
       OR privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
          AND has_any_column_privilege('entrepot_app', %s, privilege)
"""


@dataclass(frozen=True)
class Outcome:
    """What a statement did: how many rows it touched, what it returned, or the error that stopped it."""

    count: int
    rows: list[tuple[Any, ...]]
    error: str | None


Attempt = Callable[..., Outcome]


class Walk:
    """Tries every way from one tenant's rows to another's; `breaches` says which of them were open.

    `factory` makes the rows as entrepot_system, `app` is a connection of entrepot_app, `bare` one that never had a
    context. The tenants `own` and `other` have rows; `empty` has none.
    """

    def __init__(self, app: Connection, bare: Connection, factory: RowFactory) -> None:
        self.app, self.bare, self.factory = app, bare, factory
        self.own, self.other, self.empty = uuid4(), uuid4(), uuid4()
        for tenant in (self.own, self.other, self.empty):
            self.admit(tenant)

    def breaches(self, name: str) -> list[str]:
        """Everything that tenants can do to each other through one table; an empty list is what should be."""
        table = self.factory.tables[name]
        assert table.tenant_column, f"{name} has no tenant column"
        own, other = self._row(table, self.own), self._row(table, self.other)
        ownerless = None
        if not table.columns[table.tenant_column].required:
            ownerless = self.factory.make(name, None)
        self.factory.connection.commit()
        granted = {row[0] for row in self.factory.connection.execute(PRIVILEGES, [f"{name}"] * 2).fetchall()}
        self.factory.connection.rollback()
        found = [*self._declared(table, granted)]
        if "SELECT" in granted:
            found += self._reading(table, own, ownerless)
        found += self._inserting(table, other, "INSERT" in granted)
        found += self._changing(table, own, other, ownerless, granted)
        found += self._without_context(table, own)
        if "INSERT" in granted:
            found += self._referring(table, own, granted)
        return found

    # The ways, one by one.

    def _declared(self, table: Table, granted: set[str]) -> Iterator[str]:
        secured, owner, foreign = self.factory.connection.execute(SECURITY, [table.name]).fetchone() or (
            None,
            None,
            None,
        )
        self.factory.connection.rollback()
        if not secured:
            yield "row security is not enabled and forced"
        if owner != "entrepot_owner":
            yield f"it belongs to {owner}"
        if foreign:
            yield f"policies name other roles: {foreign}"
        if granted & {"TRUNCATE", "REFERENCES", "TRIGGER"}:
            yield f"entrepot_app holds {sorted(granted)}"

    def _reading(self, table: Table, own: Row, ownerless: Row | None) -> Iterator[str]:
        query = sql.SQL("SELECT {tenant} FROM {table}").format(**self._names(table))
        seen = {row[0] for row in self._try(table, self.own, query).rows}
        if self.own not in seen:
            yield "a tenant does not see its own rows"
        if seen - {self.own, None}:
            yield "a tenant sees another's rows"
        if None in seen and not self._shared(table):
            yield "a tenant sees rows without a tenant"
        if ownerless is not None and self._shared(table) and None not in seen:
            yield "a tenant does not see shared rows"
        if {row[0] for row in self._try(table, self.empty, query).rows} - {self.empty, None}:
            yield "a tenant without rows sees another's"

    def _inserting(self, table: Table, other: Row, granted: bool) -> Iterator[str]:
        stranger = uuid4() if is_root(table) else self.other
        if self._insert(table, self.own, self._values(table, stranger)).error != REFUSED:
            yield "a tenant inserts a row for another"
        optional = not table.columns[table.tenant_column or ""].required
        if optional and self._insert(table, self.own, self._values(table, None)).error != REFUSED:
            yield "a tenant inserts a row without a tenant"
        newcomer = uuid4() if is_root(table) else self.admit(uuid4())
        outcome = self._insert(table, newcomer, self._values(table, newcomer))
        if granted and outcome.error:
            yield f"a tenant cannot insert a row of its own: {outcome.error}"
        if not granted and outcome.error != REFUSED:
            yield "a tenant inserts without a grant"
        if granted and not is_root(table) and table.tenant_column not in table.key:
            taking = self._values(table, self.own) | {column: other[column] for column in table.key}
            names = self._names(table) | {
                "insert": self.factory.insertion(table.name, taking),
                "key": sql.SQL(", ").join(map(sql.Identifier, table.key)),
            }
            upsert = sql.SQL("{insert} ON CONFLICT ({key}) DO UPDATE SET {tenant} = excluded.{tenant}")
            if self._try(table, self.own, upsert.format(**names), taking).error is None:
                yield "a tenant takes another's row by ON CONFLICT DO UPDATE"

    def _changing(
        self, table: Table, own: Row, other: Row, ownerless: Row | None, granted: set[str]
    ) -> Iterator[str]:
        names = self._names(table)
        where = sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column)) for column in table.key
        )
        touch = sql.SQL("UPDATE {table} SET {tenant} = {tenant} WHERE ").format(**names) + where
        move = sql.SQL("UPDATE {table} SET {tenant} = %(tenant)s WHERE ").format(**names) + where
        delete = sql.SQL("DELETE FROM {table} WHERE ").format(**names) + where
        lock = sql.SQL("SELECT 1 FROM {table} WHERE {where} FOR UPDATE").format(**names, where=where)
        victims = {"another's row": other} | ({"a shared row": ownerless} if ownerless else {})
        for whose, row in victims.items():
            for verb, query in {"updates": touch, "deletes": delete, "locks": lock}.items():
                outcome = self._try(table, self.own, query, row)
                if outcome.error != REFUSED and outcome.count != 0:
                    yield f"a tenant {verb} {whose}"
            outcome = self._try(table, self.own, move, row | {"tenant": self.own})
            if outcome.error != REFUSED and outcome.count != 0:
                yield f"a tenant takes {whose}"
        outcome = self._try(table, self.own, touch, own)
        if "UPDATE" in granted and outcome.count != 1:
            yield f"a tenant cannot update a row of its own: {outcome.error}"
        if "UPDATE" not in granted and outcome.error != REFUSED:
            yield "a tenant updates without a grant"
        if "DELETE" not in granted and self._try(table, self.own, delete, own).error != REFUSED:
            yield "a tenant deletes without a grant"
        give = sql.SQL("UPDATE {table} SET {tenant} = %(tenant)s").format(**names)
        giver = self.own
        if not is_root(table):
            # One with this row only: another table's sample may have left a published version, which no tenant can change.
            giver = self.admit(uuid4())
            self._row(table, giver)
            self.factory.connection.commit()
        for tenant, query in ((self.own, move), (giver, give)):
            if self._try(table, tenant, query, own | {"tenant": self.other}).error != REFUSED:
                yield "a tenant gives its row to another"
        if self._try(table, self.own, move, own | {"tenant": None}).error != REFUSED:
            yield "a tenant gives its row to nobody"
        yield from self._sweeping(table, self.empty, "a tenant without rows")

    def _sweeping(self, table: Table, tenant: UUID | None, who: str) -> Iterator[str]:
        # A statement that reads no column is held by the policies of its command alone, not by those of SELECT.
        if is_root(table) and tenant is not None:
            return  # a tenant always has one row here, its own
        names = self._names(table)
        for verb, query in {
            "updates": sql.SQL("UPDATE {table} SET {tenant} = %(tenant)s").format(**names),
            "deletes": sql.SQL("DELETE FROM {table}").format(**names),
        }.items():
            outcome = self._try(table, tenant, query, {"tenant": tenant or self.own})
            if outcome.error != REFUSED and (outcome.error or outcome.count):
                yield f"{who} {verb} rows"

    def _without_context(self, table: Table, own: Row) -> Iterator[str]:
        query = sql.SQL("SELECT {tenant} FROM {table}").format(**self._names(table))
        shared = {None} if self._shared(table) else set()
        for connection, what in ((self.app, "after another transaction"), (self.bare, "in a new session")):
            with attempting(connection) as attempt:
                seen = {row[0] for row in attempt(query).rows}
            if seen - shared:
                yield f"rows are seen without a context, {what}"
            with attempting(connection) as attempt:
                values = self._values(table, self.own)
                if attempt(self.factory.insertion(table.name, values), values).error != REFUSED:
                    yield f"a row is inserted without a context, {what}"
        yield from self._sweeping(table, None, "nobody")

    def _referring(self, table: Table, own: Row, granted: set[str]) -> Iterator[str]:
        for reference in table.references:
            target = self.factory.tables[reference.target]
            columns = [column for column in reference.columns if column != table.tenant_column]
            if target.tenant_column is None or not columns or (is_root(target) and is_root(table)):
                continue
            newcomer = self.admit(uuid4())
            mine = self.factory.referring(reference, newcomer)
            theirs = self.factory.referring(reference, self.other)
            self.factory.connection.commit()
            mine, theirs = ({column: row[column] for column in columns} for row in (mine, theirs))
            control = self._insert(table, newcomer, self._values(table, newcomer, mine))
            if control.error:
                yield f"a row of one's own cannot be referred to by {reference.name}: {control.error}"
            outcome = self._insert(table, newcomer, self._values(table, newcomer, theirs))
            if outcome.error not in (REFUSED, UNREFERENCED):
                yield f"a new row refers to another tenant's by {reference.name}"
            if "UPDATE" in granted:
                query = sql.SQL("UPDATE {table} SET {sets} WHERE {where}").format(
                    **self._names(table),
                    sets=sql.SQL(", ").join(
                        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(f"new {column}"))
                        for column in columns
                    ),
                    where=sql.SQL(" AND ").join(
                        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column))
                        for column in table.key
                    ),
                )
                values = own | {f"new {column}": value for column, value in theirs.items()}
                if self._try(table, self.own, query, values).error not in (REFUSED, UNREFERENCED):
                    yield f"a row is turned to another tenant's by {reference.name}"

    # How they are tried.

    def admit(self, tenant: UUID) -> UUID:
        """Make a tenant of every kind under one identifier."""
        self.factory.admit(tenant)
        self.factory.connection.commit()
        return tenant

    def _row(self, table: Table, tenant: UUID) -> Row:
        """A row of the tenant's; in the table of the tenants, the tenant's own."""
        if not is_root(table):
            return self.factory.make(table.name, tenant)
        query = sql.SQL("SELECT * FROM {table} WHERE {tenant} = %s").format(**self._names(table))
        with self.factory.connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(query, [tenant]).fetchone()
        assert found is not None
        return found

    def _values(self, table: Table, tenant: UUID | None, given: Row | None = None) -> Row:
        values = self.factory.values(table.name, tenant, given)
        self.factory.connection.commit()
        return values

    def _insert(self, table: Table, tenant: UUID, values: Row) -> Outcome:
        return self._try(table, tenant, self.factory.insertion(table.name, values), values)

    def _try(
        self, table: Table, tenant: UUID | None, query: sql.Composed, values: Row | None = None
    ) -> Outcome:
        with attempting(self.app) as attempt:
            if tenant is not None:
                attempt(
                    sql.SQL("SELECT set_config({}, {}, true)").format(
                        TENANT_SETTINGS[table.tenant_kind], str(tenant)
                    )
                )
            return attempt(query, values)

    def _names(self, table: Table) -> dict[str, sql.Composable]:
        return {"table": qualified(table.name), "tenant": sql.Identifier(table.tenant_column or "")}

    def _shared(self, table: Table) -> bool:
        row = self.factory.connection.execute(
            "SELECT EXISTS (SELECT FROM pg_policy WHERE polrelid = %s::regclass AND polcmd = 'r'"
            " AND pg_get_expr(polqual, polrelid) = format('(%%I IS NULL)', %s::text))",
            [table.name, table.tenant_column],
        ).fetchone()
        self.factory.connection.rollback()
        return row == (True,)


@contextmanager
def attempting(connection: Connection) -> Iterator[Attempt]:
    """A transaction that is rolled back, and a function that tries a statement in it."""

    def attempt(query: sql.SQL | sql.Composed, values: Row | None = None) -> Outcome:
        try:
            cursor = connection.execute(query, values)
            rows = cursor.fetchall() if cursor.description else []
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error as error:
            return Outcome(-1, [], error.sqlstate)
        return Outcome(cursor.rowcount, rows, None)

    try:
        yield attempt
    finally:
        connection.rollback()
