"""The engines of one process: compiled rules in memory, kept fresh, and what they decided on its way to the database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self, cast

from starlette.requests import HTTPConnection

from entrepot.kit.db import Database
from entrepot.kit.db.live import Changes
from entrepot.marketplace.policies.engine import PolicyEngine
from entrepot.marketplace.pricing.engine import PricingEngine


class Engines:
    """Opened once a process, around whatever asks the engines."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.changes = Changes(db)
        self.policies = PolicyEngine(db, self.changes)
        self.pricing = PricingEngine(db, self.changes)
        self._stack = AsyncExitStack()

    @classmethod
    @asynccontextmanager
    async def opened(cls, db: Database) -> AsyncIterator[Self]:
        """The engines of a database, started; at the end everything that waits to be recorded is written."""
        engines = cls(db)
        async with engines._stack:
            await engines._stack.enter_async_context(engines.changes)
            await engines.policies.start()
            engines._stack.push_async_callback(engines.policies.stop)
            await engines.pricing.start()
            engines._stack.push_async_callback(engines.pricing.stop)
            yield engines


def engines_of(request: HTTPConnection) -> Engines:
    """The engines of the application."""
    return cast(Engines, request.app.state.engines)
