"""A worker of a simulation: a process of its own that does what a real one does, and may die anywhere in it."""

import asyncio
import logging
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from entrepot.kit.clock import SharedClock, clock
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.kit.telemetry import configure_logging
from entrepot.mirakl.orders.driving import drive
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.scheduling.working import work_due
from entrepot.mirakl.services import Services

#: Rounds without the clock moving after which a worker is said to find no rest.
MOST_ROUNDS = 300
#: What a worker says of itself when it found no rest.
RESTLESS = "restless"


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a worker dies: at which call to an outside service, and whether the service has done its work by then."""

    calls: int
    answered: bool


class _Deadly(httpx.AsyncHTTPTransport):
    """Kills this process at its call, before it is sent or when it was answered: no block is left, nothing is said."""

    def __init__(self, fate: Fate, counted: list[int]) -> None:
        super().__init__(verify=False)
        self._fate = fate
        self._counted = counted

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._counted[0] += 1
        due = self._counted[0] == self._fate.calls
        if due and not self._fate.answered:
            os.kill(os.getpid(), signal.SIGKILL)
        response = await super().handle_async_request(request)
        if due:
            await response.aread()
            os.kill(os.getpid(), signal.SIGKILL)
        return response


def work(settings: Settings, clock_file: Path, orders: Connection, fate: Fate | None, hands: int) -> None:
    """Work whenever the conductor says so, until it hangs up; the answer to each is how many steps were done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a simulation provokes is no news; what it finds is said by its rules.
    configure_logging(settings.model_copy(update={"log_level": "CRITICAL"}))
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with clock(SharedClock(clock_file)), suppress(EOFError, BrokenPipeError, ConnectionResetError):
        asyncio.run(_work(settings, orders, fate, hands))


async def _work(settings: Settings, orders: Connection, fate: Fate | None, hands: int) -> None:
    load_steps()
    counted = [0]
    async with Database.opened(settings, pool_size=6) as db:
        while True:
            await asyncio.to_thread(orders.recv)
            orders.send(await _until_rest(db, fate, counted, hands))


async def _until_rest(db: Database, fate: Fate | None, counted: list[int], hands: int) -> int | str:
    steps = 0
    name = f"simulation:{os.getpid()}"
    for _ in range(MOST_ROUNDS):
        transport = _Deadly(fate, counted) if fate else None
        async with Services.opened(db, transport=transport) as services:
            works, failed = await work_due(db, services, name)
            done = await drive(db, services, worker=name, side_by_side=hands)
        if not works and not failed and not done:
            return steps
        steps += done + works
    return RESTLESS
