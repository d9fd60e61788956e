"""A simulation from beginning to end: customers order, write and cancel, services fail, workers die, a person helps.

Time is moved by hand, so that days pass in seconds; it stands still while anybody works. At the end the services work
again, everything in the inbox has been tried again, and both sides' books are compared.
"""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx

from entrepot.kit.clock import SharedClock, clock, system_clock
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.mirakl.orders.driving_queries import select_next_due
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.simulating.arranging import arrange
from entrepot.mirakl.simulating.books import Books
from entrepot.mirakl.simulating.catalog import LISTINGS, stock_for
from entrepot.mirakl.simulating.crew import Crew, RestlessError
from entrepot.mirakl.simulating.invariants import Violation, duplicated_labels, states, violations
from entrepot.mirakl.simulating.person import Person
from entrepot.mirakl.simulating.reading import read_books
from entrepot.mirakl.simulating.standins import CarrierBooks, MarketplaceBooks, running
from entrepot.mirakl.simulating.weather import CALM, weather

#: What else customers bring, and how often: orders with something wrong in them, and changes of mind.
MIX: Mapping[str, float] = {
    "no_lines": 0.01,
    "no_postal_code": 0.02,
    "no_address": 0.01,
    "unmapped_sku": 0.02,
    "unknown_fields": 0.05,
    "unknown_state": 0.01,
    "cancelled_early": 0.03,
    "cancelled_late": 0.03,
    "payment_refused": 0.02,
    "refunded": 0.03,
}
#: What customers write; the order makes each message its own.
WORDS = (
    "When will {order} be here? ({number})",
    "Is the charger of {order} included? ({number})",
    "I should like another address for {order}, please. ({number})",
    "Thank you for {order}. Please no automatic replies. ({number})",
)
#: Share of orders whose customers write, and how often at most.
WRITING, MOST_MESSAGES = 0.4, 3
#: Share of the components that the orders take which is there when it begins; the rest comes when the orders are in.
STOCKED = 1.1
#: What passes after the last order while services still fail.
AFTERMATH = (*[timedelta(minutes=20)] * 3, *[timedelta(hours=3)] * 3)
#: What passes after that until everything is over: parcels travel, and the marketplace closes orders after weeks.
CALM_DAYS = (
    *[timedelta(minutes=20)] * 6,
    *[timedelta(hours=3)] * 4,
    *[timedelta(days=1)] * 4,
    *[timedelta(days=5)] * 4,
)
#: Rests of workers in a stretch of time, at what is due next.
STOPS = 4

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated: so many orders, in so many stretches of time."""

    orders: int
    seed: int
    workers: int = 2
    stretches: int = 24
    stretch: timedelta = timedelta(minutes=40)
    kills: bool = True
    misbehaves: bool = True
    #: Stretches after which the books are compared in the middle of it.
    look_every: int = 8


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    books: Books = field(default_factory=Books)
    violations: list[Violation] = field(default_factory=list)
    killed: int = 0
    retried: int = 0
    failures: int = 0

    def as_dict(self) -> dict[str, Any]:
        """What `entrepot mirakl simulate --json` prints."""
        return {
            "orders": len(self.books.orders_there),
            "states": states(self.books.orders),
            "labels_bought": len(self.books.labels_there),
            "labels_duplicated": duplicated_labels(self.books),
            "messages_sent": sum(message.is_ours for message in self.books.messages_there),
            "violations": [str(one) for one in self.violations],
        }


async def simulate(settings: Settings, plan: Plan, report: Report = lambda _: None) -> Outcome:
    """Simulate on a database of its own, which is left as it is then."""
    load_steps()
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="entrepot-simulation-")))
        time = SharedClock.made(directory / "clock", system_clock().replace(second=0, microsecond=0))
        stack.enter_context(clock(time))
        marketplace = MarketplaceBooks(*await stack.enter_async_context(_stand_in("mirakl", "--orders", "0")))
        # A label can be voided for an hour; after that only its money can be asked back.
        carrier = CarrierBooks(
            *await stack.enter_async_context(_stand_in("canadapost", "--transmits-after", "3600"))
        )
        db = await stack.enter_async_context(Database.opened(settings, pool_size=4))
        crew = Crew(settings, directory / "clock", size=plan.workers, seed=plan.seed)
        stack.callback(crew.end)
        return await _Story(plan, report, db, time, marketplace, carrier, crew).tell()


@asynccontextmanager
async def _stand_in(name: str, *options: str) -> AsyncIterator[tuple[Mapping[str, Any], httpx.AsyncClient]]:
    async with (
        running(name, *options) as told,
        httpx.AsyncClient(base_url=told["url"], timeout=60) as client,
    ):
        yield told, client


class _Story:
    """What happens, in its order."""

    def __init__(
        self,
        plan: Plan,
        report: Report,
        db: Database,
        time: SharedClock,
        marketplace: MarketplaceBooks,
        carrier: CarrierBooks,
        crew: Crew,
    ) -> None:
        self._plan = plan
        self._report = report
        self._db = db
        self._time = time
        self._marketplace = marketplace
        self._carrier = carrier
        self._crew = crew
        self._random = Random(f"story {plan.seed}")  # noqa: S311 - the same seed tells the same story
        self._outcome = Outcome()
        self._hour = 0
        self._writing: list[tuple[int, str]] = []
        self._said = 0

    async def tell(self) -> Outcome:
        """Tell it from the beginning to the end."""
        await self._pass(timedelta())
        self._account = await arrange(
            self._db,
            code="simulation",
            marketplace="A marketplace",
            api_url=self._marketplace.told["api_url"],
            api_key=self._marketplace.told["api_key"],
            carrier_url=self._carrier.told["url"],
            user=self._carrier.told["username"],
            password=self._carrier.told["password"],
            customer_number=self._carrier.told["customer"],
            stock=stock_for(self._plan.orders, STOCKED),
        )
        self._person = Person(
            self._db,
            self._account.account_id,
            seed=self._plan.seed,
            cancel=self._marketplace.cancel,
            offer=self._marketplace.offer,
        )
        try:
            await self._orders_come()
            await self._services_mend()
            await self._everything_ends()
        except RestlessError as error:
            self._outcome.violations.append(Violation("every worker rests", "a worker", str(error)))
        self._outcome.books = await self._books()
        self._outcome.violations += violations(self._outcome.books)
        self._outcome.killed = self._crew.killed
        self._outcome.retried = self._person.retried
        return self._outcome

    async def _orders_come(self) -> None:
        plan, placed = self._plan, 0
        for number in range(plan.stretches):
            until = plan.orders * (number + 1) // plan.stretches
            await self._turn_the_weather()
            ids = await self._marketplace.place(until - placed, list(LISTINGS), seed=plan.seed, mix=dict(MIX))
            placed = until
            self._plan_messages(number, ids)
            await self._customers_write(number)
            await self._work(plan.stretch, deadly=plan.kills)
            await self._person.look(now_and_then=True)
            self._report(f"{placed} of {plan.orders} orders have come")
            if (number + 1) % plan.look_every == 0:
                await self._look(f"after {placed} orders")

    async def _services_mend(self) -> None:
        """No more orders come; services go on failing for a while."""
        self._report("no more orders come, and services still fail")
        await self._person.receive(stock_for(self._plan.orders, 3.0))
        for number, stretch in enumerate(AFTERMATH, start=self._plan.stretches):
            await self._turn_the_weather()
            await self._customers_write(number)
            await self._work(stretch, deadly=self._plan.kills)
            await self._person.look(now_and_then=True)
        await self._look("when the last order is in")

    async def _everything_ends(self) -> None:
        """Services work again; everything in the inbox is tried again until nothing is left."""
        self._report("services work again; everything in the inbox is tried again")
        await self._marketplace.misbehave(CALM)
        await self._carrier.misbehave(CALM)
        await self._customers_write(None)
        for order_id in await self._marketplace.in_state("WAITING_CUSTOMS"):
            await self._marketplace.put(order_id, "SHIPPING")
        for stretch in CALM_DAYS:
            await self._work(stretch, deadly=False)
            await self._person.look(now_and_then=False)

    async def _work(self, stretch: timedelta, *, deadly: bool) -> None:
        """Workers do what is due now, and what falls due on the way to the end of a stretch of time."""
        end = self._time() + stretch
        await self._crew.work(deadly=deadly)
        for _ in range(STOPS):
            async with self._db.system() as session:
                due = await select_next_due(session)
            if due is None or due >= end:
                break
            # At least some seconds: what is due one after the other is done together.
            await self._pass(max(due - self._time(), min(stretch / 20, timedelta(minutes=2))))
            await self._crew.work(deadly=deadly)
        await self._pass(max(end - self._time(), timedelta(seconds=1)))

    async def _pass(self, by: timedelta) -> None:
        """Time passes, for everybody."""
        self._time.set(self._time() + by)
        await self._marketplace.set_clock(self._time())
        await self._carrier.set_clock(self._time())

    async def _turn_the_weather(self) -> None:
        self._hour += 1
        if self._plan.misbehaves:
            await self._marketplace.misbehave(weather(self._plan.seed, self._hour, of="mirakl"))
            await self._carrier.misbehave(weather(self._plan.seed, self._hour, of="canadapost"))

    def _plan_messages(self, number: int, order_ids: list[str]) -> None:
        for order_id in order_ids:
            if self._random.random() < WRITING:
                for _ in range(self._random.randint(1, MOST_MESSAGES)):
                    self._writing.append((number + self._random.randint(0, 12), order_id))

    async def _customers_write(self, number: int | None) -> None:
        """The messages whose time has come; all that are left without a number."""
        due = [order_id for at, order_id in self._writing if number is None or at <= number]
        self._writing = [(at, one) for at, one in self._writing if number is not None and at > number]
        for order_id in due:
            self._said += 1
            words = self._random.choice(WORDS).format(order=order_id, number=self._said)
            await self._marketplace.write(order_id, words)

    async def _look(self, when: str) -> None:
        """Compare the books in the middle of it: what must hold at any moment."""
        books = await self._books()
        found = violations(books, at_the_end=False)
        self._outcome.failures = max(self._outcome.failures, len(books.failures))
        for one in found:
            self._outcome.violations.append(Violation(one.rule, one.about, f"{one.details} ({when})"))
        told = ", ".join(f"{count} {status}" for status, count in states(books.orders).items())
        self._report(f"{when}: {told}; {len(books.failures)} failures in the inbox")

    async def _books(self) -> Books:
        return await read_books(
            self._db,
            self._account.account_id,
            self._marketplace,
            self._carrier,
            written_off=self._person.written_off,
        )
