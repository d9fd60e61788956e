"""A label is checked before it is used, kept with its checksum, and printed with its prints counted."""

import io
from typing import Any

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from tests.mirakl.shipping.conftest import Yard, order_id

from entrepot.kit.clock import clock
from entrepot.kit.errors import ConflictError
from entrepot.mirakl.failures.inbox import retry
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders.history import move
from entrepot.mirakl.shipping import deciding, queries
from entrepot.mirakl.shipping.carrier import Bought
from entrepot.mirakl.shipping.checking import check_label
from entrepot.mirakl.shipping.printing import print_labels, unprinted
from entrepot.mirakl.shipping.storing import labels_directory
from entrepot.sandbox.canadapost.shipments import CanadaPostState

TO = {"name": "Zoé Fern-Alder", "postal_code": "H2X 1Y4"}
PIN = "7023210000000373"


def page(*lines: str) -> bytes:
    """A PDF with some lines."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    for at, line in enumerate(lines):
        pdf.text(10, 20 + 10 * at, line)
    return bytes(pdf.output())


@pytest.mark.parametrize(
    "lines",
    [
        ("Zoé Fern-Alder", "Montréal QC H2X 1Y4", "7023210000000373"),
        ("ZOE FERN-ALDER", "MONTREAL QC", "h2x1y4", "7023 2100 0000 0373"),
        ("Zoé", "Fern - Alder", "H2X", "1Y4", "PIN 7023-2100-0000-0373"),
    ],
)
def test_accents_case_and_spaces_do_not_matter(lines: tuple[str, ...]) -> None:
    assert check_label(page(*lines), TO, PIN).problems == ()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("Somebody Else", "H2X 1Y4", PIN), "The name 'Zoé Fern-Alder' is not on the label."),
        (("Zoe Fern-Alder", "H2X 1Y5", PIN), "The postal code 'H2X 1Y4' is not on the label."),
        (("Zoe Fern-Alder", "H2X 1Y4", PIN[:-1] + "4"), f"The tracking number '{PIN}' is not on the label."),
    ],
)
def test_each_thing_that_has_to_be_there_is_looked_for(lines: tuple[str, ...], said: str) -> None:
    checked = check_label(page(*lines), TO, PIN)
    assert checked.problems == (said,)
    assert checked.is_pdf


def test_what_the_carrier_keeps_is_compared_as_well() -> None:
    right = page("Zoé Fern-Alder", "H2X 1Y4", PIN)
    assert check_label(right, TO, PIN, {"name": "ZOE FERN ALDER", "postal_code": "H2X1Y4"}).right
    wrong = check_label(right, TO, PIN, {"name": "Zoé Fern-Alder", "postal_code": "M5V2T6"})
    assert wrong.problems == ("The carrier has the postal code 'M5V2T6' for the parcel, not 'H2X 1Y4'.",)
    assert check_label(right, TO, None).problems == ("There is no tracking number to look for.",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "It is empty."),
        (
            b"<html><body>Sorry</body></html>",
            "It is no PDF: it begins with '<html><body>Sorry</body></html>'.",
        ),
        (b"%PDF-1.4\n" + b"\x00" * 100, "It is a broken PDF"),
        (page("x")[:-400], "It is a broken PDF"),
        (b"%PDF-1.7" + b" " * (9 * 1024 * 1024), "which is no label"),
    ],
)
def test_what_is_no_pdf_is_said_to_be_none(data: bytes, said: str) -> None:
    checked = check_label(data, TO, PIN)
    assert not checked.is_pdf
    assert said in checked.problems[0]


def test_a_book_is_no_label() -> None:
    pdf = FPDF()
    for _ in range(7):
        pdf.add_page()
    assert check_label(bytes(pdf.output()), TO, PIN).problems == ("It has 7 pages, which is no label.",)


async def wrong_label(yard: Yard) -> Any:
    """An order whose label came as somebody else's, or as no PDF at all, whichever the carrier felt like."""
    placed = await yard.order()
    yard.carrier.misbehavior.operations = ("GetArtifact",)
    yard.carrier.misbehavior.wrong_label = 1.0
    await yard.work(8, minutes=30)
    yard.carrier.misbehavior.wrong_label = 0.0
    assert await yard.status(placed) == "shipping_failed"
    assert yard.labels(placed) == 1
    return placed


