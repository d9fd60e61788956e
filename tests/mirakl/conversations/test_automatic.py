"""Automatic replies: when, how often, to whom, and never after a person."""

import asyncio
from datetime import timedelta

import pytest
from tests.mirakl.conversations.conftest import MONDAY, Shop

from entrepot.kit.errors import InvalidInputError
from entrepot.mirakl.conversations import automatic
from entrepot.mirakl.conversations.showing import mark, opt_out

FIRST = "Hello Maple, we answer soon."
SECOND = "Please call us."


async def hours_later(shop: Shop, hours: float = 4) -> list[str]:
    """Some hours later messages are taken in, automatic replies stored and sent; what the shop has sent by then."""
    shop.wait(hours=hours)
    await shop.sync()
    await shop.automatic()
    await shop.send()
    return [
        body.replace(body.split()[1], "Maple,") if body.startswith("Hello") else body for body in shop.sent()
    ]


async def test_a_customer_who_waits_four_hours_gets_one_reply_and_another_when_they_write_again(
    shop: Shop,
) -> None:
    await shop.switch_on(
        opens="00:00", closes="00:00", days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    )
    order = shop.order()
    shop.says("Where is it?", order=order)
    assert await hours_later(shop, 3.9) == []
    assert await hours_later(shop, 0.1) == [FIRST]
    assert await hours_later(shop, 8) == [FIRST], "the customer has not written since"
    shop.says("Hello?", order=order)
    assert await hours_later(shop, 3.9) == [FIRST]
    assert await hours_later(shop, 0.1) == [FIRST, SECOND]
    shop.says("Hello??", order=order)
    assert await hours_later(shop) == [FIRST, SECOND], "two are the most"
    conversation = await shop.conversation()
    assert conversation["status"] == "unread", "a person still has to answer"
    assert conversation["answer_by"] == MONDAY + timedelta(hours=24)


async def test_nothing_is_sent_while_they_are_switched_off_but_the_preview_says_what_would_be(
    shop: Shop,
) -> None:
    await shop.switch_on()
    await shop.rules(enabled=False)
    shop.says("Where is it?")
    assert await hours_later(shop) == []
    [one] = await shop.preview()
    assert (one.template_number, one.is_due, one.due_at) == (1, True, shop.at)
    assert one.body is not None
    assert one.body.startswith("Hello ")
    assert one.why == ("template 1", "the customer waits since 2026-03-02 15:00 UTC")
    assert len(await shop.messages()) == 1, "nothing is stored"


async def test_outside_business_hours_it_waits_for_the_next_opening_in_the_accounts_time_zone(
    shop: Shop,
) -> None:
    await shop.switch_on(closed_on=["2026-03-03"])
    shop.wait(hours=4)
    shop.says("Where is it?")
    # Four hours later it is 18:00 in Toronto; Tuesday is closed.
    assert await hours_later(shop) == []
    [one] = await shop.preview()
    assert (one.is_due, one.due_at) == (False, MONDAY + timedelta(days=2, hours=-1))
    assert "business is closed" in one.why
    shop.at = MONDAY + timedelta(days=2, hours=-1, seconds=-1)
    assert await hours_later(shop, 0) == []
    assert await hours_later(shop, 1 / 3600) == [FIRST]


async def test_after_a_person_answered_here_or_on_the_marketplace_none_is_sent(shop: Shop) -> None:
    await shop.switch_on()
    here, there = shop.order(), shop.order()
    thread = shop.says("Where is it?", order=here)
    shop.says("And this?", order=there)
    await shop.sync()
    shop.says("It left.", order=there, sender="SHOP")
    await shop.reply(thread, "It left.")
    shop.says("Really?", order=here)
    shop.says("Really?", order=there)
    assert await hours_later(shop) == ["It left."]
    assert {one.why for one in await shop.preview()} == {("a person has answered",)}


async def test_what_a_person_answers_while_one_waits_to_be_sent_withdraws_it(shop: Shop) -> None:
    await shop.switch_on()
    thread = shop.says("Where is it?")
    await shop.sync()
    shop.wait(hours=4)
    assert len(await shop.automatic()) == 1
    await shop.reply(thread, "It left.")
    assert sorted(one[1] for one in await shop.messages()) == ["pending", "received", "withdrawn"]
    await shop.send()
    assert shop.sent() == ["It left."]
    assert sorted(one[1] for one in await shop.messages()) == ["received", "sent", "withdrawn"]


@pytest.mark.parametrize("how", ["read", "archived", "opted out", "switched off", "closed"])
async def test_what_happens_between_storing_and_sending_holds_it_back(shop: Shop, how: str) -> None:
    await shop.switch_on()
    thread = shop.says("Where is it?")
    await shop.sync()
    shop.wait(hours=4)
    await shop.automatic()
    async with shop.db.tenant(account_id=shop.account_id) as session:
        if how in ("read", "archived"):
            await mark(session, shop.account_id, thread, how)
        elif how == "opted out":
            await opt_out(session, shop.account_id, thread)
    if how == "switched off":
        await shop.rules(enabled=False)
    elif how == "closed":
        shop.wait(hours=8)
    await shop.send()
    assert shop.sent() == []
    shop.at = MONDAY + timedelta(days=1)
    await shop.send()
    assert len(shop.sent()) == (1 if how == "closed" else 0)


