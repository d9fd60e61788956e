"""Following parcels until they are delivered: events kept once, delays brought to somebody's eyes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish
from entrepot.kit.clock import now
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself, retried_by
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.history import current, move
from entrepot.mirakl.orders.history_queries import lock_order
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import following_queries as queries
from entrepot.mirakl.shipping.calling_off_queries import put_look_off
from entrepot.mirakl.shipping.carrier import Tracking
from entrepot.mirakl.shipping.preferences import ShippingPreferences, shipping_preferences
from entrepot.mirakl.shipping.queries import select_parcels, times_failed

ASK = "DeliveryTracking"
DELAYED, STALLED, LATE, LOST = "DeliveryDelayed", "DeliveryStalled", "DeliveryLate", "DeliveryLost"
CONCERNS = (DELAYED, STALLED, LATE, LOST)
#: How long a parcel is kept from others while its carrier is asked.
CLAIM = timedelta(minutes=10)
#: After so long a parcel is looked at no more by itself: carriers forget them.
GIVE_UP = timedelta(days=90)
SAYS_DELAYED = re.compile(r"\bdelay|\bretard", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Concern:
    """Something about a parcel that a person should look at; `marker` is the same as long as it is the same thing."""

    process_name: str
    marker: str
    words: str


def concerns(
    tracking: Tracking, sent_at: datetime, at: datetime, preferences: ShippingPreferences
) -> list[Concern]:
    """What is not as it should be with a parcel that was sent at `sent_at`."""
    if tracking.state == "delivered":
        return []
    found = []
    delay = next(
        (event for event in reversed(tracking.events) if SAYS_DELAYED.search(event.description)), None
    )
    if delay is not None:
        found.append(
            Concern(
                DELAYED,
                f"{delay.identifier}@{delay.happened_at:%Y-%m-%dT%H:%M}",
                f"The carrier says: {delay.description} ({delay.happened_at:%Y-%m-%d}).",
            )
        )
    last = max((event.happened_at for event in tracking.events), default=sent_at)
    still = at - max(last, sent_at)
    if still >= timedelta(days=preferences.no_movement_days):
        found.append(
            Concern(
                STALLED,
                f"{last:%Y-%m-%dT%H:%M}",
                f"It has not moved for {still.days} days ({last:%Y-%m-%d}).",
            )
        )
    if tracking.expected_delivery is not None and at > tracking.expected_delivery:
        day = f"{tracking.expected_delivery:%Y-%m-%d}"
        found.append(Concern(LATE, day, f"It was expected on {day} and is not there."))
    if at - sent_at >= GIVE_UP:
        found.append(
            Concern(
                LOST,
                "lost",
                f"It is not delivered {GIVE_UP.days} days after it was sent; it is followed no more.",
            )
        )
    return found


async def follow_due(services: Services, account_id: UUID, *, most: int = 50) -> int:
    """Ask the carriers about the account's parcels that are due; how many were asked about."""
    at = now()
    async with services.db.tenant(account_id=account_id) as session:
        due = await queries.claim_due(session, account_id, at=at, until=at + CLAIM, limit=most)
    for parcel in due:
        await follow(services, parcel)
    return len(due)


async def follow(services: Services, parcel: RowMapping) -> None:
    """Ask the carrier about one parcel and keep what it says; what goes wrong is in the inbox."""
    account = await services.account(parcel["account_id"])
    preferences = shipping_preferences(account.settings)
    carrier = await services.carrier(account.account_id, parcel["carrier"])
    if not carrier.gives_labels or parcel["tracking_pin"] is None:
        async with services.db.tenant(account_id=account.account_id) as session:
            await put_look_off(session, account.account_id, parcel["shipment_id"], None)
        return
    try:
        told = await carrier.track(parcel["tracking_pin"])
    except ServiceError as error:
        await _not_told(services, parcel, preferences, error)
        return
    async with services.db.tenant(account_id=account.account_id) as session:
        await keep(session, parcel, told or Tracking(state="announced"), preferences)


async def keep(
    session: AsyncSession, parcel: RowMapping, tracking: Tracking, preferences: ShippingPreferences
) -> None:
    """Keep what a carrier says of a parcel: events once, delivery, and what somebody has to look at."""
    account_id, shipment_id, order_id = parcel["account_id"], parcel["shipment_id"], parcel["order_id"]
    at = now()
    await lock_order(session, account_id, order_id)
    await queries.insert_events(session, account_id, shipment_id, tracking.events)
    sent_at = parcel["shipped_reported_at"] or parcel["bought_at"] or parcel["created_at"]
    over = tracking.state == "delivered" or at - sent_at >= GIVE_UP
    await queries.update_delivery(
        session,
        account_id,
        shipment_id,
        {
            "state": tracking.state,
            "expected": tracking.expected_delivery,
            "delivered_at": tracking.delivered_at,
            "next_look_at": None if over else at + timedelta(hours=preferences.look_hours),
        },
    )
    await resolved_by_itself(
        session, account_id, str(shipment_id), ASK, resolution="The carrier has answered."
    )
    for concern in concerns(tracking, sent_at, at, preferences):
        await _tell(session, parcel, concern)
    if tracking.state == "delivered":
        await _delivered(session, parcel, tracking)


