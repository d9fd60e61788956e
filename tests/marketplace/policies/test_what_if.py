"""A draft asked of what was decided: what would change, and nothing does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.marketplace.policies.conftest import RETURNS, Publish

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.policies import what_if as module
from entrepot.marketplace.policies.evaluating import Policy
from entrepot.marketplace.policies.what_if import WhatIf, what_if

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def decided(engines: Engines, platform: UUID, publish_policy: Publish) -> list[UUID | None]:
    """Forty decisions, a minute apart: days 0 to 39, every fourth a final sale, the first ten in the EU."""
    await publish_policy(RETURNS)
    made = []
    for number in range(40):
        context: dict[str, Any] = {"days": number, "final_sale": number % 4 == 0}
        if number < 10:
            context["region"] = "EU"
        with clock(NOON + timedelta(minutes=number)):
            made.append((await engines.policies.evaluate(platform, "RETURN", context)).id)
    await engines.policies.recorder.writer.flush()
    return made


async def compare(db: Database, platform: UUID, draft: dict[str, Any], **options: Any) -> WhatIf:
    """A draft beside what was decided."""
    async with db.tenant(platform_id=platform) as session:
        return await what_if(session, platform, Policy.compile(draft), **options)


def changed(number: int, **more: Any) -> dict[str, Any]:
    """The policy with one rule changed."""
    rules = [{**rule, **more} if place == number else rule for place, rule in enumerate(RETURNS["rules"])]
    return {**RETURNS, "rules": rules}


async def test_what_is_published_would_change_nothing(
    db: Database, platform: UUID, decided: list[UUID]
) -> None:
    found = await compare(db, platform, RETURNS)
    assert (found.compared, found.unchanged, found.changed, found.examples) == (40, 40, 0, [])
    assert (found.oldest, found.newest) == (NOON, NOON + timedelta(minutes=39))


@pytest.mark.parametrize("batch", [1000, 7, 1])
async def test_changed_effects_are_counted_and_shown(
    db: Database, platform: UUID, decided: list[UUID], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", batch)
    found = await compare(db, platform, changed(0, condition={"days": {"$lte": 19}}), examples=3)
    stricter = [number for number in range(20, 31) if number % 4]
    assert found.effects == {("ALLOW", "DENY"): len(stricter)}
    assert found.unchanged == 40 - len(stricter)
    assert [one.decision_id for one in found.examples] == [
        decided[number] for number in reversed(stricter[-3:])
    ]
    example = found.examples[0]
    assert (example.was, example.was_rule, example.now, example.now_rule) == (
        "ALLOW",
        "within-window",
        "DENY",
        None,
    )
    assert example.context == {"days": 30, "final_sale": False}
    assert found.compared == found.unchanged + found.changed + found.obligations + found.rules + found.refused


async def test_both_directions_are_told_apart(db: Database, platform: UUID, decided: list[UUID]) -> None:
    draft = {
        **RETURNS,
        "rules": [{"key": "odd", "condition": {"days": {"$in": [1, 36]}}, "effect": {"result": "ALLOW"}}],
    }
    found = await compare(db, platform, draft)
    assert found.effects == {("ALLOW", "DENY"): 22, ("DENY", "ALLOW"): 1}
    # What was in the EU is no longer owed more days; the other final sales end as they did, by default.
    assert (found.obligations, found.rules, found.unchanged) == (4, 6, 7)


async def test_other_obligations_and_other_rules_are_counted_apart(
    db: Database, platform: UUID, decided: list[UUID]
) -> None:
    longer = changed(2, effect={"decision": "EXTEND_WINDOW", "days": 30})
    found = await compare(db, platform, longer)
    assert (found.changed, found.obligations, found.rules, found.unchanged) == (0, 10, 0, 30)
    assert len(found.examples) == 10
    renamed = changed(1, key="no-returns")
    found = await compare(db, platform, renamed)
    assert (found.changed, found.obligations, found.rules, found.unchanged) == (0, 0, 10, 30)
    assert (
        await compare(
            db,
            platform,
            changed(2, key="law", effect={"obligations": [{"type": "EXTEND_WINDOW", "days": 14}]}),
        )
    ).unchanged == 40


async def test_contexts_that_the_draft_refuses_are_counted(
    db: Database, platform: UUID, decided: list[UUID]
) -> None:
    found = await compare(
        db,
        platform,
        {**RETURNS, "rules": [], "context_schema": {"final_sale": "string"}},
    )
    assert found.refused == 40
    assert found.examples[0].now is None
    assert "final_sale" in found.examples[0].reason


async def test_how_many_and_which_time(db: Database, platform: UUID, decided: list[UUID]) -> None:
    assert (await compare(db, platform, RETURNS, last=5)).oldest == NOON + timedelta(minutes=35)
    found = await compare(
        db, platform, RETURNS, since=NOON + timedelta(minutes=10), until=NOON + timedelta(minutes=20)
    )
    assert (found.compared, found.oldest, found.newest) == (
        10,
        NOON + timedelta(minutes=10),
        NOON + timedelta(minutes=19),
    )
    with pytest.raises(InvalidInputError, match="compared"):
        await compare(db, platform, RETURNS, last=0)


async def test_a_draft_that_begins_later_is_asked_about_then(
    db: Database, platform: UUID, decided: list[UUID]
) -> None:
    later = changed(0, condition={"days": {"$lte": 99}}, start_time=NOON + timedelta(days=30))
    assert (await compare(db, platform, later)).effects.keys() == {("ALLOW", "DENY")}
    found = await compare(db, platform, later, at=NOON + timedelta(days=30))
    assert found.effects.keys() == {("DENY", "ALLOW")}


async def test_only_decisions_of_the_own_platform_and_policy_are_asked(
    db: Database, platform: UUID, other_platform: UUID, decided: list[UUID]
) -> None:
    assert (await compare(db, other_platform, RETURNS)).compared == 0
    assert (await compare(db, platform, {**RETURNS, "key": "ANOTHER"})).compared == 0
    async with db.tenant(platform_id=platform) as session:
        versions = await session.execute(text("SELECT count(*) FROM marketplace.hm_policy_definition"))
        assert versions.scalar_one() == 1
