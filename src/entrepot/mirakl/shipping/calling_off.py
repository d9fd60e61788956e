"""Taking labels back: voided while the carrier allows it, the money asked back after that; by itself for cancelled orders.

Voiding may be repeated. Asking for the money back may not: a carrier first reads whether that was done.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish
from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself, retried_by
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.steps import Change, watches
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import calling_off_queries as queries
from entrepot.mirakl.shipping.buying import GRACE, record_bought
from entrepot.mirakl.shipping.carrier import AlreadyTransmittedError, PersonNeededError
from entrepot.mirakl.shipping.labelling import CHECK, DOWNLOAD, as_bought
from entrepot.mirakl.shipping.queries import select_parcels, times_failed

VOID = "ShipmentVoid"
ON_ITS_WAY = "ParcelOfCancelledOrder"
#: How long a parcel is kept from others while it is called off.
CLAIM = timedelta(minutes=10)
FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=6)


async def call_off_due(services: Services, account_id: UUID, *, order_id: str | None = None) -> int:
    """Take back the labels of the account's orders that came to nothing; how many were."""
    async with services.db.tenant(account_id=account_id) as session:
        due = await queries.select_to_call_off(
            session, account_id, process_name=VOID, at=now(), order_id=order_id
        )
    done = 0
    for parcel in due:
        try:
            done += await call_off(services, account_id, parcel["shipment_id"]) is not None
        except (ServiceError, ConflictError):
            # It is in the inbox, or somebody else's.
            continue
    return done


async def call_off(services: Services, account_id: UUID, shipment_id: UUID) -> str | None:
    """Take a label back; the state of the parcel then: void or refund_requested. None when it cannot be told yet.

    Raises ServiceError, which is in the inbox by then, and ConflictError where somebody else is at it.
    """
    at = now()
    async with services.db.tenant(account_id=account_id) as session:
        parcel = await queries.claim_to_call_off(session, account_id, shipment_id, at=at, until=at + CLAIM)
    if parcel is None:
        raise ConflictError(
            "The parcel is taken back already, on its way, or somebody is at it.",
            hint="`entrepot mirakl labels list` shows where it is.",
            where={"shipment_id": str(shipment_id)},
        )
    try:
        state, ticket = await _taken_back(services, parcel)
    except ServiceError as error:
        await _failed(services, parcel, error)
        raise
    except PersonNeededError as error:
        failed = ServiceError(
            str(error), outcome=Outcome.PERMANENT, service=parcel["carrier"], operation="void"
        )
        await _failed(services, parcel, failed)
        raise failed from error
    async with services.db.tenant(account_id=account_id) as session:
        if state is None:
            await queries.put_look_off(session, account_id, shipment_id, parcel["intended_at"] + GRACE)
            return None
        await queries.update_called_off(session, account_id, shipment_id, state=state, ticket=ticket)
        words = "The label was voided." if state == "void" else f"The money was asked back ({ticket})."
        await resolved_by_itself(
            session, account_id, str(shipment_id), VOID, CHECK, DOWNLOAD, resolution=words
        )
        await publish(
            session,
            type=f"mirakl.parcel.{'voided' if state == 'void' else 'refund_requested'}",
            subject=parcel["order_id"],
            source="/entrepot/mirakl",
            time=now(),
            data={
                "order_id": parcel["order_id"],
                "parcel_number": parcel["parcel_number"],
                "tracking_pin": parcel["tracking_pin"],
                "service_ticket_id": ticket,
            },
            dedupe_key=f"{shipment_id}/{state}",
            account_id=account_id,
        )
    return state


async def _taken_back(services: Services, parcel: RowMapping) -> tuple[str | None, str | None]:
    """The state that the parcel has then, None while nobody can tell whether it was bought; and the carrier's ticket."""
    if parcel["state"] in ("planned", "failed") and parcel["external_id"] is None:
        return "void", None
    carrier = await services.carrier(parcel["account_id"], parcel["carrier"])
    if parcel["state"] == "buying":
        found = await carrier.find(parcel["carrier_reference"])
        if found is None:
            return (None, None) if now() < parcel["intended_at"] + GRACE else ("void", None)
        await record_bought(services, parcel, found)
        bought = found
    else:
        bought = as_bought(parcel)
    try:
        await carrier.void(bought)
    except AlreadyTransmittedError:
        return "refund_requested", await carrier.refund(bought)
    return "void", None


async def _failed(services: Services, parcel: RowMapping, error: ServiceError) -> None:
    account_id, shipment_id = parcel["account_id"], parcel["shipment_id"]
    async with services.db.tenant(account_id=account_id) as session:
        again = None
        if error.outcome is not Outcome.PERMANENT:
            times = await times_failed(session, account_id, VOID, str(shipment_id))
            again = now() + min(FIRST_PAUSE * 2 ** min(times, 10), LONGEST_PAUSE)
        await queries.put_look_off(session, account_id, shipment_id, again)
        await fail(
            session,
            account_id,
            VOID,
            str(shipment_id),
            kind=error.outcome.value,
            details=f"The label of {parcel['carrier_reference']} cannot be taken back: {error}",
            next_step=f"It is tried again by itself at {again:%Y-%m-%d %H:%M} UTC."
            if again
            else "Take it back at the carrier, then resolve this; or try it again.",
            order_id=parcel["order_id"],
            payload={"shipment_id": shipment_id, "external_id": parcel["external_id"]},
            next_attempt_at=again,
        )


@retried_by(VOID)
async def call_off_again(session: AsyncSession, failure: RowMapping) -> None:
    """Make the parcel due to be taken back: the next look at cancelled orders does it."""
    await queries.put_look_off(session, failure["account_id"], UUID(failure["related_id"]), None)


@watches("cancelled")
async def tell_of_parcels_on_their_way(session: AsyncSession, change: Change) -> None:
    """A cancelled order whose parcel has left the house is somebody's business."""
    for parcel in await select_parcels(session, change.account_id, order_id=change.order_id, live=True):
        if parcel["shipped_reported_at"] is None or parcel["delivered_at"] is not None:
            continue
        await fail(
            session,
            change.account_id,
            ON_ITS_WAY,
            str(parcel["shipment_id"]),
            kind="decision",
            details=f"The order was cancelled, and its parcel {parcel['tracking_pin']} is on its way.",
            next_step="Ask the carrier to send it back, or the customer to refuse it; book it in when it is here.",
            order_id=change.order_id,
        )
