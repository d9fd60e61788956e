"""Every SQL statement of the simulation: what it puts into the house, and what it reads to compare."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_COMPONENT = text(
    """
    INSERT INTO mirakl.components (account_id, name, type, barcode)
    VALUES (:account_id, :name, :type, :name) RETURNING component_id
    """
)
_PART = text(
    """
    INSERT INTO mirakl.component_parts (account_id, component_id, part_id, quantity)
    VALUES (:account_id, :component_id, :part_id, :quantity)
    """
)
_BASE = text(
    """
    INSERT INTO mirakl.base_products (account_id, model_name, brand) VALUES (:account_id, :name, 'Harbor')
    RETURNING product_id
    """
)
_VARIANT = text(
    """
    INSERT INTO mirakl.product_variants (account_id, base_product_id, internal_sku, weight_kg)
    VALUES (:account_id, :base_id, :sku, :weight) RETURNING variant_id
    """
)
_BILL = text(
    """
    INSERT INTO mirakl.variant_components (account_id, variant_id, component_id, quantity)
    VALUES (:account_id, :variant_id, :component_id, :quantity)
    """
)
_LISTING = text(
    """
    INSERT INTO mirakl.shop_sku_map (account_id, shop_sku, variant_id)
    SELECT :account_id, :shop_sku, variant_id FROM mirakl.product_variants
    WHERE account_id = :account_id AND internal_sku = :sku
    ON CONFLICT (account_id, shop_sku) DO NOTHING
    """
)
_RECEIPT = text(
    """
    INSERT INTO mirakl.component_movements (account_id, component_id, movement, on_hand_change, reason, moved_at)
    SELECT :account_id, component_id, 'receipt', :quantity, 'A delivery of the simulation', :at
    FROM mirakl.components WHERE account_id = :account_id AND name = :name
    """
)
_ORDERS = text(
    """
    SELECT sold.order_id, sold.mirakl_state, sold.next_attempt_at,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(h.step, h.status, h.previous_status) ORDER BY h.history_id), '[]')
            FROM mirakl.order_status_history AS h
            WHERE h.account_id = sold.account_id AND h.order_id = sold.order_id) AS history,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(l.order_line_id, v.internal_sku, l.quantity,
                       coalesce(l.decision = 'refuse' OR l.line_state IN ('REFUSED', 'CANCELED'), false))), '[]')
            FROM mirakl.order_lines AS l
            LEFT JOIN mirakl.shop_sku_map AS m ON m.account_id = l.account_id AND m.shop_sku = l.sku
            LEFT JOIN mirakl.product_variants AS v ON v.account_id = m.account_id AND v.variant_id = m.variant_id
            WHERE l.account_id = sold.account_id AND l.order_id = sold.order_id) AS lines
    FROM mirakl.orders AS sold WHERE sold.account_id = :account_id ORDER BY sold.order_id
    """
)
_PARCELS = text(
    """
    SELECT s.order_id, s.parcel_number, s.state, s.carrier_reference, s.external_id, s.tracking_pin,
           s.next_look_at IS NOT NULL AS is_followed,
           EXISTS (SELECT FROM mirakl.label_files AS f
                   WHERE f.account_id = s.account_id AND f.shipment_id = s.shipment_id AND f.sha256 = s.label_sha256
                     AND f.is_right AND f.sha256 = encode(sha256(f.pdf), 'hex')) AS has_label
    FROM mirakl.shipments AS s WHERE s.account_id = :account_id ORDER BY s.order_id, s.parcel_number
    """
)
_COMPONENTS = text(
    """
    SELECT c.name, c.on_hand, c.reserved,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(m.on_hand_change, m.reserved_change, m.order_line_id)
                                      ORDER BY m.movement_id), '[]')
            FROM mirakl.component_movements AS m
            WHERE m.account_id = c.account_id AND m.component_id = c.component_id) AS movements
    FROM mirakl.components AS c WHERE c.account_id = :account_id ORDER BY c.name
    """
)
_MESSAGES = text(
    """
    SELECT c.mirakl_thread_id, m.message_type, m.sending, m.mirakl_message_id, m.template_number, m.body
    FROM mirakl.messages AS m
    JOIN mirakl.conversations AS c ON c.account_id = m.account_id AND c.id = m.conversation_id
    WHERE m.account_id = :account_id ORDER BY c.mirakl_thread_id, m.id
    """
)
_FAILURES = text(
    """
    SELECT failure_id, process_name, related_id, order_id, details, kind
    FROM mirakl.process_failures WHERE account_id = :account_id AND state <> 'resolved' ORDER BY timestamp, failure_id
    """
)
_WAITING = text(
    """
    SELECT status.order_id, status.notes FROM mirakl.order_status AS status
    WHERE status.account_id = :account_id AND status.status = :status ORDER BY status.order_id
    """
)
_UNSENDABLE = text(
    """
    SELECT status.order_id FROM mirakl.order_status AS status
    JOIN mirakl.process_failures AS failure
      ON failure.account_id = status.account_id AND failure.order_id = status.order_id
    WHERE status.account_id = :account_id AND status.status IN ('accepted', 'shipping_failed')
      AND failure.process_name IN ('OrderAddress', 'ShippingPlan') AND failure.state <> 'resolved' AND failure.times > 1
    """
)
_UNMAPPED = text(
    """
    SELECT DISTINCT line.sku FROM mirakl.order_lines AS line
    WHERE line.account_id = :account_id AND line.order_id = :order_id AND line.sku IS NOT NULL
      AND NOT EXISTS (SELECT FROM mirakl.shop_sku_map AS listing
                      WHERE listing.account_id = line.account_id AND listing.shop_sku = line.sku)
    ORDER BY line.sku
    """
)
_REFERENCE = text(
    """
    SELECT carrier_reference FROM mirakl.shipments
    WHERE account_id = :account_id AND CAST(shipment_id AS text) = :shipment_id
    """
)


async def insert_component(session: AsyncSession, account_id: UUID, name: str, kind: str) -> UUID:
    """A component without stock."""
    values = {"account_id": account_id, "name": name, "type": kind}
    found: UUID = (await session.execute(_COMPONENT, values)).scalar_one()
    return found


async def insert_part(
    session: AsyncSession, account_id: UUID, component_id: UUID, part_id: UUID, quantity: int
) -> None:
    """What a kit is built from."""
    values = {
        "account_id": account_id,
        "component_id": component_id,
        "part_id": part_id,
        "quantity": quantity,
    }
    await session.execute(_PART, values)


async def insert_base(session: AsyncSession, account_id: UUID, name: str) -> UUID:
    """A base product."""
    found: UUID = (await session.execute(_BASE, {"account_id": account_id, "name": name})).scalar_one()
    return found


async def insert_variant(
    session: AsyncSession, account_id: UUID, base_id: UUID, sku: str, weight: str, bill: Mapping[UUID, int]
) -> None:
    """A variant with its bill of materials."""
    values = {"account_id": account_id, "base_id": base_id, "sku": sku, "weight": weight}
    variant_id = (await session.execute(_VARIANT, values)).scalar_one()
    for component_id, quantity in bill.items():
        row = {"account_id": account_id, "variant_id": variant_id, "component_id": component_id}
        await session.execute(_BILL, {**row, "quantity": quantity})


async def insert_listing(session: AsyncSession, account_id: UUID, shop_sku: str, sku: str) -> None:
    """A listing of a variant."""
    await session.execute(_LISTING, {"account_id": account_id, "shop_sku": shop_sku, "sku": sku})


async def insert_receipt(
    session: AsyncSession, account_id: UUID, units: Mapping[str, int], at: datetime
) -> None:
    """Units that come into the house; the components in one order, so that nobody waits in a circle."""
    for name, quantity in sorted(units.items()):
        values = {"account_id": account_id, "name": name, "quantity": quantity, "at": at}
        await session.execute(_RECEIPT, values)


async def select_orders(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Every order with its history and lines."""
    return (await session.execute(_ORDERS, {"account_id": account_id})).mappings().all()


