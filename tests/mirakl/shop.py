"""A shop on a served marketplace, as tests work in it."""

from typing import Any

from tests.mirakl.arranging import add_buildable, failures, levels, open_failures, statuses
from tests.mirakl.conftest import Time

from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.orders.driving import drive
from entrepot.mirakl.orders.polling import poll
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.generating import Mix
from entrepot.sandbox.mirakl.orders import Placed
from entrepot.sandbox.mirakl.state import MiraklState

PLAIN = Mix(several_lines=0, several_pieces=0)


class Shop:
    """An account, its marketplace and a worker; `settle` lets the time pass until nothing is left to do."""

    def __init__(
        self, db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time
    ) -> None:
        self.db = db
        self.account = account
        self.marketplace = marketplace
        self.services = services
        self.time = time

    def session(self) -> Any:
        """A transaction of the account."""
        return self.db.tenant(account_id=self.account.account_id)

    async def stock(self, sku: str, units: int, **options: Any) -> None:
        """A listing that can be built so many times."""
        async with self.session() as session:
            await add_buildable(session, self.account.account_id, sku, units, **options)

    def order(self, *skus: str, count: int = 1, mix: Mix = PLAIN) -> list[Placed]:
        """Orders on the marketplace."""
        return self.marketplace.add_orders(count, skus or ("LAPTOP-1",), mix=mix)

    async def drive(self, services: Services | None = None, **options: Any) -> int:
        """Do the steps that are due here, of which there are so many."""
        return await drive(self.db, services or self.services, account_id=self.account.account_id, **options)

    async def work(self, rounds: int = 6, **pause: float) -> None:
        """Look, do what is due, wait, and so on."""
        for _ in range(rounds):
            await poll(self.services, self.account)
            await self.drive()
            self.time.pass_(**(pause or {"minutes": 2}))

    async def statuses(self) -> dict[str, str]:
        """Order → where it is."""
        async with self.session() as session:
            return await statuses(session, self.account.account_id)

    async def levels(self) -> dict[str, tuple[int, int]]:
        """Component → on hand, reserved."""
        async with self.session() as session:
            return await levels(session, self.account.account_id)

    async def open_failures(self) -> list[tuple[str, str]]:
        """What is in the inbox."""
        async with self.session() as session:
            return await open_failures(session, self.account.account_id)

    async def failures(self) -> list[Any]:
        """What was ever in the inbox."""
        async with self.session() as session:
            return await failures(session, self.account.account_id)

    async def retry(self, process_name: str) -> None:
        """Retry the open failure of a name."""
        for one in await self.failures():
            if one.process_name == process_name and one.state != "resolved":
                async with self.session() as session:
                    await inbox.retry(session, self.account.account_id, one.failure_id)


def number(placed: Placed) -> str:
    """The marketplace's identifier."""
    return str(placed.order["order_id"])
