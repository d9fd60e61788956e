"""One database for the tests of a module, which keep apart by accounts of their own; and a marketplace served.

A conftest that imports these fixtures has them in place of the ones that make a database for each test.
"""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from tests.conftest import clone
from tests.mirakl.conftest import new_account

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.marketplace_api import MiraklApi, open_api
from entrepot.sandbox.mirakl.server import serving
from entrepot.sandbox.mirakl.state import API_KEY, MiraklState

#: Properties are about values; how busy the machine is says nothing.
PATIENT = hypothesis.settings(
    max_examples=150, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
_numbers = itertools.count(1)


def fresh_code() -> str:
    """The code of an account that there is not yet."""
    return f"quay-{next(_numbers)}"


@pytest.fixture(scope="module")
def settings(server_home: Path) -> Iterator[Settings]:
    """Settings of a database of the module's own."""
    with clone(server_home) as found:
        yield found


@pytest.fixture(scope="module")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The two pools on the module's database."""
    async with Database.opened(settings) as database:
        yield database


@pytest.fixture
async def account(db: Database) -> Account:
    """An account on a marketplace that nobody serves."""
    return await new_account(db, fresh_code())


@dataclass(frozen=True)
class Market:
    """What the marketplace knows, and our account there."""

    state: MiraklState
    url: str
    account: Account

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return self.state.desk.counts[operation]


@pytest.fixture
async def market(db: Database) -> AsyncIterator[Market]:
    """A marketplace in which nothing has happened yet."""
    state = MiraklState.fresh()
    async with serving(state) as url:
        yield Market(state, url, await new_account(db, fresh_code(), api_url=f"{url}/api", api_key=API_KEY))


@pytest.fixture
async def api(db: Database, market: Market) -> AsyncIterator[MiraklApi]:
    """The API of the account."""
    async with open_api(db, market.account) as found:
        yield found
