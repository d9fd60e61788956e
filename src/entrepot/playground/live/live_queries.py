"""Every statement of a live world: a tick's rows through a temporary table, what is held back, and the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from entrepot.playground.loading.declared import fact_shapes
from entrepot.playground.loading.load_queries import Connection, copy_rows
from entrepot.playground.loading.shapes import Shape

#: Tables whose rows nothing refers to: a fact of theirs can come late without anything else having to wait.
LEAVES = frozenset(
    {
        "global_events",
        "shop_inventory_logs",
        "shop_order_items",
        "shop_order_payments",
        "shop_promotion_usages",
        "shop_review_votes",
        "request_response_logs",
    }
)
_STAGED = "live_rows"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Shares of facts that come late and that come twice; which ones follows from the seed and their ids alone."""

    run_id: UUID
    seed: int
    late: float = 0.0
    duplicates: float = 0.0


async def stage(connection: Connection, shape: Shape, body: bytes) -> None:
    """Put rows beside the warehouse, for the rest of the transaction."""
    await connection.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(_STAGED)))
    await connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            sql.Identifier(_STAGED), _columns(shape), _table(shape)
        )
    )
    await copy_rows(connection, f"pg_temp.{_STAGED}", shape, body)


async def hold_back(connection: Connection, shape: Shape, until: datetime, trouble: Trouble) -> int:
    """Take late rows out of what is staged, and note those that will come again; how many are late.

    A fact is late by five minutes to twenty hours, most by less than two; one that would be due before the tick's end
    is on time.
    """
    if shape.name not in LEAVES or not (trouble.late or trouble.duplicates):
        return 0
    key = sql.Identifier(_key(shape))
    statement = sql.SQL(
        """
        WITH drawn AS (
            SELECT {key} AS id,
                   (hashtextextended({key}::text, %(seed)s) & 1048575) / 1048576.0 AS late_draw,
                   event_time + interval '5 minutes'
                       * power(256, (hashtextextended({key}::text, %(seed)s + 1) & 1048575) / 1048576.0) AS late_due,
                   (hashtextextended({key}::text, %(seed)s + 2) & 1048575) / 1048576.0 AS again_draw,
                   event_time + interval '5 minutes'
                       * power(256, (hashtextextended({key}::text, %(seed)s + 3) & 1048575) / 1048576.0) AS again_due
            FROM {staged}
        ), again AS (
            INSERT INTO data_playground.held_back_facts (id, table_name, again, run_id, due_time, row_data)
            SELECT drawn.id, %(table)s, true, %(run)s, drawn.again_due, to_jsonb(staged)
            FROM drawn JOIN {staged} AS staged ON staged.{key} = drawn.id WHERE again_draw < %(duplicates)s
            ON CONFLICT DO NOTHING
        ), late AS (
            DELETE FROM {staged} AS staged USING drawn
            WHERE staged.{key} = drawn.id AND late_draw < %(late)s AND late_due > %(until)s
            RETURNING drawn.id, late_due, to_jsonb(staged) AS row_data
        )
        INSERT INTO data_playground.held_back_facts (id, table_name, again, run_id, due_time, row_data)
        SELECT id, %(table)s, false, %(run)s, late_due, row_data FROM late
        """
    ).format(key=key, staged=sql.Identifier(_STAGED))
    cursor = await connection.execute(
        statement,
        {
            "run": trouble.run_id,
            "seed": trouble.seed,
            "table": shape.name,
            "late": trouble.late,
            "duplicates": trouble.duplicates,
            "until": until,
        },
    )
    return cursor.rowcount


async def insert_staged(connection: Connection, shape: Shape) -> int:
    """Make staged rows rows of the warehouse; how many were not there."""
    cursor = await connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged} ON CONFLICT ({key}, event_time) DO NOTHING"
        ).format(
            table=_table(shape),
            columns=_columns(shape),
            staged=sql.Identifier(_STAGED),
            key=sql.Identifier(_key(shape)),
        )
    )
    return cursor.rowcount


