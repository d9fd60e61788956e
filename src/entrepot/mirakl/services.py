"""What the steps of an order need from outside: the marketplaces and the carriers of every account, opened once each.

async with Services.opened(db) as services:
    api = await services.api(account_id)
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Self, TypeVar, cast
from uuid import UUID

import httpx

from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account, get_account
from entrepot.mirakl.marketplace_api import MiraklApi, open_api
from entrepot.mirakl.shipping.carrier import Carrier, open_carrier

T = TypeVar("T")


class Services:
    """The outside services of one run of a worker; keys are read when a service is first asked for.

    A run is short (a look at what is due), so that a key that was rotated is taken up with the next.
    """

    def __init__(self, db: Database, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.db = db
        self.transport = transport
        self._open = AsyncExitStack()
        self._kept: dict[Hashable, Any] = {}
        self._opening: dict[Hashable, asyncio.Lock] = {}

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, db: Database, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> AsyncIterator[Self]:
        """The services around a block; what was opened in it is closed after it."""
        services = cls(db, transport=transport)
        async with services._open:
            yield services

    async def account(self, account_id: UUID) -> Account:
        """The account, as it was when it was first asked for; raises NotFoundError."""
        return await self.keep(("account", account_id), lambda: self._account(account_id))

    async def api(self, account: Account | UUID) -> MiraklApi:
        """The marketplace's API with the account's key; raises NotFoundError, UnavailableError for a key that is shut."""
        account_id = account.account_id if isinstance(account, Account) else account
        found = await self.account(account_id)
        return await self.keep(
            ("api", account_id), lambda: open_api(self.db, found, transport=self.transport)
        )

    async def carrier(self, account: Account | UUID, name: str) -> Carrier:
        """A carrier with the account's credentials; raises NotFoundError where the account or the program has none."""
        account_id = account.account_id if isinstance(account, Account) else account
        return await self.keep(
            ("carrier", account_id, name),
            lambda: open_carrier(self.db, account_id, name, transport=self.transport),
        )

    def open_carrier(self, account_id: UUID, name: str) -> Carrier | None:
        """A carrier of the account that was opened before; None where `carrier` has to open it."""
        found: Carrier | None = self._kept.get(("carrier", account_id, name))
        return found

    async def keep(self, key: Hashable, opening: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """What `opening` opens, once for a key however many ask at the same time; closed with the services."""
        async with self._opening.setdefault(key, asyncio.Lock()):
            if key not in self._kept:
                self._kept[key] = await self._open.enter_async_context(opening())
            return cast("T", self._kept[key])

    @asynccontextmanager
    async def _account(self, account_id: UUID) -> AsyncIterator[Account]:
        async with self.db.tenant(account_id=account_id) as session:
            found = await get_account(session, account_id)
        yield found
