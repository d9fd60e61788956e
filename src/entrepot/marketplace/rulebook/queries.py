"""Every SQL statement about versions, whatever kind they are of.

The tables and columns put into the statements are those of the declared kinds; every value is bound.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place
from entrepot.marketplace.rulebook.kinds import Kind

AnyKind = Kind[Any]
_VERSION = "d.id, d.version, d.state, d.created_by, d.published_at, d.retired_at, d.created_at, d.updated_at"

# Whoever changes one key shares the kind with others who do; whoever changes many has it alone, since a lock a key
# would fill the server's table of locks.
_LOCK_KEY = text(
    """
    SELECT pg_advisory_xact_lock_shared(hashtextextended(:kind, 0)), pg_advisory_xact_lock(hashtextextended(:key, 0))
    """
)
_LOCK_KIND = text("SELECT pg_advisory_xact_lock(hashtextextended(:kind, 0))")


async def lock_key(session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str) -> None:
    """Have everybody else who changes the versions of a key wait for the end of this transaction."""
    name = f"{kind.table_name}:{platform_id}"
    await session.execute(_LOCK_KEY, {"kind": name, "key": f"{name}:{key}"})


async def lock_kind(session: AsyncSession, kind: AnyKind, platform_id: UUID) -> None:
    """Have everybody else who changes a definition of a kind wait for the end of this transaction."""
    await session.execute(_LOCK_KIND, {"kind": f"{kind.table_name}:{platform_id}"})


async def select_versions(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, key: str
) -> Sequence[RowMapping]:
    """Every version of a key, the newest first."""
    statement = f"""
        SELECT {_VERSION} FROM {kind.table_name} AS d
        WHERE d.platform_id = :platform_id AND d.{kind.key_column} = :key ORDER BY d.version DESC
    """
    return (await session.execute(text(statement), {"platform_id": platform_id, "key": key})).mappings().all()


async def select_keys(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    *,
    at: Place | None = None,
    limit: int | None = None,
    q: str | None = None,
    state: str | None = None,
) -> Sequence[RowMapping]:
    """Keys, each with its newest and its live version: those that hold `q`, those of which one of the two is in `state`."""
    backward = at is not None and at.backward
    statement = f"""
        SELECT k.key, newest.version AS newest_version, newest.state AS newest_state, newest.id AS newest_id,
               newest.updated_at, newest.created_by, live.id AS live_id, live.version AS live_version,
               live.state AS live_state, live.published_at
        FROM (SELECT DISTINCT d.{kind.key_column} AS key FROM {kind.table_name} AS d
              WHERE d.platform_id = :platform_id
                AND (CAST(:q AS text) IS NULL OR strpos(lower(d.{kind.key_column}), lower(CAST(:q AS text))) > 0)
             ) AS k
        CROSS JOIN LATERAL (SELECT {_VERSION} FROM {kind.table_name} AS d
                            WHERE d.platform_id = :platform_id AND d.{kind.key_column} = k.key
                            ORDER BY d.version DESC LIMIT 1) AS newest
        LEFT JOIN {kind.table_name} AS live
          ON live.platform_id = :platform_id AND live.{kind.key_column} = k.key AND live.state IN ({_states(kind.machine.live)})
        WHERE (CAST(:state AS text) IS NULL OR CAST(:state AS text) IN (newest.state, live.state))
          {"" if at is None else f"AND k.key {'<' if backward else '>'} :after"}
        ORDER BY k.key {"DESC" if backward else ""} {"LIMIT :limit" if limit else ""}
    """
    values = {
        "platform_id": platform_id,
        "q": q,
        "state": state,
        "limit": limit,
        "after": at.values[0] if at else None,
    }
    return (await session.execute(text(statement), values)).mappings().all()


async def select_in_states(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, states: Sequence[str], *, limit: int
) -> Sequence[RowMapping]:
    """The versions that are in one of the states, those that changed last first; each with the live version of its key."""
    statement = f"""
        SELECT {_VERSION}, d.{kind.key_column} AS key, live.version AS live_version, step.user_id, step.occurred_at
        FROM {kind.table_name} AS d
        LEFT JOIN {kind.table_name} AS live
          ON live.platform_id = d.platform_id AND live.{kind.key_column} = d.{kind.key_column}
         AND live.state IN ({_states(kind.machine.live)})
        LEFT JOIN LATERAL (SELECT t.user_id, t.occurred_at FROM marketplace.hm_state_transition AS t
                           WHERE t.platform_id = d.platform_id AND t.entity_type = :entity_type AND t.entity_id = d.id
                           ORDER BY t.id DESC LIMIT 1) AS step ON true
        WHERE d.platform_id = :platform_id AND d.state = ANY (CAST(:states AS text[]))
        ORDER BY d.updated_at DESC, d.id DESC LIMIT :limit
    """
    values = {
        "platform_id": platform_id,
        "states": list(states),
        "entity_type": _entity_type(kind),
        "limit": limit,
    }
    return (await session.execute(text(statement), values)).mappings().all()


async def count_states(session: AsyncSession, kind: AnyKind, platform_id: UUID) -> dict[str, int]:
    """How many versions are in each state that is not the end."""
    statement = f"""
        SELECT d.state, count(*) AS versions FROM {kind.table_name} AS d
        WHERE d.platform_id = :platform_id AND d.state <> :superseded GROUP BY d.state
    """
    values = {"platform_id": platform_id, "superseded": kind.machine.superseded}
    rows = (await session.execute(text(statement), values)).all()
    return {row.state: row.versions for row in rows}


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
    # The reason of an earlier step of this transaction is none of this one's.
    await session.execute(_NO_REASON)
    made: UUID = (await session.execute(insert(table).values(values).returning(table.c.id))).scalar_one()
    return made


_NO_REASON = text("SELECT set_config('app.step_reason', '', true)")


async def delete_definitions(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, definition_ids: Sequence[UUID]
) -> None:
    """Delete drafts with their parts."""
    statement = f"""
        DELETE FROM {kind.table_name} WHERE platform_id = :platform_id AND id = ANY (CAST(:ids AS uuid[]))
    """
    await session.execute(text(statement), {"platform_id": platform_id, "ids": list(definition_ids)})


async def update_states(
    session: AsyncSession,
    kind: AnyKind,
    platform_id: UUID,
    definition_ids: Sequence[UUID],
    *,
    source: str,
    target: str,
    reason: str | None,
) -> int:
    """Take a step; gives how many of the versions were still in the state that it starts from, and have taken it."""
    statement = f"""
        UPDATE {kind.table_name} AS d
        SET state = :target,
            published_at = CASE WHEN :serves AND d.published_at IS NULL THEN clock_timestamp() ELSE d.published_at END,
            retired_at = CASE WHEN :ends THEN clock_timestamp() END
        FROM (SELECT set_config('app.step_reason', :reason, true)) AS why
        WHERE d.platform_id = :platform_id AND d.id = ANY (CAST(:ids AS uuid[])) AND d.state = :source
        RETURNING d.id
    """
    values = {
        "platform_id": platform_id,
        "ids": list(definition_ids),
        "source": source,
        "target": target,
        "reason": reason or "",
        "serves": target == kind.machine.serving,
        "ends": not kind.machine.events(target),
    }
    return len((await session.execute(text(statement), values)).all())


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
        "entity_type": _entity_type(kind),
    }
    return (await session.execute(text(statement), values)).mappings().all()


async def select_last_steps(
    session: AsyncSession, kind: AnyKind, platform_id: UUID, states: Sequence[str], limit: int
) -> Sequence[RowMapping]:
    """The last steps of a kind's definitions into one of the states, the newest first."""
    statement = f"""
        SELECT t.id, d.{kind.key_column} AS key, d.version, t.from_state, t.to_state, t.user_id, t.reason, t.occurred_at
        FROM marketplace.hm_state_transition AS t
        JOIN {kind.table_name} AS d ON d.platform_id = t.platform_id AND d.id = t.entity_id
        WHERE t.platform_id = :platform_id AND t.entity_type = :entity_type
          AND t.to_state = ANY (CAST(:states AS text[]))
        ORDER BY t.occurred_at DESC, t.id DESC LIMIT :limit
    """
    values = {
        "platform_id": platform_id,
        "entity_type": _entity_type(kind),
        "states": list(states),
        "limit": limit,
    }
    return (await session.execute(text(statement), values)).mappings().all()


def _states(states: Sequence[str]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def _entity_type(kind: AnyKind) -> str:
    return kind.table_name.partition(".")[2]
