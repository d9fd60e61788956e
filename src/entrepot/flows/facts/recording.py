"""Recording: events become rows of the warehouse, each fact once, in one transaction that the caller opened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.flows.facts import commerce, program, queries, subjects
from entrepot.flows.facts.commerce import OtherCurrencyError, order_step
from entrepot.flows.facts.fact import NAMESPACE, ORDER, TABLES, Fact, Source
from entrepot.flows.facts.schemas import Told
from entrepot.flows.facts.settling import RANKS, Known, Settled, named, settle
from entrepot.kit.output import to_json

#: The modules that say what events mean; importing them fills commerce.MEANINGS.
MEANT_BY = (commerce, program, subjects)
#: Every type that anybody may publish.
FAMILY = tuple(one for name, one in sorted(commerce.MEANINGS.items()) if name.startswith("commerce."))

Understood = list[tuple[Told, list[Fact]]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of events: facts that were new, and events that are kept until they can be facts."""

    facts: int = 0
    parked: int = 0

    def __add__(self, other: "Recorded") -> "Recorded":
        return Recorded(self.facts + other.facts, self.parked + other.parked)


async def record(session: AsyncSession, events: Sequence[Told]) -> Recorded:
    """Write the facts of events that were not written before; raises InvalidInputError for one that means nothing.

    What an event speaks of and is not known yet keeps the event waiting; it is taken up in the transaction that
    brings what it waits for. Amounts of another currency are kept and become nothing.
    """
    await session.execute(queries.ONLY_WRITER)
    total = Recorded()
    # The oldest first: whoever is first heard of in it came to be then.
    todo = sorted(events, key=lambda told: told.time)
    while todo:
        # Whoever tells it again tells it as it is now.
        await session.execute(queries.FORGET_PARKED, {"ids": [str(told.event_id) for told in todo]})
        understood, foreign = _understand(todo)
        await _park(session, [(told, "currency", (), detail) for told, detail in foreign])
        settled = await _settle(session, understood)
        waiting = [(one.told, "waiting", one.ids, one.detail) for one in settled.waiting]
        await _park(session, waiting)
        await _follow(session, settled)
        total += Recorded(len(settled.recorded), len(foreign) + len(waiting))
        new = [str(id_) for id_ in settled.recorded]
        rows = (await session.execute(queries.UNPARK, {"ids": new})).scalars().all() if new else []
        todo = [Told.model_validate(row) for row in rows]
        total += Recorded(parked=-len(todo))
    return total


def _understand(events: Iterable[Told]) -> tuple[Understood, list[tuple[Told, str]]]:
    understood: Understood = []
    foreign = []
    for told in events:
        try:
            understood.append((told, commerce.facts_of(told)))
        except OtherCurrencyError as error:
            foreign.append((told, error.detail))
    return understood, foreign


async def _settle(session: AsyncSession, understood: Understood) -> Settled:
    ids = [str(id_) for id_ in named(fact for _, facts in understood for fact in facts)]
    found = await session.execute(queries.KNOWN, {"ids": ids})
    known = {row.fact_id: _known(row.event_time, row.refers_to or {}) for row in found}
    settled = settle(understood, known)
    await _write(session, settled)
    return settled


def _known(time: datetime, stored: Mapping[str, Any]) -> Known:
    parties = {
        name: (UUID(of[0]), datetime.fromisoformat(of[1])) for name, of in stored.items() if name != "total"
    }
    return Known(time, parties, stored.get("total"))


def _stored(known: Known) -> dict[str, Any] | None:
    total = {"total": known.total} if known.total is not None else {}
    return dict(known.parties) | total or None


async def _write(session: AsyncSession, settled: Settled) -> None:
    if settled.recorded:
        ledger = [
            {
                "fact_id": id_,
                "event_time": known.time,
                "kind": kind,
                "origin": origin,
                "refers_to": _stored(known),
            }
            for id_, (kind, origin, known) in settled.recorded.items()
        ]
        await session.execute(queries.RECORD, {"rows": to_json(ledger).decode()})
    for kind in ORDER:
        if rows := settled.rows.get(kind):
            await session.execute(queries.insert(TABLES[kind]), {"rows": to_json(rows).decode()})
    if entities := settled.entities:
        await session.execute(queries.insert("global_entities"), {"rows": to_json(entities).decode()})
    for changed, by_id in settled.changes.items():
        values: dict[str, Any] = {"rows": to_json(list(by_id.values())).decode()}
        if changed in RANKS:
            values["ranks"] = list(RANKS[changed])
        await session.execute(queries.CHANGES[changed], values)


async def _park(session: AsyncSession, parked: Sequence[tuple[Told, str, Sequence[UUID], str]]) -> None:
    if parked:
        rows = {
            told.event_id: {
                "event_id": told.event_id,
                "event_type": told.type,
                "reason": reason,
                "waits_for": list(ids),
                "detail": detail,
                "told": told,
            }
            for told, reason, ids, detail in parked
        }
        await session.execute(queries.PARK, {"rows": to_json(list(rows.values())).decode()})


async def _follow(session: AsyncSession, settled: Settled) -> None:
    """What follows from what was written: stock logs, orders that are paid, payments and items that were paid back."""
    follow: Understood = []
    if counts := settled.rows.get("stock"):
        moved = await session.execute(queries.COUNT_STOCK, {"rows": to_json(counts).decode()})
        follow += [_stock_event(row) for row in moved if row.status != row.status_before]
    if cancelled := [str(id_) for id_ in settled.changes.get("order", ())]:
        await session.execute(queries.CANCEL_ITEMS, {"orders": cancelled})
    payments = {str(id_) for id_ in settled.changes.get("payment", ())}
    payments |= {str(row["id"]) for row in settled.rows.get("payment", ())}
    refunded = {
        str(row["caller_entity_id"])
        for row in settled.rows.get("event", ())
        if row["event_type"] == "payment_refunded"
    }
    if refunded:
        await session.execute(queries.REFUND_PAYMENTS, {"payments": list(refunded)})
    if payments | refunded:
        found = await session.execute(queries.ORDERS_OF_PAYMENTS, {"payments": list(payments | refunded)})
        orders = [str(id_) for id_ in found.scalars()]
        for row in await session.execute(queries.PAID_ORDERS, {"orders": orders}):
            follow += _paid(row)
    if follow:
        await _settle(session, follow)


def _following(origin: str, time: datetime, facts: list[Fact]) -> tuple[Told, list[Fact]]:
    told = Told(event_id=facts[0].id, type="", tenant="", origin=origin, time=time, data=None)
    return told, facts


def _paid(row: Any) -> Understood:
    paid = Source("", row.origin, row.paid_time)
    steps = [_following(row.origin, row.paid_time, order_step(paid, row.id, "processing"))]
    if row.status == "refunded":
        time = row.refunded_time
        back = Source("", row.origin, time)
        facts = [
            Fact("order", row.id, None, {"status": "refunded"}, change=True),
            back.event("order_refunded", row.id, references={"caller": row.id}, parties="caller"),
        ]
        steps.append(_following(row.origin, time, facts))
    return steps


def _stock_event(row: Any) -> tuple[Told, list[Fact]]:
    source = Source("", row.origin, row.event_time)
    type_ = "product_out_of_stock" if row.status == "out_of_stock" else "product_back_in_stock"
    event = Fact(
        "event",
        uuid5(NAMESPACE, f"{row.id}/{type_}/{row.event_time.isoformat()}"),
        row.event_time,
        {"event_type": type_, "origin": row.origin},
        {"product": row.id, "caller": row.id},
        parties="caller",
    )
    return _following(source.origin, source.time, [event])
