"""Quotes by the commission policy that holds for the seller: in force, grandfathered, or given by an experiment."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.marketplace.governance.conftest import Publish

from entrepot.kit.db import Database
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.governance.carts import find_standings
from entrepot.marketplace.governance.resolving import Subject, lock

RATES: dict[str, Any] = {
    "country_code": "US",
    "seller_type": "ARTISAN",
    "processing_fee_rate": "2.5",
    "currency": "USD",
    "volume_discounts": [
        {"volume_threshold": "100000", "volume_discount": "1"},
        {"volume_threshold": "500000", "volume_discount": "2"},
    ],
}


def cart(seller: str, **facts: Any) -> dict[str, Any]:
    return {
        "currency": "USD",
        "seller": {"id": seller, "country": "US", "type": "ARTISAN", **facts},
        "lines": [{"id": "1", "quantity": 1, "unit_price": "996.30"}],
    }


async def charged(db: Database, engines: Engines, platform: UUID, given: dict[str, Any]) -> tuple[int, int]:
    async with db.tenant(platform_id=platform) as session:
        standings = await find_standings(session, platform, given)
    answer = await engines.pricing.quote(platform, standings.stamped(), record=False)
    return answer.quote.totals["commission"], answer.quote.totals["seller_fee"]


async def test_a_quote_goes_by_the_policy_of_its_seller(
    db: Database, engines: Engines, platform: UUID, publish: Publish
) -> None:
    first = await publish("commission", "1", base_commission_rate=10, **RATES)
    assert await charged(db, engines, platform, cart("s-1")) == (9963, 2491)
    assert await charged(db, engines, platform, cart("s-1", monthly_volume=100_000)) == (8967, 2491)
    assert await charged(db, engines, platform, cart("s-1", monthly_volume=500_000)) == (7970, 2491)
    async with db.tenant(platform_id=platform) as session:
        await lock(session, platform, Subject("SELLER", "s-1"), first)
    await publish("commission", "2", base_commission_rate=20, **RATES)
    for _ in range(100):  # a change reaches the engine within a second
        if (await charged(db, engines, platform, cart("s-2")))[0]:
            break
        await asyncio.sleep(0.01)
    assert await charged(db, engines, platform, cart("s-2")) == (19_926, 2491)
    assert await charged(db, engines, platform, cart("s-1")) == (9963, 2491)


async def test_tax_of_the_buyers_country_is_in_the_quote(
    db: Database, engines: Engines, platform: UUID, publish: Publish
) -> None:
    codes = [{"tax_code": "GEN", "tax_rate": "7.25"}]
    values = {
        "country_code": "US",
        "default_tax_code": "GEN",
        "nexus": [{"region_code": "CA"}],
        "codes": codes,
    }
    await publish("tax", "2026.1", **values)
    async with db.tenant(platform_id=platform) as session:
        given = {**cart("s-1"), "buyer": {"country": "US", "region": "CA"}}
        standings = await find_standings(session, platform, given)
    answer = await engines.pricing.quote(platform, standings.stamped(), record=False)
    assert answer.quote.totals["tax"] == 7223  # 7.25 % of 996.30 is 72.23175


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_caller_does_not_choose_their_policy(
    client: httpx.AsyncClient,
    operator: dict[str, str],
    publish: Publish,
    trusted: bool,
) -> None:
    await publish("commission", "1", base_commission_rate=10, **RATES)
    given = cart("s-1", **({} if trusted else {"policies": {"commission": "US.ARTISAN.0"}}))
    response = await client.post("/api/v1/governance/carts", json={"cart": given}, headers=operator)
    assert response.json()["cart"]["seller"]["policies"] == {"commission": "US.ARTISAN.1"}
