"""Canada Post's XML: what Create Shipment is sent, and what its answers say.

Shipping is version 8 of "Contract Shipping" (REST), tracking version 2; elements and their order are those of the
published schemas (developer pages "Create Shipment", "Get Shipments", "Get Tracking Details"). What comes back is
read with defusedxml: a document with entities or a document type is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from entrepot.mirakl.shipping.carrier import Address, Bought, Parcel, Tracking, TrackingEvent

SHIPMENT = "http://www.canadapost.ca/ws/shipment-v8"
SHIPMENT_TYPE = "application/vnd.cpc.shipment-v8+xml"
TRACK_TYPE = "application/vnd.cpc.track-v2+xml"

#: Events after which nothing comes any more (the list of "Get Tracking Details").
DELIVERED = frozenset(
    {"1408", "1409", *map(str, range(1421, 1435)), "1441", "1442", *map(str, range(1496, 1500)), "5300"}
)
#: Events that say only that a label was made.
ANNOUNCED = frozenset({"3000", "3001", "3002"})
SAYS_DELIVERED = re.compile(r"\b(successfully )?delivered\b", re.IGNORECASE)
#: "Item will be delivered", "could not be delivered" and the like are no delivery: words that stand before it.
SAYS_NOT_YET = re.compile(r"\b(will|to|not|being|cannot|unable|attempted|scheduled)\b", re.IGNORECASE)
SAYS_DELAYED = re.compile(r"\bdelay", re.IGNORECASE)
SAYS_RETURNING = re.compile(r"return(ed|ing)? to (the )?sender|refused", re.IGNORECASE)
#: Hours from UTC of the time zones that events are given in.
ZONES = {
    "NST": -3.5,
    "NDT": -2.5,
    "AST": -4,
    "ADT": -3,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}


class UnreadableXmlError(ValueError):
    """What came back is no XML, is XML that is not read (entities, a document type), or not what was asked for."""


def create_shipment(
    parcel: Parcel, sender: Mapping[str, str], *, customer_number: str, contract_id: str | None
) -> str:
    """The body of Create Shipment.

    Our reference goes as `customer-request-id`, by which Get Shipments finds it again, and as `customer-ref-1`, which
    is printed on the label.
    """
    shipment = Element("shipment", xmlns=SHIPMENT)
    _text(shipment, "customer-request-id", parcel.reference)
    _text(shipment, "transmit-shipment", "true")
    _text(shipment, "requested-shipping-point", _bare(sender.get("postal_code", "")))
    _text(shipment, "provide-pricing-info", "true")
    spec = SubElement(shipment, "delivery-spec")
    _text(spec, "service-code", parcel.service_code)
    _sender(SubElement(spec, "sender"), sender)
    _destination(SubElement(spec, "destination"), parcel.destination)
    option = SubElement(SubElement(spec, "options"), "option")
    _text(option, "option-code", "DC")
    measures = SubElement(spec, "parcel-characteristics")
    _text(measures, "weight", f"{parcel.weight_kg:.3f}")
    dimensions = SubElement(measures, "dimensions")
    # The schema asks for the longest first.
    for name, value in zip(
        ("length", "width", "height"),
        sorted((parcel.length_cm, parcel.width_cm, parcel.height_cm), reverse=True),
        strict=True,
    ):
        _text(dimensions, name, f"{value:.1f}")
    printing = SubElement(spec, "print-preferences")
    _text(printing, "output-format", "4x6")
    _text(printing, "encoding", "PDF")
    preferences = SubElement(spec, "preferences")
    _text(preferences, "show-packing-instructions", "false")
    _text(preferences, "show-postage-rate", "false")
    _text(preferences, "show-insured-value", "false")
    _text(SubElement(spec, "references"), "customer-ref-1", parcel.reference)
    settlement = SubElement(spec, "settlement-info")
    _text(settlement, "paid-by-customer", customer_number)
    if contract_id:
        _text(settlement, "contract-id", contract_id)
    _text(settlement, "intended-method-of-payment", "Account")
    return _document(shipment)


def refund_request(email: str) -> str:
    """The body of Request Shipment Refund; the ticket's progress is mailed there."""
    request = Element("shipment-refund-request", xmlns=SHIPMENT)
    _text(request, "email", email)
    return _document(request)


