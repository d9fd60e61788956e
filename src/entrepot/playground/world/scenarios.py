"""What can happen to a world: windows with a strength, each a modulation of the draws, never a draw of its own."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import numpy as np

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.world.calendars import DAY, HOUR, Calendar, nth_weekday
from entrepot.playground.world.randomness import Flags, Floats, Ints
from entrepot.playground.world.settings import Scenario, WorldSettings, microseconds

#: Every scenario and what it does at strength 1.
SCENARIOS: dict[str, str] = {
    "steady": "Nothing out of the ordinary.",
    "growth": "Sign-ups and visits grow by half of their first size every thirty days.",
    "black-friday": "From Friday to Monday: four times the visits, more of them buy, three products in five on sale.",
    "stock-out": "Suppliers deliver nothing to most products while demand rises by half.",
    "payment-outage": "Five payments in six fail.",
    "fraud-wave": "Large orders on stolen cards, found out and cancelled a day or two later.",
    "refund-wave": "Of what arrives in the window, nearly half is sent back.",
    "churn": "People leave at twelve times the usual rate.",
    "flash-promotion": "A third of the shops give a third off for some hours, and six times the visits come.",
    "dirty-data": "One row in twenty is untidy: odd case, stray blanks, missing addresses, late update times.",
}

_LASTING = timedelta(days=3650)
_PATTERN = re.compile(
    r"(?P<name>[a-z-]+)(?:@(?P<start>[^.*]+)\.\.(?P<end>[^*]+))?(?:\*(?P<strength>[0-9.]+))?"
)


def _default_window(name: str, settings: WorldSettings) -> tuple[datetime, datetime]:
    """The window of a scenario that names none; it depends on the start of the world only."""
    begin = settings.start_time

    def days(first: float, last: float) -> tuple[datetime, datetime]:
        return begin + timedelta(days=first), begin + timedelta(days=last)

    if name == "black-friday":
        for year in (settings.start.year, settings.start.year + 1):
            # The day after Thanksgiving, the fourth Thursday of November: not always the fourth Friday.
            friday = nth_weekday(year, 11, 3, 4) + timedelta(days=1)
            if friday >= settings.start:
                break
        first = datetime.combine(friday, time(), UTC)
        return first, first + timedelta(days=4)
    return {
        "stock-out": days(20, 30),
        "payment-outage": days(15 + 14 / 24, 15 + 20 / 24),
        "fraud-wave": days(25, 28),
        "refund-wave": days(35, 42),
        "churn": days(30, 60),
        "flash-promotion": days(10 + 16 / 24, 10 + 22 / 24),
    }.get(name, (begin, begin + _LASTING))


def _moment(text: str, written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInputError(
            f"{text.strip()!r} in the scenario {written!r} is no date or time.",
            hint="Write it as 2025-11-10 or 2025-11-10T14:00.",
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_scenario(written: str, settings: WorldSettings) -> Scenario:
    """A scenario as it is written: `name`, `name@from..to`, either with `*strength` behind it.

    Raises InvalidInputError for a name that there is not, a window that is none or a strength of 0.
    """
    match = _PATTERN.fullmatch(written.strip())
    if match is None or match["name"] not in SCENARIOS:
        raise InvalidInputError(
            f"There is no scenario {written!r}.",
            hint=f"Write one of {', '.join(SCENARIOS)}; name@2025-11-10..2025-11-13 sets its window, "
            "name*2 its strength.",
        )
    name = match["name"]
    start, end = _default_window(name, settings)
    if match["start"]:
        start, end = _moment(match["start"], written), _moment(match["end"], written)
    if start >= end:
        raise InvalidInputError(
            f"The window of the scenario {written!r} ends before it begins.", hint="Write name@from..to."
        )
    try:
        strength = float(match["strength"] or 1)
    except ValueError:
        strength = 0.0
    if not 0 < strength <= 100:
        raise InvalidInputError(
            f"The strength of the scenario {written!r} cannot be used.",
            hint="Give a number above 0, up to 100.",
        )
    return Scenario(name, start, end, strength)


@dataclass(frozen=True)
class Span:
    """A scenario's window in microseconds."""

    start: int
    end: int
    strength: float

    def holds(self, times: Ints) -> Flags:
        """Which moments are in it."""
        return np.asarray((times >= self.start) & (times < self.end))


class Modulation:
    """All scenarios of a world, asked by what they change."""

    def __init__(self, settings: WorldSettings, calendar: Calendar) -> None:
        self._calendar = calendar
        self._spans: dict[str, list[Span]] = {}
        for scenario in settings.scenarios:
            span = Span(microseconds(scenario.start), microseconds(scenario.end), scenario.strength)
            self._spans.setdefault(scenario.name, []).append(span)

    def spans(self, name: str) -> list[Span]:
        """The windows of a scenario, none if it is not one of this world's."""
        return self._spans.get(name, [])

    def strength(self, name: str, times: Ints) -> Floats:
        """Strength of a scenario at each moment, 0 outside its windows."""
        total = np.zeros(np.shape(times))
        for span in self.spans(name):
            total = np.maximum(total, span.holds(times) * span.strength)
        return total

    def hours(self) -> Ints:
        """Beginnings of the hours of the world, by day and hour."""
        days = self._calendar.midnight(np.arange(self._calendar.days))
        return np.asarray(days[:, None] + np.arange(24)[None, :] * HOUR)

    def growth(self, times: Ints) -> Floats:
        """Factor by which the world has grown at each moment."""
        factor = np.ones(np.shape(times))
        for span in self.spans("growth"):
            passed = np.clip(times, span.start, span.end) - span.start
            factor = factor + 0.5 * span.strength * passed / (30 * DAY)
        return factor

    def visits(self) -> Floats:
        """Factor of visits by day and hour, the flash promotions of single shops left out."""
        hours = self.hours()
        factor = self.growth(hours)
        factor = factor * (1 + 3.0 * self.strength("black-friday", hours))
        return np.asarray(factor * (1 + 0.5 * self.strength("stock-out", hours)))

    def flash(self) -> Floats:
        """Factor of visits by day and hour in the shops that have a flash promotion."""
        return np.asarray(1 + 5.0 * self.strength("flash-promotion", self.hours()))

    def failure(self, times: Ints, base: float) -> Floats:
        """Probability that a payment begun at each moment fails."""
        outage = np.minimum(0.83 * self.strength("payment-outage", times), 0.98)
        return np.asarray(base + (1 - base) * outage)

    def sent_back(self, delivered: Ints, base: float) -> Floats:
        """Probability that an order delivered at each moment is sent back."""
        wave = np.minimum(0.42 * self.strength("refund-wave", delivered), 0.9)
        return np.asarray(base + (1 - base) * wave)

    def leaving(self, days: Ints) -> Floats:
        """Factor of the rate at which people leave, on each day."""
        return np.asarray(1 + 11.0 * self.strength("churn", self._calendar.midnight(days)))
