"""What entities have used of a limit: for dashboards, a page at a time, or those first who have used most."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Page, page_of, pick, place
from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.modeling import Rule

Order = Literal["entity_id", "-used"]


async def list_usage(
    session: AsyncSession,
    platform_id: UUID,
    rule: Rule,
    *,
    order: Order = "-used",
    entity_id: str | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[RowMapping]:
    """A page of the entities that have used a limit, in the window that runs now.

    What is held and has expired counts here until it is given back: at the next consumption, or within a minute.
    """
    kinds = (str,) if order == "entity_id" else (int, str)
    at = place(order, kinds, after=after, before=before)
    rows = await queries.select_usage(
        session, platform_id, rule, order=order, entity_id=entity_id, at=at, limit=limit + 1
    )
    names = ("entity_id",) if order == "entity_id" else ("used", "entity_id")
    return page_of(rows, at, limit, lambda row: pick(row, *names), order)


async def most_used(session: AsyncSession, platform_id: UUID, rule: Rule, limit: int) -> Sequence[RowMapping]:
    """The entities that have used most of a limit."""
    return (await list_usage(session, platform_id, rule, limit=limit)).rows
