"""A shop that was properly installed, and a person in it."""

from typing import NamedTuple

import pytest

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.pim.tenants.schemas import Shop, StaffMember
from entrepot.pim.tenants.shops import add_shop
from entrepot.pim.tenants.staff import add_staff

PASSWORD = "seven quiet lanterns"


class Member(NamedTuple):
    """A shop and a person who works in it."""

    shop: Shop
    person: StaffMember


async def install(
    db: Database, domain: str, email: str, *, admin: bool = False, password: str | None = PASSWORD
) -> Member:
    """Install a shop with one person."""
    async with db.system() as session:
        shop = await add_shop(
            session, Keyring.open(db.settings), domain, currency="CAD", timezone="America/Toronto"
        )
        return Member(shop, await add_staff(session, shop, email, password, first_name="Ann", admin=admin))


@pytest.fixture
async def ann(db: Database) -> Member:
    """Ann, who works for the harbor shop."""
    return await install(db, "harbor.myshopify.com", "ann@harbor.example")


@pytest.fixture
async def bob(db: Database) -> Member:
    """Bob, who works for another shop."""
    return await install(db, "lagoon.myshopify.com", "bob@lagoon.example")
