"""The XML that the carrier answers with, as documented: shipment-v8, track-v2, messages."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.responses import Response

from entrepot.sandbox.canadapost.shipments import SERVICES, CanadaPostState, Event, Shipment
from entrepot.sandbox.canadapost.structure import SHIPMENT, has

SHIPMENT_TYPE = "application/vnd.cpc.shipment-v8+xml"
MANIFEST_TYPE = "application/vnd.cpc.manifest-v8+xml"
TRACK_TYPE = "application/vnd.cpc.track-v2+xml"
MESSAGES = "http://www.canadapost.ca/ws/messages"
TRACK = "http://www.canadapost.ca/ws/track"
#: What of a request Get Shipment Details shows in `shipment-detail`.
_DETAIL = (
    "group-id",
    "transmit-shipment",
    "quickship-label-requested",
    "expected-mailing-date",
    "delivery-spec",
)
#: Where the carrier's clocks hang.
_EASTERN = timezone(timedelta(hours=-5), "EST")


def answer(root: Element, media_type: str, status: int = 200) -> Response:
    """A document as an answer; its elements are of one namespace, and written without a prefix."""
    namespace = root.tag.partition("}")[0].removeprefix("{")
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    root.set("xmlns", namespace)
    body = tostring(root, encoding="unicode")
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(), status, media_type=media_type)


def messages(found: Iterable[tuple[str, str]], status: int) -> Response:
    """Errors: code and description each."""
    root = Element(f"{{{MESSAGES}}}messages")
    for code, description in found:
        message = SubElement(root, f"{{{MESSAGES}}}message")
        _write(message, MESSAGES, {"code": code, "description": description})
    return answer(root, "application/xml", status)


def shipment_info(state: CanadaPostState, shipment: Shipment, *, name: str = "shipment-info") -> Element:
    """What Create Shipment and Get Shipment answer."""
    root = Element(_tag(name))
    status = "transmitted" if state.is_transmitted(shipment) else "created"
    _write(
        root,
        SHIPMENT,
        {
            "customer-request-id": shipment.request_id,
            "shipment-id": shipment.shipment_id,
            "shipment-status": status,
            "tracking-pin": shipment.pin,
        },
    )
    if has(shipment.request, "provide-pricing-info"):
        root.append(shipment_price(state, shipment))
    links = SubElement(root, _tag("links"))
    at = address(state, shipment)
    _link(links, "self", at)
    _link(links, "details", f"{at}/details")
    if shipment.group is not None:
        group = f"{state.url}/rs/{state.customer}/{state.customer}/shipment?groupId={shipment.group}"
        _link(links, "group", group)
    _link(links, "price", f"{at}/price")
    if status == "transmitted":
        _link(links, "refund", f"{at}/refund")
    _link(
        links,
        "label",
        f"{state.url}/rs/artifact/6e93d53968881714/{shipment.artifact_id}/0",
        "application/pdf",
        index="0",
    )
    return root


def shipment_price(state: CanadaPostState, shipment: Shipment) -> Element:
    """What Get Shipment Price answers."""
    root = Element(_tag("shipment-price"))
    cents = {name: f"{value / 100:.2f}" for name, value in shipment.cents().items()}
    _write(
        root,
        SHIPMENT,
        {"service-code": shipment.text("delivery-spec/service-code"), "base-amount": cents["base"]},
    )
    adjustment = SubElement(SubElement(root, _tag("adjustments")), _tag("adjustment"))
    _write(adjustment, SHIPMENT, {"adjustment-code": "FUELSC", "adjustment-amount": cents["fuel"]})
    _write(
        root,
        SHIPMENT,
        {
            "pre-tax-amount": cents["net"],
            "gst-amount": "0.00",
            "pst-amount": "0.00",
            "hst-amount": cents["tax"],
            "due-amount": cents["due"],
        },
    )
    expected = state.expected_delivery(shipment)
    standard = SubElement(root, _tag("service-standard"))
    _write(
        standard,
        SHIPMENT,
        {
            "am-delivery": "false",
            "guaranteed-delivery": "true",
            "expected-transmit-time": str((expected.date() - shipment.created.date()).days),
            "expected-delivery-date": expected.date().isoformat(),
        },
    )
    weight = float(shipment.text("delivery-spec/parcel-characteristics/weight") or 0)
    _write(root, SHIPMENT, {"rated-weight": f"{weight:.3f}"})
    return root


def shipment_details(state: CanadaPostState, shipment: Shipment) -> Element:
    """What Get Shipment Details answers: with what the shipment was made of."""
    root = Element(_tag("shipment-details"))
    _write(
        root,
        SHIPMENT,
        {
            "customer-request-id": shipment.request_id,
            "shipment-status": "transmitted" if state.is_transmitted(shipment) else "created",
            "final-shipping-point": shipment.text("requested-shipping-point") or "K1A0B1",
            "tracking-pin": shipment.pin,
        },
    )
    detail = SubElement(root, _tag("shipment-detail"))
    for child in shipment.request:
        # Two elements move up; what only asked for something in the answer is left out.
        name = child.tag.rpartition("}")[2]
        if name in ("shipping-point-id", "cpc-pickup-indicator"):
            root.append(copy.deepcopy(child))
        elif name in _DETAIL:
            detail.append(copy.deepcopy(child))
    if shipment.ticket is not None:
        detail.append(refund_info(shipment, name="refund-request-info"))
    return root


def refund_info(shipment: Shipment, *, name: str = "shipment-refund-request-info") -> Element:
    """What Request Shipment Refund answers."""
    root = Element(_tag(name))
    asked = shipment.ticket_at.date().isoformat() if shipment.ticket_at else None
    _write(root, SHIPMENT, {"service-ticket-date": asked, "service-ticket-id": shipment.ticket})
    return root


def shipments(state: CanadaPostState, found: Sequence[Shipment], *, with_info: bool) -> Element:
    """What Get Shipments answers: a link for each, or what Get Shipment says of it."""
    root = Element(_tag("shipments"))
    for shipment in found:
        if with_info:
            root.append(shipment_info(state, shipment))
        else:
            _link(root, "shipment", address(state, shipment))
    return root


def tracking_summary(state: CanadaPostState, found: Sequence[Shipment]) -> Element:
    """What Get Tracking Summary answers: the latest event of each parcel."""
    root = Element(_track("tracking-summary"))
    for shipment in found:
        events = state.events(shipment)
        latest, delivered = events[0], _of_kind(events, "DELIVERED")
        mailed = _of_kind(events, "INDUCTION")
        _write(
            SubElement(root, _track("pin-summary")),
            TRACK,
            {
                "pin": shipment.pin,
                "origin-postal-id": (shipment.text("requested-shipping-point") or "")[:3],
                "destination-postal-id": shipment.postal_code,
                "destination-province": shipment.text("delivery-spec/destination/address-details/prov-state")
                or "",
                "service-name": _service(shipment),
                "mailed-on-date": _day(mailed),
                "expected-delivery-date": state.expected_delivery(shipment).date().isoformat(),
                "actual-delivery-date": _day(delivered),
                "delivery-option-completed-ind": "1" if delivered else "0",
                "event-date-time": f"{latest.at.astimezone(_EASTERN):%Y%m%d:%H%M%S}",
                "event-description": latest.description,
                "attempted-date": "",
                "customer-ref-1": shipment.reference or "",
                "customer-ref-2": shipment.text("delivery-spec/references/customer-ref-2") or "",
                "return-pin": "",
                "event-type": latest.kind,
                "event-location": f"{latest.site}, {latest.province}",
                "signatory-name": "",
            },
        )
    return root


def tracking_detail(state: CanadaPostState, shipment: Shipment) -> Element:
    """What Get Tracking Details answers: all events of a parcel, the latest first."""
    root = Element(_track("tracking-detail"))
    _write(
        root,
        TRACK,
        {
            "pin": shipment.pin,
            "active-exists": "1",
            "archive-exists": "",
            "changed-expected-date": "",
            "destination-postal-id": shipment.postal_code,
            "duplicate-flag-ind": "",
            "expected-delivery-date": state.expected_delivery(shipment).date().isoformat(),
            "changed-expected-delivery-reason": "",
            "mailed-by-customer-number": state.customer,
            "mailed-on-behalf-of-customer-number": state.customer,
            "original-pin": "",
            "service-name": _service(shipment),
            "customer-ref-1": shipment.reference or "",
            "customer-ref-2": shipment.text("delivery-spec/references/customer-ref-2") or "",
            "return-pin": "",
            "signature-image-exists": "false",
            "suppress-signature": "false",
        },
    )
    SubElement(root, _track("delivery-options"))
    significant = SubElement(root, _track("significant-events"))
    for event in state.events(shipment):
        _write(
            SubElement(significant, _track("occurrence")),
            TRACK,
            {
                "event-identifier": event.code,
                "event-date": f"{event.at.astimezone(_EASTERN):%Y-%m-%d}",
                "event-time": f"{event.at.astimezone(_EASTERN):%H:%M:%S}",
                "event-time-zone": "EST",
                "event-description": event.description,
                "signatory-name": "",
                "event-site": event.site,
                "event-province": event.province,
                "event-retail-location-id": "",
                "event-retail-name": "",
            },
        )
    return root


def address(state: CanadaPostState, shipment: Shipment) -> str:
    """Where a shipment is."""
    return f"{state.url}/rs/{state.customer}/{state.customer}/shipment/{shipment.shipment_id}"


def _service(shipment: Shipment) -> str:
    return SERVICES.get(shipment.text("delivery-spec/service-code") or "", "Parcel")


def _of_kind(events: Sequence[Event], kind: str) -> datetime | None:
    return next((one.at for one in events if one.kind == kind), None)


def _day(at: datetime | None) -> str:
    return f"{at.astimezone(_EASTERN):%Y-%m-%d}" if at else ""


def _write(parent: Element, namespace: str, values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is not None:
            SubElement(parent, f"{{{namespace}}}{name}").text = value


def _link(parent: Element, rel: str, href: str, media_type: str = SHIPMENT_TYPE, **more: str) -> None:
    SubElement(parent, _tag("link"), {"rel": rel, "href": href, "media-type": media_type, **more})


def _tag(name: str) -> str:
    return f"{{{SHIPMENT}}}{name}"


def _track(name: str) -> str:
    return f"{{{TRACK}}}{name}"
