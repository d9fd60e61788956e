"""Which version holds for whom: slots, moments, locks, experiments."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.marketplace.governance.conftest import Publish

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.governance import keeping, queries
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS
from entrepot.marketplace.governance.resolving import Subject, for_subject, in_force, lock, unlock

PAYOUT = GOVERNED_KINDS["payout"]
SELLER = Subject("SELLER", "s-17")
US_ARTISAN: dict[str, Any] = {"country": "US", "seller_type": "ARTISAN"}


async def version(db: Database, platform: UUID, *args: Any, **options: Any) -> str:
    async with db.tenant(platform_id=platform) as session:
        return (await in_force(session, platform, "payout", *args, **options)).policy_version


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (["both", "country", "type", "any"], "both"),
        (["country", "type", "any"], "country"),
        (["type", "any"], "type"),
        (["any"], "any"),
    ],
)
async def test_the_most_specific_holds(
    db: Database, platform: UUID, publish: Publish, published: list[str], expected: str
) -> None:
    slots = {
        "both": {"country_code": "US", "seller_type": "ARTISAN"},
        "country": {"country_code": "US"},
        "type": {"seller_type": "ARTISAN"},
        "any": {},
    }
    for name in published:
        await publish("payout", name, **slots[name])
    await publish("payout", "elsewhere", country_code="DE", seller_type="ARTISAN")
    await publish("payout", "others", country_code="US", seller_type="ENTERPRISE")
    assert await version(db, platform, "US", "ARTISAN") == expected


async def test_none_says_what_was_looked_for(
    db: Database, platform: UUID, other_platform: UUID, publish: Publish
) -> None:
    await publish("payout", "draft", draft=True)
    await publish("payout", "trial", is_trial=True)
    await publish("payout", "german", country_code="DE")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    async with db.tenant(platform_id=platform) as session:
        with pytest.raises(
            NotFoundError, match="payout policy is in force at 2026-03-01 00:00:00 UTC"
        ) as error:
            await in_force(session, platform, "payout", "US", "ARTISAN", at)
        with pytest.raises(InvalidInputError, match="PIRATE"):
            await in_force(session, platform, "payout", "US", "PIRATE")
    assert "country US and seller type ARTISAN" in error.value.detail
    async with db.tenant(platform_id=other_platform) as session:
        with pytest.raises(NotFoundError):
            await in_force(session, platform, "payout", "DE", "ARTISAN")


async def test_a_version_holds_from_its_first_moment_until_just_before_its_end(
    db: Database, platform: UUID, publish: Publish
) -> None:
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    change = (now() + timedelta(days=10)).replace(microsecond=123456)
    end = change + timedelta(days=10)
    tick = timedelta(microseconds=1)
    await publish("payout", "1", effective_from=begin.isoformat())
    await publish("payout", "2", effective_from=change.isoformat())
    with pytest.raises(ConflictError, match="nothing would be in force then"):
        await publish("payout", "4", effective_from=end.isoformat(), effective_to=(end + tick).isoformat())
    async with db.system() as session:
        shorter = text(
            "UPDATE marketplace.hm_payout_policy SET effective_to = :to WHERE policy_version = '2'"
        )
        await session.execute(shorter, {"to": end + tick})
    await publish("payout", "3", effective_from=end.isoformat(), effective_to=(end + tick).isoformat())
    assert await version(db, platform, "US", "ARTISAN", begin) == "1"
    assert await version(db, platform, "US", "ARTISAN", change - tick) == "1"
    assert await version(db, platform, "US", "ARTISAN", change) == "2"
    assert await version(db, platform, "US", "ARTISAN", end - tick) == "2"
    assert await version(db, platform, "US", "ARTISAN", end) == "3"
    for never in (begin - tick, end + tick):
        with pytest.raises(NotFoundError):
            await version(db, platform, "US", "ARTISAN", never)


async def test_what_was_in_force_can_still_be_asked(db: Database, platform: UUID, publish: Publish) -> None:
    await publish("payout", "1", effective_from="2024-01-01")
    await publish("payout", "2")
    assert await version(db, platform, "US", "ARTISAN") == "2"
    assert await version(db, platform, "US", "ARTISAN", datetime(2025, 1, 1, tzinfo=UTC)) == "1"


async def holds(
    db: Database, platform: UUID, subject: Subject = SELLER, **options: Any
) -> tuple[str, str, str | None]:
    async with db.tenant(platform_id=platform) as session:
        found = await for_subject(session, platform, "payout", subject, **US_ARTISAN, **options)
    return found.policy.policy_version, found.source, found.variant_key


@pytest.mark.parametrize("subject_type", ["SELLER", "ONBOARDING_CASE"])
async def test_a_lock_outlives_whatever_is_published_later(
    db: Database, platform: UUID, publish: Publish, subject_type: str
) -> None:
    subject = Subject(subject_type, "17")
    first = await publish("payout", "1")
    async with db.tenant(platform_id=platform) as session:
        await lock(session, platform, subject, first, reason="signed")
    await publish("payout", "2")
    await publish("payout", "3", country_code="US", seller_type="ARTISAN")
    async with db.tenant(platform_id=platform) as session:
        current = await in_force(session, platform, "payout", "US", "ARTISAN")
        await keeping.withdraw(session, PAYOUT, platform, current.policy_id)
    assert await holds(db, platform, subject) == ("1", "lock", None)
    assert await holds(db, platform, Subject(subject_type, "18")) == ("2", "in force", None)
    async with db.tenant(platform_id=platform) as session:
        await unlock(session, platform, subject, "payout")
        with pytest.raises(NotFoundError, match="not locked"):
            await unlock(session, platform, subject, "payout")
    assert await holds(db, platform, subject) == ("2", "in force", None)


async def test_a_subject_is_locked_once_unless_it_is_said_again(
    db: Database, platform: UUID, publish: Publish
) -> None:
    first = await publish("payout", "1")
    second = await publish("payout", "2")
    draft = await publish("payout", "3", draft=True)
    async with db.tenant(platform_id=platform) as session:
        made = await lock(session, platform, SELLER, first)
        assert (await lock(session, platform, SELLER, first))["id"] == made["id"]
        with pytest.raises(ConflictError, match="locked onto 1"):
            await lock(session, platform, SELLER, second)
        with pytest.raises(ConflictError, match="draft"):
            await lock(session, platform, SELLER, draft, again=True)
        again = await lock(session, platform, SELLER, second, again=True, reason="asked for it")
        assert (again["id"], again["policy_version"]) == (made["id"], "2")
        assert len(await queries.select_locks(session, platform)) == 1


@pytest.mark.parametrize("of", ["draft", "nothing", "another platform"])
async def test_the_database_lets_nothing_be_locked_onto_what_is_not_published(
    db: Database, platform: UUID, other_platform: UUID, publish: Publish, of: str
) -> None:
    made = await publish("payout", "1", draft=of == "draft")
    policy_id = uuid4() if of == "nothing" else made.policy_id
    where = other_platform if of == "another platform" else platform
    statement = """
        INSERT INTO marketplace.hm_policy_lock (platform_id, subject_type, subject_id, policy_kind, policy_id, policy_version)
        VALUES (:platform, 'SELLER', '1', 'payout', :policy, '1')
    """
    with pytest.raises(DBAPIError, match="no published payout policy"):
        async with db.system() as session:
            await session.execute(text(statement), {"platform": where, "policy": policy_id})


async def test_locks_are_seen_on_their_platform_only(
    db: Database, platform: UUID, other_platform: UUID, publish: Publish
) -> None:
    first = await publish("payout", "1")
    async with db.tenant(platform_id=platform) as session:
        await lock(session, platform, SELLER, first)
    async with db.tenant(platform_id=other_platform) as session:
        assert not await queries.select_locks(session, platform)
        with pytest.raises(NotFoundError):
            await unlock(session, platform, SELLER, "payout")
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.tenant(platform_id=other_platform) as session:
            await lock(session, platform, Subject("SELLER", "s-18"), first)


@pytest.mark.parametrize(
    ("subject_type", "subject_id"), [("PIRATE", "1"), ("SELLER", ""), ("SELLER", "x" * 101)]
)
def test_a_subject_is_of_a_known_type(subject_type: str, subject_id: str) -> None:
    with pytest.raises(InvalidInputError):
        Subject(subject_type, subject_id)


class Fixed:
    """Assigns by the entity's id, and remembers what it was asked."""

    def __init__(self, variants: Mapping[str, str | None]) -> None:
        self.variants = variants
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []

    async def __call__(
        self, experiment_key: str, entity_id: str, attributes: Mapping[str, Any]
    ) -> str | None:
        self.asked.append((experiment_key, entity_id, attributes))
        return self.variants.get(entity_id)


