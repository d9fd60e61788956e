"""The SQL of experiments as they are written, of what was assigned, and of what is recorded."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place
from entrepot.marketplace.experiments.tables import ExperimentAudience, ExperimentBucket

_CURRENT = text(
    """
    SELECT DISTINCT ON (d.experiment_key) d.id, d.experiment_key, d.version, d.state
    FROM marketplace.hm_experiment_definition AS d
    WHERE d.platform_id = :platform_id AND d.state <> 'DRAFT'
    ORDER BY d.experiment_key, (d.state IN ('ACTIVE', 'PAUSED')) DESC, d.version DESC
    """
)
_DEFINITIONS = text(
    """
    SELECT d.* FROM marketplace.hm_experiment_definition AS d WHERE d.id = ANY (CAST(:ids AS uuid[]))
    """
)
_BUCKETS = text(
    """
    SELECT b.experiment_id, b.variant_key, b.payload_json, b.allocation_weight, b.is_control, b.range_start, b.range_end
    FROM marketplace.hm_experiment_bucket AS b
    WHERE b.experiment_id = ANY (CAST(:ids AS uuid[])) ORDER BY b.experiment_id, b.position
    """
)
_AUDIENCES = text(
    """
    SELECT a.experiment_id, a.rule_name, a.rule_json, a.priority
    FROM marketplace.hm_experiment_audience AS a
    WHERE a.experiment_id = ANY (CAST(:ids AS uuid[])) ORDER BY a.experiment_id, a.position
    """
)
_NAMESPACE = text(
    """
    SELECT d.experiment_key, d.namespace_start, d.namespace_end
    FROM marketplace.hm_experiment_definition AS d
    WHERE d.platform_id = :platform_id AND d.state IN ('ACTIVE', 'PAUSED') AND d.namespace_key = :namespace
      AND d.experiment_key <> :key
      AND numrange(d.namespace_start, d.namespace_end) && numrange(CAST(:start AS numeric), CAST(:end AS numeric))
    ORDER BY d.namespace_start LIMIT 1
    """
)
_OVERRIDES = text(
    """
    SELECT o.experiment_key, o.entity_id, o.variant_key
    FROM marketplace.hm_experiment_override AS o WHERE o.platform_id = :platform_id
    """
)
_OVERRIDES_OF = text(
    """
    SELECT o.entity_id, o.variant_key, o.created_by, o.created_at
    FROM marketplace.hm_experiment_override AS o
    WHERE o.platform_id = :platform_id AND o.experiment_key = :key ORDER BY o.entity_id
    """
)
_SET_OVERRIDE = text(
    """
    INSERT INTO marketplace.hm_experiment_override (platform_id, experiment_key, entity_id, variant_key, created_by)
    VALUES (:platform_id, :key, :entity, :variant, :created_by)
    ON CONFLICT (platform_id, experiment_key, entity_id)
    DO UPDATE SET variant_key = EXCLUDED.variant_key, created_by = EXCLUDED.created_by
    RETURNING entity_id, variant_key, created_by, created_at
    """
)
_DROP_OVERRIDE = text(
    """
    DELETE FROM marketplace.hm_experiment_override
    WHERE platform_id = :platform_id AND experiment_key = :key AND entity_id = :entity RETURNING entity_id
    """
)
_ASSIGNMENTS = text(
    """
    SELECT a.experiment_key, a.entity_id, a.variant_key, a.bucket_version, a.first_bucket_version
    FROM unnest(CAST(:keys AS text[]), CAST(:entities AS text[])) AS wanted (experiment_key, entity_id)
    JOIN marketplace.hm_experiment_assignment AS a
      ON a.platform_id = :platform_id AND a.experiment_key = wanted.experiment_key AND a.entity_id = wanted.entity_id
    """
)
# Whoever comes first with an entity wins; whoever comes second gets no row back, and reads. An assignment of another
# bucket version, or to a variant that the experiment does not have any more (`gone`), gives way.
_KEEP = text(
    """
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g (experiment_key text, entity_id text,
            variant_key text, context jsonb, bucket_version integer, first_bucket_version integer, gone text)
    ), found AS (
        SELECT known.id, given.variant_key, given.context
        FROM given
        JOIN marketplace.hm_experiment_assignment AS known
          ON known.platform_id = :platform_id AND known.experiment_key = given.experiment_key
         AND known.entity_id = given.entity_id AND known.bucket_version = given.bucket_version
         AND known.variant_key = given.gone
        ORDER BY known.experiment_key, known.entity_id
        FOR UPDATE OF known
    ), cleared AS (
        UPDATE marketplace.hm_experiment_assignment AS known
        SET variant_key = found.variant_key, context_json = found.context, assigned_at = clock_timestamp()
        FROM found
        WHERE known.platform_id = :platform_id AND known.id = found.id
        RETURNING known.experiment_key, known.entity_id, known.variant_key
    ), kept AS (
        INSERT INTO marketplace.hm_experiment_assignment AS known (platform_id, experiment_key, entity_id, variant_key,
            context_json, bucket_version, first_bucket_version)
        SELECT :platform_id, given.experiment_key, given.entity_id, given.variant_key, given.context,
               given.bucket_version, given.first_bucket_version
        FROM given WHERE given.gone IS NULL
        ORDER BY given.experiment_key, given.entity_id
        ON CONFLICT (platform_id, experiment_key, entity_id) DO UPDATE
        SET variant_key = EXCLUDED.variant_key, context_json = EXCLUDED.context_json,
            bucket_version = EXCLUDED.bucket_version, assigned_at = clock_timestamp(),
            first_bucket_version = least(known.first_bucket_version, EXCLUDED.first_bucket_version)
        WHERE known.bucket_version < EXCLUDED.bucket_version
        RETURNING known.experiment_key, known.entity_id, known.variant_key
    )
    SELECT * FROM cleared UNION ALL SELECT * FROM kept
    """
)
# Joined to its definition, an exposure of a platform that has just been deleted is left out instead of failing the rest.
# A batch whose outcome is unknown is written again; what is there stays.
_EXPOSURES = text(
    """
    INSERT INTO marketplace.hm_experiment_exposure (id, exposed_at, platform_id, experiment_id, experiment_key, entity_id,
        variant_key, reason, bucket_version, trace_id)
    SELECT e.id, e.exposed_at, d.platform_id, d.id, d.experiment_key, e.entity_id, e.variant_key, e.reason,
           d.bucket_version, e.trace_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[]), CAST(:definitions AS uuid[]),
                CAST(:entities AS text[]), CAST(:variants AS text[]), CAST(:reasons AS text[]), CAST(:traces AS text[]))
         AS e (id, exposed_at, experiment_id, entity_id, variant_key, reason, trace_id)
    JOIN marketplace.hm_experiment_definition AS d ON d.platform_id = :platform_id AND d.id = e.experiment_id
    ON CONFLICT DO NOTHING
    """
)
_METRICS = text(
    """
    INSERT INTO marketplace.hm_experiment_metric (platform_id, experiment_key, entity_id, metric_key, value,
        currency_code, occurred_at, dedupe_key)
    SELECT :platform_id, :key, m.entity_id, m.metric_key, m.value, m.currency_code, m.occurred_at, m.dedupe_key
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS m (entity_id text, metric_key text, value numeric,
        currency_code text, occurred_at timestamptz, dedupe_key text)
    ON CONFLICT (platform_id, experiment_key, dedupe_key) DO NOTHING
    RETURNING id
    """
)
_RECENT = """
    SELECT e.id, e.exposed_at, e.entity_id, e.variant_key, e.reason, e.bucket_version, e.trace_id, d.version
    FROM marketplace.hm_experiment_exposure AS e
    JOIN marketplace.hm_experiment_definition AS d ON d.platform_id = e.platform_id AND d.id = e.experiment_id
    WHERE e.platform_id = :platform_id AND e.experiment_key = :key{where}
    ORDER BY e.exposed_at {order}, e.id {order} LIMIT :limit
