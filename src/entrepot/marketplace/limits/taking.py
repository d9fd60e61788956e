"""Taking from limits in the database: one round trip each as a rule, or one for many that ask at the same time.

The engine has a few connections of its own, in autocommit, as entrepot_app. What is asked while all of them are busy
goes together with the next one that is free: PostgreSQL then writes one commit where it would have written many. A
request that comes alone is sent at once, by itself: as one UPDATE, and once more by the function of its algorithm where
that has found no row that it may change.

Whoever changes a counter holds its row until the change is on disk, and other processes wait for that one after
another. Where a taking had to wait, the next ones of that counter commit in two steps: the first lets go of the row at
once, the second waits until the first is on disk, as all who took do side by side. Nobody is told what is not durable.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.pq.abc import PGresult

from entrepot.kit.db.lane import Lane, encoded
from entrepot.kit.errors import UnavailableError
from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.asking import (
    Request,
    Row,
    Statement,
    as_json,
    in_order,
    integer,
    short,
    taken_of,
    taken_of_row,
    time_of,
    whole,
)
from entrepot.marketplace.limits.modeling import Taken, moment

T = TypeVar("T")

#: Most requests in one statement: it holds its counters' rows until all of them are done.
MOST_TOGETHER = 128
#: How long a request waits for a connection before it is refused.
PATIENCE_SECONDS = 10.0
#: How long a request waits for a counter that somebody else holds: the functions here do for a moment only.
LOCK_SECONDS = 5
#: What says that the database does not answer.
SILENT = (psycopg.OperationalError,)
#: What met another request with the same id, or came into a deadlock with other software.
LOST_RACES = (SerializationFailure, DeadlockDetected)
#: How often such a request is tried.
ATTEMPTS = 5
OPTIONS = {
    "connect_timeout": 10,
    "application_name": "entrepot limits",
    "options": f"-c timezone=UTC -c jit=off -c lock_timeout={LOCK_SECONDS}s",
}
#: A taking that took longer, in microseconds, probably had to wait for its counter: by itself it takes less than a tenth.
WAITED = 1_000
#: For how long such a counter is then taken from in two steps; and one that had no room by its function at once.
CROWDED_SECONDS = 1.0
EXHAUSTED_SECONDS = 1.0
#: Of how many counters such things are known at a time.
MOST_KNOWN = 10_000
QUICK = frozenset(queries.QUICK.values())
SHORT = frozenset(
    query
    for short_one in (queries.SHORT_COUNT, queries.SHORT_SLIDE, queries.SHORT_METER)
    for query in (short_one, queries.QUICK[short_one])
)


Asked = tuple[Request, asyncio.Future[Taken]]
Counted = tuple[UUID, str, str]


class Taker:
    """The connections, and what waits for one. `at` stands for the database's clock, in tests only."""

    def __init__(self, url: str, *, connections: int = 4) -> None:
        self.at: datetime | None = None
        self._url = url
        self._most = connections
        self._running = False
        #: Open connections; those among them that have nothing to do; those that are being made.
        self._lanes: set[Lane] = set()
        self._idle: list[Lane] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[Asked] = deque()
        #: What failed together with others, and is asked again by itself.
        self._alone: deque[Asked] = deque()
        self._borrowers: deque[asyncio.Future[Lane]] = deque()
        #: Counters that others take from at this moment, by platform, limit and entity; until when that is believed.
        self._crowded: dict[Counted, float] = {}
        #: When one last took long.
        self._waits: dict[Counted, float] = {}
        #: Counters of which one was just refused: the short way would find no room there. Until when that is believed.
        self._exhausted: dict[Counted, float] = {}
        #: How far the database's clock is ahead, in microseconds.
        self._ahead = 0
        self._called = False
        self._quiet: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Be ready; the first request connects."""
        self._loop = asyncio.get_running_loop()
        self._running = True

    async def stop(self) -> None:
        """Answer what waits, and disconnect."""
        self._running = False
        while self._wanted() or len(self._idle) < len(self._lanes):
            self._quiet = self._loop.create_future()
            await self._quiet
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for lane in self._lanes:
            await lane.close()
        self._lanes.clear()
        self._idle.clear()

    async def take(self, request: Request) -> Taken:
        """Take what is asked for.

        Raises UnavailableError when the database does not answer; whether it was counted is not known then, and a
        request with an id can be made again.
        """
        self._refuse_stopped()
        future: asyncio.Future[Taken] = self._loop.create_future()
        self._waiting.append((request, future))
        self._call()
        return await future

    async def take_many(self, requests: Sequence[Request], *, together: bool) -> list[Taken]:
        """Take several in one transaction, all or nothing where `together`; their answers in the order given.

        Where one is denied and `together`, nothing is taken, and the answers say what each would have been.
        """
        query = queries.TOGETHER if together else queries.EACH
        rows = await self.fetch(query, (as_json(requests), self.at))
        return in_order(((row[0], taken_of_row(row[1:])) for row in rows), len(requests))

    async def fetch(self, query: bytes, values: Sequence[Any]) -> list[Row]:
        """Run one of the engine's statements; what lost a race is run again. Raises UnavailableError."""
        self._refuse_stopped()
        future: asyncio.Future[Lane] = self._loop.create_future()
        self._borrowers.append(future)
        self._call()
        lane: Lane | None = None
        try:
            lane = await future
            async with lane.lent() as connection:
                return await _run(connection, query, values)
        except SILENT as error:
            raise _unavailable(error) from error
        finally:
            if lane is None and future.done() and not future.cancelled() and future.exception() is None:
                lane = future.result()  # given at the moment at which the caller gave up
            if lane is not None:
                self._return(lane)

    def _refuse_stopped(self) -> None:
        if not self._running:
            raise UnavailableError("The limits engine is not running.", hint="Ask while the program runs.")

    def _wanted(self) -> bool:
        return bool(self._waiting or self._alone or self._borrowers)

    def _call(self) -> None:
        """Have what waits served at the event loop's next turn: what is asked until then goes together."""
        if not self._called:
            self._called = True
            self._loop.call_soon(self._serve)

    def _serve(self) -> None:
        self._called = False
        while self._idle:
            borrower = next((one for one in _taken_from(self._borrowers) if not one.done()), None)
            if borrower is not None:
                borrower.set_result(self._idle.pop())
            elif batch := self._next():
                self._send(self._idle.pop(), batch)
            else:
                break
        if self._wanted() and len(self._lanes) + len(self._opening) < self._most:
            task = asyncio.create_task(self._open(), name="limits")
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        self._tell_quiet()

    def _next(self) -> list[Asked]:
        """What goes in the next statement. Whoever has given up waiting is not counted."""
        for one in _taken_from(self._alone):
            if not one[1].done():
                return [one]
        batch: list[Asked] = []
        for one in _taken_from(self._waiting):
            if not one[1].done():
                batch.append(one)
                if len(batch) == MOST_TOGETHER:
                    break
        return batch

    async def _open(self) -> None:
        """One more connection; where there is none at all, nobody who waits will be served, and is told so."""
        pause = 0.05
        deadline = self._loop.time() + PATIENCE_SECONDS
        while True:
            try:
                lane = await Lane.opened(self._url, self._forget, **OPTIONS)
                break
            except psycopg.Error as error:
                if not self._lanes and self._loop.time() + pause > deadline:
                    self._refuse(error)
                if self._lanes or self._loop.time() + pause > deadline:
                    return  # those that there are serve what waits
            await asyncio.sleep(pause)
            pause *= 2
        self._lanes.add(lane)
        self._idle.append(lane)
        self._call()

    def _refuse(self, error: psycopg.Error) -> None:
        for one in (*_taken_from(self._alone), *_taken_from(self._waiting)):
            _fail(one, error)
        for borrower in _taken_from(self._borrowers):
            if not borrower.done():
                borrower.set_exception(error)
        self._tell_quiet()

    def _forget(self, lane: Lane) -> None:
        self._lanes.discard(lane)
        if lane in self._idle:
            self._idle.remove(lane)
        if self._wanted():
            self._call()

    def _return(self, lane: Lane) -> None:
        if not lane.closed:
            self._idle.append(lane)
        if self._wanted():
            # Not at once: whoever has been answered may have the next question already.
            self._call()
        self._tell_quiet()

    def _tell_quiet(self) -> None:
        if self._quiet is not None and not self._quiet.done():
            self._quiet.set_result(None)

    def _send(
        self, lane: Lane, batch: Sequence[Asked], attempt: int = 1, *, by_function: bool = False
    ) -> None:
        try:
            query, values = self._statement(batch, by_function=by_function)
            sent = encoded(values)
        except (psycopg.DataError, ValueError, TypeError) as error:  # a value that PostgreSQL cannot hold
            self._disappoint(lane, batch, psycopg.DataError(str(error)))
            return
        lane.ask(query, sent, partial(self._answer, lane, batch, attempt, query))

    def _statement(self, batch: Sequence[Asked], *, by_function: bool) -> Statement:
        if len(batch) > 1:
            return queries.EACH, (as_json([request for request, _ in batch]), self.at)
        request = batch[0][0]
        if request.id is not None:
            # Others who have the id find what it holds, and would be told of it before it is durable: never quickly.
            return whole(request, self.at)
        if by_function or self._is_in(self._exhausted, request):
            query, values = whole(request, self.at)
        else:
            now = _clock() + self._ahead if self.at is None else moment(self.at)
            query, values = short(request, now, self.at)
        return (queries.QUICK[query] if self._is_in(self._crowded, request) else query), values

    def _answer(
        self,
        lane: Lane,
        batch: Sequence[Asked],
        attempt: int,
        query: bytes,
        found: PGresult | psycopg.Error,
    ) -> None:
        if isinstance(found, LOST_RACES) and attempt < ATTEMPTS:
            self._send(lane, batch, attempt + 1)
        elif isinstance(found, psycopg.Error):
            self._disappoint(lane, batch, found)
        elif found.ntuples == 0:  # the short way did not find its row: nothing has happened
            self._send(lane, batch, by_function=True)
        else:
            try:
                answers = _answers(found, len(batch))
                sealed = len(batch) > 1 or self._is_durable(batch[0][0], query, answers[0], found)
            except Exception as error:  # whatever it is: nobody must wait for ever because of it
                self._disappoint(lane, batch, error)
                return
            if not sealed:
                lane.ask(queries.DURABLE, (), partial(self._seal, lane, batch[0], answers[0]))
                return
            for one, taken in zip(batch, answers, strict=True):
                _tell(one, taken)
            self._return(lane)

    def _is_durable(self, request: Request, query: bytes, taken: Taken, found: PGresult) -> bool:
        """Whether an answer can be told; what it says of clocks, crowds and room is learned by the way."""
        if taken.outcome == "DENIED":
            counted = request.platform_id, request.rule.key, request.entity_id
            _bounded(self._exhausted)[counted] = self._loop.time() + EXHAUSTED_SECONDS
        if self.at is None:
            if query not in SHORT:
                self._ahead = taken.at - _clock()
            if cast(int, time_of(found, 0, 6)) - taken.at > WAITED:
                self._note_wait(request)
        return query not in QUICK or taken.outcome != "ALLOWED"

    def _disappoint(self, lane: Lane, batch: Sequence[Asked], error: Exception) -> None:
        """Tell them; or, where the statement failed and nothing was taken, ask for each by itself."""
        if isinstance(error, psycopg.Error) and len(batch) > 1 and not lane.closed:
            # One of them cannot be served: the others must not go without because of it.
            self._alone.extend(batch)
        else:
            for one in batch:
                _fail(one, error)
        self._return(lane)

    def _seal(self, lane: Lane, asked: Asked, taken: Taken, found: PGresult | psycopg.Error) -> None:
        """What was taken is on disk, or it is not known whether it is."""
        if isinstance(found, psycopg.Error):
            _fail(asked, found)
        else:
            _tell(asked, taken)
        self._return(lane)

    def _is_in(self, known: dict[Counted, float], request: Request) -> bool:
        """Whether its counter is in what is known of counters, and the time of that is not over."""
        if not known:
            return False
        counted = request.platform_id, request.rule.key, request.entity_id
        until = known.get(counted)
        if until is None:
            return False
        if until < self._loop.time():
            del known[counted]
            return False
        return True

    def _note_wait(self, request: Request) -> None:
        """One that took long may have waited for a processor; two within a second waited for the counter."""
        counted = request.platform_id, request.rule.key, request.entity_id
        now = self._loop.time()
        if self._waits.get(counted, 0.0) > now - CROWDED_SECONDS:
            _bounded(self._crowded)[counted] = now + CROWDED_SECONDS
        _bounded(self._waits)[counted] = now


