"""The history that is an order's state: each step says what, by whom and why, and only legal steps are taken."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import publish
from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.mirakl.orders import history_queries as queries
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
    """Append a step to an order's history, say when the next may be taken, and publish it as an event
    `mirakl.order.STATUS`; returns where the order is then.

    `actor_type`: rule, person, marketplace, carrier or worker. With `expected`, only from that status. Raises
    NotFoundError, and ConflictError where the step is not legal from where the order is, or where somebody else was
    first; the database refuses both as well.
    """
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
    await queries.insert_step(
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
    await publish(
        session,
        type=f"mirakl.order.{status}",
        subject=order_id,
        source="/entrepot/mirakl/orders",
        time=at,
        account_id=account_id,
        data={"order_id": order_id, "status": status, "previous": before, "by": actor_type},
    )
    return Status(order_id, step, status, at)
