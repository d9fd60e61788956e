"""Limits as the rulebook keeps them: written, tried, published, rolled back and kept in files like all rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.lifecycle import Machine, Versioned
from entrepot.marketplace.lifecycle.machine import LIMIT
from entrepot.marketplace.limits import queries
from entrepot.marketplace.limits.documents import LimitDocument, check
from entrepot.marketplace.limits.explaining import explain, words
from entrepot.marketplace.limits.memory import Counters
from entrepot.marketplace.limits.modeling import answer
from entrepot.marketplace.limits.reading import read_documents
from entrepot.marketplace.limits.resolving import Limit
from entrepot.marketplace.limits.schemas import shown
from entrepot.marketplace.limits.tables import LimitDefinition
from entrepot.marketplace.rulebook.kinds import Decided, Kind, Trial


class LimitKind(Kind[LimitDocument]):
    """A limit with its scopes."""

    name: ClassVar[str] = "limit"
    plural: ClassVar[str] = "limits"
    title: ClassVar[str] = "Limits"
    table: ClassVar[type[Versioned]] = LimitDefinition
    key_column: ClassVar[str] = "limit_key"
    machine: ClassVar[Machine] = LIMIT
    document = LimitDocument

    def check(self, document: LimitDocument) -> None:
        """Raise InvalidInputError, with the path, for what could not be counted."""
        check(document)

    def columns(self, document: LimitDocument) -> dict[str, Any]:
        """The definition's own columns."""
        return {
            "resource_type": document.resource_type,
            "default_value": document.limit,
            "description": document.description,
            "algorithm": document.algorithm,
            "reset_period": document.reset_period,
            "window_seconds": document.window_seconds,
            "time_zone": document.time_zone,
            "burst": document.burst,
            "warn_percent": document.warn_percent,
            "hold_seconds": document.hold_seconds,
            "context_schema": document.context_schema,
        }

    async def write_parts(
        self, session: AsyncSession, platform_id: UUID, definition_id: UUID, document: LimitDocument
    ) -> None:
        """Insert the scopes."""
        scopes = []
        for position, scope in enumerate(document.scopes):
            dimension, value = _plain(scope.condition)
            scopes.append(
                {
                    "position": position,
                    "dimension": dimension,
                    "value": value,
                    "condition": scope.condition,
                    "limit": scope.limit,
                    "burst": scope.burst,
                    "priority": scope.priority,
                }
            )
        if scopes:
            await queries.insert_scopes(session, platform_id, definition_id, scopes)

    async def read(self, session: AsyncSession, definition_ids: Sequence[UUID]) -> dict[UUID, LimitDocument]:
        """The documents of versions."""
        return await read_documents(session, definition_ids)

    def words(self, document: LimitDocument) -> list[str]:
        """The limit in sentences."""
        return words(document)

    def example(self, document: LimitDocument) -> dict[str, Any]:
        """A request that the first scope holds for, where its condition says by which values."""
        context: dict[str, Any] = {}
        for condition in check(document)[:1]:
            for path, values in condition.fixed:
                plain = sorted((value for value in values if isinstance(value, str | int | float)), key=str)
                if plain and "." not in path:
                    context[path] = plain[0]
        return {"entity_id": context.pop("entity_id", "seller-1"), "amount": 1, "used": 0, "context": context}

    async def attempt(
        self, session: AsyncSession, platform_id: UUID, document: LimitDocument, example: Mapping[str, Any]
    ) -> Trial:
        """What consuming would answer to an entity that has `used` so much in this very moment; nothing is counted."""
        unknown = sorted(set(example) - {"entity_id", "amount", "used", "context"})
        if unknown:
            raise InvalidInputError(
                f"An example has no {unknown[0]!r}.",
                hint="It has entity_id, amount, used and context.",
                where={"path": unknown[0]},
            )
        used = example.get("used", 0)
        if isinstance(used, bool) or not isinstance(used, int) or used < 0:
            raise InvalidInputError("What is used is a whole number from 0.", where={"path": "used"})
        limit = Limit.compile(document, time_zone=await queries.select_time_zone(session, platform_id))
        entity_id, amount = example.get("entity_id", "seller-1"), example.get("amount", 1)
        rule = limit.resolve(entity_id, amount, example.get("context"))
        counters = Counters()
        if used:
            before = counters.take(rule, entity_id, used)
            if before.outcome == "DENIED":
                raise InvalidInputError(
                    f"More than {rule.most:,} cannot have been used at once.", where={"path": "used"}
                )
        found = answer(rule, counters.take(rule, entity_id, amount), entity_id, amount)
        return Trial(shown(found), explain(found))

    async def recent(self, session: AsyncSession, platform_id: UUID, key: str, limit: int) -> list[Decided]:
        """The last reservations, leases and requests with an id; plain consumption leaves no row but its counter."""
        rows = await queries.select_recent(session, platform_id, key, limit)
        return [
            Decided(
                at=row["taken_at"],
                summary=f"{row['kind'].lower()} of {row['amount']:,}, {row['state'].lower()}",
                subject=row["entity_id"],
                detail={
                    "id": row["id"],
                    "amount": row["amount"],
                    "settled_amount": row["settled_amount"],
                    "expires_at": row["expires_at"],
                    "settled_at": row["settled_at"],
                },
            )
            for row in rows
        ]

    async def last_decided(
        self, session: AsyncSession, platform_id: UUID, keys: Sequence[str]
    ) -> dict[str, datetime]:
        """When something was last held of each of the limits."""
        return dict(await queries.select_last(session, platform_id, keys))


KIND = LimitKind()


def _plain(condition: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The one attribute and its one value, where a condition is no more than that: what the documents' columns hold."""
    if len(condition) != 1:
        return None, None
    ((name, value),) = condition.items()
    if name.startswith("$") or not isinstance(value, str) or len(name) > 100 or len(value) > 255:
        return None, None
    return name, value
