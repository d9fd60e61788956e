"""The driver: takes orders whose next step is due, does the steps side by side, and leaves nothing half known.

Any number of drivers may work at once: an order is leased with SKIP LOCKED, and a lease that its worker did not give
back runs out. A step that raises is tried again later, ever more seldom, or waits in the inbox for a person.
"""

import asyncio
import os
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, EntrepotError, UnavailableError
from entrepot.kit.telemetry import bound, get_logger
from entrepot.mirakl.failures.inbox import fail
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError
from entrepot.mirakl.orders import driving_queries as queries
from entrepot.mirakl.orders.history import rest
from entrepot.mirakl.orders.steps import LEASE, STEPS, Step, Taken, load_steps
from entrepot.mirakl.services import Services

log = get_logger(__name__)

#: Orders that one driver has in hand at a time.
SIDE_BY_SIDE = 16
#: Pauses before a step is tried again: the first, doubled each time, up to the longest.
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
#: From this attempt on what goes wrong is shown in the inbox as well.
TELL_AFTER = 4


async def drive(
    db: Database,
    services: Services,
    *,
    account_id: UUID | None = None,
    order_id: str | None = None,
    until: datetime | None = None,
    side_by_side: int = SIDE_BY_SIDE,
    stop: asyncio.Event | None = None,
    worker: str | None = None,
) -> int:
    """Do the steps that are due, and those that become due meanwhile; how many steps were done.

    `order_id`: only that order, of the account. `until`: what is due by then and not later (the clock, looked at anew,
    without it). What a step leads to at once is done next, with the order kept in hand. With `stop` set it takes no more
    orders and ends with the steps that it has in hand.
    """
    load_steps()
    name = worker or f"{os.uname().nodename}:{os.getpid()}:{secrets.token_hex(3)}"
    running: set[asyncio.Task[int]] = set()
    steps = 0

    def may_go_on() -> bool:
        return not (stop is not None and stop.is_set()) and (until is None or until >= now())

    dry = False
    try:
        while True:
            stopped = stop is not None and stop.is_set()
            # Half the hands empty before more are taken: a look for several costs what a look for one does.
            if not stopped and not dry and len(running) <= side_by_side // 2:
                taken = await take(
                    db, name, side_by_side - len(running), account_id, order_id, until or now()
                )
                dry = not taken
                running |= {asyncio.create_task(_do(db, services, one, may_go_on)) for one in taken}
            if not running:
                return steps
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            steps += sum(one.result() for one in done)
            # What was done may have made more due.
            dry = False
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def take(
    db: Database, worker: str, most: int, account_id: UUID | None, order_id: str | None, due_at: datetime
) -> list[Taken]:
    """Lease up to `most` orders whose step is due by `due_at`, the longest due first."""
    at = now()
    lease_until = at + LEASE
    async with db.system() as session:
        rows = await queries.lease_due(
            session,
            due_at=due_at,
            at=at,
            lease_until=lease_until,
            worker=worker,
            account_id=account_id,
            order_id=order_id,
            limit=most,
        )
    return [
        Taken(
            account_id=row["account_id"],
            order_id=row["order_id"],
            status=row["status"] or "",
            step=row["step"] or 0,
            attempts=row["attempts"],
            worker=worker,
            lease_until=lease_until,
        )
        for row in rows
    ]


async def _do(db: Database, services: Services, taken: Taken, may_go_on: Callable[[], bool]) -> int:
    """The step of an order, and those that follow at once; how many."""
    steps = 1
    following = await _do_one(db, services, taken)
    while following is not None:
        if not may_go_on():
            async with db.tenant(account_id=taken.account_id) as session:
                await queries.give_back(session, taken.account_id, taken.order_id, taken.worker)
            break
        steps += 1
        following = await _do_one(db, services, following)
    return steps


async def _do_one(db: Database, services: Services, taken: Taken) -> Taken | None:
    """One step, and what follows from its failing; the order where it is still in hand."""
    found = STEPS.get(taken.status)
    with bound(account_id=str(taken.account_id), order_id=taken.order_id, status=taken.status):
        if found is None:
            async with db.tenant(account_id=taken.account_id) as session:
                await rest(session, taken, None)
            return None
        try:
            return await found.function(services, taken)
        except ConflictError as error:
            # Somebody else moved the order while this was at it: what is to be done now is theirs, or due anew. Where
            # nobody has, it must not be tried again at once.
            log.info("a step was overtaken", step=found.name, reason=error.detail)
            after = what_follows(UnavailableError(error.detail), taken.attempts)
            if not await _failed(db, taken, found, error, after):
                async with db.tenant(account_id=taken.account_id) as session:
                    await queries.give_back(session, taken.account_id, taken.order_id, taken.worker)
        except Exception as error:
            after = what_follows(error, taken.attempts)
            log.warning(
                "a step failed", step=found.name, kind=after.kind, reason=str(error), exc_info=trace(error)
            )
            await _failed(db, taken, found, error, after)
        return None


@dataclass(frozen=True, slots=True)
class After:
    """What follows from a step that raised: when it is tried again (None: when a person says so), and whether to tell."""

    kind: str
    pause: timedelta | None
    tell: bool


def what_follows(error: Exception, attempts: int, draw: Callable[[], float] = random.random) -> After:
    """Transient and unknown outcomes are tried again, ever more seldom, and told after a few; permanent ones wait."""
    doubled = min(FIRST_PAUSE * 2 ** min(attempts, 20), LONGEST_PAUSE)
    # Half of the pause is drawn: those that failed together do not come back together.
    pause = doubled * (0.5 + draw() / 2)
    tell = attempts + 1 >= TELL_AFTER
    if isinstance(error, ServiceError):
        if error.outcome is Outcome.PERMANENT:
            return After("permanent", None, True)
        if error.retry_after is not None:
            pause = max(pause, timedelta(seconds=error.retry_after))
        return After("unknown" if error.outcome is Outcome.UNKNOWN else "transient", pause, tell)
    if isinstance(error, UnavailableError):
        return After("transient", pause, tell)
    if isinstance(error, EntrepotError):
        return After("permanent", None, True)
    # A defect of the program: it may be mended by the next version, so it is tried again, but it is told at once.
    return After("unknown", pause, True)


async def _failed(db: Database, taken: Taken, step: Step, error: Exception, after: After) -> bool:
    """Put the step off and tell; False where the order has moved on, or is somebody else's by now."""
    again = None if after.pause is None else now() + after.pause
    async with db.tenant(account_id=taken.account_id) as session:
        if not await rest(session, taken, again, failed=True):
            return False
        if after.tell:
            await fail(
                session,
                taken.account_id,
                step.name,
                taken.order_id,
                kind=after.kind,
                details=f"{_said(error)} The order is {taken.status}.",
                next_step=(
                    "Mend the cause, then try it again."
                    if again is None
                    else f"It is tried again by itself at {again:%Y-%m-%d %H:%M} UTC."
                ),
                order_id=taken.order_id,
                payload={"status": taken.status, "attempts": taken.attempts + 1},
            )
    return True


def trace(error: Exception) -> Exception | None:
    """What is logged with its trace: a defect of the program; what services and people do wrong is said in a line."""
    return None if isinstance(error, ServiceError | EntrepotError) else error


def _said(error: Exception) -> str:
    said = str(error) or type(error).__name__
    return said if said.endswith((".", "!", "?")) else f"{said}."
