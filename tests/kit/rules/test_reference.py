"""The page that describes the language: each example in it is asked, here and of GrowthBook's package."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from growthbook.core import evalCondition
from tests.docs.markdown import blocks

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Schema, compile_condition
from entrepot.kit.rules.declaring import TYPES as ATTRIBUTE_TYPES
from entrepot.kit.rules.patterns import LONGEST_PATTERN, LONGEST_TEXT
from entrepot.kit.rules.reading import DEEPEST
from entrepot.kit.rules.scanning import DEEPEST as DEEPEST_GROUP
from entrepot.kit.rules.syntax import GROUPS, OPERATORS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "rules-language.md"
TEXT = PAGE.read_text(encoding="utf-8")
#: As the page says of its examples.
GIVEN_GROUPS = {"vip": ["u1", "u2"]}


class Example(NamedTuple):
    """A row of a table: a condition, a context, and whether the one holds of the other."""

    condition: Any
    context: Any
    holds: bool


def examples() -> list[Example]:
    rows = re.findall(r"^\| `(.+)` \| `(.+)` \| (yes|no) \|$", TEXT, re.MULTILINE)
    return [Example(json.loads(one), json.loads(other), answer == "yes") for one, other, answer in rows]


def refusals() -> list[tuple[Any, str]]:
    rows = re.findall(r"^\| `(.+)` \| `(condition[^`]*)` \| ", TEXT, re.MULTILINE)
    return [(json.loads(condition), path) for condition, path in rows]


def keys(value: Any) -> set[str]:
    """Every key in a JSON value, at whatever depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("example", examples(), ids=lambda example: json.dumps(example[:2]))
def test_an_example_holds_as_the_page_says_and_as_growthbook_does(example: Example) -> None:
    assert compile_condition(example.condition).matches(example.context, GIVEN_GROUPS) is example.holds
    assert evalCondition(example.context, example.condition, GIVEN_GROUPS) is example.holds


@pytest.mark.parametrize(("condition", "path"), refusals(), ids=lambda value: json.dumps(value))
def test_a_condition_is_refused_where_the_page_says(condition: Any, path: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        compile_condition(condition)
    assert raised.value.where == {"path": path}


def test_every_row_of_the_tables_is_an_example() -> None:
    assert len(examples()) == len(re.findall(r"\| (yes|no) \|$", TEXT, re.MULTILINE)) > 60
    assert len(refusals()) == 8


@pytest.mark.parametrize("operator", [*GROUPS, *OPERATORS])
def test_every_operator_has_an_example_that_holds(operator: str) -> None:
    shown = [example.holds for example in examples() if operator in keys(example.condition)]
    assert shown, f"{operator} has no example"
    assert True in shown


def test_the_limits_are_those_of_the_program() -> None:
    for number, phrase in (
        (LONGEST_PATTERN, "at most {} characters"),
        (LONGEST_TEXT, "more than {} characters"),
        (DEEPEST, "{} levels deep"),
        (DEEPEST_GROUP, "at most {} deep"),
    ):
        assert phrase.format(f"{number:,}") in " ".join(TEXT.split())


def test_the_schema_is_one_and_every_type_is_explained() -> None:
    schemas = [block.text for block in blocks(PAGE) if block.language == "json" and '"type"' in block.text]
    assert [Schema(json.loads(text)).as_dict() for text in schemas] == [json.loads(text) for text in schemas]
    assert schemas
    explained = TEXT.partition("The types:")[2].partition("With a schema")[0]
    assert [kind for kind in ATTRIBUTE_TYPES if f"`{kind}`" not in explained] == []


def test_the_python_of_the_page_runs() -> None:
    programs = [block.text for block in blocks(PAGE) if block.language == "python"]
    assert programs
    for program in programs:
        exec(compile(program, str(PAGE), "exec"), {})
