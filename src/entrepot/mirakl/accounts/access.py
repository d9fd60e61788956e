"""Who acts in which account: the dependencies that every route and page of Mirakl operations stands on.

The account is named by its code in the address: `/mirakl/CODE/…` for a page, `/api/v1/mirakl/CODE/…` for the API. One
that a person is no member of does not exist for them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from starlette.requests import Request

from entrepot.kit.errors import NotFoundError
from entrepot.kit.people import Person
from entrepot.kit.web.doors import BEARER, SESSION_COOKIE, doors
from entrepot.kit.web.members import Access, Caller, Role, transaction
from entrepot.kit.web.requests import database, trace_id
from entrepot.mirakl.accounts.accounts import REACH, Account, memberships, of_code

AccountCode = Annotated[str, Path(max_length=50, description="Code of the account.", examples=["best-buy"])]


@dataclass(frozen=True, slots=True)
class AccountCaller(Caller):
    """A known person in an account; no transaction is open."""

    account: Account

    @property
    def account_id(self) -> UUID:
        """The tenant."""
        return self.account.account_id

    @property
    def tenant(self) -> dict[str, UUID]:
        """The account."""
        return {"account_id": self.account_id}

    @property
    def role(self) -> Role:
        """The person's role in the account."""
        return Role(
            self.account.role or "viewer",
            REACH[self.account.role or "viewer"],
            self.account.code,
            "An admin of the account may; whoever runs the installation gives roles with `entrepot mirakl members set`.",
        )


@dataclass(frozen=True, slots=True)
class AccountAccess(Access[AccountCaller]):
    """A known person in an account, and a transaction there."""

    @property
    def account_id(self) -> UUID:
        """The tenant."""
        return self.caller.account_id

    @property
    def account(self) -> Account:
        """The account."""
        return self.caller.account


async def caller_of(
    request: Request,
    account_code: AccountCode,
    _bearer: Annotated[object, Depends(BEARER)] = None,
    _cookie: Annotated[object, Depends(SESSION_COOKIE)] = None,
) -> AccountCaller:
    """Who sends this request, in which account. The last two parameters are there for the OpenAPI document."""
    person = await doors(request).identify(request)
    return await _caller(request, person, account_code)


async def _caller(request: Request, person: Person, code: str) -> AccountCaller:
    db = database(request)
    async with db.system() as session:
        held = await memberships(session, person.user_id)
    found = of_code(held, code)
    if found is None:
        raise NotFoundError(f"There is no account {code!r} that you are a member of.")
    return AccountCaller(person, db, trace_id(request), found)


async def _known(caller: Annotated[AccountCaller, Depends(caller_of)]) -> AccountCaller:
    caller.require("read")
    return caller


async def _asking(caller: Annotated[AccountCaller, Depends(caller_of)]) -> AccountCaller:
    caller.require("write")
    return caller


async def _reader(
    request: Request, caller: Annotated[AccountCaller, Depends(_known)]
) -> AsyncIterator[AccountAccess]:
    async with transaction(request, caller) as session:
        yield AccountAccess(caller, session)


async def _writer(
    request: Request, caller: Annotated[AccountCaller, Depends(_asking)]
) -> AsyncIterator[AccountAccess]:
    async with transaction(request, caller) as session:
        yield AccountAccess(caller, session)


async def _guest(request: Request, account_code: AccountCode) -> AccountCaller:
    person = await doors(request).admit(request)
    caller = await _caller(request, person, account_code)
    caller.require("read")
    request.state.account = caller.account
    return caller


async def _visitor(
    request: Request, caller: Annotated[AccountCaller, Depends(_guest)]
) -> AsyncIterator[AccountAccess]:
    async with transaction(request, caller) as session:
        yield AccountAccess(caller, session)


#: Somebody who may read, without a transaction.
AccountKnown = Annotated[AccountCaller, Depends(_known)]
#: Somebody who may write, without a transaction: for what speaks to an outside service.
AccountAsking = Annotated[AccountCaller, Depends(_asking)]
#: Somebody at a page, without a transaction: for a form that speaks to an outside service.
AccountCalling = Annotated[AccountCaller, Depends(_guest)]
# The scope "function" ends the transaction before the answer goes out: what was answered is committed.
AccountReading = Annotated[AccountAccess, Depends(_reader, scope="function")]
AccountWriting = Annotated[AccountAccess, Depends(_writer, scope="function")]
AccountVisiting = Annotated[AccountAccess, Depends(_visitor, scope="function")]
