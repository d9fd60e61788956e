"""The scanner says what `re.search` says, of every expression that it takes, in bounded work."""

import re
import warnings
from re import _parser  # type: ignore[attr-defined]

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from entrepot.kit.rules import scanning

ATOMS = [
    "a",
    "b",
    "c",
    ".",
    r"\d",
    r"\w",
    r"\s",
    r"\S",
    "[ab]",
    "[^a]",
    "[a-c]",
    r"[\W\d]",
    "é",
    "İ",
    "ß",
    "K",
    "\n",
]
PLACES = ["^", "$", r"\b", r"\B", r"\A", r"\Z"]
TIMES = ["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?", "??"]
expressions = st.recursive(
    st.sampled_from([*ATOMS, *ATOMS, *PLACES]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        inner.map(lambda part: f"(?:{part}|)"),
        st.tuples(inner, st.sampled_from(TIMES)).map(lambda pair: f"({pair[0]}){pair[1]}"),
        st.tuples(st.sampled_from(["(?=", "(?!", "(?i:", "(?s:", "(?m:", "(?-i:"]), inner).map(
            lambda p: f"{p[0]}{p[1]})"
        ),
        st.tuples(st.sampled_from(["(?<=", "(?<!"]), st.sampled_from(ATOMS)).map(lambda p: f"{p[0]}{p[1]})"),
    ),
    max_leaves=8,
)
texts = st.text(alphabet="aaabbc1. \n\néÉßKkİi_", max_size=12)


def scanned(pattern: str, text: str, flags: int = 0) -> bool:
    """What the scanner says; a pattern that `re` does not take is passed over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled = re.compile(pattern, flags)
        except re.error:
            assume(False)
        part = scanning.prepare(_parser.parse(pattern, flags), compiled.flags)
    assert part is not None
    return scanning.found(part, text)


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(["", "", "(?i)", "(?m)", "(?s)", "(?a)", "(?x)"]), expressions, texts, st.booleans())
@example("", "(?:a|)*b", "aab", False)
@example("", r"a$", "a\n", False)
@example("", r"\B", "", False)
@example("", "[^a]*[^b]{2}(?<=c)", "ccc", True)
def test_it_finds_what_re_finds(start: str, expression: str, text: str, insensitive: bool) -> None:
    flags = re.IGNORECASE if insensitive else 0
    found = scanned(start + expression, text, flags)
    assert found is (re.search(start + expression, text, flags) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("(a+)+$", "a" * 5_000 + "!", False),
        ("(a+)+$", "!" + "a" * 5_000, True),
        ("^(a|aa)+$", "a" * 3_000 + "!", False),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5_000, False),
        ("(?:a?){50}a{50}", "a" * 50, True),
        ("(?:a?){50}a{50}", "a" * 49, False),
        ("^(?=(?:ab)*c)(?:ab)*c$", "ab" * 2_000 + "c", True),
        ("(?:(?=(?:a|b)*c)a)*d", "ab" * 3_000, False),
        (".*.*.*.*.*=.*", "x" * 20_000, False),
    ],
)
def test_what_takes_re_for_ever_takes_it_no_time(pattern: str, text: str, found: bool) -> None:
    # Were it not so, this test would never end.
    assert scanned(pattern, text) is found


def test_what_would_be_too_much_work_is_given_up() -> None:
    with pytest.raises(scanning.TooMuchWorkError):
        scanned("^(?:a(?:b(?:a(?:b)*)*)*)*c", "ab" * 40_000)


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?>a+)b", "a++b", "(a)?(?(1)b|c)", "(?a:é)"])
def test_what_only_trying_can_tell_is_not_taken(pattern: str) -> None:
    assert scanning.prepare(_parser.parse(pattern, 0), re.compile(pattern).flags) is None


def test_groups_within_groups_have_an_end() -> None:
    deep = "(" * (scanning.DEEPEST + 1) + "a" + ")" * (scanning.DEEPEST + 1)
    with pytest.raises(RecursionError):
        scanning.prepare(_parser.parse(deep, 0), 0)
