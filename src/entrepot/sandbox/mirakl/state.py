"""What the invented marketplace knows: orders, threads, offers, transaction lines, documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from entrepot.kit.clock import Clock, system_clock
from entrepot.sandbox.mirakl.asking import questions
from entrepot.sandbox.mirakl.generating import Mix, invent, price_of
from entrepot.sandbox.mirakl.inbox import Inbox, Thread
from entrepot.sandbox.mirakl.ledger import Ledger
from entrepot.sandbox.mirakl.offers import Offers
from entrepot.sandbox.mirakl.orders import OrderBook, Pace, Placed, Plan
from entrepot.sandbox.mirakl.values import figure, lines_of
from entrepot.sandbox.misbehaving import Misbehavior
from entrepot.sandbox.moving import MovableClock, told
from entrepot.sandbox.operating import Desk, Limit

API_KEY = "sandbox-key"


@dataclass(frozen=True, slots=True)
class Document:
    """A document of an order."""

    document_id: int
    order_id: str
    type_code: str
    file_name: str
    content: bytes
    uploaded: datetime


@dataclass(slots=True)
class MiraklState:
    """A fresh marketplace; several servers never share one."""

    desk: Desk
    api_key: str
    shop_id: int
    orders: OrderBook
    inbox: Inbox
    offers: Offers
    ledger: Ledger
    #: Whether an order shows where it goes before it is accepted: a setting of the marketplace.
    addresses_before_acceptance: bool = True
    documents: dict[int, Document] = field(default_factory=dict)
    #: Questions invented so far.
    asked: int = 0

    @classmethod
    def fresh(
        cls,
        *,
        api_key: str = API_KEY,
        shop_id: int = 2_000,
        shop_name: str = "Second Wind Laptops",
        operator: str = "Marketplace",
        clock: Clock | datetime = system_clock,
        misbehavior: Misbehavior | None = None,
        limits: Mapping[str, Limit] | None = None,
        pace: Pace | None = None,
        addresses_before_acceptance: bool = True,
    ) -> "MiraklState":
        """A marketplace in which nothing has happened yet; the clock may be a moment to stand at."""
        moving = MovableClock(clock)
        desk = Desk(moving, misbehavior or Misbehavior(), dict(limits or {}))
        ledger = Ledger(moving, shop_id)
        orders = OrderBook(moving, ledger, pace or Pace())
        inbox = Inbox(moving, orders, shop_id=shop_id, shop_name=shop_name, operator=operator)
        offers = Offers(moving, ledger.currency)
        return cls(desk, api_key, shop_id, orders, inbox, offers, ledger, addresses_before_acceptance)

    @property
    def clock(self) -> MovableClock:
        """The marketplace's clock."""
        return self.desk.clock

    @property
    def misbehavior(self) -> Misbehavior:
        """How it misbehaves."""
        return self.desk.misbehavior

    @misbehavior.setter
    def misbehavior(self, chosen: Misbehavior) -> None:
        self.desk.misbehavior = chosen

    def advance(self, by: timedelta) -> datetime:
        """Move the clock on, and let everything happen that is due by then."""
        moment = self.clock.advance(by)
        self.orders.settle()
        return moment

    def add_orders(
        self,
        count: int,
        skus: Sequence[str],
        *,
        seed: int = 0,
        mix: Mix | None = None,
        first: int | None = None,
    ) -> list[Placed]:
        """Invent orders and place them; the offers of the SKUs are made where there are none."""
        for which, sku in enumerate(skus):
            if self.offers.get(sku) is None:
                self.offers.add(sku, price=price_of(which), quantity=100)
        start = len(self.orders) + 1 if first is None else first
        placed, now = [], self.clock()
        for order, plan in invent(count, skus, now=now, seed=seed, mix=mix, first=start):
            # Whenever it was begun: it changed when it came here, or nobody who asks for changes would see it.
            order["last_updated_date"] = told(now)
            one = self.place(order, plan)
            one.updated = now
            placed.append(one)
        return placed

    def place(self, order: dict[str, Any], plan: Plan | None = None) -> Placed:
        """Place an order as it is given, whatever is wrong with it; what is ordered is offered, or nobody could."""
        placed = self.orders.add(order, plan)
        for line in lines_of(order):
            sku = line.get("offer_sku")
            if sku and self.offers.get(str(sku)) is None:
                self.offers.add(str(sku), quantity=100)
            self.offers.sold(str(line.get("offer_sku")), int(figure(line, "quantity")))
        return placed

    def ask(self, count: int, order_ids: Sequence[str], *, seed: int = 0) -> list[Thread]:
        """Let customers ask questions about orders."""
        asked = questions(count, order_ids, seed=seed, first=self.asked + 1)
        self.asked += count
        return [self.inbox.receive(order_id, body, topic=topic) for order_id, topic, body in asked]

    def by_state(self) -> dict[str, int]:
        """Orders by the state that they are in."""
        counts: dict[str, int] = {}
        for placed in self.orders.all():
            counts[placed.state] = counts.get(placed.state, 0) + 1
        return counts
