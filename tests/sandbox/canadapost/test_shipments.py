"""Buying labels, finding them again, voiding and refunding them."""

from datetime import timedelta

import httpx
import pytest
from tests.sandbox.canadapost.conftest import (
    HEADERS,
    SHIPMENT_TYPE,
    TRACK_TYPE,
    Post,
    links,
    order,
    request,
    text,
)

from entrepot.sandbox.canadapost.shipments import Journey


async def test_a_shipment_has_a_number_a_price_and_links(post: Post) -> None:
    bought = await post.buy()
    assert bought.status_code == 200
    assert bought.headers["content-type"] == SHIPMENT_TYPE
    assert text(bought, "customer-request-id") == "R-1"
    assert text(bought, "shipment-status") == "transmitted"
    pin = text(bought, "tracking-pin") or ""
    assert pin.isdigit()
    assert len(pin) == 16
    assert set(links(bought)) == {"self", "details", "price", "refund", "label"}
    net, tax = (float(text(bought, name) or 0) for name in ("pre-tax-amount", "hst-amount"))
    assert float(text(bought, "due-amount") or 0) == pytest.approx(net + tax)
    again = await post.read(links(bought)["self"])
    assert again.content == bought.content
    price = await post.read(links(bought)["price"])
    assert text(price, "due-amount") == text(bought, "due-amount")


async def test_a_price_comes_only_where_it_is_asked_for(post: Post) -> None:
    bought = await post.buy({"provide-pricing-info": None})
    assert text(bought, "due-amount") is None


async def test_details_hold_what_the_shipment_was_made_of(post: Post) -> None:
    details = await post.read(links(await post.buy())["details"])
    assert text(details, "name") == "Zoé Fontaine"
    assert text(details, "customer-ref-1") == "ORDER-1"
    assert text(details, "final-shipping-point") == "K1P5A1"


async def test_a_shipment_whose_answer_was_lost_is_found_by_its_request(post: Post) -> None:
    post.state.misbehavior.plan("CreateShipment", "garbage")
    lost = await post.buy()
    assert b"</shipment-info>" not in lost.content
    found = await post.read(post.shipments, requestId="R-1")
    shipment = await post.read(links(found)["shipment"])
    assert text(shipment, "customer-request-id") == "R-1"
    assert (await post.label(shipment)).status_code == 200
    nothing = await post.read(post.shipments, requestId="R-2")
    assert nothing.status_code == 200
    assert links(nothing) == {}


async def test_shipments_are_found_by_number_group_and_day(post: Post) -> None:
    first = await post.buy(order(1))
    await post.buy({**order(2), "transmit-shipment": None, "group-id": "G-1"})
    post.advance(days=1)
    third = await post.buy(order(3))
    by_pin = await post.read(post.shipments, trackingPIN=text(first, "tracking-pin") or "")
    assert links(by_pin)["shipment"] == links(first)["self"]
    by_group = await post.read(post.shipments, groupId="G-1", provideShipmentInfo="true")
    assert text(by_group, "customer-request-id") == "R-2"
    by_day = await post.read(post.shipments, noManifest="true", date="20260303")
    assert links(by_day)["shipment"] == links(third)["self"]
    assert (await post.read(post.shipments, noManifest="true", date="soon")).status_code == 400
    assert (await post.read(post.shipments)).status_code == 400


async def test_asked_twice_it_sells_two(post: Post) -> None:
    """Nothing at the carrier keeps anybody from buying twice: that is the caller's to do."""
    assert text(await post.buy(), "tracking-pin") != text(await post.buy(), "tracking-pin")
    shown = (await post.client.get("/sandbox/labels")).json()
    assert (shown["labels"], shown["duplicated"]) == (2, ["ORDER-1"])
    for shipment in post.state.all():
        shipment.transmitted = None
    post.state.void(next(iter(post.state.all())).shipment_id)
    shown = (await post.client.get("/sandbox/labels", params={"reference": "ORDER-1"})).json()
    assert shown["duplicated"] == []
    assert [one["status"] for one in shown["by_reference"]["ORDER-1"]] == ["void", "created"]


