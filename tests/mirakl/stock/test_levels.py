"""Receipts, counts and returns, the ledger that keeps them, and what to order."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from tests.mirakl.stock.conftest import House

from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.stock import levels, ordering
from entrepot.mirakl.stock.reserving import consume, reserve


async def call(house: House, what: Callable[..., Awaitable[Any]], *values: Any, **named: Any) -> Any:
    async with house.db.tenant(account_id=house.account_id) as session:
        return await what(session, house.account_id, *values, **named)


async def test_a_receipt_comes_in_once_under_its_key(house: House) -> None:
    await house.component("disk", barcode="0042")
    for _ in range(2):
        found = await call(house, levels.receive, "0042", 5, reason="delivery 7", dedupe_key="7")
    assert (found.name, found.on_hand, found.free) == ("disk", 5, 5)
    found = await call(house, levels.receive, "disk", 1, reason="delivery 8")
    assert found.on_hand == 6


@pytest.mark.parametrize("units", [0, -1, 3_000_000_000])
async def test_no_units_or_too_many_cannot_come_in(house: House, units: int) -> None:
    await house.component("disk")
    with pytest.raises(InvalidInputError, match="cannot come in"):
        await call(house, levels.receive, "disk", units, reason="delivery")


async def test_a_count_adjusts_by_the_difference_and_keeps_why(house: House) -> None:
    await house.component("disk", 5)
    counted = await call(house, levels.count, "disk", 3, reason="shelf 3")
    assert (counted.before, counted.change) == (5, -2)
    assert (await call(house, levels.count, "disk", 3, reason="again")).change == 0
    newest, receipt = await call(house, levels.ledger, "disk")
    assert (newest.movement, newest.on_hand_change, newest.on_hand, newest.reason) == (
        "adjustment",
        -2,
        3,
        "shelf 3",
    )
    assert (receipt.movement, receipt.on_hand) == ("receipt", 5)


async def test_a_count_needs_a_reason_a_component_and_units(house: House) -> None:
    await house.component("disk", 5)
    with pytest.raises(InvalidInputError, match="Say why"):
        await call(house, levels.count, "disk", 3, reason=" ")
    with pytest.raises(InvalidInputError, match="-1 units"):
        await call(house, levels.count, "disk", -1, reason="x")
    with pytest.raises(NotFoundError, match="no component 'dusk'"):
        await call(house, levels.count, "dusk", 1, reason="x")


async def test_a_count_below_what_is_reserved_is_refused_in_words(house: House) -> None:
    await house.component("disk", 5)
    await house.variant("D", "BB1", disk=1)
    await house.order("A", BB1=4)
    await call(house, reserve, "A")
    with pytest.raises(ConflictError, match="reserved for accepted orders"):
        await call(house, levels.count, "disk", 3, reason="shelf 3")
    assert await house.levels() == {"disk": (5, 4)}


async def test_what_a_line_consumed_comes_back_and_no_more(house: House) -> None:
    await house.component("disk", 5)
    await house.component("case", 5)
    await house.variant("D", "BB1", disk=2, case=1)
    await house.order("A", BB1=1)
    await call(house, reserve, "A")
    with pytest.raises(ConflictError, match="0 of case; 0 of disk out"):
        await call(house, levels.take_back, "A-BB1", reason="early")
    await call(house, consume, "A")
    [one] = await call(house, levels.take_back, "A-BB1", name="disk", quantity=1, reason="broken case")
    assert (one.name, one.quantity, one.outside) == ("disk", 1, 1)
    with pytest.raises(ConflictError, match="1 of disk out"):
        await call(house, levels.take_back, "A-BB1", name="disk", quantity=2, reason="too many")
    found = await call(house, levels.take_back, "A-BB1", reason="the rest")
    assert [(one.name, one.quantity) for one in found] == [("case", 1), ("disk", 1)]
    with pytest.raises(ConflictError):
        await call(house, levels.take_back, "A-BB1", reason="again")
    assert await house.levels() == await house.ledger() == {"disk": (5, 0), "case": (5, 0)}


async def test_what_came_back_is_not_consumed_again_when_shipping_is_told_again(house: House) -> None:
    await house.component("disk", 5)
    await house.variant("D", "BB1", disk=1)
    await house.order("A", BB1=1)
    await call(house, consume, "A")
    await call(house, levels.take_back, "A-BB1", reason="returned")
    await call(house, consume, "A")
    assert await house.levels() == {"disk": (5, 0)}


async def test_a_level_that_is_not_the_sum_of_its_movements_is_found(house: House) -> None:
    await house.component("disk", 5)
    assert await call(house, levels.differences) == []
    url = EmbeddedServer(house.db.settings.home).url("postgres", house.db.settings.database_name)
    with psycopg.connect(url) as admin:
        # Only whoever may switch triggers off can do this.
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE mirakl.components SET on_hand = 4 WHERE account_id = %s", [house.account_id])
    [found] = await call(house, levels.differences)
    assert (found.name, found.on_hand, found.moved_on_hand) == ("disk", 4, 5)


async def test_open_orders_and_reorder_points_say_what_to_order(house: House) -> None:
    await house.component("disk", 3, unit_cost=Decimal("40"))
    await house.component("case", 9, reorder_point=10, reorder_quantity=25)
    await house.component("screw", 100, reorder_point=10)
    await house.variant("D", "BB1", disk=1, case=1)
    await house.order("HELD", BB1=2)
    await house.status("HELD", "pending_acceptance", "accepting")
    await call(house, reserve, "HELD")
    await house.order("WAITS", BB1=4)
    await house.status("WAITS", "pending_acceptance")
    await house.order("OVER", BB1=50)
    await house.status("OVER", "cancelled")
    found = await call(house, ordering.to_order)
    assert [(one.name, one.free, one.demand, one.shortage, one.quantity, one.cost) for one in found] == [
        ("disk", 1, 4, 3, 3, Decimal("120.0000")),
        ("case", 7, 4, 0, 25, None),
    ]
    assert found[0].reason == "3 short for open orders"
    assert found[1].reason == "3 left, to be ordered at 10"


def test_what_is_ordered_brings_it_above_its_reorder_point() -> None:
    one = {"name": "x", "type": "X", "free": 4, "demand": 0, "unit_cost": None, "reorder_quantity": 0}
    assert [found.quantity for found in ordering.decide([one | {"reorder_point": 4}])] == [1]
    assert ordering.decide([one | {"reorder_point": 3}]) == []
