"""Worked examples: what each action, and each rule about rules, comes to by hand."""

from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing import reckoning
from entrepot.marketplace.pricing.figures import InconsistentQuoteError
from entrepot.marketplace.pricing.quotes import Quote
from entrepot.marketplace.pricing.rulesets import RuleSet

AT = "2026-11-27T18:30:00Z"  # a Friday


def line(key: str, price: Any, quantity: int = 1, **attributes: Any) -> dict[str, Any]:
    return {"id": key, "quantity": quantity, "unit_price": price, **attributes}


def cart(*lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"currency": "EUR", "lines": [*lines], "at": AT, **fields}


def rule(
    key: str, kind: str, action: str | dict[str, Any], value: Any = None, **fields: Any
) -> dict[str, Any]:
    """A rule: `action` is an action as it is written, or the type of one with this value in EUR."""
    if isinstance(action, str):
        action = {"type": action}
        action |= {} if value is None else {"value": value}
        if action["type"] not in ("PERCENTAGE", "PERCENTAGE_OFF", "FREE_SHIPPING"):
            action["currency"] = "EUR"
    return {"key": key, "type": kind, "action": action, **fields}


def quote(given: dict[str, Any], *rules: dict[str, Any], **options: Any) -> Quote:
    return RuleSet(rules).quote(given, **options)


def column(found: Quote, name: str) -> list[int]:
    """A column over the lines."""
    return [row[name] for row in found.lines]


PAIR = cart(line("A", "10.00", 2), line("B", "33.33"), shipping="4.90")


def test_without_rules_everything_costs_what_it_costs() -> None:
    found = quote(PAIR)
    assert column(found, "total") == [2000, 3333]
    assert found.shipping is not None
    assert found.shipping["total"] == 490
    assert (found.totals["total"], found.totals["net"]) == (5823, 5823)
    assert found.as_dict()["minor_digits"] == 2


@pytest.mark.parametrize(
    ("action", "value", "level", "expected"),
    [
        # 10 % of 20.00 and of 33.33 is 2.00 and 3.333, together 5.333: rounded 5.33.
        ("PERCENTAGE_OFF", "10", "line", [200, 333]),
        ("PERCENTAGE_OFF", "10", "cart", [200, 333]),
        ("FIXED_AMOUNT", "3.00", "line", [300, 300]),
        # 10.00 over 20.00 and 33.33 is 3.75023 and 6.24977: the unit that is left goes to the larger remainder.
        ("FIXED_AMOUNT", "10.00", "cart", [375, 625]),
        ("FIXED_AMOUNT", "99.00", "cart", [2000, 3333]),
        ("PER_UNIT", "1.50", "line", [300, 150]),
        ("PER_UNIT", "1.50", "cart", [300, 150]),
        ("OVERRIDE", "8.00", "line", [400, 2533]),
        ("OVERRIDE", "12.00", "line", [0, 2133]),
    ],
)
def test_discounts(action: str, value: str, level: str, expected: list[int]) -> None:
    found = quote(PAIR, rule("r", "DISCOUNT", action, value, level=level))
    assert column(found, "discount") == expected
    assert found.totals["total"] == 5823 - sum(expected)


@pytest.mark.parametrize(
    ("action", "value", "level", "expected"),
    [
        ("PERCENTAGE", "10", "line", [200, 333]),
        ("FIXED_AMOUNT", "1.00", "cart", [38, 62]),
        ("OVERRIDE", "12.00", "line", [400, 0]),
        ("PER_UNIT", "0.10", "line", [20, 10]),
    ],
)
def test_surcharges(action: str, value: str, level: str, expected: list[int]) -> None:
    found = quote(PAIR, rule("r", "SURCHARGE", action, value, level=level))
    assert column(found, "surcharge") == expected
    assert found.totals["total"] == found.totals["net"] == 5823 + sum(expected)


def scale(mode: str, unit: str, *tiers: tuple[str, str], by: str = "quantity") -> dict[str, Any]:
    steps = [{"from": start, "value": value} for start, value in tiers]
    return {"type": "TIERED", "mode": mode, "unit": unit, "by": by, "tiers": steps, "currency": "EUR"}


