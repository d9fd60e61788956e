"""`entrepot mirakl messages` on the command line."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.cli.conftest import CommandLine, Outcome, entrepot
from tests.mirakl.conversations.conftest import NUMBERS

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.mirakl.accounts.accounts import add_account
from entrepot.sandbox.mirakl.server import serving_beside
from entrepot.sandbox.mirakl.state import MiraklState

__all__ = ["entrepot"]


class Messages:
    """`entrepot mirakl messages …` in an account of the test's own."""

    def __init__(self, entrepot: CommandLine, code: str, state: MiraklState) -> None:
        self._entrepot = entrepot
        self._code = code
        self.state = state

    def __call__(self, *arguments: str) -> Outcome:
        return self._entrepot("mirakl", "messages", *arguments, "--account", self._code)

    def json(self, *arguments: str) -> dict[str, Any]:
        """The answer as JSON."""
        return self(*arguments, "--json").json


@pytest.fixture
def messages(entrepot: CommandLine, settings: Settings) -> Iterator[Messages]:
    """A customer who wrote five hours ago; commands open their own loop, so this has one of its own."""
    # The commands go by the time of day.
    state = MiraklState.fresh(api_key="key", clock=lambda: datetime.now(UTC) - timedelta(hours=5))

    async def run(url: str) -> str:
        async with Database.opened(settings) as db, db.system() as session:
            account = await add_account(
                session,
                Keyring.open(db.settings),
                f"quayside-{next(NUMBERS)}",
                marketplace="Quayside",
                api_url=f"{url}/api",
                api_key="key",
            )
            return account.code

    with serving_beside(state) as url:
        found = Messages(entrepot, asyncio.run(run(url)), state)
        [placed] = state.add_orders(1, ["BB1"])
        state.inbox.receive(placed.order["order_id"], "Where is it?")
        assert found("sync").stdout.strip() == "1 thread read, 1 new message."
        yield found


def test_a_customer_is_answered(messages: Messages) -> None:
    [one] = messages.json("list", "--only", "unread")["conversations"]
    assert (one["messages"], one["is_overdue"]) == (1, False)
    assert "Where is it?" in messages("show", one["id"]).stdout
    assert messages("reply", one["thread_id"], "--body", "It left today.", "--key", "k").code == 0
    assert messages("send").stdout.strip() == "1 sent, 0 found in their threads, 0 put off, 0 failed."
    assert [told["body"] for told in messages.state.inbox.sent] == ["It left today."]
    assert messages("mark", one["id"], "archived").code == 0
    assert messages.json("list")["conversations"] == []
    assert [told["sending"] for told in messages.json("show", one["id"])["messages"]] == ["received", "sent"]


def test_automatic_replies_are_previewed_before_they_are_switched_on(messages: Messages) -> None:
    assert "there is no active template 1" in messages("preview").stdout
    assert messages("template", "1", "--body", "Hello {{customer.firstname|there}}, soon.").code == 0
    days = "mon,tue,wed,thu,fri,sat,sun"
    messages("rules", "--opens", "00:00", "--closes", "00:00", "--days", days)
    told = messages.json("preview")
    assert told["enabled"] is False
    [one] = told["decisions"]
    assert (one["template_number"], one["is_due"]) == (1, True)
    assert "Automatic replies are switched off" in messages("preview").stdout
    assert messages.json("rules", "--on")["enabled"] is True
    assert "1 reply would be sent now. They are switched on." in messages("preview").stdout
    assert messages("opt-out", one["thread_id"]).code == 0
    assert "the customer wants no automatic replies" in messages("preview").stdout


def test_what_cannot_be_done_says_so(messages: Messages) -> None:
    assert messages("show", "nothing").code == 3
    assert messages("list", "--only", "some").code == 2
    assert messages("rules", "--condition", "{").code == 2
    assert messages("rules", "--condition", '{"order.totl": 1}').code == 2
    unknown = messages("template", "1", "--body", "{{order.nr}}")
    assert (unknown.code, "Did you mean order.id?" in unknown.stderr) == (2, True)
    messages.state.misbehavior.plan("M11", "fail")
    assert messages("sync").code == 7
