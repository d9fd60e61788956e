"""The time, in UTC, from a clock that a test can set."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)


_clock: ContextVar[Clock] = ContextVar("entrepot_clock", default=system_clock)


def now() -> datetime:
    """The present moment in UTC, by the clock in force."""
    return _clock.get()()


@contextmanager
def clock(source: Clock | datetime) -> Iterator[None]:
    """Put another clock, or one fixed moment, in force for the block and the tasks that it starts."""
    token = _clock.set((lambda: source) if isinstance(source, datetime) else source)
    try:
        yield
    finally:
        _clock.reset(token)
