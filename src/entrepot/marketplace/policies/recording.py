"""Decisions on their way to the database: noted at once, written in batches.

`note` takes a copy of the context as text, so that what is recorded is what was asked, whatever the caller does with it
afterwards. Whatever the database would refuse is refused there: one bad context must not hold up the batch that it is in.

A crash loses decisions of one second at most: while one waits longer than that no other is taken, and whoever asks
waits or is refused (`BatchWriter.put_all`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Self
from uuid import UUID

import orjson

from entrepot.kit.batching import BatchWriter
from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.identifiers import identifier
from entrepot.marketplace.policies import recording_queries
from entrepot.marketplace.policies.evaluating import Context, Decision

#: Seconds between batches, and how many decisions start one sooner.
EVERY = 0.5
MOST = 2000
#: Decisions that may wait.
CAPACITY = 8_000
LONGEST_TRACE = 64
LONGEST_SERVICE = 100


@dataclass(slots=True)
class Note:
    """A decision that waits to be written."""

    platform_id: UUID
    decision: Decision
    decided_at: datetime
    context: str
    trace_id: str | None
    service: str | None


class Recorder:
    """Writes decisions to hm_policy_decision and hm_policy_rule_evaluation; `async with` around whatever decides."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.writer: BatchWriter[Note] = BatchWriter(
            "policy decisions", self._write, every=EVERY, most=MOST, capacity=CAPACITY
        )

    async def __aenter__(self) -> Self:
        """Begin to write."""
        await self.writer.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Write what is left."""
        await self.writer.__aexit__(*error)

    def note(
        self,
        platform_id: UUID,
        decision: Decision,
        *,
        trace_id: str | None = None,
        service: str | None = None,
    ) -> Note:
        """A decision as it will be recorded; gives it its id. Raises InvalidInputError for what could not be held."""
        _check_text(trace_id, LONGEST_TRACE, "trace_id")
        _check_text(service, LONGEST_SERVICE, "service")
        context = canonical(decision.context)
        decided_at = now()
        decision.id = identifier(decided_at)
        return Note(platform_id, decision, decided_at, context.decode(), trace_id, service)

    async def _write(self, notes: Sequence[Note]) -> None:
        platforms: dict[UUID, list[Note]] = {}
        for note in notes:
            platforms.setdefault(note.platform_id, []).append(note)
        for platform_id, held in platforms.items():
            values = columns(platform_id, held)
            async with self._db.tenant(platform_id=platform_id) as session:
                await recording_queries.insert_decisions(session, values)


def canonical(context: Context) -> bytes:
    """A context as JSON in the one form that is hashed and kept: keys sorted, no spaces, UTF-8.

    Raises InvalidInputError for what JSON or the database cannot hold.
    """
    try:
        found = orjson.dumps(context if context.__class__ is dict else dict(context), option=_CANONICAL)
    except (TypeError, RecursionError) as error:
        raise InvalidInputError(
            f"The context cannot be recorded: {error}.",
            hint="A context holds strings, numbers of 64 bits, booleans, null, lists and dictionaries with strings as keys.",
            where={"path": "context"},
        ) from error
    # An escaped backslash may stand before a u that escapes nothing.
    if b"\\u0000" in found and b"\\u0000" in found.replace(rb"\\", b""):
        raise InvalidInputError(
            "The context holds a NUL character, which PostgreSQL cannot store.", where={"path": "context"}
        )  # fmt: skip
    if b"null" in found and _is_endless(context):
        raise InvalidInputError(
            "The context holds a number that is not finite, which JSON cannot write.", where={"path": "context"}
        )  # fmt: skip
    return found


def context_hash(context: Context) -> str:
    """SHA-256 of the canonical JSON of a context, in hexadecimal: what hm_policy_decision.input_context_hash holds."""
    return hashlib.sha256(canonical(context)).hexdigest()


def columns(platform_id: UUID, notes: Sequence[Note]) -> dict[str, Any]:
    """The parameters of the statement that records a batch of one platform: a list a column."""
    decisions = [note.decision for note in notes]
    met = [(number, rule) for number, decision in enumerate(decisions, 1) for rule in decision.matched]
    return {
        "platform_id": platform_id,
        "ids": [decision.id for decision in decisions],
        "definitions": [decision.policy.definition_id for decision in decisions],
        "times": [note.decided_at for note in notes],
        "evaluated": [decision.at for decision in decisions],
        "traces": [note.trace_id for note in notes],
        "services": [note.service for note in notes],
        "contexts": [note.context for note in notes],
        "effects": [decision.effect for decision in decisions],
        "rules": [decision.decisive for decision in decisions],
        "reasons": [decision.reason for decision in decisions],
        "obligations": [_obligations(decision) for decision in decisions],
        "irrelevant": [decision.irrelevant for decision in decisions],
        "suspended": [decision.policy.suspended for decision in decisions],
        "decisive": [None if decision.rule is None else decision.rule.order for decision in decisions],
        "met_numbers": [number for number, _ in met],
        "met_orders": [rule.order for _, rule in met],
        "met_ids": [rule.id for _, rule in met],
        "met_outputs": [rule.written for _, rule in met],
    }


def _obligations(decision: Decision) -> str:
    owed = decision.obligations
    return orjson.dumps([one.as_dict() for one in owed]).decode() if owed else "[]"


def _check_text(value: str | None, longest: int, path: str) -> None:
    if value is None:
        return
    if not value or len(value) > longest or not value.isprintable():
        raise InvalidInputError(f"{path} has 1 to {longest} printable characters.", where={"path": path})


def _is_endless(value: Any) -> bool:
    if isinstance(value, float):
        return not isfinite(value)
    if isinstance(value, Mapping):
        return any(map(_is_endless, value.values()))
    return isinstance(value, list | tuple) and any(map(_is_endless, value))


#: Dates and data classes are no JSON: what is recorded is what was asked, and nothing that only looks like it.
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
