"""Carts to try a rule on: made so that the rule's condition holds, as far as a cart can make it hold."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from entrepot.kit.clock import now
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Condition, compile_condition
from entrepot.kit.rules.syntax import Asked, Attribute, Every, Literal, Operation, Test
from entrepot.marketplace.pricing.carts import Cart, read_cart
from entrepot.marketplace.pricing.facts import time_facts
from entrepot.marketplace.pricing.money import decimal_text
from entrepot.marketplace.pricing.schemas import PricingRuleDocument

#: The attributes of a line under which a fact about all lines is found.
OF_LINES = {"cart.skus": "sku", "cart.categories": "category", "cart.sellers": "seller"}
OBJECTS = ("buyer", "seller")
AMOUNTS = ("unit_price", "minimum_price")
#: What is wished of the whole cart comes after what is wished of its lines, since the second line makes up for it.
LAST = ("cart.lines", "cart.quantity", "cart.total")
UTC = ZoneInfo("UTC")
#: Hours that are looked through for a moment of which a condition on the time holds: a year and a day.
HOURS = 366 * 24


def example_cart(document: PricingRuleDocument) -> dict[str, Any]:
    """A cart of two lines, in the rule's currency, with enough units for its scale, and what its condition asks for.

    Equalities, lists, bounds and the time are met; what is only denied, compared with a pattern or looked up in a group
    is left to whoever tries the rule. It can always be quoted.
    """
    condition = compile_condition(document.condition)
    plain = _plain_cart(document)
    found = _plain_cart(document)
    covered = compile_condition(document.applies_to)
    wishes = {
        **{path: (value, document.level == "line") for path, value in _wishes(condition.node)},
        **{path: (value, True) for path, value in _wishes(covered.node)},
    }
    try:
        for path in sorted(wishes, key=lambda path: LAST.index(path) if path in LAST else -1):
            value, of_line = wishes[path]
            _place(found, path, value, of_line=of_line)
        cart = read_cart(found, UTC)
    except (InvalidInputError, ArithmeticError):
        return plain
    at = _moment(document, condition, cart)
    return found if at is None else {**found, "at": at.isoformat().replace("+00:00", "Z")}


def _plain_cart(document: PricingRuleDocument) -> dict[str, Any]:
    action = document.action
    enough = (action.buy or 0) + (action.get or 0)
    if action.by == "quantity":
        enough = max(enough, *(int(tier.start) for tier in action.tiers), 1)
    return {
        "currency": action.currency or "EUR",
        "lines": [
            {"id": "1", "sku": "MUG-1", "quantity": max(enough, 2), "unit_price": "20"},
            {"id": "2", "sku": "LAMP-1", "quantity": 1, "unit_price": "50"},
        ],
        "shipping": "5",
    }


def _wishes(node: Asked) -> Iterator[tuple[str, Any]]:
    """Attributes and a value each with which a condition holds; of alternatives the first."""
    if isinstance(node, Attribute):
        value = _value(node.test)
        if value is not None:
            yield node.name, value
    elif node.operator == "$and":
        for part in node.parts:
            yield from _wishes(part)
    elif node.operator == "$or" and node.parts:
        yield from _wishes(node.parts[0])


def _value(test: Test) -> Any:
    if isinstance(test, Literal):
        return test.value
    parts = test.parts if isinstance(test, Every) else (test,)
    named = {part.operator: part.operand for part in parts if isinstance(part, Operation)}
    if "$eq" in named:
        return named["$eq"]
    for name in ("$in", "$ini", "$all", "$alli"):
        if named.get(name):
            found = [item for item in named[name] if isinstance(item, str | int | float)]
            return found if name.startswith("$all") else found[0] if found else None
    return _between(named)


def _between(named: Mapping[str, Any]) -> Any:
    """A number or text within bounds: the bound itself where it is one of the values, else one beside it."""
    for name in ("$gte", "$lte"):
        if name in named:
            return named[name]
    low, high = named.get("$gt"), named.get("$lt")
    if isinstance(low, int | float) and isinstance(high, int | float):
        return (low + high) / 2 if high - low <= 1 else low + 1
    if isinstance(low, int | float):
        return low + 1
    if isinstance(high, int | float):
        return high - 1 if high >= 1 else high / 2
    return None


def _place(cart: dict[str, Any], path: str, value: Any, *, of_line: bool) -> None:
    first, second = cart["lines"][0], cart["lines"][-1]
    root, _, name = path.partition(".")
    if path in OF_LINES:
        first[OF_LINES[path]] = value[0] if isinstance(value, list) else value
    elif path == "coupons":
        cart["coupons"] = value if isinstance(value, list) else [value]
    elif path == "cart.currency":
        cart["currency"] = value
    elif path == "cart.shipping":
        cart["shipping"] = decimal_text(value)
    elif path == "cart.lines" and value.__class__ is int and value > 0:
        cart["lines"] = [first, *({**second, "id": str(number)} for number in range(2, min(value, 50) + 1))]
    elif path == "cart.quantity" and value.__class__ is int:
        others = [line for line in cart["lines"] if line is not second]
        if sum(line["quantity"] for line in others) >= value:
            for line in others:
                line["quantity"] = 1
        second["quantity"] = max(1, value - sum(line["quantity"] for line in others))
    elif path == "cart.total":
        _come_to(cart, second, Decimal(str(value)))
    elif root in OBJECTS and name:
        _put(cart.setdefault(root, {}), name, value)
    elif root == "line" and name:
        _put_in_line(first, name, value)
    elif root not in ("cart", "time"):
        if of_line:
            _put_in_line(first, path, value)
        else:
            _put(cart.setdefault("context", {}), path, value)


def _come_to(cart: dict[str, Any], last: dict[str, Any], total: Decimal) -> None:
    """Have a line make up for what the others do not come to; where those come to more already, for all of it."""
    amounts = {
        id(line): Decimal(line["unit_price"]) * line["quantity"] for line in cart["lines"] if line is not last
    }
    if sum(amounts.values()) > total:
        for line in cart["lines"]:
            line["unit_price"] = "0"
        amounts = {}
    left = total - sum(amounts.values())
    if left % last["quantity"]:
        last["quantity"] = 1
    last["unit_price"] = decimal_text(left / last["quantity"])


def _put_in_line(line: dict[str, Any], name: str, value: Any) -> None:
    if name == "amount":
        line["quantity"], line["unit_price"] = 1, decimal_text(value)
    elif name in AMOUNTS:
        line[name] = decimal_text(value)
    else:
        _put(line, name, value)


def _put(holder: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        below = holder.get(parent)
        if not isinstance(below, dict):
            below = holder[parent] = {}
        holder = below
    holder[name] = value


def _moment(document: PricingRuleDocument, condition: Condition, cart: Cart) -> datetime | None:
    """An hour at which the rule holds of the cart; None where now will do, or none is found."""
    start, end, moment = document.start_time, document.end_time, now()
    facts = cart.facts
    if document.level == "line":
        # The lines of a cart stand in the order of their ids.
        facts = cart.line_facts[cart.ids.index(str(cart.source["lines"][0]["id"]))]
    timely = (start is None or start <= moment) and (end is None or moment < end)
    if not timely:
        moment = start if start is not None else moment if end is None else end - timedelta(hours=1)
    elif '"time.' not in json.dumps(condition.source) or condition.matches(facts):
        return None
    hours = (moment + timedelta(hours=number) for number in range(HOURS))
    for hour in hours:
        if (end is None or hour < end) and condition.matches({**facts, "time": time_facts(hour, UTC)}):
            return hour.astimezone(UTC)
    return None if timely else moment
