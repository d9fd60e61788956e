"""Money as a page: what orders brought, and where order and marketplace do not say the same."""

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from entrepot.kit.clock import now
from entrepot.mirakl.accounts.access import AccountVisiting
from entrepot.mirakl.money.parts import PARTS
from entrepot.mirakl.money.showing import show_money
from entrepot.mirakl.visiting import render_account

router = APIRouter(include_in_schema=False)

#: Since when orders are settled on the page; the command line goes back as far as it is told.
SPAN = timedelta(days=90)
MOST = 200


@router.get("/mirakl/{account_code}/money")
async def money_page(request: Request, access: AccountVisiting) -> Response:
    """Totals of the last months by currency, and every difference with its reason."""
    return await render_account(
        request,
        access,
        "money.html",
        place="money",
        money=await show_money(access.session, access.account_id, now() - SPAN),
        parts=PARTS,
        days=SPAN.days,
        most=MOST,
    )
