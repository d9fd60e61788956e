"""The geometry of charts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from entrepot.console.charts import (
    column_chart,
    line_chart,
    round_steps,
    runs_of,
    short_number,
    sparkline,
)

AMOUNTS = st.floats(min_value=0, max_value=1e12, allow_nan=False)


@given(st.floats(min_value=0.01, max_value=1e12))
def test_steps_are_even_begin_at_zero_and_reach_the_largest(largest: float) -> None:
    steps = round_steps(largest)
    assert steps[0] == 0
    assert steps[-1] >= largest * (1 - 1e-6)
    assert 2 <= len(steps) <= 6
    gaps = {round((after - before) / steps[1], 4) for before, after in pairwise(steps)}
    assert gaps == {1.0}


@given(st.lists(AMOUNTS, min_size=1, max_size=60))
def test_columns_stay_inside_and_are_as_high_as_their_values(values: list[float]) -> None:
    chart = column_chart([(str(index), value) for index, value in enumerate(values)], text=str)
    for bar in chart.bars:
        assert chart.left <= bar.x
        assert bar.x + bar.width <= chart.width + 0.01
        assert bar.y >= 0
        assert bar.height >= 0
    tallest = max(values)
    if tallest >= 0.01:
        heights = dict(zip(values, (bar.height for bar in chart.bars), strict=True))
        assert heights[tallest] == max(bar.height for bar in chart.bars)


def test_a_value_below_zero_is_drawn_as_nothing_and_still_named() -> None:
    (bar,) = column_chart([("Monday", -5.0)], text=lambda value: f"{value:.0f}").bars
    assert bar.height == 0
    assert bar.text == "-5"


@given(st.lists(AMOUNTS, min_size=2, max_size=60))
def test_a_line_stays_in_its_box(values: list[float]) -> None:
    line = sparkline(values)
    points = [point.split(" ") for point in line.path[1:].split("L")]
    assert len(points) == len(values)
    assert all(0 <= float(x) <= line.width and 0 <= float(y) <= line.height for x, y in points)


def test_one_value_makes_no_line() -> None:
    assert sparkline([3.0]).path == ""


def test_numbers_on_an_axis_are_short() -> None:
    assert [short_number(value) for value in (0, 950, 1200, 25_000, 3_400_000, 2e9)] == [
        "0",
        "950",
        "1.2k",
        "25k",
        "3.4M",
        "2B",
    ]


VALUES = st.lists(st.one_of(st.none(), AMOUNTS), min_size=1, max_size=60)


@given(VALUES, VALUES, st.booleans())
def test_lines_stay_inside_their_chart_and_break_where_nothing_is_known(
    values: list[float | None], before: list[float | None], share: bool
) -> None:
    labels = [str(index) for index in range(len(values))]
    chart = line_chart(labels, [("now", values)], before=("before", before), text=str, share=share)
    for curve in (*chart.curves, *([chart.before] if chart.before else [])):
        points = [point.split(" ") for part in curve.path.split("M") if part for point in part.split("L")]
        for x, y in [*((float(one), float(two)) for one, two in points), *curve.dots]:
            assert chart.left <= x <= chart.width
            assert 0 <= y <= chart.bottom
    (curve,) = chart.curves
    drawn = runs_of(values)
    assert curve.path.count("M") == sum(len(run) > 1 for run in drawn)
    assert len(curve.dots) == sum(len(run) == 1 for run in drawn)
    assert len(chart.slots) == len(values)
    assert len(chart.ticks) <= 7
    rules = [rule.y for rule in chart.rules]
    assert rules == sorted(rules, reverse=True)
    assert len(set(rules)) == len(rules)
