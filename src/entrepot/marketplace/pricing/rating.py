"""The rates of a platform: read, listed and set."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Page, page_of, pick, place
from entrepot.marketplace.pricing import queries
from entrepot.marketplace.pricing.money import parse_decimal
from entrepot.marketplace.pricing.rates import RATE_DIGITS, Rate, Rates, read_rates
from entrepot.marketplace.pricing.schemas import canonical_number

ORDER = "newest"


async def load_rates(session: AsyncSession, platform_id: UUID) -> Rates:
    """Every rate of a platform."""
    return Rates(rate_of(row) for row in await queries.select_rates(session, platform_id))


def rate_of(row: Mapping[Any, Any]) -> Rate:
    """The rate of a row."""
    text = canonical_number(row["exchange_rate"])
    scaled = parse_decimal(text, RATE_DIGITS, "rate", noun="rate")
    effective = row["effective_date"].astimezone(UTC)
    return Rate(row["from_currency"], row["to_currency"], text, scaled, effective, row["source"])


async def list_rates(
    session: AsyncSession,
    platform_id: UUID,
    filters: Mapping[str, Any],
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[RowMapping]:
    """A page of rates, the newest first; filters are those of `queries.RATE_FILTERS`."""
    at = place(ORDER, (datetime.fromisoformat, UUID), after=after, before=before)
    wanted = {name: value for name, value in filters.items() if value is not None}
    rows = await queries.select_rates_page(session, platform_id, filters=wanted, at=at, limit=limit + 1)
    return page_of(rows, at, limit, lambda row: pick(row, "effective_date", "id"), ORDER)


async def set_rates(session: AsyncSession, platform_id: UUID, given: Sequence[Any]) -> int:
    """Write rates; one that there is for the same currencies and date is replaced. How many were new or changed.

    Quotes that were recorded keep the rate that they were made with. Raises InvalidInputError with the path.
    """
    return await keep_rates(session, platform_id, read_rates(given))


async def keep_rates(session: AsyncSession, platform_id: UUID, rates: Rates) -> int:
    """Write rates that have been read; how many were new or changed."""
    rows = [
        {
            "from_currency": rate.from_currency,
            "to_currency": rate.to_currency,
            "rate": rate.text,
            "effective_date": rate.effective,
            "source": rate.source,
        }
        for rate in rates.all()
    ]
    return await queries.upsert_rates(session, platform_id, rows) if rows else 0
