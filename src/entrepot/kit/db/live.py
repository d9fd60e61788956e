"""Copies of the database's rules in memory, and how a process knows that they still hold.

A change of the rules is counted in the database and told with NOTIFY (`entrepot_rules`). A process that hears of
changes trusts its copy until it is told otherwise. One that cannot hear says so, and compares the count in the
database each time it is asked.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Self, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db.database import Database
from entrepot.kit.telemetry import get_logger

log = get_logger(__name__)
T = TypeVar("T")

CHANNEL = "entrepot_rules"
#: How long the connection may be silent before it is asked whether it lives, and how long it has to answer.
SILENCE_SECONDS = 1.0
ANSWER_SECONDS = 1.0
RETRY_SECONDS = 0.5

REVISION = text(
    "SELECT revision FROM marketplace.hm_rule_revision WHERE platform_id = :platform_id AND engine = :engine"
)


class Changes:
    """Hears of every change of the rules. One a process; `async with` around whatever asks the rules."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._task: asyncio.Task[None] | None = None
        self._listeners: dict[str, list[Callable[[UUID, int], None]]] = {}
        self._connected = asyncio.Event()
        #: Whether changes are heard now; while they are not, no copy is trusted.
        self.hearing = False
        #: Grows with each new connection: what was said between two of them was not heard.
        self.epoch = 0

    async def __aenter__(self) -> Self:
        """Begin to listen; waits for the first connection, and does without where there is none."""
        self._task = asyncio.create_task(self._run(), name="rule changes")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._connected.wait(), ANSWER_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        self.hearing = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def subscribe(self, engine: str, heard: Callable[[UUID, int], None]) -> None:
        """Have `heard(platform, revision)` called for each change of an engine's rules."""
        self._listeners.setdefault(engine, []).append(heard)

    async def _run(self) -> None:
        while True:
            try:
                connection = await self._db.listen(CHANNEL)
                try:
                    self.epoch += 1
                    self.hearing = True
                    self._connected.set()
                    await self._hear(connection)
                finally:
                    self.hearing = False
                    await connection.close()
            except (
                Exception
            ) as error:  # whatever it is: who stops listening for good would never say so again
                log.warning(
                    "changes of the rules cannot be heard; every question asks the database", error=str(error)
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        while True:
            async for notification in connection.notifies(timeout=SILENCE_SECONDS):
                self._tell(notification.payload)
            asked = asyncio.ensure_future(connection.execute("SELECT 1"))
            answered, _ = await asyncio.wait([asked], timeout=ANSWER_SECONDS)
            if not answered:
                # Said before the question is given up, which itself waits for the server.
                self.hearing = False
                asked.cancel()
                raise TimeoutError("the connection is silent")
            await asked

    def _tell(self, payload: str) -> None:
        try:
            engine, platform, revision = payload.split(":")
            change = UUID(platform), int(revision)
        except ValueError:
            log.warning("not a change of the rules", channel=CHANNEL, payload=payload)
            return
        for heard in self._listeners.get(engine, ()):
            heard(*change)


@dataclass
class _Held(Generic[T]):
    value: T
    revision: int
    epoch: int


class LiveCopy(Generic[T]):
    """The compiled rules of one engine, a platform each.

    `load(session, platform_id)` reads and compiles them; it runs in a transaction of that platform.
    """

    def __init__(
        self, db: Database, changes: Changes, engine: str, load: Callable[[AsyncSession, UUID], Awaitable[T]]
    ) -> None:
        self._db = db
        self._changes = changes
        self._engine = engine
        self._load = load
        self._held: dict[UUID, _Held[T]] = {}
        self._locks: dict[UUID, asyncio.Lock] = {}
        self._told: dict[UUID, int] = {}
        changes.subscribe(engine, self._heard)

    def peek(self, platform_id: UUID) -> T | None:
        """The rules, where they are in memory and can be trusted; None where `get` has work to do."""
        held = self._held.get(platform_id)
        if held is not None and self._changes.hearing and held.epoch == self._changes.epoch:
            return held.value
        return None

    async def get(self, platform_id: UUID) -> T:
        """The rules as the database has them now.

        Raises UnavailableError when they have to be read and the database does not answer.
        """
        found = self.peek(platform_id)
        if found is not None:
            return found
        async with self._locks.setdefault(platform_id, asyncio.Lock()):
            found = self.peek(platform_id)
            return found if found is not None else await self._renew(platform_id)

    async def _renew(self, platform_id: UUID) -> T:
        while True:
            epoch = self._changes.epoch
            held = self._held.get(platform_id)
            told = self._told.get(platform_id, 0)
            async with self._db.tenant(platform_id=platform_id) as session:
                # The count before the rules: a change between the two is read and then told, never missed.
                row = await session.execute(REVISION, {"platform_id": platform_id, "engine": self._engine})
                revision = row.scalar_one_or_none() or 0
                if held is not None and held.revision == revision:
                    held.epoch = epoch
                    value = held.value
                else:
                    value = await self._load(session, platform_id)
            # What was told before this transaction began is in it; what was told since may not be.
            if self._told.get(platform_id, 0) <= max(revision, told):
                self._held[platform_id] = _Held(value, revision, epoch)
                return value

    def _heard(self, platform_id: UUID, revision: int) -> None:
        self._told[platform_id] = revision
        held = self._held.get(platform_id)
        if held is not None and held.revision < revision:
            del self._held[platform_id]
