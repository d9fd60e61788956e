"""Which revision the program needs, told without Alembic: what every command asks, and mostly all that it asks."""

from pathlib import Path

import psycopg

from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def head() -> str:
    """The newest revision of this program. Files begin with the number of theirs, which grows by one each."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate_if_needed(settings: Settings) -> None:
    """Migrate, unless a quick look says that the database is at the head already. Raises what `migrate` raises."""
    try:
        with psycopg.connect(libpq_url(role_url(settings, "system")), connect_timeout=10) as connection:
            row = connection.execute("SELECT version_num FROM entrepot.alembic_version").fetchone()
            if row is not None and row[0] == head():
                return
    except psycopg.Error:
        pass  # no database, role or table yet: `migrate` makes them, and reports what it cannot make
    # Alembic takes a fifth of the time that a command has until it answers.
    from entrepot.kit.db import migrating

    migrating.migrate(settings)
