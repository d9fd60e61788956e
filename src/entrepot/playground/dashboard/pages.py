"""The dashboard's pages: the overview, a bucket of it, and the facts themselves."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import HTMLResponse

from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.rendering import Message, render
from entrepot.playground.dashboard import attention_queries, queries
from entrepot.playground.dashboard.access import WarehouseVisiting
from entrepot.playground.dashboard.attention import concerns, read_state
from entrepot.playground.dashboard.fact_queries import KINDS
from entrepot.playground.dashboard.facts import list_facts
from entrepot.playground.dashboard.overview import read_overview
from entrepot.playground.dashboard.ranges import STEPS, Range, floor, parse_moment
from entrepot.playground.dashboard.views import Asking, Look, shared

router = APIRouter(include_in_schema=False, prefix="/warehouse")

Asked = Annotated[Asking, Depends()]
Cursor = Annotated[str | None, Query(max_length=1000)]


@router.get("")
async def overview_page(request: Request, visit: WarehouseVisiting, asking: Asked) -> HTMLResponse:
    """What needs you now, and how the world does."""
    look, messages = await asking.look(visit.session)
    if look is None:
        return render(request, "warehouse/empty.html", **shared(None, ""))
    state = await read_state(visit.session, look.origin, look.last)
    return render(
        request,
        "warehouse/overview.html",
        attention=concerns(state, look.last),
        overview=await read_overview(visit.session, look.over, look.origin, first=look.first),
        **shared(look, "", messages),
    )


@router.get("/bucket")
async def bucket_page(
    request: Request, visit: WarehouseVisiting, asking: Asked, at: Annotated[str, Query(max_length=40)] = ""
) -> HTMLResponse:
    """One hour or day: its figures, who made them, and the ways to its facts."""
    look, messages = await asking.look(visit.session)
    if look is None:
        return render(request, "warehouse/empty.html", **shared(None, ""))
    grain = look.over.grain if asking.asked.grain not in ("hour", "day") else asking.asked.grain
    start = floor(parse_moment(at, "at"), "day" if grain == "day" else "hour") if at else look.over.start
    over = Range(
        start, start + STEPS["day" if grain == "day" else "hour"], "day" if grain == "day" else "hour"
    )
    look = Look(look.first, look.last, over, look.origin)
    return render(
        request,
        "warehouse/bucket.html",
        overview=await read_overview(visit.session, over, look.origin, first=look.first),
        users=await queries.select_top_users(visit.session, over),
        events=await queries.select_event_counts(visit.session, over, look.origin),
        later=over.end,
        **shared(look, "", messages),
    )


@router.get("/rolls")
async def rolls_page(request: Request, visit: WarehouseVisiting) -> HTMLResponse:
    """What waits to be rolled up, and what became of the last rolls."""
    return render(
        request,
        "warehouse/rolls.html",
        waiting=await attention_queries.select_waiting(visit.session),
        rolls=await attention_queries.select_rolls(visit.session),
        **shared(None, "rolls"),
    )


@router.get("/{kind}")
async def facts_page(
    request: Request,
    visit: WarehouseVisiting,
    asking: Asked,
    kind: str,
    status: Annotated[str, Query(max_length=40)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    user: Annotated[str, Query(max_length=40)] = "",
    shop: Annotated[str, Query(max_length=40)] = "",
    product: Annotated[str, Query(max_length=40)] = "",
    after: Cursor = None,
    before: Cursor = None,
) -> HTMLResponse:
    """Facts of one kind, newest first."""
    chosen = KINDS.get(kind)
    if chosen is None:
        raise NotFoundError(f"There is no page {kind!r} in the warehouse.")
    look, found = await asking.look(visit.session)
    if look is None:
        return render(request, "warehouse/empty.html", **shared(None, kind))
    messages = list(found)
    filters: dict[str, Any] = {}
    for name, text in (("user", user), ("shop", shop), ("product", product)):
        if text and name in chosen.filters:
            try:
                filters[name] = UUID(text)
            except ValueError:
                messages.append(Message("bad", f"{text!r} is no id of a {name}, so it was left out."))
    if status and (not chosen.statuses or status in chosen.statuses):
        filters["status"] = status
    if q and "q" in chosen.filters:
        filters["q"] = q
    asked = asking.asked
    bounded = not chosen.lasting or bool(asked.preset or asked.start or asked.end)
    page = await list_facts(
        visit.session,
        chosen,
        over=look.over if bounded else None,
        origin=look.origin,
        filters=filters,
        after=after,
        before=before,
    )
    return render(
        request,
        "warehouse/facts.html",
        kind=chosen,
        page=page,
        filters={name: str(value) for name, value in filters.items()},
        bounded=bounded,
        **shared(look, kind, messages),
    )
