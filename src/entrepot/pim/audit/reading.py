"""Reading the audit log: entries with their changes worked out, in pages."""

from collections.abc import Mapping, Sequence
from datetime import date as Date  # noqa: N812
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Page, Place, page_of, pick, place
from entrepot.pim.audit import queries
from entrepot.pim.audit.comparing import changes

ORDER = "newest"


async def read_log(
    session: AsyncSession,
    filters: Mapping[str, Any],
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[dict[str, Any]]:
    """A page of the entries that match; filters are those of `queries.FILTERS`, None for any."""
    at = _place(after, before)
    wanted = {name: value for name, value in filters.items() if value not in (None, "")}
    rows = await queries.select_entries(session, filters=wanted, at=at, limit=limit + 1)
    return _page(rows, at, limit)


async def product_history(
    session: AsyncSession,
    product_id: UUID,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[dict[str, Any]]:
    """A page of the changes of a product and its variants."""
    at = _place(after, before)
    rows = await queries.select_product_entries(session, product_id=product_id, at=at, limit=limit + 1)
    return _page(rows, at, limit)


def day_bounds(
    since: Date | None, until: Date | None, timezone: str
) -> tuple[datetime | None, datetime | None]:
    """From the beginning of the first day to the end of the last, as the shop's clocks show them."""
    zone = ZoneInfo(timezone)
    start = datetime(since.year, since.month, since.day, tzinfo=zone) if since else None
    if until is None:
        return start, None
    following = until + timedelta(days=1)
    return start, datetime(following.year, following.month, following.day, tzinfo=zone)


def _place(after: str | None, before: str | None) -> Place | None:
    return place(ORDER, (datetime.fromisoformat, UUID), after=after, before=before)


def _page(rows: Sequence[RowMapping], at: Place | None, limit: int) -> Page[dict[str, Any]]:
    page = page_of(rows, at, limit, lambda row: pick(row, "created_at", "id"), ORDER)
    entries = [{**row, "changes": changes(row["old_values"], row["new_values"])} for row in page.rows]
    return Page(entries, page.after, page.before, page.first_page)
