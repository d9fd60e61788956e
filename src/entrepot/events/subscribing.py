"""Subscribers: functions of the program that are called for each event of the types they name."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import queries
from entrepot.events.envelope import Event
from entrepot.events.tables import SUBSCRIBED_TYPE_PATTERN

OneHandler = Callable[[AsyncSession, Event], Awaitable[None]]
ManyHandler = Callable[[AsyncSession, Sequence[Event]], Awaitable[None]]
One = TypeVar("One", bound=OneHandler)
Many = TypeVar("Many", bound=ManyHandler)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A named handler and how it is called."""

    name: str
    types: tuple[str, ...]
    handle: ManyHandler
    spans_tenants: bool = False
    batch: int = 100
    max_attempts: int = 10

    @property
    def endpoint(self) -> str:
        """Its address among the subscriptions."""
        return f"task://{self.name}"


class Subscribers:
    """The subscribers of a program, by name."""

    def __init__(self) -> None:
        self._by_endpoint: dict[str, Subscriber] = {}

    def subscriber(
        self, name: str, *, types: Iterable[str], spans_tenants: bool = False, max_attempts: int = 10
    ) -> Callable[[One], One]:
        """Register `async def handler(session, event)`.

        What it writes with `session` is committed together with the mark that the event was delivered: exactly once.
        The session is the shop's own, or with `spans_tenants` entrepot_system's; events of no shop always get the
        latter. Whatever else it does may happen more than once. It does not commit, and raises to be tried again.
        """

        def register(handler: One) -> One:
            async def handle(session: AsyncSession, events: Sequence[Event]) -> None:
                for event in events:
                    await handler(session, event)

            self._add(
                Subscriber(name, tuple(types), handle, spans_tenants=spans_tenants, max_attempts=max_attempts)
            )
            return handler

        return register

    def batch_subscriber(
        self,
        name: str,
        *,
        types: Iterable[str],
        spans_tenants: bool = False,
        batch: int = 500,
        max_attempts: int = 10,
    ) -> Callable[[Many], Many]:
        """Register `async def handler(session, events)`, called with up to `batch` events at once, else as above.

        When it raises, the events are given to it one by one, so that one bad event holds up no other.
        """

        def register(handler: Many) -> Many:
            self._add(
                Subscriber(
                    name,
                    tuple(types),
                    handler,
                    spans_tenants=spans_tenants,
                    batch=batch,
                    max_attempts=max_attempts,
                )
            )
            return handler

        return register

    def __getitem__(self, endpoint: str) -> Subscriber:
        return self._by_endpoint[endpoint]

    @property
    def endpoints(self) -> list[str]:
        """The addresses of all of them."""
        return sorted(self._by_endpoint)

    async def store(self, session: AsyncSession) -> None:
        """Write the subscriptions into the database; one that an operator switched off or changed stays as it is."""
        for endpoint in self.endpoints:
            found = self[endpoint]
            await session.execute(
                queries.REGISTER,
                {"endpoint": endpoint, "types": list(found.types), "max_attempts": found.max_attempts},
            )
            await session.execute(queries.WITHDRAW, {"endpoint": endpoint, "types": list(found.types)})

    def _add(self, found: Subscriber) -> None:
        if not re.fullmatch(r"[a-z0-9_.-]+", found.name):
            raise ValueError(
                f"a subscriber is named in lower-case letters, digits and _.-, not {found.name!r}"
            )
        if found.endpoint in self._by_endpoint:
            raise ValueError(f"there are two subscribers {found.name!r}")
        for pattern in found.types:
            if not re.match(SUBSCRIBED_TYPE_PATTERN, pattern):
                raise ValueError(
                    f"subscriber {found.name!r}: {pattern!r} is neither a type, nor a prefix.*, nor *"
                )
        for first, second in combinations(found.types, 2):
            if overlap(first, second):
                raise ValueError(
                    f"subscriber {found.name!r} would hear twice of what {first!r} and {second!r} share"
                )
        self._by_endpoint[found.endpoint] = found


def overlap(first: str, second: str) -> bool:
    """Whether a type can match both patterns."""
    if first.endswith("*") and second.endswith("*"):
        return first.startswith(second[:-1]) or second.startswith(first[:-1])
    return matches(first, second) or matches(second, first)


def matches(pattern: str, event_type: str) -> bool:
    """Whether a subscription to `pattern` hears of events of `event_type`."""
    return event_type.startswith(pattern[:-1]) if pattern.endswith("*") else event_type == pattern


#: The subscribers of this program; `subscriber` and `batch_subscriber` add to them.
SUBSCRIBERS = Subscribers()
subscriber = SUBSCRIBERS.subscriber
batch_subscriber = SUBSCRIBERS.batch_subscriber
