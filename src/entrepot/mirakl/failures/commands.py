"""`entrepot mirakl failures` and `calls`: what went wrong, trying again, and what was said to outside services."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.kit.output import JsonOption, count_of, print_fields, print_json, print_line, print_table
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.accounts.choosing import AccountOption, in_account
from entrepot.mirakl.failures import inbox, queries

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Show, retry and resolve failures.")
IdArgument = Annotated[
    UUID, typer.Argument(metavar="ID", help="The failure, as `entrepot mirakl failures list` shows it.")
]
MAX = 500


@app.command("list")
def list_all(
    every: Annotated[bool, typer.Option("--all", help="Show resolved ones as well.")] = False,
    order: Annotated[str | None, typer.Option(metavar="ORDER", help="Only those of an order.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX, help="Most that are shown.")] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show what went wrong and is not resolved, newest first, and what happens next."""

    async def work(session: AsyncSession, chosen: Account) -> Sequence[RowMapping]:
        states = None if every else ("open", "retrying")
        return await queries.select_failures(
            session, chosen.account_id, states=states, order_id=order, limit=limit
        )

    found = in_account(account, work)
    if json:
        print_json({"failures": [dict(row) for row in found]})
        return
    print_table(
        ["id", "since", "about", "step", "kind", *(["state"] if every else []), "what", "next"],
        [
            [
                str(row["failure_id"]),
                row["timestamp"],
                row["order_id"] or row["related_id"],
                row["process_name"],
                row["kind"],
                *([row["state"]] if every else []),
                row["details"],
                inbox.what_next(row),
            ]
            for row in found
        ],
        empty="Nothing went wrong." if every else "Nothing waits to be mended.",
    )


@app.command("show")
def show(failure: IdArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Show a failure, with the calls that were made for the same thing."""

    async def work(session: AsyncSession, chosen: Account) -> tuple[RowMapping, Sequence[RowMapping]]:
        row = await queries.select_failure(session, chosen.account_id, failure)
        if row is None:
            raise NotFoundError(f"There is no failure {failure}.", where={"failure_id": str(failure)})
        about = [one for one in (row["related_id"], row["order_id"]) if one]
        return row, await queries.select_calls(session, chosen.account_id, related_ids=about, limit=20)

    row, made = in_account(account, work)
    if json:
        print_json({**row, "can_be_retried": inbox.can_retry(row), "calls": [dict(one) for one in made]})
        return
    fields = {name.replace("_", " "): value for name, value in row.items() if name != "account_id"}
    print_fields({**fields, "what happens next": inbox.what_next(row)}, title=row["process_name"])
    print_line()
    _print_calls(made)


@app.command("retry")
def retry(failure: IdArgument, account: AccountOption = None, json: JsonOption = False) -> None:
    """Set the step that failed going again."""
    in_account(account, lambda session, chosen: inbox.retry(session, chosen.account_id, failure))
    if json:
        print_json({"failure_id": failure, "state": "retrying"})
    else:
        print_line("It is tried again; the failure resolves itself once the step went well.")


@app.command("resolve")
def resolve(
    failure: IdArgument,
    how: Annotated[str, typer.Option("--how", help="What was done about it.")],
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Mark a failure as mended by hand.

    Example: entrepot mirakl failures resolve 0199a5b0-0000-7000-8000-000000000000 --how "Label bought by hand."
    """
    in_account(
        account,
        lambda session, chosen: inbox.resolve(session, chosen.account_id, failure, by=None, resolution=how),
    )
    if json:
        print_json({"failure_id": failure, "state": "resolved", "resolution": how})
    else:
        print_line("Resolved.")


def calls(
    about: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those for this order, thread or shipment.")
    ] = None,
    service: Annotated[str | None, typer.Option(help="Only those to a service: Mirakl, CanadaPost.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that did not do what was asked.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=MAX, help="Most that are shown.")] = 50,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Show the calls to outside services, newest first, without secrets and personal data."""

    async def work(session: AsyncSession, chosen: Account) -> Sequence[RowMapping]:
        return await queries.select_calls(
            session,
            chosen.account_id,
            related_ids=[about] if about else None,
            service=service,
            failed_only=failed,
            limit=limit,
        )

    found = in_account(account, work)
    if json:
        print_json({"calls": [dict(row) for row in found]})
        return
    _print_calls(found)
    if len(found) == limit:
        print_line(f"The newest {count_of(limit, 'call')}; --limit shows more.")


def _print_calls(found: Sequence[RowMapping]) -> None:
    print_table(
        ["at", "service", "call", "method", "address", "about", "status", "outcome", "ms"],
        [
            [
                row["timestamp"],
                row["service"],
                row["operation"],
                row["method"],
                row["endpoint"],
                row["related_id"],
                str(row["status_code"] or "no answer"),
                row["outcome"],
                row["duration_ms"],
            ]
            for row in found
        ],
        empty="No call was made.",
    )
