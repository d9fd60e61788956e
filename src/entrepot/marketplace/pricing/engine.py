"""The pricing engine of one process: published rules and rates in memory, quotes at once, their record a moment later."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.db.live import Changes, LiveCopy
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.pricing import queries
from entrepot.marketplace.pricing.compiling import Rule
from entrepot.marketplace.pricing.quotes import Quote
from entrepot.marketplace.pricing.rates import Rates
from entrepot.marketplace.pricing.rating import load_rates
from entrepot.marketplace.pricing.reading import read_documents
from entrepot.marketplace.pricing.recording import Note, Recorder, note, write_notes
from entrepot.marketplace.pricing.rulesets import RuleSet


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a platform prices with now."""

    rules: RuleSet
    rates: Rates


@dataclass(frozen=True, slots=True)
class Answer:
    """A quote, and the id under which it is recorded; None where it is not."""

    quote: Quote
    id: UUID | None

    def as_dict(self, *, with_trace: bool = True) -> dict[str, Any]:
        """The quote as JSON values, with the id of its record."""
        return {"id": self.id, **self.quote.as_dict(with_trace=with_trace)}


class PricingEngine:
    """Quotes carts by the published rules of every platform."""

    def __init__(self, db: Database, changes: Changes) -> None:
        self.recorder = Recorder(db)
        self._compiled: dict[UUID, dict[UUID, Rule]] = {}
        self._copy = LiveCopy(db, changes, "price", self._load)

    async def start(self) -> None:
        """Begin to record."""
        await self.recorder.__aenter__()

    async def stop(self) -> None:
        """Write every quote that has not been written."""
        await self.recorder.__aexit__(None, None, None)

    async def pricing(self, platform_id: UUID) -> Pricing:
        """The published rules and the rates of a platform. Raises UnavailableError when they cannot be read."""
        return self._copy.peek(platform_id) or await self._copy.get(platform_id)

    async def quote(
        self,
        platform_id: UUID,
        cart: Any,
        *,
        at: datetime | str | None = None,
        record: bool = True,
        trace_id: str | None = None,
    ) -> Answer:
        """What a cart costs by the published rules, at a moment, or at the cart's own, or now.

        Recorded within a second unless `record` is false. Raises InvalidInputError with the path of what is wrong in
        the cart, or where a rate that a rule needs is missing, UnavailableError where the quote could not be recorded
        or the rules not be read.
        """
        pricing = await self.pricing(platform_id)
        quote = pricing.rules.quote(cart, at=at, rates=pricing.rates)
        if not record:
            return Answer(quote, None)
        kept = note(platform_id, quote, trace_id=trace_id)
        await self.recorder.writer.put_all((kept,))
        return Answer(quote, kept.id)

    async def quote_many(
        self,
        platform_id: UUID,
        carts: Iterable[Any],
        *,
        at: datetime | str | None = None,
        record: bool = True,
        trace_id: str | None = None,
    ) -> list[Answer]:
        """What several carts cost by the same rules; where one does not say when, at the same moment.

        All are quoted before any is recorded. Raises what `quote` raises, the path beginning with the cart:
        `carts[3].lines[0].quantity`.
        """
        pricing = await self.pricing(platform_id)
        moment = now()
        answers: list[Answer] = []
        notes: list[Note] = []
        for index, cart in enumerate(carts):
            own = at if at is not None or (isinstance(cart, dict) and cart.get("at") is not None) else moment
            try:
                quote = pricing.rules.quote(cart, at=own, rates=pricing.rates)
                kept = note(platform_id, quote, trace_id=trace_id) if record else None
            except InvalidInputError as error:
                error.where["path"] = f"carts[{index}].{error.where.get('path', '$')}"
                raise
            answers.append(Answer(quote, None if kept is None else kept.id))
            notes += [] if kept is None else [kept]
        await self.recorder.writer.put_all(notes)
        return answers

    async def record(
        self, session: AsyncSession, platform_id: UUID, quote: Quote, *, trace_id: str | None = None
    ) -> UUID:
        """Record a quote in the caller's transaction, with the order that it is for; its id."""
        kept = note(platform_id, quote, trace_id=trace_id)
        await write_notes(session, platform_id, [kept])
        return kept.id

    async def _load(self, session: AsyncSession, platform_id: UUID) -> Pricing:
        known = self._compiled.get(platform_id, {})
        serving = await queries.select_serving(session, platform_id)
        # A version never changes, so one that is compiled stays so; after a change only what is new is read.
        documents = await read_documents(session, [row["id"] for row in serving if row["id"] not in known])
        time_zone = await queries.select_time_zone(session, platform_id)
        rates = await load_rates(session, platform_id)

        def compile_rules() -> tuple[dict[UUID, Rule], RuleSet]:
            compiled = {
                row["id"]: known.get(row["id"]) or Rule(documents[row["id"]], row["version"])
                for row in serving
            }
            return compiled, RuleSet.of(compiled.values(), time_zone=time_zone)

        # In a thread: ten thousand rules take a second, in which everybody else would wait.
        self._compiled[platform_id], rules = await asyncio.to_thread(compile_rules)
        return Pricing(rules, rates)
