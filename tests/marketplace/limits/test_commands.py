"""`entrepot limit` on the command line."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from tests.cli.conftest import CommandLine, Outcome, entrepot
from tests.conftest import add_platform
from tests.marketplace.limits.conftest import limit, publish_on

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings

__all__ = ["entrepot"]


class Limits:
    """`entrepot limit …` on a platform of the test's own."""

    def __init__(self, entrepot: CommandLine, code: str) -> None:
        self._entrepot = entrepot
        self._code = code

    def __call__(self, *arguments: str) -> Outcome:
        return self._entrepot("limit", *arguments, "--platform", self._code)

    def json(self, *arguments: str) -> dict[str, Any]:
        """The answer as JSON."""
        return self(*arguments, "--json").json


@pytest.fixture
def command(entrepot: CommandLine, settings: Settings, platform_code: str) -> Limits:
    """The commands open their own loop, so this has one of its own."""

    async def run() -> None:
        async with Database.opened(settings) as db:
            platform = await add_platform(db, platform_code)
            scopes = [{"condition": {"tier": "GOLD"}, "limit": 50}]
            await publish_on(db, platform, limit("listings", limit=10, warn_percent=50, scopes=scopes))
            await publish_on(db, platform, limit("mails", "FIXED_WINDOW", limit=3, reset_period="YEARLY"))
            await publish_on(db, platform, limit("exports", "CONCURRENT", limit=1))

    asyncio.run(run())
    return Limits(entrepot, platform_code)


def test_a_limit_is_consumed_checked_and_shown(command: Limits) -> None:
    shown = command("consume", "listings", "--entity", "seller-7", "--amount", "5")
    assert shown.code == 0
    assert shown.stdout.splitlines() == [
        "Allowed: 5 of listings for seller-7; 5 of 10 used, 5 left.",
        "The limit is the default.",
        "That is at or over the soft limit.",
    ]
    denied = command("consume", "listings", "--entity", "seller-7", "--amount", "6")
    assert denied.code == 6
    assert "listings lets seller-7 have no 6 more: 5 of 10 left." in denied.stderr
    assert command("consume", "mails", "--entity", "a", "--amount", "3").code == 0
    later = command("consume", "mails", "--entity", "a")
    assert (later.code, "Try again in" in later.stderr) == (6, True)
    gold = command.json(
        "consume", "listings", "--entity", "seller-7", "--amount", "6", "--context", '{"tier": "GOLD"}'
    )
    assert (gold["limit"], gold["used"], gold["scope"]) == (50, 11, '{"tier":"GOLD"}')
    mine = str(uuid4())
    both = [command.json("consume", "listings", "--entity", "b", "--request-id", mine) for _ in range(2)]
    assert [one["repeated"] for one in both] == [False, True]

    checked = command("check", "listings", "--entity", "seller-7")
    assert (checked.code, checked.stdout.splitlines()[0]) == (
        0,
        "Denied: 1 of listings for seller-7; 11 of 10 used, 0 left.",
    )
    assert command.json("check", "listings", "--entity", "b")["remaining"] == 9
    assert (
        command("give-back", "listings", "--entity", "seller-7", "--amount", "2").stdout == "Gave back 2.\n"
    )
    assert command.json("give-back", "listings", "--entity", "b", "--amount", "9") == {"given_back": 1}

    table = command("usage", "listings").stdout
    assert "seller-7" in table
    # As a share of the limit that held last.
    assert "18%" in table
    assert [one["used"] for one in command.json("usage", "listings", "--entity", "seller-7")["items"]] == [9]
    assert "Nobody has used anything of exports in this window." in command("usage", "exports").stdout


def test_a_part_is_held_and_settled(command: Limits) -> None:
    shown = command("reserve", "listings", "--entity", "one", "--amount", "4")
    assert shown.stdout.splitlines()[-1].startswith("Held as ")
    held = command.json("reserve", "listings", "--entity", "one", "--amount", "4", "--seconds", "90")["id"]
    assert command("reserve", "listings", "--entity", "one", "--amount", "4").code == 6
    assert command("commit", held, "--amount", "3").stdout == "listings of one: 4 committed, 3 counted.\n"
    assert command.json("commit", held, "--amount", "3")["settled_amount"] == 3
    assert command("release", held).code == 4
    other = shown.stdout.splitlines()[-1].split()[2]
    assert command("release", other).stdout == "listings of one: 4 released, 0 counted.\n"

    lease = str(uuid4())
    for repeated in (False, True):
        answer = command.json("reserve", "exports", "--entity", "one", "--lease", "--id", lease)
        assert (answer["id"], answer["repeated"]) == (lease, repeated)
    mine = [
        command.json("reserve", "listings", "--entity", "two", "--id", held) for held in (str(uuid4()),) * 2
    ]
    assert (mine[0]["id"], mine[1]["repeated"], mine[1]["used"]) == (mine[1]["id"], True, 1)
    assert command("reserve", "exports", "--entity", "one", "--lease").code == 6
    assert command("renew", lease, "--seconds", "300").stdout == "exports of one: 1 held.\n"
    assert command("release", lease).code == 3  # it is a lease
    assert command.json("release", lease, "--lease")["state"] == "RELEASED"


REFUSED: list[tuple[tuple[str, ...], int, str]] = [
    (("consume", "listings"), 2, "--entity"),
    (("consume", "listings", "--entity", ""), 2, "1 to 200 characters"),
    (("consume", "listings", "--entity", "a", "--amount", "0"), 2, "whole number from 1"),
    (("consume", "listings", "--entity", "a", "--amount", "1.5"), 2, "valid integer"),
    (("consume", "listings", "--entity", "a", "--context", "{"), 2, "no JSON"),
    (("consume", "listings", "--entity", "a", "--context", "[]"), 2, "object"),
    (("consume", "nothing", "--entity", "a"), 3, "nothing"),
    (("consume", "exports", "--entity", "a"), 2, "acquired and released"),
    (("reserve", "listings", "--entity", "a", "--seconds", "0"), 2, "more than 0"),
    (("reserve", "listings", "--entity", "a", "--lease"), 2, "reserved, not acquired"),
    (("commit", "0199f1c2-7a10-7c55-9d31-6a7be2c4c0d1"), 3, "no reservation"),
    (("commit", "x"), 2, "x"),
    (("usage", "nothing"), 3, "nothing"),
]


def test_what_cannot_be_done_is_said(command: Limits) -> None:
    for arguments, code, word in REFUSED:
        outcome = command(*arguments)
        assert outcome.code == code, (arguments, outcome.stderr)
        assert word in outcome.stderr, arguments
