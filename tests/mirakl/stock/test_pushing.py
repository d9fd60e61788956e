"""Stock told to the marketplace: what changed, once, the latest; lost answers and refusals told again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.mirakl.stock.conftest import House, new_account

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.failures import queries as failure_queries
from entrepot.mirakl.marketplace_api import open_api
from entrepot.mirakl.stock.confirming import Confirmed, confirm
from entrepot.mirakl.stock.pushing import Pushed, listings, push, set_stock_settings
from entrepot.mirakl.stock.reserving import reserve
from entrepot.sandbox.mirakl.server import serving
from entrepot.sandbox.mirakl.state import MiraklState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
async def marketplace() -> AsyncIterator[tuple[MiraklState, str]]:
    """A marketplace with three offers."""
    state = MiraklState.fresh(api_key="key")
    for sku in ("BB1", "BB2", "BB3"):
        state.offers.add(sku, quantity=100)
    async with serving(state) as url:
        yield state, url


@pytest.fixture
async def seller(db: Database, marketplace: tuple[MiraklState, str]) -> House:
    """A house that sells a laptop under two listings and another under one."""
    house = House(db, await new_account(db, api_url=f"{marketplace[1]}/api"))
    await house.component("laptop", 5)
    await house.component("module", 8)
    await house.variant("L16", "BB1", "BB2", laptop=1, module=2)
    await house.variant("L8", "BB3", laptop=1, module=1)
    return house


async def tell(house: House) -> Pushed:
    async with open_api(house.db, house.account) as api:
        return await push(house.db, api, house.account_id)


def shown(state: MiraklState) -> dict[str, int]:
    return {offer.sku: offer.quantity for offer in state.offers.all()}


def files(state: MiraklState) -> int:
    return len(state.offers.imports)


async def test_what_changed_is_told_once_and_the_latest(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    state, _ = marketplace
    assert (await tell(seller)).told == {"BB1": 2, "BB2": 2, "BB3": 5}
    assert shown(state) == {"BB1": 2, "BB2": 2, "BB3": 5}
    assert (await tell(seller)).told == {}
    assert files(state) == 1
    await seller.order("A", BB3=1)
    async with seller.db.tenant(account_id=seller.account_id) as session:
        await reserve(session, seller.account_id, "A")
    await seller.move("laptop", 1)
    assert (await tell(seller)).told == {"BB2": 1}
    assert shown(state) == {"BB1": 2, "BB2": 1, "BB3": 5}


async def test_safety_stock_is_kept_back(seller: House, marketplace: tuple[MiraklState, str]) -> None:
    async with seller.db.tenant(account_id=seller.account_id) as session:
        await set_stock_settings(session, seller.account_id, safety_stock=1, sharing="full")
    await seller.sql("UPDATE mirakl.shop_sku_map SET safety_stock = 3 WHERE shop_sku = 'BB2'")
    await tell(seller)
    assert shown(marketplace[0]) == {"BB1": 3, "BB2": 1, "BB3": 4}


async def test_a_listing_that_is_switched_off_is_not_told_and_takes_no_share(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    await seller.sql("UPDATE mirakl.shop_sku_map SET is_active = false WHERE shop_sku = 'BB2'")
    await tell(seller)
    assert shown(marketplace[0]) == {"BB1": 4, "BB2": 100, "BB3": 5}


async def test_a_lost_answer_is_told_again_even_where_the_level_is_the_old_one_again(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    state, _ = marketplace
    with clock(NOW):
        await tell(seller)
        await seller.move("module", -1, movement="adjustment")
        state.misbehavior.plan("STO01", "timeout_after")
        failed = await tell(seller)
    assert set(failed.failed) == {"BB2"}
    assert shown(state)["BB2"] == 1
    # Back to what the marketplace confirmed last; what it shows is another figure.
    await seller.move("module", 1)
    with clock(NOW):
        assert (await tell(seller)).told == {}, "it is not tried again at once"
    with clock(NOW + timedelta(seconds=31)):
        assert (await tell(seller)).told == {"BB2": 2}
    assert shown(state)["BB2"] == 2


async def test_a_worker_that_was_killed_in_between_is_followed_by_another(seller: House) -> None:
    class Killed(BaseException):
        pass

    class Dies:
        async def update_stock(self, quantities: object) -> str:
            raise Killed

    with clock(NOW), pytest.raises(Killed):
        await push(seller.db, Dies(), seller.account_id)
    with clock(NOW + timedelta(minutes=1)):
        assert (await tell(seller)).told == {}, "the first may still be at it"
    with clock(NOW + timedelta(minutes=6)):
        assert (await tell(seller)).told == {"BB1": 2, "BB2": 2, "BB3": 5}


async def test_two_workers_at_once_tell_a_listing_once(seller: House) -> None:
    found = await asyncio.gather(tell(seller), tell(seller), tell(seller))
    assert sorted(sku for one in found for sku in one.told) == ["BB1", "BB2", "BB3"]


async def test_a_key_that_is_refused_is_a_failure_to_look_at_and_resolves_itself(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    state, _ = marketplace
    state.api_key = "another"
    with clock(NOW):
        assert set((await tell(seller)).failed) == {"BB1", "BB2", "BB3"}
    async with seller.db.tenant(account_id=seller.account_id) as session:
        [failure] = await failure_queries.select_failures(
            session, seller.account_id, states=("open",), order_id=None, limit=9
        )
        assert (failure["process_name"], failure["kind"]) == ("StockPush", "permanent")
        await inbox.retry(session, seller.account_id, failure["failure_id"])
    state.api_key = "key"
    with clock(NOW):
        assert set((await tell(seller)).told) == {"BB1", "BB2", "BB3"}
    async with seller.db.tenant(account_id=seller.account_id) as session:
        assert not await failure_queries.select_failures(
            session, seller.account_id, states=("open", "retrying"), order_id=None, limit=9
        )


async def test_pauses_grow_and_a_person_hears_of_it_in_the_end(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    state, _ = marketplace
    state.misbehavior.plan("STO01", *["fail"] * 5)
    at, pauses = NOW, []
    for _ in range(5):
        with clock(at):
            await tell(seller)
        async with seller.db.tenant(account_id=seller.account_id) as session:
            next_at = (await listings(session, seller.account_id))[0].next_push_at
            told = await failure_queries.select_failures(
                session, seller.account_id, states=("open",), order_id=None, limit=9
            )
        assert next_at is not None
        pauses.append((next_at - at).total_seconds())
        assert len(told) == (1 if len(pauses) == 5 else 0)
        at = next_at
    assert pauses == [30, 60, 120, 240, 480]
    with clock(at):
        assert len((await tell(seller)).told) == 3


async def look(house: House) -> Confirmed:
    async with open_api(house.db, house.account) as api:
        return await confirm(house.db, api, house.account_id)


async def test_a_listing_that_the_marketplace_does_not_take_is_a_failure_until_it_does(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    state, _ = marketplace
    await seller.listing("BB4", "L8")
    with clock(NOW):
        assert len((await tell(seller)).told) == 4
        assert await look(seller) == Confirmed(), "the marketplace has a while"
    with clock(NOW + timedelta(minutes=1)):
        assert (await look(seller)).refused == {"BB4": "The offer with shop SKU 'BB4' does not exist."}
        assert (await look(seller)) == Confirmed()
        assert (await tell(seller)).told == {}
    async with seller.db.tenant(account_id=seller.account_id) as session:
        [failure] = await failure_queries.select_failures(
            session, seller.account_id, states=("open",), order_id=None, limit=9
        )
    assert (failure["process_name"], failure["related_id"]) == ("StockListing", "BB4")
    state.offers.add("BB4")
    with clock(NOW + timedelta(minutes=11)):
        assert (await tell(seller)).told == {"BB4": 2}
    with clock(NOW + timedelta(minutes=12)):
        assert (await look(seller)).imports == 1
    async with seller.db.tenant(account_id=seller.account_id) as session:
        assert not await failure_queries.select_failures(
            session, seller.account_id, states=("open", "retrying"), order_id=None, limit=9
        )
        found = {one.shop_sku: one.push_error for one in await listings(session, seller.account_id)}
    assert set(found.values()) == {None}


async def test_an_import_is_asked_for_again_where_it_could_not_be_read_and_while_it_is_under_way(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    state, _ = marketplace
    with clock(NOW):
        await tell(seller)
    [told] = state.offers.imports.values()
    with clock(NOW + timedelta(minutes=1)):
        state.misbehavior.plan("STO02", "fail")
        assert (await look(seller)) == Confirmed()
        told["status"] = "RUNNING"
        assert (await look(seller)) == Confirmed()
        told["status"] = "COMPLETE"
        assert (await look(seller)).imports == 1
        assert (await look(seller)) == Confirmed()


async def test_an_import_that_is_forgotten_counts_as_taken(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    with clock(NOW):
        await tell(seller)
    marketplace[0].offers.imports.clear()
    with clock(NOW + timedelta(minutes=1)):
        assert (await look(seller)).imports == 1
        assert (await tell(seller)).told == {}


async def test_an_import_that_failed_as_a_whole_is_told_again(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    state, _ = marketplace
    with clock(NOW):
        await tell(seller)
    [told] = state.offers.imports.values()
    told["status"] = "FAILED"
    with clock(NOW + timedelta(minutes=1)):
        assert set((await look(seller)).refused) == {"BB1", "BB2", "BB3"}
    with clock(NOW + timedelta(minutes=12)):
        assert set((await tell(seller)).told) == {"BB1", "BB2", "BB3"}


async def test_what_waits_to_be_accepted_is_not_offered_again(
    seller: House, marketplace: tuple[MiraklState, str]
) -> None:
    await tell(seller)
    await seller.order("A", BB3=2)
    await seller.status("A", "pending_acceptance")
    # Five laptops less two, eight modules less two: three of each kind.
    assert (await tell(seller)).told == {"BB2": 1, "BB3": 3}
    async with seller.db.tenant(account_id=seller.account_id) as session:
        await reserve(session, seller.account_id, "A")
    assert (await tell(seller)).told == {}, "reserving it changes nothing"
    await seller.order("B", BB3=9)
    await seller.status("B", "pending_acceptance")
    assert (await tell(seller)).told == {"BB1": 0, "BB2": 0, "BB3": 0}
    await seller.status("B", "refused")
    assert (await tell(seller)).told == {"BB1": 2, "BB2": 1, "BB3": 3}
