"""Delivering: claims what is due, calls its subscriber, and marks it in the transaction of the subscriber's effects.

A claim is a lease: a worker that dies holds its deliveries no longer than that, and a worker that was thought dead
cannot finish what another has taken over, since its lease is no longer the one in the row.
"""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import queries
from entrepot.events.envelope import Event
from entrepot.events.subscribing import SUBSCRIBERS, Subscriber, Subscribers
from entrepot.events.tables import CHANNEL
from entrepot.kit.db.database import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, LimitedError
from entrepot.kit.jobs.waking import first_of, listening
from entrepot.kit.telemetry import get_logger, redact_text

log = get_logger(__name__)

LEASE = timedelta(seconds=60)
POLL_SECONDS = 2.0
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 3600.0


class LeaseLostError(ConflictError):
    """Another worker took the deliveries over before this one was done; nothing of its work was committed."""

    title = "The lease was lost"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the deliveries that were due."""

    delivered: int = 0
    failed: int = 0
    lost: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(self.delivered + other.delivered, self.failed + other.failed, self.lost + other.lost)


@dataclass(frozen=True, slots=True)
class Claim:
    """Deliveries of one subscription that this worker holds."""

    subscription_id: UUID
    max_attempts: int
    lease: str
    seconds: float
    events: tuple[tuple[Event, int], ...]  # with the number of the attempt

    @property
    def event_ids(self) -> list[UUID]:
        """The ids of its events."""
        return [event.id for event, _ in self.events]


def retry_delay(attempts: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds until the next attempt after `attempts` failed ones: doubling, capped, half of it at random.

    The random half keeps deliveries that failed together from coming back together.
    """
    longest = min(FIRST_RETRY_SECONDS * 2.0 ** (attempts - 1), LONGEST_RETRY_SECONDS)
    return longest * (0.5 + draw() / 2)


async def run(db: Database, stop: asyncio.Event, *, subscribers: Subscribers = SUBSCRIBERS) -> None:
    """Deliver until `stop` is set, each subscriber at its own pace; what is being handled then is finished."""
    async with db.system() as session:
        await subscribers.store(session)
    async with listening(db, CHANNEL) as bells, asyncio.TaskGroup() as loops:
        loops.create_task(stop.wait(), name="wait for the stop")  # a program without subscribers waits too
        for endpoint in subscribers.endpoints:
            loops.create_task(
                _serve(db, subscribers[endpoint], bells.bell(), stop), name=f"deliver to {endpoint}"
            )


async def _serve(db: Database, subscriber: Subscriber, bell: asyncio.Event, stop: asyncio.Event) -> None:
    while not stop.is_set():
        bell.clear()
        await deliver_due(db, subscriber, stop=stop)
        await first_of(bell, stop, timeout=POLL_SECONDS)


async def deliver_due(
    db: Database, subscriber: Subscriber, *, stop: asyncio.Event | None = None, lease: timedelta = LEASE
) -> Delivered:
    """Deliver to one subscriber what is due now, until nothing is; deliveries whose lease ran out are due again."""
    total = Delivered()
    async with db.system() as session:
        await session.execute(queries.EXPIRE_LEASES)
        subscriptions = (
            await session.execute(queries.ACTIVE_SUBSCRIPTIONS, {"endpoints": [subscriber.endpoint]})
        ).all()
    for subscription in subscriptions:
        while stop is None or not stop.is_set():
            claim = await claim_due(db, subscription, subscriber.batch, lease)
            if not claim.events:
                break
            total += await handle(db, subscriber, claim, stop=stop)
    return total


async def claim_due(
    db: Database, subscription: Row[tuple[UUID, str, int]], batch: int, lease: timedelta
) -> Claim:
    """Take up to `batch` due deliveries of a subscription; no other worker gets them while the lease lasts."""
    name = f"{socket.gethostname()}:{os.getpid()}:{uuid4()}"
    seconds = lease.total_seconds()
    async with db.system() as session:
        rows = await session.execute(
            queries.CLAIM,
            {"subscription_id": subscription.id, "batch": batch, "lease": name, "seconds": seconds},
        )
        events = tuple((Event.from_row(row), row["attempts"]) for row in rows.mappings())
    return Claim(subscription.id, subscription.max_attempts, name, seconds, events)


