"""One database for all tests of shipping: each has an account of its own, a marketplace and a carrier over real HTTP."""

import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import structlog
from sqlalchemy import text
from tests.conftest import clone
from tests.mirakl.arranging import add_buildable

from entrepot.kit.clock import clock
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.mirakl.accounts.accounts import Account, Carrier, add_account, set_carrier
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.orders.driving import drive
from entrepot.mirakl.orders.history import current, move
from entrepot.mirakl.orders.steps import Taken
from entrepot.mirakl.orders.taking_in import take_in
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping.buying import buy_labels
from entrepot.sandbox.canadapost import server as canadapost
from entrepot.sandbox.canadapost.controls import bought
from entrepot.sandbox.canadapost.shipments import PASSWORD, USERNAME, CanadaPostState
from entrepot.sandbox.mirakl import server as mirakl
from entrepot.sandbox.mirakl.generating import Mix, invent
from entrepot.sandbox.mirakl.orders import Placed
from entrepot.sandbox.mirakl.state import MiraklState

NUMBERS = count(1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SENDER = {
    "name": "Second Wind Laptops",
    "company": "Second Wind Laptops",
    "street_1": "1 Quay Street",
    "city": "Toronto",
    "province": "ON",
    "postal_code": "M5V 2T6",
    "phone": "555 0100",
    "email": "labels@example.com",
}
ADDRESS = {
    "firstname": "Zoé",
    "lastname": "Fern-Alder",
    "company": None,
    "street_1": "12 Lantern Close",
    "street_2": "Unit 4",
    "city": "Montréal",
    "state": "Québec",
    "zip_code": "h2x 1y4",
    "country": "Canada",
    "country_iso_code": "CAN",
    "phone": "555 0101",
}


class Time:
    """The time of a test: it stands still until it is moved on."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **span: float) -> None:
        """Move on by hours, minutes, seconds …"""
        self.at += timedelta(**span)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Steps that fail are the point of many tests; drawing each traceback takes longer than the test."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def settings(server_home: Any) -> Iterator[Settings]:
    """Settings of the database that the tests of shipping share."""
    with clone(server_home) as found:
        yield found


@pytest.fixture(scope="session")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The two pools on it."""
    async with Database.opened(settings) as database:
        yield database


@dataclass
class Yard:
    """An account that ships: its marketplace, its carrier, its time, and what tests ask of them."""

    db: Database
    account: Account
    services: Services
    marketplace: MiraklState
    carrier: CanadaPostState
    time: Time
    components: dict[str, UUID] = field(default_factory=dict)

    @property
    def account_id(self) -> UUID:
        """The tenant."""
        return self.account.account_id

    async def sql(self, statement: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        """Run a statement in the account; its rows."""
        async with self.db.tenant(account_id=self.account_id) as session:
            found = await session.execute(text(statement), {"account_id": self.account_id, **values})
            answers = statement.lstrip().upper().startswith("SELECT")
            return [dict(row) for row in found.mappings()] if answers else []

    async def order(
        self,
        lines: Mapping[str, int] | None = None,
        *,
        address: Mapping[str, Any] | None = ADDRESS,
        state: str = "SHIPPING",
        ready: bool = True,
    ) -> Placed:
        """An order on the marketplace, taken in; `ready` to ship unless told otherwise."""
        wanted = dict(lines or {"LAPTOP-1": 1})
        for sku in wanted:
            if sku not in self.components:
                async with self.db.tenant(account_id=self.account_id) as session:
                    self.components[sku] = await add_buildable(session, self.account_id, sku, 1000)
        number = next(NUMBERS)
        plain = Mix(several_lines=0, several_pieces=0)
        [(raw, plan)] = invent(1, list(wanted)[:1], now=self.time.at, seed=7, mix=plain, first=number)
        [line] = raw["order_lines"]
        raw["order_state"] = state
        raw["order_lines"] = [
            {
                **line,
                "order_line_id": f"{raw['order_id']}-{place}",
                "offer_sku": sku,
                "quantity": quantity,
                "order_line_state": state,
            }
            for place, (sku, quantity) in enumerate(wanted.items(), 1)
        ]
        raw["customer"]["shipping_address"] = None if address is None else dict(address)
        placed = self.marketplace.place(raw, plan)
        with clock(self.time):
            async with self.db.tenant(account_id=self.account_id) as session:
                await take_in(session, self.account, [placed.order])
                if ready:
                    order_id = str(raw["order_id"])
                    await move(
                        session, self.account_id, order_id, "ready_to_ship", actor_type="worker", notes="test"
                    )
        return placed

    async def work(self, times: int = 1, *, minutes: float = 0) -> None:
        """Have a worker do what is due; `times` over, so many minutes apart."""
        for _ in range(times):
            self.time.pass_(minutes=minutes)
            with clock(self.time):
                await drive(self.db, self.services, account_id=self.account_id)

    async def buy(self, placed: Placed, times: int = 1, *, minutes: float = 0) -> None:
        """Have a worker buy the label of an order and no more; `times` over, so many minutes apart, until it is there."""
        for _ in range(times):
            self.time.pass_(minutes=minutes)
            taken = await self.taken(placed)
            if taken.status != "ready_to_ship":
                return
            with clock(self.time), suppress(ServiceError):
                await buy_labels(self.services, taken)

    async def status(self, placed: Placed) -> str:
        """Where an order is."""
        async with self.db.tenant(account_id=self.account_id) as session:
            found = await current(session, self.account_id, order_id(placed))
            return found.status if found else "new"

    async def parcels(self, placed: Placed) -> Sequence[Mapping[str, Any]]:
        """The parcels of an order, those taken back as well."""
        return await self.sql(
            "SELECT * FROM mirakl.shipments WHERE order_id = :order_id ORDER BY parcel_number, created_at",
            order_id=order_id(placed),
        )

    async def failures(self, *states: str) -> list[tuple[str, str]]:
        """Step and kind of the failures that are not resolved."""
        rows = await self.sql(
            "SELECT process_name, kind FROM mirakl.process_failures WHERE state = ANY (:states) ORDER BY timestamp",
            states=list(states or ("open", "retrying")),
        )
        return [(row["process_name"], row["kind"]) for row in rows]

    async def taken(self, placed: Placed, worker: str = "worker") -> Taken:
        """An order as a worker has it that has taken it."""
        async with self.db.tenant(account_id=self.account_id) as session:
            found = await current(session, self.account_id, order_id(placed))
        assert found is not None
        return Taken(
            account_id=self.account_id,
            order_id=found.order_id,
            status=found.status,
            step=found.step,
            attempts=0,
            worker=worker,
            lease_until=self.time.at + timedelta(minutes=3),
        )

    def labels(self, placed: Placed) -> int:
        """Labels of an order that were bought at the carrier, those taken back as well."""
        return sum(
            len(labels)
            for reference, labels in bought(self.carrier).items()
            if reference.startswith(order_id(placed))
        )


def order_id(placed: Placed) -> str:
    """The identifier of an order."""
    return str(placed.order["order_id"])


@asynccontextmanager
async def new_yard(db: Database, **carrier: Any) -> AsyncIterator[Yard]:
    """An account with a marketplace and Canada Post."""
    time = Time(NOON)
    marketplace = MiraklState.fresh(clock=time)
    post = CanadaPostState.fresh(clock=time, **carrier)
    keyring = Keyring.open(db.settings)
    async with mirakl.serving(marketplace) as mirakl_url, canadapost.serving(post) as post_url:
        async with db.system() as session:
            account = await add_account(
                session,
                keyring,
                f"yard-{next(NUMBERS)}",
                marketplace="Yard",
                api_url=f"{mirakl_url}/api",
                api_key=marketplace.api_key,
                time_zone="America/Toronto",
            )
        async with db.tenant(account_id=account.account_id) as session:
            await set_carrier(
                session,
                keyring,
                Carrier(
                    account_id=account.account_id,
                    carrier="canada-post",
                    api_url=post_url,
                    customer_number=post.customer,
                    contract_id="0042708517",
                    service_code="DOM.EP",
                    marketplace_carrier_code="CPCL",
                    sender=SENDER,
                ),
                user=USERNAME,
                password=PASSWORD,
            )
        async with Services.opened(db) as services:
            yield Yard(db, account, services, marketplace, post, time)


@pytest.fixture
async def yard(db: Database) -> AsyncIterator[Yard]:
    """An account that ships."""
    async with new_yard(db) as found:
        yield found
