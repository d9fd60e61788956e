"""Whatever is asked of the marketplace, in whatever order: no order leaves its way, and the account adds up."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from tests.sandbox.mirakl.conftest import NOW, SKUS

from entrepot.sandbox.mirakl.generating import HARD
from entrepot.sandbox.mirakl.orders import Pace, Placed
from entrepot.sandbox.mirakl.state import MiraklState
from entrepot.sandbox.operating import Refusal

NEXT: dict[str, set[str]] = {
    "WAITING_ACCEPTANCE": {"WAITING_DEBIT", "REFUSED", "CANCELED"},
    "WAITING_DEBIT": {"WAITING_DEBIT_PAYMENT", "CANCELED"},
    "WAITING_DEBIT_PAYMENT": {"SHIPPING", "CANCELED", "WAITING_CUSTOMS"},
    "SHIPPING": {"SHIPPED", "CANCELED"},
    "SHIPPED": {"RECEIVED"},
    "RECEIVED": {"CLOSED"},
    "CLOSED": set(),
    "REFUSED": set(),
    "CANCELED": set(),
    "WAITING_CUSTOMS": set(),
}


@pytest.mark.parametrize("seed", range(5))
def test_no_order_leaves_its_way(seed: int) -> None:
    random = Random(seed)
    state = MiraklState.fresh(clock=NOW, pace=Pace(debit_asked=timedelta(minutes=20)))
    state.add_orders(60, SKUS, seed=seed, mix=replace(HARD, refunded=0.2))
    placed = list(state.orders.all())
    for _ in range(1500):
        one = random.choice(placed)
        order_id = one.order["order_id"]
        asked: Callable[[], object] = random.choice(
            (
                lambda one=one: _answer(state, one, random),
                lambda order_id=order_id: state.orders.ship(order_id),
                lambda order_id=order_id: state.orders.track(order_id, {"carrier_code": "CPCL"}),
                lambda order_id=order_id: _cancel_now_and_then(state, order_id, random),
                lambda: state.advance(timedelta(minutes=random.choice((0, 1, 30)))),
            )
        )
        with suppress(Refusal):
            asked()
    state.advance(timedelta(days=60))
    assert {"CLOSED", "CANCELED"} <= set(state.by_state()) <= set(NEXT)
    for one in placed:
        entered = [name for _, name in one.states]
        assert all(after in NEXT[before] for before, after in itertools.pairwise(entered)), entered
        moments = [at for at, _ in one.states]
        assert moments == sorted(moments)
        assert one.ships <= 1
        assert one.accepts <= 1
        entries = state.ledger.page({}, (), (), one.order["order_id"])
        total = round(sum(line["amount"] for line in entries), 2)
        if one.state in ("CANCELED", "REFUSED"):
            assert total == 0
        if one.state == "CLOSED" and one.plan.refund_after is not None:
            assert total == 0
        elif one.state == "CLOSED":
            assert total > 0
            assert {line["payment_state"] for line in entries if line["type"] == "ORDER_AMOUNT"} == {
                "PAYABLE"
            }
    assert round(state.ledger.balance / 100, 2) == round(
        sum(line["amount"] for line in state.ledger.lines), 2
    )


def _answer(state: MiraklState, one: Placed, random: Random) -> None:
    answers = {line["order_line_id"]: random.random() < 0.9 for line in one.order["order_lines"]}
    state.orders.accept(one.order["order_id"], answers)


def _cancel_now_and_then(state: MiraklState, order_id: str, random: Random) -> None:
    if random.random() < 0.03:
        state.orders.cancel(order_id)
