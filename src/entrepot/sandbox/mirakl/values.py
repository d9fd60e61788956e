"""States, amounts and moments as Mirakl writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from entrepot.sandbox.operating import Limit, Refusal

#: States from which a customer may still cancel.
CANCELABLE = ("STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT", "SHIPPING")
#: States in which a tracking number may be told (OR23).
TRACKABLE = ("SHIPPING", "SHIPPED", "TO_COLLECT", "RECEIVED")
#: Documented call frequencies that can be enforced.
DOCUMENTED_LIMITS = {
    "TL02": Limit(20, timedelta(minutes=1)),
    "STO01": Limit(1, timedelta(minutes=1)),
    "OF24": Limit(1, timedelta(minutes=1)),
}


def lines_of(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines that are lines: what a test puts into an order may be anything."""
    lines = order.get("order_lines")
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def figure(line: Mapping[str, Any], name: str) -> float:
    """A number of a line; 0 where it has none."""
    value = line.get(name)
    return value if isinstance(value, int | float) else 0.0


def amount(cents: int) -> float:
    """An amount as the API gives it."""
    return round(cents / 100, 2)


def cents(given: object) -> int:
    """An amount of the API in cents."""
    return round(float(str(given)) * 100)


def moment(text: str, name: str) -> datetime:
    """A date of a query, UTC where it names no zone; Refusal 400 for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            400, f"The value {text!r} of parameter '{name}' is not a date (yyyy-MM-dd'T'HH:mm:ssZ)."
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def number(text: str | None, name: str, *, default: int, least: int, most: int) -> int:
    """A whole number of a query; Refusal 400 for what is none or out of bounds."""
    if text is None or text == "":
        return default
    try:
        found = int(text)
    except ValueError:
        raise Refusal(400, f"The value {text!r} of parameter '{name}' is not a whole number.") from None
    if not least <= found <= most:
        raise Refusal(400, f"The value of parameter '{name}' must be between {least} and {most}.")
    return found
