"""Polling: every order that changed since the last look, with an overlap, page by page.

The mark of how far orders were taken in moves only when all pages are in, and never back: a look that breaks off is
made again from where the one before began. Marks are moments of the marketplace's own clock.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from entrepot.kit.clock import now
from entrepot.mirakl.accounts.accounts import Account, get_account
from entrepot.mirakl.orders import queries
from entrepot.mirakl.orders.driving_queries import ring
from entrepot.mirakl.orders.taking_in import TakenIn, take_in
from entrepot.mirakl.scheduling.registering import account_work
from entrepot.mirakl.services import Services

#: How far each look reaches back behind the mark: an order may be changed while the pages are read, and the
#: marketplace counts in whole seconds.
OVERLAP = timedelta(minutes=5)
#: How far the seldom look reaches back: it finds what a marketplace shows late, under a time that had passed by then.
FAR_BACK = timedelta(days=2)
#: Name of that look.
AGAIN = "orders-again"
#: How far back the first look reaches.
FIRST_LOOK = timedelta(days=90)
#: Orders that are written in one transaction.
SET = 25


@account_work("orders")
async def poll_orders(services: Services, account: Account) -> None:
    """Take in what changed since the last look."""
    await poll(services, account)


@account_work(AGAIN, seconds=6 * 3600)
async def look_far_back(services: Services, account: Account) -> None:
    """Take in what changed within the last days, whatever was seen of it."""
    await poll(services, account, overlap=FAR_BACK)


async def poll(
    services: Services, account: Account, *, full: bool = False, overlap: timedelta = OVERLAP
) -> TakenIn:
    """Take in the orders of an account that changed since the last look, or all of the last 90 days; what became of them.

    Raises ServiceError where the marketplace cannot be read to the end; what was taken in until then stays.
    """
    async with services.db.tenant(account_id=account.account_id) as session:
        mark = (await get_account(session, account.account_id)).orders_updated_since
    since = now() - FIRST_LOOK if full or mark is None else mark - overlap
    api = await services.api(account)
    found = TakenIn()
    async for orders in _sets(api.orders(updated_since=since)):
        async with services.db.tenant(account_id=account.account_id) as session:
            taken = await take_in(session, account, orders)
            if taken.new or taken.changed:
                await ring(session)
        found += taken
    if found.updated_at is not None and (mark is None or found.updated_at > mark):
        async with services.db.tenant(account_id=account.account_id) as session:
            await queries.update_watermark(session, account.account_id, _not_ahead(found.updated_at))
    return found


def _not_ahead(moment: datetime) -> datetime:
    """An order that claims to be changed in the future must not make us skip what changes until then."""
    return min(moment, now())


async def _sets(orders: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[list[Mapping[str, Any]]]:
    held: list[Mapping[str, Any]] = []
    async for order in orders:
        held.append(order)
        if len(held) == SET:
            yield held
            held = []
    if held:
        yield held
