"""A world in the database: the same rows however they came, one world at a time, real facts untouched."""

from dataclasses import replace as changed
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from tests.playground.loading.conftest import Generate, Loaded
from tests.playground.loading.stand_in import BROKEN, NAME

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, EntrepotError
from entrepot.playground.loading import load_queries
from entrepot.playground.loading.checksums import checksums, differences
from entrepot.playground.loading.generating import clear, generate, holding
from entrepot.playground.loading.queries import advance, current_world, world_truth
from entrepot.playground.world.settings import WorldSettings

ROWS = {"users": 4, "shops": 4, "shop_products": 4, "global_entities": 8}


async def count(db: Database, table: str, condition: str = "true") -> int:
    async with db.system() as session:
        found = await session.execute(text(f"SELECT count(*) FROM {table} WHERE {condition}"))
        return int(found.scalar_one())


async def test_a_world_is_loaded_whole(loaded: Loaded) -> None:
    db, made = loaded.db, loaded.made
    assert {name: made.rows[name] for name in ROWS} == ROWS
    assert made.rows["shop_orders"] == made.rows["shop_order_items"] == 240
    for name, rows in made.rows.items():
        assert await count(db, f"data_playground.{name}") == rows
    async with db.system() as session:
        world = await current_world(session)
        assert world is not None
        assert (world.state, world.parts_loaded, world.parts) == ("complete", 4, 4)
        assert world.clock.isoformat() == "2025-11-09T00:00:00+00:00"
        assert await world_truth(session, world.id) == [{"orders": 60}] * 4
    assert await count(db, "pg_class", "relname LIKE '%_built' OR relname LIKE '%_beside_%'") == 0


async def test_months_are_partitions_of_their_own(loaded: Loaded) -> None:
    for partition, some in (("2025_10", True), ("2025_11", True), ("default", False)):
        of_it = f"tableoid = 'data_playground.shop_orders_{partition}'::regclass"
        assert (await count(loaded.db, "data_playground.shop_orders", of_it) > 0) is some


async def test_checksums_do_not_depend_on_the_workers(db: Database, generate_world: Generate) -> None:
    await generate_world(processes=0)
    alone = await checksums(db)
    again = await generate_world(processes=2, replace=True)
    assert not again.there
    assert await checksums(db) == alone


async def test_checksums_tell_of_the_seed_and_of_a_changed_row(
    db: Database, generate_world: Generate, small: WorldSettings
) -> None:
    await generate_world()
    before = await checksums(db)
    async with db.system() as session:
        await session.execute(
            text("UPDATE data_playground.users SET phone_number = '1' WHERE username = 'user2'")
        )
    assert differences(before, await checksums(db)) == ["users"]
    await generate_world(changed(small, seed=8), replace=True)
    assert "shop_orders" in differences(before, await checksums(db))


async def test_a_world_that_is_there_is_left_as_it_is(loaded: Loaded, small: WorldSettings) -> None:
    second = await generate(loaded.db, small, processes=0, world=NAME)
    assert second.there
    assert second.rows == loaded.made.rows


async def test_another_world_is_refused_until_it_may_replace(
    db: Database, generate_world: Generate, small: WorldSettings
) -> None:
    await generate_world()
    longer = changed(small, end=date(2025, 11, 12))
    with pytest.raises(
        ConflictError, match=r"seed 7, scale 1.0, from 2025-10-20 to 2025-11-09\. Give --replace"
    ):
        await generate_world(longer)
    assert (await generate_world(longer, replace=True)).rows["shop_orders"] > 240


async def test_two_do_not_work_on_one_world(db: Database, generate_world: Generate) -> None:
    async with holding(db):
        with pytest.raises(ConflictError, match="Another command is working"):
            async with holding(db, patience=0.0):
                pass
    await generate_world()


async def test_a_part_that_fails_is_named_and_the_rest_is_kept(
    db: Database, generate_world: Generate
) -> None:
    with pytest.raises(
        EntrepotError, match=r"Part 2 of the world cannot be made: ArithmeticError: no third part"
    ):
        await generate_world(world=BROKEN)
    assert await count(db, "data_playground.world_parts") == 2
    assert await count(db, "data_playground.shop_orders") == 0
    resumed = await generate_world()
    assert resumed.resumed
    assert resumed.rows["shop_orders"] == 240


