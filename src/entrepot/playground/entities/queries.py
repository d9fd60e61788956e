"""The SQL of the registry: one entity, and how many there were and are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

#: What the registry calls an entity → the tables that may have it.
TABLES = {
    "user": ("users",),
    "user_shop": ("shops",),
    "shop_product": ("shop_products",),
    "user_invoice": ("invoices",),
    "user_payment": ("shop_order_payments", "invoice_payments"),
    "shop_order": ("shop_orders",),
    "shop_review": ("shop_reviews",),
    "shop_promotion": ("shop_promotions",),
    "user_payment_method": ("user_payment_methods",),
}
#: What the registry calls an entity → the column of an event that names one; the others are what it happened to.
NAMED_BY = {"user": "user_id", "user_shop": "shop_id", "shop_product": "product_id"}

_ENTITY = (
    "entity_id, entity_type, event_time, created_time, deactivated_time, reactivated_time, origin, extra_data"
)
BY_TIME = text(
    f"""
    SELECT {_ENTITY} FROM data_playground.global_entities
    WHERE entity_id = :id AND event_time >= :since AND event_time < :until
    """
)
BY_INDEX = text(
    f"SELECT {_ENTITY} FROM data_playground.global_entities WHERE entity_id = :id ORDER BY event_time LIMIT 1"
)


async def select_entity(
    session: AsyncSession, entity_id: UUID, *, since: datetime | None = None, until: datetime | None = None
) -> RowMapping | None:
    """The registry's entry of an id; with bounds of its time only the partitions between them are read."""
    values = {"id": entity_id, "since": since, "until": until}
    found = await session.execute(
        BY_INDEX if since is None else BY_TIME, {"id": entity_id} if since is None else values
    )
    return found.mappings().first()


async def select_row(
    session: AsyncSession, table: str, entity_id: UUID, event_time: datetime
) -> dict[str, Any] | None:
    """A row of one of `TABLES` by its key, by column."""
    statement = text(
        f"SELECT to_jsonb(r) FROM data_playground.{table} AS r WHERE r.id = :id AND r.event_time = :at"
    )
    return (await session.execute(statement, {"id": entity_id, "at": event_time})).scalar_one_or_none()


async def select_last_events(
    session: AsyncSession, entity_type: str, entity_id: UUID, since: datetime, limit: int
) -> Sequence[RowMapping]:
    """The last events of an entity, the newest first."""
    statement = text(
        f"""
        SELECT event_id, event_time, event_type, user_id, shop_id, product_id, caller_entity_id, session_id, quantity, amount,
               event_metadata, origin
        FROM data_playground.global_events
        WHERE {NAMED_BY.get(entity_type, "caller_entity_id")} = :id AND event_time >= :since
        ORDER BY event_time DESC, event_id DESC LIMIT :limit
        """
    )
    rows = await session.execute(statement, {"id": entity_id, "since": since, "limit": limit})
    return rows.mappings().all()


# Closed at a time: it had been closed by then, and was not opened again since.
_CLOSED = """
    (e.deactivated_time <= {at}
     AND NOT coalesce(e.reactivated_time >= e.deactivated_time AND e.reactivated_time <= {at}, false))
"""
CREATED = text(
    """
    SELECT date_trunc('day', e.event_time, 'UTC') AS day, e.entity_type, count(*) AS created,
           count(*) FILTER (WHERE e.origin = 'simulated') AS simulated
    FROM data_playground.global_entities AS e
    WHERE e.event_time >= :since AND e.event_time < :until
      AND (CAST(:entity_type AS text) IS NULL OR e.entity_type = CAST(:entity_type AS text))
    GROUP BY 1, 2 ORDER BY 1, 2
    """
)
POPULATION = text(
    f"""
    SELECT e.entity_type, count(*) AS created, count(*) FILTER (WHERE {_CLOSED.format(at=":at")}) AS closed,
           count(*) FILTER (WHERE NOT coalesce({_CLOSED.format(at=":at")}, false)) AS alive
    FROM data_playground.global_entities AS e
    WHERE e.event_time <= :at
    GROUP BY e.entity_type ORDER BY e.entity_type
    """
)
FUNNEL = text(
    """
    WITH leads AS (
        SELECT e.entity_id AS id, e.event_time, e.deactivated_time
        FROM data_playground.global_entities AS e
        WHERE e.entity_type = 'user' AND e.event_time >= :since AND e.event_time < :until
    ),
    shops AS (
        SELECT s.owner_id AS id, min(s.event_time) AS opened FROM data_playground.shops AS s
        WHERE s.event_time >= :since AND s.event_time < :at GROUP BY s.owner_id
    ),
    payments AS (
        SELECT p.user_id AS id, min(p.event_time) AS paid FROM data_playground.global_events AS p
        WHERE p.event_type = 'payment_completed' AND p.event_time >= :since AND p.event_time < :at GROUP BY p.user_id
    ),
    stages AS (
        SELECT l.event_time, s.opened, p.paid, CASE WHEN l.deactivated_time < :at THEN l.deactivated_time END AS closed
        FROM leads AS l LEFT JOIN shops AS s USING (id) LEFT JOIN payments AS p USING (id)
    )
    SELECT count(*) AS leads, count(opened) AS prospects, count(paid) AS customers, count(closed) AS churned,
           count(*) FILTER (WHERE opened IS NOT NULL AND paid IS NOT NULL) AS paying_prospects,
           count(*) FILTER (WHERE opened IS NOT NULL AND paid IS NOT NULL AND closed IS NOT NULL) AS churned_prospects,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY opened - event_time) AS until_prospect,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY paid - event_time) AS until_customer,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY closed - event_time) AS until_churn
    FROM stages
    """
)
FLOWS = text(
    f"""
    SELECT CASE e.entity_type WHEN 'user' THEN 'users' ELSE 'shops' END AS source,
           CASE WHEN coalesce({_CLOSED.format(at=":at")}, false) THEN 'closed' ELSE 'active' END AS target, count(*) AS entities
    FROM data_playground.global_entities AS e
    WHERE e.entity_type IN ('user', 'user_shop') AND e.event_time >= :since AND e.event_time < :until
    GROUP BY 1, 2
    UNION ALL
    SELECT 'users', 'shops', count(DISTINCT s.owner_id)
    FROM data_playground.shops AS s
    JOIN data_playground.global_entities AS e
      ON e.entity_id = s.owner_id AND e.event_time = s.owner_event_time
    WHERE s.event_time >= :since AND s.event_time < :until AND e.event_time >= :since AND e.event_time < :until
    """
)


async def select_created(
    session: AsyncSession, since: datetime, until: datetime, entity_type: str | None
) -> Sequence[RowMapping]:
    """How many entities of each type came to be on each day."""
    values = {"since": since, "until": until, "entity_type": entity_type}
    return (await session.execute(CREATED, values)).mappings().all()


async def select_population(session: AsyncSession, at: datetime) -> Sequence[RowMapping]:
    """How many entities of each type there were at a time."""
    return (await session.execute(POPULATION, {"at": at})).mappings().all()


async def select_funnel(session: AsyncSession, since: datetime, until: datetime, at: datetime) -> RowMapping:
    """How far those who signed up from `since` to before `until` had come by `at`."""
    return (await session.execute(FUNNEL, {"since": since, "until": until, "at": at})).mappings().one()


async def select_flows(
    session: AsyncSession, since: datetime, until: datetime, at: datetime
) -> Sequence[RowMapping]:
    """What had become by `at` of the users and shops that came from `since` to before `until`."""
    return (await session.execute(FLOWS, {"since": since, "until": until, "at": at})).mappings().all()
