"""Buying labels, each exactly once: intent, call, outcome.

The intent is in the database before the carrier is called. Whatever happens then, to the answer, the network or the
worker, the parcel is `buying`, and whoever comes next asks the carrier what was bought under our reference. Only when
the carrier knows of nothing, and so long after the intent that the call cannot be under way any more, it is bought
again. Downloading, checking and keeping the label come after and are repeated without buying.
"""

from datetime import datetime, timedelta

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError
from entrepot.mirakl.failures.inbox import fail, resolve, retried_by
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.history import advance, current, move, rest, wake
from entrepot.mirakl.orders.steps import Taken, settles, step
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import queries
from entrepot.mirakl.shipping.carrier import Address, Bought, Carrier, Parcel, PersonNeededError
from entrepot.mirakl.shipping.labelling import CHECK, CREATE, DOWNLOAD, get_label
from entrepot.mirakl.shipping.parceling import PLAN, plan_parcels
from entrepot.mirakl.values import ENDS

BY_HAND = "ShippingByHand"
settles("label_created", names=(CREATE, PLAN, BY_HAND), resolution="The labels are there.")
#: How long after the intent a call may still be under way; a call itself is over after 30 seconds.
GRACE = timedelta(minutes=5)
#: When an order that may not be shipped yet is looked at again.
NOT_YET = timedelta(minutes=15)
#: When an order that was changed by a person meanwhile is looked at again.
AGAIN = timedelta(minutes=1)
#: States of the marketplace in which an order has left the house, by whomever.
SENT = ("SHIPPED", "TO_COLLECT", "RECEIVED", "CLOSED")
ENDED = ("CANCELED", "REFUSED")


@step("ready_to_ship", CREATE)
async def buy_labels(services: Services, taken: Taken) -> Taken | None:
    """Plan the parcels of an order, buy a label for each, check and keep it; then the order has its labels."""
    parcels = await plan_parcels(services, taken)
    if parcels is None:
        return None
    held: list[RowMapping] = []
    for parcel in parcels:
        if parcel["state"] in ("planned", "buying"):
            carrier = await services.carrier(taken.account_id, parcel["carrier"])
            bought = await _buy(services, taken, carrier, parcel)
            if bought is None:
                return None
            held.append(bought)
        else:
            held.append(parcel)
    for parcel in held:
        if parcel["state"] == "bought":
            carrier = await services.carrier(taken.account_id, parcel["carrier"])
            if not await get_label(services, taken, carrier, parcel):
                return None
    async with services.db.tenant(account_id=taken.account_id) as session:
        return await all_labelled(session, taken)


async def all_labelled(session: AsyncSession, taken: Taken) -> Taken | None:
    """Every parcel of the order has its label: the order goes on."""
    held = await queries.select_parcels(session, taken.account_id, order_id=taken.order_id, live=True)
    if any(row["state"] not in ("bought", "labelled") for row in held):
        # Somebody has divided the order meanwhile: the next look buys what is new.
        await rest(session, taken, now() + AGAIN)
        return None
    pins = ", ".join(row["tracking_pin"] for row in held if row["tracking_pin"])
    return await advance(
        session,
        taken,
        "label_created",
        actor_type="worker",
        actor=taken.worker,
        notes=f"{len(held)} label{'s' if len(held) > 1 else ''}: {pins}",
    )


async def _buy(services: Services, taken: Taken, carrier: Carrier, parcel: RowMapping) -> RowMapping | None:
    """Have a parcel bought, once; the parcel as it is then, None when it is not to be bought now."""
    before = parcel["intended_at"] if parcel["state"] == "buying" else None
    if before is not None:
        found = await carrier.find(parcel["carrier_reference"])
        if found is not None and not found.called_off:
            return await record_bought(services, parcel, found)
        if now() < before + GRACE:
            async with services.db.tenant(account_id=taken.account_id) as session:
                await rest(session, taken, before + GRACE)
            return None
    if not await _may_ship(services, taken):
        return None
    at = now()
    async with services.db.tenant(account_id=taken.account_id) as session:
        if not await queries.update_buying(
            session, taken.account_id, parcel["shipment_id"], at=at, before=before
        ):
            raise ConflictError(f"Somebody else is buying the label of {parcel['carrier_reference']}.")
    try:
        bought = await carrier.buy(as_parcel(parcel))
    except PersonNeededError as error:
        await _wait_for_person(services, taken, parcel, at, str(error))
        return None
    except ServiceError as error:
        if error.outcome is Outcome.UNKNOWN:
            # It stays `buying`: whoever comes next asks the carrier.
            raise
        await _not_bought(services, taken, parcel, at, error)
        if error.outcome is Outcome.TRANSIENT:
            raise
        return None
    return await record_bought(services, parcel, bought)


