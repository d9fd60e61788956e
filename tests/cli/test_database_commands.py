import json

from tests.cli.conftest import CommandLine

from entrepot.kit.settings import Settings


def test_status_url_and_psql(entrepot: CommandLine) -> None:
    status = json.loads(entrepot("db", "status", "--json").stdout)
    assert status["running"] is True
    url = entrepot("db", "url", "--role", "system").stdout.strip()
    assert url.startswith("postgresql://entrepot_system@")
    shown = entrepot("db", "psql", "--role", "system", "-Atc", "SELECT current_user")
    assert shown.stdout == "entrepot_system\n"
    failed = entrepot("db", "psql", "-Atc", "SELECT 1/0")
    assert failed.code == 1


def test_migrating_again_changes_nothing(entrepot: CommandLine) -> None:
    done = entrepot("db", "migrate", "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout) == {"applied": []}


def test_check_tells_a_difference_and_exits_1(entrepot: CommandLine) -> None:
    whole = entrepot("db", "check", "--json")
    assert (json.loads(whole.stdout), whole.code) == ({"differences": []}, 0)
    entrepot("db", "psql", "--role", "owner", "-c", "DROP INDEX pim.idx_shops_plan")
    broken = entrepot("db", "check", "--json")
    assert broken.code == 1
    assert "idx_shops_plan" in broken.stdout
    assert {"kind", "name", "expected", "found"} == set(json.loads(broken.stdout)["differences"][0])


def test_dictionary_and_partitions(entrepot: CommandLine) -> None:
    tables = json.loads(entrepot("db", "dictionary", "--json").stdout)["tables"]
    assert "shops" in {table["name"] for table in tables}
    assert "pim.shops" in entrepot("db", "dictionary").stdout
    changes = json.loads(entrepot("db", "partitions", "maintain", "--json").stdout)["changes"]
    assert isinstance(changes, list)
    listed = json.loads(entrepot("db", "partitions", "list", "--json").stdout)["partitions"]
    assert any(partition["table"] == "pim.audit_logs" for partition in listed)
    again = json.loads(entrepot("db", "partitions", "maintain", "--json").stdout)["changes"]
    assert again == []
    merged = entrepot("db", "partitions", "merge", "--json")
    assert (json.loads(merged.stdout), merged.code) == ({"changes": []}, 0)  # nothing is old enough


def test_backup_and_restore(entrepot: CommandLine, settings: Settings) -> None:
    added = entrepot("shops", "add", "harbor.myshopify.com", "--json")
    assert added.code == 0, added.stderr
    target = settings.home / f"{settings.database_name}.dump"
    written = entrepot("db", "backup", str(target), "--json")
    assert written.code == 0, written.stderr
    assert json.loads(written.stdout)["size_bytes"] == target.stat().st_size
    entrepot("db", "psql", "--role", "system", "-c", "DELETE FROM pim.shops")
    refused = entrepot("db", "restore", str(target), "--json")
    assert refused.code == 4
    restored = entrepot("db", "restore", str(target), "--clean", "--yes", "--json")
    assert restored.code == 0, restored.stdout
    listed = json.loads(entrepot("shops", "list", "--json").stdout)["shops"]
    assert [shop["domain"] for shop in listed] == ["harbor.myshopify.com"]


def test_an_answer_of_no_leaves_the_database_alone(entrepot: CommandLine, settings: Settings) -> None:
    done = entrepot("db", "restore", str(settings.home / "none.dump"), "--clean", given="n\n")
    assert done.code != 0
    assert "Traceback" not in done.stderr
