"""`entrepot mirakl ship`: parcels to pick, pack, take back and follow."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, UnavailableError
from entrepot.kit.output import (
    JsonOption,
    count_of,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.mirakl.accounts.accounts import Account, list_carriers
from entrepot.mirakl.accounts.choosing import AccountOption, in_account, with_account
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import deciding, delivery, packing
from entrepot.mirakl.shipping.commands import BY, ParcelArgument, said, tell
from entrepot.mirakl.shipping.packing import Packing, Scan
from entrepot.mirakl.shipping.picking import pick_list
from entrepot.mirakl.shipping.preferences import (
    ShippingPreferences,
    choose_carrier,
    set_shipping_preferences,
    shipping_preferences,
)

ship = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Pick, pack, take back and follow parcels."
)
OrderArgument = Annotated[
    str, typer.Argument(metavar="ORDER", help="The order, as the marketplace calls it.")
]


@ship.command("pick")
def pick(
    orders: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDER]...", help="Only these; all that wait.")
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show the components to fetch for parcels that wait to be packed, by order and in all."""
    found = in_account(
        account, lambda session, chosen: pick_list(session, chosen.account_id, order_ids=orders or None)
    )
    if json:
        print_json(asdict(found))
        return
    print_table(
        ["order", "parcel", "ship by", "component", "barcode", "units"],
        [
            [one.order_id, one.parcel_number, one.ship_by, part.name, part.barcode, part.quantity]
            for one in found.parcels
            for part in one.picks
        ],
        title="By order",
        empty="No parcel waits to be packed.",
    )
    if found.parcels:
        print_table(
            ["component", "type", "units"],
            [[part.name, part.type, part.quantity] for part in found.totals],
            title="In all",
        )


@ship.command("pack")
def pack(
    parcel: ParcelArgument,
    barcodes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BARCODE]...", help="What is scanned; lines of standard input without any."),
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Pack a parcel: scan each component, then the label. A scanner that types works as it is."""

    async def work(db: Database, chosen: Account) -> tuple[list[Scan], Packing]:
        load_steps()
        scans: list[Scan] = []
        async with db.tenant(account_id=chosen.account_id) as session:
            state = await packing.start(session, chosen.account_id, parcel)
        if not json:
            print_note(state.next_step)
        for line in barcodes or sys.stdin:
            if not line.strip():
                continue
            async with db.tenant(account_id=chosen.account_id) as session:
                scan = await packing.scan(session, chosen.account_id, state.shipment_id, line)
            scans.append(scan)
            state = scan.packing
            if not json:
                print_line(f"{scan.outcome}: {scan.words}")
            if state.finished:
                break
        return scans, state

    scans, state = with_account(account, work)
    if json:
        print_json(
            {
                "order_id": state.order_id,
                "parcel": state.reference,
                "finished": state.finished,
                "scans": [{"outcome": scan.outcome, "words": scan.words} for scan in scans],
                "components": [{**asdict(one), "missing": one.missing} for one in state.components],
            }
        )
    elif not state.finished:
        print_line(state.next_step)


@ship.command("void")
def void(
    parcel: ParcelArgument,
    again: Annotated[bool, typer.Option("--again", help="Buy a new label for its contents.")] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Take a label back: voided, or, once the carrier counts it as sent, its money asked back."""

    async def work(db: Database, chosen: Account) -> tuple[RowMapping, str | None]:
        load_steps()
        async with db.tenant(account_id=chosen.account_id) as session:
            row = await deciding.find_parcel(session, chosen.account_id, parcel)
        async with Services.opened(db) as services:
            try:
                state = await deciding.take_back(services, chosen.account_id, row, by=BY, again=again)
            except ServiceError as error:
                raise _as_error(error) from error
            async with db.tenant(account_id=chosen.account_id) as session:
                return await deciding.find_parcel(session, chosen.account_id, str(row["shipment_id"])), state

    row, state = with_account(account, work)
    words = {
        "void": "The label is void.",
        "refund_requested": f"Its money was asked back: ticket {row['service_ticket_id']}.",
    }.get(state or "", "Nobody can tell yet whether it was bought; try again in some minutes.")
    tell(json, row, state=state, words=words + (" A new one is bought." if again and state else ""))


