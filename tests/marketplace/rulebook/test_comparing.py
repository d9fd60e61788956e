"""Differences between documents: complete, and by name where parts have names."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.marketplace.rulebook.comparing import NOTHING, differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 1) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "name", "a", "b"]), inner, max_size=3)
    ),
    max_leaves=10,
)


def told(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """The differences as tuples."""
    return [(one.path, one.old, one.new) for one in differences(old, new)]


@settings(max_examples=300, deadline=None)
@given(JSON, JSON)
def test_there_is_a_difference_exactly_where_two_values_differ(old: Any, new: Any) -> None:
    assert differences(old, copy.deepcopy(old)) == []
    found = differences(old, new)
    assert bool(found) == bool(differences(new, old))
    if not found:
        assert old == new
    for one in found:
        assert one.old is not one.new


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": None}, {}, [("a", None, NOTHING)]),
        ({}, {"a": None}, [("a", NOTHING, None)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 3}}, [("a.b", 1, 3)]),
        ({"a": ["x", "y"]}, {"a": ["x"]}, [("a", ["x", "y"], ["x"])]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}]}, [("a[1]", {"b": 2}, NOTHING)]),
    ],
)
def test_a_difference_has_its_path(old: Any, new: Any, expected: list[Any]) -> None:
    assert told(old, new) == expected


def test_parts_with_names_are_compared_by_name_wherever_they_stand() -> None:
    old = {"rules": [{"key": "a", "priority": 1}, {"key": "b", "priority": 2}, {"key": "c"}]}
    new = {"rules": [{"key": "b", "priority": 3}, {"key": "d"}, {"key": "c"}]}
    assert told(old, new) == [
        ("rules[b].priority", 2, 3),
        ("rules[d]", NOTHING, {"key": "d"}),
        ("rules[a]", {"key": "a", "priority": 1}, NOTHING),
    ]
    turned = {"buckets": [{"variant_key": "A"}, {"variant_key": "B"}]}
    assert told(turned, {"buckets": turned["buckets"][::-1]}) == [("buckets (order)", ["A", "B"], ["B", "A"])]


def test_a_difference_as_text_and_as_json_keeps_apart_nothing_and_null() -> None:
    (gone,) = differences({"a": None}, {})
    assert (gone.old_text, gone.new_text) == ("null", None)
    assert gone.as_dict() == {"path": "a", "old": None}
