"""Orders of the Mirakl sandbox: OR11, OR21, OR23, OR24 and what time does to them."""

from datetime import timedelta
from typing import Any

import pytest
from tests.sandbox.mirakl.conftest import NOW, SKUS, Market

from entrepot.sandbox.mirakl.generating import Mix
from entrepot.sandbox.mirakl.orders import Plan
from entrepot.sandbox.mirakl.state import MiraklState

TWO_LINES = Mix(several_lines=1.0, several_pieces=0.0)


async def test_pages_hold_every_order_once(market: Market) -> None:
    market.state.add_orders(23, SKUS)
    seen: list[str] = []
    for offset in (0, 10, 20):
        answer = (await market.client.get("/api/orders", params={"offset": offset})).json()
        assert answer["total_count"] == 23
        seen += [order["order_id"] for order in answer["orders"]]
    assert len(seen) == len(set(seen)) == 23
    created = [market.state.orders.get(one).created for one in seen]
    assert created == sorted(created)


async def test_a_page_names_the_next_one(market: Market) -> None:
    market.state.add_orders(5, SKUS)
    first = await market.client.get("/api/orders", params={"max": 2})
    assert 'rel="next"' in first.headers["link"]
    assert "previous" not in first.headers["link"]
    last = await market.client.get("/api/orders", params={"max": 2, "offset": 4})
    assert 'rel="next"' not in last.headers["link"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"max": "101"}, "between 1 and 100"),
        ({"max": "many"}, "not a whole number"),
        ({"offset": "-1"}, "between 0"),
        ({"start_update_date": "yesterday"}, "not a date"),
        ({"sort": "price"}, "dateCreated"),
        ({"order_ids": ",".join(map(str, range(101)))}, "At most 100"),
    ],
)
async def test_a_query_that_cannot_be_is_refused(market: Market, query: dict[str, str], said: str) -> None:
    answer = await market.client.get("/api/orders", params=query)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400
    assert said in answer.json()["message"]


async def test_orders_are_found_by_state_and_by_when_they_changed(market: Market) -> None:
    first, second, third = (one.order for one in market.state.add_orders(3, SKUS))
    market.advance(hours=1)
    since = market.state.clock().isoformat()
    await market.accept(second)
    market.advance(minutes=2)
    changed = (await market.client.get("/api/orders", params={"start_update_date": since})).json()
    assert [order["order_id"] for order in changed["orders"]] == [second["order_id"]]
    # "Since" holds the moment itself, "until" too.
    moment = market.state.clock().isoformat()
    query = {"start_update_date": moment, "end_update_date": moment}
    assert (await market.client.get("/api/orders", params=query)).json()["total_count"] == 1
    query = {"order_state_codes": "SHIPPING,SHIPPED"}
    shipping = (await market.client.get("/api/orders", params=query)).json()
    assert [order["order_id"] for order in shipping["orders"]] == [second["order_id"]]
    waiting = (
        await market.client.get("/api/orders", params={"order_state_codes": "WAITING_ACCEPTANCE"})
    ).json()
    assert {order["order_id"] for order in waiting["orders"]} == {first["order_id"], third["order_id"]}
    debited = (await market.client.get("/api/orders", params={"customer_debited": "true"})).json()
    assert [order["order_id"] for order in debited["orders"]] == [second["order_id"]]


async def test_an_order_that_comes_after_a_look_is_seen_by_the_next(market: Market) -> None:
    """It may have been begun an hour ago; it changed when it came."""
    market.state.clock.stand_at(NOW + timedelta(milliseconds=900))
    since = market.state.clock().isoformat()
    market.state.add_orders(3, SKUS)
    seen = (await market.client.get("/api/orders", params={"start_update_date": since})).json()
    assert seen["total_count"] == 3
    assert {order["last_updated_date"] for order in seen["orders"]} == {"2026-03-02T14:00:00Z"}
    assert all(order["created_date"] < "2026-03-02T14:00:00Z" for order in seen["orders"])


