"""Accounts on a marketplace, and the outside services that their steps speak to."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from tests.mirakl.arranging import NOON

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account, add_account
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.server import serving
from entrepot.sandbox.mirakl.state import MiraklState

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


class Time:
    """The time of a test: it stands still until it is moved on."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **span: float) -> datetime:
        """Move on by hours, minutes, seconds …"""
        self.at += timedelta(**span)
        return self.at


@pytest.fixture
def time() -> Time:
    """Noon of a Monday; put in force with `with clock(time):`."""
    return Time(NOON)


@pytest.fixture
async def marketplace(db: Database, account: Account, time: Time) -> AsyncIterator[MiraklState]:
    """The account's marketplace, served; its clock is the test's."""
    state = MiraklState.fresh(api_key=API_KEY, clock=time)
    async with serving(state) as url:
        await set_api_url(db, account, f"{url}/api")
        yield state


async def set_api_url(db: Database, account: Account, api_url: str) -> None:
    """Where the marketplace of an account is."""
    async with db.system() as session:
        await session.execute(
            text("UPDATE mirakl.accounts SET api_url = :api_url WHERE id = :id"),
            {"api_url": api_url, "id": account.account_id},
        )
