"""Questions and answers in a pipe: one answer a line, whatever the line holds."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrepot.kit.rules import lines
from entrepot.kit.rules.lines import Evaluator, answer_lines


def answer(line: bytes | str | dict[str, Any]) -> dict[str, Any]:
    """The answer to one line."""
    text = json.dumps(line) if isinstance(line, dict) else line
    found = Evaluator().answer(text if isinstance(text, bytes) else text.encode())
    assert found.endswith(b"\n")
    assert found.count(b"\n") == 1
    parsed = json.loads(found)
    assert isinstance(parsed, dict)
    return parsed


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"condition": {"region": "US"}, "context": {"region": "US"}}, {"match": True}),
        ({"condition": {"region": "US"}, "context": {"region": "CA"}}, {"match": False}),
        ({"condition": {"u": {"$inGroup": "g"}}, "context": {"u": 1}, "groups": {"g": [1]}}, {"match": True}),
        ({"condition": {"u": {"$inGroup": "g"}}, "context": {"u": 1}, "groups": None}, {"match": False}),
        ({"condition": {}, "context": {}, "id": 7, "name": "first"}, {"match": True}),
        (
            '{"condition": {"n": 100000000000000000000001}, "context": {"n": 100000000000000000000000}}',
            {"match": False},
        ),
        ('{"condition": {"n": 1}, "context": {"n": 1.0}}\r', {"match": True}),
        (b'\xef\xbb\xbf{"condition": {}, "context": {}}', {"match": True}),
        ('{"condition": {"t": "\\ud800"}, "context": {"t": "\\ud800"}}', {"match": True}),
    ],
)
def test_an_answer(line: Any, expected: dict[str, Any]) -> None:
    assert answer(line) == expected


@pytest.mark.parametrize(
    ("line", "path", "said"),
    [
        ("", None, "it is empty"),
        ("  \t", None, "it is empty"),
        ("nonsense", None, "not JSON"),
        ('{"condition": {}', None, "not JSON"),
        ('{"condition": {}, "context": {}} x', None, "Extra data"),
        ('{"condition": {"a": NaN}, "context": {}}', None, "NaN is no JSON value"),
        (b'{"condition": {"a": "\xff"}, "context": {}}', None, "can't decode byte"),
        ("[" * 100_000, None, "nested too deeply"),
        ('{"condition": {"a": ' + "9" * 5_000 + '}, "context": {}}', None, "4300 digits"),
        ("[]", None, "no JSON object"),
        ({"context": {}}, "condition", "The line has no condition"),
        ({"condition": {}}, "context", "The line has no context"),
        ({"conditon": {}, "context": {}}, "conditon", "Did you mean condition?"),
        ({"condition": {}, "context": {}, "group": {}}, "group", "Did you mean groups?"),
        ({"condition": {}, "context": []}, "context", "A context is an object"),
        ({"condition": {}, "context": None}, "context", "not null"),
        ({"condition": [], "context": {}}, "condition", "a condition is an object"),
        ({"condition": {}, "context": {}, "groups": []}, "groups", "groups is an object"),
        (
            {"condition": {"a": {"$inGroup": "g"}}, "context": {}, "groups": {"g": "x"}},
            "groups.g",
            "no list of values",
        ),
        ({"condition": {"a": {"$gtt": 1}}, "context": {}}, "condition.a.$gtt", "Did you mean $gt?"),
        (
            {"condition": {"a": {"$regex": "("}}, "context": {}},
            "condition.a.$regex",
            "not a regular expression",
        ),
        (
            {"condition": {"a": {"$regex": "x"}}, "context": {"a": "y" * 100_001}},
            "condition.a.$regex",
            "100,001",
        ),
    ],
)
def test_what_cannot_be_answered_is_an_error_and_no_abort(line: Any, path: str | None, said: str) -> None:
    found = answer(line)
    assert said in found["error"]
    assert found.get("path") == path
    assert set(found) <= {"error", "path"}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"\x00")
@example(b"null")
def test_no_line_is_without_an_answer(line: bytes) -> None:
    assert set(answer(line.replace(b"\n", b" "))) <= {"error", "path"}


def test_conditions_that_are_asked_again_are_told_apart_by_their_types() -> None:
    evaluator = Evaluator()
    for operand, held, expected in (
        (1, 1, True),
        (True, 1, False),
        ("1", 1, False),
        (1.0, 1, True),
        (1, True, False),
    ):
        line = json.dumps({"condition": {"a": operand}, "context": {"a": held}}).encode()
        for _ in range(2):
            assert json.loads(evaluator.answer(line)) == {"match": expected}


def test_a_condition_that_is_wrong_is_wrong_each_time() -> None:
    evaluator = Evaluator()
    line = b'{"condition": {"a": {"$x": 1}}, "context": {}}'
    assert evaluator.answer(line) == evaluator.answer(line)
    assert b"error" in evaluator.answer(line)


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "REMEMBERED", 3)
    evaluator = Evaluator()
    for number in range(10):
        line = json.dumps({"condition": {"a": number}, "context": {"a": number}}).encode()
        assert evaluator.answer(line) == b'{"match": true}\n'
        assert len(evaluator._known) <= 3


class Arriving(io.RawIOBase):
    """A stream whose bytes come in pieces, as from a slow program; notes what had been answered before each."""

    def __init__(self, pieces: list[bytes], answered: io.BytesIO) -> None:
        self.pieces = pieces
        self.answered = answered
        self.seen: list[int] = []

    def read1(self, _size: int = -1) -> bytes:
        """The next piece."""
        self.seen.append(self.answered.getvalue().count(b"\n"))
        return self.pieces.pop(0) if self.pieces else b""


def piped(*pieces: bytes) -> tuple[bytes, list[int]]:
    answered = io.BytesIO()
    asked = Arriving(list(pieces), answered)
    answer_lines(asked, answered, lambda line: b"<" + line + b">\n")  # type: ignore[arg-type]
    return answered.getvalue(), asked.seen


def test_what_has_come_is_answered_before_more_is_read() -> None:
    assert piped(b"a\n", b"b", b"c\nd\n", b"\n", b"e") == (b"<a>\n<bc>\n<d>\n<>\n<e>\n", [0, 1, 1, 3, 4, 4])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=8).map(lambda found: found.replace(b"\xff", b"\n"))))
@example([b"\n\n", b"a", b"\n"])
def test_there_are_as_many_answers_as_lines(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    expected = whole.removesuffix(b"\n").split(b"\n") if whole else []
    assert piped(*pieces)[0] == b"".join(b"<" + line + b">\n" for line in expected)


def test_a_line_without_end_is_answered_once_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 10)
    answered, _ = piped(b"a\n", b"x" * 11, b"x" * 50, b"xx\nb\n", b"c\n")
    assert answered == b"<a>\n<" + b"x" * 11 + b">\n<b>\n<c>\n"
    assert b"longer than 10 bytes" in Evaluator().answer(b"x" * 11)


def test_an_answer_comes_while_the_pipe_is_open() -> None:
    program = "from entrepot.kit.rules.commands import eval_lines; eval_lines()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for expected in (b'{"match": true}\n', b'{"match": true}\n'):
            process.stdin.write(b'{"condition": {}, "context": {}}\n')
            process.stdin.flush()
            # Were the answer kept back, this would wait for ever.
            assert process.stdout.readline() == expected
        process.stdin.close()
        assert process.wait() == 0
