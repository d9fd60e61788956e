"""Identifiers tell when they were made, and sort by it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from entrepot.kit.identifiers import identifier, made_at

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)


def test_an_identifier_tells_its_millisecond() -> None:
    found = identifier(NOON)
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert made_at(found) == NOON.replace(microsecond=123_000)
    assert made_at(uuid4()) is None
    assert made_at(UUID(int=0)) is None


def test_identifiers_sort_by_their_moment_and_do_not_repeat() -> None:
    moments = [NOON + timedelta(milliseconds=n) for n in range(200)]
    made = [identifier(moment) for moment in moments]
    assert made == sorted(made)
    assert len({identifier(NOON) for _ in range(2_000)}) == 2_000
