"""The registry of entities over HTTP: for administrators only."""

import httpx
import pytest
from tests.api.conftest import Person
from tests.playground.village import Village, settle

from entrepot.kit.db import Database

ENTITIES = "/api/v1/warehouse/entities"
SPAN = {"from": "2025-10-01", "to": "2025-12-01T00:00:00Z"}


@pytest.fixture
async def village(db: Database) -> Village:
    """The village, in the database of the application."""
    found = Village()
    async with db.system() as session:
        await settle(session, found)
    return found


async def test_an_entity_is_resolved_and_followed(
    client: httpx.AsyncClient, admin: Person, village: Village
) -> None:
    order = village.id("second")
    found = (await client.get(f"{ENTITIES}/{order}?events=2", headers=admin.bearer)).json()
    assert (found["type"], found["table"], found["row"]["order_number"]) == (
        "shop_order",
        "shop_orders",
        "N-second",
    )
    assert [event["event_type"] for event in found["events"]] == ["order_returned", "order_delivered"]

    first = (await client.get(f"{ENTITIES}/{order}/history?limit=10", headers=admin.bearer)).json()
    rest = await client.get(
        f"{ENTITIES}/{order}/history", params={"after": first["next"]}, headers=admin.bearer
    )
    assert rest.json()["next"] is None
    told = [entry["what"] for entry in first["items"] + rest.json()["items"]]
    assert len(told) == 16
    assert told[-1] == "payment_refunded"

    missing = await client.get(f"{ENTITIES}/{village.id('first/globe')}", headers=admin.bearer)
    assert missing.status_code == 404


@pytest.mark.usefixtures("village")
async def test_entities_are_counted(client: httpx.AsyncClient, admin: Person) -> None:
    created = await client.get(f"{ENTITIES}/created", params={**SPAN, "type": "user"}, headers=admin.bearer)
    assert created.json()["days"][0] == {
        "day": "2025-10-03",
        "entity_type": "user",
        "created": 1,
        "simulated": 1,
    }
    at = await client.get(f"{ENTITIES}/population", params={"at": "2025-10-07T12:00"}, headers=admin.bearer)
    shops = [row for row in at.json()["types"] if row["entity_type"] == "user_shop"]
    assert shops == [{"entity_type": "user_shop", "created": 2, "closed": 0, "alive": 2}]
    funnel = (await client.get(f"{ENTITIES}/funnel", params=SPAN, headers=admin.bearer)).json()
    assert [(stage["stage"], stage["users"]) for stage in funnel["stages"]] == [
        ("lead", 5),
        ("prospect", 3),
        ("customer", 2),
        ("churn", 1),
    ]
    wrong = await client.get(f"{ENTITIES}/created", params={**SPAN, "type": "boat"}, headers=admin.bearer)
    assert wrong.status_code == 422


async def test_only_an_administrator_may_look(
    client: httpx.AsyncClient, person: Person, village: Village
) -> None:
    for address in (str(village.id("cy")), f"{village.id('cy')}/history", "population"):
        assert (await client.get(f"{ENTITIES}/{address}", headers=person.bearer)).status_code == 403
        assert (await client.get(f"{ENTITIES}/{address}")).status_code == 401
