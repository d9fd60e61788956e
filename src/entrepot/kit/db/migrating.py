"""Running the migrations and keeping their history.

Alembic decides what runs. Each revision is one transaction; name, checksum, duration and outcome go to
pim.migration_history, failures included, so that what happened to a database can be read in it.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from entrepot.kit.db import bootstrap, revisions
from entrepot.kit.db.urls import role_url
from entrepot.kit.errors import ConflictError
from entrepot.kit.settings import Settings

VERSION_SCHEMA = "entrepot"


@dataclass(frozen=True)
class Applied:
    """One migration that was run now."""

    name: str
    checksum: str
    milliseconds: int


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; `env.py` runs on the connection given here."""
    config = Config()
    config.set_main_option("script_location", str(revisions.MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def checksum(script: Script) -> str:
    """SHA-256 of a revision's Python file and of the SQL file beside it."""
    path = Path(script.path)
    digest = hashlib.sha256(path.read_bytes())
    sql_file = path.with_suffix(".sql")
    if sql_file.exists():
        digest.update(sql_file.read_bytes())
    return digest.hexdigest()


def name(script: Script) -> str:
    """The name of a revision in the history: its file's."""
    return Path(script.path).stem


def migrate(settings: Settings, *, database: str | None = None, target: str = "head") -> list[Applied]:
    """Bring a database to `target`; returns what was applied.

    Raises ConflictError when a migration fails; it has then changed nothing, and the history says why.
    """
    bootstrap.prepare(settings, database=database)
    engine = create_engine(role_url(settings, "owner", database=database), isolation_level="AUTOCOMMIT")
    applied: list[Applied] = []
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(hashtext('entrepot.migrate'))"))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {VERSION_SCHEMA}"))
            connection.execute(
                text(f"GRANT USAGE ON SCHEMA {VERSION_SCHEMA} TO entrepot_app, entrepot_system")
            )
            for script in pending(connection, target):
                applied.append(_apply(settings, script, database))  # noqa: PERF401 - what ran before a failure is kept
            connection.execute(
                text(f"GRANT SELECT ON {VERSION_SCHEMA}.alembic_version TO entrepot_app, entrepot_system")
            )
    finally:
        engine.dispose()
    return applied


def pending(connection: Connection, target: str = "head") -> list[Script]:
    """The revisions between a database and `target`, oldest first."""
    scripts = ScriptDirectory.from_config(alembic_config())
    context = MigrationContext.configure(connection, opts={"version_table_schema": VERSION_SCHEMA})
    current = context.get_current_heads()
    known = {script.revision for script in scripts.walk_revisions()}
    if unknown := sorted(set(current) - known):
        raise ConflictError(
            f"The database is at revision {', '.join(unknown)}, which this version of entrepot does not know.",
            hint="A newer entrepot migrated it; use that one.",
        )
    done = (
        {script.revision for script in scripts.iterate_revisions(current or (), "base")} if current else set()
    )
    return [
        script
        for script in reversed(list(scripts.iterate_revisions(target, "base")))
        if script.revision not in done
    ]


def _apply(settings: Settings, script: Script, database: str | None) -> Applied:
    engine = create_engine(role_url(settings, "owner", database=database))
    started = time.monotonic()
    digest = checksum(script)
    try:
        with engine.connect() as connection:
            command.upgrade(alembic_config(connection), script.revision)
            elapsed = int((time.monotonic() - started) * 1000)
            record(connection, script, digest, elapsed)
            connection.commit()
    except Exception as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip() or type(error).__name__
        elapsed = int((time.monotonic() - started) * 1000)
        _record_failure(settings, script, digest, elapsed, reason, database)
        raise ConflictError(
            f"The migration {name(script)} failed and changed nothing: {reason}",
            hint="Mend the cause and run `entrepot db migrate` again.",
            where={"migration": name(script)},
        ) from error
    finally:
        engine.dispose()
    return Applied(name(script), digest, elapsed)


def record(
    connection: Connection, script: Script, digest: str, elapsed: int, reason: str | None = None
) -> None:
    """Write one line of the history; a later success replaces an earlier failure."""
    connection.execute(
        text(
            """
            INSERT INTO pim.migration_history (migration_name, checksum, execution_time_ms, success, error_message)
            VALUES (:name, :checksum, :elapsed, :success, :reason)
            ON CONFLICT (migration_name) DO UPDATE
            SET checksum = excluded.checksum, applied_at = now(), applied_by = current_user,
                execution_time_ms = excluded.execution_time_ms, success = excluded.success,
                error_message = excluded.error_message
            """
        ),
        {
            "name": name(script),
            "checksum": digest,
            "elapsed": elapsed,
            "success": reason is None,
            "reason": reason,
        },
    )


def _record_failure(
    settings: Settings, script: Script, digest: str, elapsed: int, reason: str, database: str | None
) -> None:
    engine = create_engine(role_url(settings, "owner", database=database))
    try:
        with engine.begin() as connection:
            exists = connection.execute(
                text("SELECT to_regclass('pim.migration_history') IS NOT NULL")
            ).scalar_one()
            if (
                exists
            ):  # the very first migration makes the table: its failure has nowhere to go but the error
                record(connection, script, digest, elapsed, reason)
    finally:
        engine.dispose()


def all_scripts() -> list[Script]:
    """Every revision of this program, oldest first."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return list(reversed(list(scripts.walk_revisions("base", "heads"))))
