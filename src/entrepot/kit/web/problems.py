"""Errors as answers: RFC 9457 problem+json for programs, a page for people."""

from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from entrepot.kit.errors import (
    ConflictError,
    EntrepotError,
    ForbiddenError,
    InvalidInputError,
    LimitedError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from entrepot.kit.telemetry import get_logger
from entrepot.kit.web.rendering import render
from entrepot.kit.web.requests import trace_id, wants_page

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field that cannot be used."""

    field: str = Field(description="Where it is: `query.limit`, `body.path`.")
    message: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:entrepot:error:not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "There is no product 0199f1c2-7a10-7c55-9d31-6a7be2c4c001.",
                    "instance": "/api/v1/products/0199f1c2-7a10-7c55-9d31-6a7be2c4c001",
                    "trace_id": "0199f1c27a107c559d316a7be2c4c0aa",
                }
            ]
        }
    )

    type: str = Field(description="Names the kind of problem.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong this time.")
    instance: str | None = Field(default=None, description="The path that was asked for.")
    trace_id: str = Field(description="Finds this request in the log and in the audit log.")
    hint: str | None = Field(default=None, description="What to do.")
    where: dict[str, Any] | None = Field(default=None, description="The place: file and line, field, row.")
    errors: list[FieldProblem] | None = Field(default=None, description="Every field that cannot be used.")


def responses(*kinds: type[EntrepotError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of the errors that an operation may answer with."""
    return {
        kind.status: {"description": kind.title, "model": Problem, "content": {MEDIA_TYPE: {}}}
        for kind in dict.fromkeys(kinds)
    }


#: What any operation behind authentication may answer with.
GUARDED: tuple[type[EntrepotError], ...] = (
    UnauthenticatedError,
    ForbiddenError,
    InvalidInputError,
    UnavailableError,
)


def problem_of(request: Request, error: Exception) -> dict[str, Any]:
    """The problem object for any exception; what is not meant for users is told to the log only."""
    known = _known(error)
    body = known.problem(request.url.path)
    body["trace_id"] = trace_id(request)
    if isinstance(error, RequestValidationError):
        body["errors"] = [
            {"field": ".".join(str(part) for part in entry["loc"]), "message": entry["msg"]}
            for entry in error.errors()
        ]
    if isinstance(error, HTTPException):
        body["status"] = error.status_code
        body["title"] = HTTPStatus(error.status_code).phrase
        body["type"] = "about:blank" if not isinstance(known, NotFoundError) else body["type"]
    return body


async def answer(request: Request, error: Exception) -> Response:
    """The response for any exception: a page where a browser asks for one, problem+json everywhere else."""
    if isinstance(error, HTTPException) and isinstance(error.__cause__, EntrepotError):
        error = error.__cause__  # the framework wraps what is raised while it reads a body
    body = problem_of(request, error)
    status = body["status"]
    known = _known(error)
    if isinstance(known, UnavailableError):
        log.warning(
            "not available", path=request.url.path, reason=str(error).splitlines()[0] if str(error) else ""
        )
    elif status >= 500:
        log.error("request failed", path=request.url.path, exc_info=error)
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(known, LimitedError):
        headers["retry-after"] = str(max(1, ceil(known.retry_after)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="entrepot"'
    if wants_page(request):
        if status == HTTPStatus.UNAUTHORIZED:
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            target = (
                "/sign-in?" + urlencode({"next": back})
                if request.method == "GET" and back != "/"
                else "/sign-in"
            )
            return RedirectResponse(target, status_code=HTTPStatus.SEE_OTHER)
        await _greet(request)
        return render(
            request,
            "error.html",
            status=status,
            headers=headers,
            section="",
            problem=_shown(body),
            back=_back(request),
        )
    return Response(
        orjson.dumps(body, default=str), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def install(app: FastAPI) -> None:
    """Have every exception that the framework would answer by itself answered here."""
    for kind in (EntrepotError, RequestValidationError, HTTPException, DBAPIError, PoolTimeoutError):
        app.add_exception_handler(kind, answer)


def _known(error: Exception) -> EntrepotError:
    if isinstance(error, EntrepotError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error.errors())
    if isinstance(error, HTTPException):
        return _refused(error)
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | ConnectionError):
        return UnavailableError("The database does not answer now.", hint="Try again in a moment.")
    if isinstance(error, DataError) and any(nul in str(error.orig) for nul in ("NUL", "\\u0000")):
        return InvalidInputError("The request holds a NUL character.", hint="Leave it out.")
    return EntrepotError(
        "An error was met that is not yours.", hint="Give the trace to whoever runs this installation."
    )


def _invalid(errors: Sequence[Any]) -> InvalidInputError:
    places = [".".join(str(part) for part in entry["loc"]) for entry in errors]
    shown = ", ".join(dict.fromkeys(places))
    return InvalidInputError(f"The request cannot be used: {shown}.", where={"fields": places})


def _refused(error: HTTPException) -> EntrepotError:
    detail = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFoundError("There is nothing at this address." if detail == "Not Found" else detail)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow") or (error.headers or {}).get("allow")
        return InvalidInputError(
            "This address does not take that method.", hint=f"It takes {allowed}." if allowed else None
        )
    if error.status_code == HTTPStatus.CONFLICT:
        return ConflictError(detail)
    return InvalidInputError(detail)


async def _greet(request: Request) -> None:
    """Let the application say whose page this is, where the error came before anybody asked."""
    greet = getattr(request.app.state, "greet", None)
    if greet is not None and not hasattr(request.state, "viewer"):
        try:
            await greet(request)
        except (EntrepotError, DBAPIError, PoolTimeoutError, ConnectionError):
            return


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    return {"hint": None, "errors": None, **body}


def _back(request: Request) -> str:
    referrer = request.headers.get("referer", "")
    base = str(request.base_url)
    return "/" + referrer.removeprefix(base) if referrer.startswith(base) else "/"
