"""Every SQL statement about centralized policies and their locks.

The tables and columns put into the statements are those of the declared kinds; every value is bound.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.marketplace.governance.kinds import GovernedKind, part_columns, part_table
from entrepot.marketplace.governance.tables import GovernedPart

_CLOCK = text("SELECT clock_timestamp()")
_LOCK_SLOT = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_HOLDS = "p.effective_from <= :at AND (p.effective_to IS NULL OR p.effective_to > :at)"


async def select_clock(session: AsyncSession) -> datetime:
    """The database's present moment."""
    found: datetime = (await session.execute(_CLOCK)).scalar_one()
    return found


async def lock_slot(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, slot: Mapping[str, str]
) -> None:
    """Have everybody else who changes the versions of a slot wait for the end of this transaction."""
    name = ":".join((kind.table.fullname, str(platform_id), *slot.values()))
    await session.execute(_LOCK_SLOT, {"name": name})


async def select_policies(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    *,
    country: str | None = None,
    seller_type: str | None = None,
    state: str | None = None,
    policy_version: str | None = None,
    policy_kind: str | None = None,
    limit: int = 1000,
) -> Sequence[RowMapping]:
    """Versions of a kind by country, seller type and beginning, the newest first; each filter where it is given."""
    wanted = {
        "country_code": country,
        "seller_type": seller_type,
        "state": state,
        "policy_version": policy_version,
        "policy_kind": policy_kind,
    }
    values = {name: value for name, value in wanted.items() if value is not None}
    filters = "".join(f" AND p.{name} = :{name}" for name in values)
    statement = f"""
        SELECT p.* FROM {kind.table.fullname} AS p WHERE p.platform_id = :platform_id{filters}
        ORDER BY p.country_code, p.seller_type, p.version DESC, p.id LIMIT :limit
    """
    return (
        (await session.execute(text(statement), {"platform_id": platform_id, "limit": limit, **values}))
        .mappings()
        .all()
    )


async def select_policy(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, policy_id: UUID
) -> RowMapping | None:
    """The version of an id."""
    statement = (
        f"SELECT p.* FROM {kind.table.fullname} AS p WHERE p.platform_id = :platform_id AND p.id = :id"
    )
    values = {"platform_id": platform_id, "id": policy_id}
    return (await session.execute(text(statement), values)).mappings().first()


async def select_slot(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, slot: Mapping[str, str]
) -> Sequence[RowMapping]:
    """Every version of a slot, the newest first."""
    filters = "".join(f" AND p.{name} = :{name}" for name in slot)
    statement = f"""
        SELECT p.* FROM {kind.table.fullname} AS p WHERE p.platform_id = :platform_id{filters} ORDER BY p.version DESC
    """
    return (await session.execute(text(statement), {"platform_id": platform_id, **slot})).mappings().all()


async def select_in_force(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    *,
    countries: Sequence[str],
    seller_types: Sequence[str],
    at: datetime,
    policy_kind: str | None = None,
) -> Sequence[RowMapping]:
    """The versions in force at a moment for any of the countries and seller types, a slot one at most.

    The most specific first: a country goes before any, and then a seller type before any.
    """
    tested = " AND p.policy_kind = :policy_kind" if policy_kind is not None else ""
    statement = f"""
        SELECT p.* FROM {kind.table.fullname} AS p
        WHERE p.platform_id = :platform_id AND p.state <> 'DRAFT' AND NOT p.is_trial AND {_HOLDS}{tested}
          AND p.country_code = ANY (CAST(:countries AS text[])) AND p.seller_type = ANY (CAST(:seller_types AS text[]))
        ORDER BY p.country_code = '*', p.seller_type = '*'
    """
    values = {
        "platform_id": platform_id,
        "countries": list(countries),
        "seller_types": list(seller_types),
        "at": at,
        "policy_kind": policy_kind,
    }
    return (await session.execute(text(statement), values)).mappings().all()


async def insert_policy(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, values: Mapping[str, Any]
) -> UUID:
    """Insert a draft's own row."""
    table = kind.table
    made: UUID = (
        await session.execute(
            insert(table).values({**values, "platform_id": platform_id}).returning(table.c.id)
        )
    ).scalar_one()
    return made


