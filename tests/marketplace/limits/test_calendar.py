"""Windows of the calendar begin with the local day, whatever the clock does in between; Python and PostgreSQL agree."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from tests.marketplace.limits.conftest import Publish

from entrepot.kit.db import Database
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.modeling import EPOCH, Rule, Unit, as_datetime, moment, window_of

#: Zones with whole, half and quarter hours; with midnights that come twice (Havana, Azores) or never (Cairo, Santiago),
#: half an hour of summer time (Lord Howe), an hour the other way (Dublin).
ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Europe/Dublin", "Asia/Kolkata", "Asia/Kathmandu", "America/Havana",
    "Atlantic/Azores", "Africa/Cairo", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe", "America/St_Johns",
)  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "unit", "at", "starts", "ends"),
    [
        (
            "America/New_York",
            "day",
            "2026-03-08T12:00Z",
            "2026-03-08T05:00Z",
            "2026-03-09T04:00Z",
        ),  # 23 hours
        (
            "America/New_York",
            "day",
            "2026-11-01T12:00Z",
            "2026-11-01T04:00Z",
            "2026-11-02T05:00Z",
        ),  # 25 hours
        ("Europe/Berlin", "week", "2026-10-25T12:00Z", "2026-10-18T22:00Z", "2026-10-25T23:00Z"),
        ("Europe/Berlin", "month", "2026-03-29T12:00Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z"),
        ("America/Toronto", "year", "2026-07-01T00:00Z", "2026-01-01T05:00Z", "2027-01-01T05:00Z"),
        ("Asia/Kathmandu", "hour", "2026-01-01T00:20Z", "2026-01-01T00:15Z", "2026-01-01T01:15Z"),
        (
            "America/Havana",
            "day",
            "2026-11-01T04:30Z",
            "2026-11-01T04:00Z",
            "2026-11-02T05:00Z",
        ),  # midnight twice
        ("Africa/Cairo", "day", "2026-04-24T10:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),  # no midnight
        ("UTC", "month", "2028-02-29T23:59:59.999999Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
    ],
)
def test_a_window_by_the_calendar(zone: str, unit: Unit, at: str, starts: str, ends: str) -> None:
    found = window_of(Rule("k", "FIXED_WINDOW", 1, unit=unit, zone=zone), moment(datetime.fromisoformat(at)))
    assert [as_datetime(one) for one in found] == [
        datetime.fromisoformat(starts),
        datetime.fromisoformat(ends),
    ]


async def test_the_database_begins_its_windows_at_the_same_moments(db: Database) -> None:
    """Every second hour around each change of the clocks of two years, and around the ends of the years."""
    asked = []
    for zone in ZONES:
        begin = datetime(2025, 12, 31, tzinfo=UTC)
        changes = [
            hour
            for number in range(2 * 366 * 24)
            if (hour := begin + timedelta(hours=number)).astimezone(ZoneInfo(zone)).utcoffset()
            != (hour - timedelta(hours=1)).astimezone(ZoneInfo(zone)).utcoffset()
        ]
        for middle in (*changes, begin + timedelta(hours=24)):
            for hours in range(-25, 27, 2):
                at = middle + timedelta(hours=hours, microseconds=hours % 3 - 1)
                asked += [(zone, unit, moment(at)) for unit in get_args(Unit)]
    async with db.system() as session:
        rows = await session.execute(
            text(
                """
                SELECT (extract(epoch FROM w.starts) * 1000000)::bigint, (extract(epoch FROM w.ends) * 1000000)::bigint
                FROM ROWS FROM (unnest(CAST(:zones AS text[])), unnest(CAST(:units AS text[])),
                                unnest(CAST(:times AS timestamptz[]))) WITH ORDINALITY AS a (zone, unit, at, place),
                     LATERAL marketplace.limit_window(a.at, a.unit, NULL, a.zone) AS w
                ORDER BY a.place
                """
            ),
            {
                "zones": [zone for zone, _, _ in asked],
                "units": [unit for _, unit, _ in asked],
                "times": [EPOCH + timedelta(microseconds=at) for _, _, at in asked],
            },
        )
        theirs = [tuple(row) for row in rows]
    for (zone, unit, when), found in zip(asked, theirs, strict=True):
        ours = window_of(Rule("k", "FIXED_WINDOW", 1, unit=unit, zone=zone), when)
        assert found == ours, (zone, unit, as_datetime(when))
        assert ours[0] <= when < ours[1], (zone, unit, as_datetime(when))


async def test_a_daily_limit_resets_at_the_platforms_midnight(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    async with db.system() as session:
        await session.execute(
            text("UPDATE marketplace.hm_platform SET time_zone = 'America/Toronto' WHERE id = :id"),
            {"id": platform},
        )
    await publish_limit("orders", "FIXED_WINDOW", limit=1, reset_period="DAILY")
    await publish_limit("berlin", "FIXED_WINDOW", limit=1, reset_period="DAILY", time_zone="Europe/Berlin")

    async def left(key: str, at: str) -> tuple[bool, str]:
        limits.taker.at = datetime.fromisoformat(at)
        answer = await limits.consume(platform, key, "one")
        assert answer.reset_at is not None
        return answer.allowed, answer.reset_at.isoformat()

    night = "2026-11-02T05:00:00+00:00"  # the day on which the clock goes back has 25 hours
    assert await left("orders", "2026-11-01T03:59:59+00:00") == (True, "2026-11-01T04:00:00+00:00")
    assert await left("orders", "2026-11-01T04:00:00+00:00") == (True, night)
    assert await left("orders", "2026-11-02T04:59:59.999999+00:00") == (False, night)
    assert (await left("orders", night))[0]
    assert await left("berlin", "2026-11-01T22:59:00+00:00") == (True, "2026-11-01T23:00:00+00:00")
    assert (await left("berlin", "2026-11-01T23:00:00+00:00"))[0]


async def test_a_platform_that_moves_is_heard_of(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", "FIXED_WINDOW", limit=1, reset_period="DAILY")
    limits.taker.at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert (await limits.check(platform, "orders", "one")).reset_at == datetime(2026, 6, 2, tzinfo=UTC)
    async with db.system() as session:
        await session.execute(
            text("UPDATE marketplace.hm_platform SET time_zone = 'Asia/Tokyo' WHERE id = :id"),
            {"id": platform},
        )
    async with asyncio.timeout(5):
        while True:
            if (await limits.limits(platform))["orders"].default.zone == "Asia/Tokyo":
                break
            await asyncio.sleep(0.01)
    assert (await limits.check(platform, "orders", "one")).reset_at == datetime(2026, 6, 1, 15, tzinfo=UTC)
