"""`entrepot world entity`, `history`, `created`, `population` and `funnel`: what the registry of entities answers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from entrepot.kit.clock import now
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import (
    JsonOption,
    as_record,
    format_duration,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The entity.")]
Formats = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
FromOption = Annotated[
    datetime, typer.Option("--from", formats=Formats, help="Beginning of the span, in UTC.")
]
ToOption = Annotated[datetime, typer.Option("--to", formats=Formats, help="First moment after it.")]
AtOption = Annotated[
    datetime | None, typer.Option("--at", formats=Formats, help="As of this moment, in UTC; now without it.")
]


def entity(
    entity_id: IdArgument,
    events: Annotated[int, typer.Option(min=0, max=1000, help="Last events to show.")] = 10,
    json: JsonOption = False,
) -> None:
    """Say what an id is: its type, since when, its row, and what happened to it last."""
    from entrepot.playground.entities.resolving import resolve

    wanted = _identifier(entity_id)
    found = _run(lambda session: resolve(session, wanted, events=events))
    if json:
        print_json(
            {
                **as_record(found.entity),
                "table": found.table,
                "row": found.row,
                "events": [dict(event) for event in found.events],
            }
        )
        return
    print_fields({**as_record(found.entity), "table": found.table}, title=f"{found.entity.type} {entity_id}")
    if found.row is not None:
        print_line()
        print_fields({name: value for name, value in found.row.items() if value is not None}, title="row")
    print_line()
    print_table(
        ("time", "event", "about", "quantity", "amount"),
        [
            (row["event_time"], row["event_type"], row["caller_entity_id"], row["quantity"], row["amount"])
            for row in found.events
        ],
        title="last events",
        empty="Nothing happened to it.",
    )


def history(
    entity_id: IdArgument,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first.")] = False,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The page after this cursor of an earlier one.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most entries.")] = 50,
    json: JsonOption = False,
) -> None:
    """Show everything that happened to an entity, or was done by a user, in order and across the tables."""
    from entrepot.playground.entities import auditing

    order: auditing.Order = "newest" if newest else "oldest"
    wanted = _identifier(entity_id)
    page = _run(lambda session: auditing.history(session, wanted, order=order, after=after, limit=limit))
    if json:
        items = [{name: row[name] for name in row if name != "source"} for row in page.rows]
        print_json({"items": items, "next": page.after})
        return
    print_table(
        ("time", "what", "table", "about", "quantity", "amount"),
        [
            (
                row["event_time"],
                row["what"],
                row["table_name"],
                row["entity_id"],
                row["quantity"],
                row["amount"],
            )
            for row in page.rows
        ],
        empty="Nothing happened to it.",
    )
    if page.after:
        print_note(f"There is more: --after {page.after}")


def created(
    since: FromOption,
    until: ToOption,
    entity_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only this type of entity.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Count the entities that came to be, by day and type."""
    from entrepot.playground.entities.counting import created_by_day

    rows = _run(lambda session: created_by_day(session, _utc(since), _utc(until), entity_type))
    if json:
        print_json({"days": [{**row, "day": row["day"].date()} for row in rows]})
        return
    print_table(
        ("day", "type", "created", "of them simulated"),
        [(f"{row['day']:%Y-%m-%d}", row["entity_type"], row["created"], row["simulated"]) for row in rows],
        empty="Nothing came to be in that span.",
    )


def population(at: AtOption = None, json: JsonOption = False) -> None:
    """Count the entities that there are, or were at a moment, by type."""
    from entrepot.playground.entities import counting

    moment = _utc(at) if at else now()
    rows = _run(lambda session: counting.population(session, moment))
    if json:
        print_json({"at": moment, "types": [dict(row) for row in rows]})
        return
    print_table(
        ("type", "created", "closed", "alive"),
        [(row["entity_type"], row["created"], row["closed"], row["alive"]) for row in rows],
        empty="There was nothing yet.",
    )


def funnel(since: FromOption, until: ToOption, at: AtOption = None, json: JsonOption = False) -> None:
    """Follow those who signed up in a span: lead, prospect (a shop), customer (first payment), churn; and the flows
    from users to shops, and to active and closed."""
    from entrepot.playground.entities import counting

    moment = _utc(at) if at else now()

    async def both(session: "AsyncSession") -> Any:
        stages = await counting.funnel(session, _utc(since), _utc(until), moment)
        return stages, await counting.flows(session, _utc(since), _utc(until), moment)

    stages, flows = _run(both)
    if json:
        print_json({"stages": [as_record(stage) for stage in stages], "flows": [dict(row) for row in flows]})
        return
    print_table(
        ("stage", "users", "of leads", "in order", "median time"),
        [
            (
                stage.stage,
                stage.users,
                f"{stage.share:.1%}",
                stage.in_order,
                format_duration(stage.median.total_seconds()) if stage.median is not None else None,
            )
            for stage in stages
        ],
    )
    print_table(
        ("from", "to", "entities"), [(row["source"], row["target"], row["entities"]) for row in flows]
    )


def _identifier(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise InvalidInputError(
            f"{given!r} is no identifier.",
            hint="An id is a UUID, such as those that `entrepot world history` shows.",
            where={"argument": "ID"},
        ) from None


def _utc(given: datetime) -> datetime:
    return given.replace(tzinfo=UTC)


def _run(work: Callable[["AsyncSession"], Awaitable[T]]) -> T:
    from entrepot.kit.db import Database

    async def inside() -> T:
        async with Database.opened(pool_size=2) as db, db.system() as session:
            return await work(session)

    return asyncio.run(inside())
