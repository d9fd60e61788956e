"""What cannot be a policy is refused before it is stored, with the path."""

from typing import Any

import pytest

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.policies.checking import check
from entrepot.marketplace.policies.documents import EXAMPLE, PolicyDocument

ALLOW = {"result": "ALLOW"}
DENY = {"result": "DENY"}


def refused(*rules: dict[str, Any], **more: Any) -> InvalidInputError:
    """How a policy of these rules is refused."""
    numbered = [{"key": f"r{number}", "effect": ALLOW, **rule} for number, rule in enumerate(rules)]
    with pytest.raises(InvalidInputError) as caught:
        check(PolicyDocument.read({"key": "P", "name": "P", "rules": numbered, **more}))
    return caught.value


def accepted(*rules: dict[str, Any], **more: Any) -> None:
    """Check a policy of these rules."""
    numbered = [{"key": f"r{number}", "effect": ALLOW, **rule} for number, rule in enumerate(rules)]
    check(PolicyDocument.read({"key": "P", "name": "P", "rules": numbered, **more}))


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("rules[0].priorty", {"priorty": 3}),
        ("rules[0].priority", {"priority": "high"}),
        ("rules[0].priority", {"priority": True}),
        ("rules[0].active", {"active": "maybe"}),
        ("rules[0].condition", {"condition": ["region", "US"]}),
        ("rules[0].condition.price.$gtt", {"condition": {"price": {"$gtt": 5}}}),
        ("rules[0].condition.price.$gt", {"condition": {"price": {"$gt": [1]}}}),
        ("rules[0].scopes.PLANET", {"scopes": {"PLANET": ["EARTH"]}}),
        ("rules[0].scopes.REGION", {"scopes": {"REGION": []}}),
        ("rules[0].scopes.GLOBAL", {"scopes": {"GLOBAL": ["EU"]}}),
        ("rules[0].scopes.DATE_RANGE[0]", {"scopes": {"DATE_RANGE": ["christmas"]}}),
        ("rules[0].scopes.DATE_RANGE[0]", {"scopes": {"DATE_RANGE": ["2026-12-01/2026-12-01"]}}),
        ("rules[0].scopes.DATE_RANGE", {"scopes": {"DATE_RANGE": ["2026-12-01/2026-12-02"]}, "end_time": "2026-11-01T00:00:00Z"}),
        ("rules[0].start_time", {"start_time": "2026-11-21T12:00:00"}),
        ("rules[0].end_time", {"start_time": "2026-11-21T12:00:00Z", "end_time": "2026-11-21T12:00:00Z"}),
        ("rules[0].end_time", {"start_time": "2026-11-21T12:00:00Z", "end_time": "2026-11-21T12:59:00+01:00"}),
        ("rules[0].effect", {"effect": {"result": "PERMIT"}}),
        ("rules[0].effect", {"effect": {"reason": "nothing else"}}),
        ("rules[0].effect", {"effect": {"result": "DENY", "decision": "DENY"}}),
        ("rules[0].effect.amount", {"effect": {"result": "DENY", "amount": 5}}),
        ("rules[0].effect.obligations[0].unit", {"effect": {"decision": "LIMIT", "limit_value": 5}}),
        ("rules[0].effect.obligations[0].days", {"effect": {"decision": "EXTEND_WINDOW", "days": 0}}),
        ("rules[0].effect.obligations[0].queu", {"effect": {"decision": "MANUAL_REVIEW", "queu": "fraud"}}),
        ("rules[0].effect.obligations[1]", {"effect": {"obligations": [{"type": "SUPPRESS"}, {"type": "DANCE"}]}}),
        ("rules[0].effect.obligations", {"effect": {"obligations": [{"type": "SUPPRESS"}, {"type": "SUPPRESS"}]}}),
        ("rules[0].key", {"key": "with spaces"}),
        ("rules[0].name", {"name": "NUL\0"}),
        ("rules[0].condition", {"condition": {"NUL\0": 1}}),
        ("rules[0].condition.seller.$in[1]", {"condition": {"seller": {"$in": ["a", "NUL\0"]}}}),
        ("rules[0].condition.seller", {"condition": {"seller": {"a": {"b": 1, "c": 2}}}}),
        ("rules[0].condition.seller", {"condition": {"seller": {"a": [{"b": 1, "c": 2}]}}}),
        ("rules[0].condition.seller.$not.$inGroup", {"condition": {"seller": {"$not": {"$inGroup": "trused"}}}}),
        ("rules[0].scopes.DATE_RANGE[0]", {"scopes": {"DATE_RANGE": ["2026-12-02/2026-12-01"]}}),
        ("rules[0].condition.seller.$inGroup", {"condition": {"seller": {"$inGroup": "trused"}}}),
        ("rules[0].condition.$or[0].seller", {"condition": {"$or": [{"seller": {"a": 1, "b": 2}}]}}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_named_by_its_path(path: str, rule: dict[str, Any]) -> None:
    error = refused(rule, groups={"trusted": ["s1"]})
    assert error.where["path"] == path
    assert path in str(error)


@pytest.mark.parametrize(
    ("word", "rule", "more"),
    [
        ("REGION", {"scopes": {"REGIO": ["EU"]}}, {}),
        ("trusted", {"condition": {"seller": {"$inGroup": "trused"}}}, {"groups": {"trusted": ["s1"]}}),
        ("MANUAL_REVIEW", {"effect": {"decision": "MANUAL_REVEIW"}}, {}),
        (
            "device_type",
            {"condition": {"device_typ": "mobile"}},
            {"context_schema": {"device_type": "string"}},
        ),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    word: str, rule: dict[str, Any], more: dict[str, Any]
) -> None:
    assert word in str(refused(rule, **more))


def test_scopes_are_held_to_the_schema_too() -> None:
    error = refused({"scopes": {"DEVICE": ["mobile"]}}, context_schema={"device_type": "string"})
    assert error.where["path"].startswith("rules[0].scopes.DEVICE")


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("key", {"key": ""}),
        ("default_effect", {"default_effect": "PERMIT"}),
        ("colour", {"colour": "red"}),
        ("context_schema.price", {"context_schema": {"price": "numbr"}}),
        ("name", {"name": None}),
    ],
)
def test_what_is_wrong_with_a_policy_is_named_by_its_path(path: str, more: dict[str, Any]) -> None:
    assert refused(**more).where["path"] == path


