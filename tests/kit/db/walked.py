"""The database that the walk goes through, one a module."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from tests.conftest import clone
from tests.kit.db.rows import TENANT_SETTINGS, WITHOUT_TENANTS, Connection, RowFactory, read_tables
from tests.kit.db.tenancy import Walk

from entrepot.kit.db import check
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import Role, libpq_url, role_url
from entrepot.kit.settings import Settings

check.load_declarations()

#: The tables of the tenants themselves.
ROOTS = ("pim.shops", "marketplace.hm_platform", "mirakl.accounts")

#: Found anew in the catalog by `test_no_table_is_missed`.
TENANT_TABLES = sorted(
    table.fullname
    for table in Base.metadata.tables.values()
    if not table.fullname.startswith(WITHOUT_TENANTS)
    and (any(column in table.columns for column in TENANT_SETTINGS) or table.fullname in ROOTS)
)

#: In a query of pg_namespace as n: the schemas that are not PostgreSQL's own.
OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


@dataclass(frozen=True)
class Walked:
    """One database for the module, and who walks in it."""

    settings: Settings
    walk: Walk
    system: Connection
    app: Connection


@contextmanager
def walked_database(server_home: Path) -> Iterator[Walked]:
    """A clone of the template with three tenants in it."""
    with clone(server_home) as settings:
        connections = [psycopg.connect(address(settings, role)) for role in ("system", "app", "app")]
        system, app, bare = connections
        factory = RowFactory(system, read_tables(system))
        yield Walked(settings, Walk(app, bare, factory), system, app)
        for connection in connections:
            connection.close()


def address(settings: Settings, role: Role) -> str:
    """The libpq URL of a role."""
    return libpq_url(role_url(settings, role))


def catalog(walked: Walked, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What a query of the catalog returns."""
    found = walked.system.execute(query.encode(), values).fetchall()
    walked.system.rollback()
    return found


#: The views that entrepot_app reads: name, kind, options, definition, tenant columns, what they read.
VIEWS = """
    SELECT c.oid::regclass::text, c.relkind::text, coalesce(c.reloptions, '{}')::text[], pg_get_viewdef(c.oid),
           ARRAY(SELECT a.attname::text FROM pg_attribute AS a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attname = ANY (%s)),
           ARRAY(SELECT DISTINCT d.refobjid::regclass::text FROM pg_rewrite AS r
                 JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
                 WHERE r.ev_class = c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
      AND has_schema_privilege('entrepot_app', n.oid, 'USAGE')
      AND has_any_column_privilege('entrepot_app', c.oid, 'SELECT')
"""


def view_breaches(walked: Walked) -> list[str]:
    """Views by which a tenant could see more than its own rows."""
    found = []
    tables = walked.walk.factory.tables
    for name, kind, options, definition, tenant_columns, sources in catalog(
        walked, VIEWS, list(TENANT_SETTINGS)
    ):
        if "security_invoker=true" in options:
            continue  # as safe as the tables that it reads
        if kind == "v" and tenant_columns:
            column = tenant_columns[0]
            rule = rf"WHERE \(*{column} = \( ?SELECT \(?NULLIF\(current_setting\('{TENANT_SETTINGS[column]}'"
            if "security_barrier=true" not in options or not re.search(rule, definition):
                found.append(f"{name} runs with its owner's rights and is not held to the tenant")
        elif any(source in tables and tables[source].tenant_column for source in sources):
            found.append(f"{name} holds what tenants' rows give and has no row security")
    return found
