"""Amounts are read exactly, and rounded so that sums add up."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing.money import (
    apportion,
    format_amount,
    format_percent,
    minor_digits,
    parse_amount,
    parse_decimal,
    parse_percent,
    round_half_up,
    round_together,
)


@pytest.mark.parametrize(
    ("given", "digits", "expected"),
    [
        ("19.90", 2, 1990),
        ("19.9", 2, 1990),
        (19.9, 2, 1990),
        (0.1, 2, 10),
        (1e3, 2, 100_000),
        (20, 2, 2000),
        ("0", 2, 0),
        ("0.00", 2, 0),
        ("0.01", 2, 1),
        ("1200", 0, 1200),
        (1200.0, 0, 1200),
        ("1.234", 3, 1234),
        (Decimal("4.50"), 2, 450),
        ("999999999999.99", 2, 99_999_999_999_999),
    ],
)
def test_amounts_are_read_to_the_cent(given: Any, digits: int, expected: int) -> None:
    assert parse_amount(given, digits, "x") == expected


@pytest.mark.parametrize(
    ("given", "digits"),
    [
        ("19.999", 2),
        ("19.900", 2),
        (19.999, 2),
        ("1.5", 0),
        (Decimal("1.001"), 2),
        ("-1", 2),
        (-0.01, 2),
        ("", 2),
        (".5", 2),
        ("5.", 2),
        ("1,50", 2),
        ("1e3", 2),
        ("٣", 2),
        ("²", 2),
        ("007", 2),
        (" 1", 2),
        ("1\n", 2),
        (True, 2),
        (None, 2),
        (float("nan"), 2),
        (float("inf"), 2),
        ([], 2),
        ("1000000000000.01", 2),
        (10**15, 2),
        ("9" * 60, 2),
    ],
)
def test_what_is_no_amount_is_refused_with_its_path(given: Any, digits: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_amount(given, digits, "lines[2].unit_price")
    assert caught.value.where == {"path": "lines[2].unit_price"}


@given(st.integers(0, 10**9), st.sampled_from([0, 2, 3]))
def test_what_is_written_is_read_again(minor: int, digits: int) -> None:
    assert parse_amount(format_amount(minor, digits), digits, "x") == minor


@given(st.decimals(min_value=0, max_value=10**6, places=2))
def test_a_float_stands_for_its_shortest_decimal(value: Decimal) -> None:
    assert parse_amount(float(value), 2, "x") == int(value * 100)


def test_percentages_have_four_decimals_and_bounds() -> None:
    assert parse_percent("12.5", "x") == 125_000
    assert parse_percent("33.3333", "x") == 333_333
    assert parse_percent(100, "x") == 1_000_000
    for wrong in ("100.0001", "-1", "0.00001", "10%", None):
        with pytest.raises(InvalidInputError):
            parse_percent(wrong, "x")
    assert [format_percent(rate) for rate in (125_000, 1_000_000, 1, 0)] == ["12.5", "100", "0.0001", "0"]


def test_decimals_keep_their_sign() -> None:
    assert parse_decimal("-1.5", 4, "x", noun="number") == -15_000


def test_currencies() -> None:
    assert [minor_digits(code) for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]
    for wrong in ("eur", "XXX", None, 7, ["EUR"]):
        with pytest.raises(InvalidInputError, match="is not a currency"):
            minor_digits(wrong)


fractions = st.lists(st.integers(0, 10**7), min_size=1, max_size=8)


@settings(deadline=None)
@given(fractions, st.integers(1, 10**6))
def test_rounding_together_keeps_the_sum_and_moves_no_part_by_a_unit(
    numerators: list[int], denominator: int
) -> None:
    parts = round_together(numerators, denominator)
    assert sum(parts) == round_half_up(sum(numerators), denominator)
    assert all(
        abs(part - Fraction(numerator, denominator)) < 1
        for part, numerator in zip(parts, numerators, strict=True)
    )


def test_the_largest_remainders_get_the_units_and_ties_the_first() -> None:
    assert round_together([14, 16, 15], 10) == [1, 2, 2]
    assert round_together([15, 15, 15, 15], 10) == [2, 2, 1, 1]
    assert round_together([4, 4, 4], 10) == [1, 0, 0]


@settings(deadline=None)
@given(st.integers(0, 10**7), fractions)
def test_an_amount_is_divided_without_a_rest(amount: int, weights: list[int]) -> None:
    parts = apportion(amount, weights)
    assert sum(parts) == amount
    if amount <= sum(weights):
        assert all(part <= weight for part, weight in zip(parts, weights, strict=True))


def test_weights_of_nothing_share_alike() -> None:
    assert apportion(5, [0, 0, 0]) == [2, 2, 1]
