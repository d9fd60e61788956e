"""API tokens: 256 random bits after `ent_`, shown once, kept as their SHA-256."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.crypto import digest, new_token
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from entrepot.pim.tenants import access_queries as queries
from entrepot.pim.tenants.schemas import SCOPES, ApiToken, Identity, IssuedToken
from entrepot.pim.tenants.staff import staff_member

PREFIX = "ent_"
SHOWN = len(PREFIX) + 6
#: How old the record of the last use may be before it is renewed.
USED_WITHIN = timedelta(minutes=1)
MAX_NAME = 100


async def create_token(
    session: AsyncSession,
    shop_id: UUID,
    user_id: UUID,
    name: str,
    *,
    scopes: Sequence[str] = ("read",),
    expires_in: timedelta | None = timedelta(days=365),
) -> IssuedToken:
    """Make a token that acts for a person in their shop; `expires_in=None` makes one that does not expire.

    Raises InvalidInputError for a name that is empty or too long, an unknown scope or a time in the past.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise InvalidInputError(f"A token's name has 1 to {MAX_NAME} characters.", where={"field": "name"})
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInputError(
            f"{', '.join(unknown) or 'No scope'} is not a scope.",
            hint=f"The scopes are {', '.join(SCOPES)}.",
            where={"field": "scopes"},
        )
    if expires_in is not None and expires_in <= timedelta():
        raise InvalidInputError(
            "The token would have expired before it is used.", where={"field": "expires_in"}
        )
    token = new_token(PREFIX)
    row = await queries.insert_token(
        session,
        shop_id=shop_id,
        user_id=user_id,
        name=name,
        prefix=token[:SHOWN],
        token_hash=digest(token),
        scopes=[scope for scope in SCOPES if scope in scopes],
        expires_at=now() + expires_in if expires_in is not None else None,
    )
    return IssuedToken(token, _token(row))


async def authenticate_token(db: Database, presented: str | None) -> Identity:
    """Who a token acts for. Opens a system transaction, since the shop is not known before.

    Raises UnauthenticatedError for a token that is unknown, expired or revoked. The time of last use is kept to the
    minute.
    """
    if not presented or not presented.startswith(PREFIX):
        raise UnauthenticatedError(
            "There is no valid API token.", hint=f"Send a header `Authorization: Bearer {PREFIX}…`."
        )
    at = now()
    async with db.system() as session:
        row = await queries.select_token(session, token_hash=digest(presented), at=at)
        if row is None:
            raise UnauthenticatedError("The API token is unknown, expired or revoked.")
        last_used = row["last_used_at"]
        if last_used is None or at - last_used >= USED_WITHIN:
            await queries.touch_token(session, token_id=row["token_id"], at=at, unless_after=at - USED_WITHIN)
    member = staff_member(row)
    return Identity(
        user_id=member.user_id,
        shop_id=member.shop_id,
        shop_domain=member.shop_domain,
        email=member.email,
        name=member.name,
        admin=member.admin,
        via="token",
        scopes=tuple(row["scopes"]),
        locale=member.locale,
    )


async def list_tokens(session: AsyncSession, shop_id: UUID, *, user_id: UUID | None = None) -> list[ApiToken]:
    """A shop's tokens, or one person's, the newest first; revoked and expired ones too."""
    return [_token(row) for row in await queries.select_tokens(session, shop_id=shop_id, user_id=user_id)]


async def revoke_token(
    session: AsyncSession, shop_id: UUID, token_id: UUID, *, user_id: UUID | None = None
) -> None:
    """End a token at once; with `user_id` only one of that person. Revoking twice is no error.

    Raises NotFoundError when the shop has no such token.
    """
    if not await queries.revoke_token(session, shop_id=shop_id, token_id=token_id, user_id=user_id, at=now()):
        raise NotFoundError(f"There is no token {token_id}.")


def is_active(token: ApiToken, at: datetime) -> bool:
    """Whether the token works at a moment."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > at)


def _token(row: RowMapping) -> ApiToken:
    return ApiToken(
        token_id=row["token_id"],
        shop_id=row["shop_id"],
        user_id=row["user_id"],
        name=row["name"],
        prefix=row["prefix"],
        scopes=tuple(row["scopes"]),
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
        created_at=row["created_at"],
    )
