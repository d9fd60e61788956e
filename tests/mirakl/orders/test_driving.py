"""The driver: many workers at once, killed anywhere, and everything is done once in the end."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text
from tests.mirakl.arranging import NOON, add_order
from tests.mirakl.conftest import Time
from tests.mirakl.shop import Shop

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, UnavailableError
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders import driving
from entrepot.mirakl.orders.driving import drive, what_follows
from entrepot.mirakl.orders.driving_queries import LEASE_DUE
from entrepot.mirakl.orders.history import advance, current, move, rest
from entrepot.mirakl.orders.polling import poll
from entrepot.mirakl.orders.steps import LEASE, STEPS, Step, Taken, load_steps
from entrepot.mirakl.services import Services


class Killed(httpx.AsyncBaseTransport):
    """Kills the worker at its n-th call: before it is sent, or when its answer comes."""

    def __init__(self, call: int, *, answered: bool) -> None:
        self.inner = httpx.AsyncHTTPTransport()
        self.left = call
        self.answered = answered
        self.worker: asyncio.Task[Any] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.left -= 1
        mine = self.left == 0
        if mine and not self.answered:
            self._kill()
        response = await self.inner.handle_async_request(request)
        if mine and self.answered:
            self._kill()
        return response

    def _kill(self) -> None:
        assert self.worker is not None
        self.worker.cancel()


async def test_two_drivers_at_once_do_each_step_once(shop: Shop) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 200)
        placed = shop.order(count=100)
        await poll(shop.services, shop.account)
        done = await asyncio.gather(*(shop.drive(worker=name) for name in ("one", "two")))
        assert sum(done) == 100
        assert min(done) > 0
        assert {one.accepts for one in placed} == {1}
        assert set((await shop.statuses()).values()) == {"accepting"}
        assert await shop.levels() == {"Bare LAPTOP-1": (200, 100)}


@pytest.mark.parametrize(("call", "answered"), [(1, False), (2, True), (9, False), (23, True)])
async def test_a_driver_that_is_killed_leaves_what_the_next_can_settle(
    shop: Shop, call: int, answered: bool
) -> None:
    with clock(shop.time):
        await shop.stock("LAPTOP-1", 40)
        placed = shop.order(count=12)
        await poll(shop.services, shop.account)
        killing = Killed(call, answered=answered)

        async def worker() -> None:
            async with Services.opened(shop.db, transport=killing) as services:
                for _ in range(4):
                    await shop.drive(services, side_by_side=5)
                    shop.time.pass_(minutes=2)

        killing.worker = asyncio.create_task(worker())
        with pytest.raises(asyncio.CancelledError):
            await killing.worker
        await shop.work(rounds=8)
        assert Counter((await shop.statuses()).values()) == {"ready_to_ship": 12}
        assert {one.accepts for one in placed} == {1}
        assert await shop.levels() == {"Bare LAPTOP-1": (40, 12)}
        assert await shop.open_failures() == []


async def test_what_a_killed_worker_had_is_left_to_it_until_its_lease_runs_out(
    db: Database,
    account: Account,
    services: Services,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, done = asyncio.Event(), []

    async def hang(_services: Services, taken: Taken) -> None:
        began.set()
        if taken.worker == "slow":
            await asyncio.Event().wait()
        async with db.tenant(account_id=taken.account_id) as session:
            done.append(await rest(session, taken, None))

    load_steps()
    monkeypatch.setitem(STEPS, "pending_acceptance", Step("pending_acceptance", "Hanging", hang))
    with clock(time):
        await one_order(db, account)
        slow = asyncio.create_task(drive(db, services, account_id=account.account_id, worker="slow"))
        await began.wait()
        assert await drive(db, services, account_id=account.account_id, worker="next") == 0
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        assert await drive(db, services, account_id=account.account_id, worker="next") == 0
        time.pass_(seconds=LEASE.total_seconds())
        assert await drive(db, services, account_id=account.account_id, worker="next") == 1
        assert done == [True]


async def test_who_comes_too_late_changes_nothing(db: Database, account: Account, time: Time) -> None:
    with clock(time):
        await one_order(db, account)
        [late] = await driving.take(db, "late", 1, account.account_id, None, time())
        time.pass_(minutes=5)
        [prompt] = await driving.take(db, "prompt", 1, account.account_id, None, time())
        async with db.tenant(account_id=account.account_id) as session:
            assert not await rest(session, late, None)
            assert await rest(session, prompt, time() + timedelta(hours=1))
            await move(session, account.account_id, "A-1", "accepting", actor_type="worker")
            assert not await rest(session, prompt, None), "the order has moved on"


@pytest.mark.parametrize(
    ("error", "kind", "told", "again"),
    [
        (ServiceError("Busy.", outcome=Outcome.TRANSIENT, service="S", operation="O"), "transient", 3, True),
        (ServiceError("Cut.", outcome=Outcome.UNKNOWN, service="S", operation="O"), "unknown", 3, True),
        (ServiceError("No.", outcome=Outcome.PERMANENT, service="S", operation="O"), "permanent", 0, False),
        (UnavailableError("Gone."), "transient", 3, True),
        (InvalidInputError("Wrong."), "permanent", 0, False),
        (ZeroDivisionError(), "unknown", 0, True),
    ],
)
def test_what_follows_from_a_step_that_fails(error: Exception, kind: str, told: int, again: bool) -> None:
    found = what_follows(error, told)
    assert (found.kind, found.tell, found.pause is not None) == (kind, True, again)
    if told:
        assert not what_follows(error, told - 1).tell


def test_pauses_double_up_to_an_hour_and_heed_what_the_service_asks() -> None:
    error = UnavailableError("Gone.")
    pauses = [what_follows(error, attempts, draw=lambda: 1.0).pause for attempts in range(12)]
    assert pauses[:3] == [timedelta(seconds=15), timedelta(seconds=30), timedelta(minutes=1)]
    assert pauses[-1] == timedelta(hours=1)
    asked = ServiceError("Later.", outcome=Outcome.TRANSIENT, service="S", operation="O", retry_after=7200.0)
    assert what_follows(asked, 0).pause == timedelta(hours=2)


async def test_a_step_that_fails_is_put_off_and_told(
    db: Database,
    account: Account,
    services: Services,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(_services: Services, _taken: Taken) -> None:
        raise ZeroDivisionError

    load_steps()
    monkeypatch.setitem(STEPS, "pending_acceptance", Step("pending_acceptance", "Failing", fail))
    with clock(time):
        await one_order(db, account)
        assert await drive(db, services, account_id=account.account_id) == 1
        assert await drive(db, services, account_id=account.account_id) == 0
        time.pass_(seconds=15)
        assert await drive(db, services, account_id=account.account_id) == 1
        async with db.tenant(account_id=account.account_id) as session:
            [row] = await session.execute(
                text("SELECT process_name, times, kind, details, next_step FROM mirakl.process_failures")
            )
            assert (row.process_name, row.times, row.kind) == ("Failing", 2, "unknown")
            assert row.details == "ZeroDivisionError. The order is pending_acceptance."
            assert "tried again by itself" in row.next_step
            attempts = await session.execute(text("SELECT attempts, leased_by FROM mirakl.orders"))
            assert attempts.one() == (2, None)
            await move(session, account.account_id, "A-1", "accepted", actor_type="marketplace")
            state = await session.execute(text("SELECT state FROM mirakl.process_failures"))
            assert state.scalar_one() == "resolved", "it went well in the end"


async def test_a_step_that_was_overtaken_leaves_the_order_to_who_was_first(
    db: Database,
    account: Account,
    services: Services,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[str] = []

    async def overtaken(_services: Services, taken: Taken) -> None:
        steps.append(taken.status)
        if taken.status == "pending_acceptance":
            async with db.tenant(account_id=taken.account_id) as session:
                await move(session, taken.account_id, "A-1", "accepted", actor_type="marketplace")
        elif len(steps) > 2:
            async with db.tenant(account_id=taken.account_id) as session:
                await rest(session, taken, None)
            return
        raise ConflictError("Somebody was first.")

    load_steps()
    for status in ("pending_acceptance", "accepted"):
        monkeypatch.setitem(STEPS, status, Step(status, "Overtaken", overtaken))
    with clock(time):
        await one_order(db, account)
        # What was moved by another is done at once; what nobody moved is not tried again and again.
        assert await drive(db, services, account_id=account.account_id) == 2
        assert await drive(db, services, account_id=account.account_id) == 0
        time.pass_(seconds=15)
        assert await drive(db, services, account_id=account.account_id) == 1
        assert steps == ["pending_acceptance", "accepted", "accepted"]


async def test_an_order_stays_in_hand_for_the_step_that_follows_at_once(
    db: Database, account: Account, services: Services, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, done = asyncio.Event(), []

    async def accept(_services: Services, taken: Taken) -> Taken | None:
        time.pass_(minutes=2)
        return await advanced(db, taken, "accepted")

    async def prepare(_services: Services, taken: Taken) -> Taken | None:
        done.append((taken.worker, taken.status, taken.step, taken.attempts, taken.lease_until))
        began.set()
        if taken.worker == "slow":
            await asyncio.Event().wait()
        return await advanced(db, taken, "ready_to_ship")

    load_steps()
    monkeypatch.setitem(STEPS, "pending_acceptance", Step("pending_acceptance", "Accepting", accept))
    monkeypatch.setitem(STEPS, "accepted", Step("accepted", "Preparing", prepare))
    monkeypatch.delitem(STEPS, "ready_to_ship")
    with clock(time):
        await one_order(db, account)
        slow = asyncio.create_task(drive(db, services, account_id=account.account_id, worker="slow"))
        await began.wait()
        assert done == [("slow", "accepted", 2, 0, time() + LEASE)]
        assert await drive(db, services, account_id=account.account_id, worker="next") == 0
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        time.pass_(seconds=LEASE.total_seconds() - 1)
        assert await drive(db, services, account_id=account.account_id, worker="next") == 0
        time.pass_(seconds=1)
        assert await drive(db, services, account_id=account.account_id, worker="next") == 1
        assert done[1][:2] == ("next", "accepted")
        assert await hand_of(db, account) == (None, None)


@pytest.mark.parametrize("why", ["stopped", "later", "switched off"])
async def test_an_order_is_given_back_where_its_worker_may_not_go_on(
    db: Database,
    account: Account,
    services: Services,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    stop, began = asyncio.Event(), time()

    async def accept(_services: Services, taken: Taken) -> Taken | None:
        if why == "stopped":
            stop.set()
        elif why == "later":
            time.pass_(seconds=1)
        else:
            async with db.system() as session:
                await session.execute(text("UPDATE mirakl.accounts SET is_active = false"))
        return await advanced(db, taken, "accepted")

    async def prepare(_services: Services, _taken: Taken) -> None:
        raise AssertionError("it went on")

    load_steps()
    monkeypatch.setitem(STEPS, "pending_acceptance", Step("pending_acceptance", "Accepting", accept))
    monkeypatch.setitem(STEPS, "accepted", Step("accepted", "Preparing", prepare))
    with clock(time):
        await one_order(db, account)
        assert await drive(db, services, account_id=account.account_id, stop=stop, until=began) == 1
        assert await hand_of(db, account) == (None, None)
        async with db.tenant(account_id=account.account_id) as session:
            due = await session.execute(text("SELECT next_attempt_at FROM mirakl.orders"))
            assert due.scalar_one() == time(), "anybody may do it now"


async def test_an_order_that_another_has_by_now_is_not_kept(
    db: Database, account: Account, time: Time
) -> None:
    with clock(time):
        await one_order(db, account)
        [late] = await driving.take(db, "late", 1, account.account_id, None, time())
        time.pass_(minutes=5)
        await driving.take(db, "prompt", 1, account.account_id, None, time())
        assert await advanced(db, late, "accepted") is None
        assert await hand_of(db, account) == (None, None)
        with pytest.raises(ConflictError, match="is accepted, not pending_acceptance any more"):
            await advanced(db, late, "refused")
        async with db.tenant(account_id=account.account_id) as session:
            held = await current(session, account.account_id, "A-1")
        assert held is not None
        assert (held.step, held.status) == (2, "accepted")


async def advanced(db: Database, taken: Taken, status: str) -> Taken | None:
    """An order moved on in the hand of its worker."""
    async with db.tenant(account_id=taken.account_id) as session:
        return await advance(session, taken, status, actor_type="worker")


async def hand_of(db: Database, account: Account) -> tuple[Any, ...]:
    """Who has the order in hand, and until when."""
    async with db.tenant(account_id=account.account_id) as session:
        return tuple((await session.execute(text("SELECT leased_by, lease_until FROM mirakl.orders"))).one())


async def test_nothing_is_done_for_an_account_that_is_switched_off(
    db: Database, account: Account, services: Services, time: Time
) -> None:
    with clock(time):
        await one_order(db, account)
        async with db.system() as session:
            await session.execute(
                text("UPDATE mirakl.accounts SET is_active = false WHERE id = :id"),
                {"id": account.account_id},
            )
        assert await drive(db, services, account_id=account.account_id) == 0


async def test_an_order_at_a_status_without_a_step_is_not_due_again(
    db: Database, account: Account, services: Services, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_steps()
    with clock(time):
        await one_order(db, account)
        monkeypatch.delitem(STEPS, "pending_acceptance")
        assert await drive(db, services, account_id=account.account_id) == 1
        assert await drive(db, services, account_id=account.account_id) == 0
        async with db.tenant(account_id=account.account_id) as session:
            found = await current(session, account.account_id, "A-1")
    assert found is not None
    assert found.status == "pending_acceptance"


async def test_what_is_due_is_read_along_its_index(db: Database, account: Account) -> None:
    async with db.tenant(account_id=account.account_id) as session:
        await session.execute(
            text(
                """
                INSERT INTO mirakl.orders (account_id, order_id, mirakl_state, currency_code, total_price,
                                           order_created_at, order_updated_at, raw_order_data, next_attempt_at)
                SELECT :account_id, 'A-' || n, 'CLOSED', 'CAD', 1, :at, :at, '{}',
                       CASE WHEN n % 20 = 0 THEN CAST(:at AS timestamptz) + n * interval '1 second' END
                FROM generate_series(1, 4000) AS n
                """
            ),
            {"account_id": account.account_id, "at": NOON},
        )
    values = {
        "due_at": NOON + timedelta(hours=9),
        "at": NOON + timedelta(hours=9),
        "lease_until": NOON + timedelta(hours=10),
        "worker": "test",
        "account_id": None,
        "order_id": None,
        "limit": 16,
    }
    with psycopg.connect(db.url("owner"), autocommit=True) as owner:
        owner.execute("ANALYZE mirakl.orders")
    async with db.system() as session:
        explained = await session.execute(text(f"EXPLAIN (ANALYZE, FORMAT TEXT) {LEASE_DUE.text}"), values)
        plan = "\n".join(explained.scalars())
    assert "Index Scan using idx_orders_next" in plan
    assert "Seq Scan on orders" not in plan


async def one_order(db: Database, account: Account) -> None:
    """An order that waits for acceptance."""
    async with db.tenant(account_id=account.account_id) as session:
        await add_order(session, account.account_id, "A-1", status="pending_acceptance")
