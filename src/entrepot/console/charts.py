"""The geometry of the console's charts: pure functions from figures to coordinates; the templates draw them as SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Rule:
    """A horizontal line and the value that it stands for."""

    y: float
    label: str


@dataclass(frozen=True)
class Bar:
    """One column."""

    x: float
    y: float
    width: float
    height: float
    label: str
    text: str


@dataclass(frozen=True)
class Tick:
    """A label below the columns."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True)
class ColumnChart:
    """A column chart, ready to draw."""

    width: int
    height: int
    left: int
    rules: tuple[Rule, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Sparkline:
    """A small line without axes; `path` is empty when there is nothing to draw."""

    width: int
    height: int
    path: str
    last: tuple[float, float]


def round_steps(largest: float, wanted: int = 4) -> list[float]:
    """Round numbers from 0 up to at least `largest`, about `wanted` steps apart by 1, 2, 2.5 or 5 times a power of ten."""
    if largest < 0.01:  # less than a cent is nothing to draw
        return [0.0, 1.0]
    raw = largest / wanted
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    return [round(step * index, 6) for index in range(ceil(largest / step - 1e-9) + 1)]


def short_number(value: float) -> str:
    """A number for an axis: 950, 1.2k, 3.4M."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return f"{value:g}"


def column_chart(
    points: Sequence[tuple[str, float]],
    *,
    text: Callable[[float], str],
    width: int = 720,
    height: int = 200,
    ticks: int = 6,
) -> ColumnChart:
    """Columns for (label, value) pairs; values below zero are drawn as zero and named in the label."""
    left, top, bottom = 44, 8, 24
    steps = round_steps(max((value for _, value in points), default=0.0))
    ceiling = steps[-1]
    plot = height - top - bottom

    def y_of(value: float) -> float:
        return round(top + plot * (1 - max(value, 0.0) / ceiling), 2)

    slot = (width - left) / max(len(points), 1)
    gap = min(slot * 0.28, 6)
    bars = tuple(
        Bar(
            x=round(left + slot * index + gap / 2, 2),
            y=y_of(value),
            width=round(slot - gap, 2),
            height=round(height - bottom - y_of(value), 2),
            label=label,
            text=text(value),
        )
        for index, (label, value) in enumerate(points)
    )
    every = max(1, ceil(len(points) / ticks))
    marks = tuple(
        Tick(x=round(bar.x + bar.width / 2, 2), label=bar.label, anchor="middle")
        for index, bar in enumerate(bars)
        if (len(bars) - 1 - index) % every == 0 and left + 16 < bar.x
    )
    if marks and marks[-1].x > width - 24:
        marks = (*marks[:-1], Tick(x=width, label=marks[-1].label, anchor="end"))
    return ColumnChart(
        width=width,
        height=height,
        left=left,
        rules=tuple(Rule(y=y_of(step), label=short_number(step)) for step in steps),
        bars=bars,
        ticks=marks,
    )


def sparkline(values: Sequence[float], *, width: int = 72, height: int = 20) -> Sparkline:
    """A line through the values, scaled to the box; the last point is marked."""
    if len(values) < 2:
        return Sparkline(width, height, "", (0.0, 0.0))
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = [
        (
            round(2 + (width - 4) * index / (len(values) - 1), 1),
            round(2 + (height - 4) * (1 - (value - low) / span), 1),
        )
        for index, value in enumerate(values)
    ]
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    return Sparkline(width, height, path, points[-1])
