"""Orders from the first look at the marketplace to ready to ship, over real HTTP, with what goes wrong on the way."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text
from tests.mirakl.arranging import receive
from tests.mirakl.shop import Shop, number

from entrepot.kit.clock import clock
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.accounts.queries import update_settings
from entrepot.mirakl.orders.answering import accept_order, refuse_order
from entrepot.mirakl.orders.history import current
from entrepot.mirakl.orders.history_queries import select_history
from entrepot.mirakl.orders.polling import poll
from entrepot.mirakl.orders.rules import StoredRule, set_rule
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.generating import Mix
from entrepot.sandbox.mirakl.orders import Placed


async def test_an_order_is_accepted_paid_and_ready_to_ship(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 5)
        [placed] = shop.order()
        taken = await poll(shop.services, shop.account)
        assert (taken.new, taken.changed, taken.unchanged, taken.rejected) == (1, 0, 0, 0)
        assert await shop.drive() == 1
        assert placed.accepts == 1
        assert await shop.statuses() == {number(placed): "accepting"}
        assert await shop.levels() == {"Bare LAPTOP-1": (5, 1)}
        shop.time.pass_(minutes=1)
        await shop.drive()
        # WAITING_DEBIT_PAYMENT is accepted, and nothing more (K3).
        assert placed.state == "WAITING_DEBIT_PAYMENT"
        assert await shop.statuses() == {number(placed): "accepted"}
        shop.time.pass_(minutes=5)
        assert (await poll(shop.services, shop.account)).changed == 1
        await shop.drive()
        assert await shop.statuses() == {number(placed): "ready_to_ship"}
        assert await shop.open_failures() == []
        assert placed.accepts == 1
        async with shop.session() as session:
            history = await select_history(session, shop.account.account_id, number(placed))
        assert [(one["status"], one["actor_type"], one["actor"]) for one in history] == [
            ("pending_acceptance", "marketplace", shop.account.marketplace),
            ("accepting", "rule", "checks"),
            ("accepted", "marketplace", shop.account.marketplace),
            ("ready_to_ship", "worker", None),
        ]


@pytest.mark.parametrize("behavior", ["timeout_after", "timeout_before", "garbage", "fail"])
async def test_a_lost_answer_is_settled_by_reading(shop: Shop, behavior: str) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 5)
        [placed] = shop.order()
        shop.marketplace.misbehavior.plan("OR21", behavior)
        await shop.work()
        assert placed.accepts == 1
        assert await shop.statuses() == {number(placed): "ready_to_ship"}
        assert await shop.levels() == {"Bare LAPTOP-1": (5, 1)}
        assert await shop.open_failures() == []


async def test_reading_that_fails_is_tried_again(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 5)
        [placed] = shop.order()
        await poll(shop.services, shop.account)
        await shop.drive()
        shop.marketplace.misbehavior.plan("OR11", *["fail"] * 5)
        for _ in range(8):
            shop.time.pass_(minutes=5)
            await shop.drive()
        assert (await shop.statuses())[number(placed)] == "ready_to_ship"
        [told] = await shop.failures()
        assert (told.process_name, told.state, told.kind) == ("OrderAcceptance", "resolved", "transient")
        assert told.times == 2


async def test_an_answer_that_is_never_taken_goes_to_a_person_and_can_be_retried(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 5)
        [placed] = shop.order()
        shop.marketplace.misbehavior.plan("OR21", *["timeout_before"] * 7)
        await shop.work(rounds=12, minutes=30)
        assert await shop.statuses() == {number(placed): "acceptance_failed"}
        assert await shop.open_failures() == [("OrderAcceptance", number(placed))]
        assert (await shop.levels())["Bare LAPTOP-1"] == (5, 1)
        await shop.retry("OrderAcceptance")
        await shop.work()
        assert await shop.statuses() == {number(placed): "ready_to_ship"}
        assert await shop.open_failures() == []
        assert placed.accepts == 1


async def test_an_answer_can_be_retried_where_no_line_seems_to_be_left(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 5)
        [placed] = shop.order()
        shop.marketplace.misbehavior.plan("OR21", *["timeout_before"] * 7)
        await shop.work(rounds=12, minutes=30)
        async with shop.session() as session:
            await session.execute(text("UPDATE mirakl.order_lines SET line_state = 'CANCELED'"))
        await shop.retry("OrderAcceptance")
        assert await shop.statuses() == {number(placed): "accepting"}
        await shop.work()
        # The marketplace has no line to take the answer for: it waits for a person again, and follows when it is cancelled.
        assert await shop.open_failures() == [("OrderAcceptance", number(placed))]
        shop.marketplace.orders.cancel(number(placed))
        await shop.work()
        assert await shop.statuses() == {number(placed): "cancelled"}
        assert await shop.open_failures() == []


async def test_an_answer_that_is_refused_is_looked_into(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 5)
        here, gone = shop.order(count=2)
        await poll(shop.services, shop.account)
        # Somebody accepts one on the marketplace's own pages, and a customer cancels the other.
        shop.marketplace.orders.accept(
            number(here), {line["order_line_id"]: True for line in here.order["order_lines"]}
        )
        shop.marketplace.orders.cancel(number(gone))
        await shop.drive()
        assert await shop.statuses() == {number(here): "accepted", number(gone): "cancelled"}
        assert await shop.levels() == {"Bare LAPTOP-1": (5, 1)}
        assert await shop.open_failures() == []


async def test_parts_are_promised_once(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 3)
        shop.order(count=10)
        await poll(shop.services, shop.account)
        await asyncio.gather(*(shop.drive() for _ in range(3)))
        assert Counter((await shop.statuses()).values()) == {"accepting": 3, "waiting_for_person": 7}
        assert await shop.levels() == {"Bare LAPTOP-1": (3, 3)}
        assert Counter(name for name, _ in await shop.open_failures()) == {"OrderDecision": 7}
        assert "1 of Bare LAPTOP-1 missing" in (await shop.failures())[0].details


async def test_a_rule_refuses_and_the_history_says_which(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 5)
        rule = StoredRule(
            name="never", condition={"skus": {"$in": ["LAPTOP-1"]}}, outcome="refuse", reason="Not now."
        )
        async with shop.session() as session:
            await set_rule(session, shop.account.account_id, rule)
        [placed] = shop.order()
        await shop.work(rounds=3)
        assert placed.state == "REFUSED"
        assert await shop.statuses() == {number(placed): "refused"}
        assert await shop.levels() == {"Bare LAPTOP-1": (5, 0)}
        async with shop.session() as session:
            history = await select_history(session, shop.account.account_id, number(placed))
        assert ("refusing", "never", "Not now.") in [
            (one["status"], one["actor"], one["notes"]) for one in history
        ]


async def test_a_line_that_cannot_be_built_is_refused_alone(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 50)
        await shop.stock("LAPTOP-2", 0)
        async with shop.db.system() as session:
            await update_settings(
                session, shop.account.account_id, "acceptance", '{"checks": {"stock": "refuse"}}'
            )
        async with Services.opened(shop.db) as services:
            shop.services = services
            found = shop.order("LAPTOP-1", "LAPTOP-2", count=8, mix=Mix(several_lines=1, several_pieces=0))
            placed = next(
                one
                for one in found
                if {line["offer_sku"] for line in one.order["order_lines"]} == {"LAPTOP-1", "LAPTOP-2"}
            )
            await shop.work(rounds=3)
        states = {line["offer_sku"]: line["order_line_state"] for line in placed.order["order_lines"]}
        assert states["LAPTOP-2"] == "REFUSED"
        assert states["LAPTOP-1"] != "REFUSED"
        assert (await shop.statuses())[number(placed)] == "ready_to_ship"


async def test_a_listing_that_maps_to_nothing_is_taken_up_when_it_is_mapped(shop: Shop) -> None:
    with clock(shop.time):
        [placed] = shop.order("LAPTOP-9")
        await shop.work(rounds=2)
        assert await shop.statuses() == {number(placed): "pending_acceptance"}
        [failure] = [one for one in await shop.failures() if one.state == "open"]
        assert (failure.process_name, failure.related_id) == ("ListingMapping", number(placed))
        assert "No variant is sold under LAPTOP-9" in failure.details
        await shop.stock("LAPTOP-9", 1)
        await shop.retry("ListingMapping")
        await shop.drive()
        assert await shop.statuses() == {number(placed): "accepting"}
        assert await shop.open_failures() == []


async def test_a_mapping_is_noticed_without_a_retry(shop: Shop) -> None:
    with clock(shop.time):
        [placed] = shop.order("LAPTOP-9")
        await shop.work(rounds=1)
        await shop.stock("LAPTOP-9", 1)
        shop.time.pass_(minutes=15)
        await shop.drive()
        assert (await shop.statuses())[number(placed)] == "accepting"


async def test_an_order_without_lines_waits_until_they_come(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 2)
        [placed] = shop.order(mix=Mix(several_lines=0, several_pieces=0, no_lines=1))
        [whole] = shop.order()
        await shop.work(rounds=2)
        assert (await shop.statuses())[number(placed)] == "pending_acceptance"
        assert await shop.open_failures() == [("OrderLines", number(placed))]
        line = dict(whole.order["order_lines"][0])
        line["order_line_id"] = f"{number(placed)}-1"
        line["order_line_state"] = "WAITING_ACCEPTANCE"
        placed.order["order_lines"] = [line]
        shop.marketplace.orders.put(number(placed), "WAITING_ACCEPTANCE")
        await shop.work(rounds=2)
        assert (await shop.statuses())[number(placed)] in ("accepted", "ready_to_ship")
        assert await shop.open_failures() == []


async def test_an_address_without_postal_code_asks_a_person_and_stops_before_shipping(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 2)
        [placed] = shop.order(mix=Mix(several_lines=0, several_pieces=0, no_postal_code=1))
        await shop.work(rounds=2)
        assert (await shop.statuses())[number(placed)] == "waiting_for_person"
        assert "It has no postal code" in (await shop.failures())[0].details
        async with shop.session() as session:
            await accept_order(session, shop.account.account_id, number(placed), person="Robin")
        await shop.work()
        assert placed.state == "SHIPPING"
        assert (await shop.statuses())[number(placed)] == "accepted"
        assert ("OrderAddress", number(placed)) in await shop.open_failures()
        placed.order["customer"]["shipping_address"]["zip_code"] = placed.order["customer"][
            "billing_address"
        ]["zip_code"] = _postal_code(placed)
        shop.marketplace.orders.put(number(placed), "SHIPPING")
        await shop.work(rounds=1)
        assert (await shop.statuses())[number(placed)] == "ready_to_ship"
        assert await shop.open_failures() == []


async def test_a_person_accepts_or_refuses_what_waits(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 1)
        shop.order(count=3)
        await shop.work(rounds=3)
        waiting = [
            order for order, status in (await shop.statuses()).items() if status == "waiting_for_person"
        ]
        assert len(waiting) == 2
        account_id = shop.account.account_id
        with pytest.raises(ConflictError, match="cannot be built: 1 of Bare LAPTOP-1 missing"):
            async with shop.session() as session:
                await accept_order(session, account_id, waiting[0], person="Robin")
        assert (await shop.levels())["Bare LAPTOP-1"] == (1, 1)
        async with shop.session() as session:
            await refuse_order(session, account_id, waiting[1], person="Robin", reason="No parts.")
        await shop.work(rounds=3)
        assert (await shop.statuses())[waiting[1]] == "refused"
        assert await shop.open_failures() == [("OrderDecision", waiting[0])]
        with pytest.raises(ConflictError, match="is refused; there is nothing to answer"):
            async with shop.session() as session:
                await accept_order(session, account_id, waiting[1], person="Robin")
        with pytest.raises(InvalidInputError, match="for a reason"):
            async with shop.session() as session:
                await refuse_order(session, account_id, waiting[0], person="Robin", reason=" ")
        with pytest.raises(NotFoundError, match="no order 'X'"):
            async with shop.session() as session:
                await accept_order(session, account_id, "X", person="Robin")
        with pytest.raises(InvalidInputError, match="no line 7"):
            async with shop.session() as session:
                await accept_order(session, account_id, waiting[0], person="Robin", except_lines=["7"])


@pytest.mark.parametrize("rounds", range(5))
async def test_a_cancellation_gives_the_parts_back_whenever_it_comes(shop: Shop, rounds: int) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 1)
        [placed] = shop.order()
        await poll(shop.services, shop.account)
        for _ in range(rounds):
            await shop.drive()
            shop.time.pass_(minutes=2)
            await poll(shop.services, shop.account)
        shop.marketplace.orders.cancel(number(placed))
        await shop.work(rounds=3)
        assert await shop.statuses() == {number(placed): "cancelled"}
        assert await shop.levels() == {"Bare LAPTOP-1": (1, 0)}
        assert await shop.open_failures() == []


async def test_an_order_accepted_elsewhere_has_its_parts_reserved(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 1)
        first, second = shop.order(count=2)
        for one in (first, second):
            shop.marketplace.orders.put(number(one), "SHIPPING")
        await shop.work(rounds=1)
        found = await shop.statuses()
        assert sorted(found.values()) == ["accepted", "ready_to_ship"]
        assert await shop.levels() == {"Bare LAPTOP-1": (1, 1)}
        [(name, waiting)] = await shop.open_failures()
        assert (name, found[waiting]) == ("StockReservation", "accepted")


async def test_parts_leave_the_house_when_the_order_does(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 2)
        [placed] = shop.order()
        await shop.work()
        shop.marketplace.orders.ship(number(placed))
        await poll(shop.services, shop.account)
        assert await shop.statuses() == {number(placed): "shipped"}
        assert await shop.levels() == {"Bare LAPTOP-1": (1, 0)}
        # One that nobody here knew of is shipped by hand on the marketplace, and is in no book.
        [other] = shop.order("LAPTOP-7")
        shop.marketplace.orders.put(number(other), "SHIPPED")
        await poll(shop.services, shop.account)
        assert ("StockConsumption", number(other)) in await shop.open_failures()


async def test_a_state_that_nobody_knows_stops_the_order_where_it_is(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 2)
        [placed] = shop.order()
        await poll(shop.services, shop.account)
        shop.marketplace.orders.put(number(placed), "UNDER_REVIEW")
        await shop.work(rounds=2)
        assert placed.accepts == 0
        assert await shop.statuses() == {number(placed): "pending_acceptance"}
        assert [name for name, _ in await shop.open_failures()] == ["OrderIntake"]
        async with shop.session() as session:
            assert (await current(session, shop.account.account_id, number(placed))) is not None
        shop.marketplace.orders.put(number(placed), "WAITING_ACCEPTANCE")
        await shop.work(rounds=1)
        assert placed.accepts == 1


def _postal_code(placed: Placed) -> str:
    """A postal code of the order's province."""
    letters = {
        "ON": "M",
        "QC": "H",
        "BC": "V",
        "AB": "T",
        "MB": "R",
        "NS": "B",
        "NB": "E",
        "SK": "S",
        "NL": "A",
    }
    return f"{letters[placed.order['customer']['shipping_address']['state']]}5V 2T6"


async def test_a_retry_decides_anew_with_what_is_there_now(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 1)
        shop.order(count=2)
        await shop.work(rounds=2)
        [(name, waiting)] = await shop.open_failures()
        assert name == "OrderDecision"
        await shop.retry("OrderDecision")
        assert await shop.open_failures() == [("OrderDecision", waiting)], "there are still no parts"
        assert (await shop.statuses())[waiting] == "waiting_for_person"
        async with shop.session() as session:
            await receive(session, shop.account.account_id, "Bare LAPTOP-1", 1)
        await shop.retry("OrderDecision")
        await shop.work()
        assert (await shop.statuses())[waiting] == "ready_to_ship"
        assert await shop.open_failures() == []
