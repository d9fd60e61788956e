"""Money over HTTP: what orders brought, and what does not fit."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from entrepot.kit.clock import now
from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.mirakl.accounts.access import AccountReading
from entrepot.mirakl.money.answers import MoneyBody
from entrepot.mirakl.money.showing import show_money

router = APIRouter(prefix="/mirakl/{account_code}", tags=["Mirakl"])


@router.get(
    "/money",
    operation_id="getMiraklMoney",
    summary="What orders brought",
    response_model=MoneyBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_money(
    access: AccountReading,
    since: Annotated[
        datetime | None,
        Query(description="Orders made or booked since then; of the last 90 days without it."),
    ] = None,
) -> dict[str, Any]:
    """Totals by currency, and every difference between what orders say and what the marketplace booked."""
    begin = since or now() - timedelta(days=90)
    begin = begin if begin.tzinfo else begin.astimezone()
    shown = await show_money(access.session, access.account_id, begin)
    return {
        "since": begin,
        "orders": shown.orders,
        "settled": shown.settled,
        "waiting": shown.waiting,
        "differing": shown.differing,
        "totals": [{**asdict(one), "net": one.net} for one in shown.totals],
        "differences": [{**asdict(one), "amount": one.amount} for one in shown.differences],
    }
