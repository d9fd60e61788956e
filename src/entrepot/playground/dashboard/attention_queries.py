"""The SQL of what needs attention: how things stand now, beside how they usually are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.dashboard.queries import OF_ORIGIN, Origin

_MARKS = """
    SELECT count(DISTINCT (m.kind, m.entity_id, m.hour)) AS marks, min(m.hour) AS oldest
    FROM data_playground.metrics_dirty AS m
"""
_LAST_ROLL = """
    SELECT r.run_id, r.outcome, r.error, r.started_time, r.finished_time
    FROM data_playground.metrics_runs AS r
    WHERE r.outcome <> 'running'
    ORDER BY r.started_time DESC
    LIMIT 1
"""
#: What waits, by kind; how many buckets a span is, nobody knows before it is rolled. Some go on for ever.
_WAITING = """
    SELECT m.kind, count(DISTINCT (m.entity_id, m.hour)) AS marks, min(m.hour) AS oldest,
           max(coalesce(m.until, m.hour)) FILTER (WHERE isfinite(coalesce(m.until, m.hour))) AS latest
    FROM data_playground.metrics_dirty AS m
    GROUP BY 1
    ORDER BY 1
"""
_ROLLS = """
    SELECT r.run_id, r.outcome, r.error, r.started_time, r.seconds, r.buckets, r.rows_inserted, r.rows_updated,
           r.rows_deleted, r.rows_unchanged
    FROM data_playground.metrics_runs AS r
    ORDER BY r.started_time DESC
    LIMIT 30
"""


async def select_sold_out(session: AsyncSession, origin: Origin) -> int:
    """Products that open shops are out of now."""
    query = f"""
        SELECT count(*)
        FROM data_playground.shop_products AS f
        JOIN data_playground.shops AS s ON s.id = f.shop_id AND s.event_time = f.shop_event_time
        WHERE f.status = 'out_of_stock' AND s.status {OF_ORIGIN[origin]}
    """
    return int((await session.execute(text(query))).scalar_one())


async def select_payment_outcomes(
    session: AsyncSession, origin: Origin, *, end: datetime, recent: timedelta, usual: timedelta
) -> RowMapping:
    """Payments and failed ones in the last `recent`, and in the `usual` before it."""
    query = f"""
        SELECT count(*) FILTER (WHERE f.event_time >= :middle) AS recent_all,
               count(*) FILTER (WHERE f.event_time >= :middle AND f.event_type = 'payment_failed') AS recent_bad,
               count(*) FILTER (WHERE f.event_time < :middle) AS usual_all,
               count(*) FILTER (WHERE f.event_time < :middle AND f.event_type = 'payment_failed') AS usual_bad
        FROM data_playground.global_events AS f
        WHERE f.event_type IN ('payment_completed', 'payment_failed')
          AND f.event_time >= :low AND f.event_time < :end {OF_ORIGIN[origin]}
    """
    return await _one(session, query, _window(end, recent, usual))


async def select_request_outcomes(
    session: AsyncSession, origin: Origin, *, end: datetime, recent: timedelta, usual: timedelta
) -> RowMapping:
    """Requests and those answered with 5xx in the last `recent`, and in the `usual` before it."""
    query = f"""
        SELECT count(*) FILTER (WHERE f.event_time >= :middle) AS recent_all,
               count(*) FILTER (WHERE f.event_time >= :middle AND f.status_code >= 500) AS recent_bad,
               count(*) FILTER (WHERE f.event_time < :middle) AS usual_all,
               count(*) FILTER (WHERE f.event_time < :middle AND f.status_code >= 500) AS usual_bad
        FROM data_playground.request_response_logs AS f
        WHERE f.event_time >= :low AND f.event_time < :end {OF_ORIGIN[origin]}
    """
    return await _one(session, query, _window(end, recent, usual))


async def select_marks(session: AsyncSession) -> RowMapping:
    """How many buckets wait to be rolled, and the hour of the oldest of them."""
    return await _one(session, _MARKS, {})


async def select_last_roll(session: AsyncSession) -> RowMapping | None:
    """The last roll that ended."""
    return (await session.execute(text(_LAST_ROLL))).mappings().first()


async def select_waiting(session: AsyncSession) -> Sequence[RowMapping]:
    """What waits to be rolled, by kind of mark."""
    return (await session.execute(text(_WAITING))).mappings().all()


async def select_rolls(session: AsyncSession) -> Sequence[RowMapping]:
    """The last rolls, newest first."""
    return (await session.execute(text(_ROLLS))).mappings().all()


def _window(end: datetime, recent: timedelta, usual: timedelta) -> dict[str, Any]:
    return {"low": end - recent - usual, "middle": end - recent, "end": end}


async def _one(session: AsyncSession, query: str, parameters: dict[str, Any]) -> RowMapping:
    return (await session.execute(text(query), parameters)).mappings().one()