async def test_a_label_is_voided_until_it_is_transmitted(post: Post) -> None:
    post.state.transmits_after = timedelta(minutes=10)
    early, late = await post.buy(order(1)), await post.buy(order(2))
    assert text(early, "shipment-status") == "created"
    assert "refund" not in links(early)
    voided = await post.client.delete(links(early)["self"])
    assert (voided.status_code, voided.content) == (204, b"")
    assert (await post.read(links(early)["self"])).status_code == 404
    assert (await post.label(early)).status_code == 404
    assert links(await post.read(post.shipments, requestId="R-1")) == {}
    post.advance(minutes=10)
    refused = await post.client.delete(links(late)["self"])
    assert (refused.status_code, text(refused, "code")) == (400, "8064")
    assert text(await post.read(links(late)["self"]), "shipment-status") == "transmitted"


async def test_a_group_is_transmitted_with_its_manifest(post: Post) -> None:
    bought = await post.buy({"transmit-shipment": None, "group-id": "G-1"})
    post.advance(days=2)
    assert text(await post.read(links(bought)["self"]), "shipment-status") == "created"
    namespace, kind = "http://www.canadapost.ca/ws/manifest-v8", "application/vnd.cpc.manifest-v8+xml"
    headers = {"accept": kind, "content-type": kind}
    answers = []
    for group in ("G-2", "G-1"):
        body = f'<transmit-set xmlns="{namespace}"><group-ids><group-id>{group}</group-id></group-ids></transmit-set>'
        answers.append(await post.client.post("/rs/2000000/2000000/manifest", content=body, headers=headers))
    assert [answer.status_code for answer in answers] == [400, 200]
    assert text(await post.read(links(bought)["self"]), "shipment-status") == "transmitted"


async def test_a_transmitted_label_is_refunded_once(post: Post) -> None:
    bought = await post.buy()
    ticket = await post.refund(bought)
    assert ticket.status_code == 200
    assert text(ticket, "service-ticket-id")
    assert text(ticket, "service-ticket-date") == "2026-03-02"
    again = await post.refund(bought)
    assert (again.status_code, text(again, "code")) == (409, "7292")
    details = await post.read(links(bought)["details"])
    assert text(details, "service-ticket-id") == text(ticket, "service-ticket-id")


async def test_a_parcel_that_was_seen_is_refunded_no_more(post: Post) -> None:
    bought = await post.buy()
    post.advance(hours=7)
    assert (await post.refund(bought)).status_code == 400


async def test_a_refund_needs_an_address_to_write_to(post: Post) -> None:
    bought = await post.buy()
    body = '<shipment-refund-request xmlns="http://www.canadapost.ca/ws/shipment-v8"><email>x</email></shipment-refund-request>'
    answer = await post.client.post(f"{links(bought)['self']}/refund", content=body, headers=HEADERS)
    assert answer.status_code == 400


@pytest.mark.parametrize("auth", [("sandbox", "wrong"), ("", "")])
async def test_only_name_and_password_open(post: Post, auth: tuple[str, str]) -> None:
    post.client.auth = auth
    answer = await post.buy()
    assert (answer.status_code, text(answer, "code")) == (401, "E002")
    assert list(post.state.all()) == []


@pytest.mark.parametrize("header", ["Bearer x", "Basic !!!", "Basic /w=="])
async def test_a_header_that_is_not_basic_is_not_let_in(post: Post, header: str) -> None:
    headers = {**HEADERS, "authorization": header}
    # A client of its own: the other one would put its name and password in.
    async with httpx.AsyncClient(base_url=post.state.url) as client:
        answer = await client.post(post.shipments, content=request(), headers=headers)
    assert answer.status_code == 401


async def test_media_types_and_the_customer_are_looked_at(post: Post) -> None:
    body, path = b"<shipment/>", post.shipments
    plain = await post.client.post(
        path, content=body, headers={"accept": "*/*", "content-type": SHIPMENT_TYPE}
    )
    assert plain.status_code == 406
    other = await post.client.post(
        path, content=body, headers={"accept": SHIPMENT_TYPE, "content-type": "text/xml"}
    )
    assert other.status_code == 415
    bought = await post.buy()
    page = await post.client.get(links(bought)["label"], headers={"accept": "text/html"})
    assert page.status_code == 406
    pin = text(bought, "tracking-pin")
    assert (await post.client.get(f"/vis/track/pin/{pin}/summary")).status_code == 406
    stranger = await post.client.post("/rs/1/1/shipment", content=body, headers=HEADERS)
    assert stranger.status_code == 403
    assert (await post.read(f"{path}/545")).status_code == 404


