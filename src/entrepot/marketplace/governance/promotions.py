"""Discounts held to the promotion policy in force."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.governance import queries
from entrepot.marketplace.governance.checking import refuse
from entrepot.marketplace.governance.keeping import Governed, read_rows
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS
from entrepot.marketplace.governance.pricing_rules import check_held, govern_discount, standing
from entrepot.marketplace.governance.resolving import in_force
from entrepot.marketplace.governance.schemas import PromotionDocument
from entrepot.marketplace.governance.words import ANY
from entrepot.marketplace.lifecycle.machine import DRAFT
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
    discount = authoring.parse_document(PRICE, given, "discount")
    assert isinstance(discount, PricingRuleDocument)
    policy = await in_force(session, platform_id, "promotion", country, seller_type)
    assert isinstance(policy.document, PromotionDocument)
    governed = govern_discount(policy.document, policy.reference, discount, "discount")
    if save:
        PRICE.check(governed)
        await authoring.save_draft(session, PRICE, platform_id, governed, user_id=user_id)
    return policy.reference, governed.model_dump(mode="json", exclude_defaults=True, by_alias=True)


async def check_discount(
    session: AsyncSession, platform_id: UUID, discount: PricingRuleDocument, path: str = ""
) -> None:
    """Raise InvalidInputError, with the path, for a discount that is saved and goes beyond a promotion policy.

    One whose condition names the policy its sellers stand under is held to that one. One that names none is for all
    sellers, and is held to the policy in force for all of them, where there is one.
    """
    named = discount.condition.get(standing("promotion"))
    if named is None:
        try:
            policy = await in_force(session, platform_id, "promotion", None, None)
        except NotFoundError:
            return
    else:
        policy = await _of_reference(session, platform_id, named, path)
    assert isinstance(policy.document, PromotionDocument)
    check_held(policy.document, discount, path)


async def _of_reference(session: AsyncSession, platform_id: UUID, reference: Any, path: str) -> Governed:
    kind = GOVERNED_KINDS["promotion"]
    country, seller_type, version = [*str(reference).split(".", 2), "", ""][:3]
    rows = await queries.select_policies(
        session,
        kind,
        platform_id,
        country=ANY if country == "ANY" else country,
        seller_type=ANY if seller_type == "ANY" else seller_type,
        policy_version=version,
    )
    found = await read_rows(session, kind, platform_id, rows)
    if not found or found[0].state == DRAFT:
        place = f"condition.{standing('promotion')}"
        refuse(
            f"{path}.{place}" if path else place,
            f"there is no published promotion policy {reference!r}.",
            "`entrepot governance list promotion` shows those that there are.",
        )
    return found[0]
