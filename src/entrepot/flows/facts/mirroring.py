"""What the mirror of a shop tells: its rows as events of the family `commerce.*`. Pure functions over plain values."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import uuid5

from entrepot.flows.facts.fact import NAMESPACE
from entrepot.flows.facts.schemas import CURRENCY, Told

Row = Mapping[str, Any]

CENT = Decimal("0.01")
#: Words in the name of a payment gateway → the way to pay; a card where none fits.
GATEWAYS = {
    "paypal": "digital_wallet",
    "apple": "digital_wallet",
    "google": "digital_wallet",
    "bank": "bank_account",
}
PAID = ("PAID", "PARTIALLY_REFUNDED", "REFUNDED")


@dataclass(frozen=True, slots=True)
class Teller:
    """A shop or an account that is read, as it is at a moment."""

    tenant: str
    time: datetime
    origin: str = "pim"

    def tell(self, type_: str, time: datetime | None, subject: str, **data: Any) -> Told:
        """An event of the mirror; the same row tells the same event again."""
        when = time or self.time
        return Told(
            event_id=uuid5(NAMESPACE, f"{self.tenant}/mirror/{type_}/{subject}"),
            type=type_,
            tenant=self.tenant,
            origin=self.origin,
            time=when,
            data={name: value for name, value in data.items() if value is not None},
        )


def shop_told(row: Row) -> Told:
    """The shop itself; its owner is a user without a name."""
    # It was there before it was added here: its oldest product, customer and order say since when at least.
    teller = Teller(str(row["id"]), min(time for time in (row["installed_at"], row["oldest"]) if time))
    domain = str(row["shopify_domain"])
    return teller.tell(
        "commerce.shop.opened",
        None,
        domain,
        name=domain.removesuffix(".myshopify.com"),
        category="retail",
        time_zone=row["timezone"],
    )


def customer_told(teller: Teller, row: Row) -> Told:
    """A customer: Shopify's identifier and a country, nothing that names them."""
    return teller.tell(
        "commerce.customer.registered",
        row["created_at_shopify"] or row["created_at"],
        row["shopify_gid"],
        customer=row["shopify_gid"],
        country=country((row["default_address"] or {}).get("country_code")),
    )


def product_told(teller: Teller, row: Row) -> list[Told]:
    """A variant, which is what is priced and stocked, as it is offered now; and how many there are."""
    price, before = row["price"], row["compare_at_price"]
    reduced = before is not None and before > price
    title = row["product_title"]
    if row["title"] not in ("Default Title", ""):
        title = f"{title} – {row['title']}"
    key = row["shopify_gid"]
    listed = teller.tell(
        "commerce.product.listed",
        teller.time,
        key,
        product=key,
        name=title.replace("\x00", "")[:255] or key,
        currency=row["currency_code"] or row["shop_currency"] or CURRENCY,
        price=before if reduced else price,
        sale_price=price if reduced else None,
        cost_price=row["cost"],
        sku=row["sku"],
        category=category(row["product_type"]),
        brand=(row["vendor"] or "")[:100] or None,
        on_sale=row["status"] == "ACTIVE",
        listed_at=row["created_at_shopify"] or row["product_created_at"] or row["created_at"],
    )
    if listed.data["currency"] != CURRENCY:
        return [listed]  # kept as it is, and there is no product whose stock could be counted
    counted = teller.tell(
        "commerce.stock.counted", teller.time, key, product=key, quantity=row["inventory_quantity"] or 0
    )
    return [listed, counted]


def order_told(teller: Teller, row: Row) -> list[Told]:
    """An order and how it stands: placed, paid, shipped, cancelled, paid back, as far as the mirror knows."""
    lines = merged(line for line in row["line_items"] if int(line.get("quantity") or 0) > 0)
    if not lines:
        return []  # until its lines are mirrored, which is an event of its own
    key, currency = row["shopify_gid"], row["currency_code"]
    placed = row["processed_at"] or row["created_at_shopify"] or row["created_at"]
    changed = max(row["updated_at_shopify"] or teller.time, placed)
    sums = order_sums(row, lines)
    items: list[dict[str, Any]] = [
        {
            "product": product_key(line),
            "name": str(line.get("title") or product_key(line)).replace("\x00", "")[:255],
            "quantity": int(line["quantity"]),
            "unit_price": Decimal(str(line.get("price") or 0)),
            "discount": discount,
        }
        for line, discount in zip(lines, sums.discounts, strict=True)
    ]
    ship_to = country((row["shipping_address"] or {}).get("country_code"))
    told = [
        teller.tell(
            "commerce.order.placed",
            placed,
            key,
            order=key,
            number=row["name"][:40],
            customer={"customer": customer_key(teller.tenant, row)},
            items=items,
            currency=currency,
            tax=sums.tax,
            shipping=sums.shipping,
            shipping_country=ship_to,
        )
    ]
    if currency != CURRENCY:
        return told  # kept as it is, and there is no order that could be paid or shipped
    paid: dict[str, Any] = {"payment": f"{key}/payment", "order": key, "currency": currency}
    attempt = paid | {"amount": row["total_price"], "method": method(row["gateway"])}
    if row["financial_status"] in PAID:
        told.append(teller.tell("commerce.payment.completed", placed, key, **attempt))
    elif row["financial_status"] in ("VOIDED", "EXPIRED"):
        told.append(teller.tell("commerce.payment.failed", changed, key, **attempt))
    elif row["financial_status"] in ("PENDING", "AUTHORIZED"):
        told.append(teller.tell("commerce.payment.initiated", placed, key, **attempt))
    if row["fulfillment_status"] == "FULFILLED":
        told.append(teller.tell("commerce.order.shipped", row["closed_at"] or changed, key, order=key))
    elif row["fulfillment_status"] == "ON_HOLD":
        told.append(teller.tell("commerce.order.held", changed, key, order=key))
    if row["cancelled_at"]:
        told.append(teller.tell("commerce.order.cancelled", row["cancelled_at"], key, order=key))
    if row["financial_status"] == "REFUNDED":
        back = row["cancelled_at"] or changed
        goods = [item["quantity"] * item["unit_price"] - item["discount"] for item in items]
        amounts = shares(row["total_price"], goods)
        refunded = [
            {"product": item["product"], "quantity": item["quantity"], "amount": amount, "net_amount": net}
            for item, amount, net in zip(items, amounts, goods, strict=True)
        ]
        told.append(teller.tell("commerce.payment.refunded", back, key, refund="all", items=refunded, **paid))
    return told


