"""`entrepot mirakl accounts|members|carriers|failures|calls|money`, in the process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from tests.cli.conftest import CommandLine

from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account, choose_account
from entrepot.mirakl.failures.inbox import fail
from entrepot.mirakl.orders.steps import load_steps
from entrepot.sandbox.mirakl.orders import Pace
from entrepot.sandbox.mirakl.server import serving_beside
from entrepot.sandbox.mirakl.state import API_KEY, MiraklState
from entrepot.sandbox.misbehaving import Behavior

SHOP = "harbor.myshopify.com"
CARRIER = (
    "mirakl", "carriers", "set", "canada-post", "--url", "https://ct.example", "--user", "me", "--customer", "1234567",
    "--sender-city", "Ottawa", "--password-stdin",
)  # fmt: skip


@pytest.fixture
def market() -> Iterator[tuple[MiraklState, str]]:
    """A marketplace beside the commands, with something sold."""
    state = MiraklState.fresh(pace=Pace(debited=timedelta()))
    (placed,) = state.add_orders(1, ["SKU-1"])
    state.orders.accept(
        placed.order["order_id"], {line["order_line_id"]: True for line in placed.order["order_lines"]}
    )
    state.orders.settle()
    with serving_beside(state) as url:
        yield state, f"{url}/api"


def in_account(entrepot: CommandLine, work: Callable[[AsyncSession, Account], Awaitable[UUID]]) -> UUID:
    async def run() -> UUID:
        async with Database.opened(pool_size=2) as db:
            account = await choose_account(db, None)
            async with db.tenant(account_id=account.account_id) as session:
                return await work(session, account)

    return asyncio.run(run())


def test_accounts_their_people_and_their_carriers(entrepot: CommandLine) -> None:
    assert "no account yet" in entrepot("mirakl", "accounts", "list").stdout
    entrepot("shops", "add", SHOP)
    entrepot("staff", "add", "ann@example.com", "--shop", SHOP, "--generate-password")
    add = (
        "mirakl",
        "accounts",
        "add",
        "best-buy",
        "--url",
        "https://marketplace.example/api/",
        "--key-stdin",
    )
    made = entrepot(*add, "--marketplace", "Best Buy", "--admin", "ann@example.com", given="key-1\n")
    assert (made.code, made.stdout) == (0, "Added Best Buy (best-buy), CAD, UTC.\n")
    assert "key-1" not in made.stdout + made.stderr
    again = entrepot(*add, "--json", given="key-1\n")
    assert (again.code, again.json["error"]["detail"]) == (4, "There is an account best-buy already.")
    (listed,) = entrepot("mirakl", "accounts", "list", "--json").json["accounts"]
    assert (listed["code"], listed["api_url"], listed["poll_seconds"]) == (
        "best-buy",
        "https://marketplace.example/api",
        300,
    )
    assert "api_key" not in listed
    assert entrepot(*CARRIER, given="opening words\n").stdout == (
        "canada-post is set up: customer 1234567, service DOM.EP.\n"
    )
    (carrier,) = entrepot("mirakl", "carriers", "list", "--json").json["carriers"]
    assert (carrier["carrier"], carrier["sender"]) == ("canada-post", {"city": "Ottawa"})
    shown = entrepot("mirakl", "accounts", "show", "best-buy", "--json").json
    assert shown["members"] == [{"person": "ann@example.com", "role": "admin"}]
    assert shown["carriers"] == ["canada-post"]
    assert "ann@example.com" in entrepot("mirakl", "accounts", "show", "best-buy").stdout
    assert entrepot("mirakl", "members", "set", "best-buy", "ann@example.com", "--role", "viewer").code == 0
    assert entrepot("mirakl", "members", "set", "best-buy", "ann@example.com", "--role", "king").code == 2
    assert entrepot("mirakl", "members", "remove", "best-buy", "ann@example.com").code == 0
    assert entrepot("mirakl", "members", "remove", "best-buy", "ann@example.com").code == 3
    assert entrepot("mirakl", "accounts", "key", "best-buy", "--key-stdin", given="key-2\n").code == 0
    changed = entrepot(
        "mirakl", "accounts", "change", "best-buy", "--every", "60", "--limit", "OR11=1/60", "--json"
    )
    assert changed.json["poll_seconds"] == 60
    assert changed.json["call_limits"] == {"OR11": [{"calls": 1, "seconds": 60.0}]}
    assert entrepot("mirakl", "accounts", "pause", "best-buy", "--json").json["is_active"] is False
    assert entrepot("mirakl", "accounts", "pause", "best-buy", "--resume", "--json").json["is_active"] is True


#: Command line, what it is given, its exit code, what it tells.
MISTAKES = (
    (("accounts", "add", "x", "--url", "https://m.example/api"), "", 2, "Give --key-stdin."),
    (
        ("accounts", "add", "x", "--url", "https://m.example/api", "--key-stdin"),
        "\n",
        2,
        "The API key is empty",
    ),
    (
        ("accounts", "add", "X!", "--url", "https://m.example/api", "--key-stdin"),
        "k\n",
        2,
        "an account's code",
    ),
    (("accounts", "show", "nothing"), "", 3, "There is no account 'nothing'"),
    (("accounts", "key", "nothing", "--key-stdin"), "k\n", 3, "There is no account 'nothing'"),
    (("money", "import"), "", 3, "no account on a Mirakl marketplace yet"),
    (("failures", "show", "0199a5b0-0000-7000-8000-000000000000"), "", 3, "no account on a Mirakl"),
    (("failures", "show", "x"), "", 2, "a valid UUID"),
    (("money", "settle", "--since", "soon"), "", 2, "'soon' is no date"),
)


def test_what_cannot_be_is_told_with_what_to_do(entrepot: CommandLine) -> None:
    for arguments, given, code, told in MISTAKES:
        found = entrepot("mirakl", *arguments, given=given)
        assert (found.code, found.stdout) == (code, ""), arguments
        assert told in found.stderr, arguments


def test_money_and_calls_and_failures(entrepot: CommandLine, market: tuple[MiraklState, str]) -> None:
    state, url = market
    entrepot("mirakl", "accounts", "add", "quay", "--url", url, "--key-stdin", given=f"{API_KEY}\n")
    lines = len(state.ledger.lines)
    assert entrepot("mirakl", "money", "import").stdout == (
        f"Read {lines} lines: {lines} applied, 0 unchanged, 0 rejected.\n"
    )
    again = entrepot("mirakl", "money", "import", "--json").json
    assert (again["read"], again["unchanged"]) == (lines, lines)
    settled = entrepot("mirakl", "money", "settle", "--json").json
    (total,) = settled["totals"]
    assert round(float(total["net"]) * 100) == state.ledger.balance
    assert settled["counts"] == {"differs": 1}
    assert "net of" in entrepot("mirakl", "money", "settle").stdout
    (difference,) = entrepot("mirakl", "money", "differences", "--json").json["differences"]
    assert difference["code"] == "unknown_order"
    assert "never taken in" in entrepot("mirakl", "money", "differences").stdout
    assert entrepot("mirakl", "money", "settle", "--order", "nothing").code == 3

    state.misbehavior.plan("TL02", Behavior.FAIL)
    broken = entrepot("mirakl", "money", "import")
    assert broken.code == 7
    assert "Mirakl TL02: HTTP 503" in broken.stderr
    calls = entrepot("mirakl", "calls", "--json").json["calls"]
    assert [call["status_code"] for call in calls] == [503, 200, 200]
    assert len(entrepot("mirakl", "calls", "--failed", "--json").json["calls"]) == 1
    assert API_KEY not in entrepot("mirakl", "calls").stdout

    (failure,) = entrepot("mirakl", "failures", "list", "--json").json["failures"]
    assert (failure["process_name"], failure["state"], failure["times"]) == ("TransactionImport", "open", 1)
    assert "It is tried again by itself at" in entrepot("mirakl", "failures", "list").stdout
    shown = entrepot("mirakl", "failures", "show", failure["failure_id"], "--json").json
    assert shown["can_be_retried"] is True
    assert entrepot("mirakl", "failures", "retry", failure["failure_id"]).code == 0
    late = entrepot("mirakl", "failures", "retry", failure["failure_id"], "--json")
    assert (late.code, late.json["error"]["detail"]) == (
        4,
        "The failure is retrying, so it cannot be tried again.",
    )
    entrepot("mirakl", "money", "import")
    assert entrepot("mirakl", "failures", "list").stdout == "Nothing waits to be mended.\n"
    (over,) = entrepot("mirakl", "failures", "list", "--all", "--json").json["failures"]
    assert over["resolution"] == "The account was read to its end."


def test_a_failure_is_resolved_by_hand(entrepot: CommandLine) -> None:
    entrepot("mirakl", "accounts", "add", "quay", "--url", "http://127.0.0.1:9", "--key-stdin", given="k\n")
    load_steps()
    failure = in_account(
        entrepot,
        lambda session, account: fail(
            session,
            account.account_id,
            "Unheard",
            "A-1",
            kind="decision",
            details="Which one?",
            order_id="A-1",
        ),
    )
    refused = entrepot("mirakl", "failures", "retry", str(failure))
    assert refused.code == 4
    assert "cannot be tried again by the program" in refused.stderr
    assert entrepot("mirakl", "failures", "resolve", str(failure)).code == 2
    assert (
        entrepot("mirakl", "failures", "resolve", str(failure), "--how", "The first.").stdout == "Resolved.\n"
    )
    assert entrepot("mirakl", "failures", "resolve", str(failure), "--how", "The other.").code == 4
    shown = entrepot("mirakl", "failures", "show", str(failure))
    assert "The first." in shown.stdout
    assert "No call was made." in shown.stdout
    (listed,) = entrepot("mirakl", "failures", "list", "--all", "--order", "A-1", "--json").json["failures"]
    assert listed["state"] == "resolved"
