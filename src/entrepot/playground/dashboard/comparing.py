"""A figure beside what it was in the period before: how much more or less, and what share that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Number = int | float | Decimal
Direction = Literal["up", "down", "same", "unknown"]
#: What a figure is measured in; it decides how it is written.
Unit = Literal["count", "money", "share", "milliseconds", "minutes", "stars"]
#: Differences below this are those of rounding.
EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure and what it was. None stands for a figure that does not exist: a rate of nothing, an empty median.

    `share` is the difference as a part of what was; it does not exist where there was nothing.
    """

    now: float | None
    before: float | None
    difference: float | None
    share: float | None
    direction: Direction


def compare(now: Number | None, before: Number | None) -> Comparison:
    """The comparison of two figures, either of which may not exist."""
    present = None if now is None else float(now)
    past = None if before is None else float(before)
    if present is None or past is None:
        return Comparison(present, past, None, None, "unknown")
    difference = present - past
    if abs(difference) < EPSILON:
        return Comparison(present, past, 0.0, 0.0 if past else None, "same")
    share = difference / abs(past) if abs(past) >= EPSILON else None
    return Comparison(present, past, difference, share, "up" if difference > 0 else "down")


def rate(part: Number | None, whole: Number | None) -> float | None:
    """A part of a whole from 0 to 1; None where there is no whole to speak of."""
    if part is None or not whole:
        return None
    return float(part) / float(whole)


def mean(values: Iterable[tuple[Number | None, Number]]) -> float | None:
    """The weighted mean of (value, weight) pairs, values that do not exist left out; None where nothing is left."""
    pairs = [(float(value), float(weight)) for value, weight in values if value is not None and weight]
    weight = sum(one for _, one in pairs)
    return sum(value * one for value, one in pairs) / weight if weight else None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a page. `wanted` is the direction that is good news; empty where neither is."""

    key: str
    title: str
    unit: Unit
    compared: Comparison
    wanted: Literal["up", "down", ""] = ""
    note: str = ""

    @property
    def tone(self) -> Literal["good", "poor", ""]:
        """Whether the change is good news."""
        if not self.wanted or self.compared.direction not in ("up", "down"):
            return ""
        return "good" if self.compared.direction == self.wanted else "poor"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: a value a bucket, None where there is none."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Trend:
    """What a chart shows: buckets, lines over them, and the first line in the period before."""

    key: str
    title: str
    unit: Unit
    buckets: Sequence[str]
    hrefs: Sequence[str]
    lines: Sequence[Line]
    before: Line | None = None
    note: str = ""
    #: First bucket of a stretch that is to be seen, and the one after its last: the time that a scenario holds.
    marked: tuple[int, int] | None = None
