"""`entrepot mirakl labels`: labels to look at, print and accept."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError, NotFoundError
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
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.accounts.choosing import AccountOption, in_account
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.shipping import deciding, delivery, packing_queries
from entrepot.mirakl.shipping.labelling import read_label
from entrepot.mirakl.shipping.printing import print_labels, unprinted
from entrepot.mirakl.shipping.storing import labels_directory
from entrepot.mirakl.values import PARCEL_STATES

labels = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Look at labels, print them, accept one."
)
T = TypeVar("T")

#: Labels that are printed at once where none are named: as many as a person carries to the packing table.
MOST = 200
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
        rows = named or await unprinted(session, chosen.account_id, limit=MOST)
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
    if not parcels and len(batch.labels) == MOST:
        print_note("There may be more; print these, then run this again.")
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
    tell(json, row, state="labelled", words=f"Accepted the label of {row['carrier_reference']}.")


def _record(row: RowMapping) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "account_id"}


def _place(row: RowMapping) -> str:
    to = row["destination"]
    names = ("name", "company", "street_1", "street_2", "city", "province", "postal_code", "country")
    return ", ".join(str(to[name]) for name in names if to.get(name))


def tell(json: bool, row: RowMapping, *, state: str | None, words: str) -> None:
    """Say what became of a parcel, as a record or in words."""
    record = {"parcel": row["carrier_reference"], "order_id": row["order_id"], "state": state}
    said(json, record, words)


def said(json: bool, record: dict[str, Any], words: str) -> None:
    """Say what was done, as a record or in words."""
    if json:
        print_json(record)
    else:
        print_line(words)
