import json
import os
import subprocess
import sys

import pytest

from entrepot.kit.settings import Settings

pytestmark = pytest.mark.usefixtures("settings")


class Commands:
    """The command line on the test's database."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
        return subprocess.run(
            [sys.executable, "-m", "entrepot", *arguments],
            capture_output=True,
            text=True,
            input=given,
            env={
                **environment,
                "ENTREPOT_HOME": str(self._settings.home),
                "ENTREPOT_DATABASE_NAME": self._settings.database_name,
            },
            timeout=120,
            check=False,
        )


@pytest.fixture
def entrepot(settings: Settings) -> Commands:
    return Commands(settings)


def test_status_url_and_psql(entrepot: Commands) -> None:
    status = json.loads(entrepot("db", "status", "--json").stdout)
    assert status["running"] is True
    url = entrepot("db", "url", "--role", "system").stdout.strip()
    assert url.startswith("postgresql://entrepot_system@")
    shown = entrepot("db", "psql", "--role", "system", "-Atc", "SELECT current_user")
    assert shown.stdout == "entrepot_system\n"
    failed = entrepot("db", "psql", "-Atc", "SELECT 1/0")
    assert failed.returncode == 1


def test_migrating_again_changes_nothing(entrepot: Commands) -> None:
    done = entrepot("db", "migrate", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"applied": []}


def test_check_tells_a_difference_and_exits_1(entrepot: Commands) -> None:
    whole = entrepot("db", "check", "--json")
    assert (json.loads(whole.stdout), whole.returncode) == ({"differences": []}, 0)
    entrepot("db", "psql", "--role", "owner", "-c", "DROP INDEX pim.idx_shops_plan")
    broken = entrepot("db", "check", "--json")
    assert broken.returncode == 1
    assert "idx_shops_plan" in broken.stdout
    assert {"kind", "name", "expected", "found"} == set(json.loads(broken.stdout)["differences"][0])


def test_dictionary_and_partitions(entrepot: Commands) -> None:
    tables = json.loads(entrepot("db", "dictionary", "--json").stdout)["tables"]
    assert "shops" in {table["name"] for table in tables}
    assert "pim.shops" in entrepot("db", "dictionary").stdout
    changes = json.loads(entrepot("db", "partitions", "maintain", "--json").stdout)["changes"]
    assert isinstance(changes, list)
    listed = json.loads(entrepot("db", "partitions", "list", "--json").stdout)["partitions"]
    assert any(partition["table"] == "pim.audit_logs" for partition in listed)
    again = json.loads(entrepot("db", "partitions", "maintain", "--json").stdout)["changes"]
    assert again == []


def test_backup_and_restore(entrepot: Commands, settings: Settings) -> None:
    added = entrepot("shops", "add", "harbor.myshopify.com", "--json")
    assert added.returncode == 0, added.stderr
    target = settings.home / f"{settings.database_name}.dump"
    written = entrepot("db", "backup", str(target), "--json")
    assert written.returncode == 0, written.stderr
    assert json.loads(written.stdout)["size_bytes"] == target.stat().st_size
    entrepot("db", "psql", "--role", "system", "-c", "DELETE FROM pim.shops")
    refused = entrepot("db", "restore", str(target), "--json")
    assert refused.returncode == 4
    restored = entrepot("db", "restore", str(target), "--clean", "--yes", "--json")
    assert restored.returncode == 0, restored.stdout
    listed = json.loads(entrepot("shops", "list", "--json").stdout)["shops"]
    assert [shop["domain"] for shop in listed] == ["harbor.myshopify.com"]


def test_an_answer_of_no_leaves_the_database_alone(entrepot: Commands, settings: Settings) -> None:
    done = entrepot("db", "restore", str(settings.home / "none.dump"), "--clean", given="n\n")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
