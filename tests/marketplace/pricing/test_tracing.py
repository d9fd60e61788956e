"""What each step of a quote says, word for word."""

from typing import Any

import pytest

from entrepot.marketplace.pricing.rulesets import RuleSet

Rule = dict[str, Any]
RATES = [{"from": "USD", "to": "EUR", "rate": "0.92", "date": "2026-11-01", "source": "ECB"}]


def line(key: str, price: str = "10.00", **more: Any) -> dict[str, Any]:
    return {"id": key, "quantity": 1, "unit_price": price, **more}


def cart(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"currency": "EUR", "lines": [*lines], **more}


def off(key: str, percent: str, **more: Any) -> Rule:
    action = {"type": "PERCENTAGE_OFF", "value": percent, "currency": "EUR" if "caps" in more else None}
    return {"key": key, "type": "DISCOUNT", "action": action, **more}


def fixed(key: str, kind: str, amount: str, currency: str = "EUR", **more: Any) -> Rule:
    return {
        "key": key,
        "type": kind,
        "action": {"type": "FIXED_AMOUNT", "value": amount, "currency": currency},
        **more,
    }


def percent(key: str, kind: str, value: str, **more: Any) -> Rule:
    return {"key": key, "type": kind, "action": {"type": "PERCENTAGE", "value": value, **more}}


ONE = cart(line("a"))
TWO = cart(line("a"), line("b"))
SHIPPED = cart(line("a"), line("b"), shipping="4.90")
SAME = "has the same priority, and then the greater benefit or the first key"
ALONE = "goes with nothing else of its type"
LATER = "comes first, since what comes to nothing or can be excluded comes later"


@pytest.mark.parametrize(
    ("rules", "given", "said"),
    [
        ([], ONE, ["1 line comes to 10.00 EUR.", "The buyer pays 10.00 EUR, 0.00 EUR of it tax; the seller gets 10.00 EUR."]),
        ([], SHIPPED, ["2 lines come to 20.00 EUR, the shipping to 4.90 EUR.", "The buyer pays 24.90 EUR, 0.00 EUR of it tax; the seller gets 24.90 EUR."]),
        ([percent("VAT", "TAX", "19", inclusive=True)], cart(line("a", "11.90")), ["The buyer pays 11.90 EUR, 1.90 EUR of it tax; the seller gets 11.90 EUR."]),
        ([], cart(line("a", "0.05")), ["1 line comes to 0.05 EUR."]),
        ([], {**cart(line("a", "1200")), "currency": "JPY"}, ["1 line comes to 1200 JPY."]),
        ([], {**cart(line("a", "1.005")), "currency": "KWD"}, ["1 line comes to 1.005 KWD."]),
        # Where.
        ([off("TEN", "10")], TWO, ["TEN (10 % off) takes off 2.00 EUR on lines a and b, on 20.00 EUR."]),
        ([off("TEN", "10")], cart(*map(line, "abcde")), ["TEN (10 % off) takes off 5.00 EUR on lines a, b, c, d and e, on 50.00 EUR."]),
        ([off("TEN", "10")], cart(*map(line, "abcdef")), ["TEN (10 % off) takes off 6.00 EUR on 6 lines, on 60.00 EUR."]),
        (
            [{"key": "FREE", "type": "DISCOUNT", "action": {"type": "FREE_SHIPPING"}}],
            SHIPPED,
            ["FREE (free shipping) takes off 4.90 EUR on the shipping, on 4.90 EUR."],
        ),
        # Why, and how exactly.
        (
            [off("TEN", "12.5", condition={"line.sku": "A"})],
            cart(line("a", "0.99", sku="A")),
            ["TEN (12.5 % off) takes off 0.12 EUR on line a, on 0.99 EUR; it holds since line sku is A; exactly 12.375 minor units, rounded by largest remainder."],
        ),
        # What.
        ([percent("VAT", "TAX", "19", inclusive=True)], cart(line("a", "11.90")), ["VAT (19 % contained in the price) finds contained 1.90 EUR on line a, on 11.90 EUR."]),
        ([percent("ECO", "TAX", "1")], ONE, ["ECO (1 %) adds 0.10 EUR on line a, on 10.00 EUR."]),
        ([fixed("SUR", "SURCHARGE", "1")], ONE, ["SUR (1.00 EUR) adds 1.00 EUR on line a, on 10.00 EUR."]),
        ([percent("COM", "COMMISSION", "10")], ONE, ["COM (10 %) charges the seller 1.00 EUR on line a, on 10.00 EUR."]),
        ([fixed("LIST", "FEE", "0.30", charged_to="seller")], ONE, ["LIST (0.30 EUR) charges the seller 0.30 EUR on line a, on 10.00 EUR."]),
        ([fixed("GIFT", "FEE", "0.30", charged_to="buyer")], ONE, ["GIFT (0.30 EUR) adds 0.30 EUR on line a, on 10.00 EUR."]),
        ([off("A", "10", funding={"platform": "25", "seller": "75"})], ONE, ["A (10 % off) takes off 1.00 EUR on line a, on 10.00 EUR; the platform pays 25 % of it, 0.25 EUR."]),
        (
            [fixed("A", "DISCOUNT", "1.00", "USD")],
            ONE,
            ["A (1.00 USD off) takes off 0.92 EUR on line a, on 10.00 EUR; its amounts are in USD, of which one is 0.92 EUR (ECB, 2026-11-01T00:00:00Z)."],
        ),
        # What cut it.
        ([fixed("A", "DISCOUNT", "15")], ONE, ["A (15.00 EUR off) takes off 10.00 EUR on line a, on 10.00 EUR; nothing goes below zero on line a: 15.00 EUR becomes 10.00 EUR."]),
        (
            [off("A", "50")],
            cart(line("a", minimum_price="8.00")),
            ["A (50 % off) takes off 2.00 EUR on line a, on 10.00 EUR; the agreed minimum price holds on line a: 5.00 EUR becomes 2.00 EUR."],
        ),
        ([fixed("A", "DISCOUNT", "5", floor="7.00")], ONE, ["A (5.00 EUR off) takes off 3.00 EUR on line a, on 10.00 EUR; the rule's floor holds on line a: 5.00 EUR becomes 3.00 EUR."]),
        (
            [off("A", "50", caps={"line": "3.00", "rule": "5.00"})],
            TWO,
            [
                "A (50 % off) takes off 5.00 EUR on lines a and b, on 20.00 EUR; the rule's cap for a line holds on line a: 5.00 EUR becomes 3.00 EUR; the rule's cap for a line holds on line b: 5.00 EUR becomes 3.00 EUR; the rule's cap holds: 6.00 EUR becomes 5.00 EUR."
            ],
        ),
        ([off("A", "50", caps={"cart": "4.00"})], ONE, ["A (50 % off) takes off 4.00 EUR on line a, on 10.00 EUR; the cap for the cart holds: 5.00 EUR becomes 4.00 EUR."]),
        ([fixed("COM", "COMMISSION", "12")], ONE, ["COM (12.00 EUR) charges the seller 10.00 EUR on line a, on 10.00 EUR; no more is left on line a: 12.00 EUR becomes 10.00 EUR."]),
        # Who lost, told before what applied.
        ([off("A", "20", excludes=["B"], priority=2), off("B", "10")], ONE, ["B does not apply on line a: A excludes it.", "A (20 % off) takes off 2.00 EUR on line a, on 10.00 EUR."]),
        ([off("A", "20", stacking_group="EXCLUSIVE", priority=2), off("B", "10")], TWO, [f"B does not apply on lines a and b: A has the higher priority and {ALONE}."]),
        ([off("A", "20", stacking_group="EXCLUSIVE"), off("B", "10")], ONE, [f"B does not apply on line a: A {SAME} and {ALONE}."]),
        ([off("A", "20", stacking_group="EXCLUSIVE"), off("B", "10", priority=3)], ONE, [f"A does not apply on line a: it {ALONE}, and B has the higher priority."]),
        ([off("A", "20", stacking_group="sale"), off("B", "10", stacking_group="sale")], ONE, [f"B does not apply on line a: of the group 'sale' one applies, and A {SAME}."]),
        ([off("A", "20", stacking_group="sale"), off("B", "10", stacking_group="sale", priority=1)], ONE, ["A does not apply on line a: of the group 'sale' one applies, and B has the higher priority."]),
        ([off("A", "0", stacking_group="sale", priority=5), off("B", "10", stacking_group="sale")], ONE, [f"A does not apply on line a: of the group 'sale' one applies, and B {LATER}."]),
        (
            [
                {"key": "FREE", "type": "DISCOUNT", "action": {"type": "FREE_SHIPPING"}, "stacking_group": "sale"},
                {**fixed("LESS", "DISCOUNT", "9"), "level": "shipping", "stacking_group": "gifts"},
                {**fixed("MORE", "DISCOUNT", "2"), "level": "shipping", "stacking_group": "sale"},
            ],
            SHIPPED,
            [
                f"MORE does not apply on the shipping: of the group 'sale' one applies, and FREE {SAME}.",
                "LESS (9.00 EUR off) takes off 0.00 EUR on the shipping, on 0.00 EUR; nothing goes below zero on the shipping: 9.00 EUR becomes 0.00 EUR.",
            ],
        ),
        ([off("A", "0", stacking_group="sale")], ONE, ["A does not apply on line a: it comes to nothing there."]),
    ],
)  # fmt: skip
def test_a_step_says(rules: list[Rule], given: dict[str, Any], said: list[str]) -> None:
    words = [step["words"] for step in RuleSet(rules).quote(given, rates=RATES).trace]
    assert [one for one in words if one in said] == said, words


