"""The time, in UTC, from a clock that a test or a simulation can set."""

import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
#: Names the file of a simulation's clock; a process that finds it in its environment lives in that time.
VARIABLE = "ENTREPOT_CLOCK_FILE"


def system_clock() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)


class SharedClock:
    """One moment for several processes, in a file of eight bytes; it stands still until somebody sets it."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            # Read and written as one machine word, so that nobody sees half of a moment.
            self._micros = memoryview(mmap.mmap(file.fileno(), 8)).cast("q")

    @classmethod
    def made(cls, path: Path, at: datetime) -> "SharedClock":
        """A new one in a file, standing at a moment."""
        path.write_bytes(bytes(8))
        found = cls(path)
        found.set(at)
        return found

    def __call__(self) -> datetime:
        return EPOCH + self._micros[0] * MICROSECOND

    def set(self, at: datetime) -> None:
        """Have it show another moment, in every process that reads it."""
        self._micros[0] = (at - EPOCH) // MICROSECOND


def _clock_of_this_process() -> Clock:
    path = os.environ.get(VARIABLE)
    return SharedClock(Path(path)) if path else system_clock


_usual: Clock = _clock_of_this_process()
_clock: ContextVar[Clock] = ContextVar("entrepot_clock", default=_usual)


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
