"""`entrepot policy`: policies asked, their decisions shown and explained, and drafts tried on what was decided."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
import typer
import yaml

from entrepot.kit.db import Database
from entrepot.kit.errors import EntrepotError, InvalidInputError
from entrepot.kit.output import (
    JsonOption,
    count_of,
    format_cell,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.kit.progress import reporting
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.platforms.platforms import choose_platform
from entrepot.marketplace.policies.checking import check
from entrepot.marketplace.policies.decisions import Recorded, get_decision, list_decisions
from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.effects import RESULTS
from entrepot.marketplace.policies.explaining import lines
from entrepot.marketplace.policies.what_if import MOST, WhatIf, what_if

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Ask policies, and show what they have decided."
)
T = TypeVar("T")
SERVICE = "command line"
PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="CODE", help="The platform; needed where there are several."),
]
AtOption = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
        help="Moment asked about, in UTC where no zone is given; now without it.",
    ),
]
Moment = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])
]


def _run(platform: str | None, work: Callable[[Database, UUID], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened(pool_size=2) as db:
            return await work(db, (await choose_platform(db, platform)).platform_id)

    return asyncio.run(run())


@app.command()
def evaluate(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the policy.")],
    lines_: Annotated[
        str | None,
        typer.Argument(
            metavar="[-]", help="With -, a context a line from standard input, a decision a line."
        ),
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="The context as JSON, @FILE, or - for standard input.")
    ] = None,
    at: AtOption = None,
    record: Annotated[bool, typer.Option(help="Record the decision.")] = True,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Decide on a context by the published policy, and say why.

    Example: entrepot policy evaluate RETURN --context '{"region": "EU", "days": 12}'

    In a pipe, `entrepot policy evaluate RETURN -` reads a context a line and prints a decision a line, or {"error"}.
    """
    moment = _utc(at)
    if lines_ is not None:
        if lines_ != "-" or context is not None:
            raise InvalidInputError(
                "Contexts come from standard input with `-`, or one comes with --context.",
                hint='entrepot policy evaluate RETURN --context \'{"region": "EU"}\'',
            )
        _run(platform, lambda db, platform_id: _each_line(db, platform_id, key, moment, record=record))
        return
    given = _read_context(context)

    async def work(db: Database, platform_id: UUID) -> tuple[dict[str, Any], list[str]]:
        async with Engines.opened(db) as engines:
            decision = await engines.policies.evaluate(
                platform_id, key, given, service=SERVICE, at=moment, record=record
            )
            return decision.as_dict(), lines(decision)

    answer, told = _run(platform, work)
    if json:
        print_json(answer)
    else:
        for line in told:
            print_line(line)


async def _each_line(db: Database, platform_id: UUID, key: str, at: datetime | None, *, record: bool) -> None:
    async with Engines.opened(db) as engines:
        number = 0
        # Read in a thread, so that decisions are recorded and changes heard while the next line is waited for.
        while line := await asyncio.to_thread(sys.stdin.readline):
            number += 1
            if not line.strip():
                continue
            try:
                decision = await engines.policies.evaluate(
                    platform_id, key, _parsed(line, f"line {number}"), service=SERVICE, at=at, record=record
                )
                print_json(decision.as_dict())
            except EntrepotError as error:
                print_json({"error": {**error.problem(), "line": number}})


