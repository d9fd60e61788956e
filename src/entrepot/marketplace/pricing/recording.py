"""Quotes on their way to the log: noted at once, written in batches, or with the transaction that they belong to.

What is kept is enough to come to the same cents again without asking anything else: the cart, the rules that matched
with their whole content, the rates that were used, the time zone, and the moment. A rule that did not match had no
influence, and is not kept. What the database could not hold is refused when it is noted, so that one bad cart does not
hold up the batch that it is in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.batching import BatchWriter
from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.identifiers import identifier
from entrepot.marketplace.pricing import decision_queries
from entrepot.marketplace.pricing.money import format_amount
from entrepot.marketplace.pricing.quotes import ENGINE_VERSION, Quote

#: Seconds between batches, and how many quotes start one sooner.
EVERY = 0.5
MOST = 500
LONGEST_TRACE = 64
#: Characters of documents after which a statement ends and the next one begins; PostgreSQL takes a gigabyte at most.
STATEMENT = 32_000_000


@dataclass(frozen=True, slots=True)
class Note:
    """A quote that waits to be written; the cart as text, whatever the caller does with theirs afterwards."""

    id: UUID
    platform_id: UUID
    quote: Quote
    cart: str
    decided_at: datetime
    trace_id: str | None


class Recorder:
    """Writes quotes to hm_pricing_decision_log; `async with` around whatever quotes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.writer: BatchWriter[Note] = BatchWriter("pricing decisions", self._write, every=EVERY, most=MOST)

    async def __aenter__(self) -> Self:
        """Begin to write."""
        await self.writer.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Write what is left."""
        await self.writer.__aexit__(*error)

    async def _write(self, notes: Sequence[Note]) -> None:
        by_platform: dict[UUID, list[Note]] = {}
        for note in notes:
            by_platform.setdefault(note.platform_id, []).append(note)
        for platform_id, held in by_platform.items():
            async with self._db.tenant(platform_id=platform_id) as session:
                await write_notes(session, platform_id, held)


def note(platform_id: UUID, quote: Quote, *, trace_id: str | None = None) -> Note:
    """A quote as it will be recorded, with its id. Raises InvalidInputError for what could not be held."""
    if trace_id is not None and (not 1 <= len(trace_id) <= LONGEST_TRACE or not trace_id.isprintable()):
        raise InvalidInputError(
            f"A trace has 1 to {LONGEST_TRACE} printable characters.", where={"path": "trace_id"}
        )
    decided_at = now()
    return Note(identifier(decided_at), platform_id, quote, cart_text(quote), decided_at, trace_id)


async def write_notes(session: AsyncSession, platform_id: UUID, notes: Sequence[Note]) -> None:
    """Write quotes of one platform in the caller's transaction."""
    for rows in _statements([row(one) for one in notes]):
        await decision_queries.insert_decisions(session, columns(platform_id, rows))


def cart_text(quote: Quote) -> str:
    """The cart of a quote as JSON, with the moment that it was quoted for."""
    try:
        found = orjson.dumps({**quote.cart.source, "at": quote.cart.at.isoformat()}, default=_plain)
    except (TypeError, RecursionError) as error:
        raise InvalidInputError(
            f"The cart cannot be recorded: {error}.",
            hint="A cart holds texts, numbers of 64 bits, booleans, null, lists, and objects with texts as names.",
            where={"path": "$"},
        ) from error
    if b"\\u0000" in found and _holds_nul(quote.cart.source):
        raise InvalidInputError(
            "The cart holds a NUL character, which PostgreSQL cannot store.", where={"path": "$"}
        )
    return found.decode()


class Row(NamedTuple):
    """A quote as it is written; documents as JSON on one line."""

    ids: UUID
    transactions: str
    originals: Decimal
    finals: Decimal
    currencies: str
    rule_keys: str
    rules: str
    carts: str
    quotes: str
    rates: str
    engine_versions: int
    priced_for: datetime
    traces: str | None
    times: datetime


#: The columns of a row that are documents.
DOCUMENTS = frozenset({"rule_keys", "rules", "carts", "quotes", "rates"})


def row(one: Note) -> Row:
    """A quote as it is written."""
    quote = one.quote
    return Row(
        ids=one.id,
        transactions=quote.cart.transaction_id or str(one.id),
        originals=_decimal(quote, "original"),
        finals=_decimal(quote, "total"),
        currencies=quote.currency,
        rule_keys=_json([rule.key for rule in quote.matched]),
        rules=_snapshot(quote),
        carts=one.cart,
        quotes=_json(quote.as_dict()),
        rates=_json(quote.rates),
        engine_versions=ENGINE_VERSION,
        priced_for=quote.cart.at,
        traces=one.trace_id,
        times=one.decided_at,
    )


def columns(platform_id: UUID, rows: Sequence[Row]) -> dict[str, Any]:
    """The parameters of the statement that records quotes of one platform: a list a column, documents one a line."""
    found: dict[str, Any] = {"platform_id": platform_id}
    for name, values in zip(Row._fields, zip(*rows, strict=True), strict=True):
        found[name] = "\n".join(values) if name in DOCUMENTS else [*values]
    return found


def _statements(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows in as few lots as hold no more characters than one statement may; one at least in each."""
    lot: list[Row] = []
    size = 0
    for one in rows:
        length = len(one.carts) + len(one.quotes) + len(one.rules)
        if lot and size + length > STATEMENT:
            yield lot
            lot, size = [], 0
        lot.append(one)
        size += length
    if lot:
        yield lot


def _snapshot(quote: Quote) -> str:
    """The rules that matched, each with its version, whether it applied anywhere, and its whole content."""
    applied = {step.rule for step in quote.applied}
    parts = [
        f'{{"key":{_json(rule.key)},"version":{_json(rule.version)},"applied":{_json(rule in applied)},'
        f'"document":{rule.written}}}'
        for rule in quote.matched
    ]
    return f"[{','.join(parts)}]"


def _decimal(quote: Quote, name: str) -> Decimal:
    return Decimal(format_amount(quote.totals[name], quote.cart.digits))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(held) for key, held in value.items())
    return isinstance(value, list | tuple) and any(map(_holds_nul, value))
