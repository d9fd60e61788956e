"""Transaction logs are taken in as often as one likes, and settled against the orders that they are of."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from tests.mirakl.conftest import new_account
from tests.mirakl.sharing import Market, fresh_code

from entrepot.kit.clock import clock, now
from entrepot.kit.db import Database
from entrepot.mirakl import marketplace_api
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.failures import queries as failures
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.marketplace_api import MiraklApi
from entrepot.mirakl.money import importing, queries
from entrepot.mirakl.money.importing import IMPORT, LINE, WORK, Imported, row_of, take_in
from entrepot.mirakl.money.parts import AccountLines
from entrepot.mirakl.money.settling import Settled, of_account, settle
from entrepot.mirakl.scheduling.working import work_due
from entrepot.mirakl.services import Services
from entrepot.sandbox.mirakl.generating import Mix
from entrepot.sandbox.mirakl.orders import Pace, Placed
from entrepot.sandbox.misbehaving import Behavior

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sell(market: Market, count: int) -> list[Placed]:
    """Orders that were accepted, paid and shipped, by the marketplace's own means."""
    market.state.clock.stand_at(START)
    orders = market.state.orders
    orders.pace = Pace(debited=timedelta())
    placed = market.state.add_orders(count, ["SKU-1", "SKU-2"], mix=Mix())
    for one in placed:
        order_id = one.order["order_id"]
        orders.accept(order_id, {line["order_line_id"]: True for line in one.order["order_lines"]})
    orders.settle()
    for one in placed:
        orders.ship(one.order["order_id"])
    return placed


async def keep(db: Database, account: Account, placed: Sequence[Placed]) -> None:
    """The orders as they were taken in."""
    query = text(
        """
        INSERT INTO mirakl.orders (account_id, order_id, mirakl_state, currency_code, total_price, order_created_at,
                                   order_updated_at, raw_order_data)
        VALUES (:account_id, :order_id, :state, :currency, :total, :at, :at, CAST(:raw AS jsonb))
        ON CONFLICT (account_id, order_id) DO UPDATE
        SET raw_order_data = excluded.raw_order_data, mirakl_state = excluded.mirakl_state
        """
    )
    async with db.tenant(account_id=account.account_id) as session:
        for one in placed:
            values = {
                "account_id": account.account_id,
                "order_id": one.order["order_id"],
                "state": one.state,
                "currency": one.order["currency_iso_code"],
                "total": one.order["total_price"],
                "at": START,
                "raw": orjson.dumps(one.order).decode(),
            }
            await session.execute(query, values)


async def settled(db: Database, account: Account, **values: Any) -> tuple[list[Settled], list[AccountLines]]:
    async with db.tenant(account_id=account.account_id) as session:
        found = [one async for one in settle(session, account.account_id, **values)]
        return found, await of_account(session, account.account_id)


async def open_failures(db: Database, account: Account) -> list[tuple[str, str, str]]:
    async with db.tenant(account_id=account.account_id) as session:
        rows = await failures.select_failures(session, account.account_id)
    return [(row["process_name"], row["related_id"], row["kind"]) for row in rows]


async def test_what_was_sold_is_settled_to_the_cent(db: Database, market: Market, api: MiraklApi) -> None:
    placed = sell(market, 5)
    await keep(db, market.account, placed)
    done = await take_in(db, market.account, api)
    assert (done.read, done.applied, done.unchanged, done.rejected) == (
        len(market.state.ledger.lines),
    ) * 2 + (0, 0)
    found, of_none = await settled(db, market.account)
    assert [(one.order_id, one.status) for one in found] == [(p.order["order_id"], "settled") for p in placed]
    assert of_none == []
    for one, order in zip(found, placed, strict=True):
        (own,) = one.settlements
        lines = order.order["order_lines"]
        assert own.price == sum(Decimal(str(line["price"])) for line in lines)
        assert own.commission == -sum(Decimal(str(line["commission_fee"])) for line in lines)
        assert not own.is_paid_out
    net = sum(one.settlements[0].net for one in found)
    assert net == Decimal(market.state.ledger.balance) / 100


