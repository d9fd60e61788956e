"""The packing station: what is scanned is counted against the bill of materials, and the label comes last."""

import asyncio
from typing import Any

import pytest
from tests.mirakl.shipping.conftest import Yard, order_id

from entrepot.kit.clock import clock
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.orders.history import move
from entrepot.mirakl.shipping import packing
from entrepot.mirakl.shipping.packing import Packing, Scan
from entrepot.mirakl.shipping.picking import pick_list
from entrepot.mirakl.shipping.reporting import confirm_shipping
from entrepot.sandbox.mirakl.orders import Placed

#: Barcode → component, of a laptop with two modules of memory and a disk in a caddy.
BARCODES = {"BAR-BASE": "Bare LAPTOP-1", "BAR-RAM16": "16 GB", "BAR-RAM32": "32 GB", "BAR-SSD": "SSD"}


async def laptop(yard: Yard, **order: Any) -> Placed:
    """An order of laptops whose bill of materials is a base, two modules and a kit of disk and caddy."""
    placed = await yard.order(ready=False, **order)
    for barcode, name in BARCODES.items():
        if name == "Bare LAPTOP-1":
            await yard.sql(
                "UPDATE mirakl.components SET barcode = :barcode WHERE name = :name",
                barcode=barcode,
                name=name,
            )
            continue
        await yard.sql(
            "INSERT INTO mirakl.components (account_id, name, type, barcode) "
            "VALUES (:account_id, :name, 'PART', :barcode)",
            name=name,
            barcode=barcode,
        )
    await yard.sql(
        "INSERT INTO mirakl.components (account_id, name, type) VALUES (:account_id, 'Kit', 'KIT')"
    )
    await yard.sql(
        "INSERT INTO mirakl.component_parts (account_id, component_id, part_id) "
        "SELECT :account_id, k.component_id, p.component_id FROM mirakl.components AS k, mirakl.components AS p "
        "WHERE k.account_id = :account_id AND p.account_id = :account_id AND k.name = 'Kit' AND p.name = 'SSD'"
    )
    await yard.sql(
        "INSERT INTO mirakl.variant_components (account_id, variant_id, component_id, quantity) "
        "SELECT :account_id, v.variant_id, c.component_id, CASE c.name WHEN '16 GB' THEN 2 ELSE 1 END "
        "FROM mirakl.product_variants AS v, mirakl.components AS c "
        "WHERE v.account_id = :account_id AND c.account_id = :account_id AND c.name IN ('16 GB', 'Kit')"
    )
    await yard.sql(
        "INSERT INTO mirakl.component_movements (account_id, component_id, movement, on_hand_change) "
        "SELECT :account_id, component_id, 'receipt', 100 FROM mirakl.components "
        "WHERE account_id = :account_id AND name IN ('16 GB', '32 GB', 'SSD')"
    )
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await move(session, yard.account_id, order_id(placed), "ready_to_ship", actor_type="worker")
    await yard.work()
    assert await yard.status(placed) in ("shipped", "tracking_sent")
    return placed


async def start(yard: Yard, name: str) -> Packing:
    """Take up a parcel."""
    async with yard.db.tenant(account_id=yard.account_id) as session:
        return await packing.start(session, yard.account_id, name)


async def scan(yard: Yard, state: Packing, barcode: str) -> Scan:
    """Scan something."""
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            return await packing.scan(session, yard.account_id, state.shipment_id, barcode)


async def test_a_parcel_is_packed_when_all_is_in_and_its_label_was_scanned(yard: Yard) -> None:
    placed = await laptop(yard)
    other = await yard.order()
    await yard.work()
    state = await start(yard, order_id(placed))
    assert {one.name: one.needed for one in state.components} == {"Bare LAPTOP-1": 1, "16 GB": 2, "SSD": 1}
    pin = state.tracking_pin
    assert pin is not None
    [[strange]] = [[row["tracking_pin"]] for row in await yard.parcels(other)]
    told = [
        await scan(yard, state, barcode)
        for barcode in (
            pin,
            "BAR-RAM16",
            "bar-base",
            "BAR-BASE",
            "BAR-RAM32",
            "WHAT-IS-THIS",
            " BAR-RAM16 ",
            "BAR-RAM16",
            "BAR-SSD\r\n",
            strange,
            f"{pin[:4]} {pin[4:8]} {pin[8:]}",
            pin,
        )
    ]
    assert [one.outcome for one in told] == [
        "too_early",
        "component",
        "component",
        "already",
        "not_needed",
        "unknown",
        "component",
        "already",
        "component",
        "wrong_label",
        "label",
        "already",
    ]
    assert told[0].words == "The label comes last. Scan 1 × Bare LAPTOP-1, 2 × 16 GB, 1 × SSD."
    assert told[1].words == "16 GB is in, 1 more to go."
    assert "does not belong in this parcel" in told[4].words
    assert order_id(other) in told[9].words
    assert [one.packing.finished for one in told] == [False] * 10 + [True] * 2
    assert told[8].packing.next_step == "Everything is in. Scan the label."
    recorded = await yard.sql("SELECT barcode, outcome FROM mirakl.packing_scans ORDER BY scanned_at, id")
    assert [row["outcome"] for row in recorded] == [one.outcome for one in told]
    [parcel] = await yard.parcels(placed)
    assert parcel["packed_at"] == yard.time.at


