"""Replies sent once: whatever the marketplace answers, whoever sends, and wherever a worker dies."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.mirakl.conversations.conftest import Shop

from entrepot.kit.clock import clock
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.conversations import outbox, outbox_queries
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.marketplace_api import open_api


async def told(shop: Shop, body: str = "Where is it?") -> str:
    thread = shop.says(body)
    await shop.sync()
    return thread


async def test_a_reply_is_stored_sent_and_confirmed(shop: Shop) -> None:
    thread = await told(shop)
    shop.wait(hours=1)
    stored = await shop.reply(thread, "It left today.")
    assert (await shop.conversation())["answer_by"] is not None, "it is not sent yet"
    assert (await shop.send()).sent == [stored]
    assert shop.sent() == ["It left today."]
    [row] = await shop.sql("SELECT * FROM mirakl.messages WHERE sender_type = 'technician'")
    assert (row["sending"], row["confirmed_at"], row["sent_at"]) == ("sent", None, shop.at)
    assert row["mirakl_message_id"] == shop.state.inbox.sent[0]["message_id"]
    conversation = await shop.conversation()
    assert (conversation["status"], conversation["answer_by"]) == ("read", None)
    shop.wait(minutes=1)
    assert (await shop.sync()).received == 0
    [row] = await shop.sql("SELECT confirmed_at FROM mirakl.messages WHERE sender_type = 'technician'")
    assert row["confirmed_at"] == shop.at
    assert (await shop.send()).sent == []


async def test_a_reply_for_the_operator_goes_to_the_operator(shop: Shop) -> None:
    thread = await told(shop)
    await shop.reply(thread, "Please look at this order.", recipient="operator")
    await shop.send()
    assert shop.state.inbox.sent[0]["to"] == ["OPERATOR"]


@pytest.mark.parametrize("body", ["", "  ", "x" * 20_001, "a\0b"])
async def test_a_reply_without_text_or_with_too_much_is_refused(shop: Shop, body: str) -> None:
    thread = await told(shop)
    with pytest.raises(InvalidInputError, match="A reply has from 1"):
        await shop.reply(thread, body)


async def test_a_reply_in_no_conversation_or_to_nobody_is_refused(shop: Shop) -> None:
    thread = await told(shop)
    with pytest.raises(NotFoundError):
        await shop.reply("nowhere", "Hello")
    with pytest.raises(InvalidInputError, match="customer or the operator"):
        await shop.reply(thread, "Hello", recipient="neighbor")


async def test_under_a_key_a_reply_is_stored_once(shop: Shop) -> None:
    thread = await told(shop)
    first = await shop.reply(thread, "Hello", dedupe_key="k")
    assert await shop.reply(thread, "Hello", dedupe_key="k") == first
    with pytest.raises(ConflictError, match="Another reply"):
        await shop.reply(thread, "Something else", dedupe_key="k")
    await shop.send()
    assert shop.sent() == ["Hello"]


@pytest.mark.parametrize("behavior", ["timeout_after", "garbage"])
async def test_a_lost_answer_is_settled_by_the_thread_and_nothing_is_sent_again(
    shop: Shop, behavior: str
) -> None:
    thread = await told(shop)
    stored = await shop.reply(thread, "It left today.")
    shop.state.misbehavior.plan("M12", behavior)
    assert (await shop.send()).put_off == [stored]
    assert [one[1] for one in await shop.messages()] == ["received", "unknown"]
    shop.wait(seconds=30)
    assert (await shop.send()) == outbox.Sent(), "the answer may still be on its way"
    shop.wait(seconds=31)
    assert (await shop.send()).settled == [stored]
    shop.wait(hours=1)
    assert (await shop.send()) == outbox.Sent()
    assert shop.sent() == ["It left today."]
    assert [one[1] for one in await shop.messages()] == ["received", "sent"]
    assert (await shop.conversation())["answer_by"] is None


async def test_a_lost_answer_is_settled_by_taking_the_thread_in_as_well(shop: Shop) -> None:
    thread = await told(shop)
    await shop.reply(thread, "It left  today. &amp;")
    shop.state.misbehavior.plan("M12", "timeout_after")
    await shop.send()
    # As a marketplace may store it: other spaces, escapes read.
    shop.state.inbox.get(thread).messages[-1]["body"] = "It left today. &"
    found = await shop.sync()
    assert (found.recognized, found.received) == (1, 0)
    shop.wait(hours=1)
    assert (await shop.send()) == outbox.Sent()
    assert len(await shop.messages()) == 2
    assert len(shop.sent()) == 1


async def test_a_request_that_never_arrived_is_sent_when_the_thread_shows_for_sure_that_it_did_not(
    shop: Shop,
) -> None:
    thread = await told(shop)
    stored = await shop.reply(thread, "It left today.")
    shop.state.misbehavior.plan("M12", "timeout_before")
    await shop.send()
    shop.wait(minutes=2)
    assert (await shop.send()).put_off == [stored]
    assert shop.sent() == []
    shop.wait(minutes=2)
    assert (await shop.send()) == outbox.Sent(), "it may arrive until five minutes have passed"
    shop.wait(minutes=2)
    found = await shop.send()
    assert (found.put_off, found.sent) == ([stored], [stored])
    assert shop.sent() == ["It left today."]


async def test_an_old_message_with_the_same_text_is_not_taken_for_the_reply(shop: Shop) -> None:
    order = shop.order()
    thread = shop.says("Thanks", order=order)
    shop.says("You are welcome.", order=order, sender="SHOP")
    shop.wait(hours=2)
    shop.says("Thanks again", order=order)
    shop.wait(minutes=5)
    await shop.sync()
    # Even where the old one was not taken in.
    await shop.sql("DELETE FROM mirakl.messages WHERE sender_type = 'technician'")
    await shop.reply(thread, "You are welcome.")
    shop.state.misbehavior.plan("M12", "timeout_before")
    await shop.send()
    for _ in range(3):
        shop.wait(minutes=3)
        await shop.send()
    assert shop.sent() == ["You are welcome."]


async def test_two_replies_with_the_same_text_are_both_sent_and_each_settled_by_its_own_message(
    shop: Shop,
) -> None:
    thread = await told(shop)
    await shop.reply(thread, "Yes.")
    await shop.reply(thread, "Yes.")
    shop.state.misbehavior.plan("M12", "timeout_after", "timeout_after")
    for _ in range(6):
        await shop.send()
        shop.wait(minutes=2)
    assert shop.sent() == ["Yes.", "Yes."]
    rows = await shop.sql(
        "SELECT mirakl_message_id AS id FROM mirakl.messages WHERE sender_type = 'technician'"
    )
    assert {row["id"] for row in rows} == {one["message_id"] for one in shop.state.inbox.sent}


async def test_replies_of_a_conversation_keep_their_order_when_the_first_is_refused_for_now(
    shop: Shop,
) -> None:
    thread = await told(shop)
    shop.state.misbehavior.plan("M12", "fail")
    await shop.reply(thread, "First.")
    await shop.reply(thread, "Second.")
    first = await shop.send()
    assert (first.sent, shop.sent()) == ([], [])
    for _ in range(5):
        shop.wait(minutes=6)
        await shop.send()
    assert shop.sent() == ["First.", "Second."]


async def test_a_worker_that_was_killed_is_followed_by_one_that_looks_first(shop: Shop) -> None:
    thread = await told(shop)
    stored = await shop.reply(thread, "It left today.")

    class Killed(BaseException):
        pass

    async with open_api(shop.db, shop.account) as api:

        class Dies:
            async def reply(self, *given: Any) -> str:
                await api.reply(*given)
                raise Killed

            async def thread(self, thread_id: str) -> Any:
                return await api.thread(thread_id)

        with clock(shop.at), pytest.raises(Killed):
            await outbox.send_due(shop.db, Dies(), shop.account_id)
    shop.wait(minutes=1)
    assert (await shop.send()) == outbox.Sent(), "the first may still be at it"
    shop.wait(minutes=2)
    assert (await shop.send()).settled == [stored]
    assert shop.sent() == ["It left today."]


async def test_many_senders_and_a_look_at_once_send_each_reply_once(shop: Shop) -> None:
    threads = [shop.says(f"Question {number}") for number in range(6)]
    await shop.sync()
    for number, thread in enumerate(threads):
        for part in "ab":
            await shop.reply(thread, f"Answer {number}{part}")
    await asyncio.gather(*(shop.send() for _ in range(4)), *(shop.sync(full=True) for _ in range(2)))
    await shop.send()
    assert sorted(shop.sent()) == [f"Answer {number}{part}" for number in range(6) for part in "ab"]
    assert {one[1] for one in await shop.messages()} == {"received", "sent"}
    assert len(await shop.messages()) == 18
    await shop.sync(full=True)
    assert len(await shop.messages()) == 18


async def test_a_reply_that_is_refused_for_good_is_a_failure_with_a_retry(shop: Shop) -> None:
    thread = await told(shop)
    stored = await shop.reply(thread, "It left today.")
    known = shop.state.inbox._threads.pop(thread)
    assert (await shop.send()).failed == [stored]
    [failure] = await shop.sql("SELECT * FROM mirakl.process_failures")
    assert (failure["process_name"], failure["related_id"], failure["kind"]) == (
        "MessageSending",
        str(stored),
        "permanent",
    )
    shop.state.inbox._threads[thread] = known
    shop.wait(minutes=1)
    assert (await shop.send()) == outbox.Sent(), "nobody said that it may be tried again"
    with clock(shop.at):
        async with shop.db.tenant(account_id=shop.account_id) as session:
            await inbox.retry(session, shop.account_id, UUID(str(failure["failure_id"])))
    for _ in range(3):
        await shop.send()
        shop.wait(minutes=6)
    assert shop.sent() == ["It left today."]
    [failure] = await shop.sql("SELECT state FROM mirakl.process_failures")
    assert failure["state"] == "resolved"


async def test_while_the_key_is_refused_replies_wait_and_go_on_by_themselves(shop: Shop) -> None:
    thread = await told(shop)
    stored = await shop.reply(thread, "It left today.")
    shop.state.api_key = "another"
    assert (await shop.send()).put_off == [stored]
    [failure] = await shop.sql("SELECT state, kind FROM mirakl.process_failures")
    assert (failure["state"], failure["kind"]) == ("open", "permanent")
    shop.state.api_key = "key"
    assert (await shop.send()) == outbox.Sent()
    shop.wait(minutes=11)
    assert (await shop.send()).sent == [stored]
    [failure] = await shop.sql("SELECT state FROM mirakl.process_failures")
    assert failure["state"] == "resolved"


async def test_pauses_grow_while_the_marketplace_cannot_and_a_person_hears_of_it(shop: Shop) -> None:
    thread = await told(shop)
    await shop.reply(thread, "It left today.")
    # Nobody listens: nothing can have been sent.
    await shop.sql("SELECT 1")
    account = shop.account
    shop.account = type(account)(
        **{name: getattr(account, name) for name in account.__slots__} | {"api_url": "http://127.0.0.1:9/api"}
    )
    pauses = []
    for number in range(1, 6):
        await shop.send()
        [row] = await shop.sql("SELECT * FROM mirakl.messages WHERE sender_type = 'technician'")
        assert (row["sending"], row["attempts"]) == ("pending", number)
        pauses.append((row["next_attempt_at"] - shop.at).total_seconds())
        failures = await shop.sql("SELECT kind FROM mirakl.process_failures")
        assert len(failures) == (1 if number == 5 else 0)
        shop.at = row["next_attempt_at"]
    assert pauses == [30, 60, 120, 240, 480]
    shop.account = account
    await shop.send()
    assert shop.sent() == ["It left today."]


async def test_a_thread_that_cannot_be_read_any_more_is_a_failure_and_nothing_is_sent_again(
    shop: Shop,
) -> None:
    thread = await told(shop)
    stored = await shop.reply(thread, "It left today.")
    shop.state.misbehavior.plan("M12", "timeout_after")
    await shop.send()
    known = shop.state.inbox._threads.pop(thread)
    looks = []
    for _ in range(4):
        [row] = await shop.sql(
            "SELECT sending, next_attempt_at FROM mirakl.messages WHERE sender_type = 'technician'"
        )
        assert row["sending"] == "unknown"
        looks.append((row["next_attempt_at"] - shop.at).total_seconds())
        shop.at = row["next_attempt_at"]
        await shop.send()
    assert looks == [60, 60, 120, 240]
    [failure] = await shop.sql("SELECT failure_id, kind, related_id FROM mirakl.process_failures")
    assert (failure["kind"], failure["related_id"]) == ("unknown", str(stored))
    shop.state.inbox._threads[thread] = known
    with clock(shop.at):
        async with shop.db.tenant(account_id=shop.account_id) as session:
            await inbox.retry(session, shop.account_id, UUID(str(failure["failure_id"])))
    assert (await shop.send()).settled == [stored]
    [failure] = await shop.sql("SELECT state FROM mirakl.process_failures")
    assert failure["state"] == "resolved"
    assert shop.sent() == ["It left today."]


async def test_two_that_are_unknown_with_the_same_text_are_each_settled_by_a_message_of_their_own(
    shop: Shop,
) -> None:
    order = shop.order()
    thread = shop.says("Really?", order=order)
    await shop.sync()
    for _ in range(2):
        await shop.reply(thread, "Yes.")
    # As two workers leave them that were killed after sending.
    await shop.sql(
        """
        UPDATE mirakl.messages SET sending = 'unknown', attempts = 1, first_attempt_at = :at, last_attempt_at = :at,
               next_attempt_at = :at
        WHERE account_id = :account_id AND sending = 'pending'
        """,
        at=shop.at,
    )
    for _ in range(2):
        shop.says("Yes.", order=order, sender="SHOP")
    assert (await shop.sync()).recognized == 2
    rows = await shop.sql(
        "SELECT sending, mirakl_message_id AS id FROM mirakl.messages WHERE sender_type = 'technician'"
    )
    assert [row["sending"] for row in rows] == ["sent", "sent"]
    assert len({row["id"] for row in rows}) == 2


async def test_a_reply_is_taken_by_one_worker(shop: Shop) -> None:
    thread = await told(shop)
    stored = await shop.reply(thread, "It left today.")
    until = shop.at + timedelta(minutes=2)
    taken = []
    for _ in range(2):
        async with shop.db.tenant(account_id=shop.account_id) as session:
            taken.append(await outbox_queries.take(session, shop.account_id, stored, at=shop.at, until=until))
    assert taken == [True, False]
