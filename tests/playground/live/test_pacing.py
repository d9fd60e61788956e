"""The simulated clock keeps pace with ours, and never runs ahead of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.live.pacing import Pace, parse_duration, parse_speed

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_as_fast_as_it_goes_is_a_step_a_tick_and_nothing_waits() -> None:
    pace = Pace(START, 0, START + timedelta(hours=2, minutes=30))
    clock, ticks = START, []
    while not pace.ends(clock):
        clock = pace.next(clock, elapsed=1e6)
        assert pace.wait(clock, 0) == 0
        ticks.append(clock)
    assert ticks == [START + timedelta(minutes=minutes) for minutes in (60, 120, 150)]


@given(
    speed=st.floats(0.1, 1e6),
    steps=st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30)), min_size=1, max_size=20),
)
def test_a_tick_is_written_when_the_clock_is_there(speed: float, steps: list[tuple[float, float]]) -> None:
    pace = Pace(START, speed)
    clock, elapsed = START, 0.0
    for took, cost in steps:
        target = pace.next(clock, elapsed, cost)
        assert target >= clock
        elapsed += took
        elapsed += pace.wait(target, elapsed)
        simulated = (target - START).total_seconds()
        assert simulated <= elapsed * speed * (1 + 1e-9) + 1e-3
        clock = target


def test_it_goes_on_for_ever_without_an_end() -> None:
    assert not Pace(START, 60).ends(START + timedelta(days=9999))


@pytest.mark.parametrize(("text", "speed"), [("max", 0), ("0", 0), ("3600", 3600), ("0.5", 0.5)])
def test_speeds(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "fast", "-1", "nan", "inf"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_speed(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("1.5d", timedelta(hours=36)),
        ("1w", timedelta(days=7)),
    ],
)
def test_lengths_of_time(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "2", "h", "0h", "-1h", "2 years"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_duration(text)
