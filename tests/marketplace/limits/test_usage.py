"""Who has used how much, and what is forgotten when nobody can ask for it any more."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.marketplace.limits.conftest import Publish

from entrepot.kit.db import Database
from entrepot.kit.jobs import Job
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.schemas import named
from entrepot.marketplace.limits.tasks import clean_up, give_back
from entrepot.marketplace.limits.usage import list_usage, most_used

ALL: list[tuple[str, dict[str, Any]]] = [
    ("TOTAL", {}),
    ("FIXED_WINDOW", {"reset_period": "YEARLY"}),
    ("SLIDING_WINDOW", {"window_seconds": 31_536_000}),
    ("TOKEN_BUCKET", {"limit": 300, "burst": 100, "window_seconds": 31_536_000}),
]


async def used(
    db: Database, limits: LimitEngine, platform: UUID, key: str, **how: Any
) -> list[tuple[Any, ...]]:
    """Entities, what they have used, of what."""
    rule = (await limits.limits(platform))[key].default
    async with db.tenant(platform_id=platform) as session:
        page = await list_usage(session, platform, rule, **how)
    rows = [named(row) for row in page.rows]
    return [(row["entity_id"], row["used"], row["limit"]) for row in rows]


@pytest.mark.parametrize(("algorithm", "fields"), ALL)
async def test_those_who_have_used_most_come_first(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish, algorithm: str, fields: Any
) -> None:
    await publish_limit(
        "use", algorithm, **{"limit": 100} | fields, scopes=[{"condition": {"tier": "GOLD"}, "limit": 400}]
    )
    most = fields.get("limit", 100)
    for entity, amount in (("one", 7), ("two", 30), ("three", 7), ("four", 1)):
        await limits.consume(platform, "use", entity, amount)
    await limits.reserve(platform, "use", "four", 20, {"tier": "GOLD"})
    found = await used(db, limits, platform, "use")
    assert found == [("two", 30, most), ("four", 21, 400), ("three", 7, most), ("one", 7, most)] or (
        algorithm == "TOKEN_BUCKET" and [row[0] for row in found] == ["two", "four", "three", "one"]
    )
    assert [row[0] for row in await used(db, limits, platform, "use", order="entity_id")] == [
        "four",
        "one",
        "three",
        "two",
    ]
    assert [row[0] for row in await used(db, limits, platform, "use", entity_id="one")] == ["one"]
    rule = (await limits.limits(platform))["use"].default
    async with db.tenant(platform_id=platform) as session:
        assert [row["entity_id"] for row in await most_used(session, platform, rule, 2)] == ["two", "four"]


@pytest.mark.parametrize("order", ["-used", "entity_id"])
async def test_pages_follow_one_another_both_ways(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish, order: Any
) -> None:
    await publish_limit("use", limit=100)
    for number in range(7):
        await limits.consume(platform, "use", f"seller-{number}", 1 + number % 3)
    rule = (await limits.limits(platform))["use"].default
    async with db.tenant(platform_id=platform) as session:
        whole = await list_usage(session, platform, rule, order=order, limit=50)
        seen: list[Any] = []
        after = None
        while True:
            page = await list_usage(session, platform, rule, order=order, after=after, limit=3)
            seen += page.rows
            if page.after is None:
                break
            after = page.after
        assert seen == list(whole.rows)
        back = await list_usage(session, platform, rule, order=order, before=page.before, limit=3)
        assert list(back.rows) == list(whole.rows)[3:6]


async def test_only_what_counts_at_this_moment_is_used(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("hour", "FIXED_WINDOW", reset_period="HOUR")
    await publish_limit("slide", "SLIDING_WINDOW", window_seconds=100)
    await publish_limit("bucket", "TOKEN_BUCKET", window_seconds=100)
    limits.taker.at = datetime.now(UTC) - timedelta(seconds=61)
    await limits.consume(platform, "slide", "one", 10)
    await limits.consume(platform, "bucket", "one", 10)
    limits.taker.at = datetime.now(UTC) - timedelta(hours=2)
    await limits.consume(platform, "hour", "one", 9)
    limits.taker.at = None
    assert await used(db, limits, platform, "hour") == []
    assert await used(db, limits, platform, "slide") == [("one", 10, 10)]
    ((_, left, _),) = await used(db, limits, platform, "bucket")
    assert left in (3, 4)
    limits.taker.at = datetime.now(UTC) - timedelta(seconds=200)
    await limits.consume(platform, "slide", "two", 10)
    limits.taker.at = None
    assert dict(row[:2] for row in await used(db, limits, platform, "slide")) == {"one": 10, "two": 0}


@pytest.mark.parametrize(("algorithm", "fields"), ALL)
async def test_use_of_a_suspended_limit_has_no_share(
    db: Database,
    limits: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    step: Publish,
    algorithm: str,
    fields: Any,
) -> None:
    await publish_limit("use", algorithm, **fields)
    await step("use", "suspend")
    await limits.consume(platform, "use", "one", 7)
    assert await used(db, limits, platform, "use") == [("one", 7, None)]


async def test_what_has_expired_is_given_back_by_itself(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("stock", "TOTAL")
    await publish_limit("runs", "CONCURRENT")
    limits.taker.at = datetime.now(UTC) - timedelta(hours=1)
    await limits.reserve(platform, "stock", "one", 5)
    await limits.acquire(platform, "runs", "one")
    limits.taker.at = None
    await limits.reserve(platform, "stock", "one", 2)
    await limits.reserve(platform, "stock", "two", 2)
    limits.taker.at = datetime.now(UTC) - timedelta(hours=1)
    await limits.reserve(platform, "stock", "two", 3)
    limits.taker.at = None
    assert await used(db, limits, platform, "runs") == [("one", 1, 10)]
    await give_back(_job(db))
    assert await used(db, limits, platform, "runs") == [("one", 0, 10)]
    assert dict(row[:2] for row in await used(db, limits, platform, "stock")) == {"one": 2, "two": 2}


async def test_what_is_long_over_is_forgotten(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("minute", "FIXED_WINDOW", reset_period="MINUTE")
    await publish_limit("daily", "FIXED_WINDOW", reset_period="DAILY")
    await publish_limit("slide", "SLIDING_WINDOW", window_seconds=60)
    await publish_limit("bucket", "TOKEN_BUCKET", window_seconds=60)
    await publish_limit("total", "TOTAL")
    for days in (401.1, 3, 1):
        limits.taker.at = datetime.now(UTC) - timedelta(days=days)
        for key in ("minute", "daily", "slide", "bucket", "total"):
            await limits.consume(
                platform, key, f"{days}", request_id=UUID(int=int(days * 10)) if key == "total" else None
            )
    limits.taker.at = datetime.now(UTC) - timedelta(days=9)
    await limits.reserve(platform, "total", "held", seconds=2_592_000)
    limits.taker.at = None
    await clean_up(_job(db))
    async with db.tenant(platform_id=platform) as session:
        rows = await session.execute(text("SELECT limit_key, entity_id FROM marketplace.hm_limit_counter"))
        kept: dict[str, set[str]] = {}
        for key, entity in rows:
            kept.setdefault(key, set()).add(entity)
        holds = await session.execute(text("SELECT entity_id FROM marketplace.hm_limit_reservation"))
        assert set(holds.scalars()) == {"1", "held"}
    assert kept == {
        "minute": {"1"},
        "daily": {"1", "3"},
        "slide": {"1"},
        "bucket": {"1"},
        "total": {"401.1", "3", "1", "held"},
    }


def _job(db: Database) -> Job:
    return Job(db=db, id=1, task="limits", queue="default", arguments={})
