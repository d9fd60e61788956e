"""Recorded quotes: found, listed, and reckoned again from what was kept with them, whatever the rules are now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.kit.identifiers import made_at
from entrepot.kit.web.paging import Page, page_of, pick, place
from entrepot.marketplace.pricing import decision_queries
from entrepot.marketplace.pricing.quotes import Quote
from entrepot.marketplace.pricing.rulesets import RuleSet

ORDER = "newest"
#: What is compared: every figure, and the rates. How a step is worded may change.
FIGURES = ("currency", "lines", "shipping", "totals", "rates")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision reckoned again, and where that differs from what was recorded: nowhere, unless the engine changed."""

    decision: Mapping[str, Any]
    quote: Quote
    differences: list[dict[str, Any]]

    @property
    def same(self) -> bool:
        """Whether it came to the same cents."""
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON values."""
        return {
            "id": self.decision["id"],
            "same": self.same,
            "differences": self.differences,
            "recorded_engine_version": self.decision["engine_version"],
            "quote": self.quote.as_dict(),
        }


def replay(decision: Mapping[str, Any]) -> Replayed:
    """Reckon a recorded decision (a row of hm_pricing_decision_log) again, from its own rules, cart and rates."""
    snapshot = decision["applied_rules_json"]
    rules = RuleSet(
        [rule["document"] for rule in snapshot],
        time_zone=decision["quote_json"]["time_zone"],
        versions={rule["key"]: rule["version"] for rule in snapshot if rule["version"] is not None},
        strict=False,
    )
    quote = rules.quote(decision["cart_json"], rates=decision["rates_json"])
    recorded, again = decision["quote_json"], quote.as_dict(with_trace=False)
    differences = [
        difference for name in FIGURES for difference in compare(recorded.get(name), again[name], name)
    ]
    return Replayed(decision, quote, differences)


def compare(recorded: Any, replayed: Any, path: str) -> Iterator[dict[str, Any]]:
    """Each place at which two values differ, with both."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for name in dict.fromkeys([*recorded, *replayed]):
            yield from compare(recorded.get(name), replayed.get(name), f"{path}.{name}")
    elif isinstance(recorded, list) and isinstance(replayed, list) and len(recorded) == len(replayed):
        for index, (one, other) in enumerate(zip(recorded, replayed, strict=True)):
            yield from compare(one, other, f"{path}[{index}]")
    elif recorded != replayed:
        yield {"path": path, "recorded": recorded, "replayed": replayed}


async def list_decisions(
    session: AsyncSession,
    platform_id: UUID,
    filters: Mapping[str, Any],
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[RowMapping]:
    """A page of the decisions that match, the newest first; filters are those of `decision_queries.FILTERS`."""
    at = place(ORDER, (datetime.fromisoformat, UUID), after=after, before=before)
    wanted = {name: value for name, value in filters.items() if value is not None}
    rows = await decision_queries.select_decisions(
        session, platform_id, filters=wanted, at=at, limit=limit + 1
    )
    return page_of(rows, at, limit, lambda row: pick(row, "decision_time", "id"), ORDER)


async def get_decision(session: AsyncSession, platform_id: UUID, decision_id: UUID) -> dict[str, Any]:
    """A decision with everything that was kept. Raises NotFoundError."""
    made = made_at(decision_id)
    row = made and await decision_queries.select_decision(session, platform_id, decision_id, made)
    if not row:
        raise NotFoundError(
            f"There is no pricing decision {decision_id}.",
            hint="Decisions are recorded within a second, and kept for two years.",
        )
    return dict(row)
