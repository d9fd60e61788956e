"""Carts to try a rule on: made so that the rule's equalities hold, as far as a cart can make them."""

from typing import Any

from entrepot.kit.rules import compile_condition
from entrepot.marketplace.pricing.schemas import PricingRuleDocument

#: The attributes of a line under which a fact about all lines is found.
OF_LINES = {"cart.skus": "sku", "cart.categories": "category", "cart.sellers": "seller"}
OBJECTS = ("buyer", "seller")


def example_cart(document: PricingRuleDocument) -> dict[str, Any]:
    """A cart of two lines, in the rule's currency, with enough units for its scale, and what its condition fixes."""
    action = document.action
    enough = (action.buy or 0) + (action.get or 0)
    if action.by == "quantity":
        enough = max(enough, *(int(tier.start) for tier in action.tiers), 1)
    first: dict[str, Any] = {"id": "1", "sku": "MUG-1", "quantity": max(enough, 2), "unit_price": "20"}
    second: dict[str, Any] = {"id": "2", "sku": "LAMP-1", "quantity": 1, "unit_price": "50"}
    found: dict[str, Any] = {"currency": action.currency or "EUR", "lines": [first, second], "shipping": "5"}
    for source, of_line in ((document.condition, document.level == "line"), (document.applies_to, True)):
        for path, keys in compile_condition(source).fixed:
            plain = sorted((key for key in keys if isinstance(key, str | int | float)), key=str)
            if plain:
                _place(found, first, path, plain[0], of_line=of_line)
    return found


def _place(cart: dict[str, Any], line: dict[str, Any], path: str, value: Any, *, of_line: bool) -> None:
    root, _, name = path.partition(".")
    if path == "cart.currency":
        cart["currency"] = value
    elif path == "coupons":
        cart["coupons"] = [value]
    elif path in OF_LINES:
        line[OF_LINES[path]] = value
    elif root in OBJECTS and name:
        _put(cart.setdefault(root, {}), name, value)
    elif root == "line" and name:
        _put(line, name, value)
    elif root not in ("cart", "time"):
        _put(line if of_line else cart.setdefault("context", {}), path, value)


def _put(holder: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        holder = holder.setdefault(parent, {})
    # What the cart must have of another kind (a price that is equal to something) is left to the writer.
    if name not in ("id", "amount") or parents:
        holder[name] = value
