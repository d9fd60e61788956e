"""The console's pages, as a browser without scripts gets them."""

import re
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.api.conftest import PASSWORD, Person
from tests.console.conftest import SignedIn

from entrepot.console.home import change, concerns
from entrepot.kit.db import Database

PAGES = ("/", "/imports", "/imports/new", "/products", "/audit", "/data", "/account", "/reference")


async def test_pages_open_for_those_who_are_signed_in(mara: SignedIn, stocked: str) -> None:
    for path in (*PAGES, f"/imports/{stocked}"):
        response = await mara.get(path)
        assert response.status_code == 200, path
        assert response.headers["cache-control"] == "no-store", path
        # What the policy forbids must not be on a page at all.
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", response.text), path
        assert len(re.findall(r"<h1[ >]", response.text)) == 1, path


async def test_everyone_else_is_led_to_sign_in_and_back(client: httpx.AsyncClient) -> None:
    for path in PAGES[1:]:
        response = await client.get(f"{path}?a=1", headers={"accept": "text/html"})
        assert response.status_code == 303
        assert response.headers["location"] == f"/sign-in?next={path.replace('/', '%2F')}%3Fa%3D1"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\nb", "evil"]
)
async def test_signing_in_leads_nowhere_else(mara: SignedIn, target: str) -> None:
    response = await mara.http.get("/sign-in", params={"next": target})
    assert response.status_code == 303
    assert response.headers["location"] == "/"


