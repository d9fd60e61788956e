"""The inbox of failures: what went wrong, why, what happens next; retrying and resolving."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.failures import queries
from entrepot.mirakl.failures.plain import plain_json, plain_text
from entrepot.mirakl.failures.redacting import bounded

#: Pauses before a failure is tried again by itself: the first, doubled each time, up to the longest.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
#: How often it may fail until a person has to decide.
MOST_TIMES = 10
#: How long a retry may be under way without being heard of; then the failure is open again.
HEARD_OF = timedelta(hours=1)

#: What sets a failed step going again: `async def again(session, failure)`, in the account's transaction.
Again = Callable[[AsyncSession, RowMapping], Awaitable[None]]

#: Step → what a retry of it does. A step without an entry is resolved by a person.
RETRIES: dict[str, Again] = {}


def retried_by(*process_names: str) -> Callable[[Again], Again]:
    """Register what a retry of some steps does."""

    def register(function: Again) -> Again:
        for name in process_names:
            RETRIES[name] = function
        return function

    return register


async def fail(
    session: AsyncSession,
    account_id: UUID,
    process_name: str,
    related_id: str,
    *,
    kind: str,
    details: str,
    next_step: str | None = None,
    payload: Mapping[str, Any] | None = None,
    order_id: str | None = None,
    next_attempt_at: datetime | None = None,
    automatic: bool = False,
) -> UUID:
    """Put a failure into the inbox; one that is open there for the same step and thing is counted once more.

    `kind`: transient, permanent, unknown or decision (a person has to decide). `payload` holds no secrets; times and
    decimals are fine in it. With `automatic` it is tried again by itself, at `next_attempt_at` or later, ever more
    seldom, up to MOST_TIMES; without, at `next_attempt_at`, or when a person says so.
    """
    at = now()
    return await queries.insert_failure(
        session,
        {
            "account_id": account_id,
            "process_name": process_name,
            "related_id": _name(related_id),
            "order_id": None if order_id is None else _name(order_id),
            "kind": kind,
            "details": bounded(plain_text(details), 4000),
            "next_step": next_step,
            "payload": None if payload is None else plain_json(payload),
            "next_attempt_at": next_attempt_at,
            "at": at,
            "automatic": automatic,
            "first_attempt_at": at + FIRST_PAUSE if automatic else None,
            "first_pause": FIRST_PAUSE.total_seconds(),
            "longest_pause": LONGEST_PAUSE.total_seconds(),
            "most_times": MOST_TIMES,
        },
    )


def _name(text: str) -> str:
    # A failure about something with an impossible name is a failure as well.
    return plain_text(text)[:255]


async def resolve(
    session: AsyncSession, account_id: UUID, failure_id: UUID, *, by: UUID | None, resolution: str
) -> None:
    """Mark a failure as resolved; raises NotFoundError, ConflictError where it was resolved before.

    `resolution` says how; InvalidInputError where it says nothing.
    """
    if not resolution.strip():
        raise InvalidInputError("Say what was done about the failure.", where={"path": "resolution"})
    values = {
        "account_id": account_id,
        "failure_id": failure_id,
        "by": by,
        "resolution": bounded(plain_text(resolution.strip()), 4000),
        "at": now(),
    }
    if await queries.update_resolved(session, values):
        return
    await _explain(session, account_id, failure_id, "resolved")


async def resolved_by_itself(
    session: AsyncSession, account_id: UUID, related_id: str, *process_names: str, resolution: str
) -> int:
    """Close the open failures of steps that went well in the end; how many there were."""
    values = {
        "account_id": account_id,
        "related_id": _name(related_id),
        "process_names": list(process_names),
        "resolution": resolution,
        "at": now(),
    }
    return await queries.update_resolved_of(session, values)


async def retry(session: AsyncSession, account_id: UUID, failure_id: UUID) -> None:
    """Set a failed step going again; the failure is `retrying` until the step went well or failed again.

    Of two who do it at once one succeeds. Raises NotFoundError, ConflictError where it is not open or where nothing can
    be tried again.
    """
    load_retries()
    found = await queries.select_failure(session, account_id, failure_id)
    if found is not None and found["state"] == "open" and found["process_name"] not in RETRIES:
        raise ConflictError(
            f"{found['process_name']} cannot be tried again by the program.",
            hint=found["next_step"] or "Mend the cause, then resolve the failure.",
            where={"failure_id": str(failure_id)},
        )
    taken = await queries.update_retrying(session, account_id, failure_id, now() + HEARD_OF)
    if taken is None:
        await _explain(session, account_id, failure_id, "tried again")
        return
    await RETRIES[taken["process_name"]](session, taken)


async def retry_due(session: AsyncSession, account_id: UUID, failure_id: UUID) -> str:
    """What is due for a failure: trying it again (retried), or opening one whose retry was never heard of (reopened).

    gone: somebody was first; left: nothing can be tried again by itself, so it waits for a person from now on.
    """
    if await queries.update_reopened(session, account_id, failure_id, now()):
        return "reopened"
    load_retries()
    found = await queries.select_failure(session, account_id, failure_id)
    if found is None or found["state"] != "open" or not _is_due(found):
        return "gone"
    if found["process_name"] not in RETRIES:
        await queries.update_left(session, account_id, failure_id)
        return "left"
    try:
        await retry(session, account_id, failure_id)
    except ConflictError:
        return "gone"
    return "retried"


def _is_due(failure: RowMapping) -> bool:
    return failure["next_attempt_at"] is not None and failure["next_attempt_at"] <= now()


def load_retries() -> None:
    """Import every module of Mirakl operations that registers what a retry does."""
    from entrepot.mirakl.orders.steps import load_steps

    load_steps()


def can_retry(failure: RowMapping) -> bool:
    """Whether the program can set the step of a failure going again."""
    load_retries()
    return failure["state"] == "open" and failure["process_name"] in RETRIES


def what_next(failure: RowMapping) -> str:
    """What happens next with a failure, for people."""
    if failure["state"] == "resolved":
        return str(failure["resolution"] or "Resolved.")
    if failure["state"] == "retrying":
        return "It is being tried again."
    said = failure["next_step"]
    if failure["next_attempt_at"] is not None:
        at = f"{failure['next_attempt_at']:%Y-%m-%d %H:%M} UTC"
        return f"It is tried again by itself at {at}." + (f" {said}" if said else "")
    if said:
        return str(said)
    return "Retry it, or resolve it." if can_retry(failure) else "Mend the cause, then resolve it."


async def _explain(session: AsyncSession, account_id: UUID, failure_id: UUID, wanted: str) -> None:
    found = await queries.select_failure(session, account_id, failure_id)
    if found is None:
        raise NotFoundError(f"There is no failure {failure_id}.", where={"failure_id": str(failure_id)})
    raise ConflictError(
        f"The failure is {found['state']}, so it cannot be {wanted}.",
        hint=found["resolution"] or "Somebody else was first; look at it again.",
        where={"failure_id": str(failure_id), "state": found["state"]},
    )
