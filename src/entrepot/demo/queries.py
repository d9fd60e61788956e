"""What the demo counts."""

from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_LAPTOPS = text(
    """
    SELECT (SELECT count(*) FROM mirakl.order_status WHERE account_id = :account_id) AS orders,
           (SELECT count(*) FROM mirakl.order_status
            WHERE account_id = :account_id AND status = 'delivered') AS delivered,
           (SELECT count(*) FROM mirakl.order_status
            WHERE account_id = :account_id AND status = 'refused') AS refused,
           (SELECT count(*) FROM mirakl.shipments
            WHERE account_id = :account_id AND bought_at IS NOT NULL) AS labels,
           (SELECT count(*) FROM mirakl.process_failures
            WHERE account_id = :account_id AND state <> 'resolved') AS failures,
           (SELECT count(DISTINCT conversation_id) FROM mirakl.messages
            WHERE account_id = :account_id AND message_type = 'manual' AND sending = 'sent') AS answered
    """
)


async def select_laptops(session: AsyncSession, account_id: UUID) -> RowMapping:
    """What became of the orders of the demo's account."""
    return (await session.execute(_LAPTOPS, {"account_id": account_id})).mappings().one()
