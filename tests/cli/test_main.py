import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot import __version__
from entrepot.cli import main as main_module
from entrepot.cli.errors import as_entrepot_error, describe, report_error
from entrepot.cli.lazy import LazyCommand
from entrepot.cli.main import Entrepot, main
from entrepot.kit import errors
from entrepot.kit.errors import EntrepotError, InvalidInputError, LimitedError, NotFoundError


def run(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "entrepot", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "ENTREPOT_HOME": str(home), **environment},
        timeout=120,
        check=False,
    )


def test_version_and_help_import_no_command(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from entrepot.cli.main import main\n"
        "code = main(sys.argv[1:])\n"
        "heavy = {'sqlalchemy', 'psycopg', 'pydantic', 'cryptography', 'fastapi', 'structlog', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    for argument, expected in (
        ("--version", f"entrepot {__version__}\n"),
        ("--help", "Shops and their data"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, argument],
            capture_output=True,
            text=True,
            env={**os.environ, "ENTREPOT_HOME": str(tmp_path)},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", Entrepot.lazy, ids=lambda command: command.name)
def test_every_declared_command_is_there_and_has_help(
    command: LazyCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = command.load()
    assert loaded.name == command.name
    assert main([command.name, "--help"]) == 0
    assert "Usage: entrepot " + command.name in capsys.readouterr().out


def test_an_unknown_command_is_a_user_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shosp", "list"]) == 2
    captured = capsys.readouterr()
    assert "Did you mean 'shops'" in captured.err
    assert captured.out == ""


def test_with_json_an_error_is_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shops", "list", "--josn", "--json"]) == 2
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert error["type"].endswith(":invalid-input")
    assert "--josn" in error["detail"]
    assert error["exit_code"] == 2
    assert captured.err == ""


def test_json_after_two_dashes_is_an_argument_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing", "--", "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nothing" in captured.err


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert "Usage: entrepot" in captured.out + captured.err


def kinds() -> list[type[EntrepotError]]:
    found = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, EntrepotError)
    ]
    return [kind for kind in found if kind is not LimitedError]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_each_kind_has_its_exit_code(kind: type[EntrepotError], capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error(kind("It broke.", hint="Mend it.", where={"line": 7})) == kind.exit_code
    assert capsys.readouterr().err == "error: It broke.\nwhere: line 7\nhint:  Mend it.\n"


def test_the_exit_codes_of_the_kinds_are_distinct() -> None:
    codes = {kind.exit_code: kind for kind in kinds() if EntrepotError in kind.__bases__}
    assert len(codes) == sum(EntrepotError in kind.__bases__ for kind in kinds())
    assert not {0, 1, 130} & set(codes)


def test_an_error_that_nobody_expected_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error(ZeroDivisionError("by zero")) == EntrepotError.exit_code
    captured = capsys.readouterr()
    assert "ZeroDivisionError" in captured.err
    assert "defect" in captured.err
    assert report_error(ZeroDivisionError("by zero"), as_json=True) == EntrepotError.exit_code
    assert json.loads(capsys.readouterr().out)["error"]["type"].endswith(":bug")


def test_errors_of_the_system_and_the_database_are_told_without_a_traceback() -> None:
    import psycopg
    import sqlalchemy.exc

    refused = psycopg.OperationalError("connection failed\nconnection refused")
    wrapped = sqlalchemy.exc.OperationalError("SELECT 1", {}, refused)
    for error in (refused, wrapped):
        known = as_entrepot_error(error)
        assert known is not None
        assert (known.exit_code, known.detail) == (7, "The database does not answer: connection refused")
    full = as_entrepot_error(OSError(28, "No space left on device", "/data/x"))
    assert full is not None
    assert full.detail == "/data/x: No space left on device."
    assert as_entrepot_error(psycopg.ProgrammingError("no such column")) is None


def test_a_message_is_colored_on_a_terminal_only() -> None:
    assert "\033[" in describe(NotFoundError("x"), color=True)
    assert "\033[" not in describe(NotFoundError("x", hint="y"))


def test_a_bad_setting_is_a_user_error(tmp_path: Path) -> None:
    done = run("db", "status", home=tmp_path, ENTREPOT_PORT="many")
    assert done.returncode == 2
    assert "ENTREPOT_PORT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "code"),
    [(KeyboardInterrupt(), 130), (InvalidInputError("x"), 2), (OSError(13, "Permission denied"), 7)],
)
def test_what_a_command_raises_becomes_its_exit_code(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_wanted: bool) -> None:
        raise raised

    monkeypatch.setattr(
        main_module, "get_command", lambda _app: type("C", (), {"main": lambda *_a, **_k: broken(True)})()
    )
    assert main(["--version"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m entrepot --help | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env={**os.environ, "ENTREPOT_HOME": str(tmp_path)},
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() in {"0", "1", "141"}
