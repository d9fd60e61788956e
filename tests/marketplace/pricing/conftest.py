"""Pricing rules put before the engines, as an edge would."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from entrepot.kit.db import Database
from entrepot.marketplace.pricing.kind import KIND
from entrepot.marketplace.rulebook.authoring import Version, parse_document, publish, save_draft

Publish = Callable[..., Awaitable[Version]]

GARDEN: dict[str, Any] = {
    "key": "GARDEN",
    "name": "A tenth off the garden",
    "type": "DISCOUNT",
    "condition": {"line.category": "GARDEN"},
    "action": {"type": "PERCENTAGE_OFF", "value": "10"},
    "funding": {"platform": "40", "seller": "60"},
    "priority": 5,
}
VOUCHER: dict[str, Any] = {
    "key": "VOUCHER",
    "type": "DISCOUNT",
    "level": "cart",
    "condition": {"coupons": {"$in": ["FIVE"]}},
    "action": {"type": "FIXED_AMOUNT", "value": "5", "currency": "USD"},
}
CART: dict[str, Any] = {
    "currency": "EUR",
    "lines": [
        {"id": "b", "quantity": 1, "unit_price": "7.00", "category": "BOOKS"},
        {"id": "a", "quantity": 2, "unit_price": 19.95, "category": "GARDEN"},
    ],
    "transaction_id": "order-7",
}


async def publish_on(db: Database, platform: UUID, *documents: dict[str, Any]) -> Version:
    """Publish documents on a platform; gives the last one's version."""
    async with db.tenant(platform_id=platform) as session:
        for document in documents:
            await save_draft(session, KIND, platform, parse_document(KIND, document), user_id=None)
            version = await publish(session, KIND, platform, document["key"])
    return version


@pytest.fixture
def publish_rules(db: Database, platform: UUID) -> Publish:
    """Publishes documents on the test's platform."""
    return lambda *documents: publish_on(db, platform, *documents)
