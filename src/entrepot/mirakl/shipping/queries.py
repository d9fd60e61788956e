"""Every SQL statement about parcels: planning, buying, labels, reporting."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

COLUMNS = """s.shipment_id, s.account_id, s.order_id, s.parcel_number, s.state, s.carrier, s.service_code,
       s.carrier_reference, s.weight_kg, s.length_cm, s.width_cm, s.height_cm, s.destination, s.intended_at,
       s.external_id, s.tracking_pin, s.links, s.price, s.bought_at, s.label_pdf_path, s.label_sha256,
       s.label_checked_at, s.printed_at, s.prints, s.packed_at, s.tracking_reported_at, s.shipped_reported_at,
       s.service_ticket_id, s.delivery_state, s.expected_delivery, s.delivered_at, s.next_look_at, s.created_at"""

_ORDER = text(
    """
    SELECT o.order_id, o.mirakl_state, o.shipping_address, o.currency_code, s.status
    FROM mirakl.orders AS o
    LEFT JOIN mirakl.order_status AS s ON s.account_id = o.account_id AND s.order_id = o.order_id
    WHERE o.account_id = :account_id AND o.order_id = :order_id
    """
)
_UNITS = text(
    """
    SELECT l.order_line_id, l.sku, l.quantity, v.variant_id, v.internal_sku, v.weight_kg, v.length_cm, v.width_cm,
           v.height_cm, coalesce(held.packed, 0) AS packed
    FROM mirakl.order_lines AS l
    LEFT JOIN mirakl.shop_sku_map AS m ON m.account_id = l.account_id AND m.shop_sku = l.sku
    LEFT JOIN mirakl.product_variants AS v
        ON v.account_id = l.account_id AND v.variant_id = coalesce(l.variant_id, m.variant_id)
    LEFT JOIN LATERAL (
        SELECT CAST(sum(p.quantity) AS integer) AS packed
        FROM mirakl.shipments AS s
        JOIN mirakl.shipment_lines AS p ON p.account_id = s.account_id AND p.shipment_id = s.shipment_id
        WHERE s.account_id = l.account_id AND s.order_id = l.order_id AND p.order_line_id = l.order_line_id
          AND s.state NOT IN ('void', 'refunded', 'refund_requested')
    ) AS held ON true
    WHERE l.account_id = :account_id AND l.order_id = :order_id
      AND l.decision IS DISTINCT FROM 'refuse' AND coalesce(l.line_state, '') NOT IN ('REFUSED', 'CANCELED')
    ORDER BY l.order_line_id
    """
)
_PARCELS = text(
    f"""
    SELECT {COLUMNS} FROM mirakl.shipments AS s
    WHERE s.account_id = :account_id
      AND (CAST(:order_id AS text) IS NULL OR s.order_id = :order_id)
      AND (CAST(:shipment_id AS uuid) IS NULL OR s.shipment_id = :shipment_id)
      AND (CAST(:tracking_pin AS text) IS NULL OR s.tracking_pin = :tracking_pin)
      AND (NOT :live OR s.state NOT IN ('void', 'refunded', 'refund_requested'))
    ORDER BY s.order_id, s.parcel_number, s.created_at
    """
)
_NAMED = text(
    f"""
    SELECT {COLUMNS} FROM mirakl.shipments AS s
    WHERE s.account_id = :account_id
      AND (s.carrier_reference = :name OR s.tracking_pin = :name OR CAST(s.shipment_id AS text) = lower(:name)
           OR s.order_id = :name AND s.state NOT IN ('void', 'refunded', 'refund_requested'))
    ORDER BY s.parcel_number
    """
)
_HOLD = text(
    f"""
    SELECT {COLUMNS} FROM mirakl.shipments AS s
    WHERE s.account_id = :account_id AND s.shipment_id = :shipment_id FOR NO KEY UPDATE
    """
)
_PURCHASES = text(
    """
    SELECT parcel_number, count(*) AS purchases,
           bool_or(state NOT IN ('void', 'refunded', 'refund_requested')) AS is_live
    FROM mirakl.shipments
    WHERE account_id = :account_id AND order_id = :order_id
    GROUP BY parcel_number
    """
)
_INSERT = text(
    """
    WITH parcel AS (
        INSERT INTO mirakl.shipments
            (account_id, order_id, parcel_number, carrier, service_code, carrier_reference, weight_kg, length_cm,
             width_cm, height_cm, destination)
        VALUES (:account_id, :order_id, :parcel_number, :carrier, :service_code, :carrier_reference, :weight_kg,
                :length_cm, :width_cm, :height_cm, CAST(:destination AS jsonb))
        RETURNING account_id, shipment_id
    ), lines AS (
        INSERT INTO mirakl.shipment_lines (account_id, shipment_id, order_line_id, quantity)
        SELECT parcel.account_id, parcel.shipment_id, line.order_line_id, line.quantity
        FROM parcel, jsonb_to_recordset(CAST(:lines AS jsonb)) AS line (order_line_id text, quantity integer)
    )
    SELECT shipment_id FROM parcel
    """
)
# Only what was never bought is forgotten: a parcel that was refused is planned anew from the data as it is now.
_FORGET = text(
    """
    DELETE FROM mirakl.shipments
    WHERE account_id = :account_id AND order_id = :order_id AND state = ANY (CAST(:states AS text[]))
      AND external_id IS NULL
    """
)
# The guard against buying twice: of all who come at the same time, one changes the row that it has read.
_BEGIN = text(
    """
    UPDATE mirakl.shipments SET state = 'buying', intended_at = :at
    WHERE account_id = :account_id AND shipment_id = :shipment_id
      AND (state = 'planned' AND CAST(:before AS timestamptz) IS NULL
           OR state = 'buying' AND intended_at = :before)
    RETURNING shipment_id
    """
)
_NOT_BOUGHT = text(
    """
    UPDATE mirakl.shipments SET state = :state, intended_at = NULL
    WHERE account_id = :account_id AND shipment_id = :shipment_id AND state = 'buying' AND external_id IS NULL
      AND intended_at = :intended_at
    RETURNING shipment_id
    """
)
# Two parcels cannot share a number.
_FREE = """
    NOT EXISTS (
        SELECT FROM mirakl.shipments AS other
        WHERE other.account_id = :account_id AND other.tracking_pin = CAST(:tracking_pin AS text)
          AND other.shipment_id <> :shipment_id)
