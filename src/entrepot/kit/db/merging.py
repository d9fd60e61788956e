"""Merging partitions: hours to days, days to months, while everybody reads and writes.

The rows are copied aside, indexed and checked. What changed meanwhile is copied again, until nothing has. Then it is
waited for whoever still looks at the database as it was before the copy (to them the copy would be empty), and one
short transaction drops the fine partitions and attaches the coarse one. Only that transaction is waited for.
"""

import asyncio
from datetime import datetime
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from psycopg.types.json import Jsonb
from sqlalchemy import Table

from entrepot.kit.db import ddl
from entrepot.kit.db.database import Database
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.partitions import PartitionChange, maintain_table
from entrepot.kit.db.tables import Base

#: How often a merge that is in somebody's way is tried again before it is left to the next run.
ATTEMPTS = 20
#: Seconds that old snapshots are waited for.
PATIENCE = 60.0

_SNAPSHOTS = """
    SELECT DISTINCT l.virtualtransaction
    FROM pg_stat_activity AS a JOIN pg_locks AS l ON l.pid = a.pid AND l.locktype = 'virtualxid' AND l.granted
    WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() AND a.datname = current_database()
"""


async def merge(
    db: Database, *, at: datetime | None = None, patience: float = PATIENCE
) -> list[PartitionChange]:
    """Merge what is old enough, of every declared table; what is in use too long is left to the next run.

    `at` stands for the present, `patience` is in seconds. A table that somebody else is merging is passed over.
    """
    changes: list[PartitionChange] = []
    connection = await db.listen()
    try:
        for table in Base.metadata.sorted_tables:
            partitions = ddl.feature(table, Partitions)
            if partitions is not None and partitions.merge:
                merging = Merging(db, connection, table, partitions, at, patience)
                changes += await merging.run()
    finally:
        await connection.close()
    return changes


class Merging:
    """The merges of one table, on a connection that holds the lock of merging for as long as they last.

    Each step is a transaction of its own. A run that is killed loses the lock with its connection, and the next one
    drops what it left.
    """

    def __init__(
        self,
        db: Database,
        connection: psycopg.AsyncConnection[tuple[Any, ...]],
        table: Table,
        partitions: Partitions,
        at: datetime | None,
        patience: float,
    ) -> None:
        self.db, self.connection, self.table, self.partitions = db, connection, table, partitions
        self.at, self.patience = at, patience

    async def run(self) -> list[PartitionChange]:
        """Every range that is old enough."""
        lock = "(hashtext('entrepot.merging'), %s::regclass::oid::integer)"
        if not await self._one(f"SELECT pg_try_advisory_lock{lock}", self.table.fullname):
            return []
        try:
            await self._one("SELECT count(*) FROM entrepot.drop_unfinished_merges(%s)", self.table.fullname)
            cursor = await self.connection.execute(
                "SELECT lower_bound, upper_bound FROM entrepot.merge_ranges(%s, %s, %s, coalesce(%s::timestamptz, now()))",
                [
                    self.table.fullname,
                    list(self.partitions.spans),
                    [one.after for one in self.partitions.merge],
                    self.at,
                ],
            )
            ranges = await cursor.fetchall()
            found = [await self.merge_range(lower, upper) for lower, upper in ranges]
            return [change for change in found if change]
        finally:
            if not self.connection.broken:
                await self._one(f"SELECT pg_advisory_unlock{lock}", self.table.fullname)

    async def merge_range(self, lower: datetime, upper: datetime) -> PartitionChange | None:
        """Make one partition of those of a range, or None where others were in the way for too long."""
        name = self.table.fullname
        cursor = await self.connection.execute(
            "SELECT partition, copied FROM entrepot.start_merge(%s, %s, %s)", [name, lower, upper]
        )
        row = await cursor.fetchone()
        assert row is not None
        partition, copied = row
        try:
            for step in ("indexes", "references", "validation"):
                await self._patiently("SELECT entrepot.prepare_partition(%s, %s, %s)", name, partition, step)
            made = await self._swap(partition, copied)
        finally:
            # Attached, it is gone under this name.
            if not self.connection.broken and await self._one("SELECT to_regclass(%s)", partition):
                await self._one("SELECT entrepot.drop_built_partition(%s, %s)", name, partition)
        if made is None:
            return None
        rows = sum(int(fingerprint.split("/")[0]) for fingerprint in made[1].values())
        return PartitionChange(name, "merged", made[0], rows)

    async def _swap(self, partition: str, copied: dict[str, str]) -> tuple[str, dict[str, str]] | None:
        name = self.table.fullname
        for attempt in range(ATTEMPTS):
            current = await self._one(
                "SELECT entrepot.catch_up_merge(%s, %s, %s)", name, partition, Jsonb(copied)
            )
            if current is None:
                return None  # retention dropped what was to be merged
            if current != copied or not attempt:
                copied = current
                if not await self._old_snapshots_are_gone():
                    return None
            try:
                made = await self._one(
                    "SELECT entrepot.finish_merge(%s, %s, %s)", name, partition, Jsonb(copied)
                )
            except (LockNotAvailable, DeadlockDetected, SerializationFailure):
                await asyncio.sleep(min(0.05 * 2**attempt, 2))
                continue
            if made is not None:
                return made, copied
            # Late rows of the range came to the default partition: they get one of their own, which is copied then.
            await maintain_table(self.db, self.table, self.partitions, at=self.at)
        return None

    async def _old_snapshots_are_gone(self) -> bool:
        """Wait for the transactions that may not see the copy; False when they outlast the patience."""
        older = await self._snapshots()
        waited = 0.0
        while older:
            if waited >= self.patience:
                return False
            await asyncio.sleep(0.05)
            waited += 0.05
            older &= await self._snapshots()
        return True

    async def _snapshots(self) -> set[str]:
        cursor = await self.connection.execute(_SNAPSHOTS)
        return {str(row[0]) for row in await cursor.fetchall()}

    async def _patiently(self, query: str, *values: Any) -> Any:
        """One statement, again when others hold the locks that it needs."""
        for attempt in range(ATTEMPTS):
            try:
                async with self.connection.transaction():
                    await self.connection.execute("SET LOCAL lock_timeout = '400ms'")
                    return await self._one(query, *values)
            except (LockNotAvailable, DeadlockDetected):
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(min(0.05 * 2**attempt, 2))
        return None

    async def _one(self, query: str, *values: Any) -> Any:
        cursor = await self.connection.execute(query.encode(), values)
        row = await cursor.fetchone()
        return row[0] if row else None