@pytest.mark.parametrize(
    ("action", "level", "quantity", "expected"),
    [
        (scale("volume", "PERCENTAGE", ("5", "10"), ("10", "20")), "line", 4, 0),
        (scale("volume", "PERCENTAGE", ("5", "10"), ("10", "20")), "line", 5, 500),
        (scale("volume", "PERCENTAGE", ("5", "10"), ("10", "20")), "line", 10, 2000),
        # Of 12 units the 5th to the 9th at 10 %, the 10th to the 12th at 20 %: 5.00 and 6.00.
        (scale("graduated", "PERCENTAGE", ("5", "10"), ("10", "20")), "line", 12, 1100),
        (scale("graduated", "PER_UNIT", ("5", "1.00"), ("10", "2.00")), "cart", 12, 1100),
        (scale("volume", "PER_UNIT", ("5", "1.00"), ("10", "2.00")), "line", 12, 2400),
        (scale("volume", "FIXED_AMOUNT", ("5", "1.00"), ("10", "2.50")), "line", 12, 250),
        (scale("graduated", "FIXED_AMOUNT", ("5", "1.00"), ("10", "2.50")), "line", 12, 350),
        (scale("volume", "OVERRIDE", ("5", "9.00"), ("10", "8.00")), "line", 12, 2400),
        # Four units keep 10.00, five cost 9.00, three 8.00.
        (scale("graduated", "OVERRIDE", ("5", "9.00"), ("10", "8.00")), "line", 12, 1100),
        (scale("volume", "PERCENTAGE", ("50.00", "10"), by="amount"), "line", 5, 500),
        (scale("volume", "PERCENTAGE", ("50.01", "10"), by="amount"), "line", 5, 0),
        # 10 % of the 20.00 above 50.00 and 20 % of the 50.00 above 70.00.
        (scale("graduated", "PERCENTAGE", ("50.00", "10"), ("70.00", "20"), by="amount"), "line", 12, 1200),
    ],
)
def test_scales(action: dict[str, Any], level: str, quantity: int, expected: int) -> None:
    found = quote(cart(line("A", "10.00", quantity)), rule("r", "DISCOUNT", action, level=level))
    assert found.totals["discount"] == expected


def test_a_scale_on_the_cart_measures_all_lines_that_it_covers() -> None:
    given = cart(
        line("A", "10.00", 3, category="mugs"), line("B", "5.00", 2, category="mugs"), line("C", "90.00")
    )
    action = scale("volume", "PERCENTAGE", ("5", "10"))
    found = quote(given, rule("r", "DISCOUNT", action, level="cart", applies_to={"line.category": "mugs"}))
    assert column(found, "discount") == [300, 100, 0]


def buy(units: int, get: int, **fields: Any) -> dict[str, Any]:
    return {"type": "BUY_X_GET_Y", "buy": units, "get": get, **fields}


@pytest.mark.parametrize(
    ("action", "level", "expected"),
    [
        # A: 5 units at 10.00; B: 2 units at 4.00; C: 1 unit at 7.00.
        (buy(2, 1), "line", [1000, 0, 0]),
        (buy(1, 1), "line", [2000, 400, 0]),
        # 8 units make two rounds of three: the two cheapest are both B's.
        (buy(2, 1), "cart", [0, 800, 0]),
        (buy(1, 1, times=3), "cart", [0, 800, 700]),
        (buy(1, 1, percent="50"), "cart", [500, 400, 350]),
        (buy(8, 1), "cart", [0, 0, 0]),
    ],
)
def test_buy_some_and_get_the_cheapest(action: dict[str, Any], level: str, expected: list[int]) -> None:
    given = cart(line("A", "10.00", 5), line("B", "4.00", 2), line("C", "7.00"))
    assert column(quote(given, rule("r", "DISCOUNT", action, level=level)), "discount") == expected


def test_free_shipping_and_other_discounts_on_it() -> None:
    found = quote(PAIR, rule("r", "DISCOUNT", "FREE_SHIPPING", condition={"cart.total": {"$gte": 50}}))
    assert found.shipping is not None
    assert (found.shipping["discount"], found.totals["total"]) == (490, 5333)
    found = quote(PAIR, rule("r", "DISCOUNT", "PERCENTAGE_OFF", "50", level="shipping"))
    assert found.totals["discount"] == 245
    assert quote(cart(line("A", "1.00")), rule("r", "DISCOUNT", "FREE_SHIPPING")).applied == []


