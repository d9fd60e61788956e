"""What is due, over HTTP."""

from typing import Any, Literal

from fastapi import APIRouter, Path

from entrepot.kit.clock import now
from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.mirakl.accounts.access import AccountReading
from entrepot.mirakl.today.answers import DueOrders, SummaryBody
from entrepot.mirakl.today.reading import Due, Listed, read_today

router = APIRouter(prefix="/mirakl/{account_code}", tags=["Mirakl"])

READING = responses(*GUARDED, NotFoundError)


@router.get(
    "/summary",
    operation_id="getMiraklSummary",
    summary="What is due now",
    response_model=SummaryBody,
    responses=READING,
)
async def get_summary(access: AccountReading) -> dict[str, Any]:
    """How many orders are to be accepted and to be shipped, how many customers wait, what failed, what is short."""
    today = await read_today(access.session, access.account_id, now(), most=1)
    return {
        "at": today.at,
        "accept": _count(today.accept),
        "ship": _count(today.ship),
        "answer": _count(today.answer),
        "failures": today.failures,
        "shortages": len(today.shortages),
    }


@router.get(
    "/due/{what}",
    operation_id="listMiraklDue",
    summary="The most urgent orders",
    response_model=DueOrders,
    responses=READING,
)
async def list_due(
    access: AccountReading,
    what: Literal["accept", "ship"] = Path(description="What is to be done with them."),
) -> dict[str, Any]:
    """Up to 50 orders that are to be accepted or to be shipped, the most urgent first, and what each needs."""
    today = await read_today(access.session, access.account_id, now())
    listed = today.accept if what == "accept" else today.ship
    return {
        "items": [_order(one) for one in listed.items],
        "total": listed.total,
        "late": listed.late,
    }


def _count(listed: Listed) -> dict[str, Any]:
    first = listed.items[0].deadline if listed.items else None
    return {"total": listed.total, "late": listed.late, "next_deadline": first}


def _order(due: Due) -> dict[str, Any]:
    return {
        "order_id": due.row["order_id"],
        "deadline": due.deadline,
        "urgency": due.urgency,
        "status": due.row["status"],
        "mirakl_state": due.row["mirakl_state"],
        "to_do": due.deed.title,
        "needs_person": due.deed.needs_person,
    }
