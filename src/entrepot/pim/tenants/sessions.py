"""Sessions of the console: a cookie holds a random token, the database its SHA-256.

A session ends after `IDLE` without a request, after `LONGEST` in any case, and when it is revoked. Its token is
replaced every `ROTATE`; the replaced one works for `GRACE` more, for requests that were under way. All tokens of one
sign-in form a family, which is revoked together.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.crypto import digest, new_token, same
from entrepot.kit.db import Database
from entrepot.kit.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from entrepot.pim.tenants import access_queries as queries
from entrepot.pim.tenants.schemas import Identity, IssuedSession, OpenSession, Session
from entrepot.pim.tenants.staff import staff_member

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
ROTATE = timedelta(hours=1)
GRACE = timedelta(minutes=2)
#: How old the record of the last request may be before it is renewed, so that reading a page is not a write each time.
SEEN_WITHIN = timedelta(minutes=5)
#: What a signed-in person may do in their shop; "admin" counts for administrators only.
SESSION_SCOPES = ("read", "write", "admin")


async def start_session(
    session: AsyncSession,
    shop_id: UUID,
    user_id: UUID,
    *,
    ip: str | None = None,
    user_agent: str | None = None,
) -> IssuedSession:
    """A new session for a person who has just signed in. Always a new token: one from before is never taken over."""
    at = now()
    payload = {
        "user_id": str(user_id),
        "csrf": new_token(),
        "started_at": at.isoformat(),
        "rotated_at": at.isoformat(),
        "seen_at": at.isoformat(),
        "ends_at": (at + LONGEST).isoformat(),
        "ip": ip,
        "user_agent": (user_agent or "")[:300] or None,
    }
    token = new_token()
    payload["family"] = digest(token)
    return await _insert(session, shop_id, token, payload, at)


async def resume_session(db: Database, token: str | None) -> tuple[Session, IssuedSession | None]:
    """The session of a cookie's token, and its replacement when it was time for one: then set the cookie anew.

    Opens a system transaction, since the shop is not known before. Raises UnauthenticatedError when there is no such
    session, it has ended, or the person is gone.
    """
    if not token:
        raise UnauthenticatedError("You are not signed in.")
    at = now()
    async with db.system() as session:
        row = await queries.select_session(session, session_id=digest(token), at=at)
        if row is None:
            raise UnauthenticatedError("The session has ended.", hint="Sign in again.")
        found = _session(row)
        payload = row["payload"]
        issued = None
        if "replaced_at" not in payload:
            if at - datetime.fromisoformat(payload["rotated_at"]) >= ROTATE:
                issued = await _rotate(session, row, at)
            elif at - datetime.fromisoformat(payload["seen_at"]) >= SEEN_WITHIN:
                await queries.renew_session(
                    session,
                    session_id=row["session_id"],
                    seen_at=at.isoformat(),
                    expires_at=_expiry(payload, at),
                )
    return found, issued


def check_csrf(session: Session, presented: str | None) -> None:
    """Raise ForbiddenError unless a form or header brought the session's CSRF secret."""
    if not presented or not same(session.csrf, presented):
        raise ForbiddenError(
            "The form was not sent from a page of this session.", hint="Reload the page and send it again."
        )


async def list_sessions(session: AsyncSession, shop_id: UUID, user_id: UUID) -> list[OpenSession]:
    """A person's open sessions, the latest used first."""
    rows = await queries.select_sessions_of(session, shop_id=shop_id, user_id=user_id, at=now())
    return [_open_session(row) for row in rows]


async def revoke_session(session: AsyncSession, shop_id: UUID, user_id: UUID, session_id: str) -> None:
    """End one of a person's sessions, with every token of its family; NotFoundError when it is not theirs."""
    if not await queries.delete_family(session, shop_id=shop_id, user_id=user_id, session_id=session_id):
        raise NotFoundError("There is no such session; it may have ended already.")


async def revoke_sessions(
    session: AsyncSession, shop_id: UUID, user_id: UUID, *, keep: str | None = None
) -> int:
    """End all of a person's sessions, except the one with the id `keep`; returns how many tokens were ended."""
    return await queries.delete_sessions_of(session, shop_id=shop_id, user_id=user_id, keep_session=keep)


async def end_session(db: Database, token: str | None) -> None:
    """Sign out: end the session of a cookie's token, with its family. An unknown token is no error."""
    if token:
        async with db.system() as session:
            await queries.delete_family_of(session, session_id=digest(token))


async def forget_expired_sessions(session: AsyncSession) -> int:
    """Delete the sessions that have expired; takes a session of `db.system()` and returns how many."""
    return await queries.delete_expired_sessions(session, before=now())


async def _insert(
    session: AsyncSession, shop_id: UUID, token: str, payload: dict[str, Any], at: datetime
) -> IssuedSession:
    expires_at = _expiry(payload, at)
    await queries.insert_session(
        session, session_id=digest(token), shop_id=shop_id, payload=payload, expires_at=expires_at
    )
    return IssuedSession(token, digest(token), payload["csrf"], expires_at)


async def _rotate(session: AsyncSession, row: RowMapping, at: datetime) -> IssuedSession | None:
    # One of the requests that come at the same moment wins this update and gets the new token; the others go on
    # with the old one.
    won = await queries.retire_session(
        session,
        session_id=row["session_id"],
        at=at.isoformat(),
        expires_at=min(at + GRACE, row["expires_at"]),
    )
    if not won:
        return None
    payload = {**row["payload"], "rotated_at": at.isoformat(), "seen_at": at.isoformat()}
    return await _insert(session, row["shop_id"], new_token(), payload, at)


def _expiry(payload: Mapping[str, Any], at: datetime) -> datetime:
    return min(at + IDLE, datetime.fromisoformat(payload["ends_at"]))


def _session(row: RowMapping) -> Session:
    payload, member = row["payload"], staff_member(row)
    return Session(
        session_id=row["session_id"],
        identity=Identity(
            user_id=member.user_id,
            shop_id=member.shop_id,
            shop_domain=member.shop_domain,
            email=member.email,
            name=member.name,
            admin=member.admin,
            via="session",
            scopes=SESSION_SCOPES,
            locale=member.locale,
        ),
        csrf=payload["csrf"],
        created_at=datetime.fromisoformat(payload["started_at"]),
        expires_at=row["expires_at"],
        ip=payload.get("ip"),
        user_agent=payload.get("user_agent"),
    )


def _open_session(row: RowMapping) -> OpenSession:
    payload = row["payload"]
    return OpenSession(
        session_id=row["session_id"],
        created_at=datetime.fromisoformat(payload["started_at"]),
        seen_at=datetime.fromisoformat(payload["seen_at"]),
        expires_at=row["expires_at"],
        ip=payload.get("ip"),
        user_agent=payload.get("user_agent"),
    )
