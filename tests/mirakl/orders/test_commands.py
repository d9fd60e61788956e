"""Orders from the command line: taken in, shown, answered, worked on; and the rules of acceptance."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.cli.conftest import CommandLine, entrepot
from tests.mirakl.arranging import add_buildable
from tests.mirakl.conftest import new_account
from tests.mirakl.sharing import fresh_code
from tests.mirakl.shop import PLAIN

from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.sandbox.mirakl.server import serving_beside
from entrepot.sandbox.mirakl.state import API_KEY, MiraklState

__all__ = ["entrepot"]

Run = Callable[..., Any]


@pytest.fixture
def state() -> MiraklState:
    """A marketplace of its own."""
    return MiraklState.fresh()


@pytest.fixture
def url(state: MiraklState) -> Iterator[str]:
    """Where it is served, beside the commands."""
    with serving_beside(state) as found:
        yield found


@pytest.fixture
async def account(db: Database, url: str) -> Account:
    """An account there, and parts for one order."""
    made = await new_account(db, fresh_code(), api_url=f"{url}/api", api_key=API_KEY)
    async with db.tenant(account_id=made.account_id) as session:
        await add_buildable(session, made.account_id, "LAPTOP-1", 1)
    return made


@pytest.fixture
def run(entrepot: CommandLine, account: Account) -> Run:
    """Run `entrepot mirakl …` in the account; gives the object with --json, else the text. `code` is expected."""

    def run(*arguments: str, code: int = 0) -> Any:
        of_account = () if "attributes" in arguments else ("--account", account.code)
        found = entrepot("mirakl", *arguments, *of_account)
        assert found.code == code, found
        return found.json if "--json" in arguments else found.stdout + found.stderr

    return run


def test_orders_are_taken_in_answered_and_shown(run: Run, state: MiraklState) -> None:
    first, second = (str(one.order["order_id"]) for one in state.add_orders(2, ["LAPTOP-1"], mix=PLAIN))
    assert run("orders", "list") == "There is no such order. `entrepot mirakl poll` takes orders in.\n"
    assert "2 new, 0 changed, 0 unchanged, 0 rejected" in run("poll")
    assert run("poll", "--full", "--json")["unchanged"] == 2
    assert "accept, by checks. Nothing speaks against it." in run("acceptance", "try", first)
    assert run("acceptance", "try", first, "--json")["answer"] == "accept"
    # Parts for one of the two.
    assert run("accept", first, "--reason", "The customer called.") == f"{first} is accepted.\n"
    assert "cannot be built: 1 of Bare LAPTOP-1 missing" in run("accept", second, code=4)
    assert run("refuse", second, "--reason", "No parts.", "--json") == {
        "order_id": second,
        "status": "refused",
        "mirakl_state": "REFUSED",
    }
    assert "is refused; there is nothing to answer" in run("refuse", second, "--reason", "Again.", code=4)
    shown = run("orders", "show", first)
    assert "The customer called." in shown
    assert "person command line" in shown
    listed = run("orders", "list", "--status", "refused", "--json")["orders"]
    assert [one["order_id"] for one in listed] == [second]
    assert "There is no status 'lost'" in run("orders", "list", "--status", "lost", code=2)
    assert "There is no order 'X'" in run("orders", "show", "X", code=3)
    assert run("orders", "retry", first) == f"The next step of {first} is due.\n"


def test_one_round_of_work_does_it_all(run: Run, state: MiraklState) -> None:
    [order] = state.add_orders(1, ["LAPTOP-1"], mix=PLAIN)
    found = run("work", "--once", "--json")
    assert (found["failed"], found["steps"]) == (0, 1)
    assert order.accepts == 1
    assert "orders" in run("orders", "schedule")
    assert "Give --once with --account" in run("work", code=2)


def test_a_marketplace_that_cannot_be_read_is_told(run: Run, state: MiraklState) -> None:
    state.misbehavior.plan("OR11", "fail")
    assert "cannot be read: Mirakl OR11: HTTP 503" in run("poll", code=7)


def test_rules_are_kept_checked_and_forgotten(run: Run, state: MiraklState) -> None:
    dear = '{"total_price": {"$gte": 1}}'
    assert "total price is at least 1, ask" in run(
        "acceptance", "set", "dear", "--condition", dear, "--answer", "ask"
    )
    run(
        "acceptance",
        "set",
        "cheap",
        "--condition",
        '{"unit_price": {"$lt": 1}}',
        "--answer",
        "refuse",
        "--line",
    )
    assert [one["name"] for one in run("acceptance", "rules", "--json")["rules"]] == ["cheap", "dear"]
    state.add_orders(1, ["LAPTOP-1"], mix=PLAIN)
    run("work", "--once")
    [order] = run("orders", "list", "--json")["orders"]
    assert (order["status"], order["failures"]) == ("waiting_for_person", 1)
    run("acceptance", "remove", "dear")
    assert "There is no rule 'dear'" in run("acceptance", "remove", "dear", code=3)
    assert "condition.total_prise" in run(
        "acceptance", "set", "x", "--condition", '{"total_prise": 1}', "--answer", "ask", code=2
    )
    assert "'never' is no answer" in run(
        "acceptance", "set", "x", "--condition", "{}", "--answer", "never", code=2
    )
    assert "no JSON" in run("acceptance", "set", "x", "--condition", "{", "--answer", "ask", code=2)
    assert "hours_left" in run("acceptance", "attributes")


def test_a_buyer_is_blocked_and_let_in_again(run: Run, state: MiraklState) -> None:
    [placed] = state.add_orders(1, ["LAPTOP-1"], mix=PLAIN)
    number, customer = placed.order["order_id"], placed.order["customer"]["customer_id"]
    run("poll")
    assert f"The buyer {customer} is blocked." in run("acceptance", "block", number)
    assert "ask, by blocked. The buyer is blocked." in run("acceptance", "try", number)
    assert run("acceptance", "block", number, "--undo", "--json")["is_blocked"] is False
    assert run("acceptance", "try", number, "--json")["answer"] == "accept"
    assert "of a known buyer" in run("acceptance", "block", "X", code=3)


def test_checks_are_set(run: Run) -> None:
    found = run(
        "acceptance",
        "checks",
        "--check",
        "stock=refuse",
        "--most-units",
        "5",
        "--most-value",
        "2000",
        "--json",
    )
    assert (found["checks"]["stock"], found["most_units"], found["most_value"]) == ("refuse", 5, "2000.0")
    assert run("acceptance", "checks", "--most-units", "0", "--json")["most_units"] is None
    assert "there is no such check" in run("acceptance", "checks", "--check", "mood=ask", code=2)
    assert "names no answer" in run("acceptance", "checks", "--check", "stock", code=2)
