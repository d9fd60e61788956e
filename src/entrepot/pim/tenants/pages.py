"""Signing in and out, and one's own account, as pages."""

from collections.abc import Sequence
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from entrepot.kit.clock import now
from entrepot.kit.crypto import new_token, same
from entrepot.kit.errors import ForbiddenError, InvalidInputError, LimitedError, UnauthenticatedError
from entrepot.kit.web.edge import set_cookie
from entrepot.kit.web.rendering import THEMES, Message, render
from entrepot.kit.web.requests import (
    check_origin,
    client_address,
    database,
    is_secure,
    local_path,
    user_agent,
)
from entrepot.pim.tenants.access import (
    CSRF_FIELD,
    Recognized,
    Visit,
    Visiting,
    checked_form,
    drop_session,
    keep_session,
    session_cookie,
)
from entrepot.pim.tenants.schemas import ApiToken
from entrepot.pim.tenants.sessions import (
    end_session,
    list_sessions,
    resume_session,
    revoke_session,
    revoke_sessions,
    start_session,
)
from entrepot.pim.tenants.signing_in import authenticate, sign_in
from entrepot.pim.tenants.staff import get_staff, set_password
from entrepot.pim.tenants.tokens import create_token, is_active, list_tokens, revoke_token

router = APIRouter(include_in_schema=False)

#: Stands for a session on the sign-in form, where there is none yet: cookie and field have to agree.
FORM_COOKIE = "entrepot_form"
SEE_OTHER = 303

#: What a redirect to the account page may have it say.
NOTICES = {
    "password": "The password is changed, and every other session is signed out.",
    "token-revoked": "The token is revoked.",
    "session-ended": "That session is signed out.",
    "sessions-ended": "Every other session is signed out.",
}
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "1 year", "never": "No end"}
SCOPE_CHOICES = {"read": "Read", "write": "Read and write", "admin": "Administer"}


@router.get("/sign-in")
async def sign_in_page(
    request: Request,
    target: Annotated[str, Query(alias="next")] = "/",
    shop: Annotated[str, Query(max_length=255)] = "",
) -> Response:
    """The form; whoever is signed in already goes on."""
    try:
        await resume_session(database(request), session_cookie(request))
    except UnauthenticatedError:
        return _sign_in_form(request, target=local_path(target), shop=shop)
    return RedirectResponse(local_path(target), status_code=SEE_OTHER)


@router.post("/sign-in")
async def sign_in_form(request: Request) -> Response:
    """Start a session and go on to where the person wanted to go."""
    check_origin(request)
    form = await request.form(max_files=0)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    target = local_path(fields.get("next"))
    shop, email, password = (fields.get(name, "") for name in ("shop", "email", "password"))
    expected = request.cookies.get(FORM_COOKIE, "")
    if not expected or not same(expected, fields.get(CSRF_FIELD, "")):
        return _sign_in_form(
            request,
            target=target,
            shop=shop,
            email=email,
            failure="The form had expired. Please send it again.",
        )
    try:
        _, issued = await sign_in(
            database(request),
            shop,
            email,
            password,
            ip=client_address(request),
            user_agent=user_agent(request),
        )
    except (UnauthenticatedError, LimitedError, InvalidInputError) as error:
        return _sign_in_form(
            request,
            target=target,
            shop=shop,
            email=email,
            failure=error.detail,
            detail=error.hint or "",
            status=error.status,
        )
    keep_session(request, issued)
    return RedirectResponse(target, status_code=SEE_OTHER)


@router.post("/sign-out")
async def sign_out(request: Request, session: Recognized) -> Response:
    """End the session."""
    await checked_form(request, session)
    await end_session(database(request), session_cookie(request))
    drop_session(request)
    return RedirectResponse("/sign-in", status_code=SEE_OTHER)


@router.post("/theme")
async def change_theme(request: Request, session: Recognized) -> Response:
    """Light or dark, for a browser without scripts."""
    fields = await checked_form(request, session)
    if (theme := fields.get("theme")) in THEMES:
        _plain_cookie(request, "theme", str(theme), seconds=31_536_000, hidden=False)
    return RedirectResponse(local_path(fields.get("next")), status_code=SEE_OTHER)


@router.get("/account")
async def account_page(request: Request, visit: Visiting, done: str = "") -> Response:
    """Password, sessions, tokens."""
    messages = (Message("ok", NOTICES[done]),) if done in NOTICES else ()
    return await _account(request, visit, messages=messages)


@router.post("/account/password")
async def change_password(request: Request, visit: Visiting) -> Response:
    """Set a new password; every session but this browser's ends."""
    fields = await checked_form(request, visit.signed_in)
    identity = visit.identity
    try:
        await authenticate(
            visit.db,
            identity.shop_domain,
            identity.email,
            fields.get("current_password", ""),
            ip=client_address(request),
        )
    except UnauthenticatedError:
        return await _account(
            request, visit, faults={"current_password": "That is not the present password."}, status=422
        )
    except LimitedError as error:
        return await _account(request, visit, faults={"current_password": str(error)}, status=429)
    member = await get_staff(visit.session, identity.shop_id, identity.user_id)
    try:
        await set_password(visit.session, member, fields.get("new_password", ""))
    except InvalidInputError as error:
        return await _account(request, visit, faults={"new_password": str(error)}, status=422)
    issued = await start_session(
        visit.session,
        identity.shop_id,
        identity.user_id,
        ip=client_address(request),
        user_agent=user_agent(request),
    )
    keep_session(request, issued)
    return RedirectResponse("/account?done=password", status_code=SEE_OTHER)


