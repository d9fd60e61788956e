"""Signing in over HTTP: cookies, CSRF, tokens, and what is said to those who may not."""

from datetime import timedelta
from uuid import UUID

import httpx
from fastapi import FastAPI
from tests.api.conftest import PASSWORD, AddPerson, Person, connect

from entrepot.kit.clock import clock, now

CREDENTIALS = {"shop": "harbor.myshopify.com", "email": "mara@harbor.example", "password": PASSWORD}


async def sign_in(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await client.post("/api/v1/session", json=CREDENTIALS | changes)


async def test_signing_in_sets_a_cookie_that_scripts_cannot_read(
    client: httpx.AsyncClient, person: Person
) -> None:
    response = await sign_in(client)
    assert response.status_code == 201
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie  # over plain http a browser would drop a Secure cookie
    body = response.json()
    assert body["email"] == "mara@harbor.example"
    assert body["shop"]["domain"] == "harbor.myshopify.com"
    assert (await client.get("/api/v1/session")).json()["user_id"] == body["user_id"]


async def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(app: FastAPI, person: Person) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://entrepot.test"
    ) as client:
        response = await sign_in(client)
        cookie = response.headers["set-cookie"]
        assert cookie.startswith("__Host-entrepot_session=")
        assert "Secure" in cookie
        assert response.headers["strict-transport-security"]
        assert (await client.get("/api/v1/session")).status_code == 200


async def test_what_was_wrong_is_not_told(client: httpx.AsyncClient, person: Person) -> None:
    for wrong in (
        {"password": "quay side lantern 43"},
        {"email": "nobody@harbor.example"},
        {"shop": "nowhere.myshopify.com"},
        {"shop": "not a domain"},
    ):
        response = await sign_in(client, **wrong)
        assert response.status_code == 401, wrong
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"] == "The shop, the address or the password is wrong."
        assert "set-cookie" not in response.headers


async def test_guessing_is_slowed_down(client: httpx.AsyncClient, person: Person) -> None:
    statuses = [(await sign_in(client, password="guess number one")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    limited = await sign_in(client)
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) > 0


async def test_a_change_with_a_cookie_needs_the_csrf_secret(
    client: httpx.AsyncClient, person: Person
) -> None:
    token = (await sign_in(client)).json()["csrf_token"]
    assert (await client.delete("/api/v1/session")).status_code == 403
    assert (await client.delete("/api/v1/session", headers={"x-csrf-token": "guess"})).status_code == 403
    assert (await client.get("/api/v1/session")).status_code == 200
    assert (await client.delete("/api/v1/session", headers={"x-csrf-token": token})).status_code == 204
    assert (await client.get("/api/v1/session")).status_code == 401


async def test_another_site_cannot_change_anything(client: httpx.AsyncClient, person: Person) -> None:
    token = (await sign_in(client)).json()["csrf_token"]
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        response = await client.delete("/api/v1/session", headers={"x-csrf-token": token, **headers})
        assert response.status_code == 403, headers
        assert (await client.post("/api/v1/session", json=CREDENTIALS, headers=headers)).status_code == 403
    assert (await client.get("/api/v1/session")).status_code == 200


async def test_a_session_that_was_ended_is_over_for_a_copied_cookie(
    app: FastAPI, client: httpx.AsyncClient, person: Person
) -> None:
    csrf = (await sign_in(client)).json()["csrf_token"]
    async with connect(app) as thief:
        thief.cookies = httpx.Cookies(client.cookies)
        assert (await thief.get("/api/v1/session")).status_code == 200
        await client.delete("/api/v1/session", headers={"x-csrf-token": csrf})
        assert (await thief.get("/api/v1/session")).status_code == 401


async def test_a_token_needs_no_csrf_secret_and_no_cookie(client: httpx.AsyncClient, person: Person) -> None:
    response = await client.get("/api/v1/session", headers=person.bearer)
    body = response.json()
    assert body["via"] == "token"
    assert body["csrf_token"] is None
    assert "set-cookie" not in response.headers
    assert (await client.delete("/api/v1/session", headers=person.bearer)).status_code == 409


async def test_a_bad_authorization_is_never_helped_out_by_a_cookie(
    client: httpx.AsyncClient, person: Person
) -> None:
    await sign_in(client)
    for authorization in ("Bearer ent_wrong", "Bearer", "Basic bWFyYTp4", "ent_wrong", "Bearer "):
        response = await client.get("/api/v1/session", headers={"authorization": authorization})
        assert response.status_code == 401, authorization
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_caller_sees_their_shop_only(
    client: httpx.AsyncClient, person: Person, stranger: Person
) -> None:
    mine = (await client.get("/api/v1/shops", headers=person.bearer)).json()["items"]
    theirs = (await client.get("/api/v1/shops", headers=stranger.bearer)).json()["items"]
    assert [shop["domain"] for shop in mine] == ["harbor.myshopify.com"]
    assert [shop["domain"] for shop in theirs] == ["lagoon.myshopify.com"]
    current = (await client.get("/api/v1/shops/current", headers=person.bearer)).json()
    assert current == mine[0]
    assert "access_token" not in str(current)


async def test_a_token_that_only_reads_changes_nothing(
    client: httpx.AsyncClient, add_person: AddPerson, shop: UUID
) -> None:
    reader = await add_person(shop, "rea@harbor.example", scope="read")
    response = await client.post("/api/v1/imports", files={"file": ("a.jsonl", b"{}")}, headers=reader.bearer)
    assert response.status_code == 403
    assert response.json()["hint"] == "Make a token with the scope `write`."


async def test_the_cookie_is_renewed_with_time_and_the_old_one_fades(
    app: FastAPI, client: httpx.AsyncClient, person: Person
) -> None:
    csrf = (await sign_in(client)).json()["csrf_token"]
    async with connect(app) as late:
        late.cookies = httpx.Cookies(client.cookies)
        old = dict(client.cookies)
        with clock(now() + timedelta(minutes=61)):
            renewed = await client.get("/api/v1/session")
            assert renewed.status_code == 200
            assert dict(client.cookies) != old
            assert renewed.json()["csrf_token"] == csrf  # an open form still goes through
            assert (await late.get("/api/v1/session")).status_code == 200  # was under way at that moment
        with clock(now() + timedelta(minutes=70)):
            assert (await client.get("/api/v1/session")).status_code == 200
            assert (await late.get("/api/v1/session")).status_code == 401


async def test_a_session_that_nobody_uses_ends(client: httpx.AsyncClient, person: Person) -> None:
    await sign_in(client)
    with clock(now() + timedelta(hours=13)):
        assert (await client.get("/api/v1/session")).status_code == 401
