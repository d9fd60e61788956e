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

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.errors import NotFoundError
from entrepot.mirakl.accounts.accounts import (
    Account,
    Carrier,
    carrier_credentials,
    get_account,
    list_carriers,
)
from entrepot.mirakl.marketplace_api import MiraklApi, open_api

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

    async def carrier(self, account: Account | UUID, name: str) -> Any:
        """A carrier's service with the account's credentials, as `opens_carrier` registered it.

        Raises NotFoundError for a carrier that the account or the program does not have.
        """
        account_id = account.account_id if isinstance(account, Account) else account
        return await self.keep(("carrier", account_id, name), lambda: self._carrier(account_id, name))

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

    @asynccontextmanager
    async def _carrier(self, account_id: UUID, name: str) -> AsyncIterator[Any]:
        async with self.db.tenant(account_id=account_id) as session:
            held = {carrier.carrier: carrier for carrier in await list_carriers(session, account_id)}
            credentials = await carrier_credentials(session, Keyring.open(self.db.settings), account_id, name)
        opener = OPENERS.get(name)
        if opener is None:
            raise NotFoundError(
                f"The program knows no carrier {name!r}.", hint=f"It knows {', '.join(sorted(OPENERS))}."
            )
        async with opener(self, held[name], *credentials) as service:
            yield service


#: Opens a carrier's service: the services (database, transport), the account's settings, user and password.
Opener = Callable[[Services, Carrier, str, str], AbstractAsyncContextManager[Any]]
#: Carrier → what opens it; the modules of `entrepot.mirakl.shipping` add theirs.
OPENERS: dict[str, Opener] = {}


def opens_carrier(name: str) -> Callable[[Opener], Opener]:
    """Register what opens a carrier's service, an asynchronous context manager."""

    def register(opener: Opener) -> Opener:
        OPENERS[name] = opener
        return opener

    return register