async def parcel_of(yard: Yard, placed: Any) -> Any:
    """The live parcel of an order."""
    async with yard.db.tenant(account_id=yard.account_id) as session:
        [found] = await queries.select_parcels(session, yard.account_id, order_id=order_id(placed), live=True)
        return found


async def test_a_retry_for_an_order_that_is_over_ends_the_failure(yard: Yard) -> None:
    placed = await wrong_label(yard)
    [failure] = await yard.sql("SELECT failure_id FROM mirakl.process_failures")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await move(session, yard.account_id, order_id(placed), "cancelled", actor_type="marketplace")
            await retry(session, yard.account_id, failure["failure_id"])
    assert await yard.failures("open", "retrying") == []
    assert await yard.status(placed) == "cancelled"


async def test_a_wrong_label_waits_for_a_person_and_a_retry_downloads_it_again(yard: Yard) -> None:
    placed = await wrong_label(yard)
    [(step, kind)] = await yard.failures()
    assert step in ("ShippingLabelValidation", "ShippingLabelDownload")
    assert kind == "permanent"
    [failure] = await yard.sql("SELECT failure_id, details, next_step FROM mirakl.process_failures")
    assert "is not the right one" in failure["details"]
    assert "ship void" in failure["next_step"]
    assert "labels accept" in failure["next_step"]
    [file] = await yard.sql("SELECT is_right FROM mirakl.label_files")
    assert not file["is_right"]
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await retry(session, yard.account_id, failure["failure_id"])
    await yard.work()
    assert await yard.status(placed) == "shipped"
    assert yard.labels(placed) == 1
    assert await yard.failures() == []


async def test_a_person_may_accept_a_label(yard: Yard) -> None:
    placed = await wrong_label(yard)
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            parcel = await deciding.find_parcel(session, yard.account_id, order_id(placed))
            await deciding.accept_label(session, yard.account_id, parcel, by="Robin")
        await yard.work()
        assert await yard.status(placed) == "shipped"
        assert await yard.failures() == []
        parcel = await parcel_of(yard, placed)
        assert parcel["label_checked_at"] is None
        async with yard.db.tenant(account_id=yard.account_id) as session:
            with pytest.raises(ConflictError, match="there is no label to accept"):
                await deciding.accept_label(session, yard.account_id, parcel, by="Robin")


@pytest.mark.parametrize("transmitted", [True, False])
async def test_a_wrong_label_is_taken_back_and_bought_anew(yard: Yard, transmitted: bool) -> None:
    from datetime import timedelta

    if not transmitted:
        yard.carrier.transmits_after = timedelta(days=30)
    placed = await wrong_label(yard)
    # Picked up already would be too late for a refund.
    yard.carrier.journey = type(yard.carrier.journey)(collected=timedelta(days=9))
    parcel = await parcel_of(yard, placed)
    with clock(yard.time):
        state = await deciding.take_back(yard.services, yard.account_id, parcel, by="Robin", again=True)
    assert state == ("refund_requested" if transmitted else "void")
    await yard.work()
    assert await yard.status(placed) == "shipped"
    first, second = await yard.parcels(placed)
    assert (first["state"], second["state"]) == (state, "labelled")
    assert (first["service_ticket_id"] is not None) == transmitted
    assert first["parcel_number"] == second["parcel_number"] == 1
    assert first["carrier_reference"] != second["carrier_reference"]
    assert yard.labels(placed) == 2
    assert await yard.failures() == []


