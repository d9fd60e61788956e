"""Every SQL statement about telling the marketplace what is in stock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

# What another worker is telling is left to it.
_LOCK = text(
    """
    SELECT id FROM mirakl.shop_sku_map
    WHERE account_id = :account_id AND is_active
      AND (pushing_until IS NULL OR pushing_until <= :at) AND (next_push_at IS NULL OR next_push_at <= :at)
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    """
)
_LISTINGS = text(
    """
    SELECT s.id, s.shop_sku, s.listing_title, s.is_active, s.safety_stock, s.pushed_quantity, s.pushed_at,
           s.pushing_quantity, s.pushing_until, s.push_attempts, s.push_error, s.next_push_at, s.variant_id,
           v.internal_sku
    FROM mirakl.shop_sku_map AS s
    JOIN mirakl.product_variants AS v ON v.account_id = s.account_id AND v.variant_id = s.variant_id
    WHERE s.account_id = :account_id
    ORDER BY s.shop_sku
    """
)
# From here until it is confirmed nobody knows what the marketplace shows, whatever becomes of this worker.
_CLAIM = text(
    """
    UPDATE mirakl.shop_sku_map AS s
    SET pushing_quantity = u.quantity, pushing_until = :until, pushed_quantity = NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:quantities AS integer[])) AS u (id, quantity)
    WHERE s.account_id = :account_id AND s.id = u.id
    """
)
_DONE = text(
    """
    UPDATE mirakl.shop_sku_map AS s
    SET pushed_quantity = pushing_quantity, pushed_at = :at, pushing_quantity = NULL, pushing_until = NULL,
        next_push_at = NULL, push_import_id = :import_id
    FROM (SELECT id FROM mirakl.shop_sku_map
          WHERE account_id = :account_id AND id = ANY (:ids) AND pushing_until = :until
          ORDER BY id FOR NO KEY UPDATE) AS mine
    WHERE s.account_id = :account_id AND s.id = mine.id
    RETURNING s.id
    """
)
_FAILED = text(
    """
    UPDATE mirakl.shop_sku_map AS s
    SET pushing_quantity = NULL, pushing_until = NULL, push_attempts = s.push_attempts + 1, push_error = u.error,
        next_push_at = :at + least(interval '1 hour', interval '30 seconds' * power(2, least(s.push_attempts, 7)))
    FROM (SELECT l.id, e.error FROM mirakl.shop_sku_map AS l
          JOIN unnest(CAST(:ids AS uuid[]), CAST(:errors AS text[])) AS e (id, error) ON e.id = l.id
          WHERE l.account_id = :account_id AND l.pushing_until = :until
          ORDER BY l.id FOR NO KEY UPDATE OF l) AS u
    WHERE s.account_id = :account_id AND s.id = u.id
    RETURNING s.shop_sku, s.push_attempts, s.push_error
    """
)
_AGAIN = text(
    """
    UPDATE mirakl.shop_sku_map SET next_push_at = NULL, pushed_quantity = NULL, push_import_id = NULL
    WHERE account_id = :account_id AND (CAST(:shop_sku AS text) IS NULL OR shop_sku = :shop_sku)
      AND pushing_until IS NULL
    """
)
_IMPORTS = text(
    """
    SELECT push_import_id FROM mirakl.shop_sku_map
    WHERE account_id = :account_id AND push_import_id IS NOT NULL
    GROUP BY push_import_id HAVING max(pushed_at) <= :at ORDER BY max(pushed_at)
    """
)
_HOLD = text(
    """
    SELECT id FROM mirakl.shop_sku_map WHERE account_id = :account_id AND shop_sku = ANY (:skus)
    ORDER BY id FOR NO KEY UPDATE
    """
)
_OF_IMPORT = text(
    "SELECT shop_sku FROM mirakl.shop_sku_map WHERE account_id = :account_id AND push_import_id = :import_id"
)
# A listing that was told again since is settled by the later import.
_TAKEN = text(
    """
    UPDATE mirakl.shop_sku_map AS s SET push_import_id = NULL, push_attempts = 0, push_error = NULL
    FROM (SELECT id, push_error FROM mirakl.shop_sku_map
          WHERE account_id = :account_id AND push_import_id = :import_id AND NOT shop_sku = ANY (:refused)
          ORDER BY id FOR NO KEY UPDATE) AS before
    WHERE s.account_id = :account_id AND s.id = before.id
    RETURNING s.shop_sku, before.push_error IS NOT NULL AS had_failed
    """
)
_REFUSED = text(
    """
    UPDATE mirakl.shop_sku_map AS s
    SET push_import_id = NULL, pushed_quantity = NULL, push_attempts = s.push_attempts + 1, push_error = u.error,
        next_push_at = :at + least(interval '1 day', interval '10 minutes' * power(2, least(s.push_attempts, 9)))
    FROM (SELECT l.id, r.error FROM mirakl.shop_sku_map AS l
          JOIN unnest(CAST(:skus AS text[]), CAST(:errors AS text[])) AS r (shop_sku, error) ON r.shop_sku = l.shop_sku
          WHERE l.account_id = :account_id AND l.push_import_id = :import_id
          ORDER BY l.id FOR NO KEY UPDATE OF l) AS u
    WHERE s.account_id = :account_id AND s.id = u.id
    RETURNING s.shop_sku, s.push_error
    """
)
_SETTINGS = text("SELECT settings -> 'stock' FROM mirakl.accounts WHERE id = :account_id")


async def lock_listings(session: AsyncSession, account_id: UUID, at: datetime) -> set[UUID]:
    """Hold the listings that may be told about now."""
    return set((await session.execute(_LOCK, {"account_id": account_id, "at": at})).scalars())


async def hold_listings(session: AsyncSession, account_id: UUID, skus: Sequence[str]) -> None:
    """Hold listings until the end of the transaction, in the one order in which several are ever held."""
    await session.execute(_HOLD, {"account_id": account_id, "skus": list(skus)})


async def select_listings(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Every listing of an account, by shop SKU."""
    return (await session.execute(_LISTINGS, {"account_id": account_id})).mappings().all()


