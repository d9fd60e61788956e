"""What the policy engine has no words for: the terms of a payout and its parts, and the way through onboarding. Pure.

Whether a payout may be made and whether a seller may begin to sell is asked of the policy engine (`policy_rules`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from entrepot.kit.currencies import MINOR_DIGITS
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition
from entrepot.marketplace.governance.schemas import OnboardingDocument, OnboardingStep, PayoutDocument
from entrepot.marketplace.governance.words import Frequency


@dataclass(frozen=True, slots=True)
class PayoutSplit:
    """What becomes of a balance: the four parts add up to it, in the currency of the terms."""

    paid: Decimal
    fee: Decimal
    reserve: Decimal
    kept: Decimal


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """When and how a seller is paid; `rule` is the rule that was met, None for the policy's own terms."""

    rule: str | None
    frequency: Frequency
    minimum_threshold: Decimal
    currency: str
    hold_period_days: int
    fee_percentage: Decimal
    rolling_reserve_percentage: Decimal
    reserve_release_days: int

    def split(self, balance: Decimal) -> PayoutSplit:
        """What is paid of a balance now: nothing below the threshold; reserve and fee are rounded half up to cents.

        The reserve is a part of the balance, the fee one of what is left. Raises InvalidInputError for a balance that
        its currency cannot express.
        """
        nothing = Decimal(0)
        digits = MINOR_DIGITS[self.currency]
        if not balance.is_finite() or balance != round(balance, digits):
            raise InvalidInputError(
                f"balance: {balance} is no amount in {self.currency}, which has {digits} decimals.",
                hint="Round it.",
                where={"path": "balance"},
            )
        if balance <= 0 or balance < self.minimum_threshold:
            return PayoutSplit(nothing, nothing, nothing, balance)
        cent = Decimal(1).scaleb(-digits)
        reserve = (balance * self.rolling_reserve_percentage / 100).quantize(cent, ROUND_HALF_UP)
        fee = ((balance - reserve) * self.fee_percentage / 100).quantize(cent, ROUND_HALF_UP)
        return PayoutSplit(balance - reserve - fee, fee, reserve, nothing)


def payout_terms(policy: PayoutDocument, seller: Mapping[str, Any]) -> PayoutTerms:
    """The terms for a seller, of whom the criteria of the rules ask: the first rule that is met, or the policy's own."""
    met = next(
        (rule for rule in policy.rules if compile_condition(rule.eligibility_criteria).matches(seller)), None
    )
    threshold = met.threshold if met is not None and met.threshold is not None else policy.minimum_threshold
    held = (
        met.hold_period_days
        if met is not None and met.hold_period_days is not None
        else policy.hold_period_days
    )
    return PayoutTerms(
        rule=None if met is None else met.rule_name,
        frequency=policy.default_frequency if met is None else met.frequency,
        minimum_threshold=threshold,
        currency=policy.currency,
        hold_period_days=held,
        fee_percentage=Decimal(0) if met is None else met.fee_percentage,
        rolling_reserve_percentage=policy.rolling_reserve_percentage,
        reserve_release_days=policy.reserve_release_days,
    )


@dataclass(frozen=True, slots=True)
class OnboardingAnswer:
    """How far a case is: what must still be verified and done, and the step that comes next."""

    verifications: tuple[str, ...]
    steps: tuple[str, ...]
    next_step: OnboardingStep | None
    needs_approval: bool

    @property
    def ready(self) -> bool:
        """Whether all that is mandatory is done, so that the case can be approved."""
        return not self.verifications and not self.steps


def onboarding_answer(
    policy: OnboardingDocument, *, verified: Collection[str] = (), done: Collection[str] = ()
) -> OnboardingAnswer:
    """How far a case is: `verified` are of "identity", "tax" and "bank", `done` the names of steps done or skipped."""
    needed = {"identity": policy.identity_required, "tax": policy.tax_required, "bank": policy.bank_required}
    open_steps = [step for step in policy.steps if step.step_name not in done]
    return OnboardingAnswer(
        verifications=tuple(name for name, required in needed.items() if required and name not in verified),
        steps=tuple(step.step_name for step in open_steps if step.is_mandatory),
        next_step=next(iter(open_steps), None),
        needs_approval=policy.approval_required,
    )
