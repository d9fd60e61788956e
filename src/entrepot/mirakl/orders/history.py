"""The history that is an order's state: each step says what, by whom and why, and only legal steps are taken."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish
from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.mirakl.failures.inbox import resolved_by_itself
from entrepot.mirakl.orders import driving_queries
from entrepot.mirakl.orders import history_queries as queries
from entrepot.mirakl.orders.steps import STEPS, WATCHERS, Change, Taken, load_steps
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
    next_attempt_at: datetime | None = None,
) -> Status:
    """Append a step to an order's history, and say when the next may be taken; returns where the order is then.

    `actor_type`: rule, person, marketplace, carrier or worker. With `expected`, only from that status. Without
    `next_attempt_at` the step of the new status, where it has one, is due at once. What watches the status is told,
    and the event `mirakl.order.STATUS` is published, in the same transaction. Raises NotFoundError, and
    ConflictError where the step is not legal from where the order is, or where somebody else was first; the
    database refuses both as well.
    """
    load_steps()
    known = await queries.lock_order(session, account_id, order_id)
    if not known:
        raise NotFoundError(f"There is no order {order_id!r}.", where={"order_id": order_id})
    held = await current(session, account_id, order_id)
    before = held.status if held else None
    if expected is not None and before != expected:
        raise ConflictError(
            f"The order {order_id} is {before or 'new'}, not {expected} any more.",
            hint="Somebody else was first; look at it again.",
            where={"order_id": order_id, "status": before},
        )
    legal = FIRST_STATUSES if before is None else TRANSITIONS.get(before, ())
    if status not in legal:
        raise ConflictError(
            f"The order {order_id} is {before or 'new'} and cannot become {status}.",
            hint=f"From there it can become {', '.join(legal)}." if legal else "That is where it ends.",
            where={"order_id": order_id, "status": before},
        )
    at = now()
    step = held.step + 1 if held else 1
    if next_attempt_at is None and status in STEPS:
        next_attempt_at = at
    told = await queries.insert_step(
        session,
        {
            "account_id": account_id,
            "order_id": order_id,
            "step": step,
            "status": status,
            "previous_status": before,
            "actor_type": actor_type,
            "actor": actor,
            "notes": notes,
            "at": at,
            "next_attempt_at": next_attempt_at,
        },
    )
    if before in STEPS and not _is_open(status):
        await resolved_by_itself(
            session,
            account_id,
            order_id,
            STEPS[before].name,
            resolution=f"It went well in the end: the order is {status}.",
        )
    change = Change(account_id, order_id, step, status, before, actor_type, actor, notes)
    for watcher in WATCHERS.get(status, ()):
        await watcher(session, change)
    await publish(
        session,
        type=f"mirakl.order.{status}",
        subject=order_id,
        source="/entrepot/mirakl",
        time=at,
        data=told,
        dedupe_key=f"{order_id}/{step}",
        account_id=account_id,
    )
    return Status(order_id, step, status, at)


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


async def put_off(session: AsyncSession, account_id: UUID, at: Status, next_attempt_at: datetime) -> bool:
    """Say when the next step of an order is to be tried, if it is still where it was at `at`."""
    return await driving_queries.put_off(
        session,
        account_id,
        at.order_id,
        step=at.step,
        worker=None,
        next_attempt_at=next_attempt_at,
        counts=False,
    )


async def wake(session: AsyncSession, account_id: UUID, order_id: str) -> None:
    """Make the step of an order due now, its attempts forgotten; raises NotFoundError."""
    if not await driving_queries.wake(session, account_id, order_id, now()):
        raise NotFoundError(f"There is no order {order_id!r}.", where={"order_id": order_id})
