"""The demo's laptops: orders of an invented marketplace, accepted, built, labelled, shipped, reported, delivered.

Marketplace and carrier are the sandboxes, spoken to over HTTP. The orders began four days ago, on a clock that is moved
on; what is left at the end waits for whoever looks at the console.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from entrepot.demo.queries import select_laptops
from entrepot.kit.clock import clock, system_clock
from entrepot.kit.db import Database
from entrepot.kit.errors import NotFoundError
from entrepot.kit.telemetry import new_trace_id
from entrepot.mirakl.accounts.accounts import find_account, set_active, set_member
from entrepot.mirakl.conversations.outbox import write_reply
from entrepot.mirakl.conversations.showing import list_conversations
from entrepot.mirakl.orders.rules import StoredRule, set_rule
from entrepot.mirakl.scheduling.working import work_once
from entrepot.mirakl.simulating.arranging import arrange
from entrepot.mirakl.simulating.catalog import LISTINGS, stock_for
from entrepot.sandbox.canadapost import server as carrier_server
from entrepot.sandbox.canadapost.shipments import CanadaPostState
from entrepot.sandbox.mirakl import server as marketplace_server
from entrepot.sandbox.mirakl.generating import invent, price_of
from entrepot.sandbox.mirakl.state import MiraklState
from entrepot.sandbox.misbehaving import Behavior
from entrepot.sandbox.moving import MovableClock, told

CODE, MARKETPLACE = "laptops", "Second Wind Laptops"
SEED = 1851
#: Orders of four days ago, and of today.
EARLIER, TODAY = 6, 2
LASTED = timedelta(days=4)
RULE = StoredRule(
    name="no bulk orders",
    condition={"units": {"$gt": 4}},
    outcome="refuse",
    reason="More than four laptops are sold by quotation only.",
)
QUESTION = "When will my laptop be here?"
ANSWER = "It left our workshop yesterday, and the carrier says that it comes on Thursday."


@dataclass(frozen=True, slots=True)
class Sold:
    """What became of the laptops."""

    orders: int
    delivered: int
    refused: int
    labels: int
    failures: int
    answered: int


@dataclass(slots=True)
class Workshop:
    """The sandboxes of the demo while they are served, and the clock that they and the program follow."""

    marketplace: MiraklState
    carrier: CanadaPostState
    api_url: str
    carrier_url: str
    time: MovableClock

    def sell(self, count: int, *, pieces: int | None = None) -> None:
        """Have customers order; `pieces`: that many of the first thing ordered."""
        first = len(self.marketplace.orders) + 1
        for order, plan in invent(count, list(LISTINGS), now=self.time(), seed=SEED, first=first):
            # In the currency of the warehouse, so that it counts them.
            order["currency_iso_code"] = "USD"
            order["last_updated_date"] = told(self.time())
            if pieces is not None:
                order["order_lines"][0]["quantity"] = pieces
            self.marketplace.place(order, plan)

    @contextmanager
    def days_ago(self) -> Iterator[None]:
        """Live some days ago for the block, at the end of which it is now."""
        self.time.stand_at(system_clock() - LASTED)
        with clock(self.time):
            yield
        self.time.follow(system_clock)


@asynccontextmanager
async def opened() -> AsyncIterator[Workshop]:
    """The sandboxes, served for as long as the block lasts."""
    time = MovableClock()
    marketplace = MiraklState.fresh(clock=time)
    carrier = CanadaPostState.fresh(clock=time, transmits_after=timedelta(hours=2))
    marketplace.ledger.currency = "USD"
    for which, sku in enumerate(LISTINGS):
        marketplace.offers.add(sku, price=price_of(which))
    async with (
        marketplace_server.serving(marketplace) as url,
        carrier_server.serving(carrier) as carrier_url,
    ):
        yield Workshop(marketplace, carrier, f"{url}/api", carrier_url, time)


async def have_laptops(db: Database, workshop: Workshop, user_id: UUID) -> Sold | None:
    """The account with its orders; None where it was there already."""
    async with db.system(trace_id=new_trace_id()) as session:
        try:
            await find_account(session, CODE)
        except NotFoundError:
            pass
        else:
            return None
    with workshop.days_ago():
        account = await arrange(
            db,
            code=CODE,
            marketplace=MARKETPLACE,
            api_url=workshop.api_url,
            api_key=workshop.marketplace.api_key,
            carrier_url=workshop.carrier_url,
            user=workshop.carrier.username,
            password=workshop.carrier.password,
            customer_number=workshop.carrier.customer,
            stock=stock_for(3 * (EARLIER + TODAY)),
            currency="USD",
        )
        async with db.system() as session:
            await set_member(session, account.account_id, user_id, "admin")
        async with db.tenant(account_id=account.account_id, user_id=user_id) as session:
            await set_rule(session, account.account_id, RULE)
        await _days_pass(db, workshop, account.account_id, user_id)
    async with db.tenant(account_id=account.account_id) as session:
        return Sold(**await select_laptops(session, account.account_id))


async def _days_pass(db: Database, workshop: Workshop, account_id: UUID, user_id: UUID) -> None:
    workshop.sell(EARLIER)
    workshop.sell(1, pieces=6)
    await _work(db, workshop, account_id, timedelta(), timedelta(minutes=5), timedelta(minutes=5))
    asked, waiting = [placed.order["order_id"] for placed in workshop.marketplace.orders.all()][:2]
    workshop.marketplace.inbox.receive(asked, QUESTION)
    # Half a day later it is answered by rule, and by a person after that.
    await _work(db, workshop, account_id, timedelta(hours=1), timedelta(hours=8), timedelta(minutes=1))
    async with db.tenant(account_id=account_id, user_id=user_id) as session:
        [conversation] = await list_conversations(session, account_id, only="unread")
        await write_reply(session, account_id, conversation.id, ANSWER, written_by=user_id)
    await _work(db, workshop, account_id, timedelta(minutes=1))
    await _work(db, workshop, account_id, system_clock() - timedelta(hours=1) - workshop.time())
    # Today: one order goes its way up to a label that is somebody else's, and a customer has just written.
    workshop.sell(TODAY - 1)
    workshop.carrier.misbehavior.plan("GetArtifact", *[Behavior.WRONG_LABEL] * 20)
    await _work(db, workshop, account_id, timedelta(), *[timedelta(minutes=4)] * 5)
    workshop.carrier.misbehavior.planned.clear()
    workshop.sell(1)
    workshop.marketplace.inbox.receive(waiting, "Does it have a French keyboard?")
    await _work(db, workshop, account_id, timedelta(minutes=6))


async def _work(db: Database, workshop: Workshop, account_id: UUID, *later: timedelta) -> None:
    """Time passes, and the program does what is due by then; as often as there are times."""
    for passed in later:
        workshop.time.advance(passed)
        while await work_once(db, account_id=account_id):
            pass


async def leave(db: Database) -> None:
    """Nobody looks at the marketplace when its sandbox has gone."""
    async with db.system() as session:
        try:
            account = await find_account(session, CODE)
        except NotFoundError:
            return
        await set_active(session, account.account_id, is_active=False)
