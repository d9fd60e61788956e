"""No discount is saved that goes beyond the promotion policy, whichever way it comes."""

from typing import Any
from uuid import UUID

import pytest
from tests.marketplace.governance.conftest import Publish

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.governance.promotions import governed_discount
from entrepot.marketplace.pricing.kind import KIND as PRICE
from entrepot.marketplace.pricing.schemas import PricingRuleDocument
from entrepot.marketplace.rulebook import authoring

POLICY: dict[str, Any] = {
    "promotion_name": "Seasonal",
    "max_discount_percentage": 30,
    "max_discount_amount": "50.00",
    "max_cart_discount_amount": "80.00",
    "currency": "USD",
    "platform_co_funding_percentage": 40,
}
DISCOUNT: dict[str, Any] = {
    "key": "spring",
    "type": "DISCOUNT",
    "action": {"type": "PERCENTAGE_OFF", "value": "30", "currency": "USD"},
    "funding": {"platform": "40", "seller": "60"},
    "caps": {"rule": "50", "cart": "80"},
}
PLACE = "condition.seller.policies.promotion"


def under(policy: Any) -> dict[str, Any]:
    return {"condition": {"seller.policies.promotion": policy}}


async def save(db: Database, platform: UUID, **changes: Any) -> None:
    document = PricingRuleDocument.model_validate({**DISCOUNT, **changes})
    PRICE.check(document)
    async with db.tenant(platform_id=platform) as session:
        await authoring.save_draft(session, PRICE, platform, document, user_id=None)


async def test_a_discount_is_held_to_the_policy_for_all_or_to_the_one_that_it_names(
    db: Database, platform: UUID, publish: Publish
) -> None:
    beyond: list[tuple[str, dict[str, Any]]] = [
        ("action.value", {"action": {"type": "PERCENTAGE_OFF", "value": "31", "currency": "USD"}}),
        ("action.currency", {"action": {"type": "PERCENTAGE_OFF", "value": "3", "currency": "EUR"}}),
        ("funding", {"funding": {"platform": "0", "seller": "100"}}),
        ("caps.rule", {"caps": {"rule": "50.01", "cart": "80"}}),
        ("caps.rule", {"caps": {"cart": "20"}}),
        ("caps.cart", {"caps": {"rule": "20"}}),
    ]
    for _, changes in beyond:
        await save(db, platform, **changes)
    await publish("promotion", "2026.1", **POLICY)
    await publish("promotion", "2026.1", **{**POLICY, "country_code": "US", "max_discount_percentage": 10})
    await publish("promotion", "next", draft=True, **POLICY)
    unknown = [(PLACE, under(policy)) for policy in ("ANY.ANY.next", "DE.ANY.2026.1", "no", {"$ne": 1})]
    more = ("action.value", under("US.ANY.2026.1"))  # 30 % where the policy of that country allows 10 %
    for path, changes in [*beyond, *unknown, more]:
        with pytest.raises(InvalidInputError) as refused:
            await save(db, platform, **changes)
        assert refused.value.where["path"] == path, changes
    await save(db, platform)
    await save(db, platform, **under("ANY.ANY.2026.1"))


async def test_a_discount_that_the_policy_has_changed_can_be_saved(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("promotion", "2026.1", country_code="US", **POLICY)
    given = {"key": "spring", "type": "DISCOUNT", "action": {"type": "PERCENTAGE_OFF", "value": "30"}}
    async with db.tenant(platform_id=platform) as session:
        reference, governed = await governed_discount(
            session, platform, given, country="US", seller_type=None, save=True
        )
    assert reference == "US.ANY.2026.1"
    assert governed["condition"] == {"seller.policies.promotion": reference}
    await save(db, platform, **governed)
