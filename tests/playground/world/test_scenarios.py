"""Each scenario is seen where it says it is, and nowhere else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.playground.world.conftest import Whole, settings

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.world.scenarios import SCENARIOS, parse_scenario
from entrepot.playground.world.settings import Scenario, WorldSettings


def inside(times: pd.Series, scenario: Scenario) -> pd.Series:
    """Which moments are in the window."""
    return (times >= scenario.start) & (times < scenario.end)


def share(flags: pd.Series) -> float:
    """Share of what is so."""
    return float(flags.mean())


def scenario(whole_settings: WorldSettings) -> Scenario:
    """The one scenario of a world."""
    return whole_settings.scenarios[0]


@pytest.fixture(scope="module")
def usual() -> Whole:
    """A steady world to compare with."""
    return Whole(settings(scale=0.1, end=date(2025, 12, 4)))


def changed(name: str, end: date = date(2025, 12, 4), scale: float = 0.1) -> tuple[Whole, Scenario]:
    """The same world with one scenario."""
    made_from = settings(name, scale=scale, end=end)
    return Whole(made_from), scenario(made_from)


def test_steady_is_the_world_without_scenarios(usual: Whole) -> None:
    whole, _ = changed("steady")
    assert all(table.equals(usual.tables[name]) for name, table in whole.tables.items())


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"steady", "growth", "dirty-data"}))
def test_before_its_window_nothing_differs(usual: Whole, name: str) -> None:
    bare = settings(scale=0.1)
    window = parse_scenario(name, bare)
    whole, _ = changed(name)
    # These rows never change once they are written; of the others it is their keys that do not.
    for table in ("global_events", "request_response_logs", "shop_inventory_logs", "shop_review_votes"):
        one, other = before(whole, table, window.start), before(usual, table, window.start)
        assert one.equals(other), table
    for table in sorted(set(whole.tables) - {"global_events", "global_entities"}):
        one, other = before(whole, table, window.start), before(usual, table, window.start)
        assert one["id"].equals(other["id"]), table
    assert not whole.tables["global_events"].equals(usual.tables["global_events"])


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"steady"}))
def test_nothing_differs_before_a_window_that_begins_in_the_middle_of_an_hour(
    name: str, brief: Whole
) -> None:
    made_from = settings(f"{name}@2025-10-14T05:20..2025-10-16T13:10*1.5", scale=0.1, end=date(2025, 10, 28))
    whole, start = Whole(made_from), scenario(made_from).start
    assert any(not table.equals(brief.tables[name]) for name, table in whole.tables.items())
    for table in ("global_events", "request_response_logs", "shop_inventory_logs", "shop_order_items"):
        one, other = before(whole, table, start), before(brief, table, start)
        unchanging = [column for column in one.column_names if not column.startswith("is_")]
        assert one.select(unchanging).equals(other.select(unchanging)), table


@pytest.fixture(scope="module")
def brief() -> Whole:
    """A steady world of four weeks."""
    return Whole(settings(scale=0.1, end=date(2025, 10, 28)))


def before(whole: Whole, table: str, moment: datetime) -> pa.Table:
    """The rows of a table from before a moment."""
    found = whole.tables[table]
    return found.filter(pc.less(found["event_time"], pa.scalar(moment, pa.timestamp("us", "UTC"))))


def test_growth(usual: Whole) -> None:
    whole, _ = changed("growth")
    early = datetime(2025, 10, 8, tzinfo=UTC)
    late = datetime(2025, 11, 26, tzinfo=UTC)
    ratios = [
        sum(whole.frame("shop_orders").event_time.between(a, b))
        / sum(usual.frame("shop_orders").event_time.between(a, b))
        for a, b in ((early, early + timedelta(days=7)), (late, late + timedelta(days=7)))
    ]
    assert 0.9 < ratios[0] < 1.4
    assert ratios[1] > 1.6
    assert len(whole.frame("users")) > len(usual.frame("users"))


def test_black_friday(usual: Whole) -> None:
    whole, window = changed("black-friday")
    assert (window.start, window.end) == (
        datetime(2025, 11, 28, tzinfo=UTC),
        datetime(2025, 12, 2, tzinfo=UTC),
    )
    views, before = whole.events("product_viewed").event_time, usual.events("product_viewed").event_time
    assert 3.3 < sum(inside(views, window)) / sum(inside(before, window)) < 4.7
    orders, then = whole.frame("shop_orders"), usual.frame("shop_orders")
    ratio = sum(inside(orders.event_time, window)) / sum(inside(then.event_time, window))
    assert ratio > sum(inside(views, window)) / sum(inside(before, window))
    sales = whole.events("product_price_changed")
    reduced = sales[sales.event_metadata.str.contains("true") & inside(sales.event_time, window)]
    assert len(reduced) > 0.4 * len(whole.frame("shop_products"))
    assert whole.truth["black-friday"]["orders"] == sum(inside(orders.event_time, window))


def test_stock_out(usual: Whole) -> None:
    whole, window = changed("stock-out")
    spread = timedelta(days=2)
    wide = Scenario("", window.start, window.end + spread)
    empty, then = whole.events("product_out_of_stock"), usual.events("product_out_of_stock")
    assert sum(inside(empty.event_time, wide)) > 2 * sum(inside(then.event_time, wide)) + 5
    logs, before = whole.frame("shop_inventory_logs"), usual.frame("shop_inventory_logs")
    supplies = [sum((f.change_type == "purchase") & inside(f.event_time, window)) for f in (logs, before)]
    assert supplies[0] < 0.6 * supplies[1]


def test_payment_outage(usual: Whole) -> None:
    whole, window = changed("payment-outage")
    payments, then = whole.frame("shop_order_payments"), usual.frame("shop_order_payments")
    during = payments[inside(payments.event_time, window)]
    assert share(during.status == "failed") > 0.6
    assert share(then[inside(then.event_time, window)].status == "failed") < 0.2
    assert whole.truth["payment-outage"]["payments_failed"] == sum(during.status == "failed")
    logs = whole.frame("request_response_logs")
    timeouts = logs[logs.status_code == 504]
    assert len(timeouts) > 0
    assert inside(timeouts.event_time, window).all()
    assert (timeouts.duration_ms.astype(float) == 30_000).all()


def test_fraud_wave(usual: Whole) -> None:
    whole, window = changed("fraud-wave")
    orders = whole.frame("shop_orders")
    marked = orders[orders.extra_data.notna()]
    assert len(marked) == whole.truth["fraud-wave"]["orders"] > 5
    assert inside(marked.event_time, Scenario("", window.start, window.end + timedelta(hours=2))).all()
    assert marked.total_amount.median() > 2 * orders[orders.extra_data.isna()].total_amount.median()
    assert set(marked.status) == {"cancelled"}
    suspected = whole.events("fraud_suspected")
    assert len(suspected) == whole.truth["fraud-wave"]["orders_found_out"] > 0
    assert set(suspected.caller_entity_id) <= set(marked.id)
    assert usual.frame("shop_orders").extra_data.isna().all()
    payments = whole.frame("shop_order_payments")
    theirs = payments[payments.order_id.isin(marked.id)]
    assert share(theirs.status == "failed") > 0.3


def test_refund_wave(usual: Whole) -> None:
    whole, window = changed("refund-wave")
    shares = []
    for world in (whole, usual):
        orders = world.frame("shop_orders")
        arrived = orders[
            inside(orders.delivered_time, window) & (orders.delivered_time < window.start + timedelta(days=5))
        ]
        shares.append(share(arrived.returned_time.notna()))
    assert shares[0] > 3 * shares[1]
    truth = whole.truth["refund-wave"]
    orders = whole.frame("shop_orders")
    assert truth["orders_delivered"] == sum(inside(orders.delivered_time, window))
    assert truth["orders_returned"] == sum(
        inside(orders.delivered_time, window) & orders.returned_time.notna()
    )
    assert truth["lines_refunded"] <= len(whole.events("payment_refunded"))


def test_churn(usual: Whole) -> None:
    whole, window = changed("churn")
    left, then = (world.frame("users").deactivated_time for world in (whole, usual))
    assert sum(inside(left, window)) > 4 * sum(inside(then, window))
    assert sum(left < window.start) == sum(then < window.start)
    assert whole.truth["churn"]["users_left"] == sum(inside(left, window))


def test_flash_promotion(usual: Whole) -> None:
    whole, window = changed("flash-promotion", scale=0.3, end=date(2025, 10, 14))
    promotions = whole.frame("shop_promotions")
    flash = promotions[promotions.name == "Flash Sale"]
    assert 0 < len(flash) < len(whole.frame("shops"))
    assert (flash.valid_from == window.start).all()
    assert (flash.current_usage_count.sum()) > 0
    views = whole.events("product_viewed")
    hours = (window.end - window.start) / timedelta(hours=1)
    theirs = views[views.shop_id.isin(flash.shop_id)]
    during = sum(inside(theirs.event_time, window)) / hours
    same_hours = Scenario("", window.start - timedelta(days=1), window.end - timedelta(days=1))
    assert during > 3.5 * sum(inside(theirs.event_time, same_hours)) / hours


def test_dirty_data(usual: Whole) -> None:
    whole, _ = changed("dirty-data")
    shouted = whole.frame("users").email.str.contains(" ")
    assert sum(shouted) == whole.truth["dirty-data"]["users"] > 0
    orders, then = whole.frame("shop_orders"), usual.frame("shop_orders")
    assert sum(orders.shipping_address_line1.isna()) == whole.truth["dirty-data"]["shop_orders"]
    assert then.shipping_address_line1.notna().all()
    # Only text and update times are untidy: money, stock and events are as they were.
    assert whole.tables["shop_inventory_logs"].equals(usual.tables["shop_inventory_logs"])
    assert whole.tables["global_events"].equals(usual.tables["global_events"])
    assert (orders.total_amount == then.total_amount).all()


def test_scenarios_combine(eventful: Whole) -> None:
    for name in (
        "black-friday",
        "payment-outage",
        "fraud-wave",
        "refund-wave",
        "flash-promotion",
        "stock-out",
        "dirty-data",
    ):
        assert eventful.truth[name], name


@pytest.mark.parametrize(
    ("start", "friday"),
    [(date(2025, 10, 1), date(2025, 11, 28)), (date(2024, 1, 1), date(2024, 11, 29)), (date(2025, 11, 29), date(2026, 11, 27)), (date(2019, 5, 1), date(2019, 11, 29))],
)  # fmt: skip
def test_black_friday_is_the_day_after_thanksgiving(start: date, friday: date) -> None:
    made_from = WorldSettings(start=start, end=start + timedelta(days=10))
    assert parse_scenario("black-friday", made_from).start.date() == friday


def test_default_windows_do_not_depend_on_the_end() -> None:
    short, long = settings(end=date(2025, 10, 3)), settings(end=date(2026, 10, 3))
    for name in SCENARIOS:
        assert parse_scenario(name, short) == parse_scenario(name, long)


def test_scenarios_are_written_with_window_and_strength() -> None:
    made_from = settings()
    found = parse_scenario("stock-out@2025-11-10..2025-11-13*2", made_from)
    assert found == Scenario(
        "stock-out", datetime(2025, 11, 10, tzinfo=UTC), datetime(2025, 11, 13, tzinfo=UTC), 2.0
    )
    assert parse_scenario("churn*0.5", made_from).strength == 0.5
    assert parse_scenario("payment-outage@2025-11-10T14:00..2025-11-10T16:30", made_from).end.minute == 30


@pytest.mark.parametrize(
    ("written", "message"),
    [("earthquake", "no scenario"), ("churn@2025-11-10", "no scenario"), ("churn@soon..later", "no date"),
     ("churn@2025-11-10..2025-11-09", "ends before"), ("churn*0", "strength")],
)  # fmt: skip
def test_scenarios_written_wrongly(written: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_scenario(written, settings())


def test_settings_survive_being_stored() -> None:
    made_from = settings(*SCENARIOS)
    assert WorldSettings.from_dict(made_from.as_dict()) == made_from


def test_a_stronger_outage_fails_more() -> None:
    failed: list[Any] = []
    for written in ("payment-outage*0.3", "payment-outage"):
        whole, _ = changed(written, end=date(2025, 10, 18))
        failed.append(whole.truth["payment-outage"]["payments_failed"])
    assert 0 < failed[0] < failed[1]
