"""Every SQL statement about limits but the functions that count (functions.sql)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place
from entrepot.marketplace.limits.modeling import UNENFORCED, Rule

#: Lets go of what a statement locked before it is on disk; DURABLE has to follow before anybody is told.
_QUICKLY = "set_config('synchronous_commit', 'off', true)"


def _whole(function: str, given: int, *, held: bool = False, quick: bool = False) -> bytes:
    """A statement that takes by a function: `given` values, then kind, id and lifetime where something is held, the time.

    Beside the answer it says when the function had it. The function is called as a value that is taken apart: one in
    FROM has its rows stored before they are read. OFFSET keeps the planner from writing the call once a column.
    """
    last = given + (4 if held else 1)
    values = [f"${number}" for number in range(1, last)] + ([] if held else ["NULL"] * 3) + [f"${last}"]
    call = f"marketplace.{function}({', '.join(values)}) AS answer, clock_timestamp() AS answered_at"
    if quick:
        call = f"{_QUICKLY}, {call}"
    return f"SELECT (t.answer).*, t.answered_at FROM (SELECT {call} OFFSET 0) AS t".encode()


def _short(changes: str, conditions: str, used: str, *, quick: bool) -> bytes:
    """A statement that takes from a counter that is there, where nothing has expired and the amount fits.

    It sets the platform of its transaction by a condition on no row, which is looked at before any row is. Were it looked
    at later, row security would hide every row, and nothing would be taken.
    """
    return f"""
        UPDATE marketplace.hm_limit_counter AS c SET limit_value = $5, current_usage = c.current_usage + $4{changes}
        WHERE (SELECT set_config('app.current_platform_id', $1::uuid::text, true)) IS NOT NULL
          AND c.platform_id = $1 AND c.limit_key = $2 AND c.entity_id = $3
          AND (c.next_expiry > coalesce($6, now())) IS NOT FALSE AND {conditions}
        RETURNING 'ALLOWED', {used}, coalesce($6, now()), c.reset_time, NULL::timestamptz, NULL::timestamptz,
            clock_timestamp(){f", {_QUICKLY}" if quick else ""}
        """.encode()


def _short_count(*, quick: bool = False) -> bytes:
    # What $8 and $9 say of the window holds where a row says so too: the functions made it, by the database's calendar.
    return _short(
        "",
        """c.window_start = $8 AND c.reset_time IS NOT DISTINCT FROM $9::timestamptz AND c.algorithm = $7
           AND c.current_usage + $4 <= $5 AND coalesce($6, now()) >= $8
           AND coalesce($6, now()) < coalesce($9::timestamptz, 'infinity')""",
        "c.current_usage",
        quick=quick,
    )


def _short_slide(*, quick: bool = False) -> bytes:
    return _short(
        ", slices[21] = c.slices[21] + $4",
        """c.window_start = 'epoch' AND c.slice = $7 AND c.reset_time = $10 AND c.algorithm = 'SLIDING_WINDOW'
           AND c.current_usage + $4 <= $5 AND coalesce($6, now()) >= $8 AND coalesce($6, now()) < $9""",
        "c.current_usage",
        quick=quick,
    )


def _short_meter(*, quick: bool = False) -> bytes:
    arrival = "greatest(c.reset_time, coalesce($6, now()))"
    full = "coalesce($6, now()) + $8::interval"
    return _short(
        f", reset_time = least({arrival} + $7::interval, greatest(c.reset_time, {full}))",
        f"""c.window_start = 'epoch' AND c.algorithm = 'TOKEN_BUCKET'
           AND ({arrival} + $7::interval <= {full} OR $5 >= {UNENFORCED})""",
        "NULL::bigint",
        quick=quick,
    )


# Of the engine's own connections: a statement is a transaction and a round trip. The short ones say what the functions
# say of the one case that is nearly all of them; where they find no row, the functions are asked.
SHORT_COUNT, SHORT_SLIDE, SHORT_METER = _short_count(), _short_slide(), _short_meter()
COUNT, COUNT_HELD = _whole("limit_count", 9), _whole("limit_count", 9, held=True)
SLIDE, SLIDE_HELD = _whole("limit_slide", 6), _whole("limit_slide", 6, held=True)
METER, METER_HELD = _whole("limit_meter", 7), _whole("limit_meter", 7, held=True)
#: The same, letting go quickly.
QUICK = {
    SHORT_COUNT: _short_count(quick=True),
    SHORT_SLIDE: _short_slide(quick=True),
    SHORT_METER: _short_meter(quick=True),
    COUNT: _whole("limit_count", 9, quick=True),
    SLIDE: _whole("limit_slide", 6, quick=True),
    METER: _whole("limit_meter", 7, quick=True),
}
#: A transaction that writes the least that can be written: when it is committed, so is on disk what was before it, and
#: wherever else the server's `synchronous_commit` wants it.
DURABLE = b"SELECT pg_logical_emit_message(true, 'entrepot limits', '')"
EACH = b"SELECT * FROM marketplace.limit_take_each($1, $2)"
TOGETHER = b"SELECT * FROM marketplace.limit_take_together($1, $2)"
SETTLE = b"SELECT * FROM marketplace.limit_settle($1, $2, $3, $4, $5, $6, $7)"
GIVE_BACK = b"SELECT * FROM marketplace.limit_give_back($1, $2, $3, $4)"
STATE = b"SELECT * FROM marketplace.limit_state($1, $2, $3, $4, $5, $6, $7, $8)"

_DEFINITION = """
    d.id, d.platform_id, d.limit_key, d.version, d.state, d.resource_type, d.default_value, d.description, d.algorithm,
    d.reset_period, d.window_seconds, d.time_zone, d.burst, d.warn_percent, d.hold_seconds, d.context_schema
