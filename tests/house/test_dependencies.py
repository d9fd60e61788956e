"""Lock files hold names, versions and hashes only, and everything that is imported is declared."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from tests.house.source import ROOT, modules

LOCKS = ("run", "dev", "bench")
REQUIREMENT = re.compile(r"^[a-z0-9][a-z0-9._-]*(\[[a-z0-9,._-]+\])?==[A-Za-z0-9.!+_-]+( ; [^\\:/]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def lock(name: str) -> dict[str, list[str]]:
    """Name and version → hashes; on which systems it is wanted is left out."""
    found: dict[str, list[str]] = {}
    hashes: list[str] = []
    for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            hashes.append(line.strip().rstrip("\\").strip())
        else:
            hashes = found.setdefault(line.rstrip("\\").partition(" ;")[0].strip(), [])
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_holds_names_versions_and_hashes_only(name: str) -> None:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    strange = [line for line in lines if not REQUIREMENT.match(line) and not HASH.match(line)]
    assert not strange, strange[:5]
    assert all(lock(name).values()), "a requirement without a hash"


@pytest.mark.parametrize(("smaller", "larger"), [("run", "dev"), ("dev", "bench")])
def test_a_larger_lock_file_holds_the_smaller_one(smaller: str, larger: str) -> None:
    # ./dev takes an environment that was made from the larger one for one made from the smaller.
    missing = {name: hashes for name, hashes in lock(smaller).items() if lock(larger).get(name) != hashes}
    assert not missing, f"run ./dev lock: {sorted(missing)}"


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        normalized(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in project["dependencies"]
    }
    # An extra's package is declared with it, and starlette is what FastAPI's own types are.
    declared |= {"psycopg-binary", "psycopg-pool", "starlette"}
    owners = packages_distributions()
    undeclared = {
        f"{one.name}: {name}"
        for one in modules()
        for name in imported(one.tree)
        if name not in sys.stdlib_module_names
        and name != "entrepot"
        and not declared & {normalized(owner) for owner in owners.get(name, [name])}
    }
    assert not undeclared, sorted(undeclared)


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages that a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def normalized(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    "line",
    [
        "alembic @ https://example.com/alembic.whl \\",
        "alembic==1.0",
        "-e .",
        "--index-url https://example.com",
        "# from somewhere",
    ],
)
def test_a_strange_line_is_noticed(line: str) -> None:
    assert not REQUIREMENT.match(line)
    assert not HASH.match(line)
