"""Every SQL statement about platforms and their members."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = "p.id, p.platform_code, p.name, p.country_code, p.currency_code, p.time_zone, p.marketplace_type, p.is_active"

_INSERT = text(
    """
    INSERT INTO marketplace.hm_platform (platform_code, name, country_code, currency_code, time_zone, marketplace_type)
    VALUES (:code, :name, :country, :currency, :time_zone, :kind)
    ON CONFLICT (platform_code) DO NOTHING RETURNING id
    """
)
_ALL = text(f"SELECT {_COLUMNS} FROM marketplace.hm_platform AS p ORDER BY p.platform_code")
_BY_CODE = text(f"SELECT {_COLUMNS} FROM marketplace.hm_platform AS p WHERE p.platform_code = :code")
_BY_ID = text(f"SELECT {_COLUMNS} FROM marketplace.hm_platform AS p WHERE p.id = :platform_id")
_OF_USER = text(
    f"""
    SELECT {_COLUMNS}, m.role
    FROM marketplace.hm_platform_member AS m JOIN marketplace.hm_platform AS p ON p.id = m.platform_id
    WHERE m.user_id = :user_id ORDER BY p.platform_code
    """
)
_SET_MEMBER = text(
    """
    INSERT INTO marketplace.hm_platform_member AS known (platform_id, user_id, role) VALUES (:platform_id, :user_id, :role)
    ON CONFLICT (platform_id, user_id) DO UPDATE SET role = excluded.role WHERE known.role <> excluded.role
    """
)
_REMOVE_MEMBER = text(
    "DELETE FROM marketplace.hm_platform_member WHERE platform_id = :platform_id AND user_id = :user_id RETURNING id"
)


async def insert_platform(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """Insert a platform; None when its code is taken."""
    found: UUID | None = (await session.execute(_INSERT, dict(values))).scalar_one_or_none()
    return found


async def select_platforms(session: AsyncSession) -> Sequence[RowMapping]:
    """Every platform that the transaction may see."""
    return (await session.execute(_ALL)).mappings().all()


async def select_platform(session: AsyncSession, code: str) -> RowMapping | None:
    """The platform of a code."""
    return (await session.execute(_BY_CODE, {"code": code})).mappings().first()


async def select_platform_by_id(session: AsyncSession, platform_id: UUID) -> RowMapping | None:
    """The platform of an id."""
    return (await session.execute(_BY_ID, {"platform_id": platform_id})).mappings().first()


async def select_memberships(session: AsyncSession, user_id: UUID) -> Sequence[RowMapping]:
    """The platforms of a person, each with their role; spans tenants."""
    return (await session.execute(_OF_USER, {"user_id": user_id})).mappings().all()


async def upsert_member(session: AsyncSession, platform_id: UUID, user_id: UUID, role: str) -> None:
    """Give a person a role on a platform."""
    await session.execute(_SET_MEMBER, {"platform_id": platform_id, "user_id": user_id, "role": role})


async def delete_member(session: AsyncSession, platform_id: UUID, user_id: UUID) -> bool:
    """Take a person off a platform; False when they were not on it."""
    values = {"platform_id": platform_id, "user_id": user_id}
    return (await session.execute(_REMOVE_MEMBER, values)).first() is not None
