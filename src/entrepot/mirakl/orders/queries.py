"""Every SQL statement that takes orders in, and those that show them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_UPSERT_CUSTOMERS = text(
    """
    WITH given AS (
        SELECT DISTINCT ON (one.customer_id) one.*
        FROM jsonb_to_recordset(CAST(:orders AS jsonb)) AS one
             (customer_id text, firstname text, lastname text, email text, locale text, updated_at timestamptz)
        WHERE one.customer_id IS NOT NULL
        ORDER BY one.customer_id, one.updated_at DESC
    )
    INSERT INTO mirakl.customers AS known (account_id, mirakl_customer_id, firstname, lastname, email, locale)
    SELECT :account_id, given.customer_id, given.firstname, given.lastname, given.email, given.locale
    FROM given
    -- One of whom nothing is new is not even locked: who reads an order would wait for who takes in a page.
    WHERE NOT EXISTS (
        SELECT FROM mirakl.customers AS c
        WHERE c.account_id = :account_id AND c.mirakl_customer_id = given.customer_id
          AND (coalesce(given.firstname, c.firstname), coalesce(given.lastname, c.lastname),
               coalesce(given.email, c.email), coalesce(given.locale, c.locale))
              IS NOT DISTINCT FROM (c.firstname, c.lastname, c.email, c.locale))
    ORDER BY given.customer_id
    ON CONFLICT (account_id, mirakl_customer_id) DO UPDATE
    SET firstname = coalesce(excluded.firstname, known.firstname), lastname = coalesce(excluded.lastname, known.lastname),
        email = coalesce(excluded.email, known.email), locale = coalesce(excluded.locale, known.locale)
    """
)
# What is older than what is held changes nothing: pages overlap, and answers overtake one another. In the order of
# their identifiers, so that two who take in the same orders wait for one another instead of deadlocking.
_UPSERT_ORDERS = text(
    """
    WITH given AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:orders AS jsonb)) AS one
            (order_id text, commercial_id text, customer_id text, mirakl_state text, currency text, total_price numeric,
             shipping_price numeric, total_commission numeric, shipping_address jsonb, shipping_type text,
             created_at timestamptz, updated_at timestamptz, acceptance_deadline timestamptz,
             shipping_deadline timestamptz, raw jsonb)
        ORDER BY order_id
    ), held AS (
        SELECT o.order_id, o.mirakl_state FROM mirakl.orders AS o
        WHERE o.account_id = :account_id AND o.order_id IN (SELECT given.order_id FROM given)
    ), written AS (
        INSERT INTO mirakl.orders AS known
            (account_id, order_id, commercial_id, customer_id, mirakl_state, currency_code, total_price, shipping_price,
             total_commission, shipping_address, shipping_type_code, order_created_at, order_updated_at,
             acceptance_deadline, shipping_deadline, raw_order_data)
        SELECT :account_id, given.order_id, given.commercial_id, c.id, given.mirakl_state, given.currency,
               given.total_price, given.shipping_price, given.total_commission, given.shipping_address,
               given.shipping_type, given.created_at, given.updated_at, given.acceptance_deadline,
               given.shipping_deadline, given.raw
        FROM given LEFT JOIN mirakl.customers AS c
             ON c.account_id = :account_id AND c.mirakl_customer_id = given.customer_id
        ORDER BY given.order_id
        ON CONFLICT (account_id, order_id) DO UPDATE
        SET commercial_id = excluded.commercial_id, customer_id = coalesce(excluded.customer_id, known.customer_id),
            mirakl_state = excluded.mirakl_state, currency_code = excluded.currency_code,
            total_price = excluded.total_price, shipping_price = excluded.shipping_price,
            total_commission = excluded.total_commission,
            shipping_address = coalesce(excluded.shipping_address, known.shipping_address),
            shipping_type_code = excluded.shipping_type_code, order_updated_at = excluded.order_updated_at,
            acceptance_deadline = excluded.acceptance_deadline, shipping_deadline = excluded.shipping_deadline,
            raw_order_data = excluded.raw_order_data
        WHERE excluded.order_updated_at >= known.order_updated_at
          AND excluded.raw_order_data IS DISTINCT FROM known.raw_order_data
        RETURNING known.order_id, known.mirakl_state, known.next_attempt_at
    )
    SELECT written.order_id, written.mirakl_state, held.order_id IS NULL AS is_new, held.mirakl_state AS former_state
    FROM written LEFT JOIN held USING (order_id)
    ORDER BY written.order_id
    """
)
_UPSERT_LINES = text(
    """
    INSERT INTO mirakl.order_lines AS known
        (account_id, order_line_id, order_id, sku, product_title, variant_id, quantity, price, unit_price, commission,
         taxes, line_state, raw_line_data)
    SELECT :account_id, given.order_line_id, given.order_id, given.sku, given.product_title, m.variant_id,
           given.quantity, given.price, given.unit_price, given.commission, given.taxes, given.line_state, given.raw
    FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS given
         (order_line_id text, order_id text, sku text, product_title text, quantity integer, price numeric,
          unit_price numeric, commission numeric, taxes numeric, line_state text, raw jsonb)
    LEFT JOIN mirakl.shop_sku_map AS m ON m.account_id = :account_id AND m.shop_sku = given.sku
    ORDER BY given.order_line_id
    ON CONFLICT (account_id, order_line_id) DO UPDATE
    SET sku = excluded.sku, product_title = excluded.product_title,
        variant_id = coalesce(known.variant_id, excluded.variant_id), quantity = excluded.quantity,
        price = excluded.price, unit_price = excluded.unit_price, commission = excluded.commission,
        taxes = excluded.taxes, line_state = excluded.line_state, raw_line_data = excluded.raw_line_data
    WHERE known.order_id = excluded.order_id
      AND (excluded.raw_line_data IS DISTINCT FROM known.raw_line_data
           OR known.variant_id IS NULL AND excluded.variant_id IS NOT NULL)
    """
)
_STATUSES = text(
    """
    SELECT o.order_id, latest.status
    FROM unnest(CAST(:order_ids AS text[])) AS o (order_id) LEFT JOIN LATERAL (
        SELECT h.status FROM mirakl.order_status_history AS h
        WHERE h.account_id = :account_id AND h.order_id = o.order_id ORDER BY h.step DESC LIMIT 1) AS latest ON true
    """
)
# The lease goes as well: a worker that looked before the order changed must not put it off.
_WAKE = text(
    """
    UPDATE mirakl.orders SET next_attempt_at = :at, attempts = 0, leased_by = NULL, lease_until = NULL
    WHERE account_id = :account_id AND order_id = ANY (CAST(:order_ids AS text[]))
    """
)
_WATERMARK = text(
    """
    UPDATE mirakl.accounts SET orders_updated_since = :at
    WHERE id = :account_id AND (orders_updated_since IS NULL OR orders_updated_since < :at)
    """
)
_MAP_LINES = text(
    """
    UPDATE mirakl.order_lines AS l SET variant_id = m.variant_id
    FROM mirakl.shop_sku_map AS m
    WHERE l.account_id = :account_id AND l.order_id = :order_id AND l.variant_id IS NULL
      AND m.account_id = l.account_id AND m.shop_sku = l.sku
    """
)
_ORDER = text(
    """
    SELECT o.account_id, o.order_id, o.commercial_id, o.customer_id, o.mirakl_state, o.currency_code, o.total_price,
           o.shipping_price, o.total_commission, o.shipping_address, o.shipping_type_code, o.order_created_at,
           o.order_updated_at, o.acceptance_deadline, o.shipping_deadline, o.next_attempt_at, o.attempts, o.leased_by,
           o.lease_until, o.created_at, c.mirakl_customer_id, c.firstname, c.lastname,
           coalesce(c.is_blocked, false) AS is_blocked,
           CASE jsonb_typeof(o.raw_order_data -> 'order_lines')
               WHEN 'array' THEN jsonb_array_length(o.raw_order_data -> 'order_lines') ELSE 0 END AS lines_told,
           EXISTS (SELECT FROM mirakl.process_failures AS f
                   WHERE f.account_id = o.account_id AND f.related_id = o.order_id AND f.state <> 'resolved') AS failures,
           latest.step, latest.status, latest.timestamp AS since
    FROM mirakl.orders AS o
    LEFT JOIN mirakl.customers AS c ON c.account_id = o.account_id AND c.id = o.customer_id
    LEFT JOIN LATERAL (
        SELECT h.step, h.status, h.timestamp FROM mirakl.order_status_history AS h
        WHERE h.account_id = o.account_id AND h.order_id = o.order_id ORDER BY h.step DESC LIMIT 1) AS latest ON true
    WHERE o.account_id = :account_id AND o.order_id = :order_id
    """
)
_LINES = text(
    """
    SELECT l.order_line_id, l.sku, l.product_title, l.variant_id, v.internal_sku, v.floor_price, l.quantity, l.price,
           l.unit_price, l.commission, l.taxes, l.line_state, l.decision
    FROM mirakl.order_lines AS l
    LEFT JOIN mirakl.product_variants AS v ON v.account_id = l.account_id AND v.variant_id = l.variant_id
    WHERE l.account_id = :account_id AND l.order_id = :order_id
    ORDER BY l.order_line_id
    """
)
_LIST = text(
    """
    SELECT o.order_id, o.mirakl_state, o.currency_code, o.total_price, o.order_created_at, o.acceptance_deadline,
           o.shipping_deadline, o.next_attempt_at, latest.status, latest.timestamp AS since,
           (SELECT count(*) FROM mirakl.process_failures AS f
            WHERE f.account_id = o.account_id AND f.order_id = o.order_id AND f.state <> 'resolved') AS failures
    FROM mirakl.orders AS o LEFT JOIN LATERAL (
        SELECT h.status, h.timestamp FROM mirakl.order_status_history AS h
        WHERE h.account_id = o.account_id AND h.order_id = o.order_id ORDER BY h.step DESC LIMIT 1) AS latest ON true
    WHERE o.account_id = :account_id
      AND (CAST(:statuses AS text[]) IS NULL OR latest.status = ANY (CAST(:statuses AS text[])))
      AND (CAST(:states AS text[]) IS NULL OR o.mirakl_state = ANY (CAST(:states AS text[])))
    ORDER BY o.order_created_at DESC, o.order_id DESC
    LIMIT :limit
    """
)
_SETTLE_INTAKE = text(
    """
    UPDATE mirakl.process_failures
    SET state = 'resolved', resolved_at = :at, resolution = :resolution, next_attempt_at = NULL
    WHERE account_id = :account_id AND process_name = :process_name AND state <> 'resolved'
      AND related_id = ANY (CAST(:order_ids AS text[]))
    """
)
# In the order in which everybody locks components, before the first of them moves: orders that come to their end one
# after the other in one transaction would lock them in the order of the orders, and wait in a circle with a worker.
_LOCK_PARTS = text(
    """
    WITH held AS MATERIALIZED (
        -- From the lines to their movements, whatever the planner knows of either table: the other way round it would
        -- read the whole ledger.
        SELECT DISTINCT moved.component_id
        FROM mirakl.order_lines AS l
        CROSS JOIN LATERAL (
            SELECT m.component_id FROM mirakl.component_movements AS m
            WHERE m.account_id = :account_id AND m.order_line_id = l.order_line_id
            GROUP BY m.component_id
        ) AS moved
        WHERE l.account_id = :account_id AND l.order_id = ANY (CAST(:order_ids AS text[]))
    )
    SELECT c.component_id FROM mirakl.components AS c
    WHERE c.account_id = :account_id AND c.component_id = ANY (ARRAY(SELECT held.component_id FROM held))
    ORDER BY c.component_id
    FOR NO KEY UPDATE
    """
)
_SET_BLOCKED = text(
    """
    UPDATE mirakl.customers AS c SET is_blocked = :is_blocked
    FROM mirakl.orders AS o
    WHERE o.account_id = :account_id AND o.order_id = :order_id
      AND c.account_id = o.account_id AND c.id = o.customer_id
    RETURNING c.mirakl_customer_id
    """
)
_SET_DECISIONS = text(
    """
    UPDATE mirakl.order_lines AS l SET decision = given.decision
    FROM jsonb_to_recordset(CAST(:decisions AS jsonb)) AS given (order_line_id text, decision text)
    WHERE l.account_id = :account_id AND l.order_id = :order_id AND l.order_line_id = given.order_line_id
    """
)
_DEADLINES = text(
    """
    SELECT o.account_id, o.order_id, o.acceptance_deadline AS deadline, 'AcceptanceDeadline' AS process_name
    FROM mirakl.orders AS o
    WHERE o.account_id = :account_id AND o.mirakl_state = 'WAITING_ACCEPTANCE' AND o.acceptance_deadline <= :accept_by
      AND NOT EXISTS (SELECT FROM mirakl.process_failures AS f
                      WHERE f.account_id = o.account_id AND f.related_id = o.order_id
                        AND f.process_name = 'AcceptanceDeadline')
    UNION ALL
    SELECT o.account_id, o.order_id, o.shipping_deadline, 'ShippingDeadline'
    FROM mirakl.orders AS o
    WHERE o.account_id = :account_id AND o.mirakl_state = 'SHIPPING' AND o.shipping_deadline <= :ship_by
      AND NOT EXISTS (SELECT FROM mirakl.process_failures AS f
                      WHERE f.account_id = o.account_id AND f.related_id = o.order_id
                        AND f.process_name = 'ShippingDeadline')
    ORDER BY 3, 2
    LIMIT 500
    """
)


async def upsert_orders(
    session: AsyncSession, account_id: UUID, orders: str, lines: str
) -> Sequence[RowMapping]:
    """Write customers, orders and lines (JSON arrays); the orders that are new or have changed.

    An order identifier may stand once only in `orders`.
    """
    await session.execute(_UPSERT_CUSTOMERS, {"account_id": account_id, "orders": orders})
    values = {"account_id": account_id, "orders": orders}
    found = (await session.execute(_UPSERT_ORDERS, values)).mappings().all()
    if found:
        await session.execute(_UPSERT_LINES, {"account_id": account_id, "lines": lines})
    return found


async def select_statuses(
    session: AsyncSession, account_id: UUID, order_ids: Sequence[str]
) -> dict[str, str | None]:
    """Where each of some orders is; None for one without a history."""
    values = {"account_id": account_id, "order_ids": list(order_ids)}
    return {row.order_id: row.status for row in await session.execute(_STATUSES, values)}


async def wake_orders(
    session: AsyncSession, account_id: UUID, order_ids: Sequence[str], at: datetime
) -> None:
    """Make the steps of orders due; who has one in hand can no longer put it off."""
    await session.execute(_WAKE, {"account_id": account_id, "order_ids": list(order_ids), "at": at})


async def settle_intake(
    session: AsyncSession,
    account_id: UUID,
    process_name: str,
    order_ids: Sequence[str],
    *,
    at: datetime,
    resolution: str,
) -> None:
    """Close the open failures of taking some orders in."""
    values = {
        "account_id": account_id,
        "process_name": process_name,
        "order_ids": list(order_ids),
        "at": at,
        "resolution": resolution,
    }
    await session.execute(_SETTLE_INTAKE, values)


async def lock_parts(session: AsyncSession, account_id: UUID, order_ids: Sequence[str]) -> None:
    """Hold the components that were moved for some orders, until the end of the transaction."""
    await session.execute(_LOCK_PARTS, {"account_id": account_id, "order_ids": list(order_ids)})


async def update_watermark(session: AsyncSession, account_id: UUID, at: datetime) -> None:
    """Say up to where orders were taken in; never back."""
    await session.execute(_WATERMARK, {"account_id": account_id, "at": at})


async def map_lines(session: AsyncSession, account_id: UUID, order_id: str) -> None:
    """Find the variants of lines that had none, in the listings as they are mapped now."""
    await session.execute(_MAP_LINES, {"account_id": account_id, "order_id": order_id})


async def select_order(session: AsyncSession, account_id: UUID, order_id: str) -> RowMapping | None:
    """One order with its customer and where it is."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_ORDER, values)).mappings().first()


