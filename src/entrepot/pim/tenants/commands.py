"""`entrepot shops`, `staff`, `tokens` and `keys`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import (
    JsonOption,
    as_record,
    count_of,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.kit.progress import reporting
from entrepot.kit.telemetry import new_trace_id
from entrepot.pim.tenants import keys as key_rotation
from entrepot.pim.tenants import passwords
from entrepot.pim.tenants import shops as shop_functions
from entrepot.pim.tenants import staff as staff_functions
from entrepot.pim.tenants import tokens as token_functions
from entrepot.pim.tenants.schemas import ApiToken, IssuedToken, Shop, StaffMember

shops = typer.Typer(add_completion=False, no_args_is_help=True, help="Add and show shops.")
staff = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Add the people of a shop and set their passwords."
)
tokens = typer.Typer(add_completion=False, no_args_is_help=True, help="Make, list and revoke API tokens.")
keys = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Show and rotate the keys that seal secrets."
)

T = TypeVar("T")

DomainArgument = Annotated[
    str, typer.Argument(metavar="DOMAIN", help="The shop's domain, such as my-shop.myshopify.com.")
]
EmailArgument = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")]
ShopOption = Annotated[str, typer.Option("--shop", metavar="DOMAIN", help="The shop's domain.")]
AdminOption = Annotated[
    bool, typer.Option("--admin", help="Make the person an administrator, who also sees global data.")
]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
GenerateOption = Annotated[
    bool, typer.Option("--generate-password", help="Make a password and print it once.")
]


def _in_system(work: Callable[[AsyncSession, Database], Awaitable[T]]) -> T:
    """Run a function in one system transaction of a database opened for it."""

    async def run() -> T:
        async with Database.opened(pool_size=2) as db, db.system(trace_id=new_trace_id()) as session:
            return await work(session, db)

    return asyncio.run(run())


def _password(*, stdin: bool, generate: bool) -> tuple[str, bool]:
    """The password for a command, and whether it was made here. It is never an argument, which others could read."""
    if generate and stdin:
        raise InvalidInputError("--password-stdin and --generate-password cannot both be given.")
    if generate:
        return passwords.generate_password(), True
    if stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if not sys.stdin.isatty():
        raise InvalidInputError(
            "There is no terminal to ask for a password on.",
            hint="Give --password-stdin or --generate-password.",
        )
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)), False


def _tell_password(password: str) -> None:
    print_line(f"Password: {password}")
    print_note("It is shown this once; only its hash is kept.")


@shops.command("add")
def add_shop(
    domain: DomainArgument,
    currency: Annotated[str, typer.Option(help="Currency of the shop (ISO 4217).")] = "USD",
    timezone: Annotated[str, typer.Option(help="Time zone of the shop (IANA).")] = "UTC",
    name: Annotated[str | None, typer.Option(help="What the shop calls itself.")] = None,
    plan: Annotated[str, typer.Option(help="basic, pro or enterprise.")] = "basic",
    email: Annotated[str | None, typer.Option(help="Add this person as well, who can sign in.")] = None,
    admin: AdminOption = False,
    password_stdin: StdinOption = False,
    generate_password: GenerateOption = False,
    json: JsonOption = False,
) -> None:
    """Add a shop, and with --email its first member.

    Examples:

    entrepot shops add my-shop.myshopify.com --currency CAD --timezone America/Toronto

    entrepot shops add my-shop.myshopify.com --email me@example.com --generate-password
    """
    password, generated = (
        _password(stdin=password_stdin, generate=generate_password) if email else ("", False)
    )

    async def work(session: AsyncSession, db: Database) -> tuple[Shop, StaffMember | None]:
        keyring = Keyring.open(db.settings)
        shop = await shop_functions.add_shop(
            session, keyring, domain, currency=currency, timezone=timezone, name=name, plan=plan
        )
        member = (
            await staff_functions.add_staff(session, shop, email, password, admin=admin) if email else None
        )
        return shop, member

    shop, member = _in_system(work)
    if json:
        record = {"shop_id": shop.shop_id, "domain": shop.domain}
        print_json(record | _member_record(member, password if generated else None) if member else record)
        return
    print_line(f"Added {shop.domain} ({shop.currency}, {shop.timezone}).")
    if member:
        print_line(f"Added {member.email}.")
    if generated:
        _tell_password(password)
    print_note(f"Next: entrepot shopify import FILE --shop {shop.domain}")


@shops.command("list")
def list_shops(json: JsonOption = False) -> None:
    """List the shops."""

    async def work(session: AsyncSession, _db: Database) -> list[Shop]:
        return await shop_functions.list_shops(session)

    found = _in_system(work)
    if json:
        print_json({"shops": [as_record(shop) for shop in found]})
        return
    rows = [
        (
            shop.domain,
            shop.settings.get("name"),
            shop.plan,
            shop.currency,
            shop.timezone,
            shop.connected,
            shop.installed_at,
        )
        for shop in found
    ]
    columns = ("domain", "name", "plan", "currency", "time zone", "connected", "added")
    print_table(columns, rows, empty="There are no shops yet. `entrepot shops add DOMAIN` adds one.")


@shops.command("show")
def show_shop(domain: DomainArgument, json: JsonOption = False) -> None:
    """Show a shop and its members."""

    async def work(session: AsyncSession, _db: Database) -> tuple[Shop, list[StaffMember]]:
        shop = await shop_functions.find_shop(session, domain)
        return shop, await staff_functions.list_staff(session, shop.shop_id)

    shop, members = _in_system(work)
    if json:
        print_json({**as_record(shop), "staff": [as_record(member) for member in members]})
        return
    print_fields({**as_record(shop), "settings": shop.settings or None}, title=shop.name)
    print_line()
    _print_members(members)


@staff.command("add")
def add_member(
    email: EmailArgument,
    shop: ShopOption,
    admin: AdminOption = False,
    first_name: Annotated[str | None, typer.Option(help="Given name.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Family name.")] = None,
    password_stdin: StdinOption = False,
    generate_password: GenerateOption = False,
    json: JsonOption = False,
) -> None:
    """Add a person to a shop. The password is asked for unless one of the password options is given.

    Example: entrepot staff add ann@example.com --shop my-shop.myshopify.com --generate-password
    """
    password, generated = _password(stdin=password_stdin, generate=generate_password)

    async def work(session: AsyncSession, _db: Database) -> StaffMember:
        found = await shop_functions.find_shop(session, shop)
        return await staff_functions.add_staff(
            session, found, email, password, first_name=first_name, last_name=last_name, admin=admin
        )

    member = _in_system(work)
    if json:
        print_json({"shop_id": member.shop_id, **_member_record(member, password if generated else None)})
        return
    print_line(
        f"Added {member.email} to {member.shop_domain}{' as an administrator' if member.admin else ''}."
    )
    if generated:
        _tell_password(password)


@staff.command("passwd")
def change_password(
    email: EmailArgument,
    shop: ShopOption,
    password_stdin: StdinOption = False,
    generate_password: GenerateOption = False,
    json: JsonOption = False,
) -> None:
    """Set a person's password and end their sessions.

    Example: entrepot staff passwd ann@example.com --shop my-shop.myshopify.com
    """
    password, generated = _password(stdin=password_stdin, generate=generate_password)

    async def work(session: AsyncSession, _db: Database) -> tuple[StaffMember, int]:
        found = await shop_functions.find_shop(session, shop)
        member = await staff_functions.find_staff(session, found, email)
        return member, await staff_functions.set_password(session, member, password)

    member, ended = _in_system(work)
    if json:
        record = _member_record(member, password if generated else None)
        print_json({"shop_id": member.shop_id, **record, "sessions_ended": ended})
        return
    print_line(f"Set the password of {member.email}; {count_of(ended, 'session')} ended.")
    if generated:
        _tell_password(password)


@staff.command("admin")
def change_admin(
    email: EmailArgument,
    shop: ShopOption,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the flag away instead.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a person an administrator, who also sees and changes global data."""

    async def work(session: AsyncSession, _db: Database) -> StaffMember:
        found = await shop_functions.find_shop(session, shop)
        member = await staff_functions.find_staff(session, found, email)
        return await staff_functions.set_admin(session, member, not revoke)

    member = _in_system(work)
    if json:
        print_json({"shop_id": member.shop_id, **_member_record(member, None)})
    else:
        print_line(f"{member.email} is {'now' if member.admin else 'no longer'} an administrator.")


