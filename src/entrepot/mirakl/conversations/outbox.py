"""Replies: stored, then sent, then confirmed by the thread that shows them; each sent once.

A reply whose answer is lost is never simply sent again, since the marketplace knows no key by which it would notice:
its thread is read. Where the thread shows it, it was sent. Where the thread does not show it a minute after the attempt,
nor five minutes after, it never arrived, and it is sent again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.mirakl.conversations import outbox_queries, queries
from entrepot.mirakl.conversations.settings import reply_settings
from entrepot.mirakl.conversations.synchronizing import note_sent, recognize, summarize
from entrepot.mirakl.conversations.threads import UnreadableThreadError, read_thread
from entrepot.mirakl.failures.inbox import fail, retried_by
from entrepot.mirakl.failures.outcomes import Outcome, ServiceError

#: Longest reply that is stored.
LONGEST = 20_000
#: How long a worker may be at a reply before another looks what became of it; well over the longest call.
LEASE = timedelta(minutes=2)
#: When a thread is first looked at for a reply without an answer, and from when on it counts as never arrived.
FIRST_LOOK = timedelta(minutes=1)
NEVER_ARRIVED = timedelta(minutes=5)
#: Pauses after attempts that certainly sent nothing: the first, and the longest.
PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
#: Attempts after which a person hears of it, while it is tried on.
PATIENCE = 5
#: Answers that refuse whoever asks, and when it is tried again after one.
NOT_ADMITTED = (401, 403)
LOCKED_OUT = timedelta(minutes=10)
PROCESS = "MessageSending"


class ReplyService(Protocol):
    """What the marketplace has to offer for this; MiraklApi does."""

    async def reply(self, thread_id: str, body: str, to: Sequence[Mapping[str, str]]) -> str:
        """Send a message; the marketplace's identifier of it."""

    async def thread(self, thread_id: str) -> Mapping[str, Any]:
        """A thread with its messages."""


@dataclass(slots=True)
class Sent:
    """What became of replies that were due: sent, settled by reading the thread, put off, failed for good."""

    sent: list[UUID] = field(default_factory=list)
    settled: list[UUID] = field(default_factory=list)
    put_off: list[UUID] = field(default_factory=list)
    failed: list[UUID] = field(default_factory=list)


async def write_reply(
    session: AsyncSession,
    account_id: UUID,
    conversation: UUID | str,
    body: str,
    *,
    written_by: UUID | None = None,
    dedupe_key: str | None = None,
    recipient: str | None = None,
) -> UUID:
    """Store a person's reply, to be sent by the next worker; its identifier. Under the same key it is stored once.

    The conversation is read then, and gets no automatic replies any more. `conversation` is our identifier or the
    marketplace's. Raises NotFoundError, InvalidInputError, and ConflictError for a key that another text was stored
    under.
    """
    if not body.strip() or len(body) > LONGEST or "\0" in body:
        raise InvalidInputError(
            f"A reply has from 1 to {LONGEST:,} characters, and no NUL.", where={"path": "body"}
        )
    found = await queries.select_conversation(session, account_id, str(conversation))
    if found is None:
        raise NotFoundError(f"There is no conversation {conversation}.")
    if recipient not in (None, "customer", "operator"):
        raise InvalidInputError("A reply is for the customer or the operator.", where={"path": "recipient"})
    await queries.hold_conversation(session, account_id, found["id"])
    recipient = recipient or ("customer" if found["customer_id"] else "operator")
    if recipient == "customer" and found["customer_id"] is None:
        raise InvalidInputError("There is no customer in this thread.", where={"path": "recipient"})
    stored = await outbox_queries.insert_reply(
        session,
        {
            "account_id": account_id,
            "conversation_id": found["id"],
            "body": body,
            "message_type": "manual",
            "template_number": None,
            "dedupe_key": dedupe_key,
            "at": now(),
            "written_by": written_by,
            "recipient": recipient,
        },
    )
    if stored is None:
        return await _stored_before(session, account_id, str(dedupe_key), body)
    await queries.withdraw_automatic(session, account_id, found["id"], "A person has answered.")
    settings = await reply_settings(session, account_id)
    await summarize(session, account_id, found["id"], settings, status="read", off=True)
    return stored


