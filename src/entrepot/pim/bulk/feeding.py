"""Parsing ahead of the database: blocks of lines are parsed in other processes while PostgreSQL takes the last ones.

Parsing is a pure function of a block, so that it can run anywhere; blocks come back in the order of the file. The
parsers are processes of our own that read blocks from standard input and end with it: when the import is killed, they
end too, and unlike a copy of this process they hold none of its connections.
"""

import asyncio
import os
import pickle
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import entrepot
from entrepot.kit.errors import EntrepotError
from entrepot.pim.bulk import csv_products
from entrepot.pim.bulk.parsed import LENGTH, Parsed, collected, parse_block
from entrepot.pim.bulk.parsing import Parser
from entrepot.pim.bulk.reading import Block, OnBytes, Source, blocks
from entrepot.pim.bulk.rows import Row

#: Below this size a file is parsed before another process would have started.
WORTH_PROCESSES = 8 << 20
PROCESSES = max(1, min(2, os.cpu_count() or 1))
#: Blocks on their way at once for each process, which bounds the memory.
AHEAD = 2
#: Rows of a CSV in one batch.
CSV_ROWS = 2000


class Parses(Protocol):
    """Something that parses a block: this process's own thread, or another process."""

    async def parse(self, file_number: int, block: Block) -> Parsed:
        """The block's rows and notes."""


class Here:
    """Parses in a thread, so that the event loop goes on."""

    async def parse(self, file_number: int, block: Block) -> Parsed:
        """The block's rows and notes."""
        return await asyncio.to_thread(parse_block, file_number, block)


class Elsewhere:
    """Parses in another process, one block after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def parse(self, file_number: int, block: Block) -> Parsed:
        """The block's rows and notes. Raises EntrepotError where the process ended before its work did."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            try:
                question = pickle.dumps((file_number, block), protocol=5)
                self._process.stdin.write(LENGTH.pack(len(question)) + question)
                await self._process.stdin.drain()
                (length,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
                answer = await self._process.stdout.readexactly(length)
            except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError) as error:
                raise EntrepotError(
                    "A parser process ended before its work did.",
                    hint="Run the same command again; memory may have been short.",
                ) from error
        found = pickle.loads(answer)  # noqa: S301 - written by our own child process
        assert isinstance(found, Parsed)
        return found


@asynccontextmanager
async def _parsers(sources: list[Source]) -> AsyncIterator[list[Parses]]:
    size = sum(source.size * (8 if source.gzipped else 1) for source in sources if source.format == "jsonl")
    if size < WORTH_PROCESSES or PROCESSES == 1:
        yield [Here()]
        return
    path = os.pathsep.join(
        [str(Path(entrepot.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    program = (
        "import sys; from entrepot.pim.bulk.parsed import serve; serve(sys.stdin.buffer, sys.stdout.buffer)"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=16 << 20, env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    try:
        yield [Elsewhere(process) for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
        await asyncio.gather(*(process.wait() for process in processes))


async def parsed(sources: list[Source]) -> AsyncIterator[Parsed]:
    """Everything that the sources hold, block by block in their order; `position` counts the bytes taken so far.

    Raises InvalidInputError where a source turns out to be damaged.
    """
    async with _parsers(sources) as parsers:
        waiting: deque[asyncio.Future[Parsed]] = deque()
        try:
            for number, (file_number, part, position) in enumerate(_parts(sources)):
                if isinstance(part, Parsed):
                    waiting.append(_known(part, position))
                else:
                    waiting.append(
                        asyncio.create_task(
                            _parse(parsers[number % len(parsers)], file_number, part, position)
                        )
                    )
                if len(waiting) > AHEAD * len(parsers):
                    yield await waiting.popleft()
            while waiting:
                yield await waiting.popleft()
        finally:
            for future in waiting:
                future.cancel()


async def _parse(parser: Parses, file_number: int, block: Block, position: int) -> Parsed:
    found = await parser.parse(file_number, block)
    found.position = position
    return found


def _known(part: Parsed, position: int) -> asyncio.Future[Parsed]:
    part.position = position
    future: asyncio.Future[Parsed] = asyncio.get_running_loop().create_future()
    future.set_result(part)
    return future


def _parts(sources: list[Source]) -> Iterator[tuple[int, Block | Parsed, int]]:
    before = 0
    for file_number, source in enumerate(sources):
        place = _Place(before)
        parts = (
            _csv_parts(file_number, source, place.move)
            if source.format == "csv"
            else blocks(source, place.move)
        )
        for part in parts:
            yield file_number, part, place.position
        before += source.size


def _csv_parts(file_number: int, source: Source, on_bytes: OnBytes) -> Iterator[Parsed]:
    """A CSV is read row by row, so it is parsed where it is read."""
    parser = Parser(file_number)
    rows: list[Row] = []
    for line, record in csv_products.records(source, parser, on_bytes):
        rows += parser.take(line, record)
        if len(rows) >= CSV_ROWS or len(parser.rejections) >= CSV_ROWS:
            yield collected(parser, rows)
            parser.reset()
            rows = []
    yield collected(parser, rows)


@dataclass
class _Place:
    """How far into the sources reading has come."""

    before: int
    position: int = 0

    def __post_init__(self) -> None:
        self.position = self.before

    def move(self, taken: int) -> None:
        self.position = self.before + taken
