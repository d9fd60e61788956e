"""Every SQL statement about taking labels back, and about when a parcel is looked at."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.shipping.queries import COLUMNS

_CALLED_OFF = text(
    """
    UPDATE mirakl.shipments
    SET state = :state, service_ticket_id = coalesce(:ticket, service_ticket_id), next_look_at = NULL
    WHERE account_id = :account_id AND shipment_id = :shipment_id
      AND state IN ('planned', 'buying', 'bought', 'labelled', 'failed', 'refund_requested')
    RETURNING shipment_id
    """
)
# A parcel is called off by one at a time: a refund that is asked for twice is two tickets.
_CLAIM = text(
    f"""
    UPDATE mirakl.shipments AS s SET next_look_at = :until
    WHERE s.account_id = :account_id AND s.shipment_id = :shipment_id
      AND s.state IN ('planned', 'buying', 'bought', 'labelled', 'failed')
      AND s.shipped_reported_at IS NULL AND (s.next_look_at IS NULL OR s.next_look_at <= :at)
    RETURNING {COLUMNS}
    """
)
_PUT_OFF = text(
    """
    UPDATE mirakl.shipments SET next_look_at = :until
    WHERE account_id = :account_id AND shipment_id = :shipment_id
    """
)
# What an order that came to nothing still has at a carrier. A failure that waits for a person, or for its time, is
# left alone until then.
_TO_CALL_OFF = text(
    f"""
    SELECT {COLUMNS} FROM mirakl.shipments AS s
    JOIN mirakl.order_status AS o ON o.account_id = s.account_id AND o.order_id = s.order_id
    WHERE s.account_id = :account_id AND s.shipped_reported_at IS NULL
      AND (o.status IN ('cancelled', 'refused') AND s.state IN ('planned', 'buying', 'bought', 'labelled', 'failed')
           -- Sent by somebody in another way, while we were at buying.
           OR o.status IN ('shipped', 'delivered', 'closed') AND s.state IN ('planned', 'buying', 'failed'))
      AND (s.next_look_at IS NULL OR s.next_look_at <= :at)
      AND (CAST(:order_id AS text) IS NULL OR s.order_id = :order_id)
      AND NOT EXISTS (
          SELECT FROM mirakl.process_failures AS f
          WHERE f.account_id = s.account_id AND f.related_id = CAST(s.shipment_id AS text)
            AND f.process_name = :process_name AND f.state = 'open'
            AND (f.next_attempt_at IS NULL OR f.next_attempt_at > :at))
    ORDER BY s.created_at
    LIMIT :limit
    """
)


async def claim_to_call_off(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, *, at: datetime, until: datetime
) -> RowMapping | None:
    """Take a parcel to call it off; None where somebody else is at it, or nothing is left to call off."""
    values = {"account_id": account_id, "shipment_id": shipment_id, "at": at, "until": until}
    return (await session.execute(_CLAIM, values)).mappings().first()


async def put_look_off(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, until: datetime | None
) -> None:
    """Say when a parcel is looked at again."""
    await session.execute(_PUT_OFF, {"account_id": account_id, "shipment_id": shipment_id, "until": until})


async def update_called_off(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, *, state: str, ticket: str | None = None
) -> bool:
    """Record that a label was taken back (void), or its money was asked back (refund_requested)."""
    values = {"account_id": account_id, "shipment_id": shipment_id, "state": state, "ticket": ticket}
    return (await session.execute(_CALLED_OFF, values)).first() is not None


async def select_to_call_off(
    session: AsyncSession,
    account_id: UUID,
    *,
    process_name: str,
    at: datetime,
    order_id: str | None = None,
    limit: int = 100,
) -> Sequence[RowMapping]:
    """Parcels of orders that came to nothing, whose labels are to be taken back."""
    values = {
        "account_id": account_id,
        "process_name": process_name,
        "at": at,
        "order_id": order_id,
        "limit": limit,
    }
    return (await session.execute(_TO_CALL_OFF, values)).mappings().all()
