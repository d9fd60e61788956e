"""Money as whole minor units: reading amounts, writing them, and rounding so that sums always add up.

Nothing here uses floating point or a decimal context: an amount is an int of minor units (cents), a rate is an
int over an int. Rounding happens in two ways only. A single amount is rounded half up. The amounts of several lines
are rounded together by the method of the largest remainder (Hamilton's): their exact sum is rounded half up, each
line gets the whole part of its own, and the units that are left go one each to the lines with the largest
remainders, of equal ones to the line that comes first by its id. So a sum of rounded parts is the rounded sum.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from entrepot.kit.currencies import MINOR_DIGITS
from entrepot.kit.errors import InvalidInputError

#: The most that a cart can come to, in minor units: still exact as a JSON number, and fits numeric(19,4).
MOST = 10**14
#: A percentage is kept as ten-thousandths of a percent, which is all that numeric(19,4) can hold.
HUNDRED_PERCENT = 1_000_000
PERCENT_DIGITS = 4
#: Digits of the minor unit → how many of them make a unit.
SCALE = (1, 10, 100, 1_000)

_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?\Z")


def minor_digits(currency: Any, path: str = "currency") -> int:
    """The decimal digits of a currency's minor unit; InvalidInputError for what is no currency of ISO 4217."""
    digits = MINOR_DIGITS.get(currency) if type(currency) is str else None
    if digits is None:
        raise InvalidInputError(
            f"{path}: {currency!r} is not a currency.",
            hint="Give the three capital letters of ISO 4217, such as EUR.",
            where={"path": path},
        )
    return digits


def parse_amount(value: Any, digits: int, path: str) -> int:
    """An amount of at least zero in minor units: "19.90", 19.9 and 20 with two digits are 1990, 1990 and 2000.

    A text with more decimals than the currency has is refused even where they are zeros; a number of floating point
    stands for the shortest decimal that is written for it. Raises InvalidInputError with the path.
    """
    usual = usual_amount(value, digits)
    if usual is not None:
        return usual
    minor = parse_decimal(value, digits, path, noun="amount")
    if minor < 0:
        raise InvalidInputError(f"{path}: {value} is below zero.", where={"path": path})
    if minor > MOST:
        raise InvalidInputError(f"{path}: {value} is more than can be counted exactly.", where={"path": path})
    return minor


def usual_amount(value: Any, digits: int) -> int | None:
    """An amount in minor units where it is written as most are, "19.90" or 20; None where it has to be looked at.

    By hand, and without a path that is seldom needed, since every line of every cart comes through here.
    """
    if type(value) is str and len(value) <= 12:
        whole, dot, fraction = value.partition(".")
        if whole.isdecimal() and value.isascii() and (whole[0] != "0" or len(whole) == 1):
            if not dot:
                return int(whole) * SCALE[digits]
            if len(fraction) == digits and fraction.isdecimal():
                return int(whole + fraction)
    elif type(value) is int and 0 <= value <= 10**11:
        return value * SCALE[digits]
    return None


def parse_percent(value: Any, path: str) -> int:
    """A percentage between 0 and 100 in ten-thousandths of a percent; InvalidInputError with the path."""
    found = parse_decimal(value, PERCENT_DIGITS, path, noun="percentage")
    if not 0 <= found <= HUNDRED_PERCENT:
        raise InvalidInputError(f"{path}: {value} is no percentage between 0 and 100.", where={"path": path})
    return found


def parse_decimal(value: Any, digits: int, path: str, *, noun: str) -> int:
    """A decimal number times ten to the power of `digits`, exactly; InvalidInputError with the path."""
    text = decimal_text(value)
    match = _NUMBER.match(text) if text is not None and len(text) <= 40 else None
    if match is None:
        raise InvalidInputError(
            f"{path}: {_shown(value)} is not an {noun}."
            if noun == "amount"
            else f"{path}: {_shown(value)} is not a {noun}.",
            hint='Write it as a decimal number in quotes, with a point: "19.90".',
            where={"path": path},
        )
    sign, whole, fraction = match[1], match[2], match[3] or ""
    if len(fraction) > digits:
        raise InvalidInputError(
            f"{path}: {text} has {len(fraction)} decimals, and there is room for {digits}.",
            hint="Round it yourself: what is lost in rounding has to be decided by whoever sets the price.",
            where={"path": path},
        )
    minor = int(whole + fraction.ljust(digits, "0"))
    return -minor if sign else minor


def decimal_text(value: Any) -> str | None:
    """A number or the text of one in plain notation; None for anything else, not-a-number included."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if type(value) is float:
        # repr gives the shortest decimal that reads back as the same number: 19.9, not 19.899999999999998579.
        return plain(Decimal(repr(value)))
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    return None


def plain(value: Decimal) -> str | None:
    """A decimal without exponent and without zeros that say nothing; None for infinity and not-a-number."""
    if not value.is_finite():
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=4096)
def format_percent(rate: int) -> str:
    """Ten-thousandths of a percent as a person writes the percentage: 125000 is "12.5"."""
    whole, rest = divmod(rate, 10**PERCENT_DIGITS)
    return f"{whole}.{rest:04d}".rstrip("0") if rest else str(whole)


def format_amount(minor: int, digits: int) -> str:
    """Minor units as a decimal: 1990 with two digits is "19.90"."""
    if digits == 2 and minor >= 100:
        # The usual case, at half the cost: every step of a quote has several amounts.
        text = str(minor)
        return f"{text[:-2]}.{text[-2:]}"
    if not digits:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{rest:0{digits}d}"


@lru_cache(maxsize=1024)
def endings(digits: int, currency: str) -> tuple[str, ...]:
    """How an amount ends for a person, by its minor units: ".07 EUR" at 7. What is whole stands before it."""
    if not digits:
        return (f" {currency}",)
    return tuple(f".{minor:0{digits}d} {currency}" for minor in range(10**digits))


def format_major(amount: Decimal, currency: str) -> str:
    """An amount in major units, as a column holds it, with the digits of its currency: 19.9000 EUR is "19.90"."""
    digits = minor_digits(currency)
    return format_amount(int(amount * 10**digits), digits)


def round_half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number of a fraction that is at least zero; the greater one of two equally near."""
    return (2 * numerator + denominator) // (2 * denominator)


def round_together(numerators: Sequence[int], denominator: int) -> list[int]:
    """Fractions of one denominator, each at least zero, rounded by largest remainder.

    The sum of what it gives is the exact sum rounded half up, and each part is its exact value rounded up or down.
    Of equal remainders the one that comes first gets the unit.
    """
    if len(numerators) == 1:
        return [(2 * numerators[0] + denominator) // (2 * denominator)]
    parts = [numerator // denominator for numerator in numerators]
    left = (2 * sum(numerators) + denominator) // (2 * denominator) - sum(parts)
    if left:
        remainders = [numerator % denominator for numerator in numerators]
        # A stable sort: equal remainders keep the order of the lines, which is that of their ids.
        for index in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:left]:
            parts[index] += 1
    return parts


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount divided in proportion to weights by largest remainder; equally where every weight is zero.

    The parts add up to the amount. Where the amount is at most the sum of the weights, no part is above its weight.
    """
    total = sum(weights)
    if total == 0:
        weights = [1] * len(weights)
        total = len(weights)
    return round_together([amount * weight for weight in weights], total)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
