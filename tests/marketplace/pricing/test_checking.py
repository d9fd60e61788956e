"""What cannot be is refused when it is saved, with its path."""

from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing.compiling import read_document
from entrepot.marketplace.pricing.rulesets import RuleSet


def rule(**changes: Any) -> dict[str, Any]:
    """A rule, with some of its fields changed, or taken away with None."""
    whole = {"key": "r", "type": "DISCOUNT", "action": {"type": "PERCENTAGE_OFF", "value": "10"}, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def fixed(value: str = "5.00", **changes: Any) -> dict[str, Any]:
    return {"type": "FIXED_AMOUNT", "value": value, "currency": "EUR", **changes}


def scale(*starts: Any, **changes: Any) -> dict[str, Any]:
    return {"type": "TIERED", "tiers": [{"from": start, "value": "5"} for start in starts], **changes}


WRONG: list[tuple[dict[str, Any], str]] = [
    (rule(key=None), "key"),
    (rule(key="a b"), "key"),
    (rule(colour="red"), "colour"),
    (rule(type="REBATE"), "type"),
    (rule(level="order"), "level"),
    (rule(action=None), "action"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": "10", "valeu": 1}), "action.valeu"),
    (rule(action={"type": "PERCENTAGE_OFF"}), "action.value"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": "100.5"}), "action.value"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": -5}), "action.value"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": "ten"}), "action.value"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": True}), "action.value"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": "1.00001"}), "action.value"),
    (rule(action={"type": "PERCENTAGE", "value": "10"}), "action.type"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": "10", "buy": 1}), "action.buy"),
    (rule(action={"type": "PERCENTAGE_OFF", "value": "10", "inclusive": True}), "action.inclusive"),
    (rule(action={"type": "FIXED_AMOUNT", "value": "5"}), "action.currency"),
    (rule(action=fixed("5.001")), "action.value"),
    (rule(action=fixed("5.5", currency="JPY")), "action.value"),
    (rule(action=fixed(currency="XXX")), "action.currency"),
    (rule(action=fixed("-5")), "action.value"),
    (rule(level="cart", action={"type": "OVERRIDE", "value": "5", "currency": "EUR"}), "level"),
    (rule(level="line", action={"type": "FREE_SHIPPING"}), "level"),
    (rule(level="shipping", action={"type": "BUY_X_GET_Y", "buy": 2, "get": 1}), "level"),
    (rule(action={"type": "BUY_X_GET_Y", "buy": 2}), "action.get"),
    (rule(action={"type": "BUY_X_GET_Y", "buy": 0, "get": 1}), "action.buy"),
    (rule(action={"type": "BUY_X_GET_Y", "buy": 2, "get": 1, "percent": "150"}), "action.percent"),
    (rule(action={"type": "TIERED"}), "action.tiers"),
    (rule(action=scale("10", "5")), "action.tiers[1].from"),
    (rule(action=scale("10", "10")), "action.tiers[1].from"),
    (rule(action=scale("1.5")), "action.tiers[0].from"),
    (rule(action=scale("-1")), "action.tiers[0].from"),
    (rule(action=scale("10", by="amount")), "action.currency"),
    (rule(action=scale("10", by="amount", unit="PER_UNIT", currency="EUR")), "action.by"),
    (rule(level="cart", action=scale("1", unit="OVERRIDE", currency="EUR")), "action.unit"),
    (rule(level="shipping", action=scale("1", mode="graduated")), "action.mode"),
    (rule(caps={"rule": "5"}), "action.currency"),
    (rule(caps={"order": "5"}), "caps.order"),
    (rule(action=fixed(), caps={"rule": "5.001"}), "caps.rule"),
    (rule(action=fixed(), floor="-1"), "floor"),
    (rule(action={"type": "OVERRIDE", "value": "5", "currency": "EUR"}, floor="8.00"), "floor"),
    (rule(action=scale("1", "5", unit="OVERRIDE", currency="EUR"), floor="5.01"), "floor"),
    (rule(type="SURCHARGE", action=fixed(), floor="1"), "floor"),
    (rule(funding={"platform": "60", "seller": "50"}), "funding"),
    (rule(funding={"platform": "150", "seller": "-50"}), "funding.platform"),
    (rule(type="COMMISSION", action=fixed(), funding={"platform": "100", "seller": "0"}), "funding"),
    (rule(charged_to="buyer"), "charged_to"),
    (
        rule(type="TAX", action={"type": "PERCENTAGE", "value": "19", "currency": "EUR"}, caps={"rule": "1"}),
        "caps",
    ),
    (rule(type="TAX", action={"type": "TIERED", "tiers": []}), "action.type"),
    (rule(type="TAX", action=fixed(inclusive=True)), "action.inclusive"),
    (rule(applies_to={"line.sku": "A"}), "applies_to"),
    (rule(stacking_group="exclusive"), "stacking_group"),
    (rule(stacking_group=""), "stacking_group"),
    (rule(priority="high"), "priority"),
    (rule(start_time="2026-01-02T00:00:00Z", end_time="2026-01-01T00:00:00Z"), "end_time"),
    (rule(start_time="2026-01-02T00:00:00"), "start_time"),
    (rule(condition=[]), "condition"),
    (rule(condition={"line.sku": {"$equals": "A"}}), "condition.line.sku.$equals"),
    (rule(condition={"cart.totel": {"$gt": 5}}), "condition.cart.totel"),
    (rule(condition={"$and": [{"time.weekdy": 5}]}), "condition.$and[0].time.weekdy"),
    (rule(condition={"coupons": "FIVE"}), "condition.coupons"),
    (rule(condition={"$not": {"line": {"$exists": True}}}), "condition.$not.line"),
    (rule(level="cart", condition={"line.sku": "A"}), "condition.line.sku"),
    (rule(level="cart", applies_to={"line.sku": {"$regex": "("}}), "applies_to.line.sku.$regex"),
    (rule(after=["r"]), "after[0]"),
    (rule(excludes=["a", "a"]), "excludes[1]"),
    (rule(after=["a"], excludes=["a"]), "excludes[0]"),
    (rule(excludes=["a"], stacking_group="EXCLUSIVE"), "excludes[0]"),
]


