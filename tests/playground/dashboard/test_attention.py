"""What needs a person: more failures than chance explains, and the order in which things are said."""

from datetime import UTC, datetime

import pytest

from entrepot.playground.dashboard.attention import Outcomes, State, concerns

AT = datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
CALM = Outcomes(400, 12, 9000, 270)


@pytest.mark.parametrize(
    ("outcomes", "abnormal"),
    [
        (CALM, False),
        (Outcomes(400, 20, 9000, 270), False),
        (Outcomes(400, 60, 9000, 270), True),
        # A few cases are no outage, however high their share.
        (Outcomes(4, 4, 9000, 270), False),
        # Never before: five at once are more than chance explains, but not where next to nothing is known of before.
        (Outcomes(1000, 5, 100_000, 0), True),
        (Outcomes(10, 5, 2, 0), False),
        (Outcomes(10, 10, 0, 0), False),
        (Outcomes(0, 0, 9000, 270), False),
        # All failed before as well: that is bad, but not new.
        (Outcomes(100, 100, 100, 100), False),
    ],
)
def test_what_is_more_than_usual(outcomes: Outcomes, abnormal: bool) -> None:
    assert outcomes.abnormal is abnormal


def test_both_rates_are_said() -> None:
    assert Outcomes(320, 29, 9000, 270).words == (
        "9.1 % of 320 in the last 24 hours; 3.0 % in the 28 days before."
    )


def test_nothing_to_do_is_nothing_said() -> None:
    last = {"outcome": "completed", "error": None}
    assert concerns(State(0, CALM, CALM, 0, None, last), AT) == []
    assert concerns(State(0, CALM, CALM, 0, None, None), AT) == []


def test_the_gravest_comes_first() -> None:
    bad = Outcomes(400, 60, 9000, 270)
    found = concerns(State(1, bad, bad, 3, AT, {"outcome": "failed", "error": None}), AT)
    assert [one.tone for one in found] == ["bad", "bad", "bad", "warn", "warn"]
    assert found[0].detail.startswith("No reason is known.")
    assert found[1].href == "/warehouse/payments?status=failed&from=2025-12-30T23:59"
    assert found[3].title == "Product out of stock"
