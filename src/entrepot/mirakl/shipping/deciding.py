"""What people decide about parcels: accept a label, take one back and buy anew, pack otherwise, send by hand."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.accounts.accounts import Account, list_carriers
from entrepot.mirakl.failures.inbox import resolved_by_itself
from entrepot.mirakl.orders.history import current, move, wake
from entrepot.mirakl.orders.history_queries import lock_order
from entrepot.mirakl.orders.preparing import ADDRESS
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import own, queries
from entrepot.mirakl.shipping.buying import BY_HAND
from entrepot.mirakl.shipping.calling_off import call_off
from entrepot.mirakl.shipping.carrier import Carrier
from entrepot.mirakl.shipping.labelling import CREATE, mark_labelled
from entrepot.mirakl.shipping.parceling import PLAN, fill_parcels, require_unbought
from entrepot.mirakl.shipping.preferences import choose_carrier, shipping_preferences
from entrepot.mirakl.shipping.storing import label_path

#: Where an order may be when its label is taken back by a person; later it is on its way.
MAY_CALL_OFF = ("shipping_failed", "label_created", "tracking_failed", "tracking_sent")


async def find_parcel(session: AsyncSession, account_id: UUID, name: str) -> RowMapping:
    """The parcel that a person means: by our reference, its tracking number, its id, or its order if that has one only.

    Raises NotFoundError, InvalidInputError for an order with several parcels.
    """
    found = await queries.select_named(session, account_id, name.strip())
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(
            f"There is no parcel {name!r}.",
            hint="Give its reference, its tracking number or its order; `entrepot mirakl labels list` shows them.",
            where={"parcel": name},
        )
    raise InvalidInputError(
        f"The order {name} has {len(found)} parcels: {', '.join(row['carrier_reference'] for row in found)}.",
        hint="Name one of them.",
        where={"parcel": name},
    )


async def accept_label(session: AsyncSession, account_id: UUID, parcel: RowMapping, *, by: str) -> None:
    """Take the newest PDF of a parcel for its label, although it was not found right.

    Raises ConflictError where there is nothing to accept.
    """
    if parcel["state"] != "bought":
        raise ConflictError(
            f"The parcel {parcel['carrier_reference']} is {parcel['state']}; there is no label to accept.",
            where={"parcel": parcel["carrier_reference"], "state": parcel["state"]},
        )
    found = await queries.select_label(session, account_id, parcel["shipment_id"])
    if found is None:
        raise ConflictError(
            "No label was downloaded yet.", hint="Try the failed download again: `entrepot mirakl failures`."
        )
    path = label_path(account_id, parcel["order_id"], parcel["parcel_number"], found["sha256"])
    await mark_labelled(session, parcel, found["sha256"], path, checked=False)
    await _go_on(session, account_id, parcel["order_id"], f"{by} has accepted the label.", by)


async def record_number(
    session: AsyncSession, account_id: UUID, parcel: RowMapping, number: str, *, by: str
) -> None:
    """Record the tracking number of a parcel that is sent by hand, or whose carrier has told none.

    Raises InvalidInputError for what is no number, ConflictError where it belongs to another parcel or is not asked for.
    """
    number = "".join(number.split())
    if not 4 <= len(number) <= 50 or not number.isascii() or not number.isprintable():
        raise InvalidInputError(f"{number!r} is no tracking number.", where={"path": "number"})
    others = await queries.select_parcels(session, account_id, tracking_pin=number)
    if any(row["shipment_id"] != parcel["shipment_id"] for row in others):
        raise ConflictError(
            f"{number} is the number of {others[0]['carrier_reference']}.", where={"path": "number"}
        )
    if not await queries.update_number(
        session, account_id, parcel["shipment_id"], number=number, at=now(), by_hand=own.NAME
    ):
        raise ConflictError(
            f"The parcel {parcel['carrier_reference']} is {parcel['state']} with {parcel['carrier']}; "
            "no number is asked for.",
            where={"parcel": parcel["carrier_reference"]},
        )
    await resolved_by_itself(
        session, account_id, parcel["order_id"], BY_HAND, resolution=f"{by} gave its number."
    )
    await _go_on(session, account_id, parcel["order_id"], f"{by} gave the number {number}.", by)


async def send_by_hand(session: AsyncSession, account_id: UUID, order_id: str, *, by: str) -> None:
    """Have a person send what of an order is in no bought parcel: its parcels wait for a tracking number.

    Raises ConflictError while a label is being bought, NotFoundError where the carrier `own` is not set up.
    """
    await _replan(session, account_id, order_id, carrier_name=own.NAME, carrier=own.Own())
    order = await queries.select_order(session, account_id, order_id)
    if order is not None and order["status"] == "accepted" and order["mirakl_state"] == "SHIPPING":
        # It waited for an address that a label could show; a person needs none.
        await resolved_by_itself(session, account_id, order_id, ADDRESS, resolution=f"{by} sends it by hand.")
        await move(
            session,
            account_id,
            order_id,
            "ready_to_ship",
            actor_type="person",
            actor=by,
            notes="It is sent by hand.",
        )
        return
    await _go_on(session, account_id, order_id, f"{by} sends it by hand.", by)


async def divide(
    session: AsyncSession,
    account: Account,
    carrier: Carrier,
    order_id: str,
    parcels: Sequence[Mapping[str, int]],
    *,
    by: str,
) -> list[UUID]:
    """Say which units (by line) go together into one parcel each; what is not named is planned as usual.

    Raises InvalidInputError for lines and quantities that the order has not, ConflictError while a label is being bought.
    """
    made: list[UUID] = []
    await lock_order(session, account.account_id, order_id)
    await require_unbought(session, account.account_id, order_id)
    await queries.delete_unbought(session, account.account_id, order_id)
    chosen = choose_carrier(
        shipping_preferences(account.settings), await list_carriers(session, account.account_id)
    )
    for only in parcels:
        made += await fill_parcels(session, account.account_id, order_id, chosen, carrier, only=only)
    await _go_on(
        session, account.account_id, order_id, f"{by} has divided it into {len(parcels)} parcels.", by
    )
    return made


async def take_back(
    services: Services, account_id: UUID, parcel: RowMapping, *, by: str, again: bool = False
) -> str | None:
    """Take the label of a parcel back for a person; with `again` its contents are planned and bought anew.

    Returns the state of the parcel. Raises ConflictError where the order is not at a point for it, ServiceError.
    """
    order_id = parcel["order_id"]
    async with services.db.tenant(account_id=account_id) as session:
        held = await current(session, account_id, order_id)
    status = held.status if held else "new"
    if status not in MAY_CALL_OFF:
        raise ConflictError(
            f"The order {order_id} is {status}; a label is taken back while it is {', '.join(MAY_CALL_OFF)}.",
            hint="Labels of cancelled orders are taken back by themselves."
            if status in ("cancelled", "refused")
            else None,
            where={"order_id": order_id, "status": status},
        )
    state = await call_off(services, account_id, parcel["shipment_id"])
    if state is None:
        return None
    async with services.db.tenant(account_id=account_id) as session:
        await _after_taking_back(session, account_id, order_id, state, by, again)
    return state


async def _after_taking_back(
    session: AsyncSession, account_id: UUID, order_id: str, state: str, by: str, again: bool
) -> None:
    await lock_order(session, account_id, order_id)
    held = await current(session, account_id, order_id)
    if held is None or held.status in ("cancelled", "refused"):
        return
    words = f"{by} took its label back."
    if held.status != "shipping_failed":
        reached = "shipment_cancelled" if state == "void" else "refund_requested"
        await move(session, account_id, order_id, reached, actor_type="person", actor=by, notes=words)
    if again:
        await move(
            session,
            account_id,
            order_id,
            "ready_to_ship",
            actor_type="person",
            actor=by,
            notes="A label is bought anew.",
        )


async def buy_again(session: AsyncSession, account_id: UUID, order_id: str, *, by: str) -> None:
    """Set an order going again whose label was taken back or failed; raises ConflictError from anywhere else."""
    held = await current(session, account_id, order_id)
    if held is None or held.status not in ("shipping_failed", "shipment_cancelled", "refund_requested"):
        raise ConflictError(
            f"The order {order_id} is {held.status if held else 'new'}; there is nothing to begin again.",
            where={"order_id": order_id},
        )
    await queries.delete_unbought(session, account_id, order_id)
    await _go_on(session, account_id, order_id, f"{by} has it shipped again.", by)


async def _replan(
    session: AsyncSession, account_id: UUID, order_id: str, *, carrier_name: str, carrier: Carrier
) -> None:
    await lock_order(session, account_id, order_id)
    await require_unbought(session, account_id, order_id)
    await queries.delete_unbought(session, account_id, order_id)
    chosen = next(
        (one for one in await list_carriers(session, account_id) if one.carrier == carrier_name), None
    )
    if chosen is None:
        raise NotFoundError(
            f"The carrier {carrier_name!r} is not set up.", hint="`entrepot mirakl carriers` sets it up."
        )
    await fill_parcels(session, account_id, order_id, chosen, carrier)


async def _go_on(session: AsyncSession, account_id: UUID, order_id: str, notes: str, by: str) -> None:
    """Have the order taken up again with its parcels as they are now."""
    held = await current(session, account_id, order_id)
    if held is not None and held.status in ("shipping_failed", "shipment_cancelled", "refund_requested"):
        await resolved_by_itself(session, account_id, order_id, CREATE, PLAN, resolution=notes)
        await move(
            session,
            account_id,
            order_id,
            "ready_to_ship",
            actor_type="person",
            actor=by,
            notes=notes,
        )
    elif held is not None and held.status == "ready_to_ship":
        await wake(session, account_id, order_id)
