"""The digits of minor units."""

import pytest

from entrepot.kit.currencies import CURRENCIES, MINOR_DIGITS


@pytest.mark.parametrize(
    ("code", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("HUF", 2), ("CLP", 0), ("TND", 3)]
)
def test_minor_digits_are_those_of_the_standard(code: str, digits: int) -> None:
    assert MINOR_DIGITS[code] == digits


def test_every_currency_has_its_digits() -> None:
    assert set(MINOR_DIGITS) == CURRENCIES
    assert {"EUR", "USD", "RON", "BGN"} <= CURRENCIES
    assert "XAU" not in CURRENCIES
