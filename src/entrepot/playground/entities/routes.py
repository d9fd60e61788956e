"""The registry of entities over HTTP, for administrators."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator

from entrepot.kit.clock import now
from entrepot.kit.errors import NotFoundError
from entrepot.kit.output import as_record
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.playground.dashboard.access import WarehouseReading
from entrepot.playground.entities import auditing, counting, resolving
from entrepot.playground.entities.schemas import (
    CreatedAnswer,
    EntityAnswer,
    FunnelAnswer,
    HistoryPage,
    PopulationAnswer,
)

router = APIRouter(prefix="/warehouse", tags=["Warehouse"])

EntityId = Annotated[UUID, Path(description="Id of the entity.")]


def _in_utc(given: datetime) -> datetime:
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
From = Annotated[
    Moment,
    Query(
        alias="from",
        description="Beginning of the span (ISO 8601, UTC where it names no offset).",
        examples=["2025-10-01T00:00:00Z"],
    ),
]
To = Annotated[
    Moment, Query(alias="to", description="First moment after it.", examples=["2026-01-01T00:00:00Z"])
]
At = Annotated[Moment | None, Query(description="As of this moment; now without it.")]


@router.get(
    "/entities/created",
    operation_id="countCreatedEntities",
    summary="Entities that came to be, by day",
    response_model=CreatedAnswer,
    responses=responses(*GUARDED),
)
async def count_created_entities(
    access: WarehouseReading,
    since: From,
    until: To,
    type: Annotated[  # noqa: A002
        str | None, Query(max_length=30, description="Only this type.", examples=["shop_order"])
    ] = None,
) -> dict[str, Any]:
    """How many entities of each type came to be on each day of a span."""
    rows = await counting.created_by_day(access.session, since, until, type)
    return {"days": [{**row, "day": row["day"].date()} for row in rows]}


@router.get(
    "/entities/population",
    operation_id="countEntities",
    summary="Entities that there are, or were",
    response_model=PopulationAnswer,
    responses=responses(*GUARDED),
)
async def count_entities(access: WarehouseReading, at: At = None) -> dict[str, Any]:
    """How many entities of each type there were at a moment: created until then, closed by then, and alive."""
    moment = at or now()
    return {"at": moment, "types": await counting.population(access.session, moment)}


@router.get(
    "/entities/funnel",
    operation_id="followLeads",
    summary="From lead to churn",
    response_model=FunnelAnswer,
    responses=responses(*GUARDED),
)
async def follow_leads(access: WarehouseReading, since: From, until: To, at: At = None) -> dict[str, Any]:
    """How far those who signed up in a span have come: lead, prospect (a shop), customer (first payment), churn.

    Beside it the flows of the users and shops of the span: users to shops, both to active and closed.
    """
    moment = at or now()
    stages = await counting.funnel(access.session, since, until, moment)
    return {
        "stages": [
            {
                **as_record(stage),
                "median_seconds": stage.median.total_seconds() if stage.median is not None else None,
            }
            for stage in stages
        ],
        "flows": await counting.flows(access.session, since, until, moment),
    }


@router.get(
    "/entities/{entity_id}",
    operation_id="resolveEntity",
    summary="What an id is",
    response_model=EntityAnswer,
    responses=responses(*GUARDED, NotFoundError),
)
async def resolve_entity(
    access: WarehouseReading,
    entity_id: EntityId,
    events: Annotated[int, Query(ge=0, le=200, description="Most events.")] = 10,
) -> dict[str, Any]:
    """An id's type, since when it is there, its row, and what happened to it last."""
    found = await resolving.resolve(access.session, entity_id, events=events)
    return {**as_record(found.entity), "table": found.table, "row": found.row, "events": found.events}


@router.get(
    "/entities/{entity_id}/history",
    operation_id="listEntityHistory",
    summary="Everything that happened to an entity",
    response_model=HistoryPage,
    responses=responses(*GUARDED, NotFoundError),
)
async def list_entity_history(
    request: Request,
    response: Response,
    access: WarehouseReading,
    entity_id: EntityId,
    sort: Annotated[auditing.Order, Query(description="The oldest first, or the newest.")] = "oldest",
    since: Annotated[Moment | None, Query(alias="from", description="From this time on.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before this time.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What happened to an entity, or was done by a user, in order and across the tables."""
    page = await auditing.history(
        access.session,
        entity_id,
        order=sort,
        since=since,
        until=until,
        after=after,
        before=before,
        limit=limit,
    )
    return answer_page(request, response, page)
