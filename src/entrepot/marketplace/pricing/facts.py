"""The facts that conditions of pricing rules are asked of, and their names.

Facts are what the cart says, before any rule: `cart.*` (reckoned), `line.*` (the line as given, its amounts as numbers),
`buyer.*`, `seller.*` (the line's own where it is an object), `time.*` (in the platform's time zone), `coupons`, what the
cart's `context` holds, and under their bare names the attributes of the line. Amounts are numbers in major units: a
whole number of minor units divided once, and so the same number that the same decimal in a condition is read as.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

CART_FACTS = ("total", "currency", "quantity", "lines", "shipping", "skus", "categories", "sellers")
LINE_FACTS = ("id", "sku", "quantity", "unit_price", "amount", "category", "seller")
TIME_FACTS = ("hour", "minute", "weekday", "date", "time", "year", "month", "day")
#: Facts that hold several values, which a single one is never equal to.
LIST_FACTS = frozenset({"coupons", "cart.skus", "cart.categories", "cart.sellers"})
#: Names at the top of the facts that neither a line nor the cart's context can take.
RESERVED = frozenset({"cart", "line", "buyer", "seller", "time", "coupons"})


def time_facts(at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """`time.*`: of a moment, by the clock of a place. Weekdays count from Monday, which is 1."""
    local = at.astimezone(zone)
    text = local.isoformat()
    return {
        "hour": local.hour,
        "minute": local.minute,
        "weekday": local.isoweekday(),
        "date": text[:10],
        "time": text[11:16],
        "year": local.year,
        "month": local.month,
        "day": local.day,
    }


def distinct(lines: list[dict[str, Any]], name: str) -> list[str]:
    """The texts that lines have under a name, each once, sorted."""
    return sorted({value for line in lines if (value := line.get(name)).__class__ is str})
