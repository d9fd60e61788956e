"""The data browser: the list of tables, and one table's rows and dictionary."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from sqlalchemy.exc import DBAPIError
from starlette.responses import HTMLResponse

from entrepot.console.browsing import queries
from entrepot.console.browsing.describing import (
    Described,
    described,
    find,
    href,
    is_code,
    is_numeric,
    notes,
    search,
)
from entrepot.console.formats import short
from entrepot.kit.db.dictionary import ColumnEntry
from entrepot.kit.web.paging import Page, page_of, pick, place
from entrepot.kit.web.rendering import render
from entrepot.pim.tenants.access import Visit, Visiting

router = APIRouter(include_in_schema=False, prefix="/data")

OPERATORS = [
    ("contains", "containing"),
    ("gt", "greater than"),
    ("lt", "less than"),
    ("null", "empty"),
    ("notnull", "not empty"),
]
LIMIT = 50
#: Rows of what has no key are not paged; this many are shown.
UNPAGED = 200
CANCELED = "57014"
NOTHING: Page[Any] = Page([], None, None, True)


@router.get("")
async def index_page(
    request: Request, _visit: Visiting, q: Annotated[str, Query(max_length=100)] = ""
) -> HTMLResponse:
    """Every table and view by noun, or those that speak of the words."""
    groups = [
        {
            "schema": group.schema,
            "title": group.title,
            "tables": [
                {
                    "schema": table.entry.schema,
                    "name": table.entry.name,
                    "comment": table.entry.comment,
                    "access": owner(table),
                    "columns": table.entry.columns,
                }
                for table in group.tables
            ],
        }
        for group in search(q)
    ]
    return render(request, "data/index.html", section="data", q=q, groups=groups, total=len(described()))


@router.get("/{schema}/{name}")
async def table_page(
    request: Request,
    visit: Visiting,
    schema: str,
    name: str,
    view: str = "rows",
    column: Annotated[str, Query(max_length=100)] = "",
    op: Annotated[str, Query(max_length=10)] = "eq",
    value: Annotated[str, Query(max_length=500)] = "",
    after: str | None = None,
    before: str | None = None,
) -> HTMLResponse:
    """The rows of a table that this shop may see, or what its columns mean."""
    table = await with_types(visit, find(schema, name))
    readable = await queries.is_readable(visit.session, table)
    if view == "dictionary":
        return await dictionary_page(request, visit, table, readable)
    fault, page = "", NOTHING
    if readable:
        fault, page = await read_rows(visit, table, column, op or "eq", value, after, before)
    return render(
        request,
        "data/table.html",
        section="data",
        view="rows",
        table={**shown(table), "readable": readable},
        filters={"column": column, "op": op if op != "eq" else "", "value": value},
        operators=OPERATORS,
        fault=fault,
        columns=[
            {"name": entry.name, "comment": entry.comment, "numeric": is_numeric(entry)}
            for entry in table.entry.columns
        ],
        page=replace(page, rows=[cells(table, row) for row in page.rows]),
        unpaged=not table.pages and len(page.rows) >= UNPAGED,
    )


async def read_rows(
    visit: Visit, table: Described, column: str, op: str, value: str, after: str | None, before: str | None
) -> tuple[str, Page[Any]]:
    """A page of rows, and what is wrong with the filter, if anything."""
    if column and column not in {entry.name for entry in table.shown}:
        return f"There is no column “{column}” to filter by.", NOTHING
    if op not in queries.OPERATORS:
        return f"“{op}” is no comparison.", NOTHING
    kind = (table.column(column).type or "text") if column else "text"
    if column and op in ("eq", "gt", "lt") and not await queries.is_valid(visit.session, value, kind):
        return f"“{value}” cannot be a value of {column}, which is {kind.lower()}.", NOTHING
    at = place("key", (str,) * len(table.key), after=after, before=before) if table.pages else None
    limit = LIMIT if table.pages else UNPAGED - 1
    try:
        async with visit.session.begin_nested():
            rows = await queries.select_rows(
                visit.session,
                table,
                column=column or None,
                operator=op,
                value=value,
                at=at,
                limit=limit + 1,
            )
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != CANCELED:
            raise
        return f"This takes longer than {queries.TIMEOUT}: filter by a column of a key or an index.", NOTHING
    if not table.pages:
        return "", Page(rows, None, None, True)
    return "", page_of(rows, at, limit, lambda row: pick(row, *table.key), "key")


async def dictionary_page(request: Request, visit: Visit, table: Described, readable: bool) -> HTMLResponse:
    """What the table is for, column by column, and the rules that hold for it."""
    policies = await queries.select_policies(visit.session, table)
    constraints = await queries.select_constraints(visit.session, table)
    return render(
        request,
        "data/table.html",
        section="data",
        view="dictionary",
        table={**shown(table), "readable": readable, "policies": policies, "constraints": constraints},
    )


async def with_types(visit: Visit, table: Described) -> Described:
    """The table, with the types that the declarations of a view leave to the server."""
    if table.entry.kind == "table":
        return table
    types = await queries.select_view_columns(visit.session, table)
    known = {column.name: column for column in table.entry.columns}
    blank = ColumnEntry("", "", True, None, False, None, False, "")
    columns = tuple(replace(known.get(name, blank), name=name, type=kind) for name, kind in types.items())
    return replace(table, entry=replace(table.entry, columns=columns))


def owner(table: Described) -> str:
    """Whose rows they are, in a word or two."""
    access = table.entry.access
    if "(`shop_id`)" in access or "(`id`)" in access:
        return "the shop"
    if access.startswith("A tenant"):
        return "another kind of tenant"
    if access.startswith("Closed"):
        return "the installation"
    return "all shops" if "all" in access else "its reader"


def shown(table: Described) -> dict[str, Any]:
    """A table as the template takes it."""
    entry = table.entry
    return {
        "schema": entry.schema,
        "name": entry.name,
        "comment": entry.comment,
        "access": owner(table),
        "access_detail": entry.access.replace("`", ""),
        "audit": notes(entry, "Audited", "no"),
        "partitions": notes(entry, "Partitioned", "none").replace("`", ""),
        "filterable": [(column.name, column.name) for column in table.shown],
        "columns": [
            {
                "name": column.name,
                "type": column.type.lower().replace("timestamp with time zone", "timestamptz"),
                "required": not column.nullable,
                "default": column.default,
                "primary": column.primary_key,
                "references": _reference(column),
                "secret": column.secret,
                "comment": column.comment,
            }
            for column in entry.columns
        ],
    }


def cells(table: Described, row: Mapping[Any, Any]) -> Sequence[dict[str, Any]]:
    """A row as the template takes it, secrets masked."""
    found = []
    for column in table.entry.columns:
        value = None if column.secret else row[column.name]
        kind = "masked" if column.secret else "null" if value is None else "text"
        target = None
        if value is not None:
            own = column.name == "id" and table.entry.fullname == "pim.shopify_products"
            target = f"/products/{value}" if own else href(column, quote(value, safe=""))
        found.append(
            {
                "kind": kind,
                "text": value or "",
                "shown": short(value)
                if value and column.references and column.type == "UUID"
                else value or "",
                "numeric": is_numeric(column),
                "mono": is_code(column),
                "href": target,
            }
        )
    return found


def _reference(column: ColumnEntry) -> dict[str, str] | None:
    if column.references is None:
        return None
    schema, _, table = column.references.partition(".")
    return {"schema": schema, "table": table}
