"""The pick list: which components to fetch for the parcels that wait, by order and in all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.shipping import packing_queries as queries


@dataclass(frozen=True, slots=True)
class Pick:
    """Units of a component."""

    component_id: UUID
    name: str
    type: str
    barcode: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class ParcelPicks:
    """What a parcel takes."""

    order_id: str
    parcel_number: int
    shipment_id: UUID
    tracking_pin: str | None
    ship_by: datetime | None
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class PickList:
    """Parcels, those due first on top, and what they take in all."""

    parcels: tuple[ParcelPicks, ...]
    totals: tuple[Pick, ...]


async def pick_list(
    session: AsyncSession, account_id: UUID, *, order_ids: Sequence[str] | None = None, limit: int = 200
) -> PickList:
    """The components of the parcels that have their label and are not packed; of some orders, or of all."""
    parcels = await queries.select_to_pack(session, account_id, order_ids=order_ids, limit=limit)
    rows = await queries.select_components(session, account_id, [row["shipment_id"] for row in parcels])
    of_parcel: dict[UUID, list[Pick]] = {}
    totals: dict[UUID, Pick] = {}
    for row in rows:
        pick = Pick(row["component_id"], row["name"], row["type"], row["barcode"], row["needed"])
        of_parcel.setdefault(row["shipment_id"], []).append(pick)
        before = totals.get(pick.component_id)
        totals[pick.component_id] = Pick(
            pick.component_id,
            pick.name,
            pick.type,
            pick.barcode,
            pick.quantity + (before.quantity if before else 0),
        )
    return PickList(
        tuple(
            ParcelPicks(
                row["order_id"],
                row["parcel_number"],
                row["shipment_id"],
                row["tracking_pin"],
                row["shipping_deadline"],
                tuple(of_parcel.get(row["shipment_id"], ())),
            )
            for row in parcels
        ),
        tuple(sorted(totals.values(), key=lambda pick: (pick.type, pick.name))),
    )
