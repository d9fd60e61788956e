"""The simulated world on the program: hours of it through the mirror, the market and the subscriber."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from tests.flows.conftest import wrong
from tests.playground.live.conftest import SMALL

from entrepot.flows.acting.acting import Acted, act
from entrepot.flows.acting.lines import number, shopify_id
from entrepot.kit.db import Database
from entrepot.playground.live.following import Follower

HOURS = timedelta(hours=4)


async def rows(db: Database, query: str, **values: Any) -> list[Any]:
    """What a query gives, whoever's it is."""
    async with db.system() as session:
        return list(await session.execute(text(query), values))


async def test_hours_of_a_tiny_world_go_through_all_of_the_program(world: Database) -> None:
    before = await rows(world, "SELECT count(*) FROM data_playground.global_events")
    ticks: list[Acted] = []

    async def keep(acted: Acted) -> None:
        ticks.append(acted)

    done = await act(world, speed=0, lasting=HOURS, on_tick=keep, step=timedelta(hours=2))
    assert done.clock == SMALL.end_time + HOURS
    assert (len(ticks), done.waiting) == (2, 0)
    assert sum(tick.counts["events_failed"] for tick in ticks) == 0
    follower = Follower(SMALL, done.clock)
    placed = follower.standing("shop_orders", SMALL.end_time).to_pylist()
    assert placed, "a world without orders shows nothing"

    # The catalog and the orders came in through the mirror.
    products = follower.standing("shop_products").num_rows
    assert [row.count for row in await rows(world, "SELECT count(*) FROM pim.shopify_variants")] == [products]
    mirrored = await rows(world, "SELECT shopify_gid, total_price FROM pim.shopify_orders")
    assert {row.shopify_gid for row in mirrored} == {shopify_id("Order", row["id"]) for row in placed}

    # The market was asked about each order, once.
    assert done.counts["orders_quoted"] == done.counts["orders_decided"] == len(placed)
    assert len(await rows(world, "SELECT 1 FROM marketplace.hm_policy_decision")) == len(placed)

    # Each order is one fact, though the market and the mirror both told of it; and it says what the world says.
    facts = await rows(
        world,
        "SELECT extra_data ->> 'key' AS key, event_time, total_amount, status FROM data_playground.shop_orders "
        "WHERE origin <> 'simulated'",
    )
    expected = {shopify_id("Order", row["id"]): row for row in placed}
    assert {row.key for row in facts} == expected.keys()
    assert len(facts) == len(expected)
    for row in facts:
        assert row.total_amount == expected[row.key]["total_amount"]
        assert abs(row.event_time - expected[row.key]["event_time"]) < timedelta(seconds=1)
    paid = await rows(
        world,
        "SELECT sum(amount) AS amount FROM data_playground.shop_order_payments "
        "WHERE origin <> 'simulated' AND status = 'completed'",
    )
    attempts = follower.standing("shop_order_payments", SMALL.end_time).to_pylist()
    orders = {row["id"] for row in placed}
    assert paid[0].amount == sum(
        row["amount"] for row in attempts if row["status"] == "completed" and row["order_id"] in orders
    )

    assert await wrong(world) == {}

    # The simulated warehouse stays where it was.
    untouched = "SELECT count(*) FROM data_playground.global_events WHERE origin = 'simulated'"
    assert await rows(world, untouched) == before
    assert [row.clock for row in await rows(world, "SELECT clock FROM data_playground.world_runs")] == [
        SMALL.end_time
    ]


async def test_it_goes_on_where_it_was(world: Database) -> None:
    first = await act(world, speed=0, lasting=timedelta(hours=1))
    again = await act(world, speed=0, lasting=timedelta(hours=1))
    assert again.start == first.clock
    twice = "SELECT count(*) FROM marketplace.hm_event_queue GROUP BY event_type, dedupe_key HAVING count(*) > 1 AND dedupe_key IS NOT NULL"
    assert await rows(world, twice) == []


def test_a_thing_of_the_world_has_one_number() -> None:
    assert 0 <= number(bytes(range(16))) < 10**15
    assert shopify_id("Order", b"\0" * 15 + b"\7") == "gid://shopify/Order/7"
