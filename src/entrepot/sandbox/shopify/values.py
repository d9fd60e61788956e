"""Single values as the Admin API writes them: global ids, money, timestamps, barcodes, handles."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import orjson

# One object of the export before it is written; the Admin API's own field names are its keys.
Node = dict[str, Any]

_CHECK_WEIGHTS = (1, 3) * 6
_HANDLE_LETTERS = str.maketrans("éëáäåíóöü/ .", "eeaaaioou---", "'&,–")


def line(node: Node) -> bytes:
    """The object as one line of a JSONL file."""
    return orjson.dumps(node, option=orjson.OPT_APPEND_NEWLINE)


def gid(kind: str, number: int | str) -> str:
    """Shopify's global id of an object."""
    return f"gid://shopify/{kind}/{number}"


def price(cents: int) -> str:
    """The scalar `Money`: always two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"


def money(cents: int, currency: str) -> Node:
    """A `MoneyV2`; its amount is a `Decimal`, which Shopify writes with at least one decimal and no more than needed."""
    amount = f"{cents // 100}.{cents % 100:02d}"
    return {"amount": amount[:-1] if amount[-1] == "0" else amount, "currencyCode": currency}


def money_bag(cents: int, currency: str) -> Node:
    """A `MoneyBag` of which only the shop's own currency was asked for."""
    return {"shopMoney": money(cents, currency)}


def charm(cents: int, ending: int) -> int:
    """The price a merchant would print for about that much: whole euros for dear things, an ending for the rest."""
    if cents >= 10_000:
        return max(cents // 500, 1) * 500
    return max(cents // 100, 1) * 100 + ending


def gtin13(serial: int) -> str:
    """A GTIN-13 with its check digit (GS1 General Specifications, 7.9), from the range kept for use inside a shop."""
    body = f"29{serial % 10_000_000_000:010d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _CHECK_WEIGHTS, strict=True))
    return f"{body}{-total % 10}"


def handle(title: str) -> str:
    """The title as the last part of an address."""
    return title.lower().translate(_HANDLE_LETTERS).replace("--", "-").strip("-")


def timestamp(moment: datetime) -> str:
    """The scalar `DateTime`, in UTC and whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Calendar:
    """Timestamps before `now`, drawn by the day from prepared pieces because a large export needs a million of them."""

    _OLDEST_DAYS = 1_600

    def __init__(self, now: datetime, random: Random) -> None:
        self.now = now.astimezone(UTC).replace(microsecond=0)
        today: date = self.now.date()
        self._days = [(today - timedelta(days=age)).isoformat() for age in range(self._OLDEST_DAYS)]
        self._times = [
            f"T{6 + random.randrange(17):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}Z"
            for _ in range(2_048)
        ]
        self._random = random.random

    def between(self, oldest: int, youngest: int) -> str:
        """A moment of a day that is at most `oldest` and at least `youngest` (one or more) days ago."""
        drawn = self._random()
        day = youngest + int(drawn * (oldest - youngest + 1))
        return self._days[day] + self._times[int(self._random() * 2_048)]
