"""Every SQL statement of the packing station, the pick list and printing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.shipping.queries import COLUMNS

# What a parcel is built from, down to what is kept in stock: two modules of 16 are not one of 32.
_COMPONENTS = text(
    """
    SELECT s.order_id, s.shipment_id, s.parcel_number, c.component_id, c.name, c.type, c.barcode,
           CAST(sum(n.quantity * l.quantity) AS integer) AS needed
    FROM mirakl.shipments AS s
    JOIN mirakl.shipment_lines AS l ON l.account_id = s.account_id AND l.shipment_id = s.shipment_id
    JOIN mirakl.order_lines AS o ON o.account_id = l.account_id AND o.order_line_id = l.order_line_id
    LEFT JOIN mirakl.shop_sku_map AS m ON m.account_id = o.account_id AND m.shop_sku = o.sku
    CROSS JOIN LATERAL mirakl.needed_components(
        s.account_id, ARRAY[coalesce(o.variant_id, m.variant_id)]) AS n
    JOIN mirakl.components AS c ON c.account_id = s.account_id AND c.component_id = n.component_id
    WHERE s.account_id = :account_id AND s.shipment_id = ANY (CAST(:shipment_ids AS uuid[]))
    GROUP BY s.order_id, s.shipment_id, s.parcel_number, c.component_id, c.name, c.type, c.barcode
    ORDER BY s.order_id, s.parcel_number, c.type, c.name
    """
)
_SCANNED = text(
    """
    SELECT component_id, CAST(count(*) AS integer) AS scanned FROM mirakl.packing_scans
    WHERE account_id = :account_id AND shipment_id = :shipment_id AND outcome = 'component'
    GROUP BY component_id
    """
)
_SCANS = text(
    """
    SELECT barcode, outcome, component_id, scanned_by, scanned_at FROM mirakl.packing_scans
    WHERE account_id = :account_id AND shipment_id = :shipment_id
    ORDER BY scanned_at, id
    """
)
_SCAN = text(
    """
    INSERT INTO mirakl.packing_scans
        (account_id, shipment_id, barcode, outcome, component_id, scanned_by, scanned_at)
    VALUES (:account_id, :shipment_id, :barcode, :outcome, :component_id, :scanned_by, :at)
    """
)
_COMPONENT = text(
    """
    SELECT component_id, name, type FROM mirakl.components
    WHERE account_id = :account_id AND lower(barcode) = lower(:barcode)
    """
)
_PACKED = text(
    """
    UPDATE mirakl.shipments SET packed_at = :at
    WHERE account_id = :account_id AND shipment_id = :shipment_id AND packed_at IS NULL
    RETURNING shipment_id
    """
)
_TO_PACK = text(
    f"""
    SELECT {COLUMNS}, o.shipping_deadline
    FROM mirakl.shipments AS s
    JOIN mirakl.orders AS o ON o.account_id = s.account_id AND o.order_id = s.order_id
    JOIN mirakl.order_status AS t ON t.account_id = s.account_id AND t.order_id = s.order_id
    WHERE s.account_id = :account_id AND s.packed_at IS NULL AND s.delivered_at IS NULL
      AND s.state IN ('bought', 'labelled') AND t.status IN ('label_created', 'tracking_sent', 'tracking_failed', 'shipped')
      AND (CAST(:order_ids AS text[]) IS NULL OR s.order_id = ANY (CAST(:order_ids AS text[])))
    ORDER BY o.shipping_deadline NULLS LAST, s.order_id, s.parcel_number
    LIMIT :limit
    """
)
_TO_PRINT = text(
    f"""
    SELECT {COLUMNS}
    FROM mirakl.shipments AS s
    JOIN mirakl.orders AS o ON o.account_id = s.account_id AND o.order_id = s.order_id
    JOIN mirakl.order_status AS t ON t.account_id = s.account_id AND t.order_id = s.order_id
    WHERE s.account_id = :account_id AND s.state = 'labelled' AND s.printed_at IS NULL
      AND t.status NOT IN ('cancelled', 'refused')
    ORDER BY o.shipping_deadline NULLS LAST, s.order_id, s.parcel_number
    LIMIT :limit
    """
)
_PRINTED = text(
    """
    UPDATE mirakl.shipments SET prints = prints + 1, printed_at = coalesce(printed_at, :at)
    WHERE account_id = :account_id AND shipment_id = ANY (CAST(:shipment_ids AS uuid[]))
    RETURNING shipment_id, prints
    """
)
_LISTED = text(
    f"""
    SELECT {COLUMNS}, t.status AS order_status
    FROM mirakl.shipments AS s
    JOIN mirakl.order_status AS t ON t.account_id = s.account_id AND t.order_id = s.order_id
    WHERE s.account_id = :account_id
      AND (CAST(:states AS text[]) IS NULL OR s.state = ANY (CAST(:states AS text[])))
      AND (CAST(:order_id AS text) IS NULL OR s.order_id = :order_id)
    ORDER BY s.created_at DESC, s.order_id, s.parcel_number
    LIMIT :limit
    """
)


async def select_components(
    session: AsyncSession, account_id: UUID, shipment_ids: Sequence[UUID]
) -> Sequence[RowMapping]:
    """The components of parcels and how many of each, by order and parcel."""
    values = {"account_id": account_id, "shipment_ids": list(shipment_ids)}
    return (await session.execute(_COMPONENTS, values)).mappings().all()


async def select_scanned(session: AsyncSession, account_id: UUID, shipment_id: UUID) -> dict[UUID, int]:
    """Component → units of it that were scanned into a parcel."""
    values = {"account_id": account_id, "shipment_id": shipment_id}
    rows = (await session.execute(_SCANNED, values)).mappings().all()
    return {row["component_id"]: row["scanned"] for row in rows}


async def select_scans(session: AsyncSession, account_id: UUID, shipment_id: UUID) -> Sequence[RowMapping]:
    """Everything that was scanned for a parcel, oldest first."""
    values = {"account_id": account_id, "shipment_id": shipment_id}
    return (await session.execute(_SCANS, values)).mappings().all()


async def insert_scan(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Record a scan."""
    await session.execute(_SCAN, dict(values))


