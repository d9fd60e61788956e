"""The ways in which a stand-in fails on purpose, seen by its callers."""

import asyncio
from collections import Counter

import httpx
import pytest
from tests.sandbox.mirakl.conftest import SKUS, Market

from entrepot.sandbox.misbehaving import Behavior, Misbehavior


async def test_a_call_that_fails_did_nothing(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    market.state.misbehavior.plan("OR21", "fail")
    assert (await market.accept(placed.order)).status_code == 503
    assert placed.state == "WAITING_ACCEPTANCE"
    assert (await market.accept(placed.order)).status_code == 204


@pytest.mark.parametrize(("behavior", "accepts"), [("timeout_after", 1), ("timeout_before", 0)])
async def test_a_connection_that_is_cut_tells_nothing_of_the_work(
    market: Market, behavior: str, accepts: int
) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    market.state.misbehavior.plan("OR21", behavior)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await market.accept(placed.order)
    assert placed.accepts == accepts
    # The next call finds the service well.
    assert (await market.order(placed.order["order_id"]))["order_id"] == placed.order["order_id"]


async def test_an_answer_that_never_comes_leaves_the_work_done(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    market.state.misbehavior.plan("OR21", "hang_after")
    market.client.timeout = httpx.Timeout(5, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        await market.accept(placed.order)
    assert placed.accepts == 1


async def test_a_list_may_hold_everything_twice(market: Market) -> None:
    market.state.add_orders(3, SKUS)
    market.state.misbehavior.plan("OR11", "twice")
    answer = (await market.client.get("/api/orders")).json()
    assert set(Counter(order["order_id"] for order in answer["orders"]).values()) == {2}
    assert answer["total_count"] == 3


async def test_garbage_is_no_json(market: Market) -> None:
    market.state.add_orders(1, SKUS)
    market.state.misbehavior.plan("OR11", "garbage")
    answer = await market.client.get("/api/orders")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"JSON|Expecting|Unterminated|delimiter"):
        answer.json()


async def test_a_slow_answer_keeps_nobody_else_waiting(market: Market) -> None:
    market.state.misbehavior = Misbehavior(slow_ms=60_000)
    market.state.misbehavior.plan("OR11", "slow")
    slow = asyncio.create_task(market.client.get("/api/orders"))
    while not market.state.desk.counts["A01"]:
        assert (await market.client.get("/api/account")).status_code == 200
    assert not slow.done()
    slow.cancel()


def test_what_becomes_of_a_call_does_not_depend_on_who_comes_first() -> None:
    subjects = [f"/api/orders/{number}/accept" for number in range(200)]
    forth, back = (Misbehavior(seed=4, fail=0.2, timeout_after=0.1, twice=0.1) for _ in range(2))
    first = {subject: [forth.choose("OR21", subject) for _ in range(3)] for subject in subjects}
    second = {subject: [back.choose("OR21", subject) for _ in range(3)] for subject in reversed(subjects)}
    assert first == second
    # Tried again, a call may go well.
    assert any(len(set(behaviors)) > 1 for behaviors in first.values())
    drawn = Counter(behavior for behaviors in first.values() for behavior in behaviors)
    assert 90 < drawn[Behavior.FAIL] < 150
    assert 40 < drawn[Behavior.TIMEOUT_AFTER] < 80
    other = Misbehavior(seed=5, fail=0.2, timeout_after=0.1, twice=0.1)
    assert first != {subject: [other.choose("OR21", subject) for _ in range(3)] for subject in subjects}


def test_a_call_can_be_made_to_go_wrong_only_so_often() -> None:
    misbehavior = Misbehavior(fail=1.0, at_most=2)
    assert [misbehavior.choose("OR24", "a") for _ in range(4)] == ["fail", "fail", "plain", "plain"]
    assert misbehavior.choose("OR24", "b") == "fail"


def test_only_the_operations_that_are_named_misbehave() -> None:
    misbehavior = Misbehavior(fail=1.0, operations=("OR24",))
    assert misbehavior.choose("OR21", "a") == "plain"
    assert misbehavior.choose("OR24", "a") == "fail"


def test_only_a_label_can_be_the_wrong_one() -> None:
    misbehavior = Misbehavior(wrong_label=1.0)
    assert misbehavior.choose("CreateShipment", "a") == "plain"
    assert misbehavior.choose("GetArtifact", "a") == "wrong_label"


async def test_misbehavior_is_set_and_shown_over_http(market: Market) -> None:
    given = {"seed": 3, "fail": 0.5, "operations": ["OR21"], "planned": {"OR24": ["timeout_after", "slow"]}}
    shown = (await market.client.post("/sandbox/misbehavior", json=given)).json()
    assert {name: shown[name] for name in given} == given
    assert (await market.client.get("/sandbox/misbehavior")).json() == shown
    assert Misbehavior.read(shown).as_json() == shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fial": 0.5}, "fial"),
        ({"fail": 2}, "share from 0 to 1"),
        ({"fail": "often"}, "share from 0 to 1"),
        ({"planned": {"OR21": ["explode"]}}, "explode"),
        ([], "object"),
    ],
)
async def test_misbehavior_that_cannot_be_is_refused(market: Market, given: object, said: str) -> None:
    answer = await market.client.post("/sandbox/misbehavior", json=given)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
