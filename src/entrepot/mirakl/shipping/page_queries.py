"""What the list of labels reads."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_LABELS = text(
    """
    SELECT p.shipment_id, p.order_id, p.parcel_number, p.tracking_pin, p.service_code, p.carrier, p.printed_at,
           p.prints, p.packed_at, p.bought_at, o.shipping_deadline, s.status, l.units, l.titles
    FROM mirakl.shipments AS p
    JOIN mirakl.orders AS o ON o.account_id = p.account_id AND o.order_id = p.order_id
    CROSS JOIN LATERAL (
        SELECT status FROM mirakl.order_status_history
        WHERE account_id = p.account_id AND order_id = p.order_id ORDER BY step DESC LIMIT 1
    ) AS s
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(f.quantity), 0) AS units,
               array_agg(coalesce(n.product_title, n.sku, n.order_line_id) ORDER BY n.order_line_id) AS titles
        FROM mirakl.shipment_lines AS f
        JOIN mirakl.order_lines AS n ON n.account_id = f.account_id AND n.order_line_id = f.order_line_id
        WHERE f.account_id = p.account_id AND f.shipment_id = p.shipment_id
    ) AS l
    WHERE p.account_id = :account_id AND p.state = 'labelled'
      AND s.status NOT IN ('cancelled', 'refused', 'delivered', 'closed')
      AND (NOT :unprinted OR p.printed_at IS NULL)
    ORDER BY o.shipping_deadline NULLS LAST, p.order_id, p.parcel_number LIMIT :limit
    """
)


async def select_labels(
    session: AsyncSession, account_id: UUID, *, unprinted: bool, limit: int
) -> Sequence[RowMapping]:
    """Labels of orders that are under way, the most urgent first."""
    values = {"account_id": account_id, "unprinted": unprinted, "limit": limit}
    return (await session.execute(_LABELS, values)).mappings().all()
