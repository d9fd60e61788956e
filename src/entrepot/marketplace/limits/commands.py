"""`entrepot limit`: limits consumed, checked and held from a shell, and who has used how much."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
import typer

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import JsonOption, as_record, print_json, print_line, print_table
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.limits.answers import Answer, Settled
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.explaining import explain
from entrepot.marketplace.limits.refusing import refusal
from entrepot.marketplace.limits.schemas import named, shown
from entrepot.marketplace.limits.usage import list_usage
from entrepot.marketplace.platforms.platforms import choose_platform

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Consume limits, hold parts of them, and show their use."
)
T = TypeVar("T")
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Key of the limit.")]
IdArgument = Annotated[UUID, typer.Argument(metavar="ID", help="The reservation, or the lease.")]
EntityOption = Annotated[str, typer.Option("--entity", help="Whose use is counted, such as seller-7.")]
AmountOption = Annotated[int, typer.Option(help="How much.")]
ContextOption = Annotated[str | None, typer.Option(help="Attributes that decide which limit holds, as JSON.")]
SecondsOption = Annotated[
    float | None, typer.Option(help="How long it holds; what the limit says without it.")
]
LeaseOption = Annotated[bool, typer.Option("--lease", help="It is a lease, of a concurrent limit.")]
PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="CODE", help="The platform; needed where there are several."),
]


@app.command()
def consume(
    key: KeyArgument,
    entity: EntityOption,
    amount: AmountOption = 1,
    context: ContextOption = None,
    request_id: Annotated[
        UUID | None, typer.Option(help="An id of your own: the same request counts once.")
    ] = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Use an amount of a limit; the exit code is 6 where it is denied.

    Example: entrepot limit consume listings.created --entity seller-7 --amount 5
    """
    given = _context(context)
    answer = _run(
        platform,
        lambda limits, platform_id: limits.consume(
            platform_id, key, entity, amount, given, request_id=request_id
        ),
    )
    _tell(answer, json)


@app.command()
def check(
    key: KeyArgument,
    entity: EntityOption,
    amount: AmountOption = 1,
    context: ContextOption = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether an amount could be used now; nothing is counted."""
    given = _context(context)
    answer = _run(platform, lambda limits, platform_id: limits.check(platform_id, key, entity, amount, given))
    _tell(answer, json, refuse=False)


@app.command()
def reserve(
    key: KeyArgument,
    entity: EntityOption,
    amount: AmountOption = 1,
    context: ContextOption = None,
    seconds: SecondsOption = None,
    lease: LeaseOption = False,
    hold: Annotated[
        UUID | None,
        typer.Option(
            "--id", metavar="ID", help="An id of your own: the same request gives the same reservation."
        ),
    ] = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Hold an amount until it is committed or released, or expires; with --lease a place of a concurrent limit.

    Example: entrepot limit reserve listings.created --entity seller-7 --amount 5 --seconds 60
    """
    given = _context(context)

    async def work(limits: LimitEngine, platform_id: UUID) -> Answer:
        if lease:
            return await limits.acquire(
                platform_id, key, entity, amount, given, seconds=seconds, lease_id=hold
            )
        return await limits.reserve(
            platform_id, key, entity, amount, given, seconds=seconds, reservation_id=hold
        )

    answer = _run(platform, work)
    _tell(answer, json)
    if not json:
        print_line(f"Held as {answer.id} until {answer.expires_at:%Y-%m-%d %H:%M:%S} UTC.")


@app.command()
def commit(
    hold: IdArgument,
    amount: Annotated[int | None, typer.Option(help="How much of it; the rest is given back.")] = None,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Have a reservation count for good."""
    _tell_settled(_run(platform, lambda limits, platform_id: limits.commit(platform_id, hold, amount)), json)


@app.command()
def release(
    hold: IdArgument, lease: LeaseOption = False, platform: PlatformOption = None, json: JsonOption = False
) -> None:
    """Give a reservation, or with --lease a lease, back."""

    async def work(limits: LimitEngine, platform_id: UUID) -> Settled:
        give = limits.release_lease if lease else limits.release
        return await give(platform_id, hold)

    _tell_settled(_run(platform, work), json)


@app.command()
def renew(
    hold: IdArgument,
    seconds: Annotated[float, typer.Option(help="Seconds from now until it expires.")] = 60,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Keep a lease for longer."""
    _tell_settled(
        _run(platform, lambda limits, platform_id: limits.renew(platform_id, hold, seconds=seconds)), json
    )


@app.command("give-back")
def give_back(
    key: KeyArgument,
    entity: EntityOption,
    amount: AmountOption = 1,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Say that what counted in a total limit is gone."""
    given = _run(platform, lambda limits, platform_id: limits.give_back(platform_id, key, entity, amount))
    if json:
        print_json({"given_back": given})
    else:
        print_line(f"Gave back {given:,}.")


@app.command()
def usage(
    key: KeyArgument,
    entity: Annotated[str | None, typer.Option("--entity", help="Only this entity.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 30,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show who has used most of a limit in the window that runs now."""

    async def work(db: Database, engines: Engines, platform_id: UUID) -> list[dict[str, Any]]:
        rule = (await engines.limits.limits(platform_id))[key].default
        async with db.tenant(platform_id=platform_id) as session:
            page = await list_usage(session, platform_id, rule, entity_id=entity, limit=limit)
        return [named(row) for row in page.rows]

    rows = _open(platform, work)
    if json:
        print_json({"items": rows})
        return
    print_table(
        ["entity", "used", "limit", "share", "resets"],
        [
            [
                row["entity_id"],
                row["used"],
                row["limit"],
                None if row["share"] is None else f"{row['share']:.0%}",
                row["reset_at"],
            ]
            for row in rows
        ],
        empty=f"Nobody has used anything of {key} in this window.",
    )


def _open(platform: str | None, work: Callable[[Database, Engines, UUID], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened(pool_size=2) as db, Engines.opened(db) as engines:
            return await work(db, engines, (await choose_platform(db, platform)).platform_id)

    return asyncio.run(run())


def _run(platform: str | None, work: Callable[[LimitEngine, UUID], Awaitable[T]]) -> T:
    return _open(platform, lambda _, engines, platform_id: work(engines.limits, platform_id))


def _context(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(
            f"The context is no JSON: {error}.",
            hint="""For one: --context '{"seller_tier": "GOLD"}'""",
            where={"path": "context"},
        ) from error
    if not isinstance(found, dict):
        raise InvalidInputError(
            f"A context is an object, not {type(found).__name__}.", where={"path": "context"}
        )
    return found


def _tell(answer: Answer, as_json: bool, *, refuse: bool = True) -> None:
    if refuse and not answer.allowed:
        raise refusal(answer)
    if as_json:
        print_json(shown(answer))
        return
    for line in explain(answer):
        print_line(line)


def _tell_settled(settled: Settled, as_json: bool) -> None:
    if as_json:
        print_json(as_record(settled))
    else:
        print_line(
            f"{settled.key} of {settled.entity_id}: {settled.amount:,} {settled.state.lower()}"
            + (f", {settled.settled_amount:,} counted." if settled.settled_amount is not None else ".")
        )
