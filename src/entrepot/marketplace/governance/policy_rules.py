"""Onboarding, payout, eligibility, compliance and fulfillment policies as policies of the policy engine.

Pure: a policy's document in, at most one document of the policy engine out. Its key names the version
(`eligibility.US.ARTISAN.2026.1`), so each version is there to be asked as long as a seller stands under it.

What a context says: of the product `title`, `description`, `brand`, `brand_authorized`, `category`, `item_type`,
`hazmat_class`, `certifications`; where it is sold `region`; of the seller `seller_tier`, `approvals`,
`seller.compliance_score`, `seller.aml_checked`, `seller.reviewed_within_year`, `seller.data_protection_agreed`; of a
delivery `channel`, `weight_kg`, `promised_days`. Of a case of onboarding: `verified` (of identity, tax, bank), `done`
(names of steps), `approved`, `case_age_days`, `days_since_rejection`. Of a payout: `balance`, `days_since_delivery`, and
what the criteria of its rules ask of the seller. What is missing never counts in the seller's favor.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from entrepot.marketplace.governance.schemas import (
    ComplianceDocument,
    EligibilityDocument,
    FulfillmentDocument,
    GovernedDocument,
    OnboardingDocument,
    PayoutDocument,
)
from entrepot.marketplace.governance.words import ANY, TIERS
from entrepot.marketplace.policies.documents import PolicyDocument

OWNER = "governance"
#: Characters of the words in one pattern; the language has patterns of 1,000.
MOST_OF_A_PATTERN = 900

Rule = dict[str, Any]


def policy_key(kind: str, reference: str) -> str:
    """The key under which the policy engine answers for a version."""
    return f"{kind}.{reference}"


def policy_rules(document: GovernedDocument, reference: str) -> PolicyDocument | None:
    """The policy that decides as a version says; None for the kinds that prices or tests of policies go by."""
    match document:
        case OnboardingDocument():
            kind, rules = "onboarding", [*_onboarding(document)]
        case PayoutDocument():
            kind, rules = "payout", [*_payout(document)]
        case EligibilityDocument():
            kind, rules = "eligibility", [*_eligibility(document)]
        case ComplianceDocument():
            kind, rules = "compliance", [*_compliance(document)]
        case FulfillmentDocument():
            kind, rules = "fulfillment", [*_fulfillment(document)]
        case _:
            return None
    return PolicyDocument.read(
        {
            "key": policy_key(kind, reference),
            "name": document.policy_name or f"{kind.capitalize()} {document.policy_version}",
            "default_effect": "ALLOW",
            "owner_service": OWNER,
            "rules": rules,
        }
    )


def _onboarding(document: OnboardingDocument) -> Iterator[Rule]:
    """DENY with each thing that is missing; ALLOW says that the seller may sell."""
    block = {"type": "SOFT_BLOCK", "action": "ONBOARDING_INCOMPLETE"}
    missing: list[Rule] = []
    for name in ("identity", "tax", "bank"):
        if getattr(document, f"{name}_required"):
            condition = {"verified": {"$nin": [name]}}
            missing.append(_deny(f"verify-{name}", condition, f"VERIFICATION_MISSING: {name}", block))
    for number, step in enumerate(document.steps, 1):
        if step.is_mandatory:
            condition = {"done": {"$nin": [step.step_name]}}
            missing.append(_deny(f"step-{number}", condition, f"STEP_MISSING: {step.step_name}", block))
    yield from missing
    undecided = {"approved": {"$ne": True}}
    complete = {"$nor": [one["condition"] for one in missing]} if missing else {}
    if document.approval_required:
        review = {"type": "MANUAL_REVIEW", "queue": "onboarding"}
        yield _deny("approval", {**complete, **undecided}, "APPROVAL_MISSING", review)
    else:
        approve = {"type": "AUTO_APPROVE"}
        yield {"key": "approval", "condition": complete, "effect": {"obligations": [approve]}}
    if document.expires_after_days is not None:
        expired = {"case_age_days": {"$gte": document.expires_after_days}, **undecided}
        yield {**_deny("expired", expired, "CASE_EXPIRED"), "priority": 200}
    if document.reapply_after_days:
        early = {"days_since_rejection": {"$lt": document.reapply_after_days}}
        yield {**_deny("reapplied", early, "REAPPLIED_TOO_SOON"), "priority": 200}


def _payout(document: PayoutDocument) -> Iterator[Rule]:
    """DENY below the threshold and in the hold of the terms that hold for the seller: the first rule that is met."""
    met: list[dict[str, Any]] = []
    for number, rule in enumerate(document.rules, 1):
        whose = {"$and": [rule.eligibility_criteria], **({"$nor": [*met]} if met else {})}
        met.append(rule.eligibility_criteria)
        threshold = document.minimum_threshold if rule.threshold is None else rule.threshold
        held = document.hold_period_days if rule.hold_period_days is None else rule.hold_period_days
        yield from _terms(f"rule-{number}", rule.rule_name, whose, threshold, held)
    whose = {"$nor": met} if met else {}
    yield from _terms("policy", "STANDARD", whose, document.minimum_threshold, document.hold_period_days)


def _terms(key: str, name: str, whose: dict[str, Any], threshold: Decimal, held: int) -> Iterator[Rule]:
    yield {
        "key": f"{key}-terms",
        "condition": whose,
        "effect": {"result": "ALLOW", "reason": f"TERMS: {name}"},
    }
    if threshold:
        enough = {"balance": {"$gte": float(threshold)}}
        yield _deny(f"{key}-threshold", {**whose, "$not": enough}, "BELOW_THRESHOLD")
    if held:
        old_enough = {"days_since_delivery": {"$gte": held}}
        yield _deny(f"{key}-hold", {**whose, "$not": old_enough}, "ON_HOLD")


def _eligibility(document: EligibilityDocument) -> Iterator[Rule]:
    for number, pattern in enumerate(_patterns(document.prohibited_keywords), 1):
        texts = [{"title": {"$regexi": pattern}}, {"description": {"$regexi": pattern}}]
        yield _deny(f"keywords-{number}", {"$or": texts}, "PROHIBITED_KEYWORD")
    if document.prohibited_hazmat_classes:
        classes = list(document.prohibited_hazmat_classes)
        yield _deny("hazmat", {"hazmat_class": {"$in": classes}}, "HAZMAT_RESTRICTION")
    if document.protected_brands:
        brands = {"brand": {"$in": list(document.protected_brands)}, "brand_authorized": {"$ne": True}}
        yield _deny("brands", brands, "BRAND_PROTECTED")
    for number, gate in enumerate(document.gates, 1):
        if gate.minimum_seller_tier is not None:
            high_enough = list(TIERS[TIERS.index(gate.minimum_seller_tier) :])
            tier = {"category": gate.category, "seller_tier": {"$nin": high_enough}}
            yield _deny(f"tier-{number}", tier, "SELLER_TIER_TOO_LOW")
        if gate.required_approval is not None:
            approval = {"category": gate.category, "approvals": {"$nin": [gate.required_approval]}}
            yield _deny(f"approval-{number}", approval, f"APPROVAL_REQUIRED: {gate.required_approval}")


def _compliance(document: ComplianceDocument) -> Iterator[Rule]:
    level = document.enforcement_level
    if document.prohibited_items:
        items = {"item_type": {"$in": list(document.prohibited_items)}}
        yield _enforce("prohibited", items, "PROHIBITED_ITEM", level)
    if document.restricted_categories:
        restricted = {"category": {"$in": list(document.restricted_categories)}}
        yield _review("restricted", restricted, "RESTRICTED_CATEGORY")
    for number, one in enumerate(document.certifications, 1):
        needed: dict[str, Any] = {"certifications": {"$nin": [one.certification_code]}}
        if one.category != ANY:
            needed["category"] = one.category
        if one.region_code != ANY:
            needed["region"] = one.region_code
        reason = f"COMPLIANCE_MISSING_CERT: {one.certification_code}"
        yield _enforce(f"certification-{number}", needed, reason, level)
    if document.minimum_compliance_score:
        score = {"$not": {"seller.compliance_score": {"$gte": document.minimum_compliance_score}}}
        yield _enforce("score", score, "COMPLIANCE_SCORE_TOO_LOW", level)
    if document.requires_aml_check:
        yield _enforce("aml", {"seller.aml_checked": {"$ne": True}}, "AML_CHECK_MISSING", level)
    if document.requires_data_protection:
        agreed = {"seller.data_protection_agreed": {"$ne": True}}
        yield _enforce("data-protection", agreed, "DATA_PROTECTION_NOT_AGREED", level)
    if document.requires_annual_review:
        yield _review("review", {"seller.reviewed_within_year": {"$ne": True}}, "ANNUAL_REVIEW_DUE")


def _fulfillment(document: FulfillmentDocument) -> Iterator[Rule]:
    channels = {"channel": {"$nin": list(document.allowed_channels)}}
    yield _deny("channel", channels, "CHANNEL_NOT_ALLOWED")
    if document.max_weight_kg is not None:
        weight = {"$not": {"weight_kg": {"$lte": float(document.max_weight_kg)}}}
        yield _deny("weight", weight, "TOO_HEAVY")
    late = {"promised_days": {"$gt": document.delivery_sla_days}}
    yield _deny("delivery", late, "DELIVERY_TOO_LATE")
    days = {"type": "LIMIT", "limit_value": document.delivery_sla_days, "unit": "DELIVERY_DAYS"}
    yield {"key": "delivery-days", "effect": {"obligations": [days]}, "priority": 0}


def _deny(key: str, condition: dict[str, Any], reason: str, *obligations: dict[str, Any]) -> Rule:
    effect = {"result": "DENY", "reason": reason, "obligations": list(obligations)}
    return {"key": key, "condition": condition, "effect": effect, "priority": 100}


def _review(key: str, condition: dict[str, Any], reason: str) -> Rule:
    obligation = {"type": "MANUAL_REVIEW", "queue": "compliance"}
    return {"key": key, "condition": condition, "effect": {"reason": reason, "obligations": [obligation]}}


def _enforce(key: str, condition: dict[str, Any], reason: str, level: str) -> Rule:
    if level == "MANDATORY":
        return _deny(key, condition, reason)
    if level == "RECOMMENDED":
        return _review(key, condition, reason)
    obligation = {"type": "SOFT_BLOCK", "action": "WARN"}
    return {"key": key, "condition": condition, "effect": {"reason": reason, "obligations": [obligation]}}


def _patterns(words: tuple[str, ...]) -> Iterator[str]:
    """Patterns for any of the words as a word of its own: `gun`, and not `begun`."""
    some: list[str] = []
    for word in (re.escape(word.strip()) for word in words):
        if some and len("|".join([*some, word])) > MOST_OF_A_PATTERN:
            yield _pattern(some)
            some = []
        some.append(word)
    if some:
        yield _pattern(some)


def _pattern(words: list[str]) -> str:
    return rf"(?:^|\W)(?:{'|'.join(words)})(?:\W|$)"
