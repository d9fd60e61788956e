"""The kinds of error that the program reports, each with one HTTP status and one exit code.

A message says what was wrong, where, and what to do. `detail` is the sentence, `hint` is what to do, and `where`
names the place (file and line, field, row) for programs that read the error.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class EntrepotError(Exception):
    """The base of every error that is meant to be read by a user."""

    kind: ClassVar[str] = "bug"
    title: ClassVar[str] = "Something is wrong with entrepot itself"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 70

    def __init__(
        self, detail: str, *, hint: str | None = None, where: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.where = dict(where or {})

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}" if self.hint else self.detail

    def problem(self, instance: str | None = None) -> dict[str, Any]:
        """The error as an RFC 9457 problem object."""
        body: dict[str, Any] = {
            "type": f"urn:entrepot:error:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.hint:
            body["hint"] = self.hint
        if self.where:
            body["where"] = self.where
        if instance:
            body["instance"] = instance
        return body


class InvalidInputError(EntrepotError):
    """What the user gave cannot be used as it is."""

    kind = "invalid-input"
    title = "The input cannot be used"
    status = 422
    exit_code = 2


class NotFoundError(EntrepotError):
    """The thing named does not exist, or not for this tenant."""

    kind = "not-found"
    title = "Not found"
    status = 404
    exit_code = 3


class ConflictError(EntrepotError):
    """The request is valid but the present state does not allow it."""

    kind = "conflict"
    title = "In conflict with the present state"
    status = 409
    exit_code = 4


class ForbiddenError(EntrepotError):
    """The caller is known and may not do this."""

    kind = "forbidden"
    title = "Not allowed"
    status = 403
    exit_code = 5


class UnauthenticatedError(ForbiddenError):
    """The caller is not known, or is known no longer."""

    kind = "unauthenticated"
    title = "Sign in first"
    status = 401


class LimitedError(EntrepotError):
    """Too much, too often; `retry_after` seconds from now it may be tried again."""

    kind = "limited"
    title = "Too many requests"
    status = 429
    exit_code = 6

    def __init__(
        self,
        detail: str,
        *,
        retry_after: float,
        hint: str | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, hint=hint, where=where)
        self.retry_after = retry_after


class UnavailableError(EntrepotError):
    """Something this depends on does not answer now; the same request may succeed later."""

    kind = "unavailable"
    title = "Not available now"
    status = 503
    exit_code = 7
