"""Eligibility, compliance and fulfillment policies as policies of the policy engine.

Pure: a policy's document in, at most one document of the policy engine out. Its key names the version
(`eligibility.US.ARTISAN.2026.1`), so each version is there to be asked as long as a seller stands under it.

What a context says: of the product `title`, `description`, `brand`, `brand_authorized`, `category`, `item_type`,
`hazmat_class`, `certifications`; where it is sold `region`; of the seller `seller_tier`, `approvals`,
`seller.compliance_score`, `seller.aml_checked`, `seller.reviewed_within_year`, `seller.data_protection_agreed`; of a
delivery `channel`, `weight_kg`, `promised_days`. What is missing never counts in the seller's favor.
"""

import re
from collections.abc import Iterator
from typing import Any

from entrepot.marketplace.governance.schemas import (
    ComplianceDocument,
    EligibilityDocument,
    FulfillmentDocument,
    GovernedDocument,
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
    """The policy that an eligibility, compliance or fulfillment policy is; None for every other kind."""
    match document:
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


def _deny(key: str, condition: dict[str, Any], reason: str) -> Rule:
    return {
        "key": key,
        "condition": condition,
        "effect": {"result": "DENY", "reason": reason},
        "priority": 100,
    }


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