def test_the_steps_have_one_order_whatever_the_priorities() -> None:
    found = quote(
        cart(line("A", "100.00"), shipping="10.00"),
        rule("tax", "TAX", "PERCENTAGE", "20", priority=9),
        rule("commission", "COMMISSION", "PERCENTAGE", "10", priority=8),
        rule("buyer-fee", "FEE", "FIXED_AMOUNT", "1.00", charged_to="buyer"),
        rule("seller-fee", "FEE", "FIXED_AMOUNT", "2.00"),
        rule("surcharge", "SURCHARGE", "FIXED_AMOUNT", "5.00"),
        rule("cart", "DISCOUNT", "FIXED_AMOUNT", "10.00", level="cart", priority=7),
        rule("line", "DISCOUNT", "PERCENTAGE_OFF", "10"),
    )
    assert [step.rule.key for step in found.applied] == [
        "line",
        "cart",
        "buyer-fee",
        "surcharge",
        "tax",
        "commission",
        "seller-fee",
    ]
    row = found.lines[0]
    # 100.00 less 10 % less 10.00 is 80.00; 5.00 and 1.00 on it; 20 % tax of 86.00; 10 % commission of 85.00.
    assert (row["discount"], row["surcharge"], row["fee"], row["tax"]) == (2000, 500, 100, 1720)
    assert (row["total"], row["commission"], row["seller_fee"], row["net"]) == (10320, 850, 200, 7450)
    assert found.totals["total"] == 11320


def test_discounts_come_one_after_the_other_by_priority_and_after() -> None:
    percent = rule("a", "DISCOUNT", "PERCENTAGE_OFF", "10")
    amount = rule("b", "DISCOUNT", "FIXED_AMOUNT", "10.00")
    given = cart(line("A", "100.00"))
    assert quote(given, percent, amount).totals["discount"] == 2000
    assert quote(given, percent, {**amount, "priority": 1}).totals["discount"] == 1900
    assert quote(given, {**percent, "after": ["b"]}, amount).totals["discount"] == 1900


TAXED = cart(line("A", "100.00"), line("B", "0.10"))


def test_taxes_on_top_and_taxes_contained() -> None:
    found = quote(TAXED, rule("vat", "TAX", "PERCENTAGE", "19"))
    assert (column(found, "tax"), found.totals["total"]) == ([1900, 2], 11912)
    found = quote(TAXED, rule("vat", "TAX", {"type": "PERCENTAGE", "value": "19", "inclusive": True}))
    # 100.00 · 19/119 = 15.966…, and 0.10 · 19/119 = 0.0159…: together 15.982….
    assert (column(found, "tax_included"), found.totals["total"]) == ([1597, 1], 10010)


def test_a_compound_tax_is_on_the_taxes_before_it() -> None:
    gst = rule("gst", "TAX", "PERCENTAGE", "5", priority=1)
    pst = rule("pst", "TAX", {"type": "PERCENTAGE", "value": "10", "compound": True})
    found = quote(cart(line("A", "100.00")), gst, pst)
    assert [sum(step.amounts) for step in found.applied] == [500, 1050]
    # The other way round there is nothing before it.
    found = quote(cart(line("A", "100.00")), {**gst, "priority": -1}, pst)
    assert [sum(step.amounts) for step in found.applied] == [1000, 500]
    # Contained, compound: 115.50 = 100.00 · 1.05 · 1.10.
    inside = [{**one, "action": {**one["action"], "inclusive": True}} for one in (gst, pst)]
    found = quote(cart(line("A", "115.50")), *inside)
    assert [sum(step.amounts) for step in found.applied] == [500, 1050]


def test_a_tax_on_each_unit_goes_into_a_compound_one() -> None:
    deposit = rule("eco", "TAX", "PER_UNIT", "0.10", priority=1)
    vat = rule("vat", "TAX", {"type": "PERCENTAGE", "value": "20", "compound": True})
    found = quote(cart(line("A", "1.00", 10)), deposit, vat)
    assert [sum(step.amounts) for step in found.applied] == [100, 220]