"""


async def select_current(session: AsyncSession, platform_id: UUID) -> Sequence[RowMapping]:
    """The version of each experiment that counts: the live one, or the newest that came to its end."""
    return (await session.execute(_CURRENT, {"platform_id": platform_id})).mappings().all()


async def select_definitions(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The definition rows of versions."""
    return (await session.execute(_DEFINITIONS, {"ids": list(ids)})).mappings().all()


async def select_buckets(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The buckets of versions, in the order of the documents."""
    return (await session.execute(_BUCKETS, {"ids": list(ids)})).mappings().all()


async def select_audiences(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The audience rules of versions, in the order of the documents."""
    return (await session.execute(_AUDIENCES, {"ids": list(ids)})).mappings().all()


async def insert_parts(
    session: AsyncSession, buckets: Sequence[Mapping[str, Any]], audiences: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the buckets and the audience rules of a version."""
    await session.execute(insert(ExperimentBucket), list(buckets))
    if audiences:
        await session.execute(insert(ExperimentAudience), list(audiences))


async def select_neighbor(
    session: AsyncSession, platform_id: UUID, key: str, namespace: str, start: Any, end: Any
) -> RowMapping | None:
    """Another live experiment whose part of a namespace overlaps this one."""
    values = {"platform_id": platform_id, "key": key, "namespace": namespace, "start": start, "end": end}
    return (await session.execute(_NAMESPACE, values)).mappings().first()


async def select_overrides(session: AsyncSession, platform_id: UUID) -> Sequence[RowMapping]:
    """Every forced variant of a platform."""
    return (await session.execute(_OVERRIDES, {"platform_id": platform_id})).mappings().all()


async def select_overrides_of(session: AsyncSession, platform_id: UUID, key: str) -> Sequence[RowMapping]:
    """The forced variants of an experiment."""
    return (await session.execute(_OVERRIDES_OF, {"platform_id": platform_id, "key": key})).mappings().all()


async def set_override(
    session: AsyncSession, platform_id: UUID, key: str, entity: str, variant: str, *, created_by: UUID | None
) -> RowMapping:
    """Force a variant for an entity, in place of one that was forced before."""
    values = {
        "platform_id": platform_id,
        "key": key,
        "entity": entity,
        "variant": variant,
        "created_by": created_by,
    }
    return (await session.execute(_SET_OVERRIDE, values)).mappings().one()


async def drop_override(session: AsyncSession, platform_id: UUID, key: str, entity: str) -> bool:
    """Force nothing for an entity any more; False where nothing was forced."""
    values = {"platform_id": platform_id, "key": key, "entity": entity}
    return (await session.execute(_DROP_OVERRIDE, values)).first() is not None


async def select_assignments(
    session: AsyncSession, platform_id: UUID, wanted: Sequence[tuple[str, str]]
) -> Sequence[RowMapping]:
    """What is kept of pairs of an experiment's key and an entity."""
    values = {
        "platform_id": platform_id,
        "keys": [key for key, _ in wanted],
        "entities": [entity for _, entity in wanted],
    }
    return (await session.execute(_ASSIGNMENTS, values)).mappings().all()


async def keep_assignments(
    session: AsyncSession, platform_id: UUID, rows: Sequence[Mapping[str, Any]]
) -> Sequence[RowMapping]:
    """Keep assignments; gives back those that were kept, and not those that another was quicker with."""
    values = {"platform_id": platform_id, "rows": orjson.dumps(list(rows)).decode()}
    return (await session.execute(_KEEP, values)).mappings().all()


async def insert_exposures(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert a batch of exposures of one platform, a list a column."""
    await session.execute(_EXPOSURES, values)


async def insert_metrics(
    session: AsyncSession, platform_id: UUID, key: str, rows: Sequence[Mapping[str, Any]]
) -> int:
    """Insert what entities did; gives how many were not there under their dedupe key already."""
    values = {"platform_id": platform_id, "key": key, "rows": orjson.dumps(list(rows)).decode()}
    return len((await session.execute(_METRICS, values)).all())


async def select_exposures(
    session: AsyncSession,
    platform_id: UUID,
    key: str,
    *,
    entity: str | None = None,
    variant: str | None = None,
    at: Place | None = None,
    limit: int,
) -> Sequence[RowMapping]:
    """The exposures of an experiment, the newest first."""
    values: dict[str, Any] = {"platform_id": platform_id, "key": key, "limit": limit}
    where = ""
    if entity is not None:
        where += " AND e.entity_id = :entity"
        values["entity"] = entity
    if variant is not None:
        where += " AND e.variant_key = :variant"
        values["variant"] = variant
    backward = at is not None and at.backward
    if at is not None and at.values:
        where += f" AND (e.exposed_at, e.id) {'>' if backward else '<'} (:at, :id)"
        values |= {"at": at.values[0], "id": at.values[1]}
    statement = _RECENT.format(where=where, order="ASC" if backward else "DESC")
    return (await session.execute(text(statement), values)).mappings().all()
