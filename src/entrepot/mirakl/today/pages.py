"""The first page of an account: what needs somebody now."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from entrepot.kit.clock import now
from entrepot.mirakl.accounts.access import AccountVisiting
from entrepot.mirakl.failures.finding import list_failures
from entrepot.mirakl.stock.levels import list_components
from entrepot.mirakl.today.reading import read_today
from entrepot.mirakl.visiting import render_account

router = APIRouter(include_in_schema=False)

LAST_FAILURES = 5


@router.get("/mirakl/{account_code}")
async def today_page(request: Request, access: AccountVisiting) -> Response:
    """Accept by, ship by, answer by; what failed; what is short."""
    failures = await list_failures(access.session, access.account_id, states=("open",), limit=LAST_FAILURES)
    return await render_account(
        request,
        access,
        "today.html",
        place="today",
        today=await read_today(access.session, access.account_id, now()),
        failures=failures.rows,
        ids={one.name: one.component_id for one in await list_components(access.session, access.account_id)},
    )
