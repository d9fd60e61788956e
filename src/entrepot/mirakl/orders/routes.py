"""Orders over HTTP: found, read, accepted, refused."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.mirakl.accounts.access import AccountAccess, AccountReading, AccountWriting
from entrepot.mirakl.orders.answering import accept_order, refuse_order
from entrepot.mirakl.orders.answers import Accepting, OrderBody, OrderPage, Refusing
from entrepot.mirakl.orders.finding import list_orders
from entrepot.mirakl.orders.showing import show_order

router = APIRouter(prefix="/mirakl/{account_code}/orders", tags=["Mirakl"])

READING = responses(*GUARDED, NotFoundError)
WRITING = responses(*GUARDED, NotFoundError, ConflictError)
OrderId = Annotated[
    str, Path(max_length=255, description="The marketplace's identifier.", examples=["ORD-1001-A"])
]


@router.get(
    "",
    operation_id="listMiraklOrders",
    summary="Orders",
    response_model=OrderPage,
    responses=READING,
)
async def list_account_orders(
    request: Request,
    response: Response,
    access: AccountReading,
    q: Annotated[
        str | None,
        Query(
            max_length=255,
            description="Part of the number, the customer's name, a SKU, a title or a tracking number.",
        ),
    ] = None,
    status: Annotated[list[str] | None, Query(description="Only orders that are there with us.")] = None,
    state: Annotated[
        str | None, Query(max_length=60, description="Only orders in this state on the marketplace.")
    ] = None,
    since: Annotated[datetime | None, Query(description="Only those ordered from then on.")] = None,
    until: Annotated[datetime | None, Query(description="Only those ordered before then.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the account's orders, newest first."""
    page = await list_orders(
        access.session,
        access.account_id,
        q=q,
        statuses=status,
        state=state,
        since=since,
        until=until,
        after=after,
        before=before,
        limit=limit,
    )
    return answer_page(request, response, page)


@router.get(
    "/{order_id}",
    operation_id="getMiraklOrder",
    summary="One order",
    response_model=OrderBody,
    responses=READING,
)
async def get_order(access: AccountReading, order_id: OrderId) -> dict[str, Any]:
    """The order, what it is built from, everything that was done with it, and its parcels."""
    return await _shown(access, order_id)


@router.post(
    "/{order_id}/accept",
    operation_id="acceptMiraklOrder",
    summary="Accept an order",
    response_model=OrderBody,
    responses=WRITING,
)
async def accept_account_order(
    access: AccountWriting, order_id: OrderId, body: Accepting | None = None
) -> dict[str, Any]:
    """Accept it, whole or but for some lines; its parts are reserved, and the marketplace is told by a worker.

    409 where there is nothing to answer or not everything that it needs is free.
    """
    wanted = body or Accepting()
    await accept_order(
        access.session,
        access.account_id,
        order_id,
        person=access.person.email,
        reason=wanted.reason,
        except_lines=wanted.except_lines,
    )
    return await _shown(access, order_id)


@router.post(
    "/{order_id}/refuse",
    operation_id="refuseMiraklOrder",
    summary="Refuse an order",
    response_model=OrderBody,
    responses=WRITING,
)
async def refuse_account_order(access: AccountWriting, order_id: OrderId, body: Refusing) -> dict[str, Any]:
    """Refuse it for a reason; the marketplace is told by a worker."""
    await refuse_order(
        access.session, access.account_id, order_id, person=access.person.email, reason=body.reason
    )
    return await _shown(access, order_id)


async def _shown(access: AccountAccess, order_id: str) -> dict[str, Any]:
    shown = await show_order(access.session, access.account_id, order_id)
    return {
        **shown.row,
        "status": shown.status,
        "can_be_answered": shown.decidable,
        "lines": [{**line.row, "components": line.components} for line in shown.lines],
        "history": shown.history,
        "parcels": shown.parcels,
    }
