"""Writing in batches what comes one at a time and faster than a statement each could follow."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Generic, Self, TypeVar

from entrepot.kit.errors import UnavailableError
from entrepot.kit.telemetry import get_logger

log = get_logger(__name__)
T = TypeVar("T")

RETRY_SECONDS = 0.5
#: Seconds that the oldest item may wait before `put_all` takes no other.
LONGEST_WAIT = 1.0
#: Seconds without any being written after which whoever waits in `put_all` is refused.
PATIENCE = 5.0
#: How long a stop waits before each further try to write what is left.
STOP_PAUSES = (0.1, 0.5, 2.0)


class BatchWriter(Generic[T]):
    """Collects items and has them written `every` so many seconds, or when `most` of them wait.

    `write` takes a sequence in the order of coming and writes all of it or nothing, in a transaction of its own. A
    batch that fails is kept and tried again; nothing is dropped while the process lives. Leaving the block writes what
    is left, so a clean stop loses nothing.

    What must not be lost by a crash in greater number comes by `put_all`: while an item waits that came more than
    `LONGEST_WAIT` ago, it takes no other. So a crash loses what came within that time, whatever the database does.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[T]], Awaitable[None]],
        *,
        every: float = 0.5,
        most: int = 2000,
        capacity: int = 100_000,
    ) -> None:
        self.name = name
        self._write = write
        self._every = every
        self._most = most
        self._capacity = capacity
        self._waiting: list[T] = []
        #: When each of those that wait came.
        self._came: list[float] = []
        self._put_count = 0
        self._written_count = 0
        self._wake = asyncio.Event()
        self._written = asyncio.Condition()
        self._writing = asyncio.Lock()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to write."""
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name=f"writer of {self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is left and end; raises what the database raises, with the number of what is lost in the log."""
        if self._task is not None:
            self._stopping = True
            self._wake.set()
            await self._task
            self._task = None
        for pause in (*STOP_PAUSES, None):
            try:
                await self.flush()
                return
            except BaseException as error:
                if pause is None or not isinstance(error, Exception):
                    log.error("not written", what=self.name, lost=len(self._waiting))
                    raise
            await asyncio.sleep(pause)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether an item can be taken at once: few wait, and none for long."""
        came = self._came
        return len(came) < self._capacity and (not came or monotonic() - came[0] < LONGEST_WAIT)

    def put(self, item: T) -> None:
        """Have an item written soon, however long others wait.

        Raises UnavailableError when as many wait as may: then the database has not kept up, and what is not recorded
        must not be done.
        """
        if len(self._waiting) >= self._capacity:
            raise self._behind()
        self._add(item)

    async def put_all(self, items: Sequence[T]) -> None:
        """Have items written soon; waits while there is no room.

        Raises UnavailableError when the database takes nothing for `PATIENCE` seconds: before any of the first
        `capacity` is taken.
        """
        most = max(self._capacity, 1)
        for start in range(0, len(items), most):
            if not self.has_room:
                await self._wait_for_room()
            for item in items[start : start + most]:
                self._add(item)

    def _add(self, item: T) -> None:
        self._waiting.append(item)
        self._came.append(monotonic())
        self._put_count += 1
        if len(self._waiting) == self._most:
            self._wake.set()

    async def _wait_for_room(self) -> None:
        async with self._written:
            while not self.has_room:
                try:
                    async with asyncio.timeout(PATIENCE):
                        await self._written.wait()
                except TimeoutError:
                    raise self._behind() from None

    def _behind(self) -> UnavailableError:
        return UnavailableError(
            f"{len(self._waiting):,} {self.name} wait to be recorded; the database does not keep up.",
            hint="Try again in a moment; `entrepot doctor` looks at the database.",
        )

    async def flush(self) -> None:
        """Write everything that waits now; what comes meanwhile may be left for the next time."""
        goal = self._put_count
        while self._written_count < goal:
            # Shielded: a caller that gives up in the middle would leave it open whether the batch was written.
            await asyncio.shield(asyncio.ensure_future(self._write_batch()))

    async def _run(self) -> None:
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
            except Exception as error:
                # Kept: the next turn writes it. What waits is bounded by `capacity`, which tells the callers.
                log.warning("not written yet", what=self.name, waiting=len(self._waiting), error=str(error))
                if not self._stopping:
                    await asyncio.sleep(RETRY_SECONDS)

    async def _write_batch(self) -> None:
        async with self._writing:
            batch = self._waiting[: self._most * 4]
            if not batch:
                return
            await self._write(batch)
            del self._waiting[: len(batch)], self._came[: len(batch)]
            self._written_count += len(batch)
        async with self._written:
            self._written.notify_all()
