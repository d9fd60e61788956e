"""From accepted to ready to ship: paid (Mirakl says SHIPPING, K3), parts reserved, an address that can be shipped to."""

from datetime import timedelta

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself, retried_by
from entrepot.mirakl.orders import queries
from entrepot.mirakl.orders.acceptance import LINES, LOOK_AGAIN, MAPPING, lines_of, lines_unread, read_now
from entrepot.mirakl.orders.history import advance, current, rest, wake
from entrepot.mirakl.orders.steps import Taken, step
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping.addresses import read_address
from entrepot.mirakl.stock.reserving import reserve

#: How often an order that is not paid yet is read, in case no poll brings it; four times as seldom after a few.
READ_AFTER = timedelta(minutes=30)
#: Names of failures.
PREPARING, ADDRESS, STOCK = "OrderPreparation", "OrderAddress", "StockReservation"


@step("accepted", PREPARING)
async def prepare(services: Services, taken: Taken) -> Taken | None:
    """Make an accepted order ready to ship, or say what it still lacks."""
    if taken.attempts:
        # It has waited for long: what the marketplace says may have been lost.
        account = await services.account(taken.account_id)
        await read_now(services, account, taken.order_id)
        async with services.db.tenant(account_id=taken.account_id) as session:
            at = await current(session, taken.account_id, taken.order_id)
            if at is None or at.step != taken.step:
                return None
    async with services.db.tenant(account_id=taken.account_id) as session:
        return await _prepare(session, taken)


async def _prepare(session: AsyncSession, taken: Taken) -> Taken | None:
    order = await queries.select_order(session, taken.account_id, taken.order_id)
    if order is None:
        return None
    lacking = await _lacking(session, taken, order)
    if lacking is not None:
        process, kind, details, next_step = lacking
        if await rest(session, taken, now() + LOOK_AGAIN):
            await fail(
                session,
                taken.account_id,
                process,
                taken.order_id,
                kind=kind,
                details=details,
                next_step=next_step,
                order_id=taken.order_id,
            )
        return None
    if order["mirakl_state"] != "SHIPPING":
        # Not paid yet. The poll wakes the order when it changes; it is read by itself in case the poll misses it.
        await rest(session, taken, now() + READ_AFTER * min(2**taken.attempts, 8), failed=True)
        return None
    problems = read_address(order["shipping_address"])[1]
    if problems:
        if await rest(session, taken, now() + LOOK_AGAIN):
            await fail(
                session,
                taken.account_id,
                ADDRESS,
                taken.order_id,
                kind="permanent",
                details=f"The order cannot be shipped to its address. {' '.join(problems)}",
                next_step="Ask the customer, and have the address mended on the marketplace; then retry.",
                order_id=taken.order_id,
            )
        return None
    if order["failures"]:
        await resolved_by_itself(
            session,
            taken.account_id,
            taken.order_id,
            MAPPING,
            LINES,
            ADDRESS,
            STOCK,
            resolution="The order is ready to ship.",
        )
    return await advance(
        session,
        taken,
        "ready_to_ship",
        actor_type="worker",
        notes="It is paid, its parts are reserved, its address can be shipped to.",
    )


async def _lacking(
    session: AsyncSession, taken: Taken, order: RowMapping
) -> tuple[str, str, str, str] | None:
    """What an order lacks of its lines and parts: the failure's name and kind, what, and what to do; None: nothing.

    Parts are reserved here for an order that was accepted elsewhere; for one of ours they are reserved already.
    """
    lines = await lines_of(session, taken)
    unread = lines_unread(order, lines)
    if unread is not None:
        return (
            LINES,
            "permanent",
            unread,
            "Look at it on the marketplace; it is taken up again when its lines come.",
        )
    held = await reserve(session, taken.account_id, taken.order_id)
    if held.ok:
        return None
    if held.unmapped:
        return (
            MAPPING,
            "permanent",
            f"The order was accepted, and its parts cannot be reserved. {held}",
            "Map it: `entrepot mirakl stock map`. Then it goes on by itself, or with a retry.",
        )
    return (
        STOCK,
        "decision",
        f"The order was accepted, and its parts cannot be reserved. {held}",
        "Receive the parts, or cancel the order on the marketplace; it is looked at again by itself.",
    )


@retried_by(PREPARING, ADDRESS, STOCK)
async def look_again(session: AsyncSession, failure: RowMapping) -> None:
    """A retry: the order is looked at now."""
    await wake(session, failure["account_id"], failure["related_id"])
