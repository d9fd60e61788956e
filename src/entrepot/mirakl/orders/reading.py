"""From an order as the marketplace gives it (OR11) to what is kept of it; what is unknown in it is kept as it came.

Field names are Mirakl's. Amounts are read as decimals from their text, so that nothing is lost to binary fractions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

#: How long a marketplace waits for an answer where it does not say itself; `acceptance.hours` of an account's settings.
ACCEPTANCE_HOURS = 24
LONGEST_ID = 255
LARGEST = Decimal(10) ** 15


class UnreadableError(Exception):
    """An order that cannot be kept; its text says what is wrong with which field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRead:
    """A line as it is kept."""

    order_line_id: str
    sku: str | None
    product_title: str | None
    quantity: int
    price: Decimal
    unit_price: Decimal | None
    commission: Decimal | None
    taxes: Decimal | None
    line_state: str | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRead:
    """An order as it is kept; `wrong` are lines that could not be read, and why."""

    order_id: str
    commercial_id: str | None
    customer_id: str | None
    firstname: str | None
    lastname: str | None
    email: str | None
    locale: str | None
    mirakl_state: str
    currency: str
    total_price: Decimal
    shipping_price: Decimal | None
    total_commission: Decimal | None
    shipping_address: Mapping[str, Any] | None
    shipping_type: str | None
    created_at: datetime
    updated_at: datetime
    acceptance_deadline: datetime | None
    shipping_deadline: datetime | None
    lines: tuple[LineRead, ...]
    raw: Mapping[str, Any]
    wrong: tuple[str, ...] = field(default=())


def read_order(raw: Any, *, currency: str, acceptance_hours: float = ACCEPTANCE_HOURS) -> OrderRead:
    """The order; `currency` stands in where it names none. Raises UnreadableError."""
    if not isinstance(raw, Mapping):
        raise UnreadableError(f"An order is an object, not {type(raw).__name__}.")
    order_id = _text(raw, "order_id", longest=LONGEST_ID)
    if not order_id:
        raise UnreadableError("The order has no order_id.")
    state = _text(raw, "order_state", longest=60)
    if not state:
        raise UnreadableError("The order has no order_state.")
    created = _moment(raw, "created_date")
    if created is None:
        raise UnreadableError("The order has no created_date.")
    customer = raw.get("customer")
    customer = customer if isinstance(customer, Mapping) else {}
    address = customer.get("shipping_address")
    lines, wrong = _lines(raw.get("order_lines"))
    deadline = _moment(raw, "acceptance_deadline")
    return OrderRead(
        order_id=order_id,
        commercial_id=_text(raw, "commercial_id", longest=LONGEST_ID),
        customer_id=_text(customer, "customer_id", longest=LONGEST_ID),
        firstname=_text(customer, "firstname", longest=LONGEST_ID, cut=True),
        lastname=_text(customer, "lastname", longest=LONGEST_ID, cut=True),
        email=_text(raw, "customer_notification_email", longest=LONGEST_ID),
        locale=_text(customer, "locale", longest=20, cut=True),
        mirakl_state=state,
        currency=(_text(raw, "currency_iso_code", longest=3) or currency).upper(),
        total_price=_amount(raw, "total_price") or Decimal(0),
        shipping_price=_amount(raw, "shipping_price"),
        total_commission=_amount(raw, "total_commission"),
        shipping_address=_clean(address) if isinstance(address, Mapping) and any(address.values()) else None,
        shipping_type=_text(raw, "shipping_type_code", longest=60, cut=True),
        created_at=created,
        updated_at=_moment(raw, "last_updated_date") or created,
        acceptance_deadline=deadline or created + timedelta(hours=acceptance_hours),
        shipping_deadline=_moment(raw, "shipping_deadline"),
        lines=lines,
        raw=_clean(raw),
        wrong=wrong,
    )


def named(raw: Any) -> str:
    """What an order that cannot be read is called in the inbox."""
    found = raw.get("order_id") if isinstance(raw, Mapping) else None
    return (
        str(found)[:LONGEST_ID].replace("\0", "\N{SYMBOL FOR NULL}")
        if found
        else "an order without an order_id"
    )


def _lines(given: Any) -> tuple[tuple[LineRead, ...], tuple[str, ...]]:
    lines: dict[str, LineRead] = {}
    wrong: list[str] = []
    for place, raw in enumerate(given if isinstance(given, list) else (), 1):
        try:
            line = _line(raw)
        except UnreadableError as error:
            wrong.append(f"Line {place}: {error}")
        else:
            lines[line.order_line_id] = line
    if given is not None and not isinstance(given, list):
        wrong.append(f"order_lines is no list but {type(given).__name__}.")
    return tuple(lines.values()), tuple(wrong)


def _line(raw: Any) -> LineRead:
    if not isinstance(raw, Mapping):
        raise UnreadableError(f"a line is an object, not {type(raw).__name__}.")
    line_id = _text(raw, "order_line_id", longest=LONGEST_ID)
    if not line_id:
        raise UnreadableError("it has no order_line_id.")
    quantity = raw.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 < quantity < 2**31:
        raise UnreadableError(f"quantity is {quantity!r}, no number of units.")
    price = _amount(raw, "price")
    unit = _amount(raw, "price_unit")
    if price is None and unit is None:
        raise UnreadableError("it has no price.")
    return LineRead(
        order_line_id=line_id,
        sku=_text(raw, "offer_sku", longest=LONGEST_ID),
        product_title=_text(raw, "product_title", longest=2000, cut=True),
        quantity=quantity,
        price=price if price is not None else (unit or Decimal(0)) * quantity,
        unit_price=unit if unit is not None else (price or Decimal(0)) / quantity,
        commission=_amount(raw, "total_commission"),
        taxes=_taxes(raw),
        line_state=_text(raw, "order_line_state", longest=60),
        raw=_clean(raw),
    )


def _taxes(raw: Mapping[str, Any]) -> Decimal | None:
    found = [
        amount
        for name in ("taxes", "shipping_taxes")
        for tax in raw.get(name) or ()
        if isinstance(tax, Mapping) and (amount := _amount(tax, "amount")) is not None
    ]
    return sum(found, Decimal(0)) if found else None


def _text(raw: Mapping[str, Any], name: str, *, longest: int, cut: bool = False) -> str | None:
    value = raw.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnreadableError(f"{name} is no text but {type(value).__name__}.")
    text = str(value).replace("\0", "\N{SYMBOL FOR NULL}").strip()
    if len(text) > longest and not cut:
        raise UnreadableError(f"{name} has {len(text)} characters, and at most {longest} are possible.")
    return text[:longest] or None


def _amount(raw: Mapping[str, Any], name: str) -> Decimal | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise InvalidOperation
        # The shortest text of a float is what the marketplace wrote.
        found = Decimal(str(value))
        if not found.is_finite() or abs(found) >= LARGEST:
            raise InvalidOperation
    except InvalidOperation:
        raise UnreadableError(f"{name} is {value!r}, no amount of money.") from None
    return found


def _moment(raw: Mapping[str, Any], name: str) -> datetime | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise UnreadableError(f"{name} is {value!r}, no time in ISO 8601.") from None
    if not 1990 <= found.year < 2200:
        raise UnreadableError(f"{name} is {value!r}, a time that cannot be.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _clean(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same without NUL characters, which PostgreSQL cannot store."""
    written = orjson.dumps(raw, default=str)
    if b"\\u0000" not in written:
        return raw
    found: Mapping[str, Any] = _without_nul(raw)
    return found


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{SYMBOL FOR NULL}")
    if isinstance(value, Mapping):
        return {_without_nul(name): _without_nul(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value
