"""The people of a shop.

Every function takes a session that sees the shop: the command line's is of `db.system()`, since it may also make
administrators; a page's is of `db.tenant(shop_id=…)`.
"""

import re
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.pim.tenants import access_queries, queries
from entrepot.pim.tenants.passwords import check_password, hash_password
from entrepot.pim.tenants.schemas import Shop, StaffMember

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.][^@\s\x00-\x1f]{0,188}")


def normalize_email(value: str) -> str:
    """The address in lower case; InvalidInputError for what is none."""
    email = value.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise InvalidInputError(
            f"{value!r} is not an e-mail address.",
            hint="It looks like name@example.com.",
            where={"field": "email", "value": value},
        )
    return email


async def add_staff(
    session: AsyncSession,
    shop: Shop,
    email: str,
    password: str | None,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    admin: bool = False,
    locale: str = "en",
) -> StaffMember:
    """Add a person to a shop; without a password they cannot sign in yet.

    `admin` opens global data and is given by the command line only. Raises ConflictError when the address is in the
    shop already, InvalidInputError for a bad address or a weak password.
    """
    address = normalize_email(email)
    hashed = None
    if password is not None:
        check_password(password, email=address, shop_domain=shop.domain)
        hashed = await hash_password(password)
    user_id = await queries.insert_staff(
        session,
        shop_id=shop.shop_id,
        email=address,
        first_name=first_name,
        last_name=last_name,
        admin=admin,
        locale=locale,
    )
    if user_id is None:
        raise ConflictError(
            f"{address} is a member of {shop.domain} already.",
            hint=f"`entrepot staff passwd {address} --shop {shop.domain}` sets a new password.",
            where={"email": address, "shop": shop.domain},
        )
    if hashed is not None:
        await queries.upsert_credentials(session, shop_id=shop.shop_id, user_id=user_id, password_hash=hashed)
    return await get_staff(session, shop.shop_id, user_id)


async def set_password(session: AsyncSession, member: StaffMember, password: str) -> int:
    """Set a person's password and end their sessions; returns how many were ended. API tokens stay valid."""
    check_password(password, email=member.email, shop_domain=member.shop_domain)
    hashed = await hash_password(password)
    await queries.upsert_credentials(
        session, shop_id=member.shop_id, user_id=member.user_id, password_hash=hashed
    )
    return await access_queries.delete_sessions_of(session, shop_id=member.shop_id, user_id=member.user_id)


async def set_admin(session: AsyncSession, member: StaffMember, admin: bool) -> StaffMember:
    """Make a person an administrator, or no longer one; for the command line only."""
    await queries.update_admin(session, shop_id=member.shop_id, user_id=member.user_id, admin=admin)
    return await get_staff(session, member.shop_id, member.user_id)


async def list_staff(session: AsyncSession, shop_id: UUID) -> list[StaffMember]:
    """The people of a shop by address."""
    return [staff_member(row) for row in await queries.select_staff(session, shop_id=shop_id)]


async def get_staff(session: AsyncSession, shop_id: UUID, user_id: UUID) -> StaffMember:
    """One person of a shop; NotFoundError when the shop has none with this id."""
    rows = await queries.select_staff(session, shop_id=shop_id, user_id=user_id)
    if not rows:
        raise NotFoundError(f"The shop has no member {user_id}.")
    return staff_member(rows[0])


async def find_staff(session: AsyncSession, shop: Shop, email: str) -> StaffMember:
    """The person with an address in a shop; NotFoundError when the shop has none."""
    address = normalize_email(email)
    rows = await queries.select_staff(session, shop_id=shop.shop_id, email=address)
    if not rows:
        raise NotFoundError(
            f"{shop.domain} has no member {address}.",
            hint=f"`entrepot staff add {address} --shop {shop.domain}` adds one.",
            where={"email": address, "shop": shop.domain},
        )
    return staff_member(rows[0])


def staff_member(row: RowMapping) -> StaffMember:
    """A row of the staff queries as a value."""
    return StaffMember(
        user_id=row["id"],
        shop_id=row["shop_id"],
        shop_domain=str(row["shop_domain"]),
        email=str(row["email"]),
        first_name=row["first_name"],
        last_name=row["last_name"],
        admin=row["admin"],
        locale=row["locale"] or "en",
        last_login_at=row["last_login_at"],
        created_at=row["created_at"],
    )
