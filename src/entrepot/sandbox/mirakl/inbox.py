"""Threads and messages between customers, the operator and the shop (M10, M11, M12)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from entrepot.kit.clock import Clock
from entrepot.sandbox.mirakl.orders import OrderBook
from entrepot.sandbox.moving import told
from entrepot.sandbox.operating import Refusal

#: Messages that M11 shows of a thread, the latest.
SHOWN = 100
#: Messages that a thread takes (M12).
MOST = 1_000
TYPES = ("CUSTOMER", "OPERATOR", "SHOP")


@dataclass(slots=True)
class Thread:
    """A conversation about an order."""

    thread_id: str
    order_id: str
    topic: Mapping[str, str]
    customer: Mapping[str, str]
    created: datetime
    updated: datetime
    number: int
    messages: list[dict[str, Any]] = field(default_factory=list)
    waiting_since: datetime | None = None


class Inbox:
    """The shop's threads."""

    def __init__(
        self, clock: Clock, orders: OrderBook, *, shop_id: int, shop_name: str, operator: str
    ) -> None:
        self._clock = clock
        self._orders = orders
        self._shop = {"display_name": shop_name, "id": str(shop_id), "type": "SHOP"}
        self._operator = {"display_name": operator, "type": "OPERATOR"}
        self._threads: dict[str, Thread] = {}
        self._of_order: dict[str, Thread] = {}
        self._messages = 0
        #: What the shop sent, in order: thread, message and to whom.
        self.sent: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._threads)

    def receive(
        self,
        order_id: str,
        body: str,
        *,
        topic: str = "Question about my order",
        sender: str = "CUSTOMER",
        thread_id: str | None = None,
    ) -> Thread:
        """A customer or the operator writes about an order, in the order's thread or in a new one."""
        order = self._orders.get(order_id).order
        if sender not in TYPES:
            raise Refusal(400, f"A sender is {', '.join(TYPES)}, not {sender}.")
        thread = self._threads.get(thread_id) if thread_id else self._of_order.get(order_id)
        if thread is None:
            thread = self._begin(order_id, order, topic, thread_id)
        party = {"CUSTOMER": thread.customer, "OPERATOR": self._operator, "SHOP": self._shop}[sender]
        recipients = [self._shop] if sender != "SHOP" else [thread.customer]
        self._write(thread, party, recipients, body, [])
        if sender == "CUSTOMER":
            order["has_customer_message"] = True
        if sender != "SHOP" and thread.waiting_since is None:
            thread.waiting_since = thread.updated
        return thread

    def reply(
        self,
        thread_id: str,
        body: str,
        to: Sequence[Mapping[str, Any]],
        *,
        topic: Mapping[str, str] | None = None,
        attachments: Iterable[tuple[str, int]] = (),
    ) -> str:
        """M12: the shop writes in a thread; the message's identifier."""
        thread = self.get(thread_id)
        if len(thread.messages) >= MOST:
            raise Refusal(400, f"Thread [{thread_id}] has {MOST} messages already.")
        known = {"CUSTOMER": thread.customer, "OPERATOR": self._operator}
        recipients = []
        for one in to:
            party = known.get(str(one.get("type")))
            if party is None or ("id" in party and one.get("id") not in (None, party["id"])):
                raise Refusal(400, f"{dict(one)} is not a participant of thread [{thread_id}] to write to.")
            recipients.append(party)
        if topic:
            thread.topic = dict(topic)
        message = self._write(thread, self._shop, recipients, body, attachments)
        thread.waiting_since = None
        self.sent.append(
            {
                "thread_id": thread_id,
                "order_id": thread.order_id,
                "message_id": message["id"],
                "body": body,
                "to": [one["type"] for one in recipients],
                "at": message["date_created"],
            }
        )
        return str(message["id"])

    def get(self, thread_id: str) -> Thread:
        """A thread; Refusal 404 where there is none."""
        thread = self._threads.get(thread_id)
        if thread is None:
            raise Refusal(404, f"Thread with identifier [{thread_id}] not found.")
        return thread

    def find(
        self, *, since: datetime | None = None, entity_type: str | None = None, order_ids: Iterable[str] = ()
    ) -> list[Thread]:
        """Threads, the latest changed first."""
        wanted = set(order_ids)
        found = [
            thread
            for thread in self._threads.values()
            if (since is None or thread.updated >= since)
            and (not wanted or thread.order_id in wanted)
            and entity_type in (None, "MMP_ORDER")
        ]
        return sorted(found, key=lambda thread: (thread.updated, thread.number), reverse=True)

    def shown(self, thread: Thread, *, with_messages: bool) -> dict[str, Any]:
        """A thread as M10 and M11 show it."""
        last = thread.messages[-1] if thread.messages else None
        found: dict[str, Any] = {
            "id": thread.thread_id,
            "topic": dict(thread.topic),
            "entities": [{"id": thread.order_id, "label": thread.order_id, "type": "MMP_ORDER"}],
            "authorized_participants": [dict(thread.customer), dict(self._operator), dict(self._shop)],
            "current_participants": [dict(thread.customer), dict(self._shop)],
            "date_created": told(thread.created),
            "date_updated": told(thread.updated),
            "metadata": {
                "last_message_date": last["date_created"] if last else None,
                "last_sender": last["from"] if last else None,
                "shop_reply_needed_since": told(thread.waiting_since) if thread.waiting_since else None,
                "total_count": len(thread.messages),
            },
        }
        if with_messages:
            found["messages"] = thread.messages[-SHOWN:]
        return found

    def _begin(self, order_id: str, order: Mapping[str, Any], topic: str, thread_id: str | None) -> Thread:
        customer = order.get("customer") or {}
        name = f"{customer.get('firstname') or ''} {customer.get('lastname') or ''}".strip() or "Customer"
        now = self._clock()
        number = len(self._threads)
        thread = Thread(
            thread_id=thread_id or str(uuid5(NAMESPACE_URL, f"thread {order_id} {number}")),
            order_id=order_id,
            topic={"type": "FREE_TEXT", "value": topic},
            customer={
                "display_name": name,
                "id": str(customer.get("customer_id") or order_id),
                "type": "CUSTOMER",
            },
            created=now,
            updated=now,
            number=number,
        )
        self._threads[thread.thread_id] = thread
        self._of_order.setdefault(order_id, thread)
        return thread

    def _write(
        self,
        thread: Thread,
        sender: Mapping[str, str],
        recipients: Sequence[Mapping[str, str]],
        body: str,
        attachments: Iterable[tuple[str, int]],
    ) -> dict[str, Any]:
        now = self._clock()
        self._messages += 1
        message = {
            "id": str(uuid5(NAMESPACE_URL, f"message {thread.thread_id} {self._messages}")),
            "body": body,
            "date_created": told(now),
            "from": {
                "display_name": sender["display_name"],
                "organization_details": dict(sender),
                "type": f"{sender['type']}_USER",
            },
            "to": [dict(one) for one in recipients],
            "attachments": [
                {
                    "id": str(uuid5(NAMESPACE_URL, f"attachment {self._messages} {name}")),
                    "name": name,
                    "size": size,
                }
                for name, size in attachments
            ],
        }
        thread.messages.append(message)
        thread.updated = now
        return message
