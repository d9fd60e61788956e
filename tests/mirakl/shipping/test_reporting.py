"""The marketplace is told the number and the shipping once, whatever answers are lost."""

import pytest
from tests.mirakl.shipping.conftest import Yard, order_id

from entrepot.kit.clock import clock
from entrepot.mirakl.failures.inbox import retry
from entrepot.mirakl.shipping.buying import buy_labels
from entrepot.mirakl.shipping.reporting import confirm_shipping, report_tracking


@pytest.mark.parametrize(
    ("operation", "behavior"),
    [
        ("OR23", "fail"),
        ("OR23", "timeout_after"),
        ("OR24", "fail"),
        ("OR24", "timeout_before"),
        ("OR24", "timeout_after"),
        ("OR11", "timeout_before"),
    ],
)
async def test_lost_answers_are_settled_by_reading(yard: Yard, operation: str, behavior: str) -> None:
    placed = await yard.order()
    with clock(yard.time):
        await buy_labels(yard.services, await yard.taken(placed))
    yard.marketplace.misbehavior.plan(operation, behavior)
    await yard.work(3, minutes=5)
    assert await yard.status(placed) == "shipped"
    assert placed.ships == 1
    [parcel] = await yard.parcels(placed)
    assert placed.order["shipping_tracking"] == parcel["tracking_pin"]
    assert parcel["tracking_reported_at"] is not None
    assert parcel["shipped_reported_at"] is not None
    assert await yard.failures() == []


async def test_who_is_killed_after_telling_does_not_tell_again(yard: Yard) -> None:
    placed = await yard.order()
    with clock(yard.time):
        await buy_labels(yard.services, await yard.taken(placed))
        await report_tracking(yard.services, await yard.taken(placed))
        # The one that told it is gone before it could write that down.
        yard.marketplace.orders.ship(order_id(placed))
        await confirm_shipping(yard.services, await yard.taken(placed))
    assert await yard.status(placed) == "shipped"
    assert placed.ships == 1
    assert yard.marketplace.desk.counts["OR24"] == 0


async def test_an_order_cancelled_meanwhile_is_not_shipped(yard: Yard) -> None:
    placed = await yard.order()
    with clock(yard.time):
        await buy_labels(yard.services, await yard.taken(placed))
        await report_tracking(yard.services, await yard.taken(placed))
    yard.marketplace.orders.put(order_id(placed), "CANCELED")
    await yard.work()
    assert await yard.status(placed) == "cancelled"
    assert yard.marketplace.desk.counts["OR24"] == 0


async def test_components_leave_the_stock_when_it_is_shipped(yard: Yard) -> None:
    placed = await yard.order({"LAPTOP-1": 2})
    await yard.work()
    [component] = await yard.sql("SELECT on_hand, reserved FROM mirakl.components")
    assert (component["on_hand"], component["reserved"]) == (998, 0)
    await yard.work(3, minutes=10)
    [component] = await yard.sql("SELECT on_hand, reserved FROM mirakl.components")
    assert (component["on_hand"], component["reserved"]) == (998, 0)
    assert await yard.status(placed) == "shipped"


async def test_a_number_that_is_refused_is_told_and_reported_again(yard: Yard) -> None:
    placed = await yard.order()
    with clock(yard.time):
        await buy_labels(yard.services, await yard.taken(placed))
    await yard.sql("UPDATE mirakl.carrier_accounts SET marketplace_carrier_code = ''")
    await yard.work()
    assert await yard.status(placed) == "tracking_failed"
    assert await yard.failures() == [("TrackingUpdate", "permanent")]
    await yard.sql("UPDATE mirakl.carrier_accounts SET marketplace_carrier_code = 'CPCL'")
    [failure] = await yard.sql("SELECT failure_id FROM mirakl.process_failures")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await retry(session, yard.account_id, failure["failure_id"])
    await yard.work()
    assert await yard.status(placed) == "shipped"
    assert await yard.failures() == []
