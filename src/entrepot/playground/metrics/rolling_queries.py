"""The statements of a roll: what is dirty, which cells that makes, and how the rows are written."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Result, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.metrics.computing_queries import HIGH, LOW, computed, stock
from entrepot.playground.metrics.kind_queries import Kind, Span

#: One roll at a time.
LOCK = "hashtext('entrepot.metrics.roll')"
#: A roll sorts and hashes its cells in memory; what it takes is given back when its transaction ends.
#: It does not wait for the disk: marks and rows are of one transaction, and what a crash takes is marked again.
PREPARE = text(
    """
    SELECT set_config('work_mem', '256MB', true), set_config('maintenance_work_mem', '256MB', true),
           set_config('hash_mem_multiplier', '2', true), set_config('default_statistics_target', '20', true),
           set_config('max_parallel_workers_per_gather', '0', true), set_config('synchronous_commit', 'off', true)
    """
)
#: The marks that each kind of metrics takes.
MARKS_OF = {
    "user": ("user",),
    "shop": ("shop", "shop_stock", "promotion"),
    "product": ("product", "stock"),
}
WAIT = text(f"SELECT pg_advisory_xact_lock({LOCK})")
TRY = text(f"SELECT pg_try_advisory_xact_lock({LOCK})")
ANY_DIRTY = text("SELECT EXISTS (SELECT FROM data_playground.metrics_dirty)")

BEGIN_RUN = text(
    """
    INSERT INTO data_playground.metrics_runs (from_time, to_time) VALUES (:start, :end) RETURNING run_id
    """
)
#: A run that still runs when its lock is free was killed.
BURY = text(
    """
    UPDATE data_playground.metrics_runs SET outcome = 'failed', finished_time = now(), error = 'It was interrupted.'
    WHERE outcome = 'running'
    """
)
END_RUN = text(
    """
    UPDATE data_playground.metrics_runs
    SET finished_time = clock_timestamp(), buckets = :buckets, rows_inserted = :inserted, rows_updated = :updated,
        rows_deleted = :deleted, rows_unchanged = :unchanged, seconds = :seconds, outcome = :outcome, error = :error
    WHERE run_id = :run_id
    """
)
ANNOUNCE = text(
    """
    INSERT INTO data_playground.global_events (event_time, event_type, event_metadata, origin)
    VALUES (clock_timestamp(), :event_type, :metadata, 'warehouse')
    """
).bindparams(bindparam("metadata", type_=JSONB))

#: How far the facts of each origin reach: the simulated world has a clock of its own, the rest live by ours.
ADVANCE = text(
    """
    WITH before AS (SELECT origin, reached FROM data_playground.metrics_clocks),
    since AS (SELECT coalesce((SELECT reached FROM before WHERE origin = 'simulated'), '-infinity') AS reached),
    facts AS (
        SELECT max(last.event_time) AS reached
        FROM unnest(CAST(:event_types AS text[])) AS t(event_type) CROSS JOIN since
        CROSS JOIN LATERAL (
            SELECT e.event_time FROM data_playground.global_events AS e
            WHERE e.event_type = t.event_type AND e.event_time >= since.reached AND e.origin = 'simulated'
            ORDER BY e.event_time DESC LIMIT 1) AS last
        UNION ALL
        SELECT max(l.event_time) FROM data_playground.shop_inventory_logs AS l, since
        WHERE l.event_time >= since.reached AND l.origin = 'simulated'
        UNION ALL
        SELECT reached FROM before WHERE origin = 'simulated'
    ),
    now AS (
        -- A world that is there says itself what time it is, and another one in its place may end earlier.
        SELECT 'simulated' AS origin,
               greatest(coalesce((SELECT clock FROM data_playground.world_runs WHERE state <> 'cleared'),
                                 (SELECT max(reached) FROM facts)), CAST(:until AS timestamptz)) AS reached
        UNION ALL
        SELECT p.origin, greatest(now(), :until) FROM data_playground.shop_products AS p
        WHERE p.origin <> 'simulated' GROUP BY p.origin
    ),
    moved AS (
        INSERT INTO data_playground.metrics_clocks AS c (origin, reached)
        SELECT now.origin, now.reached FROM now WHERE now.reached IS NOT NULL
        ON CONFLICT (origin) DO UPDATE SET reached = excluded.reached WHERE c.reached <> excluded.reached
        RETURNING c.origin
    )
    -- Products that had nothing to sell where the clock stood, or where a span ends that is to be rolled: their time goes on
    -- from there, whatever came since.
    INSERT INTO data_playground.metrics_dirty (kind, entity_id, hour)
    SELECT 'stock', p.id, date_bin(interval '1 hour', stood.reached, timestamptz '2000-01-01 00:00:00+00')
    FROM (SELECT before.origin, before.reached FROM moved JOIN before USING (origin)
          UNION
          SELECT now.origin, d.until FROM data_playground.metrics_dirty AS d JOIN now ON d.until < now.reached
          WHERE d.kind = 'span') AS stood
    JOIN data_playground.shop_products AS p USING (origin)
    CROSS JOIN LATERAL (
        SELECT l.quantity_after FROM data_playground.shop_inventory_logs AS l
        WHERE l.product_id = p.id AND l.event_time <= stood.reached ORDER BY l.event_time DESC, l.id DESC LIMIT 1) AS last
    WHERE last.quantity_after <= 0
    """
)

SPANS = text(
    """
    SELECT mark_id, hour, until FROM data_playground.metrics_dirty
    WHERE kind = 'span' AND until > coalesce(CAST(:start AS timestamptz), '-infinity')
      AND hour < coalesce(CAST(:end AS timestamptz), 'infinity')
    """
)
#: What is left of a span when a part of it was rolled.
FINISH_SPANS = text(
    """
    WITH done AS (
        DELETE FROM data_playground.metrics_dirty WHERE mark_id = ANY (CAST(:marks AS bigint[])) RETURNING hour, until
    )
    INSERT INTO data_playground.metrics_dirty (kind, hour, until)
    SELECT 'span', hour, least(until, CAST(:start AS timestamptz)) FROM done WHERE hour < CAST(:start AS timestamptz)
    UNION ALL
    SELECT 'span', greatest(hour, CAST(:end AS timestamptz)), until FROM done WHERE until > CAST(:end AS timestamptz)
    """
)
#: Many marks are cheaper to roll as a stretch of time: they become one.
GATHER = text(
    """
    WITH many AS (
        SELECT FROM data_playground.metrics_dirty WHERE kind <> 'span' OFFSET :most LIMIT 1
    ),
    taken AS (
        DELETE FROM data_playground.metrics_dirty
        WHERE kind <> 'span' AND EXISTS (SELECT FROM many) RETURNING hour, until
    )
    INSERT INTO data_playground.metrics_dirty (kind, hour, until)
    SELECT 'span', min(taken.hour),
           greatest(max(taken.hour) + interval '1 hour', max(taken.until) FILTER (WHERE isfinite(taken.until)),
                    (SELECT max(reached) FROM data_playground.metrics_clocks))
    FROM taken HAVING count(*) > 0
    """
)
BUILD = text(
    "SELECT entrepot.build_partition(CAST(:parent AS regclass), CAST(:low AS timestamptz), CAST(:high AS timestamptz))"
)
#: A free-standing partition that is still there when a roll begins was left by one that was killed.
DROP_LEFTOVERS = text(
    """
    SELECT entrepot.drop_built_partition(CAST(:parent AS regclass), partition)
    FROM entrepot.built_partitions(CAST(:parent AS regclass))
    """
)
PREPARE_PARTITION = text("SELECT entrepot.prepare_partition(CAST(:parent AS regclass), :partition, :step)")
ATTACH = text("SELECT entrepot.attach_partition(CAST(:parent AS regclass), :partition)")

_IN_SCOPE = """kind = ANY (CAST(:kinds AS text[])) AND hour >= coalesce(CAST(:start AS timestamptz), '-infinity')
          AND hour < coalesce(CAST(:end AS timestamptz), 'infinity')"""
MAKE_TABLES = text(
    """
    DO $$ BEGIN
        CREATE TEMPORARY TABLE roll_marks (kind text, entity_id uuid, hour timestamptz, until timestamptz) ON COMMIT DROP;
        CREATE TEMPORARY TABLE roll_hours (entity_id uuid, bucket timestamptz) ON COMMIT DROP;
        CREATE TEMPORARY TABLE roll_days (entity_id uuid, bucket timestamptz) ON COMMIT DROP;
    END $$
    """
)
TAKE_MARKS = text(
    f"""
    WITH taken AS (DELETE FROM data_playground.metrics_dirty WHERE {_IN_SCOPE} RETURNING kind, entity_id, hour, until)
    INSERT INTO roll_marks SELECT DISTINCT kind, entity_id, hour, until FROM taken
    """
)
#: A change of stock holds until the next log of the product: all of its rows up to there, and every hour without stock.
_WIDENED = """
    widened AS MATERIALIZED (
        SELECT w.entity_id, w.hour, coalesce(w.until, next.event_time, 'infinity') AS until,
               coalesce(last.quantity_after <= 0, false) AS empty
        FROM (SELECT entity_id, hour, max(until) AS until FROM roll_marks WHERE kind IN ('stock', 'shop_stock') GROUP BY 1, 2) AS w
        LEFT JOIN LATERAL (
            SELECT l.event_time FROM data_playground.shop_inventory_logs AS l
            WHERE l.product_id = w.entity_id AND l.event_time >= w.hour + interval '1 hour'
            ORDER BY l.event_time LIMIT 1) AS next ON true
        LEFT JOIN LATERAL (
            SELECT l.quantity_after FROM data_playground.shop_inventory_logs AS l
            WHERE l.product_id = w.entity_id AND l.event_time < w.hour + interval '1 hour'
            ORDER BY l.event_time DESC, l.id DESC LIMIT 1) AS last ON true
    )