async def send_due(db: Database, api: ReplyService, account_id: UUID, *, most: int = 1_000) -> Sent:
    """Send the replies that are due, and settle those whose answer was lost.

    Any number of workers may run it at once, and be killed anywhere.
    """
    done = Sent()
    for _ in range(most):
        if not (await _settle_next(db, api, account_id, done) or await _send_next(db, api, account_id, done)):
            break
    return done


async def _send_next(db: Database, api: ReplyService, account_id: UUID, done: Sent) -> bool:
    async with db.tenant(account_id=account_id) as session:
        at = now()
        found = await outbox_queries.select_next(session, account_id, ["pending"], at)
        if found is None:
            return False
        if found["message_type"] == "auto_reply" and await _is_late(session, account_id, found, at):
            return True
        if not await outbox_queries.take(session, account_id, found["id"], at=at, until=at + LEASE):
            return True
    try:
        message_id = await api.reply(found["mirakl_thread_id"], found["body"], _to(found))
    except ServiceError as error:
        async with db.tenant(account_id=account_id) as session:
            await _record_error(session, account_id, found, error, done)
        return True
    async with db.tenant(account_id=account_id) as session:
        await queries.hold_conversation(session, account_id, found["conversation_id"])
        await note_sent(
            session, account_id, found["id"], message_id, now(), automatic=_automatic(found), seen=False
        )
        await _say(session, account_id, found["conversation_id"])
    done.sent.append(found["id"])
    return True


async def _is_late(session: AsyncSession, account_id: UUID, found: RowMapping, at: datetime) -> bool:
    """Whether an automatic reply is not to be sent now: what spoke for it may be over since it was stored."""
    settings = await reply_settings(session, account_id)
    seen_to = found["automatic_replies_off"] or found["no_automatic_replies"] or found["status"] != "unread"
    opens = settings.hours(found["time_zone"]).next_open(at)
    if seen_to or not settings.enabled or opens is None:
        why = "Somebody has seen to the conversation." if seen_to else "Automatic replies are switched off."
        await _put_off(session, account_id, found, "withdrawn", None, why)
        return True
    if opens > at:
        await _put_off(session, account_id, found, "pending", opens, "Business is closed.")
        return True
    return False


async def _settle_next(db: Database, api: ReplyService, account_id: UUID, done: Sent) -> bool:
    async with db.tenant(account_id=account_id) as session:
        at = now()
        found = await outbox_queries.select_next(session, account_id, ["sending", "unknown"], at)
        if found is None:
            return False
        if not await outbox_queries.take_unknown(session, account_id, found["id"], at=at, until=at + LEASE):
            return True
    try:
        thread = read_thread(await api.thread(found["mirakl_thread_id"]))
    except (ServiceError, UnreadableThreadError) as error:
        async with db.tenant(account_id=account_id) as session:
            await _cannot_look(session, account_id, found, error, at)
        done.put_off.append(found["id"])
        return True
    async with db.tenant(account_id=account_id) as session:
        await queries.hold_conversation(session, account_id, found["conversation_id"])
        known = await queries.select_known(session, account_id, [one.message_id for one in thread.messages])
        fresh = [one for one in thread.messages if one.message_id not in known]
        waiting = {
            row["id"]
            for row in await queries.select_on_their_way(session, account_id, found["conversation_id"])
        }
        await recognize(session, account_id, found["conversation_id"], fresh)
        still = {
            row["id"]
            for row in await queries.select_on_their_way(session, account_id, found["conversation_id"])
        }
        done.settled.extend(waiting - still)
        await _say(session, account_id, found["conversation_id"])
        if found["id"] in still:
            await _not_there(session, account_id, found, at)
            done.put_off.append(found["id"])
    return True


async def _cannot_look(
    session: AsyncSession,
    account_id: UUID,
    found: RowMapping,
    error: ServiceError | UnreadableThreadError,
    at: datetime,
) -> None:
    """The thread cannot be read: look again, with pauses that grow; a person hears of it when that goes on."""
    since = at - found["last_attempt_at"]
    again = at + min(max(since, FIRST_LOOK), LONGEST_PAUSE)
    await _put_off(session, account_id, found, "unknown", again, str(error))
    if since >= LONGEST_PAUSE or getattr(error, "outcome", None) is Outcome.PERMANENT:
        await _tell(
            session, account_id, found, "unknown", f"whether it arrived cannot be seen: {error}", again
        )


