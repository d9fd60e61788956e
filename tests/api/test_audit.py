"""The audit log over HTTP."""

import httpx
import pytest
from tests.api.conftest import Person

AUDIT = "/api/v1/audit"


async def entries(client: httpx.AsyncClient, person: Person, **query: str) -> list[dict[str, object]]:
    response = await client.get(AUDIT, params=query, headers=person.bearer)
    assert response.status_code == 200, response.text
    found: list[dict[str, object]] = response.json()["items"]
    return found


async def test_entries_are_filtered(client: httpx.AsyncClient, person: Person) -> None:
    everything = await entries(client, person)
    assert {entry["entity_type"] for entry in everything} >= {"shops", "staff_users", "api_tokens"}
    tokens = await entries(client, person, type="api_tokens", action="INSERT")
    assert len(tokens) == 1
    assert await entries(client, person, action="DELETE") == []
    entity = str(tokens[0]["entity_id"])
    assert tokens[0] in await entries(client, person, entity=entity)
    assert await entries(client, person, since="2999-01-01T00:00:00Z") == []
    assert await entries(client, person, until="2000-01-01T00:00:00Z") == []


async def test_secrets_are_digests(client: httpx.AsyncClient, person: Person) -> None:
    (entry,) = await entries(client, person, type="api_tokens", action="INSERT")
    changes = {change["field"]: change["new"] for change in entry["changes"]}  # type: ignore[attr-defined]
    assert changes["token_hash"].startswith("sha256:")
    assert len(changes["token_hash"]) == len("sha256:") + 12


async def test_pages_meet(client: httpx.AsyncClient, person: Person) -> None:
    whole = await entries(client, person)
    first = (await client.get(f"{AUDIT}?limit=2", headers=person.bearer)).json()
    rest = await entries(client, person, after=first["next"])
    assert [entry["id"] for entry in first["items"] + rest] == [entry["id"] for entry in whole]


@pytest.mark.usefixtures("stranger")
async def test_another_shop_is_not_in_it(client: httpx.AsyncClient, person: Person, stranger: Person) -> None:
    mine = {entry["id"] for entry in await entries(client, person)}
    theirs = {entry["id"] for entry in await entries(client, stranger)}
    assert mine
    assert theirs
    assert not mine & theirs
