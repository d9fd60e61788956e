"""Settling transaction logs against orders: what each brought, and where order and logs differ."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.mirakl.marketplace_models import Order
from entrepot.mirakl.money import queries
from entrepot.mirakl.money.differing import (
    BEFORE_PAYMENT,
    Difference,
    differences_of,
    expected_of,
)
from entrepot.mirakl.money.parts import AccountLines, Settlement, Sum, account_lines, settlements

PAGE = 500
#: How long after its last change an order may be without a line in the logs.
GRACE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Settled:
    """An order and what the logs say of it, a settlement a currency; `state` is None for one never taken in."""

    order_id: str
    state: str | None
    settlements: tuple[Settlement, ...]
    differences: tuple[Difference, ...]

    @property
    def status(self) -> str:
        """settled, waiting (nothing in the logs yet, and nothing is due) or differs."""
        if self.differences:
            return "differs"
        return "settled" if self.settlements else "waiting"


async def settle(
    session: AsyncSession,
    account_id: UUID,
    *,
    since: datetime | None = None,
    order_id: str | None = None,
) -> AsyncIterator[Settled]:
    """Every order that was made or has lines since, by its identifier, with all lines that it ever had.

    With `order_id` that order alone, where it was taken in or has lines.
    """
    if order_id is not None:
        (found,) = await _settle(session, account_id, [order_id])
        if found.state is not None or found.settlements:
            yield found
        return
    after = ""
    while ids := await queries.select_order_ids(session, account_id, after=after, limit=PAGE, since=since):
        after = ids[-1]
        for found in await _settle(session, account_id, ids):
            yield found


async def _settle(session: AsyncSession, account_id: UUID, ids: Sequence[str]) -> list[Settled]:
    of_order: dict[str, list[Settlement]] = {}
    for one in settlements(_sums(await queries.select_sums(session, account_id, ids))):
        of_order.setdefault(one.order_id, []).append(one)
    orders = {row["order_id"]: row for row in await queries.select_orders(session, account_id, ids)}
    at = now()
    return [_settled(name, orders.get(name), of_order.get(name, []), at) for name in ids]


async def of_account(
    session: AsyncSession, account_id: UUID, *, since: datetime | None = None
) -> list[AccountLines]:
    """What the logs say of no order: fees, credits, payouts, by currency."""
    return account_lines(_sums(await queries.select_account_sums(session, account_id, since)))


def _sums(rows: Sequence[RowMapping]) -> list[Sum]:
    return [
        Sum(
            row["order_id"],
            row["currency_code"],
            row["transaction_type"],
            row["amount"],
            row["lines"],
            row["paid"],
        )
        for row in rows
    ]


def _settled(order_id: str, row: RowMapping | None, found: list[Settlement], at: datetime) -> Settled:
    if row is None:
        return Settled(order_id, None, tuple(found), tuple(differences_of(order_id, None, found)))
    state = row["mirakl_state"]
    try:
        expected = expected_of(Order.model_validate({**row["raw_order_data"], "order_state": state}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"What the order says of its money cannot be read: {where}: {first['msg']}."
        unreadable = Difference(order_id, row["currency_code"], "unreadable_order", reason)
        return Settled(order_id, state, tuple(found), (unreadable,))
    if state in BEFORE_PAYMENT and not found:
        return Settled(order_id, state, (), ())
    overdue = row["order_updated_at"] <= at - GRACE
    return Settled(
        order_id, state, tuple(found), tuple(differences_of(order_id, expected, found, overdue=overdue))
    )
