"""Waiting for work: a notification wakes at once, and a timeout covers those that were missed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from entrepot.kit.db.database import Database
from entrepot.kit.telemetry import get_logger

log = get_logger(__name__)
RECONNECT_SECONDS = 5.0


class Bells:
    """One bell a waiting loop; a notification rings them all."""

    def __init__(self) -> None:
        self._bells: list[asyncio.Event] = []

    def bell(self) -> asyncio.Event:
        """A bell for one loop, which clears it before it looks for work."""
        bell = asyncio.Event()
        self._bells.append(bell)
        return bell

    def ring(self) -> None:
        """Wake every loop."""
        for bell in self._bells:
            bell.set()


@asynccontextmanager
async def listening(db: Database, *channels: str) -> AsyncIterator[Bells]:
    """Bells that ring on a `NOTIFY` to one of the channels, and once whenever the connection was renewed."""
    bells = Bells()
    task = asyncio.create_task(_listen(db, channels, bells), name=f"listen to {', '.join(channels)}")
    try:
        yield bells
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _listen(db: Database, channels: tuple[str, ...], bells: Bells) -> None:
    while True:
        try:
            async with await db.listen(*channels) as connection:
                bells.ring()
                async for _ in connection.notifies():
                    bells.ring()
        except psycopg.OperationalError as error:
            log.warning(
                "lost the connection that hears notifications", reason=str(error).strip(), channels=channels
            )
        await asyncio.sleep(RECONNECT_SECONDS)


async def first_of(*events: asyncio.Event, timeout: float | None = None) -> None:  # noqa: ASYNC109 - it ends the wait, nothing is cancelled
    """Wait until one of the events is set, or `timeout` seconds."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
