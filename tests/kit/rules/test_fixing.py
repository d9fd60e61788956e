"""What a condition fixes, by example; that it holds of whatever matches is a property of the index."""

from typing import Any

import pytest

from entrepot.kit.rules import compile_condition
from entrepot.kit.rules.values import BOOLEAN_KEYS


@pytest.mark.parametrize(
    ("condition", "fixed"),
    [
        ({}, []),
        ({"a": "x"}, [("a", {"x"})]),
        ({"a.b": 5}, [("a.b", {5})]),
        ({"a": True}, [("a", {BOOLEAN_KEYS[True]})]),
        ({"a": None}, []),
        ({"a": {"x": 1}}, []),
        ({"a": ["x"]}, []),
        ({"a": {"$eq": "x"}}, [("a", {"x"})]),
        ({"a": {"$eq": None}}, []),
        ({"a": {"$eq": ["x"]}}, [("a", set())]),
        ({"a": {"$in": ["x", "y"]}}, [("a", {"x", "y"})]),
        ({"a": {"$in": ["x", None]}}, []),
        ({"a": {"$in": [1, True, [2]]}}, [("a", {1, BOOLEAN_KEYS[True]})]),
        ({"a": {"$in": []}}, [("a", set())]),
        ({"a": {"$ini": ["x"]}}, []),
        ({"a": {"$all": ["x", "y"]}}, [("a", {"x"}), ("a", {"y"})]),
        ({"a": {"$alli": ["x"]}}, []),
        ({"a": {"$eq": "x", "$gt": "w"}}, [("a", {"x"})]),
        ({"a": {"$ne": "x"}}, []),
        ({"a": {"$not": {"$eq": "x"}}}, []),
        ({"a": {"$elemMatch": {"$eq": "x"}}}, []),
        ({"a": "x", "$and": [{"b": "y"}, {"a": "x"}]}, [("a", {"x"}), ("b", {"y"})]),
        ({"$or": [{"a": "x"}, {"a": {"$in": ["y", "z"]}, "b": 1}]}, [("a", {"x", "y", "z"})]),
        ({"$or": [{"a": "x"}, {"b": 1}]}, []),
        ({"$or": []}, []),
        ({"$nor": [{"a": "x"}]}, []),
        ({"$not": {"a": "x"}}, []),
    ],
)
def test_what_is_fixed(condition: Any, fixed: list[tuple[str, set[Any]]]) -> None:
    assert [(path, set(keys)) for path, keys in compile_condition(condition).fixed] == fixed
