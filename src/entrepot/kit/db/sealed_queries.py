"""Columns that hold sealed values, whichever tables they are in: under which keys they are, and sealing them anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.crypto import Keyring, Sealed
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.tables import Base


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column declared with `sealed`: its table, and the column whose value the secret is bound to."""

    table: str
    column: str
    tenant: str

    @property
    def name(self) -> str:
        """What a value is bound to beside the tenant."""
        return f"{self.table}.{self.column}"


def sealed_columns() -> Iterator[SealedColumn]:
    """Every column of the program that is declared with `sealed`."""
    load_declarations()
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if tenant := column.info.get("sealed"):
                yield SealedColumn(table.fullname, column.name, tenant)


async def count_by_version(session: AsyncSession) -> dict[int, int]:
    """How many values are under each version of the key; takes a session of `db.system()`."""
    found: dict[int, int] = {}
    for one in sealed_columns():
        # A packed value begins with its version.
        query = (
            f"SELECT CAST(substring({one.column} FROM 1 FOR 4) AS integer) AS version, count(*) AS held "
            f"FROM {one.table} WHERE {one.column} IS NOT NULL GROUP BY version"
        )
        for version, held in await session.execute(text(query)):
            found[version] = found.get(version, 0) + held
    return found


async def reseal(
    session: AsyncSession, keyring: Keyring, one: SealedColumn, *, after: UUID, limit: int
) -> list[UUID]:
    """Put the next values of a column under the current key; the ids of their rows, none when all are.

    Raises UnavailableError for a value that does not open.
    """
    query = (
        f"SELECT id, {one.tenant} AS tenant, {one.column} AS sealed FROM {one.table} "
        f"WHERE id > :after AND CAST(substring({one.column} FROM 1 FOR 4) AS integer) <> :current "
        "ORDER BY id LIMIT :limit FOR UPDATE"
    )
    values = {"after": after, "current": keyring.current, "limit": limit}
    rows = (await session.execute(text(query), values)).mappings().all()
    for row in rows:
        fresh = keyring.reseal(Sealed.unpacked(row["sealed"]), tenant=row["tenant"], column=one.name)
        await session.execute(
            text(f"UPDATE {one.table} SET {one.column} = :sealed WHERE id = :id"),
            {"sealed": fresh.packed(), "id": row["id"]},
        )
    return [row["id"] for row in rows]
