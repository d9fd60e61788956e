"""`entrepot mirakl money`: transaction logs taken in, settled against orders, and what differs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError, UnavailableError
from entrepot.kit.output import JsonOption, count_of, print_json, print_line, print_note, print_table
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.accounts.choosing import AccountOption, in_account, with_account
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.marketplace_api import open_api
from entrepot.mirakl.money.importing import Imported, take_in
from entrepot.mirakl.money.parts import PARTS, ZERO, AccountLines, Settlement
from entrepot.mirakl.money.settling import Settled, of_account, settle

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Take in and settle transaction logs.")
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="DATE", help="Only orders that were made, or have lines, since (ISO 8601)."
    ),
]
OrderOption = Annotated[str | None, typer.Option("--order", metavar="ORDER", help="Only this order.")]


@app.command("import")
def import_logs(account: AccountOption = None, json: JsonOption = False) -> None:
    """Take in what the marketplace wrote to your account since the last time; so often as you like.

    Example: entrepot mirakl money import
    """

    async def work(db: Database, chosen: Account) -> Imported:
        async with open_api(db, chosen) as api:
            return await take_in(db, chosen, api)

    try:
        done = with_account(account, work)
    except ServiceError as error:
        raise UnavailableError(
            str(error),
            hint="What was read is kept; `entrepot mirakl failures list` says when it is tried again.",
        ) from error
    counts = {
        "read": done.read,
        "applied": done.applied,
        "unchanged": done.unchanged,
        "rejected": done.rejected,
    }
    if json:
        print_json({**counts, "up_to": done.up_to})
        return
    print_line(
        f"Read {count_of(done.read, 'line')}: {done.applied} applied, {done.unchanged} unchanged, "
        f"{done.rejected} rejected."
    )
    if done.rejected:
        print_note("What was rejected is in `entrepot mirakl failures list`.")


@app.command("settle")
def show_settlements(
    since: SinceOption = None,
    order: OrderOption = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show what each order brought by the logs, what was taken of it, and what is left.

    Example: entrepot mirakl money settle --since 2026-01-01
    """
    found, of_none = _read(account, since, order)
    if json:
        print_json(
            {
                "orders": [_record(one) for one in found],
                "totals": [_part_record(total) for total in _totals(found)],
                "account": [{**asdict(lines), "net": lines.net} for lines in of_none],
                "counts": Counter(one.status for one in found),
            }
        )
        return
    rows = [
        [
            one.order_id,
            one.state,
            one.status,
            settlement.currency,
            *_figures(settlement),
            settlement.is_paid_out,
        ]
        for one in found
        for settlement in one.settlements
    ]
    columns = ["order", "state", "status", "currency", *_TITLES, "net", "paid out"]
    print_table(columns, rows, empty="The logs have no line of an order.")
    for total in _totals(found):
        print_line(
            f"{total.currency}: {total.net:,.2f} net of {count_of(total.lines, 'line')}; "
            f"price and shipping {total.price + total.shipping:,.2f}, commission {total.commission:,.2f}."
        )
    for lines in of_none:
        fees = ", ".join(f"{kind} {amount:,.2f}" for kind, amount in lines.fees.items()) or "none"
        print_line(
            f"{lines.currency}, of no order: fees and credits {fees}; paid out {-lines.paid_out:,.2f}."
        )
    waiting = sum(1 for one in found if one.status == "waiting")
    if waiting:
        print_line(f"{count_of(waiting, 'order')} without a line yet.")


@app.command("differences")
def show_differences(
    since: SinceOption = None,
    order: OrderOption = None,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show where orders and logs do not say the same, and why.

    Example: entrepot mirakl money differences --since 2026-01-01
    """
    found, _ = _read(account, since, order)
    differences = [difference for one in found for difference in one.differences]
    if json:
        print_json(
            {
                "orders": len(found),
                "differences": [{**asdict(one), "amount": one.amount} for one in differences],
            }
        )
        return
    print_table(
        ["order", "currency", "order says", "logs say", "difference", "why"],
        [
            [
                one.order_id,
                one.currency,
                _money(one.expected),
                _money(one.found),
                _money(one.amount),
                one.reason,
            ]
            for one in differences
        ],
        empty=f"{count_of(len(found), 'order')} looked at; orders and logs say the same.",
    )


_TITLES = [part.replace("_", " ") for part in PARTS]


def _read(code: str | None, since: str | None, order: str | None) -> tuple[list[Settled], list[AccountLines]]:
    moment = _moment(since)

    async def work(session: AsyncSession, chosen: Account) -> tuple[list[Settled], list[AccountLines]]:
        found = [one async for one in settle(session, chosen.account_id, since=moment, order_id=order)]
        if order is not None and not found:
            raise NotFoundError(f"There is no order {order!r}, and no line of one.", where={"order": order})
        of_none = [] if order else await of_account(session, chosen.account_id, since=moment)
        return found, of_none

    return in_account(code, work)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no date.", hint="Write it as 2026-01-31.", where={"path": "since"}
        ) from None
    return found if found.tzinfo else found.astimezone()


def _totals(found: Iterable[Settled]) -> list[Settlement]:
    """The sums of all orders, a currency each."""
    sums: dict[str, dict[str, Any]] = {}
    for one in found:
        for settlement in one.settlements:
            of_currency = sums.setdefault(settlement.currency, {})
            for name in (*PARTS, "lines", "paid"):
                of_currency[name] = of_currency.get(name, 0) + getattr(settlement, name)
    return [Settlement("", currency, **parts) for currency, parts in sums.items()]


def _figures(settlement: Settlement) -> list[str | None]:
    return [*(_money(getattr(settlement, part) or None) for part in PARTS), _money(settlement.net)]


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:,.2f}"


def _record(one: Settled) -> dict[str, Any]:
    return {
        "order_id": one.order_id,
        "state": one.state,
        "status": one.status,
        "settlements": [_part_record(settlement) for settlement in one.settlements],
        "differences": [difference.code for difference in one.differences],
    }


def _part_record(settlement: Settlement) -> dict[str, Any]:
    return {
        "currency": settlement.currency,
        **{part: getattr(settlement, part) or ZERO for part in PARTS},
        "net": settlement.net,
        "lines": settlement.lines,
        "paid_out": settlement.is_paid_out,
    }
