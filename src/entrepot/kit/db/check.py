"""Comparing the live database with the declarations.

The declared schema is built in a scratch database on the same server, so that both sides are what PostgreSQL itself
says of them, and no text has to be compared with a guess of how the server would print it.
"""

import secrets as random
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import create_engine

from entrepot.kit.db import bootstrap, ddl, migrating
from entrepot.kit.db.catalog import Snapshot, snapshot
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

#: The modules whose import declares every table and view of the program.
DECLARATIONS = (
    "entrepot.pim.schema",
    "entrepot.events.tables",
    "entrepot.kit.jobs.schema",
    "entrepot.marketplace.schema",
    "entrepot.mirakl.schema",
    "entrepot.playground.schema",
)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as declared."""

    kind: str
    name: str
    expected: str | None
    found: str | None

    def as_dict(self) -> dict[str, Any]:
        """The difference as plain values."""
        return asdict(self)


def load_declarations() -> None:
    """Import every module that declares tables; kit itself knows none of them."""
    for module in DECLARATIONS:
        import_module(module)


def differences(settings: Settings) -> list[Difference]:
    """Everything in which the live database differs from the declarations; an empty list is what should be."""
    load_declarations()
    declared = declared_snapshot(settings)
    with psycopg.connect(libpq_url(role_url(settings, "admin"))) as live:
        return live_differences(live, declared)


def live_differences(live: psycopg.Connection[Any], declared: Snapshot) -> list[Difference]:
    """Everything in which the database of a connection differs from a declared snapshot."""
    found = compare(declared, snapshot(live, declared_schemas()))
    return found + _partitions(live) + _migrations(live)


def declared_schemas() -> list[str]:
    """The schemas that are compared."""
    return ["entrepot", *ddl.schemas()]


def declared_snapshot(settings: Settings) -> Snapshot:
    """What the catalog holds after running the declarations in a scratch database, which is dropped again."""
    name = f"entrepot_check_{random.token_hex(6)}"
    with bootstrap.connect_admin(settings) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            bootstrap.prepare(settings, database=name)
            engine = create_engine(role_url(settings, "owner", database=name))
            with engine.begin() as connection:
                build(connection.connection.driver_connection)
            engine.dispose()
            with psycopg.connect(libpq_url(role_url(settings, "admin", database=name))) as scratch:
                return snapshot(scratch, declared_schemas())
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def build(connection: Any) -> None:
    """Run the declarations on an owner's psycopg connection."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS entrepot")
    connection.execute("GRANT USAGE ON SCHEMA entrepot TO entrepot_app, entrepot_system")
    for statement in ddl.statements():
        connection.execute(statement.encode())


def compare(declared: Snapshot, live: Snapshot) -> list[Difference]:
    """The differences of two snapshots, in order of kind and name."""
    found = []
    for kind, name in sorted(declared.keys() | live.keys()):
        expected, actual = declared.get((kind, name)), live.get((kind, name))
        if expected != actual:
            found.append(Difference(kind, name, expected, actual))
    return found


def _partitions(connection: psycopg.Connection[Any]) -> list[Difference]:
    """Partitioned tables that lack their default partition or the partition of the present time."""
    found: list[Difference] = []
    known = connection.execute("SELECT to_regprocedure('entrepot.partition_ranges(regclass)') IS NOT NULL")
    if known.fetchone() != (True,):
        return found  # a database of before; that the function is missing is reported already
    for table in Base.metadata.sorted_tables:
        partitions = ddl.feature(table, Partitions)
        if partitions is None:
            continue
        row = connection.execute(
            """
            SELECT to_regclass(%(table)s || '_default') IS NOT NULL,
                   EXISTS (SELECT FROM entrepot.partition_ranges(to_regclass(%(table)s)) AS p WHERE p.starts <= now() AND p.ends > now())
            WHERE to_regclass(%(table)s) IS NOT NULL
            """,
            {"table": table.fullname},
        ).fetchone()
        if row is None:
            continue  # the missing table is reported already
        if not row[0]:
            found.append(Difference("partition", f"{table.fullname}_default", "a default partition", None))
        if not row[1] and not partitions.merge:  # there the default partition serves until the job has run
            found.append(
                Difference(
                    "partition",
                    table.fullname,
                    f"the partition of this {partitions.span}; run `entrepot db partitions maintain`",
                    None,
                )
            )
    return found


def _migrations(connection: psycopg.Connection[Any]) -> list[Difference]:
    """Migrations that were not applied, failed, or were edited after they were applied."""
    history: dict[str, tuple[str, bool]] = {}
    if connection.execute("SELECT to_regclass('pim.migration_history') IS NOT NULL").fetchone() == (True,):
        rows = connection.execute(
            "SELECT migration_name, checksum, success FROM pim.migration_history"
        ).fetchall()
        history = {str(row[0]): (str(row[1]), bool(row[2])) for row in rows}
    found = []
    for script in migrating.all_scripts():
        name, digest = migrating.name(script), migrating.checksum(script)
        applied = history.pop(name, None)
        if applied is None:
            found.append(Difference("migration", name, "applied; run `entrepot db migrate`", None))
        elif not applied[1]:
            found.append(Difference("migration", name, "applied", "failed; pim.migration_history says why"))
        elif applied[0] != digest:
            found.append(
                Difference(
                    "migration",
                    name,
                    f"checksum {digest}",
                    f"checksum {applied[0]}: the file was edited after it was applied",
                )
            )
    found += [
        Difference("migration", name, None, "applied, but unknown to this program")
        for name in sorted(history)
    ]
    return found
