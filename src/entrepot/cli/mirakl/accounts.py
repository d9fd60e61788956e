"""`entrepot mirakl accounts` and `members`: the marketplaces that are sold on, and who works there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.output import JsonOption, print_fields, print_json, print_line, print_note, print_table
from entrepot.kit.telemetry import new_trace_id
from entrepot.mirakl.accounts import accounts as functions
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.accounts.changing import change_account, limits_said
from entrepot.mirakl.accounts.commands import read_secret
from entrepot.pim.tenants.doors import StaffDoors

accounts = typer.Typer(add_completion=False, no_args_is_help=True, help="Add and show accounts.")
members = typer.Typer(add_completion=False, no_args_is_help=True, help="Give people roles in accounts.")
T = TypeVar("T")

CodeArgument = Annotated[
    str, typer.Argument(metavar="CODE", help="Short name of the account, such as best-buy.")
]
EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]
KeyOption = Annotated[bool, typer.Option("--key-stdin", help="Read the API key from standard input.")]


def _run(work: Callable[[Database, AsyncSession], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened(pool_size=2) as db, db.system(trace_id=new_trace_id()) as session:
            return await work(db, session)

    return asyncio.run(run())


@accounts.command("add")
def add(
    code: CodeArgument,
    url: Annotated[
        str,
        typer.Option(metavar="URL", help="Root of the marketplace's API."),
    ],
    marketplace: Annotated[str | None, typer.Option(help="What people call the marketplace.")] = None,
    shop: Annotated[
        int | None, typer.Option(help="Number of your shop there, where you have several.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency (ISO 4217).")] = "CAD",
    timezone: Annotated[str, typer.Option(help="Time zone of business hours (IANA).")] = "UTC",
    every: Annotated[int, typer.Option(help="Seconds between two looks at the marketplace.")] = 300,
    admin: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Make this person an admin of it at once.")
    ] = None,
    key_stdin: KeyOption = False,
    json: JsonOption = False,
) -> None:
    """Add an account on a marketplace. The API key is asked for, or read from standard input.

    Example: entrepot mirakl accounts add best-buy --url https://marketplace.example/api --currency CAD --key-stdin
    """
    key = read_secret("API key", stdin=key_stdin, option="--key-stdin")

    async def work(db: Database, session: AsyncSession) -> Account:
        user = await StaffDoors(db).find_user(admin) if admin else None
        made = await functions.add_account(
            session,
            Keyring.open(db.settings),
            code,
            marketplace=marketplace or code,
            api_url=url,
            api_key=key,
            mirakl_shop_id=shop,
            currency=currency.upper(),
            time_zone=timezone,
            poll_seconds=every,
        )
        if user is not None:
            await functions.set_member(session, made.account_id, user, "admin")
        return made

    made = _run(work)
    if json:
        print_json(_record(made))
        return
    print_line(f"Added {made.marketplace} ({made.code}), {made.currency}, {made.time_zone}.")
    print_note(f"Next: entrepot mirakl carriers set canada-post --account {made.code} --help")


@accounts.command("list")
def list_all(json: JsonOption = False) -> None:
    """Show the accounts."""
    found = _run(lambda _db, session: functions.list_accounts(session))
    if json:
        print_json({"accounts": [_record(account) for account in found]})
        return
    print_table(
        ["code", "marketplace", "address", "currency", "looked at", "every", "orders up to"],
        [
            [
                one.code,
                one.marketplace,
                one.api_url,
                one.currency,
                one.is_active,
                f"{one.poll_seconds} s",
                one.orders_updated_since,
            ]
            for one in found
        ],
        empty="There is no account yet. `entrepot mirakl accounts add CODE` adds one.",
    )


@accounts.command("show")
def show(code: CodeArgument, json: JsonOption = False) -> None:
    """Show an account, up to where it was taken in, its carriers and its members."""

    async def work(
        db: Database, session: AsyncSession
    ) -> tuple[Account, list[functions.Carrier], list[tuple[str, str]]]:
        account = await functions.find_account(session, code)
        held = await functions.list_members(session, account.account_id)
        names = await StaffDoors(db).name_users([user for user, _ in held])
        people = [(names.get(user, str(user)), role) for user, role in held]
        return account, await functions.list_carriers(session, account.account_id), people

    account, carriers, people = _run(work)
    if json:
        print_json(
            {
                **_record(account),
                "carriers": [carrier.carrier for carrier in carriers],
                "members": [{"person": person, "role": role} for person, role in people],
            }
        )
        return
    fields = {name.replace("_", " "): value for name, value in _record(account).items()}
    print_fields({**fields, "carriers": [carrier.carrier for carrier in carriers]}, title=account.marketplace)
    print_line()
    print_table(["person", "role"], people, empty="It has no members yet.")


@accounts.command("change")
def change(
    code: CodeArgument,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Root of the marketplace's API.")] = None,
    marketplace: Annotated[str | None, typer.Option(help="What people call the marketplace.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Time zone of business hours (IANA).")] = None,
    every: Annotated[int | None, typer.Option(help="Seconds between two looks at the marketplace.")] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            metavar="CALL=N/SECONDS",
            help="Most calls of an operation, CALL=none for no limit; in place of all that were set before.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Change what is given of an account, and leave the rest.

    Example: entrepot mirakl accounts change best-buy --every 120 --limit OR11=1/60
    """
    limits = limits_said(limit) if limit else None

    async def work(_db: Database, session: AsyncSession) -> Account:
        account = await functions.find_account(session, code)
        return await change_account(
            session,
            account.account_id,
            marketplace=marketplace,
            api_url=url,
            time_zone=timezone,
            poll_seconds=every,
            call_limits=limits,
        )

    changed = _run(work)
    if json:
        print_json({**_record(changed), "call_limits": changed.settings.get("call_limits")})
    else:
        print_line(f"Changed {changed.code}: {changed.api_url}, every {changed.poll_seconds} seconds.")


