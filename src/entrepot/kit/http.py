"""The one HTTP client: bounded in time, named to the other side, retrying only what may be sent twice.

async with http_client(base_url="https://example.myshopify.com") as client:
    response = await client.get("/admin/api/2025-10/shop.json")
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

import httpx

from entrepot import __version__
from entrepot.kit.clock import now

#: Methods that have the effect of once however often they are sent (RFC 9110, 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
#: Answers that say "not now".
TRANSIENT = frozenset({429, 502, 503, 504})
USER_AGENT = f"entrepot/{__version__}"

Sleep = Callable[[float], Awaitable[None]]


class RetryingTransport(httpx.AsyncBaseTransport):
    """Sends an idempotent request again after a lost connection or a transient answer, with exponential backoff.

    What is not idempotent is sent once: whether it took effect must be settled by reading, never by sending it again.
    A request to which connecting failed was not sent, so it may be tried again whatever its method.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        attempts: int = 3,
        backoff: float = 0.5,
        longest: float = 30.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._attempts = attempts
        self._backoff = backoff
        self._longest = longest
        self._sleep = sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to the request, the last one when every attempt was answered "not now"."""
        # A streamed body is gone after the first attempt.
        repeatable = request.method in IDEMPOTENT and isinstance(request.stream, httpx.ByteStream)
        attempt = 1
        while True:
            try:
                response = await self._transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if attempt >= self._attempts or not isinstance(request.stream, httpx.ByteStream):
                    raise
                wait = self._pause(attempt)
            except httpx.TransportError:
                if attempt >= self._attempts or not repeatable:
                    raise
                wait = self._pause(attempt)
            else:
                if attempt >= self._attempts or not repeatable or response.status_code not in TRANSIENT:
                    return response
                asked = retry_after(response.headers)
                if asked is not None and asked > self._longest:
                    return response
                wait = asked if asked is not None else self._pause(attempt)
                await response.aclose()
            await self._sleep(wait)
            attempt += 1

    def _pause(self, attempt: int) -> float:
        # Full jitter: those who failed together do not come back together.
        return random.uniform(0, min(self._longest, self._backoff * 2 ** (attempt - 1)))  # noqa: S311

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks for, given as a number or a date; None without a usable one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # A date without a zone is meant in UTC (RFC 9110, 5.6.7).
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now()).total_seconds())


def http_client(
    *,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    attempts: int = 3,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """A client for one outside service; `timeout` in seconds bounds each read, connecting is bounded to 10.

    Redirects are not followed: a service that moves is a fact to see, and a token must not travel to another host.
    """
    inner = transport or httpx.AsyncHTTPTransport(
        verify=_certificates(), limits=httpx.Limits(max_connections=50, max_keepalive_connections=10)
    )
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"user-agent": USER_AGENT, **(headers or {})},
        timeout=httpx.Timeout(timeout, connect=min(10.0, timeout)),
        transport=RetryingTransport(inner, attempts=attempts),
        follow_redirects=False,
    )


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Whom to trust; read once, since reading it takes longer than a call, and clients are made by the minute."""
    return httpx.create_ssl_context()
