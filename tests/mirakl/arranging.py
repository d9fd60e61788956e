"""Orders and what they are built from, as short as tests need them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.orders.history import move

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDRESS = {
    "firstname": "Robin",
    "lastname": "Fern",
    "street_1": "12 Wharf Lane",
    "street_2": None,
    "city": "Toronto",
    "state": "ON",
    "zip_code": "M5V 2T6",
    "country": "Canada",
    "country_iso_code": "CAN",
}

_ORDER = text(
    """
    INSERT INTO mirakl.orders (account_id, order_id, mirakl_state, currency_code, total_price, shipping_address,
                               order_created_at, order_updated_at, acceptance_deadline, raw_order_data)
    VALUES (:account_id, :order_id, :state, 'CAD', 500, CAST(:address AS jsonb), :at, :at, :deadline, '{}')
    """
)
_LINE = text(
    """
    INSERT INTO mirakl.order_lines (account_id, order_line_id, order_id, sku, quantity, price, unit_price, line_state,
                                    raw_line_data)
    VALUES (:account_id, :line_id, :order_id, :sku, 1, 500, 500, :state, '{}')
    """
)


async def add_order(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    *,
    status: str | None = None,
    state: str = "WAITING_ACCEPTANCE",
    skus: Sequence[str] = ("LAPTOP-1",),
    address: Mapping[str, Any] | None = ADDRESS,
    at: datetime = NOON,
) -> None:
    """An order with a line for each SKU, at a status that an order may have first; none where it is not named."""
    await session.execute(
        _ORDER,
        {
            "account_id": account_id,
            "order_id": order_id,
            "state": state,
            "address": None if address is None else orjson.dumps(address).decode(),
            "at": at,
            "deadline": at + timedelta(hours=24),
        },
    )
    for place, sku in enumerate(skus, 1):
        await session.execute(
            _LINE,
            {
                "account_id": account_id,
                "line_id": f"{order_id}-{place}",
                "order_id": order_id,
                "sku": sku,
                "state": state,
            },
        )
    if status is not None:
        await move(session, account_id, order_id, status, actor_type="marketplace")


_BUILDABLE = text(
    """
    WITH component AS (
        INSERT INTO mirakl.components (account_id, name, type) VALUES (:account_id, :component, 'BASE')
        RETURNING component_id
    ), base AS (
        INSERT INTO mirakl.base_products (account_id, model_name) VALUES (:account_id, :sku) RETURNING product_id
    ), variant AS (
        INSERT INTO mirakl.product_variants (account_id, base_product_id, internal_sku, floor_price)
        SELECT :account_id, product_id, CAST(:sku AS text) || '-V', :floor FROM base RETURNING variant_id
    ), bill AS (
        INSERT INTO mirakl.variant_components (account_id, variant_id, component_id, quantity)
        SELECT :account_id, variant_id, component_id, 1 FROM variant, component
    ), listing AS (
        INSERT INTO mirakl.shop_sku_map (account_id, shop_sku, variant_id)
        SELECT :account_id, :sku, variant_id FROM variant
    )
    SELECT component_id FROM component
    """
)
_RECEIVE = text(
    """
    INSERT INTO mirakl.component_movements (account_id, component_id, movement, on_hand_change)
    VALUES (:account_id, :component_id, 'receipt', :units)
    """
)


async def add_buildable(
    session: AsyncSession, account_id: UUID, sku: str, units: int, *, floor_price: float | None = None
) -> UUID:
    """A listing of a variant that is built from one component, and so many units of that; the component."""
    found = await session.execute(
        _BUILDABLE,
        {"account_id": account_id, "sku": sku, "component": f"Bare {sku}", "floor": floor_price},
    )
    component: UUID = found.scalar_one()
    if units:
        await session.execute(_RECEIVE, {"account_id": account_id, "component_id": component, "units": units})
    return component


_RECEIVE_NAMED = text(
    """
    INSERT INTO mirakl.component_movements (account_id, component_id, movement, on_hand_change)
    SELECT account_id, component_id, 'receipt', :units FROM mirakl.components
    WHERE account_id = :account_id AND name = :name
    """
)


async def receive(session: AsyncSession, account_id: UUID, name: str, units: int) -> None:
    """So many more of a component."""
    await session.execute(_RECEIVE_NAMED, {"account_id": account_id, "name": name, "units": units})


_LEVELS = text("SELECT name, on_hand, reserved FROM mirakl.components WHERE account_id = :account_id")


async def levels(session: AsyncSession, account_id: UUID) -> dict[str, tuple[int, int]]:
    """Component → units on hand, units reserved."""
    rows = await session.execute(_LEVELS, {"account_id": account_id})
    return {row.name: (row.on_hand, row.reserved) for row in rows}


_STATUSES = text("SELECT order_id, status FROM mirakl.order_status WHERE account_id = :account_id")
_FAILURES = text(
    """
    SELECT failure_id, process_name, related_id, kind, details, next_step, state, times, resolution
    FROM mirakl.process_failures WHERE account_id = :account_id ORDER BY timestamp, process_name
    """
)


async def statuses(session: AsyncSession, account_id: UUID) -> dict[str, str]:
    """Order → where it is."""
    rows = await session.execute(_STATUSES, {"account_id": account_id})
    return {row.order_id: row.status for row in rows}


async def open_failures(session: AsyncSession, account_id: UUID) -> list[tuple[str, str]]:
    """Step and thing of each failure that is not resolved."""
    rows = await session.execute(_FAILURES, {"account_id": account_id})
    return [(row.process_name, row.related_id) for row in rows if row.state != "resolved"]


async def failures(session: AsyncSession, account_id: UUID) -> list[Any]:
    """Every failure."""
    return list(await session.execute(_FAILURES, {"account_id": account_id}))
