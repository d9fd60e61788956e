"""What came of orders, added up for a page and for the API: totals by currency, and what differs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.money.differing import Difference
from entrepot.mirakl.money.parts import PARTS, AccountLines, Settlement
from entrepot.mirakl.money.settling import Settled, of_account, settle


@dataclass(frozen=True, slots=True)
class MoneyShown:
    """What the marketplace booked since a day: sums of orders, sums of no order, differences."""

    orders: int
    settled: int
    waiting: int
    differing: int
    totals: list[Settlement]
    of_account: list[AccountLines]
    differences: list[Difference]


async def show_money(session: AsyncSession, account_id: UUID, since: datetime) -> MoneyShown:
    """Settle every order that was made or booked since then, and add up what came of them."""
    found = [one async for one in settle(session, account_id, since=since)]
    counts = {
        status: sum(one.status == status for one in found) for status in ("settled", "waiting", "differs")
    }
    return MoneyShown(
        orders=len(found),
        settled=counts["settled"],
        waiting=counts["waiting"],
        differing=counts["differs"],
        totals=totals_of(found),
        of_account=await of_account(session, account_id, since=since),
        differences=[difference for one in found for difference in one.differences],
    )


def totals_of(found: Iterable[Settled]) -> list[Settlement]:
    """The sums of orders, one a currency."""
    sums: dict[str, Settlement] = {}
    for one in found:
        for part in one.settlements:
            before = sums.get(part.currency, Settlement("", part.currency))
            names = (*PARTS, "lines", "paid")
            added = {name: getattr(before, name) + getattr(part, name) for name in names}
            sums[part.currency] = Settlement("", part.currency, **added)
    return [sums[currency] for currency in sorted(sums)]