def test_the_seller_is_charged_no_more_than_there_is() -> None:
    found = quote(
        cart(line("A", "3.00")),
        rule("a", "COMMISSION", "PERCENTAGE", "50", priority=1),
        rule("b", "FEE", "FIXED_AMOUNT", "2.00"),
    )
    row = found.lines[0]
    assert (row["commission"], row["seller_fee"], row["net"]) == (150, 150, 0)
    assert found.trace[-2]["cuts"] == [{"by": "nothing left", "line": "A", "from": 200, "to": 150}]


def test_who_pays_for_a_discount() -> None:
    given = cart(line("A", "1.00"), line("B", "1.01"), line("C", "1.00"))
    funding = {"platform": "33.3333", "seller": "66.6667"}
    found = quote(given, rule("r", "DISCOUNT", "PERCENTAGE_OFF", "10", funding=funding))
    assert column(found, "discount") == [10, 10, 10]
    # A third of each dime; of ten cents in all, the one left goes to the first of equals.
    assert column(found, "platform_funded") == [4, 3, 3]
    assert column(found, "seller_funded") == [6, 7, 7]
    assert column(found, "net") == [94, 94, 93]


def test_caps_and_floors() -> None:
    given = cart(line("A", "10.00", 2, minimum_price="9.00"), line("B", "30.00"))
    half = rule("r", "DISCOUNT", {"type": "PERCENTAGE_OFF", "value": "50", "currency": "EUR"})
    assert column(quote(given, half), "discount") == [200, 1500]
    assert column(quote(given, {**half, "floor": "20.00"}), "discount") == [0, 1000]
    assert column(quote(given, {**half, "caps": {"line": "12.00"}}), "discount") == [200, 1200]
    # 2.00 and 15.00 within 10.00: 1.1764… and 8.8235….
    assert column(quote(given, {**half, "caps": {"rule": "10.00"}}), "discount") == [118, 882]
    # What is cut is not said to be rounded.
    capped = quote(given, {**half, "caps": {"line": "12.00"}}).trace[1]
    assert capped["words"] == (
        "r (50 % off) takes off 14.00 EUR on lines A and B, on 50.00 EUR; the agreed minimum price holds on line A: "
        "10.00 EUR becomes 2.00 EUR; the rule's cap for a line holds on line B: 15.00 EUR becomes 12.00 EUR."
    )
    # Of a floor that is the agreed minimum, the minimum is what is named.
    (same,) = quote(given, {**half, "floor": "9.00"}).trace[1]["cuts"]
    assert same == {"by": "minimum price", "line": "A", "from": 1000, "to": 200}
    # A voucher for more than there is comes to what there is, exactly, and is not said to be cut.
    whole = quote(PAIR, rule("r", "DISCOUNT", "FIXED_AMOUNT", "99.00", level="cart")).trace[1]
    assert (whole["exact"], "cuts" in whole) == ("5333", False)
    first = rule("first", "DISCOUNT", "FIXED_AMOUNT", "1.00", priority=1)
    found = quote(given, first, {**half, "caps": {"cart": "5.00"}})
    assert found.totals["discount"] == 500
    assert [cut["by"] for cut in found.trace[-2]["cuts"]] == ["minimum price", "cart cap"]


def outcome(found: Quote) -> dict[str, list[str]]:
    """Rule → the lines on which it applied."""
    ids = [*found.cart.ids, "shipping"]
    return {step.rule.key: [ids[target] for target in step.targets] for step in found.applied}


def off(key: str, value: str, **fields: Any) -> dict[str, Any]:
    return rule(key, "DISCOUNT", "PERCENTAGE_OFF", value, **fields)


