"""Parcels are followed until they are delivered; what is late, stuck or delayed is somebody's to look at, once."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.mirakl.shipping.conftest import NOON, Yard, order_id

from entrepot.kit.clock import clock
from entrepot.mirakl.failures.inbox import resolve
from entrepot.mirakl.orders.history import move
from entrepot.mirakl.shipping import deciding
from entrepot.mirakl.shipping.carrier import Tracking, TrackingEvent
from entrepot.mirakl.shipping.delivery import concerns, follow_due
from entrepot.mirakl.shipping.preferences import ShippingPreferences
from entrepot.sandbox.canadapost.shipments import Event, Journey

HABITS = ShippingPreferences(carrier=None, pack_before_ship=False, no_movement_days=5, look_hours=6)


async def follow(yard: Yard, **span: float) -> int:
    """Have a worker ask about what is due, some time later; how many parcels it asked about."""
    yard.time.pass_(**span)
    with clock(yard.time):
        return await follow_due(yard.services, yard.account_id)


async def test_a_parcel_is_followed_until_it_is_delivered(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    assert await follow(yard, hours=3) == 0
    assert await follow(yard, hours=2) == 1
    [parcel] = await yard.parcels(placed)
    assert parcel["delivery_state"] == "announced"
    assert parcel["expected_delivery"] is not None
    assert await follow(yard, hours=1) == 0
    yard.carrier.misbehavior.plan("GetTrackingDetails", "twice")
    for _ in range(11):
        await follow(yard, hours=6)
    [parcel] = await yard.parcels(placed)
    assert parcel["delivery_state"] == "delivered"
    assert parcel["delivered_at"] == NOON + timedelta(days=2, hours=18)
    assert parcel["next_look_at"] is None
    assert await yard.status(placed) == "delivered"
    events = await yard.sql("SELECT event_identifier FROM mirakl.shipment_events ORDER BY happened_at")
    assert [row["event_identifier"] for row in events] == ["3000", "2300", "0100", "0174", "1496"]
    assert await follow(yard, days=10) == 0
    assert await yard.failures() == []


async def test_an_order_of_several_parcels_is_delivered_with_the_last_one(yard: Yard) -> None:
    placed = await yard.order({"LAPTOP-1": 20})
    await yard.work()
    first, second = await yard.parcels(placed)
    assert (first["weight_kg"], second["weight_kg"]) == (28.8, 7.2) or first["weight_kg"] <= 30
    shipments = list(yard.carrier.all())
    yard.carrier.journey = Journey(delivered=timedelta(days=40), out=timedelta(days=39))
    shipments[0].extra.append(
        Event(NOON + timedelta(days=1), "1496", "Item successfully delivered", "DELIVERED", "", "")
    )
    await follow(yard, days=2)
    assert await yard.status(placed) == "shipped"
    shipments[1].extra.append(
        Event(NOON + timedelta(days=3), "1496", "Item successfully delivered", "DELIVERED", "", "")
    )
    await follow(yard, days=2)
    assert await yard.status(placed) == "delivered"


async def test_a_delay_becomes_a_failure_once_and_goes_when_it_is_delivered(yard: Yard) -> None:
    yard.carrier.journey = Journey(late=1.0)
    placed = await yard.order()
    await yard.work()
    for _ in range(12):
        await follow(yard, hours=6)
    assert set(await yard.failures()) == {("DeliveryDelayed", "decision")}
    rows = await yard.sql("SELECT failure_id, times, details FROM mirakl.process_failures")
    assert [row["times"] for row in rows] == [1]
    assert "Possible delay" in rows[0]["details"]
    # Who has looked at it does not see it again.
    async with yard.db.tenant(account_id=yard.account_id) as session:
        failure: UUID = rows[0]["failure_id"]
        await resolve(session, yard.account_id, failure, by=None, resolution="The customer knows.")
    for _ in range(4):
        await follow(yard, hours=6)
    assert [name for name, _ in await yard.failures()] == ["DeliveryLate"]
    for _ in range(20):
        await follow(yard, hours=6)
    assert await yard.status(placed) == "delivered"
    assert await yard.failures() == []


async def test_a_carrier_that_does_not_answer_is_asked_again(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    yard.carrier.misbehavior.plan("GetTrackingDetails", "fail", "timeout_before", "garbage")
    for _ in range(3):
        await follow(yard, hours=6)
    assert await yard.failures() == [("DeliveryTracking", "transient")]
    await follow(yard, hours=6)
    assert await yard.failures() == []
    assert (await yard.parcels(placed))[0]["delivery_state"] in ("announced", "moving")


async def test_two_workers_share_what_is_due(yard: Yard) -> None:
    import asyncio

    for _ in range(6):
        await yard.order()
    await yard.work()
    yard.time.pass_(hours=5)
    yard.carrier.misbehavior.latency_ms = 10
    with clock(yard.time):
        shares = await asyncio.gather(*(follow_due(yard.services, yard.account_id, most=3) for _ in range(3)))
    assert sum(shares) == 6
    assert yard.carrier.desk.counts["GetTrackingDetails"] == 6


def event(days: float, words: str = "Item processed") -> TrackingEvent:
    """Something that happened so many days after noon."""
    return TrackingEvent(identifier="1", description=words, happened_at=NOON + timedelta(days=days))


@pytest.mark.parametrize(
    ("tracking", "days", "found"),
    [
        (Tracking(state="moving", events=(event(1),)), 5.9, []),
        (Tracking(state="moving", events=(event(1),)), 6, ["DeliveryStalled"]),
        (Tracking(state="announced"), 4.9, []),
        (Tracking(state="announced"), 5, ["DeliveryStalled"]),
        (Tracking(state="moving", events=(event(1, "Possible delay"),)), 2, ["DeliveryDelayed"]),
        (Tracking(state="moving", events=(event(1, "Possible delay"), event(2))), 3, ["DeliveryDelayed"]),
        (Tracking(state="moving", events=(event(3),), expected_delivery=NOON + timedelta(days=4)), 4, []),
        (
            Tracking(state="moving", events=(event(3),), expected_delivery=NOON + timedelta(days=4)),
            4.1,
            ["DeliveryLate"],
        ),
        (Tracking(state="moving", events=(event(89),)), 90, ["DeliveryLost"]),
        (Tracking(state="delivered", events=(event(9),), expected_delivery=NOON), 95, []),
    ],
)
def test_what_somebody_has_to_look_at(tracking: Tracking, days: float, found: list[str]) -> None:
    at = NOON + timedelta(days=days)
    assert [one.process_name for one in concerns(tracking, NOON, at, HABITS)] == found


async def test_a_parcel_is_not_asked_about_for_ever(yard: Yard) -> None:
    yard.carrier.journey = Journey(lost=1.0)
    await yard.order()
    await yard.work()
    await follow(yard, days=91)
    assert "DeliveryLost" in {name for name, _ in await yard.failures()}
    assert await follow(yard, days=30) == 0


async def test_a_parcel_of_a_closed_order_is_still_followed(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await move(session, yard.account_id, order_id(placed), "closed", actor_type="marketplace")
    await follow(yard, days=4)
    assert await yard.status(placed) == "closed"
    async with yard.db.tenant(account_id=yard.account_id) as session:
        parcel = await deciding.find_parcel(session, yard.account_id, order_id(placed))
    assert parcel["delivered_at"] is not None
