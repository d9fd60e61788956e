"""What can be run from a page, and what it is expected to show. Decisions only: no database here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from entrepot.kit.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Show:
    """A scenario as the page offers it: what is expected, and the charts that show it."""

    name: str
    title: str
    expected: str
    charts: tuple[str, ...]


SHOWS: dict[str, Show] = {
    show.name: show
    for show in (
        Show(
            "steady",
            "Steady",
            "Nothing out of the ordinary: the rhythm of day and night goes on, and the figures stay near those of the "
            "period before.",
            ("orders", "revenue"),
        ),
        Show(
            "growth",
            "Growth",
            "Sign-ups and visits grow little by little; over days, orders and revenue leave the dashed line upward.",
            ("orders", "revenue"),
        ),
        Show(
            "black-friday",
            "Black Friday",
            "Orders rise to several times the period before, and revenue with them, by less since much is on sale. "
            "Products run out. It is announced first: two and a half days of the world's time pass before it begins.",
            ("orders", "revenue", "ran_out"),
        ),
        Show(
            "stock-out",
            "Stock-out",
            "Suppliers deliver nothing: more and more products run out, and orders fall for want of goods.",
            ("ran_out", "orders"),
        ),
        Show(
            "payment-outage",
            "Payment outage",
            "The payment success rate drops to about a sixth at once, and returns at once; orders stay unpaid meanwhile.",
            ("payment_success", "orders"),
        ),
        Show(
            "fraud-wave",
            "Fraud wave",
            "Revenue rises with few but large orders; a day or two later they are cancelled and paid back.",
            ("revenue", "refunds"),
        ),
        Show(
            "refund-wave",
            "Refund wave",
            "Refunds climb some days after deliveries, and net revenue falls away from gross revenue.",
            ("refunds", "revenue"),
        ),
        Show(
            "churn",
            "Churn",
            "People leave at many times the usual rate: orders sink slowly and do not come back.",
            ("orders", "revenue"),
        ),
        Show(
            "flash-promotion",
            "Flash promotion",
            "For some hours a third of the shops sell far more, at lower prices; afterwards all is as before. It is "
            "announced first: two and a half days of the world's time pass before it begins.",
            ("orders", "revenue", "cart_abandonment"),
        ),
        Show(
            "dirty-data",
            "Dirty data",
            "No chart moves: names, addresses and times are untidy in one row of twenty. Look at the facts.",
            ("orders", "payment_success"),
        ),
    )
}
#: Hours of simulated time → words.
LENGTHS: dict[int, str] = {6: "6 hours", 24: "1 day", 72: "3 days", 168: "1 week"}
#: Simulated seconds a second → words.
SPEEDS: dict[int, str] = {
    600: "10 minutes a second",
    3600: "1 hour a second",
    14400: "4 hours a second",
    86400: "1 day a second",
}
STRENGTHS: dict[float, str] = {0.5: "Half", 1.0: "As documented", 2.0: "Double", 4.0: "Fourfold"}
#: Scale → words; what "small" is takes a few seconds.
SCALES: dict[float, str] = {0.05: "Small: a few seconds", 0.2: "A fifth", 1.0: "Scale 1: about a minute"}
#: How much of a run passes before its scenario begins and after it ends, so that it can be told from the rest.
LEAD = 0.2
TAIL = 0.15
#: Scenarios whose promotions are announced before they hold, up to 60 hours ahead: so much passes first, since what has
#: happened already cannot be announced any more.
ANNOUNCED = ("black-friday", "flash-promotion")
NOTICE = timedelta(hours=61)
#: Scenarios that need no time before them: they work little by little.
GRADUAL = ("steady", "growth", "churn", "dirty-data")


@dataclass(frozen=True, slots=True)
class ScenarioAsked:
    """A scenario to be run from the world's present on."""

    scenario: str
    strength: float = 1.0
    hours: int = 24
    speed: int = 3600

    def __post_init__(self) -> None:
        if self.scenario not in SHOWS:
            raise InvalidInputError(
                f"There is no scenario {self.scenario!r}.",
                hint=f"There are {', '.join(SHOWS)}.",
                where={"field": "scenario"},
            )
        _within("strength", self.strength, 0.1, 10)
        _within("hours", self.hours, 1, 24 * 31)
        _within("speed", self.speed, 1, 1_000_000)

    @property
    def title(self) -> str:
        """What it is called in lists."""
        strength = "" if self.strength == 1 else f", strength {self.strength:g}"
        return f"{SHOWS[self.scenario].title}{strength}"

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "scenario": self.scenario,
            "strength": self.strength,
            "hours": self.hours,
            "speed": self.speed,
        }

    @property
    def notice(self) -> timedelta:
        """What passes before the time that was asked for, so that the scenario can be announced."""
        return NOTICE if self.scenario in ANNOUNCED else timedelta(0)

    def window(self, clock: datetime) -> tuple[datetime, datetime]:
        """From when to when the scenario holds in a run that begins at `clock`."""
        length, begin = timedelta(hours=self.hours), clock + self.notice
        if self.scenario in GRADUAL:
            return begin, begin + length
        lead = timedelta(0) if self.notice else LEAD * length
        return begin + lead, begin + (1 - TAIL) * length

    def end(self, clock: datetime) -> datetime:
        """When the run ends on the world's clock."""
        return clock + self.notice + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True)
