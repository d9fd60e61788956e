"""The record of every call to an outside service."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from entrepot.kit.db import Database
from entrepot.kit.telemetry import redact_text
from entrepot.mirakl.failures import queries
from entrepot.mirakl.failures.outcomes import Outcome
from entrepot.mirakl.failures.redacting import bounded, redacted, redacted_xml


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


class CallRecorder:
    """Writes calls down, each in a transaction of its own: what was said outside is kept whatever becomes of the rest."""

    def __init__(self, db: Database, account_id: UUID, *, trace_id: str | None = None) -> None:
        self._db = db
        self._account_id = account_id
        self._trace_id = trace_id

    async def record(self, call: Call) -> None:
        """Write one call down, redacted and bounded."""
        async with self._db.tenant(account_id=self._account_id, trace_id=self._trace_id) as session:
            await queries.insert_call(session, row(call, self._account_id, self._trace_id))


def row(call: Call, account_id: UUID, trace_id: str | None) -> Mapping[str, Any]:
    """The call as it is stored."""
    request = call.request
    if isinstance(request, str):
        request = {"xml": bounded(redacted_xml(request))} if request else None
    elif request is not None:
        request = redacted(request)
        written = orjson.dumps(request, default=str)
        if len(written) > 16 * 1024:
            request = {"shortened": bounded(written.decode())}
    return {
        "account_id": account_id,
        "timestamp": call.at,
        "service": call.service,
        "operation": call.operation,
        "method": call.method,
        "endpoint": redact_text(call.endpoint),
        "related_id": call.related_id,
        "request_payload": None if request is None else orjson.dumps(request, default=str).decode(),
        "response_body": None if call.response is None else bounded(_readable(call.response)),
        "response_bytes": call.response_bytes,
        "status_code": call.status,
        "is_success": call.outcome is Outcome.DONE,
        "outcome": call.outcome.value,
        "duration_ms": call.duration_ms,
        "trace_id": trace_id,
    }


def _readable(answer: str) -> str:
    """An answer without personal data; NUL characters, which PostgreSQL cannot hold, are shown."""
    answer = answer.replace("\0", "\N{SYMBOL FOR NULL}")
    try:
        return orjson.dumps(redacted(orjson.loads(answer))).decode()
    except orjson.JSONDecodeError:
        return redacted_xml(answer)
