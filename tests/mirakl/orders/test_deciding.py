"""What is answered to an order, by looking at what is known of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.mirakl.arranging import ADDRESS, NOON

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition
from entrepot.mirakl.orders.deciding import CHECKS, Policy, Rule, decide
from entrepot.mirakl.orders.facts import SCHEMAS, LineFacts, OrderFacts

REFUSING = Policy.read({"acceptance": {"checks": dict.fromkeys(CHECKS, "refuse")}})


def line(line_id: str = "1", **changes: Any) -> LineFacts:
    """A line for 500, which can be built."""
    return replace(
        LineFacts(
            line_id=line_id,
            sku=f"SKU-{line_id}",
            internal_sku=f"V-{line_id}",
            quantity=1,
            unit_price=Decimal(500),
            price=Decimal(500),
            floor_price=Decimal(450),
            commission=Decimal(40),
            can_be_built=True,
        ),
        **changes,
    )


def order(*lines: LineFacts, **changes: Any) -> OrderFacts:
    """An order that nothing speaks against."""
    return replace(
        OrderFacts(
            order_id="A-1",
            total_price=Decimal(500),
            shipping_price=Decimal(0),
            commission=Decimal(40),
            currency="CAD",
            shipping_type="STD",
            address=ADDRESS,
            address_problems=(),
            customer_id="C1",
            is_blocked=False,
            acceptance_deadline=NOON,
            at=NOON,
            lines=lines or (line(),),
            missing=None,
        ),
        **changes,
    )


def rule(outcome: Any, condition: dict[str, Any], *, of: Any = "order", name: str = "rule") -> Rule:
    """A rule whose condition was checked as it is when it is saved."""
    return Rule(name, of, compile_condition(condition, SCHEMAS[of]), outcome)


def test_what_nothing_speaks_against_is_accepted() -> None:
    found = decide(order(), [], Policy())
    assert (found.answer, found.lines) == ("accept", {"1": "accept"})
    assert decide(order(), [], Policy(otherwise="ask")).answer == "ask"


@pytest.mark.parametrize(
    ("facts", "check", "said"),
    [
        (order(line(can_be_built=False), missing="1 of Disk missing."), "stock", "1 of Disk missing."),
        (
            order(line(unit_price=Decimal("449.99"))),
            "price_floor",
            "SKU-1 for 449.99, at least 450",
        ),
        (order(address_problems=("It has no postal code.",)), "address", "It has no postal code."),
        (order(is_blocked=True), "blocked", "The buyer is blocked."),
    ],
)
def test_each_check_asks_or_refuses_as_the_account_says(facts: OrderFacts, check: str, said: str) -> None:
    asked, refused = decide(facts, [], Policy()), decide(facts, [], REFUSING)
    assert (asked.answer, asked.by) == ("ask", check)
    assert said in asked.why
    assert (refused.answer, refused.by) == ("refuse", check)
    let_be = Policy.read({"acceptance": {"checks": {check: "accept"}}})
    assert decide(facts, [], let_be).answer == "accept"


def test_limits_are_of_units_and_of_value() -> None:
    policy = Policy.read({"acceptance": {"limits": {"units": 2, "value": 600}}})
    assert decide(order(line(quantity=2)), [], policy).answer == "accept"
    assert "3 units, and at most 2" in decide(order(line(quantity=3)), [], policy).why
    assert "600.01 CAD" in decide(order(total_price=Decimal("600.01")), [], policy).why


def test_an_address_that_is_not_told_yet_is_no_reason() -> None:
    assert decide(order(address=None), [], REFUSING).answer == "accept"


def test_lines_are_refused_alone_where_that_is_wanted() -> None:
    facts = order(line("1"), line("2", can_be_built=False), missing="No disk.")
    found = decide(facts, [], REFUSING)
    assert (found.answer, found.by, found.lines) == ("accept", "stock", {"1": "accept", "2": "refuse"})
    whole = decide(facts, [], replace(REFUSING, by_line=False))
    assert (whole.answer, set(whole.lines.values())) == ("refuse", {"refuse"})
    both = order(line("1", can_be_built=False), line("2", can_be_built=False))
    assert decide(both, [], REFUSING).answer == "refuse"


def test_asking_about_one_line_asks_about_the_order() -> None:
    facts = order(line("1"), line("2", can_be_built=False))
    assert decide(facts, [], Policy()).answer == "ask"


def test_the_first_rule_that_holds_answers() -> None:
    dear = rule("ask", {"total_price": {"$gte": 500}}, name="dear")
    north = rule("refuse", {"state": "ON"}, name="north")
    assert decide(order(), [dear, north], Policy()).by == "dear"
    assert decide(order(), [north, dear], Policy()).answer == "refuse"
    assert decide(order(total_price=Decimal(499)), [dear], Policy()).by == "checks"


def test_a_rule_accepts_against_limits_and_not_against_missing_parts() -> None:
    anything = rule("accept", {}, name="regular")
    blocked = order(line(unit_price=Decimal(1)), is_blocked=True)
    assert decide(blocked, [anything], REFUSING).answer == "accept"
    assert decide(order(line(can_be_built=False)), [anything], REFUSING).by == "stock"
    assert decide(order(address_problems=("Bad.",)), [anything], Policy()).answer == "ask"


def test_a_rule_about_lines_refuses_those_of_which_it_holds() -> None:
    cheap = rule("refuse", {"unit_price": {"$lt": 100}, "order.country": "CAN"}, of="line", name="cheap")
    facts = order(line("1"), line("2", unit_price=Decimal(99), floor_price=None))
    found = decide(facts, [cheap], Policy())
    assert (found.answer, found.by, found.lines) == ("accept", "cheap", {"1": "accept", "2": "refuse"})
    asking = rule("ask", {"quantity": {"$gt": 1}}, of="line", name="many")
    assert decide(order(line("1"), line("2", quantity=2)), [asking], Policy()).by == "many"


def test_a_line_that_a_rule_refuses_is_not_missed_in_stock() -> None:
    never = rule("refuse", {"sku": "SKU-2"}, of="line", name="never")
    facts = order(line("1"), line("2", can_be_built=False))
    assert decide(facts, [never], Policy()).lines == {"1": "accept", "2": "refuse"}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"otherwise": "perhaps"}, "acceptance.otherwise"),
        ({"checks": {"weather": "ask"}}, "acceptance.checks.weather"),
        ({"checks": {"stock": "never"}}, "acceptance.checks.stock"),
        ({"limits": {"units": 0}}, "acceptance.limits.units"),
        ({"limits": {"value": "much"}}, "acceptance.limits.value"),
        ({"limits": {"units": True}}, "acceptance.limits.units"),
        ({"cheks": {}}, "acceptance.cheks"),
    ],
)
def test_a_setting_that_cannot_be_names_its_path(settings: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as found:
        Policy.read({"acceptance": settings})
    assert found.value.where["path"] == f"settings.{path}"
