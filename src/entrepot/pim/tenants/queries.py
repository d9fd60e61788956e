"""Every SQL statement about shops, staff and the keys that seal their secrets; `access_queries` has the rest.

Each names the shop in its condition as well as relying on row security: most of them also run in system transactions.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_SHOP = """
    SELECT id, shopify_domain, shopify_shop_id, plan_tier, api_version, currency_code, timezone, scopes, settings,
           octet_length(access_token_ciphertext) > 0 AS connected, installed_at, uninstalled_at, created_at
    FROM pim.shops
"""

# What `staff_member` reads; `s` is pim.staff_users, `h` is pim.shops.
STAFF_COLUMNS = """
    s.id, s.shop_id, h.shopify_domain AS shop_domain, s.email, s.first_name, s.last_name,
    coalesce(s.role @> '{"admin": true}', false) AS admin, s.locale, s.last_login_at, s.created_at
"""


async def rows_of(session: AsyncSession, query: str, **values: Any) -> Sequence[RowMapping]:
    """All rows of a query."""
    return (await session.execute(text(query), values)).mappings().all()


async def row_of(session: AsyncSession, query: str, **values: Any) -> RowMapping | None:
    """The first row of a query, or None."""
    return (await session.execute(text(query), values)).mappings().first()


async def count_of(session: AsyncSession, query: str, **values: Any) -> int:
    """The number of rows that a statement with RETURNING touched."""
    return len((await session.execute(text(query), values)).all())


async def new_id(session: AsyncSession) -> UUID:
    """An identifier for a row whose values have to be bound to it before it is written."""
    return UUID(str(await session.scalar(text("SELECT uuidv7()"))))


# Shops


async def insert_shop(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Insert a shop; False when its domain is taken."""
    query = """
        INSERT INTO pim.shops (id, shopify_domain, plan_tier, currency_code, timezone, scopes, settings,
                               access_token_ciphertext, access_token_iv, access_token_tag, key_version)
        VALUES (:id, :domain, :plan, :currency, :timezone, CAST(:scopes AS text[]), CAST(:settings AS jsonb),
                :ciphertext, :iv, :tag, :key_version)
        ON CONFLICT (shopify_domain) DO NOTHING
        RETURNING id
    """
    return await row_of(session, query, **values) is not None


async def select_shops(session: AsyncSession) -> Sequence[RowMapping]:
    """Every shop that the session sees, by domain."""
    return await rows_of(session, f"{_SHOP} ORDER BY shopify_domain")


async def select_shop(session: AsyncSession, shop_id: UUID) -> RowMapping | None:
    """One shop."""
    return await row_of(session, f"{_SHOP} WHERE id = :shop_id", shop_id=shop_id)


async def select_shop_by_domain(session: AsyncSession, domain: str) -> RowMapping | None:
    """One shop by its domain, whatever its case."""
    return await row_of(session, f"{_SHOP} WHERE shopify_domain = CAST(:domain AS citext)", domain=domain)


# Staff


async def insert_staff(
    session: AsyncSession,
    *,
    shop_id: UUID,
    email: str,
    first_name: str | None,
    last_name: str | None,
    admin: bool,
    locale: str,
) -> UUID | None:
    """Insert a person and return their id; None when the shop has the address."""
    query = """
        INSERT INTO pim.staff_users (shop_id, email, first_name, last_name, role, locale)
        VALUES (:shop_id, :email, :first_name, :last_name,
                jsonb_build_object('admin', CAST(:admin AS boolean)), :locale)
        ON CONFLICT (shop_id, email) DO NOTHING
        RETURNING id
    """
    row = await row_of(
        session,
        query,
        shop_id=shop_id,
        email=email,
        first_name=first_name,
        last_name=last_name,
        admin=admin,
        locale=locale,
    )
    return row["id"] if row is not None else None


async def select_staff(
    session: AsyncSession, *, shop_id: UUID, user_id: UUID | None = None, email: str | None = None
) -> Sequence[RowMapping]:
    """The people of a shop, or the one with an id or an address."""
    query = f"""
        SELECT {STAFF_COLUMNS}
        FROM pim.staff_users AS s JOIN pim.shops AS h ON h.id = s.shop_id
        WHERE s.shop_id = :shop_id
          AND (CAST(:user_id AS uuid) IS NULL OR s.id = CAST(:user_id AS uuid))
          AND (CAST(:email AS citext) IS NULL OR s.email = CAST(:email AS citext))
        ORDER BY s.email
    """
    return await rows_of(session, query, shop_id=shop_id, user_id=user_id, email=email)


async def select_users_by_email(session: AsyncSession, email: str) -> Sequence[RowMapping]:
    """The people with an address, each with the domain of their shop; spans tenants."""
    query = """
        SELECT s.id, h.shopify_domain FROM pim.staff_users AS s JOIN pim.shops AS h ON h.id = s.shop_id
        WHERE s.email = :email AND h.uninstalled_at IS NULL ORDER BY h.shopify_domain
    """
    return await rows_of(session, query, email=email)


async def select_emails(session: AsyncSession, users: Collection[UUID]) -> dict[UUID, str]:
    """The addresses of people; spans tenants."""
    query = "SELECT s.id, s.email FROM pim.staff_users AS s WHERE s.id = ANY (CAST(:users AS uuid[]))"
    return {row["id"]: row["email"] for row in await rows_of(session, query, users=list(users))}


async def update_admin(session: AsyncSession, *, shop_id: UUID, user_id: UUID, admin: bool) -> None:
    """Set or clear the administrator flag."""
    query = """
        UPDATE pim.staff_users
        SET role = coalesce(role, '{}') || jsonb_build_object('admin', CAST(:admin AS boolean))
        WHERE shop_id = :shop_id AND id = :user_id
    """
    await session.execute(text(query), {"shop_id": shop_id, "user_id": user_id, "admin": admin})


