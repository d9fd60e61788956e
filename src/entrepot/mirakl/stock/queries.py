"""Every SQL statement about the stock of components but the functions that move it (functions.sql)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_RESERVE = text(
    """
    SELECT r.*, v.internal_sku, c.name
    FROM mirakl.reserve_components(:account_id, :order_id, :at, :reason, :over) AS r
    LEFT JOIN mirakl.product_variants AS v ON v.account_id = :account_id AND v.variant_id = r.variant_id
    LEFT JOIN mirakl.components AS c ON c.account_id = :account_id AND c.component_id = r.component_id
    """
)
_RELEASE = text(
    """
    SELECT r.*, c.name
    FROM mirakl.release_components(:account_id, :order_id, :at, :reason, :lines) AS r
    JOIN mirakl.components AS c ON c.account_id = :account_id AND c.component_id = r.component_id
    """
)
_CONSUME = text(
    """
    SELECT r.*, c.name
    FROM mirakl.consume_components(:account_id, :order_id, :at, :reason) AS r
    JOIN mirakl.components AS c ON c.account_id = :account_id AND c.component_id = r.component_id
    """
)
# What lines need, whether they were taken in already or are only asked about; a listing that maps to nothing and a
# variant without a bill of materials have no component.
_NEEDED = text(
    """
    WITH lines AS (
        SELECT u.line_id, u.sku, u.quantity, s.variant_id
        FROM unnest(CAST(:line_ids AS text[]), CAST(:skus AS text[]), CAST(:quantities AS bigint[]))
             AS u (line_id, sku, quantity)
        LEFT JOIN mirakl.shop_sku_map AS s ON s.account_id = :account_id AND s.shop_sku = u.sku
    )
    SELECT l.line_id AS order_line_id, l.sku, l.variant_id, v.internal_sku, v.floor_price, n.component_id, c.name,
           l.quantity * n.quantity AS needed, c.on_hand - c.reserved AS free
    FROM lines AS l
    LEFT JOIN mirakl.product_variants AS v ON v.account_id = :account_id AND v.variant_id = l.variant_id
    LEFT JOIN mirakl.needed_components(:account_id, ARRAY(SELECT DISTINCT variant_id FROM lines)) AS n
         ON n.variant_id = l.variant_id
    LEFT JOIN mirakl.components AS c ON c.account_id = :account_id AND c.component_id = n.component_id
    ORDER BY l.line_id, c.name
    """
)
# What orders that are not over still need of each component beyond what is reserved for them or left with them; found
# from the orders that are open, since the history and the ledger only grow.
OPEN_DEMAND = """
    WITH open_lines AS (
        SELECT l.order_line_id, l.quantity, coalesce(l.variant_id, s.variant_id) AS variant_id
        FROM mirakl.orders AS o
        CROSS JOIN LATERAL (
            SELECT h.status FROM mirakl.order_status_history AS h
            WHERE h.account_id = o.account_id AND h.order_id = o.order_id ORDER BY h.step DESC LIMIT 1
        ) AS latest
        JOIN mirakl.order_lines AS l ON l.account_id = o.account_id AND l.order_id = o.order_id
        LEFT JOIN mirakl.shop_sku_map AS s ON s.account_id = l.account_id AND s.shop_sku = l.sku
        WHERE o.account_id = :account_id AND NOT latest.status = ANY (:over)
          AND o.mirakl_state NOT IN ('SHIPPED', 'TO_COLLECT', 'RECEIVED', 'CLOSED', 'REFUSED', 'CANCELED')
          AND l.decision IS DISTINCT FROM 'refuse' AND coalesce(l.line_state, '') NOT IN ('REFUSED', 'CANCELED')
    ), held AS (
        SELECT l.order_line_id, h.component_id, h.units
        FROM open_lines AS l
        CROSS JOIN LATERAL (
            SELECT m.component_id,
                   sum(m.reserved_change) - coalesce(sum(m.on_hand_change) FILTER (WHERE m.movement = 'consumption'), 0)
                       AS units
            FROM mirakl.component_movements AS m
            WHERE m.account_id = :account_id AND m.order_line_id = l.order_line_id
            GROUP BY m.component_id
        ) AS h
    ), demand AS (
        SELECT n.component_id, sum(greatest(l.quantity * n.quantity - coalesce(h.units, 0), 0)) AS units
        FROM open_lines AS l
        JOIN mirakl.needed_components(:account_id, ARRAY(SELECT DISTINCT variant_id FROM open_lines)) AS n
             ON n.variant_id = l.variant_id
        LEFT JOIN held AS h ON h.order_line_id = l.order_line_id AND h.component_id = n.component_id
        GROUP BY n.component_id
    )
