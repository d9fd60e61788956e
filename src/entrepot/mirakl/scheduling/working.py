"""The loop of a worker: what is due for accounts, then the steps that are due for orders, then a rest.

Any number of workers may run it at once. Work is leased, so that one does it; a worker that is killed leaves a lease
that runs out, and whatever it was at is done again from the start.
"""

import asyncio
import os
import secrets
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.jobs.waking import first_of, listening
from entrepot.kit.telemetry import bound, get_logger
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself, retried_by
from entrepot.mirakl.failures.recording import settle_all
from entrepot.mirakl.failures.tasks import retry_all_due
from entrepot.mirakl.orders.driving import SIDE_BY_SIDE, drive, trace, what_follows
from entrepot.mirakl.orders.driving_queries import CHANNEL, select_next_due
from entrepot.mirakl.orders.steps import load_steps
from entrepot.mirakl.scheduling import queries
from entrepot.mirakl.scheduling.registering import WORK
from entrepot.mirakl.services import Services

log = get_logger(__name__)

#: How long work is kept from other workers: a look through all pages of a marketplace may take minutes.
LEASE = timedelta(minutes=15)
#: Longest rest between two looks at what is due.
LONGEST_REST = timedelta(seconds=10)
#: From so many failures in a row on, work that fails is shown in the inbox.
TELL_AFTER = 3
#: Name of its failures.
PROCESS = "AccountWork"


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: works of accounts, those of them that failed, and steps of orders."""

    works: int
    failed: int
    steps: int

    def __bool__(self) -> bool:
        return bool(self.works or self.steps)


async def run(
    db: Database, stop: asyncio.Event, *, side_by_side: int = SIDE_BY_SIDE, handle_signals: bool = False
) -> None:
    """Work until `stop` is set, which SIGINT and SIGTERM do with `handle_signals`; the clock says what is due.

    It rests until something is due, and no longer than until another worker or a person makes something due.
    Once stopped it takes no more, and ends with the steps that it has in hand.
    """
    with _stopping_on_signals(stop) if handle_signals else nullcontext():
        try:
            async with listening(db, CHANNEL) as bells:
                bell = bells.bell()
                while not stop.is_set():
                    bell.clear()
                    if not await work_once(db, stop=stop, side_by_side=side_by_side):
                        await first_of(stop, bell, timeout=await _rest(db))
        finally:
            await settle_all(db)


@contextmanager
def _stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def work_once(
    db: Database,
    *,
    account_id: UUID | None = None,
    works: Sequence[str] | None = None,
    stop: asyncio.Event | None = None,
    side_by_side: int = SIDE_BY_SIDE,
    worker: str | None = None,
) -> Round:
    """Do what is due now, of every account or of one: the works (all, or those named), then the steps of orders.

    For every account what has failed and is to be tried again by itself comes first.
    """
    load_steps()
    if account_id is None:
        await retry_all_due(db)
    name = worker or f"{os.uname().nodename}:{os.getpid()}:{secrets.token_hex(3)}"
    async with Services.opened(db) as services:
        done, failed = await work_due(db, services, name, account_id=account_id, works=works)
        steps = await drive(
            db, services, account_id=account_id, side_by_side=side_by_side, stop=stop, worker=name
        )
    return Round(done, failed, steps)


async def work_due(
    db: Database,
    services: Services,
    worker: str,
    *,
    account_id: UUID | None = None,
    works: Sequence[str] | None = None,
) -> tuple[int, int]:
    """Do the works that are due, those of several accounts side by side; how many were done, how many failed."""
    load_steps()
    names = list(WORK) if works is None else [name for name in works if name in WORK]
    done = failed = 0
    while True:
        at = now()
        async with db.system() as session:
            await queries.add_work(session, names, at)
            taken = await queries.lease_work(
                session,
                names,
                at=at,
                lease_until=at + LEASE,
                worker=worker,
                account_id=account_id,
                limit=8,
            )
        if not taken:
            return done, failed
        went = await asyncio.gather(
            *(_do(db, services, worker, row["account_id"], row["work"], row["failures"]) for row in taken)
        )
        done += went.count(True)
        failed += went.count(False)


async def _do(
    db: Database, services: Services, worker: str, account_id: UUID, name: str, failures: int
) -> bool:
    work = WORK[name]
    with bound(account_id=str(account_id), work=name):
        try:
            account = await services.account(account_id)
            await work.function(services, account)
        except Exception as error:
            log.warning(
                "the work of an account failed",
                failures=failures + 1,
                reason=str(error),
                exc_info=trace(error),
            )
            await _failed(db, worker, account_id, name, failures, error)
            return False
        at = now()
        async with db.tenant(account_id=account_id) as session:
            await queries.work_done(
                session,
                account_id,
                name,
                worker=worker,
                at=at,
                next_at=at + timedelta(seconds=work.every(account)),
            )
            if failures:
                await resolved_by_itself(
                    session, account_id, name, PROCESS, resolution="It went well when it was tried again."
                )
        return True


async def _failed(
    db: Database, worker: str, account_id: UUID, name: str, failures: int, error: Exception
) -> None:
    after = what_follows(error, failures)
    # Work has no end: what cannot go well now (a key that is refused) is tried every hour, and told at once.
    pause = after.pause or timedelta(hours=1)
    again = now() + pause
    said = str(error) or type(error).__name__
    async with db.tenant(account_id=account_id) as session:
        times = await queries.work_failed(session, account_id, name, worker=worker, error=said, next_at=again)
        if times is not None and (after.pause is None or times >= TELL_AFTER):
            await fail(
                session,
                account_id,
                PROCESS,
                name,
                kind=after.kind,
                details=f"Looking after {name} failed: {said}",
                next_attempt_at=again,
            )


@retried_by(PROCESS)
async def _again(session: AsyncSession, failure: RowMapping) -> None:
    await queries.hasten(session, failure["account_id"], failure["related_id"], now())


async def _rest(db: Database) -> float:
    """Seconds until something is due, and no more than LONGEST_REST."""
    async with db.system() as session:
        moments = [await queries.select_next(session, list(WORK)), await select_next_due(session)]
    due = [moment for moment in moments if moment is not None]
    if not due:
        return LONGEST_REST.total_seconds()
    return min(max((min(due) - now()).total_seconds(), 0.1), LONGEST_REST.total_seconds())
