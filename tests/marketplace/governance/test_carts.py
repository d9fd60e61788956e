"""Carts that say under which policies their sellers stand."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.marketplace.governance.conftest import Publish

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.experiments.kind import KIND as EXPERIMENT
from entrepot.marketplace.governance.carts import ask_experiments, find_standings
from entrepot.marketplace.governance.resolving import Subject, lock
from entrepot.marketplace.rulebook import authoring

SELLER: dict[str, Any] = {"id": "s-1", "country": "US", "type": "ARTISAN"}
LINE: dict[str, Any] = {"id": "1", "quantity": 1, "unit_price": "100.00"}
PROMOTION: dict[str, Any] = {"promotion_name": "Seasonal"}


async def stamped(db: Database, platform: UUID, cart: dict[str, Any]) -> dict[str, Any]:
    async with db.tenant(platform_id=platform) as session:
        return (await find_standings(session, platform, cart)).stamped()


async def test_each_seller_gets_the_policies_that_hold_for_them(
    db: Database, platform: UUID, publish: Publish
) -> None:
    old = await publish("promotion", "1", **PROMOTION)
    async with db.tenant(platform_id=platform) as session:
        await lock(session, platform, Subject("SELLER", "s-2"), old)
    await publish("promotion", "2", **PROMOTION)
    await publish("promotion", "german", country_code="DE", **PROMOTION)
    cart: dict[str, Any] = {
        "seller": {**SELLER, "policies": {"promotion": "what I like"}},
        "lines": [
            LINE,
            {**LINE, "id": "2", "seller": {**SELLER, "id": "s-2"}},
            {**LINE, "id": "3", "seller": {**SELLER, "country": "DE"}},
        ],
    }
    found = await stamped(db, platform, cart)
    assert found["seller"]["policies"] == {"promotion": "ANY.ANY.2"}
    assert "seller" not in found["lines"][0]
    assert found["lines"][1]["seller"]["policies"] == {"promotion": "ANY.ANY.1"}
    assert found["lines"][2]["seller"]["policies"] == {"promotion": "DE.ANY.german"}
    assert cart["seller"]["policies"] == {"promotion": "what I like"}


async def test_tax_is_that_of_the_buyers_country(db: Database, platform: UUID, publish: Publish) -> None:
    await publish("tax", "us", country_code="US")
    await publish("tax", "ca", country_code="CA")
    abroad = {"seller": SELLER, "buyer": {"country": "CA"}, "lines": []}
    assert (await stamped(db, platform, abroad))["seller"]["policies"] == {"tax": "CA.ANY.ca"}
    assert (await stamped(db, platform, {"seller": SELLER}))["seller"]["policies"] == {"tax": "US.ANY.us"}
    nowhere = {"seller": SELLER, "buyer": {"country": "FR"}}
    assert (await stamped(db, platform, nowhere))["seller"]["policies"] == {}


@pytest.mark.parametrize(
    ("cart", "path"),
    [
        ({"seller": "s-1"}, "seller"),
        ({"seller": {"id": "s-1", "country": "US"}}, "seller.type"),
        ({"seller": {**SELLER, "type": "PIRATE"}}, "seller.type"),
        ({"seller": {**SELLER, "country": "usa"}}, "seller.country"),
        ({"seller": SELLER, "buyer": {"country": "us"}}, "buyer.country"),
        ({"lines": [LINE, {**LINE, "seller": {"id": "s-1"}}]}, "lines[1].seller.country"),
    ],
)
async def test_what_is_no_seller_is_refused(
    db: Database, platform: UUID, cart: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        await stamped(db, platform, cart)
    assert error.value.where["path"] == path


async def test_sellers_without_a_policy_are_found_where_there_are_some(
    db: Database, platform: UUID, publish: Publish
) -> None:
    assert (await stamped(db, platform, {"seller": SELLER}))["seller"]["policies"] == {}
    await publish("commission", "1", country_code="DE", base_commission_rate=10)
    with pytest.raises(NotFoundError, match="country US and seller type ARTISAN"):
        await stamped(db, platform, {"seller": SELLER})


async def test_a_fee_per_order_is_of_an_order_of_one_seller(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("commission", "1", base_commission_rate=10, fixed_fee_amount="0.30", currency="USD")
    cart = {"lines": [{**LINE, "seller": SELLER}]}
    with pytest.raises(InvalidInputError, match="an order is of one seller"):
        await stamped(db, platform, cart)
    one = await stamped(db, platform, {"seller": SELLER, "lines": [LINE]})
    assert one["seller"]["policies"] == {"commission": "ANY.ANY.1"}


async def run_experiment(db: Database, platform: UUID, key: str, treated: int) -> None:
    document = authoring.parse_document(
        EXPERIMENT,
        {
            "key": key,
            "buckets": [
                {"variant_key": "A", "allocation_weight": 100 - treated, "is_control": True},
                {"variant_key": "B", "allocation_weight": treated},
            ],
        },
    )
    async with db.tenant(platform_id=platform) as session:
        await authoring.save_draft(session, EXPERIMENT, platform, document, user_id=None)
        await authoring.publish(session, EXPERIMENT, platform, key)


@pytest.mark.parametrize(("treated", "expected"), [(100, "ANY.ANY.more"), (0, "ANY.ANY.1")])
async def test_the_experiment_engine_says_who_gets_the_trial(
    db: Database, platform: UUID, publish: Publish, engines: Engines, treated: int, expected: str
) -> None:
    await publish("promotion", "1", **PROMOTION)
    await publish("promotion", "more", is_trial=True, platform_co_funding_percentage=50, **PROMOTION)
    variants = [{"variant_key": "B", "policy_version": "more"}]
    await publish("experiment", "1", policy_kind="promotion", experiment_key="FUNDING", variants=variants)
    async with db.tenant(platform_id=platform) as session:
        standings = await find_standings(session, platform, {"seller": SELLER})
    assert await ask_experiments(engines.experiments, platform, standings) == {("FUNDING", "s-1"): None}
    await run_experiment(db, platform, "FUNDING", treated)
    answers = {}
    for _ in range(100):  # the engine hears of the experiment within a second
        answers = await ask_experiments(engines.experiments, platform, standings)
        if answers != {("FUNDING", "s-1"): None}:
            break
        await asyncio.sleep(0.05)
    assert standings.stamped(answers)["seller"]["policies"] == {"promotion": expected}
