"""What decides, what is owed, and what is said about it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from entrepot.kit.clock import clock
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.policies.documents import EXAMPLE
from entrepot.marketplace.policies.evaluating import Policy, PolicySet

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def policy(*rules: dict[str, Any], default: str = "DENY", **more: Any) -> Policy:
    """A policy of rules whose keys are their letters where they have none."""
    numbered = [{"key": chr(ord("a") + number), **rule} for number, rule in enumerate(rules)]
    return Policy.compile({"key": "P", "name": "P", "default_effect": default, "rules": numbered, **more})


def rule(result: str | None = "ALLOW", priority: int = 0, **more: Any) -> dict[str, Any]:
    """A rule that always matches."""
    effect = {"result": result} if result else {"obligations": [{"type": "SUPPRESS"}]}
    return {"effect": effect, "priority": priority, **more}


def test_the_default_holds_where_nothing_decides() -> None:
    assert policy().evaluate({}).effect == "DENY"
    decision = policy(rule(condition={"region": "EU"}), default="ALLOW").evaluate({"region": "US"})
    assert (decision.effect, decision.decisive, decision.allowed) == ("ALLOW", None, True)
    assert decision.reason == "No rule of P decides; its default effect holds."


@pytest.mark.parametrize(
    ("rules", "decisive"),
    [
        ([rule("DENY", 1), rule("ALLOW", 2)], "b"),
        ([rule("ALLOW", 5), rule("DENY", 5)], "b"),
        ([rule("ALLOW"), rule("ALLOW", scopes={"REGION": "EU"})], "b"),
        ([rule("ALLOW", scopes={"REGION": "EU"}), rule("ALLOW", scopes={"REGION": "EU", "CATEGORY": "TOYS"})], "b"),
        ([rule("ALLOW", scopes={"GLOBAL": "ALL"}), rule("ALLOW", scopes={"REGION": "EU"})], "b"),
        ([rule("ALLOW", scopes={"GLOBAL": "ALL", "REGION": "EU"}), rule("ALLOW", scopes={"REGION": "EU"})], "a"),
        ([rule("ALLOW", key="z"), rule("ALLOW", key="y")], "y"),
        ([rule(None, 9), rule("ALLOW", 1)], "b"),
        ([rule("DENY", -3), rule("ALLOW", -4)], "a"),
    ],
)  # fmt: skip
def test_what_decides(rules: list[dict[str, Any]], decisive: str) -> None:
    context = {"region": "EU", "category": "TOYS"}
    assert policy(*rules).evaluate(context).decisive == decisive
    assert (
        policy(*({"key": chr(97 + n), **one} for n, one in enumerate(rules))).evaluate(context).decisive
        == decisive
    )


def test_a_rule_without_a_result_decides_nothing() -> None:
    decision = policy(rule(None, 100), default="ALLOW").evaluate({})
    assert decision.effect == "ALLOW"
    assert decision.decisive is None
    assert [owed.type for owed in decision.obligations] == ["SUPPRESS"]


def test_obligations_of_all_matching_rules_in_the_order_of_precedence() -> None:
    decided = policy(
        {"effect": {"decision": "MANUAL_REVIEW", "queue": "fraud", "reason_code": "RISK"}, "priority": 1},
        {"effect": {"result": "DENY", "reason": "NO", "obligations": [{"type": "PROBATION", "disbursement_hold": True}]}, "priority": 7},
        {"effect": {"result": "LIMIT", "limit_value": 10, "unit": "UNITS"}, "priority": 3, "condition": {"a": 1}},
        {"effect": {"decision": "APPLY_SURCHARGE", "amount": 5.1}, "condition": {"a": 2}},
    ).evaluate({"a": 1})  # fmt: skip
    assert [owed.as_dict() for owed in decided.obligations] == [
        {"type": "PROBATION", "disbursement_hold": True, "rule": "b", "reason": "NO"},
        {"type": "LIMIT", "limit_value": 10, "unit": "UNITS", "rule": "c", "reason": None},
        {"type": "MANUAL_REVIEW", "queue": "fraud", "rule": "a", "reason": "RISK"},
    ]
    assert decided.reason == "NO"


def test_each_rule_is_decisive_overridden_or_irrelevant() -> None:
    decision = policy(
        rule("ALLOW", 1), rule("DENY", 2), rule("DENY", 3, condition={"a": 1}), rule(None, 4)
    ).evaluate({})
    said = {one.rule: (one.order, one.matched, one.contribution) for one in decision.evaluations(every=True)}
    assert said == {
        "d": (1, True, "OVERRIDDEN"),
        "c": (2, False, "IRRELEVANT"),
        "b": (3, True, "DECISIVE"),
        "a": (4, True, "OVERRIDDEN"),
        None: (5, True, "OVERRIDDEN"),
    }
    assert decision.irrelevant == 1
    assert [one.rule for one in decision.evaluations()] == ["d", "b", "a", None]
    assert policy().evaluate({}).evaluations()[0].contribution == "DECISIVE"


def test_dates_hold_their_start_and_not_their_end() -> None:
    dated = policy(rule("ALLOW", start_time=NOON, end_time=NOON + timedelta(hours=1)))
    second = timedelta(microseconds=1)
    moments = [NOON - second, NOON, NOON + timedelta(hours=1) - second, NOON + timedelta(hours=1)]
    assert [dated.evaluate({}, at).effect for at in moments] == ["DENY", "ALLOW", "ALLOW", "DENY"]
    with clock(NOON):
        assert dated.evaluate({}).effect == "ALLOW"
    assert dated.evaluate({}, NOON).at == NOON


def test_an_inactive_rule_takes_no_part() -> None:
    assert policy(rule("ALLOW", active=False)).evaluate({}).effect == "DENY"


def test_scopes_mean_all_dimensions_and_any_value() -> None:
    scoped = policy(rule(scopes={"REGION": ["EU", "UK"], "SELLER_TYPE": "ARTISAN"}))
    allowed = [
        scoped.evaluate(context).allowed
        for context in (
            {"region": "UK", "seller_type": "ARTISAN"},
            {"region": ["US", "EU"], "seller_type": "ARTISAN"},
            {"region": "UK"},
            {"region": "US", "seller_type": "ARTISAN"},
            {"seller_type": "ARTISAN"},
        )
    ]
    assert allowed == [True, True, False, False, False]


def test_a_scope_and_a_condition_on_the_same_attribute_must_both_hold() -> None:
    both = policy(rule(condition={"region": {"$ne": "UK"}}, scopes={"REGION": ["EU", "UK"]}))
    assert [both.evaluate({"region": region}).allowed for region in ("EU", "UK", "US")] == [
        True,
        False,
        False,
    ]


def test_date_ranges_cut_the_dates_of_a_rule() -> None:
    ranged = policy(
        rule(scopes={"DATE_RANGE": ["2026-11-27/2026-12-01", "2026-12-24/.."]}, start_time=datetime(2026, 11, 28, tzinfo=UTC))
    )  # fmt: skip
    days = [datetime(2026, 11, 27, tzinfo=UTC) + timedelta(days=n) for n in (0, 1, 3, 4, 27)]
    assert [ranged.evaluate({}, day).allowed for day in days] == [False, True, True, False, True]


def test_groups_are_those_of_the_document_unless_others_are_given() -> None:
    grouped = policy(rule(condition={"seller": {"$inGroup": "trusted"}}), groups={"trusted": ["s1", "s2"]})
    assert grouped.evaluate({"seller": "s1"}).allowed
    assert not grouped.evaluate({"seller": "s3"}).allowed
    assert grouped.evaluate({"seller": "s3"}, groups={"trusted": {"s3"}}).allowed


def test_a_suspended_policy_answers_with_its_default_and_says_so() -> None:
    suspended = Policy.compile({"key": "P", "name": "P", "rules": [{"key": "a", **rule()}]}, suspended=True)
    decision = suspended.evaluate({})
    assert (decision.effect, decision.decisive) == ("DENY", None)
    assert decision.reason == "P is suspended; its default effect holds."


@pytest.mark.parametrize("context", [None, [], "EU", 7])
def test_a_context_that_is_no_object_is_refused(context: Any) -> None:
    with pytest.raises(InvalidInputError, match="no object") as refused:
        policy().evaluate(context)
    assert "path" in refused.value.where


def test_a_context_that_the_schema_refuses_is_refused_with_its_path() -> None:
    with pytest.raises(InvalidInputError) as refused:
        Policy.compile(EXAMPLE).evaluate({"region": "EU", "price": "many"})
    assert refused.value.where["path"].endswith("price")


def test_the_example_decides() -> None:
    example = Policy.compile(EXAMPLE)
    assert example.evaluate({"hazmat_class": "EXPLOSIVE"}).reason == "HAZMAT_RESTRICTION"
    refused = example.evaluate(
        {"category": "ELECTRONICS", "region": "UK", "has_ce_mark": False, "price": 9000}
    )
    assert (refused.effect, refused.decisive) == ("DENY", "ce-mark")
    assert [owed.parameters for owed in refused.obligations] == [{"queue": "catalog-review"}]


def test_a_set_knows_its_policies_by_their_keys() -> None:
    policies = PolicySet.compile([EXAMPLE, {"key": "P", "name": "P", "default_effect": "ALLOW"}])
    assert len(policies) == 2
    assert "P" in policies
    assert policies.evaluate("P", {}).allowed
    with pytest.raises(NotFoundError, match="no published policy Q"):
        policies.evaluate("Q", {})


def test_a_decision_as_json() -> None:
    decision = policy(rule("DENY")).evaluate({}, NOON)
    assert decision.as_dict() == {
        "id": None,
        "policy": "P",
        "version": None,
        "effect": "DENY",
        "rule": "a",
        "reason": "The rule a says so.",
        "obligations": [],
        "evaluated_at": NOON,
    }
