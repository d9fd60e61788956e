"""Failures and calls to outside services, a page at a time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import DEFAULT_LIMIT, Page, page_of, pick, place
from entrepot.mirakl.failures import page_queries

_ORDER = "-timestamp"
_KINDS = (datetime.fromisoformat, UUID)

#: What a list of failures shows: the word of the filter and the states that it stands for.
SHOWN: dict[str, tuple[str, ...] | None] = {
    "open": ("open", "retrying"),
    "resolved": ("resolved",),
    "all": None,
}


async def list_failures(
    session: AsyncSession,
    account_id: UUID,
    *,
    states: Sequence[str] | None = SHOWN["open"],
    process: str | None = None,
    related: str | None = None,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[RowMapping]:
    """A page of failures, newest first."""
    at = place(_ORDER, _KINDS, after=after, before=before)
    filters = {"states": list(states) if states else None, "process": process, "related": related}
    rows = await page_queries.select_failure_page(session, account_id, filters, at, limit + 1)
    return page_of(rows, at, limit, lambda row: pick(row, "timestamp", "failure_id"), _ORDER)


async def list_calls(
    session: AsyncSession,
    account_id: UUID,
    *,
    service: str | None = None,
    related: Sequence[str] | None = None,
    failed_only: bool = False,
    after: str | None = None,
    before: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[RowMapping]:
    """A page of calls to outside services, newest first."""
    at = place(_ORDER, _KINDS, after=after, before=before)
    filters = {
        "service": service,
        "related": list(related) if related is not None else None,
        "failed_only": failed_only,
    }
    rows = await page_queries.select_call_page(session, account_id, filters, at, limit + 1)
    return page_of(rows, at, limit, lambda row: pick(row, "timestamp", "call_id"), _ORDER)
