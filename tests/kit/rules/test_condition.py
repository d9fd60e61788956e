"""What every condition does, on plain values."""

from types import MappingProxyType
from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import RuleIndex, Schema, compile_condition


@pytest.mark.parametrize(
    ("condition", "context", "matched"),
    [
        ({}, {}, True),
        ({"region": "US"}, {"region": "US"}, True),
        ({"region": "US"}, {"region": "CA"}, False),
        ({"region": "US"}, {}, False),
        ({"region": None}, {}, True),
        ({"beta": True}, {"beta": 1}, False),
        ({"seats": 1}, {"seats": True}, False),
        ({"seats": 1}, {"seats": 1.0}, True),
        ({"cart.total": {"$gte": 100}}, {"cart": {"total": 120}}, True),
        ({"cart.total": {"$gte": 100}}, {"cart.total": 120}, False),
        ({"lines.0.sku": "A"}, {"lines": [{"sku": "A"}]}, True),
        ({"lines.length": 1}, {"lines": [{"sku": "A"}]}, True),
        ({"tags": {"$in": ["a", "b"]}}, {"tags": ["b", "c"]}, True),
        ({"user": {"$inGroup": "vip"}}, {"user": "u1"}, True),
        ({"$or": []}, {}, True),
        ({"$nor": []}, {}, False),
    ],
)
def test_whether_a_condition_holds(condition: Any, context: Any, matched: bool) -> None:
    compiled = compile_condition(condition)
    assert compiled.matches(context, {"vip": ["u1"]}) is matched
    assert compiled.matches(MappingProxyType(context), {"vip": ["u1"]}) is matched
    assert compiled.source is condition


@pytest.mark.parametrize("context", [None, [], "region", 5])
def test_a_context_that_is_no_object_is_refused(context: Any) -> None:
    with pytest.raises(InvalidInputError) as raised:
        compile_condition({}).matches(context)
    assert raised.value.where == {"path": "context"}


def test_the_path_names_what_is_wrong() -> None:
    with pytest.raises(InvalidInputError, match=r"Did you mean \$in") as raised:
        compile_condition({"region": {"$inn": ["US"]}}, path="rules[2].condition")
    assert raised.value.where == {"path": "rules[2].condition.region.$inn"}


def test_a_schema_knows_the_attributes() -> None:
    schema = Schema({"device_type": "string"})
    with pytest.raises(InvalidInputError, match="Did you mean device_type") as raised:
        compile_condition({"device": "phone"}, schema)
    assert raised.value.where == {"path": "condition.device"}


def test_an_index_keeps_the_order() -> None:
    conditions: list[dict[str, Any]] = [
        {"region": "US"},
        {"total": {"$gt": 5}},
        {"region": {"$in": ["US", "CA"]}},
        {},
        {"region": "CA"},
    ]
    index = RuleIndex([(number, compile_condition(one)) for number, one in enumerate(conditions)])
    assert index.matching({"region": "US", "total": 6}) == [0, 1, 2, 3]
    assert index.matching({"region": "CA"}) == [2, 3, 4]
