"""Policies put before the engines, as an edge would."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from entrepot.kit.db import Database
from entrepot.marketplace.policies.kind import KIND
from entrepot.marketplace.rulebook.authoring import Version, parse_document, publish, save_draft, take_step

Publish = Callable[[dict[str, Any]], Awaitable[Version]]

RETURNS: dict[str, Any] = {
    "key": "RETURN",
    "name": "Returns",
    "default_effect": "DENY",
    "rules": [
        {
            "key": "within-window",
            "condition": {"days": {"$lte": 30}},
            "effect": {"result": "ALLOW", "reason": "IN_TIME"},
            "priority": 10,
        },
        {
            "key": "final-sale",
            "condition": {"final_sale": True},
            "effect": {"result": "DENY", "reason": "FINAL_SALE"},
            "priority": 20,
        },
        {
            "key": "europe",
            "scopes": {"REGION": ["EU", "UK"]},
            "effect": {"decision": "EXTEND_WINDOW", "days": 14, "reason_code": "LAW"},
        },
    ],
}


async def publish_on(db: Database, platform: UUID, document: dict[str, Any]) -> Version:
    """Publish a document on a platform."""
    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, KIND, platform, parse_document(KIND, document), user_id=None)
        return await publish(session, KIND, platform, document["key"])


async def step_on(db: Database, platform: UUID, key: str, event: str) -> Version:
    """Take the version that can do it a step further."""
    async with db.tenant(platform_id=platform) as session:
        return await take_step(session, KIND, platform, key, event)


@pytest.fixture
def publish_policy(db: Database, platform: UUID) -> Publish:
    """Publishes a document on the test's platform."""
    return lambda document: publish_on(db, platform, document)