async def select_lines(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """The lines of an order."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_LINES, values)).mappings().all()


async def select_orders(
    session: AsyncSession,
    account_id: UUID,
    *,
    statuses: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """Orders, newest first."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "statuses": list(statuses) if statuses else None,
        "states": list(states) if states else None,
        "limit": limit,
    }
    return (await session.execute(_LIST, values)).mappings().all()


async def update_blocked(
    session: AsyncSession, account_id: UUID, order_id: str, *, is_blocked: bool
) -> str | None:
    """Block the buyer of an order, or let them buy again; the marketplace's identifier of the buyer.

    None where there is no such order, or nobody is known to have made it.
    """
    values = {"account_id": account_id, "order_id": order_id, "is_blocked": is_blocked}
    found: str | None = (await session.execute(_SET_BLOCKED, values)).scalar_one_or_none()
    return found


async def update_decisions(session: AsyncSession, account_id: UUID, order_id: str, decisions: str) -> None:
    """Write what was decided of each line (a JSON array)."""
    values = {"account_id": account_id, "order_id": order_id, "decisions": decisions}
    await session.execute(_SET_DECISIONS, values)


async def select_near_deadlines(
    session: AsyncSession, account_id: UUID, *, accept_by: datetime, ship_by: datetime
) -> Sequence[RowMapping]:
    """Orders whose deadline is near and was not warned of yet, the nearest first."""
    values = {"account_id": account_id, "accept_by": accept_by, "ship_by": ship_by}
    return (await session.execute(_DEADLINES, values)).mappings().all()
