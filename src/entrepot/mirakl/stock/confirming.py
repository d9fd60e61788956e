"""What became of the stock that the marketplace was told: an import is taken up later, and lines of it may be refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.stock import pushing_queries as queries

#: How long the marketplace has before it is asked.
SOON = timedelta(seconds=30)
#: States of an import that say that the marketplace is at it.
UNDER_WAY = ("QUEUED", "WAITING", "RUNNING", "SENT", "PENDING")
#: States of an import that say that nothing of it was taken.
FAILED = ("FAILED", "REJECTED", "CANCELLED", "CANCELED")
PROCESS = "StockListing"


class ImportService(Protocol):
    """What the marketplace has to offer for this; MiraklApi does."""

    async def stock_import(self, import_id: str) -> Mapping[str, Any]:
        """How far an import is."""

    async def stock_errors(self, import_id: str) -> Mapping[str, str]:
        """The shop SKUs that it did not take, each with the reason."""


@dataclass(slots=True)
class Confirmed:
    """Imports that were taken, and shop SKU → why it was not."""

    imports: int = 0
    refused: dict[str, str] = field(default_factory=dict)


async def confirm(db: Database, api: ImportService, account_id: UUID) -> Confirmed:
    """See what became of the imports of which it is not known; a refused listing is a failure to look at.

    What cannot be read now is read the next time.
    """
    found = Confirmed()
    async with db.tenant(account_id=account_id) as session:
        imports = await queries.select_imports(session, account_id, now() - SOON)
    for import_id in imports:
        async with db.tenant(account_id=account_id) as session:
            skus = await queries.select_of_import(session, account_id, import_id)
        try:
            errors = await _errors(api, import_id, skus)
        except ServiceError as error:
            if error.outcome is not Outcome.PERMANENT:
                continue
            # The marketplace knows no such import (any more); what was told stands.
            errors = {}
        if errors is None:
            continue
        async with db.tenant(account_id=account_id) as session:
            await _record(session, account_id, import_id, errors)
        found.imports += 1
        found.refused |= errors
    return found


async def _errors(api: ImportService, import_id: str, skus: Sequence[str]) -> Mapping[str, str] | None:
    """What an import did not take; None while the marketplace is at it."""
    status = await api.stock_import(import_id)
    state = str(status.get("status", "")).upper()
    if state in UNDER_WAY:
        return None
    if state in FAILED:
        return dict.fromkeys(skus, f"The import {import_id} is {state}.")
    return await api.stock_errors(import_id) if status.get("has_error_report") else {}


async def _record(session: AsyncSession, account_id: UUID, import_id: str, errors: Mapping[str, str]) -> None:
    mended = await queries.record_taken(session, account_id, import_id, refused=list(errors))
    for shop_sku in mended:
        await inbox.resolved_by_itself(
            session, account_id, shop_sku, PROCESS, resolution="The marketplace took its stock."
        )
    for row in await queries.record_refused(session, account_id, import_id, errors, at=now()):
        await inbox.fail(
            session,
            account_id,
            PROCESS,
            row["shop_sku"],
            kind="permanent",
            details=f"The marketplace does not take the stock of {row['shop_sku']}: {row['push_error']}",
            next_step="Mend the listing there, or its shop SKU here; it is tried again by itself, or with a retry.",
        )


@inbox.retried_by(PROCESS)
async def _tell_again(session: AsyncSession, failure: RowMapping) -> None:
    """The listing is told again with the next push."""
    await queries.tell_again(session, failure["account_id"], failure["related_id"])
