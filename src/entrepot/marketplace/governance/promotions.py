"""Discounts held to the promotion policy in force."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.governance.pricing_rules import govern_discount
from entrepot.marketplace.governance.resolving import in_force
from entrepot.marketplace.governance.schemas import PromotionDocument, problems_of
from entrepot.marketplace.pricing.checking import check_document
from entrepot.marketplace.pricing.kind import KIND as PRICE
from entrepot.marketplace.pricing.schemas import PricingRuleDocument
from entrepot.marketplace.rulebook import authoring


async def governed_discount(
    session: AsyncSession,
    platform_id: UUID,
    given: Mapping[str, Any],
    *,
    country: str | None,
    seller_type: str | None,
    save: bool = False,
    user_id: UUID | None = None,
) -> tuple[str, dict[str, Any]]:
    """Reference of the promotion policy in force, and the discount as JSON, as a pricing rule has it.

    With `save` it is kept as the draft of the pricing rule of its key, which is published like every other.
    Raises NotFoundError where no promotion policy is in force, InvalidInputError with the path of what is wrong.
    """
    try:
        discount = PricingRuleDocument.model_validate(dict(given))
    except ValidationError as error:
        problems = problems_of(error, "discount")
        raise InvalidInputError(
            f"{problems[0]['path']}: {problems[0]['message']}",
            where={"path": problems[0]["path"], "problems": problems},
        ) from error
    check_document(discount, "discount")
    policy = await in_force(session, platform_id, "promotion", country, seller_type)
    assert isinstance(policy.document, PromotionDocument)
    governed = govern_discount(policy.document, policy.reference, discount, "discount")
    if save:
        PRICE.check(governed)
        await authoring.save_draft(session, PRICE, platform_id, governed, user_id=user_id)
    return policy.reference, governed.model_dump(mode="json", exclude_defaults=True, by_alias=True)
