"""What every stand-in is told by under /sandbox: its clock, its misbehavior, the calls that came."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entrepot.sandbox.misbehaving import Misbehavior
from entrepot.sandbox.operating import Desk, Limit, Refusal, told_json

Handler = Callable[[Request], Awaitable[Response]]


def told_errors(handler: Handler) -> Handler:
    """The handler, its refusals and what it cannot read answered in JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            return told_json({"status": refusal.status, "message": refusal.message}, refusal.status)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # It was told something of another shape than it takes.
            message = f"{type(error).__name__}: {error}"
            return told_json({"status": 400, "message": message}, 400)

    return answer


async def given_object(request: Request) -> dict[str, Any]:
    """The body as an object, empty where there is none; Refusal 400 for another."""
    body = await request.body()
    try:
        found = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"The body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refusal(400, "The body has to be an object.")
    return found


def common_controls(desk: Desk, settle: Callable[[], None]) -> Sequence[Route]:
    """The routes that both stand-ins have."""

    async def show_clock(request: Request) -> Response:
        return told_json({"now": desk.clock().isoformat()})

    async def move_clock(request: Request) -> Response:
        given = await given_object(request)
        if "now" in given:
            moment = datetime.fromisoformat(given["now"])
            desk.clock.stand_at(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
        else:
            desk.clock.advance(timedelta(seconds=float(given.get("advance_seconds", 0))))
        settle()
        return told_json({"now": desk.clock().isoformat()})

    async def show_misbehavior(request: Request) -> Response:
        return told_json(desk.misbehavior.as_json())

    async def set_misbehavior(request: Request) -> Response:
        desk.misbehavior = Misbehavior.read(await given_object(request))
        return told_json(desk.misbehavior.as_json())

    async def set_limits(request: Request) -> Response:
        given = await given_object(request)
        desk.limits = {
            operation: Limit(int(limit["calls"]), timedelta(seconds=float(limit["seconds"])))
            for operation, limit in given.items()
        }
        return Response(status_code=204)

    async def show_calls(request: Request) -> Response:
        wanted = request.query_params.get("operation")
        counted: dict[str, dict[str, int]] = {}
        for (operation, status), count in desk.statuses.items():
            counted.setdefault(operation, {})[str(status or "none")] = count
        latest = [
            {
                "at": call.at.isoformat(),
                "operation": call.operation,
                "method": call.method,
                "path": call.path,
                "behavior": call.behavior,
                "status": call.status,
            }
            for call in desk.calls
            if wanted in (None, call.operation)
        ]
        return told_json({"by_operation": dict(desk.counts), "by_status": counted, "calls": latest})

    routes = (
        ("/sandbox/clock", "GET", show_clock),
        ("/sandbox/clock", "POST", move_clock),
        ("/sandbox/misbehavior", "GET", show_misbehavior),
        ("/sandbox/misbehavior", "POST", set_misbehavior),
        ("/sandbox/limits", "POST", set_limits),
        ("/sandbox/calls", "GET", show_calls),
    )
    return [Route(path, told_errors(handler), methods=[method]) for path, method, handler in routes]
