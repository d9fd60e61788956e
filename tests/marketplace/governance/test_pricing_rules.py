"""Commission, tax and promotion policies as the pricing engine reckons them, to the cent."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.governance.checking import check_document
from entrepot.marketplace.governance.pricing_rules import govern_discount, pricing_rules
from entrepot.marketplace.governance.schemas import CommissionDocument, PromotionDocument, TaxDocument
from entrepot.marketplace.pricing.checking import check_document as check_rule
from entrepot.marketplace.pricing.rulesets import RuleSet
from entrepot.marketplace.pricing.schemas import PricingRuleDocument

ARTISAN = {
    "policy_version": "2026.1-US-ARTISAN",
    "country_code": "US",
    "seller_type": "ARTISAN",
    "base_commission_rate": "10",
    "processing_fee_rate": "2.5",
    "currency": "USD",
    "volume_discounts": [
        {"volume_threshold": "100000", "volume_discount": "1"},
        {"volume_threshold": "500000", "volume_discount": "2"},
    ],
    "rates": [{"category": "jewelry", "commission_rate": "12"}],
}
REFERENCE = "US.ARTISAN.2026.1-US-ARTISAN"


def commission(**changes: Any) -> CommissionDocument:
    document = CommissionDocument.parse({**ARTISAN, **changes})
    check_document(document)
    return document


def totals(
    document: CommissionDocument | TaxDocument,
    *lines: dict[str, Any],
    reference: str = REFERENCE,
    currency: str = "USD",
    buyer: dict[str, Any] | None = None,
    shipping: str | None = None,
    **seller: Any,
) -> dict[str, int]:
    rules = pricing_rules(document, reference)
    for rule in rules:
        check_rule(rule)
    kind = "tax" if isinstance(document, TaxDocument) else "commission"
    cart = {
        "currency": currency,
        "seller": {"id": "s-1", "policies": {kind: REFERENCE}, **seller},
        "buyer": buyer or {},
        "lines": [{"id": str(number), "quantity": 1, **line} for number, line in enumerate(lines)],
    }
    return RuleSet(rules).quote(cart if shipping is None else {**cart, "shipping": shipping}).totals


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (None, 9963),
        (99_999.99, 9963),
        (100_000, 8967),
        (499_999.99, 8967),
        (500_000, 7970),
        (2_000_000, 7970),
    ],
)
def test_commission_of_an_artisan_falls_with_their_volume(volume: float | None, expected: int) -> None:
    # 10 %, 9 % or 8 % of 996.30, and 2.5 % for the payment: half a cent goes up.
    known: dict[str, Any] = {} if volume is None else {"monthly_volume": volume}
    found = totals(commission(), {"unit_price": "996.30"}, **known)
    assert found["commission"] == expected
    assert found["seller_fee"] == 2491
    assert found["total"] == 99_630


def test_a_category_has_its_own_rate_and_the_discount_comes_off_that_too() -> None:
    lines = [{"unit_price": "100.00", "category": "jewelry"}, {"unit_price": "100.00", "category": "mugs"}]
    assert totals(commission(), *lines)["commission"] == 1200 + 1000
    assert totals(commission(), *lines, monthly_volume=100_000)["commission"] == 1100 + 900
    assert totals(commission(), {"unit_price": "100.00"})["commission"] == 1000


def test_a_rate_does_not_fall_below_zero() -> None:
    document = commission(base_commission_rate="0.5", rates=[])
    assert totals(document, {"unit_price": "100.00"}, monthly_volume=600_000)["commission"] == 0


def test_nobody_else_pays_it() -> None:
    other = pricing_rules(commission(), "US.ARTISAN.2027.1")
    cart = {
        "currency": "USD",
        "seller": {"policies": {"commission": REFERENCE}},
        "lines": [{"id": "1", "quantity": 1, "unit_price": "10.00"}],
    }
    assert RuleSet(other).quote(cart).totals["commission"] == 0
    both = RuleSet([*other, *pricing_rules(commission(base_commission_rate="20"), REFERENCE)])
    assert both.quote(cart).totals["commission"] == 200


@pytest.mark.parametrize(("per", "expected"), [("ORDER", 30), ("LINE", 60), ("UNIT", 120)])
def test_the_fixed_fee_is_per_order_line_or_unit(per: str, expected: int) -> None:
    document = commission(fixed_fee_amount="0.30", fixed_fee_per=per, processing_fee_rate=0)
    lines: list[dict[str, Any]] = [{"unit_price": "10.00", "quantity": 3}, {"unit_price": "5.00"}]
    assert totals(document, *lines)["seller_fee"] == expected


@settings(max_examples=60, deadline=None)
@given(
    price=st.integers(0, 20_000),
    rate=st.integers(0, 3_000),
    least=st.integers(0, 500),
    room=st.integers(0, 1_500),
)
def test_a_commission_stays_within_its_bounds(price: int, rate: int, least: int, room: int) -> None:
    document = commission(
        base_commission_rate=Decimal(rate).scaleb(-2),
        min_commission=Decimal(least).scaleb(-2),
        max_commission=Decimal(least + room).scaleb(-2),
        rates=[],
        volume_discounts=[],
    )
    exact = (Decimal(price) * rate / 10_000).quantize(Decimal(1), ROUND_HALF_UP)
    expected = min(max(int(exact), least), least + room, price)
    line = {"unit_price": f"{Decimal(price).scaleb(-2):.2f}"}
    assert totals(document, line)["commission"] == expected


QUEBEC = {
    "policy_version": "2026.1",
    "country_code": "CA",
    "default_tax_code": "GEN",
    "shipping_tax_code": "GEN",
    "nexus": [
        {"region_code": "QC"},
        {"region_code": "ON"},
        {"region_code": "BC", "sales_threshold": "30000", "currency": "CAD"},
    ],
    "codes": [
        {"tax_code": "GEN", "tax_name": "GST", "tax_rate": "5", "calculation_order": 1},
        {
            "tax_code": "GEN",
            "tax_name": "QST",
            "region_code": "QC",
            "tax_rate": "9.975",
            "calculation_order": 2,
        },
        {"tax_code": "BOOKS", "tax_name": "GST", "tax_rate": "5"},
        {"tax_code": "TOBACCO", "calculation_engine": "AVALARA"},
    ],
}


def tax(**changes: Any) -> TaxDocument:
    document = TaxDocument.parse({**QUEBEC, **changes})
    check_document(document)
    return document


@pytest.mark.parametrize(
    ("region", "code", "expected"),
    [
        ("QC", None, 500 + 998),  # 9.975 of 100.00 goes up
        ("QC", "GEN", 500 + 998),
        ("QC", "BOOKS", 500),
        ("ON", None, 500),
        ("QC", "TOBACCO", 0),  # a service outside reckons it
        ("AB", None, 0),  # no nexus
        ("BC", None, 0),  # not enough sold there yet
    ],
)
def test_tax_goes_by_region_and_product_tax_code(region: str, code: str | None, expected: int) -> None:
    line = {"unit_price": "100.00", **({} if code is None else {"tax_code": code})}
    assert totals(tax(), line, currency="CAD", buyer={"region": region})["tax"] == expected


def test_a_nexus_begins_with_its_threshold() -> None:
    line = {"unit_price": "100.00"}
    assert totals(tax(), line, currency="CAD", buyer={"region": "BC"}, region_sales=29_999.99)["tax"] == 0
    assert totals(tax(), line, currency="CAD", buyer={"region": "BC"}, region_sales=30_000)["tax"] == 500


def test_shipping_is_taxed_by_its_code() -> None:
    line = {"unit_price": "100.00"}
    taxed = totals(tax(), line, currency="CAD", buyer={"region": "ON"}, shipping="10.00")
    assert taxed["tax"] == 550
    free = totals(tax(shipping_tax_code=None), line, currency="CAD", buyer={"region": "ON"}, shipping="10.00")
    assert free["tax"] == 500


def test_prices_may_contain_the_tax_and_the_origin_may_decide() -> None:
    document = tax(
        country_code="DE",
        tax_calculation_model="ORIGIN_BASED",
        is_tax_inclusive=True,
        nexus=[],
        codes=[{"tax_code": "GEN", "region_code": "BE", "tax_rate": "19"}],
    )
    line = {"unit_price": "119.00"}
    found = totals(document, line, currency="EUR", buyer={"region": "BY"}, region="BE")
    assert (found["tax_included"], found["total"]) == (1900, 11_900)
    assert totals(document, line, currency="EUR", buyer={"region": "BE"}, region="BY")["tax_included"] == 0


def test_a_compound_tax_is_reckoned_on_the_one_before_it() -> None:
    codes = [
        {"tax_code": "GEN", "tax_name": "A", "tax_rate": "10", "calculation_order": 1},
        {"tax_code": "GEN", "tax_name": "B", "tax_rate": "10", "calculation_order": 2, "is_compound": True},
    ]
    found = totals(tax(nexus=[], codes=codes), {"unit_price": "100.00"}, currency="CAD")
    assert found["tax"] == 1000 + 1100


PROMOTION = {
    "policy_version": "2026.1",
    "promotion_name": "Seasonal",
    "max_discount_percentage": "30",
    "max_discount_amount": "50.00",
    "max_cart_discount_amount": "60.00",
    "currency": "USD",
    "platform_co_funding_percentage": "40",
}


def discount(**values: Any) -> PricingRuleDocument:
    action = {"type": "PERCENTAGE_OFF", "value": "25"}
    return PricingRuleDocument.model_validate(
        {"key": "spring", "type": "DISCOUNT", "action": action, **values}
    )


def test_a_discount_is_capped_and_funded_as_its_policy_says() -> None:
    policy = PromotionDocument.parse(PROMOTION)
    first = govern_discount(policy, "ANY.ANY.2026.1", discount())
    second = govern_discount(policy, "ANY.ANY.2026.1", discount(key="vip"))
    check_rule(first)
    cart = {
        "currency": "USD",
        "seller": {"policies": {"promotion": "ANY.ANY.2026.1"}},
        "lines": [{"id": "1", "quantity": 1, "unit_price": "400.00"}],
    }
    quote = RuleSet([first]).quote(cart)
    assert quote.totals["discount"] == 5000  # and not 25 % of it, 100.00
    assert quote.totals["platform_funded"] == 2000
    assert RuleSet([first, second]).quote(cart).totals["discount"] == 6000
    assert RuleSet([first]).quote({**cart, "seller": {}}).totals["discount"] == 0


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"action": {"type": "PERCENTAGE_OFF", "value": "30.01"}}, "discount.action.value"),
        (
            {
                "action": {
                    "type": "TIERED",
                    "tiers": [{"from": 1, "value": 10}, {"from": 5, "value": 31}],
                }
            },
            "discount.action.tiers[1].value",
        ),
        ({"action": {"type": "BUY_X_GET_Y", "buy": 1, "get": 1}}, "discount.action.get"),
        (
            {"action": {"type": "FIXED_AMOUNT", "value": "5.00", "currency": "EUR"}},
            "discount.action.currency",
        ),
        ({"funding": {"platform": "50", "seller": "50"}}, "discount.funding"),
        ({"type": "SURCHARGE", "action": {"type": "PERCENTAGE", "value": 1}}, "discount.type"),
        (
            {"condition": {"seller.policies.promotion": "ANY.ANY.2020.1"}},
            "discount.condition.seller.policies.promotion",
        ),
    ],
)
def test_a_discount_beyond_its_policy_is_refused(values: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        govern_discount(PromotionDocument.parse(PROMOTION), "ANY.ANY.2026.1", discount(**values), "discount")
    assert error.value.where["path"] == path


def test_an_amount_needs_a_cap_in_money_where_there_is_one_in_percent() -> None:
    amount = discount(action={"type": "FIXED_AMOUNT", "value": "5.00", "currency": "USD"})
    bare = PromotionDocument.parse(
        {"policy_version": "1", "promotion_name": "Bare", "max_discount_percentage": 10}
    )
    with pytest.raises(InvalidInputError, match="depends on the price"):
        govern_discount(bare, "ANY.ANY.1", amount)
    assert govern_discount(PromotionDocument.parse(PROMOTION), "ANY.ANY.1", amount).caps.rule == "50"