async def test_a_look_again_changes_nothing_and_a_payout_is_noticed(
    db: Database, market: Market, api: MiraklApi
) -> None:
    placed = sell(market, 3)
    await keep(db, market.account, placed)
    first = await take_in(db, market.account, api)
    again = await take_in(db, market.account, api)
    assert (again.read, again.unchanged, again.applied) == (first.read, first.read, 0)
    market.state.clock.stand_at(START + timedelta(days=20))
    market.state.orders.settle()
    total = market.state.ledger.pay()
    later = await take_in(db, market.account, api)
    assert later.applied == first.read + 1
    found, (of_none,) = await settled(db, market.account)
    assert all(one.settlements[0].is_paid_out for one in found)
    assert of_none.paid_out == -Decimal(total) / 100
    assert sum(one.settlements[0].net for one in found) + of_none.paid_out == 0


async def test_a_look_goes_on_where_the_last_ended_with_an_overlap(
    db: Database, market: Market, api: MiraklApi
) -> None:
    sell(market, 2)
    await take_in(db, market.account, api)

    async def fee_written_at(moment: datetime) -> Imported:
        market.state.clock.stand_at(moment)
        market.state.ledger._enter("SUBSCRIPTION_FEE", -2000, None, None)
        return await take_in(db, market.account, api)

    late = await fee_written_at(START - importing.OVERLAP)
    assert (late.applied, late.up_to) == (1, START)
    too_late = await fee_written_at(START - importing.OVERLAP - timedelta(seconds=1))
    assert too_late.applied == 0
    next_day = START + timedelta(days=1)
    assert (await fee_written_at(next_day)).applied == 1
    last = await take_in(db, market.account, api)
    assert (last.read, last.unchanged, last.up_to) == (1, 1, next_day)


async def test_many_lines_come_in_pages_and_batches(
    db: Database, market: Market, api: MiraklApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marketplace_api, "LINES", 7)
    monkeypatch.setattr(importing, "BATCH", 4)
    sell(market, 6)
    market.state.misbehavior.plan("TL02", Behavior.TWICE)
    done = await take_in(db, market.account, api)
    assert done.applied == len(market.state.ledger.lines) > 14
    assert done.read == done.applied + done.unchanged == done.applied + 7


async def test_what_is_refunded_comes_off(db: Database, market: Market, api: MiraklApi) -> None:
    placed = next(
        one for one in sell(market, 12) if any(line["shipping_price"] for line in one.order["order_lines"])
    )
    line = next(line for line in placed.order["order_lines"] if line["shipping_price"])
    assert line["shipping_taxes"]
    market.state.orders.refund(placed.order["order_id"], line["order_line_id"])
    await keep(db, market.account, [placed])
    await take_in(db, market.account, api)
    found, _ = await settled(db, market.account)
    (own,) = (one for one in found if one.order_id == placed.order["order_id"])
    assert own.differences == ()
    (paid,) = own.settlements
    assert paid.refunds == -Decimal(str(line["price"])) - Decimal(str(line["shipping_price"]))
    assert paid.refund_taxes == -sum(
        Decimal(str(tax["amount"])) for tax in line["taxes"] + line["shipping_taxes"]
    )
    assert paid.refunded_commission == Decimal(str(line["commission_fee"]))


async def test_a_line_that_was_booked_wrong_is_listed_with_its_reason(
    db: Database, market: Market, api: MiraklApi
) -> None:
    first, second = sell(market, 2)
    await keep(db, market.account, [first])
    wrong = next(
        line
        for line in market.state.ledger.lines
        if line["type"] == "COMMISSION_FEE" and line["entities"]["order"]["id"] == first.order["order_id"]
    )
    wrong["amount"], wrong["amount_debited"] = wrong["amount"] - 1, wrong["amount_debited"] + 1
    await take_in(db, market.account, api)
    found, _ = await settled(db, market.account)
    codes = {one.order_id: [difference.code for difference in one.differences] for one in found}
    assert codes == {
        first.order["order_id"]: ["commission_less_than_ordered"],
        second.order["order_id"]: ["unknown_order"],
    }
    assert found[0].differences[0].amount == -1


async def test_shipped_orders_without_a_line_are_missed_after_a_while(db: Database, market: Market) -> None:
    (placed,) = sell(market, 1)
    await keep(db, market.account, [placed])
    with clock(START + timedelta(days=2)):
        (found,), _ = await settled(db, market.account)
    assert (found.status, found.differences) == ("waiting", ())
    with clock(START + timedelta(days=3)):
        (found,), _ = await settled(db, market.account)
    assert [one.code for one in found.differences] == ["not_in_logs"]


