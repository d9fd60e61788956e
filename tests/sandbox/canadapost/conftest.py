"""A carrier of its own for each test, spoken to over HTTP."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement, tostring

import httpx
import pytest
from defusedxml import ElementTree

from entrepot.sandbox.canadapost.server import serving
from entrepot.sandbox.canadapost.shipments import CanadaPostState

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SHIPMENT = "http://www.canadapost.ca/ws/shipment-v8"
SHIPMENT_TYPE = "application/vnd.cpc.shipment-v8+xml"
TRACK_TYPE = "application/vnd.cpc.track-v2+xml"
HEADERS = {"accept": SHIPMENT_TYPE, "content-type": SHIPMENT_TYPE}
#: What the tests order; path → text.
WANTED: Mapping[str, str] = {
    "customer-request-id": "R-1",
    "transmit-shipment": "true",
    "requested-shipping-point": "K1P5A1",
    "provide-pricing-info": "true",
    "delivery-spec/service-code": "DOM.EP",
    "delivery-spec/sender/company": "Second Wind Laptops",
    "delivery-spec/sender/contact-phone": "555 0100",
    "delivery-spec/sender/address-details/address-line-1": "12 Kettle Street",
    "delivery-spec/sender/address-details/city": "Ottawa",
    "delivery-spec/sender/address-details/prov-state": "ON",
    "delivery-spec/sender/address-details/country-code": "CA",
    "delivery-spec/sender/address-details/postal-zip-code": "K1P5A1",
    "delivery-spec/destination/name": "Zoé Fontaine",
    "delivery-spec/destination/address-details/address-line-1": "7 Otter Creek Lane",
    "delivery-spec/destination/address-details/city": "Montreal",
    "delivery-spec/destination/address-details/prov-state": "QC",
    "delivery-spec/destination/address-details/country-code": "CA",
    "delivery-spec/destination/address-details/postal-zip-code": "H2X1A4",
    "delivery-spec/options/option/option-code": "DC",
    "delivery-spec/parcel-characteristics/weight": "1.800",
    "delivery-spec/parcel-characteristics/dimensions/length": "35.0",
    "delivery-spec/parcel-characteristics/dimensions/width": "25.0",
    "delivery-spec/parcel-characteristics/dimensions/height": "5.0",
    "delivery-spec/print-preferences/output-format": "4x6",
    "delivery-spec/preferences/show-packing-instructions": "false",
    "delivery-spec/references/customer-ref-1": "ORDER-1",
    "delivery-spec/settlement-info/paid-by-customer": "2000000",
    "delivery-spec/settlement-info/contract-id": "42708517",
    "delivery-spec/settlement-info/intended-method-of-payment": "Account",
}


def request(change: Mapping[str, str | None] | None = None) -> bytes:
    """The body of Create Shipment, with texts changed, added, or (None) left out."""
    root = Element("shipment", xmlns=SHIPMENT)
    for path, text in {**WANTED, **(change or {})}.items():
        if text is None:
            continue
        element = root
        for step in path.split("/"):
            found = element.find(step)
            element = SubElement(element, step) if found is None else found
        element.text = text
    return bytes(tostring(root))


def order(number: int) -> Mapping[str, str]:
    """What differs from order to order."""
    return {
        "customer-request-id": f"R-{number}",
        "delivery-spec/references/customer-ref-1": f"ORDER-{number}",
    }


def text(answer: httpx.Response, name: str) -> str | None:
    """The text of the first element of a name in an answer."""
    root: Element = ElementTree.fromstring(answer.content)
    return next((one.text for one in root.iter() if one.tag.rpartition("}")[2] == name), None)


def links(answer: httpx.Response) -> dict[str, str]:
    """The links of an answer by their rel; of several the last."""
    root: Element = ElementTree.fromstring(answer.content)
    return {one.get("rel", ""): one.get("href", "") for one in root.iter(f"{{{SHIPMENT}}}link")}


@dataclass(frozen=True)
class Post:
    """A served carrier and a client with its name and password."""

    state: CanadaPostState
    client: httpx.AsyncClient
    shipments: str

    async def buy(self, change: Mapping[str, str | None] | None = None) -> httpx.Response:
        """Create Shipment."""
        return await self.client.post(self.shipments, content=request(change), headers=HEADERS)

    async def read(self, address: str, **query: str) -> httpx.Response:
        """A GET of a document about shipments."""
        return await self.client.get(address, params=query, headers={"accept": SHIPMENT_TYPE})

    async def label(self, bought: httpx.Response) -> httpx.Response:
        """Get Artifact."""
        return await self.client.get(links(bought)["label"], headers={"accept": "application/pdf"})

    async def track(self, path: str, **query: str) -> httpx.Response:
        """A tracking document."""
        return await self.client.get(f"/vis/track/{path}", params=query, headers={"accept": TRACK_TYPE})

    async def refund(self, bought: httpx.Response) -> httpx.Response:
        """Request Shipment Refund."""
        body = f'<shipment-refund-request xmlns="{SHIPMENT}"><email>labels@example.com</email></shipment-refund-request>'
        address = f"{links(bought)['self']}/refund"
        return await self.client.post(address, content=body, headers=HEADERS)

    def advance(self, **by: float) -> None:
        """Move the carrier's clock on."""
        self.state.clock.advance(timedelta(**by))


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A fresh carrier that stands at NOW."""
    state = CanadaPostState.fresh(clock=NOW)
    async with (
        serving(state) as url,
        httpx.AsyncClient(base_url=url, auth=(state.username, state.password), verify=False) as client,
    ):
        yield Post(state, client, "/rs/2000000/2000000/shipment")
