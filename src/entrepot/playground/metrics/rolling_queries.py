"""The statements of a roll: what is dirty, which cells that makes, and how the rows are written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Result, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.metrics.computing_queries import HIGH, LOW, Scope, bucket, computed
from entrepot.playground.metrics.kind_queries import SPANS, Kind, Span

#: One roll at a time.
LOCK = "hashtext('entrepot.metrics.roll')"
#: A roll works in memory; what it takes is given back when its transaction ends. It groups what is sorted: most groups have
#: one or two facts, and a table of a hundred thousand groups with their sums is more than a processor keeps at hand.
#: It does not wait for the disk: marks and rows are of one transaction, and what a crash takes is marked again.
PREPARE = text(
    """
    SELECT set_config('work_mem', '256MB', true), set_config('maintenance_work_mem', '256MB', true),
           set_config('hash_mem_multiplier', '2', true), set_config('default_statistics_target', '10', true),
           set_config('max_parallel_workers_per_gather', '0', true), set_config('synchronous_commit', 'off', true),
           set_config('enable_hashagg', 'off', true)
    """
)
#: All facts of a stretch are read, so in the order in which they lie.
PREPARE_STRETCH = text("SELECT set_config('random_page_cost', '4', true)")
#: A cell is looked up once, by an index: what was found for it is not kept, and nothing is read in the order of another.
PREPARE_CELLS = text(
    """
    SELECT set_config('random_page_cost', '1', true), set_config('enable_memoize', 'off', true),
           set_config('enable_mergejoin', 'off', true)
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

