"""Threads, offers and transaction lines of the Mirakl sandbox."""

from typing import Any

import pytest
from tests.sandbox.mirakl.conftest import SKUS, Market

TO_CUSTOMER = [{"type": "CUSTOMER"}]


def form(message: str) -> dict[str, Any]:
    """The multipart form of M12."""
    return {"message_input": (None, message, "application/json")}


async def ask(market: Market, body: str = "When will it be shipped?") -> str:
    """A customer asks about a new order; the thread's identifier."""
    (placed,) = market.state.add_orders(1, SKUS)
    given = {"order_id": placed.order["order_id"], "body": body, "topic": "Delivery"}
    return str((await market.client.post("/sandbox/messages", json=given)).json()["thread_id"])


async def threads(market: Market, **query: str) -> list[dict[str, Any]]:
    """What M11 lists."""
    found = (await market.client.get("/api/inbox/threads", params=query)).json()["data"]
    return list(found)


async def test_a_thread_shows_who_wrote_what_and_who_waits(market: Market) -> None:
    thread_id = await ask(market)
    (thread,) = await threads(market, with_messages="true")
    assert thread["id"] == thread_id
    assert thread["topic"] == {"type": "FREE_TEXT", "value": "Delivery"}
    assert thread["entities"][0]["type"] == "MMP_ORDER"
    assert thread["metadata"]["shop_reply_needed_since"] == "2026-03-02T14:00:00Z"
    (message,) = thread["messages"]
    assert message["from"]["type"] == "CUSTOMER_USER"
    assert message["from"]["organization_details"]["type"] == "CUSTOMER"
    assert [one["type"] for one in message["to"]] == ["SHOP"]


async def test_messages_come_only_where_they_are_asked_for(market: Market) -> None:
    await ask(market)
    (thread,) = await threads(market)
    assert "messages" not in thread


async def test_a_reply_is_in_the_thread_once_and_nobody_waits(market: Market) -> None:
    thread_id = await ask(market)
    message = '{"body": "Tomorrow.", "to": [{"type": "CUSTOMER"}]}'
    answer = await market.client.post(f"/api/inbox/threads/{thread_id}/message", files=form(message))
    assert answer.status_code == 201
    assert answer.json()["thread_id"] == thread_id
    (thread,) = await threads(market, with_messages="true")
    assert [one["from"]["type"] for one in thread["messages"]] == ["CUSTOMER_USER", "SHOP_USER"]
    assert thread["messages"][1]["id"] == answer.json()["message_id"]
    assert thread["metadata"]["shop_reply_needed_since"] is None
    sent = (await market.client.get("/sandbox/messages")).json()["messages"]
    assert [(one["body"], one["to"]) for one in sent] == [("Tomorrow.", ["CUSTOMER"])]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("{", "not JSON"),
        ('{"to": [{"type": "CUSTOMER"}]}', "message_input.body"),
        ('{"body": " ", "to": [{"type": "CUSTOMER"}]}', "message_input.body"),
        ('{"body": "Hello", "to": []}', "message_input.to"),
        ('{"body": "Hello", "to": [{"type": "SHOP"}]}', "not a participant"),
        ('{"body": "Hello", "to": [{"type": "CUSTOMER", "id": "somebody-else"}]}', "not a participant"),
    ],
)
async def test_a_reply_that_cannot_be_is_refused(market: Market, message: str, said: str) -> None:
    thread_id = await ask(market)
    answer = await market.client.post(f"/api/inbox/threads/{thread_id}/message", files=form(message))
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert market.state.inbox.sent == []


async def test_a_reply_is_a_form_to_a_thread_that_there_is(market: Market) -> None:
    thread_id = await ask(market)
    path = f"/api/inbox/threads/{thread_id}/message"
    as_json = await market.client.post(path, json={"body": "Hello", "to": TO_CUSTOMER})
    assert as_json.status_code == 415
    message = '{"body": "Hello", "to": [{"type": "CUSTOMER"}]}'
    missing = await market.client.post("/api/inbox/threads/none/message", files=form(message))
    assert missing.status_code == 404
    # The path that an earlier attempt used.
    assert (await market.client.post(f"{path}s", files=form(message))).status_code == 404


