"""Migrations: run once, recorded with their outcome, and all or nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import create_engine

from entrepot.kit.db import check, migrating, revisions
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.errors import ConflictError
from entrepot.kit.settings import Settings

REVISION = '''"""A later revision.

Revision: {revision}
"""

from alembic import op

revision = "{revision}"
down_revision = "{previous}"


def upgrade() -> None:
    """What it does."""
{body}


def downgrade() -> None:
    """Undo it."""
'''

HEAD = "0006"
BUILT_IN = (
    "0001_foundation",
    "0002_marketplace_rules",
    "0003_playground",
    "0004_evaluation_log",
    "0005_mirakl",
    "0006_virtual_columns",
)

Add = Callable[[str, str, str], Path]


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Adds a revision (number, the one before, body of upgrade) to a copy of the program's migrations."""
    copy = tmp_path / "migrations"
    shutil.copytree(revisions.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(revisions, "MIGRATIONS", copy)

    def add(revision: str, previous: str, body: str) -> Path:
        path = copy / "versions" / f"{revision}_later.py"
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        path.write_text(REVISION.format(revision=revision, previous=previous, body=indented))
        return path

    return add


@pytest.fixture
def admin(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty(settings: Settings) -> Iterator[Settings]:
    """Settings of a database that is still to be made."""
    name = f"{settings.database_name}_empty"
    yield settings.model_copy(update={"database_name": name})
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def history(admin: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    with admin.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute("SELECT * FROM pim.migration_history ORDER BY applied_at").fetchall()
    return {row["migration_name"]: row for row in rows}


def exists(admin: psycopg.Connection[Any], name: str) -> bool:
    return admin.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone() == (True,)


def revision(admin: psycopg.Connection[Any]) -> Any:
    return admin.execute("SELECT version_num FROM entrepot.alembic_version").fetchone()


def test_the_history_says_what_ran(admin: psycopg.Connection[Any]) -> None:
    [script] = migrating.all_scripts()[:1]
    row = history(admin)["0001_foundation"]
    assert row["checksum"] == migrating.checksum(script)
    assert len(row["checksum"]) == 64
    assert row["execution_time_ms"] > 0
    assert (row["success"], row["error_message"], row["applied_by"]) == (True, None, "entrepot_owner")
    assert row["applied_at"].tzinfo is not None


def test_nothing_runs_twice(settings: Settings, admin: psycopg.Connection[Any]) -> None:
    before = history(admin)
    assert migrating.migrate(settings) == []
    revisions.migrate_if_needed(settings)
    assert history(admin) == before


def test_the_head_is_the_one_that_alembic_finds() -> None:
    assert revisions.head() == migrating.all_scripts()[-1].revision


OPENS = """
import asyncio, sys
from entrepot.kit.db import Database

async def main():
    async with Database.opened():
        return "alembic" in sys.modules

sys.exit(asyncio.run(main()))
"""


def test_who_finds_everything_migrated_does_not_import_alembic(settings: Settings) -> None:
    found = {"ENTREPOT_HOME": str(settings.home), "ENTREPOT_DATABASE_NAME": settings.database_name}
    subprocess.run([sys.executable, "-c", OPENS], check=True, env={**os.environ, **found})


def test_the_checksum_covers_both_files(add: Add) -> None:
    script = migrating.all_scripts()[0]
    first = migrating.checksum(script)
    beside = Path(script.path).with_suffix(".sql")
    beside.write_text(beside.read_text() + "-- one more line\n")
    second = migrating.checksum(script)
    path = Path(script.path)
    path.write_text(path.read_text() + "# one more line\n")
    assert len({first, second, migrating.checksum(script)}) == 3


def test_later_revisions_run_in_order(settings: Settings, admin: psycopg.Connection[Any], add: Add) -> None:
    add("9002", "9001", 'op.execute("ALTER TABLE pim.lamps ADD colour text")')
    add("9001", HEAD, 'op.execute("CREATE TABLE pim.lamps (id uuid)")')
    assert revisions.head() == "9002"
    assert [applied.name for applied in migrating.migrate(settings, target="9001")] == ["9001_later"]
    revisions.migrate_if_needed(settings)
    assert list(history(admin)) == [*BUILT_IN, "9001_later", "9002_later"]
    assert revision(admin) == ("9002",)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ('op.execute("SELECT 1 / 0")', "division by zero"),
        ('op.execute("INSERT INTO pim.no_such_table VALUES (1)")', "no_such_table"),
        ('raise RuntimeError("the moon is full")', "the moon is full"),
        ("import no_such_module", "no_such_module"),
    ],
)
def test_a_failing_migration_changes_nothing_and_is_recorded(
    settings: Settings, admin: psycopg.Connection[Any], add: Add, failure: str, reason: str
) -> None:
    add("9001", HEAD, 'op.execute("CREATE TABLE pim.lamps (id uuid)")')
    path = add("9002", "9001", f'op.execute("CREATE TABLE pim.shades (id uuid)")\n{failure}')
    with pytest.raises(ConflictError, match="9002_later failed and changed nothing") as failed:
        migrating.migrate(settings)
    assert reason in failed.value.detail
    assert failed.value.where == {"migration": "9002_later"}
    assert (exists(admin, "pim.lamps"), exists(admin, "pim.shades")) == (True, False)
    assert revision(admin) == ("9001",)
    row = history(admin)["9002_later"]
    assert row["success"] is False
    assert reason in row["error_message"]

    found = {(one.name, one.found) for one in check.differences(settings) if one.kind == "migration"}
    assert found == {("9002_later", "failed; pim.migration_history says why")}

    path.write_text(path.read_text().replace(failure, "pass"))
    assert [applied.name for applied in migrating.migrate(settings)] == ["9002_later"]
    row = history(admin)["9002_later"]
    assert (row["success"], row["error_message"]) == (True, None)
    assert row["checksum"] == migrating.checksum(migrating.all_scripts()[-1])


def test_a_first_migration_that_fails_leaves_an_empty_database(empty: Settings, add: Add) -> None:
    broken = Path(migrating.all_scripts()[0].path).with_suffix(".sql")
    broken.write_text(broken.read_text() + "\nSELECT 1 / 0;\n")
    with pytest.raises(ConflictError, match="division by zero"):
        migrating.migrate(empty)
    with psycopg.connect(libpq_url(role_url(empty, "admin"))) as admin:
        assert not exists(admin, "pim.shops")
        assert not exists(admin, "pim.migration_history")


def test_many_at_once_migrate_once(empty: Settings) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: migrating.migrate(empty), range(3)))
    assert sorted(len(applied) for applied in done) == [0, 0, len(migrating.all_scripts())]
    assert check.differences(empty) == []