async def mark_delivered(session: AsyncSession, account_id: UUID, parcel: RowMapping, *, by: str) -> None:
    """Record that a parcel arrived, because a person says so."""
    at = now()
    await lock_order(session, account_id, parcel["order_id"])
    await queries.update_delivery(
        session,
        account_id,
        parcel["shipment_id"],
        {"state": "delivered", "expected": None, "delivered_at": at, "next_look_at": None},
    )
    await _delivered(session, parcel, Tracking(state="delivered", delivered_at=at), by=by)


async def _delivered(
    session: AsyncSession, parcel: RowMapping, tracking: Tracking, *, by: str | None = None
) -> None:
    account_id, order_id = parcel["account_id"], parcel["order_id"]
    await resolved_by_itself(
        session, account_id, str(parcel["shipment_id"]), ASK, *CONCERNS, resolution="It was delivered."
    )
    await publish(
        session,
        type="mirakl.parcel.delivered",
        subject=order_id,
        source="/entrepot/mirakl",
        time=tracking.delivered_at,
        data={
            "order_id": order_id,
            "parcel_number": parcel["parcel_number"],
            "tracking_pin": parcel["tracking_pin"],
        },
        dedupe_key=f"{parcel['shipment_id']}/delivered",
        account_id=account_id,
    )
    parcels = await select_parcels(session, account_id, order_id=order_id, live=True)
    held = await current(session, account_id, order_id)
    if held is not None and held.status == "shipped" and all(row["delivered_at"] for row in parcels):
        await move(
            session,
            account_id,
            order_id,
            "delivered",
            actor_type="person" if by else "carrier",
            actor=by or parcel["carrier"],
            notes=f"{len(parcels)} parcel{'s' if len(parcels) > 1 else ''} delivered",
        )


async def _tell(session: AsyncSession, parcel: RowMapping, concern: Concern) -> None:
    """Bring a concern to the inbox, once: what a person has resolved does not come back until it is another thing."""
    account_id, shipment_id = parcel["account_id"], parcel["shipment_id"]
    if await queries.was_told(session, account_id, concern.process_name, str(shipment_id), concern.marker):
        return
    await fail(
        session,
        account_id,
        concern.process_name,
        str(shipment_id),
        kind="decision",
        details=f"Parcel {parcel['tracking_pin']} of order {parcel['order_id']}: {concern.words}",
        next_step="Ask the carrier, and tell the customer. It is resolved by itself when the parcel is delivered.",
        payload={"marker": concern.marker, "tracking_pin": parcel["tracking_pin"]},
        order_id=parcel["order_id"],
    )


async def _not_told(
    services: Services, parcel: RowMapping, preferences: ShippingPreferences, error: ServiceError
) -> None:
    """The carrier did not answer: it is asked again, and the inbox knows once that went on."""
    account_id, shipment_id = parcel["account_id"], parcel["shipment_id"]
    again = now() + timedelta(hours=preferences.look_hours)
    async with services.db.tenant(account_id=account_id) as session:
        times = await times_failed(session, account_id, ASK, str(shipment_id))
        if error.outcome is not Outcome.PERMANENT:
            again = min(now() + timedelta(minutes=5) * 2 ** min(times, 8), again)
        await put_look_off(session, account_id, shipment_id, again)
        await fail(
            session,
            account_id,
            ASK,
            str(shipment_id),
            kind=error.outcome.value,
            details=f"The carrier does not tell where {parcel['tracking_pin']} is: {error}",
            next_step=f"It is asked again by itself at {again:%Y-%m-%d %H:%M} UTC.",
            order_id=parcel["order_id"],
            next_attempt_at=again,
        )


@retried_by(ASK)
async def ask_again(session: AsyncSession, failure: RowMapping) -> None:
    """Make a parcel due to be asked about."""
    await put_look_off(session, failure["account_id"], UUID(failure["related_id"]), now())


async def events_of(session: AsyncSession, account_id: UUID, shipment_id: UUID) -> Sequence[RowMapping]:
    """What a carrier said of a parcel, oldest first."""
    return await queries.select_events(session, account_id, shipment_id)
