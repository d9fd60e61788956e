"""The command line on the test's own database."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from entrepot.cli.main import main
from entrepot.kit.settings import Settings, get_settings


@dataclass(frozen=True)
class Outcome:
    """What a command line printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found


class CommandLine:
    """Runs command lines in this process, which is what `entrepot` does in one of its own."""

    def __init__(self, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capture = capture
        self._patch = patch

    def __call__(self, *arguments: str, given: str = "") -> Outcome:
        self._capture.readouterr()
        self._patch.setattr(sys, "stdin", io.StringIO(given))
        self._patch.setattr(sys, "argv", ["entrepot", *arguments])
        code = main(arguments)
        captured = self._capture.readouterr()
        assert "Traceback" not in captured.err, captured.err
        return Outcome(code, captured.out, captured.err)


@pytest.fixture
def entrepot(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    """The command line, set to the test's database; logging is put back afterwards."""
    monkeypatch.setenv("ENTREPOT_HOME", str(settings.home))
    monkeypatch.setenv("ENTREPOT_DATABASE_NAME", settings.database_name)
    for name in (
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "DATABASE_APP_URL",
        "DATABASE_SYSTEM_URL",
        "SECRET_KEY",
    ):
        monkeypatch.delenv(f"ENTREPOT_{name}", raising=False)
    get_settings.cache_clear()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield CommandLine(capfd, monkeypatch)
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    get_settings.cache_clear()
