"""Metrics roll beside a live world, and everything agrees with everything else when it has ended."""

from datetime import timedelta

from sqlalchemy import text
from tests.playground.live.conftest import SMALL

from entrepot.kit.db import Database
from entrepot.playground.checks.verifying import verify
from entrepot.playground.live.running import run
from entrepot.playground.metrics.rolling import roll

STEP = timedelta(hours=2)


async def count(db: Database, query: str) -> int:
    """The number that a query gives."""
    async with db.system() as session:
        found: int = (await session.execute(text(query))).scalar_one()
        return found


async def test_metrics_follow_the_clock_and_late_facts_mark_their_hours(world: Database) -> None:
    await roll(world)
    hours = "SELECT count(*) FROM data_playground.shop_metrics_hourly WHERE event_time >= '2025-11-09'"
    assert await count(world, hours) == 0
    noon = SMALL.end_time + timedelta(hours=12)
    ran = await run(world, speed=0, until=noon, late=0.3, duplicates=0.2, step=STEP)
    assert ran.waiting > 0
    assert await count(world, hours) > 0

    again = await run(world, speed=0, until=noon + STEP, settle=True, step=STEP)
    assert again.late > 0
    assert again.waiting == 0
    async with world.system() as session:
        wrong = {check.name: check.first for check in await verify(session) if check.failed}
    assert wrong == {}
