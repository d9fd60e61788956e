"""Every SQL statement about accounts, their members and their carriers."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = (
    "a.id, a.account_code, a.marketplace, a.api_url, a.mirakl_shop_id, a.currency_code, a.time_zone, a.is_active, "
    "a.poll_seconds, a.orders_updated_since, a.threads_updated_since, a.transactions_since, a.settings"
)

_INSERT = text(
    """
    INSERT INTO mirakl.accounts (id, account_code, marketplace, api_url, api_key, mirakl_shop_id, currency_code, time_zone,
                                 poll_seconds)
    VALUES (:id, :code, :marketplace, :api_url, :api_key, :mirakl_shop_id, :currency, :time_zone, :poll_seconds)
    ON CONFLICT (account_code) DO NOTHING RETURNING id
    """
)
_ALL = text(f"SELECT {_COLUMNS} FROM mirakl.accounts AS a ORDER BY a.account_code")
_BY_CODE = text(f"SELECT {_COLUMNS} FROM mirakl.accounts AS a WHERE a.account_code = :code")
_BY_ID = text(f"SELECT {_COLUMNS} FROM mirakl.accounts AS a WHERE a.id = :account_id")
_KEY = text("SELECT api_key FROM mirakl.accounts WHERE id = :account_id")
_SET_KEY = text("UPDATE mirakl.accounts SET api_key = :api_key WHERE id = :account_id RETURNING id")
_SET_ACTIVE = text("UPDATE mirakl.accounts SET is_active = :is_active WHERE id = :account_id RETURNING id")
_SET_SETTINGS = text(
    """
    UPDATE mirakl.accounts
    SET settings = settings || jsonb_build_object(CAST(:part AS text), CAST(:settings AS jsonb))
    WHERE id = :account_id RETURNING id
    """
)
# What is not given stays; other settings than the limits of calls stay as well.
_CHANGE = text(
    """
    UPDATE mirakl.accounts
    SET marketplace = coalesce(:marketplace, marketplace), api_url = coalesce(:api_url, api_url),
        time_zone = coalesce(:time_zone, time_zone), poll_seconds = coalesce(:poll_seconds, poll_seconds),
        settings = CASE WHEN CAST(:call_limits AS jsonb) IS NULL THEN settings
                        ELSE settings || jsonb_build_object('call_limits', CAST(:call_limits AS jsonb)) END
    WHERE id = :account_id
    RETURNING id
    """
)
_OF_USER = text(
    f"""
    SELECT {_COLUMNS}, m.role
    FROM mirakl.account_members AS m JOIN mirakl.accounts AS a ON a.id = m.account_id
    WHERE m.user_id = :user_id ORDER BY a.account_code
    """
)
_SET_MEMBER = text(
    """
    INSERT INTO mirakl.account_members AS known (account_id, user_id, role) VALUES (:account_id, :user_id, :role)
    ON CONFLICT (account_id, user_id) DO UPDATE SET role = excluded.role WHERE known.role <> excluded.role
    """
)
_REMOVE_MEMBER = text(
    "DELETE FROM mirakl.account_members WHERE account_id = :account_id AND user_id = :user_id RETURNING id"
)
_MEMBERS = text(
    "SELECT user_id, role FROM mirakl.account_members WHERE account_id = :account_id ORDER BY user_id"
)
_CARRIER_COLUMNS = "id, account_id, carrier, api_url, customer_number, contract_id, service_code, marketplace_carrier_code, sender"
_SET_CARRIER = text(
    """
    INSERT INTO mirakl.carrier_accounts (account_id, carrier, api_url, credentials, customer_number, contract_id,
                                         service_code, marketplace_carrier_code, sender)
    VALUES (:account_id, :carrier, :api_url, :credentials, :customer_number, :contract_id, :service_code,
            :marketplace_carrier_code, CAST(:sender AS jsonb))
    ON CONFLICT (account_id, carrier) DO UPDATE
    SET api_url = excluded.api_url, credentials = excluded.credentials, customer_number = excluded.customer_number,
        contract_id = excluded.contract_id, service_code = excluded.service_code,
        marketplace_carrier_code = excluded.marketplace_carrier_code, sender = excluded.sender
    RETURNING id
    """
)
_CARRIERS = text(
    f"SELECT {_CARRIER_COLUMNS} FROM mirakl.carrier_accounts WHERE account_id = :account_id ORDER BY carrier"
)
_CARRIER_CREDENTIALS = text(
    "SELECT credentials FROM mirakl.carrier_accounts WHERE account_id = :account_id AND carrier = :carrier"
)


async def insert_account(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """Insert an account; None when its code is taken."""
    found: UUID | None = (await session.execute(_INSERT, dict(values))).scalar_one_or_none()
    return found


async def select_accounts(session: AsyncSession) -> Sequence[RowMapping]:
    """Every account that the transaction may see."""
    return (await session.execute(_ALL)).mappings().all()


async def select_account(session: AsyncSession, code: str) -> RowMapping | None:
    """The account of a code."""
    return (await session.execute(_BY_CODE, {"code": code})).mappings().first()


async def select_account_by_id(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    """The account of an id."""
    return (await session.execute(_BY_ID, {"account_id": account_id})).mappings().first()


async def select_key(session: AsyncSession, account_id: UUID) -> bytes | None:
    """The sealed API key of an account."""
    found: bytes | None = (await session.execute(_KEY, {"account_id": account_id})).scalar_one_or_none()
    return found


async def update_key(session: AsyncSession, account_id: UUID, api_key: bytes) -> bool:
    """Replace the sealed API key; False when there is no such account."""
    return (
        await session.execute(_SET_KEY, {"account_id": account_id, "api_key": api_key})
    ).first() is not None


async def update_active(session: AsyncSession, account_id: UUID, *, is_active: bool) -> bool:
    """Begin or stop looking at a marketplace; False when there is no such account."""
    values = {"account_id": account_id, "is_active": is_active}
    return (await session.execute(_SET_ACTIVE, values)).first() is not None


async def update_account(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Change what is not null of an account; False when there is no such account."""
    return (await session.execute(_CHANGE, dict(values))).first() is not None


