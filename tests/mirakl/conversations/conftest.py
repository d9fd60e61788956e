"""One database for all tests of conversations; each has an account and a marketplace of its own, with a clock."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import CursorResult, text
from tests.conftest import clone

from entrepot.kit.clock import clock
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.mirakl.accounts.accounts import Account, add_account
from entrepot.mirakl.conversations import automatic, outbox
from entrepot.mirakl.conversations.deciding import Decision
from entrepot.mirakl.conversations.settings import set_reply_settings
from entrepot.mirakl.conversations.synchronizing import Synchronized, synchronize
from entrepot.mirakl.marketplace_api import open_api
from entrepot.sandbox.mirakl.server import serving
from entrepot.sandbox.mirakl.state import MiraklState

NUMBERS = count(1)
#: A Monday, ten in the morning in Toronto.
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def settings(server_home: Any) -> Iterator[Settings]:
    """Settings of the database that the tests of conversations share."""
    with clone(server_home) as found:
        yield found


@pytest.fixture(scope="session")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The two pools on it."""
    async with Database.opened(settings) as database:
        yield database


@dataclass
class Shop:
    """An account, its marketplace and the time."""

    db: Database
    account: Account
    state: MiraklState
    at: datetime = MONDAY

    @property
    def account_id(self) -> UUID:
        """The tenant."""
        return self.account.account_id

    def wait(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)

    def order(self) -> str:
        """An order on the marketplace; its identifier."""
        [placed] = self.state.add_orders(1, ["BB1"], seed=next(NUMBERS))
        return str(placed.order["order_id"])

    def says(self, body: str, *, order: str | None = None, sender: str = "CUSTOMER") -> str:
        """Somebody writes on the marketplace; the thread."""
        order = order or self.order()
        return self.state.inbox.receive(order, body, sender=sender).thread_id

    def sent(self) -> list[str]:
        """What the shop sent, as the marketplace has it."""
        return [str(one["body"]) for one in self.state.inbox.sent]

    async def sync(self, *, full: bool = False) -> Synchronized:
        """Take threads in."""
        with clock(self.at):
            async with open_api(self.db, self.account) as api:
                return await synchronize(self.db, api, self.account_id, full=full)

    async def send(self) -> outbox.Sent:
        """Send what is due."""
        with clock(self.at):
            async with open_api(self.db, self.account) as api:
                return await outbox.send_due(self.db, api, self.account_id)

    async def automatic(self) -> list[Decision]:
        """Store the automatic replies that are due."""
        with clock(self.at):
            return await automatic.store_replies(self.db, self.account_id, self.account.time_zone)

    async def preview(self) -> list[Decision]:
        """What would be sent, and why not."""
        with clock(self.at):
            async with self.db.tenant(account_id=self.account_id) as session:
                return await automatic.preview(session, self.account_id, self.account.time_zone)

    async def reply(self, thread: str, body: str, **named: Any) -> UUID:
        """Store a person's reply."""
        with clock(self.at):
            async with self.db.tenant(account_id=self.account_id) as session:
                return await outbox.write_reply(session, self.account_id, thread, body, **named)

    async def rules(self, **changes: Any) -> None:
        """Change how messages are answered."""
        async with self.db.tenant(account_id=self.account_id) as session:
            await set_reply_settings(session, self.account_id, changes)

    async def switch_on(self, **changes: Any) -> None:
        """Two templates, and automatic replies on."""
        await self.rules(enabled=True, **changes)
        async with self.db.tenant(account_id=self.account_id) as session:
            for number, body in (
                (1, "Hello {{customer.firstname|there}}, we answer soon."),
                (2, "Please call us."),
            ):
                await automatic.save_template(session, self.account_id, number, body)

    async def sql(self, statement: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        """Run a statement in the account; its rows."""
        async with self.db.tenant(account_id=self.account_id) as session:
            found = cast(
                "CursorResult[Any]",
                await session.execute(text(statement), {"account_id": self.account_id, **values}),
            )
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    async def messages(self) -> list[tuple[str, str, str]]:
        """Every message: who, how it stands, what."""
        rows = await self.sql(
            "SELECT sender_type, sending, body FROM mirakl.messages ORDER BY coalesce(sent_at, created_at), id"
        )
        return [(row["sender_type"], row["sending"], row["body"]) for row in rows]

    async def conversation(self) -> Mapping[str, Any]:
        """The only conversation."""
        [row] = await self.sql("SELECT * FROM mirakl.conversations")
        return row


@pytest.fixture
async def shop(db: Database) -> AsyncIterator[Shop]:
    """A shop on a marketplace in which nothing has happened yet."""
    found: Shop

    def time() -> datetime:
        return found.at

    state = MiraklState.fresh(api_key="key", clock=time)
    async with serving(state) as url:
        async with db.system() as session:
            account = await add_account(
                session,
                Keyring.open(db.settings),
                f"quayside-{next(NUMBERS)}",
                marketplace="Quayside",
                api_url=f"{url}/api",
                api_key="key",
                time_zone="America/Toronto",
            )
        found = Shop(db, account, state)
        yield found


@pytest.fixture
async def other_shop(db: Database) -> Shop:
    """Another tenant."""
    async with db.system() as session:
        account = await add_account(
            session,
            Keyring.open(db.settings),
            f"breakwater-{next(NUMBERS)}",
            marketplace="Breakwater",
            api_url="http://127.0.0.1:9/api",
            api_key="key",
        )
    return Shop(db, account, MiraklState.fresh())
