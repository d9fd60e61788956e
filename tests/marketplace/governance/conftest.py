"""Policies as short as they can be."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from entrepot.kit.db import Database
from entrepot.marketplace.governance import keeping
from entrepot.marketplace.governance.keeping import Governed
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS

#: The least that a policy of each kind says.
LEAST: dict[str, dict[str, Any]] = {
    "onboarding": {},
    "promotion": {"promotion_name": "Spring"},
    "commission": {"base_commission_rate": 10},
    "payout": {
        "default_frequency": "WEEKLY",
        "minimum_threshold": "25.00",
        "currency": "USD",
        "hold_period_days": 7,
    },
    "compliance": {},
    "tax": {},
    "fulfillment": {"allowed_channels": ["FBA", "MFN"], "delivery_sla_days": 5},
    "eligibility": {},
}

Publish = Callable[..., Awaitable[Governed]]


@pytest.fixture
def publish(db: Database, platform: UUID) -> Publish:
    """Write a policy and publish it, in a transaction of its own."""

    async def write(kind: str, version: str, *, draft: bool = False, **values: Any) -> Governed:
        governed = GOVERNED_KINDS[kind]
        document = governed.document.parse({**LEAST.get(kind, {}), "policy_version": version, **values})
        async with db.tenant(platform_id=platform) as session:
            made, _ = await keeping.save_draft(session, governed, platform, document)
            return made if draft else await keeping.publish(session, governed, platform, made.policy_id)

    return write
