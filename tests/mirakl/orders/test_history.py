"""Only legal steps get into an order's history, whoever asks; each is told as an event."""

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.mirakl.arranging import add_order

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.orders.history import current, move
from entrepot.mirakl.values import FIRST_STATUSES, STATUSES, TRANSITIONS

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_STEP = text(
    """
    INSERT INTO mirakl.order_status_history (account_id, order_id, step, status, previous_status, actor_type)
    VALUES (:account_id, :order_id, :step, :status, :previous, 'worker')
    """
)


async def test_every_illegal_step_is_refused_by_the_database(db: Database, account: Account) -> None:
    legal = {(None, first) for first in FIRST_STATUSES}
    legal |= {(source, target) for source, targets in TRANSITIONS.items() for target in targets}
    refused = 0
    for before, after in product((None, *STATUSES), STATUSES):
        order_id = f"{before}-{after}"
        async with db.tenant(account_id=account.account_id) as session:
            await add_order(session, account.account_id, order_id)
            # The way there is not what is asked about, so it is written without its check.
        if before is not None:
            await _standing_at(db, account.account_id, order_id, before)
        step = {
            "account_id": account.account_id,
            "order_id": order_id,
            "step": 1 if before is None else 2,
            "status": after,
            "previous": before,
        }
        if (before, after) in legal:
            async with db.tenant(account_id=account.account_id) as session:
                await session.execute(_STEP, step)
            continue
        with pytest.raises(IntegrityError, match="cannot become"):
            async with db.tenant(account_id=account.account_id) as session:
                await session.execute(_STEP, step)
        refused += 1
    assert refused == (len(STATUSES) + 1) * len(STATUSES) - len(legal)


async def test_a_step_out_of_turn_is_refused_by_the_database(db: Database, account: Account) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        await add_order(session, account.account_id, "A-1", status="pending_acceptance")
    for step, previous in ((1, "pending_acceptance"), (3, "pending_acceptance"), (2, None), (2, "accepted")):
        with pytest.raises(DBAPIError, match="cannot follow"):
            async with db.tenant(account_id=account.account_id) as session:
                await session.execute(
                    _STEP,
                    {
                        "account_id": account.account_id,
                        "order_id": "A-1",
                        "step": step,
                        "status": "accepting",
                        "previous": previous,
                    },
                )


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
                    "SELECT account_id, subject, data FROM marketplace.hm_event_queue "
                    "WHERE event_type = 'mirakl.order.refusing'"
                )
            )
        ).all()
    assert len(found) == 1
    assert (found[0].account_id, found[0].subject) == (account.account_id, "A-1")
    data = found[0].data
    assert (data["status"], data["previous_status"], data["actor"]) == (
        "refusing",
        "pending_acceptance",
        "too dear",
    )
    assert data["lines"][0]["sku"] == "LAPTOP-1"
    assert "Wharf" not in str(data)


async def _standing_at(db: Database, account_id: UUID, order_id: str, status: str) -> None:
    """Put an order at a status by hand: the trigger is asleep for the owner's session only."""
    async with (
        await psycopg.AsyncConnection.connect(db.url("owner"), autocommit=True) as owner,
        owner.transaction(),
    ):
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(
            "INSERT INTO mirakl.order_status_history (account_id, order_id, step, status, actor_type) "
            "VALUES (%s, %s, 1, %s, 'worker')",
            [account_id, order_id, status],
        )
