"""The warehouse over HTTP: summary, metrics, facts, and runs of scenarios. Administrators only."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Request, Response

from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.web.paging import page_of, pick, place
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.kit.web.requests import database, trace_id
from entrepot.kit.web.streaming import event_stream
from entrepot.playground.dashboard import (
    entity_queries,
    metric_queries,
    queries,
    running,
    tasks,  # noqa: F401 - registers the task that is enqueued here
)
from entrepot.playground.dashboard.access import Calling, WarehouseReading
from entrepot.playground.dashboard.attention import concerns, read_state
from entrepot.playground.dashboard.fact_queries import KINDS
from entrepot.playground.dashboard.facts import list_facts
from entrepot.playground.dashboard.overview import read_overview
from entrepot.playground.dashboard.queries import Origin
from entrepot.playground.dashboard.ranges import Asked, Range, choose_range
from entrepot.playground.dashboard.scenarios import scenario_from, world_from
from entrepot.playground.dashboard.schemas import (
    FactPage,
    MetricPage,
    OrderDetail,
    ScenarioRun,
    ScenarioRuns,
    ScenarioWish,
    Summary,
    WorldWish,
)
from entrepot.playground.dashboard.watching import watch_run

router = APIRouter(prefix="/warehouse", tags=["Warehouse"])

Grain = Annotated[
    Literal["hour", "day"] | None, Query(description="Buckets; without it, up to a week comes by the hour.")
]
From = Annotated[
    str,
    Query(
        alias="from",
        max_length=40,
        description="First moment (ISO 8601, UTC where it names no offset), moved to the start of its bucket.",
        examples=["2025-11-28T00:00Z"],
    ),
]
To = Annotated[
    str,
    Query(
        alias="to",
        max_length=40,
        description="First moment that is no longer in it, moved to the end of its bucket.",
        examples=["2025-11-29T00:00Z"],
    ),
]
Preset = Annotated[
    Literal["24h", "7d", "30d", "all"] | None,
    Query(alias="range", description="A range up to the world's clock, in the place of from and to."),
]
OfOrigin = Annotated[
    Origin, Query(description="Whose facts count: the simulated world's, the program's own, or both.")
]
RunId = Annotated[UUID, Path(description="Identifier of the run.")]


@router.get(
    "/summary",
    operation_id="getWarehouseSummary",
    summary="How the world does",
    response_model=Summary,
    responses=responses(*GUARDED, NotFoundError),
)
async def summary(
    access: WarehouseReading,
    preset: Preset = None,
    start: From = "",
    end: To = "",
    grain: Grain = None,
    origin: OfOrigin = "all",
) -> dict[str, Any]:
    """What needs attention, the figures of a range beside the period of equal length before, and who sold most."""
    first, last, over = await _range(access, Asked(preset or "", start, end, grain or ""), origin)
    overview = await read_overview(access.session, over, origin, first=first)
    state = await read_state(access.session, origin, last)
    return {
        "clock": last,
        "start": over.start,
        "end": over.end,
        "grain": over.grain,
        "origin": origin,
        "attention": concerns(state, last),
        "figures": overview.figures,
        "shops": overview.shops,
        "products": overview.products,
    }


@router.get(
    "/metrics/{of}",
    operation_id="listWarehouseMetrics",
    summary="Metrics of users, shops or products",
    response_model=MetricPage,
    responses=responses(*GUARDED, NotFoundError),
)
async def metrics(
    request: Request,
    response: Response,
    access: WarehouseReading,
    of: Annotated[Literal["users", "shops", "products"], Path(description="Whose metrics.")],
    entity: Annotated[
        UUID | None, Query(alias="id", description="Only those of this user, shop or product.")
    ] = None,
    preset: Preset = None,
    start: From = "",
    end: To = "",
    grain: Grain = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A row an entity and bucket in which it had a fact; a bucket without a row is one without facts."""
    _, _, over = await _range(access, Asked(preset or "", start, end, grain or ""), "all")
    order = f"{of} by {over.grain} and {metric_queries.ORDER}"
    at = place(order, metric_queries.KEY, after=after, before=before)
    rows = await metric_queries.select_metrics(
        access.session, of, over, entity=entity, at=at, limit=limit + 1
    )
    page = page_of(rows, at, limit, lambda row: pick(row, "event_time", "entity_id"), order)
    answer = answer_page(request, response, page)
    names = metric_queries.METRICS[of][2]
    answer["items"] = [
        {
            "id": row["id"],
            "entity_id": row["entity_id"],
            "event_time": row["event_time"],
            "metrics": {name: row[name] for name in names},
            "extra_metrics": row["extra_metrics"],
        }
        for row in answer["items"]
    ]
    return answer


@router.get(
    "/runs",
    operation_id="listScenarioRuns",
    summary="Worlds and scenarios that were begun",
    response_model=ScenarioRuns,
    responses=responses(*GUARDED),
)
async def runs(access: WarehouseReading) -> dict[str, Any]:
    """The last twenty, newest first."""
    return {"items": await running.list_runs(access.session)}


