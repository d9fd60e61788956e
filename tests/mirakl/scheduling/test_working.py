"""The scheduler: each work of each account once when it is due, whoever looks, and again where it failed."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.mirakl.arranging import NOON
from tests.mirakl.conftest import Time, new_account

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, UnavailableError
from entrepot.kit.jobs import TASKS, discover
from entrepot.kit.jobs.waking import Bells, listening
from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.scheduling import working
from entrepot.mirakl.scheduling.queries import hasten, select_work
from entrepot.mirakl.scheduling.registering import WORK, Work, account_work
from entrepot.mirakl.scheduling.working import LEASE, Round, work_once
from entrepot.mirakl.services import Services


class Errands:
    """Work that is registered for a test: what was done, and what goes wrong."""

    def __init__(self) -> None:
        self.done: Counter[tuple[str, str]] = Counter()
        self.wrong: list[Exception] = []
        self.hang = False
        self.hanging = asyncio.Event()

    def called(self, name: str) -> Any:
        """The function of a work."""

        async def errand(_services: Services, account: Account) -> None:
            if self.hang:
                self.hanging.set()
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            if self.wrong:
                raise self.wrong.pop(0)
            self.done[account.code, name] += 1

        return errand


@pytest.fixture
def errands(monkeypatch: pytest.MonkeyPatch) -> Errands:
    """Two works, and no others."""
    load_steps()
    found = Errands()
    for name in list(WORK):
        monkeypatch.delitem(WORK, name)
    monkeypatch.setitem(WORK, "often", Work("often", found.called("often")))
    monkeypatch.setitem(WORK, "seldom", Work("seldom", found.called("seldom"), seconds=3600))
    return found


async def test_each_work_is_done_once_when_it_is_due(
    db: Database, account: Account, other_account: Account, errands: Errands, time: Time
) -> None:
    with clock(time):
        found = await asyncio.gather(*(work_once(db) for _ in range(4)))
        assert sum(one.works for one in found) == 4
        assert set(errands.done.values()) == {1}
        assert len(errands.done) == 4
        time.pass_(seconds=account.poll_seconds - 1)
        assert not await work_once(db)
        time.pass_(seconds=1)
        assert await work_once(db) == Round(works=2, failed=0, steps=0)
        assert errands.done[account.code, "often"] == 2
        assert errands.done[other_account.code, "seldom"] == 1


async def test_an_account_that_is_switched_off_is_left_alone(
    db: Database, account: Account, errands: Errands, time: Time
) -> None:
    with clock(time):
        async with db.system() as session:
            await session.execute(text("UPDATE mirakl.accounts SET is_active = false"))
        assert not await work_once(db)
        assert not errands.done


async def test_a_work_that_fails_is_done_again_and_told_when_it_goes_on(
    db: Database, account: Account, errands: Errands, time: Time
) -> None:
    del WORK["seldom"]
    with clock(time):
        errands.wrong = [UnavailableError("The marketplace is away.")] * 3
        for _ in range(3):
            assert (await work_once(db)).failed == 1
            assert not await work_once(db), "not before its pause is over"
            time.pass_(minutes=2)
        async with db.tenant(account_id=account.account_id) as session:
            [work] = await select_work(session, account.account_id)
            assert (work["failures"], work["last_error"]) == (3, "The marketplace is away.")
            [told] = await session.execute(text("SELECT * FROM mirakl.process_failures"))
        assert (told.process_name, told.related_id, told.times) == ("AccountWork", "often", 1)
        assert told.next_attempt_at is not None
        assert (await work_once(db)).works == 1
        async with db.tenant(account_id=account.account_id) as session:
            [work] = await select_work(session, account.account_id)
            state = await session.execute(text("SELECT state FROM mirakl.process_failures"))
            assert state.scalar_one() == "resolved"
        assert (work["failures"], work["last_error"], work["last_at"]) == (0, None, time())


async def test_what_no_waiting_mends_is_told_at_once_and_a_retry_does_it_now(
    db: Database, account: Account, errands: Errands, time: Time
) -> None:
    del WORK["seldom"]
    with clock(time):
        errands.wrong = [InvalidInputError("The key is wrong.")]
        await work_once(db)
        time.pass_(minutes=10)
        assert not await work_once(db)
        async with db.tenant(account_id=account.account_id) as session:
            [failure_id] = (
                await session.execute(text("SELECT failure_id FROM mirakl.process_failures"))
            ).scalars()
            await inbox.retry(session, account.account_id, failure_id)
        assert (await work_once(db)).works == 1
        async with db.tenant(account_id=account.account_id) as session:
            with pytest.raises(ConflictError, match="is resolved"):
                await inbox.retry(session, account.account_id, failure_id)


async def test_the_work_of_a_killed_worker_is_done_when_its_lease_runs_out(
    db: Database, account: Account, errands: Errands, time: Time
) -> None:
    del WORK["seldom"]
    with clock(time):
        errands.hang = True
        killed = asyncio.create_task(work_once(db))
        await errands.hanging.wait()
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
        errands.hang = False
        assert not await work_once(db)
        time.pass_(seconds=LEASE.total_seconds())
        assert (await work_once(db)).works == 1
        assert errands.done[account.code, "often"] == 1


async def test_a_worker_that_comes_too_late_does_not_put_off_what_another_has(
    db: Database, account: Account, errands: Errands, time: Time
) -> None:
    del WORK["seldom"]
    with clock(time):
        async with Services.opened(db) as services:

            async def late(_services: Services, _account: Account) -> None:
                time.pass_(seconds=LEASE.total_seconds())
                WORK["often"] = Work("often", errands.called("often"))
                await working.work_due(db, services, "prompt")
                time.pass_(minutes=1)

            WORK["often"] = Work("often", late)
            await working.work_due(db, services, "late")
        async with db.tenant(account_id=account.account_id) as session:
            [work] = await select_work(session, account.account_id)
        assert work["last_at"] == NOON + LEASE
        assert work["next_at"] == NOON + LEASE + timedelta(seconds=account.poll_seconds)


async def test_a_loop_goes_on_until_it_is_stopped(db: Database, account: Account, errands: Errands) -> None:
    async def last(_services: Services, _account: Account) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    WORK["seldom"] = Work("seldom", last)
    stop = asyncio.Event()
    await asyncio.wait_for(working.run(db, stop, handle_signals=True), 30)
    assert stop.is_set()
    assert errands.done[account.code, "often"] == 1


async def test_a_worker_that_rests_hears_what_was_made_due(
    db: Database, account: Account, errands: Errands, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    del WORK["seldom"]
    rests: asyncio.Queue[None] = asyncio.Queue()

    async def for_long(_db: Database) -> float:
        rests.put_nowait(None)
        return 3600

    @asynccontextmanager
    async def listening_already(db: Database, *channels: str) -> AsyncIterator[Bells]:
        # A bell rings once when it begins to listen; after that nothing but a notification wakes the worker.
        async with listening(db, *channels) as bells:
            await bells.bell().wait()
            yield bells

    monkeypatch.setattr(working, "_rest", for_long)
    monkeypatch.setattr(working, "listening", listening_already)
    stop = asyncio.Event()
    with clock(time):
        at_work = asyncio.create_task(working.run(db, stop))
        await asyncio.wait_for(rests.get(), 30)
        async with db.tenant(account_id=account.account_id) as session:
            await hasten(session, account.account_id, "often", time())
        await asyncio.wait_for(rests.get(), 30)
        assert errands.done[account.code, "often"] == 2
        stop.set()
        await asyncio.wait_for(at_work, 30)


async def test_the_worker_of_the_program_looks_after_accounts() -> None:
    discover()
    assert "mirakl" in {one.name for one in TASKS.companions}
    assert {"orders", "deadlines"} <= set(WORK)


def test_no_work_has_two_functions() -> None:
    with pytest.raises(ValueError, match="there is work 'orders' already"):
        account_work("orders")(Errands().called("orders"))


async def test_twenty_accounts_are_looked_after_by_two_at_once(
    db: Database, errands: Errands, time: Time
) -> None:
    with clock(time):
        for place in range(20):
            await new_account(db, f"account-{place}")
        found = await asyncio.gather(work_once(db, worker="one"), work_once(db, worker="two"))
        assert sum(one.works for one in found) == 40
        assert set(errands.done.values()) == {1}
