"""The HTTP API, from the OpenAPI document of the application."""

from typing import Any

from entrepot.api.app import create_app
from entrepot.console.reference import outline
from generators.markdown import code, table

INTRODUCTION = """# HTTP API

`entrepot serve` answers under `/api/v1`. The OpenAPI document is at `/api/v1/openapi.json`; a client can be generated
from it. [How to use the HTTP API](../how-to/http-api.md) has examples.
"""


def render() -> str:
    """A section a tag, below it an operation each."""
    document = outline(create_app().openapi())
    lines = [INTRODUCTION]
    for paragraph in document["paragraphs"]:
        lines += [paragraph, ""]
    for tag in document["tags"]:
        lines += [f"## {tag['name']}", "", tag["description"], ""]
        for operation in tag["operations"]:
            lines += _operation(operation)
    return "\n".join(lines)


def _operation(operation: dict[str, Any]) -> list[str]:
    lines = [
        f"### {operation['method']} {operation['path']}",
        "",
        f"**{operation['summary'].rstrip('.')}.**",
        "",
    ]
    if operation["description"]:
        lines += [operation["description"], ""]
    if operation["body"]:
        lines += [f"Body: {code(operation['body'])}.", ""]
    if operation["parameters"]:
        rows = [
            (
                code(one["name"]) + ("" if one["required"] or one["where"] == "path" else " (optional)"),
                one["where"],
                code(one["type"]),
                one["description"],
            )
            for one in operation["parameters"]
        ]
        lines += table(("parameter", "in", "type", "meaning"), rows)
    answers = [
        (code(one["status"]), _meaning(one["description"]), code(one["type"]))
        for one in operation["responses"]
    ]
    return [*lines, *table(("answer", "meaning", "type"), answers)]


def _meaning(description: str) -> str:
    # What the framework says where nothing else was said.
    return "Done" if description == "Successful Response" else description