async def test_one_that_certainly_did_not_arrive_is_withdrawn_when_a_person_answered_since(
    shop: Shop,
) -> None:
    await shop.switch_on()
    order = shop.order()
    shop.says("Where is it?", order=order)
    await shop.sync()
    shop.wait(hours=4)
    await shop.automatic()
    shop.state.misbehavior.plan("M12", "timeout_before")
    await shop.send()
    shop.says("It left.", order=order, sender="SHOP")
    await shop.sync()
    for _ in range(4):
        shop.wait(minutes=6)
        await shop.send()
    assert shop.sent() == []


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("stop", 0),
        ("No more of this.\n\nSTOP!", 0),
        ("arrêt", 0),
        ("Please stop the shipment", 1),
        ("nonstop", 1),
    ],
)
async def test_a_customer_who_says_stop_gets_none(shop: Shop, body: str, sent: int) -> None:
    await shop.switch_on()
    shop.says(body)
    assert len(await hours_later(shop)) == sent


async def test_who_said_stop_gets_none_in_another_conversation_either(shop: Shop) -> None:
    await shop.switch_on()
    order = shop.order()
    shop.says("STOP", order=order)
    await shop.sync()
    [customer] = await shop.sql("SELECT mirakl_customer_id AS id FROM mirakl.customers")
    other = shop.order()
    shop.state.orders.get(other).order["customer"]["customer_id"] = customer["id"]
    shop.says("And this one?", order=other)
    assert await hours_later(shop) == []
    assert {one.why for one in await shop.preview()} == {("the customer wants no automatic replies",)}


async def test_a_condition_in_the_rules_language_decides_as_well(shop: Shop) -> None:
    await shop.switch_on(condition={"message.body": {"$regexi": "invoice"}})
    shop.says("Where is it?")
    shop.says("I need an INVOICE")
    assert len(await hours_later(shop)) == 1
    why = {one.why[0] for one in await shop.preview()}
    assert any(reason.startswith("the condition does not hold: message body") for reason in why)


async def test_old_messages_are_not_answered_when_it_is_switched_on(shop: Shop) -> None:
    shop.says("Where was it?")
    await shop.sync()
    shop.wait(hours=73)
    await shop.switch_on()
    assert await hours_later(shop, 0) == []
    assert await shop.preview() == []


async def test_many_workers_at_once_store_and_send_each_reply_once(shop: Shop) -> None:
    await shop.switch_on()
    for number in range(5):
        shop.says(f"Question {number}")
    await shop.sync()
    shop.wait(hours=4)

    async def work() -> None:
        await shop.automatic()
        await shop.send()

    await asyncio.gather(*(work() for _ in range(5)))
    assert len(shop.sent()) == 5
    assert len({one["thread_id"] for one in shop.state.inbox.sent}) == 5


async def test_a_lost_answer_to_an_automatic_reply_is_not_taken_for_a_persons(shop: Shop) -> None:
    await shop.switch_on()
    order = shop.order()
    shop.says("Where is it?", order=order)
    shop.state.misbehavior.plan("M12", "timeout_after")
    assert len(await hours_later(shop)) == 1
    await shop.sync()
    conversation = await shop.conversation()
    assert (conversation["automatic_replies_off"], conversation["status"]) == (False, "unread")
    shop.at = MONDAY + timedelta(days=1)
    shop.says("Hello?", order=order)
    assert await hours_later(shop) == [FIRST, SECOND]


async def test_the_template_in_the_customers_language_is_taken(shop: Shop) -> None:
    await shop.switch_on()
    async with shop.db.tenant(account_id=shop.account_id) as session:
        await automatic.save_template(session, shop.account_id, 1, "Bonjour {{order.id|}}", locale="fr")
        await automatic.save_template(session, shop.account_id, 1, "Guten Tag", locale="de", is_active=False)
    for language in ("fr_CA", "de_DE"):
        shop.says(f"in {language}")
        await shop.sync()
        await shop.sql(
            "UPDATE mirakl.customers SET locale = :locale WHERE account_id = :account_id AND locale IS NULL",
            locale=language,
        )
    shop.wait(hours=4)
    why = {one.why: one.body for one in await shop.preview()}
    # The order is not taken in, so its number is not known, and nothing stands in for it.
    assert ("template 1 needs order.id, which is not known here",) in why
    assert any(body is not None and body.startswith("Hello") for body in why.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"opens": "17:00", "closes": "09:00"}, "Business ends at 09:00, before"),
        ({"days": ["someday"]}, "days.0: Input should be 'mon'"),
        ({"at_most": 3}, "at_most: Input should be less than or equal to 2"),
        ({"condition": {"message.boddy": "x"}}, "boddy"),
        ({"condition": {"message.count": {"$gtt": 1}}}, "gtt"),
        ({"wrong": 1}, "wrong: Extra inputs"),
        ({"opt_out_words": [" "]}, "is empty"),
    ],
)
async def test_settings_that_cannot_be_are_refused_when_they_are_saved(
    shop: Shop, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        await shop.rules(**changes)
