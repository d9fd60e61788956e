"""What the page of an account's settings reads."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_MEMBERS = text(
    "SELECT user_id, role, created_at FROM mirakl.account_members WHERE account_id = :account_id "
    "ORDER BY created_at, id"
)
_SERVICES = text(
    """
    SELECT service, count(*) AS calls, count(*) FILTER (WHERE NOT is_success) AS failed, max(timestamp) AS last_call,
           max(timestamp) FILTER (WHERE is_success) AS last_success,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) AS usual_ms
    FROM mirakl.api_calls
    WHERE account_id = :account_id AND timestamp > :since
    GROUP BY service ORDER BY service
    """
)


async def select_members(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Who works in the account."""
    return (await session.execute(_MEMBERS, {"account_id": account_id})).mappings().all()


async def select_services(session: AsyncSession, account_id: UUID, since: datetime) -> Sequence[RowMapping]:
    """How often each outside service was called since then, and how that went."""
    values = {"account_id": account_id, "since": since}
    return (await session.execute(_SERVICES, values)).mappings().all()
