"""The rules of acceptance of an account: kept, checked when they are saved, compiled once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.rules import Condition, compile_condition
from entrepot.mirakl.orders import rule_queries as queries
from entrepot.mirakl.orders.deciding import Answer, Rule
from entrepot.mirakl.orders.facts import SCHEMAS
from entrepot.mirakl.values import ANSWERS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    """A rule as it is kept; those of a higher `priority` are asked first, then by name."""

    name: str
    condition: Mapping[str, Any]
    outcome: str
    applies_to: str = "order"
    priority: int = 0
    reason: str | None = None
    is_active: bool = True


async def list_rules(session: AsyncSession, account_id: UUID) -> list[StoredRule]:
    """The rules of an account, in the order in which they are asked."""
    return [
        StoredRule(**{name: row[name] for name in StoredRule.__slots__})
        for row in await queries.select_rules(session, account_id)
    ]


async def set_rule(session: AsyncSession, account_id: UUID, rule: StoredRule) -> None:
    """Keep a rule, in place of one of the same name.

    Raises InvalidInputError for a condition that cannot be (its place is in `where`), an answer that there is not.
    """
    if not rule.name.strip() or len(rule.name) > 100:
        raise InvalidInputError("A rule has a name of up to 100 characters.", where={"path": "name"})
    if rule.outcome not in ANSWERS:
        raise InvalidInputError(
            f"{rule.outcome!r} is no answer.",
            hint=f"There are {', '.join(ANSWERS)}.",
            where={"path": "outcome"},
        )
    if rule.applies_to not in SCHEMAS:
        raise InvalidInputError(
            f"A rule applies to {' or '.join(SCHEMAS)}, not to {rule.applies_to!r}.",
            where={"path": "applies_to"},
        )
    _checked(rule.applies_to, orjson.dumps(rule.condition, option=orjson.OPT_SORT_KEYS))
    await queries.upsert_rule(
        session,
        {
            "account_id": account_id,
            "name": rule.name.strip(),
            "priority": rule.priority,
            "applies_to": rule.applies_to,
            "condition": orjson.dumps(rule.condition).decode(),
            "outcome": rule.outcome,
            "reason": rule.reason,
            "is_active": rule.is_active,
        },
    )


async def remove_rule(session: AsyncSession, account_id: UUID, name: str) -> None:
    """Forget a rule; raises NotFoundError."""
    if not await queries.delete_rule(session, account_id, name):
        raise NotFoundError(
            f"There is no rule {name!r}.",
            hint="`entrepot mirakl acceptance rules` shows them.",
            where={"name": name},
        )


async def active_rules(session: AsyncSession, account_id: UUID) -> Sequence[Rule]:
    """The rules that are asked, compiled, in their order."""
    return [
        Rule(
            rule.name,
            cast("Any", rule.applies_to),
            _checked(rule.applies_to, orjson.dumps(rule.condition, option=orjson.OPT_SORT_KEYS)),
            cast("Answer", rule.outcome),
            rule.reason,
        )
        for rule in await list_rules(session, account_id)
        if rule.is_active
    ]


@lru_cache(maxsize=1024)
def _checked(applies_to: str, condition: bytes) -> Condition:
    return compile_condition(orjson.loads(condition), SCHEMAS[applies_to])