@staff.command("list")
def list_members(shop: ShopOption, json: JsonOption = False) -> None:
    """List the people of a shop."""

    async def work(session: AsyncSession, _db: Database) -> list[StaffMember]:
        found = await shop_functions.find_shop(session, shop)
        return await staff_functions.list_staff(session, found.shop_id)

    members = _in_system(work)
    if json:
        print_json({"staff": [as_record(member) for member in members]})
    else:
        _print_members(members)


def _member_record(member: StaffMember, password: str | None) -> dict[str, object]:
    record: dict[str, object] = {"user_id": member.user_id, "email": member.email, "admin": member.admin}
    return record | ({"password": password} if password is not None else {})


def _print_members(members: list[StaffMember]) -> None:
    rows = [(member.email, member.name, member.admin, member.last_login_at) for member in members]
    empty = "Nobody can sign in yet. `entrepot staff add EMAIL --shop DOMAIN` adds a person."
    print_table(("address", "name", "administrator", "last sign-in"), rows, empty=empty)


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    shop: ShopOption,
    email: Annotated[str, typer.Option(help="The member that the token acts for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="read, write or admin; may be given several times.")
    ] = None,
    days: Annotated[int, typer.Option(min=0, help="Days until it expires; 0 for never.")] = 365,
    json: JsonOption = False,
) -> None:
    """Make an API token and print it once.

    Example: entrepot tokens create nightly-export --shop my-shop.myshopify.com --email ann@example.com --scope read
    """

    async def work(session: AsyncSession, _db: Database) -> IssuedToken:
        found = await shop_functions.find_shop(session, shop)
        member = await staff_functions.find_staff(session, found, email)
        return await token_functions.create_token(
            session,
            found.shop_id,
            member.user_id,
            name,
            scopes=scope or ("read",),
            expires_in=timedelta(days=days) if days else None,
        )

    issued = _in_system(work)
    if json:
        print_json({"token": issued.token, **as_record(issued.record)})
        return
    print_line(issued.token)
    print_note("It is shown this once; only its hash is kept.")


