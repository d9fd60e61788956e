"""Reservations and leases: held, committed, released, renewed, expired; said twice, said too late."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.marketplace.limits.conftest import Publish

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.limits.engine import LimitEngine

Clock = Callable[[str], None]
WINDOWED: list[tuple[str, dict[str, Any]]] = [
    ("TOTAL", {}),
    ("FIXED_WINDOW", {"window_seconds": 3600}),
    ("SLIDING_WINDOW", {"window_seconds": 3600}),
    ("TOKEN_BUCKET", {"window_seconds": 3600}),
]


@pytest.mark.parametrize(("algorithm", "fields"), WINDOWED)
async def test_a_reservation_is_committed_in_part_and_the_rest_comes_back(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock, algorithm: str, fields: Any
) -> None:
    await publish_limit("stock", algorithm, **fields)
    at("2026-01-01T00:00:00")
    held = await limits.reserve(platform, "stock", "one", 8)
    assert held.id is not None
    assert held.expires_at is not None
    assert (held.expires_at - held.at).total_seconds() == 900
    assert not (await limits.consume(platform, "stock", "one", 3)).allowed
    settled = await limits.commit(platform, held.id, 3)
    assert (settled.state, settled.amount, settled.settled_amount) == ("COMMITTED", 8, 3)
    # Said again, it is the same; said otherwise, it is refused; nothing is given back twice.
    assert await limits.commit(platform, held.id, 3) == settled
    for other in (limits.commit(platform, held.id, 4), limits.release(platform, held.id)):
        with pytest.raises(ConflictError, match="committed"):
            await other
    seen = await limits.check(platform, "stock", "one", 7)
    assert (seen.used, seen.allowed) == (3, True)

    freed = await limits.reserve(platform, "stock", "one", 7)
    assert freed.id is not None
    released = await limits.release(platform, freed.id)
    assert (released.state, released.settled_amount) == ("RELEASED", 0)
    assert await limits.release(platform, freed.id) == released
    with pytest.raises(ConflictError, match="released"):
        await limits.commit(platform, freed.id)
    assert (await limits.check(platform, "stock", "one")).used == 3


@pytest.mark.parametrize(("algorithm", "fields"), WINDOWED)
async def test_what_is_not_settled_comes_back_when_it_expires(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock, algorithm: str, fields: Any
) -> None:
    await publish_limit("stock", algorithm, hold_seconds=30, **fields)
    at("2026-01-01T00:10:00")
    first = await limits.reserve(platform, "stock", "one", 6)
    longer = await limits.reserve(platform, "stock", "one", 4, seconds=45)
    assert first.id is not None
    assert longer.id is not None
    at("2026-01-01T00:10:29.999999")
    assert not (await limits.consume(platform, "stock", "one")).allowed
    at("2026-01-01T00:10:30")
    assert (await limits.check(platform, "stock", "one", 6)).allowed
    with pytest.raises(ConflictError, match="expired"):
        await limits.commit(platform, first.id)
    assert (await limits.release(platform, first.id)).state == "EXPIRED"  # what was wanted is so
    assert (await limits.consume(platform, "stock", "one", 6)).allowed
    assert not (await limits.consume(platform, "stock", "one")).allowed
    assert (await limits.commit(platform, longer.id)).state == "COMMITTED"
    at("2026-01-01T00:12:00")
    used = (await limits.check(platform, "stock", "one")).used
    assert used == 10


async def test_an_id_of_the_callers_gives_one_reservation(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    await publish_limit("stock")
    at("2026-01-01T00:00:00")
    mine = uuid4()
    first = await limits.reserve(platform, "stock", "one", 4, reservation_id=mine)
    again = await limits.reserve(platform, "stock", "one", 4, reservation_id=mine, seconds=5)
    assert (again.id, again.repeated, again.used) == (mine, True, 4)
    assert again.expires_at == first.expires_at
    with pytest.raises(ConflictError, match="something else") as caught:
        await limits.reserve(platform, "stock", "one", 5, reservation_id=mine)
    assert caught.value.where["path"] == "id"
    with pytest.raises(ConflictError, match="something else"):
        await limits.consume(platform, "stock", "one", 4, request_id=mine)
    await limits.release(platform, mine)
    with pytest.raises(ConflictError, match="released"):
        await limits.reserve(platform, "stock", "one", 4, reservation_id=mine)


async def test_a_reservation_of_a_window_that_is_over(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    """It is settled in the window in which it was made; the new one does not get what the old one gives back."""
    await publish_limit("stock", "FIXED_WINDOW", window_seconds=60)
    at("2026-01-01T00:00:50")
    held = await limits.reserve(platform, "stock", "one", 10)
    assert held.id is not None
    at("2026-01-01T00:01:10")
    assert (await limits.consume(platform, "stock", "one", 10)).allowed
    await limits.release(platform, held.id)
    assert not (await limits.consume(platform, "stock", "one")).allowed


async def test_leases_run_beside_each_other_until_they_are_given_back(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    await publish_limit("exports", "CONCURRENT", limit=2)
    at("2026-01-01T00:00:00")
    first = await limits.acquire(platform, "exports", "one")
    at("2026-01-01T00:00:20")
    second = await limits.acquire(platform, "exports", "one")
    assert first.id is not None
    assert second.id is not None
    denied = await limits.acquire(platform, "exports", "one")
    assert (denied.allowed, denied.id, denied.retry_after) == (False, None, 40)  # when the first one expires
    at("2026-01-01T00:00:59")
    kept = await limits.renew(platform, first.id, seconds=60)
    assert kept.state == "HELD"
    at("2026-01-01T00:01:19")
    assert not (await limits.acquire(platform, "exports", "one")).allowed
    at("2026-01-01T00:01:20")  # the second one is over
    third = await limits.acquire(platform, "exports", "one")
    assert (third.allowed, third.used) == (True, 2)
    with pytest.raises(ConflictError, match="expired"):
        await limits.renew(platform, second.id)
    assert (await limits.release_lease(platform, second.id)).state == "EXPIRED"
    assert not (await limits.check(platform, "exports", "one")).allowed
    for _ in range(2):
        assert (await limits.release_lease(platform, first.id)).state == "RELEASED"
    with pytest.raises(ConflictError, match="released"):
        await limits.renew(platform, first.id)
    assert (await limits.check(platform, "exports", "one")).used == 1


async def test_a_lease_that_is_shortened_is_given_back_earlier(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    await publish_limit("exports", "CONCURRENT", limit=1)
    at("2026-01-01T00:00:00")
    lease = await limits.acquire(platform, "exports", "one", seconds=600)
    assert lease.id is not None
    await limits.renew(platform, lease.id, seconds=5)
    at("2026-01-01T00:00:04")
    assert not (await limits.acquire(platform, "exports", "one")).allowed
    at("2026-01-01T00:00:05")
    assert (await limits.acquire(platform, "exports", "one")).allowed


async def test_each_kind_of_limit_is_held_in_its_own_way(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("exports", "CONCURRENT")
    await publish_limit("stock")
    for ask, key, word in (
        (limits.consume, "exports", "acquired and released, not consumed"),
        (limits.reserve, "exports", "acquired, not reserved"),
        (limits.acquire, "stock", "reserved, not acquired"),
        (limits.give_back, "exports", "comes back with time"),
    ):
        with pytest.raises(InvalidInputError, match=word) as caught:
            await ask(platform, key, "one")
        assert caught.value.where["path"] == "key"
    held = await limits.reserve(platform, "stock", "one")
    lease = await limits.acquire(platform, "exports", "one")
    assert held.id is not None
    assert lease.id is not None
    for settle in (limits.renew(platform, held.id), limits.release_lease(platform, held.id)):
        with pytest.raises(NotFoundError, match="no lease"):
            await settle
    for undo in (limits.commit(platform, lease.id), limits.release(platform, lease.id)):
        with pytest.raises(NotFoundError, match="no reservation"):
            await undo


async def test_what_cannot_be_settled_is_said_with_its_path(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("stock")
    held = await limits.reserve(platform, "stock", "one", 5)
    assert held.id is not None
    for amount, word in (
        (6, "5 were reserved; 6 cannot be committed"),
        (-1, "whole number from 0"),
        (True, "whole"),
    ):
        with pytest.raises(InvalidInputError, match=word) as caught:
            await limits.commit(platform, held.id, amount)
        assert caught.value.where["path"] == "amount"
    for seconds in (0, -1, 2_592_001, float("nan"), True):
        with pytest.raises(InvalidInputError) as refused:
            await limits.reserve(platform, "stock", "one", seconds=seconds)
        assert refused.value.where["path"] == "seconds"
        with pytest.raises(InvalidInputError):
            await limits.renew(platform, held.id, seconds=seconds)
    with pytest.raises(NotFoundError, match="no reservation") as unknown:
        await limits.commit(platform, uuid4())
    assert unknown.value.where["path"] == "id"
    # Committed as nothing, it is as if it had been released.
    assert (await limits.commit(platform, held.id, 0)).settled_amount == 0
    assert (await limits.check(platform, "stock", "one")).used == 0


async def test_of_many_who_settle_at_once_one_does(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("stock", limit=100)
    for _ in range(5):
        held = await limits.reserve(platform, "stock", "one", 10)
        assert held.id is not None
        asked = [limits.commit(platform, held.id, 4), limits.release(platform, held.id)] * 6
        found = await asyncio.gather(*asked, return_exceptions=True)
        states = {one.state for one in found if not isinstance(one, BaseException)}
        assert len(states) == 1
        assert sum(isinstance(one, ConflictError) for one in found) == 6
        used = (await limits.check(platform, "stock", "one")).used
        assert used == (4 if states == {"COMMITTED"} else 0)
        await limits.give_back(platform, "stock", "one", 4)