async def claim(
    session: AsyncSession, account_id: UUID, quantities: Mapping[UUID, int], until: datetime
) -> None:
    """Note what is being told of listings that are held, and until when nobody else tells it."""
    values = {
        "account_id": account_id,
        "ids": list(quantities),
        "quantities": list(quantities.values()),
        "until": until,
    }
    await session.execute(_CLAIM, values)


async def record_told(
    session: AsyncSession,
    account_id: UUID,
    ids: Sequence[UUID],
    *,
    import_id: str,
    until: datetime,
    at: datetime,
) -> int:
    """Note that the marketplace was told; how many of the claims still were the caller's."""
    values = {"account_id": account_id, "ids": list(ids), "import_id": import_id, "until": until, "at": at}
    return len((await session.execute(_DONE, values)).all())


async def record_untold(
    session: AsyncSession, account_id: UUID, errors: Mapping[UUID, str], *, until: datetime, at: datetime
) -> Sequence[RowMapping]:
    """Note that it was not, and when to try again: after 30 s, then twice as long each time, an hour at most."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "ids": list(errors),
        "errors": list(errors.values()),
        "until": until,
        "at": at,
    }
    return (await session.execute(_FAILED, values)).mappings().all()


async def tell_again(session: AsyncSession, account_id: UUID, shop_sku: str | None = None) -> None:
    """Have one listing or all of them told anew, whatever was told before."""
    await session.execute(_AGAIN, {"account_id": account_id, "shop_sku": shop_sku})


async def select_imports(session: AsyncSession, account_id: UUID, at: datetime) -> Sequence[str]:
    """Imports up to a moment of which it is not known whether the marketplace took them."""
    return (await session.execute(_IMPORTS, {"account_id": account_id, "at": at})).scalars().all()


async def select_of_import(session: AsyncSession, account_id: UUID, import_id: str) -> Sequence[str]:
    """The shop SKUs that an import told last."""
    values = {"account_id": account_id, "import_id": import_id}
    return (await session.execute(_OF_IMPORT, values)).scalars().all()


async def record_taken(
    session: AsyncSession, account_id: UUID, import_id: str, *, refused: Sequence[str]
) -> Sequence[str]:
    """Note that the marketplace took an import, but for some shop SKUs; those that had failed before."""
    values = {"account_id": account_id, "import_id": import_id, "refused": list(refused)}
    rows = (await session.execute(_TAKEN, values)).mappings()
    return [row["shop_sku"] for row in rows if row["had_failed"]]


async def record_refused(
    session: AsyncSession, account_id: UUID, import_id: str, errors: Mapping[str, str], *, at: datetime
) -> Sequence[RowMapping]:
    """Note what it did not take: tried again after ten minutes, then twice as long each time, a day at most."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "import_id": import_id,
        "skus": list(errors),
        "errors": list(errors.values()),
        "at": at,
    }
    return (await session.execute(_REFUSED, values)).mappings().all()


async def select_settings(session: AsyncSession, account_id: UUID) -> Mapping[str, Any] | None:
    """How stock is told, as the account says."""
    found: Mapping[str, Any] | None = (
        await session.execute(_SETTINGS, {"account_id": account_id})
    ).scalar_one_or_none()
    return found
