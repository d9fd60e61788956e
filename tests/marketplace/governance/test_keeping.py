"""Drafts, publication, succession: one version at a time, and what was published stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.marketplace.governance.conftest import LEAST, Publish

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.governance import keeping, queries
from entrepot.marketplace.governance.kinds import GOVERNED_KINDS
from entrepot.marketplace.governance.schemas import PayoutDocument
from entrepot.marketplace.governance.words import KINDS

PAYOUT = GOVERNED_KINDS["payout"]
#: A document of each kind that fills every field and every list.
WHOLE: dict[str, dict[str, Any]] = {
    "onboarding": {
        "identity_required": False,
        "expires_after_days": 30,
        "reapply_after_days": 10,
        "steps": [
            {"step_name": "profile", "provider_name": "forms", "max_retries": 2, "sla_hours": 48},
            {"step_name": "agreement", "is_mandatory": False, "configuration_json": {"template": 7}},
        ],
    },
    "promotion": {
        "promotion_name": "Spring",
        "default_discount_type": "FIXED_AMOUNT",
        "max_discount_percentage": "33.3333",
        "max_discount_amount": "50.00",
        "max_cart_discount_amount": "80.00",
        "currency": "EUR",
        "platform_co_funding_percentage": 40,
    },
    "payout": {
        **LEAST["payout"],
        "rolling_reserve_percentage": 10,
        "reserve_release_days": 90,
        "rules": [
            {
                "rule_name": "Express",
                "frequency": "DAILY",
                "threshold": "1.00",
                "hold_period_days": 0,
                "fee_percentage": "1.5",
                "eligibility_criteria": {"rating": {"$gte": 4.5}},
            },
            {"rule_name": "Everybody", "frequency": "BIWEEKLY"},
        ],
    },
    "compliance": {
        "policy_type": "KYC",
        "enforcement_level": "RECOMMENDED",
        "minimum_compliance_score": 60,
        "requires_annual_review": True,
        "requires_aml_check": True,
        "requires_data_protection": True,
        "prohibited_items": ["ivory", "a \"quoted\" {thing}, with commas"],
        "restricted_categories": ["knives"],
        "policy_document_url": "https://example.com/policy",
        "certifications": [{"category": "toys", "certification_code": "CPC", "region_code": "US"}],
    },
    "fulfillment": {
        "allowed_channels": ["MFN"],
        "max_weight_kg": "50.5",
        "handling_days": 2,
        "delivery_sla_days": 5,
        "on_time_target_percentage": "97.5",
        "packaging_standard": "ISTA-6A",
        "tracking_required": False,
    },
    "eligibility": {
        "prohibited_keywords": ["gun"],
        "prohibited_hazmat_classes": ["EXPLOSIVE"],
        "protected_brands": ["Nordby"],
        "gates": [{"category": "toys", "minimum_seller_tier": "GOLD", "required_approval": "TOY"}],
    },
    "commission": {
        "base_commission_rate": "10.25",
        "processing_fee_rate": "2.5",
        "fixed_fee_amount": "0.30",
        "fixed_fee_per": "UNIT",
        "min_commission": "0.50",
        "max_commission": "500.00",
        "currency": "USD",
        "rates": [{"category": "mugs", "commission_rate": 8}, {"category": "art", "commission_rate": 15}],
        "volume_discounts": [
            {"volume_threshold": 100_000, "volume_discount": 1},
            {"volume_threshold": 500_000, "volume_discount": 2},
        ],
    },
    "tax": {
        "country_code": "CA",
        "tax_calculation_model": "ORIGIN_BASED",
        "is_tax_inclusive": True,
        "is_marketplace_facilitator": False,
        "default_tax_code": "GEN",
        "shipping_tax_code": "GEN",
        "nexus": [{"region_code": "QC"}, {"region_code": "BC", "sales_threshold": 30_000, "currency": "CAD"}],
        "codes": [
            {"tax_code": "GEN", "tax_name": "GST", "tax_rate": 5},
            {"tax_code": "GEN", "tax_name": "QST", "region_code": "QC", "tax_rate": "9.975", "is_compound": True, "calculation_order": 2},
            {"tax_code": "TOBACCO", "calculation_engine": "AVALARA"},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(WHOLE))
async def test_what_is_written_comes_back_equal(publish: Publish, kind: str) -> None:
    values = {
        "description": "What it is for.",
        "policy_name": "A name",
        "regulatory_basis": "A law",
        "seller_type": "ARTISAN",
        "effective_from": "2031-01-01",
        "effective_to": "2032-01-01T00:00:00+02:00",
    }
    given = {**WHOLE[kind], **values}
    made = await publish(kind, "2031.1", draft=True, **given)
    expected = GOVERNED_KINDS[kind].document.parse({**given, "policy_version": "2031.1"})
    assert made.document == expected
    assert made.document.as_plain() == expected.as_plain()
    assert (made.state, made.version) == ("DRAFT", 1)


async def test_a_draft_is_replaced_and_the_same_again_changes_nothing(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("payout", "1", draft=True)
    second = await publish("payout", "1", draft=True, hold_period_days=3)
    async with db.tenant(platform_id=platform) as session:
        found = await keeping.list_policies(session, PAYOUT, platform)
        same, changed = await keeping.save_draft(session, PAYOUT, platform, second.document)
    assert [(one.policy_id, one.version) for one in found] == [(second.policy_id, 1)]
    assert (same.policy_id, changed) == (second.policy_id, False)


async def test_a_successor_begins_where_its_predecessor_ends(
    db: Database, platform: UUID, publish: Publish
) -> None:
    first = await publish("payout", "1")
    second = await publish("payout", "2")
    async with db.tenant(platform_id=platform) as session:
        first = await keeping.get_policy(session, PAYOUT, platform, first.policy_id)
        steps = (
            await session.execute(
                text(
                    "SELECT from_state, to_state, reason FROM marketplace.hm_state_transition WHERE entity_id = :id ORDER BY id"
                ),
                {"id": first.policy_id},
            )
        ).all()
        events = (
            await session.execute(
                text(
                    "SELECT event_type, subject FROM marketplace.hm_event_queue "
                    "WHERE event_type LIKE 'marketplace.governance.%' ORDER BY occurred_at, id"
                )
            )
        ).all()
    assert first.document.effective_to == second.document.effective_from
    assert (first.state, second.state, second.version) == ("DEPRECATED", "ACTIVE", 2)
    assert first.retired_at is not None
    assert [tuple(step) for step in steps] == [
        (None, "DRAFT", None),
        ("DRAFT", "ACTIVE", None),
        ("ACTIVE", "DEPRECATED", "superseded by 2"),
    ]
    assert [tuple(event) for event in events] == [
        ("marketplace.governance.published", "payout/ANY.ANY.1"),
        ("marketplace.governance.published", "payout/ANY.ANY.2"),
    ]


async def test_a_successor_to_come_leaves_its_predecessor_until_then(
    db: Database, platform: UUID, publish: Publish
) -> None:
    first = await publish("payout", "1", effective_from="2024-01-01")
    later = now() + timedelta(days=30)
    await publish("payout", "2", effective_from=later.isoformat())
    async with db.tenant(platform_id=platform) as session:
        first = await keeping.get_policy(session, PAYOUT, platform, first.policy_id)
    assert first.state == "ACTIVE"
    assert first.document.effective_to == later
    assert first.holds(later - timedelta(microseconds=1))
    assert not first.holds(later)


async def test_a_version_whose_time_is_over_is_retired_by_the_next(
    db: Database, platform: UUID, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await publish("payout", "1", effective_from="2024-01-01")
    soon = now() + timedelta(hours=1)
    await publish("payout", "2", effective_from=soon.isoformat())

    async def later(_: AsyncSession) -> datetime:
        return soon + timedelta(seconds=1)

    monkeypatch.setattr(queries, "select_clock", later)
    await publish("payout", "3", effective_from=(soon + timedelta(days=1)).isoformat())
    async with db.tenant(platform_id=platform) as session:
        first = await keeping.get_policy(session, PAYOUT, platform, first.policy_id)
    assert (first.state, first.document.effective_to) == ("DEPRECATED", soon)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"effective_from": "2025-01-01"}, "what was in force stays so"),
        ({"effective_to": "2999-01-01"}, "nothing would be in force then"),
        ({"effective_from": "2023-01-01"}, "within the time of"),
        ({"effective_from": "2023-01-01", "effective_to": "2023-06-01"}, "would end at"),
    ],
)
async def test_a_successor_that_does_not_fit_is_refused(
    db: Database, platform: UUID, publish: Publish, values: dict[str, Any], message: str
) -> None:
    first = await publish("payout", "1", effective_from="2024-01-01")
    with pytest.raises(ConflictError, match=message):
        await publish("payout", "2", **values)
    async with db.tenant(platform_id=platform) as session:
        assert (
            await keeping.get_policy(session, PAYOUT, platform, first.policy_id)
        ).document.effective_to is None


async def test_what_is_published_is_written_once(db: Database, platform: UUID, publish: Publish) -> None:
    first = await publish("payout", "1")
    again = await publish("payout", "1", draft=True)
    assert again.policy_id == first.policy_id
    with pytest.raises(ConflictError, match="says something else"):
        await publish("payout", "1", draft=True, hold_period_days=1)
    await publish("payout", "2")
    assert (await publish("payout", "1", draft=True)).state == "DEPRECATED"
    async with db.tenant(platform_id=platform) as session:
        with pytest.raises(ConflictError, match="only a draft"):
            await keeping.discard_draft(session, PAYOUT, platform, first.policy_id)
        with pytest.raises(ConflictError, match="already"):
            await keeping.publish(session, PAYOUT, platform, first.policy_id)


CHANGES = {
    "a column": "UPDATE marketplace.hm_payout_policy SET hold_period_days = 1 WHERE policy_version = '1'",
    "its name": "UPDATE marketplace.hm_payout_policy SET policy_version = '9' WHERE policy_version = '1'",
    "its beginning": "UPDATE marketplace.hm_payout_policy SET effective_from = now() - interval '1 year' WHERE policy_version = '1'",
    "a later end": "UPDATE marketplace.hm_payout_policy SET effective_to = '2998-01-01' WHERE policy_version = '1'",
    "no end": "UPDATE marketplace.hm_payout_policy SET effective_to = NULL WHERE policy_version = '1'",
    "an end that is past": "UPDATE marketplace.hm_payout_policy SET effective_to = now() - interval '1 day' WHERE policy_version = '1'",
    "an end before it began": "UPDATE marketplace.hm_payout_policy SET effective_to = effective_from, state = 'DEPRECATED' WHERE policy_version = '1'",
    "a step back": "UPDATE marketplace.hm_payout_policy SET state = 'DRAFT' WHERE policy_version = '1'",
    "its deletion": "DELETE FROM marketplace.hm_payout_policy WHERE policy_version = '1'",
    "a part": "UPDATE marketplace.hm_payout_policy_rule SET fee_percentage = 0",
    "a part less": "DELETE FROM marketplace.hm_payout_policy_rule",
    "a part more": "INSERT INTO marketplace.hm_payout_policy_rule (platform_id, policy_id, rule_order, rule_name, frequency) "
    "SELECT platform_id, policy_id, 9, 'more', 'DAILY' FROM marketplace.hm_payout_policy_rule LIMIT 1",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_published_version_cannot_be_changed_by_any_way(
    db: Database, platform: UUID, publish: Publish, change: str
) -> None:
    await publish(
        "payout",
        "1",
        effective_from="2024-01-01",
        effective_to="2997-01-01",
        rules=[{"rule_name": "Express", "frequency": "DAILY", "fee_percentage": 1}],
    )
    with pytest.raises(DBAPIError, match="version"):
        async with db.system() as session:
            await session.execute(text(CHANGES[change]))


async def test_its_end_may_be_brought_forward_and_everybody_hears(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("payout", "1")
    async with db.system() as session:
        before = await revision(session)
        await session.execute(
            text("UPDATE marketplace.hm_payout_policy SET effective_to = now() + interval '1 day'")
        )
        assert await revision(session) == before + 1


async def revision(session: Any) -> int:
    statement = "SELECT revision FROM marketplace.hm_rule_revision WHERE engine = 'governance'"
    found: int = (await session.execute(text(statement))).scalar_one()
    return found


async def test_withdrawing_ends_a_version_now_or_before_it_begins(
    db: Database, platform: UUID, publish: Publish
) -> None:
    first = await publish("payout", "1", effective_from="2024-01-01")
    coming = await publish("payout", "2", seller_type="ARTISAN", effective_from="2997-01-01")
    async with db.tenant(platform_id=platform) as session:
        ended = await keeping.withdraw(session, PAYOUT, platform, first.policy_id, reason="a mistake")
        never = await keeping.withdraw(session, PAYOUT, platform, coming.policy_id)
        with pytest.raises(ConflictError, match="deprecated"):
            await keeping.withdraw(session, PAYOUT, platform, first.policy_id)
    assert ended.state == never.state == "DEPRECATED"
    assert ended.document.effective_to is not None
    assert now() - ended.document.effective_to < timedelta(minutes=1)
    assert never.document.effective_to == never.document.effective_from
    again = await publish("payout", "3", seller_type="ARTISAN", effective_from="2997-01-01")
    assert again.state == "ACTIVE"


async def test_the_database_itself_lets_no_two_versions_overlap(db: Database, platform: UUID) -> None:
    async with db.tenant(platform_id=platform) as session:
        await insert(session, platform, "1", "2026-01-01", "2026-07-01")
        await insert(session, platform, "2", "2026-07-01", None)  # the end is not part of the first
        await insert(session, platform, "3", "2026-03-01", None, state="DRAFT")
        await insert(session, platform, "4", "2026-03-01", None, trial=True)
        await insert(session, platform, "5", "2026-03-01", None, seller_type="ARTISAN")
    for begins, ends in (("2026-06-30", "2026-07-01"), ("2025-01-01", None), ("2028-01-01", None)):
        with pytest.raises(IntegrityError, match="ex_payout_policy_in_force"):
            async with db.tenant(platform_id=platform) as session:
                await insert(session, platform, "6", begins, ends)


#: How many connections to this database wait for a lock.
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def test_of_two_at_the_same_time_one_is_refused(db: Database, platform: UUID) -> None:
    ended = 0

    async def write(version: str) -> None:
        nonlocal ended
        try:
            async with db.tenant(platform_id=platform) as session:
                await insert(session, platform, version, "2026-01-01", None)
                # The first commits when all others wait for it, or are refused already.
                while (await session.execute(WAITING)).scalar_one() + ended < 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        finally:
            ended += 1

    found = await asyncio.gather(*(write(str(number)) for number in range(4)), return_exceptions=True)
    refused = [one for one in found if one is not None]
    assert len(refused) == 3
    # Those who wait for each other in a circle are freed by the server, which ends all but one of them.
    assert all(
        isinstance(one, DBAPIError)
        and ("ex_payout_policy_in_force" in str(one) or isinstance(one.orig, psycopg.errors.DeadlockDetected))
        for one in refused
    )


async def test_publications_at_the_same_time_follow_one_another(
    db: Database, platform: UUID, publish: Publish
) -> None:
    drafts = [await publish("payout", str(number), draft=True) for number in range(5)]

    async def go(policy_id: UUID) -> None:
        async with db.tenant(platform_id=platform) as session:
            await keeping.publish(session, PAYOUT, platform, policy_id)

    await asyncio.gather(*(go(draft.policy_id) for draft in drafts))
    async with db.tenant(platform_id=platform) as session:
        found = await keeping.list_policies(session, PAYOUT, platform)
    assert sorted(one.state for one in found) == ["ACTIVE", *["DEPRECATED"] * 4]
    spans = sorted(
        (one.document.effective_from, one.document.effective_to) for one in found if one.document.effective_to
    )
    starts = sorted(one.document.effective_from for one in found if one.document.effective_from)
    assert [end for _, end in spans] == starts[1:]


async def insert(
    session: Any,
    platform: UUID,
    version: str,
    begins: str,
    ends: str | None,
    *,
    state: str = "ACTIVE",
    trial: bool = False,
    seller_type: str = "*",
) -> None:
    statement = """
        INSERT INTO marketplace.hm_payout_policy
          (platform_id, version, policy_version, state, effective_from, effective_to, is_trial, seller_type,
           default_frequency, minimum_threshold, currency, hold_period_days)
        VALUES (:platform, :number, :version, 'DRAFT', :begins, :ends, :trial, :seller_type, 'WEEKLY', 1, 'USD', 1)
    """
    values = {
        "platform": platform,
        "number": int(version) + 1,
        "version": version,
        "begins": moment(begins),
        "ends": ends and moment(ends),
        "trial": trial,
        "seller_type": seller_type,
    }
    await session.execute(text(statement), values)
    if state != "DRAFT":
        step = "UPDATE marketplace.hm_payout_policy SET state = :state WHERE policy_version = :version"
        await session.execute(text(step), {"state": state, "version": version})


def moment(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE marketplace.hm_payout_policy SET rolling_reserve_percentage = 101",
        "UPDATE marketplace.hm_payout_policy SET country_code = 'usa'",
        "UPDATE marketplace.hm_payout_policy SET country_code = 'us'",
        "UPDATE marketplace.hm_payout_policy SET seller_type = 'PIRATE'",
        "UPDATE marketplace.hm_payout_policy SET effective_from = now(), effective_to = now() - interval '1 day'",
        "UPDATE marketplace.hm_payout_policy SET minimum_threshold = -1",
        "UPDATE marketplace.hm_payout_policy SET currency = 'usd'",
        "UPDATE marketplace.hm_payout_policy SET state = 'ACTIVE'",
        "UPDATE marketplace.hm_promotion_policy SET max_discount_amount = 1",
    ],
)
async def test_the_columns_hold_their_ranges(db: Database, publish: Publish, statement: str) -> None:
    await publish("payout", "1", draft=True)
    await publish("promotion", "1", draft=True)
    with pytest.raises(DBAPIError, match=r"violates check|value too long"):
        async with db.system() as session:
            await session.execute(text(statement))


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_platform_sees_and_writes_its_own_policies_only(
    db: Database, platform: UUID, other_platform: UUID, publish: Publish, kind: str
) -> None:
    if kind == "experiment":
        await publish("payout", "1", is_trial=True)
        variants = [{"variant_key": "B", "policy_version": "1"}]
        values = {"policy_kind": "payout", "experiment_key": "TERMS", "variants": variants}
    else:
        values = WHOLE[kind]
    made = await publish(kind, "1", draft=True, **values)
    governed = GOVERNED_KINDS[kind]
    tables = [governed.table.name, *(part.__tablename__ for part in governed.parts.values())]  # type: ignore[attr-defined]
    async with db.tenant(platform_id=platform) as session:
        for table in tables:
            assert (await session.execute(text(f"SELECT count(*) FROM marketplace.{table}"))).scalar_one() > 0
    async with db.tenant(platform_id=other_platform) as session:
        for table in tables:
            assert (
                await session.execute(text(f"SELECT count(*) FROM marketplace.{table}"))
            ).scalar_one() == 0
            assert (await session.execute(text(f"DELETE FROM marketplace.{table}"))).rowcount == 0  # type: ignore[attr-defined]
        with pytest.raises(NotFoundError):
            await keeping.get_policy(session, governed, other_platform, made.policy_id)
        with pytest.raises(NotFoundError):
            await keeping.publish(session, governed, platform, made.policy_id)
    if kind != "experiment":
        with pytest.raises(DBAPIError, match="row-level security"):
            async with db.tenant(platform_id=other_platform) as session:
                await keeping.save_draft(
                    session, governed, platform, made.document.model_copy(update={"policy_version": "2"})
                )


async def test_a_name_may_stand_for_several_slots(db: Database, platform: UUID, publish: Publish) -> None:
    await publish("payout", "1", country_code="US")
    await publish("payout", "1", country_code="DE")
    async with db.tenant(platform_id=platform) as session:
        with pytest.raises(ConflictError, match=r"DE \*, US \*"):
            await keeping.find_policy(session, PAYOUT, platform, "1")
        found = await keeping.find_policy(session, PAYOUT, platform, "1", country="DE")
        with pytest.raises(NotFoundError, match="for FR"):
            await keeping.find_policy(session, PAYOUT, platform, "1", country="FR")
    assert found.reference == "DE.ANY.1"


async def test_a_platform_goes_with_its_published_policies(
    db: Database, platform: UUID, publish: Publish
) -> None:
    await publish("payout", "1", rules=[{"rule_name": "Express", "frequency": "DAILY"}])
    await publish("fulfillment", "1")
    async with db.system() as session:
        await session.execute(text("DELETE FROM marketplace.hm_platform WHERE id = :id"), {"id": platform})
        left = (await session.execute(text("SELECT count(*) FROM marketplace.hm_payout_policy"))).scalar_one()
    assert left == 0


async def test_what_is_not_there_is_not_found(db: Database, platform: UUID) -> None:
    async with db.tenant(platform_id=platform) as session:
        with pytest.raises(NotFoundError):
            await keeping.get_policy(session, PAYOUT, platform, uuid4())


async def test_nothing_is_kept_of_what_is_wrong(db: Database, platform: UUID) -> None:
    document = PayoutDocument.parse(
        {**LEAST["payout"], "policy_version": "1", "rolling_reserve_percentage": 5}
    )
    async with db.tenant(platform_id=platform) as session:
        with pytest.raises(InvalidInputError) as error:
            await keeping.save_draft(session, PAYOUT, platform, document, path="payout[0]")
        assert await keeping.list_policies(session, PAYOUT, platform) == []
    assert error.value.where["path"] == "payout[0].reserve_release_days"
