"""The inbox of failures, and the calls to outside services, over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import RowMapping

from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.mirakl.accounts.access import AccountAccess, AccountReading, AccountWriting
from entrepot.mirakl.failures import queries
from entrepot.mirakl.failures.answers import CallPage, FailureBody, FailurePage, Resolving
from entrepot.mirakl.failures.finding import SHOWN, list_calls, list_failures
from entrepot.mirakl.failures.inbox import can_retry, resolve, retry, what_next

router = APIRouter(prefix="/mirakl/{account_code}", tags=["Mirakl"])

READING = responses(*GUARDED, NotFoundError)
WRITING = responses(*GUARDED, NotFoundError, ConflictError)
FailureId = Annotated[UUID, Path(description="Identifier of the failure.")]
Related = Annotated[
    str | None,
    Query(max_length=255, description="Only what is about this order, parcel, thread or listing."),
]


@router.get(
    "/failures",
    operation_id="listMiraklFailures",
    summary="What went wrong",
    response_model=FailurePage,
    responses=READING,
)
async def list_account_failures(
    request: Request,
    response: Response,
    access: AccountReading,
    state: Annotated[
        Literal["open", "resolved", "all"],
        Query(description="`open` includes what is being tried again."),
    ] = "open",
    process: Annotated[str | None, Query(max_length=100, description="Only this step.")] = None,
    related: Related = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the inbox, newest first."""
    page = await list_failures(
        access.session,
        access.account_id,
        states=SHOWN[state],
        process=process,
        related=related,
        after=after,
        before=before,
        limit=limit,
    )
    return {**answer_page(request, response, page), "items": [_shown(row) for row in page.rows]}


@router.get(
    "/failures/{failure_id}",
    operation_id="getMiraklFailure",
    summary="One failure",
    response_model=FailureBody,
    responses=READING,
)
async def get_failure(access: AccountReading, failure_id: FailureId) -> dict[str, Any]:
    """What went wrong, why, and what happens next."""
    return await _found(access, failure_id)


@router.post(
    "/failures/{failure_id}/retry",
    operation_id="retryMiraklFailure",
    summary="Try a failed step again",
    response_model=FailureBody,
    responses=WRITING,
)
async def retry_failure(access: AccountWriting, failure_id: FailureId) -> dict[str, Any]:
    """Set the step going again; the failure closes by itself when it goes well."""
    await retry(access.session, access.account_id, failure_id)
    return await _found(access, failure_id)


@router.post(
    "/failures/{failure_id}/resolve",
    operation_id="resolveMiraklFailure",
    summary="Resolve a failure",
    response_model=FailureBody,
    responses=WRITING,
)
async def resolve_failure(access: AccountWriting, failure_id: FailureId, body: Resolving) -> dict[str, Any]:
    """Say that it is mended, and how."""
    await resolve(
        access.session,
        access.account_id,
        failure_id,
        by=access.person.user_id,
        resolution=body.resolution.strip(),
    )
    return await _found(access, failure_id)


@router.get(
    "/calls",
    operation_id="listMiraklCalls",
    summary="Calls to outside services",
    response_model=CallPage,
    responses=READING,
)
async def list_account_calls(
    request: Request,
    response: Response,
    access: AccountReading,
    service: Annotated[str | None, Query(max_length=50, description="Only this service.")] = None,
    related: Related = None,
    failed: Annotated[bool, Query(description="Only those that did not do what was asked.")] = False,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the calls to the marketplace and the carriers, newest first."""
    page = await list_calls(
        access.session,
        access.account_id,
        service=service,
        related=[related] if related else None,
        failed_only=failed,
        after=after,
        before=before,
        limit=limit,
    )
    return answer_page(request, response, page)


async def _found(access: AccountAccess, failure_id: UUID) -> dict[str, Any]:
    row = await queries.select_failure(access.session, access.account_id, failure_id)
    if row is None:
        raise NotFoundError(f"There is no failure {failure_id}.", where={"failure_id": str(failure_id)})
    return _shown(row)


def _shown(row: RowMapping) -> dict[str, Any]:
    return {**row, "can_retry": can_retry(row), "next_step": what_next(row)}