async def select_component(session: AsyncSession, account_id: UUID, barcode: str) -> RowMapping | None:
    """The component of a barcode."""
    values = {"account_id": account_id, "barcode": barcode}
    return (await session.execute(_COMPONENT, values)).mappings().first()


async def update_packed(session: AsyncSession, account_id: UUID, shipment_id: UUID, at: datetime) -> bool:
    """Record that everything is in a parcel; False when it was."""
    values = {"account_id": account_id, "shipment_id": shipment_id, "at": at}
    return (await session.execute(_PACKED, values)).first() is not None


async def select_to_pack(
    session: AsyncSession, account_id: UUID, *, order_ids: Sequence[str] | None = None, limit: int = 200
) -> Sequence[RowMapping]:
    """Parcels that have their label and are not packed, those due first on top."""
    values = {
        "account_id": account_id,
        "order_ids": list(order_ids) if order_ids is not None else None,
        "limit": limit,
    }
    return (await session.execute(_TO_PACK, values)).mappings().all()


async def select_to_print(session: AsyncSession, account_id: UUID, limit: int) -> Sequence[RowMapping]:
    """Parcels whose label was never printed, those due first on top."""
    return (await session.execute(_TO_PRINT, {"account_id": account_id, "limit": limit})).mappings().all()


async def update_printed(
    session: AsyncSession, account_id: UUID, shipment_ids: Sequence[UUID], at: datetime
) -> dict[UUID, int]:
    """Count a print of each parcel's label; parcel → how often it was printed."""
    values = {"account_id": account_id, "shipment_ids": list(shipment_ids), "at": at}
    rows = (await session.execute(_PRINTED, values)).mappings().all()
    return {row["shipment_id"]: row["prints"] for row in rows}


async def select_listed(
    session: AsyncSession,
    account_id: UUID,
    *,
    states: Sequence[str] | None = None,
    order_id: str | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """Parcels with the status of their orders, newest first."""
    values = {
        "account_id": account_id,
        "states": list(states) if states is not None else None,
        "order_id": order_id,
        "limit": limit,
    }
    return (await session.execute(_LISTED, values)).mappings().all()
