"""Settlement sums, and the words for what differs."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mirakl.sharing import PATIENT

from entrepot.mirakl.marketplace_models import Order
from entrepot.mirakl.money.differing import Difference, Expected, differences_of, expected_of
from entrepot.mirakl.money.parts import (
    PART_OF,
    PARTS,
    PAYOUTS,
    ZERO,
    Settlement,
    Sum,
    account_lines,
    settlements,
)

TYPES = [*PART_OF, "PAYMENT", "SUBSCRIPTION_FEE", "A_TYPE_THAT_CAME_LATER"]
SUMS = st.lists(
    st.builds(
        Sum,
        order_id=st.sampled_from([None, "A", "B"]),
        currency=st.sampled_from(["CAD", "USD"]),
        type=st.sampled_from(TYPES),
        amount=st.decimals(-(10**6), 10**6, places=2, allow_nan=False),
        lines=st.integers(1, 3),
        paid=st.integers(0, 1),
    )
)


@PATIENT
@given(SUMS)
def test_settlements_lose_no_cent_and_mix_no_currencies(sums: list[Sum]) -> None:
    found, of_none = settlements(sums), account_lines(sums)
    for currency in ("CAD", "USD"):
        total = sum((one.amount for one in sums if one.currency == currency), ZERO)
        nets = sum((one.net for one in found if one.currency == currency), ZERO)
        rest = sum((one.net + one.paid_out for one in of_none if one.currency == currency), ZERO)
        assert nets + rest == total
    assert len({(one.order_id, one.currency) for one in found}) == len(found)
    for one in found:
        own = [line for line in sums if (line.order_id, line.currency) == (one.order_id, one.currency)]
        assert one.net == sum((line.amount for line in own), ZERO)
        assert one.lines == sum(line.lines for line in own)
        assert one.other == sum(one.other_types.values(), ZERO)
        for part in PARTS:
            expected = sum((line.amount for line in own if PART_OF.get(line.type, "other") == part), ZERO)
            assert getattr(one, part) == expected, part


@PATIENT
@given(SUMS, st.randoms())
def test_the_order_in_which_lines_come_changes_nothing(sums: list[Sum], random: Any) -> None:
    shuffled = list(sums)
    random.shuffle(shuffled)

    def by_name(found: list[Settlement]) -> list[Settlement]:
        return sorted(found, key=lambda one: (one.order_id, one.currency))

    assert by_name(settlements(shuffled)) == by_name(settlements(sums))


def test_a_payout_earns_nothing_and_a_fee_costs() -> None:
    (found,) = account_lines(
        [Sum(None, "CAD", "PAYMENT", Decimal("-80")), Sum(None, "CAD", "SUBSCRIPTION_FEE", Decimal("-20"))]
    )
    assert (found.paid_out, found.net) == (Decimal("-80"), Decimal("-20"))
    assert PAYOUTS.isdisjoint(PART_OF)


CENTS = st.decimals(0, 10_000, places=2, allow_nan=False)


@st.composite
def orders(draw: st.DrawFn, *, mode: str = "TAX_EXCLUDED") -> dict[str, Any]:
    """An order with lines, taxes, commissions and refunds, as the API gives it."""

    def taxes() -> list[dict[str, Any]]:
        return [{"code": "T", "amount": float(draw(CENTS))} for _ in range(draw(st.integers(0, 2)))]

    lines = []
    for number in range(draw(st.integers(1, 3))):
        fee, tax = draw(CENTS), draw(CENTS)
        refunds = [
            {
                "amount": float(draw(CENTS)),
                "shipping_amount": float(draw(CENTS)),
                "commission_amount": float(draw(CENTS)),
                "state": "REFUNDED",
                "taxes": taxes(),
                "shipping_taxes": taxes(),
            }
            for _ in range(draw(st.integers(0, 2)))
        ]
        lines.append(
            {
                "order_line_id": f"A-{number}",
                "order_line_state": "SHIPPED",
                "quantity": 1,
                "price": float(draw(CENTS)),
                "shipping_price": float(draw(CENTS)),
                "taxes": taxes(),
                "shipping_taxes": taxes(),
                "commission_fee": float(fee),
                "total_commission": float(fee + tax),
                "commission_taxes": [{"code": "T", "amount": float(tax)}],
                "refunds": refunds,
            }
        )
    return {
        "order_id": "A",
        "order_state": "SHIPPED",
        "order_tax_mode": mode,
        "created_date": "2026-03-01T12:00:00Z",
        "currency_iso_code": "CAD",
        "order_lines": lines,
    }


def booked(order: dict[str, Any]) -> list[Sum]:
    """The lines that a marketplace writes for an order, one by one."""
    found = []

    def write(kind: str, amount: float, sign: int = 1) -> None:
        found.append(Sum("A", "CAD", kind, sign * Decimal(str(amount))))

    for line in order["order_lines"]:
        write("ORDER_AMOUNT", line["price"])
        write("ORDER_SHIPPING_AMOUNT", line["shipping_price"])
        write("COMMISSION_FEE", line["commission_fee"], -1)
        for tax in line["commission_taxes"]:
            write("COMMISSION_VAT", tax["amount"], -1)
        apart = order["order_tax_mode"] != "TAX_INCLUDED"
        for tax in line["taxes"] if apart else []:
            write("ORDER_AMOUNT_TAX", tax["amount"])
            write("OPERATOR_REMITTED_ORDER_AMOUNT_TAX", tax["amount"], -1)
        for tax in line["shipping_taxes"] if apart else []:
            write("ORDER_SHIPPING_AMOUNT_TAX", tax["amount"])
        for refund in line["refunds"]:
            write("REFUND_ORDER_AMOUNT", refund["amount"], -1)
            write("REFUND_ORDER_SHIPPING_AMOUNT", refund["shipping_amount"], -1)
            write("REFUND_COMMISSION_FEE", refund["commission_amount"])
            for tax in refund["taxes"] + refund["shipping_taxes"] if apart else []:
                write("REFUND_ORDER_AMOUNT_TAX", tax["amount"], -1)
    return found


@PATIENT
@given(st.one_of(orders(), orders(mode="TAX_INCLUDED")))
def test_what_is_booked_as_ordered_does_not_differ(order: dict[str, Any]) -> None:
    expected = expected_of(Order.model_validate(order))
    assert differences_of("A", expected, settlements(booked(order))) == []


@PATIENT
@given(orders(), st.data())
def test_a_line_that_is_booked_wrong_is_found(order: dict[str, Any], data: st.DataObject) -> None:
    lines = booked(order)
    # What is remitted is not said by the order.
    meant = [n for n, line in enumerate(lines) if "REMITTED" not in line.type]
    which = data.draw(st.sampled_from(meant))
    change = data.draw(st.decimals(-100, 100, places=2, allow_nan=False).filter(bool))
    wrong = lines[which]
    lines[which] = replace(wrong, amount=wrong.amount + change)
    found = differences_of("A", expected_of(Order.model_validate(order)), settlements(lines))
    assert found
    assert sum((one.amount or ZERO for one in found), ZERO) == change
    assert all(one.currency == "CAD" and one.reason.endswith(".") for one in found)


def expected(**values: str) -> Expected:
    return Expected("CAD", **{name: Decimal(value) for name, value in values.items()})


def settled(currency: str = "CAD", **values: str) -> Settlement:
    parts: dict[str, Any] = {name: Decimal(value) for name, value in values.items()}
    return Settlement("A", currency, lines=1, **parts)


@pytest.mark.parametrize(
    ("wanted", "given_", "codes"),
    [
        (expected(goods="10"), settled(price="9", shipping="1"), []),
        (expected(goods="10"), settled(price="20"), ["goods_twice"]),
        (expected(goods="10"), settled(price="9"), ["goods_less_than_ordered"]),
        (expected(goods="10"), settled(price="11"), ["goods_more_than_ordered"]),
        (expected(goods="10", taxes="1"), settled(price="10"), ["taxes_missing"]),
        (expected(goods="10"), settled(price="10", taxes="1"), ["taxes_unexpected"]),
        (expected(goods="10", commission="-1"), settled(price="10", commission="-2"), ["commission_twice"]),
        (expected(goods="10"), settled(price="10", refunds="-4"), ["goods_refund_unexpected"]),
        (expected(goods="10", refunded_goods="-4"), settled(price="10"), ["goods_refund_missing"]),
        (
            expected(goods="10", refunded_goods="-4"),
            settled(price="10", refunds="-5"),
            ["goods_refund_differs"],
        ),
        # Booked another way, and the same in the end.
        (expected(goods="10", refunded_goods="-4"), settled(price="6"), []),
        # What the marketplace pays to the state for the seller changes nothing of what the order says.
        (expected(goods="10", taxes="1"), settled(price="10", taxes="1", remitted_taxes="-1"), []),
        (expected(goods="10"), settled("USD", price="10"), ["other_currency"]),
    ],
)
def test_what_differs_has_a_name(wanted: Expected, given_: Settlement, codes: list[str]) -> None:
    assert [one.code for one in differences_of("A", wanted, [given_])] == codes


def test_a_difference_says_how_much_and_for_whom() -> None:
    (found,) = differences_of("A", expected(goods="10.00"), [settled(price="9.50")])
    assert found == Difference(
        "A",
        "CAD",
        "goods_less_than_ordered",
        "The order says 10.00 of goods, the logs 9.50: 0.50 less for the seller.",
        Decimal("10.00"),
        Decimal("9.50"),
    )
    assert found.amount == Decimal("-0.50")


def test_a_commission_that_the_order_does_not_say_is_not_compared() -> None:
    wanted = Expected("CAD", goods=Decimal(10), commission=None, commission_tax=None)
    assert differences_of("A", wanted, [settled(price="10", commission="-3", commission_tax="-1")]) == []


def test_an_order_without_a_line_is_missed_once_it_should_have_come() -> None:
    assert differences_of("A", expected(goods="10"), []) == []
    assert [one.code for one in differences_of("A", expected(goods="10"), [], overdue=True)] == [
        "not_in_logs"
    ]
    assert differences_of("A", expected(), [], overdue=True) == []


def test_lines_of_an_order_that_nobody_knows_are_told() -> None:
    assert [one.code for one in differences_of("A", None, [settled(price="1")])] == ["unknown_order"]
    assert differences_of("A", None, []) == []


def test_types_that_are_not_known_are_counted_and_told() -> None:
    (one,) = settlements([Sum("A", "CAD", "A_NEW_TYPE", Decimal("3.10"))])
    assert (one.other, one.net) == (Decimal("3.10"), Decimal("3.10"))
    (found,) = differences_of("A", expected(), [one])
    assert (found.code, found.found) == ("unknown_type", Decimal("3.10"))
    assert "A_NEW_TYPE" in found.reason


def test_what_was_called_off_brings_nothing() -> None:
    order = {
        "order_id": "A",
        "order_state": "SHIPPED",
        "created_date": "2026-03-01T12:00:00Z",
        "currency_iso_code": "CAD",
        "order_lines": [
            {"order_line_id": "1", "quantity": 1, "price": 10.1, "order_line_state": "SHIPPED"},
            {"order_line_id": "2", "quantity": 1, "price": 7, "order_line_state": "CANCELED"},
        ],
    }
    assert expected_of(Order.model_validate(order)).goods == Decimal("10.1")
    assert expected_of(Order.model_validate({**order, "order_state": "CANCELED"})).goods == 0
