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


@dataclass(frozen=True)
class Curve:
    """A line of a line chart: its segments as a path, and the points that stand alone between gaps."""

    name: str
    path: str
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Slot:
    """The strip of a chart that belongs to one bucket: what is said of it when it is pointed at."""

    x: float
    width: float
    label: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class LineChart:
    """A line chart, ready to draw; `before` is the first line in the period before, to be dashed."""

    width: int
    height: int
    left: int
    bottom: float
    rules: tuple[Rule, ...]
    curves: tuple[Curve, ...]
    before: Curve | None
    slots: tuple[Slot, ...]
    ticks: tuple[Tick, ...]


Values = Sequence[float | None]


def scale_of(values: Sequence[float], *, share: bool, whole: bool = False) -> list[float]:
    """The values of an axis's rules.

    Shares stay within 0 and 1, and begin higher where all of them are high; of what is counted there are whole steps.
    """
    if not share:
        steps = round_steps(max(values, default=0.0))
        return [float(step) for step in range(ceil(steps[-1]) + 1)] if whole and steps[1] < 1 else steps
    least, most = min(values, default=0.0), max(values, default=0.0)
    if least >= 0.5:
        low = min(floor(least * 10 + 1e-9) / 10, 0.9)
        return [round(low + (1 - low) * index / 4, 6) for index in range(5)]
    return [step for step in round_steps(min(max(most, 0.05), 1.0)) if step <= 1 + 1e-9]


def line_chart(
    labels: Sequence[str],
    lines: Sequence[tuple[str, Values]],
    *,
    before: tuple[str, Values] | None = None,
    text: Callable[[float | None], str],
    tick: Callable[[float], str] = short_number,
    short: Callable[[str], str] = str,
    share: bool = False,
    whole: bool = False,
    width: int = 500,
    height: int = 190,
    ticks: int = 5,
) -> LineChart:
    """Lines over buckets; a value that is None is a gap. `short` makes the label below the axis of a bucket's label."""
    left, top, foot = 52, 22, 24
    drawn = [*lines, *([before] if before else [])]
    known = [value for _, values in drawn for value in values if value is not None]
    steps = scale_of(known, share=share, whole=whole)
    low, high = steps[0], steps[-1]
    plot = height - top - foot
    slot = (width - left - 4) / max(len(labels), 1)

    def at(index: int, value: float) -> tuple[float, float]:
        inside = min(max(value, low), high)
        return round(left + slot * (index + 0.5), 1), round(
            top + plot * (1 - (inside - low) / (high - low)), 1
        )

    def curve(name: str, values: Values) -> Curve:
        path, dots = [], []
        for run in runs_of(values[: len(labels)]):
            points = [at(index, value) for index, value in run]
            if len(points) == 1:
                dots.append(points[0])
            else:
                path.append("M" + "L".join(f"{x} {y}" for x, y in points))
        return Curve(name, "".join(path), tuple(dots))

    def texts(index: int) -> tuple[str, ...]:
        return tuple(
            f"{name}: {text(values[index] if index < len(values) else None)}" for name, values in drawn
        )

    every = max(1, ceil(len(labels) / ticks))
    return LineChart(
        width=width,
        height=height,
        left=left,
        bottom=height - foot,
        rules=tuple(Rule(y=at(0, step)[1], label=tick(step)) for step in steps),
        curves=tuple(curve(name, values) for name, values in lines),
        before=curve(*before) if before else None,
        slots=tuple(
            Slot(round(left + slot * index, 1), round(slot, 2), label, texts(index))
            for index, label in enumerate(labels)
        ),
        ticks=tuple(
            Tick(x=at(index, low)[0], label=short(label), anchor="middle")
            for index, label in enumerate(labels)
            if index % every == every // 2
        ),
    )


def runs_of(values: Values) -> list[list[tuple[int, float]]]:
    """The stretches of values between gaps, each value with its index."""
    runs: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index, value))
    return [run for run in runs if run]
