"""Why a condition did or did not match."""

import json
from typing import Any

from hypothesis import given, settings
from tests.kit.rules.conditions import conditions, contexts

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition

CONDITION = {
    "region": "US",
    "cart.total": {"$gte": 100, "$lt": 500},
    "$or": [{"tier": {"$in": ["gold", "silver"]}}, {"coupon": {"$exists": True}}],
    "lines": {"$elemMatch": {"sku": "A", "quantity": {"$gt": 1}}},
    "score": {"$not": {"$lt": 5}},
}
CONTEXT = {
    "region": "US",
    "cart": {"total": 80},
    "tier": "bronze",
    "lines": [{"sku": "A", "quantity": 1}, None, {"sku": "B", "quantity": 2}],
    "score": 3,
}


def test_the_lines_say_what_held_and_what_the_context_has() -> None:
    assert compile_condition(CONDITION).explain(CONTEXT).lines() == [
        "✗ all of these",
        "  ✓ region is US – it is US",
        "  ✗ cart total is at least 100 and less than 500 – it is 80",
        "    ✗ cart total is at least 100",
        "    ✓ cart total is less than 500",
        "  ✗ any of these",
        "    ✗ tier is gold or silver – it is bronze",
        "    ✗ coupon is given – it is not given",
        '  ✗ lines has an item (sku is A and quantity is more than 1) – it is [{"sku": "A", "quantity": 1}, null, {"sku": "B", "quantity": 2}]',
        "    ✗ lines 0: sku is A and quantity is more than 1",
        "      ✓ sku is A – it is A",
        "      ✗ quantity is more than 1 – it is 1",
        "    ✗ lines 1 is null, and is passed over",
        "    ✗ lines 2: sku is A and quantity is more than 1",
        "      ✗ sku is A – it is B",
        "      ✓ quantity is more than 1 – it is 2",
        "  ✗ not (score is less than 5) – it is 3",
        "    ✓ score is less than 5",
    ]


def test_the_tree_names_paths_and_values() -> None:
    found = compile_condition({"cart.total": {"$gte": 100}, "coupon": None}, path="r").explain(
        {"cart": {"total": 120}}
    )
    assert found.as_dict() == {
        "matched": True,
        "words": "all of these",
        "path": "r",
        "parts": [
            {
                "matched": True,
                "words": "cart total is at least 100",
                "path": "r.cart.total",
                "attribute": "cart.total",
                "wanted": {"$gte": 100},
                "given": True,
                "held": 120,
            },
            {
                "matched": True,
                "words": "coupon is not given",
                "path": "r.coupon",
                "attribute": "coupon",
                "wanted": None,
                "given": False,
            },
        ],
    }


def test_items_that_are_tested_themselves_are_told_one_by_one() -> None:
    found = compile_condition({"n": {"$elemMatch": {"$gt": 5, "$lt": 9}}}).explain({"n": [3, 7]})
    assert found.lines() == [
        "✓ n has an item (that is more than 5 and less than 9) – it is [3, 7]",
        "  ✗ n 0 is more than 5 and less than 9",
        "    ✗ n 0 is more than 5",
        "    ✓ n 0 is less than 9",
        "  ✓ n 1 is more than 5 and less than 9",
        "    ✓ n 1 is more than 5",
        "    ✓ n 1 is less than 9",
    ]


def test_a_long_value_is_cut_short_and_a_long_array_explained_at_its_beginning() -> None:
    found = compile_condition({"n": {"$elemMatch": {"$gt": 5}}}).explain({"n": list(range(1_000))})
    assert len(found.parts) == 20
    assert found.lines()[0].endswith("…")
    assert len(found.lines()[0]) < 150


def test_empty_groups_are_explained() -> None:
    assert compile_condition({}).explain({}).lines() == ["✓ anything"]
    assert compile_condition({"$nor": []}).explain({}).lines() == ["✗ nothing"]


@settings(max_examples=150, deadline=None)
@given(conditions, contexts)
def test_an_explanation_agrees_with_itself(condition: Any, context: Any) -> None:
    try:
        found = compile_condition(condition).explain(context)
    except InvalidInputError:
        return
    tree = found.as_dict()
    assert json.loads(json.dumps(tree)) == tree
    assert len(found.lines()) == 1 + sum(len(part.lines()) for part in found.parts)
    if found.words == "all of these":
        assert found.matched is all(part.matched for part in found.parts)
    if found.words == "any of these":
        assert found.matched is any(part.matched for part in found.parts)
    if found.words in ("none of these", "not this"):
        assert found.matched is not any(part.matched for part in found.parts)