"""
# What is left to be offered when those are served: the marketplace has taken them off its own figure already.
_OFFERABLE = text(
    f"""
{OPEN_DEMAND}
    SELECT n.variant_id,
           min(floor(greatest(c.on_hand - c.reserved - coalesce(d.units, 0), 0) / n.quantity))::bigint AS buildable
    FROM mirakl.needed_components(
        :account_id, ARRAY(SELECT p.variant_id FROM mirakl.product_variants AS p WHERE p.account_id = :account_id)
    ) AS n
    JOIN mirakl.components AS c ON c.account_id = :account_id AND c.component_id = n.component_id
    LEFT JOIN demand AS d ON d.component_id = n.component_id
    GROUP BY n.variant_id
    """
)
_AVAILABILITY = text(
    """
    SELECT v.variant_id, v.internal_sku, v.description, coalesce(built.buildable, 0) AS buildable, built.limiting
    FROM mirakl.product_variants AS v
    LEFT JOIN (
        SELECT n.variant_id, min((c.on_hand - c.reserved) / n.quantity) AS buildable,
               (array_agg(c.name ORDER BY (c.on_hand - c.reserved) / n.quantity, c.name))[1] AS limiting
        FROM mirakl.needed_components(
            :account_id, ARRAY(SELECT p.variant_id FROM mirakl.product_variants AS p WHERE p.account_id = :account_id)
        ) AS n
        JOIN mirakl.components AS c ON c.account_id = :account_id AND c.component_id = n.component_id
        GROUP BY n.variant_id
    ) AS built ON built.variant_id = v.variant_id
    WHERE v.account_id = :account_id
    ORDER BY v.internal_sku
    """
)


async def reserve(session: AsyncSession, values: Mapping[str, Any]) -> Sequence[RowMapping]:
    """Reserve what an order is built from; a row for each line and component."""
    return (await session.execute(_RESERVE, dict(values))).mappings().all()


async def release(session: AsyncSession, values: Mapping[str, Any]) -> Sequence[RowMapping]:
    """Free what is reserved for an order; a row for each line and component that was."""
    return (await session.execute(_RELEASE, dict(values))).mappings().all()


async def consume(session: AsyncSession, values: Mapping[str, Any]) -> Sequence[RowMapping]:
    """Take out of the house what is reserved for an order; a row for each line and component that was."""
    return (await session.execute(_CONSUME, dict(values))).mappings().all()


async def select_needed(
    session: AsyncSession,
    account_id: UUID,
    line_ids: Sequence[str],
    skus: Sequence[str | None],
    quantities: Sequence[int],
) -> Sequence[RowMapping]:
    """What some lines need, a row for each line and component."""
    values = {
        "account_id": account_id,
        "line_ids": list(line_ids),
        "skus": list(skus),
        "quantities": list(quantities),
    }
    return (await session.execute(_NEEDED, values)).mappings().all()


async def select_availability(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """How many units of each variant can be built now."""
    return (await session.execute(_AVAILABILITY, {"account_id": account_id})).mappings().all()


async def select_offerable(session: AsyncSession, account_id: UUID, over: Sequence[str]) -> dict[UUID, int]:
    """Variant → units that can be built beyond what open orders need."""
    rows = await session.execute(_OFFERABLE, {"account_id": account_id, "over": list(over)})
    return {row.variant_id: row.buildable for row in rows}
