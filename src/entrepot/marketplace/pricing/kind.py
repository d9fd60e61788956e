"""Prices as the rulebook keeps them: written, tried, published, rolled back and kept in files like all rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.marketplace.lifecycle import Machine, Versioned
from entrepot.marketplace.lifecycle.machine import PRICING_RULE
from entrepot.marketplace.pricing import decision_queries, queries
from entrepot.marketplace.pricing.checking import check_document
from entrepot.marketplace.pricing.examples import example_cart
from entrepot.marketplace.pricing.money import format_major
from entrepot.marketplace.pricing.rating import load_rates
from entrepot.marketplace.pricing.reading import columns_of, parts_of, read_documents
from entrepot.marketplace.pricing.rulesets import RuleSet
from entrepot.marketplace.pricing.schemas import PricingRuleDocument
from entrepot.marketplace.pricing.stacking import check_stack
from entrepot.marketplace.pricing.tables import PricingRuleDefinition
from entrepot.marketplace.pricing.wording import document_words
from entrepot.marketplace.rulebook.kinds import Decided, Kind, Trial


class PriceKind(Kind[PricingRuleDocument]):
    """A pricing rule with its condition, its action and its priority."""

    name: ClassVar[str] = "price"
    plural: ClassVar[str] = "prices"
    title: ClassVar[str] = "Prices"
    table: ClassVar[type[Versioned]] = PricingRuleDefinition
    key_column: ClassVar[str] = "rule_key"
    machine: ClassVar[Machine] = PRICING_RULE
    document = PricingRuleDocument

    def check(self, document: PricingRuleDocument) -> None:
        """Raise InvalidInputError, with the path, for what could not be reckoned with."""
        check_document(document)

    async def check_together(self, session: AsyncSession, platform_id: UUID, keys: Sequence[str]) -> None:
        """Raise InvalidInputError where the newest versions of these rules and the others refer to one another wrongly."""
        ids = await queries.select_related(session, platform_id, keys)
        documents = [*(await read_documents(session, ids)).values()]
        # The one that is being saved is what its writer looks at; of any other the key says which it is.
        paths = ["" if [document.key] == [*keys] else f"prices[{document.key}]" for document in documents]
        check_stack(documents, paths)
        # Promotion policies are built on prices, so they can be imported only once prices are.
        from entrepot.marketplace.governance.promotions import check_discount

        for document, path in zip(documents, paths, strict=True):
            if document.type == "DISCOUNT" and document.key in keys:
                await check_discount(session, platform_id, document, path)

    def columns(self, document: PricingRuleDocument) -> dict[str, Any]:
        """The definition's own columns."""
        return columns_of(document)

    async def write_parts(
        self, session: AsyncSession, platform_id: UUID, definition_id: UUID, document: PricingRuleDocument
    ) -> None:
        """Insert condition, action and priority."""
        await queries.insert_parts(
            session, {"platform_id": platform_id, "rule_id": definition_id, **parts_of(document)}
        )

    async def read(
        self, session: AsyncSession, definition_ids: Sequence[UUID]
    ) -> dict[UUID, PricingRuleDocument]:
        """The documents of versions."""
        return await read_documents(session, definition_ids)

    def words(self, document: PricingRuleDocument) -> list[str]:
        """The rule in sentences."""
        return document_words(document)

    def example(self, document: PricingRuleDocument) -> dict[str, Any]:
        """A cart that the rule has something to do with."""
        return example_cart(document)

    async def attempt(
        self,
        session: AsyncSession,
        platform_id: UUID,
        document: PricingRuleDocument,
        example: Mapping[str, Any],
    ) -> Trial:
        """What the rule by itself makes of a cart, with the platform's rates and time zone."""
        time_zone = await queries.select_time_zone(session, platform_id)
        rules = RuleSet([document], time_zone=time_zone, strict=False)
        quote = rules.quote(dict(example), rates=await load_rates(session, platform_id))
        lines = [step["words"] for step in quote.trace]
        if not quote.matched:
            lines.insert(1, f"{document.key} does not hold for this cart.")
        return Trial(answer=quote.as_dict(), lines=lines)

    async def recent(self, session: AsyncSession, platform_id: UUID, key: str, limit: int) -> list[Decided]:
        """The last quotes in which the rule matched, among the platform's newest."""
        rows = await decision_queries.select_last_of_rule(session, platform_id, key, limit)
        return [_decided(key, row) for row in rows]

    async def last_decided(
        self, session: AsyncSession, platform_id: UUID, keys: Sequence[str]
    ) -> dict[str, datetime]:
        """When each of the rules matched last, among the platform's newest quotes."""
        rows = await decision_queries.select_last_times(session, platform_id, keys)
        return {row["rule_key"]: row["decision_time"] for row in rows}


def _decided(key: str, row: Mapping[Any, Any]) -> Decided:
    (rule,) = (rule for rule in row["applied_rules_json"] if rule["key"] == key)
    currency = row["currency"]
    original, final = (format_major(row[name], currency) for name in ("original_price", "final_price"))
    what = "applied" if rule["applied"] else "matched and did not apply"
    return Decided(
        at=row["decision_time"],
        summary=f"{what}: {original} became {final} {currency}",
        subject=row["transaction_id"],
        detail={
            "decision": str(row["id"]),
            "version": rule["version"],
            "applied": rule["applied"],
            "original_price": original,
            "final_price": final,
            "currency": currency,
        },
    )


KIND = PriceKind()
