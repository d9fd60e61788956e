"""Orders from the first look at the marketplace to ready to ship, over real HTTP."""

from tests.mirakl.arranging import add_buildable, levels, open_failures, statuses
from tests.mirakl.conftest import Time

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.orders.driving import drive
from entrepot.mirakl.orders.polling import poll
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.generating import Mix
from entrepot.sandbox.mirakl.state import MiraklState

PLAIN = Mix(several_lines=0, several_pieces=0)


async def test_an_order_is_accepted_paid_and_ready_to_ship(
    db: Database, account: Account, marketplace: MiraklState, services: Services, time: Time
) -> None:
    with clock(time):
        async with db.tenant(account_id=account.account_id) as session:
            await add_buildable(session, account.account_id, "LAPTOP-1", 5)
        [placed] = marketplace.add_orders(1, ["LAPTOP-1"], mix=PLAIN)
        taken = await poll(services, account)
        assert (taken.new, taken.changed, taken.unchanged, taken.rejected) == (1, 0, 0, 0)
        assert await drive(db, services) == 1
        assert placed.accepts == 1
        time.pass_(minutes=1)
        await drive(db, services)
        async with db.tenant(account_id=account.account_id) as session:
            assert await statuses(session, account.account_id) == {placed.order["order_id"]: "accepted"}
            assert await levels(session, account.account_id) == {"Bare LAPTOP-1": (5, 1)}
        time.pass_(minutes=5)
        assert (await poll(services, account)).changed == 1
        await drive(db, services)
        async with db.tenant(account_id=account.account_id) as session:
            assert await statuses(session, account.account_id) == {placed.order["order_id"]: "ready_to_ship"}
            assert await open_failures(session, account.account_id) == []
        assert placed.accepts == 1
