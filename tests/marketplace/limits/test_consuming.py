"""Consuming: how each algorithm counts, whose limit holds, and what is answered."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.marketplace.limits.conftest import Publish

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.marketplace.limits.asking import Request
from entrepot.marketplace.limits.engine import LimitEngine, Wanted
from entrepot.marketplace.limits.modeling import Rule

Clock = Callable[[str], None]


async def test_a_total_never_resets_and_is_given_back(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    await publish_limit("products", limit=10)
    at("2026-01-01T00:00:00")
    first = await limits.consume(platform, "products", "seller-1", 8)
    assert (first.allowed, first.used, first.remaining, first.reset_at) == (True, 8, 2, None)
    at("2027-12-31T00:00:00")
    denied = await limits.consume(platform, "products", "seller-1", 3)
    assert (denied.allowed, denied.used, denied.remaining) == (False, 8, 2)
    assert denied.retry_after is None  # waiting does not help
    assert (await limits.consume(platform, "products", "seller-1", 2)).used == 10
    assert (await limits.consume(platform, "products", "seller-2", 10)).allowed
    assert await limits.give_back(platform, "products", "seller-1", 4) == 4
    assert (await limits.check(platform, "products", "seller-1", 4)).allowed
    assert await limits.give_back(platform, "products", "seller-1", 400) == 6
    assert await limits.give_back(platform, "products", "seller-3", 1) == 0
    assert (await limits.check(platform, "products", "seller-1")).used == 0


async def test_a_fixed_window_starts_over(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    await publish_limit("mails", "FIXED_WINDOW", limit=3, window_seconds=60)
    at("2026-01-01T00:00:59.5")
    assert (await limits.consume(platform, "mails", "one", 3)).remaining == 0
    denied = await limits.consume(platform, "mails", "one")
    assert (denied.allowed, denied.retry_after) == (False, 0.5)
    at("2026-01-01T00:01:00")
    assert (await limits.consume(platform, "mails", "one", 3)).used == 3
    tall = await limits.consume(platform, "mails", "one", 4)
    assert (tall.allowed, tall.retry_after) == (False, None)  # more than there ever is


async def test_a_sliding_window_lets_no_stretch_hold_more(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    await publish_limit("calls", "SLIDING_WINDOW", limit=10, window_seconds=60)
    at("2026-01-01T00:00:59")
    assert (await limits.consume(platform, "calls", "one", 6)).allowed
    at("2026-01-01T00:01:01")  # where a fixed window would let in ten
    assert (await limits.consume(platform, "calls", "one", 4)).remaining == 0
    at("2026-01-01T00:01:58.999")
    denied = await limits.consume(platform, "calls", "one", 6)
    assert not denied.allowed
    # The slice of 00:00:57 to 00:01:00 counts until the window that ends with it has passed.
    assert denied.retry_after == pytest.approx(1.001)
    at("2026-01-01T00:02:00")
    again = await limits.consume(platform, "calls", "one", 6)
    assert (again.allowed, again.used) == (True, 10)


async def test_a_token_bucket_flows_evenly_and_allows_bursts(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    await publish_limit("posts", "TOKEN_BUCKET", limit=60, window_seconds=60, burst=5)
    at("2026-01-01T00:00:00")
    assert (await limits.consume(platform, "posts", "one", 5)).remaining == 0
    denied = await limits.consume(platform, "posts", "one", 2)
    assert (denied.allowed, denied.retry_after) == (False, 2)
    at("2026-01-01T00:00:02")
    assert (await limits.consume(platform, "posts", "one", 2)).allowed
    assert not (await limits.consume(platform, "posts", "one")).allowed
    at("2026-01-01T01:00:00")  # a long rest gives no more than a bucket
    assert not (await limits.consume(platform, "posts", "one", 6)).allowed
    full = await limits.consume(platform, "posts", "one", 5)
    assert (full.allowed, full.used, full.reset_at and full.reset_at.second) == (True, 5, 5)


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({"algorithm": "FIXED_WINDOW", "window_seconds": 60}, 2**50 % 10**15),
        ({"algorithm": "SLIDING_WINDOW", "window_seconds": 31_622_400}, 999_999_999_999_999),
        ({"algorithm": "TOTAL"}, 999_999_999_999_999),
    ],
)
async def test_the_largest_numbers_are_counted_exactly(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, fields: dict[str, Any], amount: int
) -> None:
    await publish_limit("large", **fields | {"limit": amount})
    assert (await limits.consume(platform, "large", "one", amount - 1)).remaining == 1
    assert not (await limits.consume(platform, "large", "one", 2)).allowed
    assert (await limits.consume(platform, "large", "one", 1)).remaining == 0


async def test_the_slowest_and_the_fastest_bucket(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    at("2026-01-01T00:00:00")
    await publish_limit("slow", "TOKEN_BUCKET", limit=1, window_seconds=31_622_400, burst=1000)
    await publish_limit("fast", "TOKEN_BUCKET", limit=10_000, window_seconds=1)
    assert (await limits.consume(platform, "slow", "one", 1000)).allowed
    denied = await limits.consume(platform, "slow", "one")
    assert denied.retry_after == 31_622_400
    assert not (await limits.consume(platform, "slow", "one", 999_999_999_999_999)).allowed
    assert (await limits.consume(platform, "fast", "one", 10_000)).allowed
    at("2026-01-01T00:00:00.0005")
    assert (await limits.consume(platform, "fast", "one", 5)).allowed
    assert not (await limits.consume(platform, "fast", "one")).allowed


async def test_the_first_scope_in_order_sets_the_limit(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit(
        "listings",
        limit=1,
        scopes=[
            {"condition": {"tier": "GOLD"}, "limit": 20},
            {"condition": {"tier": "GOLD", "region": "EU"}, "limit": 30},
            {"condition": {"entity_id": "vip"}, "limit": 99, "priority": 5},
            {"condition": {"age": {"$gt": 3}}, "limit": 7, "priority": -1},
        ],
    )

    async def asked(entity: str, **context: Any) -> tuple[int, str | None]:
        answer = await limits.check(platform, "listings", entity, 1, context or None)
        return answer.limit, answer.scope

    assert await asked("one") == (1, None)
    assert await asked("one", tier="SILVER") == (1, None)
    assert await asked("one", tier="GOLD") == (20, '{"tier":"GOLD"}')
    assert await asked("one", tier="GOLD", region="EU") == (30, '{"tier":"GOLD","region":"EU"}')
    assert (await asked("vip", tier="GOLD"))[0] == 99
    assert (await asked("one", age=4))[0] == 7
    assert (await asked("one", age=4, tier="GOLD"))[0] == 20
    # Whose use is counted is whom the scope holds for, whatever the context pretends.
    assert (await asked("one", entity_id="vip"))[0] == 1
    assert (await asked("vip", entity_id="one"))[0] == 99
    # One counter for all of them: a scope sets the limit, and does not begin to count anew.
    assert (await limits.consume(platform, "listings", "one", 20, {"tier": "GOLD"})).allowed
    assert not (await limits.consume(platform, "listings", "one")).allowed
    assert (await limits.consume(platform, "listings", "one", 10, {"tier": "GOLD", "region": "EU"})).allowed


async def test_a_soft_limit_warns_and_denies_nothing(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("files", limit=10, warn_percent=80)
    warned = [(await limits.consume(platform, "files", "one")).warned for _ in range(10)]
    assert warned == [False] * 7 + [True] * 3
    assert (await limits.consume(platform, "files", "one")).warned
    assert (await limits.check(platform, "files", "one")).warned


async def test_a_check_counts_nothing(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    for algorithm, fields in (
        ("TOTAL", {}),
        ("FIXED_WINDOW", {"reset_period": "HOUR"}),
        ("SLIDING_WINDOW", {"window_seconds": 60}),
        ("TOKEN_BUCKET", {"window_seconds": 60}),
    ):
        at("2026-01-01T00:00:00")
        await publish_limit(algorithm, algorithm, **fields)
        for _ in range(3):
            assert (await limits.check(platform, algorithm, "one", 10)).allowed
        assert not (await limits.check(platform, algorithm, "one", 11)).allowed
        taken = await limits.consume(platform, algorithm, "one", 4)
        seen = await limits.check(platform, algorithm, "one", 7)
        assert (
            (seen.allowed, seen.used, seen.remaining) == (False, 4, 6) == (False, taken.used, taken.remaining)
        )
        denied = await limits.consume(platform, algorithm, "one", 7)
        assert denied.retry_after == seen.retry_after


async def test_a_request_id_counts_once(limits: LimitEngine, platform: UUID, publish_limit: Publish) -> None:
    await publish_limit("orders", limit=10)
    mine = uuid4()
    answers = [
        await limits.consume(platform, "orders", "one", 4, request_id=mine),
        *await asyncio.gather(
            *(limits.consume(platform, "orders", "one", 4, request_id=mine) for _ in range(20))
        ),
    ]
    assert [answer.repeated for answer in answers] == [False] + [True] * 20
    assert {(answer.allowed, answer.used) for answer in answers} == {(True, 4)}
    for key, entity, amount in (("orders", "one", 5), ("orders", "two", 4)):
        with pytest.raises(ConflictError, match="used for something else") as caught:
            await limits.consume(platform, key, entity, amount, request_id=mine)
        assert caught.value.where["path"] == "request_id"
    # A denial is no use: the id is free, and may ask again.
    late = uuid4()
    assert not (await limits.consume(platform, "orders", "one", 7, request_id=late)).allowed
    await limits.give_back(platform, "orders", "one", 4)
    assert (await limits.consume(platform, "orders", "one", 7, request_id=late)).allowed


async def test_several_are_taken_together_or_not_at_all(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=2)
    await publish_limit("value", "TOKEN_BUCKET", limit=100, window_seconds=3600)
    await publish_limit("calls", "SLIDING_WINDOW", limit=5, window_seconds=60)

    def wanted(orders: int, value: int, calls: int) -> list[Wanted]:
        # Twice the same counter among them.
        return [
            Wanted("value", "one", value),
            Wanted("orders", "one", orders),
            Wanted("calls", "one", calls),
            Wanted("calls", "one", calls),
        ]

    first = await limits.consume_many(platform, wanted(1, 40, 1))
    assert (first.allowed, first.taken) == (True, True)
    assert [answer.used for answer in first.answers] == [40, 1, 1, 2]
    refused = await limits.consume_many(platform, wanted(1, 40, 2))
    assert (refused.allowed, refused.taken) == (False, False)
    assert [answer.allowed for answer in refused.answers] == [True, True, True, False]
    assert [answer.used for answer in refused.answers] == [40, 1, 2, 4]
    assert refused.answers[3].retry_after is not None
    used = [(await limits.check(platform, key, "one")).used for key in ("value", "orders", "calls")]
    assert used == [40, 1, 2]
    each = await limits.consume_many(platform, wanted(2, 40, 1), together=False)
    assert (each.allowed, each.taken) == (False, True)
    assert [answer.allowed for answer in each.answers] == [True, False, True, True]
    assert each.answers[1].used == 1


async def test_several_say_where_one_cannot_be_asked(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", context_schema={"tier": "string"})
    await publish_limit("exports", "CONCURRENT")
    good = Wanted("orders", "one")
    for bad, path in (
        (Wanted("nothing", "one"), "requests[1].key"),
        (Wanted("exports", "one"), "requests[1].key"),
        (Wanted("orders", ""), "requests[1].entity_id"),
        (Wanted("orders", "one", 0), "requests[1].amount"),
        (Wanted("orders", "one", 1, {"tier": 7}), "requests[1].context.tier"),
    ):
        with pytest.raises((InvalidInputError, NotFoundError)) as caught:
            await limits.consume_many(platform, [good, bad])
        assert caught.value.where["path"] == path
    mine = uuid4()
    await limits.consume(platform, "orders", "one", 3, request_id=mine)
    with pytest.raises(ConflictError) as conflict:
        await limits.consume_many(platform, [good, Wanted("orders", "one", 1, request_id=mine)])
    assert conflict.value.where["path"] == "requests[1].request_id"
    assert (await limits.check(platform, "orders", "one")).used == 3
    with pytest.raises(InvalidInputError):
        await limits.consume_many(platform, [])
    with pytest.raises(InvalidInputError):
        await limits.consume_many(platform, [good] * 1001)


@pytest.mark.parametrize(
    ("entity", "amount", "context", "path"),
    [
        ("", 1, None, "entity_id"),
        ("x" * 201, 1, None, "entity_id"),
        ("a\0b", 1, None, "entity_id"),
        (7, 1, None, "entity_id"),
        ("one", 0, None, "amount"),
        ("one", -1, None, "amount"),
        ("one", 1.0, None, "amount"),
        ("one", True, None, "amount"),
        ("one", 10**15, None, "amount"),
        ("one", 1, ["GOLD"], "context"),
        ("one", 1, {"tier": 1}, "context.tier"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_path(
    limits: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    entity: Any,
    amount: Any,
    context: Any,
    path: str,
) -> None:
    await publish_limit("orders", context_schema={"tier": "string"})
    for ask in (limits.consume, limits.check, limits.reserve):
        with pytest.raises(InvalidInputError) as caught:
            await ask(platform, "orders", entity, amount, context)
        assert caught.value.where["path"] == path


async def test_what_cannot_be_stored_is_refused(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders")
    for entity in ("a\0b", "lone \ud800 surrogate"):
        with pytest.raises(InvalidInputError) as caught:
            await limits.consume(platform, "orders", entity)
        assert caught.value.where["path"] == "entity_id"
    assert (await limits.consume(platform, "orders", "\U0001f6a2 Hafen")).allowed


async def test_what_fails_harms_none_that_goes_in_the_same_statement(
    limits: LimitEngine, platform: UUID
) -> None:
    rule = Rule("orders", "TOTAL", 100)
    asked = [Request(platform, rule, f"seller-{number}", 1) for number in range(20)]
    asked[7] = Request(platform, rule, "lone \ud800 surrogate", 1)
    asked[11] = Request(platform, rule, "null \0 character", 1)
    found = await asyncio.gather(*(limits.taker.take(one) for one in asked), return_exceptions=True)
    failed = [place for place, taken in enumerate(found) if isinstance(taken, BaseException)]
    assert failed == [7, 11]
    assert {taken.used for taken in found if not isinstance(taken, BaseException)} == {1}


async def test_two_platforms_never_share(
    limits: LimitEngine, platform: UUID, other_platform: UUID, publish_limit: Publish
) -> None:
    await publish_limit("orders", limit=2)
    await publish_limit("orders", limit=3, on=other_platform)
    for _ in range(2):
        assert (await limits.consume(platform, "orders", "one")).allowed
        assert (await limits.consume(other_platform, "orders", "one")).allowed
    assert not (await limits.consume(platform, "orders", "one")).allowed
    theirs = await limits.consume(other_platform, "orders", "one")
    assert (theirs.allowed, theirs.used, theirs.limit) == (True, 3, 3)
    await publish_limit("mine")
    with pytest.raises(NotFoundError):
        await limits.consume(other_platform, "mine", "one")
    held = await limits.reserve(platform, "mine", "one")
    assert held.id is not None
    with pytest.raises(NotFoundError):
        await limits.commit(other_platform, held.id)
    # The same id is another reservation on another platform.
    await publish_limit("mine", on=other_platform)
    assert not (await limits.reserve(other_platform, "mine", "one", reservation_id=held.id)).repeated


async def test_a_draft_is_not_in_force_and_a_new_version_is_at_once(
    limits: LimitEngine, platform: UUID, publish_limit: Publish
) -> None:
    with pytest.raises(NotFoundError, match="no limit 'orders' in force"):
        await limits.consume(platform, "orders", "one")
    await publish_limit("orders", limit=1)
    assert (await limits.consume(platform, "orders", "one")).allowed
    assert not (await limits.consume(platform, "orders", "one")).allowed
    await publish_limit("orders", limit=2)
    raised = await limits.consume(platform, "orders", "one")
    assert (raised.allowed, raised.used) == (True, 2)  # what was counted stays counted
    await publish_limit("orders", limit=1)
    lowered = await limits.check(platform, "orders", "one")
    assert (lowered.allowed, lowered.used, lowered.remaining) == (False, 2, 0)


@pytest.mark.parametrize(
    ("algorithm", "fields"),
    [
        ("TOTAL", {}),
        ("FIXED_WINDOW", {"window_seconds": 3600}),
        ("SLIDING_WINDOW", {"window_seconds": 3600}),
        ("TOKEN_BUCKET", {"window_seconds": 3600}),
    ],
)
async def test_a_suspended_limit_is_counted_and_denies_nothing(
    limits: LimitEngine,
    platform: UUID,
    publish_limit: Publish,
    step: Publish,
    at: Clock,
    algorithm: str,
    fields: dict[str, Any],
) -> None:
    at("2026-01-01T00:00:00")
    await publish_limit("orders", algorithm, **fields)
    await step("orders", "suspend")
    answers = [await limits.consume(platform, "orders", "one", amount) for amount in (6, 6, 100)]
    assert all(answer.allowed and not answer.enforced for answer in answers)
    assert [answer.used for answer in answers] == (
        [6, 10, 10] if algorithm == "TOKEN_BUCKET" else [6, 12, 112]  # a bucket is empty, it owes nothing
    )
    assert (await limits.check(platform, "orders", "one", 500)).allowed
    held = await limits.reserve(platform, "orders", "one", 50)
    assert held.id is not None
    together = await limits.consume_many(platform, [Wanted("orders", "one", 3), Wanted("orders", "two", 10)])
    assert together.allowed
    await step("orders", "resume")
    denied = await limits.consume(platform, "orders", "one")
    assert (denied.allowed, denied.enforced, denied.remaining) == (False, True, 0)
    # What was held while it was suspended can be settled, and gives nobody more than there is.
    await limits.release(platform, held.id)
    assert not (await limits.consume(platform, "orders", "one")).allowed
    assert not (await limits.consume(platform, "orders", "two")).allowed


async def test_a_limit_that_is_counted_in_another_way_begins_anew(
    limits: LimitEngine, platform: UUID, publish_limit: Publish, at: Clock
) -> None:
    at("2026-01-01T00:00:00")
    await publish_limit("orders", "TOTAL", limit=10)
    await limits.consume(platform, "orders", "one", 7)
    held = await limits.reserve(platform, "orders", "one", 2)
    assert held.id is not None
    await publish_limit("orders", "SLIDING_WINDOW", limit=11, window_seconds=60)
    assert (await limits.consume(platform, "orders", "one", 1)).used == 3  # what is held is taken along
    await limits.release(platform, held.id)
    await publish_limit("orders", "SLIDING_WINDOW", limit=12, window_seconds=7200)
    assert (await limits.consume(platform, "orders", "one", 1)).used in (2, 4)