@router.post(
    "/runs",
    operation_id="startScenarioRun",
    summary="Run a scenario, or make a world",
    status_code=202,
    response_model=ScenarioRun,
    responses=responses(*GUARDED, ConflictError),
)
async def begin(
    request: Request,
    response: Response,
    person: Calling,
    wish: Annotated[
        ScenarioWish | WorldWish, Body(description="A scenario, or a world for an empty warehouse.")
    ],
) -> running.Run:
    """A worker takes it at once; one is under way at a time, since all of them move the world's one clock."""
    given = wish.model_dump()
    asked = scenario_from(given) if isinstance(wish, ScenarioWish) else world_from(given)
    async with database(request).system(user_id=person.user_id, trace_id=trace_id(request)) as session:
        run = await running.ask_for(session, asked, person.user_id)
    response.headers["location"] = f"{request.url.path}/{run.run_id}"
    return run


@router.get(
    "/runs/{run_id}",
    operation_id="getScenarioRun",
    summary="One run",
    response_model=ScenarioRun,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_run(access: WarehouseReading, run_id: RunId) -> running.Run:
    """How far it is."""
    return await running.get_run(access.session, run_id)


@router.post(
    "/runs/{run_id}/stop",
    operation_id="stopScenarioRun",
    summary="Stop a run",
    response_model=ScenarioRun,
    responses=responses(*GUARDED, NotFoundError),
)
async def stop(access: WarehouseReading, run_id: RunId) -> running.Run:
    """It ends within a second or so; what happened until then stays."""
    return await running.stop(access.session, run_id)


@router.get(
    "/runs/{run_id}/events",
    operation_id="watchScenarioRun",
    summary="Watch a run",
    response_class=Response,
    responses={
        **responses(*GUARDED, NotFoundError),
        200: {
            "description": "`progress` whenever something changes, then `end`; the data of each is the run.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
    },
)
async def watch(request: Request, access: WarehouseReading, run_id: RunId) -> Response:
    """Server-sent events until the run is over."""
    await running.get_run(access.session, run_id)
    return event_stream(watch_run(database(request), run_id))


@router.get(
    "/orders/{order_id}",
    operation_id="getWarehouseOrder",
    summary="One order, with all that belongs to it",
    response_model=OrderDetail,
    responses=responses(*GUARDED, NotFoundError),
)
async def order(
    access: WarehouseReading, order_id: Annotated[UUID, Path(description="Identifier of the order.")]
) -> dict[str, Any]:
    """Its lines, payments, invoices, and what happened to it."""
    found = await entity_queries.select_order(access.session, order_id)
    if found is None:
        raise NotFoundError(f"There is no order {order_id} in the warehouse.")
    parts = await entity_queries.select_parts(access.session, found)
    return {
        "order": dict(found),
        **{name: [dict(row) for row in parts[name]] for name in ("items", "payments", "invoices", "history")},
    }


@router.get(
    "/{kind}",
    operation_id="listWarehouseFacts",
    summary="Facts of a kind",
    response_model=FactPage,
    responses=responses(*GUARDED, NotFoundError),
)
async def facts(
    request: Request,
    response: Response,
    access: WarehouseReading,
    kind: Annotated[
        Literal["orders", "events", "payments", "requests", "reviews", "stock", "shops", "products", "users"],
        Path(description="Which facts."),
    ],
    preset: Preset = None,
    start: From = "",
    end: To = "",
    origin: OfOrigin = "all",
    status: Annotated[
        str | None, Query(max_length=40, description="Only those of this status, or events of this type.")
    ] = None,
    user: Annotated[UUID | None, Query(description="Only those of this user.")] = None,
    shop: Annotated[UUID | None, Query(description="Only those of this shop.")] = None,
    product: Annotated[UUID | None, Query(description="Only those of this product.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Newest first. Without bounds: the last seven days of what happens, all of what there is (shops, products, users).

    A filter that a kind has no field for is left out.
    """
    chosen = KINDS[kind]
    over: Range | None = None
    if not chosen.lasting or preset or start or end:
        _, _, over = await _range(
            access, Asked(preset or "", start, end, "day" if preset == "all" else ""), origin
        )
    given = {"status": status, "user": user, "shop": shop, "product": product}
    filters = {name: value for name, value in given.items() if value and name in chosen.filters}
    page = await list_facts(
        access.session,
        chosen,
        over=over,
        origin=origin,
        filters=filters,
        after=after,
        before=before,
        limit=limit,
    )
    answer = answer_page(request, response, page)
    answer["items"] = [dict(row) for row in answer["items"]]
    return answer


async def _range(access: WarehouseReading, asked: Asked, origin: Origin) -> tuple[Any, Any, Range]:
    span = await queries.select_span(access.session, origin)
    if span is None:
        raise NotFoundError(
            "The warehouse has no facts of this origin.", hint="`entrepot world generate` makes a world."
        )
    first, last = span
    return first, last, choose_range(asked, first=first, last=last)