"""
_LIVE = text(
    f"""
    SELECT {_DEFINITION}, p.time_zone AS platform_zone
    FROM marketplace.hm_limit_definition AS d JOIN marketplace.hm_platform AS p ON p.id = d.platform_id
    WHERE d.platform_id = :platform_id AND d.state IN ('ACTIVE', 'SUSPENDED')
    ORDER BY d.limit_key
    """
)
_DEFINITIONS = text(
    f"SELECT {_DEFINITION} FROM marketplace.hm_limit_definition AS d WHERE d.id = ANY (:definition_ids)"
)
_SCOPES = text(
    """
    SELECT s.limit_definition_id, s.condition_json, s.override_value, s.override_burst, s.priority
    FROM marketplace.hm_limit_scope AS s WHERE s.limit_definition_id = ANY (:definition_ids)
    ORDER BY s.limit_definition_id, s.position
    """
)
_INSERT_SCOPES = text(
    """
    INSERT INTO marketplace.hm_limit_scope (platform_id, limit_definition_id, position, scope_dimension, scope_value,
        condition_json, override_value, override_burst, priority)
    SELECT :platform_id, :definition_id, s.position, s.dimension, s.value, s.condition, s."limit", s.burst, s.priority
    FROM jsonb_to_recordset(:scopes) AS s (position integer, dimension text, value text, condition jsonb, "limit" bigint,
        burst bigint, priority integer)
    """
).bindparams(bindparam("scopes", type_=JSONB))

_PLATFORM_ZONE = text("SELECT p.time_zone FROM marketplace.hm_platform AS p WHERE p.id = :platform_id")


async def select_live(session: AsyncSession, platform_id: UUID) -> Sequence[RowMapping]:
    """The live definitions of a platform, with its time zone."""
    return (await session.execute(_LIVE, {"platform_id": platform_id})).mappings().all()


async def select_definitions(session: AsyncSession, definition_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Versions by their ids."""
    return (await session.execute(_DEFINITIONS, {"definition_ids": list(definition_ids)})).mappings().all()