MARKED_SPANS = text(
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

_IN_SCOPE = """hour >= coalesce(CAST(:start AS timestamptz), '-infinity')
          AND hour < coalesce(CAST(:end AS timestamptz), 'infinity')"""
#: How many marks there are of each sort of cells.
MARKS = text(
    f"SELECT kind, count(*) AS marks FROM data_playground.metrics_dirty WHERE kind <> 'span' AND {_IN_SCOPE} GROUP BY kind"
)
MAKE_CELLS = text(
    "CREATE TEMPORARY TABLE roll_cells (entity_id uuid, bucket timestamptz, daily boolean) ON COMMIT DROP"
)
#: A change of stock holds until the next log of the product: all of its rows up to there, and every hour without stock.
_WIDENED = """
    widened AS MATERIALIZED (
        SELECT w.entity_id, w.hour, coalesce(w.until, next.event_time, 'infinity') AS until,
               coalesce(last.quantity_after <= 0, false) AS empty
        FROM (SELECT entity_id, hour, max(until) AS until FROM taken WHERE kind IN ('stock', 'shop_stock') GROUP BY 1, 2) AS w
        LEFT JOIN LATERAL (
            SELECT l.event_time FROM data_playground.shop_inventory_logs AS l
            WHERE l.product_id = w.entity_id AND l.event_time >= w.hour + interval '1 hour'
            ORDER BY l.event_time LIMIT 1) AS next ON true
        LEFT JOIN LATERAL (
            SELECT l.quantity_after FROM data_playground.shop_inventory_logs AS l
            WHERE l.product_id = w.entity_id AND l.event_time < w.hour + interval '1 hour'
            ORDER BY l.event_time DESC, l.id DESC LIMIT 1) AS last ON true
    ),
"""
_OWN = "SELECT entity_id, hour FROM taken WHERE kind = :kind"
_HOURS = {
    "user": f"hours AS MATERIALIZED (SELECT DISTINCT * FROM ({_OWN}) AS own)",
    "shop": f"""{_WIDENED}
    hours AS MATERIALIZED (
        {_OWN}
        UNION
        SELECT t.shop_id, t.event_time
        FROM (SELECT p.shop_id, w.hour, max(w.until) AS until
              FROM widened AS w JOIN data_playground.shop_products AS p ON p.id = w.entity_id GROUP BY 1, 2) AS w
        JOIN data_playground.shop_metrics_hourly AS t ON t.shop_id = w.shop_id AND t.event_time >= w.hour AND t.event_time <= w.until
        UNION
        SELECT t.shop_id, t.event_time
        FROM taken AS m JOIN data_playground.shop_metrics_hourly AS t
          ON t.shop_id = m.entity_id AND t.event_time > m.hour - interval '1 day' AND t.event_time < m.until + interval '1 day'
        WHERE m.kind = 'promotion')
    """,
    "product": f"""{_WIDENED}
    hours AS MATERIALIZED (
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
        WHERE w.empty)
    """,
}
#: Marks of a kind become cells: their hours, and the days of those. With the bounds of the days, and how many cells there are.
TAKE = {
    kind: text(
        f"""
        WITH taken AS (
            DELETE FROM data_playground.metrics_dirty
            WHERE kind = ANY (CAST(:kinds AS text[])) AND {_IN_SCOPE}
              AND get_byte(uuid_send(entity_id), 15) % CAST(:parts AS integer) = :part
            RETURNING kind, entity_id, hour, until
        ),
        {hours},
        cells AS (
            INSERT INTO roll_cells
            SELECT entity_id, hour, false FROM hours
            UNION ALL
            SELECT DISTINCT entity_id, {bucket("hour", "day")}, true FROM hours
            RETURNING bucket, daily
        )
        SELECT min(bucket) FILTER (WHERE daily) AS low, max(bucket) FILTER (WHERE daily) + interval '1 day' AS high,
               count(*) AS cells
        FROM cells
        """
    )
    for kind, hours in _HOURS.items()
}
ANALYZE = text("ANALYZE roll_cells")


def _columns(kind: Kind) -> tuple[str, str, str]:
    names = ", ".join(kind.columns)
    ours = ", ".join(f"c.{name}" for name in kind.columns)
    theirs = ", ".join(f"t.{name}" for name in kind.columns)
    return names, ours, theirs


def _of(span: Span, row: str = "c") -> str:
    return f"{row}.daily" if span == "day" else f"NOT {row}.daily"


def write_stretch(kind: Kind, partitions: Mapping[Span, str | None]) -> Any:
    """Write all cells of a stretch, of hours and of days; one row of counts comes back.

    A free-standing partition is filled. Where there is none, what is not as computed is written, and what is no longer
    there is deleted.
    """
    steps, inserted, updated, deleted = [], ["0"], ["0"], ["0"]
    for span, partition in partitions.items():
        if partition:
            steps.append(_fill(kind, span, partition))
            inserted.append(f"counted.{span}s")
        else:
            steps += _merge(kind, span)
            inserted.append(f"(SELECT count(*) FROM written_{span} WHERE inserted)")
            updated.append(f"(SELECT count(*) FROM written_{span} WHERE NOT inserted)")
            deleted.append(f"(SELECT count(*) FROM gone_{span})")
    return _writing(kind, "stretch", steps, inserted, updated, deleted)


def _writing(
    kind: Kind, scope: Scope, steps: list[str], inserted: list[str], updated: list[str], deleted: list[str]
) -> Any:
    """A statement that computes once, does some steps with that, and says in one row what they did."""
    return text(
        f"""
        WITH computed AS MATERIALIZED ({computed(kind, scope)}),
        counted AS (SELECT count(*) AS cells, count(*) FILTER (WHERE c.daily) AS days,
                           count(*) FILTER (WHERE NOT c.daily) AS hours FROM computed AS c),
        {", ".join(steps)}
        SELECT counted.cells AS computed, {" + ".join(inserted)} AS inserted,
               {" + ".join(updated)} AS updated, {" + ".join(deleted)} AS deleted
        FROM counted
        """
    )


def _fill(kind: Kind, span: Span, partition: str) -> str:
    names, ours, _ = _columns(kind)
    return (
        f"filled_{span} AS (INSERT INTO {partition} ({kind.entity}, {kind.name}_event_time, event_time, {names}) "
        f"SELECT c.entity_id, c.entity_time, c.bucket, {ours} FROM computed AS c WHERE {_of(span)})"
    )


def _merge(kind: Kind, span: Span) -> list[str]:
    names, ours, theirs = _columns(kind)
    target, entity = kind.target(span), kind.entity
    within = f"t.event_time >= {LOW} AND t.event_time < {HIGH}"
    return [
        f"""written_{span} AS (
            INSERT INTO {target} ({entity}, {kind.name}_event_time, event_time, {names})
            SELECT c.entity_id, c.entity_time, c.bucket, {ours}
            FROM computed AS c
            LEFT JOIN {target} AS t ON t.{entity} = c.entity_id AND t.event_time = c.bucket AND {within}
            WHERE {_of(span)} AND (t.{entity} IS NULL OR ({theirs}) IS DISTINCT FROM ({ours}))
            ON CONFLICT ({entity}, event_time) DO UPDATE
            SET {", ".join(f"{name} = excluded.{name}" for name in kind.columns)}
            RETURNING old.event_time IS NULL AS inserted
        )""",
        f"""gone_{span} AS (
            DELETE FROM {target} AS t
            WHERE {within} AND NOT EXISTS (
                SELECT FROM computed AS c WHERE c.entity_id = t.{entity} AND c.bucket = t.event_time AND {_of(span)})
            RETURNING true
        )""",
    ]


def merge_cells(kind: Kind) -> Any:
    """The same for the marked cells, which are looked up once each: a cell that nothing was computed for is no more."""
    merged = [f"merged_{span}" for span in SPANS]

    def did(action: str) -> list[str]:
        return [f"(SELECT count(*) FROM {one} WHERE action = '{action}')" for one in merged]

    steps = [_merge_cells(kind, span) for span in SPANS]
    return _writing(kind, "cells", steps, did("INSERT"), did("UPDATE"), did("DELETE"))


def _merge_cells(kind: Kind, span: Span) -> str:
    names, ours, theirs = _columns(kind)
    return f"""merged_{span} AS (
            MERGE INTO {kind.target(span)} AS t
            USING (SELECT d.entity_id AS cell_id, d.bucket AS cell_bucket, c.*
                   FROM roll_cells AS d
                   LEFT JOIN computed AS c ON c.entity_id = d.entity_id AND c.bucket = d.bucket AND {_of(span)}
                   WHERE {_of(span, "d")}) AS c
            ON t.{kind.entity} = c.cell_id AND t.event_time = c.cell_bucket AND t.event_time >= {LOW} AND t.event_time < {HIGH}
            WHEN MATCHED AND c.entity_id IS NULL THEN DELETE
            WHEN MATCHED AND ({theirs}) IS DISTINCT FROM ({ours}) THEN
                UPDATE SET {", ".join(f"{name} = c.{name}" for name in kind.columns)}
            WHEN NOT MATCHED AND c.entity_id IS NOT NULL THEN
                INSERT ({kind.entity}, {kind.name}_event_time, event_time, {names})
                VALUES (c.entity_id, c.entity_time, c.bucket, {ours})
            RETURNING merge_action() AS action
        )"""


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
