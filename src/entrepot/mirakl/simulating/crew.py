"""The workers of a simulation as its conductor sees them: sent to work, waited for, killed and replaced."""

import asyncio
import multiprocessing
import pkgutil
import random
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import entrepot.mirakl
from entrepot.kit.settings import Settings
from entrepot.mirakl.orders.driving import SIDE_BY_SIDE
from entrepot.mirakl.orders.steps import EDGES
from entrepot.mirakl.simulating.working import RESTLESS, Fate, work

#: Seconds that a worker may take for a round, far beyond what it takes.
PATIENCE = 120.0


class RestlessError(Exception):
    """A worker goes on and on though the clock stands still, or does not come back."""


def _nursery() -> ForkServerContext:
    """Where workers come from: a process that has imported what they need, and has no thread and no connection."""
    context = multiprocessing.get_context("forkserver")
    found = pkgutil.walk_packages(entrepot.mirakl.__path__, "entrepot.mirakl.")
    context.set_forkserver_preload([one.name for one in found if one.name.rpartition(".")[2] not in EDGES])
    return context


@dataclass(slots=True)
class _Worker:
    process: ForkServerProcess
    orders: Connection
    #: Whether its end is settled: it dies by its own hand, or is killed from outside.
    is_doomed: bool


class Crew:
    """Several workers, each of which is a scheduler as well; `hands`: orders that each has in hand at a time."""

    def __init__(
        self, settings: Settings, clock_file: Path, *, size: int, seed: int, hands: int = SIDE_BY_SIDE
    ) -> None:
        self._settings = settings
        self._clock_file = clock_file
        self._size = size
        self._hands = hands
        self._nursery = _nursery()
        # Not a secret: the same seed has to kill at the same places.
        self._random = random.Random(f"crew {seed}")  # noqa: S311 - as said above
        self._workers: list[_Worker] = []
        self.killed = 0
        self.rounds = 0

    async def work(self, *, deadly: bool) -> int:
        """Have all of them work until they find nothing more to do; how many steps they did.

        With `deadly` some are killed on the way, and others take over what they left.
        """
        self.rounds += 1
        while len(self._workers) < self._size:
            self._workers.append(self._spawn(doomed=deadly and self._random.random() < 0.5))
        if not deadly:
            for place, worker in enumerate(self._workers):
                if worker.is_doomed:
                    self._end(worker)
                    self._workers[place] = self._spawn(doomed=False)
        kill_after = self._random.uniform(0.01, 0.6) if deadly and self._random.random() < 0.25 else None
        victim = self._random.randrange(self._size)
        killing = asyncio.create_task(self._kill(self._workers[victim], kill_after))
        try:
            done = await asyncio.gather(*(self._send(worker) for worker in self._workers))
        finally:
            killing.cancel()
        dead = [worker for worker, steps in zip(self._workers, done, strict=True) if steps is None]
        self.killed += len(dead)
        self._workers = [worker for worker in self._workers if worker not in dead]
        for worker in dead:
            self._end(worker)
            if worker.process.exitcode != -signal.SIGKILL:
                raise RestlessError(f"A worker broke, with exit code {worker.process.exitcode}.")
        return sum(steps for steps in done if steps is not None)

    def end(self) -> None:
        """Send them home."""
        for worker in self._workers:
            self._end(worker)
        self._workers = []

    def _spawn(self, *, doomed: bool) -> _Worker:
        here, there = self._nursery.Pipe()
        # Early and late calls alike: a label is bought by the first calls of some workers, by the hundredth of others.
        fate = (
            Fate(int(self._random.lognormvariate(3, 1.2)) + 1, self._random.random() < 0.5)
            if doomed
            else None
        )
        process = self._nursery.Process(
            target=work, args=(self._settings, self._clock_file, there, fate, self._hands), daemon=True
        )
        process.start()
        there.close()
        return _Worker(process, here, doomed)

    async def _send(self, worker: _Worker) -> int | None:
        try:
            worker.orders.send("work")
            async with asyncio.timeout(PATIENCE):
                answer = await asyncio.to_thread(_answer, worker.orders)
        except (EOFError, ConnectionResetError, BrokenPipeError):
            return None
        except TimeoutError as error:
            raise RestlessError(f"A worker did not come back within {PATIENCE:.0f} seconds.") from error
        if answer == RESTLESS:
            raise RestlessError("A worker finds no rest though the clock stands still.")
        return int(answer)

    async def _kill(self, worker: _Worker, after: float | None) -> None:
        if after is not None:
            await asyncio.sleep(after)
            worker.process.kill()

    def _end(self, worker: _Worker) -> None:
        worker.orders.close()
        # One that hung up by itself ends by itself; its exit code tells how.
        worker.process.join(timeout=0.5)
        worker.process.kill()
        worker.process.join()


def _answer(orders: Connection) -> int | str:
    if not orders.poll(PATIENCE):
        raise TimeoutError
    found: int | str = orders.recv()
    return found
