"""Deadlines are warned of once, before they pass."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.mirakl.arranging import NOON, add_order, failures
from tests.mirakl.conftest import Time

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.orders.deadlines import warn
from entrepot.mirakl.orders.history import move


async def test_what_has_to_be_accepted_soon_is_warned_of_once(
    db: Database, account: Account, time: Time
) -> None:
    with clock(time):
        async with db.tenant(account_id=account.account_id) as session:
            await add_order(session, account.account_id, "A-1", status="pending_acceptance")
            await add_order(
                session,
                account.account_id,
                "A-2",
                status="pending_acceptance",
                at=NOON + timedelta(hours=5),
            )
            assert await warn(session, account) == 0
            time.pass_(hours=20)
            assert await warn(session, account) == 1
            assert await warn(session, account) == 0
            [told] = await failures(session, account.account_id)
            assert (told.process_name, told.related_id, told.kind) == (
                "AcceptanceDeadline",
                "A-1",
                "decision",
            )
            assert told.details == "The order has to be accepted by 2026-03-03 12:00 UTC."
            events = await session.execute(
                text(
                    "SELECT payload FROM marketplace.hm_event_queue WHERE event_type = 'mirakl.order.deadline_near'"
                )
            )
            assert [one.payload["order_id"] for one in events] == ["A-1"]
            await move(session, account.account_id, "A-1", "accepted", actor_type="marketplace")
            [told] = await failures(session, account.account_id)
            assert told.state == "resolved"
            assert await warn(session, account) == 0


async def test_a_deadline_that_has_passed_says_so(db: Database, account: Account, time: Time) -> None:
    with clock(time):
        async with db.tenant(account_id=account.account_id) as session:
            await add_order(session, account.account_id, "A-1", status="accepted", state="SHIPPING")
            await session.execute(
                text("UPDATE mirakl.orders SET shipping_deadline = :at"), {"at": NOON - timedelta(hours=1)}
            )
            assert await warn(session, account) == 1
            [told] = await failures(session, account.account_id)
    assert told.details == "The order had to be shipped by 2026-03-02 11:00 UTC, which has passed."


@pytest.mark.parametrize(
    ("said", "warned"),
    [
        ({}, 0),
        ({"acceptance": {"warn_hours": 24}}, 1),
        ({"acceptance": {"warn_hours": 23.9}}, 0),
        ({"acceptance": {"warn_hours": "soon"}}, 0),
        ({"acceptance": []}, 0),
    ],
)
async def test_an_account_says_how_long_before(
    db: Database, account: Account, time: Time, said: dict[str, Any], warned: int
) -> None:
    with clock(time):
        async with db.tenant(account_id=account.account_id) as session:
            await add_order(session, account.account_id, "A-1", status="pending_acceptance")
            assert await warn(session, replace(account, settings=said)) == warned
