"""Components reserved for accepted orders, consumed when they ship, released when they are cancelled.

Each is one statement, may be asked for any number of times by any number of callers, and has the effect of once. A
transaction does it for one order: the order is locked, then its components in the order of their ids.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.mirakl.stock import queries

#: Statuses in which nothing more is reserved for an order, however late somebody asks.
OVER = ("refused", "cancelled", "shipped", "delivered", "closed")
#: Statuses in which nothing is built any more.
NOT_BUILT = ("refused", "cancelled")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is asked about: its identifier, the shop SKU ordered, units."""

    line_id: str
    sku: str | None
    quantity: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """A component of which there is too little: units needed for all lines, units free."""

    component_id: UUID
    name: str
    needed: int
    free: int

    @property
    def missing(self) -> int:
        """Units that are missing."""
        return self.needed - self.free


@dataclass(frozen=True, slots=True)
class Built:
    """The variant that a line's listing stands for."""

    variant_id: UUID
    internal_sku: str
    floor_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Buildable:
    """Whether lines can be built from what is free now, and what stands in the way.

    `variants`: line → variant. `unmapped`: lines whose listing maps to nothing. `without_bill`: SKUs of variants
    without a bill of materials.
    """

    variants: Mapping[str, Built]
    shortages: tuple[Shortage, ...] = ()
    unmapped: tuple[str, ...] = ()
    without_bill: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all lines can be built."""
        return not (self.shortages or self.unmapped or self.without_bill)

    def __str__(self) -> str:
        return _told(self.shortages, self.unmapped, self.without_bill) or "Everything is there."


@dataclass(frozen=True, slots=True)
class Moved:
    """Units of a component that moved for a line."""

    order_line_id: str
    component_id: UUID
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was reserved, consumed or released now (nothing, when it was before), and what stood in the way.

    `is_over`: the order has come to its end, so that nothing is reserved for it any more. `without_lines`: it has no
    line that is to be built (any more), or is not known at all.
    """

    order_id: str
    moved: tuple[Moved, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    unmapped: tuple[str, ...] = ()
    without_bill: tuple[str, ...] = ()
    is_over: bool = False
    without_lines: bool = False

    @property
    def ok(self) -> bool:
        """Whether the order has all that it is built from."""
        return not (
            self.shortages or self.unmapped or self.without_bill or self.is_over or self.without_lines
        )

    def __str__(self) -> str:
        if self.without_lines:
            return f"The order {self.order_id} has no line that is to be built."
        if self.is_over:
            return f"The order {self.order_id} has come to its end; nothing is reserved for it."
        return _told(self.shortages, self.unmapped, self.without_bill) or "Everything is there."


@dataclass(frozen=True, slots=True)
class Availability:
    """How many units of a variant can be built from what is free, and the component that allows no more.

    `limiting` is None for a variant without a bill of materials.
    """

    variant_id: UUID
    internal_sku: str
    description: str | None
    buildable: int
    limiting: str | None


async def check(session: AsyncSession, account_id: UUID, lines: Sequence[Line]) -> Buildable:
    """Whether some lines, all of them together, can be built from what is free now; nothing is reserved."""
    rows = await queries.select_needed(
        session,
        account_id,
        [line.line_id for line in lines],
        [line.sku for line in lines],
        [line.quantity for line in lines],
    )
    variants = {
        row["order_line_id"]: Built(row["variant_id"], row["internal_sku"], row["floor_price"])
        for row in rows
        if row["variant_id"] is not None
    }
    return Buildable(variants, _shortages(rows), _unmapped(rows), _without_bill(rows))


async def reserve(
    session: AsyncSession, account_id: UUID, order_id: str, *, reason: str = "order accepted"
) -> Reservation:
    """Reserve what an order is built from: all of it, or nothing and `ok` is False.

    What is reserved for the order already stays; nothing is reserved for one that was refused, cancelled or shipped.
    """
    values = _values(account_id, order_id, reason)
    rows = await queries.reserve(session, {**values, "over": list(OVER)})
    return _reservation(order_id, rows)


async def release(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    *,
    lines: Sequence[str] | None = None,
    reason: str = "order cancelled",
) -> Reservation:
    """Free what is reserved for an order, or for some of its lines; what was consumed stays consumed."""
    values = _values(account_id, order_id, reason)
    rows = await queries.release(session, {**values, "lines": None if lines is None else list(lines)})
    return Reservation(order_id, _moved(rows))


async def consume(
    session: AsyncSession, account_id: UUID, order_id: str, *, reason: str = "order shipped"
) -> Reservation:
    """Take out of the house what an order is built from, since it is on its way.

    What was not reserved before (an order that was accepted elsewhere) is reserved first; where that is not possible
    `ok` is False and says what is missing, and what had been reserved is consumed all the same.
    """
    values = _values(account_id, order_id, reason)
    reserved = _reservation(order_id, await queries.reserve(session, {**values, "over": list(NOT_BUILT)}))
    moved = _moved(await queries.consume(session, values))
    return replace(reserved, moved=moved)


async def availability(session: AsyncSession, account_id: UUID) -> list[Availability]:
    """How many units of each variant can be built from what is free now, by SKU."""
    return [
        Availability(
            row["variant_id"], row["internal_sku"], row["description"], row["buildable"], row["limiting"]
        )
        for row in await queries.select_availability(session, account_id)
    ]


async def offerable(session: AsyncSession, account_id: UUID) -> dict[UUID, int]:
    """Variant → units that can still be sold: what can be built when all open orders have what they need.

    Orders that wait to be accepted have nothing reserved yet, and count all the same: the marketplace takes them off
    its figure when they come in, and must not be told to put them back.
    """
    return await queries.select_offerable(session, account_id, OVER)


def _values(account_id: UUID, order_id: str, reason: str) -> dict[str, Any]:
    return {"account_id": account_id, "order_id": order_id, "at": now(), "reason": reason}


def _reservation(order_id: str, rows: Sequence[RowMapping]) -> Reservation:
    return Reservation(
        order_id,
        _moved(row for row in rows if row["moved"]),
        _shortages(rows),
        _unmapped(rows),
        _without_bill(rows),
        is_over=any(row["is_over"] for row in rows),
        without_lines=not rows,
    )


def _moved(rows: Iterable[RowMapping]) -> tuple[Moved, ...]:
    return tuple(Moved(row["order_line_id"], row["component_id"], row["name"], row["moved"]) for row in rows)


def _shortages(rows: Iterable[RowMapping]) -> tuple[Shortage, ...]:
    """Lines may share a component: what they need of it is added up before it is compared."""
    needed: dict[UUID, int] = defaultdict(int)
    known: dict[UUID, tuple[str, int]] = {}
    for row in rows:
        if row["component_id"] is not None:
            needed[row["component_id"]] += row["needed"]
            known[row["component_id"]] = (row["name"], row["free"])
    return tuple(
        Shortage(component_id, name, needed[component_id], free)
        for component_id, (name, free) in known.items()
        if needed[component_id] > free
    )


def _unmapped(rows: Iterable[RowMapping]) -> tuple[str, ...]:
    return tuple(row["order_line_id"] for row in rows if row["variant_id"] is None)


def _without_bill(rows: Iterable[RowMapping]) -> tuple[str, ...]:
    found = {
        row["internal_sku"]: None
        for row in rows
        if row["variant_id"] is not None and row["component_id"] is None
    }
    return tuple(found)


def _told(shortages: Sequence[Shortage], unmapped: Sequence[str], without_bill: Sequence[str]) -> str:
    told = [
        f"{one.missing} of {one.name} missing ({one.needed} needed, {one.free} free)" for one in shortages
    ]
    told += [f"the listing of line {line} maps to no variant" for line in unmapped]
    told += [f"{sku} has no bill of materials" for sku in without_bill]
    said = "; ".join(told)
    return f"{said[:1].upper()}{said[1:]}." if said else ""