async def test_an_experiment_gives_some_sellers_another_version(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("payout", "control")
    await publish("payout", "faster", is_trial=True, hold_period_days=1)
    variants = [{"variant_key": "B", "policy_version": "faster"}]
    await publish("experiment", "1", policy_kind="payout", experiment_key="HOLD", variants=variants)
    assign = Fixed({"s-1": "A", "s-2": "B"})
    assert await holds(db, platform, Subject("SELLER", "s-1"), assign=assign) == ("control", "in force", "A")
    assert await holds(db, platform, Subject("SELLER", "s-2"), assign=assign) == ("faster", "experiment", "B")
    assert await holds(db, platform, Subject("SELLER", "s-3"), assign=assign) == ("control", "in force", None)
    assert await holds(db, platform, Subject("SELLER", "s-2")) == ("control", "in force", None)
    assert assign.asked[1] == ("HOLD", "s-2", {"country": "US", "type": "ARTISAN", "id": "s-2"})


async def test_a_lock_goes_before_an_experiment(db: Database, platform: UUID, publish: Publish) -> None:
    control = await publish("payout", "control")
    await publish("payout", "faster", is_trial=True)
    variants = [{"variant_key": "B", "policy_version": "faster"}]
    await publish("experiment", "1", policy_kind="payout", experiment_key="HOLD", variants=variants)
    async with db.tenant(platform_id=platform) as session:
        await lock(session, platform, SELLER, control)
    assert (await holds(db, platform, assign=Fixed({SELLER.id: "B"})))[:2] == ("control", "lock")


async def test_an_experiment_leaves_a_more_specific_policy_alone(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("payout", "general")
    await publish("payout", "american", country_code="US")
    await publish("payout", "faster", is_trial=True)
    variants = [{"variant_key": "B", "policy_version": "faster"}]
    await publish("experiment", "1", policy_kind="payout", experiment_key="HOLD", variants=variants)
    assert (await holds(db, platform, assign=Fixed({SELLER.id: "B"})))[:2] == ("american", "in force")


async def test_a_test_names_published_trials_of_its_own_slot(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("payout", "in-force")
    await publish("payout", "draft", draft=True, is_trial=True)
    await publish("payout", "german", is_trial=True, country_code="DE")
    for name in ("in-force", "draft", "german", "nothing"):
        variants = [{"variant_key": "B", "policy_version": name}]
        with pytest.raises(InvalidInputError, match="no published trial") as error:
            await publish("experiment", "1", policy_kind="payout", experiment_key="HOLD", variants=variants)
        assert error.value.where["path"] == "variants[0].policy_version"


async def test_tests_of_different_kinds_go_side_by_side(
    db: Database, platform: UUID, publish: Publish
) -> None:
    for kind in ("payout", "onboarding"):
        await publish(kind, "trial", is_trial=True)
        variants = [{"variant_key": "B", "policy_version": "trial"}]
        made = await publish("experiment", "1", policy_kind=kind, experiment_key=kind, variants=variants)
        assert made.state == "ACTIVE"
