"""The declared schema as SQL statements: tables, indexes, comments, row security, grants, triggers, partitions, views.

A migration is written from this, and `kit.db.check` builds a scratch database from it to compare the live one with.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from importlib import resources
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Table, create_mock_engine
from sqlalchemy.dialects import postgresql

from entrepot.kit.db.features import (
    TENANT_SETTINGS,
    Audit,
    Feature,
    GlobalRows,
    Partitions,
    SystemRows,
    TenantRows,
    Touch,
)
from entrepot.kit.db.tables import Base
from entrepot.kit.db.views import MATERIALIZED_VIEWS, VIEWS, MaterializedView, View

F = TypeVar("F")

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
APP, SYSTEM, OWNER = "entrepot_app", "entrepot_system", "entrepot_owner"


def features(table: Table) -> tuple[Feature, ...]:
    """What a table declares beside its columns."""
    return tuple(table.info.get("features", ()))


def feature(table: Table, kind: type[F]) -> F | None:
    """One kind of declaration of a table, or None."""
    return next((item for item in features(table) if isinstance(item, kind)), None)


def secrets(table: Table) -> list[str]:
    """The columns that must not reach a log or a page."""
    return [column.name for column in table.columns if column.info.get("secret")]


def schemas() -> list[str]:
    """Every schema that the declarations need, in order of creation."""
    names = {table.schema for table in Base.metadata.tables.values() if table.schema}
    names |= {view.schema for view in VIEWS} | {view.storage_schema for view in MATERIALIZED_VIEWS}
    return sorted(names)


def statements() -> list[str]:
    """The whole declared schema, ready to run as entrepot_owner in an empty database."""
    return list(_statements())


#: A function is closed to everybody until it is granted; PostgreSQL's own default is the other way round.
CLOSED_FUNCTIONS = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"


def _statements() -> Iterator[str]:
    yield CLOSED_FUNCTIONS
    for name in schemas():
        yield f"CREATE SCHEMA {name}"
        grantees = f"{SYSTEM}" if name.endswith("_private") else f"{APP}, {SYSTEM}"
        yield f"GRANT USAGE ON SCHEMA {name} TO {grantees}"
    yield from create_tables(Base.metadata.sorted_tables)
    yield resources.files("entrepot.kit.db").joinpath("functions.sql").read_text()
    for table in Base.metadata.sorted_tables:
        yield from table_features(table)
    for view in VIEWS:
        yield from create_view(view)
    for materialized in MATERIALIZED_VIEWS:
        yield from create_materialized_view(materialized)
    yield from EXTRA_SQL


#: SQL that belongs to a package and cannot be said as a table or a view (its own functions and triggers).
EXTRA_SQL: list[str] = []


def create_tables(tables: Iterable[Table]) -> Iterator[str]:
    """CREATE TABLE, CREATE INDEX and COMMENT for tables, in order of dependence."""
    collected: list[str] = []

    def collect(construct: Any, *_: Any, **__: Any) -> None:
        collected.append(str(construct.compile(dialect=_DIALECT)).strip())

    engine = create_mock_engine("postgresql+psycopg://", collect)
    Base.metadata.create_all(engine, tables=list(tables), checkfirst=False)
    for is_index, run in groupby(collected, key=lambda statement: " INDEX " in statement.split(" ON ")[0]):
        made = list(run)
        yield from sorted(made) if is_index else made  # SQLAlchemy keeps a table's indexes in no order


def table_features(table: Table) -> Iterator[str]:
    """Row security, grants, triggers and partitions of one table."""
    rows = [item for item in features(table) if isinstance(item, TenantRows | GlobalRows | SystemRows)]
    if len(rows) != 1:
        raise TypeError(f"{table.fullname} must declare exactly one of TenantRows, GlobalRows, SystemRows")
    yield from row_security(table, rows[0])
    for item in features(table):
        if isinstance(item, Touch):
            yield (
                f"CREATE TRIGGER {table.name}_touch BEFORE UPDATE ON {table.fullname} FOR EACH ROW "
                f"WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION entrepot.touch()"
            )
        elif isinstance(item, Audit):
            yield from audit_triggers(table, item)
        elif isinstance(item, Partitions):
            yield maintain_call(table, item, creating=True)


def row_security(table: Table, rows: TenantRows | GlobalRows | SystemRows) -> Iterator[str]:
    """Policies and grants of one table."""
    name = table.fullname
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON {name} TO {SYSTEM}"
    if isinstance(rows, SystemRows):
        return
    if isinstance(rows, GlobalRows):
        yield f"GRANT SELECT{open_columns(table)} ON {name} TO {APP}"
        return
    privileges = {"app": "SELECT, INSERT, UPDATE, DELETE", "append": "SELECT, INSERT", "system": "SELECT"}[
        rows.writes
    ]
    if "UNLOGGED" in table._prefixes:
        privileges += ", MAINTAIN"  # a loader has to ANALYZE what it staged before the planner reads it
    yield f"GRANT {privileges} ON {name} TO {APP}"
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    own = f"{rows.column} = (SELECT nullif(current_setting('{rows.setting}', true), '')::uuid)"
    check = own
    for column, target in rows.within:
        check += f" AND {column} IN (SELECT target.id FROM {target} AS target)"  # noqa: S608 - declared names
    yield f"CREATE POLICY {table.name}_tenant ON {name} FOR ALL TO {APP} USING ({own}) WITH CHECK ({check})"
    if rows.also:
        other = (
            f"{rows.also} = (SELECT nullif(current_setting('{TENANT_SETTINGS[rows.also]}', true), '')::uuid)"
        )
        other += f" AND {rows.column} IS NULL"
        policy = f"CREATE POLICY {table.name}_{rows.also.removesuffix('_id')} ON {name} FOR ALL TO {APP}"
        yield f"{policy} USING ({other}) WITH CHECK ({other})"
    if rows.shared_nulls:
        yield f"CREATE POLICY {table.name}_shared ON {name} FOR SELECT TO {APP} USING ({rows.column} IS NULL)"
    yield f"CREATE POLICY {table.name}_system ON {name} FOR ALL TO {SYSTEM} USING (true) WITH CHECK (true)"


def open_columns(table: Table) -> str:
    """The column list of a grant that leaves the secrets of a table out; empty where it has none."""
    closed = secrets(table)
    if not closed:
        return ""
    return f" ({', '.join(column.name for column in table.columns if column.name not in closed)})"


def audit_triggers(table: Table, audit: Audit) -> Iterator[str]:
    """One statement-level trigger an audited operation."""
    rows = feature(table, TenantRows)
    key_columns = [column.name for column in table.primary_key.columns]
    tenant = ""
    if rows:
        tenant = rows.column if rows.tenant == "shop_id" else f"{rows.tenant}:{rows.column}"
    arguments = ", ".join(f"'{value}'" for value in [key_columns[0], tenant, *secrets(table)])
    referencing = {
        "insert": "REFERENCING NEW TABLE AS new_rows",
        "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "delete": "REFERENCING OLD TABLE AS old_rows",
    }
    for operation in audit.on:
        yield (
            f"CREATE TRIGGER {table.name}_audit_{operation} AFTER {operation.upper()} ON {table.fullname} "
            f"{referencing[operation]} FOR EACH STATEMENT EXECUTE FUNCTION entrepot.audit({arguments})"
        )


def maintain_call(table: Table, partitions: Partitions, *, creating: bool = False) -> str:
    """The call that makes a table's partitions; run at creation and by the scheduled job."""
    retain = seconds(partitions.retain) if partitions.retain else "NULL"
    if not partitions.merge:
        return (
            f"SELECT entrepot.maintain_partitions('{table.fullname}', '{partitions.column}', "
            f"'{partitions.span}', {partitions.ahead}, {retain})"
        )
    ahead = -1 if creating else partitions.ahead
    return (
        f"SELECT entrepot.maintain_spans('{table.fullname}', '{partitions.column}', {spans(partitions)}, "
        f"{ahead}, {retain})"
    )


