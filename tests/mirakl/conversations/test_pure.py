"""What is decided by values alone: hours of business, texts with variables, threads as they are told."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.mirakl.conversations import templates
from entrepot.mirakl.conversations.hours import Hours
from entrepot.mirakl.conversations.threads import (
    UnreadableThreadError,
    read_thread,
    same_text,
    sender_of,
)

TORONTO = ZoneInfo("America/Toronto")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TORONTO)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-02 10:00", "2026-03-02 10:00"),
        ("2026-03-02 08:59", "2026-03-02 09:00"),
        ("2026-03-02 17:00", "2026-03-03 09:00"),
        ("2026-03-06 17:01", "2026-03-09 09:00"),
        ("2026-03-07 12:00", "2026-03-09 09:00"),
        ("2026-12-24 18:00", "2026-12-28 09:00"),
    ],
)
def test_business_opens_next(at: str, opens: str) -> None:
    hours = Hours(TORONTO, closed_on=[date(2026, 12, 25)])
    assert hours.next_open(local(at)) == local(opens)
    assert hours.is_open(local(at)) == (at == opens)


def test_over_a_change_of_the_clock_business_opens_at_its_local_hour() -> None:
    hours = Hours(TORONTO, days=("sun",))
    # On 8 March 2026 the clock goes ahead: nine o'clock is one hour of UTC earlier than a week before.
    assert hours.next_open(datetime(2026, 3, 8, 0, tzinfo=UTC)) == datetime(2026, 3, 8, 13, tzinfo=UTC)
    assert hours.next_open(datetime(2026, 3, 1, 0, tzinfo=UTC)) == datetime(2026, 3, 1, 14, tzinfo=UTC)


def test_business_until_midnight_is_open_to_the_end_of_the_day() -> None:
    hours = Hours(TORONTO, time(0), time(0), ("mon",))
    assert hours.is_open(local("2026-03-02 00:00"))
    assert hours.is_open(local("2026-03-02 23:59"))
    assert hours.next_open(local("2026-03-03 00:00")) == local("2026-03-09 00:00")


def test_business_without_days_never_opens() -> None:
    assert Hours(TORONTO, days=()).next_open(local("2026-03-02 10:00")) is None


@settings(deadline=None)
@given(st.integers(0, 2 * 365 * 24 * 60))
def test_the_next_opening_is_open_and_nothing_before_it_is(minutes: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    hours = Hours(TORONTO, time(9, 30), time(16), ("mon", "wed", "sat"))
    found = hours.next_open(at)
    assert found is not None
    assert found >= at
    assert hours.is_open(found)
    step = (found - at) / 20
    assert not any(hours.is_open(at + step * n) for n in range(20)) or found == at
    assert found - at <= timedelta(days=4)


def test_variables_are_filled_in_or_stood_in_for() -> None:
    body = "Hello {{ customer.firstname | there }}, about {{order.id}}."
    assert templates.check(body) == ("customer.firstname", "order.id")
    values = {"order.id": "A-1", "customer.firstname": None}
    assert templates.render(body, values) == "Hello  there , about A-1."
    assert templates.render(body, values | {"customer.firstname": "Maple"}) == "Hello Maple, about A-1."
    with pytest.raises(templates.MissingValueError, match=r"order\.id"):
        templates.render(body, {})


def test_what_a_customer_is_called_is_not_read_as_a_variable() -> None:
    values = {"customer.firstname": "{{order.id}}", "order.id": "A-1"}
    assert templates.render("Hello {{customer.firstname}}", values) == "Hello {{order.id}}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "empty"),
        ("x" * 5_001, "5,001 characters"),
        ("{{order.nr}}", "no variable 'order.nr'. Did you mean order.id"),
        ("{{zzz}}", "There are customer.firstname"),
        ("Hello {{order.id}", "braces that are no variable, near 'Hello {{order.id}'"),
        ("Hello order.id}}", "braces that are no variable"),
        ("{{order id}}", "braces that are no variable"),
        ("a\0", "NUL"),
    ],
)
def test_a_text_that_cannot_be_filled_in_is_refused_when_it_is_saved(body: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        templates.check(body)


@pytest.mark.parametrize(
    ("kind", "sender"),
    [
        ("CUSTOMER_USER", "customer"),
        ("CUSTOMER", "customer"),
        ("SHOP_USER", "technician"),
        ("OPERATOR_USER", "operator"),
        ("SYSTEM", "system"),
        ("SOMEBODY_NEW", "system"),
        (None, "system"),
    ],
)
def test_senders_are_told_apart_and_the_unknown_are_no_customers(kind: str | None, sender: str) -> None:
    assert sender_of(kind) == sender


def test_texts_are_the_same_whatever_a_marketplace_does_to_spaces_and_escapes() -> None:
    assert same_text("a  b\r\nc &amp; d ", "a b c & d")
    assert not same_text("a b", "a c")


@pytest.mark.parametrize(
    "thread",
    [
        {},
        {"id": 7},
        {"id": "T", "messages": [{"body": "x", "date_created": "2026-03-02T15:00:00Z"}]},
        {"id": "T", "messages": [{"id": "M", "body": 3, "date_created": "2026-03-02T15:00:00Z"}]},
        {"id": "T", "messages": [{"id": "M", "body": "x"}]},
        {"id": "T", "date_updated": "soon"},
    ],
)
def test_a_thread_that_is_not_as_documented_says_what_is_wrong(thread: dict[str, object]) -> None:
    with pytest.raises(UnreadableThreadError):
        read_thread(thread)


def test_a_thread_with_unknown_fields_and_nobody_in_it_is_read() -> None:
    found = read_thread(
        {"id": "T", "new": {"x": 1}, "messages": None, "entities": [{"type": "OFFER", "id": 3}]}
    )
    assert (found.customer, found.order_id, found.messages) == (None, None, [])
    assert found.raw["new"] == {"x": 1}
