"""The engine over the database: what is kept, what is recorded, what another process sees, what a tenant cannot."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.marketplace.experiments.conftest import Publish, heard, weights

from entrepot.kit import batching
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.experiments import queries
from entrepot.marketplace.experiments.assigning import Experiment
from entrepot.marketplace.experiments.engine import ExperimentEngine
from entrepot.marketplace.experiments.kind import KIND
from entrepot.marketplace.experiments.results import keep_results, read_results
from entrepot.marketplace.rulebook.authoring import find_version, parse_document, save_draft, take_step

#: On its first bucket all of whom the second version's last bucket gets.
ALL_A, ALL_B = weights(100, 0), weights(0, 100)


async def rows(db: Database, platform: UUID, table: str, columns: str = "*") -> list[dict[str, Any]]:
    """The platform's rows of a table of experiments."""
    async with db.tenant(platform_id=platform) as session:
        found = await session.execute(
            text(f"SELECT {columns} FROM marketplace.hm_experiment_{table} ORDER BY id")
        )
        return [dict(row) for row in found.mappings()]


@pytest.fixture
async def other_process(db: Database) -> AsyncIterator[ExperimentEngine]:
    """Another process with the same database."""
    async with Engines.opened(db) as found:
        yield found.experiments


async def test_an_entity_is_assigned_kept_and_recorded(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    first = await engine.assign(platform, "button", {"id": "user-1", "device": "mobile"}, trace_id="t-1")
    again = await engine.assign(platform, "button", {"id": "user-1"})
    assert (first.reason, again.reason) == ("hashed", "sticky")
    assert first.variant_key == again.variant_key
    await engine.exposures.flush()
    [kept] = await rows(db, platform, "assignment")
    assert kept["context_json"] == {"id": "user-1", "device": "mobile"}
    assert kept["variant_key"] == first.variant_key
    seen = await rows(db, platform, "exposure")
    assert [(one["entity_id"], one["variant_key"], one["reason"], one["trace_id"]) for one in seen] == [
        ("user-1", first.variant_key, "hashed", "t-1"),
        ("user-1", first.variant_key, "sticky", None),
    ]


async def test_an_assignment_survives_other_weights_and_not_its_bucket(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment(buckets=ALL_A)
    assert (await engine.assign(platform, "button", {"id": "u"})).variant_key == "a"
    await publish_experiment(buckets=ALL_B)
    await heard(engine, platform)
    assert (await engine.assign(platform, "button", {"id": "u"})).variant_key == "a"
    assert (await engine.assign(platform, "button", {"id": "u"}, sticky=False)).variant_key == "b"
    await publish_experiment(
        buckets=[{**one, "variant_key": "xyz"[index]} for index, one in enumerate(ALL_B)]
    )
    await heard(engine, platform)
    moved = await engine.assign(platform, "button", {"id": "u"})
    assert (moved.variant_key, moved.reason) == ("y", "hashed")
    assert (await engine.assign(platform, "button", {"id": "u"})).reason == "sticky"
    [kept] = await rows(db, platform, "assignment")
    assert kept["variant_key"] == "y"


async def test_bucket_versions_begin_anew_and_leave_the_old_ones_out(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment(buckets=ALL_A)
    await engine.assign(platform, "button", {"id": "old"})
    await publish_experiment(buckets=ALL_B, bucket_version=1)
    await heard(engine, platform)
    assert (await engine.assign(platform, "button", {"id": "old"})).variant_key == "b"
    await engine.assign(platform, "button", {"id": "new"})
    await publish_experiment(buckets=ALL_B, bucket_version=1, min_bucket_version=1)
    await heard(engine, platform)
    tainted = await engine.assign(platform, "button", {"id": "old"})
    assert (tainted.in_experiment, tainted.reason) == (False, "bucket_version")
    assert (await engine.assign(platform, "button", {"id": "new"})).reason == "sticky"
    kept = {one["entity_id"]: one for one in await rows(db, platform, "assignment")}
    assert (kept["old"]["bucket_version"], kept["old"]["first_bucket_version"]) == (1, 0)


async def test_two_processes_that_disagree_end_with_one_assignment(
    db: Database,
    platform: UUID,
    engine: ExperimentEngine,
    other_process: ExperimentEngine,
    publish_experiment: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish_experiment(buckets=weights(50, 50))
    held = await engine.experiments(platform)
    theirs = await other_process.experiments(platform)
    # As if the two held different versions: what one draws, the other does not.
    flipped = Experiment(held["button"].experiment.document.model_copy(update={"seed": "another"}))
    monkeypatch.setattr(theirs["button"].experiment, "_slots", flipped._slots)
    monkeypatch.setattr(theirs["button"].experiment, "hasher", flipped.hasher)
    users = [f"user-{number}" for number in range(60)]

    async def ask(process: ExperimentEngine, some: list[str]) -> dict[str, str | None]:
        found = await process.assign_many(platform, [("button", {"id": user}) for user in some])
        return {user: one.variant_key for user, one in zip(some, found, strict=True)}

    answers = await asyncio.gather(
        *(ask(process, users[start::3]) for start in range(3) for process in (engine, other_process))
    )
    kept = {one["entity_id"]: one["variant_key"] for one in await rows(db, platform, "assignment")}
    assert len(kept) == len(users)
    for answer in answers:
        assert answer == {user: kept[user] for user in answer}


async def test_the_fallback_carries_an_assignment_over(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment(hash_attribute="user", fallback_attribute="device")
    # Users whom the hash would put elsewhere than their device.
    experiment = (await engine.experiments(platform))["button"].experiment
    for number in range(20):
        known, user = {"device": f"d{number}"}, {"user": f"u{number}"}
        if experiment.assign(known).variant_key == experiment.assign(user).variant_key:
            continue
        before = await engine.assign(platform, "button", known)
        signed_in = await engine.assign(platform, "button", known | user)
        later = await engine.assign(platform, "button", user)
        assert before.variant_key == signed_in.variant_key == later.variant_key
        assert (signed_in.reason, later.reason) == ("sticky", "sticky")
    assert len(await rows(db, platform, "assignment")) >= 2


async def test_all_experiments_are_asked_at_once(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment(key="one")
    await publish_experiment(key="two", sticky=False)
    await publish_experiment(key="flag", type="FEATURE_FLAG", metrics=[])
    found = await engine.assign_all(platform, {"id": "user-1"})
    assert list(found) == ["flag", "one", "two"]
    assert all(one.in_experiment for one in found.values())
    assert (await engine.assign_all(platform, {"id": "user-1"}, ["two"]))["two"] == found["two"]


async def test_what_is_paused_or_complete_gives_the_control(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    for event in ("pause", "complete"):
        async with db.tenant(platform_id=platform) as session:
            await take_step(session, KIND, platform, "button", event)
        await heard(engine, platform)
        given = await engine.assign(platform, "button", {"id": "user-1"})
        assert (given.variant_key, given.in_experiment, given.reason) == ("CONTROL", False, "not_running")
        assert await engine.assign_all(platform, {"id": "user-1"}) == {}
    await engine.exposures.flush()
    assert await rows(db, platform, "exposure") == []


async def test_an_override_is_heard_of_at_once_and_is_no_exposure(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment(buckets=ALL_A)
    await engine.assign(platform, "button", {"id": "somebody"})
    async with db.tenant(platform_id=platform) as session:
        await queries.set_override(session, platform, "button", "tester", "b", created_by=None)
    await heard(engine, platform)
    forced = await engine.assign(platform, "button", {"id": "tester"})
    assert (forced.variant_key, forced.reason) == ("b", "override")
    await engine.exposures.flush()
    assert [one["entity_id"] for one in await rows(db, platform, "exposure")] == ["somebody"]
    async with db.tenant(platform_id=platform) as session:
        assert await queries.drop_override(session, platform, "button", "tester")
    await heard(engine, platform)
    assert (await engine.assign(platform, "button", {"id": "tester"})).variant_key == "a"


async def test_a_draft_is_not_there_yet(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    with pytest.raises(NotFoundError):
        await engine.assign(platform, "button", {"id": "u"})
    await publish_experiment(buckets=ALL_A)
    async with db.tenant(platform_id=platform) as session:
        draft = parse_document(KIND, {"key": "button", "buckets": ALL_B})
        await save_draft(session, KIND, platform, draft, user_id=None)
    assert (await engine.assign(platform, "button", {"id": "u"})).variant_key == "a"


async def test_what_is_stored_comes_back_equal(
    db: Database, platform: UUID, publish_experiment: Publish
) -> None:
    made = await publish_experiment(
        name="Everything",
        description="All there is",
        owner_service="checkout",
        start_time="2026-01-01T00:00:00Z",
        end_time="2030-01-01T00:00:00+01:00",
        context_schema={"country": "string"},
        audiences=[
            {"rule_name": "b", "condition": {"country": "US"}, "priority": 1},
            {"rule_name": "a", "condition": {"country": {"$in": ["CA"]}}},
        ],
        buckets=[
            {"variant_key": "x", "allocation_weight": 33.3333, "payload": [1, None, {"a": 1.5}], "range": [0, 0.1]},
            {"variant_key": "y", "allocation_weight": 66.6667, "is_control": True, "range": [0.1, 0.123456]},
        ],
        hash_attribute="user",
        fallback_attribute="device",
        seed="s",
        hash_version=1,
        namespace={"key": "n", "start": 0.1, "end": 0.2},
        filters=[{"seed": "f", "attribute": "device", "hash_version": 1, "ranges": [[0, 0.5], [0.6, 0.7]]}],
        holdout={"key": "h", "share": 0.01},
        bucket_version=3,
        min_bucket_version=2,
        guardrails=[{"key": "refund", "better": "LOWER"}],
        pre_period_days=7,
    )  # fmt: skip
    flag = await publish_experiment(
        key="flag", type="FEATURE_FLAG", buckets=weights(100), default_payload={"a": []}
    )
    async with db.tenant(platform_id=platform) as session:
        for document in (made, flag):
            version, found = await find_version(session, KIND, platform, document.key)
            assert found == document
            trial = await KIND.attempt(session, platform, document, KIND.example(document))
            assert trial.lines
            assert version.state == "ACTIVE"


async def test_parts_of_a_namespace_are_taken_once(
    db: Database, platform: UUID, publish_experiment: Publish
) -> None:
    await publish_experiment(key="one", namespace={"key": "n", "start": 0, "end": 0.5})
    await publish_experiment(key="two", namespace={"key": "n", "start": 0.5, "end": 1})
    await publish_experiment(key="three", namespace={"key": "other", "start": 0, "end": 1})
    with pytest.raises(ConflictError) as caught:
        await publish_experiment(key="four", namespace={"key": "n", "start": 0.4, "end": 0.6})
    assert caught.value.where == {"path": "namespace", "key": "one"}
    # A new version of the same experiment takes its own place over.
    await publish_experiment(key="one", namespace={"key": "n", "start": 0.1, "end": 0.5})


async def test_the_database_refuses_overlapping_parts_whoever_asks(
    db: Database, platform: UUID, publish_experiment: Publish
) -> None:
    part = {"key": "n", "start": 0, "end": 0.5}
    async with db.tenant(platform_id=platform) as session:
        draft = parse_document(KIND, {"key": "late", "buckets": ALL_A, "namespace": part})
        await save_draft(session, KIND, platform, draft, user_id=None)
    await publish_experiment(key="one", namespace=part)
    with pytest.raises((DBAPIError, ConflictError)):
        async with db.tenant(platform_id=platform) as session:
            await take_step(session, KIND, platform, "late", "start")


async def test_another_platform_sees_and_gets_nothing(
    db: Database, platform: UUID, other_platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment(buckets=ALL_A)
    await publish_experiment(platform_id=other_platform, buckets=ALL_B)
    mine = await engine.assign(platform, "button", {"id": "u"})
    theirs = await engine.assign(other_platform, "button", {"id": "u"})
    assert (mine.variant_key, theirs.variant_key) == ("a", "b")
    await engine.exposures.flush()
    for table in ("definition", "bucket", "assignment", "exposure"):
        assert {row["platform_id"] for row in await rows(db, platform, table)} == {platform}
    async with db.tenant(platform_id=other_platform) as session:
        for statement in (
            "UPDATE marketplace.hm_experiment_assignment SET variant_key = 'x' WHERE platform_id = :id",
            "DELETE FROM marketplace.hm_experiment_override WHERE platform_id = :id",
        ):
            result = await session.execute(text(statement), {"id": platform})
            assert result.rowcount == 0  # type: ignore[attr-defined]
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.tenant(platform_id=other_platform) as session:
            await queries.set_override(session, platform, "button", "u", "a", created_by=None)


async def test_logs_cannot_be_changed(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    await engine.assign(platform, "button", {"id": "u"})
    await engine.record_metric(platform, "button", "u", "purchase")
    await engine.exposures.flush()
    for table in ("exposure", "metric"):
        for change in (
            "UPDATE marketplace.hm_experiment_{} SET entity_id = 'x'",
            "DELETE FROM marketplace.hm_experiment_{}",
        ):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with db.tenant(platform_id=platform) as session:
                    await session.execute(text(change.format(table)))


async def test_the_views_show_one_row_an_experiment(
    db: Database, platform: UUID, publish_experiment: Publish
) -> None:
    await publish_experiment(buckets=ALL_A)
    await publish_experiment(buckets=ALL_B)
    async with db.tenant(platform_id=platform) as session:
        draft = parse_document(KIND, {"key": "button", "buckets": ALL_A})
        await save_draft(session, KIND, platform, draft, user_id=None)
        found = (await session.execute(text("SELECT * FROM marketplace.hm_experiment"))).mappings().all()
        variants = (
            (
                await session.execute(
                    text("SELECT * FROM marketplace.hm_experiment_variant ORDER BY variant_key")
                )
            )
            .mappings()
            .all()
        )
    assert [(row["experiment_key"], row["version"], row["state"]) for row in found] == [
        ("button", 2, "ACTIVE")
    ]
    assert [int(row["allocation_weight"]) for row in variants] == [0, 100]


async def test_a_context_that_cannot_be_used_is_refused(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment(context_schema={"country": "string"})
    refused: list[tuple[Any, str]] = [
        (None, "context"),
        ({"id": "u", "country": 7}, "context.country"),
        ({"id": "u" * 256}, "context.id"),
        ({"id": "\0"}, "context.id"),
        ({"id": "u", "note": "\0"}, "context"),
        ({"id": "u", "note": {1, 2}}, "context"),
    ]
    for context, path in refused:
        with pytest.raises(InvalidInputError) as caught:
            await engine.assign(platform, "button", context)
        assert str(caught.value.where["path"]).startswith(path)
    assert (await engine.assign(platform, "button", {"id": "u", "country": "US"})).in_experiment


async def test_metrics_are_recorded_once(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    assert await engine.record_metric(
        platform, "button", "u", "revenue", "19.90", currency="EUR", dedupe_key="o-1"
    )
    assert not await engine.record_metric(platform, "button", "u", "revenue", "19.90", dedupe_key="o-1")
    assert await engine.record_metric(platform, "button", "u", "purchase")
    assert await engine.record_metric(platform, "button", "u", "purchase")
    found = await rows(db, platform, "metric")
    assert [(row["metric_key"], str(row["value"]), row["currency_code"]) for row in found] == [
        ("revenue", "19.9000", "EUR"),
        ("purchase", "1.0000", None),
        ("purchase", "1.0000", None),
    ]


async def test_a_context_or_a_trace_that_cannot_be_kept_is_refused_before_it_holds_others_up(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    for context in ({"id": "u", "note": "\0"}, {"id": "u", "note": {1, 2}}, {"id": "u", "note": 2**70}):
        with pytest.raises(InvalidInputError) as caught:
            await engine.assign(platform, "button", context)
        assert caught.value.where == {"path": "context"}
    for trace in ("", "t" * 65, "t\0"):
        with pytest.raises(InvalidInputError, match="trace"):
            await engine.assign(platform, "button", {"id": "u"}, trace_id=trace)
    kept = {"id": "u", "note": r"a\u0000b"}
    assert (await engine.assign(platform, "button", kept)).reason == "hashed"
    await engine.exposures.flush()
    assert [row["context_json"] for row in await rows(db, platform, "assignment")] == [kept]
    assert len(await rows(db, platform, "exposure")) == 1


async def test_exposures_are_written_once_though_they_are_tried_twice(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    await engine.assign_many(platform, [("button", {"id": f"u{number}"}) for number in range(5)])
    waiting = list(engine.exposures._waiting)
    await engine.exposures._write(waiting)
    assert len(waiting) == 5
    await engine.exposures.flush()
    assert sorted(row["entity_id"] for row in await rows(db, platform, "exposure")) == [
        f"u{number}" for number in range(5)
    ]


async def test_a_stop_writes_all_exposures_and_asking_too_fast_waits(
    db: Database, platform: UUID, publish_experiment: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_experiment(sticky=False)
    async with Engines.opened(db) as engines:
        monkeypatch.setattr(engines.experiments.exposures, "_capacity", 100)
        questions = [("button", {"id": f"u{number}"}) for number in range(350)]
        await engines.experiments.assign_many(platform, questions)
    assert len(await rows(db, platform, "exposure")) == 350


async def test_asking_is_refused_where_exposures_cannot_be_recorded(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_experiment(sticky=False)
    monkeypatch.setattr(batching, "PATIENCE", 0.05)
    monkeypatch.setattr(engine.exposures, "_capacity", 0)
    with pytest.raises(UnavailableError, match="exposures wait to be recorded"):
        await engine.assign(platform, "button", {"id": "u"})
    assert (await engine.assign(platform, "button", {"id": "u"}, record=False)).in_experiment


async def test_the_last_exposures_are_shown_and_found_by_variant(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    for number in range(6):
        await engine.assign(platform, "button", {"id": f"u{number}"}, trace_id=f"t{number}")
    await engine.exposures.flush()
    async with db.tenant(platform_id=platform) as session:
        recent = await KIND.recent(session, platform, "button", 2)
        red = await queries.select_exposures(session, platform, "button", variant="TREATMENT", limit=10)
        blue = await queries.select_exposures(session, platform, "button", variant="CONTROL", limit=10)
    assert [(one.subject, one.detail["trace_id"], one.detail["reason"]) for one in recent] == [
        ("u5", "t5", "hashed"),
        ("u4", "t4", "hashed"),
    ]
    assert {row["variant_key"] for row in red} == {"TREATMENT"}
    assert len(red) + len(blue) == 6


async def test_a_version_that_assigns_cannot_be_changed(
    db: Database, platform: UUID, publish_experiment: Publish
) -> None:
    await publish_experiment(audiences=[{"rule_name": "all", "condition": {}}])
    for change in (
        "UPDATE marketplace.hm_experiment_definition SET coverage = 0.5",
        "UPDATE marketplace.hm_experiment_definition SET state = 'DRAFT'",
        "DELETE FROM marketplace.hm_experiment_definition",
        "UPDATE marketplace.hm_experiment_bucket SET allocation_weight = 90 WHERE is_control",
        "DELETE FROM marketplace.hm_experiment_bucket",
        "UPDATE marketplace.hm_experiment_audience SET rule_json = '{\"a\": 1}'",
        "DELETE FROM marketplace.hm_experiment_audience",
    ):
        with pytest.raises(DBAPIError, match=r"only a draft|no step leads"):
            async with db.tenant(platform_id=platform) as session:
                await session.execute(text(change))


async def test_a_platform_that_goes_takes_everything_with_it_and_holds_nobody_up(
    db: Database, platform: UUID, other_platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    for owner in (platform, other_platform):
        await publish_experiment(platform_id=owner)
        await engine.assign(owner, "button", {"id": "u"})
        await engine.record_metric(owner, "button", "u", "purchase")
    await engine.exposures.flush()
    async with db.tenant(platform_id=platform) as session:
        await queries.set_override(session, platform, "button", "tester", "CONTROL", created_by=None)
        await keep_results(session, platform, await read_results(session, platform, "button"))
    for owner in (platform, other_platform):
        await engine.assign(owner, "button", {"id": "late"})
    async with db.system() as session:
        await session.execute(text("DELETE FROM marketplace.hm_platform WHERE id = :id"), {"id": platform})
    await engine.exposures.flush()
    async with db.system() as session:
        for table in ("definition", "bucket", "override", "assignment", "exposure", "metric", "result"):
            left = await session.execute(
                text(f"SELECT count(*) FROM marketplace.hm_experiment_{table} WHERE platform_id = :id"),
                {"id": platform},
            )
            assert left.scalar_one() == 0, table
    assert len(await rows(db, other_platform, "exposure")) == 2