def test_of_a_group_the_highest_priority_applies_then_the_greatest_benefit_then_the_key() -> None:
    given = cart(line("A", "10.00"))
    in_group = {"stacking_group": "sale"}
    low, high = off("a", "50", **in_group), off("b", "5", priority=1, **in_group)
    assert outcome(quote(given, low, high)) == {"b": ["A"]}
    assert outcome(quote(given, low, {**high, "priority": 0})) == {"a": ["A"]}
    assert outcome(quote(given, off("b", "5", **in_group), off("a", "5", **in_group))) == {"a": ["A"]}
    assert outcome(quote(given, low, off("c", "1", stacking_group="other"), off("d", "1"))) == {
        "a": ["A"],
        "c": ["A"],
        "d": ["A"],
    }
    # Of charges the smallest is the benefit.
    charges = [
        rule(key, "COMMISSION", "PERCENTAGE", value, **in_group) for key, value in (("x", "9"), ("y", "0"))
    ]
    assert outcome(quote(given, *charges)) == {"y": ["A"]}


def test_a_group_is_decided_line_by_line() -> None:
    given = cart(line("A", "10.00", category="mugs"), line("B", "20.00"))
    found = quote(
        given,
        off("mugs", "20", stacking_group="sale", condition={"category": "mugs"}, priority=1),
        off("all", "10", stacking_group="sale", level="cart"),
    )
    assert outcome(found) == {"mugs": ["A"], "all": ["B"]}


def test_an_exclusive_rule_goes_with_nothing_of_its_type() -> None:
    given = cart(line("A", "10.00"), line("B", "10.00", sku="b"), shipping="1.00")
    tax = rule("tax", "TAX", "PERCENTAGE", "10")
    alone = off("alone", "5", stacking_group="EXCLUSIVE", condition={"sku": "b"}, priority=1)
    everything = off("all", "50", level="cart")
    shipping = rule("ship", "DISCOUNT", "FREE_SHIPPING")
    assert outcome(quote(given, tax, alone, everything, shipping)) == {
        "alone": ["B"],
        "all": ["A"],
        "ship": ["shipping"],
        "tax": ["A", "B"],
    }
    found = quote(given, tax, {**alone, "priority": -1}, everything)
    assert outcome(found) == {"all": ["A", "B"], "tax": ["A", "B"]}
    (lost,) = [step for step in found.trace if step.get("outcome") == "lost"]
    assert (lost["rule"], lost["reason"], lost["by"], lost["lines"]) == (
        "alone",
        "not alone",
        "all",
        [{"id": "B"}],
    )


def test_a_rule_that_excludes_another_comes_first() -> None:
    given = cart(line("A", "10.00", category="mugs"), line("B", "10.00"))
    found = quote(
        given,
        off("mugs", "5", excludes=["all"], condition={"category": "mugs"}),
        off("all", "50", priority=9),
    )
    assert outcome(found) == {"all": ["B"], "mugs": ["A"]}
    # At the same priority, too, where otherwise the greater benefit would come first; and one after the other.
    small, great = off("small", "5", excludes=["great"]), off("great", "50")
    assert outcome(quote(cart(line("A", "10.00")), great, small)) == {"small": ["A"]}
    great["excludes"] = ["greatest"]
    found = quote(cart(line("A", "10.00")), off("greatest", "90"), great, small)
    assert outcome(found) == {"greatest": ["A"], "small": ["A"]}
    (lost,) = [step for step in found.trace if step.get("outcome") == "lost"]
    assert (lost["rule"], lost["reason"], lost["by"]) == ("great", "excluded", "small")


