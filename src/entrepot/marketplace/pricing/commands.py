"""`entrepot price`: carts quoted, recorded quotes shown and reckoned again, and rates."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar
from uuid import UUID

import typer

from entrepot.kit.output import (
    JsonOption,
    count_of,
    format_cell,
    print_json,
    print_line,
    print_note,
    print_table,
)
from entrepot.kit.rules.lines import answer_lines
from entrepot.marketplace.pricing.money import format_major
from entrepot.marketplace.pricing.piping import Quoter, by_rules, read_rates_file, read_rules
from entrepot.marketplace.pricing.quotes import ENGINE_VERSION
from entrepot.marketplace.pricing.rates import Rates

# Quoting by rules at hand is for pipes and needs no database; what only the others need is imported when they run.
if TYPE_CHECKING:
    from entrepot.kit.db import Database
    from entrepot.marketplace.engines import Engines

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Quote carts, and show what was quoted and at which rates.",
)
T = TypeVar("T")
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


@app.command("quote")
def quote_lines(
    rules: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Quote by the rules in this file (YAML or JSON); needs no database."
        ),
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rates between currencies, for rules from a file or a line."),
    ] = None,
    time_zone: Annotated[
        str, typer.Option(help="Zone of `time.*` for rules from a file or a line (IANA).")
    ] = "UTC",
    record: Annotated[bool, typer.Option(help="Record quotes by the platform's published rules.")] = True,
    platform: PlatformOption = None,
) -> None:
    """Quote carts from standard input, one JSON object a line, and print a quote a line.

    Example: echo '{"currency": "EUR", "lines": [{"id": "1", "quantity": 2, "unit_price": "9.90"}]}' | entrepot price quote

    A line is a cart. It may bring its own "rules" and "rates"; without, the rules of --rules hold, or else those that
    the platform has published. Each line is answered by {"lines", "totals", "trace", …}, or by {"error", "path"}.
    """
    known = read_rates_file(rates) if rates is not None else Rates()
    with ExitStack() as stack:
        if rules is not None:
            otherwise = by_rules(read_rules(rules, time_zone=time_zone), known)
        else:
            otherwise = stack.enter_context(PublishedRules(platform, record=record)).quote
        sys.stdout.flush()
        try:
            answer_lines(
                sys.stdin.buffer,
                sys.stdout.buffer,
                Quoter(otherwise, rates=known, time_zone=time_zone).answer,
            )
        except NotOpenedError as error:
            raise error.reason from None


class NotOpenedError(Exception):
    """The published rules cannot be reached at all, which is no matter of one line."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason


class PublishedRules:
    """A platform's published rules for whoever does not wait in an event loop; reached when they are first asked.

    The engine lives in a thread of its own, so that quotes are recorded, and changes heard, while the next line of a pipe
    is waited for.
    """

    def __init__(self, platform: str | None, *, record: bool) -> None:
        self._platform = platform
        self._record = record
        self._thread: Thread | None = None
        self._opened: Future[tuple[Engines, UUID]] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Event | None = None
        self._closing: BaseException | None = None

    def __enter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what has not been recorded, and close; raises what that raised."""
        if self._thread is None:
            return
        if self._loop is not None and self._done is not None:
            # A loop that has ended by itself is closed; what ended it was told already, or is in `_closing`.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()
        if self._closing is not None:
            raise self._closing

    def quote(self, cart: dict[str, Any]) -> dict[str, Any]:
        """A cart quoted. Raises NotOpenedError, or what the engine raises."""
        if self._thread is None:
            self._thread = Thread(
                target=lambda: asyncio.run(self._serve()), name="published rules", daemon=True
            )
            self._thread.start()
        try:
            engines, platform_id = self._opened.result()
        except BaseException as error:
            raise NotOpenedError(error) from error
        assert self._loop is not None
        asked = engines.pricing.quote(platform_id, cart, record=self._record)
        answer = asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        return answer.as_dict()

    async def _serve(self) -> None:
        from entrepot.kit.db import Database
        from entrepot.marketplace.engines import Engines
        from entrepot.marketplace.platforms.platforms import choose_platform

        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with Database.opened(pool_size=2) as db:
                platform = await choose_platform(db, self._platform)
                async with Engines.opened(db) as engines:
                    self._opened.set_result((engines, platform.platform_id))
                    await self._done.wait()
        except BaseException as error:
            if self._opened.done():
                self._closing = error
            else:
                self._opened.set_exception(error)


@app.command()
def decisions(
    rule: Annotated[str | None, typer.Option(help="Only those in which this rule matched.")] = None,
    transaction: Annotated[str | None, typer.Option(help="Only those of this transaction.")] = None,
    trace: Annotated[str | None, typer.Option(help="Only those of this request.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 30,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show recorded quotes, the newest first."""
    filters = {"rule": rule, "transaction": transaction, "trace": trace}

    async def work(db: "Database", platform_id: UUID) -> list[dict[str, Any]]:
        from entrepot.marketplace.pricing.replaying import list_decisions

        async with db.tenant(platform_id=platform_id) as session:
            page = await list_decisions(session, platform_id, filters, limit=limit)
            return [dict(row) for row in page.rows]

    rows = _run(platform, work)
    if json:
        print_json({"decisions": rows})
        return
    print_table(
        ["decision", "when", "transaction", "original", "final", "currency", "rules"],
        [
            [
                row["id"],
                row["decision_time"],
                row["transaction_id"],
                format_major(row["original_price"], row["currency"]),
                format_major(row["final_price"], row["currency"]),
                row["currency"],
                row["rule_keys"],
            ]
            for row in rows
        ],
        empty="Nothing has been quoted yet.",
    )


