"""Policies as the rulebook keeps them: written, tried, published, rolled back and kept in files like all rules."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.rules import Schema
from entrepot.kit.rules.declaring import Declared
from entrepot.marketplace.lifecycle import Machine, Versioned
from entrepot.marketplace.lifecycle.machine import POLICY
from entrepot.marketplace.policies import explaining, queries
from entrepot.marketplace.policies.checking import check
from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.evaluating import Policy, precedence
from entrepot.marketplace.policies.reading import read_versions
from entrepot.marketplace.policies.scopes import ATTRIBUTES
from entrepot.marketplace.policies.tables import PolicyDefinition
from entrepot.marketplace.rulebook.kinds import Decided, Kind, Trial

#: What an attribute of each type has in an example.
SAMPLES: dict[str, Any] = {
    "string": "text",
    "number": 10,
    "integer": 10,
    "boolean": True,
    "version": "1.0.0",
    "date-time": "2026-11-21T12:00:00Z",
    "array": [],
}


class PolicyKind(Kind[PolicyDocument]):
    """A policy with its rules and their scopes."""

    name: ClassVar[str] = "policy"
    plural: ClassVar[str] = "policies"
    title: ClassVar[str] = "Policies"
    table: ClassVar[type[Versioned]] = PolicyDefinition
    key_column: ClassVar[str] = "policy_key"
    machine: ClassVar[Machine] = POLICY
    document = PolicyDocument

    def check(self, document: PolicyDocument) -> None:
        """Raise InvalidInputError, with the path, for what could not be decided by."""
        check(document)

    def columns(self, document: PolicyDocument) -> dict[str, Any]:
        """The definition's own columns."""
        return {
            "policy_name": document.name,
            "description": document.description,
            "default_effect": document.default_effect,
            "owner_service": document.owner_service,
            "context_schema": document.context_schema,
            "groups_json": {name: list(values) for name, values in document.groups.items()},
        }

    async def write_parts(
        self, session: AsyncSession, platform_id: UUID, definition_id: UUID, document: PolicyDocument
    ) -> None:
        """Insert the rules and their scopes."""
        ranked = enumerate(sorted(document.rules, key=precedence), 1)
        orders = {rule.key: order for order, rule in ranked}
        rules = [
            {
                "key": rule.key,
                "name": rule.name,
                "description": rule.description,
                "condition": rule.condition,
                "effect": rule.effect.stored(),
                "priority": rule.priority,
                "active": rule.active,
                "start_date": rule.start_time,
                "end_date": rule.end_time,
                "position": position,
                "order": orders[rule.key],
            }
            for position, rule in enumerate(document.rules)
        ]
        scopes = [
            {"rule": rule.key, "dimension": dimension, "value": value}
            for rule in document.rules
            for dimension, values in rule.scopes.items()
            for value in values
        ]
        if rules:
            await queries.insert_rules(session, platform_id, definition_id, rules)
        if scopes:
            await queries.insert_scopes(session, platform_id, definition_id, scopes)

    async def read(self, session: AsyncSession, definition_ids: Sequence[UUID]) -> dict[UUID, PolicyDocument]:
        """The documents of versions."""
        found = await read_versions(session, definition_ids)
        return {definition_id: version.document for definition_id, version in found.items()}

    def words(self, document: PolicyDocument) -> list[str]:
        """The policy in sentences, a rule each."""
        return explaining.words(document)

    def example(self, document: PolicyDocument) -> dict[str, Any]:
        """A context that the first rule is in scope of, with every attribute that the policy's schema has."""
        found: dict[str, Any] = {}
        if document.context_schema is not None:
            found = _sample(Schema(document.context_schema).root)
        for rule in Policy.compile(document).rules[:1]:
            for dimension, values in rule.document.scopes.items():
                if dimension in ATTRIBUTES:
                    _place(found, ATTRIBUTES[dimension], values[0])
            for path, keys in rule.condition.fixed:
                plain = sorted((key for key in keys if isinstance(key, str | int | float)), key=str)
                if plain:
                    _place(found, path, plain[0])
        return found

    async def attempt(
        self, session: AsyncSession, platform_id: UUID, document: PolicyDocument, example: Mapping[str, Any]
    ) -> Trial:
        """The decision on a context, explained; nothing is recorded."""
        decision = check(document).evaluate(example)
        return Trial(decision.as_dict(), explaining.lines(decision))

    async def recent(self, session: AsyncSession, platform_id: UUID, key: str, limit: int) -> list[Decided]:
        """The last decisions, newest first."""
        rows = await queries.select_decisions(
            session, platform_id, filters={"key": key}, at=None, limit=limit
        )
        return [
            Decided(
                at=row["decision_time"],
                summary=f"{row['final_decision']}: {row['decision_reason']}",
                subject=row["executing_service"] or "",
                detail={
                    "id": row["id"],
                    "version": row["policy_version"],
                    "rule": row["decisive_rule_key"],
                    "context": row["input_context_json"],
                    "obligations": row["obligations_json"],
                },
            )
            for row in rows
        ]


KIND = PolicyKind()


def _sample(declared: Declared) -> Any:
    if declared.type == "object":
        return {name: _sample(inner) for name, inner in declared.attributes.items()}
    return declared.enum[0] if declared.enum else SAMPLES.get(declared.type, "text")


def _place(context: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path, unless something that is no object stands in the way."""
    *parents, last = path.split(".")
    inner = context
    for name in parents:
        below = inner.setdefault(name, {})
        if not isinstance(below, dict):
            return
        inner = below
    inner[last] = value
