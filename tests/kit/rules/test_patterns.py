"""Regular expressions of conditions: what they find, what is refused at saving, and what is bounded when asked."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import PatternError, compile_condition
from entrepot.kit.rules.patterns import LONGEST_PATTERN, LONGEST_TEXT, searcher

#: What a person writes in a rule, and what an attacker does.
PATTERNS = [
    *("@gmail.com$", "^SKU-[0-9]{4,8}$", r"^(\w+\.)+com$", "Chrome.*Safari", "(?i)^(red|blue) lamp"),
    *("(a+)+$", "(a|a)*b", "(.*a){12}", r"^(\w+\s?)*$", "a*a*a*a*a*b", "(x+x+)+y", "([a-z]+)*@", r"\s+$"),
    *(r"^(?=.*a)(?=.*b).{8,}$", r"(?<!a)b+(?:c|d)*$", "a?a?a?a?a?a?aaaaaa", "(?:(?:a{0,30}){0,30}){0,30}b"),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATTERNS), st.text(alphabet="ab@xy. com\n", max_size=14))
def test_an_expression_finds_what_re_finds(pattern: str, text: str) -> None:
    assert searcher(pattern, False, "x")(text) is (re.search(pattern, text) is not None)
    assert searcher(pattern, True, "x")(text) is (re.search(pattern, text, re.IGNORECASE) is not None)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("text", ["a" * 30_000 + "!", "ab" * 20_000, " " * 40_000 + "x", "x@" * 10_000])
def test_no_text_makes_an_expression_run_away(pattern: str, text: str) -> None:
    # Were it not so, this test would never end. An answer or a clear error, nothing else.
    try:
        assert searcher(pattern, False, "x")(text) in (True, False)
    except PatternError as error:
        assert error.where == {"path": "x"}  # noqa: PT017


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("needle", "hay" * 20_000 + "needle"),
        ("^a.*z$", "a" + "b" * 50_000 + "z"),
        ("(?i)(ab)+C", "AB" * 9_000 + "c"),
    ],
)
def test_a_long_text_is_searched_to_its_end(pattern: str, text: str) -> None:
    assert searcher(pattern, False, "x")(text) is True
    assert searcher(pattern, False, "x")(text[:-1]) is False


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[a", "unterminated character set"),
        ("*", "nothing to repeat"),
        ("(?<=a+)b", "look-behind requires fixed-width"),
        ("a{99999999999}", "too large"),
        ("(" * 60 + ")" * 60, "nested too deeply"),
        ("(" * 5_000, "5,000 characters"),
        ("a" * (LONGEST_PATTERN + 1), "1,001 characters"),
        (r"((a+)+)\1", "could run away"),
        ("(?:a++)*b", "could run away"),
        ("(?>a|ab)+c", "could run away"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_at_saving(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=re.escape(reason)) as raised:
        compile_condition({"t": {"$not": {"$regex": pattern}}}, path="rules[1].condition")
    assert raised.value.where == {"path": "rules[1].condition.t.$not.$regex"}
    assert isinstance(raised.value, InvalidInputError)


@pytest.mark.parametrize("operator", ["$regex", "$notRegex", "$regexi", "$notRegexi"])
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a", "b" * (LONGEST_TEXT + 1)),
        (r"(\w+) \1", "b" * 5_000),
        ("^(?:a(?:b(?:a(?:b)*)*)*)*c", "ab" * 40_000),
    ],
)
def test_a_text_that_is_too_much_is_an_error_and_no_answer(operator: str, pattern: str, text: str) -> None:
    condition = compile_condition({"t": {operator: pattern}})
    with pytest.raises(PatternError) as raised:
        condition.matches({"t": text})
    assert raised.value.where == {"path": f"condition.t.{operator}"}


def test_references_are_found_in_short_texts() -> None:
    condition = compile_condition({"t": {"$regex": r"^(\w+) \1$"}})
    assert condition.matches({"t": "bora bora"})
    assert not condition.matches({"t": "bora boru"})


@pytest.mark.parametrize("held", [None, 5, True, ["a"], {"a": 1}])
def test_what_is_no_text_matches_no_expression(held: Any) -> None:
    assert not compile_condition({"t": {"$regex": ""}}).matches({"t": held})
    assert compile_condition({"t": {"$notRegex": ""}}).matches({"t": held})


def test_expressions_that_are_known_keep_their_own_paths() -> None:
    for path in ("one", "two"):
        condition = compile_condition({"t": {"$regex": "a"}}, path=path)
        with pytest.raises(PatternError) as raised:
            condition.matches({"t": "b" * (LONGEST_TEXT + 1)})
        assert raised.value.where == {"path": f"{path}.t.$regex"}
