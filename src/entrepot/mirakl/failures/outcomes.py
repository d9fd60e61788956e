"""What became of a call to an outside service, and what that allows.

Done: it did what was asked. Transient: it did not, and may when asked again. Permanent: it did not and never will
like this. Unknown: nobody can tell; what is not idempotent must be settled by reading the service, never by calling
again.
"""

from enum import StrEnum
from typing import Any

import httpx

#: Answers that say "not now"; the request had no effect.
NOT_NOW = frozenset({408, 425, 429, 503})
#: Answers after which nobody knows whether the request had an effect.
WHO_KNOWS = frozenset({500, 502, 504})


class Outcome(StrEnum):
    """What became of a call."""

    DONE = "done"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class ServiceError(Exception):
    """An outside service did not do what was asked, or nobody knows whether it did."""

    def __init__(
        self,
        details: str,
        *,
        outcome: Outcome,
        service: str,
        operation: str,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        answer: Any = None,
    ) -> None:
        super().__init__(details)
        self.details = details
        self.outcome = outcome
        self.service = service
        self.operation = operation
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.answer = answer

    def __str__(self) -> str:
        return f"{self.service} {self.operation}: {self.details}"


def of_status(status: int, *, idempotent: bool) -> Outcome:
    """What an HTTP status means for a request; `idempotent`: sent twice it has the effect of once (RFC 9110, 9.2.2)."""
    if 200 <= status < 300:
        return Outcome.DONE
    if status in NOT_NOW:
        return Outcome.TRANSIENT
    if status in WHO_KNOWS or status >= 500:
        return Outcome.TRANSIENT if idempotent else Outcome.UNKNOWN
    return Outcome.PERMANENT


def of_exception(error: httpx.RequestError, *, idempotent: bool) -> Outcome:
    """What a broken connection means: a request that was never sent is transient, one without an answer is unknown."""
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return Outcome.TRANSIENT if never_sent or idempotent else Outcome.UNKNOWN