def test_a_discount_of_nothing_shuts_nobody_out() -> None:
    given = cart(line("A", "10.00", 2))
    bundle = rule("bundle", "DISCOUNT", buy(2, 1), stacking_group="sale", priority=9)
    assert outcome(quote(given, bundle, off("sale", "5", stacking_group="sale"))) == {"sale": ["A"]}
    # A commission of nothing, however, is a commission.
    none = rule("new", "COMMISSION", "PERCENTAGE", "0", stacking_group="EXCLUSIVE", priority=9)
    found = quote(given, none, rule("all", "COMMISSION", "PERCENTAGE", "10"))
    assert found.totals["commission"] == 0


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"cart.total": 53.33}, True),
        ({"cart.total": {"$gt": 53.33}}, False),
        ({"cart.quantity": 3, "cart.lines": 2, "cart.currency": "EUR", "cart.shipping": 4.9}, True),
        ({"cart.skus": {"$in": ["S-1"]}}, True),
        ({"cart.categories": {"$size": 2}}, True),
        ({"line.unit_price": 10, "line.amount": 20, "line.quantity": 2}, True),
        ({"sku": "S-1", "region": "US"}, True),
        ({"buyer.tier": "gold", "seller.id": "s1"}, True),
        ({"seller.id": "s2"}, False),
        ({"coupons": {"$in": ["FIVE"]}}, True),
        # In an order of their own, whichever they were entered in.
        ({"coupons.0": "FIVE"}, True),
        # 18:30 in UTC is 03:30 on Saturday in Tokyo.
        ({"time.hour": 3, "time.weekday": 6, "time.date": "2026-11-28", "time.time": "03:30"}, True),
        ({"time.year": 2026, "time.month": 11, "time.day": 28, "time.minute": 30}, True),
    ],
)
def test_what_conditions_can_ask(condition: dict[str, Any], holds: bool) -> None:
    given = cart(
        line("A", "10.00", 2, sku="S-1", category="mugs"),
        line("B", "33.33", sku="S-2", category="cups", seller={"id": "s2"}),
        shipping="4.90",
        buyer={"tier": "gold"},
        seller={"id": "s1"},
        coupons=["TEN", "FIVE"],
        context={"region": "US"},
    )
    found = RuleSet([off("r", "10", condition=condition)], time_zone="Asia/Tokyo").quote(given)
    assert (found.lines[0]["discount"] > 0) is holds


def test_the_seller_of_a_line_is_its_own() -> None:
    given = cart(line("A", "1.00"), line("B", "1.00", seller={"id": "s2"}), seller={"id": "s1"})
    assert outcome(quote(given, off("r", "10", condition={"seller.id": "s2"}))) == {"r": ["B"]}


def test_a_rule_holds_from_its_start_and_no_more_at_its_end() -> None:
    spring = off("r", "10", start_time="2026-03-01T00:00:00+01:00", end_time="2026-04-01T00:00:00+02:00")
    rules = RuleSet([spring])
    for moment, expected in (
        ("2026-02-28T22:59:59Z", 0),
        ("2026-02-28T23:00:00Z", 100),
        ("2026-03-31T21:59:59Z", 100),
        ("2026-03-31T22:00:00Z", 0),
    ):
        assert rules.quote(cart(line("A", "10.00")), at=moment).totals["discount"] == expected


def test_currencies_without_and_with_three_decimals() -> None:
    yen = {"currency": "JPY", "lines": [line("A", 999), line("B", "1")], "shipping": 300}
    assert quote(yen, off("r", "33.3333")).totals["discount"] == 333
    dinar = {"currency": "KWD", "lines": [line("A", "1.005")]}
    assert quote(dinar, off("r", "10")).totals == quote(dinar, off("r", "10", level="cart")).totals
    assert quote(dinar).as_dict()["minor_digits"] == 3


def test_every_step_is_told() -> None:
    found = quote(
        cart(line("A", "0.05"), line("B", "0.05"), line("C", "0.05")),
        off("r", "50", condition={"line.quantity": 1}, funding={"platform": "50", "seller": "50"}),
    )
    step = found.trace[1]
    assert (step["base"], step["exact"], step["amount"]) == (15, "7.5", 8)
    assert [(one["id"], one["exact"], one["amount"]) for one in step["lines"]] == [
        ("A", "2.5", 3),
        ("B", "2.5", 3),
        ("C", "2.5", 2),
    ]
    assert step["words"] == (
        "r (50 % off) takes off 0.08 EUR on lines A, B and C, on 0.15 EUR; it holds since line quantity is 1; exactly "
        "7.5 minor units, rounded by largest remainder; the platform pays 50 % of it, 0.04 EUR."
    )


def test_what_does_not_add_up_is_never_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reckoning, "round_together", lambda exact, denominator: [10**6] * len(exact))
    with pytest.raises(InconsistentQuoteError):
        quote(PAIR, off("r", "10", funding={"platform": "50", "seller": "50"}))


def test_a_set_of_rules_in_an_unknown_place() -> None:
    with pytest.raises(InvalidInputError, match="not a time zone"):
        RuleSet([], time_zone="Mars/Olympus")
