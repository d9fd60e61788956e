"""Looking after the outbox: dead letters are redriven, and what was delivered long ago is deleted."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import queries
from entrepot.events.tables import CHANNEL
from entrepot.kit.db.database import Database

RETENTION_DAYS = 30
PURGE_BATCH = 5000


async def redrive(
    session: AsyncSession,
    *,
    event_id: UUID | None = None,
    subscriber: str | None = None,
    event_type: str | None = None,
    delivered: bool = False,
) -> int:
    """Make dead deliveries pending again with fresh attempts; returns how many.

    All of them, or those of one event, one subscriber, one type. With `delivered`, delivered ones too: they are
    delivered once more.
    """
    result = await session.execute(
        queries.REDRIVE,
        {
            "event_id": event_id,
            "endpoint": f"task://{subscriber}" if subscriber else None,
            "type": event_type,
            "states": ["dead", "delivered"] if delivered else ["dead"],
        },
    )
    count: int = result.rowcount  # type: ignore[attr-defined]
    if count:
        await session.execute(queries.NOTIFY, {"channel": CHANNEL})
    return count


async def purge(db: Database, *, days: int = RETENTION_DAYS, batch: int = PURGE_BATCH) -> int:
    """Delete events older than `days` whose deliveries were all delivered, in short transactions; returns how many.

    An event with a delivery that is pending or dead is kept, whatever its age.
    """
    total = 0
    while True:
        async with db.system() as session:
            result = await session.execute(queries.PURGE, {"days": days, "batch": batch})
            deleted: int = result.rowcount  # type: ignore[attr-defined]
        total += deleted
        if deleted < batch:
            return total
