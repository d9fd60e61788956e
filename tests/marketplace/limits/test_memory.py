"""Limits without a database: the same answers and errors."""

from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.marketplace.limits.conftest import limit

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.limits.documents import LimitDocument
from entrepot.marketplace.limits.memory import MemoryLimits
from entrepot.marketplace.limits.modeling import SECOND


def memory(*given: dict[str, Any], **options: Any) -> MemoryLimits:
    """Limits in memory."""
    return MemoryLimits([LimitDocument.model_validate(one) for one in given], **options)


def test_limits_are_consumed_checked_held_and_given_back() -> None:
    limits = memory(
        limit("mails", limit=3, scopes=[{"condition": {"tier": "GOLD"}, "limit": 5}]),
        limit("runs", "CONCURRENT", limit=1),
    )
    assert limits.consume("mails", "one", 3).allowed
    assert not limits.check("mails", "one").allowed
    held = limits.reserve("mails", "one", 2, {"tier": "GOLD"})
    assert held.id is not None
    assert limits.commit(held.id, 1).settled_amount == 1
    with pytest.raises(ConflictError):
        limits.release(held.id)
    assert limits.give_back("mails", "one", 9) == 4
    mine = uuid4()
    assert [limits.consume("mails", "one", request_id=mine).repeated for _ in range(2)] == [False, True]
    with pytest.raises(ConflictError):
        limits.consume("mails", "one", 2, request_id=mine)
    lease = limits.acquire("runs", "one")
    assert lease.id is not None
    assert not limits.acquire("runs", "one").allowed
    assert limits.renew(lease.id, seconds=5).state == "HELD"
    assert limits.release_lease(lease.id).state == "RELEASED"
    with pytest.raises(ConflictError):
        limits.renew(lease.id)
    with pytest.raises(NotFoundError):
        limits.commit(UUID(int=1))
    with pytest.raises(NotFoundError):
        limits.consume("other", "one")
    with pytest.raises(InvalidInputError):
        limits.consume("runs", "one")


def test_the_clock_and_the_time_zone_are_the_programs() -> None:
    seconds = count(0, 20)
    limits = memory(
        limit("calls", "FIXED_WINDOW", limit=2, window_seconds=60), clock=lambda: next(seconds) * SECOND
    )
    assert [limits.consume("calls", "one").allowed for _ in range(6)] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]
    daily = memory(
        limit("calls", "FIXED_WINDOW", reset_period="DAILY"), time_zone="America/Toronto", clock=lambda: 0
    ).consume("calls", "one")
    assert daily.reset_at is not None
    assert daily.reset_at.hour == 5