async def test_a_label_may_be_in_the_making(post: Post) -> None:
    post.state.label_ready_after = timedelta(seconds=30)
    bought = await post.buy()
    waiting = await post.label(bought)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "1")
    post.advance(seconds=30)
    assert (await post.label(bought)).status_code == 200


async def test_a_parcel_travels_with_the_clock(post: Post) -> None:
    pin = text(await post.buy(), "tracking-pin")
    seen = []
    for hours in (0, 6, 14, 40, 6):
        post.advance(hours=hours)
        summary = await post.track(f"pin/{pin}/summary")
        seen.append(text(summary, "event-description"))
    assert seen == [
        "Electronic information submitted by shipper",
        "Item picked up by Canada Post",
        "Item processed at postal facility",
        "Item out for delivery",
        "Item successfully delivered",
    ]
    assert text(summary, "actual-delivery-date") == "2026-03-05"
    assert text(summary, "mailed-on-date") == "2026-03-02"
    assert text(summary, "customer-ref-1") == "ORDER-1"
    detail = await post.track(f"pin/{pin}/detail")
    assert detail.headers["content-type"] == TRACK_TYPE
    assert detail.content.count(b"<occurrence>") == 5
    # The latest comes first, in the time of the zone that is named beside it: 66 hours after 9:00 EST.
    assert (text(detail, "event-identifier"), text(detail, "event-date"), text(detail, "event-time")) == (
        "1496", "2026-03-05", "03:00:00",
    )  # fmt: skip
    assert text(detail, "event-time-zone") == "EST"


@pytest.mark.parametrize(
    ("journey", "expected"),
    [
        (Journey(late=1.0), "Customer addressing error found; attempting to correct. Possible delay"),
        (Journey(lost=1.0), "Item processed at postal facility"),
    ],
)
async def test_parcels_may_be_late_or_lost(post: Post, journey: Journey, expected: str) -> None:
    post.state.journey = journey
    pin = text(await post.buy(), "tracking-pin")
    post.advance(days=4)
    assert text(await post.track(f"pin/{pin}/summary"), "event-description") == expected
    post.advance(days=5)
    delivered = text(await post.track(f"pin/{pin}/summary"), "actual-delivery-date")
    assert bool(delivered) is (journey.late > 0)


async def test_something_may_happen_to_a_parcel(post: Post) -> None:
    pin = text(await post.buy(), "tracking-pin")
    event = {"code": "1411", "description": "Item refused by addressee", "site": "Montreal"}
    assert (await post.client.post(f"/sandbox/labels/{pin}/events", json=event)).status_code == 201
    post.advance(minutes=1)
    assert text(await post.track(f"pin/{pin}/summary"), "event-description") == "Item refused by addressee"
    assert (await post.client.post("/sandbox/labels/1/events", json=event)).status_code == 404


async def test_a_parcel_is_found_by_reference_and_unknown_numbers_have_no_history(post: Post) -> None:
    await post.buy()
    by_reference = await post.track("ref/summary", referenceNumber="ORDER-1", destinationPostalCode="H2X1A4")
    assert text(by_reference, "customer-ref-1") == "ORDER-1"
    for answer in (
        await post.track("ref/summary", referenceNumber="ORDER-1", destinationPostalCode="V6B1A1"),
        await post.track("pin/7023210000000001/summary"),
        await post.track("pin/7023210000000001/detail"),
    ):
        assert (answer.status_code, text(answer, "code")) == (404, "004")
    assert (await post.track("ref/summary")).status_code == 400


async def test_links_are_given_twice_and_garbage_is_no_xml(post: Post) -> None:
    await post.buy()
    post.state.misbehavior.plan("GetShipments", "twice", "garbage")
    assert (await post.read(post.shipments, requestId="R-1")).content.count(b'rel="shipment"') == 2
    assert b"</shipments>" not in (await post.read(post.shipments, requestId="R-1")).content
