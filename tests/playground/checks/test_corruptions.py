"""One thing is spoiled at a time: the checks meant for it find it, no other does, and the first difference names the row."""

from dataclasses import dataclass, field

import pytest
from tests.playground.checks.conftest import Spoil
from tests.playground.village import Village

from entrepot.playground.checks.verifying import CHECKS

S = "data_playground"
METRICS_OF_ORDERS = {"user-metrics", "shop-metrics"}
ALL_METRICS = {"user-metrics", "shop-metrics", "product-metrics"}


@dataclass(frozen=True)
class Corruption:
    """What is done to `row` (its name in the village), who has to find it, and what is said of it where."""

    what: str
    row: str
    statement: str
    found_by: set[str]
    said: str
    also: set[str] = field(default_factory=set)
    #: The row that is named, where it is not the spoiled one.
    names: str | None = None


def _update(table: str, change: str) -> str:
    return f"UPDATE {S}.{table} SET {change} WHERE id = :id"


CORRUPTIONS = (
    # Totals
    Corruption(
        "a line costs something else", "first/globe", _update("shop_order_items", "unit_price = 41"),
        {"order-totals"}, "2 × 41.0000",
    ),
    Corruption(
        "a line is dropped", "first", f"DELETE FROM {S}.shop_order_items WHERE order_id = :id AND quantity = 1",
        {"order-totals", "sales-stock"}, "its lines sum to 80.0000, its subtotal is 95.0000",
        also={"user-metrics", "shop-metrics", "product-metrics"},
    ),
    Corruption(
        "an order loses all its lines", "fifth", f"DELETE FROM {S}.shop_order_items WHERE order_id = :id",
        {"order-totals", "sales-stock"}, "it has no lines", also=ALL_METRICS,
    ),
    Corruption(
        "tax is changed", "fifth", _update("shop_orders", "tax_amount = tax_amount + 0.01"),
        {"order-totals"}, "is not its total",
    ),
    Corruption(
        "an order of another part of the program does not add up", "sixth",
        _update("shop_orders", "shipping_amount = 0"), {"order-totals"}, "is not its total",
    ),
    Corruption(
        "an invoice asks for more than its order", "bill",
        _update("invoices", "total_amount = total_amount + 1, invoice_amount = invoice_amount + 1"),
        {"invoice-totals", "events"}, "its total is",
    ),
    Corruption(
        "an invoice is due on another day", "bill", _update("invoices", "due_date = due_date + 1"),
        {"invoice-totals"}, "+ 30 days is not",
    ),
    # Payments and refunds
    Corruption(
        "a payment is of another amount", "first payment", _update("shop_order_payments", "amount = amount - 1"),
        {"payments", "events"}, "payment_initiated says",
    ),
    Corruption(
        "an order is paid twice", "first",
        f"""
        INSERT INTO {S}.shop_order_payments (event_time, order_id, order_event_time, user_id, user_event_time, shop_id,
            shop_event_time, amount, status, method, initiated_time, completed_time, origin)
        SELECT event_time, order_id, order_event_time, user_id, user_event_time, shop_id, shop_event_time, amount, status, method,
               initiated_time, completed_time, 'api'
        FROM {S}.shop_order_payments WHERE order_id = :id
        """,
        {"payments", "registry"}, "more than its total",
    ),
    Corruption(
        "an unpaid order is packed", "fifth",
        _update("shop_orders", "processed_time = event_time + interval '1 hour', status = 'processing'"),
        {"payments", "events"}, "0 of 49.0000 were paid",
    ),
    Corruption(
        "an invoice in part paid is called paid", "bill", _update("invoices", "status = 'paid'"),
        {"payments"}, "it is paid, and 20.0000 of",
    ),
    Corruption(
        "more was paid back than the events say", "second payment",
        _update("shop_order_payments", "refunded_amount = refunded_amount + 1"),
        {"refunds"}, "its events say 99.0000",
    ),
    Corruption(
        "a payment that was paid back is called completed", "third payment",
        _update("shop_order_payments", "status = 'completed'"), {"refunds"}, "it is completed, and 6.6000 of",
    ),
    Corruption(
        "a line that was paid back is not marked", "second/cable",
        _update("shop_order_items", "is_refunded = false"), {"refunds"}, "is not marked as refunded",
    ),
    Corruption(
        "a line that was not paid back is marked", "first/shade",
        _update("shop_order_items", "is_refunded = true"), {"refunds"}, "no payment was paid back",
    ),
    Corruption(
        "more units are paid back than were ordered", "second/cable",
        f"""
        UPDATE {S}.global_events SET quantity = quantity + 1
        WHERE event_type = 'payment_refunded' AND event_metadata ->> 'order_item_id' = CAST(CAST(:id AS uuid) AS text)
        """,
        {"refunds"}, "4 units of line", also={"product-metrics"},
    ),
    # Stock
    Corruption(
        "a chain of stock is broken", "movement of globe at 2025-11-28 12:00:00+00:00",
        _update("shop_inventory_logs", "quantity_before = quantity_before + 1, quantity_after = quantity_after + 1"),
        {"stock-log"}, "it begins with 9 units, the one before left 8", also={"shop-metrics", "product-metrics"},
    ),
    Corruption(
        "a first movement begins with something", "movement of cable at 2025-10-08 15:01:00+00:00",
        _update("shop_inventory_logs", "quantity_before = 1, quantity_change = 2"),
        {"stock-log"}, "it begins with 1 units, the one before left 0",
    ),
    Corruption(
        "stock is not what the last movement left", "globe", _update("shop_products", "stock_quantity = 8"),
        {"stock-log"}, "its stock is 8, its last movement left 7",
    ),
    Corruption(
        "a product without stock is active", "shade", _update("shop_products", "status = 'active'"),
        {"stock-log"}, "it is active with 0 units",
    ),
    Corruption(
        "two movements have the same time", "movement of twine at 2025-11-05 15:00:00+00:00",
        _update("shop_inventory_logs", "event_time = event_time - interval '3 hours'"),
        {"stock-log"}, "the same time", also={"shop-metrics", "product-metrics"},
    ),
    Corruption(
        "fewer units were sold than taken from stock", "second/cable",
        _update("shop_order_items", "quantity = 2, subtotal = 60, total_amount = 60"),
        {"order-totals", "sales-stock", "refunds"}, "2 units were ordered, 3 were taken from stock",
        also=ALL_METRICS, names="second",
    ),
    Corruption(
        "a sale is of another order", "movement of twine at 2025-11-05 12:00:00+00:00",
        _update("shop_inventory_logs", "change_type = 'loss'"),
        {"sales-stock"}, "1 units were ordered, 0 were taken from stock", names="third",
    ),
    Corruption(
        "what was cancelled did not go back", "movement of twine at 2025-11-05 15:00:00+00:00",
        _update("shop_inventory_logs", "change_type = 'adjustment'"),
        {"sales-stock"}, "it was cancelled, and 0 of 1 units went back", names="third",
    ),
    # Statuses and copies
    Corruption(
        "a shipped order has no time of shipping", "fourth", _update("shop_orders", "shipped_time = NULL"),
        {"statuses", "events"}, "it is shipped",
    ),
    Corruption(
        "a cancelled order is pending", "third", _update("shop_orders", "status = 'pending'"),
        {"statuses", "payments"}, "it is pending",
    ),
    Corruption(
        "a delivery comes before the order", "first",
        _update("shop_orders", "delivered_time = event_time - interval '1 day'"),
        {"statuses", "events"}, "delivered 2025-10-09",
    ),
    Corruption(
        "a payment without an outcome is completed", "first payment",
        _update("shop_order_payments", "completed_time = NULL"),
        {"statuses", "events"}, "its outcome was known never",
    ),
    Corruption(
        "a user who left is active", "dee", _update("users", "status = true"), {"statuses"}, "it is active, and was closed",
    ),
    Corruption(
        "a line is of another user than its order", "fifth/globe",
        f"UPDATE {S}.shop_order_items SET user_id = (SELECT id FROM {S}.users WHERE username = 'bo') WHERE id = :id",
        {"copies"}, "its user_id is", also={"user-metrics"},
    ),
    Corruption(
        "a vote is for another author", "bo on praise",
        f"UPDATE {S}.shop_review_votes SET author_id = (SELECT id FROM {S}.users WHERE username = 'bo') WHERE id = :id",
        {"copies"}, "its author_id is", also={"user-metrics"},
    ),
    # Counts
    Corruption(
        "a promotion counts a use too many", "autumn", _update("shop_promotions", "current_usage_count = 2"),
        {"promotions"}, "it counts 2 uses, there are 1",
    ),
    Corruption(
        "a promotion took more off than the order's discount", "cy's use of autumn",
        _update("shop_promotion_usages", "discount_amount = 20"),
        {"promotions"}, "promotions took 20.0000 off",
    ),
    Corruption(
        "a promotion was used after its end", "autumn",
        _update("shop_promotions", "valid_until = valid_from + interval '1 hour'"),
        {"promotions"}, "and holds from", also={"shop-metrics"},
    ),
    Corruption(
        "a review counts a vote too many", "praise", _update("shop_reviews", "helpful_votes = 2"),
        {"review-votes"}, "it counts 2 helpful votes and 1 others, its votes are 1 and 1",
    ),
    # Uniqueness beyond a month
    Corruption(
        "somebody votes twice, in two months", "praise",
        f"""
        INSERT INTO {S}.shop_review_votes (event_time, review_id, review_event_time, user_id, user_event_time, author_id,
            author_event_time, is_helpful)
        SELECT event_time + interval '20 days', review_id, review_event_time, user_id, user_event_time, author_id,
               author_event_time, is_helpful
        FROM {S}.shop_review_votes WHERE review_id = :id AND is_helpful
        """,
        {"uniqueness", "review-votes"}, "it counts 1 helpful votes and 1 others, its votes are 2 and 1",
        also={"user-metrics"},
    ),
    Corruption(
        "an order number is given twice, in two months", "fifth",
        _update("shop_orders", "order_number = 'N-first'"), {"uniqueness"}, "order number N-first",
    ),
    Corruption("a name is taken twice", "dee", _update("users", "username = 'cy'"), {"uniqueness"}, "username cy"),
    Corruption("a SKU is given twice", "cable", _update("shop_products", "sku = 'SKU-globe'"), {"uniqueness"}, "SKU SKU-globe"),
    Corruption(
        "a payment and an invoice's payment have one reference", "bill payment",
        _update("invoice_payments", "transaction_reference = 'ref-first payment'"),
        {"uniqueness"}, "transaction reference ref-first payment",
    ),
    Corruption(
        "a user is there twice, in two months", "cy",
        f"""
        INSERT INTO {S}.users (id, event_time, username, email, created_time, origin)
        SELECT id, event_time + interval '31 days', 'cy2', 'cy2@example.com', event_time + interval '31 days', 'api'
        FROM {S}.users WHERE id = :id
        """,
        {"uniqueness", "registry", "events"}, "it is registered as of",
    ),
    # Registry and events
    Corruption(
        "an order is not registered", "sixth", f"DELETE FROM {S}.global_entities WHERE entity_id = :id",
        {"registry"}, "it is not registered",
    ),
    Corruption(
        "a review is registered as a product", "praise",
        f"UPDATE {S}.global_entities SET entity_type = 'shop_product' WHERE entity_id = :id",
        {"registry"}, "it is registered as shop_product",
    ),
    Corruption(
        "a shop is registered twice", "ropes",
        f"""
        INSERT INTO {S}.global_entities (event_time, entity_id, entity_type, created_time)
        SELECT event_time + interval '1 day', entity_id, entity_type, created_time + interval '1 day'
        FROM {S}.global_entities WHERE entity_id = :id
        """,
        {"registry"}, "it is registered 2 times",
    ),
    Corruption(
        "what is registered is nowhere", "doubt", f"DELETE FROM {S}.shop_reviews WHERE id = :id",
        {"registry", "events"}, "no table has it",
    ),
    Corruption(
        "the registry does not know that somebody left", "dee",
        f"UPDATE {S}.global_entities SET deactivated_time = NULL WHERE entity_id = :id",
        {"registry"}, "the registry says no time",
    ),
    Corruption(
        "a payment is told twice", "first payment",
        f"""
        INSERT INTO {S}.global_events (event_time, event_type, user_id, user_event_time, shop_id, shop_event_time, caller_entity_id,
            caller_event_time, amount)
        SELECT event_time, event_type, user_id, user_event_time, shop_id, shop_event_time, caller_entity_id, caller_event_time, amount
        FROM {S}.global_events WHERE event_type = 'payment_completed' AND caller_entity_id = :id
        """,
        {"events"}, "payment_completed tells of it 2 times", also={"user-metrics"},
    ),
    Corruption(
        "a cancellation is not told", "third",
        f"DELETE FROM {S}.global_events WHERE event_type = 'order_cancelled' AND caller_entity_id = :id",
        {"events"}, "no order_cancelled tells of it", also=METRICS_OF_ORDERS,
    ),
    Corruption(
        "a failure is told an hour late", "second payment, declined",
        f"""
        UPDATE {S}.global_events SET event_time = event_time + interval '1 hour'
        WHERE event_type = 'payment_failed' AND caller_entity_id = :id
        """,
        {"events"}, "payment_failed is at", also={"user-metrics"},
    ),
    Corruption(
        "an approval is not told", "praise",
        f"DELETE FROM {S}.global_events WHERE event_type = 'review_approved' AND caller_entity_id = :id",
        {"events"}, "it is approved, which was told 0 times",
    ),
    Corruption(
        "a product ran out of stock and nobody was told", "shade",
        f"DELETE FROM {S}.global_events WHERE event_type = 'product_out_of_stock' AND product_id = :id",
        {"events"}, "no product_out_of_stock is told of the movement",
    ),
    Corruption(
        "a product is told to be back and is not", "shade",
        f"""
        INSERT INTO {S}.global_events (event_time, event_type, product_id, product_event_time)
        SELECT timestamptz '2025-11-10 00:00:00+00', 'product_back_in_stock', id, event_time FROM {S}.shop_products WHERE id = :id
        """,
        {"events"}, "product_back_in_stock is told, and no movement of stock did it",
    ),
    Corruption(
        "an abandoned cart was ordered after all", "sixth",
        f"""
        UPDATE {S}.global_events SET event_time = timestamptz '2025-11-09 12:20:00+00',
            session_id = (SELECT session_id FROM {S}.global_events WHERE event_type = 'cart_abandoned')
        WHERE event_type = 'order_placed' AND caller_entity_id = :id
        """,
        {"events", "carts"}, "order_placed is at",
    ),
    Corruption(
        "a cart is given up too early", "dee",
        f"""
        UPDATE {S}.global_events SET event_time = event_time - interval '10 minutes'
        WHERE event_type = 'cart_abandoned' AND user_id = :id
        """,
        {"carts"}, "the last activity was at 2025-11-09 12:02:00+00",
        names="cart_abandoned/ropes/2025-11-09 12:32:00+00:00",
    ),
    # Metrics
    Corruption(
        "an hour of a user is wrong", "cy",
        f"UPDATE {S}.user_metrics_hourly SET total_order_amount = total_order_amount + 1 WHERE user_id = :id"
        " AND event_time = '2025-11-05 12:00:00+00'",
        {"hours-days", "user-metrics"}, "total_order_amount",
    ),
    Corruption(
        "a day of a user is wrong", "cy",
        f"UPDATE {S}.user_metrics_daily SET unique_shops_ordered_from = 2 WHERE user_id = :id"
        " AND event_time = '2025-11-05'",
        {"user-metrics"}, "unique_shops_ordered_from is 2, the facts say 1",
    ),
    Corruption(
        "a day of a shop is wrong", "ropes",
        f"UPDATE {S}.shop_metrics_daily SET inventory_value = inventory_value + 1 WHERE shop_id = :id"
        " AND event_time = '2025-11-03'",
        {"shop-metrics"}, "inventory_value is",
    ),
    Corruption(
        "a day of a product is gone", "cable",
        f"DELETE FROM {S}.shop_product_metrics_daily WHERE product_id = :id AND event_time = '2025-11-12'",
        {"hours-days", "product-metrics"}, "it has facts and no metrics",
    ),
    Corruption(
        "an hour of a product is there that should not be", "globe",
        f"""
        INSERT INTO {S}.shop_product_metrics_hourly (product_id, event_time, product_event_time, current_stock_level, page_views)
        SELECT id, timestamptz '2025-11-10 03:00:00+00', event_time, 8, 1 FROM {S}.shop_products WHERE id = :id
        """,
        {"hours-days", "product-metrics"}, "page_views is 1, the facts say 0",
    ),
    # Ground truth
    Corruption(
        "a failure is said to be no part of the simulation", "second payment, declined",
        _update("shop_order_payments", "origin = 'api'"),
        {"ground-truth"}, "the facts: payments_failed is 0, the simulator made 1",
    ),
    Corruption(
        "a payment was begun before the outage", "second payment",
        f"UPDATE {S}.world_runs SET settings = jsonb_set(settings, '{{scenarios,0,start}}', '\"2025-11-03T09:10:00+00:00\"')"
        " WHERE :id IS NOT NULL",
        {"ground-truth"}, "the facts of payment-outage: payments is 1, the simulator made 2",
    ),
    Corruption(
        "the simulator sold more", "globe",
        f"""
        UPDATE {S}.world_parts SET truth = jsonb_set(truth, ARRAY['units_sold_by_product', CAST(CAST(:id AS uuid) AS text)], '4')
        WHERE number = 0
        """,
        {"ground-truth"}, "is 3, the simulator made 4",
    ),
    Corruption(
        "a mark is left", "globe",
        f"INSERT INTO {S}.metrics_dirty (kind, entity_id, hour) VALUES ('product', :id, '2025-11-28 12:00:00+00')",
        {"metrics-rolled"}, "1 marks of changed facts, the first of 2025-11-28 12:00:00+00, wait",
    ),
)  # fmt: skip


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=[one.what for one in CORRUPTIONS])
async def test_what_is_spoiled_is_found(corruption: Corruption, village: Village, spoil: Spoil) -> None:
    spoiled = village.id(corruption.row)
    found = await spoil(corruption.statement, id=spoiled)
    assert set(found) == corruption.found_by | corruption.also, {
        name: check.first for name, check in found.items()
    }
    said = [check.first or "" for check in found.values()]
    row = str(village.id(corruption.names or corruption.row))
    # What is there twice is named by its value, a mark by its time, and a truth by what it is about.
    named = [
        one
        for one in said
        if row in one or corruption.found_by <= {"uniqueness", "metrics-rolled", "ground-truth"}
    ]
    assert any(corruption.said in one for one in named), said


def test_every_check_finds_something() -> None:
    assert set().union(*(one.found_by for one in CORRUPTIONS)) == set(CHECKS)


async def test_what_waits_for_a_roll_is_no_difference(spoil: Spoil, village: Village) -> None:
    changed = f"UPDATE {S}.shop_metrics_daily SET net_revenue = net_revenue + 1 WHERE shop_id = :id AND event_time = '{{day}}'"
    mark = f"INSERT INTO {S}.metrics_dirty (kind, entity_id, hour) VALUES ('shop', :id, '2025-11-06 12:00:00+00')"
    shop = village.id("lamps")
    assert set(await spoil(changed.format(day="2025-11-28"), id=shop)) == {"shop-metrics", "hours-days"}
    assert set(await spoil(changed.format(day="2025-11-28"), mark, id=shop)) == {"metrics-rolled"}
    assert set(await spoil(changed.format(day="2025-11-06"), mark, id=shop)) == {"metrics-rolled"}
    before = await spoil(changed.format(day="2025-10-10"), mark, id=shop)
    assert set(before) == {"metrics-rolled", "shop-metrics", "hours-days"}
