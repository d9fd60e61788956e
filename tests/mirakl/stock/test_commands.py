"""`entrepot mirakl stock` on the command line, with a marketplace that hears what is told."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CommandLine, Outcome, entrepot
from tests.mirakl.stock.conftest import new_account

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.sandbox.mirakl.server import serving_beside
from entrepot.sandbox.mirakl.state import MiraklState

__all__ = ["entrepot"]

FILES = {
    "components": "name,type,barcode,reorder_point\nlaptop,BASE,1,2\nmodule,RAM,2,\nkit,RAM,,\n",
    "parts": "component,part,quantity\nkit,module,2\n",
    "variants": "sku,model\nL16,ThinkBook\n",
    "bill": "sku,component,quantity\nL16,laptop,1\nL16,kit,1\n",
    "listings": "shop_sku,sku\nBB1,L16\nBB2,L16\n",
    "stock": "component,on_hand\nlaptop,3\nmodule,5\n",
}


class Stock:
    """`entrepot mirakl stock …` in an account of the test's own."""

    def __init__(self, entrepot: CommandLine, code: str, state: MiraklState) -> None:
        self._entrepot = entrepot
        self._code = code
        self.state = state

    def __call__(self, *arguments: str) -> Outcome:
        return self._entrepot("mirakl", "stock", *arguments, "--account", self._code)

    def json(self, *arguments: str) -> dict[str, Any]:
        """The answer as JSON."""
        return self(*arguments, "--json").json


@pytest.fixture
def stock(entrepot: CommandLine, settings: Settings, tmp_path: Path) -> Iterator[Stock]:
    """A house taken in from its files; commands open their own loop, so this has one of its own."""
    state = MiraklState.fresh(api_key="key")
    for sku in ("BB1", "BB2"):
        state.offers.add(sku, quantity=100)

    async def run(url: str) -> str:
        async with Database.opened(settings) as db:
            return (await new_account(db, api_url=f"{url}/api")).code

    with serving_beside(state) as url:
        found = Stock(entrepot, asyncio.run(run(url)), state)
        for kind, content in FILES.items():
            (tmp_path / f"{kind}.csv").write_text(content)
            assert "0 rejected" in found("import", kind, str(tmp_path / f"{kind}.csv")).stdout
        yield found


def test_what_is_there_can_be_seen_moved_and_told(stock: Stock) -> None:
    assert stock.json("buildable")["variants"][0]["buildable"] == 2
    assert {one["name"]: one["free"] for one in stock.json("list")["components"]} == {
        "laptop": 3,
        "module": 5,
        "kit": 0,
    }
    assert stock("push").code == 0
    assert [one.quantity for one in stock.state.offers.all()] == [1, 1]
    assert stock("receive", "2", "1", "--reason", "delivery", "--key", "7").stdout.strip() == (
        "module: 6 on hand, 6 free."
    )
    assert stock("receive", "2", "1", "--reason", "delivery", "--key", "7").stdout.strip() == (
        "module: 6 on hand, 6 free."
    )
    assert stock("count", "laptop", "2", "--reason", "shelf").stdout.strip() == "laptop: 2 on hand (-1)."
    [first, *_] = stock.json("ledger", "laptop")["movements"]
    assert (first["movement"], first["on_hand"], first["reason"]) == ("adjustment", 2, "shelf")
    [order] = stock.json("to-order")["to_order"]
    assert (order["name"], order["quantity"]) == ("laptop", 1)
    assert stock.json("settings", "--safety-stock", "1", "--sharing", "full")["safety_stock"] == 1
    assert [one["quantity"] for one in stock.json("listings")["listings"]] == [1, 1]
    assert stock("check").code == 0


def test_a_listing_is_mapped_alone(stock: Stock) -> None:
    assert stock("map", "BB3", "L16").stdout.strip() == "BB3 is L16."
    assert stock("map", "BB3", "L16").stdout.strip() == "BB3 was L16 before."
    refused = stock("map", "BB4", "L99")
    assert (refused.code, "There is no variant 'L99'" in refused.stderr) == (3, True)


def test_rejected_lines_are_shown_and_end_with_2(stock: Stock, tmp_path: Path) -> None:
    file = tmp_path / "bill.csv"
    file.write_text("sku,component,quantity\nL16,laptop,1\nL99,laptop,1\n")
    found = stock("import", "bill", str(file))
    assert found.code == 2
    assert "2 lines read: 0 applied, 1 unchanged, 1 rejected." in found.stdout
    assert "There is no variant 'L99'." in found.stdout
    told = stock("import", "bill", str(file), "--json")
    assert (told.code, told.json["rejected"]) == (2, [{"line": 3, "reason": "There is no variant 'L99'."}])


def test_what_cannot_be_done_says_so(stock: Stock, tmp_path: Path) -> None:
    stock.state.api_key = "another"
    refused = stock("push")
    assert refused.code == 7
    assert "could not be told" in refused.stderr
    assert stock("import", "bills", str(tmp_path)).code == 2
    assert stock("import", "bill", str(tmp_path / "nothing.csv")).code == 2
    assert stock("count", "dusk", "1", "--reason", "x").code == 3
    assert stock("settings", "--sharing", "some").code == 2
    assert stock("return", "LINE", "--reason", "x").code == 4
