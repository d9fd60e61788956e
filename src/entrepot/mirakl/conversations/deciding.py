"""Whether a customer gets an automatic reply, which, and when: decided from values alone, with every reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from entrepot.kit.rules import Condition
from entrepot.mirakl.conversations import templates
from entrepot.mirakl.conversations.hours import Hours
from entrepot.mirakl.conversations.settings import ReplySettings


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of a conversation, as far as it decides anything."""

    sender_type: str
    message_type: str
    sending: str
    at: datetime
    template_number: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A conversation as it is decided upon; messages oldest first; `texts`: template number → text to fill in."""

    conversation_id: UUID
    thread_id: str
    subject: str | None
    customer: str | None
    order_id: str | None
    status: str
    is_off: bool
    opted_out: bool
    messages: Sequence[Spoken]
    texts: Mapping[int, str]
    values: Mapping[str, str | None]
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What would be sent, to whom, when, and why; `template_number` None: nothing.

    `is_due`: it is sent now. `due_at` None: not while things stay as they are.
    """

    conversation_id: UUID
    thread_id: str
    subject: str | None
    customer: str | None
    order_id: str | None
    template_number: int | None
    body: str | None
    due_at: datetime | None
    is_due: bool
    why: tuple[str, ...]


def decide(
    facts: Facts, settings: ReplySettings, hours: Hours, condition: Condition, now: datetime
) -> Decision:
    """Whether an automatic reply goes out, by everything that speaks for and against it."""
    against = [reason for reason in (_never(facts), _condition(facts, condition)) if reason is not None]
    received = [one for one in facts.messages if one.sender_type == "customer"]
    automatic = [
        one
        for one in facts.messages
        if one.message_type == "auto_reply" and one.sending not in ("withdrawn", "failed")
    ]
    number = len(automatic) + 1
    if not received:
        against.append("the customer has written nothing")
    if len(automatic) >= settings.at_most:
        against.append(f"{len(automatic)} automatic replies were sent, and {settings.at_most} are the most")
    elif automatic and received and received[-1].at <= automatic[-1].at:
        against.append("the customer has not written since the last automatic reply")
    body = None
    if not against:
        body, reason = _text(facts, number)
        if reason is not None:
            against.append(reason)
    if against or body is None:
        return _decision(facts, None, None, None, False, against)
    return _when(facts, settings, hours, now, number, body, received[-1].at)


def _when(
    facts: Facts,
    settings: ReplySettings,
    hours: Hours,
    now: datetime,
    number: int,
    body: str,
    last: datetime,
) -> Decision:
    if now > last + timedelta(hours=settings.not_after_hours):
        reason = f"the last message is older than {settings.not_after_hours:g} hours"
        return _decision(facts, None, None, None, False, [reason])
    waited = last + timedelta(hours=settings.after_hours)
    due = hours.next_open(max(waited, now))
    why = [f"template {number}", f"the customer waits since {last:%Y-%m-%d %H:%M} UTC"]
    if due is None:
        return _decision(facts, None, None, None, False, ["there are no hours of business"])
    if now < waited:
        why.append(f"{settings.after_hours:g} hours have not passed")
    elif due > now:
        why.append("business is closed")
    return _decision(facts, number, body, due, due <= now, why)


def _never(facts: Facts) -> str | None:
    """What stands against any automatic reply in a conversation."""
    person = any(
        one.sender_type == "technician" and one.message_type == "manual" and one.sending != "withdrawn"
        for one in facts.messages
    )
    if person:
        return "a person has answered"
    if facts.opted_out:
        return "the customer wants no automatic replies"
    if facts.is_off:
        return "automatic replies are off in this conversation"
    if facts.customer is None:
        return "there is no customer in the thread"
    if facts.status != "unread":
        return f"the conversation is {facts.status}, so somebody has seen to it"
    return None


def _condition(facts: Facts, condition: Condition) -> str | None:
    if condition.matches(dict(facts.context)):
        return None
    return f"the condition does not hold: {condition.words()}"


def _text(facts: Facts, number: int) -> tuple[str | None, str | None]:
    text = facts.texts.get(number)
    if text is None:
        return None, f"there is no active template {number}"
    try:
        return templates.render(text, facts.values), None
    except templates.MissingValueError as missing:
        return None, f"template {number} needs {missing}, which is not known here"


def _decision(
    facts: Facts,
    number: int | None,
    body: str | None,
    due_at: datetime | None,
    is_due: bool,
    why: Sequence[str],
) -> Decision:
    return Decision(
        facts.conversation_id,
        facts.thread_id,
        facts.subject,
        facts.customer,
        facts.order_id,
        number,
        body,
        due_at,
        is_due,
        tuple(why),
    )


def asks_for_no_replies(body: str, words: Sequence[str]) -> bool:
    """Whether a line of a message is one of the words that end automatic replies, in any case, with any punctuation.

    "Please stop the shipment" is not: the word stands in a sentence.
    """
    wanted = {_bare(word) for word in words}
    return any(_bare(line) in wanted for line in body.splitlines() if _bare(line))


def _bare(text: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in text).split()).casefold()
