"""The facts agree with each other, to the cent and the unit."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.playground.world.conftest import Whole


@pytest.fixture(params=("steady", "eventful"))
def whole(request: pytest.FixtureRequest) -> Any:
    """Both worlds."""
    return request.getfixturevalue(request.param)


def test_items_add_up_to_their_order(whole: Whole) -> None:
    orders, items = whole.frame("shop_orders").set_index("id"), whole.frame("shop_order_items")
    assert (items.subtotal == items.quantity * items.unit_price).all()
    assert (items.total_amount == items.subtotal - items.discount_amount).all()
    assert (items.discount_amount >= 0).all()
    assert (items.total_amount >= 0).all()
    sums = items.groupby("order_id")[["subtotal", "discount_amount"]].sum()
    assert (sums.subtotal == orders.subtotal.reindex(sums.index)).all()
    assert (sums.discount_amount == orders.discount_amount.reindex(sums.index)).all()
    assert len(sums) == len(orders)
    total = orders.subtotal - orders.discount_amount + orders.tax_amount + orders.shipping_amount
    assert (orders.total_amount == total).all()


def test_an_order_is_processed_when_it_is_paid(whole: Whole) -> None:
    orders, payments = whole.frame("shop_orders"), whole.frame("shop_order_payments")
    done = payments[payments.status.isin(["completed", "refunded", "partially_refunded"])]
    paid = done.groupby("order_id").agg(amount=("amount", "sum"), last=("completed_time", "max"))
    orders = orders.join(paid, on="id")
    on_terms = orders.id.isin(whole.frame("invoices").order_id)
    settled = orders.amount.fillna(0) >= orders.total_amount
    assert (settled | on_terms).equals(orders.processed_time.notna())
    assert not (settled & on_terms).any()
    assert (orders.amount.fillna(0) <= orders.total_amount).all()
    assert (orders[settled].processed_time == orders[settled]["last"]).all()


def test_money_back_is_what_its_events_say(whole: Whole) -> None:
    back = whole.events("payment_refunded")
    assert len(back) > 0
    payments = whole.frame("shop_order_payments").set_index("id")
    sums = back.groupby("caller_entity_id").amount.sum()
    refunded = payments.refunded_amount[payments.refunded_amount > 0]
    assert sums.sort_index().equals(refunded.sort_index().rename("amount").rename_axis("caller_entity_id"))
    assert (back.net_amount <= back.amount).all()
    named = {}
    for row in back.itertuples():
        item = pd.io.json.ujson_loads(row.event_metadata)["order_item_id"]
        assert item not in named
        named[item] = row
    items = whole.frame("shop_order_items")
    marked = items[items.is_refunded]
    assert len(marked) == len(named)
    for item in marked.itertuples():
        event = named[str(__import__("uuid").UUID(bytes=item.id))]
        assert (event.quantity, event.net_amount, event.product_id) == (
            item.quantity,
            item.total_amount,
            item.product_id,
        )


def test_cancelled_orders_are_paid_back_in_full_and_put_back(whole: Whole) -> None:
    orders, payments = whole.frame("shop_orders"), whole.frame("shop_order_payments")
    end = orders.event_time.max()
    cancelled = orders[orders.status == "cancelled"]
    assert len(cancelled) > 0
    assert cancelled.shipped_time.isna().all()
    old = cancelled[cancelled.cancelled_time < end - pd.Timedelta(hours=1)]
    of_theirs = payments[payments.order_id.isin(old.id)]
    assert set(of_theirs.status) <= {"failed", "refunded"}
    logs = whole.frame("shop_inventory_logs")
    sold = logs[logs.change_type == "sale"].groupby("order_id").quantity_change.sum()
    put_back = logs[(logs.change_type == "return") & (logs.reason == "cancelled")]
    assert (
        put_back.groupby("order_id").quantity_change.sum()
        == -sold.reindex(put_back.order_id.unique()).sort_index()
    ).all()
    assert set(put_back.order_id) == set(cancelled.id)
    times = cancelled.set_index("id").cancelled_time
    late = put_back.event_time.to_numpy() - times.reindex(put_back.order_id).to_numpy()
    assert (late < np.timedelta64(1, "ms")).all()


def test_stock_is_a_chain(whole: Whole) -> None:
    logs = whole.frame("shop_inventory_logs").sort_values(["product_id", "event_time", "id"], kind="stable")
    assert not logs.duplicated(["product_id", "event_time"]).any()
    assert (logs.quantity_change != 0).all()
    assert (logs.quantity_after >= 0).all()
    previous = logs.groupby("product_id").quantity_after.shift(fill_value=0)
    assert (logs.quantity_before == previous).all()
    products = whole.frame("shop_products").set_index("id")
    last = logs.groupby("product_id").quantity_after.last()
    assert (products.stock_quantity == last.reindex(products.index)).all()
    assert ((products.status == "out_of_stock") == (products.stock_quantity <= 0)).all()


def test_every_line_sold_has_left_the_stock(whole: Whole) -> None:
    items = whole.frame("shop_order_items")
    logs = whole.frame("shop_inventory_logs")
    sales = logs[logs.change_type == "sale"].set_index(["order_id", "product_id"])
    lines = items.set_index(["order_id", "product_id"])
    assert lines.index.is_unique
    assert (-sales.quantity_change).sort_index().rename("quantity").equals(lines.quantity.sort_index())
    assert (sales.event_time.sort_index() == lines.event_time.sort_index()).all()
    assert (sales.created_by_user_id.sort_index() == lines.user_id.sort_index()).all()


def test_empty_and_refilled_shelves_are_told(whole: Whole) -> None:
    logs = whole.frame("shop_inventory_logs")
    empty = logs[(logs.quantity_after <= 0) & (logs.quantity_before > 0)]
    told = whole.events("product_out_of_stock")
    assert set(zip(empty.product_id, empty.event_time, strict=True)) == set(
        zip(told.product_id, told.event_time, strict=True)
    )
    back = whole.events("product_back_in_stock")
    assert len(told) >= len(back) > 0


def test_statuses_agree_with_times_and_events(whole: Whole) -> None:
    orders = whole.frame("shop_orders")
    stamps = {"shipped": "shipped_time", "delivered": "delivered_time", "cancelled": "cancelled_time",
              "returned": "returned_time", "refunded": "returned_time", "processing": "processed_time"}  # fmt: skip
    for status, column in stamps.items():
        assert orders[orders.status == status][column].notna().all(), status
    assert orders[orders.status == "pending"][list(set(stamps.values()))].isna().all().all()
    for kind, column in {
        **{f"order_{s}": c for s, c in stamps.items() if s != "refunded"},
        "order_placed": "event_time",
    }.items():
        events = whole.events(kind).set_index("caller_entity_id").event_time.sort_index()
        known = orders.set_index("id")[column].dropna().sort_index()
        assert events.index.equals(known.index), kind
        assert (events.to_numpy() == known.to_numpy()).all(), kind
    assert set(whole.events("order_refunded").caller_entity_id) == set(orders[orders.status == "refunded"].id)
    assert set(orders.status) >= {"processing", "shipped", "delivered", "cancelled", "refunded", "returned"}


def test_times_follow_one_another(whole: Whole) -> None:
    orders = whole.frame("shop_orders")
    for earlier, later in (
        ("ordered_time", "processed_time"),
        ("processed_time", "shipped_time"),
        ("shipped_time", "delivered_time"),
        ("delivered_time", "returned_time"),
        ("ordered_time", "cancelled_time"),
    ):
        both = orders[[earlier, later]].dropna()
        assert len(both) > 0
        assert (both[earlier] < both[later]).all(), later
    reviews = whole.frame("shop_reviews").join(orders.set_index("id").delivered_time, on="order_id")
    assert (reviews.event_time > reviews.delivered_time).all()
    votes = whole.frame("shop_review_votes")
    assert (votes.event_time > votes.review_event_time).all()


def test_payments_end_as_their_events_say(whole: Whole) -> None:
    both = pd.concat([whole.frame("shop_order_payments"), whole.frame("invoice_payments")]).set_index("id")
    failed = whole.events("payment_failed").set_index("caller_entity_id").event_time.sort_index()
    done = whole.events("payment_completed").set_index("caller_entity_id").event_time.sort_index()
    assert failed.equals(
        both[both.status == "failed"]
        .completed_time.sort_index()
        .rename("event_time")
        .rename_axis("caller_entity_id")
    )
    good = both[both.status.isin(["completed", "refunded", "partially_refunded"])]
    assert done.equals(good.completed_time.sort_index().rename("event_time").rename_axis("caller_entity_id"))
    assert len(whole.events("payment_initiated")) == len(both)
    assert both[both.status == "pending"].completed_time.isna().all()


def test_invoices_add_up_and_are_paid_as_they_say(whole: Whole) -> None:
    invoices = whole.frame("invoices").set_index("id")
    orders = whole.frame("shop_orders").set_index("id").reindex(invoices.order_id)
    assert (invoices.total_amount.to_numpy() == orders.total_amount.to_numpy()).all()
    payments = whole.frame("invoice_payments")
    paid = (
        payments[payments.status == "completed"]
        .groupby("invoice_id")
        .amount.sum()
        .reindex(invoices.index)
        .fillna(0)
    )
    assert ((paid == invoices.total_amount) == (invoices.status == "paid")).all()
    assert set(whole.events("invoice_paid").caller_entity_id) == set(
        invoices[invoices.status == "paid"].index
    )
    days = pd.to_datetime(invoices.due_date) - pd.to_datetime(invoices.issue_date)
    assert (days.dt.days == invoices.payment_term_days).all()


def test_carts_are_left_or_ordered(whole: Whole) -> None:
    kinds = ("cart_item_added", "cart_item_removed", "cart_abandoned", "checkout_started")
    events = whole.events(*kinds)
    amounts = events.assign(
        signed=np.where(events.event_type == "cart_item_removed", -events.amount, events.amount)
    )
    moves = amounts[amounts.event_type.isin(["cart_item_added", "cart_item_removed"])]
    value = moves.groupby("session_id").signed.sum()
    left = events[events.event_type == "cart_abandoned"].set_index("session_id")
    assert left.index.is_unique
    assert (left.amount == value.reindex(left.index)).all()
    acts = whole.events("product_viewed", "cart_item_added", "cart_item_removed", "checkout_started")
    last = acts.groupby("session_id").event_time.max().reindex(left.index)
    waited = (left.event_time - last).dt.total_seconds()
    assert ((waited >= 1800) & (waited < 3600)).all()
    assert (waited == 1800).mean() > 0.7  # the others tried to order what was gone
    placed = whole.events("order_placed").session_id
    assert placed.is_unique
    assert not set(placed) & set(left.index)
    assert set(placed) <= set(events[events.event_type == "checkout_started"].session_id)
    priced = moves.amount / moves.quantity
    assert (priced == priced.round()).all()


def test_promotions_are_used_within_their_limits(whole: Whole) -> None:
    promotions, usages = whole.frame("shop_promotions").set_index("id"), whole.frame("shop_promotion_usages")
    orders = whole.frame("shop_orders").set_index("id")
    used = usages.groupby("promotion_id").size().reindex(promotions.index).fillna(0)
    assert (used == promotions.current_usage_count).all()
    assert (promotions.current_usage_count <= promotions.usage_limit_total.fillna(np.inf)).all()
    each = usages.groupby(["promotion_id", "user_id"]).size()
    assert (
        each.to_numpy()
        <= promotions.usage_limit_per_user.reindex(each.index.get_level_values(0)).fillna(np.inf).to_numpy()
    ).all()
    theirs = promotions.reindex(usages.promotion_id)
    assert (usages.event_time.to_numpy() >= theirs.valid_from.to_numpy()).all()
    assert (usages.event_time.to_numpy() < theirs.valid_until.to_numpy()).all()
    assert (
        usages.discount_amount.to_numpy() == orders.discount_amount.reindex(usages.order_id).to_numpy()
    ).all()
    assert usages.order_id.is_unique
    assert orders.discount_amount.sum() == usages.discount_amount.sum() > 0


def test_votes_are_counted(whole: Whole) -> None:
    reviews, votes = whole.frame("shop_reviews").set_index("id"), whole.frame("shop_review_votes")
    helpful = votes[votes.is_helpful].groupby("review_id").size().reindex(reviews.index).fillna(0)
    against = votes[~votes.is_helpful].groupby("review_id").size().reindex(reviews.index).fillna(0)
    assert (helpful == reviews.helpful_votes).all()
    assert (against == reviews.not_helpful_votes).all()
    assert not votes.duplicated(["review_id", "user_id"]).any()
    assert (votes.author_id.to_numpy() == reviews.user_id.reindex(votes.review_id).to_numpy()).all()
    assert (votes.author_id != votes.user_id).all()


def test_people_do_nothing_before_they_come_and_after_they_leave(whole: Whole) -> None:
    users = whole.frame("users").set_index("id")
    acts = whole.events(
        "product_viewed", "user_logged_in", "cart_item_added", "order_placed", "review_submitted"
    )
    theirs = users.reindex(acts.user_id)
    assert (acts.event_time.to_numpy() > theirs.created_time.to_numpy()).all()
    gone = theirs.deactivated_time.notna().to_numpy()
    assert gone.any()
    assert (acts.event_time.to_numpy()[gone] < theirs.deactivated_time.to_numpy()[gone]).all()
    last = whole.events("user_logged_in").groupby("user_id").event_time.max().reindex(users.index)
    assert last.equals(users.last_login_time.rename("event_time").rename_axis(last.index.name))


def test_prices_paid_are_prices_told(whole: Whole) -> None:
    """The price of a line is the last that was told of the product: when it was listed or when it changed."""
    told = whole.events("product_listed", "product_price_changed").sort_values("event_time")[
        ["product_id", "event_time", "amount"]
    ]
    items = whole.frame("shop_order_items").sort_values("event_time")
    found = pd.merge_asof(items, told, on="event_time", by="product_id")
    assert (found.unit_price == found.amount).all()
    products = whole.frame("shop_products").set_index("id")
    now = told.groupby("product_id").amount.last().reindex(products.index)
    assert (products.sale_price.fillna(products.price) == now).all()


def test_products_say_when_they_last_changed(steady: Whole) -> None:
    products = steady.frame("shop_products").set_index("id")
    changes = pd.concat([
        steady.events("product_price_changed", "product_listed")[["product_id", "event_time"]],
        steady.frame("shop_inventory_logs")[["product_id", "event_time"]],
    ])  # fmt: skip
    last = changes.groupby("product_id").event_time.max().reindex(products.index)
    assert (products.updated_time == last).all()


def test_invoices_are_overdue_when_they_are_not_paid_in_time(whole: Whole) -> None:
    invoices = whole.frame("invoices").set_index("id")
    paid = whole.events("invoice_paid").set_index("caller_entity_id").event_time.reindex(invoices.index)
    late = pd.to_datetime(invoices.due_date, utc=True) + pd.Timedelta(days=1)
    end = whole.frame("global_events").event_time.max()
    expected = late[(late <= end) & ~(paid < late)]
    told = whole.events("invoice_overdue").set_index("caller_entity_id").event_time
    assert set(told.index) == set(expected.index)
    assert (told == expected.reindex(told.index)).all()
    assert set(invoices[invoices.status == "overdue"].index) <= set(told.index)


def test_truth_is_true(whole: Whole) -> None:
    orders, items = whole.frame("shop_orders"), whole.frame("shop_order_items")
    truth = whole.truth
    assert truth["orders"] == len(orders)
    assert truth["order_cents"] == orders.total_amount.sum()
    assert truth["units_sold"] == items.quantity.sum() == sum(truth["units_sold_by_product"].values())
    assert truth["payments_failed"] + truth["payments_completed"] == len(
        whole.events("payment_failed", "payment_completed")
    ) - len(whole.frame("invoice_payments").completed_time.dropna())
    assert truth["carts_abandoned"] == len(whole.events("cart_abandoned"))
    assert truth["orders_cancelled"] == len(whole.events("order_cancelled"))
    assert truth["gross_cents"] == items.subtotal.sum()
    assert truth["discount_cents"] == items.discount_amount.sum()
    assert truth["requests_failed"] == sum(whole.frame("request_response_logs").status_code >= 500)
    assert truth["shops"] == len(whole.frame("shops"))
    assert truth["users"] == len(whole.frame("users"))
    assert truth["users_left"] == whole.frame("users").deactivated_time.notna().sum()
    assert truth["lines_refunded"] == len(whole.events("payment_refunded"))
