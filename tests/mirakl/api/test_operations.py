"""What the API does, against a marketplace served over HTTP."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.mirakl.conftest import NOWHERE, new_account
from tests.mirakl.sharing import Market, fresh_code

from entrepot.kit.clock import clock, now
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.mirakl import marketplace_api
from entrepot.mirakl.failures import calling
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.marketplace_api import MiraklApi, open_api
from entrepot.mirakl.marketplace_models import Order
from entrepot.sandbox.mirakl.orders import Pace
from entrepot.sandbox.misbehaving import Behavior
from entrepot.sandbox.operating import Limit


async def test_every_order_comes_once_oldest_first(market: Market, api: MiraklApi) -> None:
    placed = market.state.add_orders(230, ["SKU-1", "SKU-2"])
    found = [order["order_id"] async for order in api.orders()]
    by_age = sorted(placed, key=lambda one: (one.created, one.order["order_id"]))
    assert found == [one.order["order_id"] for one in by_age]
    # 100, 99 more, the rest: each page begins with the last order of the one before.
    assert market.count("OR11") == 3


async def test_orders_are_chosen_by_state_and_change(market: Market, api: MiraklApi) -> None:
    first, second = market.state.add_orders(2, ["SKU-1"])
    market.state.orders.put(second.order["order_id"], "IN_A_NEW_STATE")
    assert [o["order_id"] async for o in api.orders(states=["WAITING_ACCEPTANCE"])] == [
        first.order["order_id"]
    ]
    later = second.updated + timedelta(seconds=1)
    assert [o async for o in api.orders(updated_since=later)] == []
    assert len([o async for o in api.orders(updated_since=second.updated)]) >= 1


async def test_states_and_fields_that_nobody_knows_are_kept(market: Market, api: MiraklApi) -> None:
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    placed.order["something_new"] = {"deep": [1, 2]}
    market.state.orders.put(placed.order["order_id"], "IN_A_NEW_STATE")
    found = await api.order(placed.order["order_id"])
    assert found is not None
    assert found["something_new"] == {"deep": [1, 2]}
    read = Order.model_validate(found)
    assert read.order_state == "IN_A_NEW_STATE"
    assert (read.model_extra or {})["something_new"] == {"deep": [1, 2]}


async def test_an_order_that_is_not_there_is_none(api: MiraklApi) -> None:
    assert await api.order("nothing") is None


async def test_from_acceptance_to_the_parcel(market: Market, api: MiraklApi) -> None:
    market.state.orders.pace = Pace(debited=timedelta())
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    order_id = placed.order["order_id"]
    await api.accept(order_id, {line["order_line_id"]: True for line in placed.order["order_lines"]})
    found = await api.order(order_id)
    assert found is not None
    assert found["order_state"] == "SHIPPING"
    await api.tracking(order_id, carrier_code="CPCL", number="1234567890123456")
    await api.ship(order_id)
    assert (placed.state, placed.ships, placed.trackings) == ("SHIPPED", 1, 1)
    assert placed.order["shipping_tracking"] == "1234567890123456"
    lines = [line async for line in api.transactions()]
    assert {line["type"] for line in lines} >= {"ORDER_AMOUNT", "COMMISSION_FEE"}
    assert await api.documents([order_id]) == []


async def test_messages_come_and_are_answered(market: Market, api: MiraklApi) -> None:
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    thread = market.state.inbox.receive(placed.order["order_id"], "Where is it?")
    (found,) = [one async for one in api.threads()]
    assert [message["body"] for message in found["messages"]] == ["Where is it?"]
    sent = await api.reply(thread.thread_id, "On its way.", [{"type": "CUSTOMER"}])
    assert sent == thread.messages[-1]["id"]
    assert [message["body"] for message in market.state.inbox.sent] == ["On its way."]


async def test_stock_is_told_with_a_file(market: Market, api: MiraklApi) -> None:
    market.state.offers.add('QUOTED"SKU', price=100, quantity=1)
    import_id = await api.update_stock({'QUOTED"SKU': 7})
    assert import_id
    offer = market.state.offers.get('QUOTED"SKU')
    assert offer is not None
    assert offer.quantity == 7


async def test_what_is_listed_twice_comes_once(market: Market, api: MiraklApi) -> None:
    market.state.add_orders(150, ["SKU-1"])
    market.state.misbehavior.plan("OR11", *[Behavior.TWICE] * 3)
    found = [order["order_id"] async for order in api.orders()]
    assert len(found) == len(set(found)) == 150


@pytest.mark.parametrize(
    ("behavior", "done"),
    [(Behavior.TIMEOUT_AFTER, 1), (Behavior.TIMEOUT_BEFORE, 0), (Behavior.GARBAGE, 1)],
)
async def test_an_unanswered_reply_is_unknown_and_not_sent_again(
    market: Market, api: MiraklApi, behavior: Behavior, done: int
) -> None:
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    thread = market.state.inbox.receive(placed.order["order_id"], "Where is it?")
    market.state.misbehavior.plan("M12", behavior)
    with pytest.raises(ServiceError) as caught:
        await api.reply(thread.thread_id, "On its way.", [{"type": "CUSTOMER"}])
    assert caught.value.outcome is Outcome.UNKNOWN
    assert market.count("M12") == 1
    assert len(market.state.inbox.sent) == done


async def test_an_unanswered_acceptance_is_unknown_and_settled_by_reading(
    market: Market, api: MiraklApi
) -> None:
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    lines = {line["order_line_id"]: True for line in placed.order["order_lines"]}
    market.state.misbehavior.plan("OR21", Behavior.TIMEOUT_AFTER)
    with pytest.raises(ServiceError) as caught:
        await api.accept(placed.order["order_id"], lines)
    assert caught.value.outcome is Outcome.UNKNOWN
    found = await api.order(placed.order["order_id"])
    assert found is not None
    assert found["order_state"] != "WAITING_ACCEPTANCE"
    assert placed.accepts == 1


async def test_an_answer_that_never_ends_is_given_up(
    db: Database, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marketplace_api, "TIMEOUT", 0.2)
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    market.state.misbehavior.plan("OR11", Behavior.HANG_AFTER)
    market.state.misbehavior.plan("OR24", Behavior.HANG_AFTER)
    async with open_api(db, market.account) as api:
        with pytest.raises(ServiceError) as reading:
            await api.order(placed.order["order_id"])
        with pytest.raises(ServiceError) as shipping:
            await api.ship(placed.order["order_id"])
    assert reading.value.outcome is Outcome.TRANSIENT
    assert shipping.value.outcome is Outcome.UNKNOWN


async def test_a_call_is_over_after_its_time_whatever_trickles_in(
    market: Market, api: MiraklApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "LONGEST_CALL", 0.2)
    market.state.misbehavior.plan("OR11", Behavior.HANG_AFTER)
    market.state.misbehavior.plan("OR24", Behavior.HANG_AFTER)
    with pytest.raises(ServiceError, match="no whole answer") as reading:
        await api.order("A")
    with pytest.raises(ServiceError) as shipping:
        await api.ship("A")
    assert (reading.value.outcome, shipping.value.outcome) == (Outcome.TRANSIENT, Outcome.UNKNOWN)


async def test_an_answer_is_read_no_further_than_may_be(
    market: Market, api: MiraklApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.state.add_orders(5, ["SKU-1"])
    monkeypatch.setattr(calling, "LARGEST", 1000)
    with pytest.raises(ServiceError, match="larger than 1,000 bytes"):
        [order async for order in api.orders()]


async def test_reading_again_is_harmless_whatever_came(market: Market, api: MiraklApi) -> None:
    market.state.add_orders(1, ["SKU-1"])
    for behavior in (Behavior.FAIL, Behavior.TIMEOUT_AFTER, Behavior.GARBAGE):
        market.state.misbehavior.plan("OR11", behavior)
        with pytest.raises(ServiceError) as caught:
            [order async for order in api.orders()]
        assert caught.value.outcome is Outcome.TRANSIENT, behavior
    assert len([order async for order in api.orders()]) == 1


async def test_a_refusal_says_what_the_marketplace_said(market: Market, api: MiraklApi) -> None:
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    with pytest.raises(ServiceError) as caught:
        await api.ship(placed.order["order_id"])
    assert caught.value.outcome is Outcome.PERMANENT
    assert caught.value.status == 400
    assert str(caught.value).startswith("Mirakl OR24: HTTP 400: ")
    assert "WAITING_ACCEPTANCE" in str(caught.value)


async def test_a_wrong_key_is_permanent(db: Database, market: Market) -> None:
    account = await new_account(db, fresh_code(), api_url=f"{market.url}/api", api_key="wrong")
    async with open_api(db, account) as api:
        with pytest.raises(ServiceError) as caught:
            await api.order("A")
    assert (caught.value.outcome, caught.value.status) == (Outcome.PERMANENT, 401)


async def test_what_was_never_sent_may_be_sent_again(db: Database) -> None:
    async with open_api(db, await new_account(db, fresh_code(), api_url=NOWHERE)) as api:
        with pytest.raises(ServiceError) as caught:
            await api.accept("A", {"A-1": True})
    assert caught.value.outcome is Outcome.TRANSIENT


async def test_an_identifier_stays_within_its_part_of_the_path(market: Market, api: MiraklApi) -> None:
    with pytest.raises(ServiceError) as caught:
        await api.ship("A/../../sandbox?x=#")
    assert caught.value.status == 404
    assert all(call.path.startswith("/api/orders/") for call in market.state.desk.calls)


async def test_who_is_asked_to_wait_waits_with_all_workers_of_the_account(
    db: Database, market: Market, api: MiraklApi
) -> None:
    market.state.desk.limits["OR11"] = Limit(1, timedelta(seconds=60))
    start = now()
    market.state.clock.stand_at(start)
    other = await new_account(db, fresh_code(), api_url=f"{market.url}/api", api_key="sandbox-key")
    with clock(start):
        await api.order("A")
        with pytest.raises(ServiceError) as caught:
            await api.order("A")
        assert (caught.value.status, caught.value.retry_after) == (429, 60)
        assert caught.value.outcome is Outcome.TRANSIENT
        async with open_api(db, market.account) as second, open_api(db, other) as third:
            with pytest.raises(ServiceError) as held:
                await second.order("A")
            assert held.value.outcome is Outcome.TRANSIENT
            assert held.value.status is None
            assert held.value.retry_after == 60
            assert market.count("OR11") == 2
            # The key of the other account is as good; its calls are its own affair.
            with pytest.raises(ServiceError):
                await third.order("A")
            assert market.count("OR11") == 3
    market.state.clock.stand_at(start + timedelta(seconds=61))
    with clock(start + timedelta(seconds=61)):
        await api.order("A")
    assert market.count("OR11") == 4


async def test_an_account_may_set_its_own_limits(db: Database, market: Market) -> None:
    settings = {"call_limits": {"OR11": [{"calls": 2, "seconds": 60}]}}
    account = replace(
        await new_account(db, fresh_code(), api_url=f"{market.url}/api", api_key="sandbox-key"),
        settings=settings,
    )
    start = now()
    with clock(start):
        async with open_api(db, account) as one, open_api(db, account) as two:
            await one.order("A")
            await two.order("A")
            for api in (one, two):
                with pytest.raises(ServiceError) as caught:
                    await api.order("A")
                assert caught.value.retry_after == 60
    assert market.count("OR11") == 2


@pytest.mark.parametrize(
    "limits",
    [[], "often", {"OR11": 3}, {"OR11": [{"calls": 0, "seconds": 60}]}, {"OR11": [{"calls": 1}]}],
)
async def test_limits_that_cannot_be_are_refused(db: Database, market: Market, limits: object) -> None:
    account = replace(market.account, settings={"call_limits": limits})
    if not limits:
        assert marketplace_api.limits_of(account) == marketplace_api.LIMITS
        return
    with pytest.raises(InvalidInputError, match="call_limits of quay"):
        marketplace_api.limits_of(account)


async def test_the_documented_limit_of_the_logs_is_kept(db: Database, market: Market, api: MiraklApi) -> None:
    start = now()
    with clock(start):
        for _ in range(20):
            assert [line async for line in api.transactions()] == []
        with pytest.raises(ServiceError) as caught:
            [line async for line in api.transactions()]
    assert caught.value.retry_after == 60
    assert market.count("TL02") == 20


async def test_every_call_is_recorded_and_the_key_is_not(
    db: Database, market: Market, api: MiraklApi
) -> None:
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    market.state.misbehavior.plan("OR24", Behavior.TIMEOUT_AFTER)
    await api.order(placed.order["order_id"])
    with pytest.raises(ServiceError):
        await api.ship(placed.order["order_id"])
    # Whoever mistook the key for an identifier does not have it in the record.
    await api.order("sandbox-key")
    async with db.tenant(account_id=market.account.account_id) as session:
        rows = (
            await session.execute(
                text(
                    "SELECT operation, method, endpoint, related_id, status_code, is_success, outcome, duration_ms "
                    "FROM mirakl.api_calls ORDER BY timestamp"
                )
            )
        ).all()
        everything = (
            await session.execute(text("SELECT string_agg(c::text, '') FROM mirakl.api_calls AS c"))
        ).scalar_one()
    assert [(row.operation, row.method, row.status_code, row.is_success, row.outcome) for row in rows] == [
        ("OR11", "GET", 200, True, "done"),
        ("OR24", "PUT", None, False, "unknown"),
        ("OR11", "GET", 200, True, "done"),
    ]
    assert {row.related_id for row in rows[:2]} == {placed.order["order_id"]}
    assert all(row.duration_ms >= 0 and row.endpoint.startswith(market.url) for row in rows)
    address = placed.order["customer"]["shipping_address"]
    for hidden in ("sandbox-key", address["street_1"], address["lastname"], address["zip_code"]):
        assert hidden not in everything
    assert placed.order["order_id"] in everything
