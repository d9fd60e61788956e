"""Each rule of the simulation finds what breaks it, and nothing in books that are in order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.mirakl.simulating.books import (
    Books,
    ComponentHere,
    Entry,
    FailureHere,
    LabelThere,
    LineHere,
    MessageHere,
    MessageThere,
    Movement,
    OrderHere,
    OrderThere,
    Parcel,
)
from entrepot.mirakl.simulating.invariants import RULES, duplicated_labels, states, violations

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHIPPED = (
    "pending_acceptance",
    "accepting",
    "accepted",
    "ready_to_ship",
    "label_created",
    "tracking_sent",
    "shipped",
)


def at(hours: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=hours)


def history(*statuses: str) -> tuple[Entry, ...]:
    """A history of these statuses."""
    befores = (None, *statuses)
    return tuple(
        Entry(step=number, status=status, previous=before)
        for number, (status, before) in enumerate(zip(statuses, befores, strict=False), start=1)
    )


def order(order_id: str, state: str, *statuses: str, **values: Any) -> OrderHere:
    """An order of two laptops of one memory module each."""
    line = LineHere(line_id=f"{order_id}-1", needs={"RAM": 2})
    return OrderHere(
        order_id=order_id, mirakl_state=state, history=history(*statuses), lines=(line,), **values
    )


#: One order delivered, one refused, one cancelled after its label was bought; a customer answered.
RIGHT = Books(
    orders=(
        order("A", "CLOSED", *SHIPPED, "delivered", "closed"),
        order("B", "REFUSED", "pending_acceptance", "refusing", "refused"),
        order("C", "CANCELED", *SHIPPED[:5], "cancelled"),
    ),
    parcels=(
        Parcel(
            order_id="A",
            number=1,
            state="labelled",
            reference="A.1",
            external_id="s1",
            pin="P1",
            has_label=True,
        ),
        Parcel(
            order_id="C", number=1, state="void", reference="C.1", external_id="s2", pin="P2", has_label=True
        ),
    ),
    components=(
        ComponentHere(
            name="RAM",
            on_hand=8,
            reserved=0,
            movements=(
                Movement(on_hand=10),
                Movement(reserved=2, line_id="A-1"),
                Movement(reserved=2, line_id="C-1"),
                Movement(on_hand=-2, reserved=-2, line_id="A-1"),
                Movement(reserved=-2, line_id="C-1"),
            ),
        ),
    ),
    messages=(
        MessageHere(thread="t", kind="received", sending="received", external_id="m1", body="Where is it?"),
        MessageHere(
            thread="t", kind="auto_reply", sending="sent", external_id="m2", template=1, body="Soon."
        ),
    ),
    orders_there=(
        OrderThere(
            order_id="A",
            states=(
                (at(0), "WAITING_ACCEPTANCE"),
                (at(1), "SHIPPING"),
                (at(2), "SHIPPED"),
                (at(9), "CLOSED"),
            ),
            accepts=1,
            ships=1,
            tracking="P1",
        ),
        OrderThere(order_id="B", states=((at(0), "WAITING_ACCEPTANCE"), (at(1), "REFUSED")), accepts=1),
        OrderThere(
            order_id="C",
            states=((at(0), "WAITING_ACCEPTANCE"), (at(1), "SHIPPING"), (at(3), "CANCELED")),
            accepts=1,
        ),
    ),
    labels_there=(
        LabelThere(external_id="s1", reference="A.1", pin="P1", bought_at=at(1.5)),
        LabelThere(external_id="s2", reference="C.1", pin="P2", bought_at=at(2), state="void"),
    ),
    messages_there=(
        MessageThere(external_id="m1", thread="t", is_ours=False, body="Where is it?"),
        MessageThere(external_id="m2", thread="t", is_ours=True, body="Soon."),
    ),
)


def changed(name: str, place: int, **values: Any) -> Books:
    """The right books with one row changed."""
    rows = list(getattr(RIGHT, name))
    rows[place] = replace(rows[place], **values)
    together: Any = {name: tuple(rows)}
    return replace(RIGHT, **together)


def more(name: str, *rows: Any) -> Books:
    """The right books with more rows."""
    together: Any = {name: getattr(RIGHT, name) + rows}
    return replace(RIGHT, **together)


def without(name: str, place: int) -> Books:
    """The right books without a row."""
    rows = getattr(RIGHT, name)
    together: Any = {name: rows[:place] + rows[place + 1 :]}
    return replace(RIGHT, **together)


LABEL, RAM = RIGHT.labels_there[0], RIGHT.components[0]
TWIN = replace(LABEL, external_id="s9", pin="P9")
STATES = RIGHT.orders_there[0].states

PLANTED: list[tuple[str, Books]] = [
    ("no label is bought twice", more("labels_there", TWIN)),
    ("no label is bought twice", more("labels_there", replace(TWIN, state="void"))),
    ("no label is bought twice", more("labels_there", replace(TWIN, reference="stranger"))),
    (
        "no label is bought twice",
        replace(
            more("labels_there", replace(TWIN, reference="A.2")),
            parcels=(*RIGHT.parcels, replace(RIGHT.parcels[0], reference="A.2", pin="P9", external_id="s9")),
        ),
    ),
    ("no label is missing", without("labels_there", 0)),
    ("no label is missing", without("parcels", 0)),
    ("no label is missing", changed("parcels", 0, has_label=False)),
    ("no label is missing", changed("parcels", 0, pin="P7")),
    ("no label is missing", changed("labels_there", 0, state="void")),
    ("no label is missing", changed("orders_there", 1, ships=1)),
    ("nothing is shipped before its time", changed("labels_there", 0, bought_at=at(0.5))),
    ("nothing is shipped before its time", changed("orders_there", 0, ships=2)),
    (
        "nothing is shipped before its time",
        changed("orders_there", 0, states=(STATES[0], STATES[2], STATES[3])),
    ),
    ("answers are given once", changed("orders_there", 1, accepts=2)),
    ("a cancelled order has no live label", changed("labels_there", 1, state="live")),
    ("stock is never negative", changed("components", 0, on_hand=-1)),
    ("stock is never negative", changed("components", 0, reserved=9)),
    ("stock is never negative", changed("components", 0, movements=RAM.movements[1:])),
    ("stock equals its ledger", changed("components", 0, on_hand=7)),
    ("stock equals its ledger", changed("components", 0, reserved=1)),
    ("stock equals its ledger", changed("components", 0, movements=(*RAM.movements, Movement(on_hand=1)))),
    (
        "an order takes what it is built of",
        changed("components", 0, movements=(*RAM.movements, Movement(on_hand=-2, line_id="A-1"))),
    ),
    ("an order takes what it is built of", changed("components", 0, movements=RAM.movements[:4])),
    ("an order takes what it is built of", changed("components", 0, movements=RAM.movements[:3])),
    (
        "an order takes what it is built of",
        changed("components", 0, movements=(*RAM.movements, Movement(on_hand=-1, line_id="B-1"))),
    ),
    (
        "every message is sent once",
        more("messages_there", replace(RIGHT.messages_there[1], external_id="m3")),
    ),
    ("every message is sent once", without("messages_there", 1)),
    ("every message is sent once", more("messages", RIGHT.messages[1])),
    ("no message is left", changed("messages", 1, sending="unknown", external_id=None)),
    ("no message is left", without("messages", 0)),
    ("no message is left", more("messages", RIGHT.messages[0])),
    (
        "automatic replies are few",
        more(
            "messages",
            replace(RIGHT.messages[1], external_id="m3"),
            replace(RIGHT.messages[1], external_id="m4"),
        ),
    ),
    ("no order is forgotten", without("orders", 1)),
    ("no order is forgotten", changed("orders", 1, mirakl_state="WAITING_ACCEPTANCE")),
    ("no order is forgotten", changed("orders_there", 0, tracking="P2")),
    ("every step is legal", changed("orders", 1, history=history("pending_acceptance", "shipped"))),
    ("every step is legal", changed("orders", 1, history=history("delivered"))),
    (
        "every step is legal",
        changed("orders", 1, history=RIGHT.orders[1].history[:1] + RIGHT.orders[1].history[2:]),
    ),
    ("every order is cared for", changed("orders", 1, history=history("pending_acceptance"))),
    ("every order is cared for", changed("orders", 1, history=())),
    ("every order ends", changed("orders", 1, history=history("pending_acceptance"), is_due=True)),
    ("every order ends", changed("orders", 1, history=history("pending_acceptance", "waiting_for_person"))),
    (
        "the inbox is empty",
        more("failures", FailureHere(failure_id="f", process_name="BuyLabel", related_id="A")),
    ),
]


def test_books_in_order_break_no_rule() -> None:
    assert violations(RIGHT) == []
    assert duplicated_labels(RIGHT) == 0
    assert states(RIGHT.orders) == {"cancelled": 1, "closed": 1, "refused": 1}


@pytest.mark.parametrize(
    ("name", "books"), PLANTED, ids=[f"{number} {name}" for number, (name, _) in enumerate(PLANTED)]
)
def test_what_breaks_a_rule_is_found(name: str, books: Books) -> None:
    assert name in {found.rule for found in violations(books)}


def test_every_rule_is_broken_by_one_of_them() -> None:
    assert {name for name, _ in PLANTED} == set(RULES)


def test_a_label_bought_beside_another_is_counted() -> None:
    assert duplicated_labels(more("labels_there", TWIN)) == 1
    assert duplicated_labels(more("labels_there", TWIN, replace(TWIN, external_id="s10", state="void"))) == 2


def test_what_waits_in_the_inbox_is_cared_for_until_the_end() -> None:
    stuck = changed("orders", 1, history=history("pending_acceptance", "accepting", "acceptance_failed"))
    failure = FailureHere(failure_id="f", process_name="AcceptOrder", related_id="B", order_id="B")
    told = replace(stuck, failures=(failure,))
    assert {found.rule for found in violations(stuck, at_the_end=False)} == {"every order is cared for"}
    assert violations(told, at_the_end=False) == []
    assert {found.rule for found in violations(told)} == {"every order ends", "the inbox is empty"}


def test_a_parcel_on_its_way_is_followed() -> None:
    sent = changed("orders", 0, history=history(*SHIPPED))
    assert {found.rule for found in violations(sent, at_the_end=False)} == {"every order is cared for"}
    followed = replace(sent, parcels=(replace(RIGHT.parcels[0], is_followed=True), *RIGHT.parcels[1:]))
    assert violations(followed, at_the_end=False) == []


def test_a_label_that_was_given_up_is_no_violation() -> None:
    lost = changed("labels_there", 1, state="live")
    assert violations(replace(lost, written_off=frozenset({"C.1"}))) == []


def test_a_person_who_decides_is_waited_for() -> None:
    asked = changed("orders", 1, history=history("pending_acceptance", "waiting_for_person"))
    assert violations(asked, at_the_end=False) == []
