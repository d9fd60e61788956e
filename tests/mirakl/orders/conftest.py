"""A shop on a served marketplace; one database for the tests of a module, which keep apart by their accounts."""

import pytest
from tests.mirakl.conftest import Time
from tests.mirakl.sharing import account, db, settings
from tests.mirakl.shop import Shop

from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.orders.steps import STEPS, load_steps
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.state import MiraklState

__all__ = ["account", "db", "settings"]


@pytest.fixture
def shop(
    db: Database,
    account: Account,
    marketplace: MiraklState,
    services: Services,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    """The account's shop, in which nobody ships: orders stay when they are ready to."""
    load_steps()
    for status in set(STEPS) - {"pending_acceptance", "accepting", "refusing", "accepted"}:
        monkeypatch.delitem(STEPS, status)
    return Shop(db, account, marketplace, services, time)
