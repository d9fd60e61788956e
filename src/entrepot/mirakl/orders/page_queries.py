"""What the list of orders and the page of one read."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place

_LIST = """
    SELECT o.order_id, o.commercial_id, o.mirakl_state, o.total_price, o.currency_code, o.order_created_at,
           o.acceptance_deadline, o.shipping_deadline, s.status, s.timestamp AS since, c.firstname, c.lastname,
           l.units, l.titles, p.tracking_pin, p.parcels
    FROM mirakl.orders AS o
    LEFT JOIN LATERAL (
        SELECT status, timestamp FROM mirakl.order_status_history
        WHERE account_id = o.account_id AND order_id = o.order_id ORDER BY step DESC LIMIT 1
    ) AS s ON true
    LEFT JOIN mirakl.customers AS c ON c.account_id = o.account_id AND c.id = o.customer_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity), 0) AS units,
               array_agg(coalesce(product_title, sku, order_line_id) ORDER BY order_line_id) AS titles
        FROM mirakl.order_lines WHERE account_id = o.account_id AND order_id = o.order_id
    ) AS l
    CROSS JOIN LATERAL (
        SELECT min(tracking_pin) AS tracking_pin, count(*) AS parcels FROM mirakl.shipments
        WHERE account_id = o.account_id AND order_id = o.order_id AND state NOT IN ('void', 'refund_requested', 'refunded')
    ) AS p
    WHERE o.account_id = :account_id
      AND (CAST(:statuses AS text[]) IS NULL OR s.status = ANY (CAST(:statuses AS text[])))
      AND (CAST(:state AS text) IS NULL OR o.mirakl_state = :state)
      AND (CAST(:since AS timestamptz) IS NULL OR o.order_created_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR o.order_created_at < :until)
      AND (CAST(:pattern AS text) IS NULL
           OR o.order_id ILIKE :pattern OR o.commercial_id ILIKE :pattern
           OR concat_ws(' ', c.firstname, c.lastname) ILIKE :pattern
           OR EXISTS (SELECT FROM mirakl.order_lines AS f WHERE f.account_id = o.account_id AND f.order_id = o.order_id
                      AND (f.sku ILIKE :pattern OR f.product_title ILIKE :pattern))
           OR EXISTS (SELECT FROM mirakl.shipments AS f WHERE f.account_id = o.account_id AND f.order_id = o.order_id
                      AND f.tracking_pin ILIKE :pattern))
      AND (CAST(:created_at AS timestamptz) IS NULL
           OR (o.order_created_at, o.order_id) {sign} (:created_at, CAST(:order_id AS text)))
    ORDER BY o.order_created_at {direction}, o.order_id {direction}
    LIMIT :limit