async def test_labels_are_printed_as_one_pdf_and_prints_are_counted(yard: Yard) -> None:
    orders = [await yard.order() for _ in range(3)]
    await yard.work()
    directory = labels_directory(yard.db.settings)
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            waiting = await unprinted(session, yard.account_id)
            batch = await print_labels(session, yard.account_id, waiting, directory)
        assert {label.order_id for label in batch.labels} == {order_id(placed) for placed in orders}
        assert batch.reprints == ()
        reader = PdfReader(io.BytesIO(batch.pdf))
        texts = ["".join(page.extract_text().split()) for page in reader.pages]
        assert [str(label.tracking_pin) in text for label, text in zip(batch.labels, texts, strict=True)] == [
            True,
            True,
            True,
        ]
        # A file that somebody has thrown away is there again after the next print.
        parcel = await parcel_of(yard, orders[1])
        (directory / parcel["label_pdf_path"]).unlink()
        async with yard.db.tenant(account_id=yard.account_id) as session:
            assert await unprinted(session, yard.account_id) == []
            again = await print_labels(session, yard.account_id, [parcel], directory)
        assert (directory / parcel["label_pdf_path"]).is_file()
        assert [(label.prints, label.is_reprint) for label in again.reprints] == [(2, True)]
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await move(session, yard.account_id, order_id(orders[1]), "cancelled", actor_type="marketplace")
            with pytest.raises(ConflictError, match="is cancelled; its label is not printed"):
                await print_labels(session, yard.account_id, [parcel], directory)


async def test_a_number_that_another_parcel_has_is_looked_at_by_a_person(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await yard.order()
    await yard.work()
    # The carrier numbers two parcels alike, as its test system does.
    create = CanadaPostState.create

    def alike(carrier: CanadaPostState, request: Any) -> Any:
        made = create(carrier, request)
        made.pin = str(next(iter(carrier.all())).pin)
        return made

    monkeypatch.setattr(CanadaPostState, "create", alike)
    second = await yard.order()
    await yard.work()
    assert await yard.status(first) == "shipped"
    assert await yard.status(second) == "shipping_failed"
    assert yard.labels(second) == 1
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            parcel = await deciding.find_parcel(session, yard.account_id, order_id(second))
            await deciding.accept_label(session, yard.account_id, parcel, by="Robin")
        await yard.work()
        # Without a number there is nothing to report, and somebody is told what to do.
        assert await yard.status(second) == "label_created"
        assert await yard.failures() == [("TrackingUpdate", "permanent")]
        async with yard.db.tenant(account_id=yard.account_id) as session:
            parcel = await deciding.find_parcel(session, yard.account_id, order_id(second))
            await deciding.record_number(session, yard.account_id, parcel, "7023210000000997", by="Robin")
        await yard.work()
    assert await yard.status(second) == "shipped"
    assert await yard.failures() == []


async def test_what_has_no_label_is_not_printed(yard: Yard) -> None:
    placed = await wrong_label(yard)
    async with yard.db.tenant(account_id=yard.account_id) as session:
        parcel = await deciding.find_parcel(session, yard.account_id, order_id(placed))
        with pytest.raises(ConflictError, match="has no label to print"):
            await print_labels(session, yard.account_id, [parcel], labels_directory(yard.db.settings))


@pytest.mark.parametrize(
    "link", ["https://evil.example/label", "http://127.0.0.1:1/label", "https://[/label", "http://\x00/label"]
)
async def test_a_link_to_another_host_is_not_followed(yard: Yard, link: str) -> None:
    post = await yard.services.carrier(yard.account_id, "canada-post")
    with pytest.raises(ServiceError, match=r"is not the host of the account") as raised:
        await post.label(Bought(external_id="1", tracking_pin=None, links={"label": link}))
    assert raised.value.outcome is Outcome.PERMANENT


LABEL = page("Zoé Fern-Alder", "H2X 1Y4", PIN)


@given(st.integers(0, len(LABEL)), st.binary(max_size=60), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_whatever_comes_as_a_label_is_one_or_has_problems(at: int, noise: bytes, cut: int) -> None:
    spoiled = LABEL[:at] + noise + LABEL[at + cut :]
    checked = check_label(spoiled, TO, PIN)
    assert checked.is_pdf or checked.problems
