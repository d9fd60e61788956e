"""Limits as pages: who has used how much."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from entrepot.marketplace.limits.kind import KIND
from entrepot.marketplace.limits.usage import Order, list_usage
from entrepot.marketplace.platforms.access import PlatformVisiting
from entrepot.marketplace.rulebook.authoring import list_versions
from entrepot.marketplace.rulebook.visiting import KeyOf, head_of, render_rules

router = APIRouter(include_in_schema=False, prefix="/platforms/{platform_code}/limits/{key}")


@router.get("/usage")
async def usage_page(
    request: Request,
    access: PlatformVisiting,
    key: KeyOf,
    entity: Annotated[str, Query(max_length=200)] = "",
    sort: str = "-used",
    after: str | None = None,
    before: str | None = None,
) -> Response:
    """The entities that have used a limit in the window that runs now."""
    versions = await list_versions(access.session, KIND, access.platform_id, key)
    limit = (await access.engines.limits.limits(access.platform_id)).get(key)
    order: Order = "entity_id" if sort == "entity_id" else "-used"
    page = None
    if limit is not None:
        page = await list_usage(
            access.session,
            access.platform_id,
            limit.default,
            order=order,
            entity_id=entity.strip() or None,
            after=after,
            before=before,
        )
    return render_rules(
        request,
        access,
        "usage.html",
        kind=KIND,
        **head_of(access, KIND, versions, "usage"),
        page=page,
        filters={"entity": entity.strip(), "sort": order},
        counts_once=limit is not None and limit.document.algorithm in ("TOTAL", "CONCURRENT"),
    )
