"""Imports as pages: the list, the upload, one run with its progress and what it rejected."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from entrepot.kit.errors import ConflictError, InvalidInputError, UnavailableError
from entrepot.kit.web.rendering import Message, render
from entrepot.pim.bulk.receiving import receive_file, request_import
from entrepot.pim.bulk.summaries import STATUSES, get_run, list_errors, list_runs
from entrepot.pim.tenants.access import CSRF_FIELD, Recognized, Visiting, visit_of
from entrepot.pim.tenants.sessions import check_csrf

router = APIRouter(include_in_schema=False, prefix="/imports")

REPEATED = Message(
    "info",
    "This very file was the last import, so nothing was done.",
    "To import it all the same, tick “Import even if this very file was imported before”.",
)

Cursor = Annotated[str | None, Query(max_length=1000)]


@router.get("")
async def imports_page(
    request: Request, visit: Visiting, status: str = "", after: Cursor = None, before: Cursor = None
) -> HTMLResponse:
    """Every import, the newest first."""
    chosen = status if status in STATUSES else None
    page = await list_runs(visit.session, status=chosen, after=after, before=before)
    return render(
        request,
        "imports/list.html",
        section="imports",
        page=page,
        filters={"status": chosen or ""},
        statuses=STATUSES,
    )


@router.get("/new")
async def new_page(request: Request, _visit: Visiting) -> HTMLResponse:
    """The upload form."""
    return render(request, "imports/new.html", section="imports", fault="")


@router.post("")
async def upload(request: Request, signed_in: Recognized) -> Response:
    """Take the file and go to its run; a file that cannot be taken brings the form back with the reason.

    The file is read before a transaction is opened: an upload may take as long as it likes.
    """

    def check(fields: Mapping[str, str]) -> None:
        check_csrf(signed_in, fields.get(CSRF_FIELD))

    try:
        wanted = await receive_file(request, signed_in.identity, check=check)
        started = await request_import(request, signed_in.identity, wanted)
    except (InvalidInputError, ConflictError, UnavailableError) as error:
        async with visit_of(request, signed_in):
            return render(
                request, "imports/new.html", section="imports", fault=str(error), status=error.status
            )
    query = "?repeated=1" if started.repeated else ""
    return RedirectResponse(f"/imports/{started.run.id}{query}", status_code=HTTPStatus.SEE_OTHER)


@router.get("/{run_id}")
async def run_page(
    request: Request,
    visit: Visiting,
    run_id: UUID,
    repeated: bool = False,
    after: Cursor = None,
    before: Cursor = None,
) -> HTMLResponse:
    """One import: how far it is, what became of what was read, what was rejected and why."""
    run = await get_run(visit.session, run_id)
    errors = await list_errors(visit.session, run_id, after=after, before=before)
    messages = (REPEATED,) if repeated else ()
    return render(request, "imports/run.html", section="imports", run=run, errors=errors, messages=messages)
