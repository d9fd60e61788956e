"""What is in stock of components, and what moves it beside orders: receipts, counts, goods that come back."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.stock import levels_queries as queries

#: The most units that one movement may have; the column takes no more.
MOST = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Component:
    """A component: units on hand, those of them that are reserved, those that are free."""

    component_id: UUID
    name: str
    type: str
    barcode: str | None
    on_hand: int
    reserved: int
    free: int
    reorder_point: int
    reorder_quantity: int
    unit_cost: Decimal | None
    is_kit: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement, and the level after it."""

    movement_id: int
    moved_at: datetime
    movement: str
    on_hand_change: int
    reserved_change: int
    on_hand: int
    reserved: int
    order_id: str | None
    order_line_id: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted, and what the ledger had said."""

    name: str
    before: int
    counted: int

    @property
    def change(self) -> int:
        """Units that were there beyond what the ledger said; below zero: that were missing."""
        return self.counted - self.before


@dataclass(frozen=True, slots=True)
class Back:
    """Units of a component that came back, and those that are still away."""

    name: str
    quantity: int
    outside: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A component whose level is not what its movements add up to."""

    name: str
    on_hand: int
    reserved: int
    moved_on_hand: int
    moved_reserved: int


async def list_components(session: AsyncSession, account_id: UUID) -> list[Component]:
    """Every component of the account, by name."""
    return [_component(row) for row in await queries.select_components(session, account_id)]


async def find_component(session: AsyncSession, account_id: UUID, name: str) -> Component:
    """The component of a name or barcode; raises NotFoundError."""
    found = await queries.select_components(session, account_id, name)
    if not found:
        raise NotFoundError(
            f"There is no component {name!r}.",
            hint="`entrepot mirakl stock list` shows them; names are compared letter by letter.",
            where={"component": name},
        )
    # One component's barcode may be another one's name; the name goes first.
    return _component(next((row for row in found if row["name"] == name), found[0]))


async def receive(
    session: AsyncSession,
    account_id: UUID,
    name: str,
    quantity: int,
    *,
    reason: str,
    dedupe_key: str | None = None,
) -> Component:
    """Add units that came in; the component afterwards. Under the same `dedupe_key` they come in once.

    Raises NotFoundError, InvalidInputError for no units, ConflictError for a component that is built from parts.
    """
    if not 0 < quantity <= MOST:
        raise InvalidInputError(
            f"{quantity} units cannot come in.",
            hint="Give a whole number above zero; `entrepot mirakl stock count` corrects a level downwards.",
            where={"path": "quantity"},
        )
    _require_reason(reason)
    component = await find_component(session, account_id, name)
    values = {
        "account_id": account_id,
        "component_id": component.component_id,
        "movement": "receipt",
        "quantity": quantity,
        "dedupe_key": dedupe_key,
        "reason": reason,
        "at": now(),
    }
    with refusals():
        await queries.insert_movement(session, values)
    return await find_component(session, account_id, component.name)


async def count(session: AsyncSession, account_id: UUID, name: str, counted: int, *, reason: str) -> Counted:
    """Set a component to what was counted, by an adjustment of the difference.

    Raises NotFoundError, InvalidInputError, and ConflictError where fewer were counted than accepted orders have
    reserved, or where the component is built from parts.
    """
    if not 0 <= counted <= MOST:
        raise InvalidInputError(
            f"{counted} units cannot have been counted.",
            hint="Give a whole number, zero or more.",
            where={"path": "counted"},
        )
    _require_reason(reason)
    component = await find_component(session, account_id, name)
    values = {
        "account_id": account_id,
        "component_id": component.component_id,
        "counted": counted,
        "reason": reason,
        "at": now(),
    }
    with refusals():
        before = await queries.set_counted(session, values)
    return Counted(component.name, before, counted)


async def take_back(
    session: AsyncSession,
    account_id: UUID,
    order_line_id: str,
    *,
    name: str | None = None,
    quantity: int | None = None,
    reason: str,
) -> list[Back]:
    """Take back into stock what a line consumed: all of it, or some units of one component.

    Raises NotFoundError, ConflictError where the line has not that many units out, InvalidInputError.
    """
    _require_reason(reason)
    if quantity is not None and (name is None or not 0 < quantity <= MOST):
        raise InvalidInputError(
            "Say how many units of which component came back.",
            hint="Without a component all that the line consumed comes back.",
            where={"path": "quantity"},
        )
    component = await find_component(session, account_id, name) if name is not None else None
    values = {
        "account_id": account_id,
        "line": order_line_id,
        "component_id": component.component_id if component else None,
        "quantity": quantity,
        "reason": reason,
        "at": now(),
    }
    with refusals():
        rows = await queries.take_back(session, values)
    found = [Back(row["name"], row["moved"], row["outside"]) for row in rows]
    if not any(one.quantity for one in found):
        out = "; ".join(f"{one.outside} of {one.name}" for one in found) or "nothing"
        raise ConflictError(
            f"The line {order_line_id} has {out} out, so this cannot come back.",
            hint="What comes back beyond that is a receipt: `entrepot mirakl stock receive`.",
            where={"order_line_id": order_line_id},
        )
    return [one for one in found if one.quantity]


async def ledger(session: AsyncSession, account_id: UUID, name: str, *, limit: int = 50) -> list[Entry]:
    """The latest movements of a component, newest first, each with the level after it; raises NotFoundError."""
    component = await find_component(session, account_id, name)
    rows = await queries.select_ledger(session, account_id, component.component_id, limit)
    return [Entry(**{field: row[field] for field in Entry.__slots__}) for row in rows]


async def differences(session: AsyncSession, account_id: UUID) -> list[Difference]:
    """Components whose level is not the sum of their movements; the database's triggers keep this empty."""
    rows: Sequence[RowMapping] = await queries.select_differing(session, account_id)
    return [Difference(**{field: row[field] for field in Difference.__slots__}) for row in rows]


@contextmanager
def refusals() -> Iterator[None]:
    """What the database refuses, in words."""
    try:
        yield
    except IntegrityError as error:
        said = str(error.orig).splitlines()[0]
        said = f"{said[:1].upper()}{said[1:]}."
        if "ck_components_on_hand" in said or "ck_components_reserved" in said:
            said = "More of it is reserved for accepted orders than would be left."
            raise ConflictError(
                said,
                hint="Free an order first, or count again; `entrepot mirakl stock ledger` shows which hold it.",
            ) from error
        if re.search(r"circular|built from parts|stock of its own", said):
            raise ConflictError(said) from error
        raise


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInputError("Say why: the ledger keeps a reason.", where={"path": "reason"})


def _component(row: RowMapping) -> Component:
    return Component(**{field: row[field] for field in Component.__slots__})
