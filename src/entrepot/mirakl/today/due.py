"""What is due, when, and the one thing that somebody has to do about it: decided by looking at values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

#: What is due within this time is urgent.
SOON = timedelta(hours=4)

Urgency = Literal["late", "soon", "later", "open"]
Way = Literal["order", "failures", "packing", "conversation"]


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody has to do: its words, where it is done, and whether it waits for a person at all."""

    title: str
    way: Way
    needs_person: bool = True


#: Status of an order → what is to be done with it. A program does what needs no person.
DEEDS: dict[str, Deed] = {
    "pending_acceptance": Deed("Is being decided by rule", "order", needs_person=False),
    "waiting_for_person": Deed("Accept or refuse", "order"),
    "accepting": Deed("Acceptance is being confirmed", "order", needs_person=False),
    "refusing": Deed("Refusal is being confirmed", "order", needs_person=False),
    "acceptance_failed": Deed("See why it failed", "failures"),
    "accepted": Deed("Waits for the payment", "order", needs_person=False),
    "ready_to_ship": Deed("Label is being bought", "order", needs_person=False),
    "shipping_failed": Deed("See why it failed", "failures"),
    "label_created": Deed("Pack", "packing"),
    "tracking_sent": Deed("Shipping is being confirmed", "order", needs_person=False),
    "tracking_failed": Deed("See why it failed", "failures"),
    "shipment_cancelled": Deed("Have a new label bought", "order"),
    "refund_requested": Deed("Refund is being settled", "order", needs_person=False),
}
PACKED = Deed("Hand over to the carrier", "order", needs_person=False)
UNKNOWN = Deed("Look at it", "order")
ANSWER = Deed("Answer", "conversation")
#: A customer waits until the reply is sent; whoever has written it does not.
ANSWERED = Deed("Reply is being sent", "conversation", needs_person=False)


def deed_of(order: Mapping[Any, Any]) -> Deed:
    """What is to be done with an order now."""
    if order["status"] == "label_created" and order["packed_at"] is not None:
        return PACKED
    return DEEDS.get(order["status"], UNKNOWN)


def answer_of(conversation: Mapping[Any, Any]) -> Deed:
    """What is to be done with a conversation in which a customer waits."""
    return ANSWERED if conversation["is_answered"] else ANSWER


def urgency_of(deadline: datetime | None, at: datetime) -> Urgency:
    """How urgent a deadline is; one that is not known is "open"."""
    if deadline is None:
        return "open"
    if deadline < at:
        return "late"
    return "soon" if deadline - at <= SOON else "later"


def left_until(deadline: datetime | None, at: datetime) -> str:
    """How much time is left, or by how much it is too late, in words: "in 3 h 20 min", "2 days late"."""
    if deadline is None:
        return "no deadline"
    seconds = (deadline - at).total_seconds()
    words = _span(abs(seconds))
    return f"in {words}" if seconds >= 0 else f"{words} late"


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    if days < 3 and hours:
        return f"{days} d {hours} h"
    return f"{days} days" if days != 1 else "1 day"
