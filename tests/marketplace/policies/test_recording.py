"""Every decision is in the database, whole, a moment after it was made."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from tests.conftest import add_platform
from tests.marketplace.policies.conftest import RETURNS, Publish, publish_on, step_on

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.errors import InvalidInputError, NotFoundError, UnavailableError
from entrepot.kit.identifiers import made_at
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.policies import queries
from entrepot.marketplace.policies.decisions import get_decision, list_decisions
from entrepot.marketplace.policies.pages import logged as page_log
from entrepot.marketplace.policies.recording import canonical, context_hash

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def rows(db: Database, platform: UUID, query: str, **values: Any) -> list[dict[str, Any]]:
    """What a query finds on a platform."""
    async with db.tenant(platform_id=platform) as session:
        return [dict(row) for row in (await session.execute(text(query), values)).mappings()]


async def logged(
    db: Database, platform: UUID, decision: UUID | None
) -> dict[str | None, tuple[int, bool, str]]:
    """Order, match and contribution of every rule that the log has of a decision."""
    query = """
        SELECT r.rule_key, e.evaluation_order, e.matched_boolean, e.contribution
        FROM marketplace.hm_policy_evaluation_log AS e
        LEFT JOIN marketplace.hm_policy_rule AS r ON r.id = e.rule_id
        WHERE e.decision_id = :decision ORDER BY e.evaluation_order
    """
    found = await rows(db, platform, query, decision=decision)
    return {
        one["rule_key"]: (one["evaluation_order"], one["matched_boolean"], one["contribution"])
        for one in found
    }


async def test_a_decision_is_recorded_with_all_that_it_was_made_of(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    version = await publish_policy(RETURNS)
    context = {
        "region": "EU",
        "days": 12,
        "final_sale": True,
        "buyer": {"name": "Zoë", "tags": [1, 2.5, None]},
    }
    decision = await engines.policies.evaluate(
        platform, "RETURN", context, trace_id="trace-1", service="returns"
    )
    context["region"] = "changed afterwards"
    await engines.policies.recorder.writer.flush()

    (row,) = await rows(db, platform, "SELECT * FROM marketplace.hm_policy_decision")
    asked = {**context, "region": "EU"}
    written = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert row["id"] == decision.id
    assert row["input_context_json"] == asked
    assert row["input_context_hash"] == hashlib.sha256(written).hexdigest() == context_hash(asked)
    assert (row["policy_key"], row["policy_definition_id"], row["policy_version"]) == (
        "RETURN",
        version.definition_id,
        1,
    )
    assert (row["final_decision"], row["decisive_rule_key"], row["decision_reason"]) == (
        "DENY",
        "final-sale",
        "FINAL_SALE",
    )
    assert row["obligations_json"] == [
        {"type": "EXTEND_WINDOW", "days": 14, "rule": "europe", "reason": "LAW"}
    ]
    assert (row["trace_id"], row["executing_service"], row["irrelevant_rules"]) == ("trace-1", "returns", 0)
    assert row["evaluated_at"] == decision.at
    assert decision.id is not None
    assert timedelta(0) <= row["decision_time"] - (made_at(decision.id) or NOON) < timedelta(milliseconds=1)
    assert await logged(db, platform, decision.id) == {
        "final-sale": (1, True, "DECISIVE"),
        "within-window": (2, True, "OVERRIDDEN"),
        "europe": (3, True, "OVERRIDDEN"),
        None: (4, True, "OVERRIDDEN"),
    }


async def test_the_log_tells_of_irrelevant_rules_and_of_the_default(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    decision = await engines.policies.evaluate(platform, "RETURN", {"days": 40})
    await engines.policies.recorder.writer.flush()
    assert await logged(db, platform, decision.id) == {
        "final-sale": (1, False, "IRRELEVANT"),
        "within-window": (2, False, "IRRELEVANT"),
        "europe": (3, False, "IRRELEVANT"),
        None: (4, True, "DECISIVE"),
    }
    outputs = await rows(
        db,
        platform,
        "SELECT rule_id, rule_output_json FROM marketplace.hm_policy_evaluation_log ORDER BY evaluation_order",
    )
    assert [one["rule_output_json"] for one in outputs] == [None, None, None, {"result": "DENY"}]
    (row,) = await rows(db, platform, "SELECT irrelevant_rules FROM marketplace.hm_policy_decision")
    assert row["irrelevant_rules"] == 3


async def test_of_every_rule_of_a_large_version_the_log_tells_and_little_is_stored(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    rules = [
        {"key": f"seller-{n}", "condition": {"seller": f"s{n}"}, "effect": {"result": "ALLOW"}}
        for n in range(150)
    ]
    dear = {"key": "dear", "condition": {"seller": "s7", "price": {"$gt": 100}}, "effect": {"result": "DENY"}}
    await publish_policy({"key": "LARGE", "name": "Large", "rules": [*rules, dear]})
    decision = await engines.policies.evaluate(platform, "LARGE", {"seller": "s7", "price": 5})
    await engines.policies.recorder.writer.flush()
    said = await logged(db, platform, decision.id)
    assert said == {
        one.rule: (one.order, one.matched, one.contribution) for one in decision.evaluations(every=True)
    }
    assert said["dear"] == (1, False, "IRRELEVANT")
    assert said["seller-7"][1:] == (True, "DECISIVE")
    assert said["seller-8"][1:] == (False, "IRRELEVANT")
    assert said[None] == (152, True, "OVERRIDDEN")
    (stored,) = await rows_of(db, platform)
    assert (stored["decision_id"], stored["contribution"]) == (decision.id, "DECISIVE")
    assert stored["rule_output_json"] == {"result": "ALLOW"}
    async with db.tenant(platform_id=platform) as session:
        found = await get_decision(session, platform, decision.id or UUID(int=0))
    assert found.row["irrelevant_rules"] == 150
    assert found.agrees
    assert [one["evaluation_order"] for one in found.evaluations] == [*range(1, 153)]
    told = {one.rule: one.contribution for one in found.rules}
    assert (told["dear"], told["seller-7"], len(told)) == ("IRRELEVANT", "DECISIVE", 51)
    shown = page_log(found)
    assert len(shown) == 52
    assert shown[0] == {
        "rule": "dear",
        "name": None,
        "contribution": "IRRELEVANT",
        "why": "its condition is not met.",
    }
    assert (shown[-1]["rule"], shown[-1]["why"]) == ("the default", "seller-7 comes before it.")


async def test_the_log_of_one_decision_is_read_by_indexes(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish, settings: Settings
) -> None:
    rules = [
        {"key": f"rule-{n}", "condition": {"n": n}, "effect": {"result": "ALLOW"}, "priority": n}
        for n in range(200)
    ]
    for key in ("FIRST", "SECOND", "THIRD"):
        await publish_policy({"key": key, "name": key, "rules": rules})
    for key in ("FIRST", "SECOND", "THIRD"):
        await engines.policies.evaluate_many(platform, [(key, {"n": n}) for n in range(300)])
    await engines.policies.recorder.writer.flush()
    (row,) = await rows(
        db,
        platform,
        "SELECT id, decision_time FROM marketplace.hm_policy_decision WHERE decisive_rule_key = 'rule-7' LIMIT 1",
    )
    with psycopg.connect(libpq_url(role_url(settings, "owner")), autocommit=True) as owner:
        owner.execute("ANALYZE marketplace.hm_policy_rule, marketplace.hm_policy_definition")
        owner.execute("ANALYZE marketplace.hm_policy_decision, marketplace.hm_policy_rule_evaluation")
    async with db.tenant(platform_id=platform) as session:
        # So little is read faster without an index: what counts is that each table has one that serves.
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        values = {"platform_id": platform, "id": row["id"], "decision_time": row["decision_time"]}
        plan = await session.execute(text(f"EXPLAIN (FORMAT JSON) {queries._EVALUATIONS.text}"), values)
        nodes = [*walk(plan.scalar_one()[0]["Plan"])]
    read = [node for node in nodes if "Relation Name" in node]
    asked = {
        (node["Relation Name"], node.get("Index Cond") or node.get("Recheck Cond") or "") for node in read
    }
    assert "Seq Scan" not in {node["Node Type"] for node in read}
    for table, column in (
        ("hm_policy_decision_2", "(id = "),
        ("hm_policy_rule_evaluation_2", "(decision_id = "),
        ("hm_policy_rule", "policy_definition_id = "),
    ):
        assert any(name.startswith(table) and column in condition for name, condition in asked), (
            table,
            asked,
        )
    # The partition of its month, and not every one.
    assert len({name for name, _ in asked if name.startswith("hm_policy_rule_evaluation")}) == 1


def walk(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from walk(below)


async def rows_of(db: Database, platform: UUID) -> list[dict[str, Any]]:
    """What is stored of the rules that decisions met."""
    return await rows(db, platform, "SELECT * FROM marketplace.hm_policy_rule_evaluation")


async def test_a_clean_stop_loses_nothing(db: Database, platform: UUID, publish_policy: Publish) -> None:
    await publish_policy(RETURNS)
    ids = set()
    async with Engines.opened(db) as engines:
        for number in range(2500):
            decision = await engines.policies.evaluate(platform, "RETURN", {"days": number % 60})
            ids.add(decision.id)
            if number % 500 == 0:
                await asyncio.sleep(0)
    stored = await rows(db, platform, "SELECT id FROM marketplace.hm_policy_decision")
    assert {row["id"] for row in stored} == ids
    assert len(ids) == 2500
    (log,) = await rows(db, platform, "SELECT count(*) AS count FROM marketplace.hm_policy_evaluation_log")
    assert log["count"] == 2500 * 4


async def test_a_batch_is_written_once_though_it_is_tried_twice(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    recorder = engines.policies.recorder
    decision = (await engines.policies.policies(platform))["RETURN"].evaluate({"days": 1})
    notes = [recorder.note(platform, decision)]
    await recorder._write(notes)
    await recorder._write(notes)
    assert len(await rows(db, platform, "SELECT 1 FROM marketplace.hm_policy_decision")) == 1
    assert len(await logged(db, platform, decision.id)) == 4


async def test_decisions_of_several_platforms_stay_apart(
    db: Database, engines: Engines, platform: UUID, other_platform: UUID
) -> None:
    for tenant in (platform, other_platform):
        await publish_on(db, tenant, RETURNS)
    ours = await engines.policies.evaluate(platform, "RETURN", {"days": 1})
    theirs = await engines.policies.evaluate(other_platform, "RETURN", {"days": 2})
    await engines.policies.recorder.writer.flush()
    for tenant, own, other in ((platform, ours, theirs), (other_platform, theirs, ours)):
        stored = await rows(db, tenant, "SELECT id FROM marketplace.hm_policy_decision")
        assert [row["id"] for row in stored] == [own.id]
        assert await logged(db, tenant, own.id)
        assert not await logged(db, tenant, other.id)
        async with db.tenant(platform_id=tenant) as session:
            assert (await get_decision(session, tenant, own.id or UUID(int=0))).row["id"] == own.id
            with pytest.raises(NotFoundError):
                await get_decision(session, tenant, other.id or UUID(int=0))


async def test_a_platform_that_goes_does_not_hold_up_the_others(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    leaving = await add_platform(db, "leaving")
    await publish_on(db, leaving, RETURNS)
    await engines.policies.evaluate(leaving, "RETURN", {"days": 1})
    staying = await engines.policies.evaluate(platform, "RETURN", {"days": 1})
    async with db.system() as session:
        await session.execute(text("DELETE FROM marketplace.hm_platform WHERE id = :id"), {"id": leaving})
    await engines.policies.recorder.writer.flush()
    stored = await rows(db, platform, "SELECT id FROM marketplace.hm_policy_decision")
    assert [row["id"] for row in stored] == [staying.id]


async def test_what_could_not_be_recorded_is_refused_when_it_is_asked(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    contexts: list[tuple[dict[Any, Any], str]] = [
        ({"note": "a\0b"}, "NUL"),
        ({"deep": [{"no\0te": 1}]}, "NUL"),
        ({"note": "\\\0"}, "NUL"),
        ({"note": "\ud800"}, "recorded"),
        ({"when": 2**64}, "recorded"),
        ({"when": {1: 2}}, "recorded"),
        ({"when": object()}, "recorded"),
        ({"when": NOON}, "recorded"),
        ({"price": float("nan"), "days": None}, "finite"),
        ({"prices": [1, {"old": float("inf")}]}, "finite"),
    ]
    for context, word in contexts:
        with pytest.raises(InvalidInputError, match=word) as refused:
            await engines.policies.evaluate(platform, "RETURN", context)
        assert refused.value.where["path"] == "context"
    kept = {"note": r"a\u0000b", "days": 1, "old": None}
    decision = await engines.policies.evaluate(platform, "RETURN", kept)
    await engines.policies.recorder.writer.flush()
    (row,) = await rows(db, platform, "SELECT id, input_context_json FROM marketplace.hm_policy_decision")
    assert (row["id"], row["input_context_json"]) == (decision.id, kept)


async def test_who_asks_and_the_trace_have_names_that_can_be_kept(
    engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    for name in ("", "s" * 101, "s\0"):
        with pytest.raises(InvalidInputError, match="service"):
            await engines.policies.evaluate(platform, "RETURN", {}, service=name)
        with pytest.raises(InvalidInputError, match="trace_id"):
            await engines.policies.evaluate(platform, "RETURN", {}, trace_id=name)


async def test_what_cannot_be_recorded_is_not_decided(
    engines: Engines, platform: UUID, publish_policy: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_policy(RETURNS)
    monkeypatch.setattr(engines.policies.recorder.writer, "_capacity", 0)
    with pytest.raises(UnavailableError, match="does not keep up"):
        await engines.policies.evaluate(platform, "RETURN", {})
    assert (await engines.policies.evaluate(platform, "RETURN", {}, record=False)).id is None


async def test_the_moment_asked_about_chooses_the_rules_and_is_kept(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    rule = {
        "key": "sale",
        "effect": {"result": "ALLOW"},
        "start_time": NOON,
        "end_time": NOON + timedelta(days=1),
    }
    await publish_policy({"key": "SALE", "name": "Sale", "rules": [rule]})
    then = await engines.policies.evaluate(platform, "SALE", {}, at=NOON)
    after = await engines.policies.evaluate(platform, "SALE", {}, at=NOON + timedelta(days=1))
    await engines.policies.recorder.writer.flush()
    assert (then.effect, after.effect) == ("ALLOW", "DENY")
    for decision in (then, after):
        async with db.tenant(platform_id=platform) as session:
            found = await get_decision(session, platform, decision.id or UUID(int=0))
        assert found.row["evaluated_at"] == decision.at
        assert found.agrees


async def test_a_decision_is_derived_again_from_the_version_that_made_it(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    first = await engines.policies.evaluate(platform, "RETURN", {"days": 12, "region": "US"})
    await step_on(db, platform, "RETURN", "suspend")
    await heard(engines, platform, "DENY", {"days": 12})
    suspended = await engines.policies.evaluate(platform, "RETURN", {"days": 12})
    stricter = {**RETURNS, "rules": [{**RETURNS["rules"][0], "condition": {"days": {"$lte": 7}}}]}
    await publish_policy(stricter)
    await heard(engines, platform, "ALLOW", {"days": 6})
    last = await engines.policies.evaluate(platform, "RETURN", {"days": 12})
    await engines.policies.recorder.writer.flush()
    found = []
    for decision in (first, suspended, last):
        async with db.tenant(platform_id=platform) as session:
            found.append(await get_decision(session, platform, decision.id or UUID(int=0)))
    assert [one.row["policy_version"] for one in found] == [1, 1, 2]
    assert [one.row["final_decision"] for one in found] == ["ALLOW", "DENY", "DENY"]
    assert [one.row["policy_suspended"] for one in found] == [False, True, False]
    assert "suspended" in found[1].row["decision_reason"]
    assert all(one.agrees for one in found)
    assert found[0].lines[0] == "ALLOW by the rule within-window: IN_TIME"
    assert any("days is at most 7" in line and "it is 12" in line for line in found[2].lines)


async def heard(engines: Engines, platform: UUID, effect: str, context: dict[str, Any]) -> None:
    """Wait until the engine has heard of a change."""
    async with asyncio.timeout(5):
        while True:
            decision = await engines.policies.evaluate(platform, "RETURN", context, record=False)
            if decision.effect == effect:
                return
            await asyncio.sleep(0.01)


async def test_several_questions_are_all_answered_or_none_is(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    with pytest.raises(InvalidInputError) as refused:
        await engines.policies.evaluate_many(platform, [("RETURN", {"days": 1}), ("RETURN", {"days": "\0"})])
    assert refused.value.where["path"] == "questions[1].context"
    with pytest.raises(NotFoundError) as missing:
        await engines.policies.evaluate_many(platform, [("RETURN", {"days": 1}), ("RETRUN", {})])
    assert missing.value.where["path"] == "questions[1].policy"
    await engines.policies.recorder.writer.flush()
    assert await rows(db, platform, "SELECT 1 FROM marketplace.hm_policy_decision") == []
    with clock(NOON):
        decisions = await engines.policies.evaluate_many(
            platform, [("RETURN", {"days": 1}), ("RETURN", {"days": 99})], trace_id="t"
        )
    assert [one.effect for one in decisions] == ["ALLOW", "DENY"]
    assert {one.at for one in decisions} == {NOON}


async def test_decisions_are_listed_in_pages_newest_first(
    db: Database, engines: Engines, platform: UUID, publish_policy: Publish
) -> None:
    await publish_policy(RETURNS)
    made = []
    for number in range(7):
        with clock(NOON + timedelta(minutes=number)):
            made.append(await engines.policies.evaluate(platform, "RETURN", {"days": 5 * number * 2}))
    await engines.policies.recorder.writer.flush()
    seen: list[UUID] = []
    after = None
    async with db.tenant(platform_id=platform) as session:
        while True:
            page = await list_decisions(session, platform, {"key": "RETURN"}, after=after, limit=3)
            seen += [row["id"] for row in page.rows]
            after = page.after
            if after is None:
                break
        assert seen == [one.id for one in reversed(made)]
        denied = await list_decisions(session, platform, {"key": "RETURN", "effect": "DENY", "rule": None})
        assert [row["id"] for row in denied.rows] == [
            one.id for one in reversed(made) if one.effect == "DENY"
        ]
        same = await list_decisions(
            session, platform, {"key": "RETURN", "context_hash": context_hash({"days": 10})}
        )
        assert [row["id"] for row in same.rows] == [made[1].id]


def test_the_canonical_form_does_not_depend_on_the_order_of_keys() -> None:
    assert (
        canonical({"b": {"d": 1, "c": [1.0, True]}, "a": "é"})
        == '{"a":"é","b":{"c":[1.0,true],"d":1}}'.encode()
    )
