"""The API reference as a page, made from the OpenAPI document."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from entrepot.kit.web.rendering import render
from entrepot.pim.tenants.access import Visiting

router = APIRouter(include_in_schema=False)


@router.get("/reference")
async def reference_page(request: Request, _visit: Visiting) -> HTMLResponse:
    """Every operation with its parameters and answers."""
    document = request.app.openapi()
    return render(request, "reference.html", section="api", api=outline(document), base=str(request.base_url))


def outline(document: dict[str, Any]) -> dict[str, Any]:
    """The document by tag, in the order of the tags, as the page shows it."""
    operations: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations[operation["tags"][0]].append(_operation(path, method, operation))
    return {
        "title": document["info"]["title"],
        "version": document["info"]["version"],
        "paragraphs": [" ".join(part.split()) for part in document["info"]["description"].split("\n\n")],
        "tags": [
            {"name": tag["name"], "description": tag["description"], "operations": operations[tag["name"]]}
            for tag in document["tags"]
        ],
    }


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": [
            {
                "name": parameter["name"],
                "where": parameter["in"],
                "required": parameter.get("required", False),
                "description": parameter.get("description", ""),
                "type": _type(parameter["schema"]),
            }
            for parameter in operation.get("parameters", [])
        ],
        "body": ", ".join(operation.get("requestBody", {}).get("content", {})),
        "responses": [
            {
                "status": status,
                "description": response["description"],
                "type": ", ".join(response.get("content", {})),
            }
            for status, response in operation["responses"].items()
        ],
    }


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    return str(schema.get("format") or schema.get("type", "any"))
