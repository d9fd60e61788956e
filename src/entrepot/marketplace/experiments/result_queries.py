"""The SQL of results: exposures and metrics added up in the database, however many there are."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

# The first exposure of each entity under the present bucket version, and whether it saw more than one variant since.
_SEEN = """
    seen AS (
        SELECT e.entity_id, min(e.exposed_at) AS exposed_at, min(e.variant_key) AS variant_key,
               min(e.variant_key) <> max(e.variant_key) AS mixed,
               (array_agg(e.experiment_id ORDER BY e.exposed_at))[1] AS experiment_id,
               (array_agg(e.reason ORDER BY e.exposed_at))[1] AS reason
        FROM marketplace.hm_experiment_exposure AS e
        WHERE e.platform_id = :platform_id AND e.experiment_key = :key AND e.bucket_version = :bucket_version
        GROUP BY e.entity_id
    )
"""
# An entity that was assigned before it was first exposed was drawn by the version that was live then: its weights count.
_ENTITIES = text(
    f"""
    WITH {_SEEN}
    SELECT coalesce(drawn.experiment_id, seen.experiment_id) AS experiment_id,
           CASE WHEN NOT seen.mixed THEN seen.variant_key END AS variant_key, count(*) AS entities,
           min(seen.exposed_at) AS first_exposed_at, max(seen.exposed_at) AS last_exposed_at
    FROM seen
    LEFT JOIN LATERAL (
        SELECT d.id AS experiment_id
        FROM marketplace.hm_experiment_assignment AS a
        JOIN marketplace.hm_experiment_definition AS d
          ON d.platform_id = a.platform_id AND d.experiment_key = a.experiment_key AND d.published_at <= a.assigned_at
        WHERE seen.reason = 'sticky' AND a.platform_id = :platform_id AND a.experiment_key = :key
          AND a.entity_id = seen.entity_id
        ORDER BY d.published_at DESC LIMIT 1
    ) AS drawn ON true
    GROUP BY 1, 2
    """
)
# What an entity did before its first exposure is its pre-period; entities that did nothing add nothing to any sum.
_SUMS = text(
    f"""
    WITH {_SEEN}, metric AS (
        SELECT * FROM jsonb_to_recordset(CAST(:metrics AS jsonb)) AS m (metric_key text, type text)
    ), did AS (
        SELECT seen.variant_key, metric.metric_key, metric.type, seen.entity_id,
               min(did.currency_code) AS first_currency, max(did.currency_code) AS last_currency,
               sum(did.value) FILTER (WHERE did.occurred_at >= seen.exposed_at) AS after,
               sum(did.value) FILTER (WHERE did.occurred_at < seen.exposed_at) AS before
        FROM metric
        JOIN marketplace.hm_experiment_metric AS did
          ON did.platform_id = :platform_id AND did.experiment_key = :key AND did.metric_key = metric.metric_key
        JOIN seen ON seen.entity_id = did.entity_id AND NOT seen.mixed
        WHERE did.occurred_at >= seen.exposed_at - make_interval(days => :pre_period_days)
        GROUP BY seen.variant_key, metric.metric_key, metric.type, seen.entity_id
    ), entity AS (
        SELECT variant_key, metric_key, first_currency, last_currency,
               CASE type WHEN 'CONVERSION' THEN (coalesce(after, 0) > 0)::int ELSE coalesce(after, 0) END AS y,
               CASE type WHEN 'CONVERSION' THEN (coalesce(before, 0) > 0)::int ELSE coalesce(before, 0) END AS x
        FROM did
    )
    SELECT variant_key, metric_key, min(first_currency) AS first_currency, max(last_currency) AS last_currency,
           sum(y) AS total, sum(y * y) AS squares, sum(x) AS before, sum(x * x) AS before_squares, sum(x * y) AS products
    FROM entity GROUP BY variant_key, metric_key
    """
)
_KEEP = text(
    """
    INSERT INTO marketplace.hm_experiment_result (platform_id, experiment_id, experiment_key, computed_at, metric_key,
        metric_type, is_guardrail, variant_key, is_control, entities, mean, difference, lower, upper, p_value,
        is_significant, is_worse, variance_reduction, sample_ratio_p_value, withheld)
    SELECT :platform_id, :experiment_id, :key, :computed_at, r.metric_key, r.metric_type, r.is_guardrail, r.variant_key,
           r.is_control, r.entities, r.mean, r.difference, r.lower, r.upper, r.p_value, r.is_significant, r.is_worse,
           r.variance_reduction, r.sample_ratio_p_value, r.withheld
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (metric_key text, metric_type text, is_guardrail boolean,
        variant_key text, is_control boolean, entities bigint, mean double precision, difference double precision,
        lower double precision, upper double precision, p_value double precision, is_significant boolean,
        is_worse boolean, variance_reduction double precision, sample_ratio_p_value double precision, withheld text)
    """
)


async def select_entities(
    session: AsyncSession, platform_id: UUID, key: str, bucket_version: int
) -> Sequence[RowMapping]:
    """How many entities saw which variant first under which version; a null variant is more than one."""
    values = {"platform_id": platform_id, "key": key, "bucket_version": bucket_version}
    return (await session.execute(_ENTITIES, values)).mappings().all()


async def select_sums(
    session: AsyncSession,
    platform_id: UUID,
    key: str,
    bucket_version: int,
    metrics: Sequence[Mapping[str, str]],
    pre_period_days: int,
) -> Sequence[RowMapping]:
    """The sums of each metric by variant, over the entities that did anything."""
    values = {
        "platform_id": platform_id,
        "key": key,
        "bucket_version": bucket_version,
        "metrics": orjson.dumps(list(metrics)).decode(),
        "pre_period_days": pre_period_days,
    }
    return (await session.execute(_SUMS, values)).mappings().all()


async def insert_results(
    session: AsyncSession,
    platform_id: UUID,
    experiment_id: UUID,
    key: str,
    computed_at: Any,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Keep what an analysis found."""
    values = {
        "platform_id": platform_id,
        "experiment_id": experiment_id,
        "key": key,
        "computed_at": computed_at,
        "rows": orjson.dumps(list(rows)).decode(),
    }
    await session.execute(_KEEP, values)