@accounts.command("key")
def key(code: CodeArgument, key_stdin: KeyOption = False, json: JsonOption = False) -> None:
    """Replace the API key of an account; the next call uses it.

    Example: entrepot mirakl accounts key best-buy --key-stdin
    """
    value = read_secret("API key", stdin=key_stdin, option="--key-stdin")

    async def work(db: Database, session: AsyncSession) -> None:
        account = await functions.find_account(session, code)
        await functions.set_api_key(session, Keyring.open(db.settings), account.account_id, value)

    _run(work)
    if json:
        print_json({"code": code, "key": "replaced"})
    else:
        print_line(f"{code} has a new API key.")


@accounts.command("pause")
def pause(
    code: CodeArgument,
    resume: Annotated[bool, typer.Option("--resume", help="Go on instead.")] = False,
    json: JsonOption = False,
) -> None:
    """Stop looking at a marketplace, or go on; what was taken in stays."""

    async def work(_db: Database, session: AsyncSession) -> None:
        account = await functions.find_account(session, code)
        await functions.set_active(session, account.account_id, is_active=resume)

    _run(work)
    if json:
        print_json({"code": code, "is_active": resume})
    else:
        print_line(f"{code} is {'looked at again' if resume else 'not looked at until it is resumed'}.")


@members.command("set")
def set_member(
    code: CodeArgument,
    email: EmailArgument,
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
    json: JsonOption = False,
) -> None:
    """Give a person a role in an account.

    Example: entrepot mirakl members set best-buy me@example.com --role admin
    """

    async def work(db: Database, session: AsyncSession) -> None:
        account = await functions.find_account(session, code)
        await functions.set_member(session, account.account_id, await StaffDoors(db).find_user(email), role)

    _run(work)
    if json:
        print_json({"account": code, "email": email, "role": role})
    else:
        print_line(f"{email} is {role} of {code}.")


@members.command("remove")
def remove_member(code: CodeArgument, email: EmailArgument, json: JsonOption = False) -> None:
    """Take a person out of an account."""

    async def work(db: Database, session: AsyncSession) -> None:
        account = await functions.find_account(session, code)
        await functions.remove_member(session, account.account_id, await StaffDoors(db).find_user(email))

    _run(work)
    if json:
        print_json({"account": code, "email": email, "role": None})
    else:
        print_line(f"{email} is no member of {code} any more.")


def _record(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "code": account.code,
        "marketplace": account.marketplace,
        "api_url": account.api_url,
        "shop_id": account.mirakl_shop_id,
        "currency": account.currency,
        "time_zone": account.time_zone,
        "is_active": account.is_active,
        "poll_seconds": account.poll_seconds,
        "orders_updated_since": account.orders_updated_since,
        "threads_updated_since": account.threads_updated_since,
        "transactions_since": account.transactions_since,
    }
