"""Eligibility, compliance and fulfillment policies as the policy engine decides by them."""

from typing import Any

import pytest

from entrepot.marketplace.governance.policy_rules import policy_rules
from entrepot.marketplace.governance.schemas import (
    ComplianceDocument,
    EligibilityDocument,
    FulfillmentDocument,
    GovernedDocument,
    OnboardingDocument,
    PayoutDocument,
    PromotionDocument,
)
from entrepot.marketplace.policies.checking import check
from entrepot.marketplace.policies.evaluating import Decision


def decide(document: GovernedDocument, context: dict[str, Any]) -> Decision:
    compiled = policy_rules(document, "US.ANY.1")
    assert compiled is not None
    return check(compiled).evaluate(context)


ELIGIBILITY = EligibilityDocument.parse(
    {
        "policy_version": "1",
        "prohibited_keywords": ["gun", "replica watch", "C-4"],
        "prohibited_hazmat_classes": ["EXPLOSIVE"],
        "protected_brands": ["Nordby"],
        "gates": [
            {"category": "jewelry", "minimum_seller_tier": "GOLD"},
            {"category": "toys", "required_approval": "TOY_SAFETY"},
        ],
    }
)


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({"title": "Toy GUN, red"}, "PROHIBITED_KEYWORD"),
        ({"title": "Mug", "description": "A fine Replica Watch."}, "PROHIBITED_KEYWORD"),
        ({"title": "c-4"}, "PROHIBITED_KEYWORD"),
        ({"hazmat_class": "EXPLOSIVE"}, "HAZMAT_RESTRICTION"),
        ({"brand": "Nordby"}, "BRAND_PROTECTED"),
        ({"brand": "Nordby", "brand_authorized": False}, "BRAND_PROTECTED"),
        ({"category": "jewelry", "seller_tier": "SILVER"}, "SELLER_TIER_TOO_LOW"),
        ({"category": "jewelry"}, "SELLER_TIER_TOO_LOW"),
        ({"category": "toys", "approvals": ["OTHER"]}, "APPROVAL_REQUIRED: TOY_SAFETY"),
        ({"category": "toys"}, "APPROVAL_REQUIRED: TOY_SAFETY"),
    ],
)
def test_what_is_not_eligible(context: dict[str, Any], reason: str) -> None:
    decision = decide(ELIGIBILITY, context)
    assert not decision.allowed
    assert decision.reason == reason


@pytest.mark.parametrize(
    "context",
    [
        {"title": "It had begun; a gunner's song, C40"},
        {"brand": "Nordby", "brand_authorized": True},
        {"category": "jewelry", "seller_tier": "GOLD"},
        {"category": "jewelry", "seller_tier": "PLATINUM"},
        {"category": "toys", "approvals": ["TOY_SAFETY", "OTHER"]},
        {"category": "mugs"},
    ],
)
def test_what_is_eligible(context: dict[str, Any]) -> None:
    assert decide(ELIGIBILITY, context).allowed


def test_many_words_fit_the_patterns_of_the_language() -> None:
    words = [f"word-{number:03d}-{'x' * 60}" for number in range(200)]
    many = EligibilityDocument.parse({"policy_version": "1", "prohibited_keywords": words})
    assert not decide(many, {"title": f"a {words[0]}"}).allowed
    assert not decide(many, {"title": f"a {words[-1].upper()}!"}).allowed
    assert decide(many, {"title": f"a {words[-1]}x"}).allowed


COMPLIANCE: dict[str, Any] = {
    "policy_version": "1",
    "prohibited_items": ["ivory"],
    "restricted_categories": ["knives"],
    "certifications": [
        {"category": "electronics", "certification_code": "CE", "region_code": "EU"},
        {"category": "toys", "certification_code": "CPC"},
    ],
    "minimum_compliance_score": 60,
}
GOOD = {"seller": {"compliance_score": 60}}


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({**GOOD, "item_type": "ivory"}, "PROHIBITED_ITEM"),
        ({**GOOD, "category": "electronics", "region": "EU"}, "COMPLIANCE_MISSING_CERT: CE"),
        (
            {**GOOD, "category": "electronics", "region": "EU", "certifications": ["FCC"]},
            "COMPLIANCE_MISSING_CERT: CE",
        ),
        ({**GOOD, "category": "toys", "region": "US"}, "COMPLIANCE_MISSING_CERT: CPC"),
        ({"seller": {"compliance_score": 59.9}}, "COMPLIANCE_SCORE_TOO_LOW"),
        ({}, "COMPLIANCE_SCORE_TOO_LOW"),
    ],
)
def test_what_does_not_comply(context: dict[str, Any], reason: str) -> None:
    decision = decide(ComplianceDocument.parse(COMPLIANCE), context)
    assert (decision.effect, decision.reason) == ("DENY", reason)


