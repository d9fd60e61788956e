"""Partitions ahead of time, drained and retained: `entrepot db partitions maintain`, and a scheduled job."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Table, text
from sqlalchemy.exc import IntegrityError, OperationalError

from entrepot.kit.db import ddl
from entrepot.kit.db.database import Database
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.tables import Base
from entrepot.kit.errors import ConflictError

#: Milliseconds that a change of partitions waits for a lock: less than the second after which a server looks for
#: deadlocks, so that it is never somebody else who is ended.
LOCK_TIMEOUT = 400
ATTEMPTS = 60


@dataclass(frozen=True)
class PartitionChange:
    """What maintenance did to one partition: created, drained (made from rows of the default one), merged or dropped."""

    table: str
    action: str
    partition: str
    rows: int


@dataclass(frozen=True)
class Partition:
    """One partition as it stands."""

    table: str
    name: str
    bounds: str
    rows_estimate: int
    bytes: int


async def maintain(db: Database, *, at: datetime | None = None) -> list[PartitionChange]:
    """Bring the partitions of every declared table up to date; a table a transaction, so that locks stay short.

    `at` stands for the present (for tests, and for worlds with a clock of their own).
    """
    changes: list[PartitionChange] = []
    for table in Base.metadata.sorted_tables:
        partitions = ddl.feature(table, Partitions)
        if partitions is not None:
            changes += await maintain_table(db, table, partitions, at=at)
    return changes


async def maintain_table(
    db: Database, table: Table, partitions: Partitions, *, at: datetime | None = None
) -> list[PartitionChange]:
    """The same for one table."""
    call = ddl.maintain_call(table, partitions).replace("SELECT entrepot.", "SELECT * FROM entrepot.", 1)
    call = call.replace(":", "\\:").removesuffix(")") + ", coalesce(CAST(:at AS timestamptz), now()))"
    async with db.system() as session:
        rows = await session.execute(text(call), {"at": at})
        return [PartitionChange(table.fullname, row.action, row.partition, row.moved) for row in rows]


async def attach(db: Database, table: str, built: str) -> str:
    """Make a table that `entrepot.build_partition` made, and that is filled by now, a partition; gives its name.

    A step a transaction, so that nobody waits for more than a moment: indexes lock no other table, foreign keys are
    added unchecked and then checked set-wise while others write, and what is left is to attach. That last step locks
    the tables that are referred to: it gives up before a deadlock could end anybody, and tries again.
    Raises ConflictError where the range has rows by now, or where a foreign key does not hold.
    """
    names = {"table": table, "built": built}
    for step in ("indexes", "references", "validation"):
        await _patiently(
            db,
            "SELECT entrepot.prepare_partition(CAST(:table AS regclass), :built, :step)",
            {**names, "step": step},
        )
    found: str = await _patiently(
        db, "SELECT entrepot.attach_partition(CAST(:table AS regclass), :built)", names
    )
    return found


async def _patiently(db: Database, statement: str, values: dict[str, str]) -> Any:
    """One statement in its own transaction, again when others hold the locks that it needs."""
    for attempt in range(ATTEMPTS):
        try:
            async with db.system() as session:
                await session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}ms'"))
                return (await session.execute(text(statement), values)).scalar()
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable | DeadlockDetected) or attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(min(0.05 * 2**attempt, 5))
        except IntegrityError as error:
            raise ConflictError(str(error.orig).splitlines()[0]) from error
    return None


async def listing(db: Database) -> list[Partition]:
    """Every partition of every declared table, and what is being filled to become one."""
    query = text(
        """
        SELECT format('%s.%s', n.nspname, p.relname) AS parent, c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds,
               greatest(c.reltuples, 0)::bigint AS rows_estimate, pg_total_relation_size(c.oid) AS bytes
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        JOIN pg_class AS p ON p.oid = i.inhparent AND p.relkind = 'p'
        JOIN pg_namespace AS n ON n.oid = p.relnamespace
        WHERE c.relkind = 'r' AND n.nspname = ANY (:schemas)
        UNION ALL
        SELECT made[1], c.relname, 'not attached yet: from ' || made[2] || ' to ' || made[3],
               greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace,
        regexp_match(obj_description(c.oid, 'pg_class'), '^To be a partition of (\\S+) from ''([^'']+)'' to ''([^'']+)''$') AS made
        WHERE c.relkind = 'r' AND n.nspname = ANY (:schemas) AND made IS NOT NULL
        ORDER BY 1, 2
        """
    )
    async with db.system() as session:
        rows = await session.execute(query, {"schemas": ddl.schemas()})
        return [Partition(row.parent, row.relname, row.bounds, row.rows_estimate, row.bytes) for row in rows]
