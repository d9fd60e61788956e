"""`entrepot platform`: the marketplaces that are run here, and who works on them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.output import JsonOption, print_json, print_line, print_table
from entrepot.marketplace.platforms import platforms
from entrepot.pim.tenants.doors import StaffDoors

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Add platforms and their members.")
T = TypeVar("T")
CodeArgument = Annotated[
    str, typer.Argument(metavar="CODE", help="Short name of the platform, such as my-market.")
]


def _run(work: Callable[[Database, AsyncSession], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened(pool_size=2) as db, db.system() as session:
            return await work(db, session)

    return asyncio.run(run())


@app.command("add")
def add(
    code: CodeArgument,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    country: Annotated[str, typer.Option(help="Country of the operator (ISO 3166-1).")] = "US",
    currency: Annotated[str, typer.Option(help="Currency (ISO 4217).")] = "USD",
    timezone: Annotated[str, typer.Option(help="Time zone in which its days begin (IANA).")] = "UTC",
    b2b: Annotated[bool, typer.Option("--b2b", help="Its buyers are businesses.")] = False,
    admin: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Make this person an admin of it at once.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Add a platform.

    Example: entrepot platform add my-market --currency EUR --timezone Europe/Paris --admin me@example.com
    """

    async def work(db: Database, session: AsyncSession) -> platforms.Platform:
        user = await StaffDoors(db).find_user(admin) if admin else None
        made = await platforms.add_platform(
            session,
            code,
            name or code,
            country=country.upper(),
            currency=currency.upper(),
            time_zone=timezone,
            kind="B2B" if b2b else "B2C",
        )
        if user is not None:
            await platforms.set_member(session, made.platform_id, user, "admin")
        return made

    made = _run(work)
    if json:
        print_json(_shown(made))
    else:
        print_line(f"Added {made.name} ({made.code}), {made.currency}, {made.time_zone}.")


@app.command("list")
def list_all(json: JsonOption = False) -> None:
    """Show the platforms."""
    found = _run(lambda _db, session: platforms.list_platforms(session))
    if json:
        print_json({"platforms": [_shown(platform) for platform in found]})
        return
    print_table(
        ["code", "name", "country", "currency", "time zone", "kind"],
        [[p.code, p.name, p.country, p.currency, p.time_zone, p.kind] for p in found],
        empty="There is no platform yet.",
    )


@app.command()
def member(
    code: CodeArgument,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")],
    role: Annotated[str, typer.Option(help="viewer, editor or admin.")] = "viewer",
    remove: Annotated[bool, typer.Option("--remove", help="Take the person off the platform.")] = False,
    json: JsonOption = False,
) -> None:
    """Give a person a role on a platform, or take them off it."""

    async def work(db: Database, session: AsyncSession) -> None:
        platform = await platforms.find_platform(session, code)
        user = await StaffDoors(db).find_user(email)
        if remove:
            await platforms.remove_member(session, platform.platform_id, user)
        else:
            await platforms.set_member(session, platform.platform_id, user, role)

    _run(work)
    if json:
        print_json({"platform": code, "email": email, "role": None if remove else role})
    else:
        print_line(f"{email} is {'no member' if remove else role} of {code}{' any more' if remove else ''}.")


def _shown(platform: platforms.Platform) -> dict[str, Any]:
    return {
        "platform_id": str(platform.platform_id),
        "code": platform.code,
        "name": platform.name,
        "country": platform.country,
        "currency": platform.currency,
        "time_zone": platform.time_zone,
        "kind": platform.kind,
    }
