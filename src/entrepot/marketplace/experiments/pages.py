"""Experiments as pages: what their results show."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.experiments.analyzing import Compared
from entrepot.marketplace.experiments.kind import KIND
from entrepot.marketplace.experiments.plotting import Shown, plot
from entrepot.marketplace.experiments.results import MetricResult, read_results
from entrepot.marketplace.platforms.access import PlatformVisiting
from entrepot.marketplace.rulebook.authoring import list_versions
from entrepot.marketplace.rulebook.visiting import KeyOf, head_of, render_rules

router = APIRouter(include_in_schema=False, prefix="/platforms/{platform_code}/experiments/{key}")

NOTHING = "–"


@router.get("/results")
async def results_page(request: Request, access: PlatformVisiting, key: KeyOf) -> Response:
    """The variants beside one another; nothing where the split says that something is broken."""
    versions = await list_versions(access.session, KIND, access.platform_id, key)
    try:
        results = await read_results(access.session, access.platform_id, key)
    except NotFoundError:
        results = None
    return render_rules(
        request,
        access,
        "results.html",
        kind=KIND,
        **head_of(access, KIND, versions, "results"),
        results=results,
        metrics=[metric_shown(one) for one in results.metrics] if results else [],
    )


def metric_shown(result: MetricResult) -> dict[str, Any]:
    """A metric as the template takes it: its rows in words, and its intervals where there are any."""
    percent = result.metric.type == "CONVERSION"
    rows = [_row(variant, percent) for variant in result.variants]
    intervals = [
        Shown(
            label=variant.variant_key,
            middle=variant.difference,
            low=variant.lower,
            high=variant.upper,
            title=f"{variant.variant_key}: {row['difference']} ({row['interval']})",
            tone=row["tone"],
        )
        for variant, row in zip(result.variants, rows, strict=True)
        if variant.difference is not None and variant.lower is not None and variant.upper is not None
    ]
    return {
        "result": result,
        "rows": rows,
        "plot": plot(intervals, percent=percent) if intervals else None,
        "reduced": max((one.variance_reduction or 0.0 for one in result.variants), default=0.0),
    }


def _row(variant: Compared, percent: bool) -> dict[str, Any]:
    compared = variant.difference is not None
    interval = NOTHING
    if variant.lower is not None and variant.upper is not None:
        interval = f"{_signed(variant.lower, percent)} to {_signed(variant.upper, percent)}"
    verdict, tone = "", ""
    if variant.better:
        verdict, tone = "Better", "ok"
    elif variant.worse:
        verdict, tone = "Worse", "bad"
    elif compared:
        verdict = "No difference shown"
    return {
        "variant": variant.variant_key,
        "control": variant.is_control,
        "entities": variant.entities,
        "mean": NOTHING if variant.mean is None else _figure(variant.mean, percent),
        "difference": _signed(variant.difference, percent),
        "interval": interval,
        "p": NOTHING if variant.p_value is None else f"{variant.p_value:.2g}",
        "verdict": verdict,
        "tone": tone,
    }


def _figure(value: float, percent: bool) -> str:
    return f"{value * 100:.2f} %" if percent else f"{value:,.2f}"


def _signed(value: float | None, percent: bool) -> str:
    if value is None:
        return NOTHING
    sign = "+" if value > 0 else "−" if value < 0 else ""
    # A difference of two shares is in percentage points: a percentage would be read as one of the control's.
    return f"{sign}{abs(value) * 100:.2f} pp" if percent else f"{sign}{abs(value):,.2f}"
