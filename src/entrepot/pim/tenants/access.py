"""Who makes a request and what it may do: the dependencies that every route and page of a shop stands on.

A request is known by an API token or by a session's cookie. Each gets one transaction of its shop, opened here and
committed before the answer is sent; raising rolls it back.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import ForbiddenError
from entrepot.kit.web.doors import BEARER, COOKIE, SESSION_COOKIE, charge, introduce
from entrepot.kit.web.edge import set_cookie
from entrepot.kit.web.requests import (
    SAFE_METHODS,
    check_origin,
    client_address,
    database,
    is_secure,
    trace_id,
    user_agent,
)
from entrepot.pim.tenants.schemas import Identity, IssuedSession, Scope, Session, Shop
from entrepot.pim.tenants.sessions import check_csrf, resume_session
from entrepot.pim.tenants.shops import get_shop
from entrepot.pim.tenants.tokens import authenticate_token

#: A browser takes a cookie of this prefix over TLS only, from this host only, for all of it.
SECURE_COOKIE = "__Host-entrepot_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"


@dataclass(frozen=True, slots=True)
class Known:
    """Who a request comes from; `session` is None for an API token."""

    identity: Identity
    session: Session | None


@dataclass(frozen=True, slots=True)
class Access:
    """A known request and its transaction in its shop."""

    identity: Identity
    session: AsyncSession
    signed_in: Session | None
    db: Database


@dataclass(frozen=True, slots=True)
class Viewer:
    """What every page says about the shop and the person."""

    shop_domain: str
    shop_name: str
    currency: str
    timezone: str
    email: str
    administrator: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A page that a signed-in person asks for, its transaction and its shop."""

    identity: Identity
    session: AsyncSession
    signed_in: Session
    shop: Shop
    db: Database


def session_cookie(request: Request) -> str | None:
    """The session's token as the browser sent it."""
    return request.cookies.get(SECURE_COOKIE if is_secure(request) else COOKIE)


def keep_session(request: Request, issued: IssuedSession) -> None:
    """Have the browser keep a session's token."""
    _send_cookie(request, issued.token, int((issued.expires_at - now()).total_seconds()))


def drop_session(request: Request) -> None:
    """Have the browser forget its session's token."""
    _send_cookie(request, "", 0)


async def identify(
    request: Request,
    _bearer: Annotated[object, Depends(BEARER)] = None,
    _cookie: Annotated[object, Depends(SESSION_COOKIE)] = None,
) -> Known:
    """Who sends this request; they are charged for it. The two parameters are there for the OpenAPI document.

    A browser sends its cookie with whatever another site makes it send; so an unsafe method with a cookie has to show
    the session's CSRF secret in a header. A token is never sent unasked.
    """
    known = await _known(request)
    await charge(request, known.identity.user_id)
    return known


async def _known(request: Request) -> Known:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme:
        presented = credentials.strip() if scheme.lower() == "bearer" else None
        return Known(await authenticate_token(database(request), presented), None)
    session = await _resume(request)
    if request.method not in SAFE_METHODS:
        check_origin(request)
        check_csrf(session, request.headers.get(CSRF_HEADER))
    return Known(session.identity, session)


async def recognize(request: Request) -> Session:
    """Who asks for a page. A form brings its CSRF secret as a field, which the page checks: `checked_form`."""
    if request.method not in SAFE_METHODS:
        check_origin(request)
    return await _resume(request)


def require(known: Known, scope: Scope) -> None:
    """Raise ForbiddenError unless the request may do what needs the scope."""
    identity = known.identity
    if identity.may(scope):
        return
    if scope == "admin" and not identity.admin:
        raise ForbiddenError(
            "Only an administrator may do this.",
            hint="An operator makes one with `entrepot staff add --admin`.",
        )
    raise ForbiddenError(
        f"This token may not {'change anything' if scope == 'write' else 'do this'}.",
        hint=f"Make a token with the scope `{scope}`.",
    )


def _transaction(request: Request, identity: Identity) -> AbstractAsyncContextManager[AsyncSession]:
    return database(request).tenant(
        shop_id=identity.shop_id,
        user_id=identity.user_id,
        trace_id=trace_id(request),
        ip=client_address(request),
        user_agent=user_agent(request),
    )


async def reader(request: Request, known: Annotated[Known, Depends(identify)]) -> AsyncIterator[Access]:
    """A request that reads."""
    require(known, "read")
    async with _transaction(request, known.identity) as session:
        yield Access(known.identity, session, known.session, database(request))


async def writer(request: Request, known: Annotated[Known, Depends(identify)]) -> AsyncIterator[Access]:
    """A request that changes something."""
    require(known, "write")
    async with _transaction(request, known.identity) as session:
        yield Access(known.identity, session, known.session, database(request))


@asynccontextmanager
async def visit_of(request: Request, signed_in: Session) -> AsyncIterator[Visit]:
    """The visit of a signed-in person, for a page that opens it late; fills in what every page shows."""
    identity = signed_in.identity
    async with _transaction(request, identity) as session:
        shop = await get_shop(session, identity.shop_id)
        request.state.csrf_token = signed_in.csrf
        request.state.viewer = Viewer(
            shop_domain=shop.domain,
            shop_name=shop.name,
            currency=shop.currency or "",
            timezone=shop.timezone or "UTC",
            email=identity.email,
            administrator=identity.admin,
        )
        await introduce(request, identity.user_id)
        yield Visit(identity, session, signed_in, shop, database(request))


async def visitor(
    request: Request, signed_in: Annotated[Session, Depends(recognize)]
) -> AsyncIterator[Visit]:
    """A signed-in person on a page."""
    async with visit_of(request, signed_in) as visit:
        yield visit


# The scope "function" ends the transaction before the answer goes out: what was answered is committed.
Identified = Annotated[Known, Depends(identify)]
Recognized = Annotated[Session, Depends(recognize)]
Reading = Annotated[Access, Depends(reader, scope="function")]
Writing = Annotated[Access, Depends(writer, scope="function")]
Visiting = Annotated[Visit, Depends(visitor, scope="function")]


async def checked_form(request: Request, session: Session) -> dict[str, str]:
    """The text fields of a form that was sent from a page of this session; ForbiddenError for any other."""
    form = await request.form(max_files=0)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    check_csrf(session, fields.pop(CSRF_FIELD, None))
    return fields


async def _resume(request: Request) -> Session:
    session, issued = await resume_session(database(request), session_cookie(request))
    if issued is not None:
        keep_session(request, issued)
    return session


def _send_cookie(request: Request, value: str, seconds: int) -> None:
    name = SECURE_COOKIE if is_secure(request) else COOKIE
    cookie: SimpleCookie = SimpleCookie({name: value})
    morsel = cookie[name]
    morsel["path"] = "/"
    morsel["max-age"] = max(seconds, 0)
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    if is_secure(request):
        morsel["secure"] = True
    set_cookie(request, morsel.OutputString())
