"""Results from the database: who counts, what counts, what withholds them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.marketplace.experiments.conftest import Publish, heard, weights

from entrepot.kit.clock import clock, now
from entrepot.kit.db import Database
from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.experiments.analyzing import Compared
from entrepot.marketplace.experiments.commands import _show
from entrepot.marketplace.experiments.engine import ExperimentEngine
from entrepot.marketplace.experiments.metrics import Observation
from entrepot.marketplace.experiments.results import Results, keep_results, read_results

Read = Callable[[], Awaitable[Results]]


@pytest.fixture
def results(db: Database, platform: UUID, engine: ExperimentEngine) -> Read:
    """The results of the experiment as they are now."""

    async def read() -> Results:
        await engine.exposures.flush()
        async with db.tenant(platform_id=platform) as session:
            return await read_results(session, platform, "button")

    return read


async def expose(engine: ExperimentEngine, platform: UUID, users: list[str]) -> dict[str, list[str]]:
    """Assign users; gives those of each variant."""
    found = await engine.assign_many(platform, [("button", {"id": user}) for user in users])
    variants: dict[str, list[str]] = {}
    for user, one in zip(users, found, strict=True):
        variants.setdefault(str(one.variant_key), []).append(user)
    return variants


def variant(results: Results, metric: str, key: str, *, guardrail: bool = False) -> Compared:
    """One variant by one metric."""
    [found] = [one for one in results.metrics if one.metric.key == metric and one.is_guardrail == guardrail]
    return next(one for one in found.variants if one.variant_key == key)


def users(count: int, prefix: str = "user") -> list[str]:
    """Names of users."""
    return [f"{prefix}-{number}" for number in range(count)]


async def test_an_effect_is_found_and_a_guardrail_breaks(
    db: Database,
    platform: UUID,
    engine: ExperimentEngine,
    publish_experiment: Publish,
    results: Read,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await publish_experiment(guardrails=[{"key": "refund", "better": "LOWER"}])
    split = await expose(engine, platform, users(3_000))
    share = {"CONTROL": 10, "TREATMENT": 4}
    for key, some in split.items():
        bought = some[:: share[key]]
        await engine.record_metrics(
            platform,
            "button",
            [
                *(Observation(user, "purchase") for user in bought),
                *(Observation(user, "purchase") for user in bought),  # twice is once, for a conversion
                *(Observation(user, "revenue", "12.50", currency="EUR") for user in bought),
                *(Observation(user, "revenue", 10, currency="EUR") for user in bought),
                *(Observation(user, "refund") for user in some[:: share[key] + 1]),
            ],
        )
    found = await results()
    assert found.withheld is None
    assert found.entities == {key: len(some) for key, some in split.items()}
    bought_share = len(split["TREATMENT"][::4]) / len(split["TREATMENT"])
    treatment = variant(found, "purchase", "TREATMENT")
    assert treatment.mean == pytest.approx(bought_share)
    assert treatment.better
    assert variant(found, "purchase", "CONTROL").is_control
    revenue = variant(found, "revenue", "TREATMENT")
    assert revenue.mean == pytest.approx(22.5 * bought_share)
    assert revenue.better
    assert [one.currency for one in found.metrics] == [None, "EUR", None]
    assert found.violations == [("refund", "TREATMENT")]
    _show(found)
    told = capsys.readouterr().out
    assert "The split is as meant" in told
    assert "better" in told
    assert "TREATMENT breaks the guardrail refund." in told
    async with db.tenant(platform_id=platform) as session:
        await keep_results(session, platform, found)
        kept = (
            await session.execute(
                text("SELECT * FROM marketplace.hm_experiment_result ORDER BY metric_key, variant_key")
            )
        ).mappings().all()  # fmt: skip
    assert [(row["metric_key"], row["variant_key"], row["is_worse"]) for row in kept] == [
        ("purchase", "CONTROL", False),
        ("purchase", "TREATMENT", False),
        ("refund", "CONTROL", False),
        ("refund", "TREATMENT", True),
        ("revenue", "CONTROL", False),
        ("revenue", "TREATMENT", False),
    ]
    assert kept[1]["mean"] == treatment.mean


async def test_only_what_came_after_the_first_exposure_counts(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish, results: Read
) -> None:
    await publish_experiment(pre_period_days=7)
    moment = now() - timedelta(hours=1)
    with clock(moment):
        split = await expose(engine, platform, users(40))
    with clock(moment + timedelta(minutes=30)):
        await expose(engine, platform, users(40))  # seen again: the first time counts
    one, two, three = split["TREATMENT"][:3]
    await engine.record_metrics(
        platform,
        "button",
        [
            Observation(one, "purchase", occurred_at=moment - timedelta(seconds=1)),
            Observation(one, "revenue", 100, occurred_at=moment - timedelta(days=2)),
            Observation(two, "purchase", occurred_at=moment),
            Observation(two, "revenue", 30, occurred_at=moment + timedelta(minutes=10)),
            Observation(two, "revenue", -5, occurred_at=moment + timedelta(minutes=20)),
            Observation(three, "revenue", 70, occurred_at=moment - timedelta(days=8)),
            Observation("stranger", "purchase"),
        ],
    )
    found = await results()
    entities = len(split["TREATMENT"])
    assert variant(found, "purchase", "TREATMENT").mean == pytest.approx(1 / entities)
    assert variant(found, "revenue", "TREATMENT").mean == pytest.approx(25 / entities)
    # The pre-period takes a little of the variance out; what is older than seven days does not.
    reduction = variant(found, "revenue", "TREATMENT").variance_reduction
    assert reduction is not None
    assert 0 < reduction < 0.05
    assert found.first_exposed_at == moment


async def test_the_pre_period_takes_noise_out(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish, results: Read
) -> None:
    await publish_experiment()
    moment = now() - timedelta(hours=1)
    with clock(moment):
        split = await expose(engine, platform, users(400))
    habits = {user: 10 + 7 * (number % 13) for number, user in enumerate(users(400))}
    await engine.record_metrics(
        platform,
        "button",
        [
            *(Observation(user, "revenue", habit, occurred_at=moment - timedelta(days=1)) for user, habit in habits.items()),
            *(
                Observation(user, "revenue", habits[user] + number % 3 + (2 if key == "TREATMENT" else 0))
                for key, some in split.items()
                for number, user in enumerate(some)
            ),
        ],
    )  # fmt: skip
    found = variant(await results(), "revenue", "TREATMENT")
    assert found.variance_reduction is not None
    assert found.variance_reduction > 0.99
    assert found.difference == pytest.approx(2, abs=0.3)
    assert found.better


async def test_a_broken_split_withholds_the_result(
    db: Database,
    platform: UUID,
    engine: ExperimentEngine,
    publish_experiment: Publish,
    results: Read,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await publish_experiment()
    split = await expose(engine, platform, users(600))
    assert (await results()).withheld is None
    # As if a third of one variant's exposures were lost on the way.
    async with db.system() as session:
        await session.execute(
            text("DELETE FROM marketplace.hm_experiment_exposure WHERE entity_id = ANY (:lost)"),
            {"lost": split["TREATMENT"][::3]},
        )
    found = await results()
    assert found.sample_ratio.mismatch
    assert found.withheld is not None
    assert "TREATMENT" in found.withheld
    assert all(not one.variants for one in found.metrics)
    assert found.violations == []
    _show(found)
    told = capsys.readouterr().out
    assert "Withheld: The entities are not split as was meant" in told
    assert "purchase" not in told
    async with db.tenant(platform_id=platform) as session:
        await keep_results(session, platform, found)
        kept = (
            await session.execute(text("SELECT mean, withheld FROM marketplace.hm_experiment_result"))
        ).all()
    assert len(kept) == 4
    assert all(row.mean is None and row.withheld == found.withheld for row in kept)


async def test_other_weights_are_no_broken_split(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish, results: Read
) -> None:
    await publish_experiment(buckets=weights(50, 50))
    await expose(engine, platform, users(800))
    await publish_experiment(buckets=weights(10, 90))
    await heard(engine, platform)
    await expose(engine, platform, [*users(800), *users(800, "late")])
    found = await results()
    assert found.entities["b"] > 1.8 * found.entities["a"]
    assert found.withheld is None
    assert found.mixed == 0
    assert found.version == 2


async def test_who_was_assigned_before_other_weights_and_exposed_after_is_no_broken_split(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish, results: Read
) -> None:
    await publish_experiment(buckets=weights(50, 50))
    await engine.assign_many(platform, [("button", {"id": user}) for user in users(600)], record=False)
    await publish_experiment(buckets=weights(10, 90))
    await heard(engine, platform)
    await expose(engine, platform, [*users(600), *users(100, "late")])
    found = await results()
    assert sum(found.entities.values()) == 700
    assert found.sample_ratio.expected["a"] == pytest.approx(310)
    assert found.withheld is None


async def test_who_saw_several_variants_counts_nowhere(
    platform: UUID,
    engine: ExperimentEngine,
    publish_experiment: Publish,
    results: Read,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await publish_experiment(sticky=False, buckets=weights(50, 50))
    first = await expose(engine, platform, users(200))
    await publish_experiment(sticky=False, buckets=weights(90, 10))
    await heard(engine, platform)
    await expose(engine, platform, first["b"][:50])
    found = await results()
    assert found.mixed > 0
    assert sum(found.entities.values()) == 200 - found.mixed
    assert found.entities["a"] == len(first["a"])
    _show(found)
    assert "saw several variants and count nowhere" in capsys.readouterr().out


async def test_a_new_bucket_version_begins_results_anew(
    platform: UUID, engine: ExperimentEngine, publish_experiment: Publish, results: Read
) -> None:
    await publish_experiment()
    await expose(engine, platform, users(50))
    await publish_experiment(bucket_version=1)
    await heard(engine, platform)
    assert sum((await results()).entities.values()) == 0
    await expose(engine, platform, users(20))
    assert sum((await results()).entities.values()) == 20


async def test_values_in_several_currencies_are_not_added_up(
    platform: UUID,
    engine: ExperimentEngine,
    publish_experiment: Publish,
    results: Read,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await publish_experiment()
    split = await expose(engine, platform, users(40))
    for currency, user in zip(("EUR", "USD"), split["CONTROL"], strict=False):
        await engine.record_metric(platform, "button", user, "revenue", Decimal(5), currency=currency)
    by_metric: Mapping[str, Any] = {one.metric.key: one for one in (await results()).metrics}
    assert "EUR, USD" in by_metric["revenue"].problem
    assert by_metric["revenue"].variants == ()
    assert by_metric["purchase"].problem is None
    _show(await results())
    assert "revenue: Values in EUR, USD cannot be added up." in capsys.readouterr().out


async def test_an_experiment_without_exposures_or_without_a_start(
    db: Database, platform: UUID, publish_experiment: Publish, results: Read
) -> None:
    with pytest.raises(NotFoundError):
        await results()
    await publish_experiment(buckets=weights(0, 100))
    found = await results()
    assert (found.entities, found.mixed, found.withheld) == ({"a": 0, "b": 0}, 0, None)
    assert variant(found, "purchase", "b").mean is None


async def test_another_platform_sees_no_results(
    db: Database, platform: UUID, other_platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    await publish_experiment(platform_id=other_platform)
    await expose(engine, platform, users(30))
    await engine.record_metric(platform, "button", "user-1", "purchase")
    await engine.exposures.flush()
    async with db.tenant(platform_id=other_platform) as session:
        found = await read_results(session, other_platform, "button")
        assert sum(found.entities.values()) == 0
        with pytest.raises(NotFoundError):
            await read_results(session, platform, "button")