"""
_BOUGHT = text(
    f"""
    UPDATE mirakl.shipments AS s
    SET state = 'bought', external_id = :external_id, tracking_pin = CASE WHEN {_FREE} THEN :tracking_pin END,
        links = CAST(:links AS jsonb), price = :price, bought_at = :at
    WHERE s.account_id = :account_id AND s.shipment_id = :shipment_id AND s.state = 'buying'
    RETURNING {COLUMNS}
    """
)
_FILE = text(
    """
    INSERT INTO mirakl.label_files (account_id, sha256, shipment_id, pdf, bytes, is_right)
    VALUES (:account_id, :sha256, :shipment_id, :pdf, octet_length(:pdf), :is_right)
    ON CONFLICT DO NOTHING
    """
)
_LABELLED = text(
    """
    UPDATE mirakl.shipments
    SET state = 'labelled', label_sha256 = :sha256, label_pdf_path = :path, label_checked_at = :checked_at
    WHERE account_id = :account_id AND shipment_id = :shipment_id AND state = 'bought'
    RETURNING shipment_id
    """
)
_LABEL = text(
    """
    SELECT pdf, sha256, is_right FROM mirakl.label_files
    WHERE account_id = :account_id AND shipment_id = :shipment_id
      AND (CAST(:sha256 AS text) IS NULL OR sha256 = :sha256)
    ORDER BY created_at DESC LIMIT 1
    """
)
_BY_HAND = text(
    """
    UPDATE mirakl.shipments
    SET state = CASE state WHEN 'planned' THEN 'bought' ELSE state END, external_id = coalesce(external_id, :number),
        tracking_pin = :number, bought_at = coalesce(bought_at, :at), intended_at = coalesce(intended_at, :at)
    WHERE account_id = :account_id AND shipment_id = :shipment_id AND tracking_pin IS NULL
      AND (state = 'planned' AND carrier = :by_hand OR state IN ('bought', 'labelled'))
    RETURNING shipment_id
    """
)
_TRACKING_REPORTED = text(
    """
    UPDATE mirakl.shipments SET tracking_reported_at = :at
    WHERE account_id = :account_id AND order_id = :order_id AND state IN ('bought', 'labelled')
      AND tracking_reported_at IS NULL
    """
)
_SHIPPED_REPORTED = text(
    """
    UPDATE mirakl.shipments SET shipped_reported_at = :at, next_look_at = :next_look_at
    WHERE account_id = :account_id AND order_id = :order_id AND state IN ('bought', 'labelled')
      AND shipped_reported_at IS NULL
    """
)
_TIMES = text(
    """
    SELECT coalesce(max(times), 0) FROM mirakl.process_failures
    WHERE account_id = :account_id AND related_id = :related_id AND process_name = :process_name
      AND state <> 'resolved'
    """
)


async def select_order(session: AsyncSession, account_id: UUID, order_id: str) -> RowMapping | None:
    """What shipping needs of an order."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_ORDER, values)).mappings().first()


