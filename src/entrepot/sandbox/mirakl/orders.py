"""Orders of the shop: what they are, and how they go from state to state as time passes."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from entrepot.kit.clock import Clock
from entrepot.sandbox.mirakl.ledger import Ledger
from entrepot.sandbox.mirakl.values import CANCELABLE, TRACKABLE, figure, lines_of
from entrepot.sandbox.moving import told
from entrepot.sandbox.operating import Refusal

#: States in which a line stays, whatever becomes of its order.
_ENDED = ("REFUSED", "CANCELED")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the marketplace and its customers take."""

    #: From acceptance until the payment is asked for, and until it is there and the order may be shipped.
    debit_asked: timedelta = timedelta()
    debited: timedelta = timedelta(minutes=2)
    #: From shipping until the customer has it, and from then until the order is closed.
    received: timedelta = timedelta(days=4)
    closed: timedelta = timedelta(days=14)
    #: How long the shop has for accepting, and for shipping.
    accept_within: timedelta = timedelta(hours=24)
    ship_within: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to happen to an order beside the usual; nothing of it shows in the order before it does."""

    #: When the customer cancels, counted from the order's creation; too late where it is shipped by then.
    cancel_after: timedelta | None = None
    #: Whether the payment is refused after acceptance.
    payment_refused: bool = False
    #: When the customer gets the money back, counted from having received it.
    refund_after: timedelta | None = None
    #: A state that the order moves to once it is accepted, beside those documented.
    unheard_of: str | None = None


@dataclass(slots=True)
class Placed:
    """An order as the marketplace keeps it; `order` is what OR11 shows."""

    order: dict[str, Any]
    plan: Plan
    updated: datetime
    created: datetime
    #: State by state, when it was entered.
    states: list[tuple[datetime, str]] = field(default_factory=list)
    accepts: int = 0
    ships: int = 0
    trackings: int = 0

    @property
    def state(self) -> str:
        """The state that it is in."""
        return str(self.order["order_state"])


class OrderBook:
    """The shop's orders; `settle` lets happen what was due."""

    def __init__(self, clock: Clock, ledger: Ledger, pace: Pace) -> None:
        self._clock = clock
        self._ledger = ledger
        self.pace = pace
        self._orders: dict[str, Placed] = {}
        self._due: list[tuple[datetime, int, str, Callable[[Placed], None]]] = []
        self._scheduled = 0
        #: The moment that is being settled; the clock's where a caller acts.
        self._moment: datetime | None = None

    def __len__(self) -> int:
        return len(self._orders)

    def all(self) -> Iterable[Placed]:
        """Every order, as they were placed."""
        return self._orders.values()

    def add(self, order: dict[str, Any], plan: Plan | None = None) -> Placed:
        """Place an order, in the state that it says; Refusal 400 for one without identifier or known already."""
        order_id = order.get("order_id")
        if not isinstance(order_id, str) or not order_id:
            raise Refusal(400, "An order needs its order_id.")
        if order_id in self._orders:
            raise Refusal(400, f"There is an order {order_id} already.")
        now = self._clock()
        order.setdefault("order_state", "WAITING_ACCEPTANCE")
        order.setdefault("order_lines", [])
        created = datetime.fromisoformat(order.setdefault("created_date", told(now)))
        order.setdefault("last_updated_date", order["created_date"])
        placed = Placed(order, plan or Plan(), datetime.fromisoformat(order["last_updated_date"]), created)
        placed.states.append((created, placed.state))
        self._orders[order_id] = placed
        if placed.plan.cancel_after is not None:
            # Nothing happens to it before it came: whoever polls by the time of a change would never hear of it.
            self._schedule(max(created + placed.plan.cancel_after, now), order_id, self._cancel_by_customer)
        if placed.state == "WAITING_ACCEPTANCE":
            self._schedule(created + self.pace.accept_within, order_id, self._refuse_unanswered)
        return placed

    def get(self, order_id: str) -> Placed:
        """An order; Refusal 404 where there is none."""
        placed = self._orders.get(order_id)
        if placed is None:
            raise Refusal(404, f"Order with identifier [{order_id}] not found.")
        return placed

    def find(self, order_ids: Iterable[str]) -> list[Placed]:
        """The orders of those identifiers that there are."""
        return [placed for one in order_ids if (placed := self._orders.get(one)) is not None]

    def settle(self) -> None:
        """Let everything happen that was due by now, in its order and at its own moment."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            at, _, order_id, happen = heapq.heappop(self._due)
            self._moment = at
            try:
                happen(self._orders[order_id])
            finally:
                self._moment = None

    def next_due(self) -> datetime | None:
        """When something happens next; None where nothing is waiting."""
        return self._due[0][0] if self._due else None

    def accept(self, order_id: str, answers: Mapping[str, bool]) -> None:
        """OR21: accept or refuse each line of an order that waits for it."""
        placed = self.get(order_id)
        self._expect(placed, ("WAITING_ACCEPTANCE",))
        lines = {str(line.get("order_line_id")): line for line in lines_of(placed.order)}
        if strange := sorted(set(answers) - set(lines)):
            raise Refusal(400, f"Order line [{strange[0]}] is not a line of order [{order_id}].")
        if missing := sorted(set(lines) - set(answers)):
            raise Refusal(
                400, f"Order line [{missing[0]}] of order [{order_id}] is neither accepted nor refused."
            )
        placed.accepts += 1
        now = self._now()
        placed.order["acceptance_decision_date"] = told(now)
        taken = any(answers.values())
        self._move(placed, "WAITING_DEBIT" if taken else "REFUSED")
        for line_id, accepted in answers.items():
            if not accepted:
                self._line_state(lines[line_id], "REFUSED")
        if taken:
            self._total(placed)
            placed.order["shipping_deadline"] = told(now + self.pace.ship_within)
            self._schedule(now + self.pace.debit_asked, order_id, self._ask_payment)
            self.settle()

    def track(self, order_id: str, told_tracking: Mapping[str, Any]) -> None:
        """OR23: the carrier and the tracking number of an order."""
        placed = self.get(order_id)
        self._expect(placed, TRACKABLE)
        placed.trackings += 1
        placed.order["shipping_company"] = told_tracking.get("carrier_name")
        placed.order["shipping_carrier_code"] = told_tracking.get("carrier_code")
        placed.order["shipping_tracking"] = told_tracking.get("tracking_number")
        placed.order["shipping_tracking_url"] = told_tracking.get("carrier_url")
        self._touch(placed)

    def ship(self, order_id: str) -> None:
        """OR24: the order is on its way; only from SHIPPING."""
        placed = self.get(order_id)
        self._expect(placed, ("SHIPPING",))
        placed.ships += 1
        self._move(placed, "SHIPPED")
        self._schedule(self._now() + self.pace.received, order_id, self._receive)

    def cancel(self, order_id: str) -> None:
        """The customer or the operator cancels; Refusal 400 where it is too late."""
        placed = self.get(order_id)
        self._expect(placed, CANCELABLE)
        paid = placed.state == "SHIPPING"
        self._move(placed, "CANCELED")
        placed.order["can_cancel"] = False
        if paid:
            for line in lines_of(placed.order):
                if line["order_line_state"] == "CANCELED":
                    self._ledger.refunded(placed.order, line)

    def refund(self, order_id: str, line_id: str | None = None, share: float = 1.0) -> None:
        """Give the customer a share of a line back, or of all lines."""
        placed = self.get(order_id)
        self._expect(placed, ("SHIPPING", "SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED"))
        lines = [line for line in lines_of(placed.order) if line_id in (None, line.get("order_line_id"))]
        if not lines:
            raise Refusal(404, f"Order line [{line_id}] of order [{order_id}] not found.")
        # A line that was refused was never paid.
        lines = [line for line in lines if line.get("order_line_state") not in _ENDED]
        if not lines:
            raise Refusal(400, f"Nothing of order [{order_id}] was paid that could be paid back.")
        for line in lines:
            refunds = line.setdefault("refunds", [])
            refunds.append(
                {
                    "id": f"{line.get('order_line_id')}-R{len(refunds) + 1}",
                    "amount": round(figure(line, "price") * share, 2),
                    "shipping_amount": round(figure(line, "shipping_price") * share, 2),
                    "commission_amount": round(figure(line, "commission_fee") * share, 2),
                    "created_date": told(self._now()),
                    "state": "REFUNDED",
                    "reason_code": "RETURNED",
                    "quantity": line.get("quantity"),
                    **{
                        name: [
                            {**tax, "amount": round(tax["amount"] * share, 2)} for tax in line.get(name) or ()
                        ]
                        for name in ("taxes", "shipping_taxes")
                    },
                }
            )
            self._ledger.refunded(placed.order, line, share)
        placed.order["fully_refunded"] = share >= 1 and line_id is None
        self._touch(placed)

    def put(self, order_id: str, state: str) -> None:
        """Put an order in a state, whatever was before: for states that nobody has heard of."""
        placed = self.get(order_id)
        self._move(placed, state)
        if state == "SHIPPED":
            self._schedule(self._now() + self.pace.received, order_id, self._receive)

    def _ask_payment(self, placed: Placed) -> None:
        if placed.state == "WAITING_DEBIT":
            self._move(placed, "WAITING_DEBIT_PAYMENT")
            at = self._now() + self.pace.debited
            self._schedule(at, placed.order["order_id"], self._pay)

    def _pay(self, placed: Placed) -> None:
        if placed.state != "WAITING_DEBIT_PAYMENT":
            return
        if placed.plan.payment_refused:
            self._move(placed, "CANCELED")
            return
        placed.order["customer_debited_date"] = told(self._now())
        self._move(placed, placed.plan.unheard_of or "SHIPPING")
        self._ledger.debited(_accepted(placed.order))

    def _receive(self, placed: Placed) -> None:
        if placed.state != "SHIPPED":
            return
        self._move(placed, "RECEIVED")
        order_id = placed.order["order_id"]
        self._ledger.payable(order_id)
        self._schedule(self._now() + self.pace.closed, order_id, self._close)
        if placed.plan.refund_after is not None:
            self._schedule(self._now() + placed.plan.refund_after, order_id, self._return)

    def _close(self, placed: Placed) -> None:
        if placed.state == "RECEIVED":
            self._move(placed, "CLOSED")

    def _return(self, placed: Placed) -> None:
        if placed.state in ("RECEIVED", "CLOSED"):
            # Of an order without lines there is nothing to give back.
            with suppress(Refusal):
                self.refund(placed.order["order_id"])

    def _cancel_by_customer(self, placed: Placed) -> None:
        if placed.state in CANCELABLE:
            self.cancel(placed.order["order_id"])

    def _refuse_unanswered(self, placed: Placed) -> None:
        if placed.state == "WAITING_ACCEPTANCE":
            self._move(placed, "REFUSED")

    def _expect(self, placed: Placed, states: tuple[str, ...]) -> None:
        if placed.state not in states:
            raise Refusal(
                400,
                f"Order [{placed.order['order_id']}] is in state {placed.state}; "
                f"this can only be done in state {' or '.join(states)}.",
            )

    def _move(self, placed: Placed, state: str) -> None:
        placed.order["order_state"] = state
        placed.states.append((self._now(), state))
        for line in lines_of(placed.order):
            if line.get("order_line_state") not in _ENDED:
                self._line_state(line, state)
        self._touch(placed)

    def _line_state(self, line: dict[str, Any], state: str) -> None:
        at = told(self._now())
        line["order_line_state"], line["last_updated_date"] = state, at
        dated = {"SHIPPING": "debited_date", "SHIPPED": "shipped_date", "RECEIVED": "received_date"}.get(
            state
        )
        if dated is not None:
            line[dated] = at

    def _total(self, placed: Placed) -> None:
        """Sum up the lines that were not refused."""
        lines = lines_of(_accepted(placed.order))
        placed.order["price"] = round(sum(figure(line, "price") for line in lines), 2)
        placed.order["shipping_price"] = round(sum(figure(line, "shipping_price") for line in lines), 2)
        placed.order["total_price"] = round(placed.order["price"] + placed.order["shipping_price"], 2)
        placed.order["total_commission"] = round(sum(figure(line, "total_commission") for line in lines), 2)

    def _touch(self, placed: Placed) -> None:
        placed.updated = self._now()
        placed.order["last_updated_date"] = told(placed.updated)

    def _now(self) -> datetime:
        return self._moment or self._clock()

    def _schedule(self, at: datetime, order_id: str, happen: Callable[[Placed], None]) -> None:
        self._scheduled += 1
        heapq.heappush(self._due, (at, self._scheduled, order_id, happen))


def _accepted(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """The order with the lines that were not refused."""
    lines = [line for line in lines_of(order) if line["order_line_state"] != "REFUSED"]
    return {**order, "order_lines": lines}