@pytest.mark.parametrize(
    "context",
    [
        {**GOOD, "category": "electronics", "region": "US"},
        {**GOOD, "category": "electronics", "region": "EU", "certifications": ["CE"]},
    ],
)
def test_what_complies(context: dict[str, Any]) -> None:
    assert decide(ComplianceDocument.parse(COMPLIANCE), context).allowed


def test_a_restricted_category_is_looked_at() -> None:
    decision = decide(ComplianceDocument.parse(COMPLIANCE), {**GOOD, "category": "knives"})
    assert decision.allowed
    assert [owed.type for owed in decision.obligations] == ["MANUAL_REVIEW"]


@pytest.mark.parametrize(
    ("level", "effect", "owed"),
    [
        ("MANDATORY", "DENY", []),
        ("RECOMMENDED", "ALLOW", ["MANUAL_REVIEW"]),
        ("OPTIONAL", "ALLOW", ["SOFT_BLOCK"]),
    ],
)
def test_enforcement_decides_what_a_breach_does(level: str, effect: str, owed: list[str]) -> None:
    document = ComplianceDocument.parse({**COMPLIANCE, "enforcement_level": level})
    decision = decide(document, {**GOOD, "item_type": "ivory"})
    assert decision.effect == effect
    assert [one.type for one in decision.obligations] == owed


@pytest.mark.parametrize("wanted", ["requires_aml_check", "requires_data_protection"])
def test_what_is_demanded_of_a_seller_must_be_there(wanted: str) -> None:
    document = ComplianceDocument.parse({"policy_version": "1", wanted: True})
    fact = {"requires_aml_check": "aml_checked", "requires_data_protection": "data_protection_agreed"}[wanted]
    assert not decide(document, {}).allowed
    assert decide(document, {"seller": {fact: True}}).allowed


FULFILLMENT = FulfillmentDocument.parse(
    {"policy_version": "1", "allowed_channels": ["FBA", "MFN"], "max_weight_kg": 50, "delivery_sla_days": 5}
)


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ({"channel": "DROPSHIP", "weight_kg": 1}, "CHANNEL_NOT_ALLOWED"),
        ({"weight_kg": 1}, "CHANNEL_NOT_ALLOWED"),
        ({"channel": "FBA", "weight_kg": 50.001}, "TOO_HEAVY"),
        ({"channel": "FBA"}, "TOO_HEAVY"),
        ({"channel": "FBA", "weight_kg": 50, "promised_days": 6}, "DELIVERY_TOO_LATE"),
    ],
)
def test_what_may_not_be_sent_so(context: dict[str, Any], reason: str) -> None:
    assert decide(FULFILLMENT, context).reason == reason


def test_what_may_be_sent_says_how_fast() -> None:
    decision = decide(FULFILLMENT, {"channel": "MFN", "weight_kg": 50, "promised_days": 5})
    assert decision.allowed
    assert [one.as_dict()["limit_value"] for one in decision.obligations] == [5]


def test_other_kinds_are_no_policy_of_the_engine() -> None:
    promotion = PromotionDocument.parse({"policy_version": "1", "promotion_name": "Spring"})
    assert policy_rules(promotion, "US.ANY.1") is None


ONBOARDING: dict[str, Any] = {
    "policy_version": "1",
    "bank_required": False,
    "expires_after_days": 30,
    "reapply_after_days": 10,
    "steps": [
        {"step_name": "profile"},
        {"step_name": "photos", "is_mandatory": False},
        {"step_name": "agreement"},
    ],
}
DONE: dict[str, Any] = {"verified": ["identity", "tax"], "done": ["profile", "agreement"]}


