"""Stretches of time: what marked spans come to, in whole days, a month at most each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Stretch:
    """Whole days from `low` to before `high`, all of one month; UTC."""

    low: datetime
    high: datetime

    @property
    def month(self) -> "Stretch":
        """The whole month that it is in."""
        low = self.low.replace(day=1)
        return Stretch(low, _next_month(low))


def stretches(
    spans: Iterable[tuple[datetime, datetime]], start: datetime | None = None, end: datetime | None = None
) -> list[Stretch]:
    """The days that spans touch between start and end, without overlap, in order, cut at the ends of months."""
    found: list[list[datetime]] = []
    for low, high in sorted(spans):
        first = _day(max(low, start) if start else low)
        last = _next_day(min(high, end) if end else high)
        if first >= last:
            continue
        if found and first <= found[-1][1]:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return [stretch for first, last in found for stretch in _by_month(first, last)]


def _by_month(first: datetime, last: datetime) -> Iterable[Stretch]:
    while first < last:
        cut = min(last, _next_month(first))
        yield Stretch(first, cut)
        first = cut


def _day(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_day(moment: datetime) -> datetime:
    day = _day(moment)
    return day if day == moment else day + DAY


def _next_month(moment: datetime) -> datetime:
    return (_day(moment).replace(day=28) + timedelta(days=4)).replace(day=1)