def read_shipment(text: str | bytes) -> Bought:
    """The answer of Create Shipment and Get Shipment (`shipment-info`). Raises UnreadableXmlError."""
    root = _parsed(text, "shipment-info")
    external_id = _found(root, "shipment-id")
    if not external_id:
        raise UnreadableXmlError("It has no shipment-id.")
    pin = _found(root, "tracking-pin")
    if len(external_id) > 64 or len(pin or "") > 50:
        raise UnreadableXmlError("Its shipment-id or tracking-pin is longer than any that there is.")
    status = _found(root, "shipment-status")
    return Bought(
        external_id=external_id,
        tracking_pin=pin,
        links=_links(root),
        price=_amount(_found(root, "due-amount")),
        status=status,
        called_off=status == "suspended",
    )


def read_shipments(text: str | bytes) -> list[str]:
    """The addresses of the shipments that Get Shipments lists. Raises UnreadableXmlError."""
    root = _parsed(text, "shipments")
    return [link.get("href", "") for link in _all(root, "link") if link.get("rel") == "shipment"]


@dataclass(frozen=True, slots=True)
class Details:
    """What Get Shipment Details tells beside the number: where the label goes, and the ticket of a refund."""

    destination: dict[str, str]
    ticket: str | None


def read_details(text: str | bytes) -> Details:
    """The answer of Get Shipment Details. Raises UnreadableXmlError."""
    root = _parsed(text, "shipment-details")
    destination = next(_all(root, "destination"), None)
    if destination is None:
        raise UnreadableXmlError("It has no destination.")
    found = {
        "name": _found(destination, "name") or "",
        "postal_code": _found(destination, "postal-zip-code") or "",
    }
    return Details(found, _found(root, "service-ticket-id"))


def read_ticket(text: str | bytes) -> str:
    """The ticket of a refund request. Raises UnreadableXmlError."""
    ticket = _found(_parsed(text, "shipment-refund-request-info"), "service-ticket-id")
    if not ticket:
        raise UnreadableXmlError("It has no service-ticket-id.")
    return ticket


def read_messages(text: str | bytes) -> list[tuple[str, str]]:
    """Code and description of each error in an answer; empty where it holds none or is no XML."""
    try:
        root = _parsed(text, "messages")
    except UnreadableXmlError:
        return []
    return [
        (_found(message, "code") or "", _found(message, "description") or "")
        for message in _all(root, "message")
    ]


def read_tracking(text: str | bytes) -> Tracking:
    """The answer of Get Tracking Details. Raises UnreadableXmlError."""
    root = _parsed(text, "tracking-detail")
    events = sorted(
        (_event(occurrence) for occurrence in _all(root, "occurrence")), key=lambda event: event.happened_at
    )
    expected = _found(root, "changed-expected-date") or _found(root, "expected-delivery-date")
    delivered = next((event for event in reversed(events) if _delivers(event)), None)
    return Tracking(
        state=_state(events, delivered),
        events=tuple(events),
        expected_delivery=_end_of(expected),
        delivered_at=delivered.happened_at if delivered else None,
    )


def _state(events: list[TrackingEvent], delivered: TrackingEvent | None) -> str:
    if delivered is not None:
        return "delivered"
    moved = [event for event in events if event.identifier not in ANNOUNCED]
    if not moved:
        return "announced"
    if SAYS_RETURNING.search(moved[-1].description):
        return "returning"
    return "delayed" if SAYS_DELAYED.search(moved[-1].description) else "moving"


def _delivers(event: TrackingEvent) -> bool:
    if event.identifier in DELIVERED:
        return not SAYS_RETURNING.search(event.description)
    said = SAYS_DELIVERED.search(event.description)
    return said is not None and not SAYS_NOT_YET.search(event.description[: said.start()])


