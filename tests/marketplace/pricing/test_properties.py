"""What holds for every quote, whatever the rules and the cart."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.marketplace.pricing.generated import RATES, situations
from tests.marketplace.pricing.naive import COLUMNS, naive_quote

from entrepot.marketplace.pricing.quotes import Quote
from entrepot.marketplace.pricing.rulesets import RuleSet

bounded = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Situation = tuple[list[dict[str, Any]], dict[str, Any]]


def quoted(situation: Situation) -> Quote:
    rules, cart = situation
    return RuleSet(rules).quote(cart, rates=RATES)


def columns(quote: Quote) -> dict[str, dict[str, int]]:
    """Column → line id (or "shipping") → minor units."""
    targets = [*quote.lines, {"id": "shipping", **(quote.shipping or dict.fromkeys(COLUMNS, 0))}]
    return {column: {str(row["id"]): int(row[column]) for row in targets} for column in COLUMNS}


@settings(bounded, max_examples=120)
@given(situations())
def test_a_naive_evaluator_agrees(situation: Situation) -> None:
    rules, cart = situation
    assert columns(quoted(situation)) == naive_quote(rules, cart, RATES)


@bounded
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_in_which_rules_and_lines_are_given_does_not_matter(
    situation: Situation, random: Any
) -> None:
    rules, cart = situation
    first = orjson.dumps(quoted(situation).as_dict())
    shuffled = random.sample(rules, len(rules))
    turned = {**cart, "lines": random.sample(cart["lines"], len(cart["lines"]))}
    assert orjson.dumps(RuleSet(shuffled).quote(turned, rates=RATES[::-1]).as_dict()) == first


@bounded
@given(situations())
def test_cents_are_conserved_and_never_negative(situation: Situation) -> None:
    quote = quoted(situation)
    figures, totals = columns(quote), quote.totals
    for name in COLUMNS:
        assert totals[name] == sum(figures[name].values())
        assert min(figures[name].values()) >= 0
    for target in figures["original"]:
        row = {name: figures[name][target] for name in COLUMNS}
        assert row["total"] == row["original"] - row["discount"] + row["surcharge"] + row["fee"] + row["tax"]
        assert row["platform_funded"] + row["seller_funded"] == row["discount"]
        assert row["net"] == (
            row["original"] - row["seller_funded"] + row["surcharge"] - row["commission"] - row["seller_fee"]
        )
    # What the steps say that they did is what the columns hold.
    given_away = sum(
        step["amount"] for step in quote.trace if step.get("type") == "DISCOUNT" and "amount" in step
    )
    assert given_away == totals["discount"]
    assert all(
        sum(line["amount"] for line in step["lines"]) == step["amount"]
        for step in quote.trace
        if step.get("outcome") == "applied"
    )


@bounded
@given(situations())
def test_floors_and_caps_hold(situation: Situation) -> None:
    rules, cart = situation
    rules = [rule for rule in rules if rule["action"]["currency"] == cart["currency"]]
    quote = RuleSet(rules, strict=False).quote(cart, rates=RATES)
    unit = 10**quote.cart.digits
    given_lines = {line["id"]: line for line in cart["lines"]}
    for row in quote.lines:
        lowest = round(float(given_lines[row["id"]].get("minimum_price", 0)) * unit) * row["quantity"]
        assert row["original"] - row["discount"] >= min(lowest, row["original"])
    by_key = {rule["key"]: rule for rule in rules}
    for step in quote.applied:
        caps = {
            name: round(float(value) * unit) for name, value in by_key[step.rule.key].get("caps", {}).items()
        }
        assert sum(step.amounts) <= caps.get("rule", sum(step.amounts))
        assert all(part <= caps.get("line", part) for part in step.amounts)


@bounded
@given(situations())
def test_rules_that_do_not_match_have_no_influence(situation: Situation) -> None:
    rules, cart = situation
    quote = quoted(situation)
    matched = {rule.key for rule in quote.matched}
    again = RuleSet([rule for rule in rules if rule["key"] in matched], strict=False)
    assert again.quote(cart, rates=RATES).as_dict() == quote.as_dict()


@bounded
@given(situations())
def test_every_step_is_explained(situation: Situation) -> None:
    trace = quoted(situation).trace
    assert [trace[0]["step"], trace[-1]["step"]] == ["prices", "totals"]
    assert all(step["words"].endswith(".") for step in trace)
    assert {step["outcome"] for step in trace[1:-1]} <= {"applied", "no effect", "lost"}