def test_down_and_up_again(settings: Settings, admin: psycopg.Connection[Any]) -> None:
    engine = create_engine(role_url(settings, "owner"))
    with engine.begin() as connection:
        command.downgrade(migrating.alembic_config(connection), "base")
    engine.dispose()
    left = admin.execute(
        """
        SELECT (SELECT array_agg(nspname::text ORDER BY 1) FROM pg_namespace
                WHERE nspowner = 'entrepot_owner'::regrole),
               (SELECT count(*) FROM pg_proc WHERE proowner = 'entrepot_owner'::regrole),
               (SELECT count(*) FROM pg_default_acl)
        """
    ).fetchone()
    assert left == (["entrepot"], 0, 0)
    assert [applied.name for applied in migrating.migrate(settings)] == [
        migrating.name(script) for script in migrating.all_scripts()
    ]
    assert check.differences(settings) == []


def test_a_migration_that_was_edited_afterwards_is_found(settings: Settings, add: Add) -> None:
    script = migrating.all_scripts()[0]
    before = migrating.checksum(script)
    path = Path(script.path)
    path.write_text(path.read_text() + "\n# later thoughts\n")
    [found] = [one for one in check.differences(settings) if one.kind == "migration"]
    assert (found.name, found.expected) == ("0001_foundation", f"checksum {migrating.checksum(script)}")
    assert found.found == f"checksum {before}: the file was edited after it was applied"


def test_a_migration_that_was_not_applied_is_found(settings: Settings, add: Add) -> None:
    add("9001", HEAD, 'op.execute("SELECT 1")')
    [found] = check.differences(settings)
    assert (found.kind, found.name, found.found) == ("migration", "9001_later", None)


def test_a_database_of_a_newer_program_is_left_alone(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("UPDATE entrepot.alembic_version SET version_num = '9999'")
    with pytest.raises(ConflictError, match="9999, which this version of entrepot does not know"):
        migrating.migrate(settings)
    assert revision(admin) == ("9999",)
