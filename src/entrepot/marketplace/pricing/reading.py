"""Pricing rules between their documents and their rows."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.marketplace.pricing import queries
from entrepot.marketplace.pricing.schemas import PricingRuleDocument

#: The fields of an action that have a column; the others are its parameters.
COLUMNS = {"type", "value", "currency"}
#: How many versions are read with one statement.
TOGETHER = 1_000


def columns_of(document: PricingRuleDocument) -> dict[str, Any]:
    """The definition row's own columns, without the key."""
    return {
        "rule_name": document.name,
        "description": document.description,
        "rule_type": document.type,
        "rule_level": document.level,
        "owner_service": document.owner_service,
        "start_time": document.start_time,
        "end_time": document.end_time,
        "charged_to": document.charged_to,
        "platform_funding_percent": document.funding.platform,
        "seller_funding_percent": document.funding.seller,
    }


def parts_of(document: PricingRuleDocument) -> dict[str, Any]:
    """The parameters of the statement that inserts the parts, without platform and version."""
    action = document.action
    parameters = action.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=COLUMNS)
    caps = document.caps.model_dump(mode="json", exclude_none=True)
    if caps:
        parameters["caps"] = caps
    if document.floor is not None:
        parameters["floor"] = document.floor
    return {
        "condition": json.dumps(document.condition),
        "lines": json.dumps(document.applies_to),
        "action_type": action.type,
        "value": action.value,
        "currency": action.currency,
        "parameters": json.dumps(parameters),
        "priority": document.priority,
        "stacking_group": document.stacking_group,
        "after": list(document.after),
        "excludes": list(document.excludes),
    }


def document_of(row: RowMapping) -> PricingRuleDocument:
    """The document of a version's row."""
    parameters = dict(row["parameters"])
    caps, floor = parameters.pop("caps", {}), parameters.pop("floor", None)
    return PricingRuleDocument.model_validate(
        {
            "key": row["rule_key"],
            "name": row["rule_name"],
            "description": row["description"],
            "type": row["rule_type"],
            "level": row["rule_level"],
            "owner_service": row["owner_service"],
            "start_time": row["start_time"],
            "end_time": row["end_time"],
            "condition": row["condition_json"],
            "applies_to": row["lines_json"],
            "action": {
                "type": row["action_type"],
                "value": row["rule_value"],
                "currency": row["currency"],
                **parameters,
            },
            "priority": row["priority_score"],
            "stacking_group": row["stacking_group"],
            "after": row["after_rules"],
            "excludes": row["excluded_rules"],
            "caps": caps,
            "floor": floor,
            "funding": {"platform": row["platform_funding_percent"], "seller": row["seller_funding_percent"]},
            "charged_to": row["charged_to"],
        }
    )


async def read_documents(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, PricingRuleDocument]:
    """The documents of versions, by their ids."""
    found: dict[UUID, PricingRuleDocument] = {}
    for start in range(0, len(ids), TOGETHER):
        rows = await queries.select_documents(session, ids[start : start + TOGETHER])
        found |= {row["id"]: document_of(row) for row in rows}
    return found
