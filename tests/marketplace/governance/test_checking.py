"""What a policy must fulfill before it is kept, with the path of what is wrong."""

from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.governance.checking import check_document
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS, kind_of

COMMISSION: dict[str, Any] = {"policy_version": "1", "base_commission_rate": 10}
PAYOUT: dict[str, Any] = {
    "policy_version": "1",
    "default_frequency": "WEEKLY",
    "minimum_threshold": 10,
    "currency": "EUR",
    "hold_period_days": 7,
}
TAX: dict[str, Any] = {"policy_version": "1", "country_code": "US"}
FULFILLMENT: dict[str, Any] = {"policy_version": "1", "allowed_channels": ["FBA"], "delivery_sla_days": 5}
PROMOTION: dict[str, Any] = {"policy_version": "1", "promotion_name": "Spring"}
EXPERIMENT: dict[str, Any] = {
    "policy_version": "1",
    "policy_kind": "commission",
    "experiment_key": "RATE",
    "variants": [{"variant_key": "B", "policy_version": "2"}],
}
BARE: dict[str, Any] = {"policy_version": "1"}


@pytest.mark.parametrize(
    ("kind", "given", "path"),
    [
        ("commission", [], "$"),
        ("commission", {"base_commission_rate": 10}, "policy_version"),
        ("commission", {**COMMISSION, "policy_version": "a b"}, "policy_version"),
        ("commission", {**COMMISSION, "country_code": "USA"}, "country_code"),
        ("commission", {**COMMISSION, "seller_type": "PIRATE"}, "seller_type"),
        ("commission", {**COMMISSION, "base_rate": 10}, "base_rate"),
        ("commission", {**COMMISSION, "base_commission_rate": 100.01}, "base_commission_rate"),
        ("commission", {**COMMISSION, "base_commission_rate": -1}, "base_commission_rate"),
        ("commission", {**COMMISSION, "base_commission_rate": "1.00001"}, "base_commission_rate"),
        ("commission", {**COMMISSION, "base_commission_rate": True}, "base_commission_rate"),
        ("commission", {**COMMISSION, "base_commission_rate": "NaN"}, "base_commission_rate"),
        ("commission", {**COMMISSION, "is_trial": "yes"}, "is_trial"),
        ("commission", {**COMMISSION, "effective_from": "soon"}, "effective_from"),
        ("commission", {**COMMISSION, "effective_from": "2026-01-01T00:00:00"}, "effective_from"),
        (
            "commission",
            {**COMMISSION, "effective_from": "2026-01-02", "effective_to": "2026-01-02"},
            "effective_to",
        ),
        ("commission", {**COMMISSION, "fixed_fee_amount": 1}, "currency"),
        ("commission", {**COMMISSION, "fixed_fee_amount": 1, "currency": "XXX"}, "currency"),
        ("commission", {**COMMISSION, "fixed_fee_amount": "1.005", "currency": "EUR"}, "fixed_fee_amount"),
        ("commission", {**COMMISSION, "fixed_fee_amount": "1.5", "currency": "JPY"}, "fixed_fee_amount"),
        (
            "commission",
            {**COMMISSION, "min_commission": 2, "max_commission": 1, "currency": "EUR"},
            "max_commission",
        ),
        (
            "commission",
            {
                **COMMISSION,
                "rates": [
                    {"category": "a", "commission_rate": 1},
                    {"category": "a", "commission_rate": 2},
                ],
            },
            "rates[1].category",
        ),
        ("commission", {**COMMISSION, "rates": [{"category": "a"}]}, "rates[0].commission_rate"),
        (
            "commission",
            {
                **COMMISSION,
                "currency": "EUR",
                "volume_discounts": [
                    {"volume_threshold": 2, "volume_discount": 1},
                    {"volume_threshold": 2, "volume_discount": 2},
                ],
            },
            "volume_discounts[1].volume_threshold",
        ),
        (
            "commission",
            {
                **COMMISSION,
                "currency": "EUR",
                "volume_discounts": [
                    {"volume_threshold": 1, "volume_discount": 2},
                    {"volume_threshold": 2, "volume_discount": 1},
                ],
            },
            "volume_discounts[1].volume_discount",
        ),
        (
            "promotion",
            {**PROMOTION, "max_discount_amount": 2, "max_cart_discount_amount": 1, "currency": "EUR"},
            "max_discount_amount",
        ),
        ("payout", {**PAYOUT, "default_frequency": "HOURLY"}, "default_frequency"),
        ("payout", {**PAYOUT, "hold_period_days": 1.5}, "hold_period_days"),
        ("payout", {**PAYOUT, "rolling_reserve_percentage": 10}, "reserve_release_days"),
        (
            "payout",
            {
                **PAYOUT,
                "rules": [
                    {
                        "rule_name": "a",
                        "frequency": "DAILY",
                        "eligibility_criteria": {"rating": {"$above": 4}},
                    }
                ],
            },
            "rules[0].eligibility_criteria.rating.$above",
        ),
        (
            "payout",
            {
                **PAYOUT,
                "rules": [{"rule_name": "a", "frequency": "DAILY"}, {"rule_name": "b", "frequency": "DAILY"}],
            },
            "rules[0].eligibility_criteria",
        ),
        ("tax", {**BARE, "codes": [{"tax_code": "GEN", "tax_rate": 5}]}, "country_code"),
        ("tax", {**TAX, "codes": [{"tax_code": "GEN"}]}, "codes[0].tax_rate"),
        (
            "tax",
            {**TAX, "codes": [{"tax_code": "GEN", "tax_rate": 5, "calculation_engine": "AVALARA"}]},
            "codes[0].tax_rate",
        ),
        (
            "tax",
            {
                **TAX,
                "nexus": [{"region_code": "CA"}],
                "codes": [{"tax_code": "GEN", "region_code": "NY", "tax_rate": 5}],
            },
            "codes[0].region_code",
        ),
        ("tax", {**TAX, "nexus": [{"region_code": "*"}]}, "nexus[0].region_code"),
        ("tax", {**TAX, "nexus": [{"region_code": "CA", "sales_threshold": 1}]}, "nexus[0].currency"),
        ("tax", {**TAX, "default_tax_code": "GEN"}, "default_tax_code"),
        ("onboarding", {**BARE, "steps": [{"step_name": "a"}, {"step_name": "a"}]}, "steps[1].step_name"),
        ("compliance", {**BARE, "prohibited_items": ["a", "b", "a"]}, "prohibited_items[2]"),
        ("compliance", {**BARE, "enforcement_level": "SOMETIMES"}, "enforcement_level"),
        ("fulfillment", {**FULFILLMENT, "allowed_channels": []}, "allowed_channels"),
        ("fulfillment", {**FULFILLMENT, "allowed_channels": ["PIGEON"]}, "allowed_channels[0]"),
        ("fulfillment", {**FULFILLMENT, "handling_days": 6}, "handling_days"),
        ("fulfillment", {**FULFILLMENT, "max_weight_kg": 0}, "max_weight_kg"),
        ("eligibility", {**BARE, "gates": [{"category": "a"}]}, "gates[0]"),
        ("eligibility", {**BARE, "prohibited_keywords": [" "]}, "prohibited_keywords[0]"),
        ("experiment", {**EXPERIMENT, "policy_kind": "experiment"}, "policy_kind"),
        ("experiment", {**EXPERIMENT, "variants": []}, "variants"),
        ("experiment", {**EXPERIMENT, "is_trial": True}, "is_trial"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(kind: str, given: Any, path: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        check_document(GOVERNED_KINDS[kind].document.parse(given))
    assert error.value.where["path"] == path


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("commission", COMMISSION),
        ("promotion", PROMOTION),
        ("payout", PAYOUT),
        ("tax", TAX),
        ("onboarding", BARE),
        ("compliance", BARE),
        ("fulfillment", FULFILLMENT),
        ("eligibility", BARE),
        ("experiment", EXPERIMENT),
    ],
)
def test_what_is_right_passes_and_is_shown_as_it_was_written(kind: str, given: dict[str, Any]) -> None:
    document = GOVERNED_KINDS[kind].document.parse(given)
    check_document(document)
    assert GOVERNED_KINDS[kind].document.parse(document.as_plain()) == document


def test_the_path_begins_where_the_policy_stands() -> None:
    with pytest.raises(InvalidInputError) as error:
        GOVERNED_KINDS["commission"].document.parse({}, "commission[2]")
    assert error.value.where["path"] == "commission[2].policy_version"
    document = GOVERNED_KINDS["commission"].document.parse({**COMMISSION, "fixed_fee_amount": 1})
    with pytest.raises(InvalidInputError) as error:
        check_document(document, "commission[2]")
    assert error.value.where["path"] == "commission[2].currency"


def test_an_unknown_kind_is_told_what_is_near() -> None:
    with pytest.raises(NotFoundError, match="Did you mean commission"):
        kind_of("comission")
