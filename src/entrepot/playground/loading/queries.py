"""The world of the database as others ask for it, in their transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class WorldState:
    """The world of a database: what it was made with, how far it is, and the moment on its clock."""

    id: UUID
    settings: Mapping[str, Any]
    state: str
    clock: datetime
    parts: int
    parts_loaded: int
    rows: Mapping[str, int]
    started_at: datetime
    completed_at: datetime | None
    seconds: float


async def current_world(session: AsyncSession) -> WorldState | None:
    """The world that is in the database, whole or in part; None where there is none."""
    found = await session.execute(
        text(
            """
            SELECT r.id, r.settings, r.state, r.clock, r.parts, r.rows, r.started_at, r.completed_at, r.seconds::float8,
                   least(r.parts, (SELECT count(*) FROM data_playground.world_parts AS p WHERE p.run_id = r.id))
                       AS parts_loaded
            FROM data_playground.world_runs AS r WHERE r.state <> 'cleared'
            """
        )
    )
    row = found.mappings().one_or_none()
    return None if row is None else WorldState(**row)


async def part_rows(session: AsyncSession, run_id: UUID) -> list[Mapping[str, int]]:
    """The rows by table of each part that is loaded."""
    found = await session.execute(
        text("SELECT rows FROM data_playground.world_parts WHERE run_id = :run ORDER BY number"),
        {"run": run_id},
    )
    return [row.rows for row in found]


async def world_truth(session: AsyncSession, run_id: UUID) -> list[Any]:
    """What the scenarios did, a value a part."""
    found = await session.execute(
        text(
            "SELECT truth FROM data_playground.world_parts WHERE run_id = :run AND truth IS NOT NULL ORDER BY number"
        ),
        {"run": run_id},
    )
    return [row.truth for row in found]


async def advance(
    session: AsyncSession, run_id: UUID, clock: datetime, rows: Mapping[str, int] | None = None
) -> None:
    """Move the clock of the world on, and count rows that came."""
    await session.execute(
        text(
            """
            UPDATE data_playground.world_runs AS r
            SET clock = greatest(r.clock, :clock),
                rows = (SELECT coalesce(jsonb_object_agg(name, n), '{}')
                        FROM (SELECT name, sum(value::bigint) AS n
                              FROM (SELECT * FROM jsonb_each_text(r.rows)
                                    UNION ALL SELECT * FROM jsonb_each_text(CAST(:rows AS jsonb))) AS every (name, value)
                              GROUP BY name) AS summed)
            WHERE r.id = :run
            """
        ),
        {"run": run_id, "clock": clock, "rows": _json(rows or {})},
    )


def _json(rows: Mapping[str, int]) -> str:
    return "{" + ", ".join(f'"{name}": {count}' for name, count in rows.items()) + "}"
