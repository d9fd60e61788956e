"""Why a decision is what it is, in sentences."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.evaluating import Policy
from entrepot.marketplace.policies.explaining import explain, lines
from entrepot.marketplace.policies.kind import KIND

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def policy(*rules: dict[str, Any], **more: Any) -> Policy:
    """A policy of rules named by their letters."""
    named = [{"key": chr(ord("a") + number), **rule} for number, rule in enumerate(rules)]
    return Policy.compile({"key": "P", "name": "P", "rules": named}, **more)


def why(decided: Policy, context: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Of each rule what it was and why."""
    return {one.rule: (one.contribution, one.why) for one in explain(decided.evaluate(context, NOON))}


def test_each_rule_says_why_it_is_what_it_is() -> None:
    found = why(
        policy(
            {"effect": "DENY", "priority": 9},
            {"effect": "ALLOW", "priority": 8},
            {"effect": "SUPPRESS", "priority": 7},
            {"effect": "ALLOW", "active": False},
            {"effect": "ALLOW", "condition": {"x": 1}},
            {"effect": "ALLOW", "start_time": date(2026, 11, 22), "end_time": "2026-12-01T00:00:30Z"},
            {"effect": "ALLOW", "scopes": {"DATE_RANGE": "2026-11-27/.."}},
        ),
        {},
    )
    assert found == {
        "a": ("DECISIVE", "it matches, and no matching rule comes before it."),
        "b": ("OVERRIDDEN", "it matches, and a comes before it."),
        "c": ("OVERRIDDEN", "it matches, and only obliges."),
        "d": ("IRRELEVANT", "it is inactive."),
        "e": ("IRRELEVANT", "its condition is not met."),
        "f": (
            "IRRELEVANT",
            "it is not in force at 2026-11-21 12:00 UTC, but from 2026-11-22 00:00 UTC until 2026-12-01 00:00:30 UTC.",
        ),
        "g": ("IRRELEVANT", "it is not in force at 2026-11-21 12:00 UTC, but from 2026-11-27."),
    }


def test_of_a_suspended_policy_no_rule_is_asked() -> None:
    found = why(policy({"effect": "ALLOW"}, suspended=True), {})
    assert found == {"a": ("IRRELEVANT", "the policy was suspended.")}


@pytest.mark.parametrize("told", [0, 2])
def test_of_many_rules_that_do_not_match_some_are_told_of_and_the_others_counted(told: int) -> None:
    decided = policy(*({"effect": "ALLOW", "condition": {"x": number}} for number in range(5)))
    said = lines(decided.evaluate({"x": 4}), irrelevant=told)
    assert said[0] == "ALLOW by the rule e: The rule e says so."
    assert sum(" is irrelevant: " in line for line in said) == told
    assert sum(" is decisive: " in line for line in said) == 1
    assert said[-1] == f"… and {4 - told:,} more that did not match."


def test_the_example_is_in_the_scopes_of_the_first_rule() -> None:
    document = PolicyDocument.read(
        {
            "key": "P",
            "name": "P",
            "rules": [
                {
                    "key": "a",
                    "effect": "ALLOW",
                    "scopes": {"REGION": ["EU"], "GLOBAL": "ALL"},
                    "condition": {"seller.tier": "GOLD", "region.name": "x"},
                }
            ],
        }
    )
    assert KIND.example(document) == {"region": "EU", "seller": {"tier": "GOLD"}}
