"""Intervals as coordinates."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.marketplace.experiments.plotting import LEFT, RIGHT, WIDTH, Shown, plot, round_step

figures = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False).filter(lambda one: abs(one) > 1e-9)


@given(st.lists(st.tuples(figures, figures, figures).map(sorted), min_size=1, max_size=6))
@settings(max_examples=100)
def test_every_interval_lies_between_the_outermost_ticks_and_in_order(found: list[list[float]]) -> None:
    drawn = plot([Shown(str(index), one[1], one[0], one[2], "") for index, one in enumerate(found)])
    left, right = drawn.ticks[0].x, drawn.ticks[-1].x
    assert (left, right) == (LEFT, WIDTH - RIGHT)
    for bar in drawn.intervals:
        assert left - 0.02 <= bar.low <= bar.middle <= bar.high <= right + 0.02
        assert 0 < bar.y < drawn.height
    assert len({bar.y for bar in drawn.intervals}) == len(found)
    [zero] = [tick for tick in drawn.ticks if tick.zero]
    assert zero.x == pytest.approx((left + right) / 2, abs=0.01)
    assert 5 <= len(drawn.ticks) <= 9 or len(drawn.ticks) == 3


def test_ticks_are_round_and_signed() -> None:
    drawn = plot([Shown("B", 0.04, 0.02, 0.07, "B")], percent=True)
    assert [tick.label for tick in drawn.ticks] == ["−10 pp", "−5 pp", "0 pp", "+5 pp", "+10 pp"]
    assert [tick.label for tick in plot([Shown("B", 3, 1, 4, "B")]).ticks] == ["−4", "−2", "0", "+2", "+4"]
    assert round_step(0.3) == pytest.approx(0.5)
    assert round_step(5.1) == 10


def test_nothing_at_all_is_drawn_around_zero() -> None:
    drawn = plot([Shown("B", 0.0, 0.0, 0.0, "B")])
    assert drawn.intervals[0].low == drawn.intervals[0].high == (LEFT + WIDTH - RIGHT) / 2
