"""The label: a real PDF of one page that says what it should, with a barcode that reads back as the number."""

import io
import json
import re
import signal
import subprocess
import sys
from dataclasses import replace

import httpx
import pypdf
import pytest
from tests.sandbox.canadapost.conftest import Post, order, text

from entrepot.sandbox.canadapost.labels import Label, code_128, draw

LABEL = Label(
    service="Expedited Parcel",
    sender=("Second Wind Laptops", "12 Kettle Street", "Ottawa ON", "K1P5A1"),
    recipient=("Zoé Fontaine", "7 Otter Creek Lane", "Montreal QC"),
    postal_code="H2X1A4",
    pin="7023210039414604",
    reference="ORDER-1",
    weight="1.800",
)
#: Two of the table's patterns that everybody who draws the code begins and ends with, and two in between.
START_C, TWELVE, THIRTY_FOUR, STOP = "211232", "112232", "131123", "2331112"


def page(pdf: bytes) -> str:
    """The text of the only page."""
    (found,) = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return found.extract_text()


def scanned(pdf: bytes) -> str:
    """What a scanner reads of the bars: widths of bars and gaps, looked up among those of known numbers."""
    (found,) = pypdf.PdfReader(io.BytesIO(pdf)).pages
    contents = found.get_contents()
    assert contents is not None
    drawn = re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re f", contents.get_data())
    # The tall ones; the line between the addresses is flat.
    bars = [(float(x), float(width)) for x, _, width, height in drawn if float(height) > 50]
    module = min(width for _, width in bars)
    widths = []
    for (x, width), (following, _) in zip(bars, [*bars[1:], (0.0, 0.0)], strict=True):
        widths += [round(width / module), round((following - x - width) / module)]
    modules = "".join(map(str, widths[:-1]))
    assert modules.startswith(START_C)
    assert modules.endswith(STOP)
    symbols = [modules[at : at + 6] for at in range(6, len(modules) - len(STOP), 6)]
    known = {code_128(f"{value:02d}")[6:12]: value for value in range(100)}
    return "".join(f"{known[symbol]:02d}" for symbol in symbols[:-1])


def test_a_label_is_one_page_with_the_address_and_the_number() -> None:
    said = page(draw(LABEL))
    for line in ("Zoé Fontaine", "7 Otter Creek Lane", "H2X 1A4", "Ref: ORDER-1", "Expedited Parcel"):
        assert line in said
    assert LABEL.pin in re.sub(r"\s", "", said)


def test_what_a_pdf_cannot_hold_breaks_no_label() -> None:
    odd = replace(LABEL, recipient=("A (B) \\ C\nD", "Łucja – 東京", "œuvre"), reference="")
    said = page(draw(odd))
    assert "A (B) \\ C D" in said
    assert "?ucja – ??" in said
    assert "œuvre" in said
    reader = pypdf.PdfReader(io.BytesIO(draw(odd)), strict=True)
    assert reader.metadata is not None
    assert reader.metadata.title == f"Label {odd.pin}"
    width, height = (round(float(side) / 72, 2) for side in reader.pages[0].mediabox[2:])
    assert (width, height) == (4.0, 6.0)


def test_the_barcode_reads_back_as_the_number() -> None:
    assert scanned(draw(LABEL)) == LABEL.pin


def test_the_barcode_is_code_128() -> None:
    # 105 + 1 * 12 + 2 * 34, modulo 103, is 82.
    check = 82
    drawn = code_128("1234")
    assert drawn == START_C + TWELVE + THIRTY_FOUR + code_128(f"{check}")[6:12] + STOP
    symbols = {code_128(f"{value:02d}")[6:12] for value in range(100)}
    assert len(symbols) == 100
    assert {sum(map(int, symbol)) for symbol in symbols} == {11}


@pytest.mark.parametrize("digits", ["123", "12a4", "", "१२"])
def test_only_pairs_of_digits_make_a_barcode(digits: str) -> None:
    if digits:
        with pytest.raises(ValueError, match="pairs of digits"):
            code_128(digits)


async def test_the_bought_label_shows_its_own_parcel(post: Post) -> None:
    first, second = (
        await post.buy(order(1)),
        await post.buy({**order(2), "delivery-spec/destination/name": "Ada Alder"}),
    )
    for bought, name in ((first, "Zoé Fontaine"), (second, "Ada Alder")):
        label = await post.label(bought)
        assert label.headers["content-type"] == "application/pdf"
        assert name in page(label.content)
        assert scanned(label.content) == text(bought, "tracking-pin")
        # Asked again, it is the same; only the moment that it was made at is in it.
        assert page((await post.label(bought)).content) == page(label.content)


async def test_a_wrong_label_is_somebody_elses_or_none(post: Post) -> None:
    bought = [
        await post.buy({**order(number), "delivery-spec/destination/name": "A" * number})
        for number in range(1, 7)
    ]
    post.state.misbehavior.plan("GetArtifact", *["wrong_label"] * len(bought))
    labels = [(await post.label(one)).content for one in bought]
    pdfs = [label for label in labels if label.startswith(b"%PDF")]
    assert 0 < len(pdfs) < len(labels)
    pins = [text(one, "tracking-pin") for one in bought]
    assert all("Somebody Else" in page(pdf) and scanned(pdf) not in pins for pdf in pdfs)


def test_the_command_serves_until_it_is_ended() -> None:
    command = [
        sys.executable,
        "-m",
        "entrepot",
        "sandbox",
        "canadapost",
        "--port",
        "0",
        "--customer",
        "77",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        auth = (told["username"], told["password"])
        headers = {"accept": "application/vnd.cpc.shipment-v8+xml"}
        address = f"{told['url']}/rs/77/77/shipment?requestId=R-1"
        assert httpx.get(address, auth=auth, headers=headers).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