async def _not_there(session: AsyncSession, account_id: UUID, found: RowMapping, at: datetime) -> None:
    """The thread does not show it: look once more when it must have arrived, and send again after that."""
    sure_at = found["last_attempt_at"] + NEVER_ARRIVED
    if at >= sure_at:
        await _put_off(session, account_id, found, "pending", at, "The thread does not show it.")
        if found["attempts"] >= PATIENCE:
            details = f"{found['attempts']} attempts did not arrive"
            await _tell(session, account_id, found, "transient", details, at)
    else:
        await _put_off(session, account_id, found, "unknown", sure_at, "The thread does not show it yet.")


async def _record_error(
    session: AsyncSession, account_id: UUID, found: RowMapping, error: ServiceError, done: Sent
) -> None:
    at, attempts = now(), found["attempts"] + 1
    if error.outcome is Outcome.UNKNOWN:
        await _put_off(session, account_id, found, "unknown", at + FIRST_LOOK, str(error))
        done.put_off.append(found["id"])
        return
    if error.outcome is Outcome.TRANSIENT:
        pause = min(LONGEST_PAUSE, PAUSE * 2 ** min(attempts - 1, 10))
        pause = max(pause, timedelta(seconds=error.retry_after or 0))
        await _put_off(session, account_id, found, "pending", at + pause, str(error))
        done.put_off.append(found["id"])
        if attempts >= PATIENCE:
            await _tell(session, account_id, found, "transient", f"{error} ({attempts} attempts)", at + pause)
        return
    if error.status in NOT_ADMITTED:
        # It is the key that is refused, not the reply: it goes on by itself when there is another.
        await _put_off(session, account_id, found, "pending", at + LOCKED_OUT, str(error))
        done.put_off.append(found["id"])
        await _tell(session, account_id, found, "permanent", str(error), at + LOCKED_OUT)
        return
    await _put_off(session, account_id, found, "failed", None, str(error))
    done.failed.append(found["id"])
    await _tell(session, account_id, found, "permanent", str(error), None)


async def _tell(
    session: AsyncSession,
    account_id: UUID,
    found: RowMapping,
    kind: str,
    details: str,
    next_attempt_at: datetime | None,
) -> None:
    await fail(
        session,
        account_id,
        PROCESS,
        str(found["id"]),
        kind=kind,
        details=f"A reply in thread {found['mirakl_thread_id']} could not be sent: {details}",
        next_step="Retry sends it again, and looks first whether it arrived; or answer on the marketplace.",
        next_attempt_at=next_attempt_at,
    )


@retried_by(PROCESS)
async def _again(session: AsyncSession, failure: RowMapping) -> None:
    if not await outbox_queries.send_again(
        session, failure["account_id"], UUID(failure["related_id"]), now()
    ):
        raise ConflictError("There is nothing to try again: the reply was sent, or withdrawn.")


async def _put_off(
    session: AsyncSession,
    account_id: UUID,
    found: RowMapping,
    sending: str,
    next_attempt_at: datetime | None,
    error: str,
) -> None:
    await outbox_queries.record_not_sent(
        session,
        {
            "account_id": account_id,
            "id": found["id"],
            "sending": sending,
            "next_attempt_at": next_attempt_at,
            "error": error[:1000].replace("\0", "\N{SYMBOL FOR NULL}"),
        },
    )


async def _say(session: AsyncSession, account_id: UUID, conversation_id: UUID) -> None:
    settings = await reply_settings(session, account_id)
    await summarize(session, account_id, conversation_id, settings)


async def _stored_before(session: AsyncSession, account_id: UUID, dedupe_key: str, body: str) -> UUID:
    before = await outbox_queries.select_of_key(session, account_id, dedupe_key)
    if before is None or before["body"] != body:
        raise ConflictError(
            "Another reply was stored under this key.",
            hint="Use a key of its own for each reply.",
            where={"dedupe_key": dedupe_key},
        )
    found: UUID = before["id"]
    return found


def _to(found: RowMapping) -> list[dict[str, str]]:
    if found["recipient"] == "operator":
        return [{"type": "OPERATOR"}]
    return [{"type": "CUSTOMER", "id": found["mirakl_customer_id"]}]


def _automatic(found: RowMapping) -> bool:
    return bool(found["message_type"] == "auto_reply")
