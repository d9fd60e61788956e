"""Effects in either dialect come to one form, and what they cannot hold is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from entrepot.marketplace.policies.effects import Effect


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("ALLOW", {"result": "ALLOW"}),
        ("SUPPRESS", {"obligations": [{"type": "SUPPRESS"}]}),
        ({"decision": "DENY", "reason_code": "HAZMAT"}, {"result": "DENY", "reason": "HAZMAT"}),
        (
            {"decision": "MANUAL_REVIEW", "queue": "fraud", "reason_code": "RISK", "obligations": [{"type": "SUPPRESS"}]},
            {"reason": "RISK", "obligations": [{"type": "MANUAL_REVIEW", "queue": "fraud"}, {"type": "SUPPRESS"}]},
        ),
        ({"decision": "MANUAL_REVIEW", "obligations": None}, {"obligations": [{"type": "MANUAL_REVIEW"}]}),
        (
            {"decision": "LIMIT", "limit_value": 5, "unit": "UNITS_PER_ORDER"},
            {"obligations": [{"type": "LIMIT", "limit_value": 5, "unit": "UNITS_PER_ORDER"}]},
        ),
        (
            {"decision": "LIMIT", "limit_value": "5.50", "unit": "USD"},
            {"obligations": [{"type": "LIMIT", "limit_value": "5.50", "unit": "USD"}]},
        ),
        (
            {"result": "ALLOW", "obligations": [{"type": "APPLY_SURCHARGE", "amount": "0.1000", "currency": "EUR"}]},
            {"result": "ALLOW", "obligations": [{"type": "APPLY_SURCHARGE", "amount": "0.1000", "currency": "EUR"}]},
        ),
        ({"decision": "APPLY_TAX", "rate": 1}, {"obligations": [{"type": "APPLY_TAX", "rate": "1"}]}),
        ({"decision": "EXTEND_WINDOW", "days": 3650}, {"obligations": [{"type": "EXTEND_WINDOW", "days": 3650}]}),
        (
            {"decision": "PROBATION", "disbursement_hold": True, "days": 1},
            {"obligations": [{"type": "PROBATION", "disbursement_hold": True, "days": 1}]},
        ),
    ],
)  # fmt: skip
def test_an_effect_is_kept_in_one_form(written: Any, stored: dict[str, Any]) -> None:
    effect = Effect.model_validate(written)
    assert effect.stored() == stored
    assert Effect.model_validate(stored) == effect
    assert [{"type": one.type, **one.parameters()} for one in effect.obligations] == stored.get(
        "obligations", []
    )


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ({"result": "DENY", "decision": "DENY"}, "say the same thing"),
        ({"reason": "A", "reason_code": "A", "result": "DENY"}, "say the same thing"),
        ({}, "does nothing"),
        ({"reason": "only"}, "does nothing"),
        ({"result": "permit"}, "it is ALLOW, DENY, or an obligation: LIMIT"),
        ({"result": "suppres"}, "SUPPRESS is meant, perhaps"),
        ({"obligations": [{"type": "SUPPRESS"}, {"type": "AUTO_APPROVE"}, {"type": "SUPPRESS"}]}, "SUPPRESS is there twice"),
        ({"decision": "LIMIT", "limit_value": -1, "unit": "USD"}, "limit_value"),
        ({"decision": "LIMIT", "limit_value": "-0.5", "unit": "USD"}, "limit_value"),
        ({"decision": "APPLY_SURCHARGE", "amount": "-0.01"}, "amount"),
        ({"decision": "APPLY_SURCHARGE", "amount": "0.00001"}, "amount"),
        ({"decision": "APPLY_SURCHARGE", "amount": "1" + "0" * 16}, "amount"),
        ({"decision": "APPLY_SURCHARGE", "amount": 1, "currency": "eur"}, "currency"),
        ({"decision": "APPLY_TAX", "rate": "1.01"}, "rate"),
        ({"decision": "APPLY_TAX", "rate": "-0.01"}, "rate"),
        ({"decision": "EXTEND_WINDOW", "days": 0}, "days"),
        ({"decision": "EXTEND_WINDOW", "days": 3651}, "days"),
        ({"decision": "PROBATION", "days": 0}, "days"),
        ({"decision": "PROBATION", "days": 3651}, "days"),
        ({"decision": "MANUAL_REVIEW", "queue": ""}, "queue"),
        ({"decision": "SUPPRESS", "queue": "fraud"}, "queue"),
        (["ALLOW"], "Effect"),
    ],
)  # fmt: skip
def test_what_an_effect_cannot_hold_is_refused(written: Any, word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        Effect.model_validate(written)
