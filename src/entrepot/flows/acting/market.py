"""The market that the live world sells on: a platform with rules, which are asked about every checkout and order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from entrepot.flows.acting.lines import CURRENCY, shopify_id
from entrepot.kit.db import Database
from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.experiments.metrics import Observation
from entrepot.marketplace.platforms.platforms import add_platform, find_platform
from entrepot.marketplace.rulebook.applying import apply_rulebook
from entrepot.marketplace.rulebook.files import read_files
from entrepot.marketplace.rulebook.registry import kinds

CODE, NAME = "live-world", "Live World"
RULES = Path(__file__).with_name("rules.yaml")
POLICY, EXPERIMENT, LIMIT = "CHECKOUT", "CHECKOUT_BUTTON", "orders.placed"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """How often the engines were asked, and how often they would have refused."""

    decisions: int = 0
    refused: int = 0
    quotes: int = 0
    limits: int = 0
    assignments: int = 0


async def have_market(db: Database) -> UUID:
    """The platform, with its rules published; a platform of that name keeps the rules that it has been given since."""
    async with db.system() as session:
        try:
            return (await find_platform(session, CODE)).platform_id
        except NotFoundError:
            platform = await add_platform(session, CODE, NAME, currency=CURRENCY)
    rulebook = read_files([RULES], kinds())
    async with db.tenant(platform_id=platform.platform_id) as session:
        await apply_rulebook(
            session, platform.platform_id, rulebook, user_id=None, reason="the live world's rules"
        )
    return platform.platform_id


async def ask(
    engines: Engines,
    platform: UUID,
    visitors: Sequence[bytes],
    orders: Sequence[Row],
    items: Mapping[bytes, Sequence[Row]],
) -> Asked:
    """Ask about visitors at the checkout and about orders; the people of the world do what they do all the same."""
    people = [shopify_id("Customer", one) for one in dict.fromkeys(visitors)]
    if people:
        await engines.experiments.assign_many(platform, [(EXPERIMENT, {"id": one}) for one in people])
    if not orders:
        return Asked(assignments=len(people))
    questions = [
        (
            POLICY,
            {
                "amount": float(order["total_amount"]),
                "items": sum(item["quantity"] for item in items.get(order["id"], ())),
                "country": order["shipping_country"] or "",
            },
        )
        for order in orders
    ]
    decisions = await engines.policies.evaluate_many(platform, questions, service="live-world")
    quotes = await engines.pricing.quote_many(platform, [cart(order, items) for order in orders])
    limited = 0
    done: list[Observation] = []
    for order in orders:
        buyer = shopify_id("Customer", order["user_id"])
        answer = await engines.limits.consume(platform, LIMIT, buyer, request_id=UUID(bytes=order["id"]))
        limited += not answer.allowed
        key = shopify_id("Order", order["id"])
        spent = float(order["total_amount"])
        done.append(Observation(buyer, "order", dedupe_key=key))
        done.append(Observation(buyer, "revenue", spent, currency=CURRENCY, dedupe_key=key))
    await engines.experiments.exposures.flush()
    await engines.experiments.record_metrics(platform, EXPERIMENT, done)
    refused = limited + sum(decision.effect == "DENY" for decision in decisions)
    return Asked(len(decisions), refused, len(quotes), len(orders), len(people))


def cart(order: Row, items: Mapping[bytes, Sequence[Row]]) -> dict[str, Any]:
    """An order as a cart to be priced."""
    return {
        "currency": CURRENCY,
        "transaction_id": shopify_id("Order", order["id"]),
        "lines": [
            {
                "id": str(place + 1),
                "sku": shopify_id("ProductVariant", item["product_id"]),
                "quantity": item["quantity"],
                "unit_price": f"{item['unit_price']:.2f}",
            }
            for place, item in enumerate(items.get(order["id"], ()))
        ],
    }
