"""What the invented carrier is told by, and shows of itself, under /sandbox."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entrepot.sandbox.canadapost.shipments import CanadaPostState, Event, Shipment
from entrepot.sandbox.controlling import common_controls, given_object, told_errors
from entrepot.sandbox.operating import Refusal, told_json


def controls(state: CanadaPostState) -> Sequence[Route]:
    """The routes under /sandbox."""
    own = (
        ("/sandbox/labels", "GET", _labels),
        ("/sandbox/labels/{pin}", "GET", _label),
        ("/sandbox/transmit", "POST", _transmit),
        ("/sandbox/labels/{pin}/events", "POST", _happen),
    )
    routes = [
        Route(path, told_errors(partial(handler, state)), methods=[method]) for path, method, handler in own
    ]
    return [*common_controls(state.desk, lambda: None), *routes]


def bought(state: CanadaPostState) -> dict[str, list[dict[str, Any]]]:
    """Labels bought by the customer's reference: more than one that is neither void nor refunded was bought twice."""
    found: dict[str, list[dict[str, Any]]] = {}
    for shipment in state.all():
        found.setdefault(shipment.reference or "", []).append(_shown(state, shipment))
    return found


def duplicated(state: CanadaPostState) -> list[str]:
    """References with more than one label that is neither void nor to be refunded."""
    live: dict[str, int] = {}
    for shipment in state.all():
        if shipment.voided is None and shipment.ticket is None and shipment.reference:
            live[shipment.reference] = live.get(shipment.reference, 0) + 1
    return sorted(reference for reference, count in live.items() if count > 1)


def _shown(state: CanadaPostState, shipment: Shipment) -> dict[str, Any]:
    status = "transmitted" if state.is_transmitted(shipment) else "created"
    return {
        "shipment_id": shipment.shipment_id,
        "request_id": shipment.request_id,
        "tracking_pin": shipment.pin,
        "status": "void" if shipment.voided else "refund_requested" if shipment.ticket else status,
        "created": shipment.created.isoformat(),
        "due_cents": shipment.cents()["due"],
        "downloads": shipment.artifacts,
    }


async def _labels(state: CanadaPostState, request: Request) -> Response:
    found = bought(state)
    wanted = request.query_params.get("reference")
    if wanted is not None:
        found = {wanted: found.get(wanted, [])}
    count = sum(len(one) for one in found.values())
    return told_json({"labels": count, "duplicated": duplicated(state), "by_reference": found})


async def _label(state: CanadaPostState, request: Request) -> Response:
    shipment = state.of_pin(request.path_params["pin"])
    if shipment is None:
        raise Refusal(404, "Nobody bought this one.")
    return Response(shipment.label(), media_type="application/pdf")


async def _transmit(state: CanadaPostState, request: Request) -> Response:
    given = await given_object(request)
    count = 0
    for shipment in state.all():
        if given.get("tracking_pin") in (None, shipment.pin) and not state.is_transmitted(shipment):
            shipment.transmitted = state.clock()
            count += 1
    return told_json({"transmitted": count})


async def _happen(state: CanadaPostState, request: Request) -> Response:
    """Let something happen to a parcel now."""
    shipment = state.of_pin(request.path_params["pin"])
    if shipment is None:
        raise Refusal(404, "Nobody bought this one.")
    given = await given_object(request)
    if not isinstance(given.get("code"), str) or not isinstance(given.get("description"), str):
        raise Refusal(400, "An event needs code and description; kind, site and province may be given.")
    event = Event(
        state.clock(),
        given["code"],
        given["description"],
        given.get("kind", "INFO"),
        given.get("site", ""),
        given.get("province", ""),
    )
    shipment.extra.append(event)
    return told_json({"at": event.at.isoformat()}, 201)
