"""Who acts on which platform, as requests over HTTP find it."""

from uuid import UUID

import httpx
import pytest
from tests.api.conftest import PASSWORD
from tests.marketplace.conftest import add_member

from entrepot.kit.db import Database
from entrepot.marketplace.platforms.platforms import remove_member, set_member
from entrepot.pim.tenants.shops import get_shop
from entrepot.pim.tenants.staff import add_staff
from entrepot.pim.tenants.tokens import create_token

HEADER = "Entrepot-Platform"
DRAFT = {"name": "What may be listed", "default_effect": "ALLOW"}


@pytest.fixture
async def token(db: Database, shop: UUID) -> tuple[UUID, dict[str, str]]:
    """Somebody who is on no platform yet, and the headers of an admin's token."""
    async with db.system() as session:
        member = await add_staff(
            session, await get_shop(session, shop), "mara@harbor.example", PASSWORD, admin=True
        )
        issued = await create_token(session, shop, member.user_id, "tests", scopes=("admin",))
    return member.user_id, {"authorization": f"Bearer {issued.token}"}


async def test_the_platform_is_the_only_one_or_the_one_that_the_header_names(
    client: httpx.AsyncClient,
    db: Database,
    platform: UUID,
    other_platform: UUID,
    token: tuple[UUID, dict[str, str]],
) -> None:
    person, headers = token
    none = await client.get("/api/v1/policies", headers=headers)
    assert none.status_code == 403
    assert "entrepot platform member" in none.json()["hint"]

    async with db.system() as session:
        await set_member(session, platform, person, "admin")
    assert (await client.put("/api/v1/policies/A/draft", json=DRAFT, headers=headers)).status_code == 200
    unknown = await client.get("/api/v1/policies", headers={**headers, HEADER: "breakwater"})
    missing = await client.get("/api/v1/policies", headers={**headers, HEADER: "nowhere"})
    # Whether a platform is there that one is not on, nobody is told.
    assert (unknown.status_code, missing.status_code) == (404, 404)
    assert unknown.json()["detail"].replace("breakwater", "nowhere") == missing.json()["detail"]

    async with db.system() as session:
        await set_member(session, other_platform, person, "viewer")
    unsaid = await client.get("/api/v1/policies", headers=headers)
    assert unsaid.status_code == 422
    assert unsaid.json()["detail"] == "You are a member of 2 platforms: breakwater, quayside."
    assert unsaid.json()["where"] == {"header": HEADER}
    for code, keys in (("quayside", ["A"]), ("Quayside", ["A"]), ("breakwater", [])):
        listed = await client.get("/api/v1/policies", headers={**headers, HEADER: code})
        assert [row["key"] for row in listed.json()["items"]] == keys
    # The role is that of the platform named, whatever it is elsewhere.
    refused = await client.put(
        "/api/v1/policies/B/draft", json=DRAFT, headers={**headers, HEADER: "breakwater"}
    )
    assert refused.status_code == 403
    assert refused.json()["detail"] == "As viewer of breakwater you may not do this."

    async with db.system() as session:
        await remove_member(session, other_platform, person)
    gone = await client.get("/api/v1/policies", headers={**headers, HEADER: "breakwater"})
    assert gone.status_code == 404


async def test_neither_token_nor_role_reaches_further_than_the_other(
    client: httpx.AsyncClient, db: Database, shop: UUID, platform: UUID
) -> None:
    editor = await add_member(db, shop, platform, "editor", "edda@quayside.example")
    async with db.system() as session:
        member = await add_staff(
            session, await get_shop(session, shop), "ada@quayside.example", PASSWORD, admin=True
        )
        issued = await create_token(session, shop, member.user_id, "reading", scopes=("read",))
        await set_member(session, platform, member.user_id, "admin")
    reading = {"authorization": f"Bearer {issued.token}"}
    assert (await client.get("/api/v1/policies", headers=reading)).status_code == 200
    short = await client.put("/api/v1/policies/A/draft", json=DRAFT, headers=reading)
    assert (short.status_code, short.json()["detail"]) == (403, "This token does not reach to write.")
    assert (await client.put("/api/v1/policies/A/draft", json=DRAFT, headers=editor)).status_code == 200
    publishing = await client.post("/api/v1/policies/A/publish", headers=editor)
    assert publishing.status_code == 403


async def test_nobody_is_asked_to_say_who_they_are_twice(client: httpx.AsyncClient) -> None:
    nobody = await client.get("/api/v1/policies", headers={HEADER: "quayside"})
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    false = await client.get("/api/v1/policies", headers={"authorization": "Bearer ent_false"})
    assert false.status_code == 401
