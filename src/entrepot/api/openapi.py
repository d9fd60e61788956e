"""The OpenAPI document: what the framework derives from the routes, and what it cannot know."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from entrepot import __version__
from entrepot.kit.web.problems import MEDIA_TYPE

TAGS = [
    {"name": "Session", "description": "Signing in and out, and who the caller is."},
    {"name": "Shops", "description": "The shop that a session or token belongs to."},
    {
        "name": "Imports",
        "description": "Files that fill the shop: start one, watch it, read what was rejected.",
    },
    {"name": "Products", "description": "The mirror of the shop's products and variants."},
    {
        "name": "Experiments",
        "description": "Who gets which variant of a platform's experiments and flags, and how the variants compare.",
    },
    {"name": "Audit", "description": "Who changed what."},
    {"name": "Health", "description": "For load balancers and supervisors."},
]

DESCRIPTION = """
Every operation works within one shop: the one that the session or API token belongs to.

**Authentication.** Send `Authorization: Bearer ent_…` with a token from the account page. A browser may use the cookie
that `POST /api/v1/session` sets; it then has to send the session's `csrf_token` as the header `X-CSRF-Token` with every
request that changes something.

**Lists** come in pages. `next` is the cursor of the next page: give it as `after`. The `Link` header says the same.
A cursor is good for the order that it was made in.

**Errors** are `application/problem+json` (RFC 9457). `trace_id` is also in the header `X-Request-Id` of every answer,
in the log, and in the audit log.
""".strip()

_HEADER = {
    "description": "Identifies the request in the log and in the audit log.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=__version__, description=DESCRIPTION, routes=app.routes, tags=TAGS
        )
        for path in document["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    response.setdefault("headers", {})["X-Request-Id"] = _HEADER
                    if int(status) >= 400:
                        _as_problem(response)
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


def _as_problem(response: dict[str, Any]) -> None:
    # The framework files every model under application/json; problems have a type of their own.
    response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
