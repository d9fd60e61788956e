"""Canada Post's XML: what is sent is of the published structure, what comes back is read with suspicion."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.mirakl.shipping import canada_post_xml as xml
from entrepot.mirakl.shipping.carrier import Address, Parcel, Tracking
from entrepot.sandbox.canadapost.structure import CREATE, REFUND, read

SENDER = {
    "name": "Second Wind",
    "street_1": "1 Quay Street",
    "city": "Toronto",
    "province": "ON",
    "postal_code": "M5V 2T6",
    "phone": "555 0100",
}
PARCEL = Parcel(
    reference="A-1-P1-ab12",
    destination=Address(
        name="Zoé <Fern> & Söhne\x00",
        street_1="12 Lantern Close",
        street_2="Unit 4",
        city="Montréal",
        province="QC",
        postal_code="H2X 1Y4",
    ),
    service_code="DOM.EP",
    weight_kg=Decimal("1.8"),
    length_cm=Decimal(5),
    width_cm=Decimal(25),
    height_cm=Decimal(35),
)
BOMB = """<?xml version="1.0"?>
<!DOCTYPE shipment-info [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<shipment-info><shipment-id>&d;</shipment-id></shipment-info>"""
OUTSIDE = """<!DOCTYPE shipment-info [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<shipment-info><shipment-id>&a;</shipment-id></shipment-info>"""


def test_what_is_sent_is_of_the_published_structure() -> None:
    body = xml.create_shipment(PARCEL, SENDER, customer_number="0002000000", contract_id="42708517")
    root = read(body.encode(), "shipment", CREATE)
    sizes = [
        element.text for element in root.iter() if element.tag.endswith(("}length", "}width", "}height"))
    ]
    assert sizes == ["35.0", "25.0", "5.0"]
    assert [element.text for element in root.iter() if element.tag.endswith("}customer-ref-1")] == [
        "A-1-P1-ab12"
    ]
    names = [element.text for element in root.iter() if element.tag.endswith("}name")]
    assert names == ["Second Wind", "Zoé <Fern> & Söhne"]
    read(xml.refund_request("labels@example.com").encode(), "shipment-refund-request", REFUND)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "not XML"),
        ("<html><body>Sorry", "not XML"),
        ("Service Unavailable", "not XML"),
        ("<html></html>", "It is <html>, not <shipment-info>."),
        ("<shipment-info/>", "It has no shipment-id."),
        (BOMB, "entities or a document type"),
        (OUTSIDE, "entities or a document type"),
        (b'<?xml version="1.0" encoding="EBCDIC-9"?><shipment-info/>', "not XML"),
        (b"\xff\xfe\x00\x01", "not XML"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(answer: str | bytes, said: str) -> None:
    with pytest.raises(xml.UnreadableXmlError, match=said):
        xml.read_shipment(answer)
    assert xml.read_messages(answer) == []


def test_an_answer_is_read() -> None:
    found = xml.read_shipment(
        """<shipment-info xmlns="http://www.canadapost.ca/ws/shipment-v8">
        <shipment-id>340531309186521749</shipment-id><shipment-status>created</shipment-status>
        <tracking-pin>123456789012</tracking-pin>
        <links><link rel="self" href="https://x/1" media-type="a"/><link rel="label" href="https://x/2" index="0"/>
        <link rel="label" href="https://x/3" index="1"/></links></shipment-info>"""
    )
    assert (found.external_id, found.tracking_pin) == ("340531309186521749", "123456789012")
    assert found.links == {"self": "https://x/1", "label": "https://x/2"}
    assert found.price is None


def tracking(*events: tuple[str, str, str, str], expected: str = "2026-03-05") -> Tracking:
    """Tracking details of events: number, day, time with zone, description."""
    occurrences = "".join(
        f"<occurrence><event-identifier>{number}</event-identifier><event-date>{day}</event-date>"
        f"<event-time>{time.split()[0]}</event-time><event-time-zone>{time.split()[1]}</event-time-zone>"
        f"<event-description>{words}</event-description><event-site>TORONTO</event-site>"
        f"<event-province>ON</event-province></occurrence>"
        for number, day, time, words in events
    )
    return xml.read_tracking(
        f"<tracking-detail xmlns='http://www.canadapost.ca/ws/track'><expected-delivery-date>{expected}"
        f"</expected-delivery-date><significant-events>{occurrences}</significant-events></tracking-detail>"
    )


SENT = ("3000", "2026-03-02", "12:00:00 EST", "Electronic information submitted by shipper")
MOVING = ("0100", "2026-03-03", "08:30:00 EST", "Item processed at postal facility")


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (None, "announced"),
        (MOVING, "moving"),
        (("0173", "2026-03-04", "09:00:00 EST", "Possible delay"), "delayed"),
        (("1496", "2026-03-04", "09:00:00 EST", "Item successfully delivered"), "delivered"),
        (("9999", "2026-03-04", "09:00:00 EST", "Item delivered to recipient"), "delivered"),
        (("9999", "2026-03-04", "09:00:00 EST", "Item will be delivered on the next day"), "moving"),
        (("9999", "2026-03-04", "09:00:00 EST", "Item could not be delivered"), "moving"),
        (("1408", "2026-03-04", "09:00:00 EST", "Item being returned to sender"), "returning"),
    ],
)
def test_where_a_parcel_is_follows_from_its_events(
    last: tuple[str, str, str, str] | None, state: str
) -> None:
    found = tracking(*([last] if last else []), SENT)
    assert found.state == state
    assert (found.delivered_at is not None) == (state == "delivered")


def test_times_are_told_in_their_zone_and_kept_in_utc() -> None:
    found = tracking(MOVING, ("0170", "2026-03-04", "08:30:00 PDT", "Item processed"), SENT)
    assert [event.happened_at for event in found.events] == [
        datetime(2026, 3, 2, 17, tzinfo=UTC),
        datetime(2026, 3, 3, 13, 30, tzinfo=UTC),
        datetime(2026, 3, 4, 15, 30, tzinfo=UTC),
    ]
    assert found.events[0].place == "TORONTO, ON"
    # On the day itself it may come until the day is over in Vancouver.
    assert found.expected_delivery is not None
    assert found.expected_delivery.astimezone(UTC) == datetime(2026, 3, 6, 7, 59, 59, tzinfo=UTC)


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(xml.UnreadableXmlError, match="dated 'soon'"):
        tracking(("0100", "soon", "08:30:00 EST", "x"))


WHOLE = """<tracking-detail><significant-events><occurrence><event-identifier>0100</event-identifier>
<event-date>9999-12-31</event-date><event-time>23:59:59</event-time><event-time-zone>PST</event-time-zone>
<event-description>x</event-description></occurrence></significant-events></tracking-detail>"""


def test_a_time_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(xml.UnreadableXmlError, match="dated '9999-12-31'"):
        xml.read_tracking(WHOLE)


@given(st.integers(0, len(WHOLE)), st.text(max_size=20), st.integers(0, 40))
def test_whatever_is_answered_is_read_or_refused(at: int, noise: str, cut: int) -> None:
    spoiled = WHOLE[:at] + noise + WHOLE[at + cut :]
    for reading in (
        xml.read_tracking,
        xml.read_shipment,
        xml.read_shipments,
        xml.read_details,
        xml.read_ticket,
    ):
        with suppress(xml.UnreadableXmlError):
            reading(spoiled)


def test_a_price_that_is_none_is_not_known() -> None:
    for said in ("NaN", "Infinity", "1e30", "a lot"):
        answer = f"<shipment-info><shipment-id>1</shipment-id><due-amount>{said}</due-amount></shipment-info>"
        assert xml.read_shipment(answer).price is None
    with pytest.raises(xml.UnreadableXmlError, match="longer than any"):
        xml.read_shipment(f"<shipment-info><shipment-id>{'1' * 65}</shipment-id></shipment-info>")