async def select_scopes(session: AsyncSession, definition_ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The scopes of versions, in the order in which they were written."""
    return (await session.execute(_SCOPES, {"definition_ids": list(definition_ids)})).mappings().all()


async def insert_scopes(
    session: AsyncSession, platform_id: UUID, definition_id: UUID, scopes: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the scopes of a draft."""
    values = {"platform_id": platform_id, "definition_id": definition_id, "scopes": [*scopes]}
    await session.execute(_INSERT_SCOPES, values)


async def select_time_zone(session: AsyncSession, platform_id: UUID) -> str:
    """The time zone of a platform."""
    found: str = (await session.execute(_PLATFORM_ZONE, {"platform_id": platform_id})).scalar_one()
    return found


_RECENT = text(
    """
    SELECT r.id, r.kind, r.state, r.entity_id, r.amount, r.settled_amount, r.taken_at, r.expires_at, r.settled_at
    FROM marketplace.hm_limit_reservation AS r
    WHERE r.platform_id = :platform_id AND r.limit_key = :key
    ORDER BY r.taken_at DESC, r.id DESC LIMIT :limit
    """
)


async def select_recent(
    session: AsyncSession, platform_id: UUID, key: str, limit: int
) -> Sequence[RowMapping]:
    """The last reservations, leases and requests with an id of a limit, the newest first."""
    values = {"platform_id": platform_id, "key": key, "limit": limit}
    return (await session.execute(_RECENT, values)).mappings().all()


_LAST = text(
    """
    SELECT k.key, r.taken_at
    FROM unnest(CAST(:keys AS text[])) AS k (key), LATERAL (
        SELECT h.taken_at FROM marketplace.hm_limit_reservation AS h
        WHERE h.platform_id = :platform_id AND h.limit_key = k.key ORDER BY h.taken_at DESC LIMIT 1
    ) AS r
    """
)


async def select_last(
    session: AsyncSession, platform_id: UUID, keys: Sequence[str]
) -> Sequence[tuple[str, datetime]]:
    """When something was last held of each of several limits; those of which nothing ever was are left out."""
    rows = await session.execute(_LAST, {"platform_id": platform_id, "keys": [*keys]})
    return [(row.key, row.taken_at) for row in rows]


# What a counter's row says of this moment: a sliding window has moved on, a bucket has been filling since.
_USED = {
    "SLIDING_WINDOW": """
        (SELECT coalesce(sum(w.units), 0)::bigint FROM unnest(c.slices) WITH ORDINALITY AS w (units, place)
         WHERE c.slice - 21 + w.place >= div(extract(epoch FROM now()) * 1000000, :span / 20) - 20)
    """,
    "TOKEN_BUCKET": """
        CASE WHEN c.limit_value > 0 THEN
            greatest(ceil(extract(epoch FROM c.reset_time - now()) * 1000000
                / ceil(:span / coalesce(nullif(c.limit_value, :unenforced), greatest(:default_limit, 1))::numeric)), 0)::bigint
        ELSE 0 END
    """,
}


async def select_usage(
    session: AsyncSession,
    platform_id: UUID,
    rule: Rule,
    *,
    order: str,
    entity_id: str | None,
    at: Place | None,
    limit: int,
) -> Sequence[RowMapping]:
    """The counters of a limit in the window that runs now, beginning after a place."""
    fixed = rule.algorithm == "FIXED_WINDOW"
    window = "(SELECT w.starts FROM marketplace.limit_window(now(), CAST(:unit AS text), :span, CAST(:zone AS text)) AS w)"
    used = _USED.get(rule.algorithm, "c.current_usage")
    backward = at is not None and at.backward
    place, direction = "true", "ASC" if backward else "DESC"
    values: dict[str, Any] = {"platform_id": platform_id, "key": rule.key, "span": rule.span, "limit": limit}
    if order == "entity_id":
        rows = f'u.entity_id COLLATE "C" {"DESC" if backward else "ASC"}'
        if at is not None:
            place = f"u.entity_id {'<' if backward else '>'} :after_entity"
            values["after_entity"] = at.values[0]
    else:
        rows = f'u.used {direction}, u.entity_id COLLATE "C" {direction}'
        if at is not None:
            place = f"(u.used, u.entity_id) {'>' if backward else '<'} (:after_used, :after_entity)"
            values |= {"after_used": at.values[0], "after_entity": at.values[1]}
    if rule.algorithm == "TOKEN_BUCKET":
        values |= {"unenforced": UNENFORCED, "default_limit": rule.limit}
    if fixed:
        values |= {"unit": rule.unit, "zone": rule.zone}
    if entity_id is not None:
        values["entity_id"] = entity_id
    statement = f"""
        SELECT u.entity_id, u.used, u.limit_value, u.window_start, u.reset_time
        FROM (SELECT c.entity_id, {used} AS used, c.limit_value,
                     {"c.window_start" if fixed else "NULL::timestamptz AS window_start"}, c.reset_time
              FROM marketplace.hm_limit_counter AS c
              WHERE c.platform_id = :platform_id AND c.limit_key = :key AND c.algorithm = '{rule.algorithm}'
                AND c.window_start = {window if fixed else "'epoch'"}
                {"AND c.entity_id = :entity_id" if entity_id is not None else ""}) AS u
        WHERE {place} ORDER BY {rows} LIMIT :limit
    """
    return (await session.execute(text(statement), values)).mappings().all()


# Of entrepot_system: what is over is given back and forgotten, of all platforms.

_EXPIRED = text(
    """
    SELECT marketplace.limit_reclaim(e.platform_id, e.limit_key, e.window_start, e.entity_id, clock_timestamp())
    FROM (SELECT DISTINCT r.platform_id, r.limit_key, r.entity_id, r.window_start
          FROM marketplace.hm_limit_reservation AS r
          WHERE r.state = 'HELD' AND r.expires_at <= clock_timestamp()
          ORDER BY r.platform_id, r.limit_key, r.entity_id, r.window_start LIMIT :most) AS e
    """
)
_OLD_COUNTERS = text(
    """
    WITH old AS (
        SELECT c.ctid FROM marketplace.hm_limit_counter AS c
        WHERE c.reset_time < CASE WHEN c.algorithm = 'FIXED_WINDOW' AND c.reset_time - c.window_start >= interval '23 hours'
                                  THEN now() - CAST(:long AS interval) ELSE now() - CAST(:short AS interval) END
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM marketplace.hm_limit_counter AS c USING old WHERE c.ctid = old.ctid
    """
)
_OLD_RESERVATIONS = text(
    """
    WITH old AS (
        SELECT r.ctid FROM marketplace.hm_limit_reservation AS r
        WHERE r.taken_at < now() - CAST(:short AS interval) AND r.state <> 'HELD'
          AND coalesce(r.settled_at, r.taken_at) < now() - CAST(:short AS interval)
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
    DELETE FROM marketplace.hm_limit_reservation AS r USING old WHERE r.ctid = old.ctid
    """
)


async def reclaim_expired(session: AsyncSession, *, most: int) -> tuple[int, int]:
    """Give back what has expired, of up to `most` counters; how many holds of how many counters."""
    found = (await session.execute(_EXPIRED, {"most": most})).scalars().all()
    return sum(found), len(found)


async def delete_old_counters(session: AsyncSession, *, long: timedelta, short: timedelta, most: int) -> int:
    """Delete counters of which nothing counts any more since `long` (windows of a day and longer) or `short`."""
    values = {"long": long, "short": short, "most": most}
    return cast(CursorResult[Any], await session.execute(_OLD_COUNTERS, values)).rowcount


async def delete_old_reservations(session: AsyncSession, *, short: timedelta, most: int) -> int:
    """Delete what has been over since `short`."""
    values = {"short": short, "most": most}
    return cast(CursorResult[Any], await session.execute(_OLD_RESERVATIONS, values)).rowcount
