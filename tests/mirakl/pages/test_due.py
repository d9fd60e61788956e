"""What is due and what somebody has to do about it, decided by looking at values."""

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.mirakl.today.due import DEEDS, deed_of, left_until, urgency_of
from entrepot.mirakl.values import ENDS, STATUSES

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "urgency", "words"),
    [
        (-1, "late", "1 min late"),
        (-200, "late", "3 h 20 min late"),
        (0, "soon", "in 0 min"),
        (59, "soon", "in 59 min"),
        (240, "soon", "in 4 h"),
        (241, "later", "in 4 h 1 min"),
        (60 * 26, "later", "in 1 d 2 h"),
        (60 * 24, "later", "in 1 day"),
        (60 * 24 * 5 + 90, "later", "in 5 days"),
    ],
)
def test_a_deadline_says_how_much_time_is_left(minutes: int, urgency: str, words: str) -> None:
    deadline = NOON + timedelta(minutes=minutes)
    assert (urgency_of(deadline, NOON), left_until(deadline, NOON)) == (urgency, words)


def test_what_has_no_deadline_is_not_late() -> None:
    assert (urgency_of(None, NOON), left_until(None, NOON)) == ("open", "no deadline")


def test_every_status_that_is_no_end_says_what_is_to_be_done() -> None:
    assert set(DEEDS) == set(STATUSES) - set(ENDS) - {"shipped"}


def test_what_is_packed_is_handed_over() -> None:
    assert deed_of({"status": "label_created", "packed_at": None}).title == "Pack"
    assert deed_of({"status": "label_created", "packed_at": NOON}).title == "Hand over to the carrier"
