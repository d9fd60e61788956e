"""Every SQL statement about sessions, API tokens and attempts to sign in.

Each names the shop in its condition as well as relying on row security: most of them also run in system transactions.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.pim.tenants.queries import STAFF_COLUMNS, count_of, row_of, rows_of

API_COLUMNS = """
    t.id AS token_id, t.shop_id, t.staff_user_id AS user_id, t.name, t.prefix, t.scopes, t.expires_at, t.last_used_at,
    t.revoked_at, t.created_at
"""


# Sessions


async def insert_session(
    session: AsyncSession, *, session_id: str, shop_id: UUID, payload: Mapping[str, Any], expires_at: datetime
) -> None:
    """Insert a session."""
    query = """
        INSERT INTO pim.app_sessions (id, shop_id, payload, expires_at)
        VALUES (:session_id, :shop_id, CAST(:payload AS jsonb), :expires_at)
    """
    values = {"session_id": session_id, "shop_id": shop_id, "payload": orjson.dumps(payload).decode()}
    await session.execute(text(query), {**values, "expires_at": expires_at})


async def select_session(session: AsyncSession, *, session_id: str, at: datetime) -> RowMapping | None:
    """A session that has not expired, with the person as they are now; none once the shop left."""
    query = f"""
        SELECT a.id AS session_id, a.payload, a.expires_at, {STAFF_COLUMNS}
        FROM pim.app_sessions AS a
        JOIN pim.staff_users AS s ON s.shop_id = a.shop_id AND s.id = CAST(a.payload ->> 'user_id' AS uuid)
        JOIN pim.shops AS h ON h.id = a.shop_id AND h.uninstalled_at IS NULL
        WHERE a.id = :session_id AND a.expires_at > :at
    """
    return await row_of(session, query, session_id=session_id, at=at)


async def renew_session(
    session: AsyncSession, *, session_id: str, seen_at: str, expires_at: datetime
) -> None:
    """Note that a session is in use."""
    query = """
        UPDATE pim.app_sessions
        SET payload = payload || jsonb_build_object('seen_at', CAST(:seen_at AS text)), expires_at = :expires_at
        WHERE id = :session_id AND NOT payload ? 'replaced_at'
    """
    await session.execute(
        text(query), {"session_id": session_id, "seen_at": seen_at, "expires_at": expires_at}
    )


async def retire_session(session: AsyncSession, *, session_id: str, at: str, expires_at: datetime) -> bool:
    """Let a token run out because another takes its place; False when that was done already."""
    query = """
        UPDATE pim.app_sessions
        SET payload = payload || jsonb_build_object('replaced_at', CAST(:at AS text)), expires_at = :expires_at
        WHERE id = :session_id AND NOT payload ? 'replaced_at'
        RETURNING id
    """
    return bool(await count_of(session, query, session_id=session_id, at=at, expires_at=expires_at))


async def select_sessions_of(
    session: AsyncSession, *, shop_id: UUID, user_id: UUID, at: datetime
) -> Sequence[RowMapping]:
    """A person's sessions that have not expired, without tokens that were replaced; the latest used first."""
    query = """
        SELECT id AS session_id, payload, expires_at FROM pim.app_sessions
        WHERE shop_id = :shop_id AND payload ->> 'user_id' = :user_id AND expires_at > :at
          AND NOT payload ? 'replaced_at'
        ORDER BY payload ->> 'seen_at' DESC
    """
    return await rows_of(session, query, shop_id=shop_id, user_id=str(user_id), at=at)


async def delete_sessions_of(
    session: AsyncSession, *, shop_id: UUID, user_id: UUID, keep_session: str | None = None
) -> int:
    """Delete a person's sessions, except the family of one of them; returns how many."""
    query = """
        DELETE FROM pim.app_sessions AS a
        WHERE a.shop_id = :shop_id AND a.payload ->> 'user_id' = :user_id
          AND (a.payload ->> 'family') IS DISTINCT FROM
              (SELECT k.payload ->> 'family' FROM pim.app_sessions AS k
               WHERE k.id = :keep AND k.shop_id = a.shop_id)
        RETURNING a.id
    """
    return await count_of(session, query, shop_id=shop_id, user_id=str(user_id), keep=keep_session)


