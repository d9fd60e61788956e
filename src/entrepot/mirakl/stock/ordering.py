"""What to order: what open orders are short of, and what has come down to its reorder point."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.stock import levels_queries as queries
from entrepot.mirakl.stock.reserving import OVER


@dataclass(frozen=True, slots=True)
class ToOrder:
    """A component to order: units free, units that open orders need beyond them, units to order and why."""

    name: str
    type: str
    free: int
    demand: int
    shortage: int
    quantity: int
    reason: str
    cost: Decimal | None


async def to_order(session: AsyncSession, account_id: UUID) -> list[ToOrder]:
    """The components to order, those that orders wait for first.

    `demand` is what orders that are not over need beyond what is reserved for them.
    """
    return decide(dict(row) for row in await queries.select_demand(session, account_id, OVER))


def decide(components: Iterable[Mapping[str, Any]]) -> list[ToOrder]:
    """Which components to order, from their free units, demand, reorder point and reorder quantity."""
    found = []
    for one in components:
        left = one["free"] - int(one["demand"])
        has_point = one["reorder_point"] > 0 or one["reorder_quantity"] > 0
        if left >= 0 and not (has_point and left <= one["reorder_point"]):
            continue
        shortage = max(0, -left)
        # Enough for the orders that wait, and to be above the reorder point again.
        quantity = max(shortage, one["reorder_quantity"], one["reorder_point"] - left + 1 if has_point else 0)
        found.append(
            ToOrder(
                one["name"],
                one["type"],
                one["free"],
                int(one["demand"]),
                shortage,
                quantity,
                f"{shortage} short for open orders"
                if shortage
                else f"{left} left, to be ordered at {one['reorder_point']}",
                None if one["unit_cost"] is None else one["unit_cost"] * quantity,
            )
        )
    return sorted(found, key=lambda one: (-one.shortage, one.name))
