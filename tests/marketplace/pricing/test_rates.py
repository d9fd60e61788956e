"""Dated rates: the one that held then, and amounts that are converted once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing.rates import read_rate, read_rates
from entrepot.marketplace.pricing.rulesets import RuleSet

RATES = [
    {"from": "USD", "to": "EUR", "rate": "0.92", "date": "2026-11-01", "source": "ECB"},
    {"from": "USD", "to": "EUR", "rate": "0.9", "date": "2026-11-02T12:00:00+01:00", "source": "desk"},
]
RULES = RuleSet(
    [
        {
            "key": "five",
            "type": "DISCOUNT",
            "level": "cart",
            "condition": {"coupons": {"$in": ["FIVE"]}},
            "action": {"type": "FIXED_AMOUNT", "value": "5.00", "currency": "USD"},
        }
    ]
)
CART: dict[str, Any] = {
    "currency": "EUR",
    "lines": [{"id": "A", "quantity": 1, "unit_price": "10.00"}],
    "coupons": ["FIVE"],
}


@pytest.mark.parametrize(
    ("moment", "discount", "source"),
    [
        ("2026-11-01T00:00:00Z", 460, "ECB"),
        ("2026-11-02T10:59:59Z", 460, "ECB"),
        ("2026-11-02T11:00:00Z", 450, "desk"),
        ("2027-01-01T00:00:00Z", 450, "desk"),
    ],
)
def test_the_rate_that_held_is_used_and_kept(moment: str, discount: int, source: str) -> None:
    found = RULES.quote(CART, at=moment, rates=RATES)
    assert found.totals["discount"] == discount
    assert [kept["source"] for kept in found.rates] == [source]
    assert found.trace[1]["rate"] == found.rates[0]


def test_a_missing_rate_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        RULES.quote(CART, at="2026-10-31T23:59:59Z", rates=RATES)
    assert caught.value.where["path"] == "rates"
    assert (caught.value.where["rule"], caught.value.where["from"], caught.value.where["to"]) == (
        "five",
        "USD",
        "EUR",
    )
    # The opposite rate is no rate, and a rule that does not match needs none.
    turned = [{"from": "EUR", "to": "USD", "rate": "1.1", "date": "2026-01-01"}]
    with pytest.raises(InvalidInputError):
        RULES.quote(CART, rates=turned)
    assert RULES.quote({**CART, "coupons": []}).totals["discount"] == 0


def test_an_amount_is_converted_between_minor_units_and_rounded_half_up() -> None:
    yen = read_rate({"from": "USD", "to": "JPY", "rate": "151.5", "date": "2026-01-01"}, "rate")
    assert [yen.convert(minor) for minor in (100, 1, 0)] == [152, 2, 0]
    dinar = read_rate({"from": "JPY", "to": "KWD", "rate": "0.0020005", "date": "2026-01-01"}, "rate")
    assert dinar.convert(1000) == 2001
    assert yen.effective == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"rate": "0"}, "rates[0].rate"),
        ({"rate": "-1"}, "rates[0].rate"),
        ({"rate": "1.00000000001"}, "rates[0].rate"),
        ({"rate": "one"}, "rates[0].rate"),
        ({"to": "XXX"}, "rates[0].to"),
        ({"to": "USD"}, "rates[0].to"),
        ({"from": "usd"}, "rates[0].from"),
        ({"date": "soon"}, "rates[0].date"),
        ({"spread": 1}, "rates[0].spread"),
    ],
)
def test_a_wrong_rate_is_refused_with_the_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_rates([{**RATES[0], **changes}])
    assert caught.value.where["path"] == path


@pytest.mark.parametrize("given", [5, "USD", {"from": "USD"}, [5]])
def test_rates_are_a_list_of_objects(given: Any) -> None:
    with pytest.raises(InvalidInputError):
        read_rates(given)


def test_two_rates_of_one_day_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="two rates from USD to EUR"):
        read_rates([RATES[0], {**RATES[0], "rate": "0.93", "date": "2026-11-01T00:00:00Z"}])
