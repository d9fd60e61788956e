"""What is wrong with a condition is found when it is saved, and named by its path."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition
from entrepot.kit.rules.reading import DEEPEST


def refusal(condition: Any, path: str = "c") -> InvalidInputError:
    with pytest.raises(InvalidInputError) as raised:
        compile_condition(condition, path=path)
    return raised.value


@pytest.mark.parametrize(
    ("condition", "path", "said"),
    [
        (None, "c", "a condition is an object, not null"),
        ([], "c", "not an array"),
        ("region", "c", "not a string"),
        ({"a": {"$eqq": 1}}, "c.a.$eqq", "Did you mean $eq?"),
        ({"a": {"$regx": "x"}}, "c.a.$regx", "Did you mean $regex?"),
        ({"a": {"$zzzz": 1}}, "c.a.$zzzz", "there is no operator $zzzz"),
        ({"$ors": []}, "c.$ors", "Did you mean $or?"),
        ({"$eq": 1}, "c.$eq", "asked of an attribute"),
        ({"$savedGroup": {"id": "x"}}, "c.$savedGroup", "There are $and, $or, $nor, $not"),
        ({"$or": {}}, "c.$or", "takes a list of conditions, not an object"),
        ({"$and": [{}, 5]}, "c.$and[1]", "a condition is an object, not a number"),
        ({"$not": []}, "c.$not", "a condition is an object"),
        ({"a": {"$and": []}}, "c.a.$and", "cannot be asked of one attribute"),
        ({"$or": [{}, {"a.b": {"$in": "US"}}]}, "c.$or[1].a.b.$in", "takes a list, not a string"),
        ({"a": {"$nin": None}}, "c.a.$nin", "takes a list, not null"),
        ({"a": {"$ini": {}}}, "c.a.$ini", "takes a list, not an object"),
        ({"a": {"$all": "x"}}, "c.a.$all", "takes a list"),
        ({"a": {"$alli": [{"$wrong": 1}]}}, "c.a.$alli[0].$wrong", "there is no operator"),
        ({"a": {"$regex": 5}}, "c.a.$regex", "takes a regular expression as a text, not a number"),
        ({"a": {"$regexi": "("}}, "c.a.$regexi", "not a regular expression"),
        ({"a": {"$lt": [1]}}, "c.a.$lt", "takes a text or a number, not an array"),
        ({"a": {"$vgte": {}}}, "c.a.$vgte", "takes a text or a number, not an object"),
        ({"a": {"$size": "2"}}, "c.a.$size", "takes a number or operators on one, not a string"),
        ({"a": {"$size": True}}, "c.a.$size", "not a boolean"),
        ({"a": {"$size": {"n": 1}}}, "c.a.$size", "takes a number or operators on one"),
        ({"a": {"$size": {"$gtt": 1}}}, "c.a.$size.$gtt", "Did you mean $gt"),
        ({"a": {"$type": "int"}}, "c.a.$type", "there is no type 'int'"),
        ({"a": {"$type": 5}}, "c.a.$type", "takes the name of a type"),
        ({"a": {"$inGroup": ["x"]}}, "c.a.$inGroup", "takes the name of a group"),
        ({"a": {"$elemMatch": "x"}}, "c.a.$elemMatch", "takes an object, not a string"),
        ({"a": {"$elemMatch": {"$eq": 1, "$or": []}}}, "c.a.$elemMatch.$eq", "asked of an attribute"),
        ({"a": {"$elemMatch": {"b": {"$x": 1}}}}, "c.a.$elemMatch.b.$x", "there is no operator $x"),
        ({"a": {"$not": {"$not": {"$x": 1}}}}, "c.a.$not.$not.$x", "there is no operator $x"),
        ({"a": {"b": {"$gt": 5}}}, "c.a.b.$gt", "compared as a whole"),
        ({"a": {"$gt": 5, "b": 1}}, "c.a.$gt", "compared as a whole"),
        ({"a": [{"$gt": 5}]}, "c.a[0].$gt", "compared as a whole"),
        ({"a": {"$in": [{"$gt": 5}]}}, "c.a.$in[0].$gt", "compared as a whole"),
        ({"a": float("nan")}, "c.a", "nan is no number of JSON"),
        ({"a": {"$gt": float("inf")}}, "c.a.$gt", "inf is no number of JSON"),
        ({"a": b"x"}, "c.a", "a bytes is no JSON value"),
        ({"a": {"$in": [{1}]}}, "c.a.$in[0]", "a set is no JSON value"),
        ({"a": {"$in": (1,)}}, "c.a.$in", "a tuple is no JSON value"),
        ({"a": Decimal(1)}, "c.a", "a Decimal is no JSON value"),
        ({"a": {5: 1}}, "c.a", "the key 5 is no text"),
    ],
)
def test_it_is_refused_with_its_path(condition: Any, path: str, said: str) -> None:
    error = refusal(condition)
    assert error.where == {"path": path}
    assert said in str(error)
    assert error.detail.startswith(f"{path}: ")


def test_the_path_begins_where_the_condition_stands() -> None:
    assert refusal({"a": {"$x": 1}}, "rules[2].condition").where == {"path": "rules[2].condition.a.$x"}


@pytest.mark.parametrize("wrap", [lambda inner: {"$not": inner}, lambda inner: {"$and": [inner]}])
def test_what_is_nested_too_deeply_is_refused_with_its_path(wrap: Any) -> None:
    condition: Any = {}
    for _ in range(50_000):
        condition = wrap(condition)
    error = refusal(condition)
    assert f"more than {DEEPEST} levels" in error.detail
    assert len(error.where["path"]) < 200


def test_what_is_nested_deeply_and_not_too_deeply_works() -> None:
    condition: Any = {"a": 1}
    for _ in range(DEEPEST - 1):
        condition = {"$not": condition}
    asked = compile_condition(condition)
    assert asked.matches({"a": 1}) is ((DEEPEST - 1) % 2 == 0)
    assert asked.explain({"a": 1}).lines()
    assert asked.words()


def test_a_condition_of_many_parts_works() -> None:
    condition = {"$and": [{f"a{number}": {"$gte": number}} for number in range(5_000)]}
    context = {f"a{number}": number for number in range(5_000)}
    assert compile_condition(condition).matches(context)
    assert not compile_condition(condition).matches(context | {"a4999": 0})


@pytest.mark.parametrize(
    ("condition", "held", "place"),
    [
        ({"x": "1"}, Decimal(1), "context.x"),
        ({"x": 1}, Decimal(1), "context.x"),
        ({"x": 1}, Decimal(2), "context.x"),
        ({"x": None}, date(2026, 1, 1), "context.x"),
        ({"x": True}, {1}, "context.x"),
        ({"x": {"$gt": 5}}, Decimal(6), "context.x"),
        ({"x": {"$gt": "a"}}, b"b", "context.x"),
        ({"x": {"$in": [1, 2]}}, (1, 2), "context.x"),
        ({"x": {"$in": [1, 2]}}, [b""], "context.x"),
        ({"x": {"$vgt": "1"}}, Decimal(6), "context.x"),
        ({"x": {"$regex": "a"}}, b"a", "context.x"),
        ({"x": {"$type": "array"}}, (), "context.x"),
        ({"x": {"$all": [1]}}, {1}, "context.x"),
        ({"x": {"$elemMatch": {"$eq": 1}}}, (1,), "context.x"),
        ({"x": {"$size": 1}}, (1,), "context.x"),
        ({"x": ["a"]}, ("a",), "context.x"),
        ({"x": ["a"]}, [b"a"], "context.x"),
        ({"x": {"$inGroup": "g"}}, b"a", "context.x"),
        ({"x": "a", "y": "b"}, b"a", "context.x"),
        ({"y": "b", "x": "a"}, b"a", "context.x"),
        ({"y": "b", "z": "b", "x": "a"}, b"a", "context.x"),
    ],
)
def test_a_value_of_the_context_that_is_no_json_is_refused_and_not_passed_over(
    condition: Any, held: Any, place: str
) -> None:
    with pytest.raises(InvalidInputError, match="which is no JSON value") as raised:
        compile_condition(condition).matches({"x": held, "y": "b", "z": "b"}, {"g": ["a"]})
    assert raised.value.where == {"path": place}


@pytest.mark.parametrize("group", ["u1", 5, None, {"type": "condition", "condition": {}}, {"type": "list"}])
def test_a_group_that_is_no_list_is_refused(group: Any) -> None:
    with pytest.raises(InvalidInputError, match="no list of values") as raised:
        compile_condition({"user": {"$notInGroup": "vip"}}).matches({"user": "u1"}, {"vip": group})
    assert raised.value.where == {"path": "groups.vip"}


@pytest.mark.parametrize(
    "group", [["u1"], ("u1",), {"u1"}, frozenset(["u1"]), {"type": "list", "values": ["u1"]}]
)
def test_a_group_is_any_collection(group: Any) -> None:
    condition = compile_condition({"user": {"$inGroup": "vip"}})
    assert condition.matches({"user": "u1"}, {"vip": group})
    assert condition.matches({"user": ["u0", "u1"]}, {"vip": group})
    assert not condition.matches({"user": "u2"}, {"vip": group})
    assert not condition.matches({"user": {"u1": 1}}, {"vip": group})
    assert not condition.matches({"user": "u1"}, {"other": group})