"""
_OWN = "SELECT entity_id, hour FROM roll_marks WHERE kind = :kind"
HOURS = {
    "user": text(f"INSERT INTO roll_hours {_OWN}"),
    "shop": text(
        f"""
        WITH {_WIDENED}
        INSERT INTO roll_hours
        {_OWN}
        UNION
        SELECT t.shop_id, t.event_time
        FROM (SELECT p.shop_id, w.hour, max(w.until) AS until
              FROM widened AS w JOIN data_playground.shop_products AS p ON p.id = w.entity_id GROUP BY 1, 2) AS w
        JOIN data_playground.shop_metrics_hourly AS t ON t.shop_id = w.shop_id AND t.event_time >= w.hour AND t.event_time <= w.until
        UNION
        SELECT t.shop_id, t.event_time
        FROM roll_marks AS m JOIN data_playground.shop_metrics_hourly AS t
          ON t.shop_id = m.entity_id AND t.event_time > m.hour - interval '1 day' AND t.event_time < m.until + interval '1 day'
        WHERE m.kind = 'promotion'
        """
    ),
    "product": text(
        f"""
        WITH {_WIDENED}
        INSERT INTO roll_hours
        {_OWN}
        UNION
        SELECT w.entity_id, w.hour FROM widened AS w
        UNION
        SELECT t.product_id, t.event_time
        FROM widened AS w JOIN data_playground.shop_product_metrics_hourly AS t
          ON t.product_id = w.entity_id AND t.event_time >= w.hour AND t.event_time <= w.until
        UNION
        SELECT w.entity_id, b.bucket
        FROM widened AS w JOIN data_playground.shop_products AS p ON p.id = w.entity_id
        LEFT JOIN data_playground.metrics_clocks AS c ON c.origin = p.origin
        CROSS JOIN LATERAL generate_series(
            w.hour + interval '1 hour', least(w.until, c.reached) - interval '1 microsecond', interval '1 hour') AS b(bucket)
        WHERE w.empty
        """
    ),
}
DAYS = text(
    """
    INSERT INTO roll_days
    SELECT DISTINCT entity_id, date_bin(interval '1 day', bucket, timestamptz '2000-01-01 00:00:00+00') FROM roll_hours
    """
)
ANALYZE = text("ANALYZE roll_hours, roll_days")
ANALYZE_MOVEMENTS = text("ANALYZE roll_movements")
EXTENT = text("SELECT min(bucket), max(bucket) + interval '1 day', count(*) FROM roll_days")


def _columns(kind: Kind) -> tuple[str, str, str]:
    names = ", ".join(kind.columns)
    ours = ", ".join(f"c.{name}" for name in kind.columns)
    theirs = ", ".join(f"t.{name}" for name in kind.columns)
    return names, ours, theirs


def fill(kind: Kind, span: Span, partition: str) -> Any:
    """Fill a free-standing partition with all of a stretch."""
    names, ours, _ = _columns(kind)
    return text(
        f"INSERT INTO {partition} ({kind.entity}, {kind.name}_event_time, event_time, {names}) "
        f"SELECT c.entity_id, c.entity_time, c.bucket, {ours} FROM ({computed(kind, span, 'stretch')}) AS c"
    )


def merge_stretch(kind: Kind, span: Span) -> Any:
    """Write what is not as computed, delete what is no longer there; one row of counts comes back."""
    names, ours, theirs = _columns(kind)
    target, entity = kind.target(span), kind.entity
    within = f"t.event_time >= {LOW} AND t.event_time < {HIGH}"
    return text(
        f"""
        WITH computed AS MATERIALIZED ({computed(kind, span, "stretch")}),
        written AS (
            INSERT INTO {target} ({entity}, {kind.name}_event_time, event_time, {names})
            SELECT c.entity_id, c.entity_time, c.bucket, {ours}
            FROM computed AS c
            LEFT JOIN {target} AS t ON t.{entity} = c.entity_id AND t.event_time = c.bucket AND {within}
            WHERE t.{entity} IS NULL OR ({theirs}) IS DISTINCT FROM ({ours})
            ON CONFLICT ({entity}, event_time) DO UPDATE
            SET {", ".join(f"{name} = excluded.{name}" for name in kind.columns)}
            RETURNING old.event_time IS NULL AS inserted
        ),
        gone AS (
            DELETE FROM {target} AS t
            WHERE {within} AND NOT EXISTS (SELECT FROM computed AS c WHERE c.entity_id = t.{entity} AND c.bucket = t.event_time)
            RETURNING true
        )
        SELECT (SELECT count(*) FROM computed) AS computed,
               (SELECT count(*) FROM written WHERE inserted) AS inserted,
               (SELECT count(*) FROM written WHERE NOT inserted) AS updated,
               (SELECT count(*) FROM gone) AS deleted
        """
    )


def movements(kind: Kind) -> Any:
    """Keep what happened to the stock in the marked days."""
    return text(f"CREATE TEMPORARY TABLE roll_movements ON COMMIT DROP AS {stock(kind, 'cells')}")


def merge_cells(kind: Kind, span: Span) -> Any:
    """The same for the marked cells, which are looked up once each: a cell that nothing was computed for is no more."""
    names, ours, theirs = _columns(kind)
    target, entity = kind.target(span), kind.entity
    return text(
        f"""
        WITH computed AS MATERIALIZED ({computed(kind, span, "cells")}),
        merged AS (
            MERGE INTO {target} AS t
            USING (SELECT d.entity_id AS cell_id, d.bucket AS cell_bucket, c.*
                   FROM roll_{span}s AS d LEFT JOIN computed AS c ON c.entity_id = d.entity_id AND c.bucket = d.bucket) AS c
            ON t.{entity} = c.cell_id AND t.event_time = c.cell_bucket AND t.event_time >= {LOW} AND t.event_time < {HIGH}
            WHEN MATCHED AND c.entity_id IS NULL THEN DELETE
            WHEN MATCHED AND ({theirs}) IS DISTINCT FROM ({ours}) THEN
                UPDATE SET {", ".join(f"{name} = c.{name}" for name in kind.columns)}
            WHEN NOT MATCHED AND c.entity_id IS NOT NULL THEN
                INSERT ({entity}, {kind.name}_event_time, event_time, {names})
                VALUES (c.entity_id, c.entity_time, c.bucket, {ours})
            RETURNING merge_action() AS action
        )
        SELECT (SELECT count(*) FROM computed) AS computed, count(*) FILTER (WHERE action = 'INSERT') AS inserted,
               count(*) FILTER (WHERE action = 'UPDATE') AS updated, count(*) FILTER (WHERE action = 'DELETE') AS deleted
        FROM merged
        """
    )


RUNS = text(
    """
    SELECT run_id, started_time, finished_time, from_time, to_time, buckets, rows_inserted, rows_updated, rows_deleted,
           rows_unchanged, seconds, outcome, error
    FROM data_playground.metrics_runs ORDER BY run_id DESC LIMIT :limit
    """
)
MARKED = text(
    """
    SELECT kind, count(*) AS marks, min(hour) AS earliest, max(hour) AS latest
    FROM data_playground.metrics_dirty GROUP BY kind ORDER BY kind
    """
)
CLOCKS = text("SELECT origin, reached FROM data_playground.metrics_clocks ORDER BY origin")
MARK = text("SELECT data_playground.mark_range(:start, :end)")


async def clocks(session: AsyncSession) -> dict[str, datetime]:
    """Origin of products → the moment that the metrics reach to."""
    return {row.origin: row.reached for row in await session.execute(CLOCKS)}


async def begin_run(session: AsyncSession, start: datetime | None, end: datetime | None) -> UUID:
    """Write that a roll begins; what was running when it died is written off."""
    await session.execute(BURY)
    return UUID(str((await session.execute(BEGIN_RUN, {"start": start, "end": end})).scalar_one()))


def rows_of(result: Result[Any]) -> int:
    """How many rows a statement wrote."""
    return cast("CursorResult[Any]", result).rowcount