def merged(lines: Iterable[Row]) -> list[dict[str, Any]]:
    """Lines of one product at one price as one line: the warehouse knows nothing of what tells them apart."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        key = (product_key(line), str(line.get("price")))
        before = found.get(key)
        quantity = int(line["quantity"]) + (before["quantity"] if before else 0)
        found[key] = {**(before or line), "quantity": quantity}
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Sums:
    """An order's money as the warehouse adds it up: goods less discounts, with tax and shipping, is what was paid."""

    discounts: tuple[Decimal, ...]
    tax: Decimal
    shipping: Decimal


def order_sums(row: Row, lines: Sequence[Row]) -> Sums:
    """Make the parts of an order add up to its total.

    Shopify tells goods with tax in them where the shop's prices have it, and totals that were rounded or edited; the
    total is what counts. What is left after goods, discounts and shipping is tax; where the total is less than that,
    the difference is discount.
    """
    goods = [int(line["quantity"]) * Decimal(str(line.get("price") or 0)) for line in lines]
    total, shipping = Decimal(row["total_price"]), Decimal(row["total_shipping"] or 0)
    discount = min(Decimal(row["total_discounts"] or 0), sum(goods, Decimal(0)))
    tax = total - (sum(goods, Decimal(0)) - discount + shipping)
    if tax < 0:
        discount, tax = discount - tax, Decimal(0)
        beyond = max(discount - sum(goods, Decimal(0)), Decimal(0))
        discount, shipping = discount - beyond, shipping - beyond
    return Sums(tuple(shares(discount, goods)), tax, shipping)


def shares(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Divide an amount by weights, in cents that add up to it; nothing gets more than its weight unless it must.

    The cents that rounding leaves go to those who lost most by it, the first of them first.
    """
    whole = sum(weights, Decimal(0))
    if not whole:
        return [amount, *(Decimal(0) for _ in weights[1:])]
    exact = [amount * weight / whole for weight in weights]
    parts = [share.quantize(CENT, ROUND_DOWN) for share in exact]
    rest = amount - sum(parts, Decimal(0))
    for place in sorted(range(len(parts)), key=lambda place: parts[place] - exact[place]):
        step = min(rest, CENT)
        if step <= 0:
            break
        parts[place] += step
        rest -= step
    return parts


def customer_key(tenant: str, row: Row) -> str:
    """Who ordered: Shopify's identifier; a digest of the address where there is none; else somebody of this order."""
    if row["customer_gid"]:
        return str(row["customer_gid"])
    if row["email"]:
        digest = hashlib.sha256(f"{tenant}/{str(row['email']).lower()}".encode()).hexdigest()
        return f"email {digest}"
    return f"somebody of {row['shopify_gid']}"


def product_key(line: Row) -> str:
    """What a line of an order sells: the variant, or what the line calls it where the variant is gone."""
    return str(line.get("variant_gid") or f"line {line.get('sku') or line.get('title') or ''}")[:200]


def variants_of(orders: Iterable[Row]) -> set[str]:
    """The variants that orders speak of."""
    return {
        str(line["variant_gid"]) for row in orders for line in row["line_items"] if line.get("variant_gid")
    }


def country(code: Any) -> str | None:
    """A country's code, where it is one."""
    return code if isinstance(code, str) and len(code) == 2 and code.isalpha() and code.isupper() else None


def method(gateway: str | None) -> str:
    """The way to pay that a gateway stands for."""
    name = (gateway or "").lower()
    return next((way for word, way in GATEWAYS.items() if word in name), "credit_card")


#: Words in a merchant's type of product → the category of the warehouse.
CATEGORIES = {
    "electronic": "electronics", "phone": "electronics", "lamp": "home", "shirt": "clothing", "shoe": "clothing",
    "cloth": "clothing", "sock": "clothing", "food": "food", "coffee": "food", "tea": "food", "book": "books",
    "kitchen": "home", "home": "home", "furniture": "home", "mug": "home", "beauty": "beauty", "soap": "beauty",
    "sport": "sports", "toy": "toys", "game": "toys", "car": "automotive", "health": "health",
}  # fmt: skip


def category(product_type: str | None) -> str:
    """The category that a type of product, in the merchant's words, falls into."""
    words = (product_type or "").lower()
    return next((found for word, found in CATEGORIES.items() if word in words), "other")
