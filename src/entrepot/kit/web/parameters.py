"""Parameters that recur in the API's operations, and the answer that a list gives."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from entrepot.kit.web.paging import MAX_LIMIT, Page, link_header

After = Annotated[
    str | None,
    Query(max_length=1000, description="Cursor: the rows after it, from `next` of an earlier page."),
]
Before = Annotated[
    str | None,
    Query(max_length=1000, description="Cursor: the rows before it, from `previous` of an earlier page."),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most rows on the page.")]


def answer_page(request: Request, response: Response, page: Page[Any]) -> dict[str, Any]:
    """The body of a page of a list; sets the Link header (RFC 8288) beside it."""
    links = link_header(request, page)
    if links:
        response.headers["link"] = links
    return {"items": page.rows, "next": page.after, "previous": page.before}
