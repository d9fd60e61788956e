"""Keyset pages: a page begins after a row, not at a number, so that it costs the same however deep it is."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import orjson
from starlette.requests import Request

from entrepot.kit.errors import InvalidInputError

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after (or before) the row with these key values, in this order of rows."""

    order: str
    values: tuple[Any, ...]
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, and the cursors of the pages beside them; None where there is none."""

    rows: Sequence[Row]
    after: str | None
    before: str | None
    first_page: bool
    total: int | None = None


def encode(order: str, values: Sequence[Any]) -> str:
    """The cursor of a row: opaque to clients, and good for one order only."""
    data = orjson.dumps([order, *values], default=_plain)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(cursor: str, order: str, kinds: Sequence[Callable[[str], Any]], *, field: str) -> tuple[Any, ...]:
    """The key values of a cursor, each made by its kind; InvalidInputError for one that is not of this order."""
    try:
        found, *values = orjson.loads(_unwrapped(cursor))
        if found != order or len(values) != len(kinds):
            raise ValueError("another order")
        return tuple(
            None if value is None else kind(value) for kind, value in zip(kinds, values, strict=True)
        )
    except (ValueError, TypeError, ArithmeticError, binascii.Error) as error:
        raise InvalidInputError(
            "The cursor is not of this list in this order.",
            hint="Take cursors from the answer as they are, and start again when the order changes.",
            where={"field": field},
        ) from error


def belongs_to(cursor: str, order: str) -> bool:
    """Whether a cursor was made in this order; one that cannot be read was not."""
    try:
        return bool(orjson.loads(_unwrapped(cursor))[0] == order)
    except (ValueError, IndexError, KeyError, TypeError):
        return False


def place(
    order: str, kinds: Sequence[Callable[[str], Any]], *, after: str | None, before: str | None
) -> Place | None:
    """Where to begin, from the two parameters of a request; None for the first page."""
    if after and before:
        raise InvalidInputError(
            "A page begins after one row or before one, not both.", where={"field": "before"}
        )
    if after:
        return Place(order, decode(after, order, kinds, field="after"))
    if before:
        return Place(order, decode(before, order, kinds, field="before"), backward=True)
    return None


def page_of(
    rows: Sequence[Row],
    at: Place | None,
    limit: int,
    key: Callable[[Row], Sequence[Any]],
    order: str,
    *,
    total: int | None = None,
) -> Page[Row]:
    """The page made of up to `limit` + 1 rows as they were read: the one too many says that there is more."""
    more = len(rows) > limit
    kept = list(rows[:limit])
    backward = at is not None and at.backward
    if backward:
        kept.reverse()
    has_next = bool(kept) and (more if not backward else True)
    has_previous = bool(kept) and (more if backward else at is not None)
    return Page(
        rows=kept,
        after=encode(order, key(kept[-1])) if has_next else None,
        before=encode(order, key(kept[0])) if has_previous else None,
        first_page=not has_previous,
        total=total,
    )


def link_header(request: Request, page: Page[Any]) -> str:
    """The Link header (RFC 8288) of a page: next and prev, as far as there are any."""
    query = [(name, value) for name, value in parse_qsl(request.url.query) if name not in ("after", "before")]
    base = str(request.url.replace(query=""))
    links = [("next", "after", page.after), ("prev", "before", page.before)]
    return ", ".join(
        f'<{base}?{urlencode([*query, (name, cursor)])}>; rel="{rel}"'
        for rel, name, cursor in links
        if cursor
    )


def pick(row: Mapping[Any, Any], *names: str) -> tuple[Any, ...]:
    """The key values of a row, by name."""
    return tuple(row[name] for name in names)


def _unwrapped(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _plain(value: Any) -> Any:
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"a cursor cannot hold {type(value).__name__}")
