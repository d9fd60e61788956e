"""Time: microseconds since 1970, time zones, and the rhythm of the day and the week."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from entrepot.playground.world.randomness import Floats, Ints

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: Later than everything: the time of what never happens.
NEVER = int(np.iinfo(np.int64).max) // 4


@dataclass(frozen=True)
class Zone:
    """A time zone that people live by; the rule of summer time is its own, so that no data of the platform decides."""

    name: str
    offset_minutes: int
    summer: Literal["none", "europe", "america"]
    country: str
    weight: float


ZONES = (
    Zone("America/New_York", -300, "america", "US", 0.26),
    Zone("America/Chicago", -360, "america", "US", 0.16),
    Zone("America/Denver", -420, "america", "US", 0.06),
    Zone("America/Los_Angeles", -480, "america", "US", 0.17),
    Zone("Europe/London", 0, "europe", "GB", 0.12),
    Zone("Europe/Berlin", 60, "europe", "DE", 0.11),
    Zone("America/Sao_Paulo", -180, "none", "BR", 0.05),
    Zone("Asia/Tokyo", 540, "none", "JP", 0.07),
)

#: Share of a day's visits that start in each local hour, in thousandths: quiet nights, a lunch hump, long evenings.
_HOURS = (12, 7, 4, 3, 4, 8, 18, 30, 38, 44, 48, 52, 58, 54, 48, 46, 48, 54, 64, 78, 88, 84, 66, 44)
#: Weight of Monday to Sunday.
_WEEK = (0.98, 0.92, 0.92, 0.95, 1.0, 1.1, 1.13)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth Monday (0) … Sunday (6) of a month; from the end for a negative nth."""
    if nth < 0:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - weekday) % 7 + 7 * (-nth - 1))
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def utc_offset(zone: Zone, day: date) -> int:
    """Minutes that a zone's clocks are ahead of UTC on a day."""
    if zone.summer == "europe":
        begins, ends = nth_weekday(day.year, 3, 6, -1), nth_weekday(day.year, 10, 6, -1)
    elif zone.summer == "america":
        begins, ends = nth_weekday(day.year, 3, 6, 2), nth_weekday(day.year, 11, 6, 1)
    else:
        return zone.offset_minutes
    return zone.offset_minutes + (60 if begins <= day < ends else 0)


class Calendar:
    """The days of a world: offsets of its zones and the weight of each hour of UTC for people of each zone."""

    def __init__(self, start: date, days: int) -> None:
        self.start = start
        self.days = days
        self.first = (start - date(1970, 1, 1)).days * DAY
        dates = [start + timedelta(days=day) for day in range(days)]
        self.weekdays: Ints = np.array([day.weekday() for day in dates])
        #: minutes ahead of UTC by day and zone
        self.offsets: Ints = np.array([[utc_offset(zone, day) for zone in ZONES] for day in dates])
        hours = np.array(_HOURS, dtype=np.float64) / sum(_HOURS) * 24
        week = np.array(_WEEK)
        local = np.arange(24)[None, None, :] * 60 + 30 + self.offsets[:, :, None]
        weekday = (self.weekdays[:, None, None] + local // 1440) % 7
        #: weight of an hour of UTC, 1 on average, by day, zone and hour
        self.rhythm: Floats = hours[(local // 60) % 24] * week[weekday]

    def midnight(self, days: Ints) -> Ints:
        """First microsecond of the given days of the world."""
        return self.first + days * DAY

    def day_of(self, times: Ints) -> Ints:
        """The day of the world that moments are in."""
        return (times - self.first) // DAY

    @property
    def zone_weights(self) -> list[float]:
        """How many of the people live in each zone."""
        return [zone.weight for zone in ZONES]
