"""Checking and converting one field of a Shopify record.

A converter takes a JSON value that is not null and returns what is stored, or raises `FieldError` with the reason in
words. It returns a string for a plain column, and JSON (`dict`, `list`) for a jsonb or array column.

Some converters say which values they take as they are (`as_it_is`), so that the code made for the rows that come by the
hundred thousand (`entrepot.pim.bulk.cells`) need not call them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class AsItIs:
    """A test of the variable `v` in Python, and what is stored where it holds; `names` are what both refer to."""

    test: str
    value: str = "v"
    names: tuple[tuple[str, Any], ...] = ()


#: By converter; it does the same for these values, only slower.
AS_IT_IS: dict[Converter, AsItIs] = {}

NUL = "\x00"
# Only ASCII digits: PostgreSQL reads no others.
_MONEY = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,9})?\Z")
_MONEY_FORM = "an amount such as 12.50 (digits, a point, digits)"
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?\Z")
_INTEGER = re.compile(r"-?[0-9]{1,19}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
#: What PostgreSQL takes; the world's widest offset is 14 hours.
_WIDEST_OFFSET = timedelta(hours=15)
#: PostgreSQL cannot index a word or an element much longer; Shopify's own limit for a tag is the same.
LONGEST_TAG = 255


class FieldError(Exception):
    """A value that cannot be stored. `code` is for programs, `reason` for people."""

    def __init__(self, code: str, reason: str, value: Any = None, field: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.value = value
        self.field = field


def _wrong(value: Any, wanted: str) -> FieldError:
    kinds = {
        str: "text",
        int: "a number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        dict: "an object",
    }
    return FieldError(
        "WRONG_TYPE", f"must be {wanted}, but is {kinds.get(type(value), type(value).__name__)}", value
    )


def text(limit: int | None = None) -> Converter:
    """Text of at most `limit` characters."""

    def convert(value: Any) -> str:
        if type(value) is not str:
            raise _wrong(value, "text")
        if limit is not None and len(value) > limit:
            raise FieldError("TOO_LONG", f"has {len(value)} characters; at most {limit} fit", value)
        return value

    AS_IT_IS[convert] = AsItIs("type(v) is str" + ("" if limit is None else f" and len(v) <= {limit}"))
    return convert


def required_text(limit: int | None = None) -> Converter:
    """Text that is not empty."""
    inner = text(limit)

    def convert(value: Any) -> str:
        found: str = inner(value)
        if not found.strip():
            raise FieldError("EMPTY", "is empty", value)
        return found

    taken = AS_IT_IS[inner].test
    AS_IT_IS[convert] = AsItIs(f"{taken} and v and not v.isspace()")
    return convert


def boolean(value: Any) -> str:
    """True or false."""
    if value is True:
        return "t"
    if value is False:
        return "f"
    raise _wrong(value, "true or false")


AS_IT_IS[boolean] = AsItIs("v is True or v is False", "'t' if v else 'f'")


def integer(minimum: int = -(2**31), maximum: int = 2**31 - 1) -> Converter:
    """A whole number; numbers in text, as Shopify writes UnsignedInt64, are taken too."""

    def convert(value: Any) -> str:
        if type(value) is int:
            number = value
        elif (type(value) is str and _INTEGER.match(value)) or (type(value) is float and value.is_integer()):
            number = int(value)
        elif type(value) is str:
            raise FieldError("NOT_A_NUMBER", "is not a whole number", value)
        else:
            raise _wrong(value, "a whole number")
        if not minimum <= number <= maximum:
            raise FieldError("OUT_OF_RANGE", f"must lie between {minimum} and {maximum}", value)
        return str(number)

    AS_IT_IS[convert] = AsItIs(f"type(v) is int and {minimum} <= v <= {maximum}", "str(v)")
    return convert


big_integer = integer(-(2**63), 2**63 - 1)
whole = integer()


def money(value: Any) -> str:
    """An amount with a decimal point: Money, the amount of a MoneyV2, or the shop money of a MoneyBag."""
    whole_value = value
    while type(value) is dict:
        value = value.get("shopMoney") or value.get("amount")
    if value is None:
        raise FieldError("NOT_AN_AMOUNT", "holds no amount", whole_value)
    if type(value) is str:
        if _MONEY.match(value):
            return value
        raise FieldError("NOT_AN_AMOUNT", f"must be {_MONEY_FORM}", value)
    if type(value) is int:
        return money(str(value))
    if type(value) is float:
        return money(repr(value))
    raise _wrong(value, _MONEY_FORM)


def decimal(digits: int, places: int) -> Converter:
    """A decimal number that fits numeric(digits, places)."""
    ceiling = 10 ** (digits - places)

    def convert(value: Any) -> str:
        if type(value) in (int, float):
            value = repr(value)
        if type(value) is not str:
            raise _wrong(value, "a number")
        if not _DECIMAL.match(value):
            raise FieldError("NOT_A_NUMBER", "is not a number", value)
        if abs(round_half_up(value, places)) >= ceiling:
            raise FieldError("OUT_OF_RANGE", f"must be smaller than {ceiling}", value)
        return str(value)

    return convert


def price(digits: int = 12) -> Converter:
    """An amount that fits numeric(digits, 2)."""
    ceiling = 10 ** (digits - 2)

    def convert(value: Any) -> str:
        found = money(value)
        # Only an amount of all the digits can reach the ceiling, by itself or by rounding.
        if len(found) >= digits - 2 and abs(round_half_up(found, 2)) >= ceiling:
            raise FieldError("OUT_OF_RANGE", f"must be smaller than {ceiling}", value)
        return found

    AS_IT_IS[convert] = AsItIs(
        f"type(v) is str and len(v) < {digits - 2} and is_money(v)", names=(("is_money", _MONEY.match),)
    )
    return convert


def round_half_up(value: str, places: int) -> Decimal:
    """A number as numeric(…, places) holds it."""
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def timestamp(value: Any) -> str:
    """A DateTime of the Admin API (ISO 8601 with its zone)."""
    if type(value) is not str:
        raise _wrong(value, "a time such as 2026-01-31T12:00:00Z")
    if _TIME.match(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            if value[-1] == "Z" or abs(moment.utcoffset() or timedelta()) <= _WIDEST_OFFSET:
                if len(_SEEN_TIMES) >= MOST_SEEN_TIMES:
                    _SEEN_TIMES.clear()
                _SEEN_TIMES.add(value)
                return value
    raise FieldError("NOT_A_TIME", "is not a time such as 2026-01-31T12:00:00Z", value)


#: Times that were found good: a product, its variants and its publication share one more often than not.
_SEEN_TIMES: set[str] = set()
MOST_SEEN_TIMES = 4096
AS_IT_IS[timestamp] = AsItIs("type(v) is str and v in seen_times", names=(("seen_times", _SEEN_TIMES),))


def currency(value: Any) -> str:
    """A currency code of ISO 4217."""
    if type(value) is str and _CURRENCY.match(value):
        return value
    raise FieldError("NOT_A_CURRENCY", "is not a currency code such as EUR", value)


def choice(*values: str) -> Converter:
    """One of the values that Shopify's enumeration has."""
    allowed = frozenset(values)

    def convert(value: Any) -> str:
        if type(value) is str and value in allowed:
            return value
        if type(value) is not str:
            raise _wrong(value, f"one of {', '.join(sorted(allowed))}")
        raise FieldError("UNKNOWN_VALUE", f"is none of {', '.join(sorted(allowed))}", value)

    AS_IT_IS[convert] = AsItIs(f"type(v) is str and v in {sorted(allowed)!r}")
    return convert


