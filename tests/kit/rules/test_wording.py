"""Conditions in English."""

from typing import Any

import pytest
from hypothesis import given, settings
from tests.kit.rules.conditions import conditions

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({}, "anything"),
        ({"region": "US", "cart.total": {"$gte": 100}}, "region is US and cart total is at least 100"),
        ({"a": {}}, "a is anything"),
        ({"a": None}, "a is not given"),
        ({"a": {"$eq": None}}, "a is not given"),
        ({"a": {"$ne": None}}, "a is given"),
        ({"a": {"$exists": True}, "b": {"$exists": False}}, "a is given and b is not given"),
        ({"a": "New York"}, 'a is "New York"'),
        ({"a": "5"}, 'a is "5"'),
        ({"a": "true"}, 'a is "true"'),
        ({"a": True}, "a is true"),
        ({"a": [1, "x"]}, 'a is [1, "x"]'),
        ({"a": {"$in": ["US", "CA", "MX"]}}, "a is US, CA or MX"),
        ({"a": {"$nin": ["US", "CA"]}}, "a is none of US or CA"),
        ({"a": {"$nin": ["US"]}}, "a is not US"),
        ({"a": {"$ini": ["us"]}}, "a is us in any case"),
        ({"a": {"$in": []}, "b": {"$nin": []}}, "a is one of no values and b is anything"),
        ({"line_count": {"$gt": 3, "$lt": 10}}, "line count is more than 3 and less than 10"),
        ({"a": {"$ne": 5, "$lt": 9}}, "a is not 5 and is less than 9"),
        ({"a": {"$lte": 5}}, "a is at most 5"),
        ({"v": {"$vgte": "1.2.3", "$vlt": "2"}}, "v is version 1.2.3 or later and before version 2"),
        ({"v": {"$vne": "1 2"}}, 'v is not version "1 2"'),
        (
            {"a": {"$regex": "^x"}, "b": {"$notRegexi": "y"}},
            'a matches "^x" and b does not match y in any case',
        ),
        (
            {"u": {"$inGroup": "vip", "$notInGroup": "staff"}},
            "u is in the group vip and not in the group staff",
        ),
        ({"a": {"$type": "array"}, "b": {"$type": "string"}}, "a is an array and b is a string"),
        ({"tags": {"$size": 2}}, "tags has a number of items that is 2"),
        ({"tags": {"$all": ["a", "b"]}}, "tags holds a and b"),
        ({"tags": {"$alli": ["a"]}}, "tags holds a in any case"),
        ({"tags": {"$all": []}}, "tags is an array"),
        ({"tags": {"$all": [{"$gt": 1}]}}, "tags has an item (that is more than 1)"),
        (
            {"lines": {"$elemMatch": {"sku": "A", "n": {"$gt": 1}}}},
            "lines has an item (sku is A and n is more than 1)",
        ),
        ({"$or": [{"a": 1, "b": 2}, {"c": True}]}, "(a is 1 and b is 2) or c is true"),
        ({"x": 1, "$or": [{"a": 1}, {"b": 2}]}, "x is 1 and (a is 1 or b is 2)"),
        ({"$or": [{"a": {"$gt": 1, "$lt": 2}}, {"b": 1}]}, "(a is more than 1 and less than 2) or b is 1"),
        ({"$and": [{"a": 1}, {"$and": [{"b": 2}]}]}, "a is 1 and b is 2"),
        ({"$nor": [{"a": 1}, {"b": 2}]}, "neither (a is 1) nor (b is 2)"),
        ({"$nor": [{"a": 1}]}, "not (a is 1)"),
        ({"$not": {"a": 1, "b": 2}}, "not (a is 1 and b is 2)"),
        ({"a": {"$not": {"$in": ["x", "y"]}}}, "not (a is x or y)"),
        ({"a": {"$not": {"$not": 5}}}, "not (a is not so that it is 5)"),
        ({"$or": []}, "anything"),
        ({"$nor": []}, "nothing"),
        ({"": 5}, '"" is 5'),
        ({"a": 10**5_000}, "a is a very long number"),
    ],
)
def test_the_words(condition: Any, words: str) -> None:
    assert compile_condition(condition).words() == words


@settings(max_examples=150, deadline=None)
@given(conditions)
def test_every_condition_has_words_that_can_be_printed(condition: Any) -> None:
    try:
        compiled = compile_condition(condition)
    except InvalidInputError:
        return
    assert compiled.words().encode()
    assert "$" not in compiled.words().replace("b$", "").replace("+$", "").replace("^$", "")
    assert repr(compiled) == f"<Condition: {compiled.words()}>"
