"""What a world is made from."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from entrepot.kit.errors import InvalidInputError

#: Greatest number of days that a world can have: the number of a visit keeps 13 bits for its day.
LONGEST = 8000


@dataclass(frozen=True)
class Scenario:
    """Something that happens to the world from `start` to before `end`; `strength` 1 is as documented."""

    name: str
    start: datetime
    end: datetime
    strength: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "name": self.name,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "strength": self.strength,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Scenario":
        """From what `as_dict` made."""
        return cls(
            stored["name"],
            datetime.fromisoformat(stored["start"]),
            datetime.fromisoformat(stored["end"]),
            float(stored["strength"]),
        )


@dataclass(frozen=True)
class WorldSettings:
    """A world: its seed, its size, its days from `start` to before `end` (UTC), and what happens to it."""

    seed: int = 1
    scale: float = 1.0
    start: date = date(2025, 10, 1)
    end: date = date(2026, 1, 1)
    scenarios: tuple[Scenario, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.scale <= 10_000:
            raise InvalidInputError(
                f"The scale is {self.scale:g}.", hint="Give a number above 0, at most 10000; 1 is a laptop's."
            )
        if self.start >= self.end:
            raise InvalidInputError(
                f"The world would end on {self.end}, which is not after its start on {self.start}.",
                hint="Give an end after the start; the end itself is not part of the world.",
            )
        if self.start.year < 1971 or self.days > LONGEST:
            raise InvalidInputError(
                f"A world of {self.days} days from {self.start} is not possible.",
                hint=f"Start in 1971 or later, and simulate at most {LONGEST} days.",
            )
        if self.seed < 0:
            raise InvalidInputError(f"The seed is {self.seed}.", hint="Give a whole number from 0.")

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    @property
    def start_time(self) -> datetime:
        """First moment."""
        return datetime.combine(self.start, time(), UTC)

    @property
    def end_time(self) -> datetime:
        """First moment that is no longer in it."""
        return datetime.combine(self.end, time(), UTC)

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "seed": self.seed,
            "scale": self.scale,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "scenarios": [scenario.as_dict() for scenario in self.scenarios],
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "WorldSettings":
        """From what `as_dict` made."""
        return cls(
            int(stored["seed"]),
            float(stored["scale"]),
            date.fromisoformat(stored["start"]),
            date.fromisoformat(stored["end"]),
            tuple(Scenario.from_dict(scenario) for scenario in stored["scenarios"]),
        )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """A moment as microseconds since 1970; a moment without zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
