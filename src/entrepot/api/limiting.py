"""The API's own rate limit: `api.requests` of the platform `house`, for each person, told in every answer.

Whoever has shown who they are is charged one request, in one round trip, before anything else is done for them. It is a
limit like any other: `entrepot rules` changes it, suspends it, or sets another for some (`{"entity_id": "<user id>"}`).
Where it cannot be counted the request is let through, and the log says so: a database in trouble has better to do than
to be asked whether it may be asked.
"""

import asyncio
from uuid import UUID

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrepot.kit.db import Database
from entrepot.kit.errors import EntrepotError, NotFoundError
from entrepot.kit.telemetry import get_logger
from entrepot.kit.web.requests import database
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.limits.answers import Answer
from entrepot.marketplace.limits.headers import POLICY, STATE, rate_limit_headers
from entrepot.marketplace.limits.refusing import refusal
from entrepot.marketplace.platforms.platforms import find_platform
from entrepot.marketplace.platforms.tables import HOUSE

log = get_logger(__name__)

KEY = "api.requests"
#: How long a request waits to be counted before it is let through.
PATIENCE_SECONDS = 2.0
#: Where the fields wait in the request's scope for the head of its answer.
FIELDS = "entrepot.ratelimit"


class RequestMeter:
    """Charges people for their requests; `app.state.charge` is one's `charge`."""

    def __init__(self) -> None:
        self._house: UUID | None = None

    async def charge(self, request: Request, user_id: UUID) -> None:
        """Count a request of a person. Raises LimitedError, with Retry-After, when they have no more."""
        engines: Engines | None = getattr(request.app.state, "engines", None)
        if engines is None or FIELDS in request.scope:
            return
        request.scope[FIELDS] = {}
        answer = await self._count(database(request), engines, user_id)
        if answer is None:
            return
        request.scope[FIELDS] = rate_limit_headers([answer])
        if not answer.allowed:
            error = refusal(answer)
            error.headers = {}  # they are told with every answer, this one too
            raise error

    async def _count(self, db: Database, engines: Engines, user_id: UUID) -> Answer | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._house is None:
                    async with db.system() as session:
                        self._house = (await find_platform(session, HOUSE)).platform_id
                return await engines.limits.consume(self._house, KEY, str(user_id))
        except NotFoundError:
            return None  # the operator has taken the limit away
        except (EntrepotError, SQLAlchemyError, psycopg.Error, OSError, TimeoutError) as error:
            log.warning(
                "a request was let through uncounted", limit=KEY, error=str(error) or type(error).__name__
            )
            return None


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
