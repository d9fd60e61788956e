"""A stand-in's operations: each call is counted, limited, let in, and done as documented, or not.

A service says what it does: how it lets callers in, what its errors look like, what it can be told to spoil.
"""

import asyncio
import math
import zlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import orjson
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from entrepot.sandbox.misbehaving import Behavior, Misbehavior
from entrepot.sandbox.moving import MovableClock
from entrepot.sandbox.serving import cut

#: Calls that are remembered one by one; all are counted.
REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls an operation takes in a time."""

    calls: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Call:
    """A call that came, and what became of it; the status is None where no answer was given."""

    at: datetime
    operation: str
    method: str
    path: str
    behavior: Behavior
    status: int | None


@dataclass(slots=True)
class Desk:
    """What every stand-in has beside its own state: a clock, its misbehavior, its limits, the calls that came."""

    clock: MovableClock = field(default_factory=MovableClock)
    misbehavior: Misbehavior = field(default_factory=Misbehavior)
    limits: dict[str, Limit] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _taken: dict[str, deque[datetime]] = field(default_factory=dict)

    def over_limit(self, operation: str) -> int | None:
        """Seconds to wait where an operation has had its calls; None where this one is taken."""
        limit = self.limits.get(operation)
        if limit is None:
            return None
        now = self.clock()
        taken = self._taken.setdefault(operation, deque())
        while taken and taken[0] <= now - limit.per:
            taken.popleft()
        if len(taken) >= limit.calls:
            return max(1, math.ceil((taken[0] + limit.per - now).total_seconds()))
        taken.append(now)
        return None

    def note(self, call: Call) -> None:
        """Remember a call."""
        self.counts[call.operation] += 1
        self.statuses[call.operation, call.status] += 1
        self.calls.append(call)


class Refusal(Exception):  # noqa: N818 -- an answer, not a fault
    """Ends an operation with an answer that says what was wrong."""

    def __init__(self, status: int, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


class Service(Protocol):
    """What a stand-in does in its own way."""

    @property
    def desk(self) -> Desk:
        """Its clock, misbehavior, limits and calls."""
        ...

    def settle(self) -> None:
        """Let everything happen that was due by now."""
        ...

    def may_enter(self, request: Request) -> bool:
        """Whether the caller showed the right key."""
        ...

    def refuse(self, status: int, message: str, code: str = "") -> Response:
        """An error, as the service writes them."""
        ...

    def spoil(self, response: Response, behavior: Behavior) -> Response:
        """The answer, spoiled in the way that was chosen (twice, garbage, wrong label)."""
        ...


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A documented operation: its name, where it is, and what does it."""

    name: str
    method: str
    path: str
    handler: Handler


def application(service: Service, operations: Iterable[Operation], controls: Iterable[Route]) -> Starlette:
    """The stand-in as a web application: its operations, and what it is told by under /sandbox."""
    routes = [
        *(Route(one.path, _endpoint(service, one), methods=[one.method]) for one in operations),
        *controls,
        Route("/{path:path}", _unknown(service), methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
    ]
    return Starlette(routes=routes)


def _unknown(service: Service) -> Handler:
    async def answer(request: Request) -> Response:
        at = service.desk.clock()
        service.desk.note(Call(at, "unknown", request.method, request.url.path, Behavior.PLAIN, 404))
        return service.refuse(404, f"There is no {request.method} {request.url.path}.")

    return answer


def _endpoint(service: Service, operation: Operation) -> Handler:
    async def answer(request: Request) -> Response:
        desk = service.desk
        try:
            # All of it, before anything is done: a caller who went away halfway asked for nothing.
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=499)
        behavior = desk.misbehavior.choose(operation.name, _subject(request, body))
        if desk.misbehavior.latency_ms:
            await asyncio.sleep(desk.misbehavior.latency_ms / 1000)
        if behavior is Behavior.SLOW:
            await asyncio.sleep(desk.misbehavior.slow_ms / 1000)
        service.settle()
        response = await _outcome(service, operation, request, behavior)
        lost = behavior in (Behavior.TIMEOUT_AFTER, Behavior.TIMEOUT_BEFORE, Behavior.HANG_AFTER)
        status = None if lost else response.status_code
        desk.note(Call(desk.clock(), operation.name, request.method, request.url.path, behavior, status))
        if behavior is Behavior.HANG_AFTER:
            await _gone(request)
        elif lost:
            await cut(request)
        return response

    return answer


async def _outcome(service: Service, operation: Operation, request: Request, behavior: Behavior) -> Response:
    if not service.may_enter(request):
        return service.refuse(401, "Unauthorized")
    wait = service.desk.over_limit(operation.name)
    if wait is not None:
        response = service.refuse(429, f"Too many calls of {operation.name}; come back in {wait} s.")
        response.headers["retry-after"] = str(wait)
        return response
    if behavior is Behavior.FAIL:
        return service.refuse(503, "The service is not available.")
    if behavior is Behavior.TIMEOUT_BEFORE:
        return Response(status_code=504)
    try:
        response = await operation.handler(request)
    except Refusal as refusal:
        return service.refuse(refusal.status, refusal.message, refusal.code)
    if behavior in (Behavior.TWICE, Behavior.GARBAGE, Behavior.WRONG_LABEL):
        return service.spoil(response, behavior)
    return response


def _subject(request: Request, body: bytes) -> str:
    """What a call is about; of a form not what it holds, which is parted differently each time."""
    about = f"{request.url.path}?{request.url.query}"
    if body and not request.headers.get("content-type", "").startswith("multipart/"):
        return f"{about} {zlib.crc32(body)}"
    return about


async def _gone(request: Request) -> None:
    while not await request.is_disconnected():  # noqa: ASYNC110 -- the server tells it in no other way
        await asyncio.sleep(0.02)


def told_json(found: object, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(orjson.dumps(found), status_code=status, media_type="application/json")


async def form_of(request: Request, largest: int = 8_000_000) -> FormData:
    """The parts of a multipart form; Refusal 400 for a body that is none."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal(415, "The body has to be a multipart form.")
    try:
        return await request.form(max_part_size=largest)
    except Exception as error:
        raise Refusal(400, f"The form cannot be read: {error}") from error
