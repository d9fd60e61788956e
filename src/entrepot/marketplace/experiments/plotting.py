"""The geometry of intervals beside one another: pure functions from figures to coordinates; a template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

#: Pixels of the drawing: its width, the names at its left, the free space at its right, and the height of a row.
WIDTH = 720
LEFT = 150
RIGHT = 24
ROW = 32
FOOT = 28


@dataclass(frozen=True, slots=True)
class Shown:
    """One interval as it is to be drawn; `tone` is ok, bad or empty."""

    label: str
    middle: float
    low: float
    high: float
    title: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval with its coordinates."""

    label: str
    y: float
    low: float
    high: float
    middle: float
    title: str
    tone: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line from top to bottom and the value that it stands for."""

    x: float
    label: str
    zero: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """Intervals, ready to draw."""

    width: int
    height: int
    intervals: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


def plot(intervals: Sequence[Shown], *, percent: bool = False) -> Plot:
    """Intervals around a common zero, with round values below them; `percent` writes differences of shares in percentage points."""
    reach = max((max(abs(one.low), abs(one.high)) for one in intervals), default=0.0) or 1.0
    step = round_step(reach / 2)
    edge = step * -(-reach // step)
    span = WIDTH - LEFT - RIGHT

    def x_of(value: float) -> float:
        return round(LEFT + span * (value + edge) / (2 * edge), 2)

    count = round(edge / step)
    return Plot(
        width=WIDTH,
        height=len(intervals) * ROW + FOOT,
        intervals=tuple(
            Bar(
                label=one.label,
                y=ROW * index + ROW / 2 + 4,
                low=x_of(one.low),
                high=x_of(one.high),
                middle=x_of(one.middle),
                title=one.title,
                tone=one.tone,
            )
            for index, one in enumerate(intervals)
        ),
        ticks=tuple(
            Tick(x_of(place * step), _label(place * step, percent), place == 0)
            for place in range(-count, count + 1)
        ),
    )


def round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least `least`."""
    power: float = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _label(value: float, percent: bool) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{abs(value) * 100:.4g} pp" if percent else f"{sign}{abs(value):.4g}"