"""
_FORWARD = text(_LIST.format(sign="<", direction="DESC"))
_BACKWARD = text(_LIST.format(sign=">", direction="ASC"))
_STATES = text(
    "SELECT mirakl_state, count(*) AS orders FROM mirakl.orders WHERE account_id = :account_id "
    "GROUP BY mirakl_state ORDER BY mirakl_state"
)
_ORDER = text(
    """
    SELECT o.order_id, o.commercial_id, o.customer_id, o.mirakl_state, o.currency_code, o.total_price,
           o.shipping_price, o.total_commission, o.shipping_address, o.shipping_type_code, o.order_created_at,
           o.order_updated_at, o.acceptance_deadline, o.shipping_deadline, o.raw_order_data, o.next_attempt_at,
           o.leased_by, o.lease_until, o.created_at, c.mirakl_customer_id, c.firstname, c.lastname, c.locale,
           c.is_blocked, c.no_automatic_replies
    FROM mirakl.orders AS o
    LEFT JOIN mirakl.customers AS c ON c.account_id = o.account_id AND c.id = o.customer_id
    WHERE o.account_id = :account_id AND o.order_id = :order_id
    """
)
_LINES = text(
    """
    SELECT l.order_line_id, l.sku, l.product_title, l.quantity, l.price, l.unit_price, l.commission, l.taxes,
           l.line_state, l.decision, v.variant_id, v.internal_sku, v.description, v.floor_price
    FROM mirakl.order_lines AS l
    LEFT JOIN mirakl.shop_sku_map AS s ON s.account_id = l.account_id AND s.shop_sku = l.sku
    LEFT JOIN mirakl.product_variants AS v
        ON v.account_id = l.account_id AND v.variant_id = coalesce(l.variant_id, s.variant_id)
    WHERE l.account_id = :account_id AND l.order_id = :order_id
    ORDER BY l.order_line_id
    """
)
# What each line is built from, and how much of it the movements say is reserved or used for the line.
_BUILT = text(
    """
    SELECT l.order_line_id, c.component_id, c.name, c.type, c.barcode, n.quantity * l.quantity AS needed,
           c.on_hand - c.reserved AS free, coalesce(m.reserved, 0) AS reserved, coalesce(m.used, 0) AS used
    FROM mirakl.order_lines AS l
    LEFT JOIN mirakl.shop_sku_map AS s ON s.account_id = l.account_id AND s.shop_sku = l.sku
    CROSS JOIN LATERAL mirakl.needed_components(:account_id, ARRAY[coalesce(l.variant_id, s.variant_id)]) AS n
    JOIN mirakl.components AS c ON c.account_id = l.account_id AND c.component_id = n.component_id
    LEFT JOIN LATERAL (
        SELECT sum(reserved_change) AS reserved, -sum(on_hand_change) AS used FROM mirakl.component_movements
        WHERE account_id = l.account_id AND order_line_id = l.order_line_id AND component_id = c.component_id
    ) AS m ON true
    WHERE l.account_id = :account_id AND l.order_id = :order_id
    ORDER BY l.order_line_id, c.type, c.name
    """
)
_PARCELS = text(
    """
    SELECT shipment_id, parcel_number, state, carrier, service_code, carrier_reference, weight_kg, length_cm, width_cm,
           height_cm, destination, intended_at, external_id, tracking_pin, price, bought_at, label_sha256,
           label_checked_at, printed_at, prints, packed_at, tracking_reported_at, shipped_reported_at,
           service_ticket_id, delivery_state, expected_delivery, delivered_at, created_at,
           EXISTS (SELECT FROM mirakl.label_files AS f
                   WHERE f.account_id = s.account_id AND f.shipment_id = s.shipment_id) AS has_file
    FROM mirakl.shipments AS s
    WHERE account_id = :account_id AND order_id = :order_id
    ORDER BY parcel_number, created_at
    """
)
_EVENTS = text(
    """
    SELECT e.shipment_id, e.description, e.place, e.happened_at
    FROM mirakl.shipment_events AS e
    JOIN mirakl.shipments AS s ON s.account_id = e.account_id AND s.shipment_id = e.shipment_id
    WHERE e.account_id = :account_id AND s.order_id = :order_id
    ORDER BY e.happened_at DESC, e.id DESC
    """
)
_MESSAGES = text(
    """
    SELECT m.id, m.conversation_id, m.sender_type, m.body, m.message_type, m.sending, m.sent_at, m.created_at, m.error,
           v.subject
    FROM mirakl.conversations AS v
    JOIN mirakl.messages AS m ON m.account_id = v.account_id AND m.conversation_id = v.id
    WHERE v.account_id = :account_id AND v.order_id = :order_id
    ORDER BY coalesce(m.sent_at, m.created_at) DESC, m.id DESC
    LIMIT :limit
    """
)
_MONEY = text(
    """
    SELECT transaction_id, transaction_type, order_line_id, amount, currency_code, payment_state, date_created
    FROM mirakl.transaction_logs
    WHERE account_id = :account_id AND order_id = :order_id
    ORDER BY date_created, transaction_id
    """
)


async def select_order_page(
    session: AsyncSession, account_id: UUID, filters: Mapping[str, Any], at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Orders, the newest first."""
    created_at, order_id = at.values if at is not None else (None, None)
    values = {"account_id": account_id, "created_at": created_at, "order_id": order_id, "limit": limit}
    statement = _BACKWARD if at is not None and at.backward else _FORWARD
    return (await session.execute(statement, {**filters, **values})).mappings().all()


async def select_states(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The states in which orders are on the marketplace, those that nobody knows as well."""
    return (await session.execute(_STATES, {"account_id": account_id})).mappings().all()


async def select_order(session: AsyncSession, account_id: UUID, order_id: str) -> RowMapping | None:
    """One order and who ordered."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_ORDER, values)).mappings().first()


async def select_lines(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """The lines of an order and what is built for them."""
    return await _of_order(session, _LINES, account_id, order_id)


async def select_built(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """The components of the lines of an order."""
    return await _of_order(session, _BUILT, account_id, order_id)


async def select_parcels(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """The parcels of an order."""
    return await _of_order(session, _PARCELS, account_id, order_id)


async def select_parcel_events(
    session: AsyncSession, account_id: UUID, order_id: str
) -> Sequence[RowMapping]:
    """What carriers said of the parcels of an order, newest first."""
    return await _of_order(session, _EVENTS, account_id, order_id)


async def select_messages(
    session: AsyncSession, account_id: UUID, order_id: str, limit: int
) -> Sequence[RowMapping]:
    """The last messages about an order, newest first."""
    values = {"account_id": account_id, "order_id": order_id, "limit": limit}
    return (await session.execute(_MESSAGES, values)).mappings().all()


async def select_money(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """What the marketplace booked for an order, oldest first."""
    return await _of_order(session, _MONEY, account_id, order_id)


async def _of_order(
    session: AsyncSession, statement: TextClause, account_id: UUID, order_id: str
) -> Sequence[RowMapping]:
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(statement, values)).mappings().all()