@router.post("/account/tokens")
async def make_token(request: Request, visit: Visiting) -> Response:
    """Make a token and show it, this once."""
    fields = await checked_form(request, visit.signed_in)
    scope, lifetime = fields.get("scope", "read"), fields.get("lifetime", "365")
    try:
        if lifetime not in LIFETIMES:
            raise InvalidInputError("Choose how long the token is to work.")
        if scope == "admin" and not visit.identity.admin:
            raise ForbiddenError("Only an administrator can make a token that administers.")
        issued = await create_token(
            visit.session,
            visit.identity.shop_id,
            visit.identity.user_id,
            fields.get("name", ""),
            scopes=(scope,),
            expires_in=None if lifetime == "never" else timedelta(days=int(lifetime)),
        )
    except (InvalidInputError, ForbiddenError) as error:
        return await _account(request, visit, faults={"token": str(error)}, status=error.status)
    return await _account(request, visit, new_token={"name": issued.record.name, "value": issued.token})


@router.post("/account/tokens/{token_id}/revoke")
async def end_token(request: Request, visit: Visiting, token_id: UUID) -> Response:
    """End one of the person's tokens."""
    await checked_form(request, visit.signed_in)
    await revoke_token(visit.session, visit.identity.shop_id, token_id, user_id=visit.identity.user_id)
    return RedirectResponse("/account?done=token-revoked", status_code=SEE_OTHER)


@router.post("/account/sessions/{session_id}/revoke")
async def end_one_session(request: Request, visit: Visiting, session_id: str) -> Response:
    """End another of the person's sessions, or with `others` all of them."""
    await checked_form(request, visit.signed_in)
    identity = visit.identity
    if session_id == "others":
        await revoke_sessions(
            visit.session, identity.shop_id, identity.user_id, keep=visit.signed_in.session_id
        )
        return RedirectResponse("/account?done=sessions-ended", status_code=SEE_OTHER)
    await revoke_session(visit.session, identity.shop_id, identity.user_id, session_id)
    return RedirectResponse("/account?done=session-ended", status_code=SEE_OTHER)


async def _account(
    request: Request,
    visit: Visit,
    *,
    faults: dict[str, str] | None = None,
    new_token: dict[str, str] | None = None,
    messages: Sequence[Message] = (),
    status: int = 200,
) -> Response:
    identity = visit.identity
    tokens = await list_tokens(visit.session, identity.shop_id, user_id=identity.user_id)
    sessions = await list_sessions(visit.session, identity.shop_id, identity.user_id)
    return render(
        request,
        "account/account.html",
        status=status,
        section="account",
        messages=tuple(messages),
        faults={"current_password": "", "new_password": "", "token": ""} | (faults or {}),
        new_token=new_token,
        tokens=_working(tokens),
        sessions=[
            {
                "id": session.session_id,
                "created_at": session.created_at,
                "seen_at": session.seen_at,
                "expires_at": session.expires_at,
                "ip": session.ip,
                "user_agent": session.user_agent,
                "current": session.session_id == visit.signed_in.session_id,
            }
            for session in sessions
        ],
        scopes=[(name, title) for name, title in SCOPE_CHOICES.items() if name != "admin" or identity.admin],
        lifetimes=list(LIFETIMES.items()),
    )


def _working(tokens: Sequence[ApiToken]) -> list[ApiToken]:
    at = now()
    return [token for token in tokens if is_active(token, at)]


def _sign_in_form(
    request: Request,
    *,
    target: str,
    shop: str = "",
    email: str = "",
    failure: str = "",
    detail: str = "",
    status: int = 200,
) -> Response:
    token = request.cookies.get(FORM_COOKIE) or new_token()
    _plain_cookie(request, FORM_COOKIE, token, seconds=3600)
    request.state.csrf_token = token
    messages: tuple[Any, ...] = (Message("bad", failure, detail),) if failure else ()
    return render(
        request,
        "account/sign_in.html",
        status=status,
        messages=messages,
        next=target,
        shop=shop,
        email=email,
    )


def _plain_cookie(request: Request, name: str, value: str, *, seconds: int, hidden: bool = True) -> None:
    cookie: SimpleCookie = SimpleCookie({name: value})
    morsel = cookie[name]
    morsel["path"] = "/"
    morsel["max-age"] = seconds
    morsel["samesite"] = "Lax"
    morsel["secure"] = is_secure(request)
    morsel["httponly"] = hidden
    set_cookie(request, morsel.OutputString())
