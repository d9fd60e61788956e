"""Every SQL statement about rules of acceptance."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_RULES = text(
    """
    SELECT name, condition, outcome, applies_to, priority, reason, is_active
    FROM mirakl.acceptance_rules WHERE account_id = :account_id
    ORDER BY priority DESC, name
    """
)
_UPSERT = text(
    """
    INSERT INTO mirakl.acceptance_rules
        (account_id, name, priority, applies_to, condition, outcome, reason, is_active)
    VALUES (:account_id, :name, :priority, :applies_to, CAST(:condition AS jsonb), :outcome, :reason, :is_active)
    ON CONFLICT (account_id, name) DO UPDATE
    SET priority = excluded.priority, applies_to = excluded.applies_to, condition = excluded.condition,
        outcome = excluded.outcome, reason = excluded.reason, is_active = excluded.is_active
    """
)
_DELETE = text(
    "DELETE FROM mirakl.acceptance_rules WHERE account_id = :account_id AND name = :name RETURNING id"
)


async def select_rules(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The rules of an account, in the order in which they are asked."""
    return (await session.execute(_RULES, {"account_id": account_id})).mappings().all()


async def upsert_rule(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Keep a rule, in place of one of the same name."""
    await session.execute(_UPSERT, dict(values))


async def delete_rule(session: AsyncSession, account_id: UUID, name: str) -> bool:
    """Forget a rule; False where there is none."""
    return (await session.execute(_DELETE, {"account_id": account_id, "name": name})).first() is not None
