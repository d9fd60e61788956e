"""Imports in the background, and tidying up after those that were interrupted."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError
from entrepot.kit.jobs import Job, enqueue, task
from entrepot.kit.progress import SILENT
from entrepot.pim.bulk import summary_queries, upkeep
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.pim.bulk.summaries import get_run

#: How long to leave a shop alone that somebody imports from the command line.
BUSY = timedelta(seconds=20)


@task("bulk.import", queue="imports", max_attempts=3)
async def import_requested(
    job: Job, *, run_id: str, path: str, name: str, snapshot: bool, kept: bool
) -> dict[str, Any]:
    """Carry out a run that a request wrote down; a file that was uploaded for it is deleted when it is over.

    A run whose worker was killed is taken up again; one that is complete is left as it is. While another import of
    the shop runs, this one waits its turn.
    """
    if job.shop_id is None:
        raise InvalidInputError("An import belongs to a shop.")
    context = Context(job.db, job.shop_id, job.user_id, job.trace_id)
    run, file = UUID(run_id), Path(path)
    async with job.session() as session:
        status = (await get_run(session, run)).status
    if status in ("completed", "cancelled"):
        _discard(file, kept)
        return {"run_id": run_id, "status": status}
    try:
        source = await asyncio.to_thread(examine, file, name)
        imported = await import_files(
            context, [source], Options(snapshot=snapshot, force=True), SILENT, run_id=run
        )
    except ConflictError:
        # Not this import's fault, so it costs none of its attempts.
        async with job.session() as session:
            lock = f"import {job.shop_id}"
            await enqueue(session, job.task, lock=lock, schedule_at=now() + BUSY, **job.arguments)
        return {"run_id": run_id, "status": "postponed"}
    except EntrepotError as error:
        if isinstance(error, InvalidInputError) or job.attempt >= job.max_attempts:
            # A run that has begun has noted its failure; one that could not begin, or begin again, is told here.
            async with job.session() as session:
                await summary_queries.fail_waiting_run(session, run, str(error))
            _discard(file, kept)
        raise
    _discard(file, kept)
    return imported.as_dict()


def _discard(file: Path, kept: bool) -> None:
    if kept:
        file.unlink(missing_ok=True)


@task("staging.purge", queue="maintenance", cron="5 4 * * *")
async def purge_staging(job: Job) -> dict[str, int]:
    """Give up runs that were interrupted long ago, and delete the staged rows of all that are over."""
    async with job.db.system(trace_id=job.trace_id) as session:
        abandoned = await upkeep.abandon_interrupted(session)
    return {"abandoned": abandoned, "rows": await upkeep.purge_staging(job.db)}


@task("artifacts.purge", queue="maintenance", cron="50 3 * * *")
async def purge_artifacts(job: Job, *, days: float = 7) -> dict[str, int]:
    """Delete uploads and kept input older than `days` that no import waits for."""
    async with job.db.system(trace_id=job.trace_id) as session:
        awaited = await upkeep.awaited_files(session)
    home = job.db.settings.home
    return {"deleted": await asyncio.to_thread(upkeep.purge_files, home, days=days, awaited=awaited)}
