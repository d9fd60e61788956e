"""What an account on a Mirakl marketplace tells: its orders and messages as events that become facts.

Pure functions over plain values, as `mirroring` is for shops. The account is the shop, a variant is the product.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from entrepot.flows.facts.mirroring import Row, Teller, country
from entrepot.flows.facts.schemas import CURRENCY, Told

#: Smallest part of a price that an event can carry.
LEAST = Decimal("0.0001")
#: Status of an order → the step that it is in the warehouse. The marketplace takes the customer's money before it
#: says that an order may be shipped.
STEPS = {
    "waiting_for_person": "held",
    "shipped": "shipped",
    "delivered": "delivered",
    "refused": "cancelled",
    "cancelled": "cancelled",
}
PAID = "ready_to_ship"
#: Statuses after which an order that was paid is paid back.
BACK = ("refused", "cancelled")


def account_told(row: Row) -> Told:
    """The account as a shop."""
    opened = min(time for time in (row["created_at"], row["oldest"]) if time)
    return Teller(str(row["id"]), opened, "mirakl").tell(
        "commerce.shop.opened",
        None,
        str(row["id"]),
        name=row["marketplace"],
        category="technology",
        time_zone=row["time_zone"],
    )


def sale_told(teller: Teller, row: Row) -> list[Told]:
    """An order and how it stands: placed, held, paid, shipped, delivered, cancelled, paid back."""
    if not row["lines"]:
        return []  # nothing was sold; it waits in the inbox of failures
    key, currency, placed = row["order_id"], row["currency_code"], row["order_created_at"]
    items = [item(line) for line in row["lines"]]
    tax = sum((Decimal(line["taxes"] or 0) for line in row["lines"]), Decimal(0))
    shipping = Decimal(row["shipping_price"] or 0)
    customer = {"customer": row["mirakl_customer_id"] or f"somebody of {key}"}
    ship_to = country((row["shipping_address"] or {}).get("country"))
    told = [
        teller.tell(
            "commerce.order.placed",
            placed,
            key,
            order=key,
            number=key[-40:],
            customer=customer,
            items=items,
            currency=currency,
            tax=tax,
            shipping=shipping,
            shipping_country=ship_to,
        )
    ]
    if currency != CURRENCY:
        return told  # kept as it is, and there is no order that could be paid or shipped
    goods = [unit["quantity"] * unit["unit_price"] - unit["discount"] for unit in items]
    total = sum(goods, tax + shipping)
    paid: dict[str, Any] = {"payment": f"{key}/payment", "order": key, "currency": currency}
    is_paid = False
    for step in row["steps"]:
        status, at = step["status"], max(_moment(step["time"]), placed)
        if status == PAID and not is_paid:
            is_paid = True
            told.append(teller.tell("commerce.payment.completed", at, key, amount=total, **paid))
        if name := STEPS.get(status):
            told.append(teller.tell(f"commerce.order.{name}", at, key, order=key))
        if status in BACK and is_paid:
            back = _paid_back(items, goods, tax + shipping)
            told.append(teller.tell("commerce.payment.refunded", at, key, refund="all", items=back, **paid))
    return told


def item(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of an order. The marketplace tells the price of all units: what one costs may have more than four
    decimals, so it is rounded up, and the difference is discount."""
    quantity, price = int(line["quantity"]), Decimal(line["price"])
    unit = (price / quantity).quantize(LEAST, ROUND_UP)
    product = product_key(line)
    return {
        "product": product,
        "name": str(line["title"] or product).replace("\x00", "")[:255],
        "quantity": quantity,
        "unit_price": unit,
        "discount": unit * quantity - price,
    }


def product_key(line: Mapping[str, Any]) -> str:
    """Our SKU of the variant; the listing's where it maps to none."""
    return str(line["product"] or f"listing {line['sku'] or line['line']}")[:200]


def message_told(teller: Teller, row: Row) -> Told:
    """A message that a customer wrote, or that was sent to one."""
    received = row["message_type"] == "received"
    return teller.tell(
        "mirakl.message.told",
        row["sent_at"] or row["created_at"],
        str(row["id"]),
        message=str(row["id"]),
        direction="received" if received else "sent",
        sender=row["sender_type"],
        automatic=row["message_type"] == "auto_reply",
        customer=row["mirakl_customer_id"],
        order=row["order_id"],
    )


def _paid_back(
    items: Sequence[Mapping[str, Any]], goods: Sequence[Decimal], rest: Decimal
) -> list[dict[str, Any]]:
    """What is paid back of each line; tax and shipping with the first."""
    return [
        {
            "product": unit["product"],
            "quantity": unit["quantity"],
            "amount": net if place else net + rest,
            "net_amount": net,
        }
        for place, (unit, net) in enumerate(zip(items, goods, strict=True))
    ]


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
