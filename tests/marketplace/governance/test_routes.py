"""Centralized policies over HTTP."""

from typing import Any

import httpx
import pytest
from tests.marketplace.conftest import add_member

BASE = "/api/v1/governance"
PAYOUT: dict[str, Any] = {
    "policy_version": "2026.1",
    "country_code": "US",
    "default_frequency": "WEEKLY",
    "minimum_threshold": "25.00",
    "currency": "USD",
    "hold_period_days": 7,
}


async def write(
    client: httpx.AsyncClient, headers: dict[str, str], kind: str = "payout", **changes: Any
) -> dict[str, Any]:
    response = await client.post(f"{BASE}/{kind}", json={**PAYOUT, **changes}, headers=headers)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def publish(client: httpx.AsyncClient, headers: dict[str, str], made: dict[str, Any]) -> dict[str, Any]:
    address = f"{BASE}/{made['kind']}/{made['id']}/publish"
    response = await client.post(address, json={"reason": "agreed"}, headers=headers)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_policy_is_written_published_asked_for_and_withdrawn(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    made = await write(client, operator)
    assert (made["state"], made["changed"], made["reference"]) == ("DRAFT", True, "US.ANY.2026.1")
    assert made["policy"]["minimum_threshold"] == "25"
    assert (await write(client, operator))["changed"] is False
    nothing = await client.get(f"{BASE}/payout/in-force?country=US", headers=operator)
    assert nothing.status_code == 404
    assert "country US and seller type *" in nothing.json()["detail"]

    await publish(client, operator, made)
    holding = await client.get(f"{BASE}/payout/in-force?country=US&seller_type=ARTISAN", headers=operator)
    assert holding.json()["id"] == made["id"]
    assert holding.json()["source"] == "in force"
    before = await client.get(f"{BASE}/payout/in-force?country=US&at=2020-01-01T00:00:00Z", headers=operator)
    assert before.status_code == 404
    listed = await client.get(f"{BASE}/payout?state=ACTIVE", headers=operator)
    assert [one["id"] for one in listed.json()["items"]] == [made["id"]]
    one = await client.get(f"{BASE}/payout/{made['id']}", headers=operator)
    assert one.json()["policy"]["effective_from"] <= one.json()["published_at"]

    ended = await client.post(f"{BASE}/payout/{made['id']}/withdraw", headers=operator)
    assert ended.json()["state"] == "DEPRECATED"
    again = await client.post(f"{BASE}/payout/{made['id']}/withdraw", headers=operator)
    assert again.status_code == 409


async def test_a_locked_subject_keeps_its_version(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    first = await publish(client, operator, await write(client, operator))
    wanted = {"kind": "payout", "subject_id": "s-17", "country": "US", "reason": "contract"}
    locked = await client.put(f"{BASE}/locks", json=wanted, headers=operator)
    assert locked.json()["policy_id"] == first["id"], locked.text
    second = await publish(client, operator, await write(client, operator, policy_version="2026.2"))
    address = f"{BASE}/payout/in-force?country=US&subject_id="
    kept = (await client.get(f"{address}s-17", headers=operator)).json()
    assert (kept["id"], kept["source"], kept["reason"]) == (first["id"], "lock", "contract")
    assert (await client.get(f"{address}s-18", headers=operator)).json()["id"] == second["id"]
    listed = (await client.get(f"{BASE}/locks?subject_id=s-17", headers=operator)).json()["items"]
    assert [one["policy_version"] for one in listed] == ["2026.1"]
    refused = await client.put(f"{BASE}/locks", json=wanted, headers=operator)
    assert refused.status_code == 409
    gone = await client.delete(f"{BASE}/locks/SELLER/s-17/payout", headers=operator)
    assert gone.status_code == 204
    assert (await client.get(f"{address}s-17", headers=operator)).json()["id"] == second["id"]


async def test_what_is_wrong_is_answered_with_its_path(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    wrong = await client.post(
        f"{BASE}/payout", json={**PAYOUT, "rules": [{"rule_name": "a"}]}, headers=operator
    )
    assert wrong.status_code == 422
    assert wrong.json()["where"]["path"] == "rules[0].frequency"
    unknown = await client.get(f"{BASE}/piracy", headers=operator)
    assert unknown.status_code == 422


async def test_who_may_only_look_changes_nothing(
    client: httpx.AsyncClient, operator: dict[str, str], viewer: dict[str, str], outsider: dict[str, str]
) -> None:
    made = await write(client, operator)
    address = f"{BASE}/payout/{made['id']}"
    assert (await client.get(address, headers=viewer)).status_code == 200
    assert (await client.post(f"{BASE}/payout", json=PAYOUT, headers=viewer)).status_code == 403
    assert (await client.post(f"{address}/publish", headers=viewer)).status_code == 403
    assert (await client.delete(address, headers=viewer)).status_code == 403
    for method, place in (("GET", address), ("POST", f"{address}/publish"), ("DELETE", address)):
        assert (await client.request(method, place, headers=outsider)).status_code == 404
    assert (await client.get(f"{BASE}/payout", headers=outsider)).json() == {"items": []}
    assert (await client.get(f"{BASE}/payout")).status_code == 401


async def test_an_editor_writes_and_an_admin_publishes(
    client: httpx.AsyncClient, db: Any, shop: Any, platform: Any, operator: dict[str, str]
) -> None:
    editor = await add_member(db, shop, platform, "editor", "edda@quayside.example")
    made = await write(client, editor)
    address = f"{BASE}/payout/{made['id']}"
    assert (await client.post(f"{address}/publish", headers=editor)).status_code == 403
    assert (await client.delete(address, headers=editor)).status_code == 204
    assert (await client.get(address, headers=operator)).status_code == 404


async def test_the_policy_engine_decides_by_a_published_policy_at_once(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    policy = {"policy_version": "2026.1", "allowed_channels": ["FBA"], "delivery_sla_days": 5}
    response = await client.post(f"{BASE}/fulfillment", json=policy, headers=operator)
    question = {"context": {"channel": "MFN"}}
    address = "/api/v1/policies/fulfillment.ANY.ANY.2026.1/evaluate"
    assert (await client.post(address, json=question, headers=operator)).status_code == 404
    await publish(client, operator, response.json())
    denied = await client.post(address, json=question, headers=operator)
    assert (denied.json()["effect"], denied.json()["reason"]) == ("DENY", "CHANNEL_NOT_ALLOWED")


@pytest.mark.parametrize(("percent", "status"), [("30", 200), ("31", 422)])
async def test_a_discount_is_held_to_the_promotion_policy(
    client: httpx.AsyncClient, operator: dict[str, str], percent: str, status: int
) -> None:
    policy = {
        "policy_version": "2026.1",
        "promotion_name": "Seasonal",
        "max_discount_percentage": 30,
        "max_discount_amount": "50.00",
        "currency": "USD",
        "platform_co_funding_percentage": 40,
    }
    made = await client.post(f"{BASE}/promotion", json=policy, headers=operator)
    await publish(client, operator, made.json())
    discount = {"key": "spring", "type": "DISCOUNT", "action": {"type": "PERCENTAGE_OFF", "value": percent}}
    response = await client.post(f"{BASE}/discounts", json={"discount": discount}, headers=operator)
    assert response.status_code == status, response.text
    if status == 200:
        found = response.json()
        assert found["policy"] == "ANY.ANY.2026.1"
        assert found["discount"]["funding"] == {"platform": "40", "seller": "60"}
        assert found["discount"]["caps"] == {"rule": "50"}
    else:
        assert response.json()["where"]["path"] == "discount.action.value"


async def test_a_cart_is_quoted_by_the_policies_of_its_sellers(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    rates = {"policy_version": "2026.1", "base_commission_rate": 10}
    made = await client.post(f"{BASE}/commission", json=rates, headers=operator)
    await publish(client, operator, made.json())
    cart: dict[str, Any] = {
        "currency": "USD",
        "seller": {"id": "s-1", "country": "US", "type": "ARTISAN"},
        "lines": [{"id": "1", "quantity": 1, "unit_price": "996.30"}],
    }
    quoted = await client.post(f"{BASE}/quotes", json={"cart": cart}, headers=operator)
    assert quoted.status_code == 200, quoted.text
    assert quoted.json()["totals"]["commission"] == 9963
    assert quoted.json()["id"]
    before = {**cart, "at": "2001-01-01T00:00:00Z"}
    nothing = await client.post(f"{BASE}/quotes", json={"cart": before}, headers=operator)
    assert nothing.status_code == 404, nothing.text
    nobody = {**cart, "seller": {"id": "s-1"}}
    refused = await client.post(f"{BASE}/quotes", json={"cart": nobody}, headers=operator)
    assert refused.status_code == 422
    assert refused.json()["where"]["path"] == "seller.country"


async def test_a_seller_is_paid_on_the_terms_of_the_policy(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    express = {
        "rule_name": "Express",
        "frequency": "DAILY",
        "hold_period_days": 0,
        "fee_percentage": "1.5",
        "eligibility_criteria": {"wants_express": True},
    }
    made = await write(client, operator, rules=[express])
    await publish(client, operator, made)
    seller: dict[str, Any] = {"id": "s-1", "country": "US", "type": "ARTISAN"}
    question: dict[str, Any] = {"seller": seller, "balance": "100.00"}
    own = (await client.post(f"{BASE}/payouts", json=question, headers=operator)).json()
    assert (own["policy"], own["source"]) == ("US.ANY.2026.1", "in force")
    assert (own["terms"]["rule"], own["terms"]["hold_period_days"]) == (None, 7)
    assert own["split"] == {"paid": "100.00", "fee": "0.00", "reserve": "0.00", "kept": "0"}
    question["seller"] = {**seller, "wants_express": True}
    faster = (await client.post(f"{BASE}/payouts", json=question, headers=operator)).json()
    assert (faster["terms"]["rule"], faster["terms"]["frequency"]) == ("Express", "DAILY")
    assert (faster["split"]["paid"], faster["split"]["fee"]) == ("98.50", "1.50")
    exact = await client.post(f"{BASE}/payouts", json={**question, "balance": "1.005"}, headers=operator)
    assert exact.status_code == 422
    assert exact.json()["where"]["path"] == "balance"
    elsewhere = {"seller": {**seller, "country": "DE"}}
    assert (await client.post(f"{BASE}/payouts", json=elsewhere, headers=operator)).status_code == 404


async def test_a_seller_comes_in_by_the_policy_engine(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    policy = {"policy_version": "2026.1", "tax_required": False, "bank_required": False}
    made = await client.post(f"{BASE}/onboarding", json=policy, headers=operator)
    await publish(client, operator, made.json())
    address = "/api/v1/policies/onboarding.ANY.ANY.2026.1/evaluate"
    missing = await client.post(address, json={"context": {}}, headers=operator)
    assert missing.json()["reason"] == "VERIFICATION_MISSING: identity", missing.text
    ready = {"context": {"verified": ["identity"], "approved": True}}
    assert (await client.post(address, json=ready, headers=operator)).json()["effect"] == "ALLOW"


async def test_a_discount_is_kept_by_those_who_may_write(
    client: httpx.AsyncClient, operator: dict[str, str], viewer: dict[str, str]
) -> None:
    made = await client.post(
        f"{BASE}/promotion",
        json={"policy_version": "2026.1", "promotion_name": "Seasonal"},
        headers=operator,
    )
    await publish(client, operator, made.json())
    discount = {"key": "spring", "type": "DISCOUNT", "action": {"type": "PERCENTAGE_OFF", "value": "5"}}
    body = {"discount": discount, "save": True}
    assert (await client.post(f"{BASE}/discounts", json=body, headers=viewer)).status_code == 403
    tried = await client.post(f"{BASE}/discounts", json={"discount": discount}, headers=viewer)
    assert (tried.status_code, tried.json()["saved"]) == (200, False)
    assert (await client.get("/api/v1/prices/spring", headers=operator)).status_code == 404
    kept = await client.post(f"{BASE}/discounts", json=body, headers=operator)
    assert kept.json()["saved"] is True, kept.text
    assert (await client.get("/api/v1/prices/spring", headers=operator)).status_code == 200


async def test_a_discount_beyond_the_policy_is_not_saved_as_a_price_either(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    policy = {"policy_version": "2026.1", "promotion_name": "Seasonal", "max_discount_percentage": 30}
    made = await client.post(f"{BASE}/promotion", json=policy, headers=operator)
    await publish(client, operator, made.json())
    discount = {"key": "spring", "type": "DISCOUNT", "action": {"type": "PERCENTAGE_OFF", "value": "31"}}
    address = "/api/v1/prices/spring/draft"
    refused = await client.put(address, json=discount, headers=operator)
    assert refused.status_code == 422, refused.text
    assert refused.json()["where"]["path"] == "action.value"
