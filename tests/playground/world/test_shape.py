"""The world looks like commerce: popularity, loyalty, rhythm, baskets, lags."""

import itertools
from datetime import date

import numpy as np
import pandas as pd
import pytest
from tests.playground.world.conftest import Whole, settings

from entrepot.playground.world.calendars import ZONES


@pytest.fixture(scope="module")
def world() -> Whole:
    """Some weeks of a third of the default size."""
    return Whole(settings(scale=0.3, end=date(2025, 11, 12)))


def test_few_products_sell_most(world: Whole) -> None:
    for _, items in world.frame("shop_order_items").groupby("shop_id"):
        sold = items.groupby("product_id").quantity.sum().sort_values(ascending=False)
        if sold.sum() > 800:
            assert sold.head(max(len(sold) // 5, 1)).sum() > 0.5 * sold.sum()
    views = world.events("product_viewed")
    best = (
        views.groupby(["shop_id", "product_id"])
        .size()
        .groupby("shop_id")
        .nlargest(3)
        .groupby(level=0)
        .apply(list)
    )
    first = np.array([counts[0] for counts in best if counts[0] > 400])
    second = np.array([counts[1] for counts in best if counts[0] > 400])
    assert len(first) > 0
    assert (first / second).mean() == pytest.approx(2, rel=0.25)  # Zipf: the second has half of the first


def test_few_shops_are_visited_most(world: Whole) -> None:
    visits = (
        world.events("product_viewed").groupby("shop_id").session_id.nunique().sort_values(ascending=False)
    )
    assert visits.head(3).sum() > 2 * visits.sum() * 3 / len(visits)


def test_people_come_back_some_more_than_others(world: Whole) -> None:
    orders = world.frame("shop_orders")
    counts = orders.groupby("user_id").size()
    assert (counts > 1).mean() > 0.5
    assert counts.std() > counts.mean()
    # Two orders of one person are in the same shop more often than two orders of anybody.
    pairs = orders.groupby(["user_id", "shop_id"]).size()
    same = (pairs * (pairs - 1)).sum() / (counts * (counts - 1)).sum()
    shares = orders.groupby("shop_id").size() / len(orders)
    assert same > 1.25 * (shares**2).sum()


def test_the_evening_is_local(world: Whole) -> None:
    users = world.frame("users").set_index("id")
    views = world.events("product_viewed")
    zone = users.time_zone.reindex(views.user_id).to_numpy()
    peaks = {}
    for name in ("America/New_York", "Europe/Berlin", "Asia/Tokyo"):
        moments = views.event_time[zone == name]
        local = moments.dt.tz_convert(name).dt.hour
        night, evening = local.between(2, 5).mean(), local.between(19, 22).mean()
        assert evening > 6 * night, name
        peaks[name] = moments.dt.hour.value_counts().idxmax()
    assert len(set(peaks.values())) == 3
    assert {zone.name for zone in ZONES} >= set(users.time_zone)


def test_the_week_has_a_rhythm(world: Whole) -> None:
    views = world.events("product_viewed").event_time
    days = views[views >= pd.Timestamp("2025-10-08", tz="UTC")].dt.day_of_week
    per_day = days.value_counts()
    assert per_day[[5, 6]].mean() > 1.08 * per_day[[1, 2]].mean()


def test_the_funnel_narrows(world: Whole) -> None:
    sessions = [
        world.events(kind).session_id.nunique()
        for kind in ("product_viewed", "cart_item_added", "checkout_started")
    ]
    sessions.append(len(world.frame("shop_orders")))
    for wider, narrower in itertools.pairwise(sessions):
        assert 0.3 * wider < narrower < 0.95 * wider


def test_baskets_are_skewed_to_the_right(world: Whole) -> None:
    totals = world.frame("shop_orders").total_amount
    assert totals.mean() > 1.25 * totals.median()
    assert np.log(totals).skew() < 0.6


def test_lags_are_of_their_size(world: Whole) -> None:
    orders = world.frame("shop_orders")
    reviews = world.frame("shop_reviews")
    hours = {
        "processed": (orders.processed_time - orders.ordered_time, 0.0, 0.1),
        "shipped": (orders.shipped_time - orders.processed_time, 12, 30),
        "delivered": (orders.delivered_time - orders.shipped_time, 24, 140),
        "returned": (orders.returned_time - orders.delivered_time, 120, 330),
    }
    for name, (lag, least, most) in hours.items():
        median = lag.dropna().dt.total_seconds().median() / 3600
        assert least <= median <= most, name
    delivered = orders.set_index("id").delivered_time.reindex(reviews.order_id).to_numpy()
    lag = (reviews.event_time.to_numpy() - delivered) / np.timedelta64(1, "D")
    assert 1 < np.median(lag) < 7
    by_method = (orders.delivered_time - orders.shipped_time).groupby(orders.shipping_method).median()
    assert by_method["international"] > by_method["standard"] > by_method["express"] > by_method["overnight"]


def test_payments_fail_and_are_tried_again(world: Whole) -> None:
    payments = world.frame("shop_order_payments")
    assert 0.02 < (payments.status == "failed").mean() < 0.09
    tries = payments.groupby("order_id").size()
    assert 0 < (tries > 1).mean() < 0.15
    orders = world.frame("shop_orders").set_index("id")
    unpaid = orders[orders.notes == "not paid"]
    assert len(unpaid) > 0
    assert set(payments[payments.order_id.isin(unpaid.index)].status) == {"failed"}


def test_shelves_run_empty_and_are_filled(world: Whole) -> None:
    assert len(world.events("product_out_of_stock")) > 5
    assert world.frame("shop_order_items").notes.notna().sum() > 0
    logs = world.frame("shop_inventory_logs")
    assert set(logs.change_type) == {
        "purchase",
        "sale",
        "return",
        "adjustment",
        "loss",
        "recount",
        "transfer_in",
    }


def test_durations_differ_by_route(world: Whole) -> None:
    logs = world.frame("request_response_logs")
    median = logs.assign(ms=logs.duration_ms.astype(float)).groupby("route").ms.median()
    assert median["/payments"] > 2 * median["/orders"] > 2 * median["/products/{product_id}"]
    assert 0.001 < (logs.status_code >= 500).mean() < 0.02


def test_twice_the_scale_is_twice_the_rows() -> None:
    rows = []
    for scale in (0.5, 1.0):
        whole = Whole(settings(scale=scale, end=date(2025, 10, 8)))
        rows.append(sum(table.num_rows for table in whole.tables.values()))
    assert rows[1] / rows[0] == pytest.approx(2, rel=0.3)