async def update_settings(session: AsyncSession, account_id: UUID, part: str, settings: str) -> bool:
    """Replace a part of the settings (by a JSON text), such as `replies`; False when there is no such account."""
    values = {"account_id": account_id, "part": part, "settings": settings}
    return (await session.execute(_SET_SETTINGS, values)).first() is not None


async def select_memberships(session: AsyncSession, user_id: UUID) -> Sequence[RowMapping]:
    """The accounts of a person, each with their role; spans tenants."""
    return (await session.execute(_OF_USER, {"user_id": user_id})).mappings().all()


async def upsert_member(session: AsyncSession, account_id: UUID, user_id: UUID, role: str) -> None:
    """Give a person a role in an account."""
    await session.execute(_SET_MEMBER, {"account_id": account_id, "user_id": user_id, "role": role})


async def delete_member(session: AsyncSession, account_id: UUID, user_id: UUID) -> bool:
    """Take a person out of an account; False when they were not in it."""
    values = {"account_id": account_id, "user_id": user_id}
    return (await session.execute(_REMOVE_MEMBER, values)).first() is not None


async def select_members(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The people of an account."""
    return (await session.execute(_MEMBERS, {"account_id": account_id})).mappings().all()


async def upsert_carrier(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Set what is needed to buy labels of a carrier."""
    await session.execute(_SET_CARRIER, dict(values))


async def select_carriers(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The carriers of an account, without their credentials."""
    return (await session.execute(_CARRIERS, {"account_id": account_id})).mappings().all()


async def select_credentials(session: AsyncSession, account_id: UUID, carrier: str) -> bytes | None:
    """The sealed credentials of a carrier."""
    values = {"account_id": account_id, "carrier": carrier}
    found: bytes | None = (await session.execute(_CARRIER_CREDENTIALS, values)).scalar_one_or_none()
    return found