async def select_units(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """The lines that are to be sent, with what a unit weighs and measures; null where nothing is known of it.

    `packed`: units of the line that are in a parcel not taken back.
    """
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_UNITS, values)).mappings().all()


async def select_parcels(
    session: AsyncSession,
    account_id: UUID,
    *,
    order_id: str | None = None,
    shipment_id: UUID | None = None,
    tracking_pin: str | None = None,
    live: bool = False,
) -> Sequence[RowMapping]:
    """Parcels of an account; with `live` only those not taken back."""
    values = {
        "account_id": account_id,
        "order_id": order_id,
        "shipment_id": shipment_id,
        "tracking_pin": tracking_pin,
        "live": live,
    }
    return (await session.execute(_PARCELS, values)).mappings().all()


async def select_named(session: AsyncSession, account_id: UUID, name: str) -> Sequence[RowMapping]:
    """Parcels by our reference, a tracking number, an id, or the live ones of an order."""
    return (await session.execute(_NAMED, {"account_id": account_id, "name": name})).mappings().all()


async def hold_parcel(session: AsyncSession, account_id: UUID, shipment_id: UUID) -> RowMapping | None:
    """A parcel, held until the end of the transaction."""
    values = {"account_id": account_id, "shipment_id": shipment_id}
    return (await session.execute(_HOLD, values)).mappings().first()


async def count_purchases(
    session: AsyncSession, account_id: UUID, order_id: str
) -> dict[int, tuple[int, bool]]:
    """By the number of a parcel: how often it was planned, those taken back included, and whether one is there now."""
    values = {"account_id": account_id, "order_id": order_id}
    found = await session.execute(_PURCHASES, values)
    return {row.parcel_number: (row.purchases, row.is_live) for row in found}


async def insert_parcel(
    session: AsyncSession, values: Mapping[str, Any], lines: Sequence[tuple[str, int]]
) -> UUID:
    """Plan a parcel, with what is in it."""
    held = [{"order_line_id": line, "quantity": quantity} for line, quantity in lines]
    row = {
        **values,
        "destination": orjson.dumps(values["destination"]).decode(),
        "lines": orjson.dumps(held).decode(),
    }
    found: UUID = (await session.execute(_INSERT, row)).scalar_one()
    return found


