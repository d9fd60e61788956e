"""Decisions as they were recorded: found, listed, and derived once more from the version that made them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.kit.identifiers import made_at
from entrepot.kit.web.paging import Page, page_of, pick, place
from entrepot.marketplace.policies import queries
from entrepot.marketplace.policies.evaluating import Decision
from entrepot.marketplace.policies.explaining import RuleExplained, explain, lines
from entrepot.marketplace.policies.reading import read_version

ORDER = "newest"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision with its log, and what its version says of the same context and moment today: the same, always."""

    row: Mapping[str, Any]
    evaluations: list[Mapping[str, Any]]
    again: Decision
    rules: list[RuleExplained]
    lines: list[str]

    @property
    def agrees(self) -> bool:
        """Whether deriving it again gives what was recorded. Versions cannot change, so that it does not is a defect."""
        return (self.row["final_decision"], self.row["decisive_rule_key"]) == (
            self.again.effect,
            self.again.decisive,
        )


async def list_decisions(
    session: AsyncSession,
    platform_id: UUID,
    filters: Mapping[str, Any],
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> Page[RowMapping]:
    """A page of the decisions that match, the newest first; filters are those of `queries.FILTERS`, None for any."""
    at = place(ORDER, (datetime.fromisoformat, UUID), after=after, before=before)
    wanted = {name: value for name, value in filters.items() if value is not None}
    rows = await queries.select_decisions(session, platform_id, filters=wanted, at=at, limit=limit + 1)
    return page_of(rows, at, limit, lambda row: pick(row, "decision_time", "id"), ORDER)


async def get_decision(session: AsyncSession, platform_id: UUID, decision_id: UUID) -> Recorded:
    """A decision with everything that is known of it. Raises NotFoundError."""
    made = made_at(decision_id)
    row = made and await queries.select_decision(session, platform_id, decision_id, made)
    if not row:
        raise NotFoundError(
            f"There is no decision {decision_id}.",
            hint="Decisions are recorded within a second, and kept for two years.",
        )
    log = await queries.select_evaluations(session, platform_id, decision_id, row["decision_time"])
    version = await read_version(session, row["policy_definition_id"])
    policy = await asyncio.to_thread(version.compiled, suspended=row["policy_suspended"])
    again = policy.evaluate(row["input_context_json"], row["evaluated_at"])
    return Recorded(dict(row), [dict(one) for one in log], again, explain(again), lines(again))