@pytest.mark.parametrize("state", ["WAITING_ACCEPTANCE", "WAITING_DEBIT_PAYMENT", "REFUSED", "CANCELED"])
async def test_nothing_is_missed_of_an_order_that_nobody_paid(
    db: Database, market: Market, state: str
) -> None:
    market.state.clock.stand_at(START)
    (placed,) = market.state.add_orders(1, ["SKU-1"])
    market.state.orders.put(placed.order["order_id"], state)
    await keep(db, market.account, [placed])
    with clock(START + timedelta(days=30)):
        (found,), _ = await settled(db, market.account)
    assert (found.status, found.differences) == ("waiting", ())


async def test_a_line_that_comes_twice_is_what_it_was_last(
    db: Database, market: Market, api: MiraklApi
) -> None:
    sell(market, 1)
    line = market.state.ledger.lines[0]
    line["payment_state"], line["last_updated"] = "PAID", (START + timedelta(hours=1)).isoformat()
    market.state.ledger.lines.append({**line, "payment_state": "PENDING", "last_updated": START.isoformat()})
    done = await take_in(db, market.account, api)
    assert (done.unchanged, done.up_to) == (1, START + timedelta(hours=1))
    state = text(
        "SELECT payment_state FROM mirakl.transaction_logs WHERE account_id = :a AND transaction_id = :id"
    )
    async with db.tenant(account_id=market.account.account_id) as session:
        values = {"a": market.account.account_id, "id": line["id"]}
        assert (await session.execute(state, values)).scalar_one() == "PAID"


async def test_an_order_whose_money_cannot_be_read_is_told(db: Database, market: Market) -> None:
    (placed,) = sell(market, 1)
    placed.order["order_lines"][0]["price"] = "much"
    await keep(db, market.account, [placed])
    (found,), _ = await settled(db, market.account)
    assert [one.code for one in found.differences] == ["unreadable_order"]
    assert "order_lines.0.price" in found.differences[0].reason


async def test_settling_goes_through_all_orders_page_by_page(
    db: Database, market: Market, api: MiraklApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrepot.mirakl.money.settling.PAGE", 2)
    placed = sell(market, 5)
    await keep(db, market.account, placed)
    await take_in(db, market.account, api)
    found, _ = await settled(db, market.account)
    assert len(found) == 5
    (one,), _ = await settled(db, market.account, order_id=placed[3].order["order_id"])
    assert one.order_id == placed[3].order["order_id"]
    assert (await settled(db, market.account, order_id="nothing"))[0] == []
    assert (await settled(db, market.account, since=START + timedelta(days=1)))[0] == []


async def test_lines_that_cannot_be_used_are_set_aside_and_keep_no_other(
    db: Database, market: Market, api: MiraklApi
) -> None:
    sell(market, 1)
    good = len(market.state.ledger.lines)
    template = market.state.ledger.lines[0]
    market.state.ledger.lines.append({**template, "id": "BAD-1", "currency_iso_code": "DOLLARS"})
    market.state.ledger.lines.append({**template, "id": None})
    done = await take_in(db, market.account, api)
    assert (done.read, done.applied, done.rejected) == (good + 2, good, 2)
    assert sorted(await open_failures(db, market.account)) == [
        (LINE, "BAD-1", "permanent"),
        (LINE, "without id", "permanent"),
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"amount": "x"}, "amount: "),
        ({"amount": None, "amount_credited": None, "amount_debited": None}, "it says no amount"),
        ({"amount": 1e300, "amount_credited": None, "amount_debited": None}, "more than can be kept"),
        ({"amount": 0.12345, "amount_credited": None, "amount_debited": None}, "more than four decimals"),
        ({"currency_iso_code": None}, "currency_iso_code: "),
        ({"date_created": "yesterday"}, "date_created: "),
        ({"type": "X" * 61}, "longer than can be kept"),
        ({"id": "I" * 256}, "longer than can be kept"),
    ],
)
def test_a_line_says_what_is_wrong_with_it(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        row_of({**LINE_1, **values})


LINE_1: Mapping[str, Any] = {
    "id": "T-1",
    "type": "COMMISSION_FEE",
    "amount": -1.1,
    "amount_credited": 0,
    "amount_debited": 1.1,
    "currency_iso_code": "CAD",
    "date_created": "2026-03-01T12:00:00Z",
    "entities": None,
}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"amount": 1.1},
        {"amount": None},
        {"amount": None, "amount_debited": -1.1},
        {"amount_credited": None, "amount_debited": None},
    ],
)
def test_the_sign_of_an_amount_is_the_balances(values: dict[str, Any]) -> None:
    row = row_of({**LINE_1, **values})
    assert row["amount"] == Decimal("-1.1")
    assert row["last_updated"] == row["date_created"] == START


