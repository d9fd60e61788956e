"""The inbox of failures as pages, and the calls to outside services."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError, NotFoundError
from entrepot.kit.web.doors import doors
from entrepot.mirakl.accounts.access import AccountAccess, AccountVisiting
from entrepot.mirakl.failures import page_queries, queries
from entrepot.mirakl.failures.finding import SHOWN, list_calls, list_failures
from entrepot.mirakl.failures.inbox import can_retry, resolve, retry
from entrepot.mirakl.visiting import go_to, message_about, message_of, names_of, render_account

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}")

Text = Annotated[str, Query(max_length=255)]
FailureId = Annotated[UUID, Path()]

#: What a redirect may have the page of a failure say.
NOTICES = {
    "retry": "It is tried again. The failure closes by itself when the step goes well.",
    "resolve": "The failure is resolved.",
}
#: Most calls that the page of a failure shows.
LAST_CALLS = 10


@router.get("/failures")
async def failures_page(
    request: Request,
    access: AccountVisiting,
    state: Text = "open",
    process: Text = "",
    related: Text = "",
    after: str | None = None,
    before: str | None = None,
) -> Response:
    """What went wrong, why, and what happens next."""
    shown = state if state in SHOWN else "open"
    page = await list_failures(
        access.session,
        access.account_id,
        states=SHOWN[shown],
        process=process or None,
        related=related.strip() or None,
        after=after,
        before=before,
    )
    return await render_account(
        request,
        access,
        "failures.html",
        place="failures",
        page=page,
        processes=await page_queries.select_processes(access.session, access.account_id),
        filters={"state": shown, "process": process, "related": related.strip()},
        filtered=bool(process or related.strip() or shown != "open"),
    )


@router.get("/failures/{failure_id}")
async def failure_page(
    request: Request, access: AccountVisiting, failure_id: FailureId, done: Text = ""
) -> Response:
    """One failure, and what can be done about it."""
    return await _failure(request, access, failure_id, done=done)


@router.post("/failures/{failure_id}/retry")
async def retry_form(request: Request, access: AccountVisiting, failure_id: FailureId) -> Response:
    """Set a failed step going again."""
    await doors(request).read_form(request)
    access.require("write")
    try:
        async with access.session.begin_nested():
            await retry(access.session, access.account_id, failure_id)
    except (ConflictError, InvalidInputError) as error:
        return await _failure(request, access, failure_id, error=error)
    return go_to(access, "failures", failure_id, done="retry")


@router.post("/failures/{failure_id}/resolve")
async def resolve_form(request: Request, access: AccountVisiting, failure_id: FailureId) -> Response:
    """Mark a failure as resolved, and say how."""
    fields = await doors(request).read_form(request)
    access.require("write")
    resolution = fields.get("resolution", "").strip()
    try:
        if not resolution:
            raise InvalidInputError("Say how it was resolved.", hint="One sentence is enough.")
        async with access.session.begin_nested():
            await resolve(
                access.session,
                access.account_id,
                failure_id,
                by=access.person.user_id,
                resolution=resolution[:4000],
            )
    except (ConflictError, InvalidInputError) as error:
        return await _failure(request, access, failure_id, error=error)
    return go_to(access, "failures", failure_id, done="resolve")


async def _failure(
    request: Request,
    access: AccountAccess,
    failure_id: UUID,
    *,
    done: str = "",
    error: EntrepotError | None = None,
) -> Response:
    found = await queries.select_failure(access.session, access.account_id, failure_id)
    if found is None:
        raise NotFoundError(f"There is no failure {failure_id}.")
    related = [found["related_id"], *([found["order_id"]] if found["order_id"] else [])]
    calls = await list_calls(access.session, access.account_id, related=related, limit=LAST_CALLS)
    return await render_account(
        request,
        access,
        "failure.html",
        place="failures",
        status=error.status if error else 200,
        messages=message_about(error) if error else message_of(done, NOTICES),
        failure=found,
        can_retry=can_retry(found),
        payload=_readable(found["payload"]),
        calls=calls.rows,
        names=await names_of(request, [found["resolved_by"]]),
    )


def _readable(payload: Any) -> str | None:
    return None if payload is None else orjson.dumps(payload, option=orjson.OPT_INDENT_2).decode()


@router.get("/calls")
async def calls_page(
    request: Request,
    access: AccountVisiting,
    service: Text = "",
    related: Text = "",
    result: Text = "",
    after: str | None = None,
    before: str | None = None,
) -> Response:
    """Every call to an outside service, as it was recorded: secrets and personal data left out."""
    wanted = related.strip()
    page = await list_calls(
        access.session,
        access.account_id,
        service=service or None,
        related=[wanted] if wanted else None,
        failed_only=result == "failed",
        after=after,
        before=before,
    )
    return await render_account(
        request,
        access,
        "calls.html",
        place="account",
        page=page,
        filters={"service": service, "related": wanted, "result": result if result == "failed" else ""},
        filtered=bool(service or wanted or result == "failed"),
    )