async def test_the_sign_in_form_needs_its_cookie_and_no_other_site(
    client: httpx.AsyncClient, person: Person
) -> None:
    fields = {
        "shop": "harbor.myshopify.com",
        "email": person.member.email,
        "password": PASSWORD,
        "next": "/products",
    }
    refused = await client.post("/sign-in", data=fields)
    assert "expired" in refused.text
    form = await client.get("/sign-in")
    token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    assert token is not None
    fields["csrf_token"] = token[1]
    elsewhere = await client.post("/sign-in", data=fields, headers={"origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    response = await client.post("/sign-in", data=fields, headers={"origin": "http://entrepot.test"})
    assert (response.status_code, response.headers["location"]) == (303, "/products")


async def test_a_form_from_elsewhere_changes_nothing(mara: SignedIn) -> None:
    for path in (
        "/sign-out",
        "/theme",
        "/account/password",
        "/account/tokens",
        f"/account/tokens/{uuid4()}/revoke",
        "/account/sessions/others/revoke",
    ):
        response = await mara.http.post(path, data={"csrf_token": "guess", "name": "x", "theme": "dark"})
        assert response.status_code == 403, path
    files = {"file": ("a.jsonl", b'{"id": "gid://shopify/Product/1"}')}
    assert (await mara.http.post("/imports", data={"csrf_token": "guess"}, files=files)).status_code == 403
    assert (await mara.get("/account")).status_code == 200


async def test_a_new_password_ends_every_other_session(app: FastAPI, mara: SignedIn, person: Person) -> None:
    from tests.console.conftest import sign_in

    elsewhere = await sign_in(app, person, "harbor.myshopify.com")
    wrong = await mara.send(
        "/account/password", current_password="not this one", new_password="a quiet harbor at nine"
    )
    assert wrong.status_code == 422
    assert "not the present password" in wrong.text
    weak = await mara.send("/account/password", current_password=PASSWORD, new_password="short")
    assert weak.status_code == 422
    assert (await elsewhere.get("/account")).status_code == 200
    changed = await mara.send(
        "/account/password", current_password=PASSWORD, new_password="a quiet harbor at nine"
    )
    assert changed.headers["location"] == "/account?done=password"
    assert (await mara.get("/account?done=password")).status_code == 200
    assert (await elsewhere.get("/account")).status_code == 303
    await elsewhere.http.aclose()


async def test_a_token_is_shown_once_and_ends_at_once(mara: SignedIn, client: httpx.AsyncClient) -> None:
    made = await mara.send("/account/tokens", name="nightly", scope="read", lifetime="30")
    found = re.search(r"data-token>(ent_[^<]+)<", made.text)
    assert found is not None
    bearer = {"authorization": f"Bearer {found[1]}"}
    assert (await client.get("/api/v1/session", headers=bearer)).json()["scopes"] == ["read"]
    page = await mara.get("/account")
    assert found[1] not in page.text
    identifier = re.search(
        r"/account/tokens/([0-9a-f-]{36})/revoke[^>]*>(?:(?!</form>).)*nightly", page.text, re.DOTALL
    )
    assert identifier is not None
    await mara.send(f"/account/tokens/{identifier[1]}/revoke")
    assert (await client.get("/api/v1/session", headers=bearer)).status_code == 401


async def test_nobody_makes_a_token_mightier_than_themselves(mara: SignedIn) -> None:
    response = await mara.send("/account/tokens", name="root", scope="admin", lifetime="30")
    assert response.status_code == 403
    assert "data-token" not in response.text


async def test_one_session_can_end_another(
    app: FastAPI, mara: SignedIn, sten: SignedIn, person: Person
) -> None:
    from tests.console.conftest import sign_in

    elsewhere = await sign_in(app, person, "harbor.myshopify.com")
    listed = re.findall(r"/account/sessions/([0-9a-f]{64})/revoke", (await mara.get("/account")).text)
    assert len(listed) == 1
    assert (await sten.send(f"/account/sessions/{listed[0]}/revoke")).status_code == 404
    assert (await elsewhere.get("/")).status_code == 200
    await mara.send(f"/account/sessions/{listed[0]}/revoke")
    assert (await elsewhere.get("/")).status_code == 303
    await elsewhere.http.aclose()


async def test_an_error_is_a_page_for_people(mara: SignedIn) -> None:
    for path, status in (
        ("/nothing", 404),
        (f"/products/{uuid4()}", 404),
        ("/imports/not-an-id", 422),
        ("/data/pim/nothing", 404),
    ):
        response = await mara.get(path)
        assert response.status_code == status, path
        assert response.headers["content-type"].startswith("text/html"), path
        assert response.headers["x-request-id"] in response.text, path


async def test_a_product_is_found_by_handle_and_shopify_id(mara: SignedIn, stocked: str) -> None:
    by_handle = await mara.get("/products/enamel-mug-3")
    by_id = await mara.http.get(
        "/products/gid%3A%2F%2Fshopify%2FProduct%2F3", headers={"accept": "text/html"}
    )
    assert by_handle.status_code == 303
    assert by_id.status_code in (303, 404)  # a slash in a path is for the server in front to keep or not
    assert "Enamel Mug 3" in (await mara.get(by_handle.headers["location"])).text


async def test_the_audit_page_forgives_what_cannot_be_a_filter(mara: SignedIn) -> None:
    response = await mara.get("/audit?entity=abc&from=yesterday&user=me")
    assert response.status_code == 200
    assert response.text.count("flash bad") == 3


async def test_home_counts_what_the_list_shows(mara: SignedIn, stocked: str) -> None:
    home = (await mara.get("/")).text
    for found in re.finditer(r'count-big">(\d+)</span>.*?href="(/products\?[^"]+)"', home, re.DOTALL):
        page = (await mara.get(found[2].replace("&amp;", "&"))).text
        assert page.count('<th scope="row"') == int(found[1]), found[2]


def test_a_change_is_a_share_of_what_was() -> None:
    assert change(150, 100) == 0.5
    assert change(50, 100) == -0.5
    assert change(10, 0) is None


def test_a_shop_without_trouble_has_no_concerns() -> None:
    assert concerns([], {"stock": 0, "low": 0, "image": 0, "sku": 0}) == []


async def test_the_browser_shows_a_shop_its_own_rows(mara: SignedIn, sten: SignedIn, stocked: str) -> None:
    assert "Enamel Mug 1" in (await mara.get("/data/pim/shopify_products")).text
    assert "Enamel Mug" not in (await sten.get("/data/pim/shopify_products")).text
    mine = (await mara.get("/data/pim/shops")).text
    assert "harbor.myshopify.com" in mine
    assert "lagoon.myshopify.com" not in mine


async def test_the_browser_never_shows_a_secret(mara: SignedIn, db: Database, person: Person) -> None:
    async with db.system() as session:
        row = (
            (await session.execute(text("SELECT password_hash FROM pim.staff_credentials"))).scalars().first()
        )
        digest = (await session.execute(text("SELECT token_hash FROM pim.api_tokens"))).scalars().first()
    for table in ("staff_credentials", "api_tokens", "app_sessions", "shops"):
        page = (await mara.get(f"/data/pim/{table}")).text
        assert "••••" in page, table
        assert str(row) not in page
        assert str(digest) not in page
        refused = await mara.get(f"/data/pim/{table}?column=password_hash&op=contains&value=a")
        assert str(row) not in refused.text


async def test_the_browser_filters_and_explains_what_it_cannot(mara: SignedIn, stocked: str) -> None:
    async def rows(query: str) -> int:
        response = await mara.get(f"/data/pim/shopify_products?{query}")
        assert response.status_code == 200, query
        return response.text.count(">Enamel Mug ")

    assert await rows("column=title&op=contains&value=mug+3") == 1
    assert await rows("column=title&op=contains&value=%25") == 0
    assert await rows("column=status&op=eq&value=ACTIVE") == 2
    assert await rows("column=vendor&op=null") == 0
    assert await rows("column=updated_at_shopify&op=gt&value=2026-02-04") == 2
    for query in (
        "column=id&op=eq&value=not-a-uuid",
        "column=nothing&op=eq&value=1",
        "column=title&op=drop&value=1",
        "column=title%22%3B+DROP+TABLE+x&op=eq&value=1",
    ):
        response = await mara.get(f"/data/pim/shopify_products?{query}")
        assert response.status_code == 200, query
        assert 'role="alert"' in response.text, query


async def test_every_table_has_a_page_and_a_dictionary(mara: SignedIn) -> None:
    links = re.findall(r'href="(/data/[a-z_]+/[a-z_0-9]+)"', (await mara.get("/data")).text)
    assert len(links) > 70
    for link in links:
        for query in ("", "?view=dictionary"):
            response = await mara.get(link + query)
            assert response.status_code == 200, link + query


async def test_static_files_are_kept_by_their_content(mara: SignedIn) -> None:
    page = (await mara.get("/")).text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        response = await mara.http.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert (await mara.http.get("/static/../environment.py")).status_code == 404
    assert (await mara.http.get("/static/console.css")).headers["cache-control"] == "no-cache"
