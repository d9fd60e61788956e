"""Invented orders: the same for a seed, plausible, and bad only where that is asked for."""

import re
from datetime import timedelta
from itertools import islice

import pytest
from tests.sandbox.mirakl.conftest import NOW, SKUS

from entrepot.mirakl.values import MIRAKL_STATES
from entrepot.sandbox.mirakl.generating import HARD, Mix, invent, price_of
from entrepot.sandbox.mirakl.state import MiraklState

POSTAL_CODE = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z]\d[ABCEGHJ-NPRSTV-Z]\d")


def test_a_seed_gives_the_same_orders_however_many_are_asked_for() -> None:
    many = list(invent(50, SKUS, now=NOW, seed=7, mix=HARD))
    assert list(islice(invent(500, SKUS, now=NOW, seed=7, mix=HARD), 50)) == many
    assert list(invent(10, SKUS, now=NOW, seed=7, mix=HARD, first=41)) == many[40:]
    assert list(invent(50, SKUS, now=NOW, seed=8, mix=HARD)) != many


def test_an_order_adds_up_and_can_be_sent_somewhere() -> None:
    for order, plan in invent(300, SKUS, now=NOW, mix=Mix(several_lines=0.5, several_pieces=0.5)):
        lines = order["order_lines"]
        assert {line["offer_sku"] for line in lines} <= set(SKUS)
        assert order["price"] == round(sum(line["price"] for line in lines), 2)
        assert order["total_price"] == round(order["price"] + order["shipping_price"], 2)
        assert order["total_commission"] == round(sum(line["total_commission"] for line in lines), 2)
        for line in lines:
            assert line["price"] == round(line["price_unit"] * line["quantity"], 2)
            assert line["price_unit"] * 100 == price_of(SKUS.index(line["offer_sku"]))
        address = order["customer"]["shipping_address"]
        assert POSTAL_CODE.fullmatch(address["zip_code"].replace(" ", "").upper())
        assert address["street_1"]
        assert order["customer_notification_email"].endswith("@example.com")
        assert re.fullmatch(r"\+1 555 01\d\d", address["phone"])
        assert plan.cancel_after is None
        assert not plan.payment_refused
        assert plan.unheard_of is None


@pytest.mark.parametrize(
    "fault",
    ["no_lines", "no_postal_code", "no_address", "unmapped_sku", "unknown_fields", "unknown_state",
     "cancelled_early", "cancelled_late", "payment_refused", "refunded"],
)  # fmt: skip
def test_each_fault_comes_as_often_as_it_is_asked_for(fault: str) -> None:
    def faulty(share: float) -> int:
        mix = Mix(**{fault: share})
        return sum(_has(fault, order, plan) for order, plan in invent(200, SKUS, now=NOW, mix=mix))

    assert faulty(0.0) == 0
    assert 20 < faulty(0.25) < 80
    assert faulty(1.0) == 200


def _has(fault: str, order: dict, plan: object) -> bool:  # type: ignore[type-arg]
    address = order["customer"]["shipping_address"]
    return {
        "no_lines": not order["order_lines"],
        "no_postal_code": address is not None and not address["zip_code"],
        "no_address": address is None,
        "unmapped_sku": any(line["offer_sku"] not in SKUS for line in order["order_lines"]),
        "unknown_fields": "carbon_footprint" in order,
        "unknown_state": getattr(plan, "unheard_of", None) not in (None, *MIRAKL_STATES),
        "cancelled_early": (getattr(plan, "cancel_after", None) or timedelta(days=9)) <= timedelta(hours=4),
        "cancelled_late": (getattr(plan, "cancel_after", None) or timedelta()) > timedelta(hours=4),
        "payment_refused": bool(getattr(plan, "payment_refused", False)),
        "refunded": getattr(plan, "refund_after", None) is not None,
    }[fault]


def test_there_is_nothing_to_order_without_skus() -> None:
    with pytest.raises(ValueError, match="SKUs"):
        list(invent(1, (), now=NOW))


def test_every_invented_order_ends_where_an_order_may_end() -> None:
    """Nobody ships anything here: what is not canceled or refused waits to be shipped, or for a state unheard of."""
    state = MiraklState.fresh(clock=NOW)
    for placed in state.add_orders(400, SKUS, mix=HARD):
        answers = {line["order_line_id"]: True for line in placed.order["order_lines"]}
        if answers and placed.state == "WAITING_ACCEPTANCE":
            state.orders.accept(placed.order["order_id"], answers)
    state.advance(timedelta(days=60))
    assert set(state.by_state()) == {"SHIPPING", "CANCELED", "REFUSED", "WAITING_CUSTOMS"}
