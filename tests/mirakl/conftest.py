"""Accounts on a marketplace, and the outside services that their steps speak to."""

from collections.abc import AsyncIterator

import pytest

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account, add_account
from entrepot.mirakl.services import Services

#: Nobody listens here: what a test does not serve cannot be reached.
NOWHERE = "http://127.0.0.1:9/api"
API_KEY = "key-of-the-tests"


async def new_account(db: Database, code: str, *, api_url: str = NOWHERE, api_key: str = API_KEY) -> Account:
    """An account on a marketplace."""
    async with db.system() as session:
        return await add_account(
            session,
            Keyring.open(db.settings),
            code,
            marketplace=code.title(),
            api_url=api_url,
            api_key=api_key,
            time_zone="America/Toronto",
        )


@pytest.fixture
async def account(db: Database) -> Account:
    """An account on a marketplace that nobody serves."""
    return await new_account(db, "quayside")


@pytest.fixture
async def other_account(db: Database) -> Account:
    """Another tenant."""
    return await new_account(db, "breakwater")


@pytest.fixture
async def services(db: Database) -> AsyncIterator[Services]:
    """The outside services of a worker."""
    async with Services.opened(db) as found:
        yield found
