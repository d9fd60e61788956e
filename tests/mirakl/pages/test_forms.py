"""What somebody does in the console with an account: every form, what it refuses, and who may send it."""

import io
import re
from html import unescape
from uuid import uuid4

import httpx
from pypdf import PdfReader
from tests.mirakl.pages.conftest import Hand, House
from tests.mirakl.pages.seeding import add_order, add_parcel, label_pdf

READY = ("pending_acceptance", "accepting", "accepted", "ready_to_ship", "label_created")


def text_of(response: httpx.Response) -> str:
    """The text of a page's main part."""
    main = response.text.partition("<main")[2]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


async def send(who: Hand, path: str, **fields: str) -> httpx.Response:
    """Send a form and open the page that it leads to."""
    response = await who.pages.send(path, **fields)
    if response.status_code != 303:
        return response
    return await who.pages.get(response.headers["location"])


def forms_of(house: House) -> list[tuple[str, dict[str, str]]]:
    """A form of every kind."""
    here = house.here
    parcel, component = here.shipments["ORD-1003-A"], here.components["RAM-16"]
    thread, failure = here.conversations["done"], here.failures["label"]
    return [
        (f"{here.base}/orders/ORD-1001-A/accept", {}),
        (f"{here.base}/orders/ORD-1001-A/refuse", {"reason": "no"}),
        (f"{here.base}/orders/ORD-1004-A/buy-again", {}),
        (f"{here.base}/packing", {"parcel": "ORD-1003-A"}),
        (f"{here.base}/packing/{parcel}", {"barcode": "RAM-16"}),
        (f"{here.base}/labels/print", {f"parcel-{parcel}": "yes"}),
        (f"{here.base}/labels/{parcel}/print", {}),
        (f"{here.base}/labels/{parcel}/void", {}),
        (f"{here.base}/labels/{parcel}/accept", {}),
        (f"{here.base}/stock/{component}/receive", {"quantity": "1", "reason": "no"}),
        (f"{here.base}/stock/{component}/count", {"counted": "1", "reason": "no"}),
        (f"{here.base}/conversations/{thread}/reply", {"body": "no"}),
        (f"{here.base}/conversations/{thread}/mark", {"status": "archived"}),
        (f"{here.base}/conversations/{thread}/opt-out", {"wanted": "yes"}),
        (f"{here.base}/replies/switch", {"enabled": "yes"}),
        (f"{here.base}/replies/rules", {}),
        (f"{here.base}/replies/templates", {"number": "1", "body": "no"}),
        (f"{here.base}/failures/{failure}/retry", {}),
        (f"{here.base}/failures/{failure}/resolve", {"resolution": "no"}),
    ]


async def test_no_form_is_taken_from_elsewhere_or_from_who_may_not(house: House) -> None:
    for path, fields in forms_of(house):
        forged = await house.olga.pages.http.post(
            path, data=fields, headers={"accept": "text/html", "origin": "http://entrepot.test"}
        )
        assert forged.status_code == 403, path
        assert "form" in text_of(forged).lower(), path
        abroad = await house.olga.pages.http.post(
            path,
            data={"csrf_token": house.olga.pages.csrf, **fields},
            headers={"accept": "text/html", "origin": "https://elsewhere.example"},
        )
        assert abroad.status_code == 403, path
        assert (await house.vera.pages.send(path, **fields)).status_code == 403, path
        assert (await house.otto.pages.send(path, **fields)).status_code == 404, path


async def test_who_may_only_look_is_shown_no_form(house: House) -> None:
    here = house.here
    for path in (
        f"{here.base}/orders/ORD-1001-A",
        f"{here.base}/packing",
        f"{here.base}/packing/{here.shipments['ORD-1003-A']}",
        f"{here.base}/labels",
        f"{here.base}/stock/{here.components['RAM-16']}",
        f"{here.base}/conversations/{here.conversations['late']}",
        f"{here.base}/failures/{here.failures['label']}",
    ):
        assert 'method="post" action="/mirakl' in (await house.olga.pages.get(path)).text, path
        assert 'method="post" action="/mirakl' not in (await house.vera.pages.get(path)).text, path


