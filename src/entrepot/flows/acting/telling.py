"""What happens in the world, as events of the family `commerce.*`. Pure functions over rows of the simulated warehouse."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.events import NewEvent
from entrepot.flows.acting.lines import CURRENCY, shopify_id

Row = Mapping[str, Any]
SOURCE = "/entrepot/marketplace/live"

_STEPS = {
    "order_on_hold": "held",
    "order_shipped": "shipped",
    "order_delivered": "delivered",
    "order_cancelled": "cancelled",
    "order_returned": "returned",
}
_PAYMENTS = ("payment_initiated", "payment_completed", "payment_failed")
_REVIEWS = ("review_approved", "review_rejected", "review_reported", "review_removed")
_VISITS = {
    "product_viewed": "commerce.product.viewed",
    "cart_item_added": "commerce.cart.item_added",
    "cart_item_removed": "commerce.cart.item_removed",
    "checkout_started": "commerce.checkout.started",
    "cart_abandoned": "commerce.cart.abandoned",
}


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened in a tick, of what began since the world acts: rows by their ids."""

    began: datetime
    events: Sequence[Row]
    orders: Mapping[bytes, Row]
    items: Mapping[bytes, Sequence[Row]]
    payments: Mapping[bytes, Row]
    reviews: Mapping[bytes, Row]


def by_order(items: Iterable[Row]) -> dict[bytes, list[Row]]:
    """Lines of orders by their order."""
    found: defaultdict[bytes, list[Row]] = defaultdict(list)
    for item in items:
        found[item["order_id"]].append(item)
    return found


def tell(happened: Happened, shop: UUID) -> list[NewEvent]:
    """The events to publish, in the order of their time; what concerns orders of before is left out."""
    told = []
    for row in happened.events:
        found = _told(happened, row)
        if found is not None:
            type_, data = found
            told.append(
                NewEvent(
                    type=type_,
                    data=data,
                    source=SOURCE,
                    time=row["event_time"],
                    dedupe_key=str(UUID(bytes=row["event_id"])),
                    shop_id=shop,
                )
            )
    return told


def _told(happened: Happened, row: Row) -> tuple[str, dict[str, Any]] | None:
    type_ = row["event_type"]
    if type_ in _VISITS:
        return _VISITS[type_], _visit(row)
    if type_ == "user_registered":
        return "commerce.customer.registered", {"customer": shopify_id("Customer", row["user_id"])}
    if type_ == "order_placed":
        order = happened.orders.get(row["caller_entity_id"])
        return ("commerce.order.placed", _placed(order, happened.items)) if order else None
    if row["caller_event_time"] is None or row["caller_event_time"] < happened.began:
        return None
    if type_ in _STEPS:
        return f"commerce.order.{_STEPS[type_]}", {"order": shopify_id("Order", row["caller_entity_id"])}
    if type_ in _PAYMENTS or type_ == "payment_refunded":
        payment = happened.payments.get(row["caller_entity_id"])
        if payment is None or payment["order_event_time"] < happened.began:
            return None  # of an invoice, or of an order of before
        told = _payment(payment)
        if type_ == "payment_refunded":
            return "commerce.payment.refunded", _refund(row, told)
        return f"commerce.payment.{type_.removeprefix('payment_')}", told | _attempt(payment)
    if type_ == "review_submitted":
        review = happened.reviews.get(row["caller_entity_id"])
        return ("commerce.review.submitted", _review(review, happened.began)) if review else None
    if type_ in _REVIEWS:
        return f"commerce.review.{type_.removeprefix('review_')}", {"review": _key(row["caller_entity_id"])}
    return None


def _key(identity: bytes) -> str:
    return str(UUID(bytes=identity))


def _visit(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {"customer": shopify_id("Customer", row["user_id"])}
    if row["session_id"] is not None:
        told["session"] = _key(row["session_id"])
    if row["product_id"] is not None:
        told["product"] = shopify_id("ProductVariant", row["product_id"])
    if row["quantity"] is not None:
        price = row["amount"] / row["quantity"]
        told |= {"quantity": row["quantity"], "unit_price": f"{price:.4f}", "currency": CURRENCY}
    elif row["amount"] is not None:
        told |= {"amount": f"{row['amount']:.4f}", "currency": CURRENCY}
    return told


def _placed(order: Row, items: Mapping[bytes, Sequence[Row]]) -> dict[str, Any]:
    return {
        "order": shopify_id("Order", order["id"]),
        "number": order["order_number"][:40],
        "customer": {"customer": shopify_id("Customer", order["user_id"])},
        "currency": CURRENCY,
        "items": [
            {
                "product": shopify_id("ProductVariant", item["product_id"]),
                "quantity": item["quantity"],
                "unit_price": str(item["unit_price"]),
                "discount": str(item["discount_amount"]),
            }
            for item in items.get(order["id"], ())
        ],
        "tax": str(order["tax_amount"]),
        "shipping": str(order["shipping_amount"]),
        "total": str(order["total_amount"]),
        "shipping_method": order["shipping_method"],
        "shipping_country": order["shipping_country"],
    }


def _payment(payment: Row) -> dict[str, Any]:
    return {
        "payment": _key(payment["id"]),
        "order": shopify_id("Order", payment["order_id"]),
        "currency": CURRENCY,
    }


def _attempt(payment: Row) -> dict[str, Any]:
    return {
        "amount": str(payment["amount"]),
        "method": payment["method"],
        "initiated_at": payment["initiated_time"],
        "reference": payment["transaction_reference"],
        "reason": payment["notes"],
    }


def _refund(row: Row, told: dict[str, Any]) -> dict[str, Any]:
    line = {
        "product": shopify_id("ProductVariant", row["product_id"]),
        "quantity": row["quantity"],
        "amount": str(row["amount"]),
        "net_amount": str(row["net_amount"]),
    }
    return told | {"refund": _key(row["event_id"]), "items": [line]}


def _review(review: Row, began: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {
        "review": _key(review["id"]),
        "customer": {"customer": shopify_id("Customer", review["user_id"])},
        "rating": review["rating"],
        "title": review["title"],
        "content": review["content"],
    }
    if review["product_id"] is not None:
        told["product"] = shopify_id("ProductVariant", review["product_id"])
    if review["order_id"] is not None and review["order_event_time"] >= began:
        told["order"] = shopify_id("Order", review["order_id"])
    return told
