"""Marks, idempotence, writers beside a roll, what others put into a row, and what a roll touches."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text, update
from tests.playground.metrics import worlds
from tests.playground.metrics.test_agreement import differences
from tests.playground.metrics.worlds import PRODUCTS, SHOPS, USERS, at

from entrepot.kit.db import Database
from entrepot.playground.metrics import rolling, rolling_queries
from entrepot.playground.metrics.definitions import definitions
from entrepot.playground.metrics.kind_queries import KINDS, SPANS
from entrepot.playground.metrics.rolling import roll, roll_if_dirty


@pytest.fixture
async def world(db: Database) -> Database:
    """Two orders in hours 1 and 3, with views and stock between them, rolled."""
    async with db.system() as session:
        await worlds.write(session, worlds.people())
        facts = worlds.order(1, at(1), 0, [(PRODUCTS[0], 2, "0")])
        more = worlds.order(2, at(3), 1, [(PRODUCTS[0], 1, "3"), (PRODUCTS[1], 1, "0")])
        await worlds.write(session, {name: facts[name] + more[name] for name in facts})
        logs = [worlds.log(1, at(0.5), PRODUCTS[0], 3, 3), worlds.log(2, at(1), PRODUCTS[0], -3, 0)]
        views = [
            worlds.event(number, at(2 + number), "product_viewed", 0, PRODUCTS[1]) for number in range(3)
        ]
        await worlds.write(session, {"shop_inventory_logs": logs, "global_events": views})
    await roll(db, until=at(5))
    return db


async def marks(db: Database) -> list[tuple[str, Any, datetime]]:
    """What is dirty."""
    async with db.system() as session:
        rows = await worlds.read(session, "metrics_dirty")
        return sorted(
            (row["kind"], row["entity_id"].int if row["entity_id"] else 0, row["hour"]) for row in rows
        )


async def versions(db: Database) -> list[Any]:
    """The writing transaction and the place of every metrics row."""
    found: list[Any] = []
    async with db.system() as session:
        for name in worlds.METRICS:
            rows = await session.execute(
                text(
                    f"SELECT tableoid, ctid::text, xmin::text, xmax::text FROM data_playground.{name} ORDER BY 1, 2"
                )
            )
            found += [tuple(row) for row in rows]
    return found


async def test_a_roll_that_has_nothing_to_do_writes_nothing(world: Database) -> None:
    before = await versions(world)
    assert before
    assert (await roll(world)).rows == 0
    async with world.system() as session:
        await session.execute(rolling_queries.MARK, {"start": at(0), "end": at(6)})
    again = await roll(world)
    assert again.rows == 0
    assert again.unchanged == again.buckets > 0
    assert await versions(world) == before


async def test_an_update_marks_the_old_bucket_and_the_new(world: Database) -> None:
    orders = worlds.table("shop_orders")
    async with world.system() as session:
        await session.execute(
            update(orders)
            .where(orders.c.order_number == "N-1")
            .values(user_id=USERS[1], user_event_time=worlds.DAWN)
        )
        await session.execute(update(orders).where(orders.c.order_number == "N-2").values(notes="No metric"))
    assert await marks(world) == [("shop", 11, at(1)), ("user", 1, at(1)), ("user", 2, at(1))]


async def test_views_mark_their_product_only_and_shipping_nothing(world: Database) -> None:
    async with world.system() as session:
        rows = [
            worlds.event(50, at(2.5), "product_viewed", 0, PRODUCTS[2]),
            worlds.event(51, at(2.5), "order_shipped", 0, PRODUCTS[2]),
        ]
        await worlds.write(session, {"global_events": rows})
    assert await marks(world) == [("product", 23, at(2))]


async def test_a_late_log_changes_the_stock_up_to_the_next_one(world: Database) -> None:
    async with world.system() as session:
        await worlds.write(session, {"shop_inventory_logs": [worlds.log(9, at(1.5), PRODUCTS[0], 7, 7)]})
    done = await roll(world)
    assert done.deleted >= 2  # the hours without stock are no more
    assert await differences(world) == []
    async with world.system() as session:
        hours = await worlds.read_metrics(session, "shop_product_metrics_hourly")
        shops = await worlds.read_metrics(session, "shop_metrics_hourly")
    assert hours[PRODUCTS[0], at(1)]["time_out_of_stock_minutes"] == Decimal(30)
    assert hours[PRODUCTS[0], at(3)]["current_stock_level"] == 7
    assert shops[SHOPS[0], at(3)]["out_of_stock_products_count"] == 0


async def test_time_without_stock_goes_on_with_the_clock(world: Database) -> None:
    await roll(world, until=at(7.25))
    async with world.system() as session:
        hours = await worlds.read_metrics(session, "shop_product_metrics_hourly")
    assert hours[PRODUCTS[0], at(6)]["time_out_of_stock_minutes"] == Decimal(60)
    assert hours[PRODUCTS[0], at(7)]["time_out_of_stock_minutes"] == Decimal(15)
    assert await differences(world) == []


async def test_a_late_view_is_counted_in_its_hour_and_its_day_and_nothing_else_is(world: Database) -> None:
    async with world.system() as session:
        await worlds.write(
            session, {"global_events": [worlds.event(80, at(3.5), "product_viewed", 0, PRODUCTS[1])]}
        )
    done = await roll(world)
    assert (done.buckets, done.updated) == (2, 2)


async def test_many_marks_are_rolled_in_parts(world: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolling, "MANY_MARKS", 1)
    async with world.system() as session:
        views = [
            worlds.event(90 + number, at(number), "product_viewed", 0, product)
            for number, product in enumerate(PRODUCTS)
        ]
        await worlds.write(session, {"global_events": views})
    assert (await roll(world)).rows == 6
    assert await marks(world) == []
    assert await differences(world) == []


async def test_what_others_put_into_a_row_stays(world: Database) -> None:
    hourly = worlds.table("user_metrics_hourly")
    async with world.system() as session:
        await session.execute(
            update(hourly).where(hourly.c.user_id == USERS[0]).values(extra_metrics={"mood": 7})
        )
        await worlds.write(
            session,
            {"global_events": [worlds.event(60, at(1.5), "payment_completed", 0, None, amount=Decimal(9))]},
        )
    assert (await roll(world)).updated >= 1
    async with world.system() as session:
        found = (
            await session.execute(
                select(hourly.c.extra_metrics, hourly.c.total_amount_paid).where(hourly.c.user_id == USERS[0])
            )
        ).all()
    assert [tuple(row) for row in found] == [({"mood": 7}, Decimal(9))]


async def test_writers_beside_a_roll_lose_no_mark(world: Database) -> None:
    async def view(number: int) -> None:
        for step in range(6):
            async with world.system() as session:
                moment = at(1 + (number * 7 + step) % 5)
                event = worlds.event(
                    100 + number * 10 + step, moment, "product_viewed", 0, PRODUCTS[step % 3]
                )
                await worlds.write(session, {"global_events": [event]})

    async def keep_rolling() -> None:
        for _ in range(3):
            await roll(world)

    await asyncio.gather(view(0), view(1), keep_rolling())
    await roll(world)
    assert await marks(world) == []
    assert await differences(world) == []


async def test_a_roll_that_dies_leaves_its_marks(world: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.system() as session:
        await worlds.write(
            session, {"global_events": [worlds.event(70, at(1), "product_viewed", 0, PRODUCTS[0])]}
        )
    before = await marks(world)
    with monkeypatch.context() as patch:
        patch.setattr(rolling_queries, "ANALYZE", text("SELECT 1 / 0"))
        with pytest.raises(Exception, match="division by zero"):
            await roll(world)
    assert await marks(world) == before
    assert (await roll(world)).rows > 0
    async with world.system() as session:
        runs = await worlds.read(session, "metrics_runs")
        events = await worlds.read(session, "global_events")
    assert [run["outcome"] for run in sorted(runs, key=lambda run: run["run_id"])] == [
        "completed",
        "failed",
        "completed",
    ]
    told = [event["event_type"] for event in events if event["origin"] == "warehouse"]
    assert sorted(told) == ["metrics_rollup_completed", "metrics_rollup_completed", "metrics_rollup_failed"]


async def test_a_part_of_what_is_dirty_can_be_rolled(world: Database) -> None:
    async with world.system() as session:
        await session.execute(rolling_queries.MARK, {"start": at(0), "end": at(72)})
    # Whole days: the one that a bound is in is rolled as well.
    await roll(world, start=at(10), end=at(20))
    async with world.system() as session:
        rest = await worlds.read(session, "metrics_dirty")
    assert sorted((row["hour"], row["until"]) for row in rest) == [
        (at(0), datetime(2025, 12, 1, tzinfo=UTC)),
        (datetime(2025, 12, 2, tzinfo=UTC), at(72)),
    ]


async def test_rolls_exclude_each_other(world: Database) -> None:
    async with world.system() as session:
        await session.execute(rolling_queries.WAIT)
        assert await roll_if_dirty(world) is None
    assert await roll_if_dirty(world) is None  # nothing is dirty
    async with world.system() as session:
        await session.execute(rolling_queries.MARK, {"start": at(0), "end": at(1)})
    assert await roll_if_dirty(world) is not None


async def test_hours_add_up_to_days(world: Database) -> None:
    async with world.system() as session:
        hours = await worlds.read_metrics(session, "shop_metrics_hourly")
        days = await worlds.read_metrics(session, "shop_metrics_daily")
    for (shop, day), row in days.items():
        of_day = [
            hour for (one, moment), hour in hours.items() if one == shop and moment.date() == day.date()
        ]
        for column in ("orders_received_count", "gross_revenue", "net_revenue", "total_products_sold"):
            assert row[column] == sum(hour[column] for hour in of_day)
    shop_row = days[SHOPS[0], datetime(2025, 12, 1, tzinfo=UTC)]
    assert (shop_row["orders_received_count"], shop_row["avg_order_amount"]) == (1, Decimal("42.79"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_late_cells_touch_the_partitions_that_they_are_in(db: Database, kind: Any) -> None:
    low, high = datetime(2025, 11, 3, tzinfo=UTC), datetime(2025, 11, 4, tzinfo=UTC)
    async with db.system() as session:
        tables = ("shop_orders", "shop_order_items", "shop_reviews", "global_events", kind.table + "_hourly")
        for number in (9, 10, 11, 12):
            for name in tables:
                bounds = {"low": datetime(2025, number, 1, tzinfo=UTC), "high": _next(number)}
                parent = f"data_playground.{name}"
                built = (
                    await session.execute(rolling_queries.BUILD, {"parent": parent, **bounds})
                ).scalar_one()
                await session.execute(rolling_queries.ATTACH, {"parent": parent, "partition": built})
        await session.execute(rolling_queries.MAKE_CELLS)
        merge = rolling_queries.merge_cells(kind)
        plan = await session.execute(text(f"EXPLAIN (COSTS OFF) {merge.text}").bindparams(low=low, high=high))
        lines = "\n".join(row[0] for row in plan)
    assert f"{kind.table}_hourly_2025_11" in lines
    assert "shop_order_items_2025_11" in lines
    for month in ("09", "10", "12"):
        for name in tables:
            assert f"{name}_2025_{month}" not in lines


def _next(month: int) -> datetime:
    return datetime(2025, month + 1, 1, tzinfo=UTC) if month < 12 else datetime(2026, 1, 1, tzinfo=UTC)


def test_every_metric_is_defined_and_computed() -> None:
    assert [(one.table, one.column) for one in definitions()] == [
        (kind.table, column) for kind in KINDS for column in kind.columns
    ]
    assert all(one.definition and "\n" not in one.definition for one in definitions())
    for kind in KINDS:
        hourly, daily = worlds.table(f"{kind.table}_hourly"), worlds.table(f"{kind.table}_daily")
        beside = {
            kind.entity,
            f"{kind.name}_event_time",
            "event_time",
            "id",
            "partition_key",
            "extra_metrics",
        }
        assert set(kind.columns) == {column.name for column in hourly.columns} - beside
        for column in kind.columns:
            assert hourly.columns[column].comment == daily.columns[column].comment
    assert SPANS == ("hour", "day")