@tokens.command("list")
def list_tokens(shop: ShopOption, json: JsonOption = False) -> None:
    """List a shop's API tokens."""

    async def work(session: AsyncSession, _db: Database) -> tuple[list[ApiToken], list[StaffMember]]:
        found = await shop_functions.find_shop(session, shop)
        held = await token_functions.list_tokens(session, found.shop_id)
        return held, await staff_functions.list_staff(session, found.shop_id)

    found, members = _in_system(work)
    if json:
        print_json({"tokens": [as_record(token) for token in found]})
        return
    emails = {member.user_id: member.email for member in members}
    at = now()
    rows = [
        (
            str(token.token_id),
            token.name,
            f"{token.prefix}…",
            emails.get(token.user_id),
            token.scopes,
            "active"
            if token_functions.is_active(token, at)
            else "revoked"
            if token.revoked_at
            else "expired",
            token.expires_at,
            token.last_used_at,
        )
        for token in found
    ]
    columns = ("id", "name", "token", "acts for", "scopes", "state", "expires", "last used")
    print_table(columns, rows, empty="The shop has no API tokens.")


@tokens.command("revoke")
def revoke_token(
    token_id: Annotated[
        UUID, typer.Argument(metavar="ID", help="The token's id, as `entrepot tokens list` shows it.")
    ],
    shop: ShopOption,
    json: JsonOption = False,
) -> None:
    """End an API token at once."""

    async def work(session: AsyncSession, _db: Database) -> None:
        found = await shop_functions.find_shop(session, shop)
        await token_functions.revoke_token(session, found.shop_id, token_id)

    _in_system(work)
    if json:
        print_json({"revoked": token_id})
    else:
        print_line("The token works no longer.")


@keys.command("status")
def key_status(json: JsonOption = False) -> None:
    """Show the versions of the key, how many shops and other secrets use each, and the latest rotations.

    Exit code 7 when a version is used that the keyring does not hold.
    """

    async def run() -> key_rotation.KeyStatus:
        async with Database.opened(pool_size=2) as db:
            return await key_rotation.key_status(db, Keyring.open(db.settings))

    found = asyncio.run(run())
    if json:
        print_json({**as_record(found), "outdated": found.outdated, "missing": found.missing})
    else:
        versions = sorted({*found.versions, *found.used})
        rows = [
            (
                str(version),
                version == found.current,
                version in found.versions,
                found.shops_by_version.get(version, 0),
                found.others_by_version.get(version, 0),
            )
            for version in versions
        ]
        print_table(("version", "current", "held", "shops", "other secrets"), rows)
        _print_rotations(found.rotations)
    if found.missing:
        raise typer.Exit(7)


@keys.command("rotate")
def rotate_keys(json: JsonOption = False) -> None:
    """Seal every secret under a new key, or finish a rotation that was cut short."""

    async def run() -> key_rotation.Rotation:
        with reporting("none" if json else "auto") as report:
            async with Database.opened(pool_size=3) as db:
                return await key_rotation.rotate_keys(db, report=report)

    done = asyncio.run(run())
    if json:
        print_json(as_record(done))
        return
    what = count_of(done.records, "record")
    print_line(f"The secrets of {what} went from key {done.old} to key {done.new}.")
    print_note("Back up the keyring: without it nothing that it sealed can be read.")


def _print_rotations(rotations: tuple[key_rotation.Rotation, ...]) -> None:
    rows = [
        (str(one.old), str(one.new), one.status, one.records, one.started_at, one.completed_at, one.error)
        for one in rotations
    ]
    columns = ("from", "to", "state", "records", "started", "ended", "error")
    print_table(columns, rows, empty="The keys have never been rotated.")