async def delete_family(session: AsyncSession, *, shop_id: UUID, user_id: UUID, session_id: str) -> int:
    """Delete one of a person's sessions and the tokens of its family; returns how many."""
    query = """
        DELETE FROM pim.app_sessions AS a USING pim.app_sessions AS b
        WHERE b.id = :session_id AND b.shop_id = :shop_id AND b.payload ->> 'user_id' = :user_id
          AND a.shop_id = b.shop_id AND a.payload ->> 'family' = b.payload ->> 'family'
        RETURNING a.id
    """
    return await count_of(session, query, shop_id=shop_id, user_id=str(user_id), session_id=session_id)


async def delete_family_of(session: AsyncSession, *, session_id: str) -> int:
    """Delete a session, whoever's it is, and the tokens of its family; returns how many."""
    query = """
        DELETE FROM pim.app_sessions AS a USING pim.app_sessions AS b
        WHERE b.id = :session_id AND a.shop_id = b.shop_id AND a.payload ->> 'family' = b.payload ->> 'family'
        RETURNING a.id
    """
    return await count_of(session, query, session_id=session_id)


async def delete_expired_sessions(session: AsyncSession, *, before: datetime) -> int:
    """Delete sessions that expired before a moment; returns how many."""
    return await count_of(
        session, "DELETE FROM pim.app_sessions WHERE expires_at < :before RETURNING id", before=before
    )


# API tokens


