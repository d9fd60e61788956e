"""Planning the parcels of an order: what is in each, how heavy and large it is, and where it goes."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError, NotFoundError
from entrepot.mirakl.accounts.accounts import Account, list_carriers
from entrepot.mirakl.accounts.accounts import Carrier as CarrierAccount
from entrepot.mirakl.failures.inbox import fail
from entrepot.mirakl.orders.history import move
from entrepot.mirakl.orders.history_queries import lock_order
from entrepot.mirakl.orders.steps import Taken
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import queries
from entrepot.mirakl.shipping.addresses import read_address
from entrepot.mirakl.shipping.carrier import Address, Carrier, as_record
from entrepot.mirakl.shipping.planning import Planned, TooLargeError, Unit, plan, reference, together
from entrepot.mirakl.shipping.preferences import choose_carrier, shipping_preferences

PLAN = "ShippingPlan"


#: What is wrong with an order or an account, and is somebody's to mend.
WRONG = (InvalidInputError, NotFoundError)


async def plan_parcels(services: Services, taken: Taken) -> Sequence[RowMapping] | None:
    """See to it that every unit of the order is in a parcel; its parcels, None where that cannot be: the inbox tells why.

    Whatever can be found out without money is found out here: addresses, sizes, listings that map to nothing.
    """
    account = await services.account(taken.account_id)
    while True:
        async with services.db.tenant(account_id=taken.account_id) as session:
            try:
                wanted = await _plan(session, services, account, taken)
            except WRONG as error:
                await _cannot(session, taken, error)
                return None
            if wanted is None:
                return await queries.select_parcels(
                    session, taken.account_id, order_id=taken.order_id, live=True
                )
        # Not within the transaction: opening it takes another, and all of them may wait for one.
        try:
            await services.carrier(taken.account_id, wanted)
        except WRONG as error:
            async with services.db.tenant(account_id=taken.account_id) as session:
                await _cannot(session, taken, error)
            return None


async def _plan(session: AsyncSession, services: Services, account: Account, taken: Taken) -> str | None:
    """Plan what is in no parcel yet; the carrier that has to be opened before, where it is not."""
    await lock_order(session, taken.account_id, taken.order_id)
    # What the carrier once refused is planned from the data as it is now.
    await queries.delete_unbought(session, taken.account_id, taken.order_id, "failed")
    left = await _left(session, taken.account_id, taken.order_id)
    if not left:
        return None
    chosen = choose_carrier(
        shipping_preferences(account.settings), await list_carriers(session, taken.account_id)
    )
    carrier = services.open_carrier(taken.account_id, chosen.carrier)
    if carrier is None:
        return chosen.carrier
    await fill_parcels(session, taken.account_id, taken.order_id, chosen, carrier, left=left)
    return None


async def fill_parcels(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    chosen: CarrierAccount,
    carrier: Carrier,
    *,
    only: Mapping[str, int] | None = None,
    left: Sequence[Mapping[str, Any]] | None = None,
) -> list[UUID]:
    """Plan parcels for the units of an order that are in none yet; the caller holds the order.

    `only`: units by line that go together into one parcel. `left`: what is in none, where it was looked up already.
    Raises InvalidInputError with all that is wrong, NotFoundError.
    """
    order = await queries.select_order(session, account_id, order_id)
    if order is None:
        raise NotFoundError(f"There is no order {order_id!r}.", where={"order_id": order_id})
    units, problems = _units(await _left(session, account_id, order_id) if left is None else left)
    address, wrong = (
        read_address(order["shipping_address"])
        if carrier.gives_labels
        else (_any_address(order["shipping_address"]), [])
    )
    problems += [f"The address: {problem}" for problem in wrong]
    planned: list[Planned] = []
    if not problems:
        try:
            planned = (
                [together(_some(units, only), number=1)]
                if only
                else plan(units, heaviest_kg=carrier.heaviest_kg, longest_cm=carrier.longest_cm)
            )
        except TooLargeError as error:
            problems.append(str(error))
    if problems or address is None:
        raise InvalidInputError(
            f"The order {order_id} cannot be sent: {' '.join(problems)}",
            hint="Nothing was bought.",
            where={"order_id": order_id},
        )
    known = await queries.count_purchases(session, account_id, order_id)
    free = (number for number in count(1) if not known.get(number, (0, False))[1])
    return [
        await _insert(
            session, account_id, order_id, chosen, address, parcel, number, known.get(number, (0, False))[0]
        )
        for parcel, number in zip(planned, free, strict=False)
    ]


async def _insert(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    chosen: CarrierAccount,
    address: Address,
    parcel: Planned,
    number: int,
    purchases: int,
) -> UUID:
    return await queries.insert_parcel(
        session,
        {
            "account_id": account_id,
            "order_id": order_id,
            "parcel_number": number,
            "carrier": chosen.carrier,
            "service_code": chosen.service_code,
            "carrier_reference": reference(order_id, number, purchases + 1, account_id.hex[-4:]),
            "weight_kg": parcel.weight_kg,
            "length_cm": parcel.length_cm,
            "width_cm": parcel.width_cm,
            "height_cm": parcel.height_cm,
            "destination": as_record(address),
        },
        parcel.lines,
    )


async def _left(session: AsyncSession, account_id: UUID, order_id: str) -> list[dict[str, Any]]:
    """The lines of an order with the units that are in no parcel yet."""
    rows = await queries.select_units(session, account_id, order_id)
    left = [{**row, "quantity": row["quantity"] - row["packed"]} for row in rows]
    found = [row for row in left if row["quantity"] > 0]
    if not rows:
        raise InvalidInputError(
            f"The order {order_id} has no lines that could be sent.", where={"order_id": order_id}
        )
    return found


def _units(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Unit], list[str]]:
    units: list[Unit] = []
    problems: list[str] = []
    for row in rows:
        if row["variant_id"] is None:
            problems.append(
                f"The listing {row['sku']!r} maps to no variant, so that nobody knows its weight and sizes."
            )
            continue
        units.append(
            Unit(
                order_line_id=row["order_line_id"],
                quantity=row["quantity"],
                weight_kg=row["weight_kg"],
                length_cm=row["length_cm"],
                width_cm=row["width_cm"],
                height_cm=row["height_cm"],
            )
        )
    return units, problems


def _some(units: Sequence[Unit], only: Mapping[str, int]) -> list[Unit]:
    """The units that are to go together; raises InvalidInputError for more than are left."""
    left = {unit.order_line_id: unit for unit in units}
    chosen = []
    for line, quantity in only.items():
        unit = left.get(line)
        if unit is None or not 0 < quantity <= unit.quantity:
            raise InvalidInputError(
                f"Line {line} has {unit.quantity if unit else 0} units that are in no parcel yet, not {quantity}.",
                where={"order_line_id": line},
            )
        chosen.append(
            Unit(
                order_line_id=line,
                quantity=quantity,
                weight_kg=unit.weight_kg,
                length_cm=unit.length_cm,
                width_cm=unit.width_cm,
                height_cm=unit.height_cm,
            )
        )
    return chosen


def _any_address(told: Mapping[str, Any] | None) -> Address:
    """What the marketplace says, unexamined: who sends by hand reads it with their own eyes."""
    said = {name: str(value).strip() for name, value in (told or {}).items() if value}
    return Address(
        name=f"{said.get('firstname', '')} {said.get('lastname', '')}".strip(),
        company=said.get("company"),
        street_1=said.get("street_1", ""),
        street_2=said.get("street_2"),
        city=said.get("city", ""),
        province=said.get("state", ""),
        postal_code=said.get("zip_code", ""),
        country=said.get("country_iso_code") or said.get("country", ""),
        phone=said.get("phone"),
    )


async def _cannot(session: AsyncSession, taken: Taken, error: EntrepotError) -> None:
    await fail(
        session,
        taken.account_id,
        PLAN,
        taken.order_id,
        kind="permanent",
        details=error.detail,
        next_step=f"{error.hint or ''} Mend it, then try it again; or send it by hand.".strip(),
        order_id=taken.order_id,
    )
    await move(
        session,
        taken.account_id,
        taken.order_id,
        "shipping_failed",
        actor_type="rule",
        actor="parcels are planned before money is spent",
        notes=error.detail,
        expected=taken.status,
    )


async def require_unbought(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """The parcels of an order that nothing was bought for; raises ConflictError while one is being bought."""
    held = await queries.select_parcels(session, account_id, order_id=order_id, live=True)
    busy = next((row for row in held if row["state"] == "buying"), None)
    if busy is not None:
        raise ConflictError(
            f"The label of parcel {busy['parcel_number']} is being bought.",
            hint="Look again in some minutes.",
            where={"order_id": order_id},
        )
    return [row for row in held if row["state"] in ("planned", "failed")]
