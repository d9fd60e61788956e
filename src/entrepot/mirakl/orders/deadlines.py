"""Deadlines: shown with the orders, and warned of once before they pass."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish
from entrepot.kit.clock import now
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures.inbox import fail
from entrepot.mirakl.orders import queries
from entrepot.mirakl.scheduling.registering import account_work
from entrepot.mirakl.services import Services

#: Names of the warnings in the inbox.
ACCEPTANCE, SHIPPING = "AcceptanceDeadline", "ShippingDeadline"
#: Hours before a deadline at which it is warned of, unless `acceptance.warn_hours` or `shipping.warn_hours` says else.
WARN_HOURS = {"acceptance": 4.0, "shipping": 24.0}


@account_work("deadlines", seconds=300)
async def watch_deadlines(services: Services, account: Account) -> None:
    """Warn of the deadlines that are near."""
    async with services.db.tenant(account_id=account.account_id) as session:
        await warn(session, account)


async def warn(session: AsyncSession, account: Account) -> int:
    """Warn of each deadline that is near and was not warned of; how many."""
    at = now()
    found = await queries.select_near_deadlines(
        session,
        account.account_id,
        accept_by=at + _ahead(account.settings, "acceptance"),
        ship_by=at + _ahead(account.settings, "shipping"),
    )
    for row in found:
        await _warn(session, account, row)
    return len(found)


async def _warn(session: AsyncSession, account: Account, row: RowMapping) -> None:
    what = "accepted" if row["process_name"] == ACCEPTANCE else "shipped"
    passed = row["deadline"] <= now()
    await fail(
        session,
        account.account_id,
        row["process_name"],
        row["order_id"],
        kind="decision",
        details=(
            f"The order {'had' if passed else 'has'} to be {what} by {row['deadline']:%Y-%m-%d %H:%M} UTC"
            f"{', which has passed' if passed else ''}."
        ),
        next_step=(
            f"`entrepot mirakl orders show {row['order_id']}` says what it waits for."
            if what == "accepted"
            else "Pack it, or tell the customer."
        ),
        order_id=row["order_id"],
    )
    await publish(
        session,
        type="mirakl.order.deadline_near",
        subject=row["order_id"],
        source="/entrepot/mirakl",
        time=now(),
        data={"order_id": row["order_id"], "deadline": row["deadline"], "to_be": what, "passed": passed},
        dedupe_key=f"{row['process_name']}/{row['order_id']}",
        account_id=account.account_id,
    )


def _ahead(settings: Mapping[str, Any], what: str) -> timedelta:
    held = settings.get(what)
    said = held.get("warn_hours") if isinstance(held, Mapping) else None
    usable = isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= 24 * 60
    return timedelta(hours=float(said) if usable and said is not None else WARN_HOURS[what])
