"""Every SQL statement about versions, whatever kind they are of.

The tables and columns put into the statements are those of the declared kinds; every value is bound.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.marketplace.rulebook.kinds import Kind

AnyKind = Kind[Any]
_VERSION = "d.id, d.version, d.state, d.created_by, d.published_at, d.retired_at, d.created_at, d.updated_at"


async def lock_key(session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str) -> None:
    """Have everybody else who changes the versions of a key wait for the end of this transaction."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"{kind.table_name}:{platform_id}:{key}"},
    )


async def select_versions(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str
) -> Sequence[RowMapping]:
    """Every version of a key, the newest first."""
    statement = f"""
        SELECT {_VERSION} FROM {kind.table_name} AS d
        WHERE d.platform_id = :platform_id AND d.{kind.key_column} = :key ORDER BY d.version DESC
    """
    return (await session.execute(text(statement), {"platform_id": platform_id, "key": key})).mappings().all()


async def select_keys(session: AsyncSession, kind: AnyKind, platform_id: UUID) -> Sequence[RowMapping]:
    """Every key with its live version, its newest version, and what state each is in."""
    live = ", ".join(f"'{state}'" for state in kind.machine.live)
    statement = f"""
        SELECT newest.key, newest.version AS newest_version, newest.state AS newest_state, newest.id AS newest_id,
               newest.updated_at, live.id AS live_id, live.version AS live_version, live.state AS live_state,
               live.published_at
        FROM (SELECT DISTINCT ON (d.{kind.key_column}) d.{kind.key_column} AS key, d.version, d.state, d.id, d.updated_at
              FROM {kind.table_name} AS d WHERE d.platform_id = :platform_id
              ORDER BY d.{kind.key_column}, d.version DESC) AS newest
        LEFT JOIN {kind.table_name} AS live
          ON live.platform_id = :platform_id AND live.{kind.key_column} = newest.key AND live.state IN ({live})
        ORDER BY newest.key
    """
    return (await session.execute(text(statement), {"platform_id": platform_id})).mappings().all()


async def select_live(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, *, states: Sequence[str]
) -> Sequence[RowMapping]:
    """The versions of all keys that are in one of the states."""
    statement = f"""
        SELECT {_VERSION}, d.{kind.key_column} AS key FROM {kind.table_name} AS d
        WHERE d.platform_id = :platform_id AND d.state = ANY (CAST(:states AS text[])) ORDER BY d.{kind.key_column}
    """
    values = {"platform_id": platform_id, "states": list(states)}
    return (await session.execute(text(statement), values)).mappings().all()


async def insert_definition(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    key: str,
    version: int,
    created_by: UUID | None,
    columns: Mapping[str, Any],
) -> UUID:
    """Insert a draft's own row."""
    table: Table = kind.table.__table__  # type: ignore[attr-defined]
    values = {
        **columns,
        "platform_id": platform_id,
        kind.key_column: key,
        "version": version,
        "created_by": created_by,
    }
    made: UUID = (await session.execute(insert(table).values(values).returning(table.c.id))).scalar_one()
    return made


async def delete_definition(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, definition_id: UUID
) -> None:
    """Delete a draft with its parts."""
    statement = f"DELETE FROM {kind.table_name} WHERE platform_id = :platform_id AND id = :id"
    await session.execute(text(statement), {"platform_id": platform_id, "id": definition_id})


async def update_state(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    definition_id: UUID,
    *,
    source: str,
    target: str,
    reason: str | None,
) -> bool:
    """Take a step; False when the version was not in the state it starts from any more."""
    statement = f"""
        UPDATE {kind.table_name} AS d
        SET state = :target,
            published_at = CASE WHEN :serves AND d.published_at IS NULL THEN clock_timestamp() ELSE d.published_at END,
            retired_at = CASE WHEN :ends THEN clock_timestamp() END
        FROM (SELECT set_config('app.step_reason', :reason, true)) AS why
        WHERE d.platform_id = :platform_id AND d.id = :id AND d.state = :source
        RETURNING d.id
    """
    values = {
        "platform_id": platform_id,
        "id": definition_id,
        "source": source,
        "target": target,
        "reason": reason or "",
        "serves": target == kind.machine.serving,
        "ends": not kind.machine.events(target),
    }
    return (await session.execute(text(statement), values)).first() is not None


async def select_steps(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str, limit: int
) -> Sequence[RowMapping]:
    """The steps of all versions of a key, the newest first."""
    statement = f"""
        SELECT t.id, d.version, t.from_state, t.to_state, t.user_id, t.reason, t.occurred_at
        FROM {kind.table_name} AS d
        JOIN marketplace.hm_state_transition AS t
          ON t.platform_id = d.platform_id AND t.entity_type = :entity_type AND t.entity_id = d.id
        WHERE d.platform_id = :platform_id AND d.{kind.key_column} = :key
        ORDER BY t.occurred_at DESC, t.id DESC LIMIT :limit
    """
    values = {
        "platform_id": platform_id,
        "key": key,
        "limit": limit,
        "entity_type": kind.table_name.partition(".")[2],
    }
    return (await session.execute(text(statement), values)).mappings().all()
