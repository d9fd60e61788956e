"""The application over two accounts: one with something of everything, one of somebody else."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from tests.api.conftest import BASE, application
from tests.conftest import add_shop, clone
from tests.console.conftest import SignedIn
from tests.mirakl.pages.seeding import Seeded, add_account, fill

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.kit.web.doors import COOKIE
from entrepot.mirakl.accounts.accounts import set_member
from entrepot.pim.tenants.sessions import start_session
from entrepot.pim.tenants.shops import get_shop
from entrepot.pim.tenants.staff import add_staff
from entrepot.pim.tenants.tokens import create_token


@dataclass
class Hand:
    """Somebody with a session for the pages and a token for the API."""

    user_id: UUID
    pages: SignedIn
    api: httpx.AsyncClient


@dataclass
class House:
    """The account, the people who work in it, and an account of somebody else."""

    app: FastAPI
    db: Database
    here: Seeded
    there: Seeded
    olga: Hand
    vera: Hand
    otto: Hand


async def hire(app: FastAPI, db: Database, shop: UUID, email: str, roles: Mapping[UUID, str]) -> Hand:
    """Somebody of a shop, with roles in accounts; without a password, whose hash costs time."""
    async with db.system() as session:
        member = await add_staff(session, await get_shop(session, shop), email, None)
        for account_id, role in roles.items():
            await set_member(session, account_id, member.user_id, role)
        issued = await start_session(session, shop, member.user_id)
        token = await create_token(session, shop, member.user_id, "tests", scopes=("write",))
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=BASE, cookies={COOKIE: issued.token}
    )
    program = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=BASE,
        headers={"authorization": f"Bearer {token.token}", "accept": "application/json"},
    )
    return Hand(member.user_id, SignedIn(browser, issued.csrf), program)


@pytest.fixture(scope="module")
def own_settings(server_home: Path) -> Iterator[Settings]:
    """A database that the tests of a module share."""
    with clone(server_home) as found:
        yield found


@pytest.fixture(scope="module")
async def house(own_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Everything, put there once a module."""
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.opened(own_settings))
        directory = tmp_path_factory.mktemp("home")
        app = await stack.enter_async_context(application(db, own_settings, directory))
        shop, other = await add_shop(db, "harbor.myshopify.com"), await add_shop(db, "lagoon.myshopify.com")
        here = await add_account(db, "best-buy", {})
        there = await add_account(db, "elsewhere", {})
        await fill(db, here)
        await fill(db, there)
        olga = await hire(app, db, shop, "olga@harbor.example", {here.account_id: "operator"})
        vera = await hire(app, db, shop, "vera@harbor.example", {here.account_id: "viewer"})
        otto = await hire(app, db, other, "otto@lagoon.example", {there.account_id: "admin"})
        for hand in (olga, vera, otto):
            stack.push_async_callback(hand.pages.http.aclose)
            stack.push_async_callback(hand.api.aclose)
        yield House(app, db, here, there, olga, vera, otto)
