"""Ranges: presets by the world's clock, bounds in whole buckets of UTC, the period before."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.dashboard.ranges import (
    Asked,
    Range,
    after,
    ceiling,
    choose_range,
    floor,
    parse_moment,
)

FIRST = datetime(2025, 10, 1, 3, 7, tzinfo=UTC)
LAST = datetime(2025, 12, 31, 23, 59, 58, tzinfo=UTC)


def chosen(**asked: str) -> Range:
    return choose_range(Asked(**asked), first=FIRST, last=LAST)


def test_now_is_the_last_fact_not_the_clock_on_the_wall() -> None:
    found = chosen(preset="24h")
    assert (found.start, found.end) == (datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    assert (found.grain, len(found.buckets)) == ("hour", 24)


def test_a_fact_on_the_hour_is_in_the_hour_that_it_begins() -> None:
    at = datetime(2025, 12, 31, 12, tzinfo=UTC)
    assert choose_range(Asked("24h"), first=FIRST, last=at).end == at + timedelta(hours=1)


@pytest.mark.parametrize(
    ("preset", "grain", "buckets"),
    [("24h", "hour", 24), ("7d", "hour", 168), ("30d", "day", 30), ("all", "day", 92)],
)
def test_each_preset_has_its_buckets(preset: str, grain: str, buckets: int) -> None:
    found = chosen(preset=preset)
    assert (found.grain, len(found.buckets)) == (grain, buckets)
    assert found.buckets[-1] <= LAST < found.end


@given(st.integers(0, 88 * 1440), st.integers(1, 24 * 20), st.sampled_from(["hour", "day"]))
def test_the_period_before_is_as_long_and_ends_where_this_one_begins(
    minutes: int, hours: int, grain: str
) -> None:
    start = datetime(2025, 10, 2, tzinfo=UTC) + timedelta(minutes=minutes)
    end = start + timedelta(hours=hours)
    found = chosen(start=start.isoformat(), end=end.isoformat(), grain=grain)
    assert found.start <= start < end <= found.end
    assert found.previous.end == found.start
    assert found.previous.length == found.length
    assert len(found.previous.buckets) == len(found.buckets)
    assert found.buckets[0] == found.start


def test_bounds_with_an_offset_are_those_moments_in_utc() -> None:
    # Midnight in Berlin is 23:00 of the day before: a day by UTC begins an hour later, and the range holds both.
    found = chosen(start="2025-11-28T00:00+01:00", end="2025-11-29T00:00+01:00", grain="day")
    assert (found.start, found.end) == (
        datetime(2025, 11, 27, tzinfo=UTC),
        datetime(2025, 11, 29, tzinfo=UTC),
    )
    # Half an hour east of a whole offset, as in India: hours begin by UTC all the same.
    hours = chosen(start="2025-11-28T00:00+05:30", end="2025-11-28T01:00+05:30", grain="hour")
    assert (hours.start.hour, hours.end.hour) == (18, 20)


def test_a_day_on_which_clocks_change_has_24_hours_in_utc() -> None:
    found = chosen(start="2025-10-26", end="2025-10-27", grain="hour")
    assert len(found.buckets) == 24


def test_a_plus_that_a_browser_made_a_blank_is_a_plus() -> None:
    assert parse_moment("2025-11-28T00:00:00 01:00", "from") == datetime(2025, 11, 27, 23, tzinfo=UTC)


def test_a_bucket_begins_by_utc_whatever_zone_a_moment_is_told_in() -> None:
    told = datetime(2025, 11, 28, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert floor(told, "day") == datetime(2025, 11, 27, tzinfo=UTC)
    assert ceiling(told, "hour") == datetime(2025, 11, 28, tzinfo=UTC)
    assert ceiling(datetime(2025, 11, 28, tzinfo=UTC), "day") == datetime(2025, 11, 28, tzinfo=UTC)
    assert after(datetime(2025, 11, 28, tzinfo=UTC), "day") == datetime(2025, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"start": "yesterday"}, "from"),
        ({"end": "2025-13-01"}, "to"),
        ({"start": "0001-01-01T00:00+23:00"}, "from"),
        ({"start": "2025-11-02", "end": "2025-11-01"}, "to"),
        ({"start": "2025-11-02", "end": "2025-11-02"}, "to"),
        ({"preset": "year"}, "range"),
        ({"grain": "minute"}, "grain"),
        ({"preset": "all", "grain": "hour"}, "grain"),
        ({"start": "1970-01-01", "end": "2100-01-01"}, "from"),
    ],
)
def test_what_is_no_range_is_refused_by_the_field(asked: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        chosen(**asked)
    assert refused.value.where == {"field": field}
