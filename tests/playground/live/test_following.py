"""What is different between two moments of a world, as values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.playground.live.conftest import SMALL

from entrepot.kit.errors import ConflictError, EntrepotError
from entrepot.playground.live.following import Follower, difference
from entrepot.playground.live.running import from_now
from entrepot.playground.world.settings import Scenario

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def table(*rows: tuple[int, str | None, list[str] | None]) -> pa.Table:
    """A table of rows: minutes after noon, a status, and some words."""
    columns: dict[str, Any] = {
        "id": pa.array([bytes([minute] * 16) for minute, _, _ in rows], pa.binary(16)),
        "event_time": pa.array(
            [NOON + timedelta(minutes=minute) for minute, _, _ in rows], pa.timestamp("us", "UTC")
        ),
        "status": pa.array([status for _, status, _ in rows], pa.string()),
        "words": pa.array([words for _, _, words in rows], pa.list_(pa.string())),
    }
    return pa.table(columns)


BEFORE = table((1, "pending", None), (2, "pending", ["a"]), (3, None, ["a", "b"]))


@pytest.mark.parametrize(
    ("after", "new", "changed"),
    [
        (BEFORE, 0, []),
        (
            table((1, "pending", None), (2, "pending", ["a"]), (3, None, ["a", "b"]), (4, "pending", None)),
            1,
            [],
        ),
        (table((1, "shipped", None), (2, "pending", ["a"]), (3, None, ["a", "b"])), 0, [1]),
        (table((1, None, None), (2, "pending", ["a"]), (3, "pending", ["a", "b"])), 0, [1, 3]),
        (table((1, "pending", []), (2, "pending", ["b"]), (3, None, ["a", "b"])), 0, [1, 2]),
        (table((1, "shipped", None), (2, "pending", None), (3, None, ["a", "b"]), (9, "x", None)), 1, [1, 2]),
    ],
)
def test_rows_are_new_or_changed_or_neither(after: pa.Table, new: int, changed: list[int]) -> None:
    added, different = difference("shop_orders", BEFORE, after)
    assert added.num_rows == new
    assert [value[0] for value in different.column("id").to_pylist()] == changed


@pytest.mark.parametrize(
    "after",
    [
        table((1, "pending", None), (2, "pending", ["a"])),
        table((1, "pending", None), (2, "pending", ["a"]), (4, None, ["a", "b"])),
        table((0, "pending", None), (1, "pending", None), (2, "pending", ["a"]), (3, None, ["a", "b"])),
    ],
)
def test_a_past_that_changes_is_an_error(after: pa.Table) -> None:
    with pytest.raises(EntrepotError, match="does not go on from where it was"):
        difference("shop_orders", BEFORE, after)


def test_scenarios_that_change_the_past_are_refused() -> None:
    follower = Follower(SMALL, SMALL.end_time)
    past = Scenario("payment-outage", SMALL.start_time, SMALL.end_time)
    with pytest.raises(ConflictError):
        follower.change(type(SMALL)(SMALL.seed, SMALL.scale, SMALL.start, SMALL.end, (past,)))


def test_a_scenario_is_moved_to_begin_now_and_lasts_as_long() -> None:
    past = Scenario("churn", NOON, NOON + timedelta(hours=5), 2.0)
    moved = from_now(past, NOON + timedelta(hours=1))
    assert (moved.start, moved.end, moved.strength) == (
        NOON + timedelta(hours=1),
        NOON + timedelta(hours=6),
        2.0,
    )
    assert from_now(past, NOON - timedelta(hours=1)) == past


def test_weeks_ahead_it_is_the_same_world() -> None:
    later = SMALL.end_time + timedelta(days=17)
    follower = Follower(SMALL, SMALL.end_time)
    for days in (5, 9, 17):
        follower.follow(SMALL.end_time + timedelta(days=days))
    longer = Follower(replace(SMALL, end=later.date()), later)
    for name in ("users", "shop_orders", "shop_products", "global_events", "shop_inventory_logs"):
        assert follower.standing(name).equals(longer.standing(name)), name
    events = follower.standing("global_events")
    assert follower.standing("global_events", SMALL.end_time).num_rows < events.num_rows
