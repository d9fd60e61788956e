"""Orders as pages: the list, and one with everything that belongs to it."""

from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from entrepot.kit.clock import now
from entrepot.kit.errors import EntrepotError
from entrepot.kit.web.rendering import Message
from entrepot.mirakl.accounts.access import AccountAccess, AccountVisiting
from entrepot.mirakl.failures.finding import list_calls, list_failures
from entrepot.mirakl.money.settling import settle
from entrepot.mirakl.orders import page_queries
from entrepot.mirakl.orders.finding import list_orders
from entrepot.mirakl.orders.showing import address_lines, balance_of, show_order
from entrepot.mirakl.today.due import deed_of, left_until, urgency_of
from entrepot.mirakl.values import STATUSES
from entrepot.mirakl.visiting import message_about, message_of, names_of, render_account

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}")

Text = Annotated[str, Query(max_length=255)]
OrderId = Annotated[str, Path(max_length=255)]

#: What a redirect may have the page of an order say.
NOTICES = {
    "accept": "It is being accepted. The marketplace confirms it when the order is read again.",
    "refuse": "It is being refused. The marketplace confirms it when the order is read again.",
    "void": "The label is taken back.",
    "again": "The next worker that looks goes on with it. What was bought already is not bought again.",
    "label": "The label is accepted.",
}
#: A parcel in these states is not sent any more.
GONE = ("void", "refund_requested", "refunded")
LAST_CALLS = 25
LAST_MESSAGES = 10


@router.get("/orders")
async def orders_page(
    request: Request,
    access: AccountVisiting,
    q: Text = "",
    status: Text = "",
    state: Text = "",
    since: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(alias="to", max_length=10)] = "",
    after: str | None = None,
    before: str | None = None,
) -> Response:
    """The orders, newest first, with filters and a search."""
    problems: list[Message] = []
    begin = _day(since, access.account.time_zone, problems)
    end = _day(until, access.account.time_zone, problems)
    page = await list_orders(
        access.session,
        access.account_id,
        q=q.strip() or None,
        statuses=(status,) if status else None,
        state=state or None,
        since=begin,
        until=end + timedelta(days=1) if end else None,
        after=after,
        before=before,
    )
    return await render_account(
        request,
        access,
        "orders.html",
        place="orders",
        page=page,
        statuses=STATUSES,
        states=[
            row["mirakl_state"] for row in await page_queries.select_states(access.session, access.account_id)
        ],
        filters={"q": q.strip(), "status": status, "state": state, "from": since, "to": until},
        filtered=any((q.strip(), status, state, since, until)),
        messages=tuple(problems),
    )


@router.get("/orders/{order_id}")
async def order_page(
    request: Request, access: AccountVisiting, order_id: OrderId, done: Text = ""
) -> Response:
    """One order: where it is, what was done by whom, its lines, parcels, messages, calls, failures and money."""
    return await show_order_page(request, access, order_id, messages=message_of(done, NOTICES))


async def show_order_page(
    request: Request,
    access: AccountAccess,
    order_id: str,
    *,
    messages: tuple[Message, ...] = (),
    error: EntrepotError | None = None,
) -> Response:
    """The page of an order; with an error, what somebody tried stands at its head."""
    session, account_id = access.session, access.account_id
    shown = await show_order(session, account_id, order_id)
    at = now()
    accepting = shown.row["mirakl_state"] == "WAITING_ACCEPTANCE"
    deadline = shown.row["acceptance_deadline" if accepting else "shipping_deadline"]
    live = next((parcel for parcel in shown.parcels if parcel["state"] not in GONE), None)
    money = await page_queries.select_money(session, account_id, order_id)
    failures = await list_failures(session, account_id, states=None, related=order_id, limit=LAST_CALLS)
    calls = await list_calls(session, account_id, related=shown.related, limit=LAST_CALLS)
    open_now = shown.row["mirakl_state"] in ("WAITING_ACCEPTANCE", "SHIPPING")
    return await render_account(
        request,
        access,
        "order.html",
        place="orders",
        status=error.status if error else 200,
        messages=message_about(error) if error else messages,
        order=shown,
        row=shown.row,
        address=address_lines(shown.row["shipping_address"]),
        deadline=deadline if open_now else None,
        urgency=urgency_of(deadline, at) if open_now else "open",
        left=left_until(deadline, at),
        deed=deed_of({"status": shown.status, "packed_at": live["packed_at"] if live else None}),
        events=await page_queries.select_parcel_events(session, account_id, order_id),
        thread=await page_queries.select_messages(session, account_id, order_id, LAST_MESSAGES),
        failures=failures.rows,
        calls=calls,
        money=money,
        balance=balance_of(money),
        settled=[one async for one in settle(session, account_id, order_id=order_id)] if money else [],
        names=await names_of(request, (step["actor"] for step in shown.history)),
    )


def _day(text: str, zone: str, problems: list[Message]) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone))
    except ValueError:
        problems.append(Message("bad", f"{text!r} is no day.", "Write it as 2026-11-21."))
        return None