@ship.command("again")
def again(order: OrderArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Ship an order whose label failed or was taken back; what is bought and right stays."""

    async def work(session: AsyncSession, chosen: Account) -> None:
        load_steps()
        await deciding.buy_again(session, chosen.account_id, order, by=BY)

    in_account(account, work)
    said(json, {"order_id": order, "status": "ready_to_ship"}, f"The order {order} is ready to ship.")


@ship.command("by-hand")
def by_hand(order: OrderArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Send an order yourself: no label is bought, its parcels wait for their tracking numbers."""

    async def work(session: AsyncSession, chosen: Account) -> None:
        load_steps()
        await deciding.send_by_hand(session, chosen.account_id, order, by=BY)

    in_account(account, work)
    said(
        json,
        {"order_id": order, "carrier": "own"},
        f"The order {order} is sent by hand. `entrepot mirakl ship number {order} NUMBER` records its number.",
    )


@ship.command("number")
def number(
    parcel: ParcelArgument,
    tracking_number: Annotated[str, typer.Argument(metavar="NUMBER", help="Its tracking number.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Record the tracking number of a parcel that you have sent yourself."""

    async def work(session: AsyncSession, chosen: Account) -> RowMapping:
        load_steps()
        row = await deciding.find_parcel(session, chosen.account_id, parcel)
        await deciding.record_number(session, chosen.account_id, row, tracking_number, by=BY)
        return row

    row = in_account(account, work)
    tell(json, row, state="bought", words=f"{row['carrier_reference']} has the number {tracking_number}.")


@ship.command("split")
def split(
    order: OrderArgument,
    parcel: Annotated[
        list[str],
        typer.Option(metavar="LINE=UNITS,…", help="What goes into one parcel; once for each parcel."),
    ],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Say what goes into which parcel, before labels are bought; what is not named is put together as usual.

    Example: entrepot mirakl ship split A1 --parcel A1-1=1 --parcel A1-1=1,A1-2=1
    """
    wanted = [_units(text) for text in parcel]

    async def work(db: Database, chosen: Account) -> int:
        load_steps()
        async with db.tenant(account_id=chosen.account_id) as session:
            carriers = await list_carriers(session, chosen.account_id)
        name = choose_carrier(shipping_preferences(chosen.settings), carriers).carrier
        async with Services.opened(db) as services:
            carrier = await services.carrier(chosen, name)
            async with db.tenant(account_id=chosen.account_id) as session:
                return len(await deciding.divide(session, chosen, carrier, order, wanted, by=BY))

    made = with_account(account, work)
    said(
        json,
        {"order_id": order, "parcels": made},
        f"The order {order} has {count_of(made, 'parcel')} planned.",
    )


@ship.command("delivered")
def delivered(parcel: ParcelArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Record that a parcel arrived, where its carrier does not tell."""

    async def work(session: AsyncSession, chosen: Account) -> RowMapping:
        load_steps()
        row = await deciding.find_parcel(session, chosen.account_id, parcel)
        if row["shipped_reported_at"] is None:
            raise ConflictError(
                f"The parcel {row['carrier_reference']} is not on its way yet.",
                where={"parcel": row["carrier_reference"]},
            )
        await delivery.mark_delivered(session, chosen.account_id, row, by=BY)
        return row

    row = in_account(account, work)
    tell(json, row, state="delivered", words=f"{row['carrier_reference']} is delivered.")


@ship.command("settings")
def settings(
    carrier: Annotated[
        str | None, typer.Option(help="Carrier whose labels are bought; any: the first that gives labels.")
    ] = None,
    pack_first: Annotated[
        bool | None,
        typer.Option(
            "--pack-first/--no-pack-first", help="Confirm the shipping only after the parcel was packed."
        ),
    ] = None,
    still_days: Annotated[
        int | None, typer.Option(help="Days without an event after which a person looks: 1 to 90.")
    ] = None,
    look_hours: Annotated[
        int | None, typer.Option(help="Hours between two questions about a parcel: 1 to 72.")
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show or change how the account ships.

    Example: entrepot mirakl ship settings --pack-first --still-days 4
    """
    given = {"pack_before_ship": pack_first, "no_movement_days": still_days, "look_hours": look_hours}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if carrier is not None:
        changes["carrier"] = None if carrier == "any" else carrier

    async def work(session: AsyncSession, chosen: Account) -> ShippingPreferences:
        if changes:
            return await set_shipping_preferences(session, chosen.account_id, changes)
        return shipping_preferences(chosen.settings)

    found = in_account(account, work)
    if json:
        print_json(found.model_dump())
        return
    print_fields(
        {
            "carrier": found.carrier or "the first that gives labels",
            "shipping is confirmed": "after packing" if found.pack_before_ship else "when the label is there",
            "a person looks after": f"{count_of(found.no_movement_days, 'day')} without an event",
            "parcels are asked about": f"every {count_of(found.look_hours, 'hour')}",
        }
    )


@ship.command("follow")
def follow(account: AccountOption = None, json: JsonOption = False) -> None:
    """Ask the carriers about the parcels that are due, now."""

    async def work(db: Database, chosen: Account) -> int:
        load_steps()
        async with Services.opened(db) as services:
            return await delivery.follow_due(services, chosen.account_id)

    asked = with_account(account, work)
    said(json, {"asked": asked}, f"Asked about {count_of(asked, 'parcel')}.")


def _units(text: str) -> dict[str, int]:
    """`A1-1=1,A1-2=2` as units by line; raises InvalidInputError."""
    found: dict[str, int] = {}
    for part in text.split(","):
        line, _, units = part.strip().rpartition("=")
        if not line or not units.isdecimal() or int(units) == 0:
            raise InvalidInputError(
                f"{part.strip()!r} is not LINE=UNITS.",
                hint="Give such as A1-1=2, several with commas between them.",
                where={"path": "parcel"},
            )
        found[line] = found.get(line, 0) + int(units)
    return found


def _as_error(error: ServiceError) -> UnavailableError | ConflictError:
    kind = ConflictError if error.outcome is Outcome.PERMANENT else UnavailableError
    return kind(str(error), hint="It is in the inbox: `entrepot mirakl failures list`.")
