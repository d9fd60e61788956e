"""The audit log as a page."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from entrepot.kit.db.ddl import feature
from entrepot.kit.db.features import Audit
from entrepot.kit.db.tables import Base
from entrepot.kit.web.rendering import Message, render
from entrepot.pim.audit import queries
from entrepot.pim.audit.comparing import shown
from entrepot.pim.audit.reading import day_bounds, read_log
from entrepot.pim.tenants.access import Visiting

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Query(max_length=100)]

#: Table → where its rows have a page of their own.
PLACES = {"shopify_products": "/products/{}"}


@router.get("/audit")
async def audit_page(
    request: Request,
    visit: Visiting,
    entity: Text = "",
    type: Text = "",  # noqa: A002
    action: Text = "",
    user: Text = "",
    since: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(alias="to", max_length=10)] = "",
    trace: Annotated[str, Query(alias="request", max_length=100)] = "",
    after: str | None = None,
    before: str | None = None,
) -> HTMLResponse:
    """Who changed what, with filters."""
    problems: list[str] = []
    first, last = _day(since, problems), _day(until, problems)
    start, end = day_bounds(first, last, visit.shop.timezone or "UTC")
    filters = {
        "entity": _identifier(entity, "row", problems),
        "type": type,
        "action": action,
        "user": _identifier(user, "person", problems),
        "request": trace,
        "since": start,
        "until": end,
    }
    page = await read_log(visit.session, filters, after=after, before=before)
    choices = await queries.select_choices(visit.session)
    return render(
        request,
        "audit/list.html",
        section="audit",
        filters={
            "entity": entity,
            "type": type,
            "action": action,
            "user": user,
            "since": since,
            "until": until,
            "request": trace,
        },
        filtered=any((entity, type, action, user, since, until, trace)),
        types=audited_tables(),
        users=choices["users"],
        page={
            "rows": [entry_shown(entry) for entry in page.rows],
            "after": page.after,
            "before": page.before,
            "first_page": page.first_page,
            "total": None,
        },
        messages=tuple(Message("bad", problem) for problem in problems),
    )


def audited_tables() -> list[str]:
    """The tables whose changes are recorded, by name."""
    return sorted(table.name for table in Base.metadata.tables.values() if feature(table, Audit) is not None)


def entry_shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the page shows it."""
    pattern = PLACES.get(entry["entity_type"])
    return {
        "action": entry["action"],
        "entity_type": entry["entity_type"],
        "entity_id": entry["entity_id"],
        "href": pattern.format(entry["entity_id"]) if pattern and entry["action"] != "DELETE" else None,
        "user": entry["user_email"],
        "request_id": entry["request_id"],
        "created_at": entry["created_at"],
        "changes": [shown(change) for change in entry["changes"]],
    }


def entries_shown(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries as a page shows them."""
    return [entry_shown(entry) for entry in entries]


def _day(value: str, problems: list[str]) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        problems.append(f"“{value}” is not a day; write it as 2026-11-21.")
        return None


def _identifier(value: str, what: str, problems: list[str]) -> UUID | None:
    if not value:
        return None
    try:
        return UUID(value.strip())
    except ValueError:
        problems.append(f"“{value}” is not the id of a {what}.")
        return None