async def select_parcels(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Every parcel."""
    return (await session.execute(_PARCELS, {"account_id": account_id})).mappings().all()


async def select_components(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Every component with its movements."""
    return (await session.execute(_COMPONENTS, {"account_id": account_id})).mappings().all()


async def select_messages(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Every message."""
    return (await session.execute(_MESSAGES, {"account_id": account_id})).mappings().all()


async def select_failures(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The failures that are not resolved."""
    return (await session.execute(_FAILURES, {"account_id": account_id})).mappings().all()


async def select_waiting(session: AsyncSession, account_id: UUID, status: str) -> Sequence[dict[str, Any]]:
    """The orders in a status, with why they are there."""
    rows = await session.execute(_WAITING, {"account_id": account_id, "status": status})
    return [dict(row) for row in rows.mappings()]


async def select_unsendable(session: AsyncSession, account_id: UUID) -> set[str]:
    """The orders that no carrier takes, though it was tried again."""
    return set((await session.execute(_UNSENDABLE, {"account_id": account_id})).scalars())


async def select_unmapped(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[str]:
    """The SKUs of an order that map to nothing."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_UNMAPPED, values)).scalars().all()


async def select_reference(session: AsyncSession, account_id: UUID, shipment_id: str) -> str | None:
    """Our reference of a parcel at the carrier."""
    values = {"account_id": account_id, "shipment_id": shipment_id}
    found: str | None = (await session.execute(_REFERENCE, values)).scalar_one_or_none()
    return found