async def delete_unbought(session: AsyncSession, account_id: UUID, order_id: str, *states: str) -> None:
    """Forget parcels of an order that were never bought: those planned and those refused, or of one of these states."""
    chosen = list(states or ("planned", "failed"))
    await session.execute(_FORGET, {"account_id": account_id, "order_id": order_id, "states": chosen})


async def update_buying(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, *, at: datetime, before: datetime | None
) -> bool:
    """Record that a parcel is about to be bought; False when somebody else was first.

    `before`: when an earlier attempt was begun that is known to have bought nothing; None for the first.
    """
    values = {"account_id": account_id, "shipment_id": shipment_id, "at": at, "before": before}
    return (await session.execute(_BEGIN, values)).first() is not None


async def update_not_bought(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, *, state: str, intended_at: datetime
) -> bool:
    """Record that the attempt begun at `intended_at` has bought nothing."""
    values = {
        "account_id": account_id,
        "shipment_id": shipment_id,
        "state": state,
        "intended_at": intended_at,
    }
    return (await session.execute(_NOT_BOUGHT, values)).first() is not None


async def update_bought(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, values: Mapping[str, Any]
) -> RowMapping | None:
    """Record what was bought; the parcel with it, None when it was recorded before.

    Without the tracking number where another parcel has it.
    """
    row = {
        "account_id": account_id,
        "shipment_id": shipment_id,
        **values,
        "links": orjson.dumps(dict(values["links"])).decode(),
    }
    return (await session.execute(_BOUGHT, row)).mappings().first()


async def insert_label(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Keep a label's PDF; the same file is kept once."""
    await session.execute(_FILE, dict(values))


async def update_labelled(
    session: AsyncSession,
    account_id: UUID,
    shipment_id: UUID,
    *,
    sha256: str,
    path: str,
    checked_at: datetime | None,
) -> bool:
    """Record that a parcel has its label; False when it had one."""
    values = {
        "account_id": account_id,
        "shipment_id": shipment_id,
        "sha256": sha256,
        "path": path,
        "checked_at": checked_at,
    }
    return (await session.execute(_LABELLED, values)).first() is not None


async def select_label(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, sha256: str | None = None
) -> RowMapping | None:
    """The PDF of a parcel's label, the one with a checksum or the newest."""
    values = {"account_id": account_id, "shipment_id": shipment_id, "sha256": sha256}
    return (await session.execute(_LABEL, values)).mappings().first()


async def update_number(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, *, number: str, at: datetime, by_hand: str
) -> bool:
    """Record the tracking number that a person typed in; False when the parcel is not waiting for one.

    One waits that is sent by hand (with the carrier `by_hand`), or whose carrier has told none that can be.
    """
    values = {
        "account_id": account_id,
        "shipment_id": shipment_id,
        "number": number,
        "at": at,
        "by_hand": by_hand,
    }
    return (await session.execute(_BY_HAND, values)).first() is not None


async def update_tracking_reported(
    session: AsyncSession, account_id: UUID, order_id: str, at: datetime
) -> None:
    """Record that the marketplace has the tracking number."""
    await session.execute(_TRACKING_REPORTED, {"account_id": account_id, "order_id": order_id, "at": at})


async def update_shipped_reported(
    session: AsyncSession, account_id: UUID, order_id: str, *, at: datetime, next_look_at: datetime
) -> None:
    """Record that the marketplace knows the order as shipped; from `next_look_at` on the carrier is asked."""
    values = {"account_id": account_id, "order_id": order_id, "at": at, "next_look_at": next_look_at}
    await session.execute(_SHIPPED_REPORTED, values)


async def times_failed(session: AsyncSession, account_id: UUID, process_name: str, related_id: str) -> int:
    """How often a step of a thing has failed since it last went well."""
    values = {"account_id": account_id, "process_name": process_name, "related_id": related_id}
    found: int = (await session.execute(_TIMES, values)).scalar_one()
    return found
