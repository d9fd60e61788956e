"""The API's own rate limit: `api.requests` of the platform `house`, for each person, told in every answer.

Whoever has shown who they are is charged one request before anything else is done for them. It is a limit like any
other: `entrepot rules` changes it, suspends it, or sets another for some (`{"entity_id": "<user id>"}`).

Two things keep it from costing what it protects. Whoever asks often pays for a few requests ahead, so that most of
theirs ask no database. And where it cannot be counted, requests are let through: a database in trouble has better to
do than to be asked whether it may be asked.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrepot.kit.db import Database
from entrepot.kit.errors import NotFoundError
from entrepot.kit.telemetry import get_logger
from entrepot.kit.web.requests import database
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.limits.answers import Answer
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.headers import POLICY, STATE, rate_limit_headers
from entrepot.marketplace.limits.refusing import refusal
from entrepot.marketplace.limits.resolving import Limits
from entrepot.marketplace.platforms.platforms import find_platform
from entrepot.marketplace.platforms.tables import HOUSE

log = get_logger(__name__)

KEY = "api.requests"
#: How long a request waits to be counted before it is let through.
PATIENCE_SECONDS = 0.5
#: After it could not be counted: how long nobody waits for it again, but one who tries.
PAUSE_SECONDS = 5.0
#: What is paid ahead is good for so long; then it is lost, since it may belong to a window that is over.
AHEAD_SECONDS = 1.0
#: The share of a second's requests that is paid ahead, the most of it, and the least that has to be left of the limit
#: for each: whoever comes near the limit is counted one by one.
AHEAD_SHARE = 0.25
MOST_AHEAD = 16
LEFT_FOR_EACH = 8
#: A window shorter than this is counted one by one: a second more or less would show.
SHORT_WINDOW_SECONDS = 10
#: How many people's purses are kept before the old ones are thrown away.
MOST_PURSES = 10_000
#: Where the fields wait in the request's scope for the head of its answer.
FIELDS = "entrepot.ratelimit"


@dataclass(slots=True)
class _Purse:
    """What a person has paid for and not used, and how often they come."""

    since: float
    came: int = 0
    rate: float = 0.0
    left: int = 0
    paid: float = 0.0
    answer: Answer | None = None
    limits: Limits | None = None

    def come(self, now: float) -> None:
        """One more request; the rate is that of the second before this one, or of this one if it is higher."""
        if now - self.since >= 1:
            self.rate = self.came / (now - self.since)
            self.since, self.came = now, 0
        self.came += 1

    def spend(self, now: float, limits: Limits | None) -> Answer | None:
        """One of those that are paid for; None where there is none, or where another limit may be in force by now."""
        if self.left < 1 or self.answer is None or now - self.paid > AHEAD_SECONDS:
            return None
        if limits is None or limits is not self.limits:
            return None
        self.left -= 1
        return replace(
            self.answer,
            remaining=self.answer.remaining + self.left,
            at=self.answer.at + timedelta(seconds=now - self.paid),
        )

    def wanted(self) -> int:
        """How many to pay for: this one, and those that will probably come before what is paid is lost."""
        if self.answer is None or (self.answer.window_seconds or 0) < SHORT_WINDOW_SECONDS:
            return 1
        ahead = int(max(self.rate, self.came) * AHEAD_SHARE)
        return 1 + min(ahead, MOST_AHEAD, self.answer.remaining // LEFT_FOR_EACH)

    def fill(self, now: float, answer: Answer, limits: Limits | None) -> Answer:
        """Put in what was paid; gives the answer to this request."""
        if now - self.paid > AHEAD_SECONDS or limits is not self.limits:
            self.left = 0
        self.paid, self.answer, self.limits = now, answer, limits
        self.left += answer.amount - 1 if answer.allowed else 0
        return replace(answer, remaining=answer.remaining + self.left)


class RequestMeter:
    """Charges people for their requests; `app.state.charge` is one's `charge`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._house: UUID | None = None
        self._purses: dict[UUID, _Purse] = {}
        self._failing = False
        self._again_at = 0.0

    async def charge(self, request: Request, user_id: UUID) -> None:
        """Count a request of a person. Raises LimitedError, with Retry-After, when they have no more."""
        engines: Engines | None = getattr(request.app.state, "engines", None)
        if engines is None or FIELDS in request.scope:
            return
        request.scope[FIELDS] = {}
        answer = await self._count(database(request), engines.limits, user_id)
        if answer is None:
            return
        request.scope[FIELDS] = rate_limit_headers([answer])
        if not answer.allowed:
            error = refusal(answer)
            error.headers = {}  # they are told with every answer, this one too
            raise error

    async def _count(self, db: Database, limits: LimitEngine, user_id: UUID) -> Answer | None:
        """The answer to one request; None where it is let through uncounted."""
        now = self._clock()
        purse = self._purse(user_id, now)
        purse.come(now)
        if self._house is not None:
            paid = purse.spend(now, limits.known(self._house))
            if paid is not None:
                return paid
        if self._failing:
            if now < self._again_at:
                return None
            self._again_at = now + PAUSE_SECONDS  # this one tries; the others do not wait for it
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await self._pay(db, limits, user_id, purse)
        except Exception as error:  # whatever it is: counting must not be what takes the API down
            self._fail(error)
            return None
        if self._failing:
            self._failing = False
            log.info("requests are counted again", limit=KEY)
        return answer

    async def _pay(self, db: Database, limits: LimitEngine, user_id: UUID, purse: _Purse) -> Answer | None:
        if self._house is None:
            async with db.system() as session:
                self._house = (await find_platform(session, HOUSE)).platform_id
        known = limits.known(self._house)
        # What cannot be told of a change takes nothing ahead, since it could not be used.
        wanted = 1 if known is None else purse.wanted()
        try:
            answer = await limits.consume(self._house, KEY, str(user_id), wanted)
            if not answer.allowed and wanted > 1:
                answer = await limits.consume(self._house, KEY, str(user_id))
        except NotFoundError:
            return None  # the operator has taken the limit away
        return purse.fill(self._clock(), answer, known)

    def _purse(self, user_id: UUID, now: float) -> _Purse:
        purse = self._purses.get(user_id)
        if purse is None:
            if len(self._purses) >= MOST_PURSES:
                self._purses = {who: one for who, one in self._purses.items() if now - one.since < 60}
            purse = self._purses[user_id] = _Purse(since=now)
        return purse

    def _fail(self, error: Exception) -> None:
        self._again_at = self._clock() + PAUSE_SECONDS
        if not self._failing:
            self._failing = True
            log.warning(
                "requests are let through uncounted", limit=KEY, error=str(error) or type(error).__name__
            )


class RateLimitFields:
    """ASGI middleware, the outermost: puts the fields of the request's limit into whatever answer it gets.

    An answer may have fields of its own, of limits that it was about; both fields are lists.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_fields(message: Message) -> None:
            found: dict[str, str] = scope.get(FIELDS) or {}
            if message["type"] == "http.response.start" and found:
                headers = MutableHeaders(scope=message)
                for name in (POLICY, STATE):
                    own = headers.get(name)
                    headers[name] = f"{found[name]}, {own}" if own else found[name]
            await send(message)

        await self.app(scope, receive, send_with_fields)
