"""The pages of scenarios: choose one, see it happen, stop it."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.kit.web.doors import doors
from entrepot.kit.web.rendering import render
from entrepot.kit.web.requests import database, trace_id
from entrepot.playground.dashboard import (
    queries,
    run_queries,
    running,
    tasks,  # noqa: F401 - registers the task that is enqueued here
)
from entrepot.playground.dashboard.access import Admitted, WarehouseVisiting
from entrepot.playground.dashboard.comparing import Trend
from entrepot.playground.dashboard.overview import Overview, read_overview
from entrepot.playground.dashboard.ranges import STEPS, Range, ceiling, floor
from entrepot.playground.dashboard.scenarios import (
    LENGTHS,
    SCALES,
    SHOWS,
    SPEEDS,
    STRENGTHS,
    ScenarioAsked,
    Show,
    WorldAsked,
    scenario_from,
    world_from,
)
from entrepot.playground.dashboard.views import Look, shared

router = APIRouter(include_in_schema=False, prefix="/warehouse/scenarios")


@router.get("")
async def scenarios_page(request: Request, visit: WarehouseVisiting, scenario: str = "") -> HTMLResponse:
    """What can be run, and what was."""
    return render(request, "warehouse/scenarios.html", **await _form(visit.session, scenario), fault="")


@router.post("")
async def begin(request: Request, person: Admitted) -> Response:
    """Begin a scenario or make a world, and go to its page; what cannot be brings the form back with the reason."""
    fields = await doors(request).read_form(request)
    try:
        asked: ScenarioAsked | WorldAsked = (
            world_from(fields) if fields.get("make") == "world" else scenario_from(fields)
        )
        async with database(request).system(user_id=person.user_id, trace_id=trace_id(request)) as session:
            run = await running.ask_for(session, asked, person.user_id)
    except (InvalidInputError, ConflictError) as error:
        async with database(request).system() as session:
            values = await _form(session, str(fields.get("scenario", "")))
        return render(request, "warehouse/scenarios.html", status=error.status, **values, fault=str(error))
    return RedirectResponse(f"/warehouse/scenarios/{run.run_id}", status_code=303)


@router.get("/{run_id}")
async def run_page(request: Request, visit: WarehouseVisiting, run_id: UUID) -> HTMLResponse:
    """A run: what is expected, how far it is, and the charts that show it."""
    run = await running.get_run(visit.session, run_id)
    show = SHOWS.get(str(run.asked.get("scenario", "")))
    look, overview = await _seen(visit.session, run)
    window = (
        scenario_from(run.asked).window(run.clock_start)
        if run.kind == "scenario" and run.clock_start
        else None
    )
    return render(
        request,
        "warehouse/run.html",
        run=run,
        show=show,
        window=window,
        overview=overview,
        trends=[replace(trend, marked=_marked(look, window)) for trend in _chosen(overview, show)]
        if overview
        else [],
        **shared(look, "scenarios"),
    )


@router.post("/{run_id}/stop")
async def stop(request: Request, person: Admitted, run_id: UUID) -> Response:
    """Ask a run to stop."""
    await doors(request).read_form(request)
    async with database(request).system(user_id=person.user_id, trace_id=trace_id(request)) as session:
        await running.stop(session, run_id)
    return RedirectResponse(f"/warehouse/scenarios/{run_id}", status_code=303)


async def _form(session: Any, scenario: str) -> dict[str, Any]:
    span = await queries.select_span(session, "simulated")
    return {
        "shows": SHOWS,
        "chosen": scenario if scenario in SHOWS else "payment-outage",
        "lengths": LENGTHS,
        "speeds": SPEEDS,
        "strengths": STRENGTHS,
        "scales": SCALES,
        "world": WorldAsked(),
        "clock": span[1] if span else None,
        "active": await run_queries.select_active_run(session),
        "runs": await running.list_runs(session),
        **shared(None, "scenarios"),
    }


async def _seen(session: Any, run: running.Run) -> tuple[Look | None, Overview | None]:
    # Counted from the facts, so that what has just happened is seen before any roll of the metrics.
    span = await queries.select_span(session, "simulated")
    if span is None or (run.kind == "scenario" and run.clock_start is None):
        return None, None
    first, last = span
    if run.kind == "world" or run.clock_start is None or run.clock_end is None:
        over = Range(floor(first, "day"), ceiling(last, "day"), "day")
    else:
        start, end = floor(run.clock_start, "hour"), ceiling(run.clock_end, "hour")
        over = Range(start, end, "hour")
    look = Look(first, last, over, "simulated")
    return look, await read_overview(session, over, "simulated", first=first, until=last)


def _chosen(overview: Overview, show: Show | None) -> list[Trend]:
    wanted = show.charts if show else ()
    rest = [trend for trend in overview.trends if trend.key not in wanted]
    named = {trend.key: trend for trend in overview.trends}
    return [*(named[key] for key in wanted if key in named), *rest][:6]


def _marked(look: Look | None, window: tuple[datetime, datetime] | None) -> tuple[int, int] | None:
    """The buckets that a scenario's window touches."""
    if look is None or window is None:
        return None
    step = STEPS[look.over.grain]
    first, last = ((moment - look.over.start) / step for moment in window)
    return int(first), min(-int(-last // 1), len(look.over.buckets))
