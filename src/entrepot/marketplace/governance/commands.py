"""`entrepot governance`: centralized policies on the command line."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
import yaml
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import JsonOption, print_fields, print_json, print_line, print_note, print_table
from entrepot.kit.telemetry import new_trace_id
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.governance import files, keeping, resolving
from entrepot.marketplace.governance.carts import ask_experiment, find_standings, quote_governed
from entrepot.marketplace.governance.keeping import Governed
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS, kind_of
from entrepot.marketplace.governance.promotions import governed_discount
from entrepot.marketplace.governance.resolving import Subject
from entrepot.marketplace.platforms.platforms import choose_platform
from entrepot.marketplace.pricing.money import format_amount, minor_digits

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Keep the centralized policies: commission, promotion, payout, tax, compliance and the others.",
)
T = TypeVar("T")
KindArgument = Annotated[
    str, typer.Argument(metavar="KIND", help=f"Kind of policy: {', '.join(GOVERNED_KINDS)}.")
]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Name of the version.")]
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="YAML or JSON file, or - for standard input.")
]
PlatformOption = Annotated[
    str | None, typer.Option("--platform", metavar="CODE", help="Platform; the only one without it.")
]
CountryOption = Annotated[str | None, typer.Option("--country", help="Country (ISO 3166-1), or * for any.")]
TypeOption = Annotated[str | None, typer.Option("--seller-type", help="Type of seller, or * for any.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why; kept in the history.")]
SubjectOption = Annotated[
    str | None, typer.Option("--subject", metavar="TYPE:ID", help="Whose version, such as SELLER:s-17.")
]


def _run_with(code: str | None, work: Callable[[Database, UUID], Awaitable[T]]) -> T:
    """Run a function on the platform."""

    async def run() -> T:
        async with Database.opened(pool_size=2) as db:
            return await work(db, (await choose_platform(db, code)).platform_id)

    return asyncio.run(run())


def _run(code: str | None, work: Callable[[AsyncSession, UUID], Awaitable[T]]) -> T:
    """Run a function in one transaction of the platform."""

    async def run(db: Database, platform_id: UUID) -> T:
        async with db.tenant(platform_id=platform_id, trace_id=new_trace_id()) as session:
            return await work(session, platform_id)

    return _run_with(code, run)


@app.command("list")
def list_all(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="Only this kind.")] = None,
    platform: PlatformOption = None,
    country: CountryOption = None,
    seller_type: TypeOption = None,
    json: JsonOption = False,
) -> None:
    """Show the versions of policies."""
    wanted = [kind_of(kind)] if kind else [*GOVERNED_KINDS.values()]

    async def work(session: AsyncSession, platform_id: UUID) -> list[Governed]:
        return [
            policy
            for one in wanted
            for policy in await keeping.list_policies(
                session, one, platform_id, country=country, seller_type=seller_type
            )
        ]

    found = _run(platform, work)
    if json:
        print_json({"policies": [policy.as_dict() for policy in found]})
        return
    print_table(
        ["kind", "version", "country", "seller type", "state", "from", "to", "trial"],
        [
            [
                policy.kind,
                policy.policy_version,
                policy.document.country_code,
                policy.document.seller_type,
                policy.state,
                policy.document.effective_from,
                policy.document.effective_to,
                policy.document.is_trial,
            ]
            for policy in found
        ],
        empty="There is no policy yet.",
    )


@app.command()
def show(
    kind: KindArgument,
    version: VersionArgument,
    platform: PlatformOption = None,
    country: CountryOption = None,
    seller_type: TypeOption = None,
    json: JsonOption = False,
) -> None:
    """Show a version as a file has it."""

    async def work(session: AsyncSession, platform_id: UUID) -> Governed:
        return await keeping.find_policy(
            session, kind_of(kind), platform_id, version, country=country, seller_type=seller_type
        )

    found = _run(platform, work)
    if json:
        print_json(found.as_dict())
    else:
        sys.stdout.write(files.write_text([found]))


@app.command("set")
def set_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML file of policies.")],
    platform: PlatformOption = None,
    publish: Annotated[bool, typer.Option("--publish", help="Publish what is new at once.")] = False,
    json: JsonOption = False,
) -> None:
    """Keep the policies of a file as drafts: all of them, or none where one cannot be kept.

    What is there already is left alone, so the same file can be given again.
    """
    written = files.read_file(file)

    async def work(session: AsyncSession, platform_id: UUID) -> list[dict[str, Any]]:
        done = []
        for kind, document, path in written:
            saved, changed = await keeping.save_draft(session, kind, platform_id, document, path=path)
            outcome = "saved" if changed else "unchanged"
            if publish and saved.state == "DRAFT":
                saved = await keeping.publish(session, kind, platform_id, saved.policy_id)
                outcome = "published"
            done.append(
                {"kind": kind.name, "reference": saved.reference, "outcome": outcome, "state": saved.state}
            )
        return done

    done = _run(platform, work)
    if json:
        print_json({"policies": done})
        return
    for one in done:
        print_line(f"{one['kind']} {one['reference']}: {one['outcome']} ({one['state'].lower()})")


@app.command()
def publish(
    kind: KindArgument,
    version: VersionArgument,
    platform: PlatformOption = None,
    country: CountryOption = None,
    seller_type: TypeOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """Publish a draft; the version before it ends where it begins."""

    async def work(session: AsyncSession, platform_id: UUID) -> Governed:
        found = await keeping.find_policy(
            session, kind_of(kind), platform_id, version, country=country, seller_type=seller_type
        )
        return await keeping.publish(session, kind_of(kind), platform_id, found.policy_id, reason=reason)

    _print_step(_run(platform, work), "is in force from", json=json)


@app.command()
def withdraw(
    kind: KindArgument,
    version: VersionArgument,
    platform: PlatformOption = None,
    country: CountryOption = None,
    seller_type: TypeOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """End a published version now, or before it begins."""

    async def work(session: AsyncSession, platform_id: UUID) -> Governed:
        found = await keeping.find_policy(
            session, kind_of(kind), platform_id, version, country=country, seller_type=seller_type
        )
        return await keeping.withdraw(session, kind_of(kind), platform_id, found.policy_id, reason=reason)

    _print_step(_run(platform, work), "was in force from", json=json)


@app.command("in-force")
def in_force(
    kind: KindArgument,
    platform: PlatformOption = None,
    country: CountryOption = None,
    seller_type: TypeOption = None,
    at: Annotated[
        datetime | None, typer.Option("--at", help="Moment that is asked about (UTC); now without it.")
    ] = None,
    subject: SubjectOption = None,
    json: JsonOption = False,
) -> None:
    """Show the version that holds for a country and seller type, or for a subject with its locks and tests."""
    moment = at and at.replace(tzinfo=at.tzinfo or UTC)

    async def work(
        session: AsyncSession, platform_id: UUID, assign: resolving.Assigner
    ) -> resolving.Resolved:
        if subject is None:
            found = await resolving.in_force(session, platform_id, kind, country, seller_type, moment)
            return resolving.Resolved(found, "in force")
        return await resolving.for_subject(
            session,
            platform_id,
            kind,
            _subject(subject),
            country=country,
            seller_type=seller_type,
            at=moment,
            assign=assign,
        )

    async def with_experiments(db: Database, platform_id: UUID) -> resolving.Resolved:
        async with Engines.opened(db) as engines:

            async def assign(
                experiment_key: str, entity_id: str, attributes: Mapping[str, Any]
            ) -> str | None:
                given = {**attributes, "id": entity_id}
                return await ask_experiment(engines.experiments, platform_id, experiment_key, given)

            async with db.tenant(platform_id=platform_id, trace_id=new_trace_id()) as session:
                return await work(session, platform_id, assign)

    found = _run_with(platform, with_experiments)
    if json:
        print_json(found.as_dict())
        return
    document = found.policy.document
    print_fields(
        {
            "policy": found.policy.reference,
            "why": found.source,
            "from": document.effective_from,
            "to": document.effective_to,
        }
    )


@app.command()
def lock(
    kind: KindArgument,
    subject: Annotated[str, typer.Argument(metavar="TYPE:ID", help="Who, such as SELLER:s-17.")],
    version: Annotated[
        str | None, typer.Option("--version", help="Name of the version; the one in force without it.")
    ] = None,
    platform: PlatformOption = None,
    country: CountryOption = None,
    seller_type: TypeOption = None,
    reason: ReasonOption = None,
    again: Annotated[bool, typer.Option("--again", help="Move a lock that there is.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Lift the lock.")] = False,
    json: JsonOption = False,
) -> None:
    """Have a subject keep a version, whatever is published later."""
    who = _subject(subject)

    async def work(session: AsyncSession, platform_id: UUID) -> dict[str, Any] | None:
        if remove:
            await resolving.unlock(session, platform_id, who, kind)
            return None
        if version is None:
            policy = await resolving.in_force(session, platform_id, kind, country, seller_type)
        else:
            policy = await keeping.find_policy(
                session, kind_of(kind), platform_id, version, country=country, seller_type=seller_type
            )
        return dict(await resolving.lock(session, platform_id, who, policy, reason=reason, again=again))

    made = _run(platform, work)
    if json:
        print_json({"lock": made})
    elif made is None:
        print_line(f"{subject} follows the {kind} policy in force again.")
    else:
        print_line(f"{subject} keeps {kind} policy {made['policy_version']}.")


@app.command()
def quote(
    file: FileArgument,
    record: Annotated[bool, typer.Option(help="Record the quote.")] = True,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Quote a cart by the policies of its sellers: commission, promotion and tax, beside every other published rule.

    Example: entrepot governance quote cart.json
    """
    cart = files.read_object(file, "cart")

    async def work(db: Database, platform_id: UUID) -> dict[str, Any]:
        async with Engines.opened(db) as engines:
            async with db.tenant(platform_id=platform_id) as session:
                standings = await find_standings(session, platform_id, cart)
            answer = await quote_governed(engines, platform_id, standings, record=record)
            return answer.as_dict()

    found = _run_with(platform, work)
    if json:
        print_json(found)
        return
    for step in found["trace"]:
        print_line(step["words"])
    digits = minor_digits(found["currency"])
    totals = {name.replace("_", " "): amount for name, amount in found["totals"].items()}
    print_fields(
        {name: f"{format_amount(amount, digits)} {found['currency']}" for name, amount in totals.items()}
    )


