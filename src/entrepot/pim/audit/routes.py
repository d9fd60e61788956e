"""The audit log over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.pim.audit.reading import read_log
from entrepot.pim.audit.schemas import AuditPage
from entrepot.pim.tenants.access import Reading

router = APIRouter(prefix="/audit", tags=["Audit"])


@router.get(
    "",
    operation_id="listAuditEntries",
    summary="The audit log",
    response_model=AuditPage,
    responses=responses(*GUARDED),
)
async def list_audit(
    request: Request,
    response: Response,
    access: Reading,
    entity: Annotated[UUID | None, Query(description="Only changes of this row.")] = None,
    type: Annotated[  # noqa: A002
        str | None,
        Query(max_length=100, description="Only changes of this table.", examples=["shopify_products"]),
    ] = None,
    action: Annotated[Literal["INSERT", "UPDATE", "DELETE"] | None, Query(description="Only these.")] = None,
    user: Annotated[UUID | None, Query(description="Only what this person did.")] = None,
    trace: Annotated[
        str | None, Query(max_length=100, description="Only what this request or job did.")
    ] = None,
    since: Annotated[datetime | None, Query(description="From this time on.")] = None,
    until: Annotated[datetime | None, Query(description="Before this time.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Every change of an audited row, the newest first, with its fields before and after."""
    filters = {
        "entity": entity,
        "type": type,
        "action": action,
        "user": user,
        "request": trace,
        "since": since,
        "until": until,
    }
    page = await read_log(access.session, filters, after=after, before=before, limit=limit)
    return answer_page(request, response, page)
