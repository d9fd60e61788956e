"""Assignment agrees with GrowthBook's SDK, shares follow the weights, and nobody moves who need not."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from growthbook import Experiment as SdkExperiment
from growthbook import GrowthBook, InMemoryStickyBucketService
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.marketplace.experiments.conftest import BUCKETS, document, weights

from entrepot.kit.clock import clock
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.experiments.analyzing import sample_ratio
from entrepot.marketplace.experiments.assigning import DRAWN, REASONS, Experiment, Stored, identity
from entrepot.marketplace.experiments.documents import ExperimentDocument
from entrepot.marketplace.experiments.explaining import explain
from entrepot.marketplace.experiments.sharing import sdk_settings

USERS = [f"user-{number}" for number in range(4_000)]

IDS = st.one_of(
    st.text(max_size=12), st.integers(-5, 10**25), st.floats(), st.booleans(), st.none(), st.just([1])
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS,
        "device": IDS,
        "company": st.integers(1, 50),
        "country": st.sampled_from(["US", "CA", None, 7]),
        "age": st.integers(0, 90) | st.just("40"),
    },
)
SHARES = st.integers(0, 100).map(lambda percent: percent / 100)
CONDITIONS = st.sampled_from(
    [
        {"country": "US"},
        {"country": {"$in": ["CA", "MX"]}},
        {"age": {"$gte": 40}},
        {"$not": {"country": "US"}},
        {},
    ]
)


@st.composite
def spans(draw: st.DrawFn) -> tuple[float, float]:
    """A range within [0, 1)."""
    start, end = sorted(draw(st.lists(st.integers(0, 10_000), min_size=2, max_size=2, unique=True)))
    return start / 10_000, end / 10_000


@st.composite
def splits(draw: st.DrawFn) -> list[float]:
    """Weights that add up to 100."""
    edges = sorted(draw(st.lists(st.integers(0, 10_000), min_size=1, max_size=4)))
    return [(end - start) / 100 for start, end in zip([0, *edges], [*edges, 10_000], strict=True)]


@st.composite
def documents(draw: st.DrawFn) -> ExperimentDocument:
    """An experiment with any of what an experiment can have."""
    given_: dict[str, Any] = {
        "key": draw(st.sampled_from(["checkout", "exp-2", "A"])),
        "buckets": weights(*draw(splits())),
        "hash_version": draw(st.sampled_from([1, 2])),
        "coverage": draw(SHARES),
        "hash_attribute": draw(st.sampled_from(["id", "company"])),
    }
    if draw(st.booleans()):
        given_["seed"] = draw(
            st.text(
                st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=10
            )
        )
    given_["audiences"] = [
        {"rule_name": f"rule-{index}", "condition": condition, "priority": index}
        for index, condition in enumerate(draw(st.lists(CONDITIONS, max_size=2)))
    ]
    if draw(st.booleans()):
        start, end = draw(spans())
        given_["namespace"] = {"key": "checkout", "start": start, "end": end}
    if draw(st.booleans()):
        given_["holdout"] = {"key": "global", "share": draw(SHARES)}
    given_["filters"] = [
        {"seed": "f", "attribute": attribute, "hash_version": version, "ranges": [draw(spans())]}
        for attribute, version in draw(
            st.lists(st.tuples(st.sampled_from(["id", "company"]), st.sampled_from([1, 2])), max_size=1)
        )
    ]
    return document(metrics=[], **given_)


def sdk(settings_: dict[str, Any]) -> SdkExperiment[Any]:
    """The same experiment for the SDK."""
    return SdkExperiment(**settings_)


@given(made=documents(), contexts=st.lists(CONTEXTS, min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_assignments_agree_with_the_sdk(made: ExperimentDocument, contexts: list[dict[str, Any]]) -> None:
    experiment = Experiment(made)
    theirs = sdk(sdk_settings(made))
    together = experiment.assign_many(contexts)
    for context, at_once in zip(contexts, together, strict=True):
        result = GrowthBook(attributes=context).run(theirs)
        ours = experiment.assign(context)
        assert ours == at_once
        assert (ours.in_experiment, ours.hash_used) == (result.inExperiment, result.hashUsed)
        assert ours.payload == result.value  # the first bucket is the control, whose payload the others get
        explained = explain(experiment, context)
        assert explained.assignment == ours
        if ours.in_experiment:
            assert explained.number == result.bucket


@given(
    split=splits(),
    present=st.integers(0, 2),
    lowest=st.integers(0, 2),
    stored=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", "gone"])), max_size=2),
    user=st.sampled_from(USERS[:50]),
)
@settings(max_examples=200, deadline=None)
def test_stored_assignments_count_as_with_the_sdk(
    split: list[float], present: int, lowest: int, stored: list[tuple[int, str]], user: str
) -> None:
    assume(lowest <= present)
    made = document(buckets=weights(*split), bucket_version=present, min_bucket_version=lowest, coverage=0.5)
    service = InMemoryStickyBucketService()
    service.save_assignments(
        {
            "attributeName": "id",
            "attributeValue": user,
            "assignments": {f"button__{version}": variant for version, variant in stored},
        }
    )
    client = GrowthBook(
        attributes={"id": user}, sticky_bucket_service=service, sticky_bucket_identifier_attributes=["id"]
    )
    client.refresh_sticky_buckets()
    theirs = client.run(sdk(sdk_settings(made)))
    known = dict(stored)
    kept = None
    if known:
        # Ours keeps one row an entity: the variant of the present bucket version if there is one, and the lowest version.
        version = present if present in known else max(known)
        kept = Stored(known[version], version, min(known))
    ours = Experiment(made).assign({"id": user}, kept)
    assert (ours.in_experiment, ours.payload) == (theirs.inExperiment, theirs.value)
    assert (ours.reason == "sticky") == (theirs.inExperiment and bool(theirs.stickyBucketUsed))


def test_shares_follow_the_weights() -> None:
    users = [f"entity-{number}" for number in range(40_000)]
    for seed in ("one", "two", "three"):
        for split in ((50, 50), (10, 90), (33.3333, 33.3333, 33.3334), (1, 2, 3, 94)):
            experiment = Experiment(document(buckets=weights(*split), seed=seed))
            found = Counter(
                one.variant_key for one in experiment.assign_many([{"id": user} for user in users])
            )
            expected = {"abcd"[index]: share for index, share in enumerate(split)}
            # One in a million of honest splits would fail, and these seeds are fixed.
            assert sample_ratio({str(key): count for key, count in found.items()}, expected).p_value > 1e-6
            assert experiment.shares() == pytest.approx(
                {key: share / 100 for key, share in expected.items()}, abs=2e-4
            )


def test_two_experiments_are_independent() -> None:
    first = Experiment(document(key="first")).assign_many([{"id": user} for user in USERS])
    second = Experiment(document(key="second")).assign_many([{"id": user} for user in USERS])
    pairs = Counter((one.variant_key, two.variant_key) for one, two in zip(first, second, strict=True))
    assert (
        sample_ratio(
            {f"{a}{b}": count for (a, b), count in pairs.items()},
            dict.fromkeys(
                ["CONTROLCONTROL", "CONTROLTREATMENT", "TREATMENTCONTROL", "TREATMENTTREATMENT"], 1
            ),
        ).p_value
        > 1e-6
    )


@given(before=splits(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_raising_a_weight_moves_nobody_out_of_that_bucket(before: list[float], data: st.DataObject) -> None:
    raised = data.draw(st.integers(0, len(before) - 1))
    lowered = [
        share if index == raised else data.draw(st.integers(0, round(share * 100))) / 100
        for index, share in enumerate(before)
    ]
    after = [*lowered]
    after[raised] = round(100 - sum(share for index, share in enumerate(lowered) if index != raised), 2)
    old, new = (Experiment(document(buckets=weights(*split))) for split in (before, after))
    contexts = [{"id": user} for user in USERS[:500]]
    for context, was, becomes in zip(
        contexts, old.assign_many(contexts), new.assign_many(contexts), strict=True
    ):
        if was.variant_key == "abcdefghij"[raised]:
            assert becomes.variant_key == was.variant_key, (context, before, after)


@given(before=splits(), after=splits(), coverage=SHARES)
@settings(max_examples=60, deadline=None)
def test_who_was_assigned_stays_under_any_weights(
    before: list[float], after: list[float], coverage: float
) -> None:
    old = Experiment(document(buckets=weights(*before)))
    new = Experiment(document(buckets=weights(*after), coverage=coverage))
    for user in USERS[:300]:
        was = old.assign({"id": user})
        assert was.variant_key is not None
        becomes = new.assign({"id": user}, Stored(was.variant_key))
        if new.has_variant(was.variant_key):
            assert (becomes.variant_key, becomes.reason) == (was.variant_key, "sticky")
        else:
            assert becomes == new.assign({"id": user})


@given(low=SHARES, high=SHARES)
@settings(max_examples=30, deadline=None)
def test_a_wider_rollout_keeps_whom_it_reached(low: float, high: float) -> None:
    low, high = sorted((low, high))
    narrow, wide = (
        Experiment(document(type="FEATURE_FLAG", buckets=weights(60, 40), coverage=share))
        for share in (low, high)
    )
    for user in USERS[:500]:
        before = narrow.assign({"id": user})
        if before.in_experiment:
            assert wide.assign({"id": user}).variant_key == before.variant_key


@given(edge=st.integers(1, 999).map(lambda permille: permille / 1000))
@settings(max_examples=20, deadline=None)
def test_parts_of_a_namespace_exclude_each_other(edge: float) -> None:
    first, second = (
        Experiment(document(key=key, namespace={"key": "checkout", "start": start, "end": end}))
        for key, start, end in (("one", 0, edge), ("two", edge, 1))
    )
    for user in USERS[:500]:
        assert first.assign({"id": user}).in_experiment != second.assign({"id": user}).in_experiment


def test_a_holdout_is_out_of_every_experiment_that_names_it() -> None:
    held = {"key": "global", "share": 0.2}
    experiments = [Experiment(document(key=key, holdout=held)) for key in ("one", "two", "three")]
    out = [
        {user for user in USERS if experiment.assign({"id": user}).reason == "holdout"}
        for experiment in experiments
    ]
    assert out[0] == out[1] == out[2]
    assert 0.18 < len(out[0]) / len(USERS) < 0.22
    wider = Experiment(document(key="one", holdout={"key": "global", "share": 0.3}))
    assert all(wider.assign({"id": user}).reason == "holdout" for user in out[0])


def test_any_audience_rule_lets_in_and_the_highest_names_the_reason() -> None:
    experiment = Experiment(
        document(
            audiences=[
                {"rule_name": "mobile", "condition": {"device": "mobile"}},
                {"rule_name": "staff", "condition": {"staff": True}, "priority": 10},
            ]
        )
    )
    both = {"id": "u", "device": "mobile", "staff": True}
    assert experiment.assign(both).in_experiment
    assert experiment.assign({"id": "u", "device": "mobile"}).in_experiment
    assert experiment.assign({"id": "u", "device": "desktop"}).reason == "audience"
    steps = explain(experiment, both).steps
    assert any("staff holds" in step for step in steps)
    assert not any("mobile" in step for step in steps)


def test_a_tester_gets_what_is_forced_even_where_nothing_runs() -> None:
    experiment = Experiment(document(), running=False, overrides={"tester": "TREATMENT", "other": "NO_SUCH"})
    forced = experiment.assign({"id": "tester"})
    assert (forced.variant_key, forced.in_experiment, forced.hash_used, forced.reason) == (
        "TREATMENT",
        True,
        False,
        "override",
    )
    assert experiment.assign({"id": "other"}).reason == "not_running"
    assert experiment.assign({"id": "somebody"}).payload == {"color": "blue"}


def test_a_flag_is_on_for_its_rollout_and_gives_its_default_to_the_rest() -> None:
    made = ExperimentDocument.model_validate({"key": "new-search", "type": "FEATURE_FLAG", "coverage": 0.25})
    answers = Experiment(made).assign_many([{"id": user} for user in USERS])
    assert 0.22 < sum(answer.payload is True for answer in answers) / len(USERS) < 0.28
    assert {(answer.payload, answer.variant_key, answer.reason) for answer in answers} == {
        (True, "on", "hashed"),
        (False, None, "coverage"),
    }


def test_an_experiment_assigns_within_its_time() -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC)
    experiment = Experiment(document(start_time=start, end_time=start + timedelta(days=7)))
    found = []
    for moment in (start - timedelta(seconds=1), start, start + timedelta(days=7)):
        with clock(moment):
            found.append(experiment.assign({"id": "user-1"}).reason)
    assert found == ["not_running", "hashed", "not_running"]


def test_the_fallback_is_hashed_where_the_first_is_missing() -> None:
    experiment = Experiment(document(hash_attribute="user", fallback_attribute="device"))
    plain = Experiment(document())
    assert experiment.assign({"device": "d-1"}).variant_key == plain.assign({"id": "d-1"}).variant_key
    assert experiment.assign({"user": "", "device": "d-1"}).reason == "hashed"
    assert experiment.assign({"device": None}).reason == "no_entity"
    assert experiment.entities({"user": "u", "device": "d"}) == ["u", "d"]


def test_what_is_explained_of_an_experiment_that_does_not_run() -> None:
    told = explain(Experiment(document(), running=False), {"id": "u"})
    assert told.steps == (
        "The experiment is not running now.",
        "So it is not in the experiment and gets CONTROL: the experiment is not running.",
    )


def test_below_full_coverage_stickiness_keeps_whom_the_sdks_ranges_would_drop() -> None:
    # GrowthBook cuts each bucket's range from its own beginning, so a range that begins sooner also ends sooner.
    before = Experiment(document(buckets=weights(50, 50), coverage=0.5))
    after = Experiment(document(buckets=weights(40, 60), coverage=0.5))
    assert before.ranges == [(0.0, 0.25), (0.5, 0.75)]
    assert [round(edge, 9) for span in after.ranges for edge in span] == [0.0, 0.2, 0.4, 0.7]
    of_b = [user for user in USERS if before.assign({"id": user}).variant_key == "b"]
    drawn = [after.assign({"id": user}) for user in of_b]
    kept = [after.assign({"id": user}, Stored("b")) for user in of_b]
    assert any(one.reason == "coverage" for one in drawn)
    assert {(one.variant_key, one.reason) for one in kept} == {("b", "sticky")}


def test_a_stored_assignment_goes_before_a_wider_holdout_as_before_every_gate() -> None:
    held = Experiment(document(holdout={"key": "h", "share": 1}))
    assert held.assign({"id": "u"}).reason == "holdout"
    assert held.assign({"id": "u"}, Stored("TREATMENT")).reason == "sticky"


def test_the_sdk_is_told_of_the_fallback() -> None:
    made = document(hash_attribute="user", fallback_attribute="device")
    assert sdk_settings(made)["fallbackAttribute"] == "device"
    assert "fallbackAttribute" not in sdk_settings(document())


def test_ranges_are_taken_as_they_are_given() -> None:
    buckets = [
        {**bucket, "range": span} for bucket, span in zip(BUCKETS, [(0.5, 0.6), (0, 0.1)], strict=True)
    ]
    experiment = Experiment(document(buckets=buckets))
    theirs = sdk(sdk_settings(experiment.document))
    for user in USERS[:500]:
        result = GrowthBook(attributes={"id": user}).run(theirs)
        ours = experiment.assign({"id": user})
        assert (ours.in_experiment, ours.payload) == (result.inExperiment, result.value)
    assert experiment.shares() == {"CONTROL": 0.1, "TREATMENT": 0.1}


@pytest.mark.parametrize("context", [None, "user-1", ["id"], 7])
def test_a_context_is_an_object(context: Any) -> None:
    experiment = Experiment(document())
    for ask in (
        experiment.assign,
        lambda given_: experiment.assign_many([given_]),
        lambda given_: explain(experiment, given_),
    ):
        with pytest.raises(InvalidInputError) as caught:
            ask(context)
        assert caught.value.where == {"path": "context"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"),
        (1e21, "1e+21"),
        (-2.5, "-2.5"),
        (0, ""),
        (True, ""),
        (float("nan"), ""),
        (10**400, ""),
        (["u"], ""),
    ],
)
def test_only_texts_and_numbers_are_identities(value: Any, expected: str) -> None:
    assert identity(value) == expected


def test_every_reason_is_explained() -> None:
    assert set(DRAWN) < set(REASONS)
    experiment = Experiment(
        document(
            audiences=[{"rule_name": "us", "condition": {"country": "US"}}],
            coverage=0.5,
            namespace={"key": "n", "start": 0, "end": 0.8},
            holdout={"key": "h", "share": 0.2},
            filters=[{"seed": "f", "ranges": [(0, 0.8)]}],
            bucket_version=1,
            min_bucket_version=1,
        ),
        overrides={"user-0": "TREATMENT"},
    )
    found = {
        explain(experiment, {"id": user, "country": country}, stored).assignment.reason: explain(
            experiment, {"id": user, "country": country}, stored
        ).steps[-1]
        for user in USERS[:300]
        for country in ("US", "CA")
        for stored in (None, Stored("CONTROL"), Stored("CONTROL", 1, 1))
    }
    found["no_entity"] = explain(experiment, {}).steps[-1]
    assert set(found) == set(REASONS) - {"not_running"}
    assert all(REASONS[reason] in step for reason, step in found.items())
