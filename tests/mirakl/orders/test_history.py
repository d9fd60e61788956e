"""Only legal steps get into an order's history, whoever asks; each is told as an event."""

from collections import deque
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.mirakl.arranging import add_order

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures.inbox import fail
from entrepot.mirakl.orders.history import current, move
from entrepot.mirakl.values import FIRST_STATUSES, STATUSES, TRANSITIONS

_STEP = text(
    """
    INSERT INTO mirakl.order_status_history (account_id, order_id, step, status, previous_status, actor_type)
    VALUES (:account_id, :order_id, :step, :status, :previous, 'worker')
    """
)


async def test_every_illegal_step_is_refused_by_the_database(db: Database, account: Account) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        for before in (None, *STATUSES):
            order_id = f"to-{before}"
            await add_order(session, account.account_id, order_id)
            way = [] if before is None else way_to(before)
            for step, status in enumerate(way, 1):
                previous = way[step - 2] if step > 1 else None
                await session.execute(_STEP, step_row(account, order_id, step, status, previous))
            refused = set()
            for after in STATUSES:
                nested = await session.begin_nested()
                try:
                    await session.execute(_STEP, step_row(account, order_id, len(way) + 1, after, before))
                except IntegrityError as error:
                    assert "cannot become" in str(error)  # noqa: PT017 -- which of many, and each is one
                    refused.add(after)
                finally:
                    await nested.rollback()
            legal = FIRST_STATUSES if before is None else TRANSITIONS[before]
            assert refused == set(STATUSES) - set(legal), before


def way_to(status: str) -> list[str]:
    """A legal way to a status."""
    ways = deque([[first] for first in FIRST_STATUSES])
    while ways:
        way = ways.popleft()
        if way[-1] == status:
            return way
        ways.extend([*way, after] for after in TRANSITIONS[way[-1]] if after not in way)
    raise AssertionError(f"{status} cannot be reached")


def step_row(account: Account, order_id: str, step: int, status: str, previous: str | None) -> dict[str, Any]:
    """A step as it is written."""
    return {
        "account_id": account.account_id,
        "order_id": order_id,
        "step": step,
        "status": status,
        "previous": previous,
    }


async def test_a_step_out_of_turn_is_refused_by_the_database(db: Database, account: Account) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        await add_order(session, account.account_id, "A-1", status="pending_acceptance")
    for step, previous in ((1, "pending_acceptance"), (3, "pending_acceptance"), (2, None), (2, "accepted")):
        with pytest.raises(DBAPIError, match="cannot follow"):
            async with db.tenant(account_id=account.account_id) as session:
                await session.execute(_STEP, step_row(account, "A-1", step, "accepting", previous))


async def test_the_program_says_what_an_order_can_become(db: Database, account: Account) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        await add_order(session, account.account_id, "A-1", status="pending_acceptance")
        with pytest.raises(ConflictError, match=r"cannot become delivered.*accepting"):
            await move(session, account.account_id, "A-1", "delivered", actor_type="worker")
        with pytest.raises(ConflictError, match="not accepted any more"):
            await move(
                session, account.account_id, "A-1", "ready_to_ship", actor_type="worker", expected="accepted"
            )
        with pytest.raises(NotFoundError, match="no order 'A-2'"):
            await move(session, account.account_id, "A-2", "accepted", actor_type="worker")
        found = await current(session, account.account_id, "A-1")
    assert found is not None
    assert (found.step, found.status) == (1, "pending_acceptance")


async def test_a_step_is_an_event_without_personal_data(db: Database, account: Account) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        await add_order(session, account.account_id, "A-1", status="pending_acceptance")
        await move(
            session,
            account.account_id,
            "A-1",
            "refusing",
            actor_type="rule",
            actor="too dear",
            notes="Over the limit.",
        )
    async with db.system() as session:
        found = (
            await session.execute(
                text(
                    "SELECT account_id, subject, payload FROM marketplace.hm_event_queue "
                    "WHERE event_type = 'mirakl.order.refusing' AND account_id = :id"
                ),
                {"id": account.account_id},
            )
        ).all()
    assert len(found) == 1
    assert (found[0].account_id, found[0].subject) == (account.account_id, "A-1")
    data = found[0].payload
    assert (data["status"], data["previous_status"], data["actor"]) == (
        "refusing",
        "pending_acceptance",
        "too dear",
    )
    assert data["lines"][0]["sku"] == "LAPTOP-1"
    assert "Wharf" not in str(data)


async def test_what_is_over_with_a_step_is_settled_with_it_and_nothing_else(
    db: Database, account: Account
) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        for order_id in ("A-1", "A-2"):
            await add_order(session, account.account_id, order_id, status="pending_acceptance")
            for name in ("OrderDecision", "AcceptanceDeadline", "ShippingDeadline", "OrderAddress"):
                await fail(session, account.account_id, name, order_id, kind="decision", details="Look.")
        await move(session, account.account_id, "A-1", "accepting", actor_type="person")
        assert await resolutions(session) == {}, "the step before may be asked for again"
        await move(session, account.account_id, "A-1", "accepted", actor_type="marketplace")
        assert await resolutions(session) == {
            ("A-1", "OrderDecision"): "The order is accepted.",
            ("A-1", "AcceptanceDeadline"): "The order is accepted.",
        }
        await move(session, account.account_id, "A-2", "refused", actor_type="marketplace")
        found = await resolutions(session)
    assert {name: said for (order_id, name), said in found.items() if order_id == "A-2"} == {
        "OrderDecision": "It went well in the end: the order is refused.",
        "AcceptanceDeadline": "The order is refused.",
        "ShippingDeadline": "The order is refused.",
        "OrderAddress": "The order is refused.",
    }


async def resolutions(session: AsyncSession) -> dict[tuple[str, str], str]:
    """How failures were resolved, by order and name."""
    rows = await session.execute(
        text(
            "SELECT related_id, process_name, resolution FROM mirakl.process_failures"
            " WHERE state = 'resolved' AND resolved_at IS NOT NULL AND next_attempt_at IS NULL"
        )
    )
    return {(row.related_id, row.process_name): row.resolution for row in rows}
