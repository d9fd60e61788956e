"""Every SQL statement about transaction logs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.mirakl.failures.plain import plain_json

# A line is what the marketplace said of it last: an older reading, by a worker that was slower, changes nothing.
_UPSERT = text(
    """
    INSERT INTO mirakl.transaction_logs AS known
        (account_id, transaction_id, transaction_type, order_id, order_line_id, amount, currency_code, payment_state,
         date_created, last_updated, raw_data)
    SELECT :account_id, transaction_id, transaction_type, order_id, order_line_id, amount, currency_code,
           payment_state, date_created, last_updated, raw_data
    FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS read
         (transaction_id text, transaction_type text, order_id text, order_line_id text, amount numeric,
          currency_code text, payment_state text, date_created timestamptz, last_updated timestamptz, raw_data jsonb)
    ORDER BY transaction_id
    ON CONFLICT (account_id, transaction_id) DO UPDATE
    SET transaction_type = excluded.transaction_type, order_id = excluded.order_id,
        order_line_id = excluded.order_line_id, amount = excluded.amount, currency_code = excluded.currency_code,
        payment_state = excluded.payment_state, date_created = excluded.date_created,
        last_updated = excluded.last_updated, raw_data = excluded.raw_data
    WHERE excluded.last_updated >= known.last_updated AND excluded.raw_data <> known.raw_data
    RETURNING transaction_id
    """
)
_ADVANCE = text(
    """
    UPDATE mirakl.accounts SET transactions_since = greatest(transactions_since, :up_to)
    WHERE id = :account_id AND (transactions_since IS NULL OR transactions_since < :up_to)
    """
)
_SINCE = text("SELECT transactions_since FROM mirakl.accounts WHERE id = :account_id")
# Each side by its own index and no further than it is read.
_ORDER_IDS = text(
    """
    SELECT order_id FROM (
        (SELECT order_id FROM mirakl.orders
         WHERE account_id = :account_id AND order_id > :after
           AND (CAST(:since AS timestamptz) IS NULL OR order_created_at >= :since)
         ORDER BY order_id LIMIT :limit)
        UNION
        (SELECT DISTINCT order_id FROM mirakl.transaction_logs
         WHERE account_id = :account_id AND order_id > :after
           AND (CAST(:since AS timestamptz) IS NULL OR date_created >= :since)
         ORDER BY order_id LIMIT :limit)
    ) AS known
    ORDER BY order_id LIMIT :limit
    """
)
_SUMS = text(
    """
    SELECT order_id, currency_code, transaction_type, sum(amount) AS amount, count(*) AS lines,
           count(*) FILTER (WHERE payment_state = 'PAID') AS paid
    FROM mirakl.transaction_logs
    WHERE account_id = :account_id AND order_id = ANY (CAST(:order_ids AS text[]))
    GROUP BY order_id, currency_code, transaction_type
    ORDER BY order_id, currency_code, transaction_type
    """
)
_ACCOUNT_SUMS = text(
    """
    SELECT CAST(NULL AS text) AS order_id, currency_code, transaction_type, sum(amount) AS amount,
           count(*) AS lines, count(*) FILTER (WHERE payment_state = 'PAID') AS paid
    FROM mirakl.transaction_logs
    WHERE account_id = :account_id AND order_id IS NULL
      AND (CAST(:since AS timestamptz) IS NULL OR date_created >= :since)
    GROUP BY currency_code, transaction_type
    ORDER BY currency_code, transaction_type
    """
)
_ORDERS = text(
    """
    SELECT order_id, mirakl_state, currency_code, order_updated_at, raw_order_data
    FROM mirakl.orders
    WHERE account_id = :account_id AND order_id = ANY (CAST(:order_ids AS text[]))
    """
)
_LINES = text(
    """
    SELECT transaction_id, transaction_type, order_line_id, amount, currency_code, payment_state, date_created
    FROM mirakl.transaction_logs
    WHERE account_id = :account_id AND order_id = :order_id
    ORDER BY date_created, transaction_id
    """
)


async def upsert_lines(session: AsyncSession, account_id: UUID, lines: Sequence[Mapping[str, Any]]) -> int:
    """Take lines in, each named once; how many were new or had changed."""
    values = {"account_id": account_id, "lines": plain_json(lines)}
    return len((await session.execute(_UPSERT, values)).all())


async def select_since(session: AsyncSession, account_id: UUID) -> datetime | None:
    """Up to where the lines of an account were taken in."""
    found: datetime | None = (await session.execute(_SINCE, {"account_id": account_id})).scalar_one_or_none()
    return found


async def update_since(session: AsyncSession, account_id: UUID, up_to: datetime) -> None:
    """Note up to where the lines were taken in; never back."""
    await session.execute(_ADVANCE, {"account_id": account_id, "up_to": up_to})


async def select_order_ids(
    session: AsyncSession,
    account_id: UUID,
    *,
    after: str,
    limit: int,
    since: datetime | None,
) -> Sequence[str]:
    """The next orders that were taken in or that lines are of."""
    values = {"account_id": account_id, "after": after, "limit": limit, "since": since}
    return (await session.execute(_ORDER_IDS, values)).scalars().all()


async def select_sums(
    session: AsyncSession, account_id: UUID, order_ids: Sequence[str]
) -> Sequence[RowMapping]:
    """The sums of the lines of orders, by currency and type."""
    values = {"account_id": account_id, "order_ids": list(order_ids)}
    return (await session.execute(_SUMS, values)).mappings().all()


async def select_account_sums(
    session: AsyncSession, account_id: UUID, since: datetime | None
) -> Sequence[RowMapping]:
    """The sums of the lines that are of no order, by currency and type."""
    return (await session.execute(_ACCOUNT_SUMS, {"account_id": account_id, "since": since})).mappings().all()


async def select_orders(
    session: AsyncSession, account_id: UUID, order_ids: Sequence[str]
) -> Sequence[RowMapping]:
    """Orders as they were last read."""
    values = {"account_id": account_id, "order_ids": list(order_ids)}
    return (await session.execute(_ORDERS, values)).mappings().all()


async def select_lines(session: AsyncSession, account_id: UUID, order_id: str) -> Sequence[RowMapping]:
    """The lines of one order, oldest first."""
    values = {"account_id": account_id, "order_id": order_id}
    return (await session.execute(_LINES, values)).mappings().all()
