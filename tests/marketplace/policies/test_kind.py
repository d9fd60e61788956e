"""Policies in the rulebook: what is written comes back, what is published stays, and only the own platform sees it."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.marketplace.policies.conftest import RETURNS, Publish, publish_on, step_on

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.policies.documents import EXAMPLE, PolicyDocument
from entrepot.marketplace.policies.kind import KIND
from entrepot.marketplace.policies.reading import read_version
from entrepot.marketplace.rulebook.authoring import find_version, parse_document, save_draft

FULL: dict[str, Any] = {
    **EXAMPLE,
    "groups": {"trusted": ["s1", 7, 2.5, True]},
    "rules": [
        *EXAMPLE["rules"],
        {
            "key": "everything",
            "name": "Everything that a rule can have",
            "description": "Two dimensions, dates, obligations of all kinds of numbers.",
            "condition": {"$or": [{"price": {"$gt": 1.5}}, {"region": {"$in": ["EU", "UK"]}}, {"category": None}]},
            "scopes": {"REGION": ["UK", "EU"], "DATE_RANGE": ["2026-11-27/2026-12-01"], "GLOBAL": ["ALL"]},
            "effect": {
                "result": "ALLOW",
                "obligations": [
                    {"type": "LIMIT", "limit_value": 10, "unit": "UNITS"},
                    {"type": "APPLY_SURCHARGE", "amount": "4.9900", "currency": "EUR"},
                    {"type": "APPLY_TAX", "rate": "0.19"},
                ],
            },
            "priority": -5,
            "active": False,
            "start_time": "2026-11-01T00:00:00Z",
            "end_time": "2027-01-01T00:00:00.000001Z",
        },
    ],
}  # fmt: skip


@pytest.mark.parametrize("document", [RETURNS, EXAMPLE, FULL, {"key": "EMPTY", "name": "Empty"}])
async def test_what_is_written_comes_back_equal(
    db: Database, platform: UUID, document: dict[str, Any]
) -> None:
    parsed = parse_document(KIND, document)
    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, KIND, platform, parsed, user_id=None)
    async with db.tenant(platform_id=platform) as session:
        version, found = await find_version(session, KIND, platform, document["key"])
        stored = await read_version(session, version.definition_id)
    assert found == parsed
    assert stored.document == parsed
    assert set(stored.rule_ids) == {rule["key"] for rule in document.get("rules", ())}
    assert stored.compiled().rules == () or stored.compiled().rules[0].id in stored.rule_ids.values()


async def test_a_version_that_decides_cannot_be_changed(
    db: Database, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    changes = [
        "UPDATE marketplace.hm_policy_definition SET default_effect = 'ALLOW'",
        "UPDATE marketplace.hm_policy_definition SET state = 'DRAFT'",
        "DELETE FROM marketplace.hm_policy_definition",
        "UPDATE marketplace.hm_policy_rule SET priority = 99",
        'UPDATE marketplace.hm_policy_rule SET effect_json = \'{"result": "ALLOW"}\'',
        "DELETE FROM marketplace.hm_policy_rule",
        "UPDATE marketplace.hm_policy_scope SET scope_value = 'US' WHERE scope_value = 'EU'",
        "DELETE FROM marketplace.hm_policy_scope",
        """INSERT INTO marketplace.hm_policy_scope (platform_id, rule_id, scope_dimension, scope_value)
           SELECT platform_id, id, 'BRAND', 'NIKE' FROM marketplace.hm_policy_rule LIMIT 1""",
        """INSERT INTO marketplace.hm_policy_rule (platform_id, policy_definition_id, rule_key, condition_json, effect_json,
               position, evaluation_order)
           SELECT platform_id, id, 'more', '{}', '{"result": "ALLOW"}', 9, 9 FROM marketplace.hm_policy_definition""",
    ]
    for change in changes:
        with pytest.raises(DBAPIError, match=r"only a draft|no step leads"):
            async with db.tenant(platform_id=platform) as session:
                await session.execute(text(change))
    async with db.tenant(platform_id=platform) as session:
        _, found = await find_version(session, KIND, platform, "RETURN")
    assert found == PolicyDocument.read(RETURNS)


async def test_a_draft_can_be_changed_and_decides_nothing(
    db: Database, engines: Engines, platform: UUID
) -> None:
    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, KIND, platform, parse_document(KIND, RETURNS), user_id=None)
        await session.execute(text("UPDATE marketplace.hm_policy_rule SET priority = 99"))
    with pytest.raises(NotFoundError, match="no published policy RETURN"):
        await engines.policies.evaluate(platform, "RETURN", {})


async def test_decisions_and_their_log_are_written_once_and_never_changed(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    await engines.policies.evaluate(platform, "RETURN", {"days": 1})
    await engines.policies.recorder.writer.flush()
    for table in ("hm_policy_decision", "hm_policy_rule_evaluation"):
        for change in (
            f"DELETE FROM marketplace.{table}",
            f"UPDATE marketplace.{table} SET decision_time = now()",
        ):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with db.tenant(platform_id=platform) as session:
                    await session.execute(text(change))


async def test_each_platform_has_policies_of_its_own(
    db: Database, engines: Engines, platform: UUID, other_platform: UUID
) -> None:
    await publish_on(db, platform, RETURNS)
    await publish_on(db, other_platform, {**RETURNS, "rules": [], "default_effect": "ALLOW"})
    assert not (await engines.policies.evaluate(platform, "RETURN", {"final_sale": True})).allowed
    assert (await engines.policies.evaluate(other_platform, "RETURN", {"days": 50})).allowed
    await engines.policies.recorder.writer.flush()
    tables = (
        "hm_policy_definition",
        "hm_policy_rule",
        "hm_policy_scope",
        "hm_policy_decision",
        "hm_policy_rule_evaluation",
        "hm_policy_evaluation_log",
    )
    for tenant, counts in ((platform, [1, 3, 2, 1, 1, 4]), (other_platform, [1, 0, 0, 1, 0, 1])):
        async with db.tenant(platform_id=tenant) as session:
            seen = [
                (
                    await session.execute(
                        text(f"SELECT count(*), min(platform_id::text) FROM marketplace.{table}")
                    )
                ).one()
                for table in tables
            ]
        assert [count for count, _ in seen] == counts
        assert {owner for _, owner in seen} <= {str(tenant), None}


async def test_a_row_for_another_platform_is_refused(
    db: Database, platform: UUID, other_platform: UUID, publish_policy: Publish
) -> None:
    version = await publish_policy(RETURNS)
    insert = text(
        """
        INSERT INTO marketplace.hm_policy_decision (platform_id, policy_key, policy_definition_id, policy_version,
            input_context_hash, input_context_json, final_decision, decision_reason, irrelevant_rules, evaluated_at)
        VALUES (:platform, 'RETURN', :definition, 1, '', '{}', 'ALLOW', '', 0, now())
        """
    )
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.tenant(platform_id=other_platform) as session:
            await session.execute(insert, {"platform": platform, "definition": version.definition_id})
    with pytest.raises(DBAPIError, match="foreign key"):
        async with db.tenant(platform_id=other_platform) as session:
            await session.execute(insert, {"platform": other_platform, "definition": version.definition_id})


async def test_a_suspended_policy_answers_with_its_default(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    await step_on(db, platform, "RETURN", "suspend")
    decision = await engines.policies.evaluate(platform, "RETURN", {"days": 1})
    assert (decision.effect, decision.decisive) == ("DENY", None)
    assert "suspended" in decision.reason
    await step_on(db, platform, "RETURN", "resume")
    async with Engines.opened(db) as fresh:
        assert (await fresh.policies.evaluate(platform, "RETURN", {"days": 1})).allowed


async def test_a_version_that_did_not_change_is_not_compiled_again(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    before = (await engines.policies.policies(platform))["RETURN"]
    await publish_policy(EXAMPLE)
    async with db.tenant(platform_id=platform) as session:
        after = await engines.policies._load(session, platform)
    assert len(after) == 2
    assert after["RETURN"] is before


async def test_a_document_is_refused_with_the_path_before_anything_is_stored(
    db: Database, platform: UUID
) -> None:
    broken = {
        **RETURNS,
        "rules": [*RETURNS["rules"], {**RETURNS["rules"][0], "key": "again", "effect": {"result": "DENY"}}],
    }
    with pytest.raises(InvalidInputError) as refused:
        parse_document(KIND, broken, "policies[2]")
    assert refused.value.where["path"] == "policies[2].rules[3]"


async def test_a_document_is_tried_without_being_saved(db: Database, platform: UUID) -> None:
    document = PolicyDocument.read(EXAMPLE)
    example = KIND.example(document)
    async with db.tenant(platform_id=platform) as session:
        trial = await KIND.attempt(session, platform, document, example)
        stored = await session.execute(text("SELECT count(*) FROM marketplace.hm_policy_definition"))
    assert trial.answer["effect"] == "DENY"
    assert trial.answer["rule"] == "hazardous"
    assert trial.lines[0] == "DENY by the rule hazardous: HAZMAT_RESTRICTION"
    assert stored.scalar_one() == 0


async def test_the_last_decisions_are_shown(
    engines: Engines, db: Database, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    for days in (1, 2, 40):
        await engines.policies.evaluate(platform, "RETURN", {"days": days}, service="returns")
    await engines.policies.recorder.writer.flush()
    async with db.tenant(platform_id=platform) as session:
        recent = await KIND.recent(session, platform, "RETURN", 2)
    assert [one.detail["context"] for one in recent] == [{"days": 40}, {"days": 2}]
    assert recent[1].summary == "ALLOW: IN_TIME"
    assert recent[0].subject == "returns"


def test_a_policy_in_words() -> None:
    said = KIND.words(PolicyDocument.read(FULL))
    assert said[0] == "Product compliance and safety: ALLOW unless a rule says otherwise."
    assert said[1].startswith("Priority 300, hazardous: DENY (HAZMAT_RESTRICTION) if hazmat class is")
    assert "manual review (queue catalog-review) (HIGH_VALUE)" in said[3]
    assert "from 2026-01-01 00:00 UTC" in said[3]
    assert said[4].endswith("; inactive.")
    assert len(said) == 5