async def test_real_facts_of_the_same_months_stay(db: Database, generate_world: Generate) -> None:
    await generate_world()
    alone = await checksums(db)
    assert sum((await clear(db)).values()) == 740
    assert await count(db, "data_playground.users") == 0
    async with db.system() as session:
        await session.execute(REAL)
    before = await real(db)
    await generate_world()
    assert await checksums(db) == alone
    assert await real(db) == before
    removed = await clear(db)
    assert removed["users"] == 4
    assert removed["shop_orders"] == 240
    assert await real(db) == before
    assert await count(db, "data_playground.shop_orders") == 1
    # Its references hold again.
    assert await count(db, "pg_constraint", "contype = 'f' AND conname LIKE 'fk_shop_orders_user_id%'") > 0


async def test_facts_that_come_while_a_world_is_loaded_stay(
    db: Database, generate_world: Generate, monkeypatch: pytest.MonkeyPatch
) -> None:
    await generate_world()
    alone = await checksums(db)
    await clear(db)
    begin = load_queries.begin_placing

    async def meanwhile(*arguments: Any) -> None:
        async with db.system() as session:
            await session.execute(REAL)
        await begin(*arguments)

    monkeypatch.setattr(load_queries, "begin_placing", meanwhile)
    await generate_world()
    assert await checksums(db) == alone
    assert len(await real(db)) == 3
    assert await count(db, "pg_class", "relname LIKE '%_built' OR relname LIKE '%_beside_%'") == 0


async def test_clearing_an_empty_warehouse_removes_nothing(db: Database) -> None:
    assert set((await clear(db)).values()) == {0}


async def test_metrics_are_to_be_rolled_for_the_whole_world(loaded: Loaded) -> None:
    whole = "kind = 'span' AND hour <= '2025-10-20T00:00Z' AND until >= '2025-11-09T00:00Z'"
    assert await count(loaded.db, "data_playground.metrics_dirty", whole) == 1


async def test_the_clock_only_goes_forward(db: Database, generate_world: Generate) -> None:
    made = await generate_world()
    async with db.system() as session:
        world = await current_world(session)
        assert world is not None
        await advance(session, world.id, world.clock.replace(hour=5), {"shop_orders": 3, "invoices": 1})
        await advance(session, world.id, world.clock.replace(hour=2))
        after = await current_world(session)
    assert after is not None
    assert after.clock == world.clock.replace(hour=5)
    assert after.rows == {**made.rows, "shop_orders": 243, "invoices": 1}


REAL = text(
    """
    WITH person AS (
        INSERT INTO data_playground.users (event_time, username, email, created_time, origin)
        VALUES ('2025-10-25T10:00Z', 'real', 'real@example.com', '2025-10-25T10:00Z', 'marketplace') RETURNING id, event_time
    ), shop AS (
        INSERT INTO data_playground.shops (event_time, owner_id, owner_event_time, name, category, created_time, origin)
        SELECT '2025-10-25T11:00Z', id, event_time, 'Real', 'retail', '2025-10-25T11:00Z', 'marketplace' FROM person
        RETURNING id, event_time
    )
    INSERT INTO data_playground.shop_orders (event_time, order_number, user_id, user_event_time, shop_id, shop_event_time,
        status, subtotal, tax_amount, shipping_amount, discount_amount, total_amount, ordered_time, origin)
    SELECT '2025-11-02T12:00Z', 'R-1', person.id, person.event_time, shop.id, shop.event_time, 'pending', 5, 0, 0, 0, 5,
           '2025-11-02T12:00Z', 'marketplace'
    FROM person, shop
    """
)


async def real(db: Database) -> list[str]:
    """The rows that are not simulated, as text."""
    async with db.system() as session:
        return [
            row
            for table in ("users", "shops", "shop_orders")
            for row in (
                await session.execute(
                    text(
                        f"SELECT t::text FROM data_playground.{table} AS t WHERE origin <> 'simulated' ORDER BY 1"
                    )
                )
            ).scalars()
        ]
