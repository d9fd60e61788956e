"""A context schema: what may be declared, which conditions fit it, and which contexts."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Schema, compile_condition

DECLARED: dict[str, Any] = {
    "region": {"type": "string", "enum": ["US", "CA", "MX"], "description": "Where the buyer is."},
    "device_type": "string",
    "cart.total": "number",
    "cart.line_count": "integer",
    "is_member": "boolean",
    "app_version": "version",
    "now": "date-time",
    "tags": {"type": "array", "items": "string"},
    "sizes": {"type": "array", "items": {"type": "integer", "enum": [1, 2, 3]}},
    "lines": {
        "type": "array",
        "items": {"type": "object", "attributes": {"sku": "string", "price.amount": "number"}},
    },
    "seller": {"type": "object", "attributes": {"tier": {"type": "string", "enum": ["gold", "silver"]}}},
    "extra": "object",
    "anything": "any",
    "list": "array",
}
SCHEMA = Schema(DECLARED)


@pytest.mark.parametrize(
    "condition",
    [
        {"region": "US"},
        {"region": None},
        {"region": {"$in": ["US", None]}},
        {"region": {"$ini": ["us"]}},
        {"region": {"$regex": "^U"}},
        {"region": {"$gte": "A"}},
        {"region": {"$inGroup": "near"}},
        {"region": {"$type": "string"}},
        {"region": {"$exists": True}},
        {"region": {}},
        {"cart.total": {"$gte": 99.5, "$lt": 100}},
        {"cart.line_count": {"$gt": 1.5}},
        {"cart": {"$exists": True}},
        {"cart": {"total": 5, "line_count": 1}},
        {"is_member": True},
        {"app_version": {"$vgte": "1.2.3"}},
        {"app_version": {"$regex": "beta"}},
        {"now": {"$gte": "2026-01-31T09:30:00Z", "$lt": "2026-02-01"}},
        {"now": "2026-01-31T09:30:00Z"},
        {"tags": {"$in": ["sale"]}},
        {"tags": {"$all": ["sale", {"$regex": "^new"}]}},
        {"tags": {"$alli": ["SALE"]}},
        {"tags": {"$elemMatch": {"$regex": "^s"}}},
        {"tags": {"$size": {"$gte": 1}}},
        {"tags": ["a", "b"]},
        {"tags.0": "a"},
        {"tags.length": {"$gt": 1}},
        {"lines": {"$elemMatch": {"sku": "A", "price.amount": {"$gt": 5}}}},
        {"lines": {"$elemMatch": {"$or": [{"sku": "A"}, {"price": {"amount": 5}}]}}},
        {"lines.0.price.amount": {"$lt": 5}},
        {"seller.tier": {"$ne": "gold"}},
        {"extra.whatever.it.is": 5},
        {"anything": {"$gt": "a"}, "anything.below": {"$size": 1}},
        {"list": {"$in": [1, "a"]}, "list.0.x": 1},
        {"$or": [{"region": "US"}, {"$not": {"is_member": False}}]},
        {"region": {"$not": {"$in": ["US"]}}},
    ],
)
def test_a_condition_that_fits(condition: Any) -> None:
    assert compile_condition(condition, SCHEMA).source == condition


@pytest.mark.parametrize(
    ("condition", "path", "said"),
    [
        ({"device": "phone"}, "c.device", "there is no attribute device. Did you mean device_type?"),
        ({"cart.totl": 5}, "c.cart.totl", "Did you mean cart.total?"),
        ({"cart.total.cents": 5}, "c.cart.total.cents", "there is no attribute"),
        ({"$or": [{"region": "US"}, {"reigon": "US"}]}, "c.$or[1].reigon", "Did you mean region?"),
        ({"tags.first": "x"}, "c.tags.first", "there is no attribute"),
        ({"seller.teir": "gold"}, "c.seller.teir", "Did you mean seller.tier?"),
        ({"lines": {"$elemMatch": {"skuu": "A"}}}, "c.lines.$elemMatch.skuu", "Did you mean sku?"),
        ({"lines.0.skuu": "A"}, "c.lines.0.skuu", "there is no attribute"),
        ({"region": 5}, "c.region", "a number is compared with an attribute declared as string"),
        ({"region": "UK"}, "c.region", "'UK' is none of the values that the attribute has"),
        ({"region": {"$in": ["US", "us"]}}, "c.region.$in[1]", "It is one of US, CA, MX"),
        ({"region": {"$ini": ["uk"]}}, "c.region.$ini[0]", "none of the values"),
        ({"region": {"$ne": True}}, "c.region.$ne", "a boolean is compared"),
        ({"region": {"$gt": 5}}, "c.region.$gt", "a number is compared"),
        ({"region": {"$gt": None}}, "c.region.$gt", "null is compared"),
        (
            {"region": {"$size": 1}},
            "c.region.$size",
            "asked of an array, and the attribute is declared as string",
        ),
        ({"region": {"$all": ["US"]}}, "c.region.$all", "asked of an array"),
        ({"region": {"$elemMatch": {"$eq": 1}}}, "c.region.$elemMatch", "asked of an array"),
        ({"region": {"$type": "number"}}, "c.region.$type", "is never of type number"),
        ({"region": {"$not": {"$eq": "UK"}}}, "c.region.$not.$eq", "none of the values"),
        ({"cart.total": "5"}, "c.cart.total", "a string is compared"),
        ({"cart.total": {"$regex": "5"}}, "c.cart.total.$regex", "asked of a text"),
        ({"cart.line_count": 1.5}, "c.cart.line_count", "declared as integer"),
        ({"is_member": 1}, "c.is_member", "a number is compared"),
        ({"is_member": {"$gt": False}}, "c.is_member.$gt", "asked of a text or a number"),
        ({"app_version": {"$gt": "1.2"}}, "c.app_version.$gt", "$vgt compares versions"),
        ({"app_version": {"$vgt": 2}}, "c.app_version.$vgt", "a number is compared"),
        ({"cart.total": {"$vgt": "2"}}, "c.cart.total.$vgt", "a string is compared"),
        ({"now": {"$gte": "31.1.2026"}}, "c.now.$gte", "is no moment"),
        ({"now": {"$gte": "2026-02-30"}}, "c.now.$gte", "is no moment"),
        ({"now": "2026-01-31"}, "c.now", "is no moment"),
        ({"now": {"$vgte": "2026-01-31"}}, "c.now.$vgte", "declared as date-time"),
        ({"tags": "sale"}, "c.tags", "a string is compared with an attribute declared as array"),
        ({"tags": {"$eq": "sale"}}, "c.tags.$eq", "$in and $all look into an array"),
        ({"tags": {"$in": ["sale", 5]}}, "c.tags.$in[1]", "a number is compared"),
        ({"tags": {"$all": [5]}}, "c.tags.$all[0]", "a number is compared"),
        ({"tags": ["a", 5]}, "c.tags[1]", "a number is compared"),
        ({"tags": {"$size": {"$regex": "1"}}}, "c.tags.$size.$regex", "asked of a text"),
        ({"tags": {"$gt": "a"}}, "c.tags.$gt", "declared as array"),
        ({"sizes": {"$elemMatch": {"$eq": 7}}}, "c.sizes.$elemMatch.$eq", "none of the values"),
        ({"extra": "x"}, "c.extra", "declared as object"),
        ({"extra": {"$in": ["x"]}}, "c.extra.$in", "finds no object"),
        ({"seller": {"teir": "gold"}}, "c.seller.teir", "Did you mean tier?"),
        ({"seller": {"tier": "iron"}}, "c.seller.tier", "none of the values"),
    ],
)
def test_a_condition_that_does_not_fit_is_refused_with_its_path(condition: Any, path: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        compile_condition(condition, SCHEMA, path="c")
    assert raised.value.where == {"path": path}
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        (None, "s", "a context schema is an object"),
        ([], "s", "a context schema is an object"),
        ({"a": 5}, "s.a", "the name of a type or an object"),
        ({"a": "strnig"}, "s.a", "Did you mean string?"),
        ({"a": {"type": "money"}}, "s.a.type", "The types are string"),
        ({"a": {"typ": "string"}}, "s.a.typ", "Did you mean type?"),
        ({"a": {"type": "string", "enum": []}}, "s.a.enum", "a list of the values"),
        ({"a": {"type": "string", "enum": "US"}}, "s.a.enum", "a list of the values"),
        (
            {"a": {"type": "string", "enum": ["US", 5]}},
            "s.a.enum[1]",
            "5 is no value of an attribute declared as string",
        ),
        ({"a": {"type": "array", "enum": [1]}}, "s.a.enum[0]", "no value"),
        ({"a": {"type": "string", "items": "string"}}, "s.a.items", "only an array has items"),
        ({"a": {"type": "array", "items": {"type": "x"}}}, "s.a.items.type", "there is no type"),
        ({"a": {"type": "array", "attributes": {}}}, "s.a.attributes", "only an object has them"),
        ({"a": {"attributes": {"b": "x"}}}, "s.a.attributes.b", "there is no type"),
        ({"a": {"type": "string", "description": 5}}, "s.a.description", "a description is a text"),
        ({"a": "string", "a.b": "string"}, "s.a.b", "a is declared as string"),
        ({"a.b": "string", "a": "number"}, "s.a", "a is declared twice"),
        ({"$a": "string"}, "s", "cannot be the name"),
        ({5: "string"}, "s", "cannot be the name"),
    ],
)
def test_a_schema_that_is_wrong_is_refused_with_its_path(schema: Any, path: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        Schema.parse(schema, "s")
    assert raised.value.where == {"path": path}
    assert said in str(raised.value)


def test_a_schema_is_given_back_as_it_came_and_is_no_longer_the_callers() -> None:
    given = {"region": {"type": "string", "enum": ["US"]}}
    schema = Schema.parse(given)
    given["region"]["enum"] = ["CA"]
    assert schema.as_dict() == {"region": {"type": "string", "enum": ["US"]}}
    schema.as_dict()["region"]["enum"].append("MX")
    assert schema == Schema({"region": {"type": "string", "enum": ["US"]}})
    assert schema != Schema({"region": "string"})


def test_an_object_can_be_declared_before_or_after_what_it_holds() -> None:
    for declared in ({"cart": "object", "cart.total": "number"}, {"cart.total": "number", "cart": "object"}):
        with pytest.raises(InvalidInputError, match=r"Did you mean cart\.total"):
            compile_condition({"cart.totl": 5}, Schema(declared))


class Region(StrEnum):
    """A member of an enumeration is a text, too."""

    US = "US"


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"region": None},
        {"region": "US", "cart": {"total": 5.5, "line_count": 3, "more": [1]}, "unknown": {"x": [None]}},
        {"region": Region.US},
        {"cart": {"line_count": 3.0}},
        {"cart": {"line_count": 10**400}},
        {"tags": ["a", None], "sizes": [1], "lines": [{"sku": "A", "price": {"amount": 5}}]},
        {"now": "2026-01-31T09:30:00Z", "app_version": "1.2"},
        {"anything": [1, "a", {"b": True}]},
    ],
)
def test_a_context_that_fits(context: Any) -> None:
    SCHEMA.check_context(context)


@pytest.mark.parametrize(
    ("context", "path", "said"),
    [
        (None, "context", "a context is an object, not NoneType"),
        ([], "context", "a context is an object"),
        ({"region": 5}, "context.region", "a number is given, and the attribute is declared as string"),
        ({"region": "UK"}, "context.region", "none of the values"),
        ({"cart": 5}, "context.cart", "declared as object"),
        ({"cart": {"total": "5"}}, "context.cart.total", "a string is given"),
        ({"cart": {"line_count": 1.5}}, "context.cart.line_count", "declared as integer"),
        ({"cart": {"total": True}}, "context.cart.total", "a boolean is given"),
        ({"is_member": 0}, "context.is_member", "a number is given"),
        ({"now": "2026-01-31T09:30:00+01:00"}, "context.now", "is no moment"),
        ({"now": "2026-13-31T09:30:00Z"}, "context.now", "is no moment"),
        ({"app_version": 1.2}, "context.app_version", "a number is given"),
        ({"tags": "a"}, "context.tags", "declared as array"),
        ({"tags": ["a", 5]}, "context.tags[1]", "a number is given"),
        ({"lines": [{"sku": 5}]}, "context.lines[0].sku", "a number is given"),
        ({"seller": {"tier": "iron"}}, "context.seller.tier", "none of the values"),
        ({"cart": {"total": Decimal(5)}}, "context.cart.total", "which is no JSON value"),
        ({"unknown": {1}}, "context.unknown", "which is no JSON value"),
        ({"unknown": [float("nan")]}, "context.unknown[0]", "nan is no number of JSON"),
    ],
)
def test_a_context_that_does_not_fit_is_refused_with_its_path(context: Any, path: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        SCHEMA.check_context(context)
    assert raised.value.where == {"path": path}
    assert said in str(raised.value)


def test_a_context_that_is_nested_too_deeply_is_refused() -> None:
    context: Any = {}
    for _ in range(5_000):
        context = {"extra": context}
    with pytest.raises(InvalidInputError, match="nested more than"):
        SCHEMA.check_context(context)
