"""Events of the program become facts of the warehouse, each once, in whatever order they come."""

from datetime import datetime
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from tests.flows.conftest import Program, at, order, payment, wrong

PLACED = "commerce.order.placed"
COMPLETED = "commerce.payment.completed"


async def test_an_order_becomes_an_order_with_its_items_and_its_event(program: Program) -> None:
    await program.publish((PLACED, at(0), order()))
    await program.deliver()
    [found] = await program.rows("shop_orders")
    assert (found["event_time"], found["status"], found["origin"]) == (at(0), "pending", "marketplace")
    sums = ("subtotal", "discount_amount", "tax_amount", "shipping_amount", "total_amount")
    assert [found[name] for name in sums] == [Decimal(amount) for amount in (20, 1, 3, 2, 24)]
    [item] = await program.rows("shop_order_items")
    assert (item["quantity"], item["unit_price"], item["total_amount"]) == (2, 10, 19)
    assert (item["order_id"], item["order_event_time"]) == (found["id"], at(0))
    [event] = await program.rows("global_events")
    assert (event["event_type"], event["event_time"], event["amount"]) == ("order_placed", at(0), 24)
    assert (event["user_id"], event["shop_id"], event["caller_entity_id"]) == (
        found["user_id"],
        found["shop_id"],
        found["id"],
    )
    entities = await program.rows("global_entities", "entity_type, event_time, created_time")
    assert sorted(row["entity_type"] for row in entities) == [
        "shop_order",
        "shop_product",
        "user",
        "user",
        "user_shop",
    ]
    assert all(row["event_time"] == row["created_time"] for row in entities)


async def test_a_completed_payment_of_the_whole_sends_the_order_to_processing(program: Program) -> None:
    await program.publish((PLACED, at(0), order()), (COMPLETED, at(5), payment(amount="10.00")))
    await program.deliver()
    assert [row["status"] for row in await program.rows("shop_orders")] == ["pending"]
    await program.publish((COMPLETED, at(7), payment("p2", amount="14.00", initiated_at=at(6).isoformat())))
    await program.deliver()
    [found] = await program.rows("shop_orders")
    assert (found["status"], found["processed_time"]) == ("processing", at(7))
    paid = await program.rows("shop_order_payments", "status, event_time, initiated_time, completed_time")
    assert [(row["event_time"], row["completed_time"]) for row in paid] == [(at(5), at(5)), (at(6), at(7))]
    events = await program.rows("global_events", "event_type, event_time, user_id, shop_id, caller_entity_id")
    assert [(row["event_type"], row["event_time"]) for row in events] == [
        ("order_placed", at(0)),
        ("payment_completed", at(5)),
        ("order_processing", at(7)),
        ("payment_completed", at(7)),
    ]
    assert all(row["user_id"] == found["user_id"] and row["shop_id"] == found["shop_id"] for row in events)


STORY: tuple[tuple[str, datetime, dict[str, Any]], ...] = (
    (PLACED, at(0), order()),
    ("commerce.payment.failed", at(2), payment("p0", reason="declined", initiated_at=at(1).isoformat())),
    (COMPLETED, at(4), payment(initiated_at=at(3).isoformat())),
    ("commerce.order.shipped", at(60), {"order": "o1"}),
    (
        "commerce.payment.refunded",
        at(90),
        {
            "refund": "r1",
            "payment": "p1",
            "order": "o1",
            "currency": "USD",
            "items": [{"product": "mug", "quantity": 2, "amount": "24.00", "net_amount": "19.00"}],
        },
    ),
)


async def test_a_story_in_any_order_is_the_same_facts(program: Program) -> None:
    kept = None
    for number, told in enumerate(permutations(STORY)):
        if number % 17:
            continue  # eight of the hundred and twenty
        key, customer = f"o{number}", f"c{number}"
        for type_, time, data in told:
            renamed = {
                name: f"{value}-{number}" if name in ("order", "payment") else value
                for name, value in data.items()
            }
            if type_ == PLACED:
                renamed |= {"order": f"o1-{number}", "customer": {"customer": customer}}
            await program.publish((type_, time, renamed))
            await program.deliver()
        assert await program.parked() == []
        where = f"extra_data ->> 'key' = 'o1-{number}'"
        columns = "id, status, processed_time, shipped_time, total_amount"
        [found] = await program.rows("shop_orders", f"event_time, {columns}", where)
        payments = await program.rows(
            "shop_order_payments",
            "event_time, status, completed_time, amount, refunded_amount, notes",
            f"order_id = '{found['id']}'",
        )
        items = await program.rows(
            "shop_order_items", "event_time, is_refunded, is_cancelled", f"order_id = '{found['id']}'"
        )
        events = await program.rows(
            "global_events",
            "event_type, event_time, quantity, amount, net_amount",
            f"user_id = '{(await program.rows('shop_orders', 'event_time, user_id', where))[0]['user_id']}'",
        )
        seen = ({**found, "id": None}, payments, items, events)
        kept = kept or seen
        assert seen == kept, key
    assert kept is not None
    assert await wrong(program.db) == {}
    assert kept[0]["status"] == "refunded"
    assert kept[2] == [{"event_time": at(0), "is_refunded": True, "is_cancelled": False}]
    assert [row["status"] for row in kept[1]] == ["failed", "refunded"]
    assert [row["event_type"] for row in kept[3]] == [
        "order_placed",
        "payment_failed",
        "order_processing",
        "payment_completed",
        "order_shipped",
        "order_refunded",
        "payment_refunded",
    ]


