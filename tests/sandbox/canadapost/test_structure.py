"""What Create Shipment takes: the published structure, element by element."""

from xml.etree.ElementTree import tostring

import pytest
from defusedxml import ElementTree
from tests.sandbox.canadapost.conftest import SHIPMENT, WANTED, Post, links, request, text

from entrepot.sandbox.canadapost.structure import CREATE, StructureError, found, has, read

DESTINATION = "delivery-spec/destination/address-details"


def test_a_request_of_the_structure_is_read() -> None:
    root = read(request(), "shipment", CREATE)
    for path, said in WANTED.items():
        assert found(root, path) == said
    assert has(root, "transmit-shipment")
    assert not has(root, "group-id")


def test_elements_come_in_any_order() -> None:
    backwards = ElementTree.fromstring(request())
    for element in backwards.iter():
        element[:] = element[::-1]
    assert found(read(tostring(backwards), "shipment", CREATE), "delivery-spec/service-code") == "DOM.EP"


@pytest.mark.parametrize("path", sorted(set(WANTED) - {
    "customer-request-id", "provide-pricing-info",
    "delivery-spec/sender/address-details/postal-zip-code",
    "delivery-spec/options/option/option-code", "delivery-spec/print-preferences/output-format",
    "delivery-spec/references/customer-ref-1", "delivery-spec/settlement-info/paid-by-customer",
    "delivery-spec/settlement-info/contract-id",
}))  # fmt: skip
def test_what_is_required_is_missed(path: str) -> None:
    with pytest.raises(StructureError, match="expected"):
        read(request({path: None}), "shipment", CREATE)


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        ("customer-request-id", "R" * 36, "at most 35"),
        ("requested-shipping-point", "K1P 5A1", "A1A1A1"),
        (f"{DESTINATION}/postal-zip-code", "h2x1a4", "A1A1A1"),
        (f"{DESTINATION}/postal-zip-code", "90210", "A1A1A1"),
        (f"{DESTINATION}/country-code", "CAN", "two letters"),
        (f"{DESTINATION}/address-line-1", "x" * 45, "44"),
        ("delivery-spec/parcel-characteristics/weight", "0", "above 0"),
        ("delivery-spec/parcel-characteristics/weight", "1.8001", "at most 3 decimals"),
        ("delivery-spec/parcel-characteristics/weight", "NaN", "above 0"),
        ("delivery-spec/parcel-characteristics/weight", "heavy", "above 0"),
        ("delivery-spec/parcel-characteristics/dimensions/length", "35.25", "at most 1 decimals"),
        ("delivery-spec/preferences/show-packing-instructions", "no", "true or false"),
        ("delivery-spec/print-preferences/output-format", "A4", "4x6"),
        ("delivery-spec/print-preferences/encoding", "PNG", "PDF"),
        ("delivery-spec/settlement-info/contract-id", "C-1", "digits"),
        ("delivery-spec/settlement-info/intended-method-of-payment", "x" * 16, "at most 15"),
        ("expected-mailing-date", "tomorrow", "a date"),
        ("transmit-shipment", "maybe", "true"),
        ("group-id", "G1", "Exactly one of"),
        ("delivery-spec/tip", "5", "Invalid content"),
        ("delivery-spec/destination/name/first", "Zoé", "no elements"),
    ],
)
def test_what_cannot_be_is_refused(path: str, said: str, expected: str) -> None:
    with pytest.raises(StructureError, match=expected) as refused:
        read(request({path: said}), "shipment", CREATE)
    assert "'" in str(refused.value)


def test_an_element_comes_once() -> None:
    twice = request().replace(b"<service-code>", b"<service-code>DOM.RP</service-code><service-code>")
    with pytest.raises(StructureError, match="1 times at most"):
        read(twice, "shipment", CREATE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not XML at all",
        b"<shipment>",
        b"<shipment/>",
        f'<parcel xmlns="{SHIPMENT}"/>'.encode(),
        request().replace(b"shipment-v8", b"shipment-v7"),
        b'<!DOCTYPE a [<!ENTITY b "c">]><shipment>&b;</shipment>',
    ],
)
async def test_what_is_no_such_document_is_answered_with_messages(post: Post, body: bytes) -> None:
    headers = {
        "accept": "application/vnd.cpc.shipment-v8+xml",
        "content-type": "application/vnd.cpc.shipment-v8+xml",
    }
    answer = await post.client.post(post.shipments, content=body, headers=headers)
    assert answer.status_code == 400
    assert b'<messages xmlns="http://www.canadapost.ca/ws/messages">' in answer.content
    assert text(answer, "code") == "Server"
    assert text(answer, "description")
    assert list(post.state.all()) == []


#: Element → what the published schema has it hold: what has to be there, and what may be.
ANSWERS: dict[str, tuple[set[str], set[str]]] = {
    "shipment-info": (
        {"shipment-id", "shipment-status", "links"},
        {"customer-request-id", "tracking-pin", "return-tracking-pin", "po-number", "shipment-price", "shipment-receipt"},
    ),
    "shipment-price": (
        {"service-code", "base-amount", "pre-tax-amount", "gst-amount", "pst-amount", "hst-amount", "due-amount",
         "service-standard", "rated-weight"},
        {"priced-options", "adjustments"},
    ),
    "adjustments": (set(), {"adjustment"}),
    "adjustment": ({"adjustment-code", "adjustment-amount"}, set()),
    "service-standard": (
        {"am-delivery", "guaranteed-delivery"}, {"expected-transmit-time", "expected-delivery-date"},
    ),
    "links": ({"link"}, set()),
    "shipments": (set(), {"link", "shipment-info"}),
    "shipment-details": (
        {"shipment-status", "final-shipping-point", "shipment-detail"},
        {"customer-request-id", "tracking-pin", "po-number", "shipping-point-id", "cpc-pickup-indicator"},
    ),
    "shipment-detail": (
        {"delivery-spec"},
        {"group-id", "transmit-shipment", "quickship-label-requested", "expected-mailing-date", "return-spec",
         "refund-request-info"},
    ),
    "shipment-refund-request-info": ({"service-ticket-date", "service-ticket-id"}, set()),
    "refund-request-info": ({"service-ticket-date", "service-ticket-id"}, set()),
    "messages": (set(), {"message"}),
    "message": ({"code", "description"}, set()),
}  # fmt: skip


async def test_answers_are_of_the_published_structure(post: Post) -> None:
    bought = await post.buy({"cpc-pickup-indicator": "true", "expected-mailing-date": "2026-03-03"})
    addresses = links(bought)
    answers = [
        bought,
        await post.read(addresses["self"]),
        await post.read(addresses["price"]),
        await post.read(post.shipments, requestId="R-1"),
        await post.read(post.shipments, requestId="R-1", provideShipmentInfo="true"),
        await post.refund(bought),
        await post.refund(bought),
        await post.read(addresses["details"]),
    ]
    seen = set()
    for answer in answers:
        for element in ElementTree.fromstring(answer.content).iter():
            name = element.tag.rpartition("}")[2]
            if name not in ANSWERS:
                continue
            seen.add(name)
            required, optional = ANSWERS[name]
            held = [child.tag.rpartition("}")[2] for child in element]
            assert required <= set(held) <= required | optional, name
            assert len(held) == len(set(held)) or name in ("links", "shipments", "messages")
            for link in element.findall(f"{{{SHIPMENT}}}link"):
                assert (
                    {"rel", "href", "media-type"}
                    <= set(link.attrib)
                    <= {"rel", "href", "media-type", "index"}
                )
    assert seen == set(ANSWERS)
