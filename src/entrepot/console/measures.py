"""How figures are written and drawn by what they are measured in: counts, money, shares, times, stars."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.console.charts import LineChart, line_chart, short_number
from entrepot.console.formats import MISSING
from entrepot.playground.dashboard.comparing import Comparison, Trend, Unit, compare


def measured(value: float | None, unit: Unit) -> str:
    """A figure as it is read: 1,204 · 12,300.50 · 97.2 % · 143 ms · 3 h 20 min · 4.31."""
    if value is None:
        return MISSING
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "money":
        return f"{value:,.2f}"
    if unit == "share":
        return f"{value * 100:.1f} %"
    if unit == "milliseconds":
        return f"{value / 1000:,.2f} s" if abs(value) >= 10_000 else f"{value:,.0f} ms"
    if unit == "minutes":
        return _minutes(value)
    return f"{value:.2f}"


def _minutes(value: float) -> str:
    whole = round(abs(value))
    sign = "−" if value < 0 else ""
    days, hours, minutes = whole // 1440, whole // 60 % 24, whole % 60
    if days:
        return f"{sign}{days:,} d {hours} h"
    return f"{sign}{hours} h {minutes} min" if hours else f"{sign}{minutes} min"


def change_in_words(compared: Comparison, unit: Unit) -> str:
    """The comparison as a sentence reads it: 12.3 % more (+1,204), 1.2 points less, the same, nothing before."""
    if compared.direction == "unknown":
        return "nothing to compare with"
    if compared.direction == "same":
        return "the same as before"
    difference = compared.difference or 0.0
    word = "more" if difference > 0 else "less"
    if unit == "share":
        return f"{abs(difference) * 100:.1f} points {word}"
    sign = "+" if difference > 0 else "−"
    size = f"{sign}{measured(abs(difference), unit)}"
    if compared.share is None:
        return f"{word} ({size}; none before)"
    shown = abs(compared.share) * 100
    return f"{shown:,.0f} % {word} ({size})" if shown >= 100 else f"{shown:.1f} % {word} ({size})"


def axis_text(unit: Unit, value: float) -> str:
    """A figure on an axis."""
    return f"{value * 100:g} %" if unit == "share" else short_number(value)


#: What stands at an axis.
AXES: dict[Unit, str] = {
    "count": "count",
    "money": "US dollars",
    "share": "percent",
    "milliseconds": "milliseconds",
    "minutes": "minutes",
    "stars": "stars",
}
#: Minutes from which an axis counts in hours, and in days.
HOURS_FROM, DAYS_FROM = 120, 5 * 1440


@dataclass(frozen=True)
class Axis:
    """What a chart's axis counts in: its word, and how many of the unit are one of it."""

    word: str
    size: float = 1.0


def axis_of(trend: Trend) -> Axis:
    """The axis of a trend; long times are counted in hours or days, so that its steps are round."""
    if trend.unit != "minutes":
        return Axis(AXES[trend.unit])
    drawn = [*trend.lines, *([trend.before] if trend.before else [])]
    most = max((value for line in drawn for value in line.values if value is not None), default=0.0)
    if most >= DAYS_FROM:
        return Axis("days", 1440)
    return Axis("hours", 60) if most >= HOURS_FROM else Axis("minutes")


def trend_chart(trend: Trend, **size: int) -> LineChart:
    """The chart of a trend."""
    axis = axis_of(trend)
    # Labels of hours are "28 Nov 14:00": a short range is told by its hours, a long one by its days.
    hours = len(trend.buckets) <= 48 and any(":" in label for label in trend.buckets)

    def short(label: str) -> str:
        day, _, hour = label.rpartition(" ") if ":" in label else (label, "", "")
        return hour if hours and hour else day

    def scaled(values: Sequence[float | None]) -> list[float | None]:
        return [None if value is None else value / axis.size for value in values]

    return line_chart(
        trend.buckets,
        [(line.name, scaled(line.values)) for line in trend.lines],
        before=(trend.before.name, scaled(trend.before.values)) if trend.before else None,
        text=lambda value: measured(None if value is None else value * axis.size, trend.unit),
        tick=lambda value: axis_text(trend.unit, value),
        short=short,
        share=trend.unit == "share",
        whole=trend.unit == "count",
        **size,
    )


FILTERS: dict[str, Any] = {"measured": measured, "change_in_words": change_in_words}
GLOBALS: dict[str, Any] = {"trend_chart": trend_chart, "axis_of": axis_of, "compare": compare}