def text_list(value: Any) -> list[str]:
    """A list of texts; the comma-separated form of older exports is taken too."""
    if type(value) is str:
        value = [part.strip() for part in value.split(",") if part.strip()]
    if type(value) is not list:
        raise _wrong(value, "a list of texts")
    for item in value:
        if type(item) is not str:
            raise FieldError("WRONG_TYPE", "must be a list of texts, but holds something else", value)
        if len(item) > LONGEST_TAG:
            raise FieldError(
                "TOO_LONG", f"holds a text of {len(item)} characters; at most {LONGEST_TAG} fit", item
            )
    return value


def json_object(value: Any) -> dict[str, Any]:
    """Any JSON object."""
    if type(value) is not dict:
        raise _wrong(value, "an object")
    return value


def json_list(value: Any) -> list[Any]:
    """Any JSON list."""
    if type(value) is not list:
        raise _wrong(value, "a list")
    return value


def selected(*names: str) -> Converter:
    """An object of which only some members are kept."""

    def convert(value: Any) -> dict[str, Any]:
        members = json_object(value)
        return {name: members.get(name) for name in names}

    return convert


def objects(convert_one: Converter) -> Converter:
    """A list of objects, each converted."""

    def convert(value: Any) -> list[Any]:
        return [convert_one(item) for item in json_list(value)]

    return convert


def array_literal(values: Sequence[str]) -> str:
    """A text[] as PostgreSQL reads it."""
    if not values:
        return "{}"
    return (
        "{" + ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values) + "}"
    )


def contains_nul(value: Any) -> bool:
    """Whether any text in a JSON value holds U+0000, which PostgreSQL cannot store."""
    waiting = [value]  # not by recursion: JSON may be nested deeper than Python's stack
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if NUL in item:
                return True
        elif isinstance(item, dict):
            waiting += item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return False
