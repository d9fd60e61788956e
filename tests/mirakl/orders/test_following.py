"""Where the marketplace's state of an order leads ours."""

from itertools import product

import pytest

from entrepot.mirakl.orders.following import MEANS, statuses_to_follow
from entrepot.mirakl.values import ENDS, FIRST_STATUSES, MIRAKL_STATES, STATUSES, TRANSITIONS


@pytest.mark.parametrize(
    ("state", "way"),
    [
        ("STAGING", ()),
        ("WAITING_ACCEPTANCE", ("pending_acceptance",)),
        ("WAITING_DEBIT", ("accepted",)),
        ("WAITING_DEBIT_PAYMENT", ("accepted",)),
        ("SHIPPING", ("accepted",)),
        ("SHIPPED", ("shipped",)),
        ("TO_COLLECT", ("shipped",)),
        ("RECEIVED", ("shipped", "delivered")),
        ("CLOSED", ("closed",)),
        ("REFUSED", ("refused",)),
        ("CANCELED", ("cancelled",)),
        ("CANCELLED", ()),
        ("SOMETHING_NEW", ()),
    ],
)
def test_an_order_may_come_at_any_state(state: str, way: tuple[str, ...]) -> None:
    assert statuses_to_follow(state, None) == way


def test_every_way_is_legal_and_ends_where_the_marketplace_says() -> None:
    for state, status in product((*MIRAKL_STATES, "NEW"), (None, *STATUSES)):
        before = status
        way = statuses_to_follow(state, status)
        for step in way:
            assert step in (FIRST_STATUSES if before is None else TRANSITIONS[before])
            before = step
        if way:
            assert way[-1] == MEANS[state]


def test_a_cancellation_is_followed_from_everywhere_but_an_end() -> None:
    for status in STATUSES:
        expected = () if status in ENDS else ("cancelled",)
        assert statuses_to_follow("CANCELED", status) == expected, status


def test_an_order_is_never_led_back() -> None:
    for status in ("accepted", "ready_to_ship", "label_created", "tracking_sent", "shipped", "delivered"):
        assert statuses_to_follow("WAITING_ACCEPTANCE", status) == ()
        assert statuses_to_follow("SHIPPING", status) == ()
    assert statuses_to_follow("SHIPPED", "delivered") == ()


@pytest.mark.parametrize(
    ("state", "status", "way"),
    [
        ("SHIPPING", "waiting_for_person", ("accepted",)),
        ("WAITING_DEBIT", "refusing", ("accepted",)),
        ("REFUSED", "accepting", ("refused",)),
        ("SHIPPED", "pending_acceptance", ("accepted", "ready_to_ship", "shipped")),
        ("SHIPPED", "label_created", ("shipped",)),
        ("RECEIVED", "shipping_failed", ("shipped", "delivered")),
        ("CLOSED", "delivered", ("closed",)),
        ("CLOSED", "tracking_failed", ("shipped", "closed")),
    ],
)
def test_what_was_done_elsewhere_is_caught_up_with(state: str, status: str, way: tuple[str, ...]) -> None:
    assert statuses_to_follow(state, status) == way
