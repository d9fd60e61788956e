"""The orders of an account, a page at a time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import DEFAULT_LIMIT, Page, page_of, pick, place
from entrepot.mirakl.orders import page_queries

_ORDER = "-order_created_at"
_KINDS = (datetime.fromisoformat, str)


async def list_orders(
    session: AsyncSession,
    account_id: UUID,
    *,
    q: str | None = None,
    statuses: Sequence[str] | None = None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[RowMapping]:
    """A page of orders, the newest first.

    `q` is a part of the order's number, of the customer's name, of a SKU, of a title or of a tracking number.
    """
    at = place(_ORDER, _KINDS, after=after, before=before)
    filters = {
        "pattern": pattern_of(q) if q else None,
        "statuses": list(statuses) if statuses else None,
        "state": state,
        "since": since,
        "until": until,
    }
    rows = await page_queries.select_order_page(session, account_id, filters, at, limit + 1)
    return page_of(rows, at, limit, lambda row: pick(row, "order_created_at", "order_id"), _ORDER)


def pattern_of(q: str) -> str:
    """What is looked for, as a pattern of LIKE that finds it anywhere; its own wildcards stand for themselves."""
    escaped = q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
