"""The demo's market: a platform with rules from a file, which have been asked of the shop's own products."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping

from entrepot.kit.db import Database
from entrepot.kit.errors import NotFoundError
from entrepot.kit.telemetry import new_trace_id
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.experiments.metrics import Observation
from entrepot.marketplace.platforms.platforms import Platform, add_platform, find_platform, set_member
from entrepot.marketplace.rulebook.applying import apply_rulebook
from entrepot.marketplace.rulebook.files import read_files
from entrepot.marketplace.rulebook.registry import kinds
from entrepot.pim.products.queries import select_products
from entrepot.pim.tenants.schemas import Shop
from entrepot.pim.tenants.staff import find_staff

CODE = "harbor-market"
NAME = "Harbor Market"
RULES = Path(__file__).with_name("rules.yaml")

#: How much the rules are asked: products, visitors, carts.
PRODUCTS, VISITORS, CARTS = 200, 2_000, 40
#: How often a visitor orders who sees the button in this color: what the experiment is to find.
ORDERS = {"BLUE": 0.10, "GREEN": 0.16}


@dataclass(frozen=True, slots=True)
class Asked:
    """How often the rules of the market were asked by this run of the demo; nothing where it was there already."""

    definitions: int
    decisions: int
    visitors: int
    carts: int


async def have_market(db: Database, shop: Shop, email: str) -> tuple[Platform, Asked | None]:
    """The market with its rules and its administrator; asked where the rules were not there, or have changed."""
    async with db.system(trace_id=new_trace_id()) as session:
        try:
            platform = await find_platform(session, CODE)
        except NotFoundError:
            platform = await add_platform(
                session, CODE, NAME, currency=shop.currency or "USD", time_zone=shop.timezone or "UTC"
            )
        member = await find_staff(session, shop, email)
        await set_member(session, platform.platform_id, member.user_id, "admin")
    rulebook = read_files([RULES], kinds())
    async with db.tenant(platform_id=platform.platform_id, trace_id=new_trace_id()) as session:
        _, applied = await apply_rulebook(
            session, platform.platform_id, rulebook, user_id=member.user_id, reason="the demo's rules"
        )
    if not applied:
        return platform, None
    async with db.tenant(shop_id=shop.shop_id) as session:
        products = await select_products(
            session, filters={}, lacks=None, sort="title", descending=False, at=None, limit=PRODUCTS
        )
    async with Engines.opened(db) as engines:
        decisions = await ask_policy(engines, platform, products)
        visitors = await ask_experiment(engines, platform)
        carts = await ask_prices(engines, platform, products)
        await engines.limits.consume(
            platform.platform_id, "listings.created", shop.domain, min(decisions, 85)
        )
    return platform, Asked(len(applied), decisions, visitors, carts)


async def ask_policy(engines: Engines, platform: Platform, products: Sequence[RowMapping]) -> int:
    """Whether each product may be listed."""
    questions = [
        (
            "LISTING",
            {
                "product": product["handle"],
                "category": product["product_type"] or "",
                "price": float(product["min_price"] or 0),
                "stock": int(product["inventory_quantity"]),
            },
        )
        for product in products
    ]
    return len(await engines.policies.evaluate_many(platform.platform_id, questions, service="demo"))


async def ask_experiment(engines: Engines, platform: Platform) -> int:
    """Visitors with the button that falls to them, and what they ordered."""
    chance = random.Random(1851)  # noqa: S311 - an invented world, the same each time
    key = "CHECKOUT_BUTTON"
    visitors = [f"visitor-{number}" for number in range(VISITORS)]
    answers = await engines.experiments.assign_many(
        platform.platform_id, [(key, {"id": one, "device_type": "mobile"}) for one in visitors]
    )
    await engines.experiments.exposures.flush()
    done: list[Observation] = []
    for one, answer in zip(visitors, answers, strict=True):
        if chance.random() < ORDERS[answer.variant_key or "BLUE"]:
            spent = round(chance.lognormvariate(4, 0.5), 2)
            done.append(Observation(one, "order"))
            done.append(Observation(one, "revenue", spent, currency=platform.currency))
            if chance.random() < 0.04:
                done.append(Observation(one, "refund"))
    await engines.experiments.record_metrics(platform.platform_id, key, done)
    return VISITORS


async def ask_prices(engines: Engines, platform: Platform, products: Sequence[RowMapping]) -> int:
    """Carts of one to four of the shop's products."""
    chance = random.Random(1851)  # noqa: S311 - an invented world, the same each time
    sold = [product for product in products if product["min_price"]]
    if not sold:
        return 0
    carts: list[dict[str, Any]] = [
        {
            "currency": platform.currency,
            "transaction_id": f"cart-{number + 1}",
            "lines": [
                {
                    "id": str(place + 1),
                    "sku": product["handle"],
                    "category": product["product_type"] or "",
                    "quantity": chance.randint(1, 4),
                    "unit_price": f"{product['min_price']:.2f}",
                }
                for place, product in enumerate(chance.sample(sold, min(len(sold), chance.randint(1, 4))))
            ],
        }
        for number in range(CARTS)
    ]
    return len(await engines.pricing.quote_many(platform.platform_id, carts))