async def test_an_order_is_accepted_with_a_reason_and_cannot_be_answered_again(house: House) -> None:
    place = f"{house.here.base}/orders/ORD-1001-A"
    offered = await house.olga.pages.get(place)
    assert "Accept or refuse" in text_of(offered)
    page = await send(house.olga, f"{place}/accept", reason="a regular <b>customer</b>")
    said = text_of(page)
    assert "It is being accepted" in said
    assert "by olga@harbor.example: a regular <b>customer</b>" in said
    assert 'id="refuse-reason"' not in page.text
    late = await send(house.olga, f"{place}/refuse", reason="after all")
    assert late.status_code == 409
    assert "there is nothing to answer" in text_of(late)


async def test_an_order_is_refused_for_a_reason_only(house: House) -> None:
    place = f"{house.here.base}/orders/ORD-1002-A"
    short = await send(house.olga, f"{place}/accept")
    assert short.status_code == 409
    assert "cannot be built" in text_of(short)
    silent = await send(house.olga, f"{place}/refuse", reason="  ")
    assert silent.status_code == 422
    refused = await send(house.olga, f"{place}/refuse", reason="no disks")
    assert "Refusing" in text_of(refused)


async def test_a_failed_order_is_set_going_again(house: House) -> None:
    place = f"{house.here.base}/orders/ORD-1004-A"
    assert "Have a label bought again" in text_of(await house.olga.pages.get(place))
    page = await send(house.olga, f"{place}/buy-again")
    assert "What was bought already is not bought again." in text_of(page)
    assert "Ready to ship" in text_of(page)
    assert (await send(house.olga, f"{place}/buy-again")).status_code == 409


async def test_a_parcel_is_packed_by_scanning_alone(house: House) -> None:
    here = house.here
    async with house.db.tenant(account_id=here.account_id) as session:
        await add_order(session, here, "ORD-2001-A", "SHIPPING", READY)
        parcel = await add_parcel(
            session, here, "ORD-2001-A", "1111222233334444", label_pdf("1111222233334444")
        )
    began = await house.olga.pages.send(f"{here.base}/packing", parcel="1111 2222 3333 4444")
    assert began.headers["location"] == f"{here.base}/packing/{parcel}"
    place = f"{here.base}/packing/{parcel}"
    page = await house.olga.pages.get(place)
    field = re.search(r"<input[^>]*id=\"barcode\"[^>]*>", page.text)
    assert field is not None
    assert "autofocus" in field[0]
    for barcode, heard, tone in (
        ("BASE-14", "Bare laptop, 14-inch is in.", "ok"),
        ("BASE-14", "all of it is in already", "bad"),
        ("CHG-65", "does not belong in this parcel", "bad"),
        ("1111222233334444", "The label comes last.", "bad"),
        ("6543210987654321", "The label of order ORD-1005-A, not of this one.", "bad"),
        ("<b>what</b>", "<b>what</b> is neither a component nor a label", "bad"),
        ("ram-16", "Memory 16 GB is in.", "ok"),
        ("SSD-512", "Disk 512 GB is in.", "ok"),
    ):
        sent = await house.olga.pages.send(place, barcode=barcode)
        assert sent.status_code == 303, barcode
        page = await house.olga.pages.get(sent.headers["location"])
        assert heard in text_of(page), barcode
        assert f'class="heard {tone}"' in page.text, barcode
        # Loading the page again scans nothing again.
        again = await house.olga.pages.get(place)
        assert "heard" not in again.text.partition("<main")[2], barcode
    assert "Everything is in. Scan the label." in text_of(page)
    packed = await send(house.olga, place, barcode="1111222233334444")
    assert "Packed. Take the next one." in text_of(packed)
    assert 'id="barcode"' not in packed.text
    listed = text_of(await house.olga.pages.get(f"{here.base}/packing"))
    assert "ORD-2001-A" not in listed
    # Nothing typed: the most urgent one that is left.
    following = await house.olga.pages.send(f"{here.base}/packing", parcel="")
    assert following.headers["location"] == f"{here.base}/packing/{here.shipments['ORD-1003-A']}"
    unknown = await send(house.olga, f"{here.base}/packing", parcel="ORD-9999-A")
    assert unknown.status_code == 404
    assert "ORD-9999-A" in text_of(unknown)


