"""`entrepot mirakl labels` and `ship`, as a person at a packing table uses them."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from tests.cli.conftest import CommandLine, Outcome, entrepot
from tests.mirakl.shipping.conftest import Yard, order_id
from tests.mirakl.shipping.test_labels import wrong_label

from entrepot.kit.clock import system_clock

__all__ = ["entrepot"]


class Commands:
    """`entrepot mirakl …` in the yard's account; the sandboxes go on meanwhile."""

    def __init__(self, entrepot: CommandLine, code: str) -> None:
        self._entrepot = entrepot
        self._code = code

    async def __call__(self, *arguments: str, given: str = "") -> Outcome:
        return await asyncio.to_thread(
            self._entrepot, "mirakl", *arguments, "--account", self._code, given=given
        )

    async def json(self, *arguments: str) -> dict[str, Any]:
        """The answer as JSON."""
        return (await self(*arguments, "--json")).json


@pytest.fixture
def command(entrepot: CommandLine, yard: Yard) -> Commands:
    """The commands, of the yard's account."""
    return Commands(entrepot, yard.account.code)


async def test_labels_are_listed_printed_and_packed(command: Commands, yard: Yard, tmp_path: Path) -> None:
    empty = await command("labels", "list")
    assert empty.stdout == "There is no parcel yet. One is planned when an order is ready to ship.\n"
    first, second = await yard.order(), await yard.order()
    await yard.work()
    await yard.sql("UPDATE mirakl.components SET barcode = 'BASE' WHERE account_id = :account_id")
    listed = (await command.json("labels", "list"))["parcels"]
    assert {row["order_id"] for row in listed} == {order_id(first), order_id(second)}
    pdf = tmp_path / "labels.pdf"
    printed = await command("labels", "print", "--output", str(pdf))
    assert printed.stdout == f"Wrote 2 labels to {pdf}.\n"
    assert len(PdfReader(io.BytesIO(pdf.read_bytes())).pages) == 2
    nothing = await command("labels", "print", "--output", str(pdf))
    assert (nothing.code, nothing.stdout) == (3, "")
    again = await command("labels", "print", order_id(first), "--output", str(pdf))
    assert "was printed before: this is print 2. Destroy the other one." in again.stdout
    picked = await command("ship", "pick")
    assert "Bare LAPTOP-1" in picked.stdout
    pin = next(row["tracking_pin"] for row in listed if row["order_id"] == order_id(first))
    packed = await command("ship", "pack", order_id(first), given=f"{pin}\nBASE\n\nNOTHING\n{pin}\n")
    assert packed.stdout.splitlines() == [
        "too_early: The label comes last. Scan 1 × Bare LAPTOP-1.",
        "component: Bare LAPTOP-1 is in.",
        "unknown: 'NOTHING' is neither a component nor a label that is known.",
        "label: Everything is in, and it is the right label. Packed.",
    ]
    unfinished = await command.json("ship", "pack", order_id(second), "BASE")
    assert (unfinished["finished"], unfinished["scans"][0]["outcome"]) == (False, "component")
    shown = await command("labels", "show", str(pin), "--output", str(pdf))
    assert "Zoé Fern-Alder, 12 Lantern Close, Unit 4, Montréal, QC, H2X 1Y4, CA" in shown.stdout
    strange = await command("labels", "list", "--state", "lost")
    assert strange.code == 2
    assert "There is no state 'lost'." in strange.stderr