DecisionArgument = Annotated[UUID, typer.Argument(metavar="DECISION", help="Identifier of the decision.")]


@app.command()
def explain(decision: DecisionArgument, platform: PlatformOption = None, json: JsonOption = False) -> None:
    """Show a recorded quote step by step."""
    row = _run(platform, lambda db, platform_id: _decision(db, platform_id, decision))
    if json:
        print_json(row)
        return
    print_line(f"{row['transaction_id']}, {format_cell(row['decision_time'])}")
    for step in row["quote_json"]["trace"]:
        print_line(step["words"])


@app.command("replay")
def replay_decision(
    decision: DecisionArgument, platform: PlatformOption = None, json: JsonOption = False
) -> None:
    """Reckon a recorded quote again from what was kept with it; exits with 1 where it comes to other cents."""
    from entrepot.marketplace.pricing.replaying import replay

    found = replay(_run(platform, lambda db, platform_id: _decision(db, platform_id, decision)))
    if json:
        print_json(found.as_dict())
    elif found.same:
        print_line(f"It comes to the same cents: {found.quote.money(found.quote.totals['total'])}.")
    else:
        print_table(
            ["figure", "recorded", "now"],
            [[one["path"], one["recorded"], one["replayed"]] for one in found.differences],
        )
        recorded = found.decision["engine_version"]
        print_note(f"It was reckoned by version {recorded} of the engine; this is version {ENGINE_VERSION}.")
    if not found.same:
        raise typer.Exit(1)


@app.command()
def rates(
    file: Annotated[
        Path | None, typer.Option("--set", metavar="FILE", help="Set the rates in this file (YAML or JSON).")
    ] = None,
    from_currency: Annotated[
        str | None, typer.Option("--from", help="Only those from this currency.")
    ] = None,
    to_currency: Annotated[str | None, typer.Option("--to", help="Only those into this currency.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 30,
    platform: PlatformOption = None,
    json: JsonOption = False,
) -> None:
    """Show the rates between currencies, the newest first, or set some.

    A file of rates: [{from: USD, to: EUR, rate: "0.9217", date: 2026-11-21, source: ECB}]
    """
    given = None if file is None else read_rates_file(file)

    async def work(db: "Database", platform_id: UUID) -> tuple[int, list[dict[str, Any]]]:
        from entrepot.marketplace.pricing.rating import keep_rates, list_rates

        filters = {"from_currency": from_currency, "to_currency": to_currency}
        async with db.tenant(platform_id=platform_id) as session:
            changed = 0 if given is None else await keep_rates(session, platform_id, given)
            page = await list_rates(session, platform_id, filters, limit=limit)
            return changed, [dict(row) for row in page.rows]

    changed, rows = _run(platform, work)
    if json:
        print_json({"changed": changed, "rates": rows})
        return
    if given is not None:
        print_line(f"{count_of(changed, 'rate')} changed.")
    print_table(
        ["from", "to", "rate", "since", "source"],
        [
            [row["from_currency"], row["to_currency"], row["rate"], row["effective_date"], row["source"]]
            for row in rows
        ],
        empty="There are no rates yet.",
    )


async def _decision(db: "Database", platform_id: UUID, decision: UUID) -> dict[str, Any]:
    from entrepot.marketplace.pricing.replaying import get_decision

    async with db.tenant(platform_id=platform_id) as session:
        return dict(await get_decision(session, platform_id, decision))
