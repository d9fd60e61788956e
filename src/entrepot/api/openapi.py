"""The OpenAPI document: what the framework derives from the routes, and what it cannot know."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from entrepot import __version__
from entrepot.kit.errors import LimitedError
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
        "name": "Policies",
        "description": "What a platform's policies say and decide, what they have decided, and what a draft would change.",
    },
    {
        "name": "Prices",
        "description": "A platform's pricing rules, what carts cost by them, what was quoted and why, and rates.",
    },
    {
        "name": "Experiments",
        "description": "A platform's experiments and flags, who gets which variant, and how the variants compare.",
    },
    {"name": "Audit", "description": "Who changed what."},
    {
        "name": "Governance",
        "description": "What a platform asks of its sellers, by country and seller type, dated and grandfathered.",
    },
    {
        "name": "Limits",
        "description": "Limits and quotas: defined, consumed, held, given back, and who has used how much.",
    },
    {
        "name": "Mirakl",
        "description": "A seller's accounts on Mirakl marketplaces: orders, parcels, stock, messages, failures.",
    },
    {
        "name": "Warehouse",
        "description": "Facts and metrics of the simulated and the real commerce, for administrators.",
    },
    {"name": "Health", "description": "For load balancers and supervisors."},
]

DESCRIPTION = """
Every operation works within one tenant. For shops, imports, products and the audit log it is the shop that the session or
API token belongs to. For policies, experiments, prices, limits and governance it is a platform that the person is a member
of: the only one, or the one that the header `Entrepot-Platform` names. For Mirakl it is an account that the person works
in, whose code stands in the address. The warehouse spans all of them and is for
administrators only.

**Authentication.** Send `Authorization: Bearer ent_…` with a token from the account page. A browser may use the cookie
that `POST /api/v1/session` sets; it then has to send the session's `csrf_token` as the header `X-CSRF-Token` with every
request that changes something.

**Lists** come in pages. `next` is the cursor of the next page: give it as `after`. The `Link` header says the same.
A cursor is good for the order that it was made in.

**Definitions** of policies, experiments, prices and limits have the same addresses each: drafts are written (`PUT …/draft`),
tried (`POST …/try`), taken through their states (`POST …/steps`, `…/publish`) and rolled back; every version is kept.

**Limits.** Each person has so many requests (`RateLimit-Policy`, `RateLimit`); when they are spent the answer is 429
with `Retry-After`.

**Errors** are `application/problem+json` (RFC 9457). `trace_id` is also in the header `X-Request-Id` of every answer,
in the log, and in the audit log.
""".strip()

_HEADER = {
    "description": "Identifies the request in the log and in the audit log.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}

_RATE_LIMIT = {
    "RateLimit-Policy": {
        "description": "The limit on the person's requests, and those that the request was about: quota and window.",
        "schema": {"type": "string", "examples": ['"api.requests";q=1200;w=60']},
    },
    "RateLimit": {
        "description": "What is left of them, and in how many seconds there is all of it again.",
        "schema": {"type": "string", "examples": ['"api.requests";r=299;t=1']},
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=__version__, description=DESCRIPTION, routes=app.routes, tags=TAGS
        )
        for path in document["paths"].values():
            for operation in path.values():
                if operation.get("security"):
                    operation["responses"].setdefault("429", {"description": LimitedError.title})
                for status, response in operation["responses"].items():
                    response.setdefault("headers", {})["X-Request-Id"] = _HEADER
                    if operation.get("security"):
                        response["headers"] |= _RATE_LIMIT
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
