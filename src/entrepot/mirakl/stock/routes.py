"""Stock over HTTP: levels, ledgers, what can be built and what to order, receipts and counts."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query

from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.mirakl.accounts.access import AccountAccess, AccountReading, AccountWriting
from entrepot.mirakl.stock import page_queries
from entrepot.mirakl.stock.answers import (
    ComponentBody,
    ComponentList,
    Counting,
    ListingList,
    MovementList,
    Receiving,
    ToOrderList,
    VariantList,
)
from entrepot.mirakl.stock.finding import get_component
from entrepot.mirakl.stock.levels import Component, count, ledger, list_components, receive
from entrepot.mirakl.stock.ordering import to_order
from entrepot.mirakl.stock.reserving import availability

router = APIRouter(prefix="/mirakl/{account_code}/stock", tags=["Mirakl"])

READING = responses(*GUARDED, NotFoundError)
WRITING = responses(*GUARDED, NotFoundError, ConflictError)
ComponentId = Annotated[UUID, Path(description="Identifier of the component.")]


@router.get(
    "/components",
    operation_id="listMiraklComponents",
    summary="Components in stock",
    response_model=ComponentList,
    responses=READING,
)
async def list_account_components(access: AccountReading) -> dict[str, Any]:
    """Every component of the account: on hand, reserved, free."""
    return {"items": await list_components(access.session, access.account_id)}


@router.get(
    "/components/{component_id}",
    operation_id="getMiraklComponent",
    summary="One component",
    response_model=ComponentBody,
    responses=READING,
)
async def get_account_component(access: AccountReading, component_id: ComponentId) -> Component:
    """What is there of a component."""
    return await get_component(access.session, access.account_id, component_id)


@router.get(
    "/components/{component_id}/movements",
    operation_id="listMiraklMovements",
    summary="Movements of a component",
    response_model=MovementList,
    responses=READING,
)
async def list_movements(
    access: AccountReading,
    component_id: ComponentId,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most movements.")] = 50,
) -> dict[str, Any]:
    """The latest movements, newest first, each with the level after it."""
    component = await get_component(access.session, access.account_id, component_id)
    return {"items": await ledger(access.session, access.account_id, component.name, limit=limit)}


@router.post(
    "/components/{component_id}/receive",
    operation_id="receiveMiraklComponent",
    summary="Receive units of a component",
    response_model=ComponentBody,
    responses=WRITING,
)
async def receive_component(access: AccountWriting, component_id: ComponentId, body: Receiving) -> Component:
    """Add units that came in. With a `request_id` they come in once, however often it is sent."""
    component = await get_component(access.session, access.account_id, component_id)
    return await receive(
        access.session,
        access.account_id,
        component.name,
        body.quantity,
        reason=_signed(access, body.reason),
        dedupe_key=f"api/{body.request_id}" if body.request_id else None,
    )


@router.post(
    "/components/{component_id}/count",
    operation_id="countMiraklComponent",
    summary="Set a component to what was counted",
    response_model=ComponentBody,
    responses=WRITING,
)
async def count_component(access: AccountWriting, component_id: ComponentId, body: Counting) -> Component:
    """Adjust the level to what was counted; 409 where orders have more reserved than that."""
    component = await get_component(access.session, access.account_id, component_id)
    await count(
        access.session,
        access.account_id,
        component.name,
        body.counted,
        reason=_signed(access, body.reason),
    )
    return await get_component(access.session, access.account_id, component_id)


@router.get(
    "/buildable",
    operation_id="listMiraklBuildable",
    summary="What can be built",
    response_model=VariantList,
    responses=READING,
)
async def list_buildable(access: AccountReading) -> dict[str, Any]:
    """How many units of each variant can be built of what is free, and what allows no more."""
    return {"items": await availability(access.session, access.account_id)}


@router.get(
    "/to-order",
    operation_id="listMiraklToOrder",
    summary="What to order",
    response_model=ToOrderList,
    responses=READING,
)
async def list_to_order(access: AccountReading) -> dict[str, Any]:
    """The components that open orders are short of, and those at their reorder point."""
    return {"items": await to_order(access.session, access.account_id)}


@router.get(
    "/listings",
    operation_id="listMiraklListings",
    summary="Listings",
    response_model=ListingList,
    responses=READING,
)
async def list_listings(access: AccountReading) -> dict[str, Any]:
    """The shop SKUs, the variants behind them, and what the marketplace was last told of each."""
    return {"items": await page_queries.select_listings(access.session, access.account_id)}


def _signed(access: AccountAccess, reason: str) -> str:
    return f"{reason.strip()} ({access.person.email})"
