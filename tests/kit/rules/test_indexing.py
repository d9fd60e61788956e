"""The index finds all that match and nothing else, in the order given, and looks at few others."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.kit.rules.conditions import NAMES, conditions, contexts, groups, scalars, values

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Condition, RuleIndex, compile_condition

#: Mostly equalities, of few attributes and few values, so that drawers fill and have drawers of their own.
_value: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 0, 1, 1.0, "a", "A", "b", "1", [1], {}])
_test = st.one_of(
    _value,
    _value.map(lambda value: {"$eq": value}),
    st.lists(_value, max_size=3).map(lambda found: {"$in": found}),
    st.lists(_value, max_size=2).map(lambda found: {"$all": found}),
    st.sampled_from([{"$gt": 0}, {"$ne": "a"}, {"$exists": True}, {}, {"$in": ["a", "b"], "$ne": "b"}]),
)
_paths = st.sampled_from(["a", "b", "c", "a.b", "b.0", "b.length"])
_flat = st.dictionaries(_paths, _test, max_size=3)
_rules = st.recursive(
    _flat,
    lambda inner: st.tuples(st.sampled_from(["$and", "$or"]), st.lists(inner, max_size=3), _flat).map(
        lambda found: {**found[2], found[0]: found[1]}
    ),
    max_leaves=4,
)
_held = st.one_of(
    _value, st.lists(_value, max_size=3), st.dictionaries(st.sampled_from(NAMES), _value, max_size=2)
)
_contexts = st.dictionaries(st.sampled_from(["a", "b", "c"]), _held, max_size=3)


def indexed(found: list[Any]) -> tuple[list[Condition], RuleIndex[int]]:
    compiled = []
    for one in found:
        try:
            compiled.append(compile_condition(one))
        except InvalidInputError:
            continue
    return compiled, RuleIndex(enumerate(compiled))


@settings(max_examples=250, deadline=None)
@given(st.lists(_rules, max_size=25), st.lists(_contexts, min_size=1, max_size=8))
@example(
    [{"a": True}, {"a": 1}, {"a": "1"}, {"a": False}, {"a": 0}], [{"a": 1.0}, {"a": True}, {"a": [False, 1]}]
)
@example([{"a": {"$in": ["a", "b"]}}] * 6, [{"a": ["a", "b"]}])
@example([{"a": "a", "b": "b"}] * 6, [{"a": ["a"], "b": "b"}, {"a": "a", "b": ["b"]}, {"a": "a", "b": "b"}])
def test_what_is_found_is_what_matches(rules: list[Any], asked: list[Any]) -> None:
    compiled, index = indexed(rules)
    for context in asked:
        expected = [number for number, one in enumerate(compiled) if one.matches(context)]
        assert index.matching(context) == expected
        assert set(expected) <= set(index.candidates(context))


@settings(max_examples=100, deadline=None)
@given(st.lists(conditions, max_size=12), st.lists(contexts, min_size=1, max_size=4), groups)
def test_what_is_found_is_what_matches_whatever_the_conditions(
    rules: list[Any], asked: list[Any], given_groups: Any
) -> None:
    compiled, index = indexed(rules)
    for context in asked:
        expected = [number for number, one in enumerate(compiled) if one.matches(context, given_groups)]
        assert index.matching(context, given_groups) == expected
        assert set(expected) <= set(index.candidates(context))


@settings(max_examples=200, deadline=None)
@given(conditions, contexts)
def test_what_a_condition_fixes_holds_of_whatever_it_matches(condition: Any, context: Any) -> None:
    compiled = indexed([condition])[0]
    for one in compiled:
        if one.matches(context):
            for path, keys in one.fixed:
                assert RuleIndex([(0, one)] * 9).candidates(context) == [0] * 9, (path, keys)


@settings(max_examples=50, deadline=None)
@given(scalars, values)
def test_an_equality_is_found_by_its_value_alone(operand: Any, held: Any) -> None:
    compiled, index = indexed([{"x": operand}] * 9)
    assert bool(index.matching({"x": held})) is compiled[0].matches({"x": held})
    if operand is not None and not isinstance(held, list):
        assert bool(index.candidates({"x": held})) is compiled[0].matches({"x": held})


def test_few_rules_are_looked_at() -> None:
    rules = [
        (number, compile_condition({"region": f"R{number % 30}", "seller": f"S{number}"}))
        for number in range(3_000)
    ]
    rules += [(3_000, compile_condition({"region": "R1"})), (3_001, compile_condition({"total": {"$gt": 5}}))]
    index = RuleIndex(rules)
    context = {"region": "R1", "seller": "S31", "total": 9}
    assert index.matching(context) == [31, 3_000, 3_001]
    assert index.candidates(context) == [31, 3_000, 3_001]


def test_a_crowded_value_is_told_apart_by_another_attribute() -> None:
    rules = [
        (
            number,
            compile_condition(
                {
                    "region": "US",
                    "brand": {"$in": [f"B{number % 40}", f"B{number % 40 + 1}"]},
                    "tier": "x" if number % 2 else "y",
                }
            ),
        )
        for number in range(2_000)
    ]
    found = RuleIndex(rules).candidates({"region": "US", "brand": "B7", "tier": "x"})
    assert found == [
        number for number, one in rules if one.matches({"region": "US", "brand": "B7", "tier": "x"})
    ]


def test_lists_of_many_values_do_not_multiply() -> None:
    many = [f"v{number}" for number in range(300)]
    rules = [
        (number, compile_condition({"a": {"$in": many}, "b": {"$in": many}, "c": {"$in": many}}))
        for number in range(20)
    ]
    index = RuleIndex(rules)
    assert index.matching({"a": "v1", "b": "v2", "c": "v3"}) == list(range(20))
    assert index.matching({"a": "v1", "b": "v2", "c": "w"}) == []


def test_many_attributes_are_looked_up_by_those_of_the_context() -> None:
    rules = [(number, compile_condition({f"a{number}": "x", "k": "y"})) for number in range(500)]
    index = RuleIndex(rules)
    assert index.matching({"a7": "x", "k": "y", "a499": "x"}) == [7, 499]
    assert index.candidates({"k": "y"}) == []


@pytest.mark.parametrize("context", [None, [], "x"])
def test_a_context_that_is_no_object_is_refused(context: Any) -> None:
    with pytest.raises(InvalidInputError, match="A context is an object"):
        RuleIndex([(1, compile_condition({}))]).matching(context)


def test_a_value_that_is_no_json_is_refused_by_the_index_too() -> None:
    index = RuleIndex((number, compile_condition({"x": f"v{number}"})) for number in range(10))
    with pytest.raises(InvalidInputError, match=r"context\.x holds a bytes"):
        index.matching({"x": b"v1"})
    with pytest.raises(InvalidInputError, match=r"context\.x holds a bytes"):
        index.matching({"x": [b"v1"]})


def test_an_empty_index_finds_nothing() -> None:
    index: RuleIndex[int] = RuleIndex([])
    assert (len(index), index.matching({"a": 1}), index.candidates({})) == (0, [], [])
