"""What is wrong with a policy before it is stored, beyond what its form tells."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules.syntax import MEMBERSHIPS, Attribute, Literal, Node, Operation
from entrepot.marketplace.policies.documents import PolicyDocument, RuleDocument
from entrepot.marketplace.policies.evaluating import Policy
from entrepot.marketplace.policies.scopes import GLOBAL, check_scopes, windows


def check(document: PolicyDocument) -> Policy:
    """The policy compiled. Raises InvalidInputError, with the path, for whatever would not do what its author means.

    That is: a key that two rules have; dates that end before they begin, or never meet a date range; an unknown
    dimension, operator, attribute or group; an object compared as a whole; and two rules that say opposite things of
    exactly the same.
    """
    _check_text(document.model_dump(), "")
    _check_keys(document)
    for number, rule in enumerate(document.rules):
        _check_validity(rule, f"rules[{number}]")
    policy = Policy.compile(document)
    for compiled in policy.rules:
        _check_node(compiled.condition.node, policy.groups or {})
    _check_contradictions(document)
    return policy


def _check_text(value: Any, path: str) -> None:
    """A NUL is a character of JSON and none of PostgreSQL's."""
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidInputError(
                f"{path or 'The policy'} holds a NUL character, which PostgreSQL cannot store.",
                where={"path": path},
            )
    elif isinstance(value, Mapping):
        for name, held in value.items():
            _check_text(name, path)
            _check_text(held, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, held in enumerate(value):
            _check_text(held, f"{path}[{number}]")


def _check_node(node: Node, groups: Mapping[str, Any]) -> None:
    """Of a condition's nodes, those that would not mean in the database what they mean here."""
    if isinstance(node, Literal):
        # GrowthBook compares objects with the order of their keys, and jsonb does not keep it.
        if _has_wide_object(node.value):
            raise InvalidInputError(
                f"{node.at}: an object of several attributes is compared as a whole, the order of its keys included.",
                hint='Name each attribute by its path: {"seller.type": "ARTISAN", "seller.tier": "GOLD"}.',
                where={"path": node.at},
            )
        return
    if isinstance(node, Operation) and node.operator in MEMBERSHIPS and node.operand not in groups:
        near = get_close_matches(node.operand, groups, n=1)
        raise InvalidInputError(
            f"{node.at}: the policy has no group {node.operand}.",
            hint=f"Is {near[0]} meant?" if near else "List its values under `groups`.",
            where={"path": node.at},
        )
    for part in (node.test,) if isinstance(node, Attribute) else node.parts:
        _check_node(part, groups)


def _has_wide_object(value: Any) -> bool:
    if isinstance(value, Mapping):
        return len(value) > 1 or any(map(_has_wide_object, value.values()))
    return isinstance(value, list) and any(map(_has_wide_object, value))


def _check_keys(document: PolicyDocument) -> None:
    first: dict[str, int] = {}
    for number, rule in enumerate(document.rules):
        earlier = first.setdefault(rule.key, number)
        if earlier != number:
            raise InvalidInputError(
                f"rules[{number}].key: rules[{earlier}] is called {rule.key} too.",
                hint="A key names one rule of a policy.",
                where={"path": f"rules[{number}].key", "paths": [f"rules[{earlier}].key", f"rules[{number}].key"]},
            )  # fmt: skip


def _check_validity(rule: RuleDocument, path: str) -> None:
    if rule.start_time is not None and rule.end_time is not None and rule.start_time >= rule.end_time:
        raise InvalidInputError(
            f"{path}.end_time: the rule {rule.key} ends at {rule.end_time.isoformat()}, and begins at {rule.start_time.isoformat()}.",
            hint="The end is not part of the time in force, so it must be later than the start.",
            where={"path": f"{path}.end_time"},
        )
    check_scopes(rule.scopes, f"{path}.scopes")
    if not windows(rule.scopes, rule.start_time, rule.end_time):
        raise InvalidInputError(
            f"{path}.scopes.DATE_RANGE: {rule.key} is never in force: its dates and these ranges do not meet.",
            where={"path": f"{path}.scopes.DATE_RANGE"},
        )


def _check_contradictions(document: PolicyDocument) -> None:
    """Opposite effects of equal priority are settled (DENY wins), but where nothing else differs it is no rule: it is an error."""
    first: dict[str, int] = {}
    for number, rule in enumerate(document.rules):
        if not rule.active or rule.effect.result is None:
            continue
        earlier = first.setdefault(_ground(rule), number)
        other = document.rules[earlier]
        if other.effect.result != rule.effect.result:
            raise InvalidInputError(
                f"rules[{number}] ({rule.key}: {rule.effect.result}) contradicts rules[{earlier}] "
                f"({other.key}: {other.effect.result}): condition, scopes, priority and dates are the same.",
                hint="Delete one of them, or give them different priorities.",
                where={"path": f"rules[{number}]", "paths": [f"rules[{earlier}]", f"rules[{number}]"]},
            )


def _ground(rule: RuleDocument) -> str:
    """All that says when a rule holds and how strongly, in one form."""
    scopes = {dimension: values for dimension, values in rule.scopes.items() if dimension != GLOBAL}
    ground = [rule.condition, scopes, rule.priority, rule.start_time, rule.end_time]
    return json.dumps(_plain(ground), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    """The value with equality written in one way: `{"region": {"$eq": "US"}}` as `{"region": "US"}`."""
    if isinstance(value, Mapping):
        if set(value) == {"$eq"} and not isinstance(value["$eq"], Mapping):
            return value["$eq"]
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return value
