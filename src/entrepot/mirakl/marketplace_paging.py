"""Reading a list page by page while it changes: nothing that is there all the time is left out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: How often the reading goes back because the list became shorter, before it is given up.
MOST_STEPS_BACK = 50


class UnsteadyListError(Exception):
    """The list changes faster than it can be read, or its pages do not follow each other."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list; `total` is how many it has, where that is told, `next_token` where it goes on."""

    items: Sequence[Mapping[str, Any]]
    total: int | None = None
    next_token: str | None = None


async def by_offset(
    fetch: Callable[[int], Awaitable[Page]], name: Callable[[Mapping[str, Any]], str], size: int
) -> AsyncIterator[Mapping[str, Any]]:
    """The items of a list in a steady order that is read by offset, each once.

    Items that leave the list while it is read move the others forward, past the offset that is asked for next. So each
    page begins with the last item of the one before; where it does not, the reading goes back until it finds one that
    it has seen. Raises UnsteadyListError when that does not end.
    """
    seen: set[str] = set()
    offset = back = 0
    while True:
        page = await fetch(offset)
        if offset and (not page.items or name(page.items[0]) not in seen):
            back += 1
            if back > MOST_STEPS_BACK:
                raise UnsteadyListError(f"the list became shorter {back} times while it was read")
            offset = max(0, offset - max(1, size - 1))
            continue
        for item in page.items:
            if name(item) not in seen:
                seen.add(name(item))
                yield item
        # What a page lists twice is one place in the list.
        end = offset + len({name(item) for item in page.items})
        # A service may give fewer than were asked for; how many there are tells better whether that was all.
        last = end >= page.total if page.total is not None else len(page.items) < size
        if last or not page.items:
            return
        if end - 1 <= offset:
            back += 1
            if back > MOST_STEPS_BACK:
                raise UnsteadyListError("it says that there is more, and does not give it")
        offset = end - 1


async def by_token(fetch: Callable[[str | None], Awaitable[Page]]) -> AsyncIterator[Mapping[str, Any]]:
    """The items of a list whose pages name the next; raises UnsteadyListError where they go in a circle."""
    token: str | None = None
    seen: set[str] = set()
    while True:
        page = await fetch(token)
        for item in page.items:
            yield item
        token = page.next_token
        if not token:
            return
        if token in seen:
            raise UnsteadyListError("its pages go in a circle")
        seen.add(token)
