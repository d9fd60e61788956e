"""`entrepot price` on the test's database."""

import asyncio
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cli.conftest import Outcome, entrepot
from tests.conftest import add_platform
from tests.marketplace.pricing.conftest import CART, GARDEN, VOUCHER, publish_on

from entrepot.cli.main import main
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.marketplace.pricing import replaying
from entrepot.marketplace.pricing.rulesets import RuleSet

__all__ = ["entrepot"]

Price = Callable[..., Outcome]
RATES = '- {from: USD, to: EUR, rate: "0.92", date: 2026-11-01, source: ECB}\n'


@pytest.fixture
def published(settings: Settings) -> None:
    """A platform with two prices; the commands open their own loop, so this has one of its own."""

    async def run() -> None:
        async with Database.opened(settings) as db:
            await publish_on(db, await add_platform(db, "quayside"), GARDEN, VOUCHER)

    asyncio.run(run())


@pytest.fixture
def price(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Price:
    """Runs `entrepot price …` in this process, with standard input as the bytes that it is."""

    def run(*arguments: str, given: str = "") -> Outcome:
        capfd.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8"))
        monkeypatch.setattr(sys, "argv", ["entrepot", "price", *arguments])
        code = main(["price", *arguments])
        captured = capfd.readouterr()
        assert "Traceback" not in captured.err, captured.err
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.mark.usefixtures("published", "entrepot")
def test_carts_are_quoted_by_published_rules_and_found_again(
    price: Price, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rates.yaml").write_text(RATES)
    assert price("rates").stdout == "There are no rates yet.\n"
    shown = price("rates", "--set", str(tmp_path / "rates.yaml")).stdout
    assert shown.startswith("1 rate changed.\n")
    assert "USD" in shown
    again = price("rates", "--set", str(tmp_path / "rates.yaml"), "--from", "EUR", "--json").json
    assert again == {"changed": 0, "rates": []}

    voucher = {**CART, "coupons": ["FIVE"], "at": "2026-11-21T12:00:00Z", "transaction_id": "order-8"}
    lines = [json.dumps(CART), "{", json.dumps(voucher), json.dumps({**CART, "rules": []}), "[]"]
    outcome = price("quote", given="\n".join(lines))
    assert (outcome.code, outcome.stderr) == (0, "")
    answers = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [one.get("totals", {}).get("discount") for one in answers] == [399, None, 859, 0, None]
    assert [step["step"] for step in answers[0]["trace"]] == ["prices", "line discounts", "totals"]
    assert answers[2]["rates"][0]["rate"] == "0.92"
    # What is quoted by published rules is recorded, and nothing else; before the command ends.
    stored = price("decisions", "--json").json["decisions"]
    assert [one["transaction_id"] for one in stored] == ["order-8", "order-7"]
    assert stored[0]["id"] == answers[2]["id"]
    assert "id" not in answers[3]
    quiet = price("quote", "--no-record", given=json.dumps(CART))
    assert json.loads(quiet.stdout)["id"] is None
    assert len(price("decisions", "--json").json["decisions"]) == 2

    table = price("decisions", "--rule", "VOUCHER").stdout
    assert re.search(r" order-8 +\d+\.\d\d +\d+\.\d\d +", table), table
    assert "order-7" not in table
    assert price("decisions", "--transaction", "order-7", "--limit", "1", "--json").json["decisions"] == [
        stored[1]
    ]
    assert price("decisions", "--trace", "none").stdout == "Nothing has been quoted yet.\n"

    explained = price("explain", stored[0]["id"]).stdout.splitlines()
    assert explained[0].startswith("order-8, 2")
    assert explained[2].startswith("GARDEN (10 % off) takes off 3.99 EUR on line a, on 39.90 EUR")
    assert "takes off 4.60 EUR" in explained[3]
    assert price("explain", stored[0]["id"], "--json").json["cart_json"]["coupons"] == ["FIVE"]
    replayed = price("replay", stored[0]["id"])
    assert (replayed.code, replayed.stdout) == (0, "It comes to the same cents: 38.31 EUR.\n")
    assert price("replay", stored[0]["id"], "--json").json["same"] is True

    # An engine that reckons otherwise than it did is told of, and the command fails.
    def without_vouchers(documents: list[Any], **named: Any) -> RuleSet:
        return RuleSet([one for one in documents if one["key"] != "VOUCHER"], **named)

    monkeypatch.setattr(replaying, "RuleSet", without_vouchers)
    different = price("replay", stored[0]["id"])
    assert different.code == 1
    assert "totals.total" in different.stdout
    assert "version 1 of the engine" in different.stderr
    assert price("replay", stored[0]["id"], "--json").code == 1

    for command in ("explain", "replay"):
        missing = price(command, str(uuid4()))
        assert missing.code == 3
        assert "no pricing decision" in missing.stderr
    elsewhere = price("quote", "--platform", "elsewhere", given=json.dumps(CART))
    assert elsewhere.code == 3
    assert "elsewhere" in elsewhere.stderr
    # Lines that bring their rules ask nobody.
    own = price("quote", "--platform", "elsewhere", given=json.dumps({**CART, "rules": [GARDEN]}))
    assert json.loads(own.stdout)["totals"]["discount"] == 399


WRONG: list[tuple[tuple[str, ...], str]] = [
    (("quote", "--rules", "missing.yaml"), "missing.yaml"),
    (("quote", "--rules", "wrong.yaml"), "wrong.yaml:3 prices[0].type"),
    (("quote", "--rates", "wrong.yaml"), "wrong.yaml:1 rates: the file has no rates."),
    (("rates", "--set", "wrong.yaml"), "wrong.yaml:1 rates: the file has no rates."),
    (("quote", "--rules", "right.yaml", "--time-zone", "Mars/Olympus"), "not a time zone"),
    (("explain", "7"), "DECISION"),
    (("decisions", "--limit", "0"), "--limit"),
]


def test_what_cannot_be_done_is_said(price: Price, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong.yaml").write_text(
        "prices:\n  - key: A\n    type: REBATE\n    action: {type: FREE_SHIPPING}\n"
    )
    Path("right.yaml").write_text("prices: []\n")
    for arguments, word in WRONG:
        outcome = price(*arguments, given=json.dumps(CART))
        assert outcome.code == 2, arguments
        assert word in outcome.stderr
        assert outcome.stdout == ""
