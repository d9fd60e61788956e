"""Limits in the rulebook: they come back as they were written, are told in words, tried, and refused with their path."""

from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.marketplace.limits.conftest import Publish, limit

from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.limits.documents import EXAMPLE, LimitDocument
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.kind import KIND
from entrepot.marketplace.rulebook.authoring import as_plain, parse_document, publish, roll_back, save_draft


def parsed(document: dict[str, Any]) -> LimitDocument:
    """A document as files, the API and the console's editor give it to the engine."""
    return cast(LimitDocument, parse_document(KIND, document))


FULL = limit(
    "everything",
    "TOKEN_BUCKET",
    description="All that a limit can say.",
    limit=600,
    reset_period="MINUTE",
    burst=50,
    warn_percent=75,
    hold_seconds=120,
    context_schema={"tier": {"type": "string", "enum": ["FREE", "GOLD"]}, "age": "number"},
    scopes=[
        {"condition": {"tier": "GOLD"}, "limit": 6000, "burst": 100, "priority": 3},
        {"condition": {"$or": [{"age": {"$gt": 2}}, {"entity_id": "vip"}]}, "limit": 0},
    ],
)
YEARLY = limit(
    "year", "FIXED_WINDOW", reset_period="YEARLY", time_zone="America/St_Johns", limit=999_999_999_999_999
)


@pytest.mark.parametrize(
    "given", [EXAMPLE, FULL, YEARLY, limit("short"), limit("leases", "CONCURRENT", limit=0)]
)
async def test_what_is_written_comes_back_equal(db: Database, platform: UUID, given: dict[str, Any]) -> None:
    document = parsed(given)
    async with db.tenant(platform_id=platform) as session:
        version = await save_draft(session, KIND, platform, document, user_id=None)
    async with db.tenant(platform_id=platform) as session:
        found = (await KIND.read(session, [version.definition_id]))[version.definition_id]
    assert found == document
    assert parsed(as_plain(found)) == document


conditions = st.dictionaries(
    st.sampled_from(("tier", "region", "seller.level")),
    st.one_of(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6), st.integers(-5, 5)),
    max_size=3,
)
scopes = st.lists(
    st.fixed_dictionaries(
        {"condition": conditions, "limit": st.integers(0, 10**15 - 1), "priority": st.integers(-9, 9)}
    ),
    max_size=4,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scopes=scopes, warn=st.none() | st.integers(1, 100), amount=st.integers(0, 10**15 - 1))
async def test_scopes_come_back_in_their_order(
    db: Database, platform: UUID, scopes: list[Any], warn: int | None, amount: int
) -> None:
    document = parsed(limit("scoped", limit=amount, warn_percent=warn, scopes=scopes))
    async with db.tenant(platform_id=platform) as session:
        version = await save_draft(session, KIND, platform, document, user_id=None)
        assert (await KIND.read(session, [version.definition_id]))[version.definition_id] == document


async def test_plain_conditions_stand_in_the_columns_of_the_documents(db: Database, platform: UUID) -> None:
    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, KIND, platform, parsed(FULL), user_id=None)
        rows = await session.execute(
            text("SELECT scope_dimension, scope_value FROM marketplace.hm_limit_scope ORDER BY position")
        )
        assert [tuple(row) for row in rows] == [("tier", "GOLD"), (None, None)]
        quotas = "SELECT limit_key, scope_value, quota, burst FROM marketplace.hm_api_rate_limit"
        assert (await session.execute(text(quotas))).all() == []
        api = parsed({**FULL, "key": "api.calls", "resource_type": "API"})
        await save_draft(session, KIND, platform, api, user_id=None)
        await publish(session, KIND, platform, "api.calls")
        await publish(session, KIND, platform, "everything")
        found = (await session.execute(text(f"{quotas} ORDER BY priority DESC, quota"))).all()
        assert [tuple(row) for row in found] == [
            ("api.calls", "GOLD", 6000, 100),
            ("api.calls", None, 0, 50),
            ("api.calls", None, 600, 50),
        ]
        tenants = "SELECT DISTINCT limit_key FROM marketplace.hm_tenant_quota"
        assert (await session.execute(text(tenants))).scalars().all() == ["everything"]


