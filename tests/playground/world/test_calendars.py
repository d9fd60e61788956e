"""Time zones by their own rule, against the platform's data; the rhythm of a day."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from entrepot.playground.world.calendars import DAY, ZONES, Calendar, Zone, nth_weekday, utc_offset


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.name)
def test_offsets_are_those_of_the_zone(zone: Zone) -> None:
    for day in range(3 * 365):
        noon = datetime.combine(date(2024, 1, 1) + timedelta(days=day), time(12), UTC)
        offset = ZoneInfo(zone.name).utcoffset(noon)
        assert offset is not None
        assert utc_offset(zone, noon.date()) == offset / timedelta(minutes=1), noon


def test_weekdays_of_a_month_from_both_ends() -> None:
    assert nth_weekday(2025, 11, 3, 4) == date(2025, 11, 27)
    assert nth_weekday(2025, 3, 6, -1) == date(2025, 3, 30)
    assert nth_weekday(2025, 12, 2, -1) == date(2025, 12, 31)
    assert nth_weekday(2025, 12, 2, -2) == date(2025, 12, 24)


def test_days_of_a_world() -> None:
    calendar = Calendar(date(2025, 10, 1), 30)
    moments = calendar.midnight(np.array([0, 29]))
    assert datetime.fromtimestamp(moments[1] / 1e6, UTC) == datetime(2025, 10, 30, tzinfo=UTC)
    assert calendar.day_of(moments + DAY - 1).tolist() == [0, 29]
    assert calendar.rhythm.shape == (30, len(ZONES), 24)
    assert calendar.rhythm[:28].mean() == pytest.approx(1, abs=0.01)
    names = [zone.name for zone in ZONES]
    peak = calendar.rhythm[6].argmax(axis=1)
    assert (peak[names.index("America/New_York")] - peak[names.index("Europe/Berlin")]) % 24 == 6
