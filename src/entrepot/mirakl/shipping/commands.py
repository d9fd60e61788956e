"""`entrepot mirakl labels` and `ship`: labels to look at, print and accept; parcels to pick, pack, take back and follow."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from entrepot.kit.output import (
    JsonOption,
    count_of,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.kit.settings import get_settings
from entrepot.mirakl.accounts.accounts import Account, list_carriers
from entrepot.mirakl.accounts.choosing import AccountOption, in_account, with_account
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import deciding, delivery, packing, packing_queries
from entrepot.mirakl.shipping.labelling import read_label
from entrepot.mirakl.shipping.packing import Packing, Scan
from entrepot.mirakl.shipping.picking import pick_list
from entrepot.mirakl.shipping.preferences import choose_carrier, shipping_preferences
from entrepot.mirakl.shipping.printing import print_labels, unprinted
from entrepot.mirakl.shipping.storing import labels_directory
from entrepot.mirakl.values import PARCEL_STATES

labels = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Look at labels, print them, accept one."
)
ship = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Pick, pack, take back and follow parcels."
)
T = TypeVar("T")

#: Who acts, as histories show it.
BY = "command line"
ParcelArgument = Annotated[
    str,
    typer.Argument(metavar="PARCEL", help="Its reference or tracking number, or its order if that has one."),
]
OrderArgument = Annotated[
    str, typer.Argument(metavar="ORDER", help="The order, as the marketplace calls it.")
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")]


@labels.command("list")
def list_all(
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help=f"Only these: {', '.join(PARCEL_STATES)}.")
    ] = None,
    order: Annotated[str | None, typer.Option(metavar="ORDER", help="Only those of an order.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most that are shown.")] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show parcels and their labels, newest first."""
    if strange := sorted(set(state or ()) - set(PARCEL_STATES)):
        raise InvalidInputError(
            f"There is no state {strange[0]!r}.", hint=f"There are {', '.join(PARCEL_STATES)}."
        )

    async def work(session: AsyncSession, chosen: Account) -> Sequence[RowMapping]:
        return await packing_queries.select_listed(
            session, chosen.account_id, states=state or None, order_id=order, limit=limit
        )

    found = in_account(account, work)
    if json:
        print_json({"parcels": [_record(row) for row in found]})
        return
    print_table(
        ["parcel", "order", "order is", "label", "number", "price", "prints", "packed", "delivery"],
        [
            [
                row["carrier_reference"],
                row["order_id"],
                row["order_status"],
                row["state"],
                row["tracking_pin"],
                row["price"],
                row["prints"],
                row["packed_at"],
                row["delivery_state"],
            ]
            for row in found
        ],
        empty="There is no parcel yet. One is planned when an order is ready to ship.",
    )


