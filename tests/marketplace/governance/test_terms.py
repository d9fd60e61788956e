"""Terms of payouts and the way through onboarding."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.marketplace.governance.schemas import OnboardingDocument, PayoutDocument
from entrepot.marketplace.governance.terms import onboarding_answer, payout_terms

PAYOUT = PayoutDocument.parse(
    {
        "policy_version": "2026.1-US",
        "country_code": "US",
        "default_frequency": "MONTHLY",
        "minimum_threshold": "25.00",
        "currency": "USD",
        "hold_period_days": 14,
        "rolling_reserve_percentage": 10,
        "reserve_release_days": 90,
        "rules": [
            {
                "rule_name": "Express",
                "frequency": "DAILY",
                "threshold": "1.00",
                "hold_period_days": 0,
                "fee_percentage": "1.5",
                "eligibility_criteria": {"wants_express": True, "rating": {"$gte": 4.5}},
            },
            {
                "rule_name": "Proven",
                "frequency": "WEEKLY",
                "eligibility_criteria": {"sales_count": {"$gte": 100}},
            },
        ],
    }
)


@pytest.mark.parametrize(
    ("seller", "rule", "frequency", "threshold", "hold"),
    [
        ({}, None, "MONTHLY", "25", 14),
        ({"sales_count": 99}, None, "MONTHLY", "25", 14),
        ({"sales_count": 100}, "Proven", "WEEKLY", "25", 14),
        ({"sales_count": 100, "wants_express": True, "rating": 4.5}, "Express", "DAILY", "1", 0),
        ({"sales_count": 100, "wants_express": True, "rating": 4.4}, "Proven", "WEEKLY", "25", 14),
    ],
)
def test_the_first_rule_that_is_met_holds(
    seller: dict[str, Any], rule: str | None, frequency: str, threshold: str, hold: int
) -> None:
    terms = payout_terms(PAYOUT, seller)
    assert (terms.rule, terms.frequency, terms.minimum_threshold, terms.hold_period_days) == (
        rule,
        frequency,
        Decimal(threshold),
        hold,
    )


def test_a_payout_keeps_the_reserve_and_then_the_fee() -> None:
    express = payout_terms(PAYOUT, {"wants_express": True, "rating": 5})
    split = express.split(Decimal("100.05"))
    # 10 % of 100.05 is 10.005, half a cent goes up; 1.5 % of the other 90.04 is 1.3506.
    assert (split.reserve, split.fee, split.paid) == (Decimal("10.01"), Decimal("1.35"), Decimal("88.69"))


def test_below_the_threshold_nothing_is_paid() -> None:
    terms = payout_terms(PAYOUT, {})
    assert terms.split(Decimal("24.99")).kept == Decimal("24.99")
    assert terms.split(Decimal("25.00")).paid == Decimal("22.50")
    assert terms.split(Decimal("-3.00")).kept == Decimal("-3.00")


@given(cents=st.integers(-1000, 10**9), express=st.booleans())
def test_the_parts_of_a_balance_add_up(cents: int, express: bool) -> None:
    terms = payout_terms(PAYOUT, {"wants_express": express, "rating": 5})
    balance = Decimal(cents).scaleb(-2)
    split = terms.split(balance)
    assert split.paid + split.fee + split.reserve + split.kept == balance
    assert min(split.paid, split.fee, split.reserve) >= 0


ONBOARDING = OnboardingDocument.parse(
    {
        "policy_version": "2026.1",
        "bank_required": False,
        "steps": [
            {"step_name": "profile"},
            {"step_name": "photos", "is_mandatory": False},
            {"step_name": "agreement", "provider_name": "signer", "max_retries": 2, "sla_hours": 48},
        ],
    }
)


def test_onboarding_says_what_is_missing_and_what_comes_next() -> None:
    answer = onboarding_answer(ONBOARDING)
    assert answer.verifications == ("identity", "tax")
    assert answer.steps == ("profile", "agreement")
    assert answer.next_step is not None
    assert answer.next_step.step_name == "profile"
    assert not answer.ready


def test_onboarding_is_ready_without_what_is_optional() -> None:
    answer = onboarding_answer(ONBOARDING, verified=["identity", "tax"], done=["profile", "agreement"])
    assert answer.ready
    assert answer.needs_approval
    assert not onboarding_answer(ONBOARDING, verified=["identity", "tax"], done=["profile"]).ready