async def test_events_that_are_delivered_twice_are_facts_once(program: Program) -> None:
    await program.publish(*STORY)
    await program.deliver()
    before = await program.everything()
    again = await program.again()
    assert (again.delivered, again.failed) == (len(STORY), 0)
    assert await program.everything() == before
    assert len(before["shop_orders"]) == 1


async def test_an_event_that_is_published_twice_is_a_fact_once_whatever_time_it_tells(
    program: Program,
) -> None:
    await program.publish((PLACED, at(0), order()), (COMPLETED, at(4), payment()))
    await program.deliver()
    before = await program.everything()
    await program.publish((PLACED, at(9), order()), (COMPLETED, at(9), payment()))
    await program.deliver()
    assert await program.everything() == before


async def test_a_payment_before_its_order_waits_and_is_not_lost(program: Program) -> None:
    await program.publish((COMPLETED, at(4), payment()))
    assert (await program.deliver()).delivered == 1
    assert await program.parked() == [(COMPLETED, "waiting")]
    assert await program.rows("shop_order_payments") == []
    await program.publish((PLACED, at(0), order()))
    await program.deliver()
    assert await program.parked() == []
    [found] = await program.rows("shop_orders")
    assert found["status"] == "processing"
    assert [row["status"] for row in await program.rows("shop_order_payments")] == ["completed"]


async def test_amounts_of_another_currency_are_kept_and_never_added_up(program: Program) -> None:
    await program.publish((PLACED, at(0), order(currency="EUR")), (PLACED, at(1), order("o2")))
    assert (await program.deliver()).failed == 0
    assert await program.parked() == [(PLACED, "currency")]
    assert [row["extra_data"]["key"] for row in await program.rows("shop_orders")] == ["o2"]


async def test_a_bad_event_becomes_a_dead_letter_and_holds_up_no_other(program: Program) -> None:
    await program.publish((PLACED, at(0), order(total="99.00")), (PLACED, at(1), order("o2")))
    found = await program.deliver()
    assert (found.delivered, found.failed) == (1, 1)
    assert len(await program.rows("shop_orders")) == 1


async def test_what_one_shop_tells_is_nothing_of_another(program: Program, other_shop: UUID) -> None:
    await program.publish((PLACED, at(0), order()))
    await program.publish((PLACED, at(0), order()), shop=other_shop)
    await program.publish((COMPLETED, at(4), payment()), shop=other_shop)
    await program.deliver()
    assert len({row["shop_id"] for row in await program.rows("shop_orders")}) == 2
    assert sorted(row["status"] for row in await program.rows("shop_orders")) == ["pending", "processing"]
    assert len(await program.rows("users", "id")) == 4


async def test_reviews_wait_for_their_product_and_are_approved_in_any_order(program: Program) -> None:
    told = {
        "review": "v1",
        "customer": {"customer": "c1"},
        "product": "mug",
        "rating": 4,
        "content": "Holds tea.",
        "order": "o1",
    }
    await program.publish(("commerce.review.approved", at(95), {"review": "v1"}))
    await program.publish(("commerce.review.submitted", at(90), told))
    await program.deliver()
    assert len(await program.parked()) == 2
    await program.publish((PLACED, at(0), order()))
    await program.deliver()
    assert await program.parked() == []
    [found] = await program.rows("shop_reviews")
    assert (found["status"], found["rating"], found["is_verified_purchase"]) == ("approved", 4, True)
    [event] = await program.rows("global_events", where="event_type = 'review_approved'")
    assert (event["user_id"], event["product_id"]) == (found["user_id"], found["product_id"])


async def test_a_cancelled_order_says_so_in_its_items(program: Program) -> None:
    await program.publish((PLACED, at(0), order()), ("commerce.order.cancelled", at(9), {"order": "o1"}))
    await program.deliver()
    assert [(row["status"], row["cancelled_time"]) for row in await program.rows("shop_orders")] == [
        ("cancelled", at(9))
    ]
    assert [row["is_cancelled"] for row in await program.rows("shop_order_items")] == [True]


async def test_stock_is_logged_as_a_chain(program: Program) -> None:
    listed = {"product": "mug", "name": "Mug", "price": "10.00", "currency": "USD"}
    await program.publish(("commerce.product.listed", at(0), listed))
    for minute, quantity in ((1, 5), (2, 5), (4, 0), (3, 9), (6, 2)):
        await program.publish(
            ("commerce.stock.counted", at(minute), {"product": "mug", "quantity": quantity})
        )
        await program.deliver()
    logs = await program.rows("shop_inventory_logs")
    assert [(row["quantity_before"], row["quantity_after"]) for row in logs] == [(0, 5), (5, 0), (0, 2)]
    [product] = await program.rows("shop_products")
    assert (product["stock_quantity"], product["status"]) == (2, "active")
    assert await program.events() == {
        "product_listed": 1,
        "product_out_of_stock": 1,
        "product_back_in_stock": 1,
    }


@pytest.mark.parametrize(
    ("type_", "data", "event", "amount"),
    [
        ("commerce.product.viewed", {}, "product_viewed", None),
        (
            "commerce.cart.item_added",
            {"quantity": 3, "unit_price": "9.50", "currency": "USD"},
            "cart_item_added",
            Decimal("28.50"),
        ),
    ],
)
async def test_visits_become_events(
    program: Program, type_: str, data: dict[str, object], event: str, amount: Decimal | None
) -> None:
    await program.publish((PLACED, at(0), order()))
    visit = (type_, at(30), {"customer": "c1", "product": "mug", **data})
    await program.publish(visit, visit)
    await program.deliver()
    [found] = await program.rows("global_events", where=f"event_type = '{event}'")
    assert (found["event_time"], found["amount"]) == (at(30), amount)
