"""A shop on a served marketplace."""

import pytest
from tests.mirakl.conftest import Time
from tests.mirakl.shop import Shop

from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.state import MiraklState


@pytest.fixture
def shop(db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time) -> Shop:
    """The account's shop."""
    return Shop(db, account, marketplace, services, time)