def _bounded(known: dict[Counted, float]) -> dict[Counted, float]:
    """The same, emptied when it has grown too large: it is learned anew within a second."""
    if len(known) >= MOST_KNOWN:
        known.clear()
    return known


def _clock() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def _taken_from(queue: deque[T]) -> Iterator[T]:
    while queue:
        yield queue.popleft()


def _answers(found: PGresult, many: int) -> list[Taken]:
    if many == 1:
        return [taken_of(found, 0, 0)]
    rows = ((cast(int, integer(found, row, 0)), taken_of(found, row, 1)) for row in range(found.ntuples))
    return in_order(rows, many)


def _tell(asked: Asked, taken: Taken) -> None:
    if not asked[1].done():  # whoever has given up waiting is not told
        asked[1].set_result(taken)


def _fail(asked: Asked, error: Exception) -> None:
    if not asked[1].done():
        asked[1].set_exception(_known(error))


async def _run(connection: AsyncConnection[Row], query: bytes, values: Sequence[Any]) -> list[Row]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            cursor = await connection.execute(query, values, prepare=True)
            return await cursor.fetchall()
        except LOST_RACES:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _known(error: Exception) -> Exception:
    """An error as it is told to whoever asked."""
    return _unavailable(error) if isinstance(error, SILENT) else error


def _unavailable(error: Exception) -> UnavailableError:
    lines = str(error).strip().splitlines()
    return UnavailableError(
        f"The limits cannot be counted, the database does not answer: {lines[-1] if lines else type(error).__name__}",
        hint="Run `entrepot doctor`.",
    )