async def insert_parts(
    session: AsyncSession,
    part: type[GovernedPart],
    platform_id: UUID,
    policy_id: UUID,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Insert the rows of one list of a draft."""
    if rows:
        filled = [{**row, "platform_id": platform_id, "policy_id": policy_id} for row in rows]
        await session.execute(insert(part_table(part)), filled)


async def select_parts(
    session: AsyncSession, part: type[GovernedPart], platform_id: UUID, policy_ids: Sequence[UUID]
) -> Sequence[RowMapping]:
    """The rows of one list of several versions, in their order."""
    table = part_table(part)
    chosen = [table.c.policy_id, *(table.c[name] for name in part_columns(part))]
    statement = (
        select(*chosen)
        .where(table.c.platform_id == platform_id, table.c.policy_id.in_(policy_ids))
        .order_by(table.c.policy_id, table.c[part.order_column])
    )
    return (await session.execute(statement)).mappings().all()


async def delete_policy(
    session: AsyncSession, kind: GovernedKind, platform_id: UUID, policy_id: UUID
) -> None:
    """Delete a draft with its parts."""
    statement = f"DELETE FROM {kind.table.fullname} WHERE platform_id = :platform_id AND id = :id"
    await session.execute(text(statement), {"platform_id": platform_id, "id": policy_id})


async def update_published(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    policy_id: UUID,
    *,
    effective_from: datetime,
    reason: str | None,
) -> bool:
    """Publish a draft from a moment on; False when it is no draft any more."""
    statement = f"""
        UPDATE {kind.table.fullname} AS p
        SET state = 'ACTIVE', effective_from = :effective_from, published_at = clock_timestamp()
        FROM (SELECT set_config('app.step_reason', :reason, true)) AS why
        WHERE p.platform_id = :platform_id AND p.id = :id AND p.state = 'DRAFT' RETURNING p.id
    """
    values = {
        "platform_id": platform_id,
        "id": policy_id,
        "effective_from": effective_from,
        "reason": reason or "",
    }
    return (await session.execute(text(statement), values)).first() is not None


async def update_end(
    session: AsyncSession,
    kind: GovernedKind,
    platform_id: UUID,
    policy_id: UUID,
    *,
    effective_to: datetime,
    state: str,
    reason: str | None,
) -> None:
    """Bring the end of a published version forward, and take it to the state that this leaves it in."""
    statement = f"""
        UPDATE {kind.table.fullname} AS p
        SET effective_to = :effective_to, state = CAST(:state AS varchar),
            retired_at = CASE WHEN :state = 'DEPRECATED' THEN clock_timestamp() END
        FROM (SELECT set_config('app.step_reason', :reason, true)) AS why
        WHERE p.platform_id = :platform_id AND p.id = :id AND p.state = 'ACTIVE'
    """
    values = {
        "platform_id": platform_id,
        "id": policy_id,
        "effective_to": effective_to,
        "state": state,
        "reason": reason or "",
    }
    await session.execute(text(statement), values)


_UPSERT_LOCK = text(
    """
    INSERT INTO marketplace.hm_policy_lock AS held
      (platform_id, subject_type, subject_id, policy_kind, policy_id, policy_version, locked_by, reason)
    VALUES (:platform_id, :subject_type, :subject_id, :policy_kind, :policy_id, :policy_version, :locked_by, :reason)
    ON CONFLICT (platform_id, subject_type, subject_id, policy_kind) DO UPDATE
    SET policy_id = excluded.policy_id, policy_version = excluded.policy_version, locked_at = clock_timestamp(),
        locked_by = excluded.locked_by, reason = excluded.reason
    WHERE :again
    RETURNING held.*
    """
)
_DELETE_LOCK = text(
    """
    DELETE FROM marketplace.hm_policy_lock
    WHERE platform_id = :platform_id AND subject_type = :subject_type AND subject_id = :subject_id
      AND policy_kind = :policy_kind
    RETURNING id
    """
)
_LOCKS = """
    SELECT l.* FROM marketplace.hm_policy_lock AS l
    WHERE l.platform_id = :platform_id
"""


async def upsert_lock(session: AsyncSession, values: Mapping[str, Any], *, again: bool) -> RowMapping | None:
    """Lock a subject onto a version; None where it is locked already and may not be locked `again`."""
    return (await session.execute(_UPSERT_LOCK, {**values, "again": again})).mappings().first()


async def delete_lock(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Unlock a subject; False when it was not locked."""
    return (await session.execute(_DELETE_LOCK, dict(values))).first() is not None


async def select_locks(
    session: AsyncSession,
    platform_id: UUID,
    *,
    subject_type: str | None = None,
    subject_ids: Sequence[str] | None = None,
    policy_kind: str | None = None,
    limit: int = 1000,
) -> Sequence[RowMapping]:
    """Locks by subject; each filter where it is given."""
    statement = _LOCKS
    values: dict[str, Any] = {"platform_id": platform_id, "limit": limit}
    if subject_type is not None:
        statement += " AND l.subject_type = :subject_type"
        values["subject_type"] = subject_type
    if subject_ids is not None:
        statement += " AND l.subject_id = ANY (CAST(:subject_ids AS text[]))"
        values["subject_ids"] = list(subject_ids)
    if policy_kind is not None:
        statement += " AND l.policy_kind = :policy_kind"
        values["policy_kind"] = policy_kind
    statement += " ORDER BY l.subject_type, l.subject_id, l.policy_kind LIMIT :limit"
    return (await session.execute(text(statement), values)).mappings().all()
