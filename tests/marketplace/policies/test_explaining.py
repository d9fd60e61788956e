"""Why a decision is what it is, in sentences."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.evaluating import Policy
from entrepot.marketplace.policies.explaining import explain, lines, words
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


MIXED: dict[str, Any] = {
    "key": "P",
    "name": "Products",
    "default_effect": "ALLOW",
    "groups": {"trusted": ["s1", "s2"]},
    "rules": [
        {
            "key": "gold",
            "condition": {"seller": {"$inGroup": "trusted"}},
            "effect": {"result": "ALLOW", "reason": "TRUSTED"},
            "priority": 5,
        },
        {
            "key": "dear",
            "condition": {"price": {"$gte": 100}},
            "effect": {"decision": "MANUAL_REVIEW", "queue": "catalog"},
            "priority": 9,
        },
        {"key": "off", "effect": "DENY", "active": False},
        {
            "key": "plain",
            "effect": {"result": "DENY", "obligations": [{"type": "SUPPRESS"}]},
            "priority": -1,
        },
        {
            "key": "sale",
            "condition": {"x": 1},
            "effect": "ALLOW",
            "start_time": "2026-11-22T00:00:00Z",
            "scopes": {"REGION": ["EU", "UK"]},
        },
    ],
}


def test_a_decision_in_sentences() -> None:
    decided = Policy.compile(MIXED)
    assert lines(decided.evaluate({"seller": "s1", "price": 150}, NOON)) == [
        "ALLOW by the rule gold: TRUSTED",
        "Owed: manual review (queue catalog) (dear).",
        "Owed: suppress (plain).",
        "1. dear is overridden: it matches, and only obliges.",
        "2. gold is decisive: it matches, and no matching rule comes before it.",
        "3. off is irrelevant: it is inactive.",
        "4. sale is irrelevant: it is not in force at 2026-11-21 12:00 UTC, but from 2026-11-22 00:00 UTC.",
        "5. plain is overridden: it matches, and gold comes before it.",
    ]
    few = Policy.compile({**MIXED, "rules": MIXED["rules"][:2]})
    assert lines(few.evaluate({"seller": "s9", "price": 5}, NOON)) == [
        "ALLOW by the default: No rule of P decides; its default effect holds.",
        "1. dear is irrelevant: its condition is not met.",
        "   ✗ price is at least 100 – it is 5",
        "2. gold is irrelevant: its condition is not met.",
        "   ✗ seller is in the group trusted – it is s9",
    ]


def test_what_a_rule_met_is_told_in_parts_by_the_groups_of_its_policy() -> None:
    one = Policy.compile({**MIXED, "rules": MIXED["rules"][:1]})
    [found] = explain(one.evaluate({"seller": "s1"}, NOON))
    assert found.condition is not None
    assert (found.condition.matched, found.as_dict()["condition"]["held"]) == (True, "s1")


def test_a_policy_in_sentences() -> None:
    assert words(PolicyDocument.read(MIXED)) == [
        "Products: ALLOW unless a rule says otherwise.",
        "Priority 9, dear: manual review (queue catalog) if price is at least 100.",
        "Priority 5, gold: ALLOW (TRUSTED) if seller is in the group trusted.",
        "Priority 0, off: DENY if always; inactive.",
        "Priority 0, sale: ALLOW if x is 1 and region is EU or UK, from 2026-11-22 00:00 UTC.",
        "Priority -1, plain: DENY and suppress if always.",
    ]
