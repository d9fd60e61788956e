"""The SQL of the metrics tables as the API gives them: newest bucket first, a page at a time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place
from entrepot.playground.dashboard.queries import SUFFIX
from entrepot.playground.dashboard.ranges import Range
from entrepot.playground.metrics.tables import ShopMetricsHourly, ShopProductMetricsHourly, UserMetricsHourly

#: Plural in the address → table without its grain, column of the entity, names of the metrics.
_KEYS = {"id", "event_time", "partition_key", "extra_metrics"}
_TABLES = {
    "users": ("user_metrics", "user_id", UserMetricsHourly),
    "shops": ("shop_metrics", "shop_id", ShopMetricsHourly),
    "products": ("shop_product_metrics", "product_id", ShopProductMetricsHourly),
}
METRICS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    plural: (
        table,
        entity,
        tuple(
            column.name
            for column in model.__table__.columns
            if column.name not in _KEYS
            and not column.name.startswith(entity.removesuffix("_id") + "_event")
            and column.name != entity
        ),
    )
    for plural, (table, entity, model) in _TABLES.items()
}
ORDER = "bucket"
KEY: tuple[Callable[[str], Any], ...] = (datetime.fromisoformat, UUID)


async def select_metrics(
    session: AsyncSession, of: str, over: Range, *, entity: UUID | None, at: Place | None, limit: int
) -> Sequence[RowMapping]:
    """Up to `limit` rows of metrics of a range, of one entity or of all, from a place on in either direction."""
    table, key, _ = METRICS[of]
    upward = at is not None and at.backward
    direction, beyond = ("ASC", ">") if upward else ("DESC", "<")
    conditions = ["f.event_time >= :start", "f.event_time < :end"]
    values: dict[str, Any] = {"start": over.start, "end": over.end, "limit": limit}
    if entity is not None:
        conditions.append(f"f.{key} = :entity")
        values["entity"] = entity
    if at is not None:
        conditions.append(f"f.event_time {beyond}= :at_time")
        conditions.append(f"(f.event_time, f.{key}) {beyond} (:at_time, CAST(:at_id AS uuid))")
        values |= {"at_time": at.values[0], "at_id": at.values[1]}
    query = f"""
        SELECT f.*, f.{key} AS entity_id
        FROM data_playground.{table}_{SUFFIX[over.grain]} AS f
        WHERE {" AND ".join(conditions)}
        ORDER BY f.event_time {direction}, f.{key} {direction}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()
