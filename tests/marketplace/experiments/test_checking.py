"""What cannot be used is refused when it is saved, with the path."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.marketplace.experiments.conftest import BUCKETS, button, weights

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.experiments.documents import EXAMPLE, ExperimentDocument
from entrepot.marketplace.experiments.kind import KIND
from entrepot.marketplace.rulebook.authoring import as_plain, parse_document

CONTROL, TREATMENT = BUCKETS
FLAG = {"key": "flag", "type": "FEATURE_FLAG"}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (button(buckets=weights(50, 49.99)), "buckets"),
        (button(buckets=weights(60, 60)), "buckets"),
        (button(buckets=weights(100)), "buckets"),
        (button(buckets=[]), "buckets"),
        (button(buckets=[CONTROL, {**TREATMENT, "variant_key": "CONTROL"}]), "buckets[1].variant_key"),
        (button(buckets=[CONTROL, {**TREATMENT, "is_control": True}]), "buckets[1].is_control"),
        (button(buckets=[{**CONTROL, "is_control": False}, TREATMENT]), "buckets"),
        (button(buckets=[CONTROL, {**TREATMENT, "allocation_weight": 50.00001}]), "buckets[1].allocation_weight"),
        (button(buckets=[CONTROL, {**TREATMENT, "allocation_weight": -1}]), "buckets[1].allocation_weight"),
        (button(buckets=[CONTROL, {**TREATMENT, "payload": {"a": [float("nan")]}}]), "buckets[1].payload.a[0]"),
        (button(buckets=[CONTROL, {**TREATMENT, "payload": "\0"}]), "buckets[1].payload"),
        (button(buckets=[CONTROL, {**TREATMENT, "range": [0, 0.5]}]), "buckets[0].range"),
        (
            button(buckets=[{**CONTROL, "range": [0, 0.6]}, {**TREATMENT, "range": [0.5, 1]}]),
            "buckets[1].range",
        ),
        (
            button(buckets=[{**CONTROL, "range": [0, 0.5]}, {**TREATMENT, "range": [0.5, 1]}], coverage=0.5),
            "coverage",
        ),
        (button(buckets=[{**CONTROL, "range": [0.5, 0.5]}, {**TREATMENT, "range": [0, 1]}]), "buckets[0].range"),
        (button(coverage=1.1), "coverage"),
        (button(coverage=-0.1), "coverage"),
        (button(hash_version=3), "hash_version"),
        (button(type="MULTI_ARM"), "type"),
        (button(namespace={"key": "n", "start": 0.5, "end": 0.5}), "namespace"),
        (button(namespace={"key": "n", "start": 0.5, "end": 1.5}), "namespace.end"),
        (button(filters=[{"seed": "f", "ranges": [[0.4, 0.2]]}]), "filters[0].ranges[0]"),
        (button(filters=[{"seed": "f", "ranges": []}]), "filters[0].ranges"),
        (button(holdout={"key": "h", "share": 2}), "holdout.share"),
        (button(start_time="2026-02-01T00:00:00Z", end_time="2026-01-01T00:00:00Z"), "end_time"),
        (button(start_time="2026-02-01T00:00:00"), "start_time"),
        (button(fallback_attribute="device", sticky=False), "fallback_attribute"),
        (button(fallback_attribute="id"), "fallback_attribute"),
        (button(min_bucket_version=1), "min_bucket_version"),
        (button(default_payload=1), "default_payload"),
        (button(metrics=[{"key": "a"}, {"key": "a"}]), "metrics[1].key"),
        (button(guardrails=[{"key": "revenue", "type": "CONVERSION"}]), "guardrails[0].type"),
        (button(audiences=[{"rule_name": "a", "condition": {"x": {"$regexp": "y"}}}]), "audiences[0].condition.x.$regexp"),
        (button(audiences=[{"rule_name": "a", "condition": []}]), "audiences[0].condition"),
        (button(audiences=[{"rule_name": "a", "condition": {}}] * 2), "audiences[1].rule_name"),
        (
            button(
                context_schema={"device_type": "string"},
                audiences=[{"rule_name": "a", "condition": {"device": "mobile"}}],
            ),
            "audiences[0].condition.device",
        ),
        (button(context_schema={"device": "text"}), "context_schema.device"),
        (button(alloc=1), "alloc"),
        (button(key="no spaces"), "key"),
        (button(key=""), "key"),
        (FLAG | {"buckets": []}, "buckets"),
    ],
)  # fmt: skip
def test_it_is_refused_with_the_path(given: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_document(KIND, given)
    assert caught.value.where["path"] == path
    assert path in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        EXAMPLE,
        FLAG,
        FLAG | {"buckets": weights(20, 30, 50), "default_payload": {"on": False}, "coverage": 0.05},
        button(buckets=weights(33.3333, 33.3333, 33.3334)),
        button(start_time=date(2026, 1, 1), end_time="2026-02-01T10:00:00+02:00"),
        button(
            audiences=[{"rule_name": "a", "condition": {"country": {"$in": ["US", "CA"]}}, "priority": 3}],
            namespace={"key": "n", "start": 0, "end": 0.25},
            filters=[{"seed": "f", "ranges": [[0, 0.5]]}],
            holdout={"key": "h", "share": 0.05},
            fallback_attribute="device",
            guardrails=[{"key": "refund", "better": "LOWER"}],
        ),
    ],
)
def test_what_is_written_reads_back_from_its_plain_form(given: dict[str, Any]) -> None:
    document = parse_document(KIND, given)
    assert isinstance(document, ExperimentDocument)
    assert parse_document(KIND, as_plain(document)) == document
    assert KIND.words(document)


def test_weights_are_plain_numbers_in_files() -> None:
    document = parse_document(KIND, button(buckets=weights(33.3333, 66.6667)))
    assert [bucket["allocation_weight"] for bucket in as_plain(document)["buckets"]] == [33.3333, 66.6667]
    assert isinstance(document, ExperimentDocument)
    assert document.buckets[0].allocation_weight == Decimal("33.3333")