async def test_an_accepted_order_waits_for_the_payment_before_it_may_be_shipped(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    assert (await market.accept(placed.order)).status_code == 204
    assert (await market.order(placed.order["order_id"]))["order_state"] == "WAITING_DEBIT_PAYMENT"
    market.advance(seconds=119)
    assert (await market.order(placed.order["order_id"]))["order_state"] == "WAITING_DEBIT_PAYMENT"
    market.advance(seconds=1)
    order = await market.order(placed.order["order_id"])
    assert order["order_state"] == "SHIPPING"
    assert order["customer_debited_date"] == "2026-03-02T14:02:00Z"
    assert order["shipping_deadline"] == "2026-03-05T14:00:00Z"


async def test_lines_are_accepted_and_refused_one_by_one(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS, mix=TWO_LINES)
    kept, refused = placed.order["order_lines"]
    await market.accept(placed.order, True, False)
    market.advance(minutes=2)
    order = await market.order(placed.order["order_id"])
    assert [line["order_line_state"] for line in order["order_lines"]] == ["SHIPPING", "REFUSED"]
    assert order["price"] == kept["price"] != kept["price"] + refused["price"]
    entered = {line["entities"]["order_line"]["id"] for line in market.state.ledger.lines}
    assert entered == {kept["order_line_id"]}


async def test_an_order_with_every_line_refused_is_refused(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS, mix=TWO_LINES)
    await market.accept(placed.order, False, False)
    market.advance(days=30)
    assert (await market.order(placed.order["order_id"]))["order_state"] == "REFUSED"
    assert market.state.ledger.lines == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "order_lines"),
        ([{"accepted": True}], "order_lines.id"),
        ([{"id": "{first}", "accepted": "yes"}], "true or false"),
        ([{"id": "{first}", "accepted": True}], "neither accepted nor refused"),
        ([{"id": "{first}", "accepted": True}, {"id": "other", "accepted": True}], "is not a line of order"),
    ],
)
async def test_an_answer_that_does_not_fit_the_lines_is_refused(
    market: Market, lines: list[dict[str, Any]], said: str
) -> None:
    (placed,) = market.state.add_orders(1, SKUS, mix=TWO_LINES)
    first = placed.order["order_lines"][0]["order_line_id"]
    body = [{**line, "id": first} if line.get("id") == "{first}" else line for line in lines]
    path = f"/api/orders/{placed.order['order_id']}/accept"
    answer = await market.client.put(path, json={"order_lines": body})
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert placed.state == "WAITING_ACCEPTANCE"


