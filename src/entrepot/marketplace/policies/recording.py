"""Decisions on their way to the database: noted at once, written in batches.

`note` takes a copy of the context as text, so that what is recorded is what was asked, whatever the caller does with it
afterwards. Whatever the database would refuse is refused there: one bad context must not hold up the batch that it is in.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import orjson

from entrepot.kit.batching import BatchWriter
from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.policies import recording_queries
from entrepot.marketplace.policies.evaluating import Context, Decision, Policy, Rule

#: Versions of up to so many rules have every rule in the log of every decision; of larger ones those that matched, and
#: as many of the others that were looked at as make this number.
LOGGED_RULES = 100
#: Seconds between batches, and how many decisions start one sooner.
EVERY = 0.5
MOST = 2000
LONGEST_TRACE = 64
LONGEST_SERVICE = 100


@dataclass(slots=True)
class Note:
    """A decision that waits to be written."""

    platform_id: UUID
    decision: Decision
    decided_at: datetime
    context: str
    considered: Sequence[Rule]
    trace_id: str | None
    service: str | None


class Recorder:
    """Writes decisions to hm_policy_decision and hm_policy_evaluation_log; `async with` around whatever decides."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.writer: BatchWriter[Note] = BatchWriter(
            "policy decisions", self._write, every=EVERY, most=MOST
        )  # fmt: skip

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
        policy = decision.policy
        considered: Sequence[Rule] = ()
        if len(policy.rules) > LOGGED_RULES:
            considered = policy.index.candidates(decision.context)
        decided_at = now()
        decision.id = identifier(decided_at)
        return Note(platform_id, decision, decided_at, context.decode(), considered, trace_id, service)

    def put(self, notes: Iterable[Note]) -> None:
        """Have decisions recorded soon. Raises UnavailableError when too many wait already."""
        for note in notes:
            self.writer.put(note)

    async def _write(self, notes: Sequence[Note]) -> None:
        platforms: dict[UUID, list[Note]] = {}
        for note in notes:
            platforms.setdefault(note.platform_id, []).append(note)
        for platform_id, held in platforms.items():
            decisions, evaluations = columns(platform_id, held)
            async with self._db.tenant(platform_id=platform_id) as session:
                await recording_queries.insert_decisions(session, decisions)
                await recording_queries.insert_evaluations(session, evaluations)


def canonical(context: Context) -> bytes:
    """A context as JSON in the one form that is hashed and kept: keys sorted, no spaces, UTF-8.

    Raises InvalidInputError for what JSON or the database cannot hold.
    """
    try:
        found = orjson.dumps(
            context if context.__class__ is dict else dict(context), option=orjson.OPT_SORT_KEYS
        )  # fmt: skip
    except (TypeError, RecursionError) as error:
        raise InvalidInputError(
            f"The context cannot be recorded: {error}.",
            hint="A context holds strings, numbers of 64 bits, booleans, null, lists and dictionaries with strings as keys.",
            where={"path": "context"},
        ) from error
    if b"\\u0000" in found and _holds_nul(context):
        raise InvalidInputError(
            "The context holds a NUL character, which PostgreSQL cannot store.", where={"path": "context"}
        )  # fmt: skip
    return found


def context_hash(context: Context) -> str:
    """SHA-256 of the canonical JSON of a context, in hexadecimal: what hm_policy_decision.input_context_hash holds."""
    return hashlib.sha256(canonical(context)).hexdigest()


def identifier(at: datetime) -> UUID:
    """A UUIDv7 (RFC 9562) of a moment: its first 48 bits are the milliseconds since 1970."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    random = int.from_bytes(os.urandom(10), "big")
    return UUID(
        int=milliseconds << 80
        | 0x7 << 76
        | (random >> 68) << 64
        | 0b10 << 62
        | random & 0x3FFF_FFFF_FFFF_FFFF
    )  # fmt: skip


def made_at(decision_id: UUID) -> datetime | None:
    """The millisecond in which an identifier was made; None for one that is no UUIDv7."""
    return _EPOCH + (decision_id.int >> 80) * _MILLISECOND if decision_id.version == 7 else None


def columns(platform_id: UUID, notes: Sequence[Note]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters of the two statements that record a batch of one platform: a list a column."""
    shared = {
        "platform_id": platform_id,
        "ids": [note.decision.id for note in notes],
        "definitions": [note.decision.policy.definition_id for note in notes],
        "times": [note.decided_at for note in notes],
    }
    decisions = {
        "traces": [note.trace_id for note in notes],
        "contexts": [note.context for note in notes],
        "effects": [note.decision.effect for note in notes],
        "rules": [note.decision.decisive for note in notes],
        "reasons": [note.decision.reason for note in notes],
        "obligations": [_obligations(note.decision) for note in notes],
        "irrelevant": [note.decision.irrelevant for note in notes],
        "services": [note.service for note in notes],
        "evaluated": [note.decision.at for note in notes],
        "suspended": [note.decision.policy.suspended for note in notes],
    }
    evaluations = {
        "decisive": [None if note.decision.rule is None else note.decision.rule.order for note in notes],
        "counts": [len(note.decision.policy.rules) for note in notes],
        "effects_by_default": [note.decision.policy.default_effect for note in notes],
    }
    return shared | decisions, shared | evaluations | _logged(notes)


def _logged(notes: Sequence[Note]) -> dict[str, Any]:
    """Which rules the log speaks of, and which of them each decision met."""
    numbers: list[int] = []
    orders: list[int] = []
    matched: list[bool] = []
    spoken_of: dict[UUID | None, tuple[Policy, dict[int, Rule]]] = {}
    for number, note in enumerate(notes, 1):
        decision = note.decision
        policy = decision.policy
        _, rules = spoken_of.setdefault(policy.definition_id, (policy, {}))
        met = {rule.order: rule for rule in decision.matched}
        for order in met:
            numbers.append(number)
            orders.append(order)
            matched.append(True)
        rules.update(met)
        room = LOGGED_RULES - len(met)
        for rule in note.considered:
            if room > 0 and rule.order not in met:
                room -= 1
                numbers.append(number)
                orders.append(rule.order)
                matched.append(False)
                rules[rule.order] = rule
    versions = [
        (policy, rule, len(policy.rules) <= LOGGED_RULES)
        for policy, rules in spoken_of.values()
        for rule in (policy.rules if len(policy.rules) <= LOGGED_RULES else rules.values())
    ]
    return {
        "met_numbers": numbers,
        "met_orders": orders,
        "met_matched": matched,
        "rule_definitions": [policy.definition_id for policy, _, _ in versions],
        "rule_orders": [rule.order for _, rule, _ in versions],
        "rule_ids": [rule.id for _, rule, _ in versions],
        "rule_outputs": [orjson.dumps(rule.output).decode() for _, rule, _ in versions],
        "rule_always": [always for _, _, always in versions],
    }


def _obligations(decision: Decision) -> str:
    owed = decision.obligations
    return orjson.dumps([one.as_dict() for one in owed]).decode() if owed else "[]"


def _check_text(value: str | None, longest: int, path: str) -> None:
    if value is None:
        return
    if not value or len(value) > longest or not value.isprintable():
        raise InvalidInputError(f"{path} has 1 to {longest} printable characters.", where={"path": path})


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(held) for key, held in value.items())
    return isinstance(value, list | tuple) and any(map(_holds_nul, value))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
