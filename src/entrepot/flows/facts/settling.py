"""Settling: facts and what is known become rows, or wait. Pure; the statements around it are in `queries.py`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.flows.facts.fact import ENTITY_TYPES, Fact, Kind
from entrepot.flows.facts.schemas import Told

#: Another thing, and its event_time: what a reference consists of.
Reference = tuple[UUID, datetime]

#: The columns that hold event_time once more, by kind.
SAME_TIME: dict[str, str] = {
    "user": "created_time",
    "shop": "created_time",
    "product": "created_time",
    "order": "ordered_time",
    "payment": "initiated_time",
}
#: Later states win over earlier ones, in whatever order they are told.
RANKS: dict[str, tuple[str, ...]] = {
    "order": (
        "pending",
        "on_hold",
        "processing",
        "shipped",
        "delivered",
        "returned",
        "cancelled",
        "refunded",
    ),
    "payment": ("pending", "failed", "completed", "partially_refunded", "refunded"),
}
_PARTIES = {"user": "user", "owner": "user", "shop": "shop", "product": "product"}


@dataclass(frozen=True, slots=True)
class Known:
    """A fact that is in the warehouse: its event_time, the user, shop and product that it belongs to, an order's total."""

    time: datetime
    parties: Mapping[str, Reference] = field(default_factory=dict)
    total: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that cannot be facts yet, and the ids that it waits for."""

    told: Told
    ids: tuple[UUID, ...]
    detail: str


@dataclass(slots=True)
class Settled:
    """What is to be written: rows and changed columns by kind, what is known from now on, and what waits."""

    rows: dict[Kind, list[dict[str, Any]]] = field(default_factory=dict)
    changes: dict[Kind, dict[UUID, dict[str, Any]]] = field(default_factory=dict)
    recorded: dict[UUID, tuple[Kind, str, Known]] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def entities(self) -> list[dict[str, Any]]:
        """The rows of the registry of entities."""
        return [
            {
                "entity_id": id_,
                "event_time": known.time,
                "created_time": known.time,
                "entity_type": ENTITY_TYPES[kind],
                "origin": origin,
            }
            for id_, (kind, origin, known) in self.recorded.items()
            if kind in ENTITY_TYPES
        ]


def named(facts: Iterable[Fact]) -> set[UUID]:
    """Every id that facts are or speak of."""
    return {id_ for fact in facts for id_ in (fact.id, *fact.references.values())}


def settle(events: Sequence[tuple[Told, Sequence[Fact]]], known: Mapping[UUID, Known]) -> Settled:
    """Make rows of the events' facts. An event is settled whole or waits whole, in whatever order they come."""
    settled = Settled()
    ledger = dict(known)
    open_events = list(events)
    while True:
        waiting = []
        for told, facts in open_events:
            missing = _settle_one(told, facts, ledger, settled)
            if missing:
                waiting.append((told, facts, missing))
        if len(waiting) == len(open_events):
            break
        open_events = [(told, facts) for told, facts, _ in waiting]
    for told, _, missing in waiting:
        words = ", ".join(sorted(missing.values()))
        settled.waiting.append(Waiting(told, tuple(sorted(missing)), f"{told.type} waits for: {words}"))
    return settled


def _settle_one(
    told: Told, facts: Sequence[Fact], ledger: dict[UUID, Known], settled: Settled
) -> dict[UUID, str]:
    """Settle an event, or say which ids it waits for, and as what."""
    made: dict[UUID, Known] = {}
    missing: dict[UUID, str] = {}
    rows: list[tuple[Fact, dict[str, Any]]] = []
    for fact in facts:
        if fact.change and fact.id not in ledger and fact.id not in made:
            missing[fact.id] = fact.kind
        if fact.change or fact.id in ledger or fact.id in made:
            continue
        lacks = {id_: name for name, id_ in fact.references.items() if id_ not in ledger and id_ not in made}
        if lacks:
            missing |= lacks
            continue
        known = {name: made.get(id_) or ledger[id_] for name, id_ in fact.references.items()}
        row, told_of = _row(fact, known)
        made[fact.id] = told_of
        rows.append((fact, row))
    missing = {id_: name for id_, name in missing.items() if id_ not in made}
    if missing:
        return missing
    ledger |= made
    for fact, row in rows:
        settled.rows.setdefault(fact.kind, []).append(row)
        if fact.kind not in ("item", "stock"):
            settled.recorded[fact.id] = (fact.kind, row["origin"], made[fact.id])
    for fact in facts:
        if fact.change:
            merged = settled.changes.setdefault(fact.kind, {})
            before = merged.get(fact.id, {})
            merged[fact.id] = changed(fact.kind, before, dict(fact.values)) | {
                "id": fact.id,
                "event_time": ledger[fact.id].time,
            }
    return {}


def _row(fact: Fact, known: Mapping[str, Known]) -> tuple[dict[str, Any], Known]:
    time = known[fact.timed_by].time if fact.timed_by else fact.time
    assert time is not None, "a row without a time takes that of what it refers to"
    references: dict[str, Reference] = {
        name: (fact.references[name], found.time) for name, found in known.items()
    }
    row = dict(fact.values)
    if fact.parties:
        of = known[fact.parties]
        references = dict(of.parties) | references
        if fact.kind == "event" and of.total is not None:
            row = {"amount": of.total} | row
    row |= {"event_id" if fact.kind == "event" else "id": fact.id, "event_time": time}
    if same := SAME_TIME.get(fact.kind):
        row[same] = time
    for name, (id_, moment) in references.items():
        row[f"{name}_id" if name != "caller" else "caller_entity_id"] = id_
        row[f"{name}_event_time"] = moment
    parties = {_PARTIES[name]: reference for name, reference in references.items() if name in _PARTIES}
    return row, Known(time, parties, str(row["total_amount"]) if fact.kind == "order" else None)


def changed(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Two changes of one row as one: the later state wins, first times stay."""
    merged = dict(before) | dict(after)
    ranks = RANKS.get(kind)
    if ranks and "status" in before and "status" in after:
        merged["status"] = max(before["status"], after["status"], key=ranks.index)
    for stamp in ("updated_time", "decided_time"):
        if before.get(stamp) and after.get(stamp) and before[stamp] > after[stamp]:
            return dict(after) | dict(before)
    return merged