async def test_what_was_cancelled_is_loudly_not_packed(house: House) -> None:
    here = house.here
    async with house.db.tenant(account_id=here.account_id) as session:
        await add_order(session, here, "ORD-2002-A", "CANCELED", (*READY, "cancelled"))
        parcel = await add_parcel(
            session, here, "ORD-2002-A", "9999888877776666", label_pdf("9999888877776666")
        )
    page = await send(house.olga, f"{here.base}/packing/{parcel}", barcode="RAM-16")
    assert page.status_code == 409
    assert "Put it back: the order was cancelled." in text_of(page)


async def test_labels_are_printed_together_and_the_pick_list_adds_up(house: House) -> None:
    here = house.here
    page = await house.olga.pages.get(f"{here.base}/labels")
    chosen = dict.fromkeys(re.findall(r'name="(parcel-[^"]+)"', page.text), "yes")
    assert chosen
    pdf = await house.olga.pages.send(f"{here.base}/labels/print", **chosen)
    assert pdf.headers["content-type"] == "application/pdf"
    assert len(PdfReader(io.BytesIO(pdf.content)).pages) == len(chosen)
    assert "Every label was printed" in text_of(await house.olga.pages.get(f"{here.base}/labels"))
    none = await house.olga.pages.send(f"{here.base}/labels/print")
    assert none.status_code == 422
    assert "No label is chosen" in text_of(none)
    kept = await house.vera.pages.get(f"{here.base}/labels/{here.shipments['ORD-1005-A']}.pdf")
    assert kept.headers["content-disposition"].startswith("attachment")
    assert (
        await house.otto.pages.get(f"{here.base}/labels/{here.shipments['ORD-1005-A']}.pdf")
    ).status_code == 404
    picks = text_of(await house.vera.pages.get(f"{here.base}/pick-list"))
    assert "Memory 16 GB RAM · RAM-16 1" in picks


async def test_units_are_received_once_however_often_the_form_is_sent(house: House) -> None:
    place = f"{house.here.base}/stock/{house.here.components['CHG-65']}"
    once = str(uuid4())
    for _ in range(2):
        page = await send(house.olga, f"{place}/receive", quantity="5", reason="delivery", once=once)
        assert "The units are in stock." in text_of(page)
    assert "On hand 5 Reserved 0 Free 5" in text_of(page)
    wrong = await send(house.olga, f"{place}/receive", quantity="many", reason="delivery")
    assert wrong.status_code == 422
    assert "'many'" in text_of(wrong)
    assert "On hand 3" in text_of(await send(house.olga, f"{place}/count", counted="3", reason="inventory"))
    assert (await send(house.olga, f"{place}/count", counted="3", reason=" ")).status_code == 422


async def test_a_customer_is_answered_once_and_the_thread_says_so(house: House) -> None:
    place = f"{house.here.base}/conversations/{house.here.conversations['late']}"
    once = str(uuid4())
    for _ in range(2):
        page = await send(house.olga, f"{place}/reply", body="It is on its way.\r\n<i>Soon.</i>", once=once)
    assert page.text.count("&lt;i&gt;Soon.&lt;/i&gt;") == 1
    assert "A worker sends it" in text_of(page)
    assert "Pending" in text_of(page)
    today = await house.vera.pages.get(house.here.base)
    assert today.text.count("Reply is being sent") == 1
    empty = await send(house.olga, f"{place}/reply", body="   ")
    assert empty.status_code == 422
    late = text_of(await house.vera.pages.get(f"{house.here.base}/conversations?only=overdue"))
    assert "About my order" not in late
    # Archived conversations leave the list.
    other = house.here.conversations["soon"]
    await send(house.olga, f"{house.here.base}/conversations/{other}/mark", status="archived")
    assert str(other) not in (await house.vera.pages.get(f"{house.here.base}/conversations")).text
    assert (
        await send(house.olga, f"{house.here.base}/conversations/{other}/mark", status="lost")
    ).status_code == 422


