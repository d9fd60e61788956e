"""Which account a command means, and a transaction there: what every `entrepot mirakl …` stands on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.telemetry import new_trace_id
from entrepot.mirakl.accounts.accounts import Account, choose_account
from entrepot.mirakl.failures.recording import settle_all

T = TypeVar("T")

#: The `--account` option: `account: AccountOption = None`.
AccountOption = Annotated[
    str | None,
    typer.Option("--account", metavar="CODE", help="The account; needed where there are several."),
]


def in_account(code: str | None, work: Callable[[AsyncSession, Account], Awaitable[T]]) -> T:
    """Run a function in one transaction of the account that is meant; raises NotFoundError, InvalidInputError."""

    async def run(db: Database, account: Account) -> T:
        async with db.tenant(account_id=account.account_id, trace_id=new_trace_id()) as session:
            return await work(session, account)

    return with_account(code, run)


def with_account(code: str | None, work: Callable[[Database, Account], Awaitable[T]]) -> T:
    """Run a function that opens its own transactions, for what speaks to an outside service in between."""

    async def run() -> T:
        async with Database.opened(pool_size=4) as db:
            try:
                return await work(db, await choose_account(db, code))
            finally:
                await settle_all(db)

    return asyncio.run(run())