@pytest.mark.parametrize(
    ("changes", "allowed", "reason", "obligations"),
    [
        ({"verified": ["tax"]}, False, "VERIFICATION_MISSING: identity", ["SOFT_BLOCK"]),
        ({"verified": ["identity"], "approved": True}, False, "VERIFICATION_MISSING: tax", ["SOFT_BLOCK"]),
        ({"done": ["profile"], "approved": True}, False, "STEP_MISSING: agreement", ["SOFT_BLOCK"]),
        ({}, False, "APPROVAL_MISSING", ["MANUAL_REVIEW"]),
        ({"approved": True}, True, None, []),
        ({"case_age_days": 30}, False, "CASE_EXPIRED", ["MANUAL_REVIEW"]),
        ({"case_age_days": 29, "approved": True}, True, None, []),
        ({"case_age_days": 99, "approved": True}, True, None, []),
        ({"days_since_rejection": 9, "approved": True}, False, "REAPPLIED_TOO_SOON", []),
        ({"days_since_rejection": 10, "approved": True}, True, None, []),
    ],
)
def test_a_seller_comes_in_by_the_onboarding_policy(
    changes: dict[str, Any], allowed: bool, reason: str | None, obligations: list[str]
) -> None:
    decision = decide(OnboardingDocument.parse(ONBOARDING), {**DONE, **changes})
    assert decision.allowed == allowed
    assert reason in (None, decision.reason)
    assert [one.type for one in decision.obligations] == obligations


def test_nobody_is_asked_where_no_approval_is_required() -> None:
    document = OnboardingDocument.parse({**ONBOARDING, "approval_required": False})
    decision = decide(document, DONE)
    assert decision.allowed
    assert [one.type for one in decision.obligations] == ["AUTO_APPROVE"]
    started = decide(document, {})
    assert not started.allowed
    assert {one.type for one in started.obligations} == {"SOFT_BLOCK"}


PAYOUT: dict[str, Any] = {
    "policy_version": "1",
    "default_frequency": "WEEKLY",
    "minimum_threshold": "25.00",
    "currency": "USD",
    "hold_period_days": 14,
    "rules": [
        {
            "rule_name": "Express",
            "frequency": "DAILY",
            "threshold": "10.50",
            "hold_period_days": 0,
            "eligibility_criteria": {"wants_express": True, "rating": {"$gte": 4.5}},
        },
        {
            "rule_name": "Trusted",
            "frequency": "WEEKLY",
            "hold_period_days": 3,
            "eligibility_criteria": {"rating": {"$gte": 4.5}},
        },
    ],
}
EXPRESS = {"wants_express": True, "rating": 5}


@pytest.mark.parametrize(
    ("context", "allowed", "reason"),
    [
        ({"balance": 25, "days_since_delivery": 14}, True, "TERMS: STANDARD"),
        ({"balance": 24.99, "days_since_delivery": 14}, False, "BELOW_THRESHOLD"),
        ({"balance": 25, "days_since_delivery": 13}, False, "ON_HOLD"),
        ({"balance": 25}, False, "ON_HOLD"),
        ({"days_since_delivery": 14}, False, "BELOW_THRESHOLD"),
        ({"balance": 10.5, **EXPRESS}, True, "TERMS: Express"),
        ({"balance": 10.49, **EXPRESS}, False, "BELOW_THRESHOLD"),
        ({"balance": 25, "days_since_delivery": 3, "rating": 5}, True, "TERMS: Trusted"),
        ({"balance": 24, "days_since_delivery": 3, "rating": 5}, False, "BELOW_THRESHOLD"),
        ({"balance": 25, "days_since_delivery": 2, "rating": 5}, False, "ON_HOLD"),
        ({"balance": 10.5, "wants_express": True, "rating": 4}, False, None),
    ],
)
def test_a_payout_is_made_by_the_terms_that_hold(
    context: dict[str, Any], allowed: bool, reason: str | None
) -> None:
    decision = decide(PayoutDocument.parse(PAYOUT), context)
    assert decision.allowed == allowed
    assert reason in (None, decision.reason)
