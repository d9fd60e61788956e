"""Labels of orders that come to nothing are taken back by themselves: once, whatever fails."""

from datetime import timedelta

import pytest
from tests.mirakl.shipping.conftest import Yard, order_id

from entrepot.kit.clock import clock
from entrepot.kit.errors import ConflictError
from entrepot.mirakl.failures.inbox import retry
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.orders.history import move
from entrepot.mirakl.shipping import deciding
from entrepot.mirakl.shipping.calling_off import call_off, call_off_due
from entrepot.sandbox.canadapost.shipments import Journey
from entrepot.sandbox.mirakl.orders import Placed

LONG = timedelta(days=90)
#: A parcel that nobody picks up.
STILL = Journey(collected=LONG, processed=LONG, out=LONG, delivered=LONG)


async def labelled(yard: Yard) -> Placed:
    """An order with its label, not yet reported."""
    # What is picked up already can be refunded no more.
    yard.carrier.journey = STILL
    placed = await yard.order()
    await yard.buy(placed)
    assert await yard.status(placed) == "label_created"
    return placed


async def cancel(yard: Yard, placed: Placed) -> None:
    """The marketplace cancels an order."""
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await move(session, yard.account_id, order_id(placed), "cancelled", actor_type="marketplace")


async def due(yard: Yard, **span: float) -> int:
    """Have a worker take back what is to be taken back, some time later."""
    yard.time.pass_(**span)
    with clock(yard.time):
        return await call_off_due(yard.services, yard.account_id)


@pytest.mark.parametrize("transmitted", [True, False])
async def test_the_label_of_a_cancelled_order_is_taken_back(yard: Yard, transmitted: bool) -> None:
    if not transmitted:
        yard.carrier.transmits_after = timedelta(days=1)
    placed = await labelled(yard)
    assert await due(yard) == 0
    await cancel(yard, placed)
    assert await due(yard) == 1
    [parcel] = await yard.parcels(placed)
    [shipment] = yard.carrier.all()
    if transmitted:
        assert parcel["state"] == "refund_requested"
        assert parcel["service_ticket_id"] == shipment.ticket is not None
    else:
        assert parcel["state"] == "void"
        assert shipment.voided is not None
    assert await due(yard, hours=1) == 0
    assert await yard.failures() == []


@pytest.mark.parametrize(
    ("operation", "behavior"),
    [
        ("VoidShipment", "fail"),
        ("VoidShipment", "timeout_after"),
        ("RequestShipmentRefund", "fail"),
        ("RequestShipmentRefund", "timeout_before"),
        ("RequestShipmentRefund", "timeout_after"),
        ("RequestShipmentRefund", "garbage"),
        ("GetShipmentDetails", "garbage"),
    ],
)
async def test_what_fails_is_tried_again_and_asked_for_once(
    yard: Yard, operation: str, behavior: str
) -> None:
    placed = await labelled(yard)
    await cancel(yard, placed)
    yard.carrier.misbehavior.plan(operation, behavior)
    done = await due(yard)
    for _ in range(3):
        done += await due(yard, minutes=11)
    assert done == 1
    [parcel] = await yard.parcels(placed)
    [shipment] = yard.carrier.all()
    assert (parcel["state"], parcel["service_ticket_id"]) == ("refund_requested", shipment.ticket)
    assert await yard.failures() == []


async def test_a_label_whose_purchase_is_not_settled_is_looked_up_first(yard: Yard) -> None:
    placed = await yard.order()
    yard.carrier.journey = STILL
    yard.carrier.misbehavior.plan("CreateShipment", "timeout_after")
    await yard.work()
    assert (await yard.parcels(placed))[0]["state"] == "buying"
    await cancel(yard, placed)
    assert await due(yard) == 1
    [parcel] = await yard.parcels(placed)
    [shipment] = yard.carrier.all()
    assert (parcel["state"], parcel["external_id"]) == ("refund_requested", shipment.shipment_id)
    assert shipment.ticket is not None


