"""What rules of acceptance may ask of an order, and how an order is put into those words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from entrepot.kit.rules import Schema

#: Attributes of an order.
ORDER_ATTRIBUTES: dict[str, Any] = {
    "order_id": {"type": "string", "description": "The marketplace's identifier"},
    "total_price": {
        "type": "number",
        "description": "What the customer pays, shipping included, tax excluded",
    },
    "shipping_price": {"type": "number", "description": "What the customer pays for shipping"},
    "commission": {"type": "number", "description": "What the marketplace keeps"},
    "currency": {"type": "string", "description": "ISO 4217"},
    "units": {"type": "integer", "description": "Units of all lines"},
    "line_count": {"type": "integer", "description": "Number of lines"},
    "skus": {"type": "array", "items": "string", "description": "Shop SKUs that were ordered"},
    "shipping_type": {"type": "string", "description": "Way of shipping that was asked for"},
    "has_address": {"type": "boolean", "description": "Whether the marketplace tells the address yet"},
    "country": {"type": "string", "description": "Country of the address as it is told"},
    "state": {"type": "string", "description": "Province or state of the address as it is told"},
    "city": {"type": "string", "description": "City of the address"},
    "postal_code": {"type": "string", "description": "Postal code of the address"},
    "customer_id": {"type": "string", "description": "The marketplace's identifier of the customer"},
    "is_blocked": {"type": "boolean", "description": "Whether the buyer is blocked"},
    "can_be_built": {"type": "boolean", "description": "Whether the stock has everything for all lines"},
    "hours_left": {"type": "number", "description": "Hours until it has to be accepted"},
}
#: Attributes of a line, beside those of its order under `order`.
LINE_ATTRIBUTES: dict[str, Any] = {
    "sku": {"type": "string", "description": "Shop SKU that was ordered"},
    "internal_sku": {"type": "string", "description": "Our SKU of the variant"},
    "quantity": {"type": "integer", "description": "Units"},
    "unit_price": {"type": "number", "description": "Price of a unit"},
    "price": {"type": "number", "description": "Price of the units"},
    "floor_price": {"type": "number", "description": "Lowest price of a unit"},
    "commission": {"type": "number", "description": "What the marketplace keeps of it"},
    "can_be_built": {"type": "boolean", "description": "Whether the stock has everything for the line"},
    "order": {"type": "object", "attributes": ORDER_ATTRIBUTES},
}
#: What conditions are checked against when they are saved, by what a rule applies to.
SCHEMAS = {"order": Schema(ORDER_ATTRIBUTES), "line": Schema(LINE_ATTRIBUTES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """A line as it is decided upon."""

    line_id: str
    sku: str | None
    internal_sku: str | None
    quantity: int
    unit_price: Decimal
    price: Decimal
    floor_price: Decimal | None
    commission: Decimal | None
    #: Whether the stock has everything for it, and for the lines before it.
    can_be_built: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """An order as it is decided upon; `missing` says what the stock lacks, `address_problems` what the address does."""

    order_id: str
    total_price: Decimal
    shipping_price: Decimal | None
    commission: Decimal | None
    currency: str
    shipping_type: str | None
    address: Mapping[str, Any] | None
    address_problems: tuple[str, ...]
    customer_id: str | None
    is_blocked: bool
    acceptance_deadline: datetime | None
    at: datetime
    lines: tuple[LineFacts, ...]
    missing: str | None

    @property
    def units(self) -> int:
        """Units of all lines."""
        return sum(line.quantity for line in self.lines)


def order_context(facts: OrderFacts) -> dict[str, Any]:
    """An order in the words of rules; what is not known is left out."""
    address = facts.address or {}
    left = facts.acceptance_deadline - facts.at if facts.acceptance_deadline else None
    return _known(
        {
            "order_id": facts.order_id,
            "total_price": facts.total_price,
            "shipping_price": facts.shipping_price,
            "commission": facts.commission,
            "currency": facts.currency,
            "units": facts.units,
            "line_count": len(facts.lines),
            "skus": [line.sku for line in facts.lines if line.sku],
            "shipping_type": facts.shipping_type,
            "has_address": facts.address is not None,
            "country": _said(address, "country_iso_code", "country"),
            "state": _said(address, "state"),
            "city": _said(address, "city"),
            "postal_code": _said(address, "zip_code"),
            "customer_id": facts.customer_id,
            "is_blocked": facts.is_blocked,
            "can_be_built": all(line.can_be_built for line in facts.lines),
            "hours_left": None if left is None else left.total_seconds() / 3600,
        }
    )


def line_context(line: LineFacts, order: Mapping[str, Any]) -> dict[str, Any]:
    """A line in the words of rules, with its order."""
    return _known(
        {
            "sku": line.sku,
            "internal_sku": line.internal_sku,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "price": line.price,
            "floor_price": line.floor_price,
            "commission": line.commission,
            "can_be_built": line.can_be_built,
            "order": dict(order),
        }
    )


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
        if value is not None
    }


def _said(address: Mapping[str, Any], *names: str) -> str | None:
    found: Sequence[str] = [str(address[name]) for name in names if address.get(name)]
    return found[0] if found else None