async def test_a_slower_worker_does_not_put_a_line_back(db: Database, account: Account) -> None:
    def read(state: str, minutes: int) -> dict[str, Any]:
        at = (START + timedelta(minutes=minutes)).isoformat()
        return row_of({**LINE_1, "payment_state": state, "last_updated": at})

    async with db.tenant(account_id=account.account_id) as session:
        assert await queries.upsert_lines(session, account.account_id, [read("PAID", 5)]) == 1
        assert await queries.upsert_lines(session, account.account_id, [read("PENDING", 1)]) == 0
        state = text("SELECT payment_state FROM mirakl.transaction_logs WHERE account_id = :account_id")
        assert (await session.execute(state, {"account_id": account.account_id})).scalar_one() == "PAID"


async def test_several_workers_at_once_take_each_line_in_once(
    db: Database, market: Market, api: MiraklApi
) -> None:
    sell(market, 8)
    done = await asyncio.gather(*(take_in(db, market.account, api) for _ in range(4)))
    assert sum(one.applied for one in done) == len(market.state.ledger.lines)


async def test_a_marketplace_that_does_not_answer_is_tried_again_from_the_inbox(
    db: Database, market: Market, api: MiraklApi
) -> None:
    sell(market, 1)
    market.state.misbehavior.plan("TL02", Behavior.FAIL)
    async with Services.opened(db) as services:
        assert await work_due(db, services, "worker", account_id=market.account.account_id, works=[WORK]) == (
            0,
            1,
        )
    assert await open_failures(db, market.account) == [(IMPORT, market.account.code, "transient")]
    async with db.tenant(account_id=market.account.account_id) as session:
        (failure,) = await failures.select_failures(session, market.account.account_id)
        assert failure["next_attempt_at"] is not None
        await inbox.retry(session, market.account.account_id, failure["failure_id"])
        assert failure["state"] == "open"
        due = text("SELECT next_at <= :now FROM mirakl.account_work WHERE work = :work")
        assert (await session.execute(due, {"work": WORK, "now": now()})).scalar_one()
    await take_in(db, market.account, api)
    assert await open_failures(db, market.account) == []


async def test_a_key_that_is_refused_waits_for_a_person(db: Database, market: Market) -> None:
    account = await new_account(db, fresh_code(), api_url=f"{market.url}/api", api_key="wrong")
    async with marketplace_api.open_api(db, account) as api:
        with pytest.raises(ServiceError):
            await take_in(db, account, api)
    async with db.tenant(account_id=account.account_id) as session:
        (failure,) = await failures.select_failures(session, account.account_id)
    assert (failure["kind"], failure["next_attempt_at"]) == ("permanent", None)
    assert inbox.what_next(failure) == "Look at the API key and its rights, then try it again."


async def test_another_account_sees_nothing_of_it(
    db: Database, market: Market, api: MiraklApi, account: Account
) -> None:
    placed = sell(market, 1)
    await keep(db, market.account, placed)
    await take_in(db, market.account, api)
    async with db.tenant(account_id=account.account_id) as session:
        assert [one async for one in settle(session, market.account.account_id)] == []
        assert await of_account(session, market.account.account_id) == []


async def test_a_worker_takes_in_what_every_account_was_written(db: Database, market: Market) -> None:
    sell(market, 1)
    async with Services.opened(db) as services:
        done, failed = await work_due(
            db, services, "worker", account_id=market.account.account_id, works=[WORK]
        )
        assert (done, failed) == (1, 0)
        # It is not due again for a while.
        again = await work_due(db, services, "worker", account_id=market.account.account_id, works=[WORK])
        assert again == (0, 0)
    async with db.tenant(account_id=market.account.account_id) as session:
        kept = (await session.execute(text("SELECT count(*) FROM mirakl.transaction_logs"))).scalar_one()
    assert kept == len(market.state.ledger.lines)