async def test_nothing_is_accepted_twice(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    await market.accept(placed.order)
    again = await market.accept(placed.order)
    assert again.status_code == 400
    assert "can only be done in state WAITING_ACCEPTANCE" in again.json()["message"]
    assert placed.accepts == 1


async def test_only_what_may_be_shipped_is_shipped(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    path = f"/api/orders/{placed.order['order_id']}"
    tracking = {"carrier_code": "CPCL", "tracking_number": "7023210000000379"}
    assert (await market.client.put(f"{path}/ship")).status_code == 400
    assert (await market.client.put(f"{path}/tracking", json=tracking)).status_code == 400
    await market.accept(placed.order)
    assert (await market.client.put(f"{path}/ship")).status_code == 400
    market.advance(minutes=2)
    assert (await market.client.put(f"{path}/tracking", json={"tracking_number": "1"})).status_code == 400
    assert (await market.client.put(f"{path}/tracking", json=tracking)).status_code == 204
    assert (await market.client.put(f"{path}/ship")).status_code == 204
    order = await market.order(placed.order["order_id"])
    assert (order["order_state"], order["shipping_tracking"]) == ("SHIPPED", "7023210000000379")
    again = await market.client.put(f"{path}/ship")
    assert again.status_code == 400
    assert "is in state SHIPPED" in again.json()["message"]


async def test_a_shipped_order_is_received_and_closed_at_the_right_moments(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    await market.accept(placed.order)
    market.advance(minutes=2)
    await market.client.put(f"/api/orders/{placed.order['order_id']}/ship")
    # Everything that was due is done, each at its own moment, though nobody asked in between.
    market.advance(days=60)
    assert (await market.order(placed.order["order_id"]))["order_state"] == "CLOSED"
    entered = [(at - NOW, state) for at, state in placed.states[1:]]
    assert entered == [
        (timedelta(), "WAITING_DEBIT"),
        (timedelta(), "WAITING_DEBIT_PAYMENT"),
        (timedelta(minutes=2), "SHIPPING"),
        (timedelta(minutes=2), "SHIPPED"),
        (timedelta(days=4, minutes=2), "RECEIVED"),
        (timedelta(days=18, minutes=2), "CLOSED"),
    ]


async def test_an_order_that_nobody_answers_is_refused_by_the_marketplace(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    market.advance(hours=24)
    order = await market.order(placed.order["order_id"])
    assert order["order_state"] == "REFUSED"
    assert order["acceptance_decision_date"] is None


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (Plan(payment_refused=True), "CANCELED"),
        (Plan(unheard_of="WAITING_CUSTOMS"), "WAITING_CUSTOMS"),
        (Plan(cancel_after=timedelta(hours=1)), "CANCELED"),
    ],
)
async def test_what_was_planned_happens(market: Market, plan: Plan, state: str) -> None:
    (made,) = MiraklState.fresh(clock=NOW).add_orders(1, SKUS)
    placed = market.state.place(made.order, plan)
    await market.accept(placed.order)
    market.advance(hours=2)
    assert (await market.order(placed.order["order_id"]))["order_state"] == state


async def test_a_customer_cancels_until_the_order_is_shipped(market: Market) -> None:
    early, late = market.state.add_orders(2, SKUS)
    for placed in (early, late):
        await market.accept(placed.order)
    market.advance(minutes=2)
    await market.client.put(f"/api/orders/{late.order['order_id']}/ship")
    assert (await market.client.post(f"/sandbox/orders/{early.order['order_id']}/cancel")).status_code == 204
    assert (await market.client.post(f"/sandbox/orders/{late.order['order_id']}/cancel")).status_code == 400
    assert (early.state, late.state) == ("CANCELED", "SHIPPED")
    # What was paid goes back, and with it what the marketplace had kept.
    of_early = [line["amount"] for line in market.state.ledger.page({}, (), (), early.order["order_id"])]
    assert of_early
    assert round(sum(of_early), 2) == 0


async def test_an_address_is_hidden_until_acceptance_where_the_marketplace_says_so(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    market.state.addresses_before_acceptance = False
    assert (await market.order(placed.order["order_id"]))["customer"]["shipping_address"] is None
    await market.accept(placed.order)
    market.advance(minutes=2)
    assert (await market.order(placed.order["order_id"]))["customer"]["shipping_address"]["city"]


async def test_orders_are_placed_as_they_are_given(market: Market) -> None:
    odd = {"order_id": "ODD-1", "order_state": "FROZEN", "new_field": {"a": [1]}, "customer": None}
    assert (await market.client.post("/sandbox/orders", json={"orders": [odd]})).status_code == 201
    order = await market.order("ODD-1")
    assert (order["order_state"], order["new_field"], order["order_lines"]) == ("FROZEN", {"a": [1]}, [])
    twice = await market.client.post("/sandbox/orders", json={"orders": [odd]})
    assert twice.status_code == 400


@pytest.mark.parametrize(
    "lines", [None, "none", [None, "x", 3], [{}], [{"order_line_id": "L-1", "price": "free"}]]
)
async def test_an_order_with_odd_lines_goes_its_way(market: Market, lines: object) -> None:
    given = {"orders": [{"order_id": "ODD-1", "order_lines": lines}]}
    assert (await market.client.post("/sandbox/orders", json=given)).status_code == 201
    order = await market.order("ODD-1")
    assert order["order_lines"] == lines
    listed = lines if isinstance(lines, list) else []
    ids = [str(line.get("order_line_id")) for line in listed if isinstance(line, dict)]
    body = {"order_lines": [{"id": one, "accepted": True} for one in ids]}
    answer = await market.client.put("/api/orders/ODD-1/accept", json=body)
    assert answer.status_code == (204 if ids else 400)
    market.advance(hours=30)
    assert (await market.order("ODD-1"))["order_state"] == ("SHIPPING" if ids else "REFUSED")
    cancel = await market.client.post("/sandbox/orders/ODD-1/cancel")
    assert cancel.status_code == (204 if ids else 400)


@pytest.mark.parametrize(
    "given",
    [
        {"orders": 5},
        {"orders": ["x"]},
        {"orders": [{}]},
        {"orders": [{"order_id": "A", "created_date": "yesterday"}]},
        {"orders": [{"order_id": "A"}], "plan": {"explode": 1}},
        {"orders": [{"order_id": "A"}], "plan": {"cancel_after": "soon"}},
        {"count": 2, "skus": ["A"], "seed": "x"},
    ],
)
async def test_what_is_no_order_is_not_placed(market: Market, given: dict[str, Any]) -> None:
    assert (await market.client.post("/sandbox/orders", json=given)).status_code == 400
    assert len(market.state.orders) == 0


async def test_documents_of_an_order_are_kept_and_listed(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    order_id = placed.order["order_id"]
    types = '{"order_documents": [{"file_name": "a.pdf", "type_code": "CUSTOMER_INVOICE"}]}'
    parts: list[tuple[str, Any]] = [
        ("files", ("a.pdf", b"%PDF-1.4", "application/pdf")),
        ("order_documents", (None, types)),
    ]
    sent = await market.client.post(f"/api/orders/{order_id}/documents", files=parts)
    assert sent.json()["errors_count"] == 0
    listed = (await market.client.get("/api/orders/documents", params={"order_ids": order_id})).json()
    (document,) = listed["order_documents"]
    assert (document["type"], document["file_size"]) == ("CUSTOMER_INVOICE", 8)
    path = "/api/orders/documents/download"
    assert (await market.client.get(path, params={"document_ids": document["id"]})).content == b"%PDF-1.4"
    assert (await market.client.get(path, params={"document_ids": 99})).status_code == 404
    assert (await market.client.get("/api/orders/documents")).status_code == 400


async def test_an_order_without_lines_is_received_and_nothing_is_given_back(market: Market) -> None:
    given = {"orders": [{"order_id": "ODD-1", "order_lines": []}], "plan": {"refund_after": 60}}
    await market.client.post("/sandbox/orders", json=given)
    await market.client.post("/sandbox/orders/ODD-1/state", json={"state": "SHIPPED"})
    market.advance(days=5)
    assert (await market.order("ODD-1"))["order_state"] == "RECEIVED"
    assert (await market.client.post("/sandbox/orders/ODD-1/refund", json={})).status_code == 404
    assert market.state.ledger.lines == []


async def test_a_line_that_was_refused_is_not_paid_back(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS, mix=TWO_LINES)
    await market.accept(placed.order, True, False)
    market.advance(minutes=2)
    path = f"/sandbox/orders/{placed.order['order_id']}/refund"
    refused = {"order_line_id": placed.order["order_lines"][1]["order_line_id"]}
    assert (await market.client.post(path, json=refused)).status_code == 400
    assert (await market.client.post(path, json={})).status_code == 204
    assert market.state.ledger.balance == 0
