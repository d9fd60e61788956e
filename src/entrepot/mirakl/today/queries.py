"""What is due, and until when."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = """
    o.order_id, o.mirakl_state, o.total_price, o.currency_code, o.acceptance_deadline, o.shipping_deadline,
    o.order_created_at, s.status, s.notes, s.timestamp AS since,
    c.firstname, c.lastname, l.units, l.titles, p.shipment_id, p.state AS parcel_state, p.packed_at, p.printed_at
"""
# The latest step is looked up an order at a time: only orders that are under way are looked at.
_FROM = """
    FROM mirakl.orders AS o
    CROSS JOIN LATERAL (
        SELECT status, notes, timestamp FROM mirakl.order_status_history
        WHERE account_id = o.account_id AND order_id = o.order_id ORDER BY step DESC LIMIT 1
    ) AS s
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0) AS units,
               array_agg(coalesce(product_title, sku, order_line_id) ORDER BY order_line_id) AS titles
        FROM mirakl.order_lines WHERE account_id = o.account_id AND order_id = o.order_id
    ) AS l
    LEFT JOIN mirakl.customers AS c ON c.account_id = o.account_id AND c.id = o.customer_id
    LEFT JOIN LATERAL (
        SELECT shipment_id, state, packed_at, printed_at FROM mirakl.shipments
        WHERE account_id = o.account_id AND order_id = o.order_id AND state NOT IN ('void', 'refund_requested', 'refunded')
        ORDER BY packed_at IS NOT NULL, parcel_number LIMIT 1
    ) AS p ON true
"""
_TO_ACCEPT = text(
    f"""
    SELECT {_COLUMNS}, count(*) OVER () AS total,
           count(*) FILTER (WHERE o.acceptance_deadline < :at) OVER () AS late
    {_FROM}
    WHERE o.account_id = :account_id AND o.mirakl_state = 'WAITING_ACCEPTANCE'
    ORDER BY o.acceptance_deadline NULLS LAST, o.order_id LIMIT :limit
    """
)
_TO_SHIP = text(
    f"""
    SELECT {_COLUMNS}, count(*) OVER () AS total,
           count(*) FILTER (WHERE o.shipping_deadline < :at) OVER () AS late
    {_FROM}
    WHERE o.account_id = :account_id AND o.mirakl_state = 'SHIPPING'
      AND s.status NOT IN ('shipped', 'delivered', 'closed', 'cancelled', 'refused')
    ORDER BY o.shipping_deadline NULLS LAST, o.order_id LIMIT :limit
    """
)
_TO_ANSWER = text(
    """
    SELECT v.id, v.subject, v.order_id, v.status, v.answer_by, v.last_customer_message_at,
           c.firstname, c.lastname, m.body,
           EXISTS (SELECT FROM mirakl.messages AS r
                   WHERE r.account_id = v.account_id AND r.conversation_id = v.id AND r.message_type = 'manual'
                     AND r.sending IN ('pending', 'sending', 'unknown')) AS is_answered,
           count(*) OVER () AS total,
           count(*) FILTER (WHERE v.answer_by < :at) OVER () AS late
    FROM mirakl.conversations AS v
    LEFT JOIN mirakl.customers AS c ON c.account_id = v.account_id AND c.id = v.customer_id
    LEFT JOIN LATERAL (
        SELECT body FROM mirakl.messages
        WHERE account_id = v.account_id AND conversation_id = v.id AND sender_type = 'customer'
        ORDER BY sent_at DESC NULLS LAST LIMIT 1
    ) AS m ON true
    WHERE v.account_id = :account_id AND v.status <> 'archived' AND v.answer_by IS NOT NULL
    ORDER BY v.answer_by, v.id LIMIT :limit
    """
)
_FAILURES = text(
    "SELECT count(*) FROM mirakl.process_failures WHERE account_id = :account_id AND state = 'open'"
)


async def select_to_accept(
    session: AsyncSession, account_id: UUID, at: datetime, limit: int
) -> Sequence[RowMapping]:
    """Orders that the marketplace waits to hear of, the most urgent first."""
    return await _rows(session, _TO_ACCEPT, account_id, at, limit)


async def select_to_ship(
    session: AsyncSession, account_id: UUID, at: datetime, limit: int
) -> Sequence[RowMapping]:
    """Orders that are to be shipped, the most urgent first."""
    return await _rows(session, _TO_SHIP, account_id, at, limit)


async def select_to_answer(
    session: AsyncSession, account_id: UUID, at: datetime, limit: int
) -> Sequence[RowMapping]:
    """Conversations in which the customer waits, the most urgent first."""
    return await _rows(session, _TO_ANSWER, account_id, at, limit)


async def count_failures(session: AsyncSession, account_id: UUID) -> int:
    """Failures that are open."""
    found: int = (await session.execute(_FAILURES, {"account_id": account_id})).scalar_one()
    return found


async def _rows(
    session: AsyncSession, statement: TextClause, account_id: UUID, at: datetime, limit: int
) -> Sequence[RowMapping]:
    values = {"account_id": account_id, "at": at, "limit": limit}
    return (await session.execute(statement, values)).mappings().all()
