"""`entrepot events`: what happened, who hears of it, and what could not be delivered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import queries, redriving
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import JsonOption, count_of, print_json, print_line, print_table

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Show events and their deliveries, and redrive them."
)
T = TypeVar("T")
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many.")]


def _in_system(work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Database.opened() as db, db.system() as session:
            return await work(session)

    return asyncio.run(run())


async def _rows(session: AsyncSession, statement: Any, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in (await session.execute(statement, parameters)).mappings()]


@app.command("list")
def list_events(
    type_: Annotated[str | None, typer.Option("--type", help="Only this type, or a prefix: pim.*")] = None,
    shop: Annotated[UUID | None, typer.Option(help="Only those of the shop with this id.")] = None,
    limit: Limit = 30,
    json: JsonOption = False,
) -> None:
    """Show events, the newest first, with how many of their deliveries are open or dead."""
    parameters = {"type": type_, "shop_id": shop, "limit": limit}
    rows = _in_system(lambda session: _rows(session, queries.EVENTS, parameters))
    if json:
        print_json({"events": rows})
        return
    print_table(
        ["event", "when", "type", "subject", "deliveries", "open", "dead"],
        [
            [
                row["id"],
                row["occurred_at"],
                row["event_type"],
                row["subject"],
                row["deliveries"],
                row["open"],
                row["dead"],
            ]
            for row in rows
        ],
        empty="Nothing has happened yet.",
    )


@app.command()
def dead(limit: Limit = 30, json: JsonOption = False) -> None:
    """Show deliveries that were given up, with the reason; `entrepot events redrive` tries them again."""
    rows = _in_system(lambda session: _rows(session, queries.DEAD_LETTERS, {"limit": limit}))
    if json:
        print_json({"dead": rows})
        return
    print_table(
        ["event", "type", "subject", "subscriber", "attempts", "error"],
        [
            [
                row["event_id"],
                row["event_type"],
                row["subject"],
                row["subscriber_endpoint"],
                row["attempts"],
                row["error_message"],
            ]
            for row in rows
        ],
        empty="No dead letters.",
    )


@app.command()
def redrive(
    event: Annotated[UUID | None, typer.Argument(help="Only this event.")] = None,
    subscriber: Annotated[str | None, typer.Option(help="Only deliveries to this subscriber.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only events of this type.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every dead delivery.")] = False,
    delivered: Annotated[bool, typer.Option(help="Deliver what was delivered once more, too.")] = False,
    json: JsonOption = False,
) -> None:
    """Try dead deliveries again, with fresh attempts."""
    if not every and event is None and subscriber is None and type_ is None:
        raise InvalidInputError(
            "Nothing says what to redrive.", hint="Name an event, --subscriber or --type, or say --all."
        )
    count = _in_system(
        lambda session: redriving.redrive(
            session, event_id=event, subscriber=subscriber, event_type=type_, delivered=delivered
        )
    )
    if json:
        print_json({"redriven": count})
    else:
        print_line(f"Redriven: {count_of(count, 'delivery', 'deliveries')}.")


@app.command()
def subscriptions(json: JsonOption = False) -> None:
    """Show who hears of which events, and how many deliveries are pending or dead."""
    rows = _in_system(lambda session: _rows(session, queries.SUBSCRIPTIONS, {}))
    if json:
        print_json({"subscriptions": rows})
        return
    print_table(
        ["subscriber", "type", "shop", "active", "attempts", "pending", "dead"],
        [
            [
                row["subscriber_endpoint"],
                row["event_type"],
                row["shop_id"],
                row["is_active"],
                row["max_attempts"],
                row["pending"],
                row["dead"],
            ]
            for row in rows
        ],
        empty="Nobody hears of anything yet; a worker registers its subscribers when it starts.",
    )
