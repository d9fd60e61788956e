"""Searching products: what was asked becomes filters, an order and a place; pages come back."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.web.paging import Page, belongs_to, page_of, place
from entrepot.pim.products import queries

Sort = Literal[
    "title", "-title", "vendor", "-vendor", "status", "-status", "updated", "-updated", "created", "-created",
    "price", "-price", "stock", "-stock",
]  # fmt: skip
Status = Literal["ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"]
Lack = Literal["image", "sku", "stock", "low", "description"]

DEFAULT_SORT: Sort = "-updated"
#: Counting stops here: nobody needs to know whether it is 10,000 or 12,345 products that match.
MOST_COUNTED = 10_000

_WORD = re.compile(r"\w+")
_KINDS: dict[str, type] = {"text": str, "numeric": Decimal, "bigint": int}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for; None where anything will do."""

    q: str | None = None
    status: str | None = None
    vendor: str | None = None
    type: str | None = None
    tag: str | None = None
    collection: str | None = None
    lacks: str | None = None

    @property
    def anything(self) -> bool:
        """Whether there is no filter at all."""
        return self == Wanted()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of products; `approximate` when nothing holds the words and these are titles that come close."""

    page: Page[RowMapping]
    approximate: bool = False


def filters_of(wanted: Wanted, *, approximate: bool = False) -> dict[str, Any]:
    """The parameters of the filters in force."""
    found: dict[str, Any] = {
        name: value
        for name in ("status", "vendor", "type", "tag", "collection")
        if (value := getattr(wanted, name)) not in (None, "")
    }
    q = (wanted.q or "").strip()
    if q and approximate:
        found["similar"] = q
    elif q:
        found |= {
            "q": q,
            "words": search_words(q),
            "exact": q,
            "like": queries.containing(q),
            "prefix": queries.starting_with(q),
        }
    return found


def search_words(q: str | None) -> str:
    """A text search query for rows that hold every word, each from its beginning: `mug ena` → `'mug':* & 'ena':*`."""
    return " & ".join(f"'{word}':*" for word in _WORD.findall((q or "").lower())[:12])


async def search_products(
    session: AsyncSession,
    wanted: Wanted,
    *,
    sort: str = DEFAULT_SORT,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
    counted: bool = False,
) -> Found:
    """A page of the products that match, or, where none holds the words, of those that come close. `counted` adds how many there are, up to `MOST_COUNTED`."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name not in queries.SORTS:
        raise InvalidInputError(
            f"{sort!r} is not an order.",
            hint=f"It is one of {', '.join(queries.SORTS)}, or one with - before it.",
        )
    kinds = (_kind(queries.SORTS[name][1]), str)
    lacks = wanted.lacks or None

    async def read(approximate: bool) -> Found:
        # A cursor says by its order which of the two searches it belongs to.
        order = f"close {sort}" if approximate else sort
        at = place(order, kinds, after=after, before=before)
        filters = filters_of(wanted, approximate=approximate)
        rows = await queries.select_products(
            session, filters=filters, lacks=lacks, sort=name, descending=descending, at=at, limit=limit + 1
        )
        total = None
        if counted and at is None and len(rows) <= limit:
            total = len(rows)
        elif counted:
            total = await queries.count_products(session, filters=filters, lacks=lacks, most=MOST_COUNTED)
        key = lambda row: (row["sort_key"], row["id"])  # noqa: E731
        return Found(page_of(rows, at, limit, key, order, total=total), approximate)

    if after or before:
        return await read(belongs_to(after or before or "", f"close {sort}"))
    found = await read(approximate=False)
    if not found.page.rows and (wanted.q or "").strip():
        return await read(approximate=True)
    return found


def _kind(sql_type: str) -> Any:
    return _timestamp if sql_type == "timestamptz" else _KINDS[sql_type]


def _timestamp(value: str) -> datetime | str:
    # PostgreSQL's own spelling goes back to it unchanged, "-infinity" included; anything else has to be a time.
    return value if value == "-infinity" else datetime.fromisoformat(value)
