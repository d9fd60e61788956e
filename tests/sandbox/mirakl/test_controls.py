"""Keys, limits, the clock, and what a stand-in shows of itself."""

import json
import signal
import socket
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from tests.sandbox.mirakl.conftest import NOW, SKUS, Market

from entrepot.kit.errors import ConflictError
from entrepot.sandbox.mirakl.server import serving_beside
from entrepot.sandbox.mirakl.state import MiraklState
from entrepot.sandbox.moving import MovableClock
from entrepot.sandbox.operating import Limit
from entrepot.sandbox.serving import listen


@pytest.mark.parametrize("key", ["", "another-key", "Bearer sandbox-key"])
async def test_only_the_shops_key_opens(market: Market, key: str) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    market.client.headers["authorization"] = key
    assert (await market.client.get("/api/orders")).status_code == 401
    assert (await market.accept(placed.order)).status_code == 401
    assert placed.state == "WAITING_ACCEPTANCE"


async def test_an_operation_takes_its_calls_and_says_when_to_come_back(market: Market) -> None:
    market.state.desk.limits = {"OR11": Limit(2, timedelta(minutes=1))}
    assert (await market.client.get("/api/orders")).status_code == 200
    market.advance(seconds=20)
    assert (await market.client.get("/api/orders")).status_code == 200
    refused = await market.client.get("/api/orders")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "40")
    # Another operation has calls of its own, and these come back with time.
    assert (await market.client.get("/api/inbox/threads")).status_code == 200
    market.advance(seconds=40)
    assert (await market.client.get("/api/orders")).status_code == 200
    assert (await market.client.get("/api/orders")).status_code == 429


async def test_limits_are_set_over_http(market: Market) -> None:
    given = {"A01": {"calls": 1, "seconds": 60}}
    assert (await market.client.post("/sandbox/limits", json=given)).status_code == 204
    assert (await market.client.get("/api/account")).status_code == 200
    assert (await market.client.get("/api/account")).status_code == 429
    assert (await market.client.post("/sandbox/limits", json={"A01": {"calls": "x"}})).status_code == 400


async def test_the_clock_is_moved_over_http_and_orders_with_it(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    await market.accept(placed.order)
    moved = await market.client.post("/sandbox/clock", json={"advance_seconds": 120})
    assert moved.json() == {"now": "2026-03-02T14:02:00+00:00"}
    assert placed.state == "SHIPPING"
    assert (await market.client.post("/sandbox/clock", json={"advance_seconds": -1})).status_code == 400
    assert (await market.client.post("/sandbox/clock", json={"now": "noon"})).status_code == 400
    put = await market.client.post("/sandbox/clock", json={"now": "2026-03-09T00:00:00Z"})
    assert put.json() == {"now": "2026-03-09T00:00:00+00:00"}


def test_a_clock_that_follows_another_moves_with_it() -> None:
    moments = [NOW]
    clock = MovableClock(lambda: moments[0])
    moments[0] += timedelta(hours=1)
    assert clock() == NOW + timedelta(hours=1)
    assert clock.advance(timedelta(minutes=5)) == NOW + timedelta(hours=1, minutes=5)
    with pytest.raises(ValueError, match="not put back"):
        clock.advance(timedelta(seconds=-1))
    clock.follow(lambda: NOW)
    assert clock() == NOW


async def test_calls_are_counted_by_operation_and_outcome(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    await market.accept(placed.order)
    await market.accept(placed.order)
    await market.client.get("/api/nothing")
    seen = (await market.client.get("/sandbox/calls", params={"operation": "OR21"})).json()
    assert seen["by_operation"] == {"OR21": 2, "unknown": 1}
    assert seen["by_status"]["OR21"] == {"204": 1, "400": 1}
    assert [call["status"] for call in seen["calls"]] == [204, 400]


async def test_orders_are_invented_over_http_and_counted_by_state(market: Market) -> None:
    given = {"count": 4, "skus": list(SKUS), "seed": 9, "mix": {"no_lines": 1.0}}
    made = (await market.client.post("/sandbox/orders", json=given)).json()["order_ids"]
    shown = (await market.client.get("/sandbox/orders")).json()
    assert shown == {"orders": 4, "states": {"WAITING_ACCEPTANCE": 4}}
    each = (await market.client.get("/sandbox/orders", params={"each": "true"})).json()["each"]
    assert [one["order_id"] for one in each] == made
    assert [state["state"] for state in each[0]["states"]] == ["WAITING_ACCEPTANCE"]
    one = (await market.client.get(f"/sandbox/orders/{made[0]}")).json()
    assert one["order"]["order_lines"] == []
    assert (one["accepts"], one["ships"]) == (0, 0)
    more = (await market.client.post("/sandbox/orders", json=given)).json()["order_ids"]
    assert not set(made) & set(more)


@pytest.mark.parametrize(
    "given",
    [{}, {"count": 3}, {"count": -1, "skus": ["A"]}, {"count": 1, "skus": ["A"], "mix": {"strange": 1}}],
)
async def test_orders_that_cannot_be_invented_are_refused(market: Market, given: dict[str, object]) -> None:
    assert (await market.client.post("/sandbox/orders", json=given)).status_code == 400
    assert len(market.state.orders) == 0


async def test_an_order_is_put_in_a_state_that_nobody_has_heard_of(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    path = f"/sandbox/orders/{placed.order['order_id']}/state"
    assert (await market.client.post(path, json={"state": "IN_ORBIT"})).status_code == 204
    assert (await market.order(placed.order["order_id"]))["order_state"] == "IN_ORBIT"
    assert (await market.client.post(path, json={})).status_code == 400


def test_a_thread_of_its_own_serves_callers_that_block() -> None:
    state = MiraklState.fresh(clock=NOW)
    state.add_orders(2, SKUS)
    with serving_beside(state) as url:
        answer = httpx.get(f"{url}/api/orders", headers={"authorization": state.api_key})
    assert answer.json()["total_count"] == 2
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_port_that_is_taken_is_told() -> None:
    taken = listen()
    try:
        with pytest.raises(ConflictError, match="--port"):
            listen(taken.getsockname()[1])
    finally:
        taken.close()


def test_the_command_serves_until_it_is_ended() -> None:
    command = [sys.executable, "-m", "entrepot", "sandbox", "mirakl"]
    options = ["--port", "0", "--orders", "3", "--sku", "X-1", "--json"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        answer = httpx.get(f"{told['api_url']}/orders", headers={"authorization": told["api_key"]})
        skus = {line["offer_sku"] for order in answer.json()["orders"] for line in order["order_lines"]}
        assert (told["orders"], skus) == (3, {"X-1"})
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", httpx.URL(told["url"]).port or 0)) != 0
