"""The forms with which a person answers an order, or sets one going again."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.kit.web.doors import doors
from entrepot.mirakl.accounts.access import AccountVisiting
from entrepot.mirakl.orders.answering import accept_order, refuse_order
from entrepot.mirakl.orders.pages import show_order_page
from entrepot.mirakl.shipping.deciding import buy_again
from entrepot.mirakl.visiting import go_to

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}/orders/{order_id}")

OrderId = Annotated[str, Path(max_length=255)]
LONGEST = 1000


@router.post("/accept")
async def accept_form(request: Request, access: AccountVisiting, order_id: OrderId) -> Response:
    """Accept the order, but for the lines that are not ticked."""
    fields = await doors(request).read_form(request)
    access.require("write")
    left_out = [
        name.removeprefix("line-")
        for name in fields
        if name.startswith("line-") and f"keep-{name[5:]}" not in fields
    ]
    try:
        async with access.session.begin_nested():
            await accept_order(
                access.session,
                access.account_id,
                order_id,
                person=access.person.email,
                reason=fields.get("reason", "").strip()[:LONGEST] or None,
                except_lines=left_out,
            )
    except (ConflictError, InvalidInputError) as error:
        return await show_order_page(request, access, order_id, error=error)
    return go_to(access, "orders", order_id, done="accept")


@router.post("/refuse")
async def refuse_form(request: Request, access: AccountVisiting, order_id: OrderId) -> Response:
    """Refuse the order, for a reason."""
    fields = await doors(request).read_form(request)
    access.require("write")
    try:
        async with access.session.begin_nested():
            await refuse_order(
                access.session,
                access.account_id,
                order_id,
                person=access.person.email,
                reason=fields.get("reason", "")[:LONGEST],
            )
    except (ConflictError, InvalidInputError) as error:
        return await show_order_page(request, access, order_id, error=error)
    return go_to(access, "orders", order_id, done="refuse")


@router.post("/buy-again")
async def buy_again_form(request: Request, access: AccountVisiting, order_id: OrderId) -> Response:
    """Have a label bought again, after one failed or was taken back."""
    await doors(request).read_form(request)
    access.require("write")
    try:
        async with access.session.begin_nested():
            await buy_again(access.session, access.account_id, order_id, by=access.person.email)
    except (ConflictError, InvalidInputError) as error:
        return await show_order_page(request, access, order_id, error=error)
    return go_to(access, "orders", order_id, done="again")
