"""Taking the lines of the seller's account in (TL02), so often and so overlapping as one likes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself, retried_by
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.marketplace_api import MiraklApi
from entrepot.mirakl.marketplace_models import TransactionLine
from entrepot.mirakl.money import queries
from entrepot.mirakl.scheduling.queries import hasten

#: How far a look goes back behind what was taken in: lines that were written late, clocks that differ.
OVERLAP = timedelta(hours=2)
BATCH = 500
#: The step in the inbox when the account cannot be read, and when a line of it cannot be used.
IMPORT = "TransactionImport"
LINE = "TransactionLine"
#: The work of an account that takes its logs in.
WORK = "money"
MOST = Decimal(10) ** 15


@dataclass(slots=True)
class Imported:
    """What came of a look: read = applied + unchanged + rejected."""

    read: int = 0
    applied: int = 0
    rejected: int = 0
    up_to: datetime | None = None

    @property
    def unchanged(self) -> int:
        """Lines that were known as they are."""
        return self.read - self.applied - self.rejected


async def take_in(db: Database, account: Account, api: MiraklApi) -> Imported:
    """Read what was written or changed since the last look, and keep it; speaks to the marketplace in between.

    A line that cannot be used is set aside in the inbox and keeps no other from being taken in. Raises ServiceError
    when the marketplace does not answer; what was read until then is kept, and the next look reads it again.
    """
    async with db.tenant(account_id=account.account_id) as session:
        since = await queries.select_since(session, account.account_id)
    done = Imported()
    newest: datetime | None = None
    batch: list[Mapping[str, Any]] = []
    try:
        async for raw in api.transactions(None if since is None else since - OVERLAP):
            batch.append(raw)
            if len(batch) == BATCH:
                newest = await _keep(db, account, batch, done, newest)
                batch = []
        newest = await _keep(db, account, batch, done, newest)
    except ServiceError as error:
        async with db.tenant(account_id=account.account_id) as session:
            await _failed(session, account, error)
        raise
    async with db.tenant(account_id=account.account_id) as session:
        if newest is not None:
            await queries.update_since(session, account.account_id, newest)
        await resolved_by_itself(
            session, account.account_id, account.code, IMPORT, resolution="The account was read to its end."
        )
        done.up_to = await queries.select_since(session, account.account_id)
    return done


async def _keep(
    db: Database,
    account: Account,
    batch: list[Mapping[str, Any]],
    done: Imported,
    newest: datetime | None,
) -> datetime | None:
    """Write a batch in one transaction; the latest change in it, or `newest`."""
    rows: dict[str, dict[str, Any]] = {}
    async with db.tenant(account_id=account.account_id) as session:
        for raw in batch:
            try:
                row = row_of(raw)
            except ValueError as error:
                done.rejected += 1
                await _set_aside(session, account, raw, error)
                continue
            known = rows.get(row["transaction_id"])
            # The same line may come twice when it changes while the pages are read.
            if known is None or row["last_updated"] >= known["last_updated"]:
                rows[row["transaction_id"]] = row
        done.read += len(batch)
        if rows:
            done.applied += await queries.upsert_lines(session, account.account_id, list(rows.values()))
    moments = [row["last_updated"] for row in rows.values()]
    return max([*moments, newest] if newest else moments, default=None)


def row_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A line as it is stored; raises ValueError with what is wrong with it."""
    try:
        line = TransactionLine.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise ValueError(f"{where}: {first['msg']}") from None
    amount = line.balance_change
    if abs(amount) >= MOST:
        raise ValueError(f"amount: {amount} is more than can be kept")
    if amount != round(amount, 4):
        raise ValueError(f"amount: {amount} has more than four decimals")
    if len(line.currency_iso_code) != 3:
        raise ValueError(f"currency_iso_code: {line.currency_iso_code!r} is no currency")
    if len(line.id) > 255 or len(line.type) > 60:
        raise ValueError("id or type: longer than can be kept")
    order, order_line = line.entities.order, line.entities.order_line
    return {
        "transaction_id": line.id,
        "transaction_type": line.type,
        "order_id": order.id if order else None,
        "order_line_id": order_line.id if order_line else None,
        "amount": amount,
        "currency_code": line.currency_iso_code,
        "payment_state": line.payment_state,
        "date_created": line.date_created,
        "last_updated": line.last_updated or line.date_created,
        "raw_data": dict(raw),
    }


@retried_by(IMPORT)
async def again(session: AsyncSession, failure: RowMapping) -> None:
    """Have the account read again, by the next worker that looks."""
    await hasten(session, failure["account_id"], WORK, now())


async def _set_aside(
    session: AsyncSession, account: Account, raw: Mapping[str, Any], error: ValueError
) -> None:
    name = str(raw.get("id") or "without id")[:255]
    await fail(
        session,
        account.account_id,
        LINE,
        name,
        kind="permanent",
        details=f"The line {name} of the account cannot be used: {error}.",
        next_step="Ask the marketplace about it, then resolve this; the line is taken in once it can be used.",
        payload={"line": raw},
    )


async def _failed(session: AsyncSession, account: Account, error: ServiceError) -> None:
    permanent = error.outcome is Outcome.PERMANENT
    await fail(
        session,
        account.account_id,
        IMPORT,
        account.code,
        kind="permanent" if permanent else "transient",
        details=f"The transaction logs of {account.code} cannot be read: {error}",
        next_step="Look at the API key and its rights, then try it again." if permanent else None,
        automatic=not permanent,
        next_attempt_at=None if error.retry_after is None else now() + timedelta(seconds=error.retry_after),
    )
