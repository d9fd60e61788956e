"""Every error is problem+json, with a trace that the header repeats."""

import httpx
from fastapi import FastAPI
from tests.api.conftest import Person

from entrepot.kit.web.edge import CONTENT_SECURITY_POLICY

GONE = "0199f1c2-7a10-7c55-9d31-6a7be2c4c001"


REFUSED = [
    ("GET", "/api/v1/nothing", 404),
    ("GET", "/nothing", 404),
    ("PUT", "/api/v1/products", 405),
    ("GET", f"/api/v1/products/{GONE}", 404),
    ("GET", f"/api/v1/products/{GONE}/history", 404),
    ("GET", f"/api/v1/imports/{GONE}", 404),
    ("GET", f"/api/v1/imports/{GONE}/errors", 404),
    ("GET", f"/api/v1/imports/{GONE}/errors.csv", 404),
    ("GET", f"/api/v1/imports/{GONE}/events", 404),
    ("GET", "/api/v1/products/not-an-id", 422),
    ("GET", "/api/v1/products?limit=0", 422),
    ("GET", "/api/v1/products?limit=201", 422),
    ("GET", "/api/v1/products?sort=color", 422),
    ("GET", "/api/v1/products?status=SOLD", 422),
    ("GET", "/api/v1/products?after=nonsense", 422),
    ("GET", "/api/v1/products?after=W10&before=W10", 422),
    ("GET", "/api/v1/audit?since=yesterday", 422),
    ("POST", "/api/v1/imports", 422),
]


async def test_what_cannot_be_served(client: httpx.AsyncClient, person: Person) -> None:
    for method, path, status in REFUSED:
        response = await client.request(method, path, headers=person.bearer)
        assert response.status_code == status, path
        assert response.headers["content-type"] == "application/problem+json", path
        problem = response.json()
        assert problem["status"] == status, path
        assert all(problem[field] for field in ("type", "title", "detail")), path
        assert problem["trace_id"] == response.headers["x-request-id"], path


GUARDED = [
    "session",
    "shops",
    "shops/current",
    "imports",
    "products",
    "variants",
    "audit",
    f"products/{GONE}",
]


async def test_nothing_is_told_to_those_who_are_not_known(client: httpx.AsyncClient) -> None:
    for path in GUARDED:
        response = await client.get(f"/api/v1/{path}")
        assert response.status_code == 401, path
        assert response.json()["type"].endswith(":unauthenticated")


async def test_every_field_that_is_wrong_is_named(client: httpx.AsyncClient, person: Person) -> None:
    response = await client.get("/api/v1/products?limit=0&status=SOLD", headers=person.bearer)
    assert {error["field"] for error in response.json()["errors"]} == {"query.limit", "query.status"}


async def test_a_defect_is_told_without_its_inside(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError("the secret is swordfish")

    response = await client.get("/api/v1/broken")
    assert response.status_code == 500
    assert "swordfish" not in response.text
    assert response.json()["trace_id"] == response.headers["x-request-id"]
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


async def test_a_lost_database_is_unavailable_and_not_a_defect(
    app: FastAPI, client: httpx.AsyncClient, person: Person
) -> None:
    class Lost:
        def system(self, **_: object) -> object:
            raise ConnectionError("refused")

    app.state.database = Lost()
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/api/v1/products", headers=person.bearer)).status_code == 503
    assert (await client.get("/health/live")).status_code == 200


async def test_the_trace_of_the_caller_is_taken_over(client: httpx.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    response = await client.get("/health/live", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert response.headers["x-request-id"] == trace
    other = await client.get("/health/live", headers={"traceparent": "nonsense"})
    assert other.headers["x-request-id"] not in (trace, "nonsense")


async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/sign-in", "/nothing", "/static/console.css"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"


async def test_a_body_that_nobody_wants_to_hold_is_refused_before_anyone_is_known(
    client: httpx.AsyncClient,
) -> None:
    long = b'{"shop": "' + b"a" * (2 << 20) + b'"}'
    for path, kind in (
        ("/api/v1/session", "application/json"),
        ("/sign-in", "application/x-www-form-urlencoded"),
    ):
        response = await client.post(path, content=long, headers={"content-type": kind})
        assert response.status_code == 413, path
        assert response.json()["type"].endswith(":too-large")
