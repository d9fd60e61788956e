"""Stock within a day, against the loop that it replaces."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from entrepot.playground.world.fates import _apart
from entrepot.playground.world.stock import served

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
