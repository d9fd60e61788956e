"""One call to an outside service: bounded in time, paced, recorded, and ended in one of four outcomes.

    caller = Caller("CanadaPost", client, recorder, pace=pace_of(("CanadaPost", account_id)))
    response = await caller.send("CreateShipment", "POST", path, content=xml, said=xml, related=order_id)

Nothing is sent twice and nothing is slept here: what may be tried again is tried when it is due, by whoever works then.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from entrepot.kit.clock import now
from entrepot.kit.http import retry_after
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError, of_exception, of_status
from entrepot.mirakl.failures.pacing import Pace
from entrepot.mirakl.failures.recording import Call, CallRecorder

T = TypeVar("T")
#: Seconds that a call may take from end to end; the client bounds each read by itself.
LONGEST_CALL = 60.0
#: Seconds for which a service may keep us from calling; whoever says more means something else.
LONGEST_HOLD = 24 * 3600.0
#: Bytes of an answer that are read; a page of orders has half a million.
LARGEST = 32 * 1024 * 1024
#: What an answer that came but cannot be used has for a beginning, in the words of the error.
UNUSABLE = "The answer cannot be used"


class Caller:
    """Makes the calls to one account of a service.

    `explain` gives the words and the code that the service itself has for a refusal.
    """

    def __init__(
        self,
        service: str,
        client: httpx.AsyncClient,
        recorder: CallRecorder,
        *,
        pace: Pace | None = None,
        explain: "Callable[[httpx.Response], tuple[str | None, str | None]] | None" = None,
    ) -> None:
        self.service = service
        self._client = client
        self._recorder = recorder
        self._pace = pace or Pace()
        self._explain = explain

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        idempotent: bool | None = None,
        related: str | None = None,
        said: Any = None,
        read: "Callable[[httpx.Response], T]",
        **request: Any,
    ) -> T:
        """Make one call and give what `read` makes of the answer.

        `idempotent`: sent twice it has the effect of once; only reading is, unless it is said. `said`: what is
        recorded of the request where it is not `json`. `read` raises ValueError for an answer that it cannot use.
        Raises ServiceError, which says whether the call may be made again.
        """
        repeatable = method in ("GET", "HEAD") if idempotent is None else idempotent
        early = self._pace.wait(operation)
        if early is not None:
            raise self._error(
                operation,
                f"It is not called for another {early:.0f} seconds: it has had the calls that it takes.",
                Outcome.TRANSIENT,
                after=early,
            )
        at, began = now(), time.perf_counter()
        outcome, status, body, error = Outcome.UNKNOWN, None, None, None
        found: T | None = None
        try:
            async with asyncio.timeout(LONGEST_CALL):
                response = await self._exchange(method, path, **request)
            status, body = response.status_code, response
            outcome = of_status(status, idempotent=repeatable)
            if outcome is Outcome.DONE:
                try:
                    found = read(response)
                except ValueError as unusable:
                    outcome = Outcome.TRANSIENT if repeatable else Outcome.UNKNOWN
                    error = self._error(operation, f"{UNUSABLE}: {unusable}", outcome, status=status)
            else:
                error = self._refused(operation, response, outcome)
        except httpx.RequestError as broken:
            outcome = of_exception(broken, idempotent=repeatable)
            said_by_it = f"{type(broken).__name__}: {broken}" if str(broken) else type(broken).__name__
            error = self._error(operation, f"{said_by_it}.", outcome)
        except asyncio.CancelledError:
            self._recorder.settle_soon()
            raise
        except TimeoutError:
            outcome = Outcome.TRANSIENT if repeatable else Outcome.UNKNOWN
            error = self._error(
                operation, f"There was no whole answer within {LONGEST_CALL:.0f} seconds.", outcome
            )
        finally:
            # Also when the caller is cancelled in the middle: then nobody knows whether it was done.
            call = Call(
                at=at,
                service=self.service,
                operation=operation,
                method=method,
                endpoint=_endpoint(self._client, path, request.get("params")),
                outcome=outcome,
                status=status,
                related_id=related,
                request=said if said is not None else request.get("json"),
                response=_text(body) if body is not None else error.details if error else None,
                response_bytes=None if body is None else len(body.content),
                duration_ms=round((time.perf_counter() - began) * 1000),
            )
            self._recorder.note(call)
        await self._recorder.settle()
        if error is not None:
            raise error
        return found  # type: ignore[return-value]  # read, since there is no error

    async def _exchange(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer with its body, read no further than may be."""
        async with self._client.stream(method, path, **request) as response:
            data = bytearray()
            async for part in response.aiter_bytes():
                data += part
                if len(data) > LARGEST:
                    raise httpx.ReadError(f"the answer is larger than {LARGEST:,} bytes")
        # The body is decoded already.
        kept = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return httpx.Response(
            response.status_code, headers=kept, content=bytes(data), request=response.request
        )

    def _refused(self, operation: str, response: httpx.Response, outcome: Outcome) -> ServiceError:
        after = retry_after(response.headers)
        if after is not None:
            after = min(after, LONGEST_HOLD)
            if outcome is Outcome.TRANSIENT:
                self._pace.hold(operation, after)
        words, code = self._explain(response) if self._explain else (None, None)
        said = f"HTTP {response.status_code}"
        return self._error(
            operation,
            f"{said}: {words}" if words else f"{said}.",
            outcome,
            status=response.status_code,
            code=code,
            after=after,
        )

    def _error(
        self,
        operation: str,
        details: str,
        outcome: Outcome,
        *,
        status: int | None = None,
        code: str | None = None,
        after: float | None = None,
    ) -> ServiceError:
        return ServiceError(
            details,
            outcome=outcome,
            service=self.service,
            operation=operation,
            status=status,
            code=code,
            retry_after=after,
        )


def _endpoint(client: httpx.AsyncClient, path: str, params: Mapping[str, Any] | None) -> str:
    address = path if path.startswith(("http:", "https:")) else f"{client.base_url}{path.lstrip('/')}"
    return f"{address}?{httpx.QueryParams(dict(params))}" if params else address


def _text(response: httpx.Response) -> str:
    kind = response.headers.get("content-type", "")
    if kind.startswith(("application/pdf", "application/octet-stream", "image/")):
        return f"[{kind.partition(';')[0]}, {len(response.content)} bytes]"
    return response.text
