"""Stock over time, the spans without any, and an order's history."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from entrepot.playground.dashboard.detail import levels_at, spans_without_stock, timeline
from entrepot.playground.dashboard.ranges import Range

START = datetime(2025, 11, 28, tzinfo=UTC)
OVER = Range(START, START + timedelta(hours=24), "hour")
END = OVER.end


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def test_the_level_of_a_bucket_is_that_at_its_end() -> None:
    levels = [(at(0.5), 5), (at(0.75), 4), (at(2), 0)]
    found = levels_at(None, levels, OVER, END)
    # A level reached on the hour belongs to the bucket that begins with it.
    assert found[:4] == [4.0, 4.0, 0.0, 0.0]
    assert levels_at(9, [(at(3), 2)], OVER, END)[:4] == [9.0, 9.0, 9.0, 2.0]


def test_before_the_first_level_and_after_the_clock_nothing_is_known() -> None:
    found = levels_at(None, [(at(2.5), 7)], OVER, at(4.5))
    assert found[:6] == [None, None, 7.0, 7.0, 7.0, None]


def test_a_span_is_carried_in_and_goes_on() -> None:
    found = spans_without_stock(0, [(at(1), 3), (at(5), 0), (at(6), -2), (at(8), 1), (at(20), 0)], OVER, END)
    assert [(one.start, one.end, one.open) for one in found] == [
        (START, at(1), False),
        (at(5), at(8), False),
        (at(20), END, True),
    ]
    assert spans_without_stock(None, [], OVER, END) == []
    assert spans_without_stock(0, [], OVER, at(2))[0].minutes == 120, "the world's clock ends it"
    assert spans_without_stock(4, [(at(3), 0)], OVER, at(3)) == []


@given(
    st.one_of(st.none(), st.integers(-2, 3)),
    st.lists(
        st.tuples(st.integers(0, 24 * 60 - 1), st.integers(-2, 3)), max_size=30, unique_by=lambda one: one[0]
    ),
)
def test_spans_are_the_minutes_without_stock(before: int | None, moves: list[tuple[int, int]]) -> None:
    levels = [(START + timedelta(minutes=minute), level) for minute, level in sorted(moves)]
    expected, known = 0, before
    by_minute = dict(moves)
    for minute in range(24 * 60):
        known = by_minute.get(minute, known)
        expected += known is not None and known <= 0
    spans = spans_without_stock(before, levels, OVER, END)
    assert sum(span.minutes for span in spans) == expected
    assert all(one.end < two.start for one, two in pairwise(spans))


def test_history_and_movements_come_in_order_of_time() -> None:
    def event(hour: float, kind: str, **more: Any) -> dict[str, Any]:
        return {
            "event_time": at(hour),
            "event_type": kind,
            "product_name": None,
            "quantity": None,
            "amount": None,
        } | more

    history = [
        event(1, "order_placed", amount=12.5),
        event(3, "payment_refunded", quantity=1, product_name="Lamp"),
    ]
    moved = {
        "event_time": at(2),
        "change_type": "sale",
        "quantity_change": -2,
        "quantity_after": 0,
        "reason": None,
        "product_name": "Lamp",
    }
    found = timeline(history, [moved])
    assert [(one.what, one.detail) for one in found] == [
        ("order_placed", "12.50"),
        ("stock_sale", "Lamp: -2, 0 left"),
        ("payment_refunded", "Lamp, 1 unit"),
    ]