async def test_a_label_that_nobody_needs_since_the_order_was_sent_otherwise_is_taken_back(yard: Yard) -> None:
    yard.carrier.journey = STILL
    placed = await yard.order()
    yard.carrier.misbehavior.plan("CreateShipment", "timeout_after")
    await yard.work()
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await move(session, yard.account_id, order_id(placed), "shipped", actor_type="marketplace")
    assert await due(yard) == 1
    assert (await yard.parcels(placed))[0]["state"] == "refund_requested"


async def test_a_purchase_that_may_be_under_way_is_waited_for(yard: Yard) -> None:
    placed = await yard.order()
    yard.carrier.misbehavior.plan("CreateShipment", "timeout_before")
    await yard.work()
    await cancel(yard, placed)
    assert await due(yard, minutes=1) == 0
    assert (await yard.parcels(placed))[0]["state"] == "buying"
    assert await due(yard, minutes=5) == 1
    assert (await yard.parcels(placed))[0]["state"] == "void"
    assert yard.labels(placed) == 0


async def test_what_cannot_be_taken_back_waits_for_a_person(yard: Yard) -> None:
    placed = await labelled(yard)
    [shipment] = yard.carrier.all()
    yard.carrier.journey = Journey(collected=timedelta())
    await cancel(yard, placed)
    assert await due(yard, hours=30) == 0
    assert await yard.failures() == [("ShipmentVoid", "permanent")]
    calls = yard.carrier.desk.counts["VoidShipment"]
    assert await due(yard, hours=30) == 0
    assert yard.carrier.desk.counts["VoidShipment"] == calls
    # Somebody has cleared it with the carrier.
    yard.carrier.journey = STILL
    [failure] = await yard.sql("SELECT failure_id FROM mirakl.process_failures")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await retry(session, yard.account_id, failure["failure_id"])
    assert await due(yard) == 1
    assert shipment.ticket is not None
    assert await yard.failures() == []


async def test_two_at_once_ask_for_one_refund(yard: Yard) -> None:
    import asyncio

    placed = await labelled(yard)
    await cancel(yard, placed)
    [parcel] = await yard.parcels(placed)
    yard.carrier.misbehavior.latency_ms = 20
    with clock(yard.time):
        went = await asyncio.gather(
            *(call_off(yard.services, yard.account_id, parcel["shipment_id"]) for _ in range(4)),
            return_exceptions=True,
        )
    assert went.count("refund_requested") == 1
    assert sum(isinstance(one, ConflictError) for one in went) == 3
    assert yard.carrier.desk.counts["RequestShipmentRefund"] == 1


async def test_a_parcel_on_its_way_is_told_when_its_order_is_cancelled(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    await cancel(yard, placed)
    assert await due(yard) == 0
    assert yard.carrier.desk.counts["VoidShipment"] == 0
    assert await yard.failures() == [("ParcelOfCancelledOrder", "decision")]


async def test_a_person_takes_back_only_what_is_not_on_its_way(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    async with yard.db.tenant(account_id=yard.account_id) as session:
        parcel = await deciding.find_parcel(session, yard.account_id, order_id(placed))
    with pytest.raises(ConflictError, match="is shipped; a label is taken back while it is"):
        await deciding.take_back(yard.services, yard.account_id, parcel, by="Robin")
    assert yard.carrier.desk.counts["VoidShipment"] == 0


async def test_without_an_address_for_the_ticket_nothing_is_asked(yard: Yard) -> None:
    placed = await labelled(yard)
    await yard.sql("UPDATE mirakl.carrier_accounts SET sender = sender - 'email'")
    from entrepot.mirakl.services import Services

    async with Services.opened(yard.db) as services:
        [parcel] = await yard.parcels(placed)
        with clock(yard.time), pytest.raises(ServiceError, match="e-mail address"):
            await call_off(services, yard.account_id, parcel["shipment_id"])
    assert yard.carrier.desk.counts["RequestShipmentRefund"] == 0
    assert await yard.failures() == [("ShipmentVoid", "permanent")]
