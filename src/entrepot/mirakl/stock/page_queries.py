"""What the pages of stock read beside levels, demand and availability."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_LISTINGS = text(
    """
    SELECT s.shop_sku, s.listing_title, s.is_active, s.safety_stock, s.pushed_quantity, s.pushed_at, s.push_attempts,
           s.push_error, s.next_push_at, v.variant_id, v.internal_sku
    FROM mirakl.shop_sku_map AS s
    JOIN mirakl.product_variants AS v ON v.account_id = s.account_id AND v.variant_id = s.variant_id
    WHERE s.account_id = :account_id
    ORDER BY s.shop_sku
    """
)
_USED_IN = text(
    """
    SELECT v.internal_sku, v.description, b.quantity
    FROM mirakl.variant_components AS b
    JOIN mirakl.product_variants AS v ON v.account_id = b.account_id AND v.variant_id = b.variant_id
    WHERE b.account_id = :account_id AND b.component_id = :component_id
    ORDER BY v.internal_sku
    """
)
_BILLS = text(
    """
    SELECT b.variant_id, c.component_id, c.name, b.quantity
    FROM mirakl.variant_components AS b
    JOIN mirakl.components AS c ON c.account_id = b.account_id AND c.component_id = b.component_id
    WHERE b.account_id = :account_id
    ORDER BY c.type, c.name
    """
)


async def select_listings(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """Listings, the variants behind them, and what the marketplace was last told."""
    return (await session.execute(_LISTINGS, {"account_id": account_id})).mappings().all()


async def select_used_in(session: AsyncSession, account_id: UUID, component_id: UUID) -> Sequence[RowMapping]:
    """The variants that take a component."""
    values = {"account_id": account_id, "component_id": component_id}
    return (await session.execute(_USED_IN, values)).mappings().all()


async def select_bills(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The bill of materials of every variant."""
    return (await session.execute(_BILLS, {"account_id": account_id})).mappings().all()