@pytest.mark.parametrize(
    ("document", "path"), WRONG, ids=[f"{n}-{path}" for n, (_, path) in enumerate(WRONG)]
)
def test_a_wrong_rule_is_refused_with_the_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        RuleSet([rule(key="other"), document])
    assert caught.value.where["path"] == f"rules[1].{path}"
    assert f"rules[1].{path}" in caught.value.detail


def test_what_is_close_is_suggested() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_document(rule(condition={"cart.totel": 5}))
    assert caught.value.hint == "Did you mean cart.total?"
    with pytest.raises(InvalidInputError) as caught:
        read_document(rule(type="TAX"))
    assert caught.value.hint == "Did you mean PERCENTAGE?"
    with pytest.raises(InvalidInputError) as caught:
        read_document(rule(condition={"coupons": "FIVE"}))
    assert caught.value.hint == 'Ask whether it has one: {"coupons": {"$in": ["FIVE"]}}.'


@pytest.mark.parametrize("given", [None, "rules", {"key": "r"}, 5])
def test_rules_are_a_list(given: Any) -> None:
    with pytest.raises((InvalidInputError, TypeError)):
        RuleSet(given)


def stack(*documents: dict[str, Any]) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        RuleSet(documents)
    return caught.value


def test_two_rules_of_one_key() -> None:
    assert stack(rule(), rule()).where["path"] == "rules[1].key"


def test_a_rule_that_is_not_there() -> None:
    error = stack(rule(key="spring"), rule(after=["sprng"]))
    assert error.where["path"] == "rules[1].after[0]"
    assert error.hint == "Did you mean 'spring'?"
    RuleSet([rule(after=["sprng"])], strict=False)


@pytest.mark.parametrize(
    "documents",
    [
        (rule(key="a", after=["b"]), rule(key="b", after=["a"])),
        (rule(key="a", excludes=["b"]), rule(key="b", excludes=["a"])),
        (rule(key="a", after=["b"]), rule(key="b", excludes=["a"])),
        (rule(key="a", after=["b"]), rule(key="b", after=["c"]), rule(key="c", after=["a"])),
    ],
)
def test_references_in_a_circle(documents: tuple[dict[str, Any], ...]) -> None:
    error = stack(rule(key="z", after=["a"]), *documents)
    assert "in a circle: a → b" in error.detail
    assert (
        error.where["path"]
        == f"rules[{len(documents)}].{'excludes' if 'excludes' in documents[-1] else 'after'}[0]"
    )


def test_many_references_without_a_circle() -> None:
    chain = [rule(key=f"r{n}", after=[f"r{m}" for m in range(max(0, n - 3), n)]) for n in range(3_000)]
    assert len(RuleSet(chain[::-1])) == 3_000


COMMISSION: dict[str, Any] = {"type": "COMMISSION", "action": {"type": "PERCENTAGE", "value": "5"}}
FEE: dict[str, Any] = {"type": "FEE", "action": {"type": "PERCENTAGE", "value": "5"}}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rule(key="a"), rule(key="b", after=["a"], **COMMISSION)),
        (rule(key="a", level="shipping"), rule(key="b", excludes=["a"])),
        (rule(key="a", level="cart"), rule(key="b", after=["a"])),
        (rule(key="a", stacking_group="EXCLUSIVE"), rule(key="b", after=["a"])),
        (rule(key="a", stacking_group="sale"), rule(key="b", stacking_group="sale", after=["a"])),
        (rule(key="a", charged_to="buyer", **FEE), rule(key="b", after=["a"], **FEE)),
    ],
)
def test_references_that_mean_nothing(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert stack(first, second).where["path"].startswith("rules[1].")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rule(key="a", level="cart", **FEE), rule(key="b", after=["a"], **FEE)),
        (rule(key="a"), rule(key="b", level="cart", after=["a"])),
        (rule(key="a", level="cart"), rule(key="b", excludes=["a"])),
        (rule(key="a", stacking_group="EXCLUSIVE"), rule(key="b", excludes=["a"])),
        (rule(key="a", stacking_group="sale"), rule(key="b", stacking_group="sale", excludes=["a"])),
        (rule(key="a", level="shipping"), rule(key="b", level="shipping", after=["a"])),
        (rule(key="a", stacking_group="sale"), rule(key="b", stacking_group="gifts", after=["a"])),
    ],
)
def test_references_that_mean_something(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert len(RuleSet([first, second])) == 2


def test_a_document_says_the_same_however_it_was_written() -> None:
    one = read_document(rule(action=fixed(5), floor=1.5, start_time="2026-01-01T02:00:00+02:00"))  # type: ignore[arg-type]
    other = read_document(rule(action=fixed("5.000"), floor="1.50", start_time="2026-01-01T00:00:00Z"))
    assert one == other
    assert one.model_dump(mode="json")["start_time"] == "2026-01-01T00:00:00Z"
    assert (one.action.value, one.floor) == ("5.00", "1.50")
    assert read_document(one.model_dump(mode="json", by_alias=True)) == one


def test_free_shipping_is_on_the_shipping_by_itself() -> None:
    assert read_document(rule(action={"type": "FREE_SHIPPING"})).level == "shipping"
