"""Policies from the database, as documents and compiled."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.lifecycle.machine import POLICY
from entrepot.marketplace.policies import queries
from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.evaluating import Policy, PolicySet


@dataclass(frozen=True, slots=True)
class Stored:
    """A version as the database has it."""

    definition_id: UUID
    version: int
    state: str
    document: PolicyDocument
    rule_ids: Mapping[str, UUID]

    def compiled(self, *, suspended: bool | None = None) -> Policy:
        """The version compiled; `suspended` says whether it answers with its default, by its state without it."""
        return Policy.compile(
            self.document,
            definition_id=self.definition_id,
            version=self.version,
            suspended=is_suspended(self.state) if suspended is None else suspended,
            rule_ids=self.rule_ids,
        )


def is_suspended(state: str) -> bool:
    """Whether a live version in this state answers with its default."""
    return state in POLICY.live and state != POLICY.serving


async def read_versions(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Stored]:
    """The versions of the ids that there are, whole."""
    if not ids:
        return {}
    rules: dict[UUID, list[RowMapping]] = {}
    for row in await queries.select_rules(session, ids):
        rules.setdefault(row["policy_definition_id"], []).append(row)
    return {
        row["id"]: Stored(
            definition_id=row["id"],
            version=row["version"],
            state=row["state"],
            document=PolicyDocument.model_validate(_document(row, rules.get(row["id"], ()))),
            rule_ids={rule["rule_key"]: rule["id"] for rule in rules.get(row["id"], ())},
        )
        for row in await queries.select_definitions(session, ids)
    }


async def read_version(session: AsyncSession, definition_id: UUID) -> Stored:
    """The version of an id. Raises NotFoundError."""
    found = await read_versions(session, [definition_id])
    if definition_id not in found:
        raise NotFoundError(f"There is no version {definition_id} of a policy.")
    return found[definition_id]


async def read_live(
    session: AsyncSession, platform_id: UUID, known: Mapping[UUID, Policy] | None = None
) -> PolicySet:
    """The live policies of a platform, compiled. `known` versions are not compiled again: live ones never change."""
    rows = await queries.select_live(session, platform_id)
    kept = {
        row["id"]: held
        for row in rows
        if (held := (known or {}).get(row["id"])) is not None and held.suspended == is_suspended(row["state"])
    }
    read = await read_versions(session, [row["id"] for row in rows if row["id"] not in kept])
    # In a thread: thousands of rules take a second to compile, and requests go on meanwhile.
    compiled = {one: await asyncio.to_thread(version.compiled) for one, version in read.items()}
    return PolicySet(kept.get(row["id"]) or compiled[row["id"]] for row in rows)


def _document(row: RowMapping, rules: Sequence[RowMapping]) -> dict[str, Any]:
    return {
        "key": row["policy_key"],
        "name": row["policy_name"],
        "description": row["description"],
        "default_effect": row["default_effect"],
        "owner_service": row["owner_service"],
        "context_schema": row["context_schema"],
        "groups": row["groups_json"],
        "rules": [
            {
                "key": rule["rule_key"],
                "name": rule["rule_name"],
                "description": rule["description"],
                "condition": rule["condition_json"],
                "scopes": rule["scopes"] or {},
                "effect": rule["effect_json"],
                "priority": rule["priority"],
                "active": rule["is_active"],
                "start_time": rule["start_date"],
                "end_time": rule["end_date"],
            }
            for rule in rules
        ],
    }
