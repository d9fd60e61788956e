"""Stock within a day, against the loop that it replaces."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from entrepot.playground.world.calendars import DAY, NEVER, Calendar
from entrepot.playground.world.fates import _apart, want
from entrepot.playground.world.people import People
from entrepot.playground.world.randomness import Draws
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.settings import WorldSettings
from entrepot.playground.world.shops import Shops
from entrepot.playground.world.stock import served
from entrepot.playground.world.visits import fill, look, visit

CHANGES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(-9, 9).filter(bool)), min_size=1, max_size=30
)


@given(stock=st.lists(st.integers(0, 12), min_size=4, max_size=4), changes=CHANGES)
def test_what_is_served_is_what_a_loop_would_serve(
    stock: list[int], changes: list[tuple[int, int, int]]
) -> None:
    product, time, change = (np.array(column, dtype=np.int64) for column in zip(*changes, strict=True))
    start = 1_760_000_000_000_000
    order, spaced, before, changed = served(np.array(stock), product, time + start, change)
    left = list(stock)
    last: dict[int, int] = {}
    for place, row in enumerate(sorted(range(len(changes)), key=lambda row: (product[row], time[row]))):
        thing = int(product[row])
        assert order[place] == row
        assert before[place] == left[thing]
        assert changed[place] == max(int(change[row]), -left[thing])
        left[thing] += changed[place]
        moment = max(start + int(time[row]), last.get(thing, 0) + 1)
        assert spaced[place] == moment
        last[thing] = moment


@given(times=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=30))
def test_orders_of_a_shop_are_a_microsecond_apart(times: list[tuple[int, int]]) -> None:
    shop, time = (np.array(column, dtype=np.int64) for column in zip(*times, strict=True))
    start = 1_760_000_000_000_000
    apart = _apart(time + start, shop)
    for thing in set(shop.tolist()):
        mine, wished = apart[shop == thing], (time + start)[shop == thing]
        assert len(set(mine.tolist())) == len(mine)
        assert (mine >= wished).all()
        assert (np.diff(mine[np.argsort(wished, kind="stable")]) > 0).all()
        if len(set(wished.tolist())) == len(wished):
            assert (mine == wished).all()


def test_orders_wanted_at_one_moment_are_placed_one_after_the_other() -> None:
    made_from = WorldSettings(seed=1, scale=0.2, end=date(2025, 10, 12))
    calendar = Calendar(made_from.start, made_from.days)
    modulation = Modulation(made_from, calendar)
    draws = Draws(made_from.seed)
    people = People(draws, made_from.scale, calendar, modulation)
    shops = Shops(draws, np.arange(6), people, calendar, modulation)
    visits = visit(draws, people, shops, calendar, modulation)
    views = look(draws, visits, shops, modulation)
    carts = fill(draws, visits, views, shops, modulation)
    carts.order_time[:] = carts.order_time.max()
    wanted = want(draws, people, shops, visits, views, carts, modulation)
    assert len(wanted.time) > 20
    assert len(set(zip(wanted.shop.tolist(), wanted.time.tolist(), strict=True))) == len(wanted.time)
    assert wanted.time.max() - wanted.time.min() < len(wanted.time)
    tried = wanted.initiated < NEVER
    assert (wanted.initiated > wanted.time[:, None])[tried].all()
    assert (wanted.outcome > wanted.initiated)[tried].all()
    paid = wanted.processed < NEVER
    assert (wanted.processed > wanted.time)[paid].all()
    assert (wanted.cancelled - wanted.time >= DAY).all()