async def _may_ship(services: Services, taken: Taken) -> bool:
    """Read the order anew: only what the marketplace has in SHIPPING is bought a label for (K3)."""
    api = await services.api(taken.account_id)
    order = await api.order(taken.order_id)
    state = str((order or {}).get("order_state") or "")
    if state == "SHIPPING":
        return True
    async with services.db.tenant(account_id=taken.account_id) as session:
        if state in ENDED or state in SENT:
            await move(
                session,
                taken.account_id,
                taken.order_id,
                "cancelled" if state in ENDED else "shipped",
                actor_type="marketplace",
                notes=f"It was {state} when its label was about to be bought.",
                expected=taken.status,
            )
        else:
            await rest(session, taken, now() + NOT_YET)
    return False


async def record_bought(services: Services, parcel: RowMapping, bought: Bought) -> RowMapping | None:
    """Keep what the carrier calls the parcel, before anything else is done with it; the parcel as it is then."""
    account_id, shipment_id = parcel["account_id"], parcel["shipment_id"]
    async with services.db.tenant(account_id=account_id) as session:
        values = {
            "external_id": bought.external_id,
            # Kept where no other parcel has it: without one the label will not pass, and a person will look.
            "tracking_pin": bought.tracking_pin,
            "links": bought.links,
            "price": bought.price,
            "at": now(),
        }
        held = await queries.update_bought(session, account_id, shipment_id, values)
        if held is None:
            # Somebody has recorded it before.
            held = next(
                iter(await queries.select_parcels(session, account_id, shipment_id=shipment_id, live=True)),
                None,
            )
    return held


async def _not_bought(
    services: Services, taken: Taken, parcel: RowMapping, intended_at: datetime, error: ServiceError
) -> None:
    """The carrier has refused, or was not reached: nothing was bought, and that is known."""
    permanent = error.outcome is Outcome.PERMANENT
    async with services.db.tenant(account_id=taken.account_id) as session:
        await queries.update_not_bought(
            session,
            taken.account_id,
            parcel["shipment_id"],
            state="failed" if permanent else "planned",
            intended_at=intended_at,
        )
        if permanent:
            await fail(
                session,
                taken.account_id,
                CREATE,
                taken.order_id,
                kind="permanent",
                details=f"{error.service} refused the label of parcel {parcel['parcel_number']}: {error.details}.",
                next_step="Nothing was bought. Mend the address, the sizes or the carrier's settings, then try it "
                "again.",
                order_id=taken.order_id,
                payload={"shipment_id": parcel["shipment_id"], "reference": parcel["carrier_reference"]},
            )
            await move(
                session,
                taken.account_id,
                taken.order_id,
                "shipping_failed",
                actor_type="carrier",
                actor=parcel["carrier"],
                notes=error.details,
                expected=taken.status,
            )


async def _wait_for_person(
    services: Services, taken: Taken, parcel: RowMapping, intended_at: datetime, what: str
) -> None:
    async with services.db.tenant(account_id=taken.account_id) as session:
        await queries.update_not_bought(
            session, taken.account_id, parcel["shipment_id"], state="planned", intended_at=intended_at
        )
        await fail(
            session,
            taken.account_id,
            BY_HAND,
            taken.order_id,
            kind="decision",
            details=f"Parcel {parcel['parcel_number']} of the order is sent by hand. {what}",
            next_step=f"`entrepot mirakl ship number {parcel['carrier_reference']} NUMBER` records its tracking "
            "number.",
            order_id=taken.order_id,
            payload={"shipment_id": parcel["shipment_id"]},
        )
        await rest(session, taken, None)


def as_parcel(row: RowMapping) -> Parcel:
    """A parcel as the carrier is told of it."""
    return Parcel(
        reference=row["carrier_reference"],
        destination=Address(**row["destination"]),
        service_code=row["service_code"],
        weight_kg=row["weight_kg"],
        length_cm=row["length_cm"],
        width_cm=row["width_cm"],
        height_cm=row["height_cm"],
    )


@retried_by(CREATE, PLAN, DOWNLOAD, CHECK)
async def ship_again(session: AsyncSession, failure: RowMapping) -> None:
    """Take the order up again: what is bought stays bought, what was refused is planned from the data as it is now."""
    account_id, order_id = failure["account_id"], failure["order_id"] or failure["related_id"]
    held = await current(session, account_id, order_id)
    if held is not None and held.status in ENDS:
        # Nobody takes an ended order up again, so nothing would ever close this.
        over = f"The order is {held.status}; there is nothing to ship."
        await resolve(session, account_id, failure["failure_id"], by=None, resolution=over)
        return
    await queries.delete_unbought(session, account_id, order_id)
    if held is not None and held.status == "shipping_failed":
        await move(
            session,
            account_id,
            order_id,
            "ready_to_ship",
            actor_type="person",
            notes=f"{failure['process_name']} is tried again.",
        )
    else:
        await wake(session, account_id, order_id)