async def test_a_wrong_label_is_looked_at_and_accepted_or_bought_anew(
    command: Commands, yard: Yard, tmp_path: Path
) -> None:
    accepted = await wrong_label(yard)
    [parcel] = await yard.parcels(accepted)
    came = tmp_path / "came.pdf"
    shown = await command("labels", "show", parcel["carrier_reference"], "--output", str(came))
    assert shown.code == 0
    assert came.stat().st_size > 0
    refused = await command("labels", "print", order_id(accepted), "--output", str(came))
    assert refused.code == 4
    assert (await command("labels", "accept", order_id(accepted))).stdout.startswith("Accepted the label of ")
    assert await yard.status(accepted) == "ready_to_ship"
    taken_back = await wrong_label(yard)
    voided = await command("ship", "void", order_id(taken_back), "--again")
    [shipment] = [one for one in yard.carrier.all() if one.ticket is not None]
    assert voided.stdout == f"Its money was asked back: ticket {shipment.ticket}. A new one is bought.\n"
    late = await command("ship", "void", order_id(accepted))
    assert late.code == 4
    assert f"The order {order_id(accepted)} is ready_to_ship" in late.stderr
    yard.time.at = system_clock()
    await yard.work()
    assert await yard.status(accepted) == await yard.status(taken_back) == "shipped"
    assert (yard.labels(accepted), yard.labels(taken_back)) == (1, 2)


async def test_an_order_is_divided_and_sent_by_hand(command: Commands, yard: Yard) -> None:
    placed = await yard.order({"LAPTOP-1": 2})
    line = f"{order_id(placed)}-1"
    wrong = await command("ship", "split", order_id(placed), "--parcel", "2")
    assert (wrong.code, "'2' is not LINE=UNITS." in wrong.stderr) == (2, True)
    split = await command("ship", "split", order_id(placed), "--parcel", f"{line}=1", "--parcel", f"{line}=1")
    assert split.stdout == f"The order {order_id(placed)} has 2 parcels planned.\n"
    missing = await command("ship", "by-hand", order_id(placed))
    assert (missing.code, "The carrier 'own' is not set up." in missing.stderr) == (3, True)
    poor = await command("carriers", "set", "canada-post", "--user", "me")
    assert (poor.code, "canada-post needs --url, --customer." in poor.stderr) == (2, True)
    assert (await command("carriers", "set", "own", "--marketplace-code", "OTHER")).code == 0
    assert (await command("ship", "by-hand", order_id(placed))).code == 0
    number = await command("ship", "number", order_id(placed), "AB 123 456")
    assert "has the number AB 123 456." in number.stdout
    # Commands go by the machine's clock.
    yard.time.at = system_clock()
    await yard.work()
    assert await yard.status(placed) == "shipped"
    arrived = await command("ship", "delivered", order_id(placed))
    assert arrived.stdout.endswith(" is delivered.\n")
    assert await yard.status(placed) == "delivered"
    nothing = await command("ship", "again", order_id(placed))
    assert (nothing.code, "there is nothing to begin again" in nothing.stderr) == (4, True)
    assert (await command("ship", "follow")).stdout == "Asked about 0 parcels.\n"


async def test_how_an_account_ships_is_shown_and_changed(command: Commands, yard: Yard) -> None:
    shown = await command("ship", "settings")
    assert "when the label is there" in shown.stdout
    assert "5 days without an event" in shown.stdout
    # What else the account has settled stays as it is.
    await command("acceptance", "checks", "--most-units", "3")
    changed = await command.json("ship", "settings", "--pack-first", "--still-days", "1")
    assert changed == {"carrier": None, "pack_before_ship": True, "no_movement_days": 1, "look_hours": 6}
    assert await command.json("ship", "settings", "--carrier", "canada-post") == {
        **changed,
        "carrier": "canada-post",
    }
    assert (await command.json("ship", "settings", "--carrier", "any"))["carrier"] is None
    [held] = await yard.sql("SELECT settings -> 'acceptance' -> 'limits' AS limits FROM mirakl.accounts")
    assert held["limits"] == {"units": 3}
    unknown = await command("ship", "settings", "--carrier", "pigeon")
    assert unknown.code == 3
    assert "'pigeon', which is not set up" in unknown.stderr
    assert (await command.json("ship", "settings"))["carrier"] is None
    wrong = await command("ship", "settings", "--still-days", "0")
    assert wrong.code == 2
    assert "shipping.no_movement_days" in wrong.stderr
    await yard.order()
    await yard.work()
    [order] = await yard.sql("SELECT status FROM mirakl.order_status")
    assert order["status"] == "tracking_sent", "it waits to be packed"
