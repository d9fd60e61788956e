"""Publishing: an event is written in the transaction of what it tells, or not at all."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import queries
from entrepot.events.envelope import NewEvent
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import to_json

# The escape of a NUL in JSON, and not an escaped backslash before the letters u0000.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


async def publish(
    session: AsyncSession,
    *,
    type: str,  # noqa: A002 - CloudEvents' own word
    data: Mapping[str, Any] | None = None,
    subject: str | None = None,
    source: str = "/entrepot",
    time: datetime | None = None,
    dataschema: str | None = None,
    dedupe_key: str | None = None,
    shop_id: UUID | None = None,
    platform_id: UUID | None = None,
    account_id: UUID | None = None,
) -> UUID | None:
    """Publish one event in the caller's transaction; returns its id, or None where `dedupe_key` was published before.

    Raises what `publish_many` raises.
    """
    event = NewEvent(
        type=type,
        data=data or {},
        subject=subject,
        source=source,
        time=time,
        dataschema=dataschema,
        dedupe_key=dedupe_key,
        shop_id=shop_id,
        platform_id=platform_id,
        account_id=account_id,
    )
    return next(iter(await publish_many(session, [event])), None)


async def publish_many(session: AsyncSession, events: Iterable[NewEvent]) -> list[UUID]:
    """Publish events in the caller's transaction with one statement; returns the ids of those that were new, in order.

    Raises InvalidInputError for a payload that PostgreSQL cannot hold (a NUL character).
    """
    rows = to_json(list(events)).decode()
    if rows.strip() == "[]":
        return []
    if NUL.search(rows):
        raise InvalidInputError("The event holds a NUL character, which PostgreSQL cannot store.")
    return list((await session.execute(queries.PUBLISH, {"events": rows})).scalars())


async def publish_from(
    session: AsyncSession,
    select: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    source: str = "/entrepot",
) -> int:
    """Publish an event a row of `select` (columns type text, subject text, data jsonb) in the current tenant.

    For bulk work: nothing passes through Python. `select` is SQL of the caller's queries module with named
    parameters. Returns how many were published.
    """
    result = await session.execute(
        queries.publish_from(select), {**(parameters or {}), "event_source": source}
    )
    return result.rowcount  # type: ignore[attr-defined, no-any-return]
