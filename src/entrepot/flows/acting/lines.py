"""What the world sells and ships, as lines of a Shopify export. Pure functions over rows of the simulated warehouse."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from entrepot.sandbox.shopify.values import gid, handle, line, timestamp

Row = Mapping[str, Any]
CURRENCY = "USD"
_STATUSES = {"shipped": "FULFILLED", "delivered": "FULFILLED", "returned": "FULFILLED", "on_hold": "ON_HOLD"}


def number(identity: bytes) -> int:
    """The number under which Shopify would know a thing of the world: fifteen digits of its id."""
    return int.from_bytes(identity, "big") % 10**15


def shopify_id(kind: str, identity: bytes) -> str:
    """Shopify's global id of a thing of the world."""
    return gid(kind, number(identity))


def product_lines(row: Row, seller: str) -> list[bytes]:
    """A product with its one variant, as its shop sells it."""
    listed = timestamp(row["event_time"])
    reduced = row["sale_price"] is not None
    product = {
        "id": shopify_id("Product", row["id"]),
        "legacyResourceId": str(number(row["id"])),
        "title": row["name"],
        "handle": f"{handle(row['name'])[:180]}-{number(row['id'])}",
        "vendor": seller,
        "productType": row["category"].capitalize(),
        "status": {"inactive": "DRAFT", "discontinued": "ARCHIVED"}.get(row["status"], "ACTIVE"),
        "createdAt": listed,
        "updatedAt": timestamp(row["updated_time"] or row["event_time"]),
    }
    variant = {
        "id": shopify_id("ProductVariant", row["id"]),
        "legacyResourceId": str(number(row["id"])),
        "title": "Default Title",
        "sku": row["sku"],
        "price": f"{row['sale_price'] if reduced else row['price']:.2f}",
        "compareAtPrice": f"{row['price']:.2f}" if reduced else None,
        "inventoryQuantity": row["stock_quantity"],
        "createdAt": listed,
        "updatedAt": product["updatedAt"],
        "__parentId": product["id"],
    }
    return [line(product), line(variant)]


def order_lines(row: Row, items: Iterable[Row], updated: datetime) -> list[bytes]:
    """An order as it stands, with its lines; who pays it is told by the market, not by the shop."""
    identity = shopify_id("Order", row["id"])
    placed = timestamp(row["event_time"])
    order = {
        "id": identity,
        "legacyResourceId": str(number(row["id"])),
        "name": row["order_number"],
        "number": number(row["id"]) % 10**9,
        "customer": {"id": shopify_id("Customer", row["user_id"])},
        "createdAt": placed,
        "processedAt": placed,
        "updatedAt": timestamp(updated),
        "closedAt": timestamp(row["shipped_time"]) if row["shipped_time"] else None,
        "cancelledAt": timestamp(row["cancelled_time"]) if row["cancelled_time"] else None,
        "currencyCode": CURRENCY,
        "presentmentCurrencyCode": CURRENCY,
        "displayFulfillmentStatus": _STATUSES.get(row["status"], "UNFULFILLED"),
        "subtotalPriceSet": _money(row["subtotal"] - row["discount_amount"]),
        "totalDiscountsSet": _money(row["discount_amount"]),
        "totalShippingPriceSet": _money(row["shipping_amount"]),
        "totalTaxSet": _money(row["tax_amount"]),
        "totalPriceSet": _money(row["total_amount"]),
    }
    return [line(order), *(_item_line(identity, item) for item in items)]


def _item_line(order: str, item: Row) -> bytes:
    return line(
        {
            "id": shopify_id("LineItem", item["id"]),
            "title": "As sold",
            "quantity": item["quantity"],
            "originalUnitPriceSet": _money(item["unit_price"]),
            "totalDiscountSet": _money(item["discount_amount"]),
            "product": {"id": shopify_id("Product", item["product_id"])},
            "variant": {"id": shopify_id("ProductVariant", item["product_id"])},
            "__parentId": order,
        }
    )


def _money(amount: Any) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{amount:.2f}", "currencyCode": CURRENCY}}
