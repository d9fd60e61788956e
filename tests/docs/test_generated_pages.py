"""What the pages made at build time have to hold."""

import sys
from collections.abc import Iterator
from importlib import import_module

import pytest
from tests.docs.markdown import ROOT

from entrepot.cli.main import Entrepot
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.tables import Base
from entrepot.kit.settings import Settings


@pytest.fixture(autouse=True)
def _generators(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "generators"]:
        del sys.modules[name]


def render(name: str) -> str:
    text = import_module(f"generators.{name}").render()
    assert isinstance(text, str)
    assert text.startswith("# ")
    return text


def test_every_command_is_in_the_reference() -> None:
    page = render("command_line")
    for declared in Entrepot.lazy:
        loaded = declared.load()
        for verb in getattr(loaded, "commands", {}):
            assert f"### entrepot {declared.name} {verb}" in page
    assert "| `--snapshot` |" in page
    assert "[bold]" not in page


def test_every_setting_is_in_the_reference() -> None:
    page = render("settings")
    for name, field in Settings.model_fields.items():
        assert f"| `ENTREPOT_{name.upper()}` | {field.description}" in page
    assert str(ROOT) not in page


def test_every_operation_is_in_the_reference() -> None:
    from entrepot.api.app import create_app

    page = render("api")
    for path, methods in create_app().openapi()["paths"].items():
        for method in methods:
            assert f"### {method.upper()} {path}\n" in page


def test_every_table_and_column_is_in_the_dictionary() -> None:
    load_declarations()
    page = render("data_dictionary")
    for table in Base.metadata.tables.values():
        section = page.partition(f"\n## {table.fullname}\n")[2].partition("\n## ")[0]
        assert section, f"{table.fullname} is missing"
        for column in table.columns:
            assert f"\n| `{column.name}`" in section, f"{table.fullname}.{column.name} is missing"


@pytest.mark.parametrize("name", ["errors", "import_fields", "upkeep"])
def test_a_page_has_rows(name: str) -> None:
    assert render(name).count("\n| `") > 5
