"""What the engines get of a policy that is published: its rules, as definitions of theirs, in the same transaction.

They are definitions like any other, so the engines hold them in memory, hear of them within a second, explain them and
record by them. A version's rules never change and stay as long as it may hold for somebody.
"""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.marketplace.governance.policy_rules import policy_rules
from entrepot.marketplace.governance.pricing_rules import pricing_rules
from entrepot.marketplace.governance.schemas import GovernedDocument
from entrepot.marketplace.policies.kind import KIND as POLICY
from entrepot.marketplace.pricing.kind import KIND as PRICE
from entrepot.marketplace.rulebook import authoring
from entrepot.marketplace.rulebook.kinds import Kind


async def enact(
    session: AsyncSession,
    platform_id: UUID,
    document: GovernedDocument,
    reference: str,
    *,
    user_id: UUID | None,
) -> list[tuple[str, str]]:
    """Publish the rules of a version; gives the kind and key of each. Raises InvalidInputError where they cannot be."""
    made: list[tuple[Kind[Any], BaseModel]] = [(PRICE, rule) for rule in pricing_rules(document, reference)]
    policy = policy_rules(document, reference)
    if policy is not None:
        made.append((POLICY, policy))
    for kind, definition in made:
        kind.check(definition)
        version = await authoring.save_draft(session, kind, platform_id, definition, user_id=user_id)
        await authoring.publish(
            session, kind, platform_id, version.key, reason=f"enacts {document.policy_version}"
        )
    return [(kind.name, definition.key) for kind, definition in made]  # type: ignore[attr-defined]
