"""The periods after which a limit resets, and what each means to a clock."""

from dataclasses import dataclass
from typing import Literal

from entrepot.marketplace.limits.modeling import Unit

ResetPeriod = Literal["SECOND", "MINUTE", "HOUR", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]


@dataclass(frozen=True, slots=True)
class Period:
    """A reset period: the unit of the calendar (None where it is the same in every zone), its usual length, its name."""

    unit: Unit | None
    seconds: int
    word: str


CALENDAR: dict[ResetPeriod, Period] = {
    "SECOND": Period(None, 1, "second"),
    "MINUTE": Period(None, 60, "minute"),
    "HOUR": Period("hour", 3_600, "hour"),
    "DAILY": Period("day", 86_400, "day"),
    "WEEKLY": Period("week", 604_800, "week"),
    "MONTHLY": Period("month", 2_592_000, "month"),
    "YEARLY": Period("year", 31_536_000, "year"),
}
