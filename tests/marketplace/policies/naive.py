"""The policy engine once more, slowly: each sentence of what decides as one line, sharing no code with the fast one."""

from collections.abc import Mapping
from datetime import datetime
from functools import cmp_to_key
from typing import Any

ATTRIBUTES = {"REGION": "region", "CATEGORY": "category", "SELLER_TYPE": "seller_type"}


def decide(policy: Mapping[str, Any], context: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Effect, deciding rule, obligations and matching rules of a policy as plain values."""
    matching = [rule for rule in policy["rules"] if applies(rule, context, at)]
    matching.sort(key=cmp_to_key(compared))
    deciding = [rule for rule in matching if rule["effect"].get("result") is not None]
    winner = None
    for rule in deciding:
        if winner is None or beats(rule, winner):
            winner = rule
    return {
        "effect": policy["default_effect"] if winner is None else winner["effect"]["result"],
        "rule": None if winner is None else winner["key"],
        "obligations": [
            (owed["type"], rule["key"]) for rule in matching for owed in rule["effect"].get("obligations", [])
        ],
        "contributions": {
            rule["key"]: "IRRELEVANT" if rule not in matching else "DECISIVE" if rule is winner else "OVERRIDDEN"
            for rule in policy["rules"]
        },
    }  # fmt: skip


def compared(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """Which of two comes first, as sorting asks."""
    return -1 if beats(one, other) else 1


def beats(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one of two matching rules comes before the other."""
    if one["priority"] != other["priority"]:
        return bool(one["priority"] > other["priority"])
    one_result, other_result = one["effect"].get("result"), other["effect"].get("result")
    if one_result != other_result:
        order = ["DENY", "ALLOW", None]
        return order.index(one_result) < order.index(other_result)
    one_scopes = [name for name in one["scopes"] if name != "GLOBAL"]
    other_scopes = [name for name in other["scopes"] if name != "GLOBAL"]
    if len(one_scopes) != len(other_scopes):
        return len(one_scopes) > len(other_scopes)
    return bool(one["key"] < other["key"])


def applies(rule: Mapping[str, Any], context: Mapping[str, Any], at: datetime) -> bool:
    """Whether a rule is active, in force, in scope, and its condition met."""
    if not rule["active"]:
        return False
    if rule["start_time"] is not None and at < rule["start_time"]:
        return False
    if rule["end_time"] is not None and at >= rule["end_time"]:
        return False
    for dimension, values in rule["scopes"].items():
        if dimension != "GLOBAL" and not is_any(context.get(ATTRIBUTES[dimension]), values):
            return False
    return meets(rule["condition"], context)


def meets(condition: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    """The few operators that the generated rules use."""
    for name, wanted in condition.items():
        if name == "$and":
            met = all(meets(part, context) for part in wanted)
        elif name == "$or":
            met = any(meets(part, context) for part in wanted) if wanted else True
        elif name == "$not":
            met = not meets(wanted, context)
        elif isinstance(wanted, dict):
            met = all(holds(operator, context.get(name), operand) for operator, operand in wanted.items())
        else:
            met = context.get(name) == wanted
        if not met:
            return False
    return True


def holds(operator: str, value: Any, operand: Any) -> bool:
    """One operator on one value."""
    if operator == "$in":
        return is_any(value, operand)
    if operator == "$nin":
        return not is_any(value, operand)
    if value is None:
        return False
    return bool({"$gt": value > operand, "$lte": value <= operand}[operator])


def is_any(value: Any, values: Any) -> bool:
    """Whether a value, or one of a list's, is among others."""
    return any(one in values for one in value) if isinstance(value, list) else value in values
