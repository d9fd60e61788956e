"""What a draft would have decided: asked of decisions that were recorded, before it decides anything itself."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.progress import SILENT, Report
from entrepot.kit.web.paging import Place
from entrepot.marketplace.policies import queries
from entrepot.marketplace.policies.evaluating import Decision, Policy

#: Decisions read at a time, and the most that one question may go through.
BATCH = 1000
MOST = 1_000_000
EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Example:
    """A decision that would be another: what was decided and by which rule, what the draft decides and by which."""

    decision_id: UUID
    decision_time: datetime
    context: Mapping[str, Any]
    was: str
    was_rule: str | None
    now: str | None
    now_rule: str | None
    reason: str


@dataclass(slots=True)
class WhatIf:
    """Recorded decisions beside a draft. `compared` is the sum of the five that follow it.

    `effects` counts those whose effect would change, by the old effect and the new one; `obligations` those of the same
    effect that would oblige to something else; `rules` those that another rule would decide to the same end; `refused`
    those whose context does not fit the draft's schema.
    """

    compared: int = 0
    unchanged: int = 0
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    obligations: int = 0
    rules: int = 0
    refused: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    examples: list[Example] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """How many would have another effect."""
        return sum(self.effects.values())

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "compared": self.compared,
            "unchanged": self.unchanged,
            "effects": [
                {"was": was, "now": now, "decisions": count}
                for (was, now), count in sorted(self.effects.items())
            ],
            "obligations": self.obligations,
            "rules": self.rules,
            "refused": self.refused,
            "oldest": self.oldest,
            "newest": self.newest,
            "examples": self.examples,
        }


async def what_if(
    session: AsyncSession,
    platform_id: UUID,
    draft: Policy,
    *,
    last: int = 1000,
    since: datetime | None = None,
    until: datetime | None = None,
    at: datetime | None = None,
    examples: int = EXAMPLES,
    report: Report = SILENT,
) -> WhatIf:
    """The draft asked of the last recorded decisions of its key, or of those of a time.

    Each is asked about the moment that it was about; with `at` all are asked about that one, for a draft whose rules
    begin later. The first `examples` of what would change are kept, changes of effect before all others.
    """
    if not 1 <= last <= MOST:
        raise InvalidInputError(
            f"So many decisions cannot be compared: {last}.",
            hint=f"From 1 to {MOST:,}.",
            where={"path": "last"},
        )
    found = WhatIf()
    lesser: list[Example] = []
    filters = {"key": draft.key, "since": since, "until": until}
    wanted = {name: value for name, value in filters.items() if value is not None}
    async for row in _recorded(session, platform_id, wanted, last):
        found.compared += 1
        found.newest = found.newest or row["decision_time"]
        found.oldest = row["decision_time"]
        if found.compared % BATCH == 0:
            report("compare", done=found.compared, total=last, unit="decisions")
        try:
            decision = draft.evaluate(row["input_context_json"], at or row["evaluated_at"])
        except InvalidInputError as error:
            found.refused += 1
            if len(lesser) < examples:
                lesser.append(_example(row, None, str(error)))
            continue
        if decision.effect != row["final_decision"]:
            found.effects[row["final_decision"], decision.effect] += 1
            if len(found.examples) < examples:
                found.examples.append(_example(row, decision, decision.reason))
        elif _owed(row["obligations_json"]) != _owed(one.as_dict() for one in decision.obligations):
            found.obligations += 1
            if len(lesser) < examples:
                lesser.append(_example(row, decision, "It obliges to something else."))
        elif decision.decisive != row["decisive_rule_key"]:
            found.rules += 1
        else:
            found.unchanged += 1
    found.examples += lesser[: examples - len(found.examples)]
    return found


async def _recorded(
    session: AsyncSession, platform_id: UUID, filters: Mapping[str, Any], last: int
) -> AsyncIterator[RowMapping]:
    """The newest decisions that match, read in batches, so that any number of them takes the memory of one batch."""
    at: Place | None = None
    left = last
    while left > 0:
        size = min(BATCH, left)
        rows = await queries.select_decisions(session, platform_id, filters=filters, at=at, limit=size)
        for row in rows:
            yield row
        if len(rows) < size:
            return
        left -= size
        at = Place("newest", (rows[-1]["decision_time"], rows[-1]["id"]))


def _example(row: RowMapping, decision: Decision | None, reason: str) -> Example:
    return Example(
        decision_id=row["id"],
        decision_time=row["decision_time"],
        context=row["input_context_json"],
        was=row["final_decision"],
        was_rule=row["decisive_rule_key"],
        now=None if decision is None else decision.effect,
        now_rule=None if decision is None else decision.decisive,
        reason=reason,
    )


def _owed(obligations: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Obligations without where they come from, in an order of their own."""
    return sorted(
        orjson.dumps(
            {name: value for name, value in one.items() if name not in ("rule", "reason")},
            option=orjson.OPT_SORT_KEYS,
        )
        for one in obligations
    )
