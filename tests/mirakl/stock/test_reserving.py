"""What an order reserves, consumes and releases; once, whoever asks and however often."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from tests.mirakl.stock.conftest import House

from entrepot.mirakl.stock.reserving import (
    Line,
    Reservation,
    availability,
    check,
    consume,
    release,
    reserve,
)

Act = Callable[..., Awaitable[Reservation]]


async def act(house: House, what: Act, order_id: str) -> Reservation:
    async with house.db.tenant(account_id=house.account_id) as session:
        return await what(session, house.account_id, order_id)


async def laptops(house: House, laptops: int = 3, modules: int = 5) -> House:
    """A laptop with two memory modules, sold under two listings."""
    await house.component("laptop", laptops)
    await house.component("module", modules)
    await house.variant("L16", "BB1", "BB2", laptop=1, module=2)
    return house


async def test_an_order_reserves_consumes_and_leaves_the_ledger_equal_to_the_level(house: House) -> None:
    await laptops(house)
    await house.order("A", BB1=2)
    reserved = await act(house, reserve, "A")
    assert reserved.ok
    assert {(one.name, one.quantity) for one in reserved.moved} == {("laptop", 2), ("module", 4)}
    assert await house.levels() == {"laptop": (3, 2), "module": (5, 4)}
    consumed = await act(house, consume, "A")
    assert consumed.ok
    assert {(one.name, one.quantity) for one in consumed.moved} == {("laptop", 2), ("module", 4)}
    assert await house.levels() == await house.ledger() == {"laptop": (1, 0), "module": (1, 0)}


@pytest.mark.parametrize("steps", [(reserve,), (reserve, consume), (reserve, release), (consume,)])
async def test_asked_again_nothing_moves(house: House, steps: tuple[Act, ...]) -> None:
    await laptops(house)
    await house.order("A", BB1=1)
    for step in steps:
        await act(house, step, "A")
    before, movements = await house.levels(), await house.movements()
    for step in steps[-1:] * 2:
        assert not (await act(house, step, "A")).moved
    assert (await house.levels(), await house.movements()) == (before, movements)


async def test_an_order_that_has_everything_waits_for_no_other(house: House) -> None:
    await laptops(house)
    await house.order("A", BB1=1)
    await house.order("B", BB1=1)
    await act(house, reserve, "A")
    async with house.db.tenant(account_id=house.account_id) as other:
        assert (await reserve(other, house.account_id, "B")).moved
        # The other transaction holds the components.
        async with house.db.tenant(account_id=house.account_id) as session:
            await session.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert (await reserve(session, house.account_id, "A")).ok
    assert await house.levels() == {"laptop": (3, 2), "module": (5, 4)}


async def test_what_was_released_can_be_reserved_again_and_released_again(house: House) -> None:
    await laptops(house)
    await house.order("A", BB1=1)
    for _ in range(2):
        assert (await act(house, reserve, "A")).moved
        assert (await act(house, release, "A")).moved
    assert await house.levels() == {"laptop": (3, 0), "module": (5, 0)}


async def test_nothing_is_reserved_for_an_order_that_is_over_however_late_it_is_asked(house: House) -> None:
    await laptops(house)
    await house.order("A", BB1=1)
    await act(house, reserve, "A")
    await house.status("A", "pending_acceptance", "cancelled")
    await act(house, release, "A")
    late = await act(house, reserve, "A")
    assert (late.is_over, late.moved, late.ok) == (True, (), False)
    assert (await act(house, consume, "A")).moved == ()
    assert await house.levels() == {"laptop": (3, 0), "module": (5, 0)}


async def test_an_order_that_was_shipped_unreserved_is_consumed(house: House) -> None:
    await laptops(house)
    await house.order("A", BB1=1)
    await house.status("A", "shipped")
    assert (await act(house, reserve, "A")).is_over
    assert (await act(house, consume, "A")).ok
    assert await house.levels() == {"laptop": (2, 0), "module": (3, 0)}


async def test_all_of_an_order_is_reserved_or_nothing(house: House) -> None:
    await laptops(house, laptops=9, modules=5)
    await house.variant("L8", "BB3", laptop=1, module=1)
    await house.order("A", BB1=2, BB3=2)
    short = await act(house, reserve, "A")
    assert not short.ok
    assert [(one.name, one.needed, one.free, one.missing) for one in short.shortages] == [("module", 6, 5, 1)]
    assert str(short) == "1 of module missing (6 needed, 5 free)."
    assert await house.levels() == {"laptop": (9, 0), "module": (5, 0)}
    await house.move("module", 1)
    assert (await act(house, reserve, "A")).ok
    assert await house.levels() == {"laptop": (9, 4), "module": (6, 6)}


async def test_a_line_that_was_refused_is_not_built(house: House) -> None:
    await laptops(house)
    await house.variant("L8", "BB3", laptop=1, module=1)
    await house.order("A", BB1=1, BB3=1)
    await house.sql("UPDATE mirakl.order_lines SET decision = 'refuse' WHERE sku = 'BB3'")
    await act(house, reserve, "A")
    assert await house.levels() == {"laptop": (3, 1), "module": (5, 2)}


async def test_some_lines_can_be_released_alone(house: House) -> None:
    await laptops(house)
    await house.variant("L8", "BB3", laptop=1, module=1)
    await house.order("A", BB1=1, BB3=1)
    await act(house, reserve, "A")
    async with house.db.tenant(account_id=house.account_id) as session:
        freed = await release(session, house.account_id, "A", lines=["A-BB3"])
    assert {one.order_line_id for one in freed.moved} == {"A-BB3"}
    assert await house.levels() == {"laptop": (3, 1), "module": (5, 2)}


async def test_a_listing_that_maps_to_nothing_and_a_variant_without_a_bill_are_told(house: House) -> None:
    await laptops(house)
    await house.variant("EMPTY", "BB4")
    await house.order("A", BB1=1, BB4=1, BB9=1)
    told = await act(house, reserve, "A")
    assert (told.unmapped, told.without_bill, told.moved) == (("A-BB9",), ("EMPTY",), ())
    assert str(told) == "The listing of line A-BB9 maps to no variant; EMPTY has no bill of materials."
    assert await house.levels() == {"laptop": (3, 0), "module": (5, 0)}


async def test_an_order_that_is_unknown_or_has_no_line_is_told(house: House) -> None:
    await house.order("A")
    for order_id in ("A", "B"):
        for what in (reserve, consume):
            held = await act(house, what, order_id)
            assert (held.ok, held.without_lines, held.moved) == (False, True, ())
            assert str(held) == f"The order {order_id} has no line that is to be built."


async def test_a_kit_is_built_from_its_parts(house: House) -> None:
    await house.component("laptop", 4)
    await house.component("caddy", 3)
    await house.component("disk", 9)
    await house.component("drive")
    await house.component("storage")
    await house.part("drive", "caddy")
    await house.part("drive", "disk")
    await house.part("storage", "drive", 2)
    await house.variant("RAID", "BB1", laptop=1, storage=1, disk=1)
    async with house.db.tenant(account_id=house.account_id) as session:
        [found] = await availability(session, house.account_id)
    assert (found.buildable, found.limiting) == (1, "caddy")
    await house.order("A", BB1=1)
    await act(house, reserve, "A")
    assert await house.levels() == {
        "laptop": (4, 1),
        "caddy": (3, 2),
        "disk": (9, 3),
        "drive": (0, 0),
        "storage": (0, 0),
    }


async def test_checking_adds_up_what_lines_share_and_moves_nothing(house: House) -> None:
    await laptops(house, laptops=9, modules=5)
    async with house.db.tenant(account_id=house.account_id) as session:
        fine = await check(session, house.account_id, [Line("1", "BB1", 2)])
        short = await check(
            session, house.account_id, [Line("1", "BB1", 2), Line("2", "BB2", 1), Line("3", None, 1)]
        )
    assert fine.ok
    assert str(fine) == "Everything is there."
    assert fine.variants["1"].internal_sku == "L16"
    assert [(one.name, one.needed) for one in short.shortages] == [("module", 6)]
    assert short.unmapped == ("3",)
    assert await house.movements() == 2


async def test_what_can_be_built_is_what_its_scarcest_component_allows(house: House) -> None:
    await laptops(house)
    await house.variant("EMPTY")
    await house.order("A", BB1=1)
    await act(house, reserve, "A")
    async with house.db.tenant(account_id=house.account_id) as session:
        found = {
            one.internal_sku: (one.buildable, one.limiting)
            for one in await availability(session, house.account_id)
        }
    assert found == {"L16": (1, "module"), "EMPTY": (0, None)}


async def test_the_same_order_asked_by_many_at_once_moves_once(house: House) -> None:
    await laptops(house)
    await house.order("A", BB1=1)
    for step in (reserve, consume):
        found = await asyncio.gather(*(act(house, step, "A") for _ in range(8)))
        assert sum(1 for one in found if one.moved) == 1
    assert await house.levels() == await house.ledger() == {"laptop": (2, 0), "module": (3, 0)}


async def test_many_orders_at_one_component_never_take_more_than_there_is(house: House) -> None:
    """Bills that name the components in opposite orders: without an order of locking they would deadlock."""
    await house.component("x", 10)
    await house.component("y", 10)
    await house.variant("XY", "BB1", x=1, y=1)
    await house.variant("YX", "BB2", y=1, x=1)
    orders = [await house.order(f"O{n}", **{f"BB{n % 2 + 1}": 1}) for n in range(16)]
    found = await asyncio.gather(*(act(house, reserve, order) for order in orders))
    assert sum(1 for one in found if one.ok) == 10
    assert await house.levels() == await house.ledger() == {"x": (10, 10), "y": (10, 10)}


async def test_the_database_refuses_what_would_be_below_zero(house: House) -> None:
    await house.component("x", 2)
    with pytest.raises(IntegrityError, match="ck_components_on_hand"):
        await house.move("x", -3, movement="adjustment")
    with pytest.raises(IntegrityError, match="ck_components_reserved"):
        await house.move("x", reserved=3, movement="reservation")
    assert await house.levels() == await house.ledger() == {"x": (2, 0)}


async def test_the_database_lets_nobody_write_a_level(house: House) -> None:
    await house.component("x", 2)
    with pytest.raises(IntegrityError, match="by its movements only"):
        await house.sql("UPDATE mirakl.components SET on_hand = 3")
    with pytest.raises(IntegrityError, match="by its movements only"):
        await house.sql("UPDATE mirakl.components SET reserved = 1")
    with pytest.raises(IntegrityError, match="by its movements only"):
        await house.component("y", on_hand=0, reserved=1)
    async with house.db.system() as session:
        from sqlalchemy import text

        with pytest.raises(IntegrityError, match="never changed"):
            await session.execute(text("UPDATE mirakl.component_movements SET on_hand_change = 7"))


async def test_the_database_refuses_a_circular_bill(house: House) -> None:
    for name in "abc":
        await house.component(name)
    await house.part("a", "b")
    await house.part("b", "c")
    with pytest.raises(IntegrityError, match="circular: c → a → b → c"):
        await house.part("c", "a")
    with pytest.raises(IntegrityError, match="circular: a → a"):
        await house.part("a", "a")


async def test_two_parts_that_close_a_circle_between_them_are_not_both_written(house: House) -> None:
    for _ in range(5):
        await house.sql("DELETE FROM mirakl.component_parts")
        for name in "ab":
            if name not in house.components:
                await house.component(name)
        found = await asyncio.gather(house.part("a", "b"), house.part("b", "a"), return_exceptions=True)
        assert sum(1 for one in found if isinstance(one, IntegrityError)) == 1


async def test_a_kit_has_no_stock_of_its_own(house: House) -> None:
    await house.component("a")
    await house.component("b", 1)
    await house.component("c")
    await house.part("a", "c")
    with pytest.raises(IntegrityError, match="a is built from parts"):
        await house.move("a", 1)
    with pytest.raises(IntegrityError, match="b has stock of its own"):
        await house.part("b", "c")


async def test_another_account_sees_and_moves_nothing(house: House, other_house: House) -> None:
    await laptops(house)
    await house.order("A", BB1=1)
    async with other_house.db.tenant(account_id=other_house.account_id) as session:
        assert not (await reserve(session, house.account_id, "A")).ok
        assert await availability(session, house.account_id) == []
    assert await house.levels() == {"laptop": (3, 0), "module": (5, 0)}
