"""Threads as Mirakl's inbox tells them (M10, M11), read into what we keep of them."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: First word of a sender's type → who that is to us. Whoever is not known is nobody who waits for an answer.
SENDERS = {"CUSTOMER": "customer", "OPERATOR": "operator", "SHOP": "technician"}


class UnreadableThreadError(ValueError):
    """A thread, or a message in it, that is not as the API documents it."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a thread."""

    message_id: str
    sender_type: str
    sender_id: str | None
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Party:
    """Who takes part in a thread."""

    type: str
    id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread; messages oldest first."""

    thread_id: str
    subject: str | None
    order_id: str | None
    customer: Party | None
    participants: Sequence[Mapping[str, Any]]
    updated_at: datetime | None
    messages: Sequence[Said]
    #: The thread as it came, without its messages.
    raw: Mapping[str, Any]


def read_thread(given: Mapping[str, Any]) -> Thread:
    """A thread of M10 or M11; raises UnreadableThreadError, which says what is wrong where."""
    thread_id = given.get("id")
    if not isinstance(thread_id, str) or not thread_id or len(thread_id) > 255:
        raise UnreadableThreadError(f"The thread's id is {thread_id!r}.")
    parties = [
        one
        for name in ("authorized_participants", "current_participants")
        for one in _objects(given.get(name))
    ]
    messages = [_said(one, place) for place, one in enumerate(_objects(given.get("messages")), start=1)]
    messages.sort(key=lambda one: one.at)
    topic = given.get("topic")
    orders = [
        one for one in _objects(given.get("entities")) if one.get("type") in (None, "MMP_ORDER", "ORDER")
    ]
    participants = list({(str(one.get("type")), str(one.get("id"))): one for one in parties}.values())
    return Thread(
        thread_id=thread_id,
        subject=_text(topic.get("value")) if isinstance(topic, Mapping) else None,
        order_id=_text(orders[0].get("id")) if orders else None,
        customer=_customer(participants, given),
        participants=participants,
        updated_at=_moment(given["date_updated"], "date_updated") if given.get("date_updated") else None,
        messages=messages,
        raw={name: value for name, value in given.items() if name != "messages"},
    )


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same but for the spaces and escapes that a marketplace may change."""
    return _plain(one) == _plain(other)


def sender_of(kind: object) -> str:
    """Who a type of sender is: CUSTOMER_USER a customer, SHOP_USER ourselves, OPERATOR_USER the marketplace."""
    return SENDERS.get(str(kind or "").partition("_")[0].upper(), "system")


def _said(given: Mapping[str, Any], place: int) -> Said:
    message_id, body = given.get("id"), given.get("body")
    if not isinstance(message_id, str) or not message_id or len(message_id) > 255:
        raise UnreadableThreadError(f"The id of message {place} is {message_id!r}.")
    if body is not None and not isinstance(body, str):
        raise UnreadableThreadError(f"The body of message {place} ({message_id}) is no text.")
    sender = given.get("from")
    sender = sender if isinstance(sender, Mapping) else {}
    details = sender.get("organization_details")
    details = details if isinstance(details, Mapping) else {}
    return Said(
        message_id,
        sender_of(sender.get("type") or details.get("type")),
        _text(details.get("id") or sender.get("id")),
        # PostgreSQL cannot hold a NUL.
        (body or "").replace("\0", "\N{SYMBOL FOR NULL}"),
        _moment(given.get("date_created"), f"date_created of message {place} ({message_id})"),
    )


def _customer(participants: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> Party | None:
    for one in participants:
        if sender_of(one.get("type")) == "customer" and one.get("id"):
            return Party("CUSTOMER", str(one["id"])[:255], str(one.get("display_name") or ""))
    # A thread whose customer may not be written to any more still says who wrote.
    for message in _objects(given.get("messages")):
        sender = message.get("from")
        details = sender.get("organization_details") if isinstance(sender, Mapping) else None
        if (
            isinstance(details, Mapping)
            and sender_of(details.get("type")) == "customer"
            and details.get("id")
        ):
            return Party("CUSTOMER", str(details["id"])[:255], str(details.get("display_name") or ""))
    return None


def _objects(given: object) -> list[Mapping[str, Any]]:
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def _text(given: object) -> str | None:
    return str(given)[:255].replace("\0", "\N{SYMBOL FOR NULL}") if given not in (None, "") else None


def _moment(given: object, what: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError as error:
        raise UnreadableThreadError(f"The {what} is {given!r}, which is no time.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _plain(text: str) -> str:
    return " ".join(html.unescape(text).split())
