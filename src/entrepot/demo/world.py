"""The demo's world: a small simulated one with a Black Friday in it, and its metrics."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from entrepot.kit.db import Database
from entrepot.kit.progress import Report
from entrepot.playground.dashboard.queries import select_sales
from entrepot.playground.dashboard.ranges import Range
from entrepot.playground.loading.generating import generate
from entrepot.playground.loading.queries import current_world
from entrepot.playground.metrics.rolling import roll
from entrepot.playground.world.scenarios import parse_scenario
from entrepot.playground.world.settings import WorldSettings

SEED, SCALE = 7, 0.1
#: Ends ten days after Black Friday: the last 30 days hold it, and there are as many before to compare them with.
START, END = date(2025, 10, 1), date(2025, 12, 8)
BLACK_FRIDAY = datetime(2025, 11, 28, tzinfo=UTC)
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trade:
    """The world, and what its metrics say of Black Friday and of the Friday before."""

    facts: int
    metrics: int
    orders: int
    orders_before: int
    revenue: Decimal
    revenue_before: Decimal


def world_settings() -> WorldSettings:
    """The settings of the demo's world."""
    plain = WorldSettings(seed=SEED, scale=SCALE, start=START, end=END)
    return WorldSettings(
        seed=SEED, scale=SCALE, start=START, end=END, scenarios=(parse_scenario("black-friday", plain),)
    )


async def have_world(db: Database, report: Report) -> Trade | None:
    """The demo's world with its metrics; None where the warehouse has another simulated world already."""
    settings = world_settings()
    async with db.system() as session:
        held = await current_world(session)
    if held is not None and dict(held.settings) != settings.as_dict():
        return None
    made = await generate(db, settings, processes=0, report=report)
    rolled = await roll(db, report=report)
    async with db.system() as session:
        sales = await select_sales(
            session, Range(BLACK_FRIDAY - WEEK, BLACK_FRIDAY + DAY, "day"), "all", with_before=False
        )
    friday, before = (
        next((row for row in sales if row["bucket"] == day), None)
        for day in (BLACK_FRIDAY, BLACK_FRIDAY - WEEK)
    )
    return Trade(
        facts=sum(made.rows.values()),
        metrics=rolled.rows,
        orders=int(friday["orders"]) if friday else 0,
        orders_before=int(before["orders"]) if before else 0,
        revenue=friday["gross"] if friday else Decimal(0),
        revenue_before=before["gross"] if before else Decimal(0),
    )
