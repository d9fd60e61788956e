"""Accounts over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from entrepot.kit.errors import ForbiddenError, NotFoundError
from entrepot.kit.web.doors import BEARER, SESSION_COOKIE, doors
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.kit.web.requests import database
from entrepot.mirakl.accounts.access import AccountKnown
from entrepot.mirakl.accounts.accounts import Account, memberships
from entrepot.mirakl.accounts.answers import AccountBody, AccountList

router = APIRouter(prefix="/mirakl", tags=["Mirakl"])


@router.get(
    "",
    operation_id="listMiraklAccounts",
    summary="Accounts on Mirakl marketplaces",
    response_model=AccountList,
    responses=responses(*GUARDED),
)
async def list_accounts(
    request: Request,
    _bearer: Annotated[object, Depends(BEARER)] = None,
    _cookie: Annotated[object, Depends(SESSION_COOKIE)] = None,
) -> dict[str, Any]:
    """The accounts that the caller works in, and as what."""
    person = await doors(request).identify(request)
    if not person.may("read"):
        raise ForbiddenError("This token does not reach to read.", hint="Make a token with the scope `read`.")
    async with database(request).system() as session:
        return {"items": await memberships(session, person.user_id)}


@router.get(
    "/{account_code}",
    operation_id="getMiraklAccount",
    summary="One account",
    response_model=AccountBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_account(caller: AccountKnown) -> Account:
    """The account, the caller's role in it, and up to where its marketplace was read."""
    return caller.account
