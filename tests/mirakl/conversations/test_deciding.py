"""Whether a customer gets an automatic reply: decided from values, every reason told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from entrepot.kit.rules import compile_condition
from entrepot.mirakl.conversations.deciding import Decision, Facts, Spoken, decide
from entrepot.mirakl.conversations.hours import Hours
from entrepot.mirakl.conversations.settings import SCHEMA, ReplySettings

#: A Monday, ten in the morning in Toronto; the customer wrote then.
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
WROTE = Spoken("customer", "received", "received", MONDAY)
REPLIED = Spoken("technician", "auto_reply", "sent", MONDAY + timedelta(hours=4), 1)
FACTS = Facts(
    conversation_id=UUID(int=1),
    thread_id="T",
    subject="Where is it?",
    customer="Maple",
    order_id="A-1",
    status="unread",
    is_off=False,
    opted_out=False,
    messages=(WROTE,),
    texts={1: "Hello {{customer.firstname}}", 2: "Call us about {{order.id}}"},
    values={"customer.firstname": "Maple", "order.id": "A-1"},
    context={"order": {"total_price": 50}},
)


def decided(facts: Facts, *, hours_later: float = 4, settings: ReplySettings | None = None) -> Decision:
    settings = settings or ReplySettings()
    condition = compile_condition(settings.condition, SCHEMA)
    zone = Hours(ZoneInfo("America/Toronto"))
    return decide(facts, settings, zone, condition, MONDAY + timedelta(hours=hours_later))


def test_after_four_hours_the_first_template_is_sent() -> None:
    found = decided(FACTS)
    assert (found.template_number, found.body, found.is_due) == (1, "Hello Maple", True)
    assert found.due_at == MONDAY + timedelta(hours=4)


def test_before_that_it_says_when() -> None:
    found = decided(FACTS, hours_later=1)
    assert (found.template_number, found.is_due, found.due_at) == (1, False, MONDAY + timedelta(hours=4))
    assert "4 hours have not passed" in found.why


def test_a_second_message_gets_the_second_template() -> None:
    again = replace(WROTE, at=MONDAY + timedelta(hours=20))
    found = decided(replace(FACTS, messages=(WROTE, REPLIED, again)), hours_later=24)
    assert (found.template_number, found.body, found.is_due) == (2, "Call us about A-1", True)


def test_one_that_was_withdrawn_does_not_count() -> None:
    withdrawn = replace(REPLIED, sending="withdrawn")
    assert decided(replace(FACTS, messages=(WROTE, withdrawn))).template_number == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "read"}, "the conversation is read, so somebody has seen to it"),
        ({"status": "archived"}, "the conversation is archived, so somebody has seen to it"),
        ({"is_off": True}, "automatic replies are off in this conversation"),
        ({"opted_out": True}, "the customer wants no automatic replies"),
        ({"customer": None}, "there is no customer in the thread"),
        ({"messages": ()}, "the customer has written nothing"),
        (
            {"messages": (WROTE, Spoken("technician", "manual", "pending", MONDAY))},
            "a person has answered",
        ),
        ({"messages": (WROTE, REPLIED)}, "the customer has not written since the last automatic reply"),
        (
            {"messages": (REPLIED, REPLIED, replace(WROTE, at=MONDAY + timedelta(hours=9)))},
            "2 automatic replies were sent, and 2 are the most",
        ),
        ({"texts": {}}, "there is no active template 1"),
        ({"values": {}}, "template 1 needs customer.firstname, which is not known here"),
    ],
)
def test_what_speaks_against_it_is_told_and_nothing_is_sent(changes: dict[str, object], why: str) -> None:
    found = decided(replace(FACTS, **changes), hours_later=24)  # type: ignore[arg-type]
    assert why in found.why
    assert (found.template_number, found.body, found.due_at, found.is_due) == (None, None, None, False)


def test_everything_that_speaks_against_it_is_told() -> None:
    settings = ReplySettings(condition={"order.total_price": {"$gte": 100}}, at_most=0)
    found = decided(replace(FACTS, status="read"), settings=settings)
    assert len(found.why) == 3


def test_an_old_message_is_not_answered_by_rule() -> None:
    assert decided(FACTS, hours_later=71.9).template_number == 1
    found = decided(FACTS, hours_later=72.1)
    assert (found.template_number, found.why) == (None, ("the last message is older than 72 hours",))
