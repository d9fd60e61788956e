"""Imports that a request asks for: the file is kept, the run written down, and a job does the work.

The run, its idempotency key and its job are one transaction; a request that is sent again finds the run that it began.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import orjson
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from entrepot.kit.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from entrepot.kit.jobs import enqueue
from entrepot.kit.settings import Settings
from entrepot.kit.web.requests import client_address, database, settings_of, trace_id, user_agent
from entrepot.kit.web.uploads import receive_upload
from entrepot.pim.bulk import (
    summary_queries,
    tasks,  # noqa: F401 - registers the task that is enqueued here
)
from entrepot.pim.bulk.reading import Source, examine
from entrepot.pim.bulk.runs import fingerprint
from entrepot.pim.bulk.schemas import ServerFile
from entrepot.pim.bulk.summaries import RunSummary, get_run, summarize
from entrepot.pim.tenants.schemas import Identity

TRUE = ("true", "on", "1", "yes")
#: Longest JSON body that names a file.
LONGEST_BODY = 16_384


@dataclass(frozen=True, slots=True)
class Requested:
    """A file to import and how; `kept` is a copy of ours, which is deleted when the run is over."""

    source: Source
    snapshot: bool
    force: bool
    kept: bool

    def discard(self) -> None:
        """Delete the copy."""
        if self.kept:
            self.source.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Started:
    """The run of a request; `repeated` when it is an earlier one and nothing was begun."""

    run: RunSummary
    repeated: bool


async def receive_file(
    request: Request, identity: Identity, *, check: Callable[[Mapping[str, str]], None] = lambda _: None
) -> Requested:
    """The uploaded file, looked at; raises InvalidInputError for one that cannot be imported, and keeps none then."""
    directory = settings_of(request).home / "uploads" / str(identity.shop_id)
    upload = await receive_upload(request, directory, check=check)
    try:
        source = await asyncio.to_thread(examine, upload.path, upload.name)
        options = {name: upload.fields.get(name, "").lower() in TRUE for name in ("snapshot", "force")}
    except BaseException:
        upload.path.unlink(missing_ok=True)
        raise
    return Requested(source, options["snapshot"], options["force"], kept=True)


async def server_file(request: Request) -> Requested:
    """The file that an administrator names, below the directory of imports and nowhere else."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise InvalidInputError("The body is too long for the name of a file.")
    try:
        wanted = ServerFile.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidInputError(
            f"The request cannot be used: {field}: {first['msg']}.", where={"field": field}
        ) from error
    path = resolve(settings_of(request), wanted.path)
    source = await asyncio.to_thread(examine, path, wanted.path)
    return Requested(source, wanted.snapshot, wanted.force, kept=False)


def resolve(settings: Settings, path: str) -> Path:
    """The file of a path below the directory of imports; links that lead out of it are not followed."""
    if settings.import_dir is None:
        raise ForbiddenError(
            "This installation takes no files of its own disk.",
            hint="Set ENTREPOT_IMPORT_DIR, or upload the file.",
        )
    root = settings.import_dir.resolve()
    if "\0" in path:
        raise InvalidInputError("The path holds a NUL.", where={"field": "path"})
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise ForbiddenError(f"{path} is not below the directory of imports.", where={"field": "path"})
    return found


async def request_import(
    request: Request, identity: Identity, wanted: Requested, *, key: str | None = None
) -> Started:
    """Write the run down and have a worker carry it out.

    The very file of the last import gives that import back, unless forced. Raises ConflictError for an idempotency
    key that stands for another file.
    """
    try:
        async with database(request).tenant(
            shop_id=identity.shop_id,
            user_id=identity.user_id,
            trace_id=trace_id(request),
            ip=client_address(request),
            user_agent=user_agent(request),
        ) as session:
            started = await _start(session, identity.shop_id, wanted, key)
    except BaseException:
        wanted.discard()
        raise
    if started.repeated:
        wanted.discard()
    return started


async def _start(session: AsyncSession, shop_id: UUID, wanted: Requested, key: str | None) -> Started:
    digest = fingerprint([wanted.source], snapshot=wanted.snapshot)
    stored = stored_key(shop_id, key)
    if key is not None and (earlier := await _of_key(session, stored, digest)) is not None:
        return earlier
    if not wanted.force and (last := await _unchanged(session, digest)) is not None:
        return last
    state = {"fingerprint": digest, "snapshot": wanted.snapshot, "files": [wanted.source.name]}
    run_id = await summary_queries.insert_waiting_run(
        session, key=stored, state=orjson.dumps(state).decode(), query_type=wanted.source.format
    )
    if run_id is None:  # the same request came at the same time, and was first
        earlier = await _of_key(session, stored, digest)
        if earlier is None:
            raise NotFoundError("The import of this idempotency key is gone.")
        return earlier
    await enqueue(
        session,
        "bulk.import",
        lock=f"import {shop_id}",
        run_id=str(run_id),
        path=str(wanted.source.path),
        name=wanted.source.name,
        snapshot=wanted.snapshot,
        kept=wanted.kept,
    )
    return Started(await get_run(session, run_id), repeated=False)


async def _of_key(session: AsyncSession, stored: str, digest: str) -> Started | None:
    row = await summary_queries.select_run_of_key(session, stored)
    if row is None:
        return None
    if (row["cursor_state"] or {}).get("fingerprint") != digest:
        raise ConflictError(
            "This Idempotency-Key stands for the import of another file.",
            hint="Send a new key with a new file.",
            where={"import": str(row["id"])},
        )
    return Started(summarize(row), repeated=True)


async def _unchanged(session: AsyncSession, digest: str) -> Started | None:
    row = await summary_queries.select_last_run(session)
    if (
        row is None
        or row["status"] != "completed"
        or (row["cursor_state"] or {}).get("fingerprint") != digest
    ):
        return None
    return Started(summarize(row), repeated=True)


def stored_key(shop_id: UUID, key: str | None) -> str:
    """An idempotency key as it is stored: unique over all shops, and never what the client sent."""
    told = "key:" + sha256(key.encode()).hexdigest()[:40] if key is not None else "upload:" + uuid4().hex
    return f"{shop_id.hex}:{told}"