async def test_rolled_back_an_older_limit_holds_again(
    db: Database, limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=1)
    await publish_limit("orders", limit=2)
    async with db.tenant(platform_id=platform) as session:
        version = await roll_back(session, KIND, platform, "orders", 1, user_id=None)
        assert (await KIND.read(session, [version.definition_id]))[version.definition_id].limit == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"key": "no spaces"}, "key"),
        ({"key": ""}, "key"),
        ({"key": "x" * 101}, "key"),
        ({"limt": 4}, "limt"),
        ({"limit": -1}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 10**15}, "limit"),
        ({"algorithm": "LEAKY"}, "algorithm"),
        ({"resource_type": ""}, "resource_type"),
        ({"warn_percent": 0}, "warn_percent"),
        ({"warn_percent": 101}, "warn_percent"),
        ({"hold_seconds": 0}, "hold_seconds"),
        ({"algorithm": "FIXED_WINDOW"}, "reset_period"),
        ({"algorithm": "FIXED_WINDOW", "reset_period": "FORTNIGHTLY"}, "reset_period"),
        ({"algorithm": "FIXED_WINDOW", "reset_period": "DAILY", "window_seconds": 5}, "window_seconds"),
        ({"algorithm": "FIXED_WINDOW", "window_seconds": 0}, "window_seconds"),
        ({"algorithm": "FIXED_WINDOW", "window_seconds": 31_622_401}, "window_seconds"),
        ({"algorithm": "FIXED_WINDOW", "reset_period": "DAILY", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"algorithm": "SLIDING_WINDOW", "reset_period": "MONTHLY"}, "reset_period"),
        ({"algorithm": "SLIDING_WINDOW", "reset_period": "DAILY", "time_zone": "UTC"}, "time_zone"),
        ({"reset_period": "DAILY"}, "reset_period"),
        ({"algorithm": "CONCURRENT", "window_seconds": 5}, "window_seconds"),
        ({"burst": 5}, "burst"),
        ({"scopes": [{"condition": {}, "limit": 1, "burst": 5}]}, "scopes[0].burst"),
        ({"algorithm": "TOKEN_BUCKET", "reset_period": "SECOND", "limit": 10_001}, "limit"),
        ({"algorithm": "TOKEN_BUCKET", "reset_period": "SECOND", "burst": 10_001}, "burst"),
        (
            {
                "algorithm": "TOKEN_BUCKET",
                "reset_period": "SECOND",
                "burst": 9_000,
                "scopes": [{"condition": {}, "limit": 1}],
            },
            "scopes[0].burst",
        ),
        ({"scopes": [{"condition": {"tier": {"$inn": ["A"]}}, "limit": 1}]}, "scopes[0].condition.tier.$inn"),
        ({"scopes": [{"condition": [], "limit": 1}]}, "scopes[0].condition"),
        ({"scopes": [{"condition": {}}]}, "scopes[0].limit"),
        ({"scopes": [{"condition": {}, "limit": 1}, {"limit": 1, "if": {}}]}, "scopes[1].condition"),
        (
            {"context_schema": {"tier": "string"}, "scopes": [{"condition": {"teir": "A"}, "limit": 1}]},
            "scopes[0].condition.teir",
        ),
        (
            {"context_schema": {"tier": "string"}, "scopes": [{"condition": {"tier": 5}, "limit": 1}]},
            "scopes[0].condition.tier",
        ),
        ({"context_schema": {"tier": "strin"}}, "context_schema.tier"),
    ],
)
def test_what_could_not_be_counted_is_refused_with_its_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        KIND.check(parsed(limit("orders") | fields))
    assert caught.value.where["path"] == path


