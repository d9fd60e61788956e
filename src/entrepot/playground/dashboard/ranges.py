"""The stretch of time that a page is about, and the one of equal length before it. All of it in UTC, half-open."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from entrepot.kit.errors import InvalidInputError

Grain = Literal["hour", "day"]

STEPS: dict[Grain, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
#: Preset → its words and its length; "all" is the whole world.
PRESETS: dict[str, tuple[str, timedelta | None]] = {
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
    "all": ("Whole world", None),
}
DEFAULT_PRESET = "7d"
#: Longest range that is shown by the hour; a chart of more points shows nothing.
LONGEST_BY_HOUR = timedelta(days=31)
#: Longest range at all.
LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` to before `end`, in buckets of `grain`; `preset` is empty where the bounds were given."""

    start: datetime
    end: datetime
    grain: Grain
    preset: str = ""

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    @property
    def previous(self) -> "Range":
        """The range of equal length that ends where this one begins."""
        return Range(self.start - self.length, self.start, self.grain)

    @property
    def buckets(self) -> list[datetime]:
        """The beginnings of its buckets."""
        step = STEPS[self.grain]
        return [self.start + step * index for index in range(int(self.length / step))]

    @property
    def words(self) -> str:
        """Its bounds, to be read: 2025-11-28 00:00 to 2025-11-29 00:00."""
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A range as a request asks for it; what is empty is left to us."""

    preset: str = ""
    start: str = ""
    end: str = ""
    grain: str = ""


def choose_range(asked: Asked, *, first: datetime, last: datetime) -> Range:
    """The range that is asked for, in a world whose facts lie from `first` to `last`; "now" is `last`.

    Bounds are moved outward to whole buckets. Without a grain, up to a week is shown by the hour. Raises
    InvalidInputError for bounds that are no times or in the wrong order, and for too long a range by the hour.
    """
    if asked.grain not in ("", "hour", "day"):
        raise InvalidInputError("A grain is hour or day.", where={"field": "grain"})
    grain: Grain | None = "hour" if asked.grain == "hour" else "day" if asked.grain == "day" else None
    if asked.start or asked.end:
        found = _given(asked, grain, first, last)
    else:
        found = _preset(asked.preset or DEFAULT_PRESET, grain, first, last)
    if found.length > LONGEST:
        raise InvalidInputError(
            "The range is longer than ten years.", hint="Choose later bounds.", where={"field": "from"}
        )
    if found.grain == "hour" and found.length > LONGEST_BY_HOUR:
        raise InvalidInputError(
            f"By the hour a range has at most {LONGEST_BY_HOUR.days} days; this one has {found.length.days}.",
            hint="Look at it by the day, or choose closer bounds.",
            where={"field": "grain"},
        )
    return found


def _given(asked: Asked, grain: Grain | None, first: datetime, last: datetime) -> Range:
    start = parse_moment(asked.start, "from") if asked.start else first
    end = parse_moment(asked.end, "to") if asked.end else after(last, "hour")
    if end <= start:
        raise InvalidInputError(
            "The range ends before it begins.", hint="`to` lies after `from`.", where={"field": "to"}
        )
    chosen: Grain = grain or ("hour" if end - start <= timedelta(days=7) else "day")
    return Range(floor(start, chosen), ceiling(end, chosen), chosen)


def _preset(name: str, grain: Grain | None, first: datetime, last: datetime) -> Range:
    if name not in PRESETS:
        raise InvalidInputError(
            f"There is no range {name!r}.", hint=f"There are {', '.join(PRESETS)}.", where={"field": "range"}
        )
    length = PRESETS[name][1]
    if length is None:
        chosen: Grain = grain or ("hour" if last - first < timedelta(days=2) else "day")
        return Range(floor(first, chosen), after(last, chosen), chosen, name)
    chosen = grain or ("hour" if length <= timedelta(days=7) else "day")
    end = after(last, chosen)
    return Range(end - length, end, chosen, name)


def parse_moment(text: str, field: str) -> datetime:
    """A point in time as ISO 8601, in UTC where it names no offset; a date is its midnight."""
    # A browser's query has a space where somebody typed the + of an offset.
    given = text.strip()
    if len(given) > 19 and given[-6:-5] == " ":
        given = f"{given[:-6]}+{given[-5:]}"
    try:
        found = datetime.fromisoformat(given)
        moved = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if not 1970 <= moved.year <= 2200:
            raise ValueError("not a year of this warehouse")
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"{text!r} is no time.",
            hint="Write 2025-11-28, 2025-11-28T14:00 (UTC) or 2025-11-28T14:00+01:00.",
            where={"field": field},
        ) from error
    return moved


def floor(moment: datetime, grain: Grain) -> datetime:
    """The beginning of the bucket that a moment is in, by UTC."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if grain == "hour" else hour.replace(hour=0)


def ceiling(moment: datetime, grain: Grain) -> datetime:
    """The moment itself where a bucket begins with it, else the beginning of the next bucket."""
    low = floor(moment, grain)
    return low if low == moment else low + STEPS[grain]


def after(moment: datetime, grain: Grain) -> datetime:
    """The end of the bucket that a fact of this moment is in."""
    return floor(moment, grain) + STEPS[grain]
