"""`entrepot rules` on the command line."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from entrepot.cli.lazy import LazyCommand
from entrepot.cli.main import Entrepot, main


class Outcome(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def rules(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `entrepot rules …` in this process."""
    if not any(command.name == "rules" for command in Entrepot.lazy):
        command = LazyCommand("rules", "entrepot.kit.rules.commands:app", "Rules.", "Running")
        monkeypatch.setattr(Entrepot, "lazy", (*Entrepot.lazy, command))

    def run(*arguments: str, given: str = "") -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8"))
        code = main(["rules", *arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)

    return run


CONDITION = {"region": "US", "cart.total": {"$gte": 100}}


def written(folder: Path, name: str, value: Any) -> str:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return str(path)


def test_a_condition_is_checked_and_said_in_words(rules: Run, tmp_path: Path) -> None:
    file = written(tmp_path, "condition.json", CONDITION)
    words = "region is US and cart total is at least 100"
    assert rules("check", file) == (0, words + "\n", "")
    assert rules("check", "-", given=json.dumps(CONDITION)) == (0, words + "\n", "")
    assert json.loads(rules("check", file, "--json").out) == {"valid": True, "words": words}


def test_a_condition_that_is_wrong_ends_with_2_and_its_path(rules: Run, tmp_path: Path) -> None:
    file = written(tmp_path, "condition.json", {"region": {"$inn": ["US"]}})
    said = rules("check", file)
    assert said.code == 2
    assert said.out == ""
    assert "path condition.region.$inn" in said.err
    assert "Did you mean $in?" in said.err
    found = json.loads(rules("check", file, "--json").out)["error"]
    assert (found["exit_code"], found["where"]) == (2, {"path": "condition.region.$inn"})


def test_a_schema_is_asked_for_the_attributes(rules: Run, tmp_path: Path) -> None:
    schema = written(tmp_path, "schema.json", {"device_type": "string"})
    said = rules("check", "-", "--schema", schema, given='{"device": "phone"}')
    assert said.code == 2
    assert "Did you mean device_type?" in said.err
    assert rules("check", "-", "--schema", schema, given='{"device_type": "phone"}').code == 0
    wrong = written(tmp_path, "wrong.json", {"device_type": "strnig"})
    assert "path schema.device_type" in rules("check", "-", "--schema", wrong, given="{}").err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":\n  }', "line 2, column 3"),
        ("", "is not JSON"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_json_is_refused_with_its_line(
    rules: Run, tmp_path: Path, text: str, said: str
) -> None:
    done = rules("check", written(tmp_path, "x.json", text))
    assert done.code == 2
    assert said in done.err


def test_a_file_that_cannot_be_read_is_refused(rules: Run, tmp_path: Path) -> None:
    assert "cannot be read: no such file" in rules("check", str(tmp_path / "none.json")).err
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xe9"}')
    done = rules("check", str(tmp_path / "latin.json"))
    assert done.code == 2
    assert "is no UTF-8 text" in done.err


def test_an_explanation_says_why_not(rules: Run, tmp_path: Path) -> None:
    context = written(tmp_path, "context.json", {"region": "US", "cart": {"total": 80}})
    done = rules("explain", "--condition", json.dumps(CONDITION), "--context", f"@{context}")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "It does not match.",
        "✗ all of these",
        "  ✓ region is US – it is US",
        "  ✗ cart total is at least 100 – it is 80",
    ]
    found = json.loads(rules("explain", "--condition", "{}", "--context", "{}", "--json").out)
    assert found == {
        "match": True,
        "words": "anything",
        "explanation": {"matched": True, "words": "anything", "path": "condition"},
    }


def test_an_explanation_knows_groups_and_a_schema(rules: Run, tmp_path: Path) -> None:
    asked = ["--condition", '{"user": {"$inGroup": "vip"}}', "--context", '{"user": "u1"}']
    assert rules("explain", *asked, "--groups", '{"vip": ["u1"]}').out.startswith("It matches.")
    assert rules("explain", *asked).out.startswith("It does not match.")
    assert rules("explain", *asked, "--groups", "[]").code == 2
    schema = written(tmp_path, "schema.json", {"user": "number"})
    done = rules("explain", *asked, "--schema", schema)
    assert done.code == 2
    assert "path context.user" in done.err


def test_an_explanation_takes_whatever_json_can_hold(rules: Run) -> None:
    for held in ("1" * 400, '"\\ud800"', '"[bold]x[/bold]"'):
        asked = ["--condition", f'{{"a": {held}}}', "--context", f'{{"a": {held}}}']
        assert rules("explain", *asked).out.startswith("It matches.")
        assert json.loads(rules("explain", *asked, "--json").out)["explanation"]["held"] == json.loads(held)


@pytest.mark.parametrize("context", ["5", "null", "[]", "{", "@nowhere.json"])
def test_a_context_that_cannot_be_used_is_refused(rules: Run, context: str) -> None:
    done = rules("explain", "--condition", "{}", "--context", context)
    assert done.code == 2
    assert "where:" in done.err


def test_a_pipe_is_answered_line_by_line_and_ends_well(rules: Run) -> None:
    given = '{"condition": {"a": 1}, "context": {"a": 1}}\n\nnonsense\n{"condition": {"a": {"$x": 1}}, "context": {}}\n'
    done = rules("eval", given=given)
    assert done.code == 0
    first, second, third, fourth = map(json.loads, done.out.splitlines())
    assert first == {"match": True}
    assert "empty" in second["error"]
    assert "not JSON" in third["error"]
    assert fourth["path"] == "condition.a.$x"
    assert rules("eval", given="") == (0, "", "")
