"""The pages of one order, shop, product or user."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.rendering import render
from entrepot.playground.dashboard import entity_queries
from entrepot.playground.dashboard.access import Warehouse, WarehouseVisiting
from entrepot.playground.dashboard.detail import (
    FIGURES,
    spans_without_stock,
    stock_chart,
    timeline,
)
from entrepot.playground.dashboard.fact_queries import KINDS
from entrepot.playground.dashboard.facts import list_facts
from entrepot.playground.dashboard.overview import Series
from entrepot.playground.dashboard.views import Asking, Look, shared

router = APIRouter(include_in_schema=False, prefix="/warehouse")

Asked = Annotated[Asking, Depends()]


@router.get("/orders/{order_id}")
async def order_page(
    request: Request, visit: WarehouseVisiting, asking: Asked, order_id: UUID
) -> HTMLResponse:
    """An order: what was bought, how it was paid, and what happened to it."""
    order = found(await entity_queries.select_order(visit.session, order_id), "order", order_id)
    parts: dict[str, Any] = dict(await entity_queries.select_parts(visit.session, order))
    look, messages = await asking.look(visit.session)
    return render(
        request,
        "warehouse/order.html",
        order=order,
        moments=timeline(parts["history"], parts["movements"]),
        **parts,
        **shared(look, "orders", messages),
    )


@router.get("/shops/{shop_id}")
async def shop_page(request: Request, visit: WarehouseVisiting, asking: Asked, shop_id: UUID) -> HTMLResponse:
    """A shop: how it does, what it sells, what is ordered of it."""
    shop = found(await entity_queries.select_shop(visit.session, shop_id), "shop", shop_id)
    look, messages = await asking.look(visit.session)
    values = await measures(visit, "shop", shop_id, look)
    sold_out = await list_facts(
        visit.session,
        KINDS["products"],
        over=None,
        origin="all",
        filters={"shop": shop_id, "status": "out_of_stock"},
        limit=8,
    )
    best = await entity_queries.select_best_sellers(visit.session, shop_id, look.over) if look else ()
    return render(
        request,
        "warehouse/shop.html",
        shop=shop,
        sold_out=sold_out,
        best=best,
        orders=await latest(visit, "orders", look, shop=shop_id),
        **values,
        **shared(look, "shops", messages),
    )


@router.get("/products/{product_id}")
async def product_page(
    request: Request, visit: WarehouseVisiting, asking: Asked, product_id: UUID
) -> HTMLResponse:
    """A product: its stock over time, when it had none, its price, what is sold of it."""
    product = found(await entity_queries.select_product(visit.session, product_id), "product", product_id)
    look, messages = await asking.look(visit.session)
    values = await measures(visit, "product", product_id, look)
    spans = []
    if look is not None:
        last, rows = await entity_queries.select_levels(visit.session, product_id, look.over)
        before = None if last is None else last["quantity_after"]
        levels = [(row["event_time"], row["quantity_after"]) for row in rows]
        values["trends"].insert(0, stock_chart(before, levels, look.over, look.last))
        spans = spans_without_stock(before, levels, look.over, look.last)
    return render(
        request,
        "warehouse/product.html",
        product=product,
        spans=spans,
        prices=await entity_queries.select_prices(visit.session, product_id, look.over.end) if look else (),
        movements=await latest(visit, "stock", look, product=product_id),
        orders=await latest(visit, "orders", look, product=product_id),
        **values,
        **shared(look, "products", messages),
    )


@router.get("/users/{user_id}")
async def user_page(request: Request, visit: WarehouseVisiting, asking: Asked, user_id: UUID) -> HTMLResponse:
    """A user: what they ordered, paid and did."""
    user = found(await entity_queries.select_user(visit.session, user_id), "user", user_id)
    look, messages = await asking.look(visit.session)
    methods, shops = await entity_queries.select_possessions(visit.session, user)
    return render(
        request,
        "warehouse/user.html",
        user=user,
        methods=methods,
        shops=shops,
        orders=await latest(visit, "orders", look, user=user_id),
        events=await latest(visit, "events", look, user=user_id),
        **await measures(visit, "user", user_id, look),
        **shared(look, "users", messages),
    )


async def measures(visit: Warehouse, of: str, entity: UUID, look: Look | None) -> dict[str, Any]:
    """The figures and charts of a shop, product or user, from its metrics."""
    if look is None:
        return {"figures": [], "trends": []}
    rows = await entity_queries.select_entity_metrics(visit.session, of, entity, look.over)
    figures, trends = FIGURES[of](Series(rows, look.over, known=look.over.start > look.first))
    return {"figures": figures, "trends": trends}


async def latest(visit: Warehouse, kind: str, look: Look | None, **filters: UUID) -> Any:
    """The last few facts of a kind in the range that belong to an entity."""
    return await list_facts(
        visit.session,
        KINDS[kind],
        over=look.over if look else None,
        origin="all",
        filters=filters,
        limit=12,
    )


def found(row: Mapping[Any, Any] | None, what: str, given: UUID) -> Mapping[Any, Any]:
    """The row, or NotFoundError where there is none."""
    if row is None:
        raise NotFoundError(f"There is no {what} {given} in the warehouse.")
    return row
