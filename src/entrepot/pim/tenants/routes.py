"""Sessions and shops over HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response

from entrepot.kit.db import Database
from entrepot.kit.errors import (
    ConflictError,
    InvalidInputError,
    LimitedError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.kit.web.requests import check_origin, client_address, database, user_agent
from entrepot.pim.tenants.access import Identified, Reading, drop_session, keep_session, session_cookie
from entrepot.pim.tenants.bodies import SessionBody, ShopBody, ShopList, SignIn
from entrepot.pim.tenants.schemas import Identity, Session, Shop
from entrepot.pim.tenants.sessions import end_session, resume_session
from entrepot.pim.tenants.shops import get_shop, list_shops
from entrepot.pim.tenants.signing_in import sign_in

router = APIRouter()


@router.post(
    "/session",
    tags=["Session"],
    operation_id="signIn",
    summary="Sign in",
    status_code=201,
    response_model=SessionBody,
    responses=responses(UnauthenticatedError, InvalidInputError, LimitedError, UnavailableError),
)
async def create_session(request: Request, body: SignIn) -> dict[str, Any]:
    """Start a session: its cookie comes with the answer. Programs do better with an API token."""
    check_origin(request)
    db = database(request)
    _, issued = await sign_in(
        db,
        body.shop,
        body.email,
        body.password.get_secret_value(),
        ip=client_address(request),
        user_agent=user_agent(request),
    )
    keep_session(request, issued)
    session, _ = await resume_session(db, issued.token)
    return session_body(session.identity, session, await _shop_of(db, session.identity))


@router.get(
    "/session",
    tags=["Session"],
    operation_id="getSession",
    summary="Who the caller is",
    response_model=SessionBody,
    responses=responses(*GUARDED),
)
async def get_session(access: Reading) -> dict[str, Any]:
    """The person, the shop and what the caller may do, for a session and for an API token."""
    return session_body(
        access.identity, access.signed_in, await get_shop(access.session, access.identity.shop_id)
    )


@router.delete(
    "/session",
    tags=["Session"],
    operation_id="signOut",
    summary="Sign out",
    status_code=204,
    responses=responses(*GUARDED, ConflictError),
)
async def delete_session(request: Request, known: Identified) -> Response:
    """End the session of the cookie."""
    if known.session is None:
        raise ConflictError(
            "An API token has no session to end.", hint="Revoke the token on the account page."
        )
    await end_session(database(request), session_cookie(request))
    drop_session(request)
    return Response(status_code=204)


@router.get(
    "/shops",
    tags=["Shops"],
    operation_id="listShops",
    summary="The caller's shops",
    response_model=ShopList,
    responses=responses(*GUARDED),
)
async def list_all(access: Reading) -> dict[str, Any]:
    """The shops that the caller may work in. A session or token belongs to one shop, so there is one."""
    return {"items": await list_shops(access.session)}


@router.get(
    "/shops/current",
    tags=["Shops"],
    operation_id="getCurrentShop",
    summary="The caller's shop",
    response_model=ShopBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def current(access: Reading) -> Shop:
    """The shop that every other operation is about."""
    return await get_shop(access.session, access.identity.shop_id)


def session_body(identity: Identity, session: Session | None, shop: Shop) -> dict[str, Any]:
    """What the API says about a caller."""
    return {
        "user_id": identity.user_id,
        "email": identity.email,
        "name": identity.name,
        "administrator": identity.admin,
        "scopes": [scope for scope in identity.scopes if scope != "admin" or identity.admin],
        "via": identity.via,
        "csrf_token": session.csrf if session else None,
        "expires_at": session.expires_at if session else None,
        "shop": shop,
    }


async def _shop_of(db: Database, identity: Identity) -> Shop:
    async with db.tenant(shop_id=identity.shop_id, user_id=identity.user_id) as session:
        return await get_shop(session, identity.shop_id)
