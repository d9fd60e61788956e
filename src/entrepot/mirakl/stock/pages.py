"""Stock as pages: components, what can be built, what to order, listings; one component with its ledger."""

from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError
from entrepot.kit.web.doors import doors
from entrepot.mirakl.accounts.access import AccountAccess, AccountVisiting
from entrepot.mirakl.stock import page_queries
from entrepot.mirakl.stock.finding import get_component
from entrepot.mirakl.stock.levels import Component, count, ledger, list_components, receive
from entrepot.mirakl.stock.ordering import to_order
from entrepot.mirakl.stock.reserving import availability
from entrepot.mirakl.visiting import address, go_to, message_about, message_of, render_account

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}")

Text = Annotated[str, Query(max_length=255)]
ComponentId = Annotated[UUID, Path()]

#: The parts of the page, and what they are called.
SHOWN = {
    "components": "Components",
    "build": "Can be built",
    "order": "To order",
    "listings": "Listings",
}
NOTICES = {"receive": "The units are in stock.", "count": "The level is what was counted."}
LAST_MOVEMENTS = 50


@router.get("/stock")
async def stock_page(
    request: Request, access: AccountVisiting, show: Text = "components", q: Text = ""
) -> Response:
    """What is there, what can be built of it, what to order, and what the marketplace was told."""
    shown = show if show in SHOWN else "components"
    session, account_id = access.session, access.account_id
    wanted = q.strip().casefold()
    components = await list_components(session, account_id)
    tabs = [(address(access, "stock", show=name), title, name == shown) for name, title in SHOWN.items()]
    return await render_account(
        request,
        access,
        f"stock_{shown}.html",
        place="stock",
        tabs=tabs,
        components=[one for one in components if _matches(one, wanted)] if wanted else components,
        ids={one.name: one.component_id for one in components},
        filters={"q": q.strip()},
        **await _part(session, account_id, shown),
    )


async def _part(session: AsyncSession, account_id: UUID, shown: str) -> dict[str, Any]:
    if shown == "build":
        bills = defaultdict(list)
        for row in await page_queries.select_bills(session, account_id):
            bills[row["variant_id"]].append(row)
        return {"variants": await availability(session, account_id), "bills": bills}
    if shown == "order":
        wanted = await to_order(session, account_id)
        return {"orders": wanted, "cost": sum(one.cost or 0 for one in wanted)}
    if shown == "listings":
        free = {one.variant_id: one.buildable for one in await availability(session, account_id)}
        return {"listings": await page_queries.select_listings(session, account_id), "free": free}
    return {}


def _matches(component: Component, wanted: str) -> bool:
    return any(
        wanted in (text or "").casefold() for text in (component.name, component.type, component.barcode)
    )


@router.get("/stock/{component_id}")
async def component_page(
    request: Request, access: AccountVisiting, component_id: ComponentId, done: Text = ""
) -> Response:
    """One component: its level, its ledger, and forms for what came in and what was counted."""
    return await _component(request, access, component_id, done=done)


@router.post("/stock/{component_id}/receive")
async def receive_form(request: Request, access: AccountVisiting, component_id: ComponentId) -> Response:
    """Add units that came in; a form that is sent twice adds them once."""
    fields = await doors(request).read_form(request)
    access.require("write")
    component = await get_component(access.session, access.account_id, component_id)
    try:
        quantity = _whole(fields.get("quantity", ""), "How many came in")
        async with access.session.begin_nested():
            await receive(
                access.session,
                access.account_id,
                component.name,
                quantity,
                reason=_reason(access, fields),
                dedupe_key=f"form/{fields.get('once', '') or uuid4()}",
            )
    except (ConflictError, InvalidInputError) as error:
        return await _component(request, access, component_id, error=error, given=fields)
    return go_to(access, "stock", component_id, done="receive")


@router.post("/stock/{component_id}/count")
async def count_form(request: Request, access: AccountVisiting, component_id: ComponentId) -> Response:
    """Set the level to what was counted."""
    fields = await doors(request).read_form(request)
    access.require("write")
    component = await get_component(access.session, access.account_id, component_id)
    try:
        counted = _whole(fields.get("counted", ""), "How many were counted")
        async with access.session.begin_nested():
            await count(
                access.session, access.account_id, component.name, counted, reason=_reason(access, fields)
            )
    except (ConflictError, InvalidInputError) as error:
        return await _component(request, access, component_id, error=error, given=fields)
    return go_to(access, "stock", component_id, done="count")


async def _component(
    request: Request,
    access: AccountAccess,
    component_id: UUID,
    *,
    done: str = "",
    error: EntrepotError | None = None,
    given: Any = None,
) -> Response:
    component = await get_component(access.session, access.account_id, component_id)
    return await render_account(
        request,
        access,
        "component.html",
        place="stock",
        status=error.status if error else 200,
        messages=message_about(error) if error else message_of(done, NOTICES),
        component=component,
        movements=await ledger(access.session, access.account_id, component.name, limit=LAST_MOVEMENTS),
        used_in=await page_queries.select_used_in(access.session, access.account_id, component_id),
        given=given or {},
        once=uuid4(),
    )


def _whole(given: str, what: str) -> int:
    try:
        return int(given)
    except ValueError:
        raise InvalidInputError(f"{what} is {given!r}.", hint="Give a whole number.") from None


def _reason(access: AccountAccess, fields: Any) -> str:
    said = str(fields.get("reason", "")).strip()[:1000]
    if not said:
        raise InvalidInputError("Say why: the ledger keeps a reason.")
    return f"{said} ({access.person.email})"