async def test_automatic_replies_are_previewed_then_switched_on_by_an_admin(house: House) -> None:
    base = house.there.base
    before = await house.otto.pages.get(f"{base}/replies")
    assert "there is no active template 1" in text_of(before)
    saved = await send(
        house.otto,
        f"{base}/replies/templates",
        number="1",
        body="Hello {{customer.firstname|there}}, we answer soon.",
        active="yes",
    )
    assert "The text is saved." in text_of(saved)
    assert "Hello Amber, we answer soon." in text_of(saved)
    wrong = await send(
        house.otto, f"{base}/replies/templates", number="1", locale="en", body="Hello {{customer.shoe}}"
    )
    assert wrong.status_code == 422
    assert "Hello {{customer.shoe}}" in unescape(wrong.text)
    rules = {
        "after_hours": "1",
        "not_after_hours": "48",
        "at_most": "1",
        "answer_within_hours": "24",
        "opens": "08:00",
        "closes": "18:00",
        "day-mon": "yes",
        "closed_on": "2026-12-25",
        "opt_out_words": "STOP",
        "condition": '{"conversation.has_order": true}',
    }
    assert "The rules are saved." in text_of(await send(house.otto, f"{base}/replies/rules", **rules))
    for name, value in (
        ("closes", "07:00"),
        ("condition", "{"),
        ("condition", '{"no.such": 1}'),
        ("closed_on", "x"),
    ):
        bad = await send(house.otto, f"{base}/replies/rules", **{**rules, name: value})
        assert bad.status_code == 422, (name, value)
    on = await send(house.otto, f"{base}/replies/switch", enabled="yes")
    assert "Switched on" in text_of(on)
    assert "Switched off" in text_of(await send(house.otto, f"{base}/replies/switch", enabled="no"))


async def test_a_failure_is_resolved_with_words(house: House) -> None:
    place = f"{house.here.base}/failures/{house.here.failures['listing']}"
    assert (await send(house.olga, f"{place}/resolve", resolution=" ")).status_code == 422
    cannot = await send(house.olga, f"{place}/retry")
    assert cannot.status_code == 409
    page = await send(house.olga, f"{place}/resolve", resolution="mapped it")
    assert "by olga@harbor.example: mapped it" in text_of(page)
    assert (await send(house.olga, f"{place}/resolve", resolution="again")).status_code == 409


async def test_a_wrong_label_is_looked_at_and_accepted_by_a_person(house: House) -> None:
    pdf = label_pdf("somebody else's")
    failed = (*READY[:-1], "shipping_failed")
    async with house.db.system() as session:
        await add_order(session, house.here, "ORD-WRONG", "SHIPPING", failed)
        parcel = await add_parcel(
            session,
            house.here,
            "ORD-WRONG",
            "7023210000009999",
            pdf,
            state="bought",
            label_sha256=None,
            label_pdf_path=None,
            label_checked_at=None,
        )
    place = f"{house.here.base}/orders/ORD-WRONG"
    page = await house.olga.pages.get(place)
    assert "Try the label again" in page.text
    assert "Have a label bought again" not in page.text
    came = f"{house.here.base}/labels/{parcel}/came.pdf"
    assert came in page.text
    assert (await house.olga.pages.get(came)).content == pdf
    assert (await house.otto.pages.get(came)).status_code == 404
    accepted = await send(house.olga, f"{house.here.base}/labels/{parcel}/accept")
    assert "The label is accepted." in text_of(accepted)
    assert "olga@harbor.example has accepted the label" in text_of(accepted)
    assert (await house.olga.pages.get(f"{house.here.base}/labels/{parcel}.pdf")).content == pdf
    again = await send(house.olga, f"{house.here.base}/labels/{parcel}/accept")
    assert again.status_code == 409
    assert "there is no label to accept" in text_of(again)