@labels.command("show")
def show(
    parcel: ParcelArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write what came as its label here."),
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show a parcel, where it goes, and what its carrier said; with --output its label as well, right or not."""

    async def work(
        session: AsyncSession, chosen: Account
    ) -> tuple[RowMapping, Sequence[RowMapping], bytes | None]:
        row = await deciding.find_parcel(session, chosen.account_id, parcel)
        events = await delivery.events_of(session, chosen.account_id, row["shipment_id"])
        found = await read_label(session, chosen.account_id, row)
        return row, events, found[0] if found else None

    row, events, pdf = in_account(account, work)
    if output is not None:
        if pdf is None:
            raise NotFoundError(
                f"Nothing was downloaded yet as the label of {row['carrier_reference']}.",
                where={"parcel": row["carrier_reference"]},
            )
        output.write_bytes(pdf)
    if json:
        print_json(
            {**_record(row), "events": [dict(event) for event in events], "has_label": pdf is not None}
        )
        return
    hidden = {"account_id", "links", "destination"}
    fields = {name.replace("_", " "): value for name, value in row.items() if name not in hidden}
    print_fields({**fields, "to": _place(row)}, title=f"Parcel {row['carrier_reference']}")
    if events:
        print_line()
        print_table(
            ["when", "what", "where"],
            [[event["happened_at"], event["description"], event["place"]] for event in events],
        )
    if output is not None:
        print_note(f"Wrote {output}.")


@labels.command("print")
def print_all(
    output: OutputOption,
    parcels: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PARCEL]...", help="Parcels whose labels are printed; all that never were."),
    ] = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Write labels as one PDF, in the order of the parcels, and count them as printed.

    Example: entrepot mirakl labels print --output labels.pdf
    """

    async def work(session: AsyncSession, chosen: Account) -> Any:
        named = [await deciding.find_parcel(session, chosen.account_id, name) for name in parcels or ()]
        rows = named or await unprinted(session, chosen.account_id)
        if not rows:
            raise NotFoundError(
                "Every label was printed.", hint="Name the parcels whose labels you want once more."
            )
        made = await print_labels(session, chosen.account_id, rows, labels_directory(get_settings()))
        # Within the transaction: what cannot be written was not printed.
        output.write_bytes(made.pdf)
        return made

    batch = in_account(account, work)
    if json:
        print_json(
            {
                "file": str(output),
                "labels": [{**asdict(label), "is_reprint": label.is_reprint} for label in batch.labels],
            }
        )
        return
    print_line(f"Wrote {count_of(len(batch.labels), 'label')} to {output}.")
    for label in batch.reprints:
        print_line(
            f"Order {label.order_id}, parcel {label.parcel_number} ({label.tracking_pin}) was printed before: this is "
            f"print {label.prints}. Destroy the other one."
        )


@labels.command("accept")
def accept(parcel: ParcelArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Take what came as a label for the right one, although the check says otherwise; the order goes on."""

    async def work(session: AsyncSession, chosen: Account) -> RowMapping:
        load_steps()
        row = await deciding.find_parcel(session, chosen.account_id, parcel)
        await deciding.accept_label(session, chosen.account_id, row, by=BY)
        return row

    row = in_account(account, work)
    _tell(json, row, state="labelled", words=f"Accepted the label of {row['carrier_reference']}.")


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
    _tell(json, row, state=state, words=words + (" A new one is bought." if again and state else ""))


@ship.command("again")
def again(order: OrderArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Ship an order whose label failed or was taken back; what is bought and right stays."""

    async def work(session: AsyncSession, chosen: Account) -> None:
        load_steps()
        await deciding.buy_again(session, chosen.account_id, order, by=BY)

    in_account(account, work)
    _said(json, {"order_id": order, "status": "ready_to_ship"}, f"The order {order} is ready to ship.")


@ship.command("by-hand")
def by_hand(order: OrderArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Send an order yourself: no label is bought, its parcels wait for their tracking numbers."""

    async def work(session: AsyncSession, chosen: Account) -> None:
        load_steps()
        await deciding.send_by_hand(session, chosen.account_id, order, by=BY)

    in_account(account, work)
    _said(
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
    _tell(json, row, state="bought", words=f"{row['carrier_reference']} has the number {tracking_number}.")


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
    _said(
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
    _tell(json, row, state="delivered", words=f"{row['carrier_reference']} is delivered.")


@ship.command("follow")
def follow(account: AccountOption = None, json: JsonOption = False) -> None:
    """Ask the carriers about the parcels that are due, now."""

    async def work(db: Database, chosen: Account) -> int:
        load_steps()
        async with Services.opened(db) as services:
            return await delivery.follow_due(services, chosen.account_id)

    asked = with_account(account, work)
    _said(json, {"asked": asked}, f"Asked about {count_of(asked, 'parcel')}.")


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


def _record(row: RowMapping) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "account_id"}


def _place(row: RowMapping) -> str:
    to = row["destination"]
    names = ("name", "company", "street_1", "street_2", "city", "province", "postal_code", "country")
    return ", ".join(str(to[name]) for name in names if to.get(name))


def _as_error(error: ServiceError) -> UnavailableError | ConflictError:
    kind = ConflictError if error.outcome is Outcome.PERMANENT else UnavailableError
    return kind(str(error), hint="It is in the inbox: `entrepot mirakl failures list`.")


def _tell(json: bool, row: RowMapping, *, state: str | None, words: str) -> None:
    said = {"parcel": row["carrier_reference"], "order_id": row["order_id"], "state": state}
    _said(json, said, words)


def _said(json: bool, record: dict[str, Any], words: str) -> None:
    if json:
        print_json(record)
    else:
        print_line(words)
