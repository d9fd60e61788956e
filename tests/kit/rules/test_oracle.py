"""The language is GrowthBook's: on generated conditions and contexts, its own package says the same."""

from typing import Any

import pytest
from growthbook.core import evalCondition, getPath, paddedVersionString
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.kit.rules.conditions import NAMES, SCALARS, conditions, contexts, groups, scalars, values

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Condition, compile_condition
from entrepot.kit.rules.values import reach
from entrepot.kit.rules.versions import sortable


def compiled(condition: dict[str, Any]) -> Condition:
    """The condition; what is refused on purpose (an operator in an object that is compared) is another test's."""
    try:
        return compile_condition(condition)
    except InvalidInputError:
        assume(False)
        raise


@settings(max_examples=500, deadline=None)
@given(conditions, contexts, groups)
@example({"a": {"$in": [1]}}, {"a": [True]}, None)
@example({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, None)
@example({"a": {"1": 1, "0": 2}}, {"a": {"0": 2, "1": 1}}, None)
@example({"$not": {"$or": []}}, {}, None)
def test_a_condition_holds_where_growthbook_says_so(
    condition: dict[str, Any], context: dict[str, Any], given_groups: dict[str, Any] | None
) -> None:
    asked = compiled(condition)
    expected = evalCondition(context, condition, given_groups)
    assert asked.matches(context, given_groups) is expected
    assert asked.explain(context, given_groups).matched is expected


HELD: list[Any] = [*SCALARS, [], [1], [True, "A"], [None, {}], {}, {"a": 1}]
SINGLE = [
    "$eq",
    "$ne",
    "$not",
    "$lt",
    "$lte",
    "$gt",
    "$gte",
    "$veq",
    "$vne",
    "$vlt",
    "$vlte",
    "$vgt",
    "$vgte",
]
LISTED = ["$in", "$nin", "$ini", "$nini", "$all", "$alli"]


@pytest.mark.parametrize("operator", [*SINGLE, *LISTED, "$inGroup", "$notInGroup", "$exists"])
def test_every_pair_of_values_compares_as_in_growthbook(operator: str) -> None:
    ordered = operator.startswith(("$l", "$g", "$v"))
    for operand in SCALARS if ordered else HELD:
        asked = {operator: "g" if "Group" in operator else [operand] if operator in LISTED else operand}
        groups = {"g": [operand]}
        for held in HELD:
            expected = evalCondition({"x": held}, {"x": asked}, groups)
            assert compile_condition({"x": asked}).matches({"x": held}, groups) is expected, (asked, held)
            some = {"x": {"$elemMatch": asked}}
            expected = evalCondition({"x": [held]}, some, groups)
            assert compile_condition(some).matches({"x": [held]}, groups) is expected, (some, held)


@settings(max_examples=300, deadline=None)
@given(values, st.lists(st.sampled_from([*NAMES, "1", "01", "-1", "9" * 20]), min_size=1, max_size=3))
def test_a_path_reaches_what_growthbook_reaches(value: Any, segments: list[str]) -> None:
    assert reach(value, tuple(segments)) == getPath(value, ".".join(segments))


@settings(max_examples=500, deadline=None)
@given(
    st.text(alphabet="v0129.-+ab\n²", max_size=12)
    | st.integers()
    | st.floats(allow_nan=False)
    | st.just("v" * 200 + "+++\n+x")
)
@example("+" * 50 + "\nx")
@example(10**400)
@example(-(10**400))
@example(1.5e-7)
def test_a_version_sorts_where_growthbook_sorts_it(version: Any) -> None:
    assert sortable(version) == paddedVersionString(version)


@settings(max_examples=100, deadline=None)
@given(scalars, st.floats())
def test_numbers_that_json_does_not_have_compare_as_in_growthbook(operand: Any, held: float) -> None:
    for operator in ("$eq", "$ne", "$lt", "$gte"):
        condition = {"x": {operator: operand}}
        assert compile_condition(condition).matches({"x": held}) is evalCondition({"x": held}, condition)
    assert compile_condition({"x": [None]}).matches({"x": [held]}) is evalCondition(
        {"x": [held]}, {"x": [None]}
    )
