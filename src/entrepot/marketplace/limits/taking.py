"""Taking from limits in the database: one round trip each, or one for many that ask at the same time.

The engine has a few connections of its own, in autocommit, as entrepot_app. What is asked while all of them are busy
goes together with the next one that is free: PostgreSQL then writes one commit where it would have written many. A
request that comes alone is sent at once, by itself.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from entrepot.kit.errors import UnavailableError
from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.answers import Kind
from entrepot.marketplace.limits.modeling import UNENFORCED, Rule, Taken, moment

Row = tuple[Any, ...]

#: Most requests in one statement: it holds its counters' rows until all of them are done.
MOST_TOGETHER = 128
#: How long a request waits for a connection before it is refused.
PATIENCE_SECONDS = 10.0
#: How long a request waits for a counter that somebody else holds: the functions here do for a moment only.
LOCK_SECONDS = 5
#: What says that the database does not answer.
SILENT = (psycopg.OperationalError, PoolTimeout, PoolClosed)
#: How often what met another request with the same id, or came into a deadlock with other software, is tried.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Request:
    """One taking. With an `id` something is held under it, or counted once only; `lifetime` is in microseconds.

    What is not `enforced` is counted and never denied.
    """

    platform_id: UUID
    rule: Rule
    entity_id: str
    amount: int
    kind: Kind | None = None
    id: UUID | None = None
    lifetime: int | None = None
    enforced: bool = True


class Taker:
    """The connections, and what waits for one. `at` stands for the database's clock, in tests only."""

    def __init__(self, url: str, *, connections: int = 4) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[Row]] = AsyncConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            open=False,
            timeout=PATIENCE_SECONDS,
            name="limits",
            kwargs={
                "autocommit": True,
                "prepare_threshold": 0,
                "connect_timeout": 10,
                "application_name": "entrepot limits",
                "options": f"-c timezone=UTC -c jit=off -c lock_timeout={LOCK_SECONDS}s",
            },
        )
        self._lanes = connections
        self._busy = 0
        self._waiting: deque[tuple[Request, asyncio.Future[Taken]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self.at: datetime | None = None

    async def start(self) -> None:
        """Be ready; the first request connects."""
        await self._pool.open(wait=False)

    async def stop(self) -> None:
        """Answer what waits, and disconnect."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.close()

    async def take(self, request: Request) -> Taken:
        """Take what is asked for.

        Raises UnavailableError when the database does not answer; whether it was counted is not known then, and a
        request with an id can be made again.
        """
        future: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._begin()
        return await future

    async def take_many(self, requests: Sequence[Request], *, together: bool) -> list[Taken]:
        """Take several in one transaction, all or nothing where `together`; their answers in the order given.

        Where one is denied and `together`, nothing is taken, and the answers say what each would have been.
        """
        query = queries.TOGETHER if together else queries.EACH
        return _in_order(await self.fetch(query, (_as_json(requests), self.at)), len(requests))

    async def fetch(self, query: str, values: Sequence[Any]) -> list[Row]:
        """Run one of the engine's statements; what lost a race is run again. Raises UnavailableError."""
        try:
            async with self._pool.connection() as connection:
                return await _run(connection, query, values)
        except SILENT as error:
            raise _unavailable(error) from error

    async def _serve(self) -> None:
        batch: list[tuple[Request, asyncio.Future[Taken]]] = []
        try:
            async with self._pool.connection() as connection:
                while batch := self._next():
                    await self._answer(connection, batch)
                    # Whoever has been answered may have the next question already.
                    await asyncio.sleep(0)
        except Exception as error:
            if not batch:  # no connection at all: nobody else will get one either
                batch = [*self._waiting]
                self._waiting.clear()
            for _, future in batch:
                if not future.done():
                    future.set_exception(_known(error))
        finally:
            self._busy -= 1
            if self._waiting:
                self._begin()

    def _next(self) -> list[tuple[Request, asyncio.Future[Taken]]]:
        """What waits, as far as it goes together. Whoever has given up waiting is not counted."""
        batch: list[tuple[Request, asyncio.Future[Taken]]] = []
        while self._waiting and len(batch) < MOST_TOGETHER:
            request, future = self._waiting.popleft()
            if not future.done():
                batch.append((request, future))
        return batch

    def _begin(self) -> None:
        """Have another connection serve what waits, if one is free."""
        if self._busy < self._lanes:
            self._busy += 1
            task = asyncio.create_task(self._serve(), name="limits")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(
        self,
        connection: AsyncConnection[Row],
        batch: Sequence[tuple[Request, asyncio.Future[Taken]]],
    ) -> None:
        try:
            if len(batch) == 1:
                rows = await _run(connection, *_statement(batch[0][0], self.at))
                answers = [_taken(rows[0])]
            else:
                values = (_as_json([request for request, _ in batch]), self.at)
                answers = _in_order(await _run(connection, queries.EACH, values), len(batch))
        except Exception as error:
            if connection.closed:
                raise
            if len(batch) > 1:
                await self._answer_alone(connection, batch)
            elif not batch[0][1].done():
                batch[0][1].set_exception(_known(error))
            return
        for (_, future), taken in zip(batch, answers, strict=True):
            if not future.done():  # whoever has given up waiting is not told
                future.set_result(taken)

    async def _answer_alone(
        self,
        connection: AsyncConnection[Row],
        batch: Sequence[tuple[Request, asyncio.Future[Taken]]],
    ) -> None:
        """One of them cannot be served: the others must not go without because of it. Nothing was taken yet."""
        for one in batch:
            await self._answer(connection, [one])


async def _run(connection: AsyncConnection[Row], query: str, values: Sequence[Any]) -> list[Row]:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            cursor = await connection.execute(query.encode(), values, prepare=True)
            return await cursor.fetchall()
        except (SerializationFailure, DeadlockDetected):
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _statement(request: Request, at: datetime | None) -> tuple[str, tuple[Any, ...]]:
    rule = request.rule
    # As text: psycopg writes an UUID more slowly, and the functions know what they want.
    given: tuple[Any, ...]
    first = (str(request.platform_id), rule.key, request.entity_id, request.amount, _limit(request))
    if rule.algorithm == "SLIDING_WINDOW":
        plain, held, given = queries.SLIDE, queries.SLIDE_HELD, (*first, rule.span)
    elif rule.algorithm == "TOKEN_BUCKET":
        plain, held, given = queries.METER, queries.METER_HELD, (*first, rule.emission, rule.most)
    else:
        plain, held = queries.COUNT, queries.COUNT_HELD
        given = (*first, rule.algorithm, rule.unit, rule.span, rule.zone)
    if request.id is None:
        return plain, (*given, at)
    return held, (*given, request.kind, request.id, _lifetime(request), at)


def _as_json(requests: Sequence[Request]) -> str:
    return orjson.dumps(
        [
            {
                "position": position,
                "platform": request.platform_id,
                "key": request.rule.key,
                "entity": request.entity_id,
                "amount": request.amount,
                "limit": _limit(request),
                "algorithm": request.rule.algorithm,
                "unit": request.rule.unit,
                "span": request.rule.span,
                "zone": request.rule.zone,
                "emission": request.rule.emission,
                "capacity": request.rule.most,
                "kind": request.kind,
                "id": request.id,
                "lifetime": _lifetime(request),
            }
            for position, request in enumerate(requests)
        ]
    ).decode()


def _limit(request: Request) -> int:
    """The limit as the functions take it: the largest of all, which no definition may have, stands for none."""
    return request.rule.limit if request.enforced else UNENFORCED


def _lifetime(request: Request) -> int | None:
    if request.id is None or request.kind == "REQUEST":
        return None
    return request.rule.hold if request.lifetime is None else request.lifetime


def _in_order(rows: Sequence[Row], many: int) -> list[Taken]:
    found = {row[0]: _taken(row[1:]) for row in rows}
    return [found[position] for position in range(many)]


def _taken(row: Row) -> Taken:
    outcome, used, at, resets_at, retry_at, expires_at = row
    return Taken(
        outcome,
        used,
        moment(at),
        None if resets_at is None else moment(resets_at),
        None if retry_at is None else moment(retry_at),
        None if expires_at is None else moment(expires_at),
    )


def _known(error: Exception) -> Exception:
    """An error as it is told to whoever asked."""
    return _unavailable(error) if isinstance(error, SILENT) else error


def _unavailable(error: Exception) -> UnavailableError:
    lines = str(error).strip().splitlines()
    return UnavailableError(
        f"The limits cannot be counted, the database does not answer: {lines[-1] if lines else type(error).__name__}",
        hint="Run `entrepot doctor`.",
    )
