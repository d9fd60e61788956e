"""Facts as pages of a list."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import DEFAULT_LIMIT, Page, page_of, pick, place
from entrepot.playground.dashboard.fact_queries import KEY, ORDER, Kind, select_facts
from entrepot.playground.dashboard.queries import Origin
from entrepot.playground.dashboard.ranges import Range


async def list_facts(
    session: AsyncSession,
    kind: Kind,
    *,
    over: Range | None,
    origin: Origin,
    filters: Mapping[str, Any],
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Any]:
    """A page of facts of a kind, newest first; raises InvalidInputError for a cursor of another list."""
    order = f"{kind.name} by {ORDER}"
    at = place(order, KEY, after=after, before=before)
    values = dict(filters)
    if "q" in values:
        values["q"] = f"%{_literal(str(values['q']))}%"
    start: datetime | None = over.start if over else None
    end: datetime | None = over.end if over else None
    rows = await select_facts(
        session, kind, start=start, end=end, origin=origin, filters=values, at=at, limit=limit + 1
    )
    return page_of(rows, at, limit, lambda row: pick(row, "event_time", "id"), order)


def _literal(words: str) -> str:
    # What stands for anything in a pattern stands for itself here.
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