def spans(partitions: Partitions) -> str:
    """The spans of a table's partitions, and the ages at which they are merged: two arguments of SQL functions."""
    ages = ", ".join(seconds(one.after) for one in partitions.merge)
    return f"ARRAY[{', '.join(quote(one) for one in partitions.spans)}], ARRAY[{ages}]::interval[]"


def seconds(length: timedelta) -> str:
    """An interval literal."""
    return f"interval '{int(length.total_seconds())} seconds'"


def quote(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def create_view(view: View) -> Iterator[str]:
    """A view that runs with its reader's rights."""
    name = f"{view.schema}.{view.name}"
    yield f"CREATE VIEW {name} WITH (security_invoker = true) AS {view.query.strip()}"
    yield f"GRANT SELECT ON {name} TO {APP}, {SYSTEM}"
    yield from view_comments(name, "VIEW", view.comment, view.columns)


def create_materialized_view(view: MaterializedView) -> Iterator[str]:
    """A materialized view; one that holds tenants' rows gets its security-barrier view."""
    storage = f"{view.storage_schema}.{view.name}"
    yield f"CREATE MATERIALIZED VIEW {storage} AS {view.query.strip()}"
    index, columns = view.unique
    yield f"CREATE UNIQUE INDEX {index} ON {storage} ({', '.join(columns)})"
    for name, definition in view.indexes:
        yield f"CREATE INDEX {name} ON {storage} ({definition})"
    yield f"GRANT SELECT, MAINTAIN ON {storage} TO {SYSTEM}"
    yield from view_comments(storage, "MATERIALIZED VIEW", view.comment, view.columns)
    if view.tenant is None:
        yield f"GRANT SELECT ON {storage} TO {APP}"
        return
    reader = f"{view.schema}.{view.name}"
    setting = TenantRows(tenant=view.tenant).setting
    own = f"{view.tenant} = (SELECT nullif(current_setting('{setting}', true), '')::uuid)"
    barrier = f"CREATE VIEW {reader} WITH (security_barrier = true)"
    yield f"{barrier} AS SELECT * FROM {storage} WHERE {own}"  # noqa: S608 - declared names
    yield f"GRANT SELECT ON {reader} TO {APP}, {SYSTEM}"
    yield from view_comments(reader, "VIEW", view.comment, view.columns)


def view_comments(name: str, kind: str, comment: str, columns: dict[str, str]) -> Iterator[str]:
    """COMMENT statements of a view and its columns."""
    yield f"COMMENT ON {kind} {name} IS {quote(comment)}"
    for column, text in columns.items():
        yield f"COMMENT ON COLUMN {name}.{column} IS {quote(text)}"
