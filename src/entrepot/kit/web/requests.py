"""What an edge needs to know of a request: its trace, where it comes from, whether another site sent it."""

from typing import cast
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from entrepot.kit.db import Database
from entrepot.kit.errors import ForbiddenError
from entrepot.kit.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def database(request: HTTPConnection) -> Database:
    """The database of the application."""
    return cast(Database, request.app.state.database)


def settings_of(request: HTTPConnection) -> Settings:
    """The settings of the application."""
    return cast(Settings, request.app.state.settings)


def trace_id(request: HTTPConnection) -> str:
    """The identifier that the answer, the log and the audit log carry for this request."""
    return cast(str, request.scope.get("entrepot.trace_id", ""))


def client_address(request: HTTPConnection) -> str | None:
    """The address of the peer; behind a proxy, the server in front of the application has put the client's there."""
    return request.client.host if request.client else None


def user_agent(request: HTTPConnection) -> str | None:
    """The program that sent the request, cut to what is worth keeping."""
    return request.headers.get("user-agent", "")[:300] or None


def is_secure(request: HTTPConnection) -> bool:
    """Whether the request came over TLS."""
    return request.url.scheme == "https"


def wants_page(request: HTTPConnection) -> bool:
    """Whether a person's browser asks, so that an error is answered with a page."""
    return not request.url.path.startswith(("/api/", "/health/")) and "text/html" in request.headers.get(
        "accept", ""
    )


def local_path(value: str | None, default: str = "/") -> str:
    """The path to go on to, when it is one of this site; `//host` and `/\\host` would lead away."""
    if (
        not value
        or not value.startswith("/")
        or value[1:2] in ("/", "\\")
        or any(ord(char) < 32 for char in value)
    ):
        return default
    return value


def web_address(url: str | None) -> str | None:
    """The address, if a browser may go there: what a shop's file calls one may be `javascript:` as well."""
    return url if url and url.lower().startswith(("https://", "http://")) else None


def check_origin(request: HTTPConnection) -> None:
    """Raise ForbiddenError when a browser says that another site made it send this request."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise ForbiddenError(
            "Another site sent this request.", hint="Open the page here and send the form from it."
        )
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForbiddenError(
            f"The request came from {origin}, which is not this site.",
            hint="Open the page here and send the form from it.",
        )
