"""Every SQL statement about levels of components: what is there, what moved, what is to be ordered."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.stock.queries import OPEN_DEMAND

_COMPONENTS = text(
    """
    SELECT c.component_id, c.name, c.type, c.barcode, c.specs, c.on_hand, c.reserved, c.on_hand - c.reserved AS free,
           c.reorder_point, c.reorder_quantity, c.unit_cost,
           EXISTS (SELECT FROM mirakl.component_parts AS p
                   WHERE p.account_id = c.account_id AND p.component_id = c.component_id) AS is_kit
    FROM mirakl.components AS c
    WHERE c.account_id = :account_id AND (CAST(:name AS text) IS NULL OR c.name = :name OR c.barcode = :name)
    ORDER BY c.name
    """
)
_LOCK = text(
    """
    SELECT name FROM mirakl.components WHERE account_id = :account_id AND (name = ANY (:names) OR barcode = ANY (:names))
    ORDER BY component_id FOR NO KEY UPDATE
    """
)
_RECEIVE = text(
    """
    INSERT INTO mirakl.component_movements
        (account_id, component_id, movement, on_hand_change, dedupe_key, reason, moved_at)
    VALUES (:account_id, :component_id, :movement, :quantity, :dedupe_key, :reason, :at)
    ON CONFLICT ON CONSTRAINT uq_component_movement DO NOTHING RETURNING movement_id
    """
)
# The row is locked as it is read, so that what was counted is compared with what there is then.
_COUNT = text(
    """
    WITH level AS (
        SELECT component_id, on_hand FROM mirakl.components
        WHERE account_id = :account_id AND component_id = :component_id FOR NO KEY UPDATE
    ), moved AS (
        INSERT INTO mirakl.component_movements (account_id, component_id, movement, on_hand_change, reason, moved_at)
        SELECT :account_id, component_id, 'adjustment', :counted - on_hand, :reason, :at
        FROM level WHERE on_hand <> :counted
    )
    SELECT on_hand FROM level
    """
)
_RETURN = text(
    """
    SELECT r.component_id, r.moved, r.outside, c.name
    FROM mirakl.return_components(:account_id, :line, :component_id, :quantity, :at, :reason) AS r
    JOIN mirakl.components AS c ON c.account_id = :account_id AND c.component_id = r.component_id
    ORDER BY c.name
    """
)
_LEDGER = text(
    """
    SELECT m.movement_id, m.moved_at, m.movement, m.on_hand_change, m.reserved_change, l.order_id, m.order_line_id,
           m.reason,
           sum(m.on_hand_change) OVER (ORDER BY m.movement_id) AS on_hand,
           sum(m.reserved_change) OVER (ORDER BY m.movement_id) AS reserved
    FROM mirakl.component_movements AS m
    LEFT JOIN mirakl.order_lines AS l ON l.account_id = m.account_id AND l.order_line_id = m.order_line_id
    WHERE m.account_id = :account_id AND m.component_id = :component_id
    ORDER BY m.movement_id DESC LIMIT :limit
    """
)
_DIFFERING = text(
    """
    SELECT c.name, c.on_hand, c.reserved, coalesce(m.on_hand, 0) AS moved_on_hand, coalesce(m.reserved, 0) AS moved_reserved
    FROM mirakl.components AS c
    LEFT JOIN (SELECT component_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
               FROM mirakl.component_movements WHERE account_id = :account_id GROUP BY component_id) AS m USING (component_id)
    WHERE c.account_id = :account_id
      AND (c.on_hand <> coalesce(m.on_hand, 0) OR c.reserved <> coalesce(m.reserved, 0)
           OR c.on_hand < 0 OR c.reserved NOT BETWEEN 0 AND c.on_hand)
    ORDER BY c.name
    """
)
_DEMAND = text(
    f"""
{OPEN_DEMAND}
    SELECT c.component_id, c.name, c.type, c.on_hand - c.reserved AS free, coalesce(d.units, 0) AS demand,
           c.reorder_point, c.reorder_quantity, c.unit_cost
    FROM mirakl.components AS c LEFT JOIN demand AS d ON d.component_id = c.component_id
    WHERE c.account_id = :account_id
      AND NOT EXISTS (SELECT FROM mirakl.component_parts AS p
                      WHERE p.account_id = c.account_id AND p.component_id = c.component_id)
    ORDER BY c.name
    """
)


async def select_components(
    session: AsyncSession, account_id: UUID, name: str | None = None
) -> Sequence[RowMapping]:
    """The components of an account, or the one of a name or barcode."""
    return (await session.execute(_COMPONENTS, {"account_id": account_id, "name": name})).mappings().all()


async def lock_components(session: AsyncSession, account_id: UUID, names: Sequence[str]) -> None:
    """Hold components until the end of the transaction, in the one order in which they are ever held."""
    await session.execute(_LOCK, {"account_id": account_id, "names": list(names)})


async def insert_movement(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Write a movement of units on hand; False where its key was used before."""
    return (await session.execute(_RECEIVE, dict(values))).first() is not None


async def set_counted(session: AsyncSession, values: Mapping[str, Any]) -> int:
    """Adjust a component to what was counted; what it was before."""
    found: int = (await session.execute(_COUNT, dict(values))).scalar_one()
    return found


async def take_back(session: AsyncSession, values: Mapping[str, Any]) -> Sequence[RowMapping]:
    """Take back what a line consumed; a row for each component that the line moved."""
    return (await session.execute(_RETURN, dict(values))).mappings().all()


async def select_ledger(
    session: AsyncSession, account_id: UUID, component_id: UUID, limit: int
) -> Sequence[RowMapping]:
    """The movements of a component, newest first, with the level after each."""
    values = {"account_id": account_id, "component_id": component_id, "limit": limit}
    return (await session.execute(_LEDGER, values)).mappings().all()


async def select_differing(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Components whose level is not the sum of their movements, or not possible."""
    return (await session.execute(_DIFFERING, {"account_id": account_id})).mappings().all()


async def select_demand(session: AsyncSession, account_id: UUID, over: Sequence[str]) -> Sequence[RowMapping]:
    """Free units of each component, and what open orders need beyond what they hold."""
    return (await session.execute(_DEMAND, {"account_id": account_id, "over": list(over)})).mappings().all()
