"""The outermost layer of the application: trace, security headers, log line, and the last net under an exception."""

import re
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.telemetry import bound, get_logger, new_trace_id

log = get_logger(__name__)

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = "0" * 32

#: Nothing from elsewhere but pictures of products; no script or style inside a page.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' https: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
HSTS = "max-age=31536000; includeSubDomains"

#: Longest body of a request; nothing but a file is longer, and files go to disk as they come.
LONGEST_BODY = 1 << 20

Answer = Callable[[Request, Exception], Awaitable[Any]]


class TooLargeError(InvalidInputError):
    """A request whose body nobody wants to hold in memory."""

    kind = "too-large"
    title = "The request is too large"
    status = 413


class Edge:
    """ASGI middleware.

    `answer` makes the response for an exception that nothing below has handled; `uploads` are the paths whose bodies
    may be of any length.
    """

    def __init__(self, app: ASGIApp, answer: Answer, uploads: Collection[str] = ()) -> None:
        self.app = app
        self.answer = answer
        self.uploads = frozenset(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        trace = _trace(request.headers.get("traceparent"))
        scope["entrepot.trace_id"] = trace
        scope["entrepot.cookies"] = []
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = trace
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers["strict-transport-security"] = HSTS
                headers.setdefault("cache-control", "no-store")
                for cookie in scope["entrepot.cookies"]:
                    headers.append("set-cookie", cookie)
            await send(message)

        with bound(trace_id=trace):
            try:
                taken = receive if scope["path"] in self.uploads else _measured(receive)
                await self.app(scope, taken, send_with_headers)
            except Exception as error:
                if status:  # the head of the answer has gone; all that is left is to break off
                    log.exception("answer broke off", method=scope["method"], path=scope["path"])
                    raise
                response = await self.answer(request, error)
                await response(scope, receive, send_with_headers)
            finally:
                if not scope["path"].startswith(("/static/", "/health/")):
                    log.info(
                        "request",
                        method=scope["method"],
                        path=scope["path"],
                        status=status,
                        milliseconds=round((time.perf_counter() - started) * 1000, 1),
                    )


def set_cookie(request: Request, header: str) -> None:
    """Have the answer to this request carry a cookie, whoever makes that answer."""
    request.scope["entrepot.cookies"].append(header)


def _measured(receive: Receive) -> Receive:
    length = 0

    async def receive_measured() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > LONGEST_BODY:
            raise TooLargeError(f"The body is longer than {LONGEST_BODY:,} bytes.")
        return message

    return receive_measured


def _trace(traceparent: str | None) -> str:
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return found[1] if found and found[1] != _NO_TRACE else new_trace_id()
