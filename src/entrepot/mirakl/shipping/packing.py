"""The packing station: components scanned into a parcel against its bill of materials, the label last.

    state = await start(session, account_id, "BB-1001-A")
    scan = await scan(session, account_id, state.shipment_id, "0190000000017", by=user_id)

Every scan is recorded, the useless ones as well. A parcel is packed when all is in it and its own label was scanned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.orders.history import current, wake
from entrepot.mirakl.shipping import packing_queries as queries
from entrepot.mirakl.shipping.deciding import find_parcel
from entrepot.mirakl.shipping.queries import hold_parcel, select_parcels

#: Statuses of an order whose parcels may be packed.
MAY_PACK = ("label_created", "tracking_sent", "tracking_failed", "shipped")


@dataclass(frozen=True, slots=True)
class Needed:
    """A component of a parcel: units that belong in it, units that were scanned."""

    component_id: UUID
    name: str
    type: str
    barcode: str | None
    needed: int
    scanned: int

    @property
    def missing(self) -> int:
        """Units that are still to be scanned."""
        return max(self.needed - self.scanned, 0)


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the packing of a parcel is."""

    shipment_id: UUID
    order_id: str
    parcel_number: int
    reference: str
    tracking_pin: str | None
    components: tuple[Needed, ...]
    packed_at: datetime | None

    @property
    def complete(self) -> bool:
        """Whether every component is in."""
        return not any(one.missing for one in self.components)

    @property
    def finished(self) -> bool:
        """Whether it is packed: everything is in, and its label was scanned."""
        return self.packed_at is not None

    @property
    def next_step(self) -> str:
        """What is to be done now, in words."""
        if self.finished:
            return "Packed. Take the next one."
        missing = [f"{one.missing} × {one.name}" for one in self.components if one.missing]
        return f"Scan {', '.join(missing)}." if missing else "Everything is in. Scan the label."


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scanned barcode was, in a word (`outcome`) and in words for people, and where the packing is then."""

    outcome: str
    words: str
    packing: Packing

    @property
    def good(self) -> bool:
        """Whether it brought the parcel on."""
        return self.outcome in ("component", "label")


async def start(session: AsyncSession, account_id: UUID, name: str) -> Packing:
    """Take up the packing of a parcel, named by its order, its reference or its label's number.

    Raises NotFoundError, InvalidInputError for an order with several parcels, ConflictError for a parcel that is not to
    be packed.
    """
    parcel = await find_parcel(session, account_id, name)
    await _may_be_packed(session, account_id, parcel)
    return await _state(session, parcel)


async def state(session: AsyncSession, account_id: UUID, shipment_id: UUID) -> Packing:
    """Where the packing of a parcel is; raises NotFoundError."""
    found = await select_parcels(session, account_id, shipment_id=shipment_id)
    if not found:
        raise NotFoundError(f"There is no parcel {shipment_id}.", where={"shipment_id": str(shipment_id)})
    return await _state(session, found[0])


async def scan(
    session: AsyncSession, account_id: UUID, shipment_id: UUID, barcode: str, *, by: UUID | None = None
) -> Scan:
    """Take a barcode that was scanned for a parcel, and record it.

    Raises NotFoundError, InvalidInputError for an empty or overlong barcode, ConflictError for a parcel that is not to
    be packed any more.
    """
    barcode = "".join(character for character in barcode.strip() if character.isprintable())
    if not 0 < len(barcode) <= 200:
        raise InvalidInputError(
            "Nothing was read." if not barcode else "A barcode has at most 200 characters.",
            hint="Scan it again.",
            where={"path": "barcode"},
        )
    # Two scanners at one parcel take turns.
    parcel = await hold_parcel(session, account_id, shipment_id)
    if parcel is None:
        raise NotFoundError(f"There is no parcel {shipment_id}.", where={"shipment_id": str(shipment_id)})
    await _may_be_packed(session, account_id, parcel)
    packing = await _state(session, parcel)
    component = await queries.select_component(session, account_id, barcode)
    others = (
        ()
        if component is not None
        else await select_parcels(session, account_id, tracking_pin="".join(barcode.split()))
    )
    outcome, words = judge(packing, barcode, component, others)
    at = now()
    await queries.insert_scan(
        session,
        {
            "account_id": account_id,
            "shipment_id": shipment_id,
            "barcode": barcode,
            "outcome": outcome,
            "component_id": component["component_id"] if component else None,
            "scanned_by": by,
            "at": at,
        },
    )
    if outcome == "label" and await queries.update_packed(session, account_id, shipment_id, at):
        # The shipping may wait for this to be confirmed, or be about to begin to wait.
        held = await current(session, account_id, parcel["order_id"])
        if held is not None and held.status in ("label_created", "tracking_sent"):
            await wake(session, account_id, parcel["order_id"])
    then = await hold_parcel(session, account_id, shipment_id)
    return Scan(outcome, words, await _state(session, then or parcel))


def judge(
    packing: Packing,
    barcode: str,
    component: RowMapping | None,
    others: Sequence[RowMapping],
) -> tuple[str, str]:
    """What a barcode is for a parcel: one of SCAN_OUTCOMES, and words for who scanned it.

    `component`: the component with that barcode; `others`: parcels with that tracking number.
    """
    if component is not None:
        wanted = next(
            (one for one in packing.components if one.component_id == component["component_id"]), None
        )
        if wanted is None:
            return "not_needed", f"{component['name']} does not belong in this parcel. Take it out again."
        if not wanted.missing:
            return "already", (
                f"{wanted.name}: all {wanted.needed} are in already. Is it one too many, or the same one twice?"
            )
        left = wanted.missing - 1
        return "component", f"{wanted.name} is in" + (f", {left} more to go." if left else ".")
    if packing.tracking_pin is not None and _plain(barcode) == _plain(packing.tracking_pin):
        if packing.finished:
            return "already", "This parcel is packed already."
        if not packing.complete:
            return "too_early", f"The label comes last. {packing.next_step}"
        return "label", "Everything is in, and it is the right label. Packed."
    if others:
        other = others[0]
        return "wrong_label", (
            f"This is the label of order {other['order_id']}, parcel {other['parcel_number']}. "
            f"Here belongs {packing.tracking_pin or 'no label yet'}."
        )
    return "unknown", f"{barcode!r} is neither a component nor a label that is known."


async def _may_be_packed(session: AsyncSession, account_id: UUID, parcel: RowMapping) -> None:
    held = await current(session, account_id, parcel["order_id"])
    status = held.status if held else "new"
    if status in MAY_PACK and parcel["state"] in ("bought", "labelled"):
        return
    hint = {
        "cancelled": "Put it back: the order was cancelled.",
        "ready_to_ship": "Its label is being bought; look again in a minute.",
        "shipping_failed": "Its label failed; `entrepot mirakl failures list` says why.",
    }.get(status, "Take another one.")
    raise ConflictError(
        f"The order {parcel['order_id']} is {status} and its parcel {parcel['state']}: it is not to be packed.",
        hint=hint,
        where={"order_id": parcel["order_id"], "status": status},
    )


async def _state(session: AsyncSession, parcel: RowMapping) -> Packing:
    account_id, shipment_id = parcel["account_id"], parcel["shipment_id"]
    scanned = await queries.select_scanned(session, account_id, shipment_id)
    return Packing(
        shipment_id=shipment_id,
        order_id=parcel["order_id"],
        parcel_number=parcel["parcel_number"],
        reference=parcel["carrier_reference"],
        tracking_pin=parcel["tracking_pin"],
        components=tuple(
            Needed(
                component_id=row["component_id"],
                name=row["name"],
                type=row["type"],
                barcode=row["barcode"],
                needed=row["needed"],
                scanned=scanned.get(row["component_id"], 0),
            )
            for row in await queries.select_components(session, account_id, [shipment_id])
        ),
        packed_at=parcel["packed_at"],
    )


def _plain(number: str) -> str:
    return "".join(number.split()).upper()