async def handle(
    db: Database, subscriber: Subscriber, claim: Claim, *, stop: asyncio.Event | None = None
) -> Delivered:
    """Give the events of a claim to the subscriber, tenant by tenant; what was not begun when `stop` came is released."""
    total = Delivered()
    begun: set[UUID] = set()
    try:
        async with _renewing(db, claim):
            for part in _by_tenant(subscriber, claim):
                if stop is not None and stop.is_set():
                    break
                begun.update(part.event_ids)
                total += await _handle_part(db, subscriber, part)
    finally:
        rest = [event_id for event_id in claim.event_ids if event_id not in begun]
        if rest:
            async with db.system() as session:
                await session.execute(
                    queries.RELEASE,
                    {"subscription_id": claim.subscription_id, "event_ids": rest, "lease": claim.lease},
                )
    return total


async def _handle_part(db: Database, subscriber: Subscriber, part: Claim) -> Delivered:
    try:
        await _attempt(db, subscriber, part)
    except LeaseLostError:
        log.warning("lost the lease of deliveries", subscriber=subscriber.name, events=len(part.events))
        return Delivered(lost=len(part.events))
    except Exception as error:
        if len(part.events) > 1:
            # Nothing of it was committed. One by one, the good ones go through and the bad one shows itself.
            outcomes = [
                await _handle_part(db, subscriber, replace(part, events=(one,))) for one in part.events
            ]
            return sum(outcomes, Delivered())
        await _fail(db, subscriber, part, error)
        return Delivered(failed=1)
    return Delivered(delivered=len(part.events))


async def _attempt(db: Database, subscriber: Subscriber, part: Claim) -> None:
    async with _session(db, subscriber, part) as session:
        await subscriber.handle(session, [event for event, _ in part.events])
        finished = await session.execute(
            queries.FINISH,
            {"subscription_id": part.subscription_id, "event_ids": part.event_ids, "lease": part.lease},
        )
        if finished.scalar_one() != len(part.events):
            raise LeaseLostError(f"Deliveries to {subscriber.name!r} took longer than their lease.")


async def _fail(db: Database, subscriber: Subscriber, part: Claim, error: Exception) -> None:
    event, attempt = part.events[0]
    # Invalid input stays invalid, however often it is tried.
    dead = attempt >= part.max_attempts or isinstance(error, InvalidInputError)
    delay = error.retry_after if isinstance(error, LimitedError) else retry_delay(attempt)
    log.warning(
        "a delivery failed",
        subscriber=subscriber.name,
        event_id=str(event.id),
        attempt=attempt,
        dead=dead,
        exc_info=error,
    )
    async with db.system() as session:
        await session.execute(
            queries.FAIL,
            {
                "subscription_id": part.subscription_id,
                "event_id": event.id,
                "lease": part.lease,
                "dead": dead,
                "delay": delay,
                "error": redact_text(f"{type(error).__name__}: {error}")[:4000],
            },
        )


def _by_tenant(subscriber: Subscriber, claim: Claim) -> list[Claim]:
    if subscriber.spans_tenants:
        return [claim]

    def tenant(entry: tuple[Event, int]) -> tuple[str, str, str]:
        return str(entry[0].shop_id), str(entry[0].platform_id), str(entry[0].account_id)

    return [
        replace(claim, events=tuple(part))
        for _, part in groupby(sorted(claim.events, key=tenant), key=tenant)
    ]


def _session(db: Database, subscriber: Subscriber, part: Claim) -> AbstractAsyncContextManager[AsyncSession]:
    events: Sequence[Event] = [event for event, _ in part.events]
    traces = {event.trace_id for event in events}
    trace_id = traces.pop() if len(traces) == 1 else None
    first = events[0]
    if subscriber.spans_tenants or not (first.shop_id or first.platform_id or first.account_id):
        return db.system(trace_id=trace_id)
    return db.tenant(
        shop_id=first.shop_id, platform_id=first.platform_id, account_id=first.account_id, trace_id=trace_id
    )


@asynccontextmanager
async def _renewing(db: Database, claim: Claim) -> AsyncIterator[None]:
    """Keep the lease from running out while the block works on it."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(claim.seconds / 3)
            async with db.system() as session:
                await session.execute(
                    queries.RENEW,
                    {
                        "subscription_id": claim.subscription_id,
                        "event_ids": claim.event_ids,
                        "lease": claim.lease,
                        "seconds": claim.seconds,
                    },
                )

    renewal = asyncio.create_task(renew(), name="renew the lease")
    try:
        yield
    finally:
        renewal.cancel()
        # A renewal that failed is not the deliveries' failure: either they were in time, or the lease tells.
        await asyncio.gather(renewal, return_exceptions=True)