def test_a_limit_in_words() -> None:
    assert KIND.words(parsed(EXAMPLE)) == [
        "At most 100 in all.",
        "Where seller tier is GOLD: at most 1,000,000 in all.",
        "From 90 % of it on, answers warn.",
        "What is reserved and not committed comes back after 15 minutes.",
    ]
    assert KIND.words(parsed(FULL))[:2] == [
        "600 a minute, flowing evenly, and 50 at once after a rest.",
        "Where tier is GOLD: 6,000 a minute, flowing evenly, and 100 at once after a rest.",
    ]
    for document, words in (
        (YEARLY, "At most 999,999,999,999,999 in each year, by the clock of America/St_Johns."),
        (
            limit("a", "FIXED_WINDOW", reset_period="DAILY"),
            "At most 10 in each day, by the clock of the platform.",
        ),
        (limit("a", "SLIDING_WINDOW", window_seconds=90), "At most 10 in any 90 seconds."),
        (limit("a", "SLIDING_WINDOW", window_seconds=7200), "At most 10 in any 2 hours."),
        (limit("a", "CONCURRENT"), "At most 10 at the same time."),
    ):
        assert KIND.words(parsed(document))[0] == words


async def test_an_unsaved_limit_can_be_tried(db: Database, platform: UUID) -> None:
    document = parsed(EXAMPLE)
    example = KIND.example(document)
    assert example == {"entity_id": "seller-1", "amount": 1, "used": 0, "context": {"seller_tier": "GOLD"}}

    async def attempt(document: LimitDocument, **changes: Any) -> dict[str, Any]:
        async with db.tenant(platform_id=platform) as session:
            trial = await KIND.attempt(session, platform, document, example | changes)
        assert trial.lines
        return {**trial.answer, "lines": trial.lines}

    gold = await attempt(document)
    assert (gold["allowed"], gold["limit"], gold["used"], gold["scope"]) == (
        True,
        1_000_000,
        1,
        '{"seller_tier":"GOLD"}',
    )
    free = await attempt(document, context={"seller_tier": "FREE"}, used=95, amount=6)
    assert (free["allowed"], free["used"], free["retry_after"]) == (False, 95, None)
    assert free["lines"][0] == ("Denied: 6 of catalog.products for seller-1; 95 of 100 used, 5 left.")
    warned = await attempt(document, context={}, used=89)
    assert warned["warned"]
    assert "That is at or over the soft limit." in warned["lines"]
    leases = await attempt(parsed(limit("runs", "CONCURRENT", limit=2)), used=2, context={})
    assert not leases["allowed"]

    for changes, path in (
        ({"used": -1}, "used"),
        ({"used": 101, "context": {}}, "used"),
        ({"amount": 0}, "amount"),
        ({"context": ["GOLD"]}, "context"),
        ({"context": {"seller_tier": "IRON"}}, "context.seller_tier"),
        ({"entity": "x"}, "entity"),
        ({"entity_id": ""}, "entity_id"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await attempt(document, **changes)
        assert caught.value.where["path"] == path


async def test_what_was_held_last_is_listed(
    db: Database, limits: LimitEngine, platform: UUID, other_platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("stock")
    await publish_limit("stock", on=other_platform)
    first = await limits.reserve(platform, "stock", "one", 5)
    await limits.reserve(platform, "stock", "two", 3)
    await limits.consume(platform, "stock", "three", 1, request_id=first.id and UUID(int=first.id.int ^ 1))
    await limits.consume(platform, "stock", "four", 1)
    assert first.id is not None
    await limits.commit(platform, first.id, 2)
    async with db.tenant(platform_id=platform) as session:
        found = await KIND.recent(session, platform, "stock", 10)
        assert [(one.subject, one.summary) for one in found] == [
            ("three", "request of 1, committed"),
            ("two", "reservation of 3, held"),
            ("one", "reservation of 5, committed"),
        ]
        assert found[2].detail["settled_amount"] == 2
        assert len(await KIND.recent(session, platform, "stock", 2)) == 2
        assert await KIND.last_decided(session, platform, ["stock", "never"]) == {"stock": found[0].at}
    async with db.tenant(platform_id=other_platform) as session:
        assert await KIND.recent(session, other_platform, "stock", 10) == []
