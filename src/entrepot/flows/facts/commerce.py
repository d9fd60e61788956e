"""What orders, payments and reviews become: a function for each type of event, from its data to facts.

A further type is a further function here or in `subjects.py`, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

from entrepot.flows.facts.fact import Fact, Source
from entrepot.flows.facts.schemas import (
    CURRENCY,
    Customer,
    OrderMoved,
    OrderPlaced,
    Payload,
    PaymentRefunded,
    PaymentTold,
    ReviewMoved,
    ReviewSubmitted,
    Told,
)
from entrepot.kit.errors import InvalidInputError

P = TypeVar("P", bound=Payload)
Mapping = Callable[[Source, Any], list[Fact]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a type of event carries, and what facts that makes."""

    name: str
    payload: type[Payload]
    facts: Mapping


#: Every type of event of the family, by name.
MEANINGS: dict[str, Meaning] = {}


class OtherCurrencyError(InvalidInputError):
    """An amount that the warehouse, which adds amounts up, cannot hold."""


def meaning(*types: str) -> Callable[[Callable[[Source, P], list[Fact]]], Callable[[Source, P], list[Fact]]]:
    """Register a function that says what facts events of these types become; its second parameter names their data."""

    def register(function: Callable[[Source, P], list[Fact]]) -> Callable[[Source, P], list[Fact]]:
        payload = function.__annotations__["data"]
        for type_ in types:
            if type_ in MEANINGS:
                raise ValueError(f"{type_!r} has two meanings")
            MEANINGS[type_] = Meaning(type_, payload, function)
        return function

    return register


def facts_of(told: Told) -> list[Fact]:
    """The facts that an event becomes.

    Raises InvalidInputError for a type or data that mean nothing here, OtherCurrencyError for amounts of another
    currency than the warehouse's.
    """
    found = MEANINGS.get(told.type)
    if found is None:
        raise InvalidInputError(
            f"{told.type!r} is no type of event that becomes a fact.", where={"path": "type"}
        )
    try:
        data = found.payload.model_validate(told.data)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(("data", *(str(part) for part in first["loc"])))
        raise InvalidInputError(
            f"{told.type} cannot become a fact: {path}: {first['msg']}.", where={"path": path}
        ) from error
    currency = getattr(data, "currency", CURRENCY)
    if currency != CURRENCY:
        raise OtherCurrencyError(
            f"{told.type} is in {currency}; the warehouse adds up {CURRENCY} and converts nothing.",
            where={"path": "data.currency"},
        )
    return found.facts(Source(told.tenant, told.origin, told.time), data)


def customer_facts(source: Source, told: Customer) -> list[Fact]:
    """A person, where nobody has told of them: known by an id, with an address that leads nowhere."""
    user = source.id("user", told.customer)
    values = {
        "username": f"customer-{user.hex[:20]}",
        "email": f"{user.hex}@users.invalid",
        "country": told.country,
        "time_zone": told.time_zone,
        "status": True,
        "origin": source.origin,
    }
    return [Fact("user", user, source.time, values)]


def shop_facts(source: Source, shop: UUID, *, owner: str | None = None, **values: Any) -> list[Fact]:
    """A shop and its owner, where nobody has told of them."""
    owned_by = source.id("user", owner or f"owner of {shop}")
    person = {
        "username": f"owner-{owned_by.hex[:20]}",
        "email": f"{owned_by.hex}@users.invalid",
        "country": values.get("country"),
        "time_zone": values.get("time_zone"),
        "status": True,
        "origin": source.origin,
    }
    row = {
        "name": f"Shop {shop.hex[:8]}",
        "category": "other",
        "status": True,
        "origin": source.origin,
    } | values
    return [
        Fact("user", owned_by, source.time, person),
        Fact("shop", shop, source.time, row, {"owner": owned_by}),
    ]


def product_stub(source: Source, shop: UUID, key: str, name: str | None, price: Decimal) -> Fact:
    """A product that an order speaks of and nobody has told of: it is not known to be for sale."""
    product = source.id("product", key)
    values = {
        "sku": f"{key[-40:]}-{product.hex[:8]}",
        "name": name or key,
        "category": "other",
        "status": "inactive",
        "price": price,
        "stock_quantity": 0,
        "origin": source.origin,
        "extra_data": {"key": key, "known_from": "order"},
    }
    return Fact("product", product, source.time, values, {"shop": shop})


@meaning("commerce.order.placed")
def order_placed(source: Source, data: OrderPlaced) -> list[Fact]:
    """The order, its lines, and order_placed at the order's own time; people and products that are new come with it."""
    shop, order = source.shop(data.shop), source.id("order", data.order)
    user = source.id("user", data.customer.customer)
    parties = {"user": user, "shop": shop}
    subtotal = sum((line.subtotal for line in data.items), Decimal(0))
    values = {
        "order_number": f"{data.number or data.order[-40:]}-{order.hex[:8]}",
        "status": "pending",
        "subtotal": subtotal,
        "tax_amount": data.tax,
        "shipping_amount": data.shipping,
        "discount_amount": sum((line.discount for line in data.items), Decimal(0)),
        "total_amount": data.sum,
        "shipping_method": data.shipping_method,
        "shipping_country": data.shipping_country,
        "origin": source.origin,
        "extra_data": {"key": data.order},
    }
    facts = [*shop_facts(source, shop), *customer_facts(source, data.customer)]
    facts += [product_stub(source, shop, line.product, line.name, line.unit_price) for line in data.items]
    facts.append(Fact("order", order, source.time, values, parties))
    for item, line in zip(item_ids(source, data), data.items, strict=True):
        row = {
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "subtotal": line.subtotal,
            "discount_amount": line.discount,
            "total_amount": line.subtotal - line.discount,
            "is_cancelled": False,
            "is_refunded": False,
            "origin": source.origin,
        }
        references = parties | {"order": order, "product": source.id("product", line.product)}
        facts.append(Fact("item", item, None, row, references, timed_by="order"))
    facts.append(
        source.event(
            "order_placed", order, timed_by="caller", references=parties | {"caller": order}, amount=data.sum
        )
    )
    return facts


