"""Imports over HTTP."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.responses import StreamingResponse

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.kit.web.requests import database
from entrepot.kit.web.streaming import event_stream
from entrepot.pim.bulk.receiving import receive_file, request_import, server_file
from entrepot.pim.bulk.schemas import Import, ImportPage, RejectedPage, ServerFile, Status
from entrepot.pim.bulk.summaries import RunSummary, get_run, list_errors, list_runs
from entrepot.pim.bulk.watching import watch_run
from entrepot.pim.tenants.access import Identified, Reading, require

router = APIRouter(prefix="/imports", tags=["Imports"])

RunId = Annotated[UUID, Path(description="Identifier of the import.")]

#: What the framework cannot derive, since the body is read as it comes.
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "snapshot": {
                            "type": "boolean",
                            "default": False,
                            "description": "The file is the whole shop: what is not in it is deleted if no line is rejected.",
                        },
                        "force": {
                            "type": "boolean",
                            "default": False,
                            "description": "Import even if this very file was imported before.",
                        },
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "JSONL of a bulk operation or product CSV, plain or .gz. Stands after the other fields.",
                        },
                    },
                }
            },
            "application/json": {"schema": ServerFile.model_json_schema()},
        },
    }
}


@router.post(
    "",
    operation_id="startImport",
    summary="Start an import",
    status_code=202,
    response_model=Import,
    responses={
        **responses(*GUARDED, ConflictError),
        200: {
            "description": "Nothing was begun: this is the import that the same key began, or the shop's last import of the "
            "very same file.",
            "model": Import,
        },
        202: {
            "description": "The import waits for a worker.",
            "headers": {"Location": {"description": "Address of the import.", "schema": {"type": "string"}}},
        },
    },
    openapi_extra=_BODY,
)
async def start(
    request: Request,
    response: Response,
    known: Identified,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            description="The same key with the same file is the same import; with another file it is refused.",
            examples=["nightly-2026-11-21"],
        ),
    ] = None,
) -> RunSummary:
    """Import an uploaded file, or, as an administrator, one that is on the server below ENTREPOT_IMPORT_DIR."""
    require(known, "write")
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json":
        require(known, "admin")
        wanted = await server_file(request)
    else:
        wanted = await receive_file(request, known.identity)
    started = await request_import(request, known.identity, wanted, key=idempotency_key)
    if started.repeated:
        response.status_code = 200
    response.headers["location"] = f"{request.url.path}/{started.run.id}"
    return started.run


@router.get(
    "",
    operation_id="listImports",
    summary="The shop's imports",
    response_model=ImportPage,
    responses=responses(*GUARDED),
)
async def list_all(
    request: Request,
    response: Response,
    access: Reading,
    status: Annotated[Status | None, Query(description="Only imports of this status.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Every import, the newest first."""
    page = await list_runs(access.session, status=status, after=after, before=before, limit=limit)
    return answer_page(request, response, page)


@router.get(
    "/{run_id}",
    operation_id="getImport",
    summary="One import",
    response_model=Import,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_one(access: Reading, run_id: RunId) -> RunSummary:
    """How far it is, and what became of what was read."""
    return await get_run(access.session, run_id)


@router.get(
    "/{run_id}/errors",
    operation_id="listRejectedLines",
    summary="What an import rejected",
    response_model=RejectedPage,
    responses=responses(*GUARDED, NotFoundError),
)
async def list_rejected(
    request: Request,
    response: Response,
    access: Reading,
    run_id: RunId,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Each line that was set aside: where it stands, what in it is wrong, and why."""
    await get_run(access.session, run_id)
    page = await list_errors(access.session, run_id, after=after, before=before, limit=limit)
    return answer_page(request, response, page)


@router.get(
    "/{run_id}/errors.csv",
    operation_id="downloadRejectedLines",
    summary="What an import rejected, as CSV",
    response_class=Response,
    responses={
        **responses(*GUARDED, NotFoundError),
        200: {
            "description": "One line a rejected line, with a heading.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
    },
)
async def download_rejected(request: Request, access: Reading, run_id: RunId) -> Response:
    """All of them, however many there are."""
    await get_run(access.session, run_id)
    lines = csv_lines(database(request), access.identity.shop_id, run_id)
    disposition = f'attachment; filename="rejected-{run_id}.csv"'
    return StreamingResponse(
        lines, media_type="text/csv; charset=utf-8", headers={"content-disposition": disposition}
    )


@router.get(
    "/{run_id}/events",
    operation_id="watchImport",
    summary="Watch an import",
    response_class=Response,
    responses={
        **responses(*GUARDED, NotFoundError),
        200: {
            "description": "`progress` whenever the figures change, then `end`; the data of each is the import.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
    },
)
async def watch(request: Request, access: Reading, run_id: RunId) -> Response:
    """Server-sent events until the import is over."""
    await get_run(access.session, run_id)
    return event_stream(watch_run(database(request), access.identity.shop_id, run_id))


COLUMNS = ("line", "file", "type", "kind", "code", "field", "value", "reason", "record")
#: A spreadsheet would take a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def csv_lines(db: Database, shop_id: UUID, run_id: UUID) -> AsyncIterator[str]:
    """The rejected lines as CSV, page by page."""
    yield csv_line(COLUMNS)
    after: str | None = None
    while True:
        async with db.tenant(shop_id=shop_id) as session:
            page = await list_errors(session, run_id, after=after, limit=1000)
        for row in page.rows:
            names = (
                "line_number",
                "file",
                "type",
                "error_type",
                "error_code",
                "field",
                "value",
                "message",
                "record",
            )
            yield csv_line([row[name] for name in names])
        after = page.after
        if after is None:
            return


def csv_line(cells: Any) -> str:
    """One line of CSV, harmless in a spreadsheet."""
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else guarded(str(cell)) for cell in cells])
    return out.getvalue()


def guarded(cell: str) -> str:
    """The cell, with an apostrophe before it where a spreadsheet would compute it."""
    return "'" + cell if cell.startswith(FORMULA) else cell