async def test_threads_are_found_by_when_they_changed_and_read_page_by_page(market: Market) -> None:
    for _ in range(5):
        await ask(market)
        market.advance(minutes=1)
    since = (await threads(market))[2]["date_updated"]
    assert len(await threads(market, updated_since=since)) == 3
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        answer = (await market.client.get("/api/inbox/threads", params=query)).json()
        seen += [thread["id"] for thread in answer["data"]]
        if "next_page_token" not in answer:
            break
        query = {"limit": "2", "page_token": answer["next_page_token"]}
    assert len(seen) == len(set(seen)) == 5
    # A last page that is full is the last one all the same.
    assert (
        "next_page_token" not in (await market.client.get("/api/inbox/threads", params={"limit": "5"})).json()
    )
    wrong = await market.client.get("/api/inbox/threads", params={"page_token": "x"})
    assert wrong.status_code == 400


async def test_threads_of_an_order_need_the_kind_of_entity(market: Market) -> None:
    await ask(market)
    await ask(market)
    (first, _) = await threads(market)
    order_id = first["entities"][0]["id"]
    assert len(await threads(market, entity_type="MMP_ORDER", entity_id=order_id)) == 1
    assert await threads(market, entity_type="MMP_OFFER", entity_id=order_id) == []
    assert (await market.client.get("/api/inbox/threads", params={"entity_id": order_id})).status_code == 400


async def test_a_customer_may_write_again_and_the_operator_too(market: Market) -> None:
    thread_id = await ask(market)
    order_id = (await threads(market))[0]["entities"][0]["id"]
    for sender in ("CUSTOMER", "OPERATOR"):
        given = {"order_id": order_id, "body": "And?", "sender": sender}
        await market.client.post("/sandbox/messages", json=given)
    (thread,) = await threads(market, with_messages="true")
    assert thread["id"] == thread_id
    senders = [one["from"]["type"] for one in thread["messages"]]
    assert senders == ["CUSTOMER_USER", "CUSTOMER_USER", "OPERATOR_USER"]
    strange = {"order_id": order_id, "body": "?", "sender": "NOBODY"}
    assert (await market.client.post("/sandbox/messages", json=strange)).status_code == 400


async def test_invented_questions_go_on_where_they_stopped(market: Market) -> None:
    market.state.add_orders(4, SKUS)
    order_ids = [one.order["order_id"] for one in market.state.orders.all()]
    asked = await market.client.post("/sandbox/messages", json={"count": 6, "seed": 2})
    assert len(asked.json()["thread_ids"]) == 6
    market.state.ask(6, order_ids, seed=2)
    said = [
        message["body"]
        for thread in market.state.inbox.find()
        for message in market.state.inbox.shown(thread, with_messages=True)["messages"]
    ]
    assert len(said) == 12


async def test_a_stock_file_changes_the_offers_that_there_are(market: Market) -> None:
    market.state.offers.add("A", quantity=9)
    file = b'offer-sku;quantity\n"A";4\n"NOBODYS";1\n"A";few\n'
    answer = await market.client.post(
        "/api/offers/stock/imports", files={"file": ("s.csv", file, "text/csv")}
    )
    assert answer.status_code == 201
    path = f"/api/offers/stock/imports/{answer.json()['import_id']}"
    status = (await market.client.get(f"{path}/status")).json()
    assert (status["lines_in_success"], status["lines_in_error"]) == (1, 2)
    report = (await market.client.get(f"{path}/error_report")).text
    assert '"NOBODYS";"3"' in report
    assert "few" in report
    offers = (await market.client.get("/api/offers", params={"sku": "A"})).json()["offers"]
    assert [one["quantity"] for one in offers] == [4]


@pytest.mark.parametrize(
    "file", [b"", b"sku,quantity\nA,1\n", b"offer-sku;quantity;color\nA;1;red\n", b"\xff\xfe"]
)
async def test_a_file_that_is_no_stock_file_is_refused(market: Market, file: bytes) -> None:
    answer = await market.client.post(
        "/api/offers/stock/imports", files={"file": ("s.csv", file, "text/csv")}
    )
    assert answer.status_code == 400
    assert market.state.offers.imports == {}


async def test_an_offer_that_is_changed_loses_what_is_not_told(market: Market) -> None:
    market.state.offers.add("A", price=10_000, quantity=9)
    market.state.offers.add("B")
    given = [
        {"shop_sku": "A", "price": 120.5, "update_delete": "update"},
        {"shop_sku": "B", "update_delete": "delete"},
        {"price": 3},
    ]
    answer = await market.client.post("/api/offers", json={"offers": given})
    assert answer.status_code == 201
    offers = (await market.client.get("/api/offers")).json()["offers"]
    assert [(one["shop_sku"], one["price"], one["quantity"]) for one in offers] == [("A", 120.5, 0)]
    status = (await market.client.get(f"/api/offers/imports/{answer.json()['import_id']}")).json()
    assert status["lines_in_error"] == 1


