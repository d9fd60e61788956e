"""Threads and messages taken in: each once, whoever wrote it told apart."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.mirakl.conversations.conftest import MONDAY, Shop

from entrepot.kit.clock import clock
from entrepot.mirakl.conversations import queries
from entrepot.mirakl.conversations.showing import list_conversations, mark, show_conversation
from entrepot.mirakl.conversations.synchronizing import synchronize
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError


async def test_messages_are_taken_in_once_and_senders_told_apart(shop: Shop) -> None:
    order = shop.order()
    shop.says("Where is it?", order=order)
    shop.says("We look into it.", order=order, sender="OPERATOR")
    first = await shop.sync()
    assert (first.threads, first.received) == (1, 2)
    assert await shop.messages() == [
        ("customer", "received", "Where is it?"),
        ("operator", "received", "We look into it."),
    ]
    assert (await shop.sync()).received == 0
    conversation = await shop.conversation()
    assert (conversation["status"], conversation["last_customer_message_at"]) == ("unread", MONDAY)


async def test_what_the_shop_wrote_on_the_marketplace_is_no_customers_message(shop: Shop) -> None:
    order = shop.order()
    shop.says("Where is it?", order=order)
    shop.wait(hours=1)
    shop.says("It left today.", order=order, sender="SHOP")
    await shop.sync()
    assert [one[:2] for one in await shop.messages()] == [("customer", "received"), ("technician", "sent")]
    conversation = await shop.conversation()
    assert (conversation["status"], conversation["answer_by"]) == ("read", None)
    assert conversation["automatic_replies_off"]
    assert conversation["last_customer_message_at"] == MONDAY


async def test_a_customer_waits_from_the_first_message_that_no_person_answered(shop: Shop) -> None:
    await shop.rules(answer_within_hours=24)
    order = shop.order()
    shop.says("Where is it?", order=order)
    shop.wait(hours=3)
    shop.says("Hello?", order=order)
    await shop.sync()
    assert (await shop.conversation())["answer_by"] == MONDAY + timedelta(hours=24)
    async with shop.db.tenant(account_id=shop.account_id) as session:
        with clock(MONDAY + timedelta(hours=25)):
            [overdue] = await list_conversations(session, shop.account_id, only="overdue")
            assert overdue.is_overdue
        with clock(MONDAY + timedelta(hours=23)):
            assert await list_conversations(session, shop.account_id, only="overdue") == []
            assert len(await list_conversations(session, shop.account_id, only="unread")) == 1


async def test_an_archived_conversation_is_unread_again_when_the_customer_writes(shop: Shop) -> None:
    order = shop.order()
    thread = shop.says("Thank you!", order=order)
    await shop.sync()
    async with shop.db.tenant(account_id=shop.account_id) as session:
        await mark(session, shop.account_id, thread, "archived")
        assert await list_conversations(session, shop.account_id) == []
        assert len(await list_conversations(session, shop.account_id, only="all")) == 1
    assert (await shop.conversation())["answer_by"] is None
    await shop.sync(full=True)
    archived = await shop.conversation()
    assert (archived["status"], archived["answer_by"]) == ("archived", None), "nothing new was said"
    shop.wait(hours=1)
    shop.says("One more thing", order=order)
    await shop.sync()
    again = await shop.conversation()
    assert (again["status"], again["answer_by"]) == ("unread", shop.at + timedelta(hours=24))


async def test_the_mark_moves_with_the_marketplaces_time_and_looks_reach_back(shop: Shop) -> None:
    shop.says("one")
    await shop.sync()
    shop.wait(hours=5)
    shop.says("two")
    # What was written a moment before the mark and slipped behind a page.
    await shop.sync()
    [row] = await shop.sql("SELECT threads_updated_since AS at FROM mirakl.accounts")
    assert row["at"] == shop.at
    shop.wait(minutes=-5)
    shop.says("late")
    shop.wait(minutes=5)
    assert (await shop.sync()).received == 1
    [row] = await shop.sql("SELECT threads_updated_since AS at FROM mirakl.accounts")
    assert row["at"] == shop.at


async def test_the_mark_stays_where_the_pages_could_not_be_read_to_the_end(shop: Shop) -> None:
    first, second = shop.says("one"), shop.says("two")

    class BreaksOff:
        async def threads(self, _since: datetime | None = None) -> AsyncIterator[Mapping[str, Any]]:
            yield shop.state.inbox.shown(shop.state.inbox.get(first), with_messages=True)
            raise ServiceError("gone", outcome=Outcome.TRANSIENT, service="Mirakl", operation="M11")

    with pytest.raises(ServiceError), clock(shop.at):
        await synchronize(shop.db, BreaksOff(), shop.account_id)
    [row] = await shop.sql("SELECT threads_updated_since AS at FROM mirakl.accounts")
    assert row["at"] is None
    assert [one[2] for one in await shop.messages()] == ["one"]
    assert (await shop.sync()).received == 1
    assert shop.state.inbox.get(second).messages[0]["body"] in [one[2] for one in await shop.messages()]


async def test_an_answer_that_says_everything_twice_and_two_looks_at_once_store_it_once(shop: Shop) -> None:
    order = shop.order()
    shop.says("one", order=order)
    shop.says("two", order=order)
    shop.says("three")
    shop.state.misbehavior.plan("M11", "twice")
    await shop.sync()
    shop.wait(minutes=1)
    shop.says("four", order=order)
    found = await asyncio.gather(*(shop.sync(full=True) for _ in range(4)))
    assert sum(one.received for one in found) == 1
    assert sorted(one[2] for one in await shop.messages()) == ["four", "one", "three", "two"]


async def test_a_thread_is_tied_to_its_order_whichever_comes_first(shop: Shop) -> None:
    order = shop.order()
    shop.says("Where is it?", order=order)
    await shop.sync()
    assert (await shop.conversation())["order_id"] is None
    await shop.sql(
        """
        INSERT INTO mirakl.orders (account_id, order_id, mirakl_state, currency_code, total_price,
                                   order_created_at, order_updated_at, raw_order_data)
        VALUES (:account_id, :order, 'SHIPPING', 'CAD', 100, now(), now(), '{}')
        """,
        order=order,
    )
    await shop.sync()
    assert (await shop.conversation())["order_id"] == order


async def test_a_thread_that_cannot_be_read_is_a_failure_and_stops_no_other(shop: Shop) -> None:
    broken = shop.says("one")
    shop.says("two")
    message = shop.state.inbox.get(broken).messages[0]
    message["date_created"] = "yesterday"
    found = await shop.sync()
    assert (found.unreadable, found.received) == ([broken], 1)
    [failure] = await shop.sql("SELECT process_name, related_id, details, state FROM mirakl.process_failures")
    assert (failure["process_name"], failure["related_id"], failure["state"]) == (
        "MessageTakingIn",
        broken,
        "open",
    )
    assert "'yesterday', which is no time" in failure["details"]
    message["date_created"] = "2026-03-02T15:00:00Z"
    await shop.sync()
    [failure] = await shop.sql("SELECT state FROM mirakl.process_failures")
    assert failure["state"] == "resolved"


async def test_messages_become_events_once(shop: Shop) -> None:
    shop.says("Where is it?")
    await shop.sync()
    await shop.sync(full=True)
    async with shop.db.system() as session:
        rows = await session.execute(
            text("SELECT event_type, payload FROM marketplace.hm_event_queue WHERE account_id = :id"),
            {"id": shop.account_id},
        )
        found: list[Any] = list(rows)
    assert [row[0] for row in found] == ["mirakl.message.received"]
    assert "Where" not in str(found[0][1]), "what was written is not in the event"


async def test_another_account_sees_nothing(shop: Shop, other_shop: Shop) -> None:
    thread = shop.says("Where is it?")
    await shop.sync()
    async with other_shop.db.tenant(account_id=other_shop.account_id) as session:
        assert await queries.select_conversation(session, shop.account_id, thread) is None
        assert await list_conversations(session, shop.account_id) == []
    async with shop.db.tenant(account_id=shop.account_id) as session:
        _, messages = await show_conversation(session, shop.account_id, thread)
    assert [one.body for one in messages] == ["Where is it?"]


async def test_a_nul_in_a_message_is_shown(shop: Shop) -> None:
    class Threads:
        async def threads(self, _since: Any = None) -> Any:
            yield {
                "id": "T",
                "topic": {"value": "a\0b"},
                "messages": [{"id": "M", "body": "a\0b", "date_created": "2026-03-02T15:00:00Z"}],
            }

    await synchronize(shop.db, Threads(), shop.account_id)
    assert await shop.messages() == [("system", "received", "a\N{SYMBOL FOR NULL}b")]