def test_a_policy_is_an_object() -> None:
    with pytest.raises(InvalidInputError, match="no object"):
        PolicyDocument.read(["key", "P"])


def test_two_rules_of_one_key_are_refused() -> None:
    error = refused({"key": "same", "condition": {"a": 1}}, {"key": "same", "condition": {"a": 2}})
    assert error.where == {"path": "rules[1].key", "paths": ["rules[0].key", "rules[1].key"]}


SAME = {"condition": {"a": 1, "b": {"$gt": 2}}, "scopes": {"REGION": ["EU", "UK"]}, "priority": 4}


@pytest.mark.parametrize(
    "other",
    [
        SAME,
        {**SAME, "condition": {"b": {"$gt": 2}, "a": {"$eq": 1}}},
        {**SAME, "scopes": {"REGION": ["UK", "EU", "UK"]}},
        {**SAME, "scopes": {"REGION": ["UK", "EU"], "GLOBAL": "ALL"}},
    ],
)
def test_opposite_effects_of_the_same_are_a_contradiction(other: dict[str, Any]) -> None:
    error = refused({**SAME, "effect": ALLOW}, {}, {**other, "effect": DENY})
    assert error.where["paths"] == ["rules[0]", "rules[2]"]
    assert "contradicts" in str(error)


@pytest.mark.parametrize(
    "other",
    [
        {**SAME, "priority": 5, "effect": DENY},
        {**SAME, "scopes": {"REGION": ["EU"]}, "effect": DENY},
        {**SAME, "condition": {"a": 1}, "effect": DENY},
        {**SAME, "condition": {"a": True, "b": {"$gt": 2}}, "effect": DENY},
        {**SAME, "start_time": "2026-01-01T00:00:00Z", "effect": DENY},
        {**SAME, "active": False, "effect": DENY},
        {**SAME, "effect": ALLOW},
        {**SAME, "effect": {"decision": "SUPPRESS"}},
    ],
)
def test_whatever_differs_makes_it_no_contradiction(other: dict[str, Any]) -> None:
    accepted({**SAME, "effect": ALLOW}, other)


def test_both_dialects_have_one_form() -> None:
    one, other, third = (
        PolicyDocument.read({"key": "P", "name": "P", "rules": [{"key": "a", "effect": effect}]})
        for effect in (
            {"result": "DENY", "reason": "X"},
            {"decision": "DENY", "reason_code": "X"},
            {"result": "DENY", "reason": "X", "obligations": []},
        )
    )
    assert one == other == third
    inline = {"decision": "SOFT_BLOCK", "reason_code": "ADULT_CONTENT", "action": "HIDE_FROM_SEARCH"}
    rule = PolicyDocument.read({"key": "P", "name": "P", "rules": [{"key": "a", "effect": inline}]}).rules[0]
    assert rule.effect.stored() == {
        "reason": "ADULT_CONTENT",
        "obligations": [{"type": "SOFT_BLOCK", "action": "HIDE_FROM_SEARCH"}],
    }


def test_what_is_written_reads_back_equal() -> None:
    document = PolicyDocument.read(EXAMPLE)
    written = document.model_dump(mode="json", exclude_defaults=True)
    assert PolicyDocument.read(written) == document
    assert PolicyDocument.read(document.model_dump(mode="json")) == document