async def test_an_order_takes_its_quantity_off_the_offer(market: Market) -> None:
    market.state.offers.add("A", quantity=3)
    order = {"order_id": "X-1", "order_lines": [_line("X-1-1", "A", 2)]}
    market.state.place(order)
    (offer,) = (await market.client.get("/api/offers")).json()["offers"]
    assert offer["quantity"] == 1


def _line(line_id: str, sku: str, quantity: int) -> dict[str, Any]:
    return {
        "order_line_id": line_id,
        "offer_sku": sku,
        "quantity": quantity,
        "order_line_state": "WAITING_ACCEPTANCE",
    }


async def test_the_account_adds_up(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    order_id = placed.order["order_id"]
    await market.accept(placed.order)
    market.advance(minutes=2)
    await market.client.put(f"/api/orders/{order_id}/ship")
    path = "/api/sellerpayment/transactions_logs"
    lines = (await market.client.get(path)).json()["data"]
    (line,) = placed.order["order_lines"]
    by_type = {one["type"]: one["amount"] for one in lines}
    taxes = round(sum(tax["amount"] for tax in line["taxes"]), 2)
    assert by_type["ORDER_AMOUNT"] == line["price"]
    assert by_type["ORDER_AMOUNT_TAX"] == taxes
    assert by_type["COMMISSION_FEE"] == -line["commission_fee"]
    assert {one["payment_state"] for one in lines} == {"PENDING"}
    assert lines[-1]["balance"] == round(sum(by_type.values()), 2)
    market.advance(days=5)
    await market.client.put(f"/api/orders/{order_id}/tracking", json={"carrier_code": "CPCL"})
    paid = (await market.client.post("/sandbox/pay")).json()["paid_cents"]
    assert paid == round(sum(by_type.values()) * 100)
    assert market.state.ledger.balance == 0
    states = {"payment_state": "PAID", "transaction_type": "PAYMENT"}
    (payment,) = (await market.client.get(path, params=states)).json()["data"]
    assert payment["amount_debited"] == paid / 100
    assert (await market.client.post("/sandbox/pay")).json()["paid_cents"] == 0


async def test_a_refund_takes_back_the_share(market: Market) -> None:
    (placed,) = market.state.add_orders(1, SKUS)
    await market.accept(placed.order)
    market.advance(minutes=2)
    (line,) = placed.order["order_lines"]
    before = market.state.ledger.balance
    refund = {
        "refunds": [{"order_line_id": line["order_line_id"], "amount": line["price"], "reason_code": "X"}]
    }
    answer = await market.client.put("/api/orders/refund", json=refund)
    assert answer.status_code == 200
    assert before > 0
    assert market.state.ledger.balance == 0
    assert (await market.order(placed.order["order_id"]))["order_lines"][0]["refunds"][0]["amount"] == line[
        "price"
    ]
    more = {"refunds": [{"order_line_id": line["order_line_id"], "amount": line["price"] + 1}]}
    assert (await market.client.put("/api/orders/refund", json=more)).status_code == 400
    strange = {"refunds": [{"order_line_id": "none", "amount": 1}]}
    assert (await market.client.put("/api/orders/refund", json=strange)).status_code == 404


async def test_transaction_lines_are_read_page_by_page_from_a_date_on(market: Market) -> None:
    for placed in market.state.add_orders(3, SKUS):
        await market.accept(placed.order)
        market.advance(minutes=10)
    path = "/api/sellerpayment/transactions_logs"
    everything = (await market.client.get(path)).json()["data"]
    seen: list[str] = []
    query: dict[str, str] = {"limit": "4"}
    while True:
        answer = (await market.client.get(path, params=query)).json()
        seen += [line["id"] for line in answer["data"]]
        if "next_page_token" not in answer:
            break
        query["page_token"] = answer["next_page_token"]
    assert seen == [line["id"] for line in everything]
    since = everything[-1]["date_created"]
    later = (await market.client.get(path, params={"date_created_from": since})).json()["data"]
    assert 0 < len(later) < len(everything)
