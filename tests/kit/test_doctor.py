"""The doctor: what each finding means, and the whole round on a real server, well and unwell."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from entrepot.kit.crypto import Keyring, keyring_path
from entrepot.kit.db.bootstrap import EXTENSIONS
from entrepot.kit.db.migrating import migrate
from entrepot.kit.db.revisions import head
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.doctor import Check, checks, examine
from entrepot.kit.doctor.home import examine_home
from entrepot.kit.settings import Settings

SOURCE = Path(__file__).parents[2] / "src"


def states(found: list[Check]) -> dict[str, str]:
    return {check.name: check.state for check in found}


def named(found: list[Check], name: str) -> Check:
    return next(check for check in found if check.name == name)


class TestMeaning:
    @pytest.mark.parametrize(
        ("check", "state"),
        [
            (checks.check_python((3, 11, 0)), "ok"),
            (checks.check_python((3, 14, 1)), "ok"),
            (checks.check_python((3, 10, 9)), "fail"),
            (checks.check_disk(20 * checks.GIBIBYTE, "/data"), "ok"),
            (checks.check_disk(3 * checks.GIBIBYTE, "/data"), "warn"),
            (checks.check_disk(checks.GIBIBYTE - 1, "/data"), "fail"),
            (checks.check_version(180006), "ok"),
            (checks.check_version(190000), "ok"),
            (checks.check_version(170009), "fail"),
            (checks.check_time_zone("UTC"), "ok"),
            (checks.check_time_zone("Etc/UTC"), "ok"),
            (checks.check_time_zone("Europe/Bucharest"), "warn"),
            (checks.check_clock(timedelta(seconds=-1)), "ok"),
            (checks.check_clock(timedelta(seconds=-3)), "warn"),
            (checks.check_clock(timedelta(minutes=-5)), "fail"),
            (checks.check_encoding("UTF8"), "ok"),
            (checks.check_encoding("SQL_ASCII"), "fail"),
            (checks.check_migrations(["0002"], "0002", embedded=True), "ok"),
            (checks.check_migrations(["0001"], "0002", embedded=True), "fail"),
            (checks.check_migrations([], "0002", embedded=True), "warn"),
            (checks.check_migrations([], "0002", embedded=False), "fail"),
            (checks.check_session("app", "entrepot_app", superuser=False, bypasses_rls=False), "ok"),
            (checks.check_session("app", "postgres", superuser=True, bypasses_rls=True), "fail"),
            (checks.check_session("app", "reader", superuser=False, bypasses_rls=True), "fail"),
        ],
    )
    def test_of_one_finding(self, check: Check, state: str) -> None:
        assert check.state == state
        assert bool(check.mend) == (state != "ok")

    @pytest.mark.parametrize(
        ("name", "available", "installed", "prepared", "state", "mend"),
        [
            ("citext", "1.8", "1.8", True, "ok", ""),
            ("citext", "1.8", None, True, "fail", "db migrate"),
            ("citext", "1.8", None, False, "warn", "db migrate"),
            ("citext", None, None, False, "fail", "contrib"),
            ("vector", None, None, True, "fail", "pgvector"),
            ("vector", "0.8.4", "0.8.4", True, "ok", ""),
            ("vector", "0.10.0", "0.10.0", True, "ok", ""),
            ("vector", "0.8.6", "0.8.0", True, "warn", "Run `ALTER EXTENSION vector UPDATE`"),
            ("vector", "0.8.0", "0.8.0", True, "warn", "Install pgvector 0.8.4"),
            ("pgcrypto", None, None, True, "ok", ""),
            ("pgcrypto", "1.4", None, True, "ok", ""),
        ],
    )
    def test_of_an_extension(
        self, name: str, available: str | None, installed: str | None, prepared: bool, state: str, mend: str
    ) -> None:
        check = checks.check_extension(name, checks.Extension(available, installed), prepared=prepared)
        assert check.state == state
        assert mend in check.mend

    @pytest.mark.parametrize(
        ("role", "serves", "state", "mend"),
        [
            (checks.Role(False, False, True, 0, False), True, "ok", ""),
            (checks.Role(False, False, True, 70, False), False, "ok", ""),
            (checks.Role(True, False, True, 0, False), True, "fail", "NOSUPERUSER"),
            (checks.Role(False, True, True, 0, False), True, "fail", "NOBYPASSRLS"),
            (checks.Role(False, False, True, 3, False), True, "fail", "REASSIGN OWNED"),
            (checks.Role(False, False, True, 0, True), True, "fail", "REVOKE entrepot_owner"),
            (checks.Role(False, False, False, 0, False), True, "fail", "LOGIN"),
            (checks.Role(True, True, True, 9, False), False, "warn", "NOSUPERUSER"),
            (None, True, "fail", "db migrate"),
        ],
    )
    def test_of_a_role(self, role: checks.Role | None, serves: bool, state: str, mend: str) -> None:
        check = checks.check_role("entrepot_app", role, serves=serves, prepared=True)
        assert check.state == state
        assert mend in check.mend


class TestHome:
    def test_that_is_not_there_yet(self, tmp_path: Path) -> None:
        found = examine_home(Settings(home=tmp_path / "a" / "b"))
        assert states(found) == {"home": "ok", "disk": named(found, "disk").state, "keyring": "warn"}
        assert list(tmp_path.iterdir()) == []

    def test_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert states(examine_home(Settings(home=tmp_path / "file" / "home")))["home"] == "fail"

    def test_keyring_made_by_us_is_well(self, tmp_path: Path) -> None:
        settings = Settings(home=tmp_path)
        Keyring.open(settings)
        assert states(examine_home(settings))["keyring"] == "ok"

    def test_keyring_that_others_can_read(self, tmp_path: Path) -> None:
        settings = Settings(home=tmp_path)
        Keyring.open(settings)
        keyring_path(settings).chmod(0o640)
        check = named(examine_home(settings), "keyring")
        assert (check.state, "0640" in check.found) == ("fail", True)
        assert check.mend == f"chmod 600 {keyring_path(settings)}"

    def test_keyring_that_is_damaged(self, tmp_path: Path) -> None:
        settings = Settings(home=tmp_path)
        keyring_path(settings).write_text("{")
        keyring_path(settings).chmod(0o600)
        assert states(examine_home(settings))["keyring"] == "fail"

    def test_key_in_the_environment(self, tmp_path: Path) -> None:
        wrong = Settings(home=tmp_path, secret_key=SecretStr("too short"))
        assert states(examine_home(wrong))["keyring"] == "fail"
        right = Settings(home=tmp_path, secret_key=SecretStr("QUFB" * 10 + "QUE="))
        assert states(examine_home(right))["keyring"] == "ok"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_keyring_of_somebody_else(self, tmp_path: Path) -> None:
        settings = Settings(home=tmp_path)
        Keyring.open(settings)
        os.chown(keyring_path(settings), 65534, 65534)
        assert "another user" in named(examine_home(settings), "keyring").found


async def test_a_migrated_database_is_well(settings: Settings) -> None:
    found = await examine(settings)
    assert [check for check in found if check.state == "fail"] == []
    assert named(found, "server").found == "the embedded server"
    for name in (
        "role entrepot_app",
        "serving as app",
        "serving as system",
        "migrations",
        "time zone",
        "clock",
    ):
        assert named(found, name).state == "ok", name
    assert {f"extension {name}" for name in EXTENSIONS} <= set(states(found))
    assert len(states(found)) == len(found)


async def test_a_server_that_cannot_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "server" / "data").mkdir(parents=True)
    check = named(await examine(Settings(home=home)), "server")
    assert check.state == "fail"
    assert "Move it away" in check.mend


async def test_a_server_of_ones_own_that_does_not_answer(tmp_path: Path) -> None:
    url = SecretStr(f"postgresql://somebody:secret@/nothing?host={tmp_path}")
    found = await examine(Settings(home=tmp_path / "home", database_url=url))
    check = named(found, "server")
    assert check.state == "fail"
    assert "ENTREPOT_DATABASE_URL" in check.mend
    assert "secret" not in check.found
    # Looking makes nothing, not even the keyring that the roles' passwords come from.
    assert not (tmp_path / "home").exists()


@contextmanager
def server_of_its_own(home: Path) -> Iterator[Settings]:
    """A server of its own, since what is broken here are roles, which all databases of a server share."""
    server = EmbeddedServer(home, settings={"fsync": "off", "shared_buffers": "32MB"})
    server.start()
    try:
        yield Settings(home=home)
    finally:
        server.stop("immediate")


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A server on which nothing was done yet."""
    with server_of_its_own(tmp_path_factory.mktemp("bare") / "home") as settings:
        yield settings


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A migrated server; each test leaves it as well as it found it."""
    with server_of_its_own(tmp_path_factory.mktemp("doctor") / "home") as settings:
        migrate(settings)
        yield settings


class TestUnwell:
    """Broken in one way after the other."""

    def run(self, settings: Settings, *statements: str, database: str = "entrepot") -> list[Check]:
        url = EmbeddedServer(settings.home).url("postgres", database)
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return asyncio.run(examine(settings))

    def test_a_new_server_has_warnings_only(self, bare: Settings) -> None:
        found = self.run(bare, database="postgres")
        assert "fail" not in states(found).values()
        assert named(found, "migrations").state == "warn"
        assert named(found, "role entrepot_app").state == "warn"

    def test_what_breaks_is_found_and_what_is_said_mends_it(self, own: Settings) -> None:
        assert "fail" not in states(self.run(own)).values()
        breaks = {
            "role entrepot_app": "ALTER ROLE entrepot_app SUPERUSER",
            "role entrepot_system": "ALTER ROLE entrepot_system BYPASSRLS",
        }
        for name, statement in breaks.items():
            check = named(self.run(own, statement), name)
            assert check.state == "fail"
            mend = check.mend.removeprefix("As the administrator: ")
            assert named(self.run(own, mend), name).state == "ok"

    def test_the_owner_is_no_role_to_serve_as(self, own: Settings) -> None:
        check = named(self.run(own, "GRANT entrepot_owner TO entrepot_app"), "role entrepot_app")
        assert check.state == "fail"
        assert named(self.run(own, check.mend.split(": ", 1)[1]), "role entrepot_app").state == "ok"
        check = named(
            self.run(own, "CREATE TABLE stray ()", "ALTER TABLE stray OWNER TO entrepot_app"),
            "role entrepot_app",
        )
        assert "owner of 1 tables" in check.found
        assert named(self.run(own, "DROP TABLE stray"), "role entrepot_app").state == "ok"

    def test_a_missing_extension_and_an_old_schema(self, own: Settings) -> None:
        found = self.run(
            own, "DROP EXTENSION pgstattuple", "UPDATE entrepot.alembic_version SET version_num = 'older'"
        )
        mended = self.run(
            own,
            "CREATE EXTENSION pgstattuple",
            f"UPDATE entrepot.alembic_version SET version_num = '{head()}'",
        )
        for name in ("extension pgstattuple", "migrations"):
            assert named(found, name).state == "fail"
            assert named(mended, name).state == "ok"

    def test_the_time_zone_of_the_database(self, own: Settings) -> None:
        migrate_safe = "ALTER DATABASE entrepot SET timezone = 'Europe/Bucharest'"
        assert named(self.run(own, migrate_safe), "time zone").state == "warn"
        assert named(self.run(own, "ALTER DATABASE entrepot RESET timezone"), "time zone").state == "ok"

    def test_a_superuser_in_the_settings(self, own: Settings) -> None:
        url = SecretStr(EmbeddedServer(own.home).url("postgres", "entrepot"))
        served = Settings(home=own.home, database_url=url, database_app_url=url, database_system_url=url)
        found = asyncio.run(examine(served))
        assert named(found, "serving as app").state == "fail"
        assert "ENTREPOT_DATABASE_APP_URL" in named(found, "serving as app").mend


@pytest.mark.parametrize("broken", [False, True])
def test_the_command(settings: Settings, tmp_path: Path, broken: bool) -> None:
    home = tmp_path / "file" if broken else settings.home
    if broken:
        home.touch()
    done = subprocess.run(
        [sys.executable, "-m", "entrepot", "doctor", "--json"],
        capture_output=True,
        env={
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "ENTREPOT_HOME": str(home),
            "ENTREPOT_DATABASE_NAME": settings.database_name,
        },
        check=False,
    )
    said = json.loads(done.stdout)
    assert said["healthy"] is not broken
    assert done.returncode == int(broken)
    assert {"name", "state", "found", "mend"} == set(said["checks"][0])
