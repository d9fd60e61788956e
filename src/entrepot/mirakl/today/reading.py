"""What is due now, put together for the page and the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.stock.ordering import ToOrder, to_order
from entrepot.mirakl.today import queries
from entrepot.mirakl.today.due import Deed, Urgency, answer_of, deed_of, left_until, urgency_of

#: Most entries of each kind.
MOST = 50


@dataclass(frozen=True, slots=True)
class Due:
    """Something with a deadline: an order or a conversation."""

    row: Mapping[Any, Any]
    deadline: datetime | None
    urgency: Urgency
    left: str
    deed: Deed

    @property
    def customer(self) -> str:
        """Who waits."""
        return " ".join(part for part in (self.row["firstname"], self.row["lastname"]) if part)


@dataclass(frozen=True, slots=True)
class Listed:
    """The most urgent of what is due, how much there is in all, and how much of it is late."""

    items: list[Due]
    total: int
    late: int


@dataclass(frozen=True, slots=True)
class Today:
    """What an account has to do."""

    at: datetime
    accept: Listed
    ship: Listed
    answer: Listed
    failures: int
    shortages: list[ToOrder]


async def read_today(session: AsyncSession, account_id: UUID, at: datetime, *, most: int = MOST) -> Today:
    """What is due, the most urgent first, and how much there is of it."""
    accept = await queries.select_to_accept(session, account_id, at, most)
    ship = await queries.select_to_ship(session, account_id, at, most)
    answer = await queries.select_to_answer(session, account_id, at, most)
    return Today(
        at=at,
        accept=_list(accept, [_due(row, row["acceptance_deadline"], at, deed_of(row)) for row in accept]),
        ship=_list(ship, [_due(row, row["shipping_deadline"], at, deed_of(row)) for row in ship]),
        answer=_list(answer, [_due(row, row["answer_by"], at, answer_of(row)) for row in answer]),
        failures=await queries.count_failures(session, account_id),
        shortages=await to_order(session, account_id),
    )


def _list(rows: Sequence[RowMapping], items: list[Due]) -> Listed:
    return Listed(items, rows[0]["total"], rows[0]["late"]) if rows else Listed([], 0, 0)


def _due(row: RowMapping, deadline: datetime | None, at: datetime, deed: Deed) -> Due:
    return Due(row, deadline, urgency_of(deadline, at), left_until(deadline, at), deed)