@app.command()
def decisions(
    key: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Only those of this policy.")] = None,
    effect: Annotated[str | None, typer.Option(help="Only ALLOW, or only DENY.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only those that this rule decided.")] = None,
    trace: Annotated[str | None, typer.Option(help="Only those of this trace.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 30,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show recorded decisions, the newest first."""
    if effect is not None and effect.upper() not in RESULTS:
        raise InvalidInputError(f"An effect is never {effect!r}.", hint="It is ALLOW or DENY.")
    filters = {"key": key, "effect": effect and effect.upper(), "rule": rule, "trace": trace}

    async def work(db: Database, platform_id: UUID) -> list[dict[str, Any]]:
        async with db.tenant(platform_id=platform_id) as session:
            page = await list_decisions(session, platform_id, filters, limit=limit)
            return [dict(row) for row in page.rows]

    rows = _run(platform, work)
    if json:
        print_json({"decisions": rows})
        return
    print_table(
        ["decision", "when", "policy", "effect", "rule", "reason", "service"],
        [
            [
                row["id"],
                row["decision_time"],
                f"{row['policy_key']} v{row['policy_version']}",
                row["final_decision"],
                row["decisive_rule_key"],
                row["decision_reason"],
                row["executing_service"],
            ]
            for row in rows
        ],
        empty="Nothing has been decided yet.",
    )


@app.command()
def explain(
    decision: Annotated[UUID, typer.Argument(metavar="DECISION", help="Identifier of the decision.")],
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show why a recorded decision is what it is: each rule, and what it had to do with it."""

    async def work(db: Database, platform_id: UUID) -> Recorded:
        async with db.tenant(platform_id=platform_id) as session:
            return await get_decision(session, platform_id, decision)

    found = _run(platform, work)
    if json:
        print_json(
            {
                **found.row,
                "evaluations": found.evaluations,
                "rules": [rule.as_dict() for rule in found.rules],
                "lines": found.lines,
                "agrees": found.agrees,
            }
        )
        return
    row = found.row
    print_line(
        f"{row['policy_key']} version {row['policy_version']}, {format_cell(row['decision_time'])}, "
        f"asked by {row['executing_service'] or 'nobody who said so'}"
    )
    print_line(f"Context: {orjson.dumps(row['input_context_json']).decode()}")
    for line in found.lines:
        print_line(line)
    if not found.agrees:
        print_note(f"Recorded was {row['final_decision']}; this is a defect of entrepot, please report it.")


@app.command("what-if")
def what_if_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The draft in YAML or JSON; - for standard input.")
    ],
    last: Annotated[int, typer.Option(min=1, max=MOST, help="How many decisions, the newest first.")] = 1000,
    since: Moment = None,
    until: Moment = None,
    at: AtOption = None,
    examples: Annotated[int, typer.Option(min=0, max=1000, help="How many changes to show.")] = 10,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a draft of recorded decisions and show what would change; nothing is changed."""
    drafts = [check(document) for document in _read_documents(file)]

    async def work(db: Database, platform_id: UUID) -> list[tuple[str, WhatIf]]:
        found = []
        with reporting("none" if json else "auto") as report:
            for draft in drafts:
                async with db.tenant(platform_id=platform_id) as session:
                    compared = await what_if(
                        session,
                        platform_id,
                        draft,
                        last=last,
                        since=_utc(since),
                        until=_utc(until),
                        at=_utc(at),
                        examples=examples,
                        report=report,
                    )
                found.append((draft.key, compared))
        return found

    found = _run(platform, work)
    if json:
        print_json({"policies": [{"policy": key, **one.as_dict()} for key, one in found]})
        return
    for key, one in found:
        _show_comparison(key, one)


def _show_comparison(key: str, compared: WhatIf) -> None:
    print_line(
        f"{key}: {count_of(compared.compared, 'decision')} compared, {compared.changed:,} with another effect, "
        f"{compared.obligations:,} with other obligations, {compared.rules:,} by another rule to the same end, "
        f"{compared.refused:,} with a context that the draft refuses, {compared.unchanged:,} unchanged."
    )
    for (was, now), count in sorted(compared.effects.items()):
        print_line(f"  {was} → {now}: {count:,}")
    if compared.examples:
        print_table(
            ["decision", "was", "by", "now", "by", "reason", "context"],
            [
                [
                    one.decision_id,
                    one.was,
                    one.was_rule or "default",
                    one.now or "refused",
                    one.now_rule or ("default" if one.now else None),
                    one.reason,
                    orjson.dumps(one.context).decode(),
                ]
                for one in compared.examples
            ],
        )


def _read_context(given: str | None) -> Any:
    if given is None:
        raise InvalidInputError("Nothing says what to decide on.", hint="Give --context, or - for lines.")
    if given == "-":
        return _parsed(sys.stdin.read(), "standard input")
    if given.startswith("@"):
        return _parsed(Path(given[1:]).read_bytes(), given[1:])
    return _parsed(given, "--context")


def _parsed(text: str | bytes, place: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"{place} is no JSON: {error}.", where={"path": place}) from error


def _read_documents(file: str) -> list[PolicyDocument]:
    """The policies of a file: one by itself, or those that a file of rules lists under `policies`."""
    text = sys.stdin.read() if file == "-" else Path(file).read_bytes()
    place = "standard input" if file == "-" else file
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = {"file": place} | ({"line": mark.line + 1} if mark is not None else {})
        raise InvalidInputError(
            f"{place} is no YAML: {getattr(error, 'problem', None) or error}.", where=where
        ) from error
    if isinstance(found, dict) and isinstance(found.get("policies"), list):
        return [
            PolicyDocument.read(document, f"policies[{number}]")
            for number, document in enumerate(found["policies"])
        ]
    return [PolicyDocument.read(found)]


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
