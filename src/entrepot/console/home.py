"""The first page: what needs attention, then the figures, then what came in last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from entrepot.console.charts import ColumnChart, Sparkline, column_chart, sparkline
from entrepot.console.formats import amount
from entrepot.kit.web.rendering import render
from entrepot.pim.analytics import queries
from entrepot.pim.bulk.summaries import RunSummary, list_runs
from entrepot.pim.tenants.access import Visiting

router = APIRouter(include_in_schema=False)

DAYS = 30


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that waits for a person."""

    count: int
    tone: str
    title: str
    detail: str
    href: str
    action: str


@router.get("/")
async def home_page(request: Request, visit: Visiting) -> HTMLResponse:
    """What needs you now, and how the shop does."""
    session, timezone = visit.session, visit.shop.timezone or "UTC"
    figures = await queries.select_figures(session, days=DAYS)
    days = await queries.select_days(session, days=DAYS, timezone=timezone)
    runs = await list_runs(session, limit=8)
    return render(
        request,
        "home.html",
        section="home",
        attention=concerns(runs.rows, await queries.select_gaps(session)),
        figures={
            **figures,
            "revenue_change": change(figures["revenue"], figures["revenue_before"]),
            "orders_change": change(figures["orders"], figures["orders_before"]),
        },
        revenue_chart=revenue_chart(days),
        revenue_spark=trend_line([float(day["revenue"]) for day in days]),
        orders_spark=trend_line([float(day["orders"]) for day in days]),
        sellers=await queries.select_top_sellers(session, limit=5),
        imports=runs.rows[:5],
    )


def change(now: Any, before: Any) -> float | None:
    """By what share a figure grew; None where there is nothing to compare with."""
    return float(now - before) / float(before) if before else None


def revenue_chart(days: Sequence[Mapping[Any, Any]]) -> ColumnChart | None:
    """Revenue by day; None when nothing was sold."""
    if not any(day["revenue"] for day in days):
        return None
    points = [(f"{day['day'].day} {day['day']:%b}", float(day["revenue"])) for day in days]
    return column_chart(points, text=amount)


def trend_line(values: Sequence[float]) -> Sparkline:
    """A line through the values; empty when all are zero."""
    return sparkline(values if any(values) else [])


def concerns(runs: Sequence[RunSummary], gaps: Mapping[Any, Any]) -> list[Concern]:
    """What waits for a person, the gravest first."""
    found: list[Concern] = []
    # A failure counts until a later import went well.
    failed = []
    for run in runs:
        if run.status == "completed":
            break
        if run.status == "failed":
            failed.append(run)
    if failed:
        detail = (
            f"{failed[0].file_name or 'Standard input'}: {failed[0].error_message or 'no reason is known'}"
        )
        href = f"/imports/{failed[0].id}"
        found.append(
            Concern(
                len(failed),
                "bad",
                "Import failed" if len(failed) == 1 else "Imports failed",
                detail,
                href,
                "Look",
            )
        )
    last = next((run for run in runs if run.status == "completed"), None)
    if last is not None and last.rejected:
        found.append(
            Concern(
                last.rejected,
                "bad",
                "Lines rejected in the last import",
                f"{last.file_name or 'Standard input'}: these were set aside, the others are in.",
                f"/imports/{last.id}",
                "Read the reasons",
            )
        )
    for lack, title, detail in (
        ("stock", "Products sold out", "Active, with a variant that cannot be bought now."),
        ("low", "Products low on stock", "With a variant at or below its threshold."),
        ("image", "Products without an image", "Active, and shown to buyers with a blank."),
        ("sku", "Products without a SKU", "A variant that cannot be matched with other channels."),
    ):
        if gaps[lack]:
            href = f"/products?status=ACTIVE&lacks={lack}"
            found.append(Concern(gaps[lack], "warn", title, detail, href, "Show them"))
    return found
