"""Every SQL statement about parcels on their way."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.shipping.carrier import TrackingEvent
from entrepot.mirakl.shipping.queries import COLUMNS

# Several workers share what is due: each takes its own, and keeps it from the others while it asks.
_CLAIM = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT d.shipment_id FROM mirakl.shipments AS d
        WHERE d.account_id = :account_id AND d.next_look_at <= :at AND d.shipped_reported_at IS NOT NULL
          AND d.delivered_at IS NULL AND d.state IN ('bought', 'labelled')
        ORDER BY d.next_look_at
        LIMIT :limit
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE mirakl.shipments AS s SET next_look_at = :until
    FROM due
    WHERE s.account_id = :account_id AND s.shipment_id = due.shipment_id
    RETURNING {COLUMNS}
    """
)
_EVENTS = text(
    """
    INSERT INTO mirakl.shipment_events
        (account_id, shipment_id, event_identifier, description, place, happened_at)
    SELECT :account_id, :shipment_id, e.identifier, e.description, e.place, e.happened_at
    FROM jsonb_to_recordset(CAST(:events AS jsonb))
         AS e (identifier text, description text, place text, happened_at timestamptz)
    ON CONFLICT DO NOTHING
    """
)
_DELIVERY = text(
    """
    UPDATE mirakl.shipments
    SET delivery_state = :state, expected_delivery = coalesce(:expected, expected_delivery),
        delivered_at = coalesce(delivered_at, :delivered_at), next_look_at = :next_look_at
    WHERE account_id = :account_id AND shipment_id = :shipment_id
    """
)
_TOLD = text(
    """
    SELECT EXISTS (
        SELECT FROM mirakl.process_failures
        WHERE account_id = :account_id AND process_name = :process_name AND related_id = :related_id
          AND payload ->> 'marker' = :marker)
    """
)
_SELECT_EVENTS = text(
    """
    SELECT event_identifier, description, place, happened_at, created_at
    FROM mirakl.shipment_events
    WHERE account_id = :account_id AND shipment_id = :shipment_id
    ORDER BY happened_at, created_at
    """
)


async def claim_due(
    session: AsyncSession, account_id: UUID, *, at: datetime, until: datetime, limit: int
) -> Sequence[RowMapping]:
    """Take parcels whose carrier is to be asked now."""
    values = {"account_id": account_id, "at": at, "until": until, "limit": limit}
    return (await session.execute(_CLAIM, values)).mappings().all()


async def insert_events(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, events: Sequence[TrackingEvent]
) -> None:
    """Keep events, each once however often the carrier tells it."""
    if not events:
        return
    rows = [
        {
            "identifier": event.identifier,
            "description": event.description,
            "place": event.place,
            "happened_at": event.happened_at,
        }
        for event in events
    ]
    values = {"account_id": account_id, "shipment_id": shipment_id, "events": orjson.dumps(rows).decode()}
    await session.execute(_EVENTS, values)


async def update_delivery(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, values: Mapping[str, Any]
) -> None:
    """Keep where a parcel is, and when it is looked at again."""
    await session.execute(_DELIVERY, {"account_id": account_id, "shipment_id": shipment_id, **values})


async def was_told(
    session: AsyncSession, account_id: UUID, process_name: str, related_id: str, marker: str
) -> bool:
    """Whether the inbox has had this very thing before, resolved or not."""
    values = {
        "account_id": account_id,
        "process_name": process_name,
        "related_id": related_id,
        "marker": marker,
    }
    found: bool = (await session.execute(_TOLD, values)).scalar_one()
    return found


async def select_events(session: AsyncSession, account_id: UUID, shipment_id: UUID) -> Sequence[RowMapping]:
    """What a carrier said of a parcel, oldest first."""
    values = {"account_id": account_id, "shipment_id": shipment_id}
    return (await session.execute(_SELECT_EVENTS, values)).mappings().all()
