"""Hours of business: when it is open, and when next, in the account's time zone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on some weekdays from one local time until another (midnight: the end of the day), but for some dates."""

    zone: ZoneInfo
    opens: time = time(9)
    closes: time = time(17)
    days: Collection[str] = DAYS[:5]
    closed_on: Collection[date] = ()

    def is_open(self, at: datetime) -> bool:
        """Whether it is open at a moment."""
        span = self._span(at.astimezone(self.zone).date())
        return span is not None and span[0] <= at < span[1]

    def next_open(self, at: datetime) -> datetime | None:
        """The moment itself where it is open, else the next one at which it is; None where it never opens again."""
        day = at.astimezone(self.zone).date()
        for ahead in range(400):
            span = self._span(day + timedelta(days=ahead))
            if span is not None and at < span[1]:
                return max(at, span[0])
        return None

    def _span(self, day: date) -> tuple[datetime, datetime] | None:
        if DAYS[day.weekday()] not in self.days or day in self.closed_on:
            return None
        # A local time that a change of the clock skips or repeats: the first moment that it can mean.
        last = day if self.closes > time(0) else day + timedelta(days=1)
        opens = datetime.combine(day, self.opens, self.zone).astimezone(UTC)
        return opens, datetime.combine(last, self.closes, self.zone).astimezone(UTC)
