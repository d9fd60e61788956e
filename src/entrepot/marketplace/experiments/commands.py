"""`entrepot experiment`: entities assigned, results shown, and the hash for pipes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast
from uuid import UUID

import orjson
import typer

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import JsonOption, count_of, print_json, print_line, print_table
from entrepot.marketplace.experiments.piping import answer_lines

# The hash is for pipes and scripts that begin it often; what only the others need is imported when they run.
if TYPE_CHECKING:
    from entrepot.kit.db import Database
    from entrepot.marketplace.experiments.results import Results

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Assign entities to variants, and show the results."
)
T = TypeVar("T")
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Key of the experiment.")]
PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="CODE", help="The platform; needed where there are several."),
]


def _run(platform: str | None, work: "Callable[[Database, UUID], Awaitable[T]]") -> T:
    from entrepot.kit.db import Database
    from entrepot.marketplace.platforms.platforms import choose_platform

    async def run() -> T:
        async with Database.opened(pool_size=2) as db:
            return await work(db, (await choose_platform(db, platform)).platform_id)

    return asyncio.run(run())


@app.command()
def assign(
    key: KeyArgument,
    entity: Annotated[
        str | None, typer.Option(help="Who is asked about: the context's attribute `id`.")
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="What is known of them as JSON, @FILE, or - for standard input.")
    ] = None,
    record: Annotated[bool, typer.Option(help="Keep the assignment and record the exposure.")] = True,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show what an entity gets in an experiment, and why.

    Example: entrepot experiment assign CHECKOUT_BTN_COLOR --entity user-1 --context '{"device_type": "mobile"}'
    """
    given = _read_context(context)
    if entity is not None:
        if given.get("id", entity) != entity:
            raise InvalidInputError(
                f"The context has another id, {given['id']!r}.", hint="Give one of the two."
            )
        given = {"id": entity, **given}

    async def work(db: "Database", platform_id: UUID) -> dict[str, Any]:
        from entrepot.marketplace.engines import Engines

        async with Engines.opened(db) as engines:
            told = await engines.experiments.explain(platform_id, key, given)
            made = await engines.experiments.assign(platform_id, key, given, sticky=record, record=record)
            return {**asdict(made), "steps": told.steps, "number": told.number}

    answer = _run(platform, work)
    if json:
        print_json(answer)
        return
    for step in answer["steps"]:
        print_line(step)
    print_line(f"Payload: {orjson.dumps(answer['payload']).decode()}")


@app.command()
def results(
    key: KeyArgument,
    keep: Annotated[bool, typer.Option("--keep", help="Keep them in hm_experiment_result.")] = False,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show how the variants of an experiment compare."""
    from entrepot.marketplace.experiments.results import as_plain, keep_results, read_results

    async def work(db: "Database", platform_id: UUID) -> "Results":
        async with db.tenant(platform_id=platform_id) as session:
            found = await read_results(session, platform_id, key)
            if keep:
                await keep_results(session, platform_id, found)
            return found

    found = _run(platform, work)
    if json:
        print_json(as_plain(found))
    else:
        _show(found)


@app.command("hash")
def hash_lines() -> None:
    """Answer lines of {"seed", "value", "version"} with {"n": 0.4915}, GrowthBook's hash; a pipe.

    Example: echo '{"seed": "exp", "value": "user-1", "version": 2}' | entrepot experiment hash

    A line that cannot be used is answered with {"error"}, and an unknown version with {"n": null}.
    """
    stream = cast(BufferedReader, sys.stdin.buffer)
    number, rest = 1, b""
    # Whatever has come is answered at once and together: one line of somebody who waits, thousands of a file.
    while chunk := stream.read1(1 << 20):
        *lines, rest = (rest + chunk).split(b"\n")
        _write(lines, number)
        number += len(lines)
    if rest:
        _write([rest], number)


def _write(lines: list[bytes], number: int) -> None:
    if lines:
        sys.stdout.buffer.write(b"".join(answer_lines(lines, number)))
        sys.stdout.buffer.flush()


def _show(results: "Results") -> None:
    print_line(f"{results.experiment_key}, version {results.version}")
    entities = ", ".join(f"{variant} {count:,}" for variant, count in results.entities.items())
    print_line(f"Entities: {entities or 'none yet'}.")
    if results.mixed:
        print_line(f"{count_of(results.mixed, 'entity', 'entities')} saw several variants and count nowhere.")
    if results.withheld:
        print_line(f"Withheld: {results.withheld}")
        return
    print_line(f"The split is as meant: p = {results.sample_ratio.p_value:.3g}.")
    print_table(
        ["metric", "variant", "entities", "mean", "difference", "95% interval", "p", "verdict"],
        [
            [
                f"{result.metric.key}{' (guardrail)' if result.is_guardrail else ''}",
                variant.variant_key,
                variant.entities,
                _number(variant.mean),
                _number(variant.difference),
                ""
                if variant.lower is None or variant.upper is None
                else f"{variant.lower:+.5g} to {variant.upper:+.5g}",
                _number(variant.p_value),
                "control" if variant.is_control else _verdict(variant.better, variant.worse),
            ]
            for result in results.metrics
            for variant in result.variants
        ],
        empty="The experiment has no metrics.",
    )
    for result in results.metrics:
        if result.problem:
            print_line(f"{result.metric.key}: {result.problem}")
    for metric, variant in results.violations:
        print_line(f"{variant} breaks the guardrail {metric}.")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _verdict(better: bool, worse: bool) -> str:
    return "better" if better else "worse" if worse else "no difference shown"


def _read_context(given: str | None) -> dict[str, Any]:
    if given is None:
        return {}
    if given == "-":
        text = sys.stdin.read()
    elif given.startswith("@"):
        try:
            text = Path(given[1:]).read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"{given[1:]} cannot be read: {error.strerror}.") from error
    else:
        text = given
    try:
        context = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(
            f"The context is no JSON: {error}.",
            hint='For one: --context \'{"device_type": "mobile"}\'',
            where={"path": "context"},
        ) from error
    if not isinstance(context, Mapping):
        raise InvalidInputError("A context is an object.", where={"path": "context"})
    return dict(context)