class WorldAsked:
    """A world to be made."""

    seed: int = 1
    scale: float = 0.05
    start: date = date(2025, 10, 1)
    end: date = date(2026, 1, 1)
    scenario: str = "black-friday"

    def __post_init__(self) -> None:
        _within("seed", self.seed, 0, 2**62)
        _within("scale", self.scale, 0.01, 2)
        if not timedelta(days=1) <= self.end - self.start <= timedelta(days=400):
            raise InvalidInputError(
                "A world made here has at least a day and at most 400 of them.",
                hint="`entrepot world generate` makes longer ones.",
                where={"field": "end"},
            )
        if self.scenario not in SHOWS:
            raise InvalidInputError(
                f"There is no scenario {self.scenario!r}.",
                hint=f"There are {', '.join(SHOWS)}.",
                where={"field": "scenario"},
            )

    @property
    def title(self) -> str:
        """What it is called in lists."""
        return f"World of seed {self.seed}, scale {self.scale:g}"

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "seed": self.seed,
            "scale": self.scale,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "scenario": self.scenario,
        }

    @property
    def last(self) -> datetime:
        """When the world ends."""
        return datetime.combine(self.end, time(), UTC)


def scenario_from(fields: Mapping[str, Any]) -> ScenarioAsked:
    """What a form or a stored run asks for; raises InvalidInputError where it cannot be used."""
    return ScenarioAsked(
        str(fields.get("scenario", "")),
        _number(fields, "strength", 1.0),
        int(_number(fields, "hours", 24)),
        int(_number(fields, "speed", 3600)),
    )


def world_from(fields: Mapping[str, Any]) -> WorldAsked:
    """The same for a world."""
    usual = WorldAsked()
    try:
        start = date.fromisoformat(str(fields.get("start") or usual.start))
        end = date.fromisoformat(str(fields.get("end") or usual.end))
    except ValueError as error:
        raise InvalidInputError(
            f"The world's days cannot be read: {error}.", hint="Write 2025-10-01.", where={"field": "start"}
        ) from error
    return WorldAsked(
        int(_number(fields, "seed", usual.seed)),
        _number(fields, "scale", usual.scale),
        start,
        end,
        str(fields.get("scenario") or usual.scenario),
    )


def _number(fields: Mapping[str, Any], name: str, usual: float) -> float:
    given = fields.get(name)
    if given in (None, ""):
        return usual
    try:
        return float(str(given))
    except ValueError as error:
        raise InvalidInputError(f"{given!r} is no number.", where={"field": name}) from error


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InvalidInputError(
            f"{name.capitalize()} {value:g} cannot be used.",
            hint=f"Give a number from {low:g} to {high:g}.",
            where={"field": name},
        )
