"""The engines over the test's database, the application over both, and somebody who runs the platform."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from tests.api.conftest import PASSWORD, connect

from entrepot.api.app import create_app
from entrepot.kit.db import Database
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.platforms.platforms import set_member
from entrepot.pim.tenants.shops import get_shop
from entrepot.pim.tenants.staff import add_staff
from entrepot.pim.tenants.tokens import create_token


@pytest.fixture
async def engines(db: Database) -> AsyncIterator[Engines]:
    """The engines of a process."""
    async with Engines.opened(db) as found:
        yield found


@pytest.fixture
async def client(db: Database, engines: Engines) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has not said who they are, before the application."""
    async with connect(create_app(db, engines=engines)) as found:
        yield found


async def add_member(db: Database, shop: UUID, platform: UUID, role: str, email: str) -> dict[str, str]:
    """Somebody of the platform; gives the headers of their token."""
    async with db.system() as session:
        member = await add_staff(
            session, await get_shop(session, shop), email, PASSWORD, admin=role == "admin"
        )
        scope = {"viewer": "read", "editor": "write", "admin": "admin"}[role]
        issued = await create_token(session, shop, member.user_id, "tests", scopes=(scope,))
        await set_member(session, platform, member.user_id, role)
    return {"authorization": f"Bearer {issued.token}"}


@pytest.fixture
async def operator(db: Database, shop: UUID, platform: UUID) -> dict[str, str]:
    """The headers of an admin of the platform."""
    return await add_member(db, shop, platform, "admin", "olga@quayside.example")


@pytest.fixture
async def viewer(db: Database, shop: UUID, platform: UUID) -> dict[str, str]:
    """The headers of somebody who may only look."""
    return await add_member(db, shop, platform, "viewer", "vera@quayside.example")


@pytest.fixture
async def outsider(db: Database, other_shop: UUID, other_platform: UUID) -> dict[str, str]:
    """The headers of an admin of another platform."""
    return await add_member(db, other_shop, other_platform, "admin", "otto@breakwater.example")
