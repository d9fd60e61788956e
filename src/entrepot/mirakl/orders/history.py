"""The history that is an order's state: each step says what, by whom and why, and only legal steps are taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.envelope import NewEvent
from entrepot.events.publishing import publish_many
from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.mirakl.orders import driving_queries
from entrepot.mirakl.orders import history_queries as queries
from entrepot.mirakl.orders.steps import LEASE, SETTLED, STEPS, WATCHERS, Change, Taken, load_steps
from entrepot.mirakl.values import FIRST_STATUSES, TRANSITIONS


@dataclass(frozen=True, slots=True)
class Status:
    """Where an order is: the latest entry of its history."""

    order_id: str
    step: int
    status: str
    since: datetime


async def current(session: AsyncSession, account_id: UUID, order_id: str) -> Status | None:
    """Where an order is; None for one without a history."""
    row = await queries.select_current(session, account_id, order_id)
    return Status(order_id, row["step"], row["status"], row["timestamp"]) if row else None


async def move(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    status: str,
    *,
    actor_type: str,
    actor: str | None = None,
    notes: str | None = None,
    expected: str | None = None,
    taken: Taken | None = None,
    next_attempt_at: datetime | None = None,
) -> Status:
    """Append a step to an order's history, and say when the next may be taken; returns where the order is then.

    `actor_type`: rule, person, marketplace, carrier or worker. With `expected`, only from that status; with `taken`,
    only from the step at which a worker has taken it. Without `next_attempt_at` the step of the new status, where it
    has one, is due at once. What watches the status is told, and the event `mirakl.order.STATUS` is published, in the
    same transaction. Raises NotFoundError, and ConflictError where the step is not legal from where the order is, or
    where somebody else was first; the database refuses both as well.
    """
    change = await _next(
        session, account_id, order_id, status, actor_type, actor, notes, expected=expected, taken=taken
    )
    at, _ = await _append(session, account_id, [change], next_attempt_at)
    return Status(order_id, change.step, status, at)


async def advance(
    session: AsyncSession,
    taken: Taken,
    status: str,
    *,
    actor_type: str,
    actor: str | None = None,
    notes: str | None = None,
) -> Taken | None:
    """Move an order from where a worker has taken it, as `move`, and leave it in the worker's hand.

    Gives it as the worker has it then, with a new lease, for the step that is due there at once. None where that is
    anybody's: another has taken the order meanwhile, its account was switched off, or there is no step.
    """
    change = await _next(
        session, taken.account_id, taken.order_id, status, actor_type, actor, notes, taken=taken
    )
    lease_until = now() + LEASE
    _, kept = await _append(session, taken.account_id, [change], None, (taken.worker, lease_until))
    if not kept:
        return None
    return replace(taken, status=status, step=change.step, attempts=0, lease_until=lease_until)


async def _next(
    session: AsyncSession,
    account_id: UUID,
    order_id: str,
    status: str,
    actor_type: str,
    actor: str | None,
    notes: str | None,
    *,
    expected: str | None = None,
    taken: Taken | None = None,
) -> Change:
    """Hold an order and see that it may take a step; raises what `move` raises."""
    load_steps()
    known = await queries.lock_order(session, account_id, order_id)
    if not known:
        raise NotFoundError(f"There is no order {order_id!r}.", where={"order_id": order_id})
    before: str | None
    if taken is None:
        held = await current(session, account_id, order_id)
        step, before = (held.step, held.status) if held else (0, None)
    else:
        # Whether it is there still shows when the step is appended: nobody else can append one meanwhile.
        step, before = taken.step, taken.status
    if expected is not None and before != expected:
        raise _overtaken(order_id, before, expected)
    legal = FIRST_STATUSES if before is None else TRANSITIONS.get(before, ())
    if status not in legal:
        raise ConflictError(
            f"The order {order_id} is {before or 'new'} and cannot become {status}.",
            hint=f"From there it can become {', '.join(legal)}." if legal else "That is where it ends.",
            where={"order_id": order_id, "status": before},
        )
    return Change(account_id, order_id, step + 1, status, before, actor_type, actor, notes)


def _overtaken(order_id: str, status: str | None, expected: str | None) -> ConflictError:
    return ConflictError(
        f"The order {order_id} is {status or 'new'}, not {expected or 'new'} any more.",
        hint="Somebody else was first; look at it again.",
        where={"order_id": order_id, "status": status},
    )


async def begin(
    session: AsyncSession,
    account_id: UUID,
    statuses: Mapping[str, str],
    *,
    actor: str,
    notes: Mapping[str, str],
) -> None:
    """Begin the history of orders that have none (order → first status), as the marketplace says; as `move` else.

    All of them at once. The orders are held by the caller's transaction, which wrote them.
    """
    load_steps()
    changes = [
        Change(account_id, order_id, 1, status, None, "marketplace", actor, notes[order_id])
        for order_id, status in statuses.items()
    ]
    if changes:
        await _append(session, account_id, changes, None)


async def _append(
    session: AsyncSession,
    account_id: UUID,
    changes: Sequence[Change],
    next_attempt_at: datetime | None,
    hand: tuple[str, datetime] | None = None,
) -> tuple[datetime, bool]:
    """Write steps, one an order; settle what failed before, tell who watches, publish.

    `hand`: a worker, and until when it keeps those orders that are its own and have a step to do. Gives when it was, and
    whether the worker has all of them still. Raises ConflictError where an order has taken its step before.
    """
    at = now()
    steps = [
        {
            "order_id": one.order_id,
            "step": one.step,
            "status": one.status,
            "previous_status": one.previous,
            "actor_type": one.actor_type,
            "actor": one.actor,
            "notes": one.notes,
            "next_attempt_at": next_attempt_at or (at if one.status in STEPS else None),
        }
        for one in changes
    ]
    settled = [
        {"order_id": one.order_id, "process_name": name, "resolution": resolution}
        for one in changes
        for name, resolution in _settled(one).items()
    ]
    worker, lease_until = hand or (None, None)
    told = await queries.insert_steps(
        session,
        account_id,
        orjson.dumps(steps).decode(),
        settled=orjson.dumps(settled).decode(),
        at=at,
        worker=worker,
        lease_until=lease_until,
    )
    for one in changes:
        if one.order_id not in told:
            held = await current(session, account_id, one.order_id)
            raise _overtaken(one.order_id, held.status if held else None, one.previous)
    for one in changes:
        for watcher in WATCHERS.get(one.status, ()):
            await watcher(session, one)
    await publish_many(
        session,
        [
            NewEvent(
                type=f"mirakl.order.{one.status}",
                subject=one.order_id,
                source="/entrepot/mirakl",
                time=at,
                data=told[one.order_id].told,
                dedupe_key=f"{one.order_id}/{one.step}",
                account_id=account_id,
            )
            for one in changes
        ],
    )
    return at, all(one.is_kept for one in told.values())


def _settled(change: Change) -> dict[str, str]:
    """The failures that are over with a step, each with how: that of the step before, and what is declared."""
    found = dict(SETTLED.get(change.status, {}))
    if change.previous in STEPS and not _is_open(change.status):
        found[STEPS[change.previous].name] = f"It went well in the end: the order is {change.status}."
    return found


def _is_open(status: str) -> bool:
    """Whether what failed before may still be open when an order comes to a status."""
    return status.endswith("_failed") or status in ("waiting_for_person", "accepting", "refusing")


async def rest(
    session: AsyncSession, taken: Taken, next_attempt_at: datetime | None, *, failed: bool = False
) -> bool:
    """Leave an order where it is until `next_attempt_at` (None: until somebody wakes it), and give it back.

    `failed` counts an attempt, so that the next pause is longer. False when the order has moved on meanwhile, or is
    somebody else's by now: then nothing changes.
    """
    return await driving_queries.put_off(
        session,
        taken.account_id,
        taken.order_id,
        step=taken.step,
        worker=taken.worker,
        next_attempt_at=next_attempt_at,
        counts=failed,
    )


async def wake(session: AsyncSession, account_id: UUID, order_id: str) -> None:
    """Make the step of an order due now, its attempts forgotten; raises NotFoundError."""
    if not await driving_queries.wake(session, account_id, order_id, now()):
        raise NotFoundError(f"There is no order {order_id!r}.", where={"order_id": order_id})
