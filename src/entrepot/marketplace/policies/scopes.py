"""Where a rule holds: dimensions, each with the values of which one must be met.

Several dimensions on a rule mean all of them, several values of one mean any of them. A dimension is an attribute of
the context; so a scope is one more condition, and the index uses it as such. Two are not: GLOBAL, which always holds,
and DATE_RANGE, which is about the moment that is asked about.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Any, NamedTuple

from entrepot.kit.errors import InvalidInputError

#: Dimension → attribute of the context.
ATTRIBUTES: dict[str, str] = {
    "BRAND": "brand",
    "CATEGORY": "category",
    "CHANNEL": "channel",
    "COUNTRY": "country",
    "CURRENCY": "currency",
    "DEVICE": "device",
    "ENVIRONMENT": "environment",
    "PROMOTION_TYPE": "promotion_type",
    "REGION": "region",
    "SELLER_TIER": "seller_tier",
    "SELLER_TYPE": "seller_type",
    "SERVICE_LEVEL": "service_level",
    "SHIPPING_METHOD": "shipping_method",
    "TENANT": "tenant",
}
GLOBAL = "GLOBAL"
DATE_RANGE = "DATE_RANGE"
DIMENSIONS: tuple[str, ...] = tuple(sorted((*ATTRIBUTES, GLOBAL, DATE_RANGE)))

Scopes = Mapping[str, Sequence[str]]


class Window(NamedTuple):
    """A span of time that holds its start and not its end; None is open."""

    start: datetime | None
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether the moment is within it."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


def attribute_scopes(scopes: Scopes) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Dimension → the condition that it stands for: `{"REGION": {"region": {"$in": ["EU", "UK"]}}}`."""
    return {
        dimension: {ATTRIBUTES[dimension]: {"$in": list(values)}}
        for dimension, values in scopes.items()
        if dimension in ATTRIBUTES
    }  # fmt: skip


def specificity(scopes: Scopes) -> int:
    """How many dimensions narrow a rule; GLOBAL narrows nothing."""
    return sum(1 for dimension in scopes if dimension != GLOBAL)


def windows(scopes: Scopes, start: datetime | None, end: datetime | None) -> tuple[Window, ...]:
    """When a rule is in force: its own dates cut by each of its date ranges; empty for never, in order of time."""
    own = Window(start, end)
    ranges = [read_range(value) for value in scopes.get(DATE_RANGE, ())]
    cut = [_overlap(own, one) for one in ranges] if ranges else [own]
    return tuple(sorted((one for one in cut if one is not None), key=_by_start))


def read_range(value: str, path: str = "") -> Window:
    """The span of `2026-11-27/2026-12-01`: from the first moment to just before the second, in UTC where no zone is given.

    `..` leaves a side open. Raises InvalidInputError where it is no span.
    """
    first, slash, second = value.partition("/")
    try:
        if not slash:
            raise ValueError("no slash")
        found = Window(_moment(first), _moment(second))
    except ValueError as error:
        raise InvalidInputError(
            f"{path or 'DATE_RANGE'} is no range of dates: {value!r}.",
            hint="Write START/END: 2026-11-27/2026-12-01, with .. for an open side; the end is not part of it.",
            where={"path": path},
        ) from error
    if found.start is not None and found.end is not None and found.start >= found.end:
        raise InvalidInputError(
            f"{path or 'DATE_RANGE'} ends before it begins: {value!r}.",
            hint="The end is not part of the range, so it must be later than the start.",
            where={"path": path},
        )
    return found


def check_scopes(scopes: Scopes, path: str) -> None:
    """Raise InvalidInputError, with the path, for a dimension that is not known and for values that it cannot have."""
    for dimension, values in scopes.items():
        place = f"{path}.{dimension}"
        if dimension not in DIMENSIONS:
            near = get_close_matches(dimension.upper(), DIMENSIONS, n=1)
            raise InvalidInputError(
                f"{place}: there is no dimension {dimension}.",
                hint=f"Is {near[0]} meant?" if near else f"There are {', '.join(DIMENSIONS)}; whatever else belongs in the condition.",
                where={"path": place},
            )  # fmt: skip
        if dimension == GLOBAL and list(values) != ["ALL"]:
            raise InvalidInputError(
                f"{place} can only be ALL.", hint="Name the dimension that narrows the rule.", where={"path": place}
            )  # fmt: skip
        if dimension == DATE_RANGE:
            for number, value in enumerate(values):
                read_range(value, f"{place}[{number}]")


def in_words(scopes: Scopes) -> str:
    """The scopes as a person reads them; empty where they narrow nothing."""
    parts = []
    for dimension, values in scopes.items():
        if dimension in ATTRIBUTES:
            parts.append(f"{ATTRIBUTES[dimension]} {' or '.join(values)}")
        elif dimension == DATE_RANGE:
            parts.append(" or ".join(map(_span_words, values)))
    return " and ".join(parts)


def _span_words(value: str) -> str:
    start, _, end = value.partition("/")
    sides = [f"{word} {side}" for word, side in (("from", start), ("until", end)) if side not in ("", "..")]
    return " ".join(sides) or "at any time"


def _moment(text: str) -> datetime | None:
    if text in ("", ".."):
        return None
    if len(text) == len("2026-11-27"):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _overlap(one: Window, other: Window) -> Window | None:
    starts = [window.start for window in (one, other) if window.start is not None]
    ends = [window.end for window in (one, other) if window.end is not None]
    found = Window(max(starts, default=None), min(ends, default=None))
    if found.start is not None and found.end is not None and found.start >= found.end:
        return None
    return found


def _by_start(window: Window) -> Any:
    return (window.start is not None, window.start or 0, window.end is None, window.end or 0)