async def test_two_of_a_kind_are_counted_and_two_scanners_take_turns(yard: Yard) -> None:
    placed = await laptop(yard, lines={"LAPTOP-1": 2})
    state = await start(yard, order_id(placed))
    assert {one.name: one.needed for one in state.components} == {"Bare LAPTOP-1": 2, "16 GB": 4, "SSD": 2}
    told = await asyncio.gather(*(scan(yard, state, "BAR-RAM16") for _ in range(6)))
    assert sorted(one.outcome for one in told) == ["already"] * 2 + ["component"] * 4


async def test_the_shipping_waits_for_the_packing_where_that_is_wanted(yard: Yard) -> None:
    await yard.sql('UPDATE mirakl.accounts SET settings = \'{"shipping": {"pack_before_ship": true}}\'')
    placed = await laptop(yard)
    assert await yard.status(placed) == "tracking_sent"
    await yard.work(3, minutes=60)
    assert placed.ships == 0
    state = await start(yard, order_id(placed))
    for barcode in ("BAR-BASE", "BAR-RAM16", "BAR-RAM16", "BAR-SSD", state.tracking_pin or ""):
        await scan(yard, state, barcode)
    await yard.work()
    assert await yard.status(placed) == "shipped"
    assert placed.ships == 1


async def test_who_packs_while_the_shipping_begins_to_wait_is_not_missed(yard: Yard) -> None:
    await yard.sql('UPDATE mirakl.accounts SET settings = \'{"shipping": {"pack_before_ship": true}}\'')
    placed = await laptop(yard)
    state = await start(yard, order_id(placed))
    for barcode in ("BAR-BASE", "BAR-RAM16", "BAR-RAM16", "BAR-SSD"):
        await scan(yard, state, barcode)
    taken = await yard.taken(placed)
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await packing.scan(session, yard.account_id, state.shipment_id, state.tracking_pin or "")
            # The scan is not committed yet, and a worker looks whether all is packed.
            looking = asyncio.ensure_future(confirm_shipping(yard.services, taken))
            waiting = False
            while not waiting and not looking.done():
                [row] = await yard.sql(
                    "SELECT count(*) AS waiting FROM pg_stat_activity "
                    "WHERE wait_event_type = 'Lock' AND datname = current_database()"
                )
                waiting = row["waiting"] > 0
        await looking
    await yard.work()
    assert await yard.status(placed) == "shipped"


async def test_the_pick_list_counts_by_order_and_in_all(yard: Yard) -> None:
    first = await laptop(yard)
    second = await yard.order({"LAPTOP-1": 3})
    await yard.work()
    async with yard.db.tenant(account_id=yard.account_id) as session:
        found = await pick_list(session, yard.account_id)
        alone = await pick_list(session, yard.account_id, order_ids=[order_id(first)])
    assert {one.order_id: {pick.name: pick.quantity for pick in one.picks} for one in found.parcels} == {
        order_id(first): {"Bare LAPTOP-1": 1, "16 GB": 2, "SSD": 1},
        order_id(second): {"Bare LAPTOP-1": 3, "16 GB": 6, "SSD": 3},
    }
    assert {pick.name: pick.quantity for pick in found.totals} == {"Bare LAPTOP-1": 4, "16 GB": 8, "SSD": 4}
    assert [one.order_id for one in alone.parcels] == [order_id(first)]
    state = await start(yard, order_id(first))
    for barcode in ("BAR-BASE", "BAR-RAM16", "BAR-RAM16", "BAR-SSD", state.tracking_pin or ""):
        await scan(yard, state, barcode)
    async with yard.db.tenant(account_id=yard.account_id) as session:
        left = await pick_list(session, yard.account_id)
    assert [one.order_id for one in left.parcels] == [order_id(second)]


async def test_what_is_not_to_be_packed_is_refused(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    state = await start(yard, order_id(placed))
    for barcode in ("", "   ", "\x00\x1d", "x" * 201):
        with pytest.raises(InvalidInputError):
            await scan(yard, state, barcode)
    with pytest.raises(NotFoundError, match=r"There is no parcel 'ELSEWHERE'"):
        await start(yard, "ELSEWHERE")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await move(session, yard.account_id, order_id(placed), "cancelled", actor_type="marketplace")
    with pytest.raises(
        ConflictError, match="is cancelled and its parcel labelled: it is not to be packed"
    ) as raised:
        await scan(yard, state, "BAR-BASE")
    assert raised.value.hint == "Put it back: the order was cancelled."


async def test_a_parcel_of_another_account_is_not_there(yard: Yard, db: Any) -> None:
    from tests.mirakl.shipping.conftest import new_yard

    placed = await yard.order()
    await yard.work()
    state = await start(yard, order_id(placed))
    async with new_yard(db) as other:
        with pytest.raises(NotFoundError):
            await start(other, order_id(placed))
        with pytest.raises(NotFoundError):
            await scan(other, state, "BAR-BASE")
