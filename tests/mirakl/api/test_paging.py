"""Reading a list page by page while it changes."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mirakl.sharing import PATIENT

from entrepot.mirakl.marketplace_paging import Page, UnsteadyListError, by_offset, by_token


def name(item: Mapping[str, Any]) -> str:
    return str(item["id"])


class Changing:
    """A list in a steady order that changes before each look at it."""

    def __init__(
        self, items: list[int], changes: list[list[tuple[str, int]]], *, most: int, tells_total: bool
    ) -> None:
        self.items = sorted(items)
        self.changes = list(changes)
        self.most = most
        self.tells_total = tells_total
        self.always = set(items)
        self.looks = 0

    async def fetch(self, offset: int) -> Page:
        self.looks += 1
        if self.changes and self.looks > 1:
            for what, which in self.changes.pop(0):
                self.change(what, which)
        shown = self.items[offset : offset + self.most]
        return Page([{"id": one} for one in shown], total=len(self.items) if self.tells_total else None)

    def change(self, what: str, which: int) -> None:
        if what == "leave" and which in self.items:
            self.items.remove(which)
            self.always.discard(which)
        elif what == "come" and which not in self.items:
            self.items = sorted([*self.items, which])


CHANGE = st.tuples(st.sampled_from(["leave", "leave", "come"]), st.integers(0, 60))
#: What changes before the second look, the third …
CHANGES = st.lists(st.lists(CHANGE, max_size=12), max_size=8)


@PATIENT
@given(
    items=st.sets(st.integers(0, 60)).map(list),
    changes=CHANGES,
    size=st.integers(2, 10),
    tells_total=st.booleans(),
    fewer=st.integers(0, 3),
)
async def test_what_is_there_all_the_time_comes_once(
    items: list[int], changes: list[list[tuple[str, int]]], size: int, tells_total: bool, fewer: int
) -> None:
    # A service that gives fewer than were asked for says how many there are.
    most = max(2, size - fewer) if tells_total else size
    changing = Changing(items, changes, most=most, tells_total=tells_total)
    found = [item["id"] async for item in by_offset(changing.fetch, name, size)]
    assert len(found) == len(set(found))
    assert changing.always <= set(found)


async def test_a_quiet_list_takes_no_more_looks_than_it_has_pages() -> None:
    changing = Changing(list(range(298)), [], most=100, tells_total=True)
    assert len([item async for item in by_offset(changing.fetch, name, 100)]) == 298
    assert changing.looks == 3


async def test_a_list_that_promises_more_and_does_not_give_it_is_given_up() -> None:
    looks = 0

    async def fetch(offset: int) -> Page:
        nonlocal looks
        looks += 1
        return Page([{"id": 1}], total=7)

    with pytest.raises(UnsteadyListError, match="does not give it"):
        [item async for item in by_offset(fetch, name, 100)]
    assert looks < 100


async def test_pages_that_follow_each_other_by_name_all_come() -> None:
    pages = {None: Page([{"id": 1}], next_token="a"), "a": Page([], next_token="b"), "b": Page([{"id": 2}])}

    async def fetch(token: str | None) -> Page:
        return pages[token]

    assert [item["id"] async for item in by_token(fetch)] == [1, 2]


async def test_pages_in_a_circle_are_given_up() -> None:
    async def fetch(token: str | None) -> Page:
        return Page([{"id": token}], next_token={"a": "b"}.get(token or "", "a"))

    with pytest.raises(UnsteadyListError, match="circle"):
        [item async for item in by_token(fetch)]
