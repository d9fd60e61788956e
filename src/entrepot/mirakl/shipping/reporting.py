"""Telling the marketplace: the tracking number (OR23), then that the order is on its way (OR24).

OR23 may be sent again. Before OR24 the order is read: what says SHIPPED is not said again, so that a lost answer, a
killed worker or a second one cost nothing.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import NotFoundError
from entrepot.mirakl.accounts.accounts import list_carriers
from entrepot.mirakl.failures.inbox import fail, retried_by
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.history import advance, current, move, rest, wake
from entrepot.mirakl.orders.history_queries import lock_order
from entrepot.mirakl.orders.steps import Change, Taken, settles, step, watches
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import queries
from entrepot.mirakl.shipping.buying import ENDED, NOT_YET, SENT
from entrepot.mirakl.shipping.preferences import shipping_preferences

TRACKING = "TrackingUpdate"
CONFIRM = "ShippingConfirmation"
settles("tracking_sent", names=(TRACKING,), resolution="The marketplace has the number.")
settles("shipped", names=(TRACKING, CONFIRM), resolution="The marketplace has it as shipped.")
#: When a parcel is first looked at after it was sent.
FIRST_LOOK = timedelta(hours=4)


@step("label_created", TRACKING)
async def report_tracking(services: Services, taken: Taken) -> Taken | None:
    """Tell the marketplace the carrier and the tracking number of an order.

    Mirakl takes one number an order (OR23): that of the first parcel.
    """
    parcels, code = await _parcels(services, taken)
    first = next((row for row in parcels if row["tracking_pin"]), None)
    if first is None:
        raise NotFoundError(
            f"No parcel of the order {taken.order_id} has a tracking number.",
            hint=f"`entrepot mirakl ship number {taken.order_id} NUMBER` gives it one; then try it again.",
        )
    api = await services.api(taken.account_id)
    try:
        await api.tracking(taken.order_id, carrier_code=code, number=first["tracking_pin"])
    except ServiceError as error:
        if error.outcome is not Outcome.PERMANENT:
            raise
        if not await _ended(services, taken):
            await _failed(services, taken, TRACKING, f"The tracking number was refused: {error.details}.")
        return None
    async with services.db.tenant(account_id=taken.account_id) as session:
        await queries.update_tracking_reported(session, taken.account_id, taken.order_id, now())
        return await advance(
            session,
            taken,
            "tracking_sent",
            actor_type="worker",
            actor=taken.worker,
            notes=f"{code} {first['tracking_pin']}",
        )


@step("tracking_sent", CONFIRM)
async def confirm_shipping(services: Services, taken: Taken) -> None:
    """Tell the marketplace that an order is on its way."""
    if await _waits_for_packing(services, taken):
        return
    if await _ended(services, taken):
        return
    api = await services.api(taken.account_id)
    try:
        await api.ship(taken.order_id)
    except ServiceError as error:
        if error.outcome is not Outcome.PERMANENT:
            raise
        if await _ended(services, taken):
            return
        await _failed(services, taken, CONFIRM, f"The shipping was refused: {error.details}.")
        return
    async with services.db.tenant(account_id=taken.account_id) as session:
        await _shipped(session, taken, "The marketplace has taken it.")


async def _waits_for_packing(services: Services, taken: Taken) -> bool:
    """Leave the order until its last parcel is packed, where that is wanted; packing wakes it."""
    account = await services.account(taken.account_id)
    if not shipping_preferences(account.settings).pack_before_ship:
        return False
    async with services.db.tenant(account_id=taken.account_id) as session:
        # Who packs the last one at this moment wakes the order after this, or is done and is seen here.
        await lock_order(session, taken.account_id, taken.order_id)
        parcels = await queries.select_parcels(session, taken.account_id, order_id=taken.order_id, live=True)
        if all(row["packed_at"] is not None for row in parcels):
            return False
        await rest(session, taken, None)
        return True


async def _parcels(services: Services, taken: Taken) -> tuple[Sequence[RowMapping], str]:
    """The live parcels of an order, and what the marketplace calls the carrier of the first."""
    async with services.db.tenant(account_id=taken.account_id) as session:
        parcels = await queries.select_parcels(session, taken.account_id, order_id=taken.order_id, live=True)
        carriers = await list_carriers(session, taken.account_id)
    name = parcels[0]["carrier"] if parcels else None
    code = next((one.marketplace_carrier_code for one in carriers if one.carrier == name), "OTHER")
    return parcels, code


async def _ended(services: Services, taken: Taken) -> bool:
    """Read the order; True where it is on its way or over already, and written down as that, or where it has to wait."""
    api = await services.api(taken.account_id)
    order = await api.order(taken.order_id)
    state = str((order or {}).get("order_state") or "")
    if state == "SHIPPING":
        return False
    async with services.db.tenant(account_id=taken.account_id) as session:
        if state in SENT:
            await _shipped(session, taken, f"The marketplace has it as {state}.")
        elif state in ENDED:
            await move(
                session,
                taken.account_id,
                taken.order_id,
                "cancelled",
                actor_type="marketplace",
                notes=f"It was {state} when it was about to be reported.",
                expected=taken.status,
            )
        else:
            await rest(session, taken, now() + NOT_YET)
    return True


async def _shipped(session: AsyncSession, taken: Taken, notes: str) -> None:
    await move(
        session,
        taken.account_id,
        taken.order_id,
        "shipped",
        actor_type="worker",
        actor=taken.worker,
        notes=notes,
        taken=taken,
    )


@watches("shipped")
async def begin_to_follow(session: AsyncSession, change: Change) -> None:
    """Whoever finds an order shipped, this worker or a look at the marketplace: its parcels are followed from now on.

    Its components leave the stock in the same transaction (`orders.watching`).
    """
    at = now()
    await queries.update_shipped_reported(
        session, change.account_id, change.order_id, at=at, next_look_at=at + FIRST_LOOK
    )


async def _failed(services: Services, taken: Taken, process_name: str, details: str) -> None:
    async with services.db.tenant(account_id=taken.account_id) as session:
        await fail(
            session,
            taken.account_id,
            process_name,
            taken.order_id,
            kind="permanent",
            details=details,
            next_step="Mend the carrier's code or the order on the marketplace, then try it again.",
            order_id=taken.order_id,
        )
        await move(
            session,
            taken.account_id,
            taken.order_id,
            "tracking_failed",
            actor_type="marketplace",
            notes=details,
            expected=taken.status,
        )


@retried_by(TRACKING, CONFIRM)
async def report_again(session: AsyncSession, failure: RowMapping) -> None:
    """Report the order again from the tracking number on: the marketplace takes it any number of times."""
    account_id, order_id = failure["account_id"], failure["order_id"] or failure["related_id"]
    held = await current(session, account_id, order_id)
    if held is not None and held.status == "tracking_failed":
        await move(
            session,
            account_id,
            order_id,
            "label_created",
            actor_type="person",
            notes=f"{failure['process_name']} is tried again.",
        )
    else:
        await wake(session, account_id, order_id)
