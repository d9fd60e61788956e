"""YAML is read strictly and written so that every reader agrees on it."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.rulebook.yaml_reading import read_yaml
from entrepot.marketplace.rulebook.yaml_writing import write_yaml

#: Texts that one reader or another takes for something else.
TRAPS = [
    "no", "NO", "on", "Off", "y", "null", "~", "", "true", "1e3", "0o17", "0x1f", "0b1", "1_000", "12:30", "2026-01-01",
    "2026-01-01T00:00:00Z", ".5", ".inf", "=", "<<", "- a", "a: b", "a:", "a #b", "#", "|", ">", "'", '"', "`", "%a", "@a",
    "!x", "&a", "*a", "? a", "[a", "{b", "a\nb", "a\nb\n", "a\n\n  b", "\n", " a", "a ", "a \nb", "a\tb", "a\n\tb", "x,y",
    "é", "\u0085", "\u2028", "\ufeff", "\x00", "\x07", "\x7f", "😀", "---", "...", "a" * 300,
]  # fmt: skip
TEXTS = st.text(max_size=20) | st.sampled_from(TRAPS)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is no 1, 1.0 is no 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_what_is_written_is_read_again_by_this_reader_and_by_older_ones(value: Any) -> None:
    text = write_yaml(value)
    assert same(read_yaml(text).value, value), text
    assert same(yaml.safe_load(text), value), text


@pytest.mark.parametrize("text", TRAPS)
def test_a_text_stays_a_text(text: str) -> None:
    value = {"a": text, "b": [text, text], text or "c": [{"d": text}]}
    assert same(read_yaml(write_yaml(value)).value, value)


def test_the_same_value_is_the_same_text_in_readable_blocks() -> None:
    value = {
        "entrepot": 1,
        "policies": [
            {
                "key": "RETURN",
                "description": "First line\nsecond line\n",
                "rules": [
                    {
                        "key": "europe",
                        "scopes": {"REGION": ["EU", "NO"]},
                        "condition": {"days": {"$lte": 30}, "tier": {"$in": []}},
                        "start": "2026-01-01T00:00:00Z",
                    }
                ],
                "groups": {},
                "ranges": [[0, 0.5], [0.5, 1]],
            }
        ],
    }
    assert write_yaml(value) == (
        "entrepot: 1\n"
        "policies:\n"
        "  - key: RETURN\n"
        "    description: |\n"
        "      First line\n"
        "      second line\n"
        "    rules:\n"
        "      - key: europe\n"
        "        scopes:\n"
        '          REGION: [EU, "NO"]\n'
        "        condition:\n"
        "          days:\n"
        "            $lte: 30\n"
        "          tier:\n"
        "            $in: []\n"
        '        start: "2026-01-01T00:00:00Z"\n'
        "    groups: {}\n"
        "    ranges:\n"
        "      - [0, 0.5]\n"
        "      - [0.5, 1]\n"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[NO, no, on, off, y, yes]", ["NO", "no", "on", "off", "y", "yes"]),
        ("[true, True, FALSE]", [True, True, False]),
        ("[~, null, Null, '']", [None, None, None, ""]),
        ("[1, -2, +3, 0o17, 0x1F, 1e3, .5, 1.]", [1, -2, 3, 15, 31, 1000.0, 0.5, 1.0]),
        ("[12:30, 1_000, 2026-01-01, 1.2.3]", ["12:30", "1_000", "2026-01-01", "1.2.3"]),
        ("{on: 1, 2: b, null: c}", {"on": 1, "2": "b", "null": "c"}),
        ("a: &x [1, 2]\nb: *x\nc: *x", {"a": [1, 2], "b": [1, 2], "c": [1, 2]}),
        ('{"json": [true, null, 1.5, "\\u00e9"]}', {"json": [True, None, 1.5, "é"]}),
        ("a:", {"a": None}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    assert same(read_yaml(text).value, value)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice, first in line 1"),
        ("x:\n  - {b: 1, b: 2}\n", 2, "'b' stands twice, first in line 2"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "The tag tag:yaml.org,2002:python/object"),
        ("a:\n  b: !secret x\n", 2, "The tag !secret says nothing"),
        ("a: !!str 1\n", 1, "The tag"),
        ("zip: 00501\n", 1, "00501 begins with a zero"),
        ("a:\n - .inf\n", 2, ".inf is no number"),
        ("a: .nan\n", 1, ".nan is no number"),
        ("a: 1e999\n", 1, "1e999 is no number"),
        ("a: " + "9" * 40, 1, "more digits"),
        ("a: 1\n---\nb: 2\n", 2, "A second document begins"),
        ("", 1, "There is nothing in it"),
        ("# only a comment\n", 1, "There is nothing in it"),
        ("a: 1\n\tb: 2\n", 2, "cannot be read as YAML"),
        ("a: [1, 2\nb: 3\n", 2, "cannot be read as YAML"),
        ("a: 'open\n", 2, "cannot be read as YAML"),
        ("a: \x00\n", 1, "cannot be read as YAML"),
        ("a: *b\n", 1, "*b repeats what is not there"),
        ("a: &a\n  b: *a\n", 2, "*a repeats what is not there, or what it is a part of"),
        ("? [1, 2]\n: x\n", 1, "A key is a text"),
        ("?\n: x\n", 1, "A key is missing"),
        ("a: " + "[" * 100 + "]" * 100, 1, "nested more than"),
    ],
)
def test_what_could_be_understood_in_two_ways_is_refused_with_its_line(
    text: str, line: int, message: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_yaml(text)
    assert refused.value.where["line"] == line
    assert message in refused.value.detail


def test_aliases_cannot_stand_for_more_than_fits() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    with pytest.raises(InvalidInputError, match="aliases stand for more than"):
        read_yaml(bomb)


def test_every_part_has_its_line() -> None:
    found = read_yaml(
        "entrepot: 1\nprices:\n  # a comment\n  - key: A\n    actions:\n      - value: 10\n        kind: x\n"
    )
    assert found.line_of("prices") == 2
    assert found.line_of("prices[0]") == 4
    assert found.line_of("prices[0].actions[0].kind") == 7
    assert found.line_of("prices[0].actions[0].missing.deeper[3]") == 6  # what holds it
    assert found.line_of("nowhere") == 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    try:
        read_yaml(text)
    except InvalidInputError as error:
        refused: dict[str, Any] | None = dict(error.where)
    else:
        refused = None
    ends = sum(text.count(end) for end in "\n\r\x85\u2028\u2029")
    assert refused is None or 1 <= refused["line"] <= ends + 2
