"""The same seed gives the same bytes, whatever is asked for, in which order, and until when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from tests.playground.world.conftest import START, Whole, settings

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.world.scenarios import SCENARIOS
from entrepot.playground.world.settings import WorldSettings, microseconds
from entrepot.playground.world.world import Part, World

TINY = 0.02


def same(one: dict[str, pa.Table], other: dict[str, pa.Table]) -> None:
    """Both hold the same rows in the same order."""
    assert set(one) == set(other)
    for name, table in one.items():
        assert table.equals(other[name]), name


def same_part(one: Part, other: Part) -> None:
    """Both parts know the same."""
    same(one.tables, other.tables)
    assert one.truth == other.truth
    for name in ("users", "signed_in", "methods", "paid_with"):
        assert getattr(one.carried, name).tolist() == getattr(other.carried, name).tolist()


def before_moment(table: pa.Table, until: datetime) -> pa.Table:
    """The rows of a table from before a moment."""
    return table.filter(pc.less(table["event_time"], pa.scalar(until, pa.timestamp("us", "UTC"))))


def test_the_order_of_parts_and_who_computes_them_do_not_matter() -> None:
    made_from = settings(*SCENARIOS, scale=0.2, end=date(2025, 10, 25))
    together = World(made_from)
    assert together.parts == 3
    forward = [together.part(number) for number in range(3)]
    for number in (2, 0, 1):
        same_part(World(made_from).part(number), forward[number])
    same(Whole(made_from).tables, Whole(made_from, order=[2, 0, 1]).tables)


def test_how_many_parts_there_are_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made_from = settings(*SCENARIOS, scale=0.2, end=date(2025, 10, 25))
    three = Whole(made_from)
    monkeypatch.setattr("entrepot.playground.world.world.PARTS", 5)
    assert World(made_from).parts == 1
    one = Whole(made_from)
    for name, table in one.tables.items():
        key = {"global_entities": "entity_id", "global_events": "event_id"}.get(name, "id")
        assert table.sort_by(key).equals(three.tables[name].sort_by(key)), name
    assert one.truth == three.truth


def test_another_seed_is_another_world() -> None:
    one = World(settings(seed=1, scale=TINY, end=date(2025, 10, 10))).part(0)
    other = World(settings(seed=2, scale=TINY, end=date(2025, 10, 10))).part(0)
    assert not one.tables["shop_orders"].equals(other.tables["shop_orders"])
    assert not set(one.tables["shops"]["id"].to_pylist()) & set(other.tables["shops"]["id"].to_pylist())


def test_parts_share_nothing_but_people() -> None:
    world = World(settings(scale=0.2, end=date(2025, 10, 25)))
    seen: set[bytes] = set()
    for number in range(world.parts):
        for table in ("shops", "shop_products", "shop_orders", "global_events"):
            key = "event_id" if table == "global_events" else "id"
            here = set(world.part(number).tables[table][key].to_pylist())
            assert not here & seen
            seen |= here


@limits(max_examples=9, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**9),
    hours=st.integers(1, 24 * 45),
    later=st.integers(1, 30),
    scenarios=st.sets(st.sampled_from(sorted(SCENARIOS)), max_size=4),
)
def test_a_later_end_changes_nothing_before(seed: int, hours: int, later: int, scenarios: set[str]) -> None:
    until = datetime.combine(START, datetime.min.time(), UTC) + timedelta(hours=hours, microseconds=hours % 3)
    end = (until + timedelta(days=1)).date()
    short = settings(*sorted(scenarios), seed=seed, scale=TINY, end=end)
    long = replace(short, end=end + timedelta(days=later))
    one, other = World(short), World(long)
    part, again = one.part(0, until), other.part(0, until)
    same_part(part, again)
    same(one.people([part.carried], until), other.people([again.carried], until))
    # … nor does what is simulated beyond: rows that never change once they are written are the same.
    beyond = other.part(0)
    for name in ("shop_inventory_logs", "global_events", "request_response_logs", "shop_promotion_usages"):
        assert before_moment(beyond.tables[name], until).equals(part.tables[name]), name
    for name in ("shop_orders", "shop_order_items", "shop_reviews", "shop_review_votes", "shop_promotions"):
        assert before_moment(beyond.tables[name], until)["id"].equals(part.tables[name]["id"]), name


def test_until_hides_the_future_and_changes_nothing_that_was() -> None:
    made_from = settings("refund-wave", "payment-outage", end=date(2025, 11, 20))
    until = datetime(2025, 11, 5, 13, 30, tzinfo=UTC)
    before, after = Whole(made_from, until), Whole(made_from)
    for name, table in before.tables.items():
        key = {"global_entities": "entity_id", "global_events": "event_id"}.get(name, "id")
        known = set(table[key].to_pylist())
        assert known == set(before_moment(after.tables[name], until)[key].to_pylist()), name
        for column in table.schema:
            if pa.types.is_timestamp(column.type) and column.name not in ("valid_from", "valid_until"):
                shown = table[column.name].drop_null().to_pylist()
                assert all(moment < until for moment in shown), (name, column.name)
    # What can never change once it is written is the same in both.
    fixed = ["id", "quantity_before", "quantity_change", "quantity_after"]
    earlier = before.tables["shop_inventory_logs"].select(fixed).to_pandas()
    later = after.tables["shop_inventory_logs"].select(fixed).to_pandas()
    assert earlier.equals(later.head(len(earlier)))


def test_the_truth_of_dirty_rows_counts_each_once(eventful: Whole) -> None:
    dirty = eventful.truth["dirty-data"]
    for table, touched in dirty.items():
        assert 0 < touched < 0.12 * eventful.tables[table].num_rows + 10, table


def test_what_cannot_be_simulated_says_why() -> None:
    world = World(settings(scale=TINY, end=date(2025, 10, 3)))
    with pytest.raises(InvalidInputError, match="no part 1"):
        world.part(1)
    with pytest.raises(InvalidInputError, match="outside the world"):
        world.part(0, datetime(2025, 10, 4, tzinfo=UTC))
    with pytest.raises(InvalidInputError, match="not after its start"):
        WorldSettings(start=date(2025, 10, 1), end=date(2025, 10, 1))


def test_a_world_of_one_day_has_every_table() -> None:
    whole = Whole(settings(scale=TINY, end=date(2025, 10, 2)))
    assert whole.tables["users"].num_rows > 0
    assert whole.tables["invoices"].num_rows >= 0
    assert len(whole.tables) == 17
    assert whole.tables["shop_orders"].num_rows >= 0


def test_who_leaves_after_midnight_does_not_depend_on_where_the_world_ends() -> None:
    made = [settings(*SCENARIOS, scale=0.2, end=date(2025, 11, day)) for day in (9, 10)]
    short, longer = (World(one).scene(0, microseconds(one.end_time)) for one in made)
    shared = short.people.count
    soon = microseconds(datetime(2025, 11, 10, tzinfo=UTC))
    left = [people.left[:shared] for people in (short.people, longer.people)]
    assert ((left[0] >= short.until) & (left[0] < soon)).any()
    assert (left[0].clip(max=soon) == left[1].clip(max=soon)).all()
