"""A world simulated by worker processes, part by part, while its loader takes the parts that are ready."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import entrepot
from entrepot.kit.errors import EntrepotError
from entrepot.playground.loading.declared import fact_shapes
from entrepot.playground.loading.working import (
    Failed,
    Gather,
    Job,
    Question,
    Worked,
    answering,
    read_message,
    write_message,
)

if TYPE_CHECKING:
    from entrepot.playground.loading.manifests import WrittenFile

_PROGRAM = "from entrepot.playground.loading.working import serve; serve()"


#: Has a question answered, here or elsewhere; blocks until it is.
Answer = Callable[[Question | Gather], Any]


class Workers:
    """Some workers; each simulates one part at a time."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._idle: asyncio.Queue[Answer] = asyncio.Queue()
        for answer in answers:
            self._idle.put_nowait(answer)
        self._count = len(answers)

    async def ask(self, question: Question) -> Worked:
        """Have the next idle worker simulate a part."""
        answer: Worked = await self._have(question)
        return answer

    async def gather(self, question: Gather) -> "list[WrittenFile]":
        """Have the next idle worker write a table's files."""
        written: list[WrittenFile] = await self._have(question)
        return written

    async def _have(self, question: Question | Gather) -> Any:
        worker = await self._idle.get()
        answer = await asyncio.to_thread(worker, question)
        self._idle.put_nowait(worker)
        if isinstance(answer, Failed):
            what = f"Part {question.number}" if isinstance(question, Question) else f"Table {question.table}"
            raise EntrepotError(
                f"{what} of the world cannot be made: {answer.message}",
                where={"of": what, "traceback": answer.traceback},
            )
        return answer

    async def parts(self, numbers: Iterable[int]) -> AsyncIterator[Worked]:
        """The parts of these numbers, each as soon as it is ready; one waits to be taken while others are simulated."""
        waiting: set[asyncio.Task[Worked]] = set()
        left = list(reversed(list(numbers)))
        try:
            while left or waiting:
                while left and len(waiting) <= self._count:
                    waiting.add(asyncio.create_task(self.ask(Question(left.pop()))))
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in waiting:
                task.cancel()


@asynccontextmanager
async def workers(job: Job, count: int) -> AsyncIterator[Workers]:
    """`count` processes that simulate the world of a job; they end with the block, or with this process.

    With 0, a thread of this process does it: for worlds that are made before another process would have started.
    """
    job = replace(job, shapes=fact_shapes())
    if count == 0:
        yield Workers([answering(job)])
        return
    processes = [_start() for _ in range(count)]
    try:
        for process in processes:
            write_message(cast(BinaryIO, process.stdin), job)
        yield Workers([partial(_answer, process) for process in processes])
    finally:
        for process in processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def _start() -> "subprocess.Popen[bytes]":
    path = os.pathsep.join(
        [str(Path(entrepot.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    # One thread each: as many processes as cores leave nothing for more.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **single, "PYTHONPATH": path},
        start_new_session=True,
    )


def _answer(process: "subprocess.Popen[bytes]", question: Question | Gather) -> Any:
    try:
        write_message(cast(BinaryIO, process.stdin), question)
        answer: Any = read_message(cast(BinaryIO, process.stdout))
    except (BrokenPipeError, ValueError) as error:
        raise _ended() from error
    if answer is None:
        raise _ended()
    return answer


def _ended() -> EntrepotError:
    return EntrepotError(
        "A worker ended before its part of the world was done.",
        hint="Run the same command again, it goes on where it was; with --workers 1 it needs less memory.",
    )