async def update_staged(connection: Connection, shape: Shape) -> int:
    """Have rows of the warehouse, and those that are held back, stand as the staged ones do; how many."""
    key = sql.Identifier(_key(shape))
    names = [name for name in shape.names if name not in (_key(shape), "event_time")]
    cursor = await connection.execute(
        sql.SQL(
            "UPDATE {table} AS row SET {sets} FROM {staged} AS staged WHERE row.{key} = staged.{key} AND row.event_time = staged.event_time"
        ).format(
            table=_table(shape),
            sets=sql.SQL(", ").join(
                sql.SQL("{0} = staged.{0}").format(sql.Identifier(name)) for name in names
            ),
            staged=sql.Identifier(_STAGED),
            key=key,
        )
    )
    count = cursor.rowcount
    if shape.name in LEAVES:
        await connection.execute(
            sql.SQL(
                """
                UPDATE data_playground.held_back_facts AS held SET row_data = to_jsonb(staged)
                FROM {staged} AS staged WHERE held.id = staged.{key} AND held.table_name = %s
                """
            ).format(staged=sql.Identifier(_STAGED), key=key),
            [shape.name],
        )
    return count


async def release(connection: Connection, until: datetime | None) -> tuple[int, int]:
    """Write what is held back and due (all of it without `until`): late facts written, deliveries that were of facts there."""
    late = repeated = 0
    for shape in fact_shapes():
        if shape.name not in LEAVES:
            continue
        cursor = await connection.execute(
            sql.SQL(
                """
                WITH due AS (
                    DELETE FROM data_playground.held_back_facts
                    WHERE table_name = %(table)s AND (%(until)s::timestamptz IS NULL OR due_time <= %(until)s)
                    RETURNING again, row_data
                ), written AS (
                    INSERT INTO {table} ({columns})
                    SELECT DISTINCT {row_columns}
                    FROM due CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, due.row_data) AS row
                    ON CONFLICT ({key}, event_time) DO NOTHING
                    RETURNING 1
                )
                SELECT (SELECT count(*) FROM due) AS due, (SELECT count(*) FROM written) AS written
                """
            ).format(
                table=_table(shape),
                columns=_columns(shape),
                row_columns=sql.SQL(", ").join(
                    sql.SQL("row.{}").format(sql.Identifier(name)) for name in shape.names
                ),
                key=sql.Identifier(_key(shape)),
            ),
            {"table": shape.name, "until": until},
        )
        row = await cursor.fetchone()
        assert row is not None
        late += row["written"]
        repeated += row["due"] - row["written"]
    return late, repeated


async def held_back(connection: Connection) -> int:
    """How many facts are late and not written yet."""
    cursor = await connection.execute(
        "SELECT count(*) AS held FROM data_playground.held_back_facts WHERE NOT again"
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row["held"])


async def forget_held_back(connection: Connection, run_id: UUID) -> None:
    """Forget what was held back of worlds that are gone."""
    await connection.execute("DELETE FROM data_playground.held_back_facts WHERE run_id <> %s", [run_id])


async def advance(connection: Connection, run_id: UUID, clock: datetime, rows: Mapping[str, int]) -> None:
    """Move the world's clock on, in the transaction of what happened until then."""
    await connection.execute(
        """
        UPDATE data_playground.world_runs AS run
        SET clock = %s,
            rows = run.rows || coalesce((
                SELECT jsonb_object_agg(added.key, added.value::bigint + coalesce((run.rows ->> added.key)::bigint, 0))
                FROM jsonb_each_text(%s) AS added), '{}')
        WHERE id = %s
        """,
        [clock, Jsonb(dict(rows)), run_id],
    )


async def keep_settings(connection: Connection, run_id: UUID, settings: Mapping[str, Any]) -> None:
    """Note the settings that the world goes on with."""
    await connection.execute(
        "UPDATE data_playground.world_runs SET settings = %s WHERE id = %s", [Jsonb(dict(settings)), run_id]
    )


def _key(shape: Shape) -> str:
    return next(name for name in ("id", "event_id", "entity_id") if name in shape.names)


def _table(shape: Shape) -> sql.Identifier:
    return sql.Identifier(*shape.full_name.split("."))


def _columns(shape: Shape) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, shape.names))