async def upsert_credentials(
    session: AsyncSession, *, shop_id: UUID, user_id: UUID, password_hash: str
) -> None:
    """Set a person's password hash."""
    query = """
        INSERT INTO pim.staff_credentials AS c (shop_id, staff_user_id, password_hash)
        VALUES (:shop_id, :user_id, :password_hash)
        ON CONFLICT (staff_user_id) DO UPDATE
        SET password_hash = excluded.password_hash, password_changed_at = now()
        WHERE c.shop_id = excluded.shop_id
    """
    await session.execute(
        text(query), {"shop_id": shop_id, "user_id": user_id, "password_hash": password_hash}
    )


async def replace_hash(session: AsyncSession, *, user_id: UUID, old: str, new: str) -> None:
    """Store the same password under another hash, unless it was changed meanwhile."""
    query = """
        UPDATE pim.staff_credentials SET password_hash = :new WHERE staff_user_id = :user_id AND password_hash = :old
    """
    await session.execute(text(query), {"user_id": user_id, "old": old, "new": new})


async def select_credentials(session: AsyncSession, *, domain: str, email: str) -> RowMapping | None:
    """The person with an address in the shop of a domain, with their password hash; none once the shop left."""
    query = f"""
        SELECT {STAFF_COLUMNS}, c.password_hash
        FROM pim.shops AS h
        JOIN pim.staff_users AS s ON s.shop_id = h.id
        JOIN pim.staff_credentials AS c ON c.shop_id = s.shop_id AND c.staff_user_id = s.id
        WHERE h.shopify_domain = CAST(:domain AS citext) AND s.email = CAST(:email AS citext)
          AND h.uninstalled_at IS NULL
    """
    return await row_of(session, query, domain=domain, email=email)


async def touch_login(session: AsyncSession, *, shop_id: UUID, user_id: UUID, at: datetime) -> None:
    """Note when a person signed in."""
    query = "UPDATE pim.staff_users SET last_login_at = :at WHERE shop_id = :shop_id AND id = :user_id"
    await session.execute(text(query), {"shop_id": shop_id, "user_id": user_id, "at": at})


# Keys


async def lock_rotation(session: AsyncSession) -> bool:
    """Take the lock of key rotation to the transaction's end; False when another rotation holds it."""
    return bool(
        await session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended('entrepot.keys', 0))"))
    )


async def fail_abandoned_rotations(session: AsyncSession, *, at: datetime) -> None:
    """Mark rotations that were cut short; for the holder of the lock, since none of them can be running."""
    query = """
        UPDATE pim.key_rotations SET status = 'failed', completed_at = :at, error_message = 'cut short'
        WHERE status = 'in_progress'
    """
    await session.execute(text(query), {"at": at})


async def insert_rotation(session: AsyncSession, *, old: int, new: int) -> UUID:
    """Write the beginning of a rotation and return its id."""
    query = (
        "INSERT INTO pim.key_rotations (key_version_old, key_version_new) VALUES (:old, :new) RETURNING id"
    )
    return UUID(str(await session.scalar(text(query), {"old": old, "new": new})))


async def finish_rotation(
    session: AsyncSession, *, rotation_id: UUID, status: str, records: int, at: datetime, error: str | None
) -> None:
    """Write how a rotation ended."""
    query = """
        UPDATE pim.key_rotations
        SET status = :status, records_updated = :records, completed_at = :at, error_message = :error
        WHERE id = :rotation_id
    """
    values = {"rotation_id": rotation_id, "status": status, "records": records, "at": at, "error": error}
    await session.execute(text(query), values)


async def select_rotations(session: AsyncSession, *, limit: int) -> Sequence[RowMapping]:
    """The latest rotations."""
    query = """
        SELECT id, key_version_old, key_version_new, status, records_updated, started_at, completed_at, error_message
        FROM pim.key_rotations ORDER BY id DESC LIMIT :limit
    """
    return await rows_of(session, query, limit=limit)


async def select_key_use(session: AsyncSession) -> Sequence[RowMapping]:
    """How many shops have secrets under each key version."""
    query = "SELECT key_version, count(*) AS shops FROM pim.shops GROUP BY key_version ORDER BY key_version"
    return await rows_of(session, query)


async def select_sealed(
    session: AsyncSession, *, not_under: int, after: UUID, limit: int
) -> Sequence[RowMapping]:
    """Shops after an id whose secrets are under another key version, locked for the transaction."""
    query = """
        SELECT id, access_token_ciphertext, access_token_iv, access_token_tag, webhook_secret, key_version
        FROM pim.shops
        WHERE id > :after AND key_version <> :not_under
        ORDER BY id LIMIT :limit
        FOR UPDATE
    """
    return await rows_of(session, query, not_under=not_under, after=after, limit=limit)


async def update_sealed(
    session: AsyncSession,
    *,
    shop_id: UUID,
    ciphertext: bytes,
    iv: bytes,
    tag: bytes,
    webhook_secret: bytes | None,
    key_version: int,
) -> None:
    """Replace a shop's sealed secrets."""
    query = """
        UPDATE pim.shops
        SET access_token_ciphertext = :ciphertext, access_token_iv = :iv, access_token_tag = :tag,
            webhook_secret = :webhook_secret, key_version = :key_version
        WHERE id = :shop_id
    """
    values = {"shop_id": shop_id, "ciphertext": ciphertext, "iv": iv, "tag": tag}
    await session.execute(
        text(query), {**values, "webhook_secret": webhook_secret, "key_version": key_version}
    )
