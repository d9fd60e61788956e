"""Limits over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import httpx
from tests.marketplace.limits.conftest import Publish

API = "/api/v1/limits"
Headers = dict[str, str]


async def post(
    client: httpx.AsyncClient, headers: Headers, path: str, status: int = 200, **body: Any
) -> dict[str, Any]:
    """What a request is answered, which has to have this status."""
    answer = await client.post(f"{API}/{path}", headers=headers, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_limit_is_consumed_until_it_denies(
    client: httpx.AsyncClient, operator: Headers, publish_limit: Publish
) -> None:
    await publish_limit("mails", "FIXED_WINDOW", limit=3, reset_period="YEARLY", warn_percent=60)
    answer = await client.post(
        f"{API}/mails/consume", headers=operator, json={"entity_id": "seller-1", "amount": 2}
    )
    assert answer.status_code == 200
    body = answer.json()
    assert {name: body[name] for name in ("allowed", "limit", "used", "remaining", "warned", "enforced")} == {
        "allowed": True,
        "limit": 3,
        "used": 2,
        "remaining": 1,
        "warned": True,
        "enforced": True,
    }
    # First what the API itself allows, then the limit that was asked.
    policies = answer.headers["ratelimit-policy"].split(", ")
    assert policies == ['"api.requests";q=1200;w=60', '"mails";q=3;w=31536000']
    assert answer.headers["ratelimit"].split(", ")[1].startswith('"mails";r=1;t=')

    denied = await client.post(
        f"{API}/mails/consume", headers=operator, json={"entity_id": "seller-1", "amount": 2}
    )
    assert denied.status_code == 429
    assert denied.headers["content-type"] == "application/problem+json"
    assert int(denied.headers["retry-after"]) > 0
    assert f'"mails";r=1;t={denied.headers["retry-after"]}' in denied.headers["ratelimit"]
    problem = denied.json()
    assert problem["detail"] == "mails lets seller-1 have no 2 more: 1 of 3 left."
    assert problem["hint"].startswith("Try again in ")
    assert (problem["where"]["used"], problem["where"]["limit"]) == (2, 3)
    never = await client.post(
        f"{API}/mails/consume", headers=operator, json={"entity_id": "seller-1", "amount": 4}
    )
    assert never.status_code == 429
    assert "retry-after" not in never.headers
    assert "waiting does not help" in never.json()["hint"]

    checked = await post(client, operator, "mails/check", entity_id="seller-1", amount=2)
    assert (checked["allowed"], checked["used"]) == (False, 2)
    assert checked["retry_after"] > 0


async def test_several_are_consumed_at_once(
    client: httpx.AsyncClient, operator: Headers, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=2)
    await publish_limit("value", limit=100)
    requests: list[dict[str, Any]] = [
        {"key": "value", "entity_id": "one", "amount": 60},
        {"key": "orders", "entity_id": "one"},
    ]
    assert (await post(client, operator, "consume", requests=requests))["taken"]
    refused = await post(client, operator, "consume", requests=requests)
    assert (refused["allowed"], refused["taken"]) == (False, False)
    assert [one["allowed"] for one in refused["answers"]] == [False, True]
    assert (await post(client, operator, "orders/check", entity_id="one"))["used"] == 1
    each = await post(client, operator, "consume", requests=requests, together=False)
    assert (each["allowed"], each["taken"]) == (False, True)
    wrong = await post(client, operator, "consume", 404, requests=[requests[0], {**requests[1], "key": "no"}])
    assert wrong["where"]["path"] == "requests[1].key"


async def test_a_part_is_reserved_committed_and_released(
    client: httpx.AsyncClient, operator: Headers, publish_limit: Publish
) -> None:
    await publish_limit("stock", limit=10)
    mine = str(uuid4())
    held = await post(client, operator, "stock/reserve", entity_id="one", amount=8, id=mine, seconds=60)
    assert (held["id"], held["remaining"], held["repeated"]) == (mine, 2, False)
    again = await post(client, operator, "stock/reserve", entity_id="one", amount=8, id=mine)
    assert (again["expires_at"], again["repeated"]) == (held["expires_at"], True)
    await post(client, operator, "stock/reserve", 429, entity_id="one", amount=3)
    refused = await post(client, operator, f"reservations/{mine}/commit", 422, amount=9)
    assert refused["where"]["path"] == "amount"
    settled = await post(client, operator, f"reservations/{mine}/commit", amount=5)
    assert (settled["state"], settled["amount"], settled["settled_amount"]) == ("COMMITTED", 8, 5)
    await post(client, operator, f"reservations/{mine}/release", 409)
    bodiless = await client.post(f"{API}/reservations/{uuid4()}/commit", headers=operator)
    assert bodiless.status_code == 404
    other = await post(client, operator, "stock/reserve", entity_id="one", amount=5)
    released = await post(client, operator, f"reservations/{other['id']}/release")
    assert (released["state"], released["settled_amount"]) == ("RELEASED", 0)
    assert (await post(client, operator, "stock/give-back", entity_id="one", amount=7)) == {"given_back": 5}


async def test_places_are_acquired_renewed_and_released(
    client: httpx.AsyncClient, operator: Headers, publish_limit: Publish
) -> None:
    await publish_limit("exports", "CONCURRENT", limit=1)
    lease = await post(client, operator, "exports/acquire", entity_id="one")
    denied = await client.post(f"{API}/exports/acquire", headers=operator, json={"entity_id": "one"})
    assert (denied.status_code, denied.headers["retry-after"]) == (429, "60")
    bodiless = await client.post(f"{API}/leases/{lease['id']}/renew", headers=operator)
    assert bodiless.status_code == 200
    kept = await post(client, operator, f"leases/{lease['id']}/renew", seconds=600)
    assert kept["expires_at"] > lease["expires_at"]
    over = await post(client, operator, f"leases/{lease['id']}/release")
    assert over["state"] == "RELEASED"
    await post(client, operator, f"leases/{lease['id']}/renew", 409, seconds=5)
    await post(client, operator, "exports/acquire", entity_id="one")
    wrong = await post(client, operator, "exports/consume", 422, entity_id="one")
    assert wrong["where"]["path"] == "key"


async def test_use_is_listed_in_pages(
    client: httpx.AsyncClient, operator: Headers, viewer: Headers, publish_limit: Publish
) -> None:
    await publish_limit("mails", limit=40)
    for number in range(5):
        await post(client, operator, "mails/consume", entity_id=f"seller-{number}", amount=number + 1)
    first = await client.get(f"{API}/mails/usage", headers=viewer, params={"limit": 3})
    assert 'rel="next"' in first.headers["link"]
    page = first.json()
    assert page["items"][0] == {
        "entity_id": "seller-4",
        "used": 5,
        "limit": 40,
        "share": 0.125,
        "window_start": None,
        "reset_at": None,
    }
    rest = await client.get(f"{API}/mails/usage", headers=viewer, params={"limit": 3, "after": page["next"]})
    assert [one["entity_id"] for one in rest.json()["items"]] == ["seller-1", "seller-0"]
    one = await client.get(f"{API}/mails/usage", headers=viewer, params={"entity": "seller-2"})
    assert [row["used"] for row in one.json()["items"]] == [3]
    named = await client.get(f"{API}/mails/usage", headers=viewer, params={"sort": "entity_id"})
    assert named.json()["items"][0]["entity_id"] == "seller-0"
    for path, status in (
        ("nothing/usage", 404),
        ("mails/usage?sort=color", 422),
        ("mails/usage?after=x", 422),
    ):
        assert (await client.get(f"{API}/{path}", headers=viewer)).status_code == status


REFUSED: list[tuple[str, dict[str, Any], str | None]] = [
    ("mails/consume", {}, "body.entity_id"),
    ("mails/consume", {"entity_id": ""}, "body.entity_id"),
    ("mails/consume", {"entity_id": "a\0b"}, "entity_id"),
    ("mails/consume", {"entity_id": "one", "amount": 0}, "body.amount"),
    ("mails/consume", {"entity_id": "one", "amount": 1.5}, "body.amount"),
    ("mails/consume", {"entity_id": "one", "amount": "2"}, "body.amount"),
    ("mails/consume", {"entity_id": "one", "amout": 2}, "body.amout"),
    ("mails/consume", {"entity_id": "one", "request_id": "x"}, "body.request_id"),
    ("mails/consume", {"entity_id": "one", "context": ["GOLD"]}, "body.context"),
    ("mails/consume", {"entity_id": "one", "context": {"tier": 7}}, "context.tier"),
    ("mails/consume", {"entity_id": "one", "context": {"teir": "x"}}, None),
    ("mails/reserve", {"entity_id": "one", "seconds": 0}, "body.seconds"),
    ("mails/reserve", {"entity_id": "one", "seconds": 2592001}, "body.seconds"),
    ("mails/acquire", {"entity_id": "one"}, "key"),
    ("mails/give-back", {"entity_id": "one", "amount": -1}, "body.amount"),
    ("consume", {"requests": []}, "body.requests"),
    ("consume", {"requests": [{"key": "mails"}]}, "body.requests.0.entity_id"),
    ("consume", {"requests": [{"key": "mails", "entity_id": "one", "context": {"tier": 7}}]}, "requests[0].context.tier"),
    ("reservations/none/commit", {}, "path.reservation_id"),
    ("leases/0199f1c2-7a10-7c55-9d31-6a7be2c4c0d1/renew", {"seconds": -1}, "body.seconds"),
]  # fmt: skip


async def test_what_cannot_be_asked_is_refused_with_its_path(
    client: httpx.AsyncClient, operator: Headers, publish_limit: Publish
) -> None:
    await publish_limit("mails", context_schema={"tier": "string"})
    for path, body, place in REFUSED:
        answer = await client.post(f"{API}/{path}", headers=operator, json=body)
        if place is None:  # what a schema does not know of is no error in a context: the caller may know more
            assert answer.status_code == 200
            continue
        assert answer.status_code == 422, (path, body, answer.text)
        where = answer.json()["where"]
        assert place in (where.get("path"), *where.get("fields", ())), (path, body, where)


async def test_whoever_may_only_look_does_not_consume(
    client: httpx.AsyncClient,
    operator: Headers,
    viewer: Headers,
    outsider: Headers,
    publish_limit: Publish,
    other_platform: UUID,
) -> None:
    await publish_limit("stock")
    held = (await post(client, operator, "stock/reserve", entity_id="one"))["id"]
    await post(client, viewer, "stock/check", entity_id="one")
    asked: list[tuple[str, dict[str, Any]]] = [
        (f"stock/{verb}", {"entity_id": "one"}) for verb in ("consume", "reserve", "acquire", "give-back")
    ]
    asked += [("consume", {"requests": [{"key": "stock", "entity_id": "one"}]})]
    asked += [(f"reservations/{held}/{verb}", {}) for verb in ("commit", "release")]
    asked += [(f"leases/{held}/{verb}", {}) for verb in ("renew", "release")]
    for path, body in asked:
        await post(client, viewer, path, 403, **body)
        await post(client, {}, path, 401, **body)
        # To another platform there is no such limit and no such reservation.
        await post(client, outsider, path, 404, **body)
    assert (await client.get(f"{API}/stock/usage", headers=outsider)).status_code == 404
    await publish_limit("stock", on=other_platform)
    assert (await client.get(f"{API}/stock/usage", headers=outsider)).json()["items"] == []
    assert (await post(client, operator, "stock/check", entity_id="one"))["used"] == 1


async def test_a_suspended_limit_says_so(
    client: httpx.AsyncClient, operator: Headers, publish_limit: Publish, step: Publish
) -> None:
    await publish_limit("mails", limit=1)
    await step("mails", "suspend")
    answer = await client.post(
        f"{API}/mails/consume", headers=operator, json={"entity_id": "one", "amount": 5}
    )
    assert (answer.status_code, answer.json()["enforced"], answer.json()["used"]) == (200, False, 5)
    assert "mails" not in answer.headers["ratelimit"]
