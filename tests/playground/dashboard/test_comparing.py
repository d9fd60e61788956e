"""Figures beside the period before."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.console.measures import change_in_words, measured, trend_chart
from entrepot.playground.dashboard.comparing import Figure, Line, Trend, compare, mean, rate

AMOUNTS = st.floats(min_value=0, max_value=1e9, allow_nan=False)


@given(AMOUNTS, AMOUNTS)
def test_a_difference_added_to_what_was_is_what_is(now: float, before: float) -> None:
    found = compare(now, before)
    assert found.difference is not None
    assert before + found.difference == pytest.approx(now, abs=1e-6)
    if found.share is not None and found.direction != "same":
        assert before * (1 + found.share) == pytest.approx(now, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("now", "before", "share", "direction", "words"),
    [
        (150, 100, 0.5, "up", "50.0 % more (+50)"),
        (50, 100, -0.5, "down", "50.0 % less (−50)"),
        (100, 100, 0.0, "same", "the same as before"),
        (0, 0, None, "same", "the same as before"),
        # Nothing before: there is no percentage of it, and it is not infinite.
        (7, 0, None, "up", "more (+7; none before)"),
        (0, 7, -1.0, "down", "100 % less (−7)"),
        # No period before, or a figure that does not exist.
        (7, None, None, "unknown", "nothing to compare with"),
        (None, 7, None, "unknown", "nothing to compare with"),
        (None, None, None, "unknown", "nothing to compare with"),
    ],
)
def test_what_is_said_of_a_change(
    now: float | None, before: float | None, share: float | None, direction: str, words: str
) -> None:
    found = compare(now, before)
    assert (found.share, found.direction) == (share, direction)
    assert change_in_words(found, "count") == words


def test_shares_are_compared_by_points() -> None:
    assert change_in_words(compare(0.91, 0.97), "share") == "6.0 points less"


def test_money_is_compared_to_the_cent() -> None:
    found = compare(Decimal("10.10"), Decimal("10.00"))
    assert change_in_words(found, "money") == "1.0 % more (+0.10)"


def test_a_rate_of_nothing_does_not_exist() -> None:
    assert rate(0, 0) is None
    assert rate(None, 5) is None
    assert rate(0, 5) == 0.0
    assert mean([(4.0, 0), (None, 3)]) is None
    assert mean([(4.0, 1), (1.0, 2), (None, 9)]) == 2.0


def test_more_of_what_is_not_wanted_is_poor() -> None:
    assert Figure("refunds", "Refunds", "money", compare(2, 1), "down").tone == "poor"
    assert Figure("orders", "Orders", "count", compare(2, 1), "up").tone == "good"
    assert Figure("orders", "Orders", "count", compare(2, None), "up").tone == ""


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "count", "–"),
        (1204, "count", "1,204"),
        (0.97214, "share", "97.2 %"),
        (143.4, "milliseconds", "143 ms"),
        (12_340, "milliseconds", "12.34 s"),
        (200, "minutes", "3 h 20 min"),
        (1500, "minutes", "1 d 1 h"),
        (59.6, "minutes", "1 h 0 min"),
        (4.305, "stars", "4.30"),
    ],
)
def test_figures_are_written_by_what_they_measure(value: float | None, unit: str, text: str) -> None:
    assert measured(value, unit) == text  # type: ignore[arg-type]


def test_a_chart_leaves_gaps_and_says_every_value() -> None:
    labels = [f"28 Nov {hour:02d}:00" for hour in range(4)]
    trend = Trend(
        "rate",
        "Rate",
        "share",
        labels,
        [""] * 4,
        [Line("now", [0.9, None, 0.8, 0.7])],
        Line("before", [0.95, 0.95, 0.95, 0.95]),
    )
    chart = trend_chart(trend)
    (curve,) = chart.curves
    assert curve.path.count("M") == 1
    assert len(curve.dots) == 1, "a value between gaps is a point"
    assert chart.before is not None
    assert chart.before.path.count("L") == 3
    assert chart.slots[1].texts == ("now: –", "before: 95.0 %")
    assert chart.rules[0].label == "70 %", "an axis of high shares does not begin at zero"
    assert [tick.label for tick in chart.ticks] == ["00:00", "01:00", "02:00", "03:00"]


def test_a_share_that_is_always_whole_is_drawn_at_the_top() -> None:
    trend = Trend("rate", "Rate", "share", ["a", "b"], [""] * 2, [Line("now", [1.0, 1.0])])
    chart = trend_chart(trend)
    assert (chart.rules[0].label, chart.rules[-1].label) == ("90 %", "100 %")
    assert chart.curves[0].path.endswith(f" {chart.rules[-1].y}")


def test_what_is_counted_has_whole_steps() -> None:
    chart = trend_chart(Trend("n", "N", "count", ["a", "b"], [""] * 2, [Line("now", [2.0, 1.0])]))
    assert [rule.label for rule in chart.rules] == ["0", "1", "2"]


def test_long_times_are_drawn_in_hours_and_told_in_full() -> None:
    chart = trend_chart(Trend("t", "T", "minutes", ["a", "b"], [""] * 2, [Line("now", [600.0, 90.0])]))
    assert [rule.label for rule in chart.rules] == ["0", "2.5", "5", "7.5", "10"]
    assert chart.slots[0].texts == ("now: 10 h 0 min",)
