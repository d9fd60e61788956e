"""What every page of an account says: how much waits where."""

from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

# Each of these is an index scan over what is open, whatever has been done with before.
_WAITING = text(
    """
    SELECT (SELECT count(*) FROM mirakl.process_failures
            WHERE account_id = :account_id AND state = 'open') AS failures,
           (SELECT count(*) FROM mirakl.conversations
            WHERE account_id = :account_id AND status = 'unread') AS conversations
    """
)


async def select_waiting(session: AsyncSession, account_id: UUID) -> RowMapping:
    """Open failures and unread conversations."""
    return (await session.execute(_WAITING, {"account_id": account_id})).mappings().one()