@app.command()
def discount(
    file: FileArgument,
    save: Annotated[bool, typer.Option("--save", help="Keep it as the draft of a pricing rule.")] = False,
    platform: PlatformOption = None,
    country: CountryOption = None,
    seller_type: TypeOption = None,
    json: JsonOption = False,
) -> None:
    """Hold a discount (a pricing rule) to the promotion policy in force: its caps, and who pays for it.

    Example: entrepot governance discount spring.yaml --country US --save
    """
    given = files.read_object(file, "discount")

    async def work(session: AsyncSession, platform_id: UUID) -> tuple[str, dict[str, Any]]:
        return await governed_discount(
            session, platform_id, given, country=country, seller_type=seller_type, save=save
        )

    reference, governed = _run(platform, work)
    if json:
        print_json({"policy": reference, "discount": governed, "saved": save})
        return
    sys.stdout.write(yaml.safe_dump(governed, sort_keys=False, allow_unicode=True))
    if save:
        print_note(f"Kept as a draft. Publish it with: entrepot rules publish price {governed['key']}")


def _subject(given: str) -> Subject:
    kind, colon, identifier = given.partition(":")
    if not colon:
        raise InvalidInputError(
            f"{given!r} does not say what kind of subject it is.",
            hint="Give TYPE:ID, such as SELLER:s-17.",
            where={"path": "subject"},
        )
    return Subject(kind.upper(), identifier)


def _print_step(policy: Governed, what: str, *, json: bool) -> None:
    if json:
        print_json(policy.as_dict())
    else:
        print_line(
            f"{policy.kind} {policy.reference} {what} {policy.document.effective_from:%Y-%m-%d %H:%M %Z}."
        )
