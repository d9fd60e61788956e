"""What is different between two moments of a world, as values."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.playground.live.conftest import SMALL

from entrepot.kit.errors import ConflictError, EntrepotError
from entrepot.playground.live.following import Follower, difference
from entrepot.playground.live.running import from_now
from entrepot.playground.loading.declared import shape_of
from entrepot.playground.loading.shapes import conform
from entrepot.playground.world.scenarios import SCENARIOS
from entrepot.playground.world.settings import Scenario, WorldSettings, microseconds
from entrepot.playground.world.shops import PRICE_HOUR
from entrepot.playground.world.windows import PartWindow
from entrepot.playground.world.world import World

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


def whole(settings: WorldSettings, moment: datetime) -> dict[str, list[pa.Table]]:
    """A world as it stands at a moment, simulated from its start: by table, the rows of each part."""
    world = World(replace(settings, end=(moment - timedelta(microseconds=1)).date() + timedelta(days=1)))
    parts = [world.part(number, until=moment) for number in range(world.parts)]
    found: dict[str, list[pa.Table]] = {}
    for tables in (
        *(part.tables for part in parts),
        world.people([part.carried for part in parts], until=moment),
    ):
        for name, table in tables.items():
            found.setdefault(name, []).append(conform(table, shape_of(name)))
    return found


EVENTFUL = replace(
    SMALL,
    scenarios=tuple(
        Scenario(name, SMALL.start_time + timedelta(days=2), SMALL.end_time + timedelta(days=4))
        for name in SCENARIOS
        if name != "steady"
    ),
)
#: A minute and many, to a midnight and over it, to the very moment at which prices change, and days at once.
STEPS = [
    timedelta(minutes=1),
    timedelta(hours=4, minutes=59),
    timedelta(seconds=1),
    timedelta(hours=6, minutes=7, seconds=13),
    timedelta(hours=12, minutes=52, seconds=46),
    timedelta(hours=21, minutes=30),
    timedelta(hours=9),
    timedelta(days=3, hours=5),
    timedelta(days=9),
    timedelta(minutes=20),
]


INVOICED = replace(SMALL, end=date(2025, 11, 22))
MIDNIGHTS = [timedelta(days=1)] * 5


@pytest.mark.parametrize(
    ("settings", "steps", "share"),
    [(SMALL, STEPS, 0.012), (EVENTFUL, STEPS[:8], 0.012), (INVOICED, MIDNIGHTS, 0.5)],
    ids=["steady", "eventful", "invoices fall due at midnight"],
)
def test_differences_are_those_of_worlds_simulated_from_their_start(
    settings: WorldSettings, steps: list[timedelta], share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrepot.playground.world.fates.ON_TERMS", share)
    follower = Follower(settings, settings.end_time)
    clock, before = settings.end_time, whole(settings, settings.end_time)
    for step in steps:
        clock += step
        after = whole(settings, clock)
        expected = {}
        for name, tables in after.items():
            there = before.get(name, [])
            pairs = [
                difference(name, there[nth] if nth < len(there) else table.slice(0, 0), table)
                for nth, table in enumerate(tables)
            ]
            new, changed = (pa.concat_tables([pair[side] for pair in pairs]) for side in (0, 1))
            if new.num_rows or changed.num_rows:
                expected[name] = new, changed
        found = {one.shape.name: (one.new, one.changed) for one in follower.follow(clock)}
        assert found.keys() == expected.keys(), clock
        for name, (new, changed) in expected.items():
            assert found[name][0].equals(new), (clock, name)
            assert found[name][1].equals(changed), (clock, name)
        before = after
    assert follower.clock == clock


def test_what_stands_is_the_world_at_the_clock() -> None:
    follower = Follower(SMALL, SMALL.end_time)
    follower.follow(SMALL.end_time + timedelta(hours=30))
    found = whole(SMALL, SMALL.end_time + timedelta(hours=30))
    for name, key in (("users", "id"), ("shop_orders", "id"), ("global_events", "event_id")):
        assert follower.standing(name).sort_by(key).equals(pa.concat_tables(found[name]).sort_by(key)), name
    later = follower.standing("shop_orders", SMALL.end_time)
    assert 0 < later.num_rows < follower.standing("shop_orders").num_rows


def test_where_nothing_changes_everything_stands_as_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.playground.world.fates.ON_TERMS", 0.5)
    end = SMALL.end_time + timedelta(days=20)
    since, until = microseconds(SMALL.end_time + timedelta(days=10)), microseconds(end)
    part = PartWindow(World(replace(SMALL, end=end.date())), 0, since, until)
    rows = part.told(since, until)["shop_inventory_logs"]
    rows = rows.filter(pc.is_null(rows.column("order_id")))  # supplies and losses, of which no event tells
    assert rows.num_rows
    told = np.asarray(rows.column("event_time").cast(pa.int64()).to_numpy())
    opening = since + PRICE_HOUR  # when prices change
    chosen = np.unique([since + 1, opening, until - 1, *told[:: max(len(told) // 30, 1)]]).tolist()
    for moment in chosen:
        for first, last in ((moment - 1, moment), (moment, moment + 1)):
            if not since <= first < last <= until or part.changes(first, last):
                continue
            before, after = part.tables(first), part.tables(last)
            assert all(before[name].equals(after[name]) for name in before), (first, last)
    assert part.changes(opening, opening + 1)
    assert part.changes(until - 1, until)
    assert not part.changes(since + 1, since + 2)