async def insert_token(
    session: AsyncSession,
    *,
    shop_id: UUID,
    user_id: UUID,
    name: str,
    prefix: str,
    token_hash: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> RowMapping:
    """Insert a token and return it."""
    query = f"""
        INSERT INTO pim.api_tokens AS t (shop_id, staff_user_id, name, prefix, token_hash, scopes, expires_at)
        VALUES (:shop_id, :user_id, :name, :prefix, :token_hash, CAST(:scopes AS text[]), :expires_at)
        RETURNING {API_COLUMNS}
    """
    values = {
        "shop_id": shop_id,
        "user_id": user_id,
        "name": name,
        "prefix": prefix,
        "token_hash": token_hash,
    }
    result = await session.execute(text(query), {**values, "scopes": [*scopes], "expires_at": expires_at})
    return result.mappings().one()


async def select_token(session: AsyncSession, *, token_hash: str, at: datetime) -> RowMapping | None:
    """A token that works, with the person it acts for; none once the shop left."""
    query = f"""
        SELECT t.id AS token_id, t.scopes, t.last_used_at, {STAFF_COLUMNS}
        FROM pim.api_tokens AS t
        JOIN pim.staff_users AS s ON s.shop_id = t.shop_id AND s.id = t.staff_user_id
        JOIN pim.shops AS h ON h.id = t.shop_id AND h.uninstalled_at IS NULL
        WHERE t.token_hash = :token_hash AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > :at)
    """
    return await row_of(session, query, token_hash=token_hash, at=at)


async def touch_token(session: AsyncSession, *, token_id: UUID, at: datetime, unless_after: datetime) -> None:
    """Note when a token was used, unless that was done a moment ago."""
    query = """
        UPDATE pim.api_tokens SET last_used_at = :at
        WHERE id = :token_id AND (last_used_at IS NULL OR last_used_at <= :unless_after)
    """
    await session.execute(text(query), {"token_id": token_id, "at": at, "unless_after": unless_after})


async def select_tokens(
    session: AsyncSession, *, shop_id: UUID, user_id: UUID | None
) -> Sequence[RowMapping]:
    """A shop's tokens, or one person's, the newest first."""
    query = f"""
        SELECT {API_COLUMNS} FROM pim.api_tokens AS t
        WHERE t.shop_id = :shop_id AND (CAST(:user_id AS uuid) IS NULL OR t.staff_user_id = CAST(:user_id AS uuid))
        ORDER BY t.id DESC
    """
    return await rows_of(session, query, shop_id=shop_id, user_id=user_id)


async def revoke_token(
    session: AsyncSession, *, shop_id: UUID, token_id: UUID, user_id: UUID | None, at: datetime
) -> bool:
    """End a token; False when there is none such. The time of an earlier revocation stays."""
    query = """
        UPDATE pim.api_tokens SET revoked_at = coalesce(revoked_at, :at)
        WHERE shop_id = :shop_id AND id = :token_id
          AND (CAST(:user_id AS uuid) IS NULL OR staff_user_id = CAST(:user_id AS uuid))
        RETURNING id
    """
    return bool(await count_of(session, query, shop_id=shop_id, token_id=token_id, user_id=user_id, at=at))


# Attempts to sign in


async def lock_attempts(session: AsyncSession, *, keys: Sequence[str]) -> None:
    """Let attempts that share an account or an address be counted one after the other, to the transaction's end."""
    query = """
        SELECT count(pg_advisory_xact_lock(hashtextextended(k.key, 0)))
        FROM (SELECT DISTINCT key FROM unnest(CAST(:keys AS text[])) AS u (key) ORDER BY key) AS k
    """
    await session.execute(text(query), {"keys": [*keys]})


async def nth_failure(
    session: AsyncSession,
    *,
    email_digest: str | None,
    first_ip: str | None,
    last_ip: str | None,
    since: datetime,
    nth: int,
) -> datetime | None:
    """When the `nth` newest failure since a moment happened, of an account, an address or both; None with fewer.

    With both given, failures before the pair's latest success do not count.
    """
    of_account = "AND email_digest = :email_digest" if email_digest is not None else ""
    of_address = (
        "AND ip_address BETWEEN CAST(:first_ip AS inet) AND CAST(:last_ip AS inet)"
        if first_ip is not None
        else ""
    )
    since_success = ""
    if of_account and of_address:
        since_success = f"""
          AND attempted_at > coalesce((SELECT max(attempted_at) FROM pim.login_attempts
                                       WHERE succeeded {of_account} {of_address}), '-infinity')
        """
    query = f"""
        SELECT attempted_at FROM pim.login_attempts
        WHERE NOT succeeded AND attempted_at > :since {of_account} {of_address} {since_success}
        ORDER BY attempted_at DESC OFFSET :skip LIMIT 1
    """
    values: dict[str, Any] = {"since": since, "skip": nth - 1}
    if email_digest is not None:
        values["email_digest"] = email_digest
    if first_ip is not None:
        values |= {"first_ip": first_ip, "last_ip": last_ip}
    found = await session.scalar(text(query), values)
    return found if isinstance(found, datetime) else None


async def insert_attempt(session: AsyncSession, *, email_digest: str, ip: str | None, at: datetime) -> UUID:
    """Write an attempt as failed and return its id."""
    query = """
        INSERT INTO pim.login_attempts (email_digest, ip_address, succeeded, attempted_at)
        VALUES (:email_digest, CAST(:ip AS inet), false, :at)
        RETURNING id
    """
    found = await session.scalar(text(query), {"email_digest": email_digest, "ip": ip, "at": at})
    return UUID(str(found))


async def mark_attempt(session: AsyncSession, attempt_id: UUID) -> None:
    """Mark an attempt as a success."""
    await session.execute(
        text("UPDATE pim.login_attempts SET succeeded = true WHERE id = :id"), {"id": attempt_id}
    )


async def delete_attempts(session: AsyncSession, *, before: datetime) -> int:
    """Delete the attempts from before a moment; returns how many."""
    query = "DELETE FROM pim.login_attempts WHERE attempted_at < :before RETURNING id"
    return await count_of(session, query, before=before)
