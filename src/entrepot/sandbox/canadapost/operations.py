"""Canada Post's operations on shipments, labels and tracking (contract shipping and tracking, REST)."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from starlette.requests import Request
from starlette.responses import Response

from entrepot.sandbox.canadapost import documents
from entrepot.sandbox.canadapost.documents import MANIFEST_TYPE, SHIPMENT_TYPE, TRACK_TYPE, answer
from entrepot.sandbox.canadapost.shipments import CanadaPostState, Shipment
from entrepot.sandbox.canadapost.structure import CREATE, REFUND, Node, StructureError, read
from entrepot.sandbox.operating import Operation, Refusal

_MANIFEST = "http://www.canadapost.ca/ws/manifest-v8"


def operations(state: CanadaPostState) -> Sequence[Operation]:
    """All operations."""
    at = "/rs/{mailed_by}/{mobo}/shipment"
    one = f"{at}/{{shipment_id}}"
    pin = "/vis/track/pin/{pin}"
    named = (
        ("CreateShipment", "POST", at, _create),
        ("GetShipments", "GET", at, _list),
        ("GetShipment", "GET", one, _show),
        ("GetShipmentDetails", "GET", f"{one}/details", _details),
        ("GetShipmentPrice", "GET", f"{one}/price", _price),
        ("VoidShipment", "DELETE", one, _void),
        ("RequestShipmentRefund", "POST", f"{one}/refund", _refund),
        ("TransmitShipments", "POST", "/rs/{mailed_by}/{mobo}/manifest", _transmit),
        ("GetArtifact", "GET", "/rs/artifact/{key}/{artifact_id}/{page}", _artifact),
        ("GetTrackingSummary", "GET", "/vis/track/ref/summary", _summary_by_reference),
        ("GetTrackingSummary", "GET", f"{pin}/summary", _summary),
        ("GetTrackingDetails", "GET", f"{pin}/detail", _detail),
    )
    return [Operation(name, method, path, partial(handler, state)) for name, method, path, handler in named]


async def _create(state: CanadaPostState, request: Request) -> Response:
    _at_customer(state, request)
    _speaks(request, SHIPMENT_TYPE, sends=True)
    root = await _request(request, "shipment", CREATE)
    return answer(documents.shipment_info(state, state.create(root)), SHIPMENT_TYPE)


async def _list(state: CanadaPostState, request: Request) -> Response:
    _at_customer(state, request)
    _speaks(request, SHIPMENT_TYPE)
    query = request.query_params
    live = [one for one in state.all() if one.voided is None]
    if wanted := query.get("requestId"):
        found = [one for one in live if one.request_id == wanted]
    elif wanted := query.get("trackingPIN"):
        found = [one for one in live if one.pin == wanted]
    elif wanted := query.get("groupId") or query.get("groupid"):
        found = [one for one in live if one.group == wanted and not state.is_transmitted(one)]
    elif query.get("noManifest") == "true":
        found = _without_manifest(live, query.get("date"), query.get("limit"))
    else:
        raise Refusal(400, "One of requestId, trackingPIN, groupId and noManifest is expected.")
    with_info = query.get("provideShipmentInfo") == "true"
    return answer(documents.shipments(state, found, with_info=with_info), SHIPMENT_TYPE)


def _without_manifest(live: Sequence[Shipment], day: str | None, limit: str | None) -> list[Shipment]:
    try:
        wanted = date.fromisoformat(day) if day else None
        most = int(limit) if limit else 1_000
    except ValueError as error:
        raise Refusal(400, f"The date is YYYYMMDD, the limit a number: {error}") from error
    found = [one for one in live if one.group is None and wanted in (None, one.created.date())]
    return found[:most]


async def _show(state: CanadaPostState, request: Request) -> Response:
    shipment = _shipment(state, request)
    return answer(documents.shipment_info(state, shipment), SHIPMENT_TYPE)


async def _details(state: CanadaPostState, request: Request) -> Response:
    shipment = _shipment(state, request)
    return answer(documents.shipment_details(state, shipment), SHIPMENT_TYPE)


async def _price(state: CanadaPostState, request: Request) -> Response:
    shipment = _shipment(state, request)
    return answer(documents.shipment_price(state, shipment), SHIPMENT_TYPE)


async def _void(state: CanadaPostState, request: Request) -> Response:
    shipment = _shipment(state, request)
    state.void(shipment.shipment_id)
    return Response(status_code=204)


async def _refund(state: CanadaPostState, request: Request) -> Response:
    shipment = _shipment(state, request, sends=True)
    await _request(request, "shipment-refund-request", REFUND)
    return answer(documents.refund_info(state.refund(shipment.shipment_id)), SHIPMENT_TYPE)


async def _transmit(state: CanadaPostState, request: Request) -> Response:
    _at_customer(state, request)
    _speaks(request, MANIFEST_TYPE, sends=True)
    try:
        root: Element = ElementTree.fromstring(await request.body())
    except Exception as error:
        raise Refusal(400, f"The request is not well-formed XML: {error}") from error
    groups = [one.text or "" for one in root.iter(f"{{{_MANIFEST}}}group-id")]
    if not groups:
        raise Refusal(400, "cvc-complex-type.2.4.b: 'group-ids' is expected.")
    if not state.transmit(groups):
        raise Refusal(400, "Group id was not found for transmission; please remove or correct.")
    return answer(Element(f"{{{_MANIFEST}}}manifests"), MANIFEST_TYPE)


async def _artifact(state: CanadaPostState, request: Request) -> Response:
    shipment = state.of_artifact(request.path_params["artifact_id"])
    if "application/pdf" not in request.headers.get("accept", ""):
        raise Refusal(406, "The label is application/pdf; the Accept header has to say so.")
    if shipment.ready > state.clock():
        # Documented of Get Artifact: not made yet, ask again.
        return Response(status_code=202, headers={"retry-after": "1"})
    shipment.artifacts += 1
    return Response(shipment.label(), media_type="application/pdf")


async def _summary(state: CanadaPostState, request: Request) -> Response:
    _speaks(request, TRACK_TYPE)
    return answer(documents.tracking_summary(state, [_tracked(state, request)]), TRACK_TYPE)


async def _summary_by_reference(state: CanadaPostState, request: Request) -> Response:
    _speaks(request, TRACK_TYPE)
    query = request.query_params
    reference = query.get("referenceNumber")
    if not reference:
        raise Refusal(400, "referenceNumber is expected.")
    code = (query.get("destinationPostalCode") or "").replace(" ", "").upper()
    found = [
        one
        for one in state.all()
        if one.voided is None
        and reference in (one.reference, one.text("delivery-spec/references/customer-ref-2"))
        and code in ("", one.postal_code)
    ]
    if not found:
        raise Refusal(404, "No Pin History", code="004")
    return answer(documents.tracking_summary(state, found), TRACK_TYPE)


async def _detail(state: CanadaPostState, request: Request) -> Response:
    _speaks(request, TRACK_TYPE)
    return answer(documents.tracking_detail(state, _tracked(state, request)), TRACK_TYPE)


def _tracked(state: CanadaPostState, request: Request) -> Shipment:
    shipment = state.of_pin(request.path_params["pin"])
    if shipment is None or not state.events(shipment):
        raise Refusal(404, "No Pin History", code="004")
    return shipment


def _shipment(state: CanadaPostState, request: Request, *, sends: bool = False) -> Shipment:
    _at_customer(state, request)
    if request.method != "DELETE":
        _speaks(request, SHIPMENT_TYPE, sends=sends)
    return state.get(request.path_params["shipment_id"])


def _at_customer(state: CanadaPostState, request: Request) -> None:
    for name in ("mailed_by", "mobo"):
        if request.path_params[name].zfill(10) != state.customer:
            raise Refusal(403, f"Customer {request.path_params[name]} is not yours.", code="E003")


def _speaks(request: Request, media_type: str, *, sends: bool = False) -> None:
    if media_type not in request.headers.get("accept", ""):
        raise Refusal(406, f"The Accept header has to name {media_type}; */* is not enough.")
    if sends and request.headers.get("content-type", "").split(";")[0].strip() != media_type:
        raise Refusal(415, f"The Content-Type header has to name {media_type}.")


async def _request(request: Request, name: str, node: Node) -> Element:
    try:
        return read(await request.body(), name, node)
    except StructureError as error:
        raise Refusal(400, f"{request.url.path} {error}") from error
