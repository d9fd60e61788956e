"""Telling the marketplace how many units each listing offers, when that changes.

What is to be told is what the listing should offer now and was not told to offer last; so the latest is told, however
often it changed meanwhile, and nothing where nothing did. A worker claims what it tells; from then until the answer
nobody knows what the marketplace shows, so a lost answer is followed by telling again, which is safe: the quantity is
told, not its change.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import orjson
from pydantic import ValidationError
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.mirakl.accounts.queries import update_settings
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.stock import pushing_queries as queries
from entrepot.mirakl.stock.reserving import offerable
from entrepot.mirakl.stock.sharing import Offer, StockSettings, shares

#: Lines of a file (STO01).
BATCH = 1_000
#: How long a worker may be at it before another tells the same; well over the longest call.
LEASE = timedelta(minutes=5)
#: Failures in a row after which a person hears of it; one that will never go well is told at once.
PATIENCE = 5
PROCESS = "StockPush"


class StockService(Protocol):
    """What the marketplace has to offer for this; MiraklApi does."""

    async def update_stock(self, quantities: Mapping[str, int]) -> str:
        """Tell the quantity of each shop SKU; the identifier of the import."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing: what it should offer now, what the marketplace was last told (None: nobody knows), and failures."""

    listing_id: UUID
    shop_sku: str
    internal_sku: str
    is_active: bool
    quantity: int
    pushed_quantity: int | None
    pushed_at: datetime | None
    push_error: str | None
    next_push_at: datetime | None

    @property
    def is_changed(self) -> bool:
        """Whether the marketplace is to be told."""
        return self.is_active and self.quantity != self.pushed_quantity


@dataclass(slots=True)
class Pushed:
    """What was told: shop SKU → quantity, and what could not be: shop SKU → why."""

    told: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


async def listings(session: AsyncSession, account_id: UUID) -> list[Listing]:
    """Every listing, with what it should offer now: what is left when open orders are served; by shop SKU."""
    settings = await stock_settings(session, account_id)
    buildable = await offerable(session, account_id)
    rows = await queries.select_listings(session, account_id)
    of_variant: dict[UUID, list[Offer]] = defaultdict(list)
    for row in rows:
        if row["is_active"]:
            of_variant[row["variant_id"]].append(Offer(row["shop_sku"], row["safety_stock"]))
    quantities: dict[str, int] = {}
    for variant_id, offers in of_variant.items():
        quantities |= shares(buildable.get(variant_id, 0), offers, settings)
    return [_listing(row, quantities.get(row["shop_sku"], 0)) for row in rows]


async def push(db: Database, api: StockService, account_id: UUID) -> Pushed:
    """Tell the marketplace what changed; what was told and what could not be.

    Safe to run twice, at once and after a crash. Failures are tried again later, by whoever runs this then.
    """
    found = Pushed()
    until = now() + LEASE
    async with db.tenant(account_id=account_id) as session:
        held = await queries.lock_listings(session, account_id, now())
        changed = [
            one for one in await listings(session, account_id) if one.is_changed and one.listing_id in held
        ]
        await queries.claim(session, account_id, {one.listing_id: one.quantity for one in changed}, until)
    for start in range(0, len(changed), BATCH):
        await _tell(db, api, account_id, changed[start : start + BATCH], until, found)
    return found


async def _tell(
    db: Database,
    api: StockService,
    account_id: UUID,
    batch: Sequence[Listing],
    until: datetime,
    found: Pushed,
) -> None:
    quantities = {one.shop_sku: one.quantity for one in batch}
    try:
        import_id = await api.update_stock(quantities)
    except ServiceError as error:
        async with db.tenant(account_id=account_id) as session:
            await _record_failure(session, account_id, batch, until, error)
        found.failed |= dict.fromkeys(quantities, str(error))
        return
    async with db.tenant(account_id=account_id) as session:
        ids = [one.listing_id for one in batch]
        await queries.record_told(session, account_id, ids, import_id=import_id, until=until, at=now())
        await inbox.resolved_by_itself(
            session, account_id, PROCESS, PROCESS, resolution="The marketplace was told."
        )
    found.told |= quantities


async def _record_failure(
    session: AsyncSession,
    account_id: UUID,
    batch: Sequence[Listing],
    until: datetime,
    error: ServiceError,
) -> None:
    errors = dict.fromkeys((one.listing_id for one in batch), str(error))
    rows = await queries.record_untold(session, account_id, errors, until=until, at=now())
    attempts = max((row["push_attempts"] for row in rows), default=0)
    if error.outcome is Outcome.PERMANENT or attempts >= PATIENCE:
        await inbox.fail(
            session,
            account_id,
            PROCESS,
            PROCESS,
            kind="permanent" if error.outcome is Outcome.PERMANENT else "transient",
            details=f"The stock of {len(batch)} listings could not be told: {error}",
            next_step="It is tried again within the hour; look at the API key and the listings' SKUs.",
            payload={"shop_skus": [one.shop_sku for one in batch][:50]},
        )


@inbox.retried_by(PROCESS)
async def _push_again(session: AsyncSession, failure: RowMapping) -> None:
    """All listings are told again with the next push."""
    await queries.tell_again(session, failure["account_id"])


async def stock_settings(session: AsyncSession, account_id: UUID) -> StockSettings:
    """How the account's stock is told."""
    return StockSettings.model_validate(await queries.select_settings(session, account_id) or {})


async def set_stock_settings(session: AsyncSession, account_id: UUID, **changes: object) -> StockSettings:
    """Change how the account's stock is told; raises InvalidInputError."""
    known = (await stock_settings(session, account_id)).model_dump()
    try:
        wanted = StockSettings.model_validate(
            known | {name: value for name, value in changes.items() if value is not None}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInputError(
            f"{first['loc'][0]}: {first['msg']}.", where={"path": str(first["loc"][0])}
        ) from error
    await update_settings(session, account_id, "stock", orjson.dumps(wanted.model_dump()).decode())
    return wanted


def _listing(row: RowMapping, quantity: int) -> Listing:
    return Listing(
        row["id"],
        row["shop_sku"],
        row["internal_sku"],
        row["is_active"],
        quantity,
        row["pushed_quantity"],
        row["pushed_at"],
        row["push_error"],
        row["next_push_at"],
    )
