"""The record of every call to an outside service.

What was said outside is written down in transactions of its own, so that it is kept whatever becomes of the rest; and
a record never fails the caller. Calls of an account that are made side by side are written together. What the database
does not take is kept and written with the next, and what cannot be kept either goes to the log, redacted as it is.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy.exc import DataError, IntegrityError

from entrepot.kit.db import Database
from entrepot.kit.telemetry import get_logger, redact_text
from entrepot.mirakl.failures import queries
from entrepot.mirakl.failures.outcomes import Outcome
from entrepot.mirakl.failures.plain import plain, plain_json, plain_text
from entrepot.mirakl.failures.redacting import (
    BOUND,
    bounded,
    redacted,
    redacted_answer,
    redacted_url,
    without,
)

log = get_logger(__name__)
#: Calls that are kept in the process while the database takes none.
KEPT = 10_000
#: What the database says of a record that it will never take; anything else may pass.
REFUSED = (DataError, IntegrityError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it was made; `request` is JSON data, XML text or None, `response` the text of the answer."""

    at: datetime
    service: str
    operation: str
    method: str
    endpoint: str
    outcome: Outcome
    status: int | None = None
    related_id: str | None = None
    request: Any = None
    response: str | None = None
    response_bytes: int | None = None
    duration_ms: int | None = None


class _Book:
    """The calls of one account that are not written yet."""

    def __init__(self, db: Database, account_id: UUID) -> None:
        self._db = db
        self._account_id = account_id
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._writing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, row: Mapping[str, Any]) -> None:
        if len(self._waiting) >= KEPT:
            _to_log(self._waiting.popleft(), "too many calls wait to be recorded")
        self._waiting.append(row)

    async def write(self) -> None:
        """Write what waits; whoever comes meanwhile finds theirs written, or writes it next."""
        async with self._writing:
            batch = list(self._waiting)
            if not batch:
                return
            try:
                await self._insert(batch)
            except REFUSED:
                await self._insert_each(batch)
            for _ in batch:
                self._waiting.popleft()

    def take(self) -> list[Mapping[str, Any]]:
        """Take out what waits."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    async def _insert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        async with self._db.tenant(account_id=self._account_id) as session:
            await queries.insert_calls(session, rows)

    async def _insert_each(self, batch: Sequence[Mapping[str, Any]]) -> None:
        """One by one: a record that the database refuses does not keep the others from being written."""
        for row in batch:
            try:
                await self._insert([row])
            except REFUSED as error:
                _to_log(row, _first_line(error))


_BOOKS: "WeakKeyDictionary[Database, dict[UUID, _Book]]" = WeakKeyDictionary()

#: The loop itself holds tasks weakly.
_SETTLING: set[asyncio.Task[None]] = set()


class CallRecorder:
    """Writes the calls of one account down; as many as like may be made for an account. `secrets` occur in no record."""

    def __init__(
        self, db: Database, account_id: UUID, *, trace_id: str | None = None, secrets: Sequence[str] = ()
    ) -> None:
        books = _BOOKS.setdefault(db, {})
        self._book = books.setdefault(account_id, _Book(db, account_id))
        self._account_id = account_id
        self._trace_id = trace_id
        self._secrets = tuple(secret for secret in secrets if secret)

    async def record(self, call: Call) -> None:
        """Write one call down, redacted and bounded; it is written when this returns, unless the database is away."""
        self.note(call)
        await self.settle()

    def note(self, call: Call) -> None:
        """Keep a call to be written by the next `settle`."""
        self._book.put(row(call, self._account_id, self._trace_id, self._secrets))

    async def settle(self) -> None:
        """Write what was noted. A database that does not take it fails nobody: the next one tries again."""
        try:
            # Shielded: a caller that is cancelled would leave it open whether the batch was written.
            await asyncio.shield(asyncio.ensure_future(self._book.write()))
        except Exception as error:
            log.warning("calls not recorded yet", waiting=len(self._book), error=_first_line(error))

    def settle_soon(self) -> None:
        """Have what is noted next written without being waited for: the caller is being cancelled."""
        task = asyncio.get_running_loop().create_task(self.settle())
        _SETTLING.add(task)
        task.add_done_callback(_SETTLING.discard)


async def settle_all(db: Database) -> int:
    """Write what is left of every account before a process ends; how many could not be, which go to the log."""
    lost = 0
    for book in _BOOKS.get(db, {}).values():
        try:
            await book.write()
        except Exception as error:
            for kept in book.take():
                _to_log(kept, _first_line(error))
                lost += 1
    return lost


def row(
    call: Call, account_id: UUID, trace_id: str | None = None, secrets: Sequence[str] = ()
) -> Mapping[str, Any]:
    """The call as it is stored. Never raises: what cannot be written down as it is, is described."""
    try:
        request, response = _request(call.request, secrets), _response(call.response, secrets)
    except Exception as error:
        log.warning("a call cannot be shown", operation=call.operation, error=str(error))
        request, response = None, f"[it cannot be shown: {type(error).__name__}]"
    return {
        "account_id": account_id,
        "timestamp": call.at,
        "service": plain_text(call.service)[:50],
        "operation": plain_text(call.operation)[:20],
        "method": call.method[:10],
        "endpoint": bounded(without(redacted_url(plain_text(call.endpoint)), secrets), 4000),
        "related_id": None
        if call.related_id is None
        else without(plain_text(call.related_id), secrets)[:255],
        "request_payload": request,
        "response_body": response,
        "response_bytes": call.response_bytes,
        "status_code": call.status,
        "is_success": call.outcome is Outcome.DONE,
        "outcome": call.outcome.value,
        "duration_ms": call.duration_ms,
        "trace_id": trace_id,
    }


def _request(request: Any, secrets: Sequence[str]) -> str | None:
    if request is None or request == "":
        return None
    if isinstance(request, str):
        kept: Any = {"xml": bounded(without(redacted_answer(plain_text(request)), secrets))}
        return plain_json(kept)
    shown = plain(request)
    size = len(orjson.dumps(shown))
    written = without(plain_json(redacted(shown)), secrets)
    if size <= BOUND and len(written.encode()) <= BOUND:
        return written
    return plain_json({"shortened": bounded(written, size=size)})


def _response(response: str | None, secrets: Sequence[str]) -> str | None:
    if response is None:
        return None
    shown = without(redacted_answer(plain_text(response)), secrets)
    size = len(response.encode(errors="replace"))
    return bounded(shown, size=size if size > BOUND else None)


def _first_line(error: Exception) -> str:
    # What follows are the statement and its values.
    return str(error).partition("\n")[0]


def _to_log(row: Mapping[str, Any], reason: str) -> None:
    log.error(
        "call not recorded", reason=redact_text(reason), **{name: str(value) for name, value in row.items()}
    )
