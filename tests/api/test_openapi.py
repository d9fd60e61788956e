"""The OpenAPI document is complete enough to make a client from."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

#: What needs nobody to be known.
OPEN = {"signIn", "getLiveness", "getReadiness"}


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    """The document."""
    return app.openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of each."""
    return [
        (path, method, found)
        for path, methods in document["paths"].items()
        for method, found in methods.items()
    ]


async def test_it_is_served_without_authentication(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/openapi.json")
    assert response.status_code == 200
    assert response.json()["openapi"].startswith("3.1")


def test_every_operation_has_a_name_a_summary_and_a_tag(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert set(operation["tags"]) <= tags, (path, method)
        assert path.startswith(("/api/v1/", "/health/"))


def test_every_success_is_described(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        successes = {
            status: found for status, found in operation["responses"].items() if status.startswith("2")
        }
        assert successes, (path, method)
        for status, found in successes.items():
            if status == "204":
                continue
            for media in found["content"].values():
                assert media["schema"], (path, method, status)


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, found in operation["responses"].items():
            if int(status) >= 400:
                (media,) = found["content"]
                assert media == "application/problem+json", (path, method, status)
        if operation["operationId"] not in OPEN:
            assert {"401", "403", "422", "503"} <= set(operation["responses"]), (path, method)
            assert operation["security"], (path, method)


def test_every_parameter_says_what_it_means(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (path, method, parameter["name"])


def test_models_have_examples(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in (
        "ProductSummary",
        "Import",
        "RejectedLine",
        "AuditEntry",
        "SessionBody",
        "SignIn",
        "ShopBody",
        "Problem",
    ):
        assert schemas[name]["examples"], name
    assert "HTTPValidationError" not in schemas


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        if isinstance(node, list):
            return [found for value in node for found in references(value)]
        return []

    for reference in references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert isinstance(target, dict), reference
