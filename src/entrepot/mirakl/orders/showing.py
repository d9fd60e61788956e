"""One order with all that belongs to it, put together for its page and for the API."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.mirakl.orders import history_queries, page_queries
from entrepot.mirakl.orders.answering import ANSWERABLE

#: Statuses from which a label can be bought again.
BUYABLE = ("shipping_failed", "shipment_cancelled", "refund_requested")


@dataclass(frozen=True, slots=True)
class LineShown:
    """A line, and what is built for it."""

    row: RowMapping
    components: list[RowMapping]

    @property
    def short(self) -> bool:
        """Whether something that it needs is neither reserved for it nor free."""
        return any(
            part["needed"] > part["reserved"] + part["used"] + max(part["free"], 0)
            for part in self.components
        )


@dataclass(frozen=True, slots=True)
class OrderShown:
    """An order, its lines, its history and its parcels."""

    row: RowMapping
    lines: list[LineShown]
    history: Sequence[RowMapping]
    parcels: Sequence[RowMapping]

    @property
    def status(self) -> str | None:
        """Where it is; None for an order that nothing was done with yet."""
        return self.history[-1]["status"] if self.history else None

    @property
    def decidable(self) -> bool:
        """Whether a person may accept or refuse it now."""
        return self.status in ANSWERABLE and self.row["mirakl_state"] == "WAITING_ACCEPTANCE"

    @property
    def buyable(self) -> bool:
        """Whether a person may have a label bought again."""
        return self.status in BUYABLE

    @property
    def related(self) -> list[str]:
        """The identifiers under which calls and failures of this order are recorded."""
        return [self.row["order_id"], *(str(parcel["shipment_id"]) for parcel in self.parcels)]


async def show_order(session: AsyncSession, account_id: UUID, order_id: str) -> OrderShown:
    """An order with its lines, history and parcels; raises NotFoundError."""
    row = await page_queries.select_order(session, account_id, order_id)
    if row is None:
        raise NotFoundError(f"There is no order {order_id!r}.", where={"order_id": order_id})
    built: dict[str, list[RowMapping]] = defaultdict(list)
    for part in await page_queries.select_built(session, account_id, order_id):
        built[part["order_line_id"]].append(part)
    lines = await page_queries.select_lines(session, account_id, order_id)
    return OrderShown(
        row=row,
        lines=[LineShown(line, built[line["order_line_id"]]) for line in lines],
        history=await history_queries.select_history(session, account_id, order_id),
        parcels=await page_queries.select_parcels(session, account_id, order_id),
    )


def address_lines(address: dict[str, Any] | None) -> list[str]:
    """A postal address as it is written on a parcel."""
    if not address:
        return []
    name = " ".join(str(address[part]) for part in ("firstname", "lastname") if address.get(part))
    town = " ".join(str(address[part]) for part in ("city", "state", "zip_code") if address.get(part))
    lines = [
        name,
        address.get("company"),
        address.get("street_1"),
        address.get("street_2"),
        town,
        address.get("country"),
    ]
    return [str(line) for line in lines if line]


def balance_of(entries: Sequence[RowMapping]) -> Decimal:
    """What is left for the seller of what the marketplace booked."""
    return sum((entry["amount"] for entry in entries), Decimal(0))
