"""What entities did is checked before it is recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.marketplace.experiments.conftest import document

from entrepot.kit.clock import clock, now
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.experiments.metrics import Observation, metric_rows

GOOD = Observation("u", "purchase")


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (Observation("u", "refund"), "[1].metric"),
        (Observation("", "revenue"), "[1].entity"),
        (Observation("u" * 256, "revenue"), "[1].entity"),
        (Observation("u", "revenue", "a lot"), "[1].value"),
        (Observation("u", "revenue", True), "[1].value"),
        (Observation("u", "revenue", "0.00001"), "[1].value"),
        (Observation("u", "revenue", float("inf")), "[1].value"),
        (Observation("u", "revenue", 10**15), "[1].value"),
        (Observation("u", "revenue", currency="euro"), "[1].currency"),
        (Observation("u", "revenue", occurred_at=now() + timedelta(days=1)), "[1].occurred_at"),
        (Observation("u", "revenue", occurred_at=datetime(2026, 1, 1)), "[1].occurred_at"),  # noqa: DTZ001 - on purpose
        (Observation("u", "revenue", dedupe_key=""), "[1].dedupe_key"),
    ],
)
def test_an_observation_that_cannot_be_used_is_refused_with_the_path(bad: Observation, path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        metric_rows(document(), [GOOD, bad])
    assert caught.value.where["path"] == path


def test_what_is_left_out_is_a_conversion_now() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with clock(moment):
        [row] = metric_rows(document(), [GOOD])
    expected: dict[str, Any] = {
        "entity_id": "u",
        "metric_key": "purchase",
        "value": "1",
        "currency_code": None,
        "occurred_at": moment.isoformat(),
        "dedupe_key": None,
    }
    assert row == expected


def test_one_dedupe_key_counts_once_in_a_call() -> None:
    same = [Observation("u", "revenue", value, dedupe_key="o-1") for value in (1, 2)]
    assert [row["value"] for row in metric_rows(document(), [*same, GOOD, GOOD])] == ["1", "1", "1"]
