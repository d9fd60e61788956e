"""The repository agrees with itself, and knows nothing of the machine that it was written on."""

import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from tests.house.source import ROOT

from entrepot import __version__

#: A home or a working directory of somebody's machine.
MACHINE = re.compile(r"(?<![\w.<{$])/(?:home|Users|root|work)/[\w.-]+")
TEXT = {".py", ".md", ".txt", ".toml", ".yml", ".yaml", ".html", ".css", ".js", ".sql", ".svg", ""}


def files() -> list[Path]:
    """Every file that is in the repository, or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is no checkout of git")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    released = re.findall(
        r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert released[0] == __version__


def test_no_file_names_a_directory_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files()
        if path.suffix in TEXT
        and (match := MACHINE.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert not found, "\n".join(found)


def test_every_module_of_tests_that_holds_tests_is_found_by_pytest() -> None:
    lost = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if not path.name.startswith("test_")
        and re.search(r"^(async )?def test_", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert lost == []


@pytest.mark.parametrize("script", ["dev", ".ci/run"])
def test_a_script_is_posix_shell(script: str) -> None:
    path = ROOT / script
    assert path.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert path.stat().st_mode & stat.S_IXUSR
    checked = subprocess.run(["/bin/sh", "-n", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_compose_runs_the_database_then_the_migration_then_the_server() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"db", "migrate", "serve"}
    assert services["db"]["image"].endswith("pgvector:pg18")
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert services["serve"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert all("test" in services[name]["healthcheck"] for name in ("db", "serve"))
    assert all(port.startswith("127.0.0.1:") for port in services["serve"]["ports"])


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    instructions = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (\S+) ", instructions, re.MULTILINE)
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert f"!{source}" in kept
    assert re.search(r"^USER entrepot$", instructions, re.MULTILINE)
