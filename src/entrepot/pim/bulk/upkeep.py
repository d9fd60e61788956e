"""Tidying up after runs: what a killed import left in the staging tables, on the disk, and in its own record."""

import stat
import time
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.pim.bulk import upkeep_queries

#: Below the home: where uploads and standard input are kept until they are imported.
DIRECTORIES = ("uploads", "artifacts")
#: No step of a run goes on for so long without a sign of life.
SILENT_HOURS = 24


async def abandon_interrupted(session: AsyncSession, *, hours: int = SILENT_HOURS) -> int:
    """Mark as failed the runs that were interrupted and that no job will take up; returns how many.

    The same files imported again still take such a run up where it can be. Takes a session of `db.system()`.
    """
    return len((await session.execute(upkeep_queries.ABANDON, {"hours": hours})).all())


async def purge_staging(db: Database) -> int:
    """Delete the staged rows of runs that are over, a run at a time; returns how many rows.

    Imports stage in tables of their session. Rows in the shop's own tables are those of other programs and earlier versions.
    """
    async with db.system() as session:
        runs = (await session.execute(upkeep_queries.ENDED_WITH_ROWS)).scalars().all()
    deleted = 0
    for run in runs:
        async with db.system() as session:
            for statement in upkeep_queries.PURGE_STAGING:
                result = await session.execute(statement, {"run": run})
                deleted += result.rowcount  # type: ignore[attr-defined]
    return deleted


async def awaited_files(session: AsyncSession) -> frozenset[str]:
    """The files that a job still has to import, of every shop; takes a session of `db.system()`."""
    return frozenset((await session.execute(upkeep_queries.AWAITED_FILES)).scalars())


def purge_files(home: Path, *, days: float, awaited: AbstractSet[str] = frozenset()) -> int:
    """Delete kept files older than `days` that nothing waits for; returns how many. Links are not followed."""
    limit = time.time() - days * 86_400
    deleted = 0
    for directory in DIRECTORIES:
        for path in (home / directory).rglob("*"):
            with suppress(FileNotFoundError):  # an import that ends deletes its file itself
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and found.st_mtime < limit and str(path) not in awaited:
                    path.unlink()
                    deleted += 1
    return deleted
