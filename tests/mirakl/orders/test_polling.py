"""Looking at a marketplace: nothing is missed, and the mark moves only over what is in."""

import asyncio
from datetime import datetime, timedelta

import pytest
from tests.mirakl.arranging import NOON, statuses
from tests.mirakl.conftest import Time
from tests.mirakl.shop import PLAIN, Shop, number

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account, get_account
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.driving_queries import CHANNEL
from entrepot.mirakl.orders.polling import AGAIN, SET, look_far_back, poll
from entrepot.mirakl.orders.queries import update_watermark
from entrepot.mirakl.scheduling.working import work_due
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.generating import Mix
from entrepot.sandbox.mirakl.state import MiraklState


async def mark(db: Database, account: Account) -> datetime | None:
    """Up to where orders were taken in."""
    async with db.tenant(account_id=account.account_id) as session:
        return (await get_account(session, account.account_id)).orders_updated_since


async def test_all_pages_come_and_then_only_what_changed(
    db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time
) -> None:
    with clock(time):
        placed = marketplace.add_orders(225, ["LAPTOP-1"], mix=PLAIN)
        time.pass_(hours=1)
        placed += marketplace.add_orders(5, ["LAPTOP-1"], mix=PLAIN)
        found = await poll(services, account)
        assert (found.new, found.read) == (230, 230)
        newest = max(one.updated for one in placed)
        assert await mark(db, account) == newest.replace(microsecond=0)
        time.pass_(hours=1)
        marketplace.orders.cancel(placed[7].order["order_id"])
        marketplace.orders.cancel(placed[200].order["order_id"])
        again = await poll(services, account)
        assert again.changed == 2
        assert again.read < 30, "what changed since, or within the overlap, and no more"
        async with db.tenant(account_id=account.account_id) as session:
            held = await statuses(session, account.account_id)
        assert sorted(held.values()).count("cancelled") == 2


async def test_workers_that_rest_are_woken_by_what_is_taken_in_and_by_nothing_else(
    db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time
) -> None:
    with clock(time):
        marketplace.add_orders(2 * SET + 1, ["LAPTOP-1"], mix=PLAIN)
        async with await db.listen(CHANNEL) as heard:
            await poll(services, account)
            # Once for each set, as soon as it is in.
            assert len([one async for one in heard.notifies(timeout=30, stop_after=3)]) == 3
            await poll(services, account)
            assert [one async for one in heard.notifies(timeout=0.5)] == []


async def test_the_mark_stays_where_it_was_when_a_page_is_missing(
    db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time
) -> None:
    with clock(time):
        marketplace.add_orders(120, ["LAPTOP-1"], mix=PLAIN)
        marketplace.misbehavior.plan("OR11", "plain", "fail")
        with pytest.raises(ServiceError) as found:
            await poll(services, account)
        assert found.value.outcome is Outcome.TRANSIENT
        assert await mark(db, account) is None
        async with db.tenant(account_id=account.account_id) as session:
            assert len(await statuses(session, account.account_id)) == 100
        assert (await poll(services, account)).new == 20
        assert await mark(db, account) is not None


async def test_the_mark_never_goes_back_and_never_ahead_of_the_clock(
    db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time
) -> None:
    with clock(time):
        [early] = marketplace.add_orders(1, ["LAPTOP-1"], mix=PLAIN)
        time.pass_(hours=3)
        [late] = marketplace.add_orders(1, ["LAPTOP-1"], mix=PLAIN)
        late.order["last_updated_date"] = (time() + timedelta(days=300)).isoformat()
        await poll(services, account)
        assert await mark(db, account) == time()
        del early
        await poll(services, account, full=True)
        assert await mark(db, account) == time()


async def test_two_looks_at_once_take_everything_in_once(
    db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time
) -> None:
    with clock(time):
        marketplace.add_orders(150, ["LAPTOP-1"], mix=PLAIN)
        found = await asyncio.gather(*(poll(services, account) for _ in range(3)))
        assert sum(one.new for one in found) == 150
        assert all(one.read == 150 for one in found)


async def test_orders_that_end_together_do_not_wait_in_a_circle_with_workers(shop: Shop) -> None:
    with clock(shop.time):
        for sku in ("LAPTOP-1", "LAPTOP-2", "LAPTOP-3"):
            await shop.stock(sku, 60)
        going = shop.order("LAPTOP-3", "LAPTOP-1", "LAPTOP-2", count=20)
        await shop.work(rounds=1)
        for one in going:
            shop.marketplace.orders.cancel(number(one))
        mix = Mix(several_lines=1, several_pieces=0)
        shop.order("LAPTOP-1", "LAPTOP-2", "LAPTOP-3", count=20, mix=mix)
        await poll(shop.services, shop.account)
        shop.time.pass_(minutes=10)
        # One ends twenty orders in a transaction while two reserve for twenty others.
        for one in shop.order("LAPTOP-2", "LAPTOP-3", "LAPTOP-1", count=5):
            shop.marketplace.orders.cancel(number(one))
        await asyncio.gather(
            poll(shop.services, shop.account, full=True), shop.drive(worker="one"), shop.drive(worker="two")
        )
        await shop.work(rounds=2)
        assert await shop.open_failures() == []
        assert "OrderFollowing" not in {one.process_name for one in await shop.failures()}


async def test_what_was_changed_while_the_pages_were_read_is_seen_by_the_next_look(shop: Shop) -> None:
    with clock(shop.time):
        first, _ = shop.order(count=2)
        await poll(shop.services, shop.account)
        # The marketplace says only now that it was changed three minutes before the newest that was taken in.
        shop.marketplace.orders.cancel(number(first))
        first.updated = shop.time() - timedelta(minutes=3)
        await poll(shop.services, shop.account)
        assert (await shop.statuses())[number(first)] == "cancelled"


async def test_a_look_that_ends_late_does_not_put_the_mark_back(db: Database, account: Account) -> None:
    for at in (NOON, NOON - timedelta(hours=1), NOON + timedelta(hours=1)):
        async with db.tenant(account_id=account.account_id) as session:
            await update_watermark(session, account.account_id, at)
        assert await mark(db, account) == max(at, NOON)


async def test_an_order_that_is_shown_late_under_an_early_time_is_found_in_the_end(shop: Shop) -> None:
    with clock(shop.time):
        shop.order()
        await poll(shop.services, shop.account)
        [late] = shop.order()
        late.updated = shop.time() - timedelta(hours=30)
        assert (await poll(shop.services, shop.account)).new == 0
        await look_far_back(shop.services, shop.account)
        assert number(late) in await shop.statuses()


async def test_an_order_that_could_not_be_kept_is_read_again_on_a_retry(shop: Shop) -> None:
    async def look_back() -> int:
        done, _ = await work_due(
            shop.db, shop.services, "worker", account_id=shop.account.account_id, works=[AGAIN]
        )
        return done

    with clock(shop.time):
        placed, _ = shop.order(count=2)
        placed.updated = shop.time() - timedelta(hours=1)
        total = placed.order["total_price"]
        placed.order["total_price"] = "much"
        assert (await poll(shop.services, shop.account)).rejected == 1
        assert await look_back() == 1
        assert await shop.open_failures() == [("OrderIntake", number(placed))]
        # Mended without being said to be changed: the next look does not see it.
        placed.order["total_price"] = total
        shop.time.pass_(hours=1)
        shop.order()
        await poll(shop.services, shop.account)
        assert await look_back() == 0
        await shop.retry("OrderIntake")
        assert await look_back() == 1
        assert number(placed) in await shop.statuses()
        assert await shop.open_failures() == []