def test_steps_stand_in_the_order_of_reckoning_and_losers_in_that_of_their_rules() -> None:
    rules = [
        percent("COM", "COMMISSION", "10"),
        percent("VAT", "TAX", "19"),
        fixed("SUR", "SURCHARGE", "1"),
        off("CART", "10", level="cart"),
        off("LINE", "10", stacking_group="sale", priority=3),
        off("LATE", "5", stacking_group="sale", priority=1),
        off("EARLY", "5", stacking_group="sale", priority=2),
    ]
    found = RuleSet(rules).quote(ONE).trace
    assert [(step["rule"], step["outcome"]) for step in found[1:-1]] == [
        ("EARLY", "lost"),
        ("LATE", "lost"),
        ("LINE", "applied"),
        ("CART", "applied"),
        ("SUR", "applied"),
        ("VAT", "applied"),
        ("COM", "applied"),
    ]


def test_a_discount_of_nothing_says_so_and_money_of_the_platform_is_told_line_by_line() -> None:
    [_, nothing, _] = RuleSet([off("A", "0")]).quote(ONE).trace
    assert (nothing["outcome"], nothing["funding"]) == ("no effect", {"platform": 0, "seller": 0})
    [_, shared, _] = RuleSet([off("A", "10", funding={"platform": "25", "seller": "75"})]).quote(TWO).trace
    assert (shared["outcome"], shared["funding"]) == ("applied", {"platform": 50, "seller": 150})
    assert [one["platform"] for one in shared["lines"]] == [25, 25]
    [_, own, _] = RuleSet([off("A", "10")]).quote(TWO).trace
    assert own["funding"] == {"platform": 0, "seller": 200}
    assert all("platform" not in one for one in own["lines"])