def _event(occurrence: Element) -> TrackingEvent:
    on, at = _found(occurrence, "event-date") or "", _found(occurrence, "event-time") or "00:00:00"
    zone = (_found(occurrence, "event-time-zone") or "").upper()
    try:
        moment = datetime.combine(
            date.fromisoformat(on),
            time.fromisoformat(at).replace(tzinfo=timezone(timedelta(hours=ZONES.get(zone, 0)))),
        ).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableXmlError(f"An event is dated {on!r} {at!r}.") from error
    place = ", ".join(
        part
        for part in (_found(occurrence, "event-site"), _found(occurrence, "event-province"))
        if part is not None
    )
    return TrackingEvent(
        identifier=(_found(occurrence, "event-identifier") or "")[:20],
        description=_found(occurrence, "event-description") or "",
        happened_at=moment,
        place=place[:200] or None,
    )


def _end_of(day: str | None) -> datetime | None:
    """The end of a day in the west of the country: until then it may still come on that day."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(23, 59, 59), timezone(timedelta(hours=-8)))
    except ValueError:
        return None


def _sender(element: Element, sender: Mapping[str, str]) -> None:
    _text(element, "name", sender.get("name"))
    _text(element, "company", sender.get("company") or sender.get("name"))
    _text(element, "contact-phone", sender.get("phone"))
    address = SubElement(element, "address-details")
    _text(address, "address-line-1", sender.get("street_1") or sender.get("street"))
    _text(address, "address-line-2", sender.get("street_2"))
    _text(address, "city", sender.get("city"))
    _text(address, "prov-state", sender.get("province"))
    _text(address, "country-code", sender.get("country", "CA"))
    _text(address, "postal-zip-code", _bare(sender.get("postal_code", "")))


def _destination(element: Element, to: Address) -> None:
    _text(element, "name", to.name)
    _text(element, "company", to.company)
    _text(element, "client-voice-number", to.phone)
    address = SubElement(element, "address-details")
    _text(address, "address-line-1", to.street_1)
    _text(address, "address-line-2", to.street_2)
    _text(address, "city", to.city)
    _text(address, "prov-state", to.province)
    _text(address, "country-code", to.country)
    _text(address, "postal-zip-code", _bare(to.postal_code))


def _bare(postal_code: str) -> str:
    return postal_code.replace(" ", "").upper()


#: Characters that XML 1.0 cannot hold at all.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(parent: Element, name: str, value: str | None) -> None:
    if value:
        SubElement(parent, name).text = _FORBIDDEN.sub("", value)


def _document(root: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _parsed(text: str | bytes, expected: str) -> Element:
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        # DefusedXmlException is a ValueError; a document in an unknown encoding raises LookupError.
        kind = (
            "it holds entities or a document type" if isinstance(error, DefusedXmlException) else str(error)
        )
        # Without its cause: expat's errors are syntax errors of Python's to whoever prints them, and trip it up.
        raise UnreadableXmlError(f"It is not XML that can be read: {kind}.") from None
    if _local(root) != expected:
        raise UnreadableXmlError(f"It is <{_local(root)}>, not <{expected}>.")
    return root


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(root: Element, name: str) -> Iterator[Element]:
    """Every element of a name, in whatever namespace: versions of the services differ in it."""
    return (element for element in root.iter() if _local(element) == name)


def _found(root: Element, name: str) -> str | None:
    found = next(_all(root, name), None)
    return (found.text or "").strip() or None if found is not None else None


def _links(root: Element) -> dict[str, str]:
    links: dict[str, str] = {}
    for link in _all(root, "link"):
        # A label of several pages has several links; the first one is the label.
        links.setdefault(link.get("rel", ""), link.get("href", ""))
    return links


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text) if text else None
    except InvalidOperation:
        return None
    # What no label costs is no price that is known.
    return amount if amount is not None and amount.is_finite() and abs(amount) < 10**9 else None
