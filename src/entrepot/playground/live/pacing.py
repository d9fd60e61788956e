"""The simulated clock of a live world: where it stands after so many seconds of ours."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from entrepot.kit.errors import InvalidInputError

#: Simulated time of a tick where nothing waits for the clock on the wall.
STEP = timedelta(hours=1)
#: Seconds between two ticks where something does.
INTERVAL = 1.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Pace:
    """From `start` on, `speed` simulated seconds a second; speed 0 is as fast as it goes, a `step` a tick."""

    start: datetime
    speed: float
    until: datetime | None = None
    step: timedelta = STEP

    def next(self, clock: datetime, elapsed: float, cost: float = 0.0) -> datetime:
        """The moment of the next tick, when the clock says `clock`, `elapsed` seconds have gone by, and a tick takes `cost`.

        It is what the clock will say when the tick can be ready; never before `clock`, never after `until`.
        """
        ready = elapsed + max(INTERVAL, cost)
        target = self.start + timedelta(seconds=ready * self.speed) if self.speed else clock + self.step
        if self.until is not None:
            target = min(target, self.until)
        return max(target, clock)

    def wait(self, target: datetime, elapsed: float) -> float:
        """Seconds until the clock says `target`; nothing is written before it happens."""
        if not self.speed:
            return 0.0
        return max((target - self.start).total_seconds() / self.speed - elapsed, 0.0)

    def ends(self, clock: datetime) -> bool:
        """Whether there is nothing left to do."""
        return self.until is not None and clock >= self.until


def parse_speed(text: str) -> float:
    """Simulated seconds a second: a number, or `max` (0). Raises InvalidInputError for anything else."""
    if text == "max":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= 1e9:
        raise InvalidInputError(
            f"{text!r} is no speed.", hint="Give simulated seconds a second, such as 3600, or max."
        )
    return speed


def parse_duration(text: str) -> timedelta:
    """A length of time such as `90m`, `2h` or `3d`; raises InvalidInputError for anything else."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or float(found[1]) == 0:
        raise InvalidInputError(f"{text!r} is no length of time.", hint="Write it as 90m, 2h or 3d.")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})
