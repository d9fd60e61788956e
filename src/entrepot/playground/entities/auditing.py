"""Everything that happened to an entity, or was done by a user, in order and across the tables, a page at a time."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Page, page_of, pick, place
from entrepot.playground.entities import history_queries, queries
from entrepot.playground.entities.resolving import Entity, find_entity

Order = Literal["oldest", "newest"]
#: After everything, for a history without an end.
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


async def history(
    session: AsyncSession,
    entity_id: UUID,
    *,
    order: Order = "oldest",
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[RowMapping]:
    """A page of an entity's history: event_time, id, source (the table), what, entity_id (what it was about), user_id,
    shop_id, product_id, quantity, amount, details. Raises NotFoundError for an id that is not registered.
    """
    entity = await find_entity(session, entity_id)
    at = place(order, (datetime.fromisoformat, UUID, str), after=after, before=before)
    values = await _values(session, entity, since, until)
    ascending = (order == "oldest") != (at is not None and at.backward)
    rows = await history_queries.select_history(
        session, entity.type, values, at=at, ascending=ascending, limit=limit + 1
    )
    return page_of(rows, at, limit, lambda row: pick(row, "event_time", "id", "source"), order)


async def _values(
    session: AsyncSession, entity: Entity, since: datetime | None, until: datetime | None
) -> dict[str, object]:
    # Nothing happens to an entity before it is there, so that older partitions are not even looked at.
    begins = max(since, entity.created) if since is not None else entity.created
    related = await history_queries.select_related(session, entity.type, entity.id, entity.created)
    order = None
    if entity.type == "shop_order":
        order = await queries.select_row(session, "shop_orders", entity.id, entity.created)
    return {
        "id": entity.id,
        "created": entity.created,
        "since": begins,
        "until": until or END_OF_TIME,
        "related": related,
        "shop_id": order["shop_id"] if order else None,
        "user_id": order["user_id"] if order else None,
    }
