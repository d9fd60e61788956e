"""Server-sent events: progress to a page that is open, and to programs that wait."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import StreamingResponse

MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; `data` goes as JSON."""

    name: str
    data: Any
    id: str | None = None

    def encoded(self) -> bytes:
        """The event on the wire."""
        lines = [f"event: {self.name}".encode(), b"data: " + orjson.dumps(self.data, default=str)]
        if self.id is not None:
            lines.insert(0, f"id: {self.id}".encode())
        return b"\n".join(lines) + b"\n\n"


#: Keeps proxies from closing a quiet stream.
KEEP_ALIVE = b": still here\n\n"


def event_stream(
    events: AsyncIterator[ServerEvent | None], *, retry_milliseconds: int = 2000
) -> StreamingResponse:
    """A response that sends events as they come; None sends a sign of life."""

    async def body() -> AsyncIterator[bytes]:
        yield f"retry: {retry_milliseconds}\n\n".encode()
        async for event in events:
            yield KEEP_ALIVE if event is None else event.encoded()

    return StreamingResponse(
        body(), media_type=MEDIA_TYPE, headers={"cache-control": "no-store", "x-accel-buffering": "no"}
    )