def item_ids(source: Source, data: OrderPlaced) -> list[UUID]:
    """The ids of an order's lines: by product, so that who pays one back can name it; further lines by their place."""
    seen: set[str] = set()
    ids = []
    for number, line in enumerate(data.items):
        place = f"/{number}" if line.product in seen else ""
        seen.add(line.product)
        ids.append(source.id("item", f"{data.order}/{line.product}{place}"))
    return ids


#: Step of an order → the status that it leads to, and the column that keeps its time.
STEPS: dict[str, tuple[str, str | None]] = {
    "held": ("on_hold", None),
    "processing": ("processing", "processed_time"),
    "shipped": ("shipped", "shipped_time"),
    "delivered": ("delivered", "delivered_time"),
    "cancelled": ("cancelled", "cancelled_time"),
    "returned": ("returned", "returned_time"),
}


def order_step(source: Source, order: UUID, step: str) -> list[Fact]:
    """A step of an order: its row changed, and the event at the time of the step."""
    status, column = STEPS[step]
    values: dict[str, Any] = {"status": status} | ({column: source.time} if column else {})
    return [
        Fact("order", order, None, values, change=True),
        source.event(f"order_{status}", order, references={"caller": order}, parties="caller"),
    ]


def _step(step: str) -> None:
    @meaning(f"commerce.order.{step}")
    def order_moved(source: Source, data: OrderMoved) -> list[Fact]:
        return order_step(source, source.id("order", data.order), step)


for _name in STEPS:
    _step(_name)


def _payment(outcome: str) -> None:
    @meaning(f"commerce.payment.{outcome}")
    def payment_told(source: Source, data: PaymentTold) -> list[Fact]:
        payment, order = source.id("payment", data.payment), source.id("order", data.order)
        done = None if outcome == "initiated" else source.time
        known = {"status": "pending" if done is None else outcome, "completed_time": done}
        values = known | {
            "amount": data.amount,
            "refunded_amount": 0,
            "method": data.method,
            "is_partial_payment": False,
            "transaction_reference": f"{data.reference}-{payment.hex[:8]}" if data.reference else None,
            "transaction_fee": 0,
            "notes": data.reason,
            "origin": source.origin,
            "extra_data": {"key": data.payment},
        }
        began = min(data.initiated_at or source.time, source.time)
        facts = [Fact("payment", payment, began, values, {"order": order}, parties="order")]
        if done is not None:
            facts.append(Fact("payment", payment, None, known, change=True))
        caller = {"caller": payment}
        told = source.event(
            f"payment_{outcome}", payment, references=caller, parties="caller", amount=data.amount
        )
        return [*facts, told]


for _outcome in ("initiated", "completed", "failed"):
    _payment(_outcome)


@meaning("commerce.payment.refunded")
def payment_refunded(source: Source, data: PaymentRefunded) -> list[Fact]:
    """One event a product that was paid back; the payment's own sum follows from its events."""
    payment, order = source.id("payment", data.payment), source.id("order", data.order)
    return [
        source.event(
            "payment_refunded",
            payment,
            part=f"{data.refund}/{number}",
            references={"caller": payment, "product": source.id("product", line.product)},
            parties="caller",
            quantity=line.quantity,
            amount=line.amount,
            net_amount=line.amount if line.net_amount is None else line.net_amount,
            event_metadata={
                "order_id": str(order),
                "order_item_id": str(source.id("item", f"{data.order}/{line.product}")),
                "refund": data.refund,
            },
        )
        for number, line in enumerate(data.items)
    ]


@meaning("commerce.review.submitted")
def review_submitted(source: Source, data: ReviewSubmitted) -> list[Fact]:
    """The review, as it waits to be approved, and the event; approved at once where the source says so."""
    shop, review = source.shop(data.shop), source.id("review", data.review)
    about = {"user": source.id("user", data.customer.customer), "shop": shop}
    if data.product:
        about["product"] = source.id("product", data.product)
    order = {"order": source.id("order", data.order)} if data.order else {}
    values = {
        "review_type": "product" if data.product else "shop",
        "status": "approved" if data.approved else "pending",
        "rating": data.rating,
        "title": data.title,
        "content": data.content,
        "helpful_votes": 0,
        "not_helpful_votes": 0,
        "is_verified_purchase": bool(data.order),
        "origin": source.origin,
        "extra_data": {"key": data.review},
    }
    facts = [*shop_facts(source, shop), *customer_facts(source, data.customer)]
    facts.append(Fact("review", review, source.time, values, about | order))
    facts.append(source.event("review_submitted", review, references=about | {"caller": review}))
    if data.approved:
        facts.append(source.event("review_approved", review, references=about | {"caller": review}))
    return facts


def _review(decision: str) -> None:
    @meaning(f"commerce.review.{decision}")
    def review_moved(source: Source, data: ReviewMoved) -> list[Fact]:
        review = source.id("review", data.review)
        return [
            Fact("review", review, None, {"status": decision, "decided_time": source.time}, change=True),
            source.event(f"review_{decision}", review, references={"caller": review}, parties="caller"),
        ]


for _decision in ("approved", "rejected", "reported", "removed"):
    _review(_decision)
