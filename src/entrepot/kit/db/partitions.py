"""Partitions ahead of time, drained and retained: `entrepot db partitions maintain`, and a scheduled job."""

from dataclasses import dataclass

from sqlalchemy import text

from entrepot.kit.db import ddl
from entrepot.kit.db.database import Database
from entrepot.kit.db.features import Partitions
from entrepot.kit.db.tables import Base


@dataclass(frozen=True)
class PartitionChange:
    """What maintenance did to one partition: created, drained (made from rows of the default one) or dropped."""

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


async def maintain(db: Database) -> list[PartitionChange]:
    """Bring the partitions of every declared table up to date; a table a transaction, so that locks stay short."""
    changes: list[PartitionChange] = []
    for table in Base.metadata.sorted_tables:
        partitions = ddl.feature(table, Partitions)
        if partitions is None:
            continue
        call = ddl.maintain_call(table, partitions).replace("SELECT entrepot.", "SELECT * FROM entrepot.", 1)
        async with db.system() as session:
            rows = await session.execute(text(call.replace(":", "\\:")))
            changes += [PartitionChange(table.fullname, row.action, row.partition, row.moved) for row in rows]
    return changes


async def listing(db: Database) -> list[Partition]:
    """Every partition of every declared table."""
    query = text(
        """
        SELECT format('%s.%s', n.nspname, p.relname) AS parent, c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds,
               greatest(c.reltuples, 0)::bigint AS rows_estimate, pg_total_relation_size(c.oid) AS bytes
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        JOIN pg_class AS p ON p.oid = i.inhparent AND p.relkind = 'p'
        JOIN pg_namespace AS n ON n.oid = p.relnamespace
        WHERE c.relkind = 'r' AND n.nspname = ANY (:schemas)
        ORDER BY 1, c.relname
        """
    )
    async with db.system() as session:
        rows = await session.execute(query, {"schemas": ddl.schemas()})
        return [Partition(row.parent, row.relname, row.bounds, row.rows_estimate, row.bytes) for row in rows]
