"""Imports in the background."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from entrepot.kit.errors import EntrepotError, InvalidInputError
from entrepot.kit.jobs import Job, task
from entrepot.kit.progress import SILENT
from entrepot.pim.bulk import summary_queries
from entrepot.pim.bulk.importing import Context, Options, import_files
from entrepot.pim.bulk.reading import examine


#: The name of the task, for whoever enqueues it.
IMPORT = "bulk.import"


@task(IMPORT, queue="imports", max_attempts=3)
async def import_requested(
    job: Job, *, run_id: str, path: str, name: str, snapshot: bool, kept: bool
) -> dict[str, Any]:
    """Carry out a run that a request wrote down; a file that was uploaded for it is deleted when it is over."""
    if job.shop_id is None:
        raise InvalidInputError("An import belongs to a shop.")
    context = Context(job.db, job.shop_id, job.user_id, job.trace_id)
    file = Path(path)
    try:
        source = await asyncio.to_thread(examine, file, name)
        imported = await import_files(
            context, [source], Options(snapshot=snapshot, force=True), SILENT, run_id=UUID(run_id)
        )
    except EntrepotError as error:
        # A run that has begun has noted its failure; one that has not is told here.
        last = isinstance(error, InvalidInputError) or job.attempt >= job.max_attempts
        if last:
            async with job.session() as session:
                await summary_queries.fail_waiting_run(session, UUID(run_id), str(error))
            _discard(file, kept)
        raise
    _discard(file, kept)
    return imported.as_dict()


def _discard(file: Path, kept: bool) -> None:
    if kept:
        file.unlink(missing_ok=True)
