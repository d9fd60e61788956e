"""What the marketplace gives is kept whole, whatever it is; what cannot be kept says why."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.mirakl.arranging import ADDRESS, NOON, add_buildable, failures, levels, statuses

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.orders import reading
from entrepot.mirakl.orders.driving import take
from entrepot.mirakl.orders.history import rest
from entrepot.mirakl.orders.reading import UnreadableError, read_order
from entrepot.mirakl.orders.steps import WATCHERS, Change, load_steps
from entrepot.mirakl.orders.taking_in import TakenIn, take_in
from entrepot.mirakl.stock.reserving import reserve


def told(order_id: str = "A-1", *, minutes: float = 0, lines: int = 1, **changes: Any) -> dict[str, Any]:
    """An order as OR11 shows it, changed `minutes` after noon."""
    return {
        "order_id": order_id,
        "commercial_id": order_id[:-2],
        "order_state": "WAITING_ACCEPTANCE",
        "created_date": NOON.isoformat(),
        "last_updated_date": (NOON + timedelta(minutes=minutes)).isoformat(),
        "currency_iso_code": "CAD",
        "total_price": 512.35,
        "shipping_price": 12.35,
        "total_commission": 46.2,
        "customer": {
            "customer_id": "C7",
            "firstname": "Robin",
            "lastname": "Fern",
            "shipping_address": ADDRESS,
        },
        "order_lines": [
            {
                "order_line_id": f"{order_id}-{place}",
                "offer_sku": f"LAPTOP-{place}",
                "quantity": 2,
                "price": 500.1,
                "price_unit": 250.05,
                "total_commission": 46.2,
                "taxes": [{"amount": 65.01, "code": "HST"}],
                "shipping_taxes": [{"amount": 1.6, "code": "HST"}],
                "order_line_state": "WAITING_ACCEPTANCE",
            }
            for place in range(1, lines + 1)
        ],
        **changes,
    }


@pytest.fixture
async def session(db: Database, account: Account) -> AsyncIterator[AsyncSession]:
    """A transaction of the account."""
    async with db.tenant(account_id=account.account_id) as found:
        yield found


async def orders(session: AsyncSession) -> list[Any]:
    """The orders as they are kept."""
    return list(await session.execute(text("SELECT * FROM mirakl.orders ORDER BY order_id")))


async def test_an_order_is_kept_with_its_lines_and_as_it_came(
    session: AsyncSession, account: Account
) -> None:
    raw = told(lines=2, carbon={"kg": 3}, order_state="SHIPPING")
    raw["order_lines"][0]["insurance"] = "NONE"
    assert await take_in(session, account, [raw]) == TakenIn(new=1, updated_at=NOON)
    [order] = await orders(session)
    assert (str(order.total_price), order.currency_code) == ("512.3500", "CAD")
    assert order.raw_order_data == raw
    assert order.acceptance_deadline == NOON + timedelta(hours=24)
    lines = list(await session.execute(text("SELECT * FROM mirakl.order_lines ORDER BY order_line_id")))
    assert [(line.sku, line.quantity, str(line.taxes)) for line in lines] == [
        ("LAPTOP-1", 2, "66.6100"),
        ("LAPTOP-2", 2, "66.6100"),
    ]
    assert lines[0].raw_line_data["insurance"] == "NONE"
    assert await statuses(session, account.account_id) == {"A-1": "accepted"}


async def test_taking_in_again_changes_nothing(session: AsyncSession, account: Account) -> None:
    given = [told("A-1"), told("A-2")]
    assert (await take_in(session, account, given)).new == 2
    again = await take_in(session, account, given)
    assert (again.new, again.changed, again.unchanged, again.read) == (0, 0, 2, 2)
    changed = await take_in(session, account, [told("A-1", minutes=1, order_state="CANCELED"), told("A-2")])
    assert (changed.changed, changed.unchanged) == (1, 1)
    assert await statuses(session, account.account_id) == {"A-1": "cancelled", "A-2": "pending_acceptance"}


async def test_of_an_order_that_comes_twice_the_newest_is_kept(
    session: AsyncSession, account: Account
) -> None:
    given = [
        told(minutes=5, order_state="SHIPPING"),
        told(minutes=1, order_state="WAITING_DEBIT"),
        told(minutes=5, order_state="SHIPPING"),
    ]
    found = await take_in(session, account, given)
    assert (found.new, found.unchanged, found.read) == (1, 2, 3)
    await take_in(session, account, [told(minutes=2, order_state="WAITING_DEBIT")])
    assert [order.mirakl_state for order in await orders(session)] == ["SHIPPING"]


async def test_an_unknown_state_is_kept_and_acted_on_by_nobody(
    session: AsyncSession, account: Account
) -> None:
    await take_in(session, account, [told(order_state="UNDER_REVIEW")])
    [order] = await orders(session)
    assert (order.mirakl_state, order.next_attempt_at) == ("UNDER_REVIEW", None)
    assert await statuses(session, account.account_id) == {}
    [failure] = await failures(session, account.account_id)
    assert (failure.process_name, failure.kind) == ("OrderIntake", "decision")
    assert "UNDER_REVIEW, which is not known here" in failure.details
    await take_in(session, account, [told(minutes=1, order_state="SHIPPING")])
    assert await statuses(session, account.account_id) == {"A-1": "accepted"}
    assert [one.state for one in await failures(session, account.account_id)] == ["resolved"]


async def test_a_known_order_in_an_unknown_state_waits(session: AsyncSession, account: Account) -> None:
    await take_in(session, account, [told()])
    await take_in(session, account, [told(minutes=1, order_state="UNDER_REVIEW")])
    assert await statuses(session, account.account_id) == {"A-1": "pending_acceptance"}
    assert len(await failures(session, account.account_id)) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"order_id": None}, "no order_id"),
        ({"order_id": "A" * 256}, "256 characters"),
        ({"order_id": ["A"]}, "order_id is no text but list"),
        ({"order_state": None}, "no order_state"),
        ({"created_date": None}, "no created_date"),
        ({"created_date": "yesterday"}, "'yesterday', no time"),
        ({"last_updated_date": 17}, "17, no time"),
        ({"created_date": "9999-12-31T23:59:59Z"}, "a time that cannot be"),
        ({"total_price": "a lot"}, "'a lot', no amount"),
        ({"total_price": float("1e15")}, "no amount"),
        ({"total_price": True}, "no amount"),
        ({"shipping_price": "NaN"}, "no amount"),
        ({"currency_iso_code": "DOLLAR"}, "6 characters"),
    ],
)
def test_an_order_that_cannot_be_kept_says_why(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableError, match=re.escape(said)):
        read_order(told() | changes, currency="CAD")


async def test_what_cannot_be_kept_is_in_the_inbox_and_stops_no_other(
    session: AsyncSession, account: Account
) -> None:
    strange: list[Any] = [
        told("A-1") | {"created_date": "yesterday"},
        None,
        [],
        "order",
        7,
        {"order_id": "A\0"},
    ]
    found = await take_in(session, account, [*strange, told("A-2")])
    assert (found.new, found.rejected, found.read) == (1, 6, 7)
    held = {one.related_id: one for one in await failures(session, account.account_id)}
    assert set(held) == {"A-1", "A\N{SYMBOL FOR NULL}", "an order without an order_id"}
    assert {one.process_name for one in held.values()} == {"OrderIntake"}
    assert held["an order without an order_id"].times == 4
    assert "'yesterday', no time in ISO 8601" in held["A-1"].details
    assert await statuses(session, account.account_id) == {"A-2": "pending_acceptance"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"order_line_id": None}, "Line 2: it has no order_line_id"),
        ({"quantity": 0}, "Line 2: quantity is 0"),
        ({"quantity": 1.5}, "Line 2: quantity is 1.5"),
        ({"quantity": None}, "Line 2: quantity is None"),
        ({"price": None, "price_unit": None}, "Line 2: it has no price"),
        ({"price": "free"}, "Line 2: price is 'free'"),
    ],
)
def test_a_line_that_cannot_be_read_leaves_the_others(line: dict[str, Any], said: str) -> None:
    raw = told(lines=2)
    raw["order_lines"][1] |= line
    found = read_order(raw, currency="CAD")
    assert [one.order_line_id for one in found.lines] == ["A-1-1"]
    assert said in found.wrong[0]


@pytest.mark.parametrize("lines", [None, [], "none", {"1": {}}, [None, 7]])
def test_an_order_without_lines_is_kept(lines: Any) -> None:
    assert read_order(told() | {"order_lines": lines}, currency="CAD").lines == ()


async def test_what_postgresql_cannot_hold_is_shown_instead(session: AsyncSession, account: Account) -> None:
    raw = told()
    raw["customer"]["firstname"] = "Ro\0bin"
    raw["note"] = {"deep": ["\0"]}
    assert (await take_in(session, account, [raw])).new == 1
    [order] = await orders(session)
    assert order.raw_order_data["note"] == {"deep": ["\N{SYMBOL FOR NULL}"]}


async def test_an_address_that_was_told_is_not_forgotten(session: AsyncSession, account: Account) -> None:
    raw = told()
    await take_in(session, account, [raw])
    hidden = told(minutes=1, order_state="WAITING_DEBIT")
    hidden["customer"]["shipping_address"] = None
    await take_in(session, account, [hidden])
    [order] = await orders(session)
    assert order.shipping_address["zip_code"] == "M5V 2T6"


async def test_another_account_has_its_own_order_of_the_same_number(
    db: Database, account: Account, other_account: Account
) -> None:
    for one in (account, other_account):
        async with db.tenant(account_id=one.account_id) as session:
            assert (await take_in(session, one, [told()])).new == 1
    async with db.tenant(account_id=account.account_id) as session:
        assert len(await orders(session)) == 1


async def test_a_line_of_two_orders_belongs_to_the_first(session: AsyncSession, account: Account) -> None:
    first, second = told("A-1"), told("A-2")
    second["order_lines"][0]["order_line_id"] = "A-1-1"
    assert (await take_in(session, account, [first, second])).new == 2
    rows = await session.execute(text("SELECT order_line_id, order_id FROM mirakl.order_lines"))
    assert [tuple(row) for row in rows] == [("A-1-1", "A-1")]


async def test_an_order_that_the_database_refuses_stops_no_other(
    session: AsyncSession, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What reading should have found: an amount that the column cannot hold.
    monkeypatch.setattr(reading, "LARGEST", Decimal(10) ** 30)
    found = await take_in(session, account, [told("A-1", total_price=1e20), told("A-2"), told("A-3")])
    assert (found.new, found.rejected, found.read) == (2, 1, 3)
    [failure] = await failures(session, account.account_id)
    assert (failure.process_name, failure.related_id) == ("OrderIntake", "A-1")
    assert "The database refuses it: numeric field overflow" in failure.details


async def test_an_order_that_cannot_follow_stops_no_other_and_follows_later(
    session: AsyncSession, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take_in(session, account, [told("A-1"), told("A-2")])
    wrong = ["A-2", "A-3"]

    async def refuse(_session: AsyncSession, change: Change) -> None:
        if change.order_id in wrong:
            raise ZeroDivisionError

    monkeypatch.setitem(WATCHERS, "cancelled", [*WATCHERS["cancelled"], refuse])
    given = [told(f"A-{place}", minutes=1, order_state="CANCELED") for place in (1, 2, 3, 4)]
    found = await take_in(session, account, given)
    assert (found.new, found.changed) == (2, 2)
    assert await statuses(session, account.account_id) == {
        "A-1": "cancelled",
        "A-2": "pending_acceptance",
        "A-4": "cancelled",
    }
    held = await failures(session, account.account_id)
    assert [(one.process_name, one.related_id) for one in held] == [
        ("OrderFollowing", "A-2"),
        ("OrderFollowing", "A-3"),
    ]
    wrong.clear()
    for one in held:
        await inbox.retry(session, account.account_id, one.failure_id)
    assert set((await statuses(session, account.account_id)).values()) == {"cancelled"}
    assert {one.state for one in await failures(session, account.account_id)} == {"resolved"}


async def test_a_worker_that_looked_before_the_change_cannot_put_the_order_off(
    db: Database, account: Account
) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        await take_in(session, account, [told()])
    [taken] = await take(db, "early", 1, account.account_id, None, now())
    async with db.tenant(account_id=account.account_id) as session:
        await take_in(session, account, [told(minutes=1, total_price=1)])
        assert not await rest(session, taken, None)
    [again] = await take(db, "next", 1, account.account_id, None, now())
    assert again.order_id == "A-1"


async def test_parts_of_all_that_ends_are_held_before_the_first_moves(
    db: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that has the one component and waits for the other would wait in a circle with us."""
    account_id = account.account_id
    async with db.tenant(account_id=account_id) as session:
        components = [await add_buildable(session, account_id, sku, 5) for sku in ("LAPTOP-1", "LAPTOP-2")]
        # The order that ends first has the component that is locked last.
        first, second = told("A-1"), told("A-2")
        first["order_lines"][0]["offer_sku"] = "LAPTOP-2"
        await take_in(session, account, [first, second])
    for order_id in ("A-1", "A-2"):
        async with db.tenant(account_id=account_id) as session:
            assert (await reserve(session, account_id, order_id)).ok
    found: list[str] = []

    async def look(_session: AsyncSession, change: Change) -> None:
        with pytest.raises(OperationalError, match="could not obtain lock"):
            async with db.tenant(account_id=account_id) as other:
                await other.execute(
                    text("SELECT 1 FROM mirakl.components WHERE component_id = :id FOR NO KEY UPDATE NOWAIT"),
                    {"id": min(components)},
                )
        found.append(change.order_id)

    load_steps()
    monkeypatch.setitem(WATCHERS, "cancelled", [*WATCHERS["cancelled"], look])
    async with db.tenant(account_id=account_id) as session:
        ended = [told(f"A-{place}", minutes=1, order_state="CANCELED") for place in (1, 2)]
        await take_in(session, account, ended)
        assert found == ["A-1", "A-2"]
        assert await levels(session, account_id) == {"Bare LAPTOP-1": (5, 0), "Bare LAPTOP-2": (5, 0)}


async def test_nobody_waits_for_a_customer_of_whom_nothing_is_new(db: Database, account: Account) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        await take_in(session, account, [told("A-1")])
    async with db.tenant(account_id=account.account_id) as first:
        await take_in(first, account, [told("A-2"), told("A-3")])
        async with db.tenant(account_id=account.account_id) as second:
            await second.execute(text("SET LOCAL lock_timeout = '2s'"))
            assert (await take_in(second, account, [told("A-1", minutes=1, total_price=1.0)])).changed == 1
            # A name that changed is another matter: it is written once the other is done.
            renamed = {"customer_id": "C7", "lastname": "Ferne", "shipping_address": ADDRESS}
            await take_in(second, account, [told("A-1", minutes=2, customer=renamed)])
    async with db.tenant(account_id=account.account_id) as session:
        [customer] = await session.execute(text("SELECT firstname, lastname FROM mirakl.customers"))
    assert (customer.firstname, customer.lastname) == ("Robin", "Ferne")
