"""Writing in batches: in order, nothing lost on a clean stop, nothing dropped while the process lives."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kit import batching
from entrepot.kit.batching import BatchWriter
from entrepot.kit.errors import UnavailableError

NEVER = 3600.0


class Paper:
    """What was written; refuses as often as it is told, and waits where it is told to."""

    def __init__(self, refusals: int = 0) -> None:
        self.batches: list[list[int]] = []
        self.refusals = refusals
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    async def write(self, items: Sequence[int]) -> None:
        """Write all or nothing."""
        given = list(items)
        self.begun.set()
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError("the database is away")
        self.batches.append(given)

    @property
    def items(self) -> list[int]:
        """Everything, in the order of writing."""
        return [item for batch in self.batches for item in batch]


def room(writer: BatchWriter[int]) -> bool:
    """Whether it has room at this moment."""
    return writer.has_room


async def until(paper: Paper, count: int) -> None:
    """Wait until so much is written."""
    async with asyncio.timeout(20):
        while len(paper.items) < count:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_a_clean_stop_writes_everything_in_the_order_of_coming() -> None:
    paper = Paper()
    async with BatchWriter("marks", paper.write, every=NEVER, most=10) as writer:
        for number in range(97):
            writer.put(number)
        assert len(writer) == 97
    assert paper.items == list(range(97))
    assert len(writer) == 0


async def test_what_waits_is_written_after_a_while_without_being_asked() -> None:
    paper = Paper()
    async with BatchWriter("marks", paper.write, every=0.01, most=1000) as writer:
        writer.put(1)
        await until(paper, 1)
        assert paper.batches == [[1]]


async def test_a_full_batch_does_not_wait_for_the_time() -> None:
    paper = Paper()
    async with BatchWriter("marks", paper.write, every=NEVER, most=5) as writer:
        for number in range(5):
            writer.put(number)
        await until(paper, 5)


async def test_a_write_that_fails_is_tried_again_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.kit.batching.RETRY_SECONDS", 0.01)
    paper = Paper(refusals=3)
    async with BatchWriter("marks", paper.write, every=0.01, most=2) as writer:
        for number in range(7):
            writer.put(number)
        await until(paper, 7)
    assert paper.items == list(range(7))
    assert paper.refusals == 0


async def test_a_stop_tries_again_and_then_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.kit.batching.STOP_PAUSES", (0.001, 0.001))
    paper = Paper(refusals=2)
    async with BatchWriter("marks", paper.write, every=NEVER) as writer:
        writer.put(0)
    assert paper.items == [0]
    paper = Paper(refusals=10)
    writer = BatchWriter("marks", paper.write, every=NEVER)
    with pytest.raises(ConnectionError):
        async with writer:
            writer.put(1)
    assert len(writer) == 1  # still there for whoever holds the writer
    paper.refusals = 0
    await writer.flush()
    assert paper.items == [1]


async def test_where_as_many_wait_as_may_the_next_is_refused() -> None:
    paper = Paper()
    paper.gate.clear()
    async with BatchWriter("decisions", paper.write, every=NEVER, most=1000, capacity=3) as writer:
        for number in range(3):
            writer.put(number)
        with pytest.raises(UnavailableError, match="3 decisions wait"):
            writer.put(3)
        assert len(writer) == 3
        paper.gate.set()
        await writer.flush()
        writer.put(3)
    assert paper.items == [0, 1, 2, 3]


async def test_who_can_wait_goes_on_when_there_is_room() -> None:
    paper = Paper()
    paper.gate.clear()
    async with BatchWriter("marks", paper.write, every=0.01, most=1000, capacity=2) as writer:
        writer.put(0)
        assert room(writer)
        writer.put(1)
        assert not room(writer)
        third = asyncio.create_task(writer.put_all([2, 3, 4, 5, 6]))
        await asyncio.wait_for(paper.begun.wait(), 20)
        assert not third.done()
        paper.gate.set()
        await asyncio.wait_for(third, 20)
    assert paper.items == list(range(7))


async def test_nothing_is_taken_while_something_waits_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "LONGEST_WAIT", 0.02)
    paper = Paper()
    paper.gate.clear()
    async with BatchWriter("marks", paper.write, every=0.01) as writer:
        await writer.put_all([0])
        async with asyncio.timeout(20):
            while writer.has_room:  # noqa: ASYNC110 - time itself has no event
                await asyncio.sleep(0.005)
        second = asyncio.create_task(writer.put_all([1, 2]))
        await asyncio.wait({second}, timeout=0.05)
        assert not second.done()
        assert len(writer) == 1
        writer.put(3)  # who cannot wait is not asked to
        paper.gate.set()
        await asyncio.wait_for(second, 20)
        await writer.flush()
        assert room(writer)
    assert paper.items == [0, 3, 1, 2]


async def test_who_waits_in_vain_is_refused_and_nothing_of_theirs_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "LONGEST_WAIT", 0.0)
    monkeypatch.setattr(batching, "PATIENCE", 0.02)
    paper = Paper()
    paper.gate.clear()
    async with BatchWriter("decisions", paper.write, every=0.01) as writer:
        await writer.put_all([0])
        with pytest.raises(UnavailableError, match="1 decisions wait to be recorded"):
            await writer.put_all([1, 2])
        assert len(writer) == 1
        paper.gate.set()
    assert paper.items == [0]


async def test_what_came_later_does_not_count_as_waiting_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr(batching, "monotonic", lambda: clock)
    paper = Paper()
    writer = BatchWriter("marks", paper.write, every=NEVER, most=1)
    await writer.put_all([0, 1, 2, 3])
    clock = 100.9
    await writer.put_all([4])
    assert room(writer)
    clock = 101.0
    assert not room(writer)
    await writer._write_batch()  # four times as many as start one
    assert len(writer) == 1
    assert room(writer)
    clock = 101.9
    assert not room(writer)


async def test_a_flush_writes_what_waited_when_it_was_asked_and_is_not_held_up_by_what_comes() -> None:
    paper = Paper()
    writer: BatchWriter[int]

    async def busy(items: Sequence[int]) -> None:
        await paper.write(items)
        for item in items:
            writer.put(item + 1000)  # each thing written makes another wait

    writer = BatchWriter("marks", busy, every=NEVER, most=10)
    writer.put(1)
    writer.put(2)
    await asyncio.wait_for(writer.flush(), 20)
    assert paper.items == [1, 2]
    assert len(writer) == 2


async def test_two_who_flush_at_once_write_nothing_twice() -> None:
    paper = Paper()
    writer = BatchWriter("marks", paper.write, every=NEVER, most=3)
    for number in range(50):
        writer.put(number)
    await asyncio.gather(*(writer.flush() for _ in range(5)))
    assert paper.items == list(range(50))


async def test_a_caller_that_gives_up_leaves_no_batch_half_known() -> None:
    paper = Paper()
    paper.gate.clear()
    writer = BatchWriter("marks", paper.write, every=NEVER)
    writer.put(1)
    flushing = asyncio.create_task(writer.flush())
    await asyncio.wait_for(paper.begun.wait(), 20)
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    paper.gate.set()
    await writer.flush()
    assert paper.items == [1]


@settings(max_examples=40, deadline=None)
@given(
    puts=st.lists(st.integers(0, 9), max_size=40),
    most=st.integers(1, 5),
    refusals=st.integers(0, 4),
)
def test_whatever_is_put_is_written_once_and_in_order(puts: list[int], most: int, refusals: int) -> None:
    """`puts` is how many items come between two moments at which others may run."""

    async def run() -> None:
        paper = Paper(refusals)
        count = 0
        writer = BatchWriter("marks", paper.write, every=0.0001, most=most)
        try:
            async with writer:
                for together in puts:
                    for _ in range(together):
                        writer.put(count)
                        count += 1
                    await asyncio.sleep(0)
        except ConnectionError:
            paper.refusals = 0
            await writer.flush()
        assert paper.items == list(range(count))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("entrepot.kit.batching.RETRY_SECONDS", 0.0001)
        patch.setattr("entrepot.kit.batching.STOP_PAUSES", (0.0001, 0.0001))
        asyncio.run(run())
