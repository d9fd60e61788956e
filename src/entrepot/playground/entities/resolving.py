"""What an id is: its type, since when, its row, and what happened to it last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.kit.identifiers import made_at
from entrepot.playground.entities import queries

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Entity:
    """An entry of the registry."""

    id: UUID
    type: str
    created: datetime
    closed: datetime | None
    reopened: datetime | None
    origin: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """An entity, where its row is, and its last events, the newest first."""

    entity: Entity
    table: str | None
    row: dict[str, Any] | None
    events: Sequence[RowMapping]


async def find_entity(session: AsyncSession, entity_id: UUID) -> Entity:
    """The registry's entry of an id; raises NotFoundError for one that it does not have.

    Ids of the simulated world hold the millisecond of their time (UUIDv7), so that one partition is read; every
    other id is looked for in the index of each.
    """
    row = None
    made = made_at(entity_id)
    if made is not None:
        row = await queries.select_entity(session, entity_id, since=made, until=made + _MILLISECOND)
    if row is None:
        row = await queries.select_entity(session, entity_id)
    if row is None:
        raise NotFoundError(
            f"The registry has no entity {entity_id}.",
            hint="Lines of orders, movements of stock, votes and uses of promotions are rows and no entities.",
            where={"entity": str(entity_id)},
        )
    return Entity(
        id=row["entity_id"],
        type=row["entity_type"],
        created=row["created_time"],
        closed=row["deactivated_time"],
        reopened=row["reactivated_time"],
        origin=row["origin"],
    )


async def resolve(session: AsyncSession, entity_id: UUID, *, events: int = 10) -> Resolved:
    """An entity with its row and its last `events` events; raises NotFoundError."""
    entity = await find_entity(session, entity_id)
    table, row = None, None
    for name in queries.TABLES.get(entity.type, ()):
        row = await queries.select_row(session, name, entity.id, entity.created)
        if row is not None:
            table = name
            break
    last = await queries.select_last_events(session, entity.type, entity.id, entity.created, events)
    return Resolved(entity, table, row, last)
